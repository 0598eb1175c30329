"""Quotients by a number that is the same for all of a row: three fused operations for each, and
the bits of a division.

With r = 1/d and q = x r, both rounded, q - (q d - x) r is x/d, rounded, if each of its two steps is
rounded once (P. Markstein, Computation of elementary functions on the IBM RISC System/6000
processor, 1990). For q is less than 3/2 units of the last place away. Up to two units q d - x is
exact; where it is more, x/d is between one unit and 3/2 away, and so is what is computed. Else what
matters is on which side of half a unit times d it is, which is a number, as q d - x is; and r times
the numbers next to d are on the same sides of 1 as these are of d.

So it is as long as exponents have no end. Here d must be far from both ends, and positive, or zeros
would get the wrong sign. And q must be 0, which it is only where x/d, rounded, is; or so large that
the last digits of q and d, multiplied, are a number, as all digits of q d - x then are: q, made
small by the power of two of d's last digit (of 1's, if d is greater), and large again, has to be
what it was, as infinities and NaN aren't. A vector of which an element fails is divided.

What enters: numbers, vectors. What leaves: vectors. It must not know kernels.
"""

from ..._base.record import Record
from .code import SHORT, Code, Value
from .functions._bits import floating, format_of
from .functions._rare import SELDOM


class Divisor(Record, frozen=True):
    """Vectors: a number; 1 by it; what quotients are made small and large again by."""

    number: Value
    inverse: Value
    small: Value
    large: Value

    @property
    def parts(self) -> tuple[Value, Value, Value]:
        """What is made of the number."""
        return self.inverse, self.small, self.large


def divisor(c: Code, d: Value, width: int) -> Divisor:
    """What quotients of vectors of a width by floats or doubles take."""
    form = format_of(d)
    half, one = (form.bias + 1) // 2, 1 << form.digits
    bits = c.bits(d)
    beyond = c.compare("uge", c.binary("sub", bits, (form.bias - half) * one), 2 * half * one)
    power = c.binary("and", bits, form.sign - one)
    most = form.bias * one  # 1
    power = c.select(c.compare("slt", power, most), power, most)
    low = c.binary("sub", power, (form.digits + 1) * one)
    low = c.select(beyond, form.sign - 1, low)
    high = c.binary("sub", c.const(2 * form.bias * one, low.type), low)
    inverse = c.fdiv(c.const(1.0, d.type, d.width), d)
    small, large = (floating(c, v, d.type) for v in (low, high))
    return Divisor(*(c.splat(v, width) for v in (d, inverse, small, large)))


def quotient(c: Code, x: Value, by: Divisor) -> Value:
    """x / d of a vector."""
    name = f'@"quotient.{SHORT[x.type]}.v{x.width}"'
    c.declared |= _function(name, x, by)
    return c.result(f"call {x.full} {name}({_listed(x, by.number, *by.parts)})", x.type, x.width)


def _function(name: str, x: Value, by: Divisor) -> set[str]:
    """What is put in the place of calls, so that the caller's code stays one block."""
    c = Code()
    values = (x, by.number, *by.parts)
    x, d, r, small, large = (Value(f"%x{i}", x.type, v.width) for i, v in enumerate(values))
    q = c.fmul(x, r)
    changed = c.bits(c.fma(c.fmul(q, small), large, c.fneg(q)))
    y = c.fma(c.fneg(c.fma(q, d, c.fneg(x))), r, q)
    some = c.compare("ne", _joined(c, changed), 0)
    c.raw(f"br i1 {some.text}, label %divide, label %done, {SELDOM}")
    c.label("divide")
    divided = c.fdiv(x, d)
    c.jump("done")
    c.label("done")
    out = c.phi(x.type, (y, "0"), (divided, "divide"), width=x.width)
    inputs = _listed(x, d, r, small, large)
    head = f"define internal {x.full} {name}({inputs}) alwaysinline nounwind"
    body = "\n".join([*c.lines, f"ret {out}"])
    return c.declared | {f"{head} {{\n{body}\n}}"}


def _joined(c: Code, x: Value) -> Value:
    """All bits that are set in any element."""
    name = f"@llvm.vector.reduce.or.v{x.width}{x.type}"
    c.declared.add(f"declare {x.type} {name}({x.full})")
    return c.fresh(f"call {x.type} {name}({x})", x.type)


def _listed(*values: Value) -> str:
    return ", ".join(map(repr, values))
