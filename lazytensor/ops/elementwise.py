"""Elementwise rows: value, scalar body, partial derivatives.

Derivatives at kinks and of complex functions follow PyTorch. Rules build with `g` and with the
operators of nodes; they never import one another.
"""

from math import pi, sqrt
from typing import Any

from ..ir.op import NONDIFF
from . import _special
from ._eager import convert, make_complex
from ._families import binary, elementwise, is_complex, unary

F, C, R, N = "fc", "iufc", "f", "biufc"
LN2, LN10 = 0.6931471805599453, 2.302585092994046


def _zero(g: Any, y: Any, x: Any) -> None:
    return None


# --- one argument: arithmetic -------------------------------------------------------------------

negative = unary("negative", C, lambda np, x: np.negative(x), lambda s, x: s.neg(x),
                 lambda g, y, x: g.constant(-1, x), "Negation.")
square = unary("square", C, lambda np, x: _special.multiply(np, x, x), lambda s, x: s.mul(x, x),
               lambda g, y, x: x + x, "Square, x * x.")
reciprocal = unary("reciprocal", F, lambda np, x: np.divide(x.dtype.type(1), x),
                   lambda s, x: s.div(1, x), lambda g, y, x: -(y * y), "Reciprocal, 1 / x.")
sqrt_ = unary("sqrt", F, lambda np, x: np.sqrt(x), lambda s, x: s.sqrt(x),
              lambda g, y, x: 0.5 / y, "Square root; of a negative number NaN.")
floor = unary("floor", R, lambda np, x: np.floor(x), lambda s, x: s.floor(x), _zero,
              "Largest integer not above x.")
ceil = unary("ceil", R, lambda np, x: np.ceil(x), lambda s, x: s.ceil(x), _zero,
             "Smallest integer not below x.")
trunc = unary("trunc", R, lambda np, x: np.trunc(x), lambda s, x: s.trunc(x), _zero,
              "Integer nearest to x, towards zero.")
round_ = unary("round", F, lambda np, x: np.rint(x), lambda s, x: s.rint(x), _zero,
               "Nearest integer, halves to even.")

# --- one argument: exponentials and logarithms ---------------------------------------------------

exp = unary("exp", F, lambda np, x: np.exp(x), lambda s, x: s.exp(x), lambda g, y, x: y,
            "Exponential.")
expm1 = unary("expm1", F, _special.expm1, lambda s, x: s.expm1(x), lambda g, y, x: y + 1,
              "exp(x) - 1, accurate near 0.")
log = unary("log", F, lambda np, x: np.log(x), lambda s, x: s.log(x), lambda g, y, x: 1 / x,
            "Natural logarithm.")
log1p = unary("log1p", F, _special.log1p, lambda s, x: s.log1p(x), lambda g, y, x: 1 / (x + 1),
              "log(1 + x), accurate near 0.")
log2 = unary("log2", F, lambda np, x: np.log2(x), lambda s, x: s.log2(x),
             lambda g, y, x: (1 / LN2) / x, "Logarithm to base 2.")
log10 = unary("log10", F, lambda np, x: np.log10(x), lambda s, x: s.log10(x),
              lambda g, y, x: (1 / LN10) / x, "Logarithm to base 10.")

# --- one argument: trigonometric and hyperbolic --------------------------------------------------

sin = unary("sin", F, lambda np, x: np.sin(x), lambda s, x: s.sin(x), lambda g, y, x: g.cos(x),
            "Sine, x in radians.")
cos = unary("cos", F, lambda np, x: np.cos(x), lambda s, x: s.cos(x), lambda g, y, x: -g.sin(x),
            "Cosine, x in radians.")
tan = unary("tan", F, lambda np, x: np.tan(x), lambda s, x: s.tan(x), lambda g, y, x: y * y + 1,
            "Tangent, x in radians.")
asin = unary("asin", F, lambda np, x: np.arcsin(x), lambda s, x: s.asin(x),
             lambda g, y, x: 1 / g.sqrt(1 - x * x), "Inverse sine, in radians.")
acos = unary("acos", F, lambda np, x: np.arccos(x), lambda s, x: s.acos(x),
             lambda g, y, x: -1 / g.sqrt(1 - x * x), "Inverse cosine, in radians.")
atan = unary("atan", F, lambda np, x: np.arctan(x), lambda s, x: s.atan(x),
             lambda g, y, x: 1 / (x * x + 1), "Inverse tangent, in radians.")
sinh = unary("sinh", F, lambda np, x: np.sinh(x), lambda s, x: s.sinh(x), lambda g, y, x: g.cosh(x),
             "Hyperbolic sine.")
