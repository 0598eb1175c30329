"""Elementwise functions: a chapter of the standard.

What enters: arrays and Python scalars. What leaves: arrays. The rules (`_rules`) say which dtypes
each function takes and how they are promoted.
"""

from collections.abc import Callable
from typing import Any

from ..ir.op import Op
from ..ops import elementwise as rows
from . import _rules as rules
from ._rules import Binary, Unary, node_of
from .array import Array

__all__ = [
    "abs",
    "acos",
    "acosh",
    "add",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "bitwise_and",
    "bitwise_invert",
    "bitwise_left_shift",
    "bitwise_or",
    "bitwise_right_shift",
    "bitwise_xor",
    "ceil",
    "clip",
    "conj",
    "copysign",
    "cos",
    "cosh",
    "divide",
    "equal",
    "exp",
    "expm1",
    "floor",
    "floor_divide",
    "greater",
    "greater_equal",
    "hypot",
    "imag",
    "isfinite",
    "isinf",
    "isnan",
    "less",
    "less_equal",
    "log",
    "log1p",
    "log2",
    "log10",
    "logaddexp",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "maximum",
    "minimum",
    "multiply",
    "negative",
    "nextafter",
    "not_equal",
    "positive",
    "pow",
    "real",
    "reciprocal",
    "remainder",
    "round",
    "sign",
    "signbit",
    "sin",
    "sinh",
    "sqrt",
    "square",
    "subtract",
    "tan",
    "tanh",
    "trunc",
]


def _named(function: Any, name: str, doc: str, raises: str) -> Any:
    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"{doc}\n\n    Raises {raises}. Standard: elementwise functions.\n    "
    return function


def _of_one(rule: Unary, doc: str) -> Callable[[Array], Array]:
    """A function of one array by its rule."""

    def function(x: Array, /) -> Array:
        return Array(rule(node_of(x, rule.name)))

    return _named(function, rule.name, doc, "TypeError for other dtypes")  # type: ignore[no-any-return]


def _unary(
    name: str, op: Op, doc: str, kinds: str = "fc", lifted: str = "", kept: str = ""
) -> Callable[[Array], Array]:
    """A function of one array: dtypes of `kinds`, those `lifted` to them, those `kept` as
    they are.
    """
    return _of_one(Unary(name, op, kinds, lifted, kept), doc)


def _binary(
    rule: Binary, doc: str, name: str = "", swapped: bool = False
) -> Callable[[Any, Any], Array]:
    """A function of two arrays, or of an array and a Python scalar."""
    name = name or rule.name

    def function(x1: Any, x2: Any, /) -> Array:
        a, b = rules.operands(name, x1, x2)
        return Array(rule(b, a) if swapped else rule(a, b))

    errors = "TypeError for other dtypes, ValueError for shapes that don't broadcast"
    return _named(function, name, doc, errors)  # type: ignore[no-any-return]


abs = _of_one(
    rules.ABS,
    "Absolute values; moduli of complex numbers, as real numbers. Raises nothing for bool.",
)
acos = _unary(
    "acos",
    rows.acos,
    "Inverse cosines in radians, in [0, π] for real x; NaN outside [-1, 1].",
    "fc",
    "biu",
)
acosh = _unary(
    "acosh", rows.acosh, "Inverse hyperbolic cosines; NaN for real x below 1.", "fc", "biu"
)
asin = _unary(
    "asin",
    rows.asin,
    "Inverse sines in radians, in [-π/2, π/2] for real x; NaN outside [-1, 1].",
    "fc",
    "biu",
)
asinh = _unary("asinh", rows.asinh, "Inverse hyperbolic sines.", "fc", "biu")
atan = _unary(
    "atan", rows.atan, "Inverse tangents in radians, in [-π/2, π/2] for real x.", "fc", "biu"
)
atanh = _unary(
    "atanh", rows.atanh, "Inverse hyperbolic tangents; NaN for real x outside [-1, 1].", "fc", "biu"
)
bitwise_invert = _of_one(rules.INVERT, "Every bit inverted; for bool, logical not.")
ceil = _unary(
    "ceil", rows.ceil, "The smallest integers not below x, in the dtype of x.", "f", "", "biu"
)
conj = _of_one(rules.CONJ, "Complex conjugates; real arrays are their own.")
cos = _unary("cos", rows.cos, "Cosines, x in radians.", "fc", "biu")
cosh = _unary("cosh", rows.cosh, "Hyperbolic cosines.", "fc", "biu")
exp = _unary("exp", rows.exp, "Exponentials, e to the power x.", "fc", "biu")
expm1 = _unary("expm1", rows.expm1, "exp(x) - 1, accurate for x near 0.", "fc", "biu")
floor = _unary(
    "floor", rows.floor, "The largest integers not above x, in the dtype of x.", "f", "", "biu"
)
isfinite = _unary(
    "isfinite", rows.isfinite, "Whether each element is neither infinite nor NaN, as bool.", "biufc"
)
isinf = _unary(
    "isinf", rows.isinf, "Whether each element, or a part of it, is infinite, as bool.", "biufc"
)
isnan = _unary(
    "isnan", rows.isnan, "Whether each element, or a part of it, is NaN, as bool.", "biufc"
)
log = _unary(
    "log", rows.log, "Natural logarithms; -inf of 0, NaN of negative numbers.", "fc", "biu"
)
log10 = _unary(
    "log10", rows.log10, "Logarithms to base 10; -inf of 0, NaN of negative numbers.", "fc", "biu"
)
log1p = _unary("log1p", rows.log1p, "log(1 + x), accurate for x near 0.", "fc", "biu")
log2 = _unary(
    "log2", rows.log2, "Logarithms to base 2; -inf of 0, NaN of negative numbers.", "fc", "biu"
)
logical_not = _unary(
    "logical_not",
    rows.invert,
    "Logical not, as bool; numbers count as true unless they are 0.",
    "b",
    "iufc",
)
negative = _of_one(rules.NEGATIVE, "Negation; unsigned integers wrap.")
real = _of_one(rules.REAL, "Real parts; of real arrays the arrays themselves.")
reciprocal = _unary("reciprocal", rows.reciprocal, "1 / x; infinite where x is 0.", "fc", "biu")
round = _of_one(rules.ROUND, "Nearest integers, halves to even, in the dtype of x.")
sign = _unary(
    "sign", rows.sign, "-1, 0 or 1 by sign; x / abs(x) for complex numbers; NaN of NaN.", "iufc"
)
signbit = _unary(
    "signbit", rows.signbit, "Whether the sign bit is set, also of -0 and NaN, as bool.", "f"
)
sin = _unary("sin", rows.sin, "Sines, x in radians.", "fc", "biu")
sinh = _unary("sinh", rows.sinh, "Hyperbolic sines.", "fc", "biu")
sqrt = _unary("sqrt", rows.sqrt, "Square roots; NaN of negative real numbers.", "fc", "biu")
square = _unary("square", rows.square, "Squares, x * x.", "iufc")
tan = _unary("tan", rows.tan, "Tangents, x in radians.", "fc", "biu")
tanh = _unary("tanh", rows.tanh, "Hyperbolic tangents.", "fc", "biu")
trunc = _unary(
    "trunc", rows.trunc, "The nearest integers towards zero, in the dtype of x.", "f", "", "biu"
)

