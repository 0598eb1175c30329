"""Elementwise functions: a chapter of the standard.

What enters: arrays, Python scalars next to them. What leaves: arrays. Arguments are broadcast and
promoted by `_rules`; integers where the standard asks for floating point are taken as float64. It
must not know how anything is computed.
"""

from typing import Any

from .._base.errors import publish
from . import _rules as rules
from ._rules import node_of, pair
from .array import Array

__all__ = [
    "abs", "acos", "acosh", "add", "asin", "asinh", "atan", "atan2", "atanh", "bitwise_and",
    "bitwise_invert", "bitwise_left_shift", "bitwise_or", "bitwise_right_shift", "bitwise_xor",
    "ceil", "clip", "conj", "copysign", "cos", "cosh", "divide", "equal", "exp", "expm1",
    "floor", "floor_divide", "greater", "greater_equal", "hypot", "imag", "isfinite", "isinf",
    "isnan", "less", "less_equal", "log", "log1p", "log2", "log10", "logaddexp", "logical_and",
    "logical_not", "logical_or", "logical_xor", "maximum", "minimum", "multiply", "negative",
    "nextafter", "not_equal", "positive", "pow", "real", "reciprocal", "remainder", "round",
    "sign", "signbit", "sin", "sinh", "sqrt", "square", "subtract", "tan", "tanh", "trunc",
]  # fmt: skip


def abs(x: Array, /) -> Array:
    """Absolute values, or moduli of complex numbers, which are real. Numeric and boolean.

    Raises TypeError for other dtypes. Standard: elementwise functions.
    """
    return Array(rules.ABS(node_of(x, "abs")))


def acos(x: Array, /) -> Array:
    """Inverse cosines, in radians. Floating-point dtypes; integers in float64.

    Raises TypeError for other dtypes. Standard: elementwise functions.
    """
    return Array(rules.ACOS(node_of(x, "acos")))


def acosh(x: Array, /) -> Array:
    """Inverse hyperbolic cosines. Floating-point dtypes; integers in float64.

    Raises TypeError for other dtypes. Standard: elementwise functions.
    """
    return Array(rules.ACOSH(node_of(x, "acosh")))


def add(x1: Array | complex, x2: Array | complex, /) -> Array:
    """x1 + x2; of booleans, logical or. Numeric and boolean dtypes.

    Raises TypeError for other dtypes, ValueError for shapes. Standard: elementwise functions.
    """
    return Array(rules.ADD(*pair("add", x1, x2)))


def asin(x: Array, /) -> Array:
    """Inverse sines, in radians. Floating-point dtypes; integers in float64.

    Raises TypeError for other dtypes. Standard: elementwise functions.
    """
    return Array(rules.ASIN(node_of(x, "asin")))


def asinh(x: Array, /) -> Array:
    """Inverse hyperbolic sines. Floating-point dtypes; integers in float64.

    Raises TypeError for other dtypes. Standard: elementwise functions.
    """
    return Array(rules.ASINH(node_of(x, "asinh")))


def atan(x: Array, /) -> Array:
    """Inverse tangents, in radians. Floating-point dtypes; integers in float64.

    Raises TypeError for other dtypes. Standard: elementwise functions.
    """
    return Array(rules.ATAN(node_of(x, "atan")))


def atan2(x1: Array | float, x2: Array | float, /) -> Array:
    """The angles of the points (x2, x1), in radians. Real floating-point dtypes; integers in
    float64.

    Raises TypeError for other dtypes, ValueError for shapes. Standard: elementwise functions.
    """
    return Array(rules.ATAN2(*pair("atan2", x1, x2)))


def atanh(x: Array, /) -> Array:
    """Inverse hyperbolic tangents. Floating-point dtypes; integers in float64.

    Raises TypeError for other dtypes. Standard: elementwise functions.
    """
    return Array(rules.ATANH(node_of(x, "atanh")))


def bitwise_and(x1: Array | int, x2: Array | int, /) -> Array:
    """Bitwise and; of booleans, logical and. Integer or boolean dtypes.

    Raises TypeError for other dtypes, ValueError for shapes. Standard: elementwise functions.
    """
    return Array(rules.BITWISE_AND(*pair("bitwise_and", x1, x2)))


