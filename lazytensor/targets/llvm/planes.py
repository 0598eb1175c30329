"""Convolutions of which each channel out reads one channel in, and the gradients of their weights:
an image of one channel is copied, with what is around it, to where the cache keeps it, and vectors
go along rows of windows, a few rows at once.

What enters: dtypes, and what the processor has. What leaves: texts of kernels. Zeros around an
image are multiplied too. It must not know sizes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial, reduce

from ..._base.dtypes import DType
from .code import Code, Value
from .form import Host
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
    words,
)
from .memory import offset, step
from .windows import Geometry, Lanes, by_stride, words_count

# Rows of windows at once.
HEIGHTS = (4, 2, 1)
# Places along both axes of the most common windows: weights of these stay in registers.
NEAR = 3
# Sheets, lines and elements of a line are those of the copy of an image.
WORDS = ("channels", "outer", "examples", "example", "channel", "sheets", "lines", "line")


@dataclass(frozen=True, slots=True)
class _Spot:
    """A vector of windows in some rows: where in the copy they begin, where what is made of them
    is, and how many windows there are.
    """

    base: Value
    made: Value
    count: Value
    height: int
    stride: int


Visit = Callable[[_Spot, Values], Values]
Tap = Callable[[Value, Value, Values], Values]


class _Planes:
    """What both kernels have in common: the copy, and the loops. Arrays: three, and room."""

    def __init__(self, dtype: DType, host: Host) -> None:
        self.c = c = Code(host.fused)
        self.size, self.width = dtype.itemsize, max(2, host.bytes // dtype.itemsize)
        self.x, self.second, self.third, self.room = pointers(c, 4)
        numbers = iter(words(c, len(WORDS) + words_count()))
        self.n = {name: next(numbers) for name in WORDS}
        self.g = Geometry.of(numbers)
        self.lanes = Lanes(c, dtype, self.width)
        self.zero = self.outside = c.const(0.0, self.lanes.kinds, self.width)
        self.count = self._product(self.g.count)
        self.places = self._product(self.g.kernel)
        line = c.binary("mul", self.n["line"], self.size)
        self.pitches = (c.binary("mul", line, self.n["lines"]), line, c.const(self.size, "i64"))

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

    # --- the copy --------------------------------------------------------------------------------

    def _copied(self, example: Value, channel: Value) -> None:
        """The image that a channel out reads, and around it what is `outside`."""
        c, n, g = self.c, self.n, self.g
        read = c.binary("udiv", c.binary("mul", channel, n["channels"]), n["outer"])
        x = step(c, self.x, c.binary("mul", example, n["example"]))
        x = step(c, x, c.binary("mul", read, n["channel"]))

        def line(i: Value) -> None:
            places = split(c, i, n["lines"])
            z, y = (c.binary("sub", p, g.pad[axis]) for axis, p in enumerate(places))
            at = step(c, step(c, x, c.binary("mul", z, g.lie[0])), c.binary("mul", y, g.lie[1]))
            there = c.binary("and", c.compare("ult", z, g.size[0]), c.compare("ult", y, g.size[1]))
            self._line(at, step(c, self.room, c.binary("mul", i, self.pitches[1])), there)

        each(c, ZERO, c.binary("mul", n["sheets"], n["lines"]), 1, line)

    def _line(self, x: Value, to: Value, there: Value) -> None:
        c, g, lanes = self.c, self.g, self.lanes
        all_ = lanes.mask(c.splat(there, self.width))

        def vector(i: Value) -> None:
            first = c.binary("sub", i, g.pad[2])
            numbers = c.binary("add", lanes.numbers(), lanes.narrow(first))
            inside = lanes.mask(c.compare("ult", numbers, lanes.narrow(g.size[2])))
            mask = c.binary("and", inside, all_)
            value = lanes.load(offset(c, x, first, self.size), mask)
            if self.outside is not self.zero:
                value = c.select(c.compare("slt", mask, 0), value, self.outside)
            c.raw(f"store {value}, {offset(c, to, i, self.size)}, align {self.size}")

        each(c, ZERO, self.n["line"], self.width, vector)

    # --- places in windows -----------------------------------------------------------------------

    def _taps(self, values: Values, body: Tap) -> Values:
        """Values after `body(number, bytes, values)` for all places in a window, in order: bytes
        are those from the window's first place on.
        """
        return self._taps_of(0, ZERO, ZERO, values, body)

    def _taps_of(self, axis: int, moved: Value, number: Value, values: Values, body: Tap) -> Values:
        c, g = self.c, self.g
        if axis == 3:
            return body(number, moved, values)
        pitch = c.binary("mul", g.dilation[axis], self.pitches[axis])

        def place(i: Value, held: Values) -> Values:
            to = c.binary("add", moved, c.binary("mul", i, pitch))
            count = c.binary("add", c.binary("mul", number, g.kernel[axis]), i)
            return self._taps_of(axis + 1, to, count, held, body)

        return carried(c, ZERO, g.kernel[axis], 1, values, place)[1:]

    # --- windows ---------------------------------------------------------------------------------

    def _windows(self, made: Value, stride: int, values: Values, visit: Visit) -> Values:
        """Values after `visit(spot, values)` for all windows of the image."""
        c, g = self.c, self.g

        def sheet(z: Value, held: Values) -> Values:
            base = step(c, self.room, self._moved(0, z))
            row = ZERO
            to = offset(c, made, c.binary("mul", z, c.binary("mul", *g.count[1:])), self.size)
            for height in HEIGHTS:
                rows = partial(self._columns, base, to, height, stride, visit)
                last = c.binary("sub", g.count[1], height - 1)
                row, *held = carried(c, row, last, height, held, rows)
            return held

        return carried(c, ZERO, g.count[0], 1, values, sheet)[1:]

    def _moved(self, axis: int, windows: Value) -> Value:
        """Bytes from a window to one further on along an axis."""
        c = self.c
        pitch = c.binary("mul", self.g.stride[axis], self.pitches[axis])
        return c.binary("mul", windows, pitch)

    def _columns(
        self, base: Value, made: Value, height: int, stride: int, visit: Visit, row: Value,
        values: Values,
    ) -> Values:  # fmt: skip
        """All vectors of windows of some rows."""
        c, g = self.c, self.g
        base = step(c, base, self._moved(1, row))
        made = offset(c, made, c.binary("mul", row, g.count[2]), self.size)

        def vector(i: Value, held: Values) -> Values:
            left = least(c, c.binary("sub", g.count[2], i), self.width)
            at, to = step(c, base, self._moved(2, i)), offset(c, made, i, self.size)
            return visit(_Spot(at, to, left, height, stride), held)

        return carried(c, ZERO, g.count[2], self.width, values, vector)[1:]

    def _elements(self, spot: _Spot, moved: Value) -> Values:
        """What the windows of each row have at a place."""
        c, down = self.c, self._moved(1, self.c.const(1, "i64"))
        at, found = step(c, spot.base, moved), []
        for i in range(spot.height):
            at = step(c, at, down) if i else at
            apart = c.binary("mul", self.g.stride[2], self.size)
            found.append(self.lanes.elements(at, None, spot.stride, apart))
        return found

    def _first(self, count: Value) -> Value:
        """A mask of so many elements."""
        lanes = self.lanes
        return lanes.mask(self.c.compare("slt", lanes.numbers(), lanes.narrow(count)))

    def _made(self, spot: _Spot) -> Values:
        """Where what is made of each row is."""
        c, places = self.c, [spot.made]
        for _ in range(1, spot.height):
            places.append(offset(c, places[-1], self.g.count[2], self.size))
        return places

    def _put(self, spot: _Spot, rows: Sequence[tuple[Value, Value]]) -> None:
        """Store a vector, or as much as there are columns of it, for each row."""
        c = self.c

        def whole() -> None:
            for at, value in rows:
                c.raw(f"store {value}, {at}, align {self.size}")

        def part() -> None:
            mask = self._first(spot.count)
            for at, value in rows:
                self.lanes.store(at, value, mask)

        choose(c, c.compare("eq", spot.count, self.width), whole, part)


class Outputs(_Planes):
    """Writes the kernel (x, w, out, room): a unit is an example's channel out."""

    def _unit(self, u: Value, stride: int) -> None:
        c, n = self.c, self.n
        example, channel = split(c, u, n["outer"])
        self._copied(example, channel)
        w = offset(c, self.second, c.binary("mul", channel, self.places), self.size)
        out = offset(c, self.third, c.binary("mul", u, self.count), self.size)

        def any_size() -> None:
            self._windows(out, stride, [], partial(self._visit, w))

        def near() -> None:
            weights = [self._weight(w, c.const(i, "i64")) for i in range(NEAR * NEAR)]
            self._windows(out, stride, [], partial(self._visit_near, weights))

        if stride == 1:
            choose(c, self._is_near(), near, any_size)
        else:
            any_size()

    def _weight(self, w: Value, number: Value) -> Value:
        c, kinds = self.c, self.lanes.kinds
        one = c.fresh(f"load {kinds}, {offset(c, w, number, self.size)}", kinds)
        return c.splat(one, self.width)

    def _visit(self, w: Value, spot: _Spot, _: Values) -> Values:
        sums = self._taps([self.zero] * spot.height, partial(self._added, w, spot))
        self._put(spot, list(zip(self._made(spot), sums, strict=True)))
        return []

    def _added(self, w: Value, spot: _Spot, number: Value, moved: Value, sums: Values) -> Values:
        """Sums with the products for a place."""
        weight, elements = self._weight(w, number), self._elements(spot, moved)
        return [self.c.fma(weight, x, total) for x, total in zip(elements, sums, strict=True)]

    def _is_near(self) -> Value:
        """Whether windows have `NEAR` by `NEAR` places next to one another, and rows of windows
        follow one another.
        """
        c, g = self.c, self.g
        wanted = ((g.kernel, (1, NEAR, NEAR)), (g.dilation[1:], (1, 1)), (g.stride[1:2], (1,)))
        holds = [c.compare("eq", n, k) for numbers, ks in wanted for n, k in zip(numbers, ks)]
        return reduce(lambda x, y: c.binary("and", x, y), holds)

    def _visit_near(self, weights: Values, spot: _Spot, _: Values) -> Values:
        """As `_visit`: what is read is read once for all rows of windows, whose sums take their
        products in the same order.
        """
        c, sums, at = self.c, [self.zero] * spot.height, spot.base
        for line in range(spot.height + NEAR - 1):
            at = step(c, at, self.pitches[1]) if line else at
            for place in range(NEAR):
                x = self.lanes.whole_load(offset(c, at, c.const(place, "i64"), self.size))
                for row in range(max(0, line - NEAR + 1), min(spot.height, line + 1)):
                    weight = weights[(line - row) * NEAR + place]
                    sums[row] = c.fma(weight, x, sums[row])
        self._put(spot, list(zip(self._made(spot), sums, strict=True)))
        return []


