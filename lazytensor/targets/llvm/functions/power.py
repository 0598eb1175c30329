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
    estrin,
    fabs,
    flip,
    format_of,
    horner,
    nearest,
    power_of_two,
    scale,
    sqrt,
    trunc,
)
from ._double import Pair, constant, fast_two_sum, product, quotient_pair, two_product, two_sum
from .exponential import LN2 as EXPONENT
from .exponential import LOWEST, exponential_parts
from .logarithm import log_pair, split_any

# 2 / ln 2, 2 / (3 ln 2), ln 2, each as a pair.
FIRST = (2.8853900817779268, 4.0710547481862066e-17)
THIRD = (0.9617966939259756, 5.0577616648125907e-17)
LN2 = (0.6931471805599453, 2.3190468138462996e-17)
MOST = {"float": 160.0, "double": 1100.0}  # 2 to this overflows, and to its negative is 0
# For hypot: from where on squares overflow or underflow, and what to scale by.
SCALES = {
    "float": ((2.0**62, 2.0**-80), (2.0**-60, 2.0**100)),
    "double": ((2.0**500, 2.0**-600), (2.0**-500, 2.0**600)),
}


def log2_pair(c: Code, x: Value) -> Pair:
    """log2 of a double x ≥ 0, with some 12 bits more than a number has."""
    e, m = split_any(c, x)
    f = c.fsub(m, 1.0)
    zero, two = (c.const(v, x.type, x.width) for v in (0.0, 2.0))
    s, low = quotient_pair(c, (f, zero), fast_two_sum(c, two, f))
    z, rest = two_product(c, s, s)
    square = z, c.fma(c.fadd(s, s), low, rest)
    first, third = constant(c, FIRST, x), constant(c, THIRD, x)
    tail = c.fmul(z, estrin(c, z, coefficients.LOG2[x.type]))
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
    one, rest = LN2
    head = c.fma(r, one, 1.0)
    error = c.fma(r, one, c.fsub(1.0, head))
    tail = c.fma(c.fmul(r, r), estrin(c, r, coefficients.EXP2[x.type]), error)
    return scale(c, c.fadd(head, c.fma(low, one, c.fma(r, rest, tail))), n)


def bounded(c: Code, y: Value) -> Value:
    """y, or if every x but 1 overflows to the power of y, less."""
    beyond = 2.0 ** (format_of(y).digits + 12)
    return at_most(c, at_least(c, y, -beyond), beyond)


def double_power(c: Code, x: Value, y: Value) -> Value:
    """x^y for x ≥ 0, but for y = 0, and for x = 1 where y is NaN."""
    y, most = bounded(c, y), MOST[x.type]
    log, low = log2_pair(c, x)
    z, rest = two_product(c, y, log)
    usual = c.compare("olt", fabs(c, z), most)
    rest = c.select(usual, c.fma(y, low, rest), 0.0)
    return exp2_pair(c, at_most(c, at_least(c, z, -most), most), rest)


def float_power(c: Code, x: Value, y: Value) -> Value:
    """The same for `float`, in double."""
    e, m = split_any(c, x)
    e, f = (c.convert("fpext", v, "double") for v in (e, c.fsub(m, 1.0)))
    s = c.fdiv(f, c.fadd(f, 2.0))
    z = c.fmul(s, s)
    q = horner(c, z, (FIRST[0], THIRD[0], *coefficients.LOG2["float"]))
    log = c.select(c.compare("olt", x, INF), c.fma(s, q, e), c.convert("fpext", x, "double"))
    log = c.select(c.compare("oeq", x, 0.0), -INF, log)
    z, most = c.fmul(c.convert("fpext", bounded(c, y), "double"), log), MOST["float"]
    z = at_most(c, at_least(c, z, -most), most)
    k, n = nearest(c, z, 1.0)
    p = horner(c, c.fsub(z, k), (1.0, LN2[0], *coefficients.EXP2["float"]))
    return c.convert("fptrunc", c.fmul(p, power_of_two(c, n, "double")), "float")


def power(c: Code, x: Value, y: Value) -> Value:
    """x^y, with IEEE 754's table of special cases."""
    result = (float_power if x.type == "float" else double_power)(c, fabs(c, x), y)
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


def log1p_pair(c: Code, x: Value, low: Value) -> tuple[Pair, Pair]:
    """log(1 + x + low), 0 ≤ x ≤ 1, as the sum of two pairs: 0 or ln 2, and the rest."""
    one = c.const(1.0, x.type, x.width)
    u, error = fast_two_sum(c, one, x)
    near = c.compare("olt", u, 1.4142135623730951)
    half = c.fmul(u, 0.5)
    f = c.select(near, x, c.fsub(half, 1.0))
    more = c.select(near, low, c.fmul(c.fadd(error, low), 0.5))
    high, rest = log_pair(c, f)
    rest = c.fadd(rest, c.fdiv(more, c.select(near, u, half)))
    first, second = (c.select(near, c.const(0.0, x.type), v) for v in EXPONENT[x.type])
    return (first, second), (high, rest)


def logaddexp(c: Code, x: Value, y: Value) -> Value:
    """log(e^x + e^y) = x + log(1 + e^(y - x)), x the larger: right to a unit of the last place of
    the result, or where its terms cancel, of x."""
    first = c.compare("ogt", x, y)
    large, small = c.select(first, x, y), c.select(first, y, x)
    d, error = two_sum(c, small, c.fneg(large))
    usual = c.compare("ogt", d, LOWEST[x.type])
    p, n = exponential_parts(c, at_least(c, d, LOWEST[x.type]))
    p, low = fast_two_sum(c, c.const(1.0, x.type, x.width), p)
    e, low = scale(c, p, n), scale(c, low, n)
    base, log = log1p_pair(c, e, c.fma(e, error, low))
    s, t = two_sum(c, large, base[0])
    high, more = two_sum(c, s, log[0])
    found = c.fadd(high, c.fadd(more, c.fadd(t, c.fadd(log[1], base[1]))))
    found = c.select(c.binary("or", usual, c.compare("uno", d, d)), found, c.fadd(large, 0.0))
    return c.select(c.compare("oeq", x, y), c.fadd(x, LN2[0]), found)
