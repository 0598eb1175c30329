"""PyTorch's data types over NumPy's, and its promotion.

What enters: dtypes, and operands as (kind of operand, dtype). What leaves: dtypes, or RuntimeError
and TypeError in PyTorch's words. It must not know tensors.
"""

import sys
from collections.abc import Iterable
from functools import cache
from math import isfinite
from typing import Any

import numpy as np

from .._base import dtypes as base

__all__ = ["dtype", "finfo", "iinfo"]


class dtype:
    """A data type of tensors: one object for each, compared by identity."""

    def __init__(self, name: str, number: Any, rank: int) -> None:
        self._name = name
        self._numpy = number
        self._rank = rank  # 0 bool, 1 integers, 2 floating point, 3 complex

    @property
    def numpy(self) -> Any:
        """NumPy's dtype for it."""
        if self._numpy is None:
            self._numpy = base.bfloat16()
        return self._numpy

    @property
    def is_floating_point(self) -> bool:
        """Whether it is real floating point."""
        return self._rank == 2

    @property
    def is_complex(self) -> bool:
        """Whether it is complex."""
        return self._rank == 3

    @property
    def is_signed(self) -> bool:
        """Whether it has negative numbers."""
        return self._rank > 1 or (self._rank == 1 and not self._name.startswith("u"))

    @property
    def itemsize(self) -> int:
        """Bytes of an element."""
        return int(self.numpy.itemsize)

    def to_real(self) -> "dtype":
        """The dtype of the parts of a complex one; a real one itself."""
        return {complex64: float32, complex128: float64}.get(self, self)

    def to_complex(self) -> "dtype":
        """The complex dtype whose parts are of this one. RuntimeError where there is none."""
        if self._rank == 3:
            return self
        if self is float64:
            return complex128
        if self is float32:
            return complex64
        raise RuntimeError(f"to_complex: no complex dtype has parts of {self}")

    def __repr__(self) -> str:
        return f"torch.{self._name}"

    def __reduce__(self) -> Any:
        return _named, (self._name,)

    def __copy__(self) -> "dtype":
        return self

    def __deepcopy__(self, memo: Any) -> "dtype":
        return self


def _named(name: str) -> dtype:
    return NAMES[name]


bool_ = dtype("bool", base.bool_, 0)
uint8 = dtype("uint8", base.canonical("uint8"), 1)
int8 = dtype("int8", base.canonical("int8"), 1)
int16 = dtype("int16", base.canonical("int16"), 1)
int32 = dtype("int32", base.canonical("int32"), 1)
int64 = dtype("int64", base.int64, 1)
uint16 = dtype("uint16", base.canonical("uint16"), 1)
uint32 = dtype("uint32", base.canonical("uint32"), 1)
uint64 = dtype("uint64", base.uint64, 1)
float16 = dtype("float16", base.float16, 2)
bfloat16 = dtype("bfloat16", None, 2)
float32 = dtype("float32", base.float32, 2)
float64 = dtype("float64", base.float64, 2)
complex64 = dtype("complex64", base.complex64, 3)
complex128 = dtype("complex128", base.complex128, 3)

ALL = (
    bool_, uint8, int8, int16, int32, int64, uint16, uint32, uint64,
    float16, bfloat16, float32, float64, complex64, complex128,
)  # fmt: skip
NAMES = {d._name: d for d in ALL}
ALIASES = {
    "half": float16, "float": float32, "double": float64, "short": int16, "int": int32,
    "long": int64, "cfloat": complex64, "cdouble": complex128,
}  # fmt: skip
_BY_NUMPY = {d._numpy: d for d in ALL if d._numpy is not None}
_WIDE = (uint16, uint32, uint64)


def of(number: Any) -> dtype:
    """The dtype of a NumPy dtype. Raises TypeError for one that tensors can't have."""
    found = _BY_NUMPY.get(number)
    if found is None:
        if getattr(number, "name", "") != "bfloat16":
            raise TypeError(f"can't convert np.ndarray of type {number}")
        found = _BY_NUMPY[number] = bfloat16
    return found


