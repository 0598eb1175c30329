"""fmod, mod and floordiv, exact: x - q y for the quotient q up to 2^digits; beyond it, long
division of the digits, out of line.

What enters and leaves: values of `float` or `double`, of any width. It must not know kernels.
"""

from ..code import Code, Value
from ._bits import FORMATS, INF, copysign, fabs, format_of, power_of_two, trunc
from ._double import two_product
from ._rare import rarely


def digits_of(c: Code, x: Value) -> tuple[Value, Value]:
    """Finite x > 0 as m 2^e with all digits in m, two integers of 64 bits; e is counted from that
    of the least number."""
    form = format_of(x)
    bits = c.convert("zext", c.bits(x), "i64")
    field = c.binary("lshr", bits, form.digits)
    m = c.binary("and", bits, (1 << form.digits) - 1)
    normal = c.compare("ne", field, 0)
    m = c.select(normal, c.binary("or", m, 1 << form.digits), m)
    e = c.select(normal, c.binary("sub", field, 1), 0)
    zeros = c.binary("sub", c.intrinsic("ctlz", m, suffix=", i1 false"), 63 - form.digits)
    return c.binary("shl", m, zeros), c.binary("sub", e, zeros)


def long_division(c: Code, a: Value, b: Value) -> Value:
    """a mod b of finite numbers a ≥ b > 0: the digits of a, some at a time."""
    form = FORMATS[a.type]
    (m, e), (d, least) = digits_of(c, a), digits_of(c, b)
    d = c.intrinsic("umax", d, c.const(1, "i64"))  # b = 0 comes here too, and is not looked at
    left, rest = c.fresh(f"sub {e}, {least.text}", "i64"), c.fresh(f"urem {m}, {d.text}", "i64")
    c.jump("before")
    c.label("before")
    c.jump("loop")
    c.label("loop")
    more, next_left, next_rest = "%more", "%next_left", "%next_rest"
    c.raw(f"%left = phi i64 [{left.text}, %before], [{next_left}, %step]")
    c.raw(f"%rest = phi i64 [{rest.text}, %before], [{next_rest}, %step]")
    c.raw(f"{more} = icmp sgt i64 %left, 0")
    c.branch(Value(more, "i1"), "step", "end")
    c.label("step")
    count = c.intrinsic("smin", Value("%left", "i64"), c.const(63 - form.digits, "i64"))
    shifted = c.binary("shl", Value("%rest", "i64"), count)
    c.raw(f"{next_rest} = urem {shifted}, {d.text}")
    c.raw(f"{next_left} = sub i64 %left, {count.text}")
    c.jump("loop")
    c.label("end")
    size = c.convert("sitofp", Value("%rest", "i64"), a.type)
    power = c.binary("sub", least, form.bias + form.digits - 1)
    half = c.binary("ashr", power, 1)
    for part in (half, c.binary("sub", power, half)):
        short = part if a.type == "double" else c.convert("trunc", part, "i32")
        size = c.fmul(size, power_of_two(c, short, a.type))
    return size


def fmod(c: Code, x: Value, y: Value) -> Value:
    """The remainder of truncated division, with the sign of x."""
    if not c.fused and x.type == "float":  # products are exact there
        return c.convert(
            "fptrunc", fmod(c, *(c.convert("fpext", v, "double") for v in (x, y))), "float"
        )
    a, b = fabs(c, x), fabs(c, y)
    ratio = c.fdiv(a, b)
    q = trunc(c, ratio)
    if c.fused:
        r = c.fma(c.fneg(q), b, a)
    else:
        p, e = two_product(c, q, b)
        r = c.fsub(c.fsub(a, p), e)
    r = c.select(c.compare("olt", r, 0.0), c.fadd(r, b), r)
    r = c.select(c.compare("olt", a, b), a, r)
    far = c.compare("oge", ratio, float(1 << format_of(x).digits))
    if not c.fused:  # where the product's parts overflow or underflow
        far = c.binary("or", far, c.compare("ogt", b, 2.0**900))
        far = c.binary("or", far, c.compare("olt", b, 2.0**-900))
        far = c.binary("and", far, c.compare("oge", a, b))
    far = c.binary("and", far, c.compare("olt", a, INF))
    far = c.binary("and", far, c.compare("ogt", b, 0.0))
    return copysign(c, rarely(c, far, (a, b), r, "lt.fmod", long_division), x)


def opposed(c: Code, r: Value, y: Value) -> Value:
    """Whether a remainder is not 0, and its sign not the divisor's."""
    signs = c.binary("xor", c.compare("olt", y, 0.0), c.compare("olt", r, 0.0))
    return c.binary("and", signs, c.compare("une", r, 0.0))


def mod(c: Code, x: Value, y: Value) -> Value:
    """The remainder of floored division, with the sign of y; as NumPy rounds it."""
    r = fmod(c, x, y)
    whole = c.select(c.compare("oeq", r, 0.0), copysign(c, r, y), r)
    return c.select(opposed(c, r, y), c.fadd(r, y), whole)


def floordiv(c: Code, x: Value, y: Value) -> Value:
    """The floor of x / y, as NumPy computes it."""
    r = fmod(c, x, y)
    ratio = c.fdiv(x, y)
    q = c.fdiv(c.fsub(x, r), y)
    q = c.select(opposed(c, r, y), c.fsub(q, 1.0), q)
    floor = c.intrinsic("floor", q)
    floor = c.select(c.compare("ogt", c.fsub(q, floor), 0.5), c.fadd(floor, 1.0), floor)
    zero = copysign(c, c.const(0.0, x.type, x.width), ratio)
    floor = c.select(c.compare("oeq", q, 0.0), zero, floor)
    return c.select(c.compare("oeq", y, 0.0), ratio, floor)
