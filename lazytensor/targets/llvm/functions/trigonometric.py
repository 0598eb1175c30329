"""sin, cos and tan: x = n π/2 + r, |r| ≤ π/4, and polynomials for sin r and cos r.

Up to a bound, r is found with π/2 in three or four parts (Cody and Waite). Vectors that have an
element beyond it call a function out of line, which multiplies by the bits of 2/π that count (Payne
and Hanek 1983), element by element.

What enters and leaves: values of `float` or `double`, of any width. It must not know kernels.
"""

from collections.abc import Callable

from ..code import Code, Value
from . import coefficients
from ._bits import NAN, fabs, flip, floating, format_of, horner, nearest
from ._double import Pair, constant, fast_two_sum, product, quotient, two_product
from ._rare import rarely, table

TWO_OVER_PI = 0.6366197723675814
# π/2 in three parts of all digits, and for double in four, three of which have 33 bits.
PARTS = {
    "float": (1.5707963705062866, -4.371138828673793e-08, -1.7151245100058819e-15),
    "double": (1.5707963267948966, 6.123233995736766e-17, -1.4973849048591698e-33),
}
FEW_DIGITS = (
    1.5707963267341256,
    6.077100506303966e-11,
    2.0222662487111665e-21,
    8.4784276603689e-32,
)
# Up to here n is right, and the parts are enough.
BOUND = {"float": 1e5, "double": float(1 << 30)}
BOUND_UNFUSED = float(1 << 20)
# The first 1,216 bits of 2/π, after 64 zeros.
BITS = int(
    "a2f9836e4e441529fc2757d1f534ddc0db6295993c439041fe5163abdebbc561b7246e3a424d"
    "d2e006492eea09d1921cfe1deb1cb129a73ee88235f52ebb4484e99c7026b45f7e413991d639"
    "835339f49c845f8bbdf9283b1ff897ffde05980fef2f118b5a0a6d1f6d367ecf27cb09b74f46"
    "3f669e5fea2d7527bac7ebe5f17b3d0739f78a5292ea6bfb5fb11f8d5d0856033046fc7b6bab",
    16,
)

Tail = Callable[[Code, Value, Value, Value], Value]


def reduced(c: Code, x: Value) -> tuple[Value, Value, Value]:
    """r as a pair, and n as `nearest` gives it, for |x| up to the bound."""
    if not c.fused:
        return reduced_unfused(c, x)
    k, n = nearest(c, x, TWO_OVER_PI)
    first, second, third = PARTS[x.type]
    a = c.fma(k, -first, x)  # exact
    p, e = two_product(c, k, c.const(second, x.type, x.width))
    r = c.fsub(a, p)
    return r, c.fsub(c.fsub(c.fsub(a, r), p), c.fma(k, third, e)), n


def reduced_unfused(c: Code, x: Value) -> tuple[Value, Value, Value]:
    """The same without fma; products of n with a part of 33 bits are exact."""
    k, n = nearest(c, x, TWO_OVER_PI)
    r = c.fsub(x, c.fmul(k, FEW_DIGITS[0]))  # exact
    low = c.fmul(k, -FEW_DIGITS[3])
    for part in FEW_DIGITS[1:3]:
        p = c.fmul(k, part)
        s = c.fsub(r, p)
        low = c.fadd(low, c.fsub(c.fsub(r, s), p))
        r = s
    return r, low, n


def reduced_huge(c: Code, x: Value) -> tuple[Value, Value, Value]:
    """The same for any x ≥ 2, one double: x is M 2^e, and only those bits of 2/π count which M 2^e
    takes to a place below 4: a product of 192 bits."""
    bits = c.bits(x)
    exponent = c.binary("lshr", bits, 52)
    m = c.binary("or", c.binary("and", bits, (1 << 52) - 1), 1 << 52)
    first = c.binary("sub", exponent, 1013)  # of the bits that count
    first = c.select(c.compare("ult", first, 1088), first, 0)
    words = table(c, "lt.two_over_pi", BITS, 20, c.binary("lshr", first, 6), 4)
    shift = c.binary("and", first, 63)
    w = [c.intrinsic("fshl", words[i], words[i + 1], shift) for i in range(3)]
    wide = [c.convert("zext", v, "i128") for v in (m, w[1], w[2])]
    top = c.binary("shl", c.convert("zext", c.binary("mul", m, w[0]), "i128"), 64)
    carry = c.binary("lshr", c.binary("mul", wide[0], wide[2]), 64)
    turns = c.binary("add", c.binary("add", top, c.binary("mul", wide[0], wide[1])), carry)
    n = c.binary("lshr", c.binary("add", turns, 1 << 125), 126)
    r, low = quarter_turns(c, c.binary("shl", turns, 2))
    return r, low, c.convert("trunc", n, "i64")


