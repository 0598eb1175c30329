"""Convolutions as products of matrices: windows of a part of the channels are copied to where the
cache keeps them, and multiplied by the weights as they lie.

What enters: arrays of single or double precision. What leaves: arrays. It must not know graphs.
"""

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from ..._base.dtypes import DType, float32, float64
from ..._base.processors import count as threads
from ..._base.threads import run as share
from .call import packed
from .code import Code, Value
from .emitter import Host
from .loops import HI, LO, ZERO, each, least, loaded, module, pointers, split, words
from .memory import offset, step
from .tiles import Matrix, Panel, Sizes, Tiles
from .windows import Geometry, Ints, Lanes, Run, Windows, by_stride, geometry, words_count

# Products that are summed up in registers before they are put down: about so many, of whole
# windows. Windows that are copied at a time; rows of the weights that go over them.
DEPTH, CHUNK, ROWS = 256, 128, 120
# Multiplications that are worth another thread, and those between two looks at whether the user has
# interrupted.
GRAIN, BREATH = 1 << 22, 1 << 34
_OWN = (
    "windows", "outer", "channels", "places", "groups", "chunks", "blocks", "chunk", "block",
    "some", "example", "channel",
)  # fmt: skip


class _Kernel:
    """Writes `i64 kernel(i64 lo, i64 hi, ptr pointers, ptr words)` over units: an example's group,
    a chunk of its windows, a block of its rows.
    """

    def __init__(self, dtype: DType, host: Host) -> None:
        self.c = c = Code(host.fused)
        self.tiles = Tiles(dtype, host)
        self.size = dtype.itemsize
        self.x, self.w, self.out, self.room = pointers(c, 4)
        numbers = iter(words(c, len(_OWN) + words_count()))
        self.n = {name: next(numbers) for name in _OWN}
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


class Convolution:
    """The function (x, w, strides, pads, dilations, groups) → convolved x, or None for what is not
    of single or double precision, has more than three axes, or nothing in it.
    """

    def __init__(self, functions: Any, room: Callable[[Ints, DType], Any] = np.empty) -> None:
        self._functions = functions
        self._room = room
        self._known: dict[DType, int] = {}

    def __call__(
        self, x: Any, w: Any, strides: Ints, pads: Any, dilations: Ints, groups: int
    ) -> Any:
        if x.dtype not in (float32, float64) or not 1 <= x.ndim - 2 <= 3 or not x.size * w.size:
            return None
        counts = tuple(
            (n + lo + hi - d * (k - 1) - 1) // s + 1
            for n, (lo, hi), d, k, s in zip(x.shape[2:], pads, dilations, w.shape[2:], strides, strict=True)
        )
        x = x if x.strides[-1] == x.itemsize else np.ascontiguousarray(x)
        out = self._room((len(x), len(w), *counts), x.dtype)
        self._fill(x, np.ascontiguousarray(w), out, geometry(x, w.shape[2:], counts, (strides, pads, dilations)), groups)
        return out

    def _fill(self, x: Any, w: Any, out: Any, shape: list[int], groups: int) -> None:
        channels, places, windows = w.shape[1], prod(w.shape[2:]), prod(out.shape[2:])
        outer, chunk = len(w) // groups, min(CHUNK, -(-windows // 16) * 16)
        chunks, some = -(-windows // chunk), min(channels, max(1, DEPTH // places))
        block, units = outer, len(x) * groups * chunks
        if units < 2 * threads():
            block = max(24, -(-outer // (2 * threads())))
        blocks = -(-outer // block)
        own = (
            windows, outer, channels, places, groups, chunks, blocks, chunk, block, some,
            x.strides[0], x.strides[1],
        )  # fmt: skip
        each = chunk * block * channels * places
        room = some * places * (chunk + 64)
        call = packed(self._address(x.dtype), True, *own, *shape)
        launch = self._functions.launch

        def work(lo: int, hi: int) -> None:
            launch(call, lo, hi, x, w, out, np.empty(room, x.dtype))

        units *= blocks
        most = max(1, BREATH // each)
        for start in range(0, units, most):
            stop = min(start + most, units)
            share(lambda lo, hi, start=start: work(start + lo, start + hi), stop - start, max(1, GRAIN // each), threads())

    def _address(self, dtype: DType) -> int:
        if dtype not in self._known:
            host = self._functions.machine.host
            self._known[dtype] = self._functions.linked(_Kernel(dtype, host).text())
        return self._known[dtype]