class _Default:
    """The dtype of floating-point numbers that say nothing else."""

    real = float32


def default() -> dtype:
    """The default floating-point dtype."""
    return _Default.real


def set_default(d: Any) -> None:
    """Set the default dtype. Raises TypeError for what is not floating point."""
    if type(d) is not dtype:
        raise TypeError(f"invalid dtype object: only floating-point types are supported as the "
                        f"default type, got {d!r}")  # fmt: skip
    if d._rank != 2:
        raise TypeError("only floating-point types are supported as the default type")
    _Default.real = d


_INTEGERS = {int8: 8, int16: 16, int32: 32, int64: 64}
_known: dict[tuple[dtype, dtype], dtype] = {}


def promote(a: dtype, b: dtype) -> dtype:
    """The dtype that both are converted to. Raises RuntimeError where PyTorch has none."""
    if a is b:
        return a
    found = _known.get((a, b))
    if found is None:
        found = _known[a, b] = _promoted(a, b)
    return found


def _promoted(a: dtype, b: dtype) -> dtype:
    if a._rank != b._rank:
        low, high = (a, b) if a._rank < b._rank else (b, a)
        if high._rank == 3 and low is float64:
            return complex128
        return high
    if a._rank == 2:
        if {a, b} == {float16, bfloat16}:
            return float32
        return max(a, b, key=(float16, bfloat16, float32, float64).index)
    if a._rank == 3:
        return complex128
    if a in _WIDE or b in _WIDE:
        raise RuntimeError(
            "Promotion for uint16, uint32, uint64 types is not supported, attempted to promote "
            f"{TITLES.get(a, a)} and {TITLES.get(b, b)}"
        )
    if uint8 in (a, b):
        other = b if a is uint8 else a
        return int16 if other is int8 else other
    return max(a, b, key=_INTEGERS.__getitem__)


# The names that PyTorch's texts have for scalar types.
TITLES = {
    bool_: "Bool", uint8: "Byte", int8: "Char", int16: "Short", int32: "Int", int64: "Long",
    uint16: "UInt16", uint32: "UInt32", uint64: "UInt64", float16: "Half", bfloat16: "BFloat16",
    float32: "Float", float64: "Double", complex64: "ComplexFloat", complex128: "ComplexDouble",
}  # fmt: skip


def scalar_dtype(value: Any) -> dtype:
    """The dtype of a tensor made from a Python number."""
    if isinstance(value, bool):
        return bool_
    if isinstance(value, int):
        return int64
    if isinstance(value, float):
        return default()
    if isinstance(value, complex):
        return default().to_complex() if default() is not float16 else complex64
    raise TypeError(f"expected a number, got {type(value).__name__}")


def result(dims: Iterable[dtype], zeros: Iterable[dtype], numbers: Iterable[dtype]) -> dtype:
    """PyTorch's result type: of tensors with axes, of those without, of Python numbers.

    A class of operands counts only where its kind (bool, integer, floating point, complex) is
    higher than those of the classes before it.
    """
    out: dtype | None = None
    for group in (dims, zeros, numbers):
        found: dtype | None = None
        for d in group:
            found = d if found is None else promote(found, d)
        if found is None:
            continue
        if out is None:
            out = found
        elif found._rank == 3 and out._rank == 2:  # half precision has no complex dtype here
            out = complex64 if out.itemsize == 2 else out.to_complex()
        elif found._rank > out._rank:
            out = found
    if out is None:
        raise ValueError("at least one argument is required")
    return out


def can_cast(source: dtype, target: dtype) -> bool:
    """Whether PyTorch lets a result of `source` be stored in `target`."""
    if source._rank == 3 and target._rank != 3:
        return False
    if source._rank == 2 and target._rank in (0, 1):
        return False
    return not (source._rank != 0 and target._rank == 0)


