"""Python's and NumPy's data as arrays: which dtype it means, and what becomes of each number.

What enters: numbers, nested sequences of them, NumPy's arrays and scalars, one-element tensors in
sequences. What leaves: new arrays. Everything is refused as PyTorch refuses it.
"""

import operator
from collections.abc import Iterable, Sequence
from functools import reduce
from itertools import chain
from math import isfinite, ldexp
from typing import Any

import numpy as np

from . import _dtypes
from ._dtypes import default, dtype, promote, scalar_dtype
from .tensor import Tensor

__all__ = ["as_array", "checked"]

Array = np.ndarray[Any, Any]
MOST_AXES = 128

# What Python's numbers of these types mean, but for those that depend on the default dtype.
_SEQUENCES = frozenset({list, tuple, range, np.ndarray, bytearray})
_NUMBERS = frozenset({bool, int, float, complex})


def as_array(data: Any, of: dtype | None) -> Array:
    """Data as a new array, of a dtype or what it means.

    Raises TypeError and RuntimeError for what is no number, ValueError for ragged data and ints
    beyond 64 bits, RuntimeError for what the dtype has no number for.
    """
    if isinstance(data, np.ndarray):
        return converted(checked(data), of)
    if hasattr(data, "__array_interface__") and not isinstance(data, np.generic):
        return converted(np.asarray(data), of)
    if hasattr(data, "__dlpack__") and not isinstance(data, np.generic):
        return converted(np.from_dlpack(data), of)
    shape = _shape(data)
    to = _meant(data) if of is None else of
    if 0 in shape:
        return np.zeros(shape, to.numpy)
    return _stored(_flat(data, shape), to).reshape(shape)


def checked(found: Array) -> Array:
    """The array, if there are tensors of its kind. Raises TypeError and ValueError."""
    if found.dtype.kind not in "biufcV":
        raise TypeError(_NO_DTYPE.format(found.dtype.type.__name__))
    if any(s < 0 for s in found.strides):
        raise ValueError(
            "At least one stride in the given numpy array is negative, and tensors with negative "
            "strides are not currently supported. (You can probably work around this by making a "
            "copy of your array  with array.copy().) "
        )
    if not found.dtype.isnative:
        raise ValueError(
            "given numpy array has byte order different from the native byte order. Conversion "
            "between byte orders is currently not supported."
        )
    _dtypes.of(found.dtype)
    return found


_NO_DTYPE = (
    "can't convert np.ndarray of type numpy.{}. The only supported types are: float64, float32, "
    "float16, complex64, complex128, int64, int32, int16, int8, uint64, uint32, uint16, uint8, and "
    "bool."
)


def converted(found: Array, of: dtype | None) -> Array:
    """A copy of an array, in a dtype."""
    if of is None or of.numpy == found.dtype:
        return np.array(found, order="C")
    with np.errstate(all="ignore"):
        if of.itemsize == 2 and of.is_floating_point and found.dtype.itemsize == 8:
            found = found.astype(np.float32)
        if found.dtype.kind == "c" and of._rank in (1, 2):
            found = found.real
        return np.array(found.astype(of.numpy), order="C")


# --- shapes ---------------------------------------------------------------------------------------


def _is_sequence(x: Any) -> bool:
    kind = type(x)
    if kind in _SEQUENCES:
        return True
    if kind in _NUMBERS or issubclass(kind, dict | Tensor):
        return False
    if issubclass(kind, np.generic) and not issubclass(kind, str | bytes):
        return False
    return hasattr(kind, "__getitem__") and hasattr(kind, "__len__")


def _shape(data: Any) -> tuple[int, ...]:
    """The lengths of the sequence, of its first element, and so on."""
    shape: list[int] = []
    if isinstance(data, str | bytes):
        raise TypeError(f"new(): invalid data type '{'str' if isinstance(data, str) else 'bytes'}'")
    while _is_sequence(data):
        shape.append(len(data))
        if len(shape) > MOST_AXES:
            name = "str" if isinstance(data, str) else type(data).__name__
            raise ValueError(f"too many dimensions '{name}'")
        if not shape[-1] or isinstance(data, bytes):
            break
        data = data[0]
    return tuple(shape)


