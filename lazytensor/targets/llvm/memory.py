"""Operands in memory, and the loop over the columns of a row: vectors, and what is left over.

What enters: pointers, strides, a body that works on one vector. What leaves: IR in a `Code`. The
body is written once: a last vector that is not full is copied to and from the stack, its unused
elements filled with one that is used. It must not know kernels.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ..._base.dtypes import DType, kind
from .code import Code, Value, vector
from .form import OTHER, REVERSED, STRIDED, UNIT
from .scalar import Lane, ir_type

# Bytes of a line of the cache.
LINE = 64


@dataclass(slots=True)
class Operand:
    """Memory that a loop goes along. `stride` is in bytes, and there for STRIDED ones alone; those
    that are REVERSED have the elements of a column before that of the column before, OTHER ones
    have an element between neighbours.
    """

    dtype: DType
    base: Value
    form: str = UNIT
    stride: Value | None = None
    read: bool = True
    written: bool = False


def blob(dtype: DType) -> str:
    """The IR type that moves an element without looking at it."""
    return f"i{dtype.itemsize * 8}"


def offset(c: Code, base: Value, count: Value, size: int) -> Value:
    """The place `count` elements of `size` bytes further."""
    return c.result(f"getelementptr i8, {base}, {c.binary('mul', count, size)}", "ptr")


def step(c: Code, base: Value, nbytes: Value) -> Value:
    """The place some bytes further."""
    return c.step(base, nbytes)


def prefetch(c: Code, at: Value, nbytes: int) -> None:
    """Have memory brought into the second cache; it need not be anybody's."""
    c.declared.add("declare void @llvm.prefetch.p0(ptr, i32, i32, i32)")
    for i in range(0, nbytes, LINE):
        place = step(c, at, c.const(i, "i64"))
        c.raw(f"call void @llvm.prefetch.p0({place}, i32 0, i32 2, i32 1)")


def load(c: Code, dtype: DType, at: Value, width: int) -> Lane:
    """`width` elements that lie one after another."""
    kinds, size = ir_type(dtype), dtype.itemsize
    if kind(dtype) == "b":
        byte = c.fresh(f"load {vector('i8', width)}, {at}, align 1", "i8", width)
        return Lane(dtype, c.compare("ne", byte, 0))
    if kind(dtype) != "c":
        return Lane(
            dtype, c.fresh(f"load {vector(kinds, width)}, {at}, align {size}", kinds, width)
        )
    both = c.fresh(f"load <{2 * width} x {kinds}>, {at}, align {size // 2}", kinds, 2 * width)
    if width == 1:
        return Lane(dtype, *(c.result(f"extractelement {both}, i64 {i}", kinds) for i in (0, 1)))
    return Lane(dtype, *(_every_second(c, both, i, width) for i in (0, 1)))


def _every_second(c: Code, both: Value, first: int, width: int) -> Value:
    places = ", ".join(f"i32 {first + 2 * i}" for i in range(width))
    rhs = f"shufflevector {both}, {both.full} poison, <{width} x i32> <{places}>"
    return c.result(rhs, both.type, width)


def load_reversed(c: Code, dtype: DType, at: Value, width: int) -> Lane:
    """`width` elements, of which each lies before the one before it."""
    back = c.const(-(width - 1) * dtype.itemsize, "i64")
    lane = load(c, dtype, step(c, at, back), width)
    return Lane(dtype, *(_reversed(c, v) for v in lane.parts))


def load_other(c: Code, dtype: DType, at: Value, width: int) -> Lane:
    """`width` elements with others between them, of which none beyond the last is touched."""
    far = step(c, at, c.const((width - 1) * dtype.itemsize, "i64"))
    first, last = load(c, dtype, at, width), load(c, dtype, far, width)
    return Lane(dtype, *(_others(c, *v) for v in zip(first.parts, last.parts, strict=True)))


def _others(c: Code, x: Value, y: Value) -> Value:
    """Every other element of x from the first on, and of y from the second on."""
    numbers = (*range(0, x.width, 2), *range(x.width + 1, 2 * x.width, 2))
    places = ", ".join(f"i32 {i}" for i in numbers)
    rhs = f"shufflevector {x}, {y}, <{x.width} x i32> <{places}>"
    return c.result(rhs, x.type, x.width)


def _reversed(c: Code, x: Value) -> Value:
    places = ", ".join(f"i32 {i}" for i in reversed(range(x.width)))
    rhs = f"shufflevector {x}, {x.full} poison, <{x.width} x i32> <{places}>"
    return c.result(rhs, x.type, x.width)


