"""Windows of images, a vector of windows for one place in a window and one channel at a time. What
is around an image is zeros.

What enters: where an image lies, and how windows go over it. What leaves: IR in a `Code`. It must
not know what becomes of them.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from functools import partial, reduce
from typing import Any

from ..._base.dtypes import DType
from .code import SHORT, Code, Value, vector
from .loops import ZERO, choose, each, least, loaded, split
from .memory import offset, step
from .scalar import ir_type

Ints = tuple[int, ...]
Each = Callable[[Value, Value, Value | None], None]


@dataclass(slots=True)
class Geometry:
    """How windows go over an image of three axes (of fewer: the first ones have one element): sizes
    of an image, of windows, of what they make; steps from window to window and within windows;
    zeros in front; strides of the image in bytes. All are words of a kernel.
    """

    size: Any
    kernel: Any
    count: Any
    stride: Any
    dilation: Any
    pad: Any
    lie: Any

    @classmethod
    def of(cls, numbers: Iterator[Any]) -> "Geometry":
        """From words in their order."""
        return cls(*([next(numbers) for _ in range(3)] for _ in fields(cls)))


def geometry(
    shape: Ints, lie: Ints, kernel: Ints, counts: Ints, strides: Ints, pads: Any, dilations: Ints
) -> tuple[int, ...]:
    """The words for images (examples, channels, …) that lie so."""
    more = 5 - len(shape)
    ones, zeros = (1,) * more, (0,) * more
    parts = (
        ones + shape[2:], ones + kernel, ones + counts, ones + strides, ones + dilations,
        zeros + tuple(lo for lo, _ in pads), zeros + lie[2:],
    )  # fmt: skip
    return tuple(n for part in parts for n in part)


def words_count() -> int:
    """How many words a geometry is."""
    return 3 * len(fields(Geometry))


class Lanes:
    """Consecutive elements along the last axis of an image for a vector of windows: one after
    another, every second, or further apart.
    """

    def __init__(self, c: Code, dtype: DType, width: int) -> None:
        self.c = c
        self.kinds, self.size, self.width = ir_type(dtype), dtype.itemsize, width
        self.whole = "i32" if self.size == 4 else "i64"

    def numbers(self) -> Value:
        """0, 1, 2 … for the elements of a vector."""
        places = ", ".join(f"{self.whole} {i}" for i in range(self.width))
        return Value(f"<{places}>", self.whole, self.width)

    def narrow(self, x: Value) -> Value:
        """A number as the elements of masks have it."""
        return x if self.whole == "i64" else self.c.convert("trunc", x, self.whole)

    def mask(self, holds: Value) -> Value:
        """A condition as all bits of each element: conditions don't go from block to block well."""
        return self.c.convert("sext", holds, self.whole)

    def load(self, at: Value, mask: Value) -> Value:
        """The elements that a mask has, else zeros; no others are touched."""
        c, full = self.c, vector(self.kinds, self.width)
        name = f"llvm.masked.load.v{self.width}{SHORT[self.kinds]}.p0"
        c.declared.add(f"declare {full} @{name}(ptr, i32, <{self.width} x i1>, {full})")
        holds = c.compare("slt", mask, 0)
        rhs = f"call {full} @{name}({at}, i32 {self.size}, {holds}, {full} zeroinitializer)"
        return c.fresh(rhs, self.kinds, self.width)

    def store(self, at: Value, value: Value, mask: Value) -> None:
        """Put the elements that a mask has where they belong; no others are touched."""
        c, full = self.c, value.full
        name = f"llvm.masked.store.v{self.width}{SHORT.get(value.type, value.type)}.p0"
        c.declared.add(f"declare void @{name}({full}, ptr, i32, <{self.width} x i1>)")
        c.raw(f"call void @{name}({value}, {at}, i32 {self.size}, {c.compare('slt', mask, 0)})")

    def elements(self, at: Value, mask: Value | None, stride: int, apart: Value) -> Value:
        """Elements from a place on: next to one another, every second (a stride of 2), or so many
        bytes `apart` (0). The mask is None where all are there.
        """
        if stride == 0:
            return self.load_apart(at, mask, apart)
        if mask is None:
            return self.whole_load(at) if stride == 1 else self.whole_second(at)
        return self.load(at, mask) if stride == 1 else self.load_second(at, mask)

    def whole_load(self, at: Value) -> Value:
        """All elements of a vector."""
        return loaded(self.c, at, self.kinds, self.size, self.width)

    def whole_second(self, at: Value) -> Value:
        """Every second element, of two vectors."""
        both = loaded(self.c, at, self.kinds, self.size, 2 * self.width)
        return self._shuffled(both, both, [2 * i for i in range(self.width)])

    def part(self, x: Value, first: int, width: int) -> Value:
        """Some elements of a vector."""
        if width == 1:
            return self.c.result(f"extractelement {x}, i64 {first}", x.type)
        return self._shuffled(x, x, [first + i for i in range(width)])

    def load_second(self, at: Value, mask: Value) -> Value:
        """Every second element from a place on."""
        n = self.width
        low, high = (self._spread(mask, first) for first in (0, n // 2))
        further = step(self.c, at, self.c.const(n * self.size, "i64"))
        a, b = self.load(at, low), self.load(further, high)
        return self._shuffled(a, b, [2 * i for i in range(n)])

    def _spread(self, mask: Value, first: int) -> Value:
        """Half of a mask, of which every element is followed by one that is not set."""
        zeros = Value("zeroinitializer", self.whole, self.width)
        places = [p for i in range(self.width // 2) for p in (first + i, self.width)]
        return self._shuffled(mask, zeros, places)

    def _shuffled(self, a: Value, b: Value, places: list[int]) -> Value:
        listed = ", ".join(f"i32 {p}" for p in places)
        rhs = f"shufflevector {a}, {b.full} {b.text}, <{len(places)} x i32> <{listed}>"
        return self.c.result(rhs, a.type, len(places))

    def load_apart(self, at: Value, mask: Value | None, stride: Value) -> Value:
        """Elements so many bytes apart."""
        c = self.c
        out = Value("zeroinitializer", self.kinds, self.width)
        for i in range(self.width):
            put = partial(self._element, out, at, i)
            if mask is None:
                (out,) = put()
            else:
                has = c.compare("slt", c.result(f"extractelement {mask}, i64 {i}", self.whole), 0)
                (out,) = choose(c, has, put, lambda out=out: [out])  # type: ignore[misc]
            at = step(c, at, stride)
        return out

    def _element(self, out: Value, at: Value, i: int) -> list[Value]:
        x = self.c.fresh(f"load {self.kinds}, {at}, align {self.size}", self.kinds)
        return [self.c.result(f"insertelement {out}, {x}, i64 {i}", self.kinds, self.width)]


class Windows:
    """Writes loops over vectors of windows, cut where a row of windows ends."""

    def __init__(self, c: Code, lanes: Lanes, geometry: Geometry) -> None:
        self.c = c
        self.lanes = lanes
        self.g = geometry

    def runs(self, first: Value, count: Value, body: Callable[["Run", Value], None]) -> None:
        """`body(run, begins)` for each row of windows that a vector from a window on has a part of;
        for none, where there are no windows, once.
        """
        c, g = self.c, self.g
        width = c.const(self.lanes.width, "i64")
        end = c.binary("add", first, least(c, count, width))
        before, head, done = c.block, c.name("run"), c.name("ran")
        c.jump(head)
        c.label(head)
        at = c.phi("i64", (first, before))
        row, column = split(c, at, g.count[2])
        some = least(c, c.binary("sub", g.count[2], column), c.binary("sub", end, at))
        begins = c.binary("sub", at, first)
        run = Run(self, row, column, begins, c.binary("add", begins, some))
        body(run, c.compare("eq", begins, 0))
        c.also(at, c.binary("add", at, some), c.block)
        more = c.compare("slt", c.binary("add", at, some), end)
        c.branch(more, head, done)
        c.label(done)


class Run:
    """Windows next to one another: a row of them, the column of the first one, and which elements
    of a vector they are.
    """

    def __init__(self, of: Windows, row: Value, column: Value, begins: Value, ends: Value) -> None:
        self.c, self.g, self.lanes = of.c, of.g, of.lanes
        self.at = split(self.c, row, self.g.count[1])
        self.begins, self.ends = begins, ends
        # where element 0 of the vector would lie
        moved = self.c.binary("mul", self.c.binary("sub", column, begins), self.g.stride[2])
        self.start = self.c.binary("sub", moved, self.g.pad[2])

    def free(self, reach: int) -> Value:
        """Whether it is a whole vector, and all that it reads is inside the image, `reach` elements
        of a row included.
        """
        c, g = self.c, self.g
        last = c.binary("add", c.binary("add", self.start, self._span(2)), reach)
        conditions = [
            c.compare("eq", c.binary("sub", self.ends, self.begins), self.lanes.width),
            c.compare("sge", self.start, 0),
            c.compare("sle", last, g.size[2]),
        ]
        for axis in (0, 1):
            first = c.binary("sub", c.binary("mul", self.at[axis], g.stride[axis]), g.pad[axis])
            last = c.binary("add", first, self._span(axis))
            conditions += [c.compare("sge", first, 0), c.compare("slt", last, g.size[axis])]
        return reduce(lambda x, y: c.binary("and", x, y), conditions)

    def _span(self, axis: int) -> Value:
        """From the first element of a window to its last one."""
        c, g = self.c, self.g
        return c.binary("mul", c.binary("sub", g.kernel[axis], 1), g.dilation[axis])

    def places(self, base: Value, body: Each, masked: bool) -> None:
        """`body(number, address, mask)` for each place in a window; the mask has the elements that
        are there, and is None where all are.
        """
        c, g = self.c, self.g
        inside = self._inside() if masked else None

        def plane(z: Value) -> None:
            at, holds = self._axis(0, z)

            def line(y: Value) -> None:
                further, also = self._axis(1, y)
                row = c.binary("add", c.binary("mul", z, g.kernel[1]), y)
                both = c.splat(c.binary("and", holds, also), self.lanes.width)
                there = inside and c.binary("and", inside, self.lanes.mask(both))
                place = step(c, base, c.binary("add", at, further))
                self._line(place, there, c.binary("mul", row, g.kernel[2]), body)

            each(c, ZERO, g.kernel[1], 1, line)

        each(c, ZERO, g.kernel[0], 1, plane)

    def _inside(self) -> Value:
        """The elements of the vector that are of this run."""
        c, lanes = self.c, self.lanes
        numbers = lanes.numbers()
        after = c.compare("sge", numbers, lanes.narrow(self.begins))
        before = c.compare("slt", numbers, lanes.narrow(self.ends))
        return lanes.mask(c.binary("and", after, before))

    def _axis(self, axis: int, place: Value) -> tuple[Value, Value]:
        """Bytes to a place along an axis, and whether the image has it."""
        c, g = self.c, self.g
        moved = c.binary("sub", c.binary("mul", place, g.dilation[axis]), g.pad[axis])
        i = c.binary("add", c.binary("mul", self.at[axis], g.stride[axis]), moved)
        return c.binary("mul", i, g.lie[axis]), c.compare("ult", i, g.size[axis])

    def _line(self, base: Value, there: Value | None, number: Value, body: Each) -> None:
        c, g, lanes = self.c, self.g, self.lanes
        steps = c.binary("mul", lanes.numbers(), lanes.narrow(g.stride[2]))

        def place(x: Value) -> None:
            start = c.binary("add", self.start, c.binary("mul", x, g.dilation[2]))
            mask = there
            if there:
                i = c.binary("add", steps, lanes.narrow(start))
                holds = lanes.mask(c.compare("ult", i, lanes.narrow(g.size[2])))
                mask = c.binary("and", there, holds)
            body(c.binary("add", number, x), offset(c, base, start, lanes.size), mask)

        each(c, ZERO, g.kernel[2], 1, place)


def by_stride(c: Code, stride: Value, body: Callable[[int], None]) -> None:
    """`body` for a stride of 1, of 2, or (0) of any size."""
    other = partial(choose, c, c.compare("eq", stride, 2), partial(body, 2), partial(body, 0))
    choose(c, c.compare("eq", stride, 1), partial(body, 1), other)