class Weights(_Planes):
    """Writes the kernel (x, made, weights, room): a unit is a channel out, summed over examples."""

    def _unit(self, u: Value, stride: int) -> None:
        c, n = self.c, self.n
        weights = offset(c, self.third, c.binary("mul", u, self.places), self.size)

        def example(i: Value) -> None:
            self._copied(i, u)
            plane = c.binary("add", c.binary("mul", i, n["outer"]), u)
            made = offset(c, self.second, c.binary("mul", plane, self.count), self.size)
            self._taps([], partial(self._tap, weights, made, stride, c.compare("ne", i, 0)))

        each(c, ZERO, n["examples"], 1, example)

    def _tap(
        self, weights: Value, made: Value, stride: int, more: Value, number: Value, moved: Value,
        _: Values,
    ) -> Values:  # fmt: skip
        """The gradient of one place, to that of `more` examples before."""
        c, kinds = self.c, self.lanes.kinds
        zeros = [self.zero] * HEIGHTS[0]
        sums = self._windows(made, stride, zeros, partial(self._added, moved))
        at, total = offset(c, weights, number, self.size), self._folded(sums)
        (total,) = choose(
            c, more, lambda: [c.fadd(c.fresh(f"load {kinds}, {at}", kinds), total)], lambda: [total]
        )
        c.raw(f"store {total}, {at}, align {self.size}")
        return []

    def _added(self, moved: Value, spot: _Spot, sums: Values) -> Values:
        """Sums, one for each of the rows, with the products of some windows."""
        c, lanes, out = self.c, self.lanes, list(sums)
        mask = self._first(spot.count)
        pairs = zip(self._elements(spot, moved), self._made(spot), strict=True)
        for i, (x, at) in enumerate(pairs):
            inside = c.convert("bitcast", c.binary("and", c.bits(x), mask), lanes.kinds)
            out[i] = c.fma(inside, lanes.load(at, mask), out[i])
        return out

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
