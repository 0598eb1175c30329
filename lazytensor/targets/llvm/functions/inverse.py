"""asin, acos, atan and atan2: polynomials up to 1/2 and up to 1, and what maps the rest to there.

What enters and leaves: values of `float` or `double`, of any width. It must not know kernels.
"""

from ..code import Code, Value
from . import coefficients
from ._bits import copysign, fabs, flip, horner, sqrt
from ._double import Pair, constant, fast_two_sum

# π/2 and π, each as a pair.
HALF_PI = {
    "float": (1.5707963705062866, -4.371138828673793e-08),
    "double": (1.5707963267948966, 6.123233995736766e-17),
}
PI = {
    "float": (3.1415927410125732, -8.742277657347586e-08),
    "double": (3.141592653589793, 1.2246467991473532e-16),
}


def sum_with(c: Code, base: Pair, v: Pair) -> Value:
    """base + v, base 0 or at least |v|."""
    high, low = fast_two_sum(c, base[0], v[0])
    return c.fadd(high, c.fadd(low, c.fadd(v[1], base[1])))


def asin_folded(c: Code, size: Value) -> tuple[Value, Pair]:
    """Whether x ≤ 1/2; and asin x there, else (π/2 - asin x) / 2 = asin √((1 - x) / 2), as a sum
    that is still to be rounded."""
    small = c.compare("ole", size, 0.5)
    z = c.select(small, c.fmul(size, size), c.fmul(c.fsub(1.0, size), 0.5))
    s = c.select(small, size, sqrt(c, z))
    return small, (s, c.fmul(c.fmul(s, z), horner(c, z, coefficients.ASIN[size.type])))


def asin(c: Code, x: Value) -> Value:
    """asin x."""
    small, (s, more) = asin_folded(c, fabs(c, x))
    outer = c.fmul(s, -2.0), c.fmul(more, -2.0)
    y = sum_with(c, constant(c, HALF_PI[x.type], x), outer)
    return copysign(c, c.select(small, c.fadd(s, more), y), x)


def acos(c: Code, x: Value) -> Value:
    """acos x: π/2 - asin x, and beyond ±1/2 twice what is folded there, or π less that."""
    small, v = asin_folded(c, fabs(c, x))
    positive = c.compare("ogt", x, 0.0)
    inner, outer = constant(c, HALF_PI[x.type], x), constant(c, PI[x.type], x)
    parts = [flip(c, v[i], c.bits(c.fneg(x))) for i in range(2)]
    middle = sum_with(c, inner, (parts[0], parts[1]))
    twice = c.fmul(v[0], 2.0), c.fmul(v[1], 2.0)
    left = sum_with(c, outer, (c.fneg(twice[0]), c.fneg(twice[1])))
    return c.select(small, middle, c.select(positive, c.fadd(*twice), left))


def atan_parts(c: Code, q: Value) -> Pair:
    """atan q, 0 ≤ q ≤ 1, as a sum that is still to be rounded."""
    z = c.fmul(q, q)
    return q, c.fmul(c.fmul(q, z), horner(c, z, coefficients.ATAN[q.type]))


def atan(c: Code, x: Value) -> Value:
    """atan x."""
    size = fabs(c, x)
    steep = c.compare("ogt", size, 1.0)
    q, more = atan_parts(c, c.select(steep, c.fdiv(1.0, size), size))
    y = sum_with(c, constant(c, HALF_PI[x.type], x), (c.fneg(q), c.fneg(more)))
    return copysign(c, c.select(steep, y, c.fadd(q, more)), x)


def atan2(c: Code, y: Value, x: Value) -> Value:
    """The angle of (x, y), with IEEE 754's table of special cases."""
    a, b = fabs(c, y), fabs(c, x)
    steep = c.compare("ogt", a, b)
    q = c.fdiv(c.select(steep, b, a), c.select(steep, a, b))
    q = c.select(c.compare("oeq", a, b), 1.0, q)
    q = c.select(c.compare("oeq", c.fadd(a, b), 0.0), 0.0, q)
    v = atan_parts(c, q)
    left = c.compare("slt", c.bits(x), 0)
    away = c.binary("xor", steep, left)
    base, sum = [], []
    for i in range(2):
        flat = c.select(left, c.const(PI[x.type][i], x.type, x.width), 0.0)
        base.append(c.select(steep, HALF_PI[x.type][i], flat))
        sum.append(c.select(away, c.fneg(v[i]), v[i]))
    return copysign(c, sum_with(c, (base[0], base[1]), (sum[0], sum[1])), y)