cosh = unary("cosh", F, lambda np, x: np.cosh(x), lambda s, x: s.cosh(x), lambda g, y, x: g.sinh(x),
             "Hyperbolic cosine.")
tanh = unary("tanh", F, _special.tanh, lambda s, x: s.tanh(x), lambda g, y, x: 1 - y * y,
             "Hyperbolic tangent.")
asinh = unary("asinh", F, lambda np, x: np.arcsinh(x), lambda s, x: s.asinh(x),
              lambda g, y, x: 1 / g.sqrt(x * x + 1), "Inverse hyperbolic sine.")
acosh = unary("acosh", F, lambda np, x: np.arccosh(x), lambda s, x: s.acosh(x),
              lambda g, y, x: 1 / (g.sqrt(x - 1) * g.sqrt(x - (-1))), "Inverse hyperbolic cosine.")
atanh = unary("atanh", F, lambda np, x: np.arctanh(x), lambda s, x: s.atanh(x),
              lambda g, y, x: 1 / (1 - x * x), "Inverse hyperbolic tangent.")
erf = unary("erf", R, _special.erf, _special.erf_body,
            lambda g, y, x: (2 / sqrt(pi)) * g.exp(-(x * x)), "Error function, within 2 ulp.")

# --- one argument: tests
# ---------------------------------------------------------------------------

isnan = unary("isnan", N, lambda np, x: np.isnan(x), lambda s, x: s.isnan(x), NONDIFF,
              "Whether x is NaN.", "bool")
isinf = unary("isinf", N, lambda np, x: np.isinf(x), lambda s, x: s.isinf(x), NONDIFF,
              "Whether x is infinite.", "bool")
isfinite = unary("isfinite", N, lambda np, x: np.isfinite(x), lambda s, x: s.isfinite(x), NONDIFF,
                 "Whether x is neither infinite nor NaN.", "bool")
signbit = unary("signbit", R, lambda np, x: np.signbit(x), lambda s, x: s.signbit(x), NONDIFF,
                "Whether the sign bit is set, also of -0 and NaN.", "bool")
invert = unary("invert", "biu", lambda np, x: np.invert(x), lambda s, x: s.invert(x), NONDIFF,
               "Bitwise, or logical, not.")


# --- complex numbers
# --------------------------------------------------------------------------------

def _abs_vjp(g: Any, ct: Any, y: Any, x: Any) -> tuple[Any]:
    if is_complex(x):
        return (g.complex(ct, g.constant(0, ct)) * g.sign(x),)
    return (ct * g.sign(x),)


def _abs_jvp(g: Any, tangents: Any, y: Any, x: Any) -> Any:
    t = tangents[0]
    if t is None:
        return None
    return g.real(g.conj(g.sign(x)) * t) if is_complex(x) else t * g.sign(x)


def _sign_tangent(g: Any, t: Any, y: Any, x: Any) -> Any:
    """(t - y Re(conj(y) t)) / |x|, self-adjoint over the reals; 0 at 0."""
    if t is None or not is_complex(x):
        return None
    size = g.abs(x)
    flat = g.equal(size, 0.0)
    along = g.real(g.conj(y) * t)
    out = t - y * g.complex(along, g.constant(0, along))
    safe = g.where(flat, g.constant(1, size), size)
    return g.where(flat, g.constant(0, out), out / g.complex(safe, g.constant(0, safe)))


abs_ = elementwise("abs", C, "real", value=lambda np, x: np.abs(x), body=lambda s, x: s.abs(x),
                   vjp=_abs_vjp, jvp=_abs_jvp, doc="Absolute value, or modulus.")
sign = elementwise("sign", C, "same", value=lambda np, x: np.sign(x), body=lambda s, x: s.sign(x),
                   vjp=lambda g, ct, y, x: (_sign_tangent(g, ct, y, x),),
                   jvp=lambda g, tangents, y, x: _sign_tangent(g, tangents[0], y, x),
                   doc="Sign: -1, 0 or 1; x / |x| for complex numbers; NaN of NaN.")
conj = elementwise("conj", F, "same", value=lambda np, x: np.conjugate(x),
                   body=lambda s, x: s.conj(x), transpose=lambda g, ct, x: (g.conj(ct),),
                   doc="Complex conjugate.")
real = elementwise("real", "c", "real", value=lambda np, x: x.real, body=lambda s, x: s.real(x),
                   transpose=lambda g, ct, x: (g.complex(ct, g.constant(0, ct)),), doc="Real part.")
