"""Functions, loops and conditions as text, for kernels that are written by hand.

What enters: bodies that write instructions. What leaves: IR in a `Code`, or the text of a whole
function. It must not know what is computed.
"""

from collections.abc import Callable

from .code import KERNEL, Code, Value, vector
from .memory import step

Values = list[Value]
Body = Callable[[], Values | None]
LO, HI, TRUE, FALSE = Value("%lo", "i64"), Value("%hi", "i64"), Value("1", "i1"), Value("0", "i1")
ZERO = Value("0", "i64")


def module(c: Code, *functions: str) -> str:
    """The text of a kernel, of functions that it calls, and of what both declare."""
    lines = "\n".join([KERNEL, *c.lines, "ret i64 0", "}", *functions]).split("\n")
    declared = {line for line in lines if line.startswith("declare ")} | c.declared
    rest = [line for line in lines if not line.startswith("declare ")]
    return "\n".join([*rest, *sorted(declared)]) + "\n"


def function(c: Code, name: str, arguments: str) -> str:
    """The text of a function without result, out of line."""
    head = f"define internal void @{name}({arguments}) nounwind noinline {{\nentry:"
    return "\n".join([head, *c.lines, "ret void", "}", *sorted(c.declared)])


def pointers(c: Code, count: int) -> list[Value]:
    """The kernel's arrays."""
    return [c.fresh(f"load ptr, {_field(c, '%pointers', i)}", "ptr") for i in range(count)]


def words(c: Code, count: int) -> list[Value]:
    """The kernel's words."""
    return [c.fresh(f"load i64, {_field(c, '%words', i)}", "i64") for i in range(count)]


def _field(c: Code, base: str, i: int) -> Value:
    return step(c, Value(base, "ptr"), c.const(8 * i, "i64"))


def carried(
    c: Code, start: Value, bound: Value, by: Value | int, values: Values,
    body: Callable[[Value, Values], Values],
) -> Values:  # fmt: skip
    """The first i of start, start + by, … that is not below a bound, and values after `body(i,
    values)` for all before it, each given those that the one before gave.
    """
    before, head, work, after = c.block, c.name("each"), c.name("do"), c.name("done")
    c.jump(head)
    c.label(head)
    held = [c.phi(v.type, (v, before), width=v.width) for v in (start, *values)]
    c.branch(c.compare("slt", held[0], bound), work, after)
    c.label(work)
    found = body(held[0], held[1:])
    for phi, value in zip(held, (c.binary("add", held[0], by), *found), strict=True):
        c.also(phi, value, c.block)
    c.jump(head)
    c.label(after)
    return held


def each(
    c: Code, start: Value, bound: Value, by: Value | int, body: Callable[[Value], None]
) -> Value:
    """`body(i)` for i = start, start + by, … below a bound; the first i that is not below it."""

    def alone(i: Value, _: Values) -> Values:
        body(i)
        return []

    return carried(c, start, bound, by, [], alone)[0]


def choose(c: Code, condition: Value, then: Body, other: Body) -> Values:
    """What one of two bodies gives, values of the same types."""
    one, two, after = c.name("then"), c.name("else"), c.name("after")
    c.branch(condition, one, two)
    ends = []
    for label, body in ((one, then), (two, other)):
        c.label(label)
        ends.append((body() or [], c.block))
        c.jump(after)
    c.label(after)
    (some, first), (rest, second) = ends
    return [
        c.phi(v.type, (v, first), (w, second), width=v.width)
        for v, w in zip(some, rest, strict=True)
    ]


def where(c: Code, condition: Value, body: Body) -> None:
    """The body if the condition holds."""
    choose(c, condition, body, lambda: None)


def least(c: Code, x: Value, y: Value | int) -> Value:
    """The smaller one."""
    return c.select(c.compare("slt", x, y), x, y)


def split(c: Code, i: Value, by: Value) -> tuple[Value, Value]:
    """Quotient and remainder of numbers that are not negative."""
    quotient = c.binary("udiv", i, by)
    return quotient, c.binary("sub", i, c.binary("mul", quotient, by))


def loaded(c: Code, at: Value, kinds: str, size: int, width: int) -> Value:
    """Elements one after another, as they are now."""
    return c.fresh(f"load {vector(kinds, width)}, {at}, align {size}", kinds, width)