def quarter_turns(c: Code, part: Value) -> tuple[Value, Value]:
    """part / 2^128 · π/2 as a pair, part a signed integer of 128 bits."""
    negative = c.compare("slt", part, 0)
    size = c.select(negative, c.binary("sub", c.const(0, "i128"), part), part)
    zeros = c.intrinsic("ctlz", size, suffix=", i1 false")
    size = c.binary("shl", size, zeros)
    high = c.convert("trunc", c.binary("lshr", size, 75), "i64")
    low = c.convert("trunc", c.binary("and", c.binary("lshr", size, 22), (1 << 53) - 1), "i64")
    unit = c.binary("shl", c.binary("sub", 970, c.convert("trunc", zeros, "i64")), 52)
    one = floating(c, unit, "double")  # 2^(-53 - zeros)
    a = c.fmul(c.convert("sitofp", high, "double"), one)
    b = c.fmul(c.fmul(c.convert("sitofp", low, "double"), one), 2.0**-53)
    r, rest = product(c, (a, b), constant(c, PARTS["double"][:2], a))
    return (
        c.select(negative, c.fneg(r), r),
        c.select(negative, c.fneg(rest), rest),
    )


def sine_cosine(c: Code, r: Value, low: Value) -> tuple[Pair, Pair]:
    """sin and cos of r + low, |r| ≤ π/4, each as a sum that is still to be rounded."""
    z = c.fmul(r, r)
    s = horner(c, z, coefficients.SIN4[r.type])
    w = c.fmul(c.fmul(z, z), horner(c, z, coefficients.COS4[r.type]))
    half = c.fma(z, -0.5, 1.0)
    rest = c.fadd(c.fma(z, -0.5, c.fsub(1.0, half)), w)
    sine = c.fma(c.fmul(r, z), s, c.fma(c.fmul(z, -0.5), low, low))
    return (r, sine), (half, c.fma(r, c.fneg(low), rest))


def parity(c: Code, n: Value) -> Value:
    """Whether n is odd."""
    return c.compare("ne", c.binary("and", n, 1), 0)


def sin_tail(c: Code, r: Value, low: Value, n: Value) -> Value:
    """sin(r + low + n π/2)."""
    sine, cosine = sine_cosine(c, r, low)
    y = c.select(parity(c, n), c.fadd(*cosine), c.fadd(*sine))
    return flip(c, y, c.binary("shl", n, format_of(r).total - 2))


def cos_tail(c: Code, r: Value, low: Value, n: Value) -> Value:
    """cos(r + low + n π/2)."""
    return sin_tail(c, r, low, c.binary("add", n, 1))


def tan_tail(c: Code, r: Value, low: Value, n: Value) -> Value:
    """tan(r + low + n π/2)."""
    sine, cosine = (fast_two_sum(c, *pair) for pair in sine_cosine(c, r, low))
    odd = parity(c, n)
    above = [c.select(odd, a, b) for a, b in zip(cosine, sine)]
    below = [c.select(odd, a, b) for a, b in zip(sine, cosine)]
    y = quotient(c, (above[0], above[1]), (below[0], below[1]))
    return flip(c, y, c.binary("shl", n, format_of(r).total - 1))


def huge(c: Code, x: Value, tail: Tail) -> Value:
    """A function of one number beyond the bound."""
    wide = c.convert("fpext", x, "double")
    r, low, n = reduced_huge(c, wide)
    if x.type == "float":
        short = c.convert("fptrunc", r, "float")
        low = c.convert("fptrunc", c.fsub(r, c.convert("fpext", short, "double")), "float")
        r, n = short, c.convert("trunc", n, "i32")
    y = tail(c, r, low, n)
    return c.select(c.compare("oeq", x, float("inf")), NAN, y)


def of_angle(c: Code, x: Value, name: str, tail: Tail) -> Value:
    """tail(r, low, n) of |x|, dear where an element is beyond the bound."""
    if not c.fused and x.type == "float":
        wide = of_angle(c, c.convert("fpext", x, "double"), name, tail)
        return c.convert("fptrunc", wide, "float")
    y = tail(c, *reduced(c, x))
    bound = BOUND[x.type] if c.fused else BOUND_UNFUSED
    far = c.compare("oge", x, bound)
    return rarely(c, far, x, y, f"lt.{name}", lambda c, x: huge(c, x, tail))


def sin(c: Code, x: Value) -> Value:
    """sin x."""
    return flip(c, of_angle(c, fabs(c, x), "sin", sin_tail), c.bits(x))


def cos(c: Code, x: Value) -> Value:
    """cos x."""
    return of_angle(c, fabs(c, x), "cos", cos_tail)


def tan(c: Code, x: Value) -> Value:
    """tan x."""
    return flip(c, of_angle(c, fabs(c, x), "tan", tan_tail), c.bits(x))
