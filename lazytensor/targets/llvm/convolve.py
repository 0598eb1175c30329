"""Convolutions as products of matrices: windows of a part of the channels are copied to where the
cache keeps them, and multiplied by the weights as they lie.

What enters: dtypes, and what the processor has. What leaves: the text of a kernel. It must not know
sizes.
"""

from typing import Any

from ..._base.dtypes import DType
from .code import Code, Value
from .emitter import Host
from .loops import HI, LO, ZERO, each, least, loaded, module, pointers, split, words
from .memory import offset, step
from .tiles import Matrix, Panel, Sizes, Tiles
from .windows import Geometry, Lanes, Run, Windows, by_stride, words_count

# Rows of the weights that go over copied windows before the next ones do.
ROWS = 120
WORDS = (
    "windows", "outer", "channels", "places", "groups", "chunks", "blocks", "chunk", "block",
    "some", "example", "channel",
)  # fmt: skip


class Products:
    """Writes `i64 kernel(i64 lo, i64 hi, ptr pointers, ptr words)` over units: an example's group,
    a chunk of its windows, a block of its rows.
    """

    def __init__(self, dtype: DType, host: Host) -> None:
        self.c = c = Code(host.fused)
        self.tiles = Tiles(dtype, host)
        self.size = dtype.itemsize
        self.x, self.w, self.out, self.room = pointers(c, 4)
        numbers = iter(words(c, len(WORDS) + words_count()))
        self.n = {name: next(numbers) for name in WORDS}
        self.lanes = Lanes(c, dtype, self.tiles.width)
        self.g = Geometry.of(numbers)
        self.pitch = c.const(self.tiles.panel * self.size, "i64")

    def text(self) -> str:
        """The module."""
        each(self.c, LO, HI, 1, self._unit)
        return module(self.c, *self.tiles.texts.values())

    def _unit(self, u: Value) -> None:
        c, n = self.c, self.n
        rest, block = split(c, u, n["blocks"])
        image, chunk = split(c, rest, n["chunks"])
        example, group = split(c, image, n["groups"])
        skipped = c.binary("mul", group, c.binary("mul", n["channels"], n["channel"]))
        x = step(c, self.x, c.binary("add", c.binary("mul", example, n["example"]), skipped))
        deep = c.binary("mul", n["channels"], n["places"])
        w = offset(c, self.w, c.binary("mul", c.binary("mul", group, n["outer"]), deep), self.size)
        made = c.binary("mul", image, c.binary("mul", n["outer"], n["windows"]))
        out = offset(c, self.out, made, self.size)
        first, row = c.binary("mul", chunk, n["chunk"]), c.binary("mul", block, n["block"])
        last = least(c, c.binary("add", first, n["chunk"]), n["windows"])
        rows = least(c, c.binary("add", row, n["block"]), n["outer"])

        def part(channel: Value) -> None:
            some = least(c, c.binary("sub", n["channels"], channel), n["some"])
            at = step(c, x, c.binary("mul", channel, n["channel"]))
            self._copied(at, first, last, some)
            left = offset(c, w, c.binary("mul", channel, n["places"]), self.size)
            self._multiplied((left, out), (first, last), (row, rows), some, channel)

        self._each_by(ZERO, n["channels"], n["some"], part)

    def _each_by(self, start: Value, bound: Value, by: Value, body: Any) -> None:
        """As `each`, by a step that is a value."""
        c = self.c
        count, rest = split(c, c.binary("add", c.binary("sub", bound, start), c.binary("sub", by, 1)), by)
        each(c, ZERO, count, 1, lambda i: body(c.binary("add", start, c.binary("mul", i, by))))

    def _panel(self, first: Value, at: Value, some: Value) -> Value:
        """Where the copies of a panel's windows are."""
        c = self.c
        deep = c.binary("mul", c.binary("mul", some, self.n["places"]), self.size)
        return step(c, self.room, c.binary("mul", c.binary("sub", at, first), deep))

    def _copied(self, x: Value, first: Value, last: Value, some: Value) -> None:
        c = self.c
        windows = Windows(c, self.lanes, self.g)

        def panel(at: Value) -> None:
            room = self._panel(first, at, some)
            for j in range(2):
                begin = c.binary("add", at, j * self.tiles.width)
                to = step(c, room, c.const(j * self.tiles.width * self.size, "i64"))
                left = c.binary("sub", last, begin)
                windows.runs(begin, left, lambda run, new, to=to: self._run(run, new, x, to, some))  # type: ignore[misc]

        each(c, first, last, self.tiles.panel, panel)

    def _run(self, run: Run, new: Value, x: Value, to: Value, some: Value) -> None:
        """The channels of all places of windows next to one another, beside those before them."""
        c, n = self.c, self.n
        down = c.binary("mul", n["places"], self.pitch)

        def place(number: Value, at: Value, mask: Value) -> None:
            here = step(c, to, c.binary("mul", number, self.pitch))

            def channels(load: Any) -> None:
                def channel(i: Value) -> None:
                    value = load(step(c, at, c.binary("mul", i, n["channel"])), mask)
                    self._put(value, step(c, here, c.binary("mul", i, down)), new)

                each(c, ZERO, some, 1, channel)

            by_stride(c, self.lanes, self.g.stride[2], channels)

        run.places(x, place)

    def _put(self, value: Value, at: Value, new: Value) -> None:
        c, lanes = self.c, self.lanes
        old = loaded(c, at, lanes.whole, lanes.size, lanes.width)
        kept = c.select(new, c.const(0, lanes.whole, lanes.width), old)
        bits = c.binary("or", c.bits(value), kept)
        c.raw(f"store {bits}, {at}, align {lanes.size}")

    def _multiplied(
        self, places: tuple[Value, Value], columns: tuple[Value, Value],
        rows: tuple[Value, Value], some: Value, channel: Value,
    ) -> None:  # fmt: skip
        c, n, (w, out), (first, last) = self.c, self.n, places, columns
        deep = c.binary("mul", some, n["places"])
        long = c.binary("mul", c.binary("mul", n["channels"], n["places"]), self.size)
        wide = c.binary("mul", n["windows"], self.size)
        more = c.compare("ne", channel, 0)

        def block(row: Value) -> None:
            high = least(c, c.binary("sub", rows[1], row), ROWS)
            left = Matrix(step(c, w, c.binary("mul", row, long)), long, c.const(self.size, "i64"))

            def panel(at: Value) -> None:
                columns = least(c, c.binary("sub", last, at), self.tiles.panel)
                to = step(c, offset(c, out, at, self.size), c.binary("mul", row, wide))
                b = Panel(self._panel(first, at, some), self.pitch)
                self.tiles.run(c, Sizes(high, columns, deep), left, b, Panel(to, wide), more)

            each(c, first, last, self.tiles.panel, panel)

        each(c, rows[0], rows[1], ROWS, block)
