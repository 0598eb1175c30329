"""Convolutions of which each channel out reads one channel in, and the gradients of their weights:
vectors along the rows of windows, a few rows at once.

What enters: arrays of single or double precision. What leaves: arrays. Zeros around an image are
multiplied too. It must not know graphs.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from ..._base.dtypes import DType
from .code import Code, Value
from .emitter import Host
from .loops import (
    HI,
    LO,
    ZERO,
    Values,
    carried,
    choose,
    each,
    least,
    module,
    pointers,
    split,
    stored,
    words,
)  # fmt: skip
from .memory import offset, step
from .windows import Geometry, Lanes, by_stride, words_count

# Rows of windows at once.
HEIGHT = 4
WORDS = ("channels", "outer", "examples", "example", "channel")


@dataclass(frozen=True, slots=True)
class _Tap:
    """A place in windows: how far it is from the first one along each axis and in bytes, and its
    number.
    """

    axes: tuple[Value, ...]
    bytes: Value
    number: Value


@dataclass(frozen=True, slots=True)
class _Spot:
    """A vector of windows in some rows: where the row's first element and its weights' gradient
    begin, the axes' first elements, and the first window. Without a mask all of them are inside.
    """

    base: Value
    axes: tuple[Value, ...]
    column: Value
    made: Value
    height: int
    stride: int
    masked: bool = True


Visit = Callable[[_Spot, Values], Values]


class _Planes:
    """What both kernels have in common: the loops over windows, and over places in them."""

    def __init__(self, dtype: DType, host: Host, arrays: int) -> None:
        self.c = c = Code(host.fused)
        self.size, self.width = dtype.itemsize, max(2, host.bytes // dtype.itemsize)
        self.arrays = pointers(c, arrays)
        numbers = iter(words(c, len(WORDS) + words_count()))
        self.n = {name: next(numbers) for name in WORDS}
        self.g = Geometry.of(numbers)
        self.lanes = Lanes(c, dtype, self.width)
        self.zero = c.const(0.0, self.lanes.kinds, self.width)
        self.count = self._product(self.g.count)
        self.places = self._product(self.g.kernel)

    def text(self) -> str:
        """The module: a copy of it all for each kind of stride."""

        def strided(stride: int) -> None:
            each(self.c, LO, HI, 1, partial(self._unit, stride=stride))

        by_stride(self.c, self.g.stride[2], strided)
        return module(self.c)

    def _unit(self, u: Value, stride: int) -> None:
        """What is done for a unit."""
        raise NotImplementedError

    def _product(self, sizes: Values) -> Value:
        return self.c.binary("mul", self.c.binary("mul", sizes[0], sizes[1]), sizes[2])

    # --- places in windows -----------------------------------------------------------------------

    def _taps(self, values: Values, body: Callable[[_Tap, Values], Values]) -> Values:
        """Values after `body(tap, values)` for all places in a window, in order."""
        return self._taps_of((), self.c.const(0, "i64"), self.c.const(0, "i64"), values, body)

    def _taps_of(
        self, axes: tuple[Value, ...], moved: Value, number: Value, values: Values,
        body: Callable[[_Tap, Values], Values],
    ) -> Values:  # fmt: skip
        c, g, axis = self.c, self.g, len(axes)
        if axis == 3:
            return body(_Tap(axes, moved, number), values)
        pitch = g.lie[axis] if axis < 2 else c.const(self.size, "i64")

        def place(i: Value, held: Values) -> Values:
            further = c.binary("mul", i, g.dilation[axis])
            to = c.binary("add", moved, c.binary("mul", further, pitch))
            count = c.binary("add", c.binary("mul", number, g.kernel[axis]), i)
            return self._taps_of((*axes, further), to, count, held, body)

        return carried(c, g.kernel[axis], values, place)

    # --- windows ---------------------------------------------------------------------------------

    def _windows(self, x: Value, made: Value, stride: int, values: Values, visit: Visit) -> Values:
        """Values after `visit(spot, values)` for all windows of an image."""
        c, g = self.c, self.g

        def plane(z: Value, held: Values) -> Values:
            first = self._first(0, z)
            at = step(c, x, c.binary("mul", first, g.lie[0]))
            reach = c.binary("add", first, self._reach(0))
            inside = c.binary("and", c.compare("sge", first, 0), c.compare("slt", reach, g.size[0]))
            rows = c.binary("mul", c.binary("mul", z, g.count[1]), g.count[2])
            to = offset(c, made, rows, self.size)
            return self._rows(at, to, first, inside, stride, held, visit)

        return carried(c, g.count[0], values, plane)

    def _first(self, axis: int, window: Value) -> Value:
        """The first element of a window along an axis."""
        moved = self.c.binary("mul", window, self.g.stride[axis])
        return self.c.binary("sub", moved, self.g.pad[axis])

    def _reach(self, axis: int) -> Value:
        """From the first element of a window to its last one."""
        c, g = self.c, self.g
        return c.binary("mul", c.binary("sub", g.kernel[axis], 1), g.dilation[axis])

    def _rows(
        self, x: Value, made: Value, z: Value, inside: Value, stride: int, values: Values,
        visit: Visit,
    ) -> Values:  # fmt: skip
        """Rows of windows: a few at once where all that they read is inside, else one."""
        c, g = self.c, self.g
        before, head, work, done = c.block, c.name("rows"), c.name("row"), c.name("end")
        c.jump(head)
        c.label(head)
        row = c.phi("i64", (ZERO, before))
        held = [c.phi(v.type, (v, before), width=v.width) for v in values]
        c.branch(c.compare("slt", row, g.count[1]), work, done)
        c.label(work)
        first = self._first(1, row)
        at = step(c, x, c.binary("mul", first, g.lie[1]))
        to = offset(c, made, c.binary("mul", row, g.count[2]), self.size)
        spot = _Spot(at, (z, first), ZERO, to, 1, stride)

        def few(height: int) -> Values:
            found = self._columns(replace(spot, height=height), held, visit)
            return [*found, c.const(height, "i64")]

        one = partial(few, 1)
        many = partial(few, HEIGHT) if stride else one
        *found, by = choose(c, self._inside(row, first, inside), many, one)
        following = c.binary("add", row, by)
        for phi, value in zip((row, *held), (following, *found), strict=True):
            c.also(phi, value, c.block)
        c.jump(head)
        c.label(done)
        return held

    def _inside(self, row: Value, first: Value, inside: Value) -> Value:
        """Whether a few rows from one on are there, and all that their windows read along the first
        two axes.
        """
        c, g = self.c, self.g
        last = c.binary("add", first, c.binary("mul", g.stride[1], HEIGHT - 1))
        conditions = (
            c.compare("sle", c.binary("add", row, HEIGHT), g.count[1]),
            c.compare("sge", first, 0),
            c.compare("slt", c.binary("add", last, self._reach(1)), g.size[1]),
        )
        for condition in conditions:
            inside = c.binary("and", inside, condition)
        return inside

    def _columns(self, spot: _Spot, values: Values, visit: Visit) -> Values:
        """All vectors of windows of a row."""
        c, g, width = self.c, self.g, self.width
        vectors = c.binary("udiv", c.binary("add", g.count[2], width - 1), c.const(width, "i64"))

        def vector(i: Value, held: Values) -> Values:
            column = c.binary("mul", i, width)
            first = self._first(2, column)
            here = replace(
                spot, axes=(*spot.axes, first), column=column,
                base=offset(c, spot.base, first, self.size),
                made=offset(c, spot.made, column, self.size),
            )  # fmt: skip
            masked = partial(visit, here, held)
            if spot.height == 1:
                return masked()
            free = partial(visit, replace(here, masked=False), held)
            return choose(c, self._free(column, first, spot.stride), free, masked)

        return carried(c, vectors, values, vector)

    def _free(self, column: Value, first: Value, stride: int) -> Value:
        """Whether a vector is full, and all elements that are loaded for it are inside."""
        c, g = self.c, self.g
        last = c.binary("add", c.binary("add", first, self._reach(2)), stride * self.width)
        full = c.compare("sle", c.binary("add", column, self.width), g.count[2])
        inside = c.binary("and", c.compare("sge", first, 0), c.compare("sle", last, g.size[2]))
        return c.binary("and", full, inside)

    # --- elements --------------------------------------------------------------------------------

    def _elements(self, spot: _Spot, tap: _Tap) -> Values:
        """What the windows of each row have at a place; zeros where that is not in the image."""
        c, g = self.c, self.g
        mask = self._mask(spot, tap) if spot.masked else None
        at, down = step(c, spot.base, tap.bytes), c.binary("mul", g.stride[1], g.lie[1])
        apart = c.binary("mul", g.stride[2], self.size)
        found = []
        for i in range(spot.height):
            at = step(c, at, down) if i else at
            found.append(self.lanes.elements(at, mask, spot.stride, apart))
        return found

    def _mask(self, spot: _Spot, tap: _Tap) -> Value:
        c, g, lanes = self.c, self.g, self.lanes
        z, y, x = (c.binary("add", a, b) for a, b in zip(spot.axes, tap.axes, strict=True))
        steps = c.binary("mul", lanes.numbers(), lanes.narrow(g.stride[2]))
        there = c.compare("ult", c.binary("add", steps, lanes.narrow(x)), lanes.narrow(g.size[2]))
        if spot.height == 1:
            row = c.binary("and", c.compare("ult", z, g.size[0]), c.compare("ult", y, g.size[1]))
            there = c.binary("and", there, row)
        return lanes.mask(there)

    def _weight(self, base: Value, tap: _Tap) -> Value:
        return offset(self.c, base, tap.number, self.size)


class Outputs(_Planes):
    """Writes the kernel (x, w, out): a unit is an example's channel out."""

    def __init__(self, dtype: DType, host: Host) -> None:
        super().__init__(dtype, host, 3)

    def _unit(self, u: Value, stride: int) -> None:
        c, n, (x, w, out) = self.c, self.n, self.arrays
        example, channel = split(c, u, n["outer"])
        read = c.binary("udiv", c.binary("mul", channel, n["channels"]), n["outer"])
        x = step(c, x, c.binary("mul", example, n["example"]))
        x = step(c, x, c.binary("mul", read, n["channel"]))
        w = offset(c, w, c.binary("mul", channel, self.places), self.size)
        out = offset(c, out, c.binary("mul", u, self.count), self.size)

        def visit(spot: _Spot, _: Values) -> Values:
            self._stored(spot, self._taps([self.zero] * spot.height, partial(self._added, w, spot)))
            return []

        self._windows(x, out, stride, [], visit)

    def _added(self, w: Value, spot: _Spot, tap: _Tap, sums: Values) -> Values:
        """Sums with the products for a place."""
        c = self.c
        weight = c.fresh(f"load {self.lanes.kinds}, {self._weight(w, tap)}", self.lanes.kinds)
        elements = self._elements(spot, tap)
        return [c.fma(weight, x, total) for x, total in zip(elements, sums, strict=True)]

    def _stored(self, spot: _Spot, sums: Values) -> None:
        c, down = self.c, self.c.binary("mul", self.g.count[2], self.size)
        left = c.binary("sub", self.g.count[2], spot.column)
        at = spot.made
        for i, value in enumerate(sums):
            at = step(c, at, down) if i else at
            if spot.masked:
                stored(c, at, value, least(c, left, self.width), self.size)
            else:
                c.raw(f"store {value}, {at}, align {self.size}")


