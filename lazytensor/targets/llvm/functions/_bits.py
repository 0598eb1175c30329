"""Formats of floating-point numbers, and what is done with their bits.

What enters and leaves: values of `float` or `double`, of any width. It must not know which function
is computed.
"""

from typing import NamedTuple

from ..code import INTEGER, Code, Value, literal


class Format(NamedTuple):
    """Bits after the leading one, the exponent's bias, and numbers of a format."""

    digits: int
    bias: int

    @property
    def total(self) -> int:
        """Bits of a number."""
        return 32 if self.digits == 23 else 64

    @property
    def shift(self) -> float:
        """1.5 · 2^digits: a number of up to half of this, added, is rounded to an integer, which
        is then in the low bits of the sum."""
        return float(3 << (self.digits - 1))

    @property
    def sign(self) -> int:
        """The sign's bit."""
        return 1 << (self.total - 1)

    @property
    def normal(self) -> float:
        """The least normal number."""
        return float(2.0 ** (1 - self.bias))

    @property
    def tiny(self) -> float:
        """Less than this is lost when it is added to 1."""
        return float(2.0 ** -(self.digits + 2))


FORMATS = {"float": Format(23, 127), "double": Format(52, 1023)}
INF = float("inf")
NAN = float("nan")


def format_of(x: Value) -> Format:
    """The format of a value's elements."""
    return FORMATS[x.type]


def pattern(value: float, type: str) -> int:
    """The bits of a number."""
    text = int(literal(value, type), 16)
    if type == "double":
        return text
    sign, exponent, digits = text >> 63, (text >> 52 & 0x7FF) - 1023 + 127, text >> 29 & 0x7FFFFF
    return sign << 31 | exponent << 23 | digits


def integer(c: Code, value: int, like: Value) -> Value:
    """An integer of the size of a value's elements."""
    total = format_of(like).total
    signed = value - (1 << total) if value >> (total - 1) == 1 else value
    return c.const(signed, INTEGER[total], like.width)


def floating(c: Code, x: Value, type: str) -> Value:
    """The numbers that bits stand for."""
    return c.convert("bitcast", x, type)


def fabs(c: Code, x: Value) -> Value:
    """|x|."""
    return c.intrinsic("fabs", x)


def sqrt(c: Code, x: Value) -> Value:
    """√x, correctly rounded."""
    return c.intrinsic("sqrt", x)


def trunc(c: Code, x: Value) -> Value:
    """The integer next to x towards 0."""
    return c.intrinsic("trunc", x)


def copysign(c: Code, x: Value, sign: Value) -> Value:
    """|x| with the sign of another number."""
    return c.intrinsic("copysign", x, sign)


def flip(c: Code, x: Value, sign: Value) -> Value:
    """x, its sign flipped where an integer has its highest bit set."""
    mask = integer(c, format_of(x).sign, x)
    return floating(c, c.binary("xor", c.bits(x), c.binary("and", sign, mask)), x.type)


def at_least(c: Code, x: Value, low: float) -> Value:
    """x or what is greater; NaN stays."""
    return c.select(c.compare("ogt", c.const(low, x.type, x.width), x), low, x)


def at_most(c: Code, x: Value, high: float) -> Value:
    """x or what is less; NaN stays."""
    return c.select(c.compare("olt", c.const(high, x.type, x.width), x), high, x)


def horner(c: Code, x: Value, coefficients: tuple[float, ...]) -> Value:
    """The polynomial, lowest coefficient first."""
    y = c.const(coefficients[-1], x.type, x.width)
    for k in coefficients[-2::-1]:
        y = c.fma(y, x, k)
    return y


def estrin(c: Code, x: Value, coefficients: tuple[float, ...]) -> Value:
    """The same in pairs of pairs: sooner there, with some more products."""
    terms = [c.const(k, x.type, x.width) for k in coefficients]
    while len(terms) > 1:
        pairs = zip(terms[::2], terms[1::2])
        odd = terms[-1:] if len(terms) % 2 else []
        terms = [c.fma(x, high, low) for low, high in pairs] + odd
        x = c.fmul(x, x)
    return terms[0]


def nearest(
    c: Code, x: Value, factor: float, shift: float | Value | None = None
) -> tuple[Value, Value]:
    """n, x · factor rounded to an integer; and an integer with the low bits of n, or where another
    `shift` than the format's is given, of n and what that has more."""
    shift = format_of(x).shift if shift is None else shift
    t = c.fma(x, factor, shift)
    return c.fsub(t, shift), c.bits(t)


def power_of_two(c: Code, n: Value, type: str, more: int = 0) -> Value:
    """2^(n + more), n given by its low bits; only for normal results."""
    form = FORMATS[type]
    bits = c.binary("add", c.binary("shl", n, form.digits), form.bias + more << form.digits)
    return floating(c, bits, type)


def scale(c: Code, x: Value, n: Value) -> Value:
    """x · 2^n, n as `nearest` gives it, between twice the least and greatest exponents: rounded
    once, where the result is subnormal."""
    half = c.binary("lshr", n, 1)  # the bits of `shift`, above, fall out at the left
    rest = c.binary("sub", n, half)
    return c.fmul(c.fmul(x, power_of_two(c, half, x.type)), power_of_two(c, rest, x.type))


def small_float(c: Code, n: Value, type: str, offset: float = 0.0) -> Value:
    """n - offset as a number, n an integer from 0 to 2^digits."""
    form = FORMATS[type]
    one = float(1 << form.digits)
    bits = c.binary("or", n, pattern(one, type))
    return c.fsub(floating(c, bits, type), one + offset)
