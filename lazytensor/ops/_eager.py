"""Scalar instructions over a NumPy-like module: which function computes each, and an interpreter
that calls them.

What enters: arrays. What leaves: arrays. It must not know rows.
"""

from typing import Any

import numpy

from .._base.dtypes import DType, complex_of, uint32
from .._base.module import own
from ..ir.scalar import Interpreter
from ._error import erf

# Instruction -> the module's function; those that are missing have a form of their own below.
FUNCTIONS: dict[str, str] = {
    "neg": "negative",
    "sqrt": "sqrt",
    "floor": "floor",
    "ceil": "ceil",
    "trunc": "trunc",
    "rint": "rint",
    "exp": "exp",
    "expm1": "expm1",
    "log": "log",
    "log1p": "log1p",
    "log2": "log2",
    "log10": "log10",
    "sin": "sin",
    "cos": "cos",
    "tan": "tan",
    "asin": "arcsin",
    "acos": "arccos",
    "atan": "arctan",
    "sinh": "sinh",
    "cosh": "cosh",
    "tanh": "tanh",
    "asinh": "arcsinh",
    "acosh": "arccosh",
    "atanh": "arctanh",
    "erf": "erf",
    "sign": "sign",
    "conj": "conjugate",
    "invert": "invert",
    "abs": "absolute",
    "isnan": "isnan",
    "isinf": "isinf",
    "isfinite": "isfinite",
    "signbit": "signbit",
    "add": "add",
    "sub": "subtract",
    "mul": "multiply",
    "div": "divide",
    "floordiv": "floor_divide",
    "mod": "remainder",
    "fmod": "fmod",
    "pow": "power",
    "atan2": "arctan2",
    "hypot": "hypot",
    "copysign": "copysign",
    "nextafter": "nextafter",
    "logaddexp": "logaddexp",
    "max": "maximum",
    "min": "minimum",
    "and_": "bitwise_and",
    "or_": "bitwise_or",
    "xor": "bitwise_xor",
    "shl": "left_shift",
    "shr": "right_shift",
    "eq": "equal",
    "ne": "not_equal",
    "lt": "less",
    "le": "less_equal",
    "select": "where",
}

# Instructions that are not rounded to the last digit: targets may have functions of their own.
INEXACT = frozenset(
    (
        "exp", "expm1", "log", "log1p", "log2", "log10", "sin", "cos", "tan", "asin", "acos",
        "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "erf", "pow", "atan2", "hypot",
        "logaddexp",
    )
)  # fmt: skip
# Functions of whole arrays that targets may have of their own, by NumPy's names.
WHOLE = frozenset(("cumsum", "cumprod", "matmul", "take", "ascontiguousarray", "concatenate"))


def make_complex(np: Any, x: Any, y: Any) -> Any:
    """x + iy, keeping infinities, NaNs and signs of both parts."""
    out = np.empty(np.broadcast_shapes(x.shape, y.shape), complex_of(x.dtype))
    out.real = x
    out.imag = y
    return out


def expm1(np: Any, x: Any) -> Any:
    """exp(x) - 1 of complex x; on the real axis, and with infinite parts, the standard's cases."""
    re, im = x.real, x.imag
    y = np.where(im == 0, make_complex(np, np.expm1(re) + re.dtype.type(0), im), np.expm1(x))
    small = (re == -np.inf) & ~np.isfinite(im)
    y = np.where(small, np.asarray(complex(-1, 0), y.dtype), y)
    large = (re == np.inf) & ~np.isfinite(im)
    return np.where(large, np.asarray(complex(np.inf, np.nan), y.dtype), y)


def tanh(np: Any, x: Any) -> Any:
    """tanh of complex x; at infinite real parts the imaginary part has the sign of x's, as the
    standard has it."""
    y = np.tanh(x)
    edge = np.isinf(x.real) & np.isfinite(x.imag)
    imag = np.where(edge, np.copysign(x.real.dtype.type(0), x.imag), y.imag)
    return make_complex(np, y.real, imag)


def integer_power(np: Any, x: Any, y: Any) -> Any:
    """x ** y of signed integers; to negative powers as C's truncated quotient: 0, 1 or -1."""
    negative = y < 0
    p = np.power(x, np.where(negative, y & 1, y))
    return np.where(negative, np.where((x == 1) | (x == -1), p, np.zeros_like(p)), p)


def error_function(np: Any, x: Any) -> Any:
    """erf: that of the module, if it has one, else by scalar instructions."""
    function = own(np, "erf")
    return function(x) if function else erf(Eager(np), x)


def complex_multiply(np: Any, x: Any, y: Any) -> Any:
    """Products of complex numbers, each part rounded as two products and a sum.

    NumPy's own loop fuses one product with the sum, or does not, by the layout of its arrays.
    """
    out = np.empty(np.broadcast_shapes(x.shape, y.shape), x.dtype)
    a, b, c, d = x.real, x.imag, y.real, y.imag
    np.subtract(np.multiply(a, c), np.multiply(b, d), out=out.real)
    np.add(np.multiply(a, d), np.multiply(b, c), out=out.imag)
    return out


class ComplexProduct:
    """What `numpy.multiply` is to trees of products, by `complex_multiply`."""

    def __init__(self, np: Any) -> None:
        self.np = np

    def __call__(self, x: Any, y: Any, out: Any = None) -> Any:
        product = complex_multiply(self.np, x, y)
        if out is None:
            return product
        out[...] = product
        return out

    def reduce(self, x: Any, axis: int) -> Any:
        """Products along an axis, in order."""
        rows = self.np.moveaxis(x, axis, 0)
        out = rows[0].copy()  # as a ufunc's, the result is never a view of the argument
        for row in rows[1:]:
            self(out, row, out)
        return out


# (instruction, kind of the first operand) -> what computes it where NumPy's function has other
# special cases.
SPECIAL: dict[tuple[str, str], Any] = {
    ("expm1", "c"): expm1,
    ("tanh", "c"): tanh,
    ("mul", "c"): complex_multiply,
    ("erf", "f"): error_function,
    ("pow", "i"): integer_power,
    ("complex", "f"): make_complex,
}


def convert(np: Any, x: Any, dtype: DType) -> Any:
    """`astype`; complex to real takes the real part, to bool tests for zero. Floating-point numbers
    become 32-bit unsigned integers by way of 64-bit ones: NumPy's own loop gives what is out of
    range by the place in the array.
    """
    if x.dtype.kind == "c" and dtype.kind != "c":
        return (x != 0) if dtype.kind == "b" else convert(np, x.real, dtype)
    if dtype is uint32 and x.dtype.kind not in "biu":
        x = x.astype(np.int64)
    return x.astype(dtype)


class Eager(Interpreter):
    """Computes each instruction at once. `np` is the module of the device."""

    def __init__(self, np: Any = numpy) -> None:
        self.np = np

    def emit(self, name: str, dtype: DType, *operands: Any) -> Any:
        """The array of one instruction."""
        special = SPECIAL.get((name, operands[0].dtype.kind))
        if special is not None:
            return special(self.np, *operands)
        if name in ("real", "imag"):
            return getattr(operands[0], name)
        return getattr(self.np, FUNCTIONS[name])(*operands)

    def const(self, value: Any, dtype: DType) -> Any:
        """A 0-d array."""
        return self.np.asarray(value, dtype)

    def cast(self, value: Any, dtype: DType) -> Any:
        """As `convert`."""
        return convert(self.np, value, dtype)