def bitwise_invert(x: Array, /) -> Array:
    """Every bit the other way; of booleans, logical not. Integer or boolean dtypes.

    Raises TypeError for other dtypes. Standard: elementwise functions.
    """
    return Array(rules.INVERT(node_of(x, "bitwise_invert")))


def bitwise_left_shift(x1: Array | int, x2: Array | int, /) -> Array:
    """x1 * 2**x2 in the bits of x1; 0 for its width or more. Integer dtypes.

    Raises TypeError for other dtypes, ValueError for shapes. Standard: elementwise functions.
    """
    return Array(rules.LEFT_SHIFT(*pair("bitwise_left_shift", x1, x2)))


def bitwise_or(x1: Array | int, x2: Array | int, /) -> Array:
    """Bitwise or; of booleans, logical or. Integer or boolean dtypes.

    Raises TypeError for other dtypes, ValueError for shapes. Standard: elementwise functions.
    """
    return Array(rules.BITWISE_OR(*pair("bitwise_or", x1, x2)))


def bitwise_right_shift(x1: Array | int, x2: Array | int, /) -> Array:
    """x1 // 2**x2, keeping the sign. Integer dtypes.

    Raises TypeError for other dtypes, ValueError for shapes. Standard: elementwise functions.
    """
    return Array(rules.RIGHT_SHIFT(*pair("bitwise_right_shift", x1, x2)))


def bitwise_xor(x1: Array | int, x2: Array | int, /) -> Array:
    """Bitwise exclusive or; of booleans, whether they differ. Integer or boolean dtypes.

    Raises TypeError for other dtypes, ValueError for shapes. Standard: elementwise functions.
    """
    return Array(rules.BITWISE_XOR(*pair("bitwise_xor", x1, x2)))


def ceil(x: Array, /) -> Array:
    """Smallest integers not below the elements, in the dtype of x. Real numeric dtypes.

    Raises TypeError for other dtypes. Standard: elementwise functions.
    """
    return Array(rules.CEIL(node_of(x, "ceil")))


def clip(x: Array, /, min: Any = None, max: Any = None) -> Array:
    """The elements limited to an interval, either end of which may be None. Real dtypes.

    NaN in x or in an end stays. Raises TypeError for other dtypes, ValueError for shapes. Standard:
    elementwise functions.
    """
    return Array(rules.clip(node_of(x, "clip"), min, max))


def conj(x: Array, /) -> Array:
    """Complex conjugates; a real array is its own. Numeric dtypes.

    Raises TypeError for other dtypes. Standard: elementwise functions.
    """
    return Array(rules.CONJ(node_of(x, "conj")))


def copysign(x1: Array | float, x2: Array | float, /) -> Array:
    """x1 with the signs of x2. Real floating-point dtypes; integers in float64.

    Raises TypeError for other dtypes, ValueError for shapes. Standard: elementwise functions.
    """
    return Array(rules.COPYSIGN(*pair("copysign", x1, x2)))


def cos(x: Array, /) -> Array:
    """Cosines, x in radians. Floating-point dtypes; integers in float64.

    Raises TypeError for other dtypes. Standard: elementwise functions.
    """
    return Array(rules.COS(node_of(x, "cos")))


def cosh(x: Array, /) -> Array:
    """Hyperbolic cosines. Floating-point dtypes; integers in float64.

    Raises TypeError for other dtypes. Standard: elementwise functions.
    """
    return Array(rules.COSH(node_of(x, "cosh")))


def divide(x1: Array | complex, x2: Array | complex, /) -> Array:
    """x1 / x2; integers and booleans in float64. Numeric and boolean dtypes.

    Raises TypeError for other dtypes, ValueError for shapes. Standard: elementwise functions.
    """
    return Array(rules.DIVIDE(*pair("divide", x1, x2)))


def equal(x1: Array | complex, x2: Array | complex, /) -> Array:
    """Whether elements are equal; NaN equals nothing. Numeric and boolean dtypes.

    Raises TypeError for other dtypes, ValueError for shapes. Standard: elementwise functions.
    """
    return Array(rules.EQUAL(*pair("equal", x1, x2)))


def exp(x: Array, /) -> Array:
    """Exponentials. Floating-point dtypes; integers in float64.

    Raises TypeError for other dtypes. Standard: elementwise functions.
    """
    return Array(rules.EXP(node_of(x, "exp")))


