"""What is dear and rarely needed: functions out of line, one number at a time.

What enters: a condition, the cheap result, and a writer of the dear one. What leaves: the result.
The caller's code stays one block: the branch is in a function that LLVM puts in the caller's place.
It must not know which function is computed.
"""

from collections.abc import Callable, Sequence

from ..code import SHORT, Code, Value, vector

Writer = Callable[..., Value]
SELDOM = '!prof !{!"branch_weights", i32 1, i32 4000}'


def rarely(
    c: Code, rare: Value, x: Value | Sequence[Value], usual: Value, name: str, dear: Writer
) -> Value:
    """`usual` where the condition doesn't hold, and dear(c, x) where it does."""
    operands = [x] if isinstance(x, Value) else list(x)
    suffix = f"{SHORT[usual.type]}{'' if c.fused else '.unfused'}"
    scalar = f'@"{name}.{suffix}"'
    lanes = f'@"{name}.{suffix}.v{usual.width}"'
    if c.declares:
        c.declared.update(scalar_function(c.fused, scalar, operands, dear))
        c.declared.update(lane_function(scalar, lanes, rare, operands, usual))
    arguments = ", ".join(map(repr, (rare, usual, *operands)))
    return c.result(f"call {usual.full} {lanes}({arguments})", usual.type, usual.width)


def scalar_function(fused: bool, name: str, operands: list[Value], dear: Writer) -> set[str]:
    """The dear function of numbers, and what it needs."""
    c = Code(fused)
    arguments = [Value(f"%x{i}", o.type) for i, o in enumerate(operands)]
    y = dear(c, *arguments)
    inputs = ", ".join(map(repr, arguments))
    head = f"define internal {y.type} {name}({inputs}) noinline cold nounwind"
    body = "\n".join([*c.lines, f"ret {y}"])
    return c.declared | {f"{head} {{\n{body}\n}}"}


def element(c: Code, x: Value, i: int) -> Value:
    """One element of a vector."""
    return x if x.width == 1 else c.fresh(f"extractelement {x}, i64 {i}", x.type)


def lane_function(
    scalar: str, name: str, rare: Value, operands: list[Value], usual: Value
) -> set[str]:
    """What calls the dear function for each element, if the condition holds for any."""
    c = Code()
    width = usual.width
    condition, y = Value("%rare", "i1", width), Value("%usual", usual.type, width)
    arguments = [Value(f"%x{i}", o.type, width) for i, o in enumerate(operands)]
    some = condition
    if width > 1:
        some = c.fresh(f"call i1 @llvm.vector.reduce.or.v{width}i1({condition})", "i1")
        c.declared.add(f"declare i1 @llvm.vector.reduce.or.v{width}i1({condition.full})")
    c.raw(f"br i1 {some.text}, label %dear, label %done, {SELDOM}")
    c.label("dear")
    found = Value("poison", y.type, width)
    for i in range(width):
        lane = [element(c, a, i) for a in arguments]
        one = c.fresh(f"call {y.type} {scalar}({', '.join(map(repr, lane))})", y.type)
        into = f"insertelement {found}, {one}, i64 {i}"
        found = c.fresh(into, y.type, width) if width > 1 else one
    chosen = c.select(condition, found, y)
    c.jump("done")
    c.label("done")
    out = c.fresh(f"phi {y.full} [{y.text}, %0], [{chosen.text}, %dear]", y.type, width)
    c.raw(f"ret {out}")
    inputs = ", ".join(map(repr, (condition, y, *arguments)))
    head = f"define internal {vector(y.type, width)} {name}({inputs}) alwaysinline nounwind"
    body = "\n".join(c.lines)
    return c.declared | {f"{head} {{\n{body}\n}}"}


def signed(bits: int) -> int:
    """The integer that the low 64 bits stand for."""
    return (bits + (1 << 63)) % (1 << 64) - (1 << 63)


def table(c: Code, name: str, bits: int, words: int, first: Value, count: int) -> list[Value]:
    """Consecutive words of 64 bits, from the one that `first` says, of a constant of many bits."""
    each = ", ".join(f"i64 {signed(bits >> (64 * (words - 1 - i)))}" for i in range(words))
    c.declared.add(f"@{name} = internal constant [{words} x i64] [{each}]")
    found = []
    for i in range(count):
        index = c.binary("add", first, i)
        place = c.result(f"getelementptr i64, ptr @{name}, {index}", "ptr")
        found.append(c.fresh(f"load i64, {place}", "i64"))
    return found
