"""exp and expm1: x = n ln 2 + r (Cody and Waite), 2^n · exp(r), exp(r) a polynomial.

What enters and leaves: values of `float` or `double`, of any width. It must not know kernels.
"""

from ..code import Code, Value
from . import coefficients
from ._bits import (
    at_least,
    at_most,
    fabs,
    format_of,
    horner,
    nearest,
    power_of_two,
)
from ._double import Pair, fast_two_sum

# ln 2 in two parts, the first with so few digits that its product with an exponent is exact.
LN2 = {
    "float": (0.693145751953125, 1.428606765330187e-06),
    "double": (0.6931471805598903, 5.497923018708371e-14),
}
LOG2E = 1.4426950408889634
LOWEST = {"float": -104.0, "double": -746.0}  # exp is 0 from here
HIGHEST = {"float": 89.0, "double": 710.0}  # exp is infinite from here
FAR = {"float": 64, "double": 512}
MINUS_ONE = {"float": -18.0, "double": -40.0}  # exp is nothing beside 1 from here


def reduced(c: Code, x: Value) -> tuple[Value, Value, Value]:
    """x as n ln 2 + r + low: r, low, and n as `nearest` gives it."""
    high, low = LN2[x.type]
    n, k = nearest(c, x, LOG2E)
    t = c.fma(n, -high, x)
    w = c.fmul(n, low)
    r = c.fsub(t, w)
    return r, c.fsub(c.fsub(t, r), w), k


def exponential_parts(c: Code, x: Value, shift: Value | None = None) -> tuple[Value, Value]:
    """exp(x) as (1 + p) · 2^n, p small: p, and n as `nearest` gives it."""
    high, low = LN2[x.type]
    n, k = nearest(c, x, LOG2E, shift)
    r = c.fma(n, -low, c.fma(n, -high, x))
    q = horner(c, r, coefficients.EXP[x.type])
    return c.fma(c.fmul(r, r), q, r), k


def exponential_pair(c: Code, x: Value) -> tuple[Pair, Value]:
    """exp(x) as p · 2^n, p a pair near 1: p, and n as `nearest` gives it."""
    p, n = exponential_parts(c, x)
    return fast_two_sum(c, c.const(1.0, x.type, x.width), p), n


def _vanishing(c: Code, x: Value) -> tuple[Value, Value]:
    """Where e^x is 0, and x there kept from going further. A product that is less than the least
    number takes some processors a hundred times as long as one with 0.
    """
    gone = c.compare("olt", x, LOWEST[x.type])
    return gone, c.select(gone, LOWEST[x.type], x)


def exp(c: Code, x: Value) -> Value:
    """e^x: first 2^±s times that, which is neither subnormal nor infinite."""
    gone, x = _vanishing(c, x)
    x = at_most(c, x, HIGHEST[x.type])
    negative, s, shift = c.compare("slt", c.bits(x), 0), FAR[x.type], format_of(x).shift
    p, n = exponential_parts(c, x, c.select(negative, c.const(shift + s, x.type), shift - s))
    factor = c.select(gone, 0.0, c.select(negative, c.const(2.0**-s, x.type), 2.0**s))
    power = power_of_two(c, n, x.type)
    return c.fmul(c.fma(p, power, power), factor)


def exp_of_nonpositive(c: Code, x: Value) -> Value:
    """The same for x ≤ 0."""
    form, s = format_of(x), FAR[x.type]
    gone, x = _vanishing(c, x)
    p, n = exponential_parts(c, x, c.const(form.shift + s, x.type))
    power = power_of_two(c, n, x.type)
    factor = c.select(gone, 0.0, c.const(2.0**-s, x.type))
    return c.fmul(c.fma(p, power, power), factor)


def half_of_exponential_less_one(c: Code, x: Value) -> Value:
    """(e^x - 1) / 2 for x ≥ 0 that isn't large: s p + (s - 1/2), s = 2^(n - 1), p = exp(r) - 1."""
    if c.fused:
        high, low = LN2[x.type]
        n, k = nearest(c, x, LOG2E)
        r = c.fma(n, -low, c.fma(n, -high, x))
        p = c.fma(c.fmul(r, r), horner(c, r, coefficients.EXPM1[x.type]), r)
    else:
        r, rest, k = reduced(c, x)
        q = horner(c, r, coefficients.EXPM1[x.type])
        p = c.fadd(r, c.fadd(c.fmul(c.fmul(r, r), q), rest))
    s = power_of_two(c, k, x.type, -1)
    return c.fma(s, p, c.fsub(s, 0.5))


def expm1(c: Code, x: Value) -> Value:
    """e^x - 1: with s = 2^(n - 1), twice (s - 1/2 + s r) + s (exp(r) - 1 - r), the first sum with
    its error."""
    bounded = at_most(c, at_least(c, x, MINUS_ONE[x.type]), HIGHEST[x.type])
    r, low, n = reduced(c, bounded)
    q = horner(c, r, coefficients.EXPM1[x.type])
    tail = c.fma(c.fmul(r, r), q, c.fma(r, low, low))
    s = power_of_two(c, c.binary("sub", n, 1), x.type)
    base = c.fsub(s, 0.5)
    high = c.fma(s, r, base)
    error = c.fma(s, r, c.fsub(base, high))
    y = c.fadd(high, c.fma(s, tail, error))
    return c.select(c.compare("olt", fabs(c, x), format_of(x).tiny), x, c.fadd(y, y))
