"""Convolutions as products of matrices: windows of a part of the channels are copied to where the
cache keeps them, and multiplied by the weights as they lie.

What enters: dtypes, and what the processor has. What leaves: the text of a kernel. It must not know
sizes.
"""

from dataclasses import dataclass
from functools import partial

from ..._base.dtypes import DType
from .code import Code, Value
from .form import Host
from .loops import HI, LO, ZERO, choose, each, least, loaded, module, pointers, split, words
from .memory import offset, step
from .tiles import Matrix, Panel, Sizes, Tiles
from .windows import Geometry, Lanes, Run, Windows, by_stride, words_count

# Rows of the weights that go over copied windows before the next ones do.
ROWS = 120
WORDS = (
    "windows", "outer", "channels", "places", "groups", "chunks", "blocks", "chunk", "block",
    "some", "example", "channel",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Unit:
    """A unit of work: where its image, its weights and its results begin; its windows and its rows
    of the weights, from one to before another one.
    """

    x: Value
    w: Value
    out: Value
    windows: tuple[Value, Value]
    rows: tuple[Value, Value]


class Products:
    """Writes `i64 kernel(i64 lo, i64 hi, ptr pointers, ptr words)` over units: an example's group,
    a chunk of its windows, a block of its rows. The arrays are x, weights, results, and room for
    copies.
    """

    def __init__(self, dtype: DType, host: Host) -> None:
        self.c = c = Code(host.fused)
        self.tiles = Tiles(dtype, host)
        self.size = dtype.itemsize
        self.arrays = pointers(c, 4)
        numbers = iter(words(c, len(WORDS) + words_count()))
        self.n = {name: next(numbers) for name in WORDS}
        self.lanes = Lanes(c, dtype, self.tiles.width)
        self.g = Geometry.of(numbers)
        self.pitch = c.const(self.tiles.panel * self.size, "i64")
        self.down = c.binary("mul", self.n["places"], self.pitch)
        self.deep = c.binary("mul", self.n["channels"], self.n["places"])
        self.apart = c.binary("mul", self.g.stride[2], self.size)

    def text(self) -> str:
        """The module."""
        each(self.c, LO, HI, 1, self._unit)
        return module(self.c, *self.tiles.texts.values())

    def _unit(self, u: Value) -> None:
        c, n, (x, w, out, _) = self.c, self.n, self.arrays
        rest, block = split(c, u, n["blocks"])
        image, chunk = split(c, rest, n["chunks"])
        example, group = split(c, image, n["groups"])
        channel = c.binary("mul", group, n["channels"])
        row = c.binary("mul", group, n["outer"])
        made = c.binary("mul", image, c.binary("mul", n["outer"], n["windows"]))
        x = step(c, x, c.binary("mul", example, n["example"]))
        unit = _Unit(
            step(c, x, c.binary("mul", channel, n["channel"])),
            offset(c, w, c.binary("mul", row, self.deep), self.size),
            offset(c, out, made, self.size),
            self._between(chunk, "chunk", "windows"),
            self._between(block, "block", "outer"),
        )
        each(c, ZERO, n["channels"], n["some"], partial(self._part, unit))

    def _between(self, i: Value, each_: str, count: str) -> tuple[Value, Value]:
        """Where the ith of some pieces begins and ends."""
        c, n = self.c, self.n
        first = c.binary("mul", i, n[each_])
        return first, least(c, c.binary("add", first, n[each_]), n[count])

    def _part(self, unit: _Unit, channel: Value) -> None:
        """A few channels from one on."""
        c, n = self.c, self.n
        some = least(c, c.binary("sub", n["channels"], channel), n["some"])
        x = step(c, unit.x, c.binary("mul", channel, n["channel"]))
        by_stride(c, self.g.stride[2], partial(self._copied, x, unit.windows, some))
        w = offset(c, unit.w, c.binary("mul", channel, n["places"]), self.size)
        self._multiplied(unit, w, some, c.compare("ne", channel, 0))

    def _panel(self, unit_first: Value, at: Value, some: Value) -> Value:
        """Where the copies of a panel's windows are."""
        c = self.c
        deep = c.binary("mul", c.binary("mul", some, self.n["places"]), self.size)
        return step(c, self.arrays[3], c.binary("mul", c.binary("sub", at, unit_first), deep))

    # --- copies ----------------------------------------------------------------------------------

    def _copied(self, x: Value, windows: tuple[Value, Value], some: Value, stride: int) -> None:
        c, (first, last), width = self.c, windows, self.tiles.width

        def panel(at: Value) -> None:
            room = self._panel(first, at, some)
            for j in range(2):
                begin = c.binary("add", at, j * width)
                to = step(c, room, c.const(j * width * self.size, "i64"))
                run = partial(self._run, x, to, some, stride)
                Windows(c, self.lanes, self.g).runs(begin, c.binary("sub", last, begin), run)

        each(c, first, last, self.tiles.panel, panel)

    def _run(self, x: Value, to: Value, some: Value, stride: int, run: Run, new: Value) -> None:
        """The channels of all places of windows next to one another, beside those before them."""
        c = self.c

        def free() -> None:
            run.places(x, partial(self._channels, to, some, stride, None), masked=False)

        def masked() -> None:
            run.places(x, partial(self._channels, to, some, stride, new), masked=True)

        if stride:
            choose(c, run.free(stride * self.lanes.width), free, masked)
        else:
            masked()

    def _channels(
        self, to: Value, some: Value, stride: int, new: Value | None, number: Value, at: Value,
        mask: Value | None,
    ) -> None:  # fmt: skip
        """A place's elements of all channels; those that are not new are put beside others."""
        c, n = self.c, self.n
        to = step(c, to, c.binary("mul", number, self.pitch))

        def channel(i: Value) -> None:
            there = step(c, at, c.binary("mul", i, n["channel"]))
            value = self.lanes.elements(there, mask, stride, self.apart)
            self._put(value, step(c, to, c.binary("mul", i, self.down)), new)

        each(c, ZERO, some, 1, channel)

    def _put(self, value: Value, at: Value, new: Value | None) -> None:
        c, lanes = self.c, self.lanes
        if new is not None:
            old = loaded(c, at, lanes.whole, lanes.size, lanes.width)
            kept = c.select(new, c.const(0, lanes.whole, lanes.width), old)
            value = c.binary("or", c.bits(value), kept)
        c.raw(f"store {value}, {at}, align {lanes.size}")

    # --- products --------------------------------------------------------------------------------

    def _multiplied(self, unit: _Unit, w: Value, some: Value, more: Value) -> None:
        """The weights times copies, added to what there is if there is `more`."""
        c, (first, last) = self.c, unit.windows
        count = c.binary("mul", some, self.n["places"])
        long = c.binary("mul", self.deep, self.size)
        wide = c.binary("mul", self.n["windows"], self.size)

        def block(row: Value) -> None:
            rows = least(c, c.binary("sub", unit.rows[1], row), ROWS)
            a = Matrix(step(c, w, c.binary("mul", row, long)), long, c.const(self.size, "i64"))
            out = step(c, unit.out, c.binary("mul", row, wide))

            def panel(at: Value) -> None:
                columns = least(c, c.binary("sub", last, at), self.tiles.panel)
                b = Panel(self._panel(first, at, some), self.pitch)
                to = Panel(offset(c, out, at, self.size), wide)
                self.tiles.run(c, Sizes(rows, columns, count), a, b, to, more)

            each(c, first, last, self.tiles.panel, panel)

        each(c, *unit.rows, ROWS, block)
