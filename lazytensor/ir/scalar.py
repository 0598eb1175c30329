"""Scalar instructions: all that a target must emit, and their result kinds.

A row's `body` is written over an interpreter `s` whose methods are these instructions, applied to
values that carry a `dtype`. What enters and leaves is up to the interpreter; it must not know rows.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Protocol

from .._base.dtypes import DType, bool_, complex_of, real_of

# name -> (number of operands, result): 'same' as the first operand, 'bool', 'real' part's dtype,
# 'complex' of it, or 'second' (the dtype of the second operand).
INSTRUCTIONS: dict[str, tuple[int, str]] = {
    **dict.fromkeys(
        (
            "neg", "sqrt", "floor", "ceil", "trunc", "rint", "exp", "expm1", "log", "log1p",
            "log2", "log10", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh",
            "asinh", "acosh", "atanh", "erf", "sign", "conj", "invert",
        ),
        (1, "same"),
    ),
    "abs": (1, "real"),
    "real": (1, "real"),
    "imag": (1, "real"),
    **dict.fromkeys(("isnan", "isinf", "isfinite", "signbit"), (1, "bool")),
    **dict.fromkeys(
        (
            "add", "sub", "mul", "div", "floordiv", "mod", "fmod", "pow", "atan2", "hypot",
            "copysign", "nextafter", "logaddexp", "max", "min", "and_", "or_", "xor", "shl", "shr",
        ),
        (2, "same"),
    ),
    # Of reductions alone: of two elements the one whose place is kept, the first if they are equal.
    **dict.fromkeys(("argmax", "argmin"), (2, "same")),
    "complex": (2, "complex"),
    **dict.fromkeys(("eq", "ne", "lt", "le"), (2, "bool")),
    "select": (3, "second"),
}  # fmt: skip


class Value(Protocol):
    """What an interpreter computes with."""

    dtype: DType


def result_dtype(name: str, *operands: Value) -> DType:
    """The dtype that an instruction gives for these operands."""
    rule = INSTRUCTIONS[name][1]
    dtype = operands[1 if rule == "second" else 0].dtype
    if rule == "bool":
        return bool_
    if rule == "real":
        return real_of(dtype)
    return complex_of(dtype) if rule == "complex" else dtype


class Interpreter:
    """Base of interpreters: turns `s.sin(x)` into `self.emit("sin", dtype, x)`.

    Subclasses give `emit(name, dtype, *values)`, `const(value, dtype)` and `cast(value, dtype)`.
    Python scalars among operands become constants of the dtype of the first operand that has one.
    """

    def emit(self, name: str, dtype: DType, *operands: Any) -> Any:
        """One instruction."""
        raise NotImplementedError

    def const(self, value: Any, dtype: DType) -> Any:
        """A constant."""
        raise NotImplementedError

    def cast(self, value: Any, dtype: DType) -> Any:
        """A value converted to a dtype; out-of-range and NaN to integers as NumPy's `astype`."""
        raise NotImplementedError

    def __getattr__(self, name: str) -> Any:
        if name not in INSTRUCTIONS:
            raise AttributeError(f"there is no scalar instruction {name!r}")

        def instruction(*operands: Any) -> Any:
            like = next(o.dtype for o in reversed(operands) if hasattr(o, "dtype"))
            values = [o if hasattr(o, "dtype") else self.const(o, like) for o in operands]
            return self.emit(name, result_dtype(name, *values), *values)

        return instruction


class _Noted:
    """A value of which only the dtype is known, and which step gives it."""

    __slots__ = ("dtype", "number")

    def __init__(self, dtype: DType, number: int) -> None:
        self.dtype = dtype
        self.number = number


class _Steps(Interpreter):
    """Notes what a body is made of."""

    def __init__(self) -> None:
        self.steps: list[tuple[Any, ...]] = []

    def emit(self, name: str, dtype: DType, *operands: Any) -> _Noted:
        """Note an instruction."""
        return self._step(dtype, name, *(o.number for o in operands))

    def const(self, value: Any, dtype: DType) -> _Noted:
        """Note a constant."""
        return self._step(dtype, "const", repr(value), dtype.name)

    def cast(self, value: Any, dtype: DType) -> _Noted:
        """Note a conversion."""
        return self._step(dtype, "cast", value.number, dtype.name)

    def _step(self, dtype: DType, *step: Any) -> _Noted:
        self.steps.append(step)
        return _Noted(dtype, len(self.steps) - 1)


@lru_cache(4096)
def steps(
    body: Callable[..., Any], dtypes: tuple[DType, ...], params: tuple[Any, ...]
) -> tuple[tuple[Any, ...], ...]:
    """All that a body does with an element, for arguments of some dtypes: names and what they are
    applied to (earlier steps by number, arguments as -1, -2, …), then the result's number.
    """
    noted = _Steps()
    result = body(noted, *(_Noted(d, -i) for i, d in enumerate(dtypes, 1)), *params)
    return (*noted.steps, ("result", result.number))


@lru_cache(4096)
def instructions(
    body: Callable[..., Any], dtypes: tuple[DType, ...], params: tuple[Any, ...]
) -> tuple[str, ...]:
    """The names of a body's instructions for an element, for arguments of some dtypes; constants
    and conversions are none.
    """
    return tuple([name for name, *_ in steps(body, dtypes, params) if name in INSTRUCTIONS])