def expm1(x: Array, /) -> Array:
    """exp(x) - 1, accurate for small x. Floating-point dtypes; integers in float64.

    Raises TypeError for other dtypes. Standard: elementwise functions.
    """
    return Array(rules.EXPM1(node_of(x, "expm1")))


def floor(x: Array, /) -> Array:
    """Largest integers not above the elements, in the dtype of x. Real numeric dtypes.

    Raises TypeError for other dtypes. Standard: elementwise functions.
    """
    return Array(rules.FLOOR(node_of(x, "floor")))


def floor_divide(x1: Array | float, x2: Array | float, /) -> Array:
    """x1 / x2 rounded down; integers divided by 0 give 0. Real numeric dtypes.

    Raises TypeError for other dtypes, ValueError for shapes. Standard: elementwise functions.
    """
    return Array(rules.FLOOR_DIVIDE(*pair("floor_divide", x1, x2)))


def greater(x1: Array | float, x2: Array | float, /) -> Array:
    """Whether x1 > x2. Real dtypes, boolean too.

    Raises TypeError for other dtypes, ValueError for shapes. Standard: elementwise functions.
    """
    return Array(rules.GREATER(*pair("greater", x1, x2)))


def greater_equal(x1: Array | float, x2: Array | float, /) -> Array:
    """Whether x1 >= x2. Real dtypes, boolean too.

    Raises TypeError for other dtypes, ValueError for shapes. Standard: elementwise functions.
    """
    return Array(rules.GREATER_EQUAL(*pair("greater_equal", x1, x2)))


def hypot(x1: Array | float, x2: Array | float, /) -> Array:
    """sqrt(x1**2 + x2**2) without overflow. Real floating-point dtypes; integers in float64.

    Raises TypeError for other dtypes, ValueError for shapes. Standard: elementwise functions.
    """
    return Array(rules.HYPOT(*pair("hypot", x1, x2)))


def imag(x: Array, /) -> Array:
    """Imaginary parts; zeros of a real array. Numeric dtypes.

    Raises TypeError for other dtypes. Standard: elementwise functions.
    """
    return Array(rules.imag(node_of(x, "imag")))


def isfinite(x: Array, /) -> Array:
    """Whether elements are neither infinite nor NaN. Numeric and boolean dtypes.

    Raises TypeError for other dtypes. Standard: elementwise functions.
    """
    return Array(rules.ISFINITE(node_of(x, "isfinite")))


def isinf(x: Array, /) -> Array:
    """Whether elements are infinite, in either part. Numeric and boolean dtypes.

    Raises TypeError for other dtypes. Standard: elementwise functions.
    """
    return Array(rules.ISINF(node_of(x, "isinf")))


def isnan(x: Array, /) -> Array:
    """Whether elements are NaN, in either part. Numeric and boolean dtypes.

    Raises TypeError for other dtypes. Standard: elementwise functions.
    """
    return Array(rules.ISNAN(node_of(x, "isnan")))


def less(x1: Array | float, x2: Array | float, /) -> Array:
    """Whether x1 < x2. Real dtypes, boolean too.

    Raises TypeError for other dtypes, ValueError for shapes. Standard: elementwise functions.
    """
    return Array(rules.LESS(*pair("less", x1, x2)))


def less_equal(x1: Array | float, x2: Array | float, /) -> Array:
    """Whether x1 <= x2. Real dtypes, boolean too.

    Raises TypeError for other dtypes, ValueError for shapes. Standard: elementwise functions.
    """
    return Array(rules.LESS_EQUAL(*pair("less_equal", x1, x2)))


def log(x: Array, /) -> Array:
    """Natural logarithms; of negative real numbers NaN. Floating-point dtypes; integers in float64.

    Raises TypeError for other dtypes. Standard: elementwise functions.
    """
    return Array(rules.LOG(node_of(x, "log")))


def log10(x: Array, /) -> Array:
    """Logarithms to base 10. Floating-point dtypes; integers in float64.

    Raises TypeError for other dtypes. Standard: elementwise functions.
    """
    return Array(rules.LOG10(node_of(x, "log10")))