def load_apart(c: Code, dtype: DType, at: Value, stride: Value, width: int) -> Lane:
    """`width` elements that lie `stride` bytes apart."""
    lanes = []
    for i in range(width):
        at = step(c, at, stride) if i else at
        lanes.append(load(c, dtype, at, 1))
    parts = zip(*(lane.parts for lane in lanes), strict=True)
    return Lane(dtype, *(_joined(c, part) for part in parts))


def _joined(c: Code, elements: Sequence[Value]) -> Value:
    width, kinds = len(elements), elements[0].type
    out = Value("poison", kinds, width)
    for i, x in enumerate(elements):
        out = c.result(f"insertelement {out}, {x}, i64 {i}", kinds, width)
    return out if width > 1 else elements[0]


def streamed(size: int, width: int) -> int:
    """Of how many bytes a place past the caches is a multiple."""
    return min(64, size * width)


def store(c: Code, lane: Lane, at: Value, stream: bool = False) -> None:
    """Elements one after another; with `stream` past the caches, to an aligned place."""
    dtype, width = lane.dtype, lane.width
    size = dtype.itemsize
    if kind(dtype) == "b":
        value, size = c.convert("zext", lane.only, "i8"), 1
    elif kind(dtype) != "c":
        value = lane.only
    else:
        value, size = _interleaved(c, *lane.parts), size // 2
    if stream:
        whole = streamed(lane.dtype.itemsize, width)
        c.raw(f"store {value}, {at}, align {whole}, !nontemporal !0")
    else:
        c.raw(f"store {value}, {at}, align {size}")


def store_apart(c: Code, lane: Lane, at: Value, stride: Value) -> None:
    """Elements `stride` bytes apart."""
    for i in range(lane.width):
        at = step(c, at, stride) if i else at
        parts = (c.result(f"extractelement {v}, i64 {i}", v.type) for v in lane.parts)
        store(c, Lane(lane.dtype, *parts), at)


def _interleaved(c: Code, x: Value, y: Value) -> Value:
    if x.width == 1:
        return _joined(c, (x, y))
    places = ", ".join(f"i32 {i}, i32 {x.width + i}" for i in range(x.width))
    rhs = f"shufflevector {x}, {y}, <{2 * x.width} x i32> <{places}>"
    return c.result(rhs, x.type, 2 * x.width)


Registers = list[Value]
Body = Callable[[list[Value], list[Value | None], Registers], Registers]