imag = elementwise("imag", "c", "real", value=lambda np, x: x.imag, body=lambda s, x: s.imag(x),
                   transpose=lambda g, ct, x: (g.complex(g.constant(0, ct), ct),),
                   doc="Imaginary part.")
complex_ = elementwise("complex", R, "complex", 2, value=make_complex,
                       body=lambda s, x, y: s.complex(x, y),
                       transpose=lambda g, ct, x, y: (g.real(ct), g.imag(ct)),
                       doc="Complex number of a real and an imaginary part.")

# --- two arguments: arithmetic
# ----------------------------------------------------------------------


def _divide_partials(g: Any, z: Any, x: Any, y: Any) -> tuple[Any, Any]:
    """A divisor that is broadcast is divided by once."""
    inverse = 1 / y
    return inverse, -z / y if y.shape == z.shape else -z * inverse



add = binary("add", N, lambda np, x, y: np.add(x, y), lambda s, x, y: s.add(x, y),
             lambda g, z, x, y: (1, 1), "Sum.")
subtract = binary("subtract", C, lambda np, x, y: np.subtract(x, y), lambda s, x, y: s.sub(x, y),
                  lambda g, z, x, y: (1, -1), "Difference.")
multiply = binary("multiply", N, _special.multiply, lambda s, x, y: s.mul(x, y),
                  lambda g, z, x, y: (y, x), "Product.")
divide = binary("divide", F, lambda np, x, y: np.divide(x, y), lambda s, x, y: s.div(x, y),
                _divide_partials, "Quotient.")
floor_divide = binary("floor_divide", "iuf", _special.floor_divide, _special.floor_divide_body,
                      lambda g, z, x, y: (None, None),
                      "Quotient rounded down; with infinities the quotient itself, as the "
                      "standard has it. Integer x // 0 is 0.")
remainder = binary("remainder", "iuf", lambda np, x, y: np.remainder(x, y),
                   lambda s, x, y: s.mod(x, y),
                   lambda g, z, x, y: (1, -g.floor_divide(x, y)),
                   "Remainder with the sign of the divisor. Integer x % 0 is 0.")
fmod = binary("fmod", "iuf", lambda np, x, y: np.fmod(x, y), lambda s, x, y: s.fmod(x, y),
              lambda g, z, x, y: (1, -g.trunc(x / y)),
              "Remainder with the sign of the dividend. Integer fmod(x, 0) is 0.")


def _pow_partials(g: Any, z: Any, x: Any, y: Any) -> tuple[Any, Any]:
    """y x^(y-1), 0 where y = 0; z log x, 0 where x = 0 and y is not negative."""
    of_x = g.where(g.equal(y, 0.0), g.constant(0, z), y * g.pow(x, y - 1))
    base = g.equal(x, 0.0)
    if is_complex(z):
        zero = g.logical_or(g.equal(z, 0.0), g.logical_and(base, g.equal(y, 0.0)))
    else:
        zero = g.logical_and(base, g.less_equal(g.constant(0, y), y))
    return of_x, g.where(zero, g.constant(0, z), z * g.log(x))


pow_ = binary("pow", C, _special.power, lambda s, x, y: s.pow(x, y), _pow_partials,
              "x to the power y. Integer powers wrap; negative ones are 0, but for bases 1 and -1.")
def _atan2_partials(g: Any, z: Any, x: Any, y: Any) -> tuple[Any, Any]:
    """y / r^2 and -x / r^2, not squaring what could underflow; 0 at the origin."""
    r = g.hypot(x, y)
    r = g.where(g.equal(r, 0.0), g.constant(1, r), r)
    return y / r / r, -x / r / r


def _logaddexp_partials(g: Any, z: Any, x: Any, y: Any) -> tuple[Any, Any]:
    """exp(x - z) and exp(y - z), which sum to 1, also where one argument is infinite."""
    return 1 / (g.exp(y - x) + 1), 1 / (g.exp(x - y) + 1)


atan2 = binary("atan2", R, lambda np, x, y: np.arctan2(x, y), lambda s, x, y: s.atan2(x, y),
               _atan2_partials, "Angle of the point (y, x), in radians.")
hypot = binary("hypot", R, lambda np, x, y: np.hypot(x, y), lambda s, x, y: s.hypot(x, y),
               lambda g, z, x, y: (x / z, y / z), "sqrt(x**2 + y**2) without overflow.")
logaddexp = binary("logaddexp", R, lambda np, x, y: np.logaddexp(x, y),
                   lambda s, x, y: s.logaddexp(x, y), _logaddexp_partials,
                   "log(exp(x) + exp(y)) without overflow.")
