"""pow: log2 of |x| as a pair, times y, and 2 to that; hypot and logaddexp.

What enters and leaves: values of `float` or `double`, of any width. It must not know kernels.
"""

from ..code import Code, Value
from . import coefficients
from ._bits import (
    INF,
    NAN,
    at_least,
    at_most,
    fabs,
    flip,
    format_of,
    horner,
    nearest,
    scale,
    sqrt,
    trunc,
)
from ._double import Pair, constant, fast_two_sum, product, quotient_pair, two_product
from .exponential import exp
from .logarithm import log1p_sum, split_any

# 2 / ln 2, 2 / (3 ln 2), ln 2, each as a pair.
FIRST = {
    "float": (2.885390043258667, 3.851926067000022e-08),
    "double": (2.8853900817779268, 4.0710547481862066e-17),
}
THIRD = {
    "float": (0.9617967009544373, -7.028461812552678e-09),
    "double": (0.9617966939259756, 5.0577616648125907e-17),
}
LN2 = {
    "float": (0.6931471824645996, -1.9046542121259336e-09),
    "double": (0.6931471805599453, 2.3190468138462996e-17),
}
MOST = {"float": 160.0, "double": 1100.0}  # 2 to this overflows, and to its negative is 0
# For hypot: from where on squares overflow or underflow, and what to scale by.
SCALES = {
    "float": ((2.0**62, 2.0**-80), (2.0**-60, 2.0**100)),
    "double": ((2.0**500, 2.0**-600), (2.0**-500, 2.0**600)),
}


def log2_pair(c: Code, x: Value) -> Pair:
    """log2 of x ≥ 0, with some 12 bits more than a number has; infinite ones have no low part."""
    e, m = split_any(c, x)
    f = c.fsub(m, 1.0)
    zero, two = (c.const(v, x.type, x.width) for v in (0.0, 2.0))
    s, low = quotient_pair(c, (f, zero), fast_two_sum(c, two, f))
    z, rest = two_product(c, s, s)
    square = z, c.fma(c.fadd(s, s), low, rest)
    first, third = constant(c, FIRST[x.type], x), constant(c, THIRD[x.type], x)
    tail = c.fmul(z, horner(c, z, coefficients.LOG2[x.type]))
    inner, rest = fast_two_sum(c, third[0], tail)
    inner, rest = product(c, square, (inner, c.fadd(rest, third[1])))
    outer, more = fast_two_sum(c, first[0], inner)
    high, low = product(c, (s, low), (outer, c.fadd(more, c.fadd(first[1], rest))))
    high, more = fast_two_sum(c, e, high)
    high = c.select(c.compare("olt", x, INF), high, x)
    return c.select(c.compare("oeq", x, 0.0), -INF, high), c.fadd(more, low)


def exp2_pair(c: Code, x: Value, low: Value) -> Value:
    """2^(x + low), for any x that isn't too far from the exponents' range."""
    k, n = nearest(c, x, 1.0)
    r, low = fast_two_sum(c, c.fsub(x, k), low)
    one, rest = LN2[x.type]
    head = c.fma(r, one, 1.0)
    error = c.fma(r, one, c.fsub(1.0, head))
    tail = c.fma(c.fmul(r, r), horner(c, r, coefficients.EXP2[x.type]), error)
    return scale(c, c.fadd(head, c.fma(low, one, c.fma(r, rest, tail))), n)


def power_of_size(c: Code, x: Value, y: Value) -> Value:
    """x^y for x ≥ 0, but for y = 0, and for x = 1 where y is NaN."""
    beyond = 2.0 ** (format_of(x).digits + 12)  # where any x but 1 overflows
    bounded = at_most(c, at_least(c, y, -beyond), beyond)
    log, low = log2_pair(c, x)
    z, rest = two_product(c, bounded, log)
    most = MOST[x.type]
    usual = c.compare("olt", fabs(c, z), most)
    rest = c.select(usual, c.fma(bounded, low, rest), 0.0)
    return exp2_pair(c, at_most(c, at_least(c, z, -most), most), rest)


def power(c: Code, x: Value, y: Value) -> Value:
    """x^y, with IEEE 754's table of special cases."""
    if not c.fused and x.type == "float":
        wide = power(c, *(c.convert("fpext", v, "double") for v in (x, y)))
        return c.convert("fptrunc", wide, "float")
    result = power_of_size(c, fabs(c, x), y)
    integral = c.compare("oeq", trunc(c, y), y)
    half = c.fmul(y, 0.5)
    odd = c.binary("and", integral, c.compare("one", trunc(c, half), half))
    result = c.select(odd, flip(c, result, c.bits(x)), result)
    negative = c.binary("and", c.compare("olt", x, 0.0), c.compare("ogt", x, -INF))
    undefined = c.binary("and", negative, c.compare("one", trunc(c, y), y))
    result = c.select(undefined, NAN, result)
    sure = c.binary("or", c.compare("oeq", x, 1.0), c.compare("oeq", y, 0.0))
    return c.select(sure, 1.0, result)


def hypot(c: Code, x: Value, y: Value) -> Value:
    """√(x² + y²), infinite where one of them is."""
    a, b = fabs(c, x), fabs(c, y)
    more = c.compare("ogt", a, b)
    large, small = c.select(more, a, b), c.select(more, b, a)
    factor, inverse = (c.const(1.0, x.type, x.width) for _ in range(2))
    for (bound, by), predicate in zip(SCALES[x.type], ("ogt", "olt")):
        beyond = c.compare(predicate, large, bound)
        factor = c.select(beyond, by, factor)
        inverse = c.select(beyond, 1 / by, inverse)
    large, small = c.fmul(large, factor), c.fmul(small, factor)
    y = c.fmul(sqrt(c, c.fma(large, large, c.fmul(small, small))), inverse)
    infinite = c.binary("or", c.compare("oeq", a, INF), c.compare("oeq", b, INF))
    return c.select(infinite, INF, y)


def logaddexp(c: Code, x: Value, y: Value) -> Value:
    """log(e^x + e^y) = x + log(1 + e^(y - x)), x the larger; right to a unit of the last place of
    x, or of the result where that is larger."""
    large = c.select(c.compare("ogt", x, y), x, y)
    e = exp(c, c.fneg(fabs(c, c.fsub(x, y))))
    found = c.fadd(large, log1p_sum(c, e))
    return c.select(c.compare("oeq", x, y), c.fadd(x, LN2[x.type][0]), found)