class Columns:
    """The loop over `count` columns (at least 1) of some operands, `width` at a time.

    `body(places, strides, registers)` gets the operands' places and returns the registers after a
    vector; unused elements of vectors among them are left as they were. `room(type, n)` gives
    memory on the stack. With `first`, the second vector begins so many columns after the first one,
    at most `width`: `apart` tells in the body whether a vector is the first, or the last one on the
    stack.
    """

    def __init__(
        self,
        c: Code,
        width: int,
        room: Callable[[str, int], Value],
        first: Value | None = None,
    ) -> None:
        self.c = c
        self.width = width
        self.first = first
        self.room = room
        self.apart: Value | None = None

    def run(
        self, count: Value, operands: Sequence[Operand], start: Registers, body: Body
    ) -> Registers:
        """The registers after the last column."""
        c = self.c
        names = ("head", "rest", "tail", "work", "again", "after", "end")
        before, (head, rest, tail, work, again, after, end) = c.block, map(c.name, names)
        c.jump(head)
        c.label(head)
        places = [c.phi("ptr", (o.base, before)) for o in operands]
        left = c.phi("i64", (count, before))
        by, begins = self._steps(before)
        held = [c.phi(v.type, (v, before), width=v.width) for v in start]
        c.branch(c.compare("sge", left, self.width), work, rest)
        c.label(rest)
        c.branch(c.compare("sgt", left, 0), tail, end)
        c.label(tail)
        rooms = [self._copied_in(o, p, left) for o, p in zip(operands, places, strict=True)]
        tail_end = c.block
        c.jump(work)
        c.label(work)
        at = [c.phi("ptr", (p, head), (r, tail_end)) for p, r in zip(places, rooms, strict=True)]
        last = c.phi("i1", (c.const(0, "i1"), head), (c.const(1, "i1"), tail_end))
        strides = [self._stride(o, head, tail_end) for o in operands]
        self.apart = c.binary("or", begins, last) if begins else None
        held_after = body(at, strides, held)
        c.branch(last, after, again)
        c.label(again)
        for o, p in zip(operands, places, strict=True):
            c.also(p, self._advanced(o, p, by if begins else None), again)
        c.also(left, c.binary("sub", left, by), again)
        if begins:
            c.also(by, c.const(self.width, "i64"), again)
            c.also(begins, c.const(0, "i1"), again)
        for phi, v in zip(held, held_after, strict=True):
            c.also(phi, v, again)
        c.jump(head)
        c.label(after)
        for o, p, r in zip(operands, places, rooms, strict=True):
            if o.written and o.form == STRIDED:
                size = c.const(o.dtype.itemsize, "i64")
                self._one_by_one((r, size), (p, self._step(o)), left, o.dtype)
            elif o.written:
                self._copy(r, p, left, o.dtype)
        used = [
            c.first(left, v, phi) if v.width > 1 else v
            for phi, v in zip(held, held_after, strict=True)
        ]
        after_end = c.block
        c.jump(end)
        c.label(end)
        pairs = zip(held, used, strict=True)
        return [c.phi(a.type, (a, rest), (b, after_end), width=a.width) for a, b in pairs]

    def _steps(self, before: str) -> tuple[Value, Value | None]:
        """How many columns the next vector is further on, and whether this one is the first."""
        c, width = self.c, self.c.const(self.width, "i64")
        if self.first is None:
            return width, None
        return c.phi("i64", (self.first, before)), c.phi("i1", (c.const(1, "i1"), before))

    def moved(self, o: Operand, columns: Value) -> Operand:
        """The operand some columns further."""
        c = self.c
        if o.form == STRIDED:
            assert o.stride is not None
            base = step(c, o.base, c.binary("mul", columns, o.stride))
        else:
            base = offset(c, o.base, columns, self._size(o))
        return replace(o, base=base)

    def _size(self, o: Operand) -> int:
        """Bytes to the next column."""
        return o.dtype.itemsize * {REVERSED: -1, OTHER: 2}.get(o.form, 1)

    def _advanced(self, o: Operand, place: Value, by: Value | None) -> Value:
        c = self.c
        if by is not None:
            return self.moved(replace(o, base=place), by).base
        if o.form == STRIDED:
            assert o.stride is not None
            return step(c, place, c.binary("mul", o.stride, self.width))
        return step(c, place, c.const(self.width * self._size(o), "i64"))

    def _stride(self, o: Operand, head: str, tail: str) -> Value | None:
        if o.form != STRIDED:
            return None
        assert o.stride is not None
        c = self.c
        return c.phi("i64", (o.stride, head), (c.const(o.dtype.itemsize, "i64"), tail))

    def _copied_in(self, o: Operand, place: Value, left: Value) -> Value:
        """Room on the stack with the elements that are left, the rest filled with the first."""
        c, kinds = self.c, blob(o.dtype)
        width = self.width * (1 + (o.form == OTHER))
        room = self.room(kinds, width)
        if o.read:
            first = c.fresh(f"load {kinds}, {place}, align 1", kinds)
            c.raw(f"store {c.splat(first, width)}, {room}, align 1")
            if o.form == REVERSED:
                room = step(c, room, c.const((self.width - 1) * o.dtype.itemsize, "i64"))
            if o.form in (STRIDED, REVERSED, OTHER):
                size = c.const(self._size(o), "i64")
                self._one_by_one((place, self._step(o)), (room, size), left, o.dtype)
            else:
                self._copy(place, room, left, o.dtype)
        return room

    def _copy(self, source: Value, to: Value, count: Value, dtype: DType) -> None:
        c = self.c
        nbytes = c.binary("mul", count, dtype.itemsize)
        c.declared.add("declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)")
        c.raw(f"call void @llvm.memcpy.p0.p0.i64({to}, {source}, {nbytes}, i1 false)")

    def _step(self, o: Operand) -> Value:
        """Bytes to the next column."""
        return self.c.const(self._size(o), "i64") if o.stride is None else o.stride

    def _one_by_one(
        self, source: tuple[Value, Value], to: tuple[Value, Value], count: Value, dtype: DType
    ) -> None:
        """Copy elements; a place goes with the bytes to the next."""
        c, kinds = self.c, blob(dtype)
        before, head, after = c.block, c.name("gather"), c.name("gathered")
        c.jump(head)
        c.label(head)
        i = c.phi("i64", (c.const(0, "i64"), before))
        at, there = (step(c, base, c.binary("mul", i, by)) for base, by in (source, to))
        x = c.fresh(f"load {kinds}, {at}, align 1", kinds)
        c.raw(f"store {x}, {there}, align 1")
        following = c.binary("add", i, 1)
        c.also(i, following, head)
        c.branch(c.compare("slt", following, count), head, after)
        c.label(after)
