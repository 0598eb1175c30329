"""Scalar instructions over a NumPy-like module: which function computes each, and an interpreter that calls them.

What enters: arrays. What leaves: arrays. It must not know rows.
"""

from typing import Any

import numpy

from .._base.dtypes import DType, complex_of
from ..ir.scalar import Interpreter

# Instruction -> the module's function; those that are missing have a form of their own below.
FUNCTIONS: dict[str, str] = {
    "neg": "negative", "sqrt": "sqrt", "floor": "floor", "ceil": "ceil", "trunc": "trunc", "rint": "rint",
    "exp": "exp", "expm1": "expm1", "log": "log", "log1p": "log1p", "log2": "log2", "log10": "log10",
    "sin": "sin", "cos": "cos", "tan": "tan", "asin": "arcsin", "acos": "arccos", "atan": "arctan",
    "sinh": "sinh", "cosh": "cosh", "tanh": "tanh", "asinh": "arcsinh", "acosh": "arccosh",
    "atanh": "arctanh", "sign": "sign", "conj": "conjugate", "invert": "invert", "abs": "absolute",
    "isnan": "isnan", "isinf": "isinf", "isfinite": "isfinite", "signbit": "signbit", "add": "add",
    "sub": "subtract", "mul": "multiply", "div": "divide", "floordiv": "floor_divide", "mod": "remainder",
    "fmod": "fmod", "pow": "power", "atan2": "arctan2", "hypot": "hypot", "copysign": "copysign",
    "nextafter": "nextafter", "logaddexp": "logaddexp", "max": "maximum", "min": "minimum",
    "and_": "bitwise_and", "or_": "bitwise_or", "xor": "bitwise_xor", "shl": "left_shift",
    "shr": "right_shift", "eq": "equal", "ne": "not_equal", "lt": "less", "le": "less_equal",
    "select": "where",
}  # fmt: skip


def make_complex(np: Any, x: Any, y: Any) -> Any:
    """x + iy, keeping infinities, NaNs and signs of both parts."""
    out = np.empty(np.broadcast_shapes(x.shape, y.shape), complex_of(x.dtype))
    out.real = x
    out.imag = y
    return out


class Eager(Interpreter):
    """Computes each instruction at once. `np` is the module of the device."""

    def __init__(self, np: Any = numpy) -> None:
        self.np = np

    def emit(self, name: str, dtype: DType, *operands: Any) -> Any:
        """The array of one instruction."""
        if name == "complex":
            return make_complex(self.np, *operands)
        if name in ("real", "imag"):
            return getattr(operands[0], name)
        return getattr(self.np, FUNCTIONS[name])(*operands)

    def const(self, value: Any, dtype: DType) -> Any:
        """A 0-d array."""
        return self.np.asarray(value, dtype)

    def cast(self, value: Any, dtype: DType) -> Any:
        """`astype`."""
        return value.astype(dtype)
