"""Rows of an array at places given by indices, as `numpy.take` has them along the first axis.

What enters: arrays. What leaves: arrays. Indices are checked: where one is outside, NumPy decides.
It must not know graphs.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from ..._base.dtypes import DType
from ..._base.processors import count as threads
from ..._base.shapes import Shape
from ..._base.threads import run as share
from .call import packed
from .code import KERNEL, Code, Value
from .loops import HI, LO, ZERO, each, pointers, words
from .machine import Linked
from .memory import LINE, step

# Bytes of a result from which on NumPy's own function is left; from which on it is written past the
# caches; of the smallest share. Rows that are fetched ahead, and lines of each at most.
WORTH, STREAM, GRAIN = 1 << 18, 1 << 24, 1 << 18
AHEAD, MOST_LINES = 8, 8
WIDE = 32  # bytes of a vector
ELEMENTS = (1, 2, 4, 8, 16)


class _Rows:
    """Writes `i64 kernel(i64 lo, i64 hi, ptr pointers, ptr words)` over rows: 1 if an index is
    outside. `size` is that of a row, or 0 if it is the second word.
    """

    def __init__(self, size: int, stream: bool) -> None:
        self.c = c = Code()
        self.size, self.stream = size, stream
        self.table, self.indices, self.out = pointers(c, 3)
        self.count, self.nbytes = words(c, 2)
        if size:
            self.nbytes = c.const(size, "i64")

    def text(self) -> str:
        """The module."""
        c, lo, hi = self.c, LO, HI
        c.jump("head")
        c.label("head")
        row = c.phi("i64", (lo, "entry"))
        c.branch(c.compare("slt", row, hi), "check", "end")
        c.label("check")
        place = self._place(row)
        c.branch(c.compare("ult", place, self.count), "work", "outside")
        c.label("work")
        source, to = self._row(self.table, place), self._row(self.out, row)
        if self.size:
            kinds = f"i{8 * self.size}"
            c.raw(f"store {c.fresh(f'load {kinds}, {source}, align 1', kinds)}, {to}, align 1")
        else:
            self._fetch(c.intrinsic("smin", c.binary("add", row, AHEAD), c.binary("sub", hi, 1)))
            self._copy(source, to)
        c.also(row, c.binary("add", row, 1), c.block)
        c.jump("head")
        ends = ["end:", *["fence seq_cst"] * self.stream, "ret i64 0", "outside:", "ret i64 1", "}"]
        return "\n".join([KERNEL, *c.lines, *ends, *sorted(c.declared), "!0 = !{i32 1}"]) + "\n"

    def _place(self, row: Value) -> Value:
        """Which row of the table an index means."""
        c = self.c
        at = step(c, self.indices, c.binary("mul", row, 8))
        index = c.fresh(f"load i64, {at}", "i64")
        return c.select(c.compare("slt", index, 0), c.binary("add", index, self.count), index)

    def _row(self, base: Value, number: Value) -> Value:
        return step(self.c, base, self.c.binary("mul", number, self.nbytes))

    def _fetch(self, row: Value) -> None:
        """Have a row brought into the cache; an index outside does no harm."""
        c = self.c
        at = self._row(self.table, self._place(row))
        c.declared.add("declare void @llvm.prefetch.p0(ptr, i32, i32, i32)")
        most = c.intrinsic("smin", self.nbytes, c.const(LINE * MOST_LINES, "i64"))
        each(c, ZERO, most, LINE, lambda i: c.raw(
            f"call void @llvm.prefetch.p0({step(c, at, i)}, i32 0, i32 3, i32 1)"
        ))  # fmt: skip

    def _copy(self, source: Value, to: Value) -> None:
        c = self.c
        align = f"{WIDE}, !nontemporal !0" if self.stream else "1"

        def vector(i: Value) -> None:
            x = c.fresh(f"load <{WIDE} x i8>, {step(c, source, i)}, align 1", "i8", WIDE)
            c.raw(f"store {x}, {step(c, to, i)}, align {align}")

        def byte(i: Value) -> None:
            place = c.binary("add", whole, i)
            x = c.fresh(f"load i8, {step(c, source, place)}", "i8")
            c.raw(f"store {x}, {step(c, to, place)}")

        whole = c.binary("and", self.nbytes, -WIDE)
        each(c, ZERO, whole, WIDE, vector)
        if not self.stream:
            each(c, ZERO, c.binary("sub", self.nbytes, whole), 1, byte)


class Take:
    """`numpy.take`: native along the first axis of contiguous arrays, where the result is large;
    `empty(shape, dtype)` makes that.
    """

    def __init__(self, functions: Any, empty: Callable[[Shape, DType], Any]) -> None:
        self.__name__ = "take"
        self._functions = functions
        self._empty = empty
        self._known: dict[tuple[int, bool], Linked] = {}

    def __call__(self, x: Any, indices: Any, axis: int, mode: Any) -> Any:
        rows = x.size // x.shape[0] if x.shape[0] else 0
        plain = x.flags.c_contiguous and indices.flags.c_contiguous and not x.dtype.hasobject
        large = rows * indices.size * x.itemsize >= WORTH
        if plain and large and axis == 0 and indices.dtype == np.int64:
            out = self._call(x, indices, rows * x.itemsize)
            if out is not None:
                return out
        return np.take(x, indices, axis, mode=mode)

    def _call(self, x: Any, indices: Any, nbytes: int) -> Any:
        """The rows; None if an index is outside."""
        out = self._empty((*indices.shape, *x.shape[1:]), x.dtype)
        stream = out.nbytes >= STREAM and nbytes % WIDE == 0 and out.ctypes.data % WIDE == 0
        size = nbytes if nbytes in ELEMENTS else 0
        words = packed(self._address(size, stream), True, x.shape[0], nbytes)
        failed = []

        def work(lo: int, hi: int) -> None:
            if self._functions.launch(words, lo, hi, x, indices, out):
                failed.append(lo)

        share(work, indices.size, max(1, GRAIN // nbytes), threads())
        return None if failed else out

    def _address(self, size: int, stream: bool) -> int:
        known = self._known.get((size, stream))
        if known is None:
            text = _Rows(size, stream).text()
            # of several threads, the first keeps its function: another's would be unloaded
            known = self._known.setdefault((size, stream), self._functions.linked(text))
        return known.address
