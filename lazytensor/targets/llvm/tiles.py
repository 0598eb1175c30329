"""The innermost loops of products of matrices: a tile of a few rows by one or two vectors of
columns is summed up in registers, fused where the processor fuses.

What enters: operands in memory. What leaves: IR in a `Code`, and texts of functions. An element is
the sum of its products in their order, from zero, whatever the tile that it is in; what was there
before is added last. It must not know where operands come from.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from ..._base.dtypes import DType
from .code import Code, Value
from .form import Host
from .loops import FALSE, choose, each, function, loaded, where
from .memory import offset, step
from .scalar import ir_type

# Rows of tiles, by registers: their sums, two vectors of the right operand and a number of the left
# one fill them. Lower ones are for the rows that are left.
HEIGHTS = {16: (6, 4, 2, 1), 32: (12, 8, 4, 2, 1)}
# How many rows are left at last where two tiles of the next height take the place of a tile and a
# low one.
EVEN = {6: 2, 12: 4}


@dataclass(frozen=True, slots=True)
class Sizes:
    """Rows and columns of a result, and products that each element is the sum of."""

    rows: Value
    columns: Value
    products: Value


@dataclass(frozen=True, slots=True)
class Matrix:
    """Where a matrix begins, and bytes from row to row and from column to column."""

    base: Value
    rows: Value
    columns: Value


@dataclass(frozen=True, slots=True)
class Panel:
    """Rows of elements that lie one after another, and bytes from row to row."""

    base: Value
    pitch: Value


class Tiles:
    """Functions of a dtype: texts by name, written when they are first called."""

    def __init__(self, dtype: DType, host: Host) -> None:
        self.kinds = ir_type(dtype)
        self.size = dtype.itemsize
        self.width = max(2, host.bytes // dtype.itemsize)
        self.heights = HEIGHTS[host.registers]
        self.texts: dict[str, str] = {}
        self.fused = host.fused

    @property
    def panel(self) -> int:
        """Columns of a tile at most."""
        return 2 * self.width

    def run(self, c: Code, sizes: Sizes, a: Matrix, b: Panel, to: Panel, more: Value) -> None:
        """All rows of up to a panel of columns; `more` adds them to what is there. Of the right
        operand whole vectors are read, whatever is beyond its columns.
        """

        def narrow() -> None:
            whole = c.compare("eq", sizes.columns, self.width)
            choose(c, whole, lambda: self._rows(c, 1, sizes, a, b, to, more), ragged)

        def ragged() -> None:
            arguments = (sizes.rows, sizes.columns, sizes.products, *_fields(a, b, to), more)
            c.raw(f"call void @{self._ragged()}({', '.join(map(repr, arguments))})")

        whole = c.compare("eq", sizes.columns, self.panel)
        choose(c, whole, lambda: self._rows(c, 2, sizes, a, b, to, more), narrow)

    def _rows(
        self, c: Code, vectors: int, sizes: Sizes, a: Matrix, b: Panel, to: Panel, more: Value,
        out: Callable[[Value, int], None] | None = None,
    ) -> None:  # fmt: skip
        """Tiles of as many rows as there are; those that `out(row, height)` takes out are all made
        in one place.
        """
        row = Value("0", "i64")
        for height in self.heights:
            name = self._function(height, vectors)

            def tile(i: Value, height: int = height, name: str = name) -> None:
                left = Matrix(step(c, a.base, c.binary("mul", i, a.rows)), a.rows, a.columns)
                at = to.base if out else step(c, to.base, c.binary("mul", i, to.pitch))
                arguments = (sizes.products, *_fields(left, b, Panel(at, to.pitch)), more)
                c.raw(f"call void @{name}({', '.join(map(repr, arguments))})")
                if out:
                    out(i, height)

            row = each(c, row, self._end(c, sizes.rows, height), height, tile)

    def _end(self, c: Code, rows: Value, height: int) -> Value:
        """The row before which the last tile of a height begins. Of eight rows that are left, or of
        sixteen, two like tiles are made: a low one would wait for its own sums.
        """
        last = c.binary("sub", rows, height - 1)
        if height not in EVEN:
            return last
        two = c.compare("eq", c.binary("urem", rows, height), EVEN[height])
        return c.binary("sub", last, c.select(two, c.const(height, "i64"), c.const(0, "i64")))

    def _function(self, height: int, vectors: int) -> str:
        name = f"tile_{height}_{vectors}"
        if name not in self.texts:
            self.texts[name] = _Tile(self, height, vectors).text(name)
        return name

    # --- columns that don't fill vectors ---------------------------------------------------------

    def _ragged(self) -> str:
        """The function for them: tiles are made on the stack, and the columns taken out."""
        name = "ragged"
        if name not in self.texts:
            c = Code(self.fused)
            c.raw(f"%room = alloca [{self.heights[0] * self.panel} x {self.kinds}], align 64")
            self._aside(c)
            self.texts[name] = function(c, name, f"i64 %m, i64 %n, {_ARGUMENTS}")
        return name

    def _aside(self, c: Code) -> None:
        m, n, k, am, ak, bk, cm = (Value(f"%{x}", "i64") for x in ("m", "n", "k", *_STRIDES))
        a, b, to, room = (Value(f"%{x}", "ptr") for x in ("a", "b", "c", "room"))
        pitch = c.const(self.panel * self.size, "i64")

        def out(i: Value, height: int) -> None:
            at = step(c, to, c.binary("mul", i, cm))
            self._taken(c, c.const(height, "i64"), Panel(room, pitch), Panel(at, cm), n)

        def rows(vectors: int) -> None:
            aside = Panel(room, pitch)
            self._rows(
                c, vectors, Sizes(m, n, k), Matrix(a, am, ak), Panel(b, bk), aside, FALSE, out
            )

        choose(c, c.compare("sgt", n, self.width), lambda: rows(2), lambda: rows(1))

    def _taken(self, c: Code, rows: Value, room: Panel, to: Panel, columns: Value) -> None:
        """Columns of rows of a tile, in pieces as the bits of their number say."""

        def row(i: Value) -> None:
            here = step(c, room.base, c.binary("mul", i, room.pitch))
            there = step(c, to.base, c.binary("mul", i, to.pitch))
            width = self.width
            while width:
                has = c.compare("ne", c.binary("and", columns, width), 0)
                done = c.binary("and", columns, -2 * width)
                from_, at = (offset(c, p, done, self.size) for p in (here, there))
                where(c, has, partial(self._piece, c, from_, at, width))
                width //= 2

        each(c, Value("0", "i64"), rows, 1, row)

    def _piece(self, c: Code, here: Value, there: Value, width: int) -> None:
        value, old = (loaded(c, p, self.kinds, self.size, width) for p in (here, there))
        value = c.select(Value("%more", "i1"), c.fadd(old, value), value)
        c.raw(f"store {value}, {there}, align {self.size}")


_STRIDES = ("am", "ak", "bk", "cm")
_ARGUMENTS = "i64 %k, ptr %a, i64 %am, i64 %ak, ptr %b, i64 %bk, ptr %c, i64 %cm, i1 %more"


def _fields(a: Matrix, b: Panel, to: Panel) -> tuple[Value, ...]:
    return a.base, a.rows, a.columns, b.base, b.pitch, to.base, to.pitch


class _Tile:
    """Writes the function of one tile."""

    def __init__(self, of: Tiles, height: int, vectors: int) -> None:
        self.c = Code(of.fused)
        self.of = of
        self.height, self.vectors = height, vectors

    def text(self, name: str) -> str:
        """The whole function."""
        self._put(self._sums())
        return function(self.c, name, _ARGUMENTS)

    def _sums(self) -> list[list[Value]]:
        """The loop over products."""
        c, of = self.c, self.of
        zero = c.const(0.0, of.kinds, of.width)
        c.jump("head")
        c.label("head")
        left = c.phi("i64", (Value("%k", "i64"), "entry"))
        a, b = (c.phi("ptr", (Value(f"%{n}", "ptr"), "entry")) for n in "ab")
        held = [
            [c.phi(of.kinds, (zero, "entry"), width=of.width) for _ in range(self.vectors)]
            for _ in range(self.height)
        ]
        c.branch(c.compare("sgt", left, 0), "work", "end")
        c.label("work")
        columns = self._row(b)
        for at, row in zip(self._places(a), held, strict=True):
            x = c.splat(c.fresh(f"load {of.kinds}, {at}", of.kinds), of.width)
            for total, y in zip(row, columns, strict=True):
                c.also(total, c.fma(x, y, total), "work")
        c.also(left, c.binary("sub", left, 1), "work")
        c.also(a, step(c, a, Value("%ak", "i64")), "work")
        c.also(b, step(c, b, Value("%bk", "i64")), "work")
        c.jump("head")
        c.label("end")
        return held

    def _places(self, a: Value) -> list[Value]:
        """Where a column of the left operand has its elements: sums of few registers."""
        c, am = self.c, Value("%am", "i64")
        steps = (am, c.binary("shl", am, 1))
        three = c.binary("add", *steps)
        places: list[Value] = []
        start = a
        while len(places) < self.height:
            start = c.fresh(f"freeze {start}", "ptr")
            places += [start, *(step(c, start, s) for s in steps)]
            start = step(c, start, three)
        return places[: self.height]

    def _row(self, at: Value) -> list[Value]:
        """The vectors of a row."""
        c, of = self.c, self.of
        places = (step(c, at, c.const(j * of.width * of.size, "i64")) for j in range(self.vectors))
        return [loaded(c, p, of.kinds, of.size, of.width) for p in places]

    def _put(self, sums: list[list[Value]]) -> None:
        """The sums to where they belong; what is there is read only if it is wanted."""
        c, to = self.c, Value("%c", "ptr")
        rows = [to]
        for _ in sums[1:]:
            rows.append(step(c, rows[-1], Value("%cm", "i64")))

        def alone() -> None:
            self._stored(rows, sums)

        def added() -> None:
            old = [self._row(at) for at in rows]
            pairs = zip(old, sums, strict=True)
            self._stored(rows, [[c.fadd(a, b) for a, b in zip(*p, strict=True)] for p in pairs])

        choose(c, Value("%more", "i1"), added, alone)

    def _stored(self, rows: list[Value], sums: list[list[Value]]) -> None:
        c, of = self.c, self.of
        for at, row in zip(rows, sums, strict=True):
            for j, value in enumerate(row):
                place = step(c, at, c.const(j * of.width * of.size, "i64"))
                c.raw(f"store {value}, {place}, align {of.size}")