def _flat(data: Any, shape: Sequence[int]) -> list[Any]:
    """The elements in order. Raises TypeError and ValueError for ragged data."""
    found = [data]
    for axis, n in enumerate(shape):
        for x in found:
            if not _is_sequence(x):
                raise TypeError("not a sequence")
            if len(x) != n:
                raise ValueError(f"expected sequence of length {n} at dim {axis} (got {len(x)})")
        found = list(chain.from_iterable(found))
    return found


# --- dtypes ---------------------------------------------------------------------------------------


def _meant(data: Any) -> dtype:
    """The dtype of data that says nothing else."""
    if isinstance(data, str | bytes):
        raise TypeError(f"new(): invalid data type '{'str' if isinstance(data, str) else 'bytes'}'")
    if isinstance(data, np.ndarray):
        return _dtypes.of(checked(data).dtype)
    if _is_sequence(data):
        return _common(data)
    if isinstance(data, Tensor):
        return data.dtype
    if isinstance(data, np.generic):
        return _dtypes.of(checked(np.asarray(data)).dtype)
    if isinstance(data, float | complex):
        return scalar_dtype(data)
    if isinstance(data, bool):
        return _dtypes.bool_
    if hasattr(data, "__index__"):
        return _dtypes.int64
    raise RuntimeError(f"Could not infer dtype of {type(data).__name__}")


def _common(items: Iterable[Any]) -> dtype:
    """The dtype that all items are promoted to."""
    kinds: dict[type, Any] = {}
    others = []
    for x in items:
        if type(x) in _NUMBERS:
            kinds[type(x)] = x
        else:
            others.append(x)
    found = [_meant(x) for x in (*kinds.values(), *others)]
    return reduce(promote, found) if found else default()


# --- numbers --------------------------------------------------------------------------------------


def _stored(flat: list[Any], to: dtype) -> Array:
    """Numbers in a dtype."""
    if not _NUMBERS.issuperset(map(type, flat)):
        flat = [_item(x, to) for x in flat]
    if to._rank == 0:
        return np.array([_truth(x) for x in flat], np.bool_)
    if to._rank == 1:
        return _integers(flat, to)
    if to._rank == 2:
        if any(type(x) is not float for x in flat):
            flat = [ldexp(x, 0) for x in flat]  # TypeError for what is no real number
        return converted(np.array(flat, np.float64), to)
    with np.errstate(all="ignore"):
        return np.array([complex(x) for x in flat], np.complex128).astype(to.numpy)


def _truth(x: Any) -> bool:
    """Raises TypeError for what is no number."""
    if not isinstance(x, int | float | complex | np.generic):
        raise TypeError(f"'{type(x).__name__}' object cannot be interpreted as an integer")
    return bool(x)


def _item(x: Any, to: dtype) -> Any:
    """The number that a tensor or one of NumPy's scalars is. Raises ValueError for more numbers."""
    if isinstance(x, Tensor):
        if x._node.size != 1:
            raise ValueError("only one element tensors can be converted to Python scalars")
        return x.item()
    number = isinstance(x, np.floating | np.complexfloating | np.integer)
    return x.item() if number and to is not _dtypes.uint64 else x


def _integers(flat: list[Any], to: dtype) -> Array:
    if to is _dtypes.uint64:
        return _unsigned(flat)
    if any(type(x) is not int for x in flat):
        flat = [_integer(x, to) for x in flat]
    try:
        found = np.array(flat, np.int64)
    except OverflowError:
        raise ValueError("Overflow when unpacking long long") from None
    if to is not _dtypes.int64:
        most = np.iinfo(to.numpy).max
        least = np.iinfo(to.numpy).min if to.is_signed else -most
        if found.min() < least or found.max() > most:
            raise _overflow(to)
    return found.astype(to.numpy)


def _integer(x: Any, to: dtype) -> int:
    """A number cut to an integer. Raises RuntimeError where that is beyond the dtype."""
    if not isinstance(x, float):
        return operator.index(x)
    limits = np.iinfo(to.numpy)
    if not isfinite(x) or not limits.min <= int(x) <= limits.max or (x < 0 and not limits.min):
        raise _overflow(to)
    return int(x)


def _overflow(to: dtype) -> RuntimeError:
    return RuntimeError(f"value cannot be converted to type {to._name} without overflow")


def _unsigned(flat: list[Any]) -> Array:
    for x in flat:
        if not isinstance(x, int):
            raise TypeError("an integer is required")
        if x < 0:
            raise OverflowError("can't convert negative int to unsigned")
    return np.array(flat, np.uint64)