def log1p(x: Array, /) -> Array:
    """log(1 + x), accurate for small x. Floating-point dtypes; integers in float64.

    Raises TypeError for other dtypes. Standard: elementwise functions.
    """
    return Array(rules.LOG1P(node_of(x, "log1p")))


def log2(x: Array, /) -> Array:
    """Logarithms to base 2. Floating-point dtypes; integers in float64.

    Raises TypeError for other dtypes. Standard: elementwise functions.
    """
    return Array(rules.LOG2(node_of(x, "log2")))


def logaddexp(x1: Array | float, x2: Array | float, /) -> Array:
    """log(exp(x1) + exp(x2)) without overflow. Real floating-point dtypes; integers in float64.

    Raises TypeError for other dtypes, ValueError for shapes. Standard: elementwise functions.
    """
    return Array(rules.LOGADDEXP(*pair("logaddexp", x1, x2)))


def logical_and(x1: Array | bool, x2: Array | bool, /) -> Array:
    """Whether both are true, or not zero. Boolean and numeric dtypes.

    Raises TypeError for other dtypes, ValueError for shapes. Standard: elementwise functions.
    """
    return Array(rules.LOGICAL_AND(*pair("logical_and", x1, x2)))


def logical_not(x: Array, /) -> Array:
    """Whether elements are false, or zero. Boolean and numeric dtypes.

    Raises TypeError for other dtypes. Standard: elementwise functions.
    """
    return Array(rules.logical_not(node_of(x, "logical_not")))


def logical_or(x1: Array | bool, x2: Array | bool, /) -> Array:
    """Whether either is true, or not zero. Boolean and numeric dtypes.

    Raises TypeError for other dtypes, ValueError for shapes. Standard: elementwise functions.
    """
    return Array(rules.LOGICAL_OR(*pair("logical_or", x1, x2)))


def logical_xor(x1: Array | bool, x2: Array | bool, /) -> Array:
    """Whether one is true, or not zero, and not the other. Boolean and numeric dtypes.

    Raises TypeError for other dtypes, ValueError for shapes. Standard: elementwise functions.
    """
    return Array(rules.LOGICAL_XOR(*pair("logical_xor", x1, x2)))


def maximum(x1: Array | float, x2: Array | float, /) -> Array:
    """The greater of each pair; NaN if either is. Real dtypes, boolean too.

    Raises TypeError for other dtypes, ValueError for shapes. Standard: elementwise functions.
    """
    return Array(rules.MAXIMUM(*pair("maximum", x1, x2)))


def minimum(x1: Array | float, x2: Array | float, /) -> Array:
    """The smaller of each pair; NaN if either is. Real dtypes, boolean too.

    Raises TypeError for other dtypes, ValueError for shapes. Standard: elementwise functions.
    """
    return Array(rules.MINIMUM(*pair("minimum", x1, x2)))


def multiply(x1: Array | complex, x2: Array | complex, /) -> Array:
    """x1 * x2; of booleans, logical and. Numeric and boolean dtypes.

    Raises TypeError for other dtypes, ValueError for shapes. Standard: elementwise functions.
    """
    return Array(rules.MULTIPLY(*pair("multiply", x1, x2)))


def negative(x: Array, /) -> Array:
    """The elements with the other sign; unsigned integers wrap. Numeric dtypes.

    Raises TypeError for other dtypes. Standard: elementwise functions.
    """
    return Array(rules.NEGATIVE(node_of(x, "negative")))


def nextafter(x1: Array | float, x2: Array | float, /) -> Array:
    """The numbers next to x1 on the way to x2. Real floating-point dtypes; integers in float64.

    Raises TypeError for other dtypes, ValueError for shapes. Standard: elementwise functions.
    """
    return Array(rules.NEXTAFTER(*pair("nextafter", x1, x2)))


def not_equal(x1: Array | complex, x2: Array | complex, /) -> Array:
    """Whether elements differ; NaN differs from itself. Numeric and boolean dtypes.

    Raises TypeError for other dtypes, ValueError for shapes. Standard: elementwise functions.
    """
    return Array(rules.NOT_EQUAL(*pair("not_equal", x1, x2)))


def positive(x: Array, /) -> Array:
    """The elements as they are. Numeric dtypes.

    Raises TypeError for other dtypes. Standard: elementwise functions.
    """
    return Array(rules.positive(node_of(x, "positive")))


