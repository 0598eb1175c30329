"""sinh, cosh and tanh by exp, sinh near 0 by a polynomial; asinh, acosh and atanh by log1p.

What enters and leaves: values of `float` or `double`, of any width. It must not know kernels.
"""

from ..code import Code, Value
from . import coefficients
from ._bits import INF, NAN, at_most, copysign, fabs, flip, format_of, horner, scale, sqrt
from ._double import Pair, fast_two_sum, quotient_pair
from .exponential import exponential_pair, half_of_exponential_less_one
from .logarithm import log1p_sum

ONE = {"float": 9.5, "double": 20.0}  # tanh is 1 from here
SMALL = 0.45
HIGHEST = {"float": 90.0, "double": 711.0}  # sinh and cosh are infinite from here
LN2 = 0.6931471805599453


def near_zero(c: Code, x: Value, coefficients: tuple[float, ...]) -> Value:
    """x + x³ P(x²)."""
    z = c.fmul(x, x)
    return c.fma(c.fmul(x, z), horner(c, z, coefficients), x)


def half_exp(c: Code, size: Value) -> tuple[Pair, Value]:
    """exp(x) / 2 as a pair, and exp(-x) / 2, x ≥ 0."""
    (p, low), n = exponential_pair(c, at_most(c, size, HIGHEST[size.type]))
    e, low = (scale(c, c.fmul(v, 0.5), n) for v in (p, low))
    return (e, low), c.fdiv(0.25, e)


def sinh(c: Code, x: Value) -> Value:
    """sinh x."""
    size = fabs(c, x)
    (e, low), inverse = half_exp(c, size)
    large = c.fsub(e, c.fsub(inverse, low))
    small = near_zero(c, size, coefficients.SINH[x.type])
    return copysign(c, c.select(c.compare("olt", size, 1.0), small, large), x)


def cosh(c: Code, x: Value) -> Value:
    """cosh x."""
    (e, low), inverse = half_exp(c, fabs(c, x))
    return c.fadd(e, c.fadd(inverse, low))


def tanh(c: Code, x: Value) -> Value:
    """tanh x: g = h / (1 + h), h = (exp(2 x) - 1) / 2; that is h - h g, in which errors of a small
    g count less."""
    size = at_most(c, fabs(c, x), ONE[x.type])
    h = half_of_exponential_less_one(c, c.fadd(size, size))
    g = c.fdiv(h, c.fadd(h, 1.0))
    y = c.select(c.compare("olt", h, SMALL), c.fma(c.fneg(h), g, h), g)
    return flip(c, y, c.bits(x))


def log_of_sum(c: Code, x: Value, f: Value, low: Value) -> Value:
    """log(1 + f + low), which for large x is log(2 x)."""
    large = c.compare("oge", x, float(1 << (format_of(x).digits + 4) // 2))
    f = c.select(large, c.fsub(x, 1.0), f)
    y = log1p_sum(c, f, c.select(large, 0.0, low))
    y = c.select(large, c.fadd(y, LN2), y)
    return c.select(c.compare("olt", x, INF), y, x)


def asinh(c: Code, x: Value) -> Value:
    """asinh x = log(1 + x + x² / (1 + √(1 + x²)))."""
    size = fabs(c, x)
    z = c.fmul(size, size)
    rest = c.fdiv(z, c.fadd(sqrt(c, c.fma(size, size, 1.0)), 1.0))
    return copysign(c, log_of_sum(c, size, *fast_two_sum(c, size, rest)), x)


def acosh(c: Code, x: Value) -> Value:
    """acosh x = log(1 + t + √(2 t + t²)), t = x - 1."""
    t = c.fsub(x, 1.0)
    root = sqrt(c, c.fma(t, t, c.fadd(t, t)))
    y = log_of_sum(c, x, *fast_two_sum(c, root, t))
    return c.select(c.compare("uge", x, 1.0), y, NAN)


def atanh(c: Code, x: Value) -> Value:
    """atanh x = log(1 + 2 x / (1 - x)) / 2."""
    size = fabs(c, x)
    zero, one = (c.const(v, x.type, x.width) for v in (0.0, 1.0))
    ratio = quotient_pair(c, (c.fadd(size, size), zero), fast_two_sum(c, one, c.fneg(size)))
    y = c.fmul(log1p_sum(c, *fast_two_sum(c, *ratio)), 0.5)
    edge = c.select(c.compare("oeq", size, 1.0), c.const(INF, x.type, x.width), NAN)
    return copysign(c, c.select(c.compare("olt", size, 1.0), y, edge), x)