class finfo:
    """Limits of a floating-point dtype: bits, eps, max, min, tiny, smallest_normal, resolution."""

    def __init__(self, type: dtype | None = None) -> None:
        found = default() if type is None else type
        if found._rank < 2:
            raise TypeError(
                f"torch.finfo() requires a floating point input type. Use torch.iinfo to handle "
                f"'{found._name}'"
            )
        real = found.to_real()
        info = _limits(real.numpy)
        self.dtype = real._name
        self.bits = real.itemsize * 8
        self.eps = float(info.eps)
        self.max = float(info.max)
        self.min = float(info.min)
        self.tiny = self.smallest_normal = float(info.smallest_normal)
        self.resolution = 10.0**-info.precision

    def __repr__(self) -> str:
        return (
            f"finfo(resolution={self.resolution:g}, min={self.min:g}, max={self.max:g}, "
            f"eps={self.eps:g}, smallest_normal={self.smallest_normal:g}, tiny={self.tiny:g}, "
            f"dtype={self.dtype})"
        )


@cache
def _largest(of: dtype) -> float:
    return finfo(of).max


def _limits(number: Any) -> Any:
    """NumPy's finfo, or that of the package that a dtype is from."""
    home = sys.modules[number.type.__module__.split(".")[0]]
    return home.finfo(number)


# C++'s names, which messages have.
C_NAMES = {
    "float16": "c10::Half", "bfloat16": "c10::BFloat16", "float32": "float", "float64": "double",
    "uint8": "uint8_t", "int8": "int8_t", "int16": "int16_t", "int32": "int", "int64": "int64_t",
    "uint16": "uint16_t", "uint32": "uint32_t", "uint64": "uint64_t",
}  # fmt: skip


def python(value: Any) -> Any:
    """A number among operands, or a tensor that stands for one, as Python's: NumPy's bool and
    complex64, which are no subclasses of Python's types, go in by their real value as floats, as in
    PyTorch.
    """
    if type(value) in _PYTHONS or not hasattr(value, "item"):
        return value
    if isinstance(value, np.bool_ | np.complex64):
        return float(value.real)
    return value.item()


_PYTHONS = (bool, int, float, complex)


def fit(value: Any, to: dtype, wraps: bool = False) -> Any:
    """A Python number, or NumPy's, as one of a dtype. Integers wrap around where `wraps`
    says so, and negative ones in unsigned dtypes. Raises RuntimeError for what doesn't fit.
    """
    value = python(value)
    if to._rank == 3 or to._rank == 0:
        return value if to._rank else bool(value)
    if type(value) is complex and not value.imag:
        value = value.real
    fits = type(value) is not complex
    if fits and to._rank == 2:
        fits = wraps or not abs(value) > _largest(to) or abs(value) == float("inf")
    elif fits:
        info, whole = iinfo(to), type(value) is not float
        n = int(value) if whole or isfinite(value) else info.max + 1
        if wraps or (whole and -info.max <= n < info.min):
            n = (n - info.min) % (info.max - info.min + 1) + info.min
        value, fits = n, info.min <= n <= info.max
    if not fits:
        name = C_NAMES[to._name]
        raise RuntimeError(f"value cannot be converted to type {name} without overflow")
    return value


class iinfo:
    """Limits of an integer dtype: bits, max, min."""

    def __init__(self, type: dtype) -> None:
        if type._rank != 1:
            raise TypeError(
                f"torch.iinfo() requires an integer input type. Use torch.finfo to handle "
                f"'{type._name}'"
            )
        info = np.iinfo(type.numpy)
        self.dtype = type._name
        self.bits = info.bits
        self.max = int(info.max)
        self.min = int(info.min)

    def __repr__(self) -> str:
        return f"iinfo(min={self.min}, max={self.max}, dtype={self.dtype})"


# Python's types, which stand for dtypes.
PYTHON = {bool: bool_, int: int64, float: float64, complex: complex128}


def given(of: Any, name: str) -> dtype | None:
    """A dtype that was given as an argument, as itself or as one of Python's types. Raises
    TypeError for anything else.
    """
    if of is None or type(of) is dtype:
        return of
    found = PYTHON.get(of) if isinstance(of, type) else None
    if found is None:
        raise TypeError(
            f"{name}(): argument 'dtype' must be torch.dtype, not {type(of).__name__}"
        )
    return found