class Weights(_Planes):
    """Writes the kernel (x, made, weights): a unit is a channel out, summed over the examples."""

    def __init__(self, dtype: DType, host: Host) -> None:
        super().__init__(dtype, host, 3)

    def _unit(self, u: Value, stride: int) -> None:
        c, n, (x, made, w) = self.c, self.n, self.arrays
        read = c.binary("udiv", c.binary("mul", u, n["channels"]), n["outer"])
        x = step(c, x, c.binary("mul", read, n["channel"]))
        made = offset(c, made, c.binary("mul", u, self.count), self.size)
        w = offset(c, w, c.binary("mul", u, self.places), self.size)
        apart = c.binary("mul", c.binary("mul", n["outer"], self.count), self.size)

        def tap(place: _Tap, _: Values) -> Values:
            def example(i: Value, sums: Values) -> Values:
                image = step(c, x, c.binary("mul", i, n["example"]))
                of = step(c, made, c.binary("mul", i, apart))
                return self._windows(image, of, stride, sums, partial(self._added, place))

            sums = carried(c, n["examples"], [self.zero] * HEIGHT, example)
            c.raw(f"store {self._folded(sums)}, {self._weight(w, place)}, align {self.size}")
            return []

        self._taps([], tap)

    def _added(self, tap: _Tap, spot: _Spot, sums: Values) -> Values:
        """Sums, one for each of the rows, with the products of some windows."""
        c, at = self.c, spot.made
        down = c.binary("mul", self.g.count[2], self.size)
        out = list(sums)
        for i, x in enumerate(self._elements(spot, tap)):
            at = step(c, at, down) if i else at
            out[i] = c.fma(x, self._made(spot, at), out[i])
        return out

    def _made(self, spot: _Spot, at: Value) -> Value:
        c, lanes = self.c, self.lanes
        if not spot.masked:
            return lanes.whole_load(at)
        left = c.binary("sub", self.g.count[2], spot.column)
        return lanes.load(at, lanes.mask(c.compare("slt", lanes.numbers(), lanes.narrow(left))))

    def _folded(self, sums: Values) -> Value:
        """The sum of all sums: neighbours first, then halves of what is left."""
        c = self.c
        while len(sums) > 1:
            sums = [c.fadd(a, b) for a, b in zip(sums[::2], sums[1::2], strict=True)]
        total, width = sums[0], self.width
        while width > 1:
            width //= 2
            low, high = (self.lanes.part(total, first, width) for first in (0, width))
            total = c.fadd(low, high)
        return total
