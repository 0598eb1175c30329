"""Rows of one array, weighted and added to rows of another, both by their numbers.

What enters: arrays. What leaves: arrays, or None for what there are no kernels for, or where an
index is outside. It must not know graphs.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from ..._base.dtypes import DType, float32, float64
from ..._base.processors import count as threads
from ..._base.threads import run as share
from .agreed import WIDE
from .call import packed
from .code import KERNEL, TYPES, Code, Value
from .loops import HI, LO, ZERO, carried, each, least, loaded, pointers, words
from .machine import Linked
from .memory import offset, step
from .objects import Objects

# Bytes of the columns that one share has at least; vectors at once; elements of the smallest share.
UNIT, AT_ONCE, GRAIN = 256, 8, 1 << 17


class _Text:
    """Writes `i64 kernel(i64 lo, i64 hi, ptr pointers, ptr words)` over units of columns; 1 if an
    index is outside. Arrays are the sums, the rows, the weights, both index arrays. Words are how
    many rows the sums have, and the other array; columns; the bytes between weights; indices.
    """

    def __init__(self, dtype: DType) -> None:
        self.c = c = Code()
        self.kinds, self.size = TYPES[dtype], dtype.itemsize
        self.out, self.rows, self.weights, self.to, self.of = pointers(c, 5)
        self.places, self.numbers, self.columns, self.apart, self.count = words(c, 5)

    def text(self) -> str:
        """The module: rows that are added to the same one, one after another, are added up in
        registers.
        """
        c, unit = self.c, UNIT // self.size
        first = c.binary("mul", LO, unit)
        last = least(c, c.binary("mul", HI, unit), self.columns)
        c.jump("head")
        c.label("head")
        i = c.phi("i64", (ZERO, "entry"))
        c.branch(c.compare("slt", i, self.count), "work", "end")
        c.label("work")
        stop = self._run(i)
        self._rows(self._found(self.out, self.to, self.places, i), i, stop, first, last)
        c.also(i, stop, c.block)
        c.jump("head")
        ends = ["end:", "ret i64 0", "outside:", "ret i64 1", "}", *sorted(c.declared)]
        return "\n".join([KERNEL, *c.lines, *ends]) + "\n"

    def _run(self, i: Value) -> Value:
        """The first index from i on that is another one."""
        c, index = self.c, self._index(self.to, i)
        before, after = c.block, c.binary("add", i, 1)
        c.jump("scan")
        c.label("scan")
        j = c.phi("i64", (after, before))
        c.branch(c.compare("slt", j, self.count), "look", "found")
        c.label("look")
        same = c.compare("eq", self._index(self.to, j), index)
        c.also(j, c.binary("add", j, 1), "look")
        c.branch(same, "scan", "found")
        c.label("found")
        return j

    def _index(self, indices: Value, i: Value) -> Value:
        return self.c.fresh(f"load i64, {offset(self.c, indices, i, 8)}", "i64")

    def _found(self, base: Value, indices: Value, n: Value, i: Value) -> Value:
        """Where the row begins that an index says."""
        c, index = self.c, self._index(indices, i)
        index = c.select(c.compare("slt", index, 0), c.binary("add", index, n), index)
        inside = c.name("inside")
        c.branch(c.compare("ult", index, n), inside, "outside")
        c.label(inside)
        return offset(c, base, c.binary("mul", index, self.columns), self.size)

    def _rows(self, to: Value, i: Value, stop: Value, first: Value, last: Value) -> None:
        """The rows i up to `stop` added to one, some vectors at a time."""
        c, wide = self.c, WIDE // self.size
        for width, many in ((wide, AT_ONCE), (wide, 1), (1, 1)):
            whole = c.binary("and", c.binary("sub", last, first), -width * many)
            after = c.binary("add", first, whole)
            each(c, first, after, width * many, partial(self._added, to, i, stop, width, many))
            first = after

    def _added(self, to: Value, i: Value, stop: Value, width: int, many: int, j: Value) -> None:
        c, at = self.c, [_further(self.c, to, j, k * width, self.size) for k in range(many)]

        def row(r: Value, sums: list[Value]) -> list[Value]:
            source = self._found(self.rows, self.of, self.numbers, r)
            own = step(c, self.weights, c.binary("mul", r, self.apart))
            weight = c.splat(c.fresh(f"load {self.kinds}, {own}", self.kinds), width)
            places = [_further(c, source, j, k * width, self.size) for k in range(many)]
            values = [c.binary("fmul", self._loaded(place, width), weight) for place in places]
            return [c.binary("fadd", old, x) for old, x in zip(sums, values, strict=True)]

        sums = carried(c, i, stop, 1, [self._loaded(place, width) for place in at], row)[1:]
        for place, total in zip(at, sums, strict=True):
            c.raw(f"store {total}, {place}, align {self.size}")

    def _loaded(self, at: Value, width: int) -> Value:
        return loaded(self.c, at, self.kinds, self.size, width)


def _further(c: Code, base: Value, j: Value, more: int, size: int) -> Value:
    return offset(c, base, c.binary("add", j, more), size)


class GatherAdd:
    """The function (x, y, w, to, of, over) → x, itself if `over`, with w[i] y[of[i]] added at
    to[i], in order; `room(shape, dtype)` makes arrays.
    """

    def __init__(self, objects: Objects, room: Callable[..., Any]) -> None:
        self._objects = objects
        self._room = room
        self._known: dict[DType, Linked] = {}

    def __call__(self, x: Any, y: Any, w: Any, to: Any, of: Any, over: bool) -> Any:
        plain = x.dtype in (float32, float64) and to.dtype == of.dtype == np.int64
        if not plain or not y.size or (over and not x.flags.c_contiguous):
            return None
        out = x if over else self._copied(x)
        to, of = (np.ascontiguousarray(i).reshape(-1) for i in (to, of))
        w = w[(slice(None, 1),) * w.ndim] if not any(w.strides) else w
        w = np.ascontiguousarray(w).reshape(-1)
        y = np.ascontiguousarray(y)
        columns = y.size // len(y)
        apart = x.itemsize if w.size == to.size else 0
        call = packed(self._address(x.dtype), True, len(x), len(y), columns, apart, to.size)
        failed = []

        def work(lo: int, hi: int) -> None:
            if self._objects.launch(call, lo, hi, out, y, w, to, of):
                failed.append(lo)

        unit = UNIT // x.itemsize
        share(work, -(-columns // unit), max(1, GRAIN // (unit * max(1, to.size))), threads())
        return None if failed else out

    def _copied(self, x: Any) -> Any:
        out = self._room(x.shape, x.dtype)
        if any(x.strides) or not x.size:
            np.copyto(out, x)
        else:
            out.fill(x[(0,) * x.ndim])
        return out

    def _address(self, dtype: DType) -> int:
        known = self._known.get(dtype)
        if known is None:
            # of several threads, the first keeps its function: another's would be unloaded
            known = self._known.setdefault(dtype, self._objects.linked(_Text(dtype).text()))
        return known.address