add = _binary(rules.ADD, "Sums.")
atan2 = _binary(rules.ATAN2, "Angles of the points (x2, x1) in radians, in [-π, π].")
bitwise_and = _binary(rules.BITWISE_AND, "Bitwise and; of bool logical and.")
bitwise_left_shift = _binary(
    rules.LEFT_SHIFT, "x1 * 2**x2 of integers; 0 for a shift by the width or more."
)
bitwise_or = _binary(rules.BITWISE_OR, "Bitwise or; of bool logical or.")
bitwise_right_shift = _binary(rules.RIGHT_SHIFT, "x1 // 2**x2 of integers, the sign kept.")
bitwise_xor = _binary(rules.BITWISE_XOR, "Bitwise exclusive or.")
copysign = _binary(rules.COPYSIGN, "x1 with the signs of x2.")
divide = _binary(rules.DIVIDE, "Quotients in floating point; integers as float64.")
equal = _binary(rules.EQUAL, "Whether x1 = x2, as bool.")
floor_divide = _binary(rules.FLOOR_DIVIDE, "Quotients rounded down; integer x // 0 is 0.")
greater = _binary(rules.LESS, "Whether x1 > x2, as bool.", "greater", swapped=True)
greater_equal = _binary(
    rules.LESS_EQUAL, "Whether x1 >= x2, as bool.", "greater_equal", swapped=True
)
hypot = _binary(rules.HYPOT, "sqrt(x1**2 + x2**2) without overflow.")
less = _binary(rules.LESS, "Whether x1 < x2, as bool.")
less_equal = _binary(rules.LESS_EQUAL, "Whether x1 <= x2, as bool.")
logaddexp = _binary(rules.LOGADDEXP, "log(exp(x1) + exp(x2)) without overflow.")
logical_and = _binary(
    rules.LOGICAL_AND, "Whether both hold, as bool; numbers count as true unless they are 0."
)
logical_or = _binary(
    rules.LOGICAL_OR, "Whether either holds, as bool; numbers count as true unless they are 0."
)
logical_xor = _binary(
    rules.LOGICAL_XOR, "Whether one holds and not both, as bool; numbers count as true unless 0."
)
maximum = _binary(rules.MAXIMUM, "The greater of each pair; NaN if either is.")
minimum = _binary(rules.MINIMUM, "The smaller of each pair; NaN if either is.")
multiply = _binary(rules.MULTIPLY, "Products.")
nextafter = _binary(rules.NEXTAFTER, "The numbers next to x1 in the direction of x2.")
not_equal = _binary(rules.NOT_EQUAL, "Whether x1 differs from x2, as bool.")
pow = _binary(rules.POW, "x1 to the power x2; integer powers wrap, negative ones give 0, 1 or -1.")
remainder = _binary(rules.REMAINDER, "Remainders with the signs of x2; integer x % 0 is 0.")
subtract = _binary(rules.SUBTRACT, "Differences.")


def clip(x: Array, /, min: Any = None, max: Any = None) -> Array:
    """x no smaller than `min` and no greater than `max`; NaN where x or a bound is NaN.

    Bounds are Python scalars or arrays that broadcast with x; None is no bound. Raises TypeError
    for other dtypes, ValueError for shapes. Standard: elementwise functions.
    """
    node = node_of(x, "clip")
    rules.MAXIMUM.admitted(node.dtype)
    for rule, bound in ((rules.MAXIMUM, min), (rules.MINIMUM, max)):
        if bound is not None:
            node = rule(*rules.operands("clip", Array(node), bound))
    return Array(node)


def imag(x: Array, /) -> Array:
    """Imaginary parts; of real arrays zeros.

    Raises TypeError for bool. Standard: elementwise functions.
    """
    return Array(rules.imag(node_of(x, "imag")))


def positive(x: Array, /) -> Array:
    """The array itself, +x.

    Raises TypeError for bool. Standard: elementwise functions.
    """
    return Array(rules.positive(node_of(x, "positive")))
