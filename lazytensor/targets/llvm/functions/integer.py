"""Powers of integers, by squaring, modulo their size.

What enters and leaves: values of integers, of any width. It must not know kernels.
"""

from functools import partial

from ..code import Code, Value


def _any(c: Code, x: Value) -> Value:
    """Whether a condition holds for any element."""
    if x.width == 1:
        return x
    name = f"llvm.vector.reduce.or.v{x.width}i1"
    c.declared.add(f"declare i1 @{name}({x.full})")
    return c.result(f"call i1 @{name}({x})", "i1")


def power(c: Code, x: Value, y: Value, signed: bool) -> Value:
    """x^y; to negative powers the truncated quotient: 1 or -1 where x is one of these, else 0."""
    negative = c.compare("slt", y, 0)
    size = c.select(negative, c.binary("and", y, 1), y) if signed else y
    c.jump("before")
    c.label("before")
    c.jump("loop")
    c.label("loop")
    width = x.width
    found = c.phi(x.type, (c.const(1, x.type, width), "before"), width=width)
    base = c.phi(x.type, (x, "before"), width=width)
    left = c.phi(x.type, (size, "before"), width=width)
    odd = c.compare("ne", c.binary("and", left, 1), 0)
    product = c.select(odd, c.binary("mul", found, base), found)
    rest = c.binary("lshr", left, 1)
    c.also(found, product, "loop")
    c.also(base, c.binary("mul", base, base), "loop")
    c.also(left, rest, "loop")
    c.branch(_any(c, c.compare("ne", rest, 0)), "loop", "end")
    c.label("end")
    if not signed:
        return product
    unit = c.binary("or", c.compare("eq", x, 1), c.compare("eq", x, -1))
    return c.select(negative, c.select(unit, product, 0), product)


SIGNED_POWER, UNSIGNED_POWER = partial(power, signed=True), partial(power, signed=False)