copysign = binary("copysign", R, lambda np, x, y: np.copysign(x, y),
                  lambda s, x, y: s.copysign(x, y),
                  lambda g, z, x, y: (g.sign(x) * g.sign(z), None), "x with the sign of y.")
nextafter = binary("nextafter", R, lambda np, x, y: np.nextafter(x, y),
                   lambda s, x, y: s.nextafter(x, y), lambda g, z, x, y: (1, None),
                   "Next number after x towards y.")


def _maximum_partials(g: Any, z: Any, x: Any, y: Any) -> tuple[Any, Any]:
    """1 for the greater, one half for each where they are equal, 1 for both where one is NaN."""
    tie = g.where(g.equal(x, y), g.constant(0.5, z), g.constant(1, z))
    zero = g.constant(0, z)
    return g.where(g.less(x, y), zero, tie), g.where(g.less(y, x), zero, tie)


def _minimum_partials(g: Any, z: Any, x: Any, y: Any) -> tuple[Any, Any]:
    """As for the maximum, exchanged."""
    of_x, of_y = _maximum_partials(g, z, x, y)
    return of_y, of_x


maximum = binary("maximum", "biuf", lambda np, x, y: np.maximum(x, y), lambda s, x, y: s.max(x, y),
                 _maximum_partials, "Greater of the two; NaN if either is.")
minimum = binary("minimum", "biuf", lambda np, x, y: np.minimum(x, y), lambda s, x, y: s.min(x, y),
                 _minimum_partials, "Smaller of the two; NaN if either is.")

# --- two arguments: comparison and logic
# --------------------------------------------------------------

equal = binary("equal", N, lambda np, x, y: np.equal(x, y), lambda s, x, y: s.eq(x, y), NONDIFF,
               "x = y.", "bool")
not_equal = binary("not_equal", N, lambda np, x, y: np.not_equal(x, y), lambda s, x, y: s.ne(x, y),
                   NONDIFF, "x ≠ y.", "bool")
less = binary("less", "biuf", lambda np, x, y: np.less(x, y), lambda s, x, y: s.lt(x, y), NONDIFF,
              "x < y.", "bool")
less_equal = binary("less_equal", "biuf", lambda np, x, y: np.less_equal(x, y),
                    lambda s, x, y: s.le(x, y), NONDIFF, "x ≤ y.", "bool")
logical_and = binary("logical_and", "b", lambda np, x, y: np.logical_and(x, y),
                     lambda s, x, y: s.and_(x, y), NONDIFF, "Both.")
logical_or = binary("logical_or", "b", lambda np, x, y: np.logical_or(x, y),
                    lambda s, x, y: s.or_(x, y), NONDIFF, "Either.")
logical_xor = binary("logical_xor", "b", lambda np, x, y: np.logical_xor(x, y),
                     lambda s, x, y: s.xor(x, y), NONDIFF, "One, not both.")
bitwise_and = binary("bitwise_and", "biu", lambda np, x, y: np.bitwise_and(x, y),
                     lambda s, x, y: s.and_(x, y), NONDIFF, "Bitwise and.")
bitwise_or = binary("bitwise_or", "biu", lambda np, x, y: np.bitwise_or(x, y),
                    lambda s, x, y: s.or_(x, y), NONDIFF, "Bitwise or.")
bitwise_xor = binary("bitwise_xor", "biu", lambda np, x, y: np.bitwise_xor(x, y),
                     lambda s, x, y: s.xor(x, y), NONDIFF, "Bitwise exclusive or.")
left_shift = binary("left_shift", "iu", lambda np, x, y: np.left_shift(x, y),
                    lambda s, x, y: s.shl(x, y), NONDIFF,
                    "x * 2**y; 0 for a shift by the width or more.")
right_shift = binary("right_shift", "iu", lambda np, x, y: np.right_shift(x, y),
                     lambda s, x, y: s.shr(x, y), NONDIFF,
                     "x // 2**y, keeping the sign; 0 or -1 for a shift by the width or more.")

# --- select and cast
# ------------------------------------------------------------------------------------

where = elementwise("where", N, _special.infer_where, 3,
                    value=lambda np, c, x, y: np.where(c, x, y),
                    body=lambda s, c, x, y: s.select(c, x, y),
                    vjp=_special.where_vjp,
                    jvp=_special.where_jvp, doc="x where c holds, else y.")
cast = elementwise("cast", N, lambda x, dtype: (x.shape, dtype), params=("dtype",), value=convert,
                   body=lambda s, x, dtype: s.cast(x, dtype), vjp=_special.cast_vjp,
                   jvp=_special.cast_jvp,
                   doc="Conversion of dtype; complex to real drops the imaginary part.")