def pow(x1: Array | complex, x2: Array | complex, /) -> Array:
    """x1 to the power x2; integers wrap, and to negative powers are 0 but for 1 and -1. Numeric
    dtypes.

    Raises TypeError for other dtypes, ValueError for shapes. Standard: elementwise functions.
    """
    return Array(rules.POW(*pair("pow", x1, x2)))


def real(x: Array, /) -> Array:
    """Real parts; a real array is its own. Numeric dtypes.

    Raises TypeError for other dtypes. Standard: elementwise functions.
    """
    return Array(rules.REAL(node_of(x, "real")))


def reciprocal(x: Array, /) -> Array:
    """1 / x. Floating-point dtypes; integers in float64.

    Raises TypeError for other dtypes. Standard: elementwise functions.
    """
    return Array(rules.RECIPROCAL(node_of(x, "reciprocal")))


def remainder(x1: Array | float, x2: Array | float, /) -> Array:
    """What x1 // x2 leaves, with the sign of x2; of integers by 0, 0. Real numeric dtypes.

    Raises TypeError for other dtypes, ValueError for shapes. Standard: elementwise functions.
    """
    return Array(rules.REMAINDER(*pair("remainder", x1, x2)))


def round(x: Array, /) -> Array:
    """Nearest integers, halves to even, in the dtype of x. Numeric dtypes.

    Raises TypeError for other dtypes. Standard: elementwise functions.
    """
    return Array(rules.ROUND(node_of(x, "round")))


def sign(x: Array, /) -> Array:
    """Signs: -1, 0 or 1; x / |x| of complex numbers; NaN of NaN. Numeric dtypes.

    Raises TypeError for other dtypes. Standard: elementwise functions.
    """
    return Array(rules.SIGN(node_of(x, "sign")))


def signbit(x: Array, /) -> Array:
    """Whether the sign bit is set, as it is for -0.0. Real numeric dtypes.

    Raises TypeError for other dtypes. Standard: elementwise functions.
    """
    return Array(rules.SIGNBIT(node_of(x, "signbit")))


def sin(x: Array, /) -> Array:
    """Sines, x in radians. Floating-point dtypes; integers in float64.

    Raises TypeError for other dtypes. Standard: elementwise functions.
    """
    return Array(rules.SIN(node_of(x, "sin")))


def sinh(x: Array, /) -> Array:
    """Hyperbolic sines. Floating-point dtypes; integers in float64.

    Raises TypeError for other dtypes. Standard: elementwise functions.
    """
    return Array(rules.SINH(node_of(x, "sinh")))


def sqrt(x: Array, /) -> Array:
    """Square roots; of negative real numbers NaN. Floating-point dtypes; integers in float64.

    Raises TypeError for other dtypes. Standard: elementwise functions.
    """
    return Array(rules.SQRT(node_of(x, "sqrt")))


def square(x: Array, /) -> Array:
    """x * x. Numeric dtypes.

    Raises TypeError for other dtypes. Standard: elementwise functions.
    """
    return Array(rules.SQUARE(node_of(x, "square")))


def subtract(x1: Array | complex, x2: Array | complex, /) -> Array:
    """x1 - x2; unsigned integers wrap. Numeric dtypes.

    Raises TypeError for other dtypes, ValueError for shapes. Standard: elementwise functions.
    """
    return Array(rules.SUBTRACT(*pair("subtract", x1, x2)))


def tan(x: Array, /) -> Array:
    """Tangents, x in radians. Floating-point dtypes; integers in float64.

    Raises TypeError for other dtypes. Standard: elementwise functions.
    """
    return Array(rules.TAN(node_of(x, "tan")))


def tanh(x: Array, /) -> Array:
    """Hyperbolic tangents. Floating-point dtypes; integers in float64.

    Raises TypeError for other dtypes. Standard: elementwise functions.
    """
    return Array(rules.TANH(node_of(x, "tanh")))


def trunc(x: Array, /) -> Array:
    """The integers next to the elements towards zero, in the dtype of x. Real numeric dtypes.

    Raises TypeError for other dtypes. Standard: elementwise functions.
    """
    return Array(rules.TRUNC(node_of(x, "trunc")))


publish(globals())
