"""Rows of an array at places given by indices: what copies them.

What enters: bytes of a row. What leaves: the text of a kernel. It must not know dtypes.
"""

from .agreed import WIDE
from .code import KERNEL, Code, Value
from .loops import HI, LO, ZERO, each, pointers, words
from .memory import LINE, step

# Rows that are fetched ahead, and lines of each at most.
AHEAD, MOST_LINES = 8, 8


class Rows:
    """Writes `i64 kernel(i64 lo, i64 hi, ptr pointers, ptr words)` over rows: 1 if an index is
    outside. `size` is that of a row, or 0 if it is the second word; `stream` are the bytes of
    vectors that go past the caches, or 0.
    """

    def __init__(self, size: int, stream: int) -> None:
        self.c = c = Code()
        self.size, self.stream = size, stream
        self.wide = stream or WIDE
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
        fence = ["fence seq_cst"] if self.stream else []
        ends = ["end:", *fence, "ret i64 0", "outside:", "ret i64 1", "}"]
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
        wide = self.wide
        align = f"{wide}, !nontemporal !0" if self.stream else "1"

        def vector(i: Value) -> None:
            x = c.fresh(f"load <{wide} x i8>, {step(c, source, i)}, align 1", "i8", wide)
            c.raw(f"store {x}, {step(c, to, i)}, align {align}")

        def byte(i: Value) -> None:
            place = c.binary("add", whole, i)
            x = c.fresh(f"load i8, {step(c, source, place)}", "i8")
            c.raw(f"store {x}, {step(c, to, place)}")

        whole = c.binary("and", self.nbytes, -wide)
        each(c, ZERO, whole, wide, vector)
        if not self.stream:
            each(c, ZERO, c.binary("sub", self.nbytes, whole), 1, byte)
