"""log, log2, log10 and log1p: x = 2^e m, √½ ≤ m < √2, and log m by the series of atanh.

With f = m - 1 and s = f / (2 + f), log(1 + f) = log((1 + s) / (1 - s)) = 2 s + s R(s²), which is
f - (f²/2 - s (f²/2 + R)): the greatest term is then exact.

What enters and leaves: values of `float` or `double`, of any width. It must not know kernels.
"""

from ..code import Code, Value
from . import coefficients
from ._bits import INF, NAN, floating, format_of, horner, pattern, small_float
from ._double import Pair, constant, fast_two_sum, two_product, two_sum
from .exponential import LN2

ROOT_HALF = 0.7071067811865476
# 1 / ln 2, 1 / ln 10, each as a pair.
PER_LN2 = {
    "float": (1.4426950216293335, 1.925963033500011e-08),
    "double": (1.4426950408889634, 2.0355273740931033e-17),
}
PER_LN10 = {
    "float": (0.4342944920063019, -1.0103049952192578e-08),
    "double": (0.4342944819032518, 1.098319650216765e-17),
}
# log10(2), the first part with few digits, as in `LN2`.
LOG10_2 = {
    "float": (0.301025390625, 4.605039066518657e-06),
    "double": (0.30102999566395283, 2.8363394551044964e-14),
}


def split(c: Code, x: Value) -> tuple[Value, Value]:
    """Normal positive x as 2^e m, √½ ≤ m < √2: e, as a number, and m."""
    form = format_of(x)
    root = pattern(ROOT_HALF, x.type)
    bits = c.binary("add", c.bits(x), pattern(1.0, x.type) - root)
    e = c.binary("lshr", bits, form.digits)
    m = c.binary("add", c.binary("and", bits, (1 << form.digits) - 1), root)
    return small_float(c, e, x.type, float(form.bias)), floating(c, m, x.type)


def split_any(c: Code, x: Value) -> tuple[Value, Value]:
    """The same for subnormal numbers too."""
    form = format_of(x)
    small = c.compare("olt", x, form.normal)
    e, m = split(c, c.select(small, c.fmul(x, float(1 << form.digits)), x))
    return c.fsub(e, c.select(small, c.const(form.digits, x.type), 0.0)), m


def series(c: Code, f: Value) -> tuple[Value, Value]:
    """f² / 2 and s (f² / 2 + R)."""
    s = c.fdiv(f, c.fadd(f, 2.0))
    z = c.fmul(s, s)
    r = c.fmul(z, horner(c, z, coefficients.LOG[f.type]))
    half = c.fmul(c.fmul(f, 0.5), f)
    return half, c.fmul(s, c.fadd(half, r))


def log_parts(c: Code, e: Value, f: Value, more: Value | None = None) -> Value:
    """e ln 2 + log(1 + f) + more, which is small."""
    high, low = LN2[f.type]
    half, tail = series(c, f)
    rest = c.fma(e, low, tail if more is None else c.fadd(tail, more))
    return c.fma(e, high, c.fsub(f, c.fsub(half, rest)))


def edges(c: Code, x: Value, y: Value) -> Value:
    """The logarithm y of x where x is positive and finite, else what it is there."""
    y = c.select(c.compare("olt", x, INF), y, x)
    zero = c.select(c.compare("oeq", x, 0.0), c.const(-INF, x.type, x.width), NAN)
    return c.select(c.compare("ugt", x, 0.0), y, zero)


def log(c: Code, x: Value) -> Value:
    """ln x."""
    e, m = split_any(c, x)
    return edges(c, x, log_parts(c, e, c.fsub(m, 1.0)))


def log_pair(c: Code, f: Value) -> Pair:
    """log(1 + f) as a pair; |low| may be some units of the last place of high."""
    half, tail = series(c, f)
    _, error = two_product(c, c.fmul(f, 0.5), f)
    high, low = fast_two_sum(c, f, c.fneg(half))
    return fast_two_sum(c, high, c.fadd(c.fsub(low, error), tail))


def log_of_base(c: Code, x: Value, one: float, rest: float, per: Pair) -> Value:
    """The logarithm to another base b: `one` + `rest` is that of 2, `per` 1 / ln b."""
    e, m = split_any(c, x)
    high, low = log_pair(c, c.fsub(m, 1.0))
    p, error = two_product(c, high, per[0])
    error = c.fma(high, per[1], c.fma(low, per[0], error))
    base = c.fmul(e, one)
    s, t = fast_two_sum(c, base, p)
    return edges(c, x, c.fadd(s, c.fadd(t, c.fma(e, rest, error))))


def log2(c: Code, x: Value) -> Value:
    """The logarithm to base 2."""
    return log_of_base(c, x, 1.0, 0.0, constant(c, PER_LN2[x.type], x))


def log10(c: Code, x: Value) -> Value:
    """The logarithm to base 10."""
    return log_of_base(c, x, *LOG10_2[x.type], constant(c, PER_LN10[x.type], x))


def log1p_sum(c: Code, x: Value, low: Value | None = None) -> Value:
    """log(1 + x + low), x > -1 finite, and low small beside x; 0 may lose its sign."""
    u, error = two_sum(c, c.const(1.0, x.type, x.width), x)
    more = error if low is None else c.fadd(error, low)
    e, m = split(c, u)
    near = c.compare("oeq", e, 0.0)
    f = c.select(near, x, c.fsub(m, 1.0))
    if low is None:
        more = c.select(near, 0.0, c.fdiv(more, u))
    else:
        more = c.fdiv(c.select(near, low, more), u)
    return log_parts(c, e, f, more)


def log1p(c: Code, x: Value) -> Value:
    """ln(1 + x)."""
    y = edges(c, c.fadd(x, 1.0), log1p_sum(c, x))
    return c.select(c.compare("oeq", x, 0.0), x, y)
