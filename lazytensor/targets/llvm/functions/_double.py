"""Numbers as unevaluated sums of two (double-word arithmetic; Dekker 1971, and chapter 14 of Muller
and others, Handbook of Floating-Point Arithmetic).

What enters and leaves: values and pairs (high, low) with |low| ≤ ulp(high) / 2 or little more. It
must not know which function is computed.
"""

from ..code import Code, Value
from ._bits import format_of

Pair = tuple[Value, Value]


def fast_two_sum(c: Code, a: Value, b: Value) -> Pair:
    """a + b exactly, where |a| ≥ |b| or a = 0."""
    s = c.fadd(a, b)
    return s, c.fsub(b, c.fsub(s, a))


def two_sum(c: Code, a: Value, b: Value) -> Pair:
    """a + b exactly."""
    s = c.fadd(a, b)
    t = c.fsub(s, a)
    return s, c.fadd(c.fsub(a, c.fsub(s, t)), c.fsub(b, t))


def halves(c: Code, a: Value) -> Pair:
    """a as a sum of numbers with half of its digits (Veltkamp); for |a| far from overflow."""
    p = c.fmul(a, float((1 << (format_of(a).digits + 2) // 2) + 1))
    high = c.fsub(p, c.fsub(p, a))
    return high, c.fsub(a, high)


def two_product(c: Code, a: Value, b: Value) -> Pair:
    """a · b exactly, but for underflow."""
    p = c.fmul(a, b)
    if c.fused:
        return p, c.fma(a, b, c.fneg(p))
    (ah, al), (bh, bl) = halves(c, a), halves(c, b)
    e = c.fsub(c.fmul(ah, bh), p)
    e = c.fadd(c.fadd(e, c.fmul(ah, bl)), c.fmul(al, bh))
    return p, c.fadd(e, c.fmul(al, bl))


def product(c: Code, a: Pair, b: Pair) -> Pair:
    """a · b, to a few units of the last place of the low part."""
    p, e = two_product(c, a[0], b[0])
    e = c.fma(a[0], b[1], c.fma(a[1], b[0], e))
    return fast_two_sum(c, p, e)


def quotient_pair(c: Code, a: Pair, b: Pair) -> Pair:
    """a / b, as a sum that is still to be rounded."""
    inverse = c.fdiv(1.0, b[0])
    q = c.fmul(a[0], inverse)
    p, e = two_product(c, q, b[0])
    rest = c.fsub(c.fsub(c.fsub(a[0], p), e), c.fsub(c.fmul(q, b[1]), a[1]))
    return q, c.fmul(rest, inverse)


def quotient(c: Code, a: Pair, b: Pair) -> Value:
    """a / b, rounded, for b whose inverse is neither subnormal nor infinite."""
    return c.fadd(*quotient_pair(c, a, b))


def constant(c: Code, pair: tuple[float, float], like: Value) -> Pair:
    """A constant for each element."""
    high, low = (c.const(v, like.type, like.width) for v in pair)
    return high, low
