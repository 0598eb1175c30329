"""Products of many small matrices: the right operand is read as it lies where it fills vectors,
else copied, and in registers transposed if need be.

What enters: a dtype, and what the processor has. What leaves: the text of a kernel. It must not
know sizes.
"""

from functools import partial

from ..._base.dtypes import DType
from .agreed import AXES, DEEPEST
from .code import Code, Value
from .form import Host
from .loops import (
    FALSE,
    HI,
    LO,
    ZERO,
    Values,
    choose,
    each,
    least,
    loaded,
    module,
    pointers,
    split,
    where,
    words,
)  # fmt: skip
from .memory import offset, step
from .squares import transposed
from .tiles import Matrix, Panel, Sizes, Tiles

WORDS = (
    "m", "n", "k", "am", "ak", "bk", "bn", "copied", "blocks", "block", "across", "span",
)  # fmt: skip


class Batch:
    """Writes the kernel (a, b, out) over blocks of products: of up to `block` rows, and `across` of
    them have up to `span` columns each. Words: those of `WORDS`, then sizes of the axes of the
    batch, strides of a, strides of b, each of AXES.
    """

    def __init__(self, dtype: DType, host: Host) -> None:
        self.c = c = Code(host.fused)
        self.tiles = Tiles(dtype, host)
        self.size, self.width = dtype.itemsize, self.tiles.width
        self.a, self.b, self.out = pointers(c, 3)
        found = words(c, len(WORDS) + 3 * AXES)
        self.n = dict(zip(WORDS, found[: len(WORDS)], strict=True))
        rest = found[len(WORDS) :]
        self.sizes, self.of_a, self.of_b = (rest[i * AXES : (i + 1) * AXES] for i in range(3))
        c.raw(f"%panel = alloca [{DEEPEST * self.tiles.panel} x {self.tiles.kinds}], align 64")
        self.room = Panel(Value("%panel", "ptr"), c.const(self.tiles.panel * self.size, "i64"))

    def text(self) -> str:
        """The module."""
        each(self.c, LO, HI, 1, self._block)
        return module(self.c, *self.tiles.texts.values())

    def _block(self, u: Value) -> None:
        c, n = self.c, self.n
        product, part = self._split(u, n["blocks"])
        block, column = self._split(part, n["across"])
        first, begin = c.binary("mul", block, n["block"]), c.binary("mul", column, n["span"])
        rows = least(c, c.binary("sub", n["m"], first), n["block"])
        a, b = self._places(product)
        left = Matrix(step(c, a, c.binary("mul", first, n["am"])), n["am"], n["ak"])
        row = c.binary("add", c.binary("mul", product, n["m"]), first)
        made = offset(c, self.out, c.binary("mul", row, n["n"]), self.size)

        def panel(column: Value) -> None:
            columns = least(c, c.binary("sub", n["n"], column), self.tiles.panel)
            to = Panel(offset(c, made, column, self.size), c.binary("mul", n["n"], self.size))
            right = Panel(*self._right(step(c, b, c.binary("mul", column, n["bn"])), columns))
            self.tiles.run(c, Sizes(rows, columns, n["k"]), left, right, to, FALSE)

        each(c, begin, least(c, c.binary("add", begin, n["span"]), n["n"]), self.tiles.panel, panel)

    def _right(self, b: Value, columns: Value) -> Values:
        """A panel of the right operand, and its pitch."""
        whole = self._whole(columns)
        return choose(self.c, whole, lambda: [b, self.n["bk"]], partial(self._copied, b, columns))

    def _places(self, u: Value) -> Values:
        """Where the operands of a product begin."""
        c, places = self.c, [self.a, self.b]
        for axis in reversed(range(AXES)):
            at = u
            if axis:
                u, at = self._split(u, self.sizes[axis])
            pairs = zip(places, (self.of_a[axis], self.of_b[axis]), strict=True)
            places = [step(c, p, c.binary("mul", at, stride)) for p, stride in pairs]
        return places

    def _split(self, u: Value, size: Value) -> Values:
        """Quotient and remainder; most axes have one element, and division takes its time."""
        c = self.c
        return choose(
            c, c.compare("eq", size, 1), lambda: [u, ZERO], lambda: list(split(c, u, size))
        )

    def _whole(self, columns: Value) -> Value:
        """Whether a panel is read as it lies: as whole vectors."""
        c, n = self.c, self.n
        full = c.compare("eq", c.binary("and", columns, self.width - 1), 0)
        along = c.compare("eq", n["bn"], self.size)
        kept = c.compare("eq", n["copied"], 0)
        return c.binary("and", c.binary("and", full, along), kept)

    # --- copies of the right operand -------------------------------------------------------------

    def _copied(self, b: Value, columns: Value) -> Values:
        c, n = self.c, self.n
        full = c.compare("eq", columns, self.tiles.panel)
        where(c, c.binary("xor", full, 1), self._cleared)
        along = c.compare("eq", n["bn"], self.size)
        crossing = c.compare("eq", n["bk"], self.size)
        choose(
            c, c.binary("and", along, full), partial(self._rows, b), lambda: choose(
                c, crossing, partial(self._squares, b, columns),
                partial(self._elements, b, columns, ZERO, n["k"], ZERO),
            ),
        )  # fmt: skip
        return [self.room.base, self.room.pitch]

    def _cleared(self) -> None:
        """Zeros, so that unused columns are no odd numbers."""
        zero = self.c.const(0.0, self.tiles.kinds, self.width)
        each(self.c, ZERO, self.n["k"], 1, lambda i: self._put(i, [zero, zero]))

    def _put(self, row: Value, vectors: Values) -> None:
        """A row of the copy."""
        for j, v in enumerate(vectors):
            at = self._at(row, self.c.const(j * self.width, "i64"))
            self.c.raw(f"store {v}, {at}, align {self.size}")

    def _at(self, row: Value, column: Value) -> Value:
        c = self.c
        at = step(c, self.room.base, c.binary("mul", row, self.room.pitch))
        return offset(c, at, column, self.size)

    def _rows(self, b: Value) -> None:
        """Full rows."""
        c, kinds = self.c, self.tiles.kinds

        def row(i: Value) -> None:
            at = step(c, b, c.binary("mul", i, self.n["bk"]))
            further = step(c, at, c.const(self.width * self.size, "i64"))
            self._put(i, [loaded(c, p, kinds, self.size, self.width) for p in (at, further)])

        each(c, ZERO, self.n["k"], 1, row)

    def _squares(self, b: Value, columns: Value) -> None:
        """What lies across, transposed in registers, and the rest of it."""
        c, n, width = self.c, self.n, self.width
        wide, deep = (c.binary("and", x, -width) for x in (columns, n["k"]))

        def column(j: Value) -> None:
            each(c, ZERO, deep, width, partial(self._square, b, j))

        each(c, ZERO, wide, width, column)
        self._elements(b, wide, deep, n["k"], ZERO)
        self._elements(b, columns, ZERO, n["k"], wide)

    def _square(self, b: Value, column: Value, row: Value) -> None:
        c, n, size = self.c, self.n, self.size
        at = offset(c, step(c, b, c.binary("mul", column, n["bn"])), row, size)
        vectors = []
        for _ in range(self.width):
            vectors.append(loaded(c, at, self.tiles.kinds, size, self.width))
            at = step(c, at, n["bn"])
        for i, v in enumerate(transposed(c, vectors)):
            c.raw(f"store {v}, {self._at(c.binary('add', row, i), column)}, align {size}")

    def _elements(self, b: Value, columns: Value, first: Value, rows: Value, start: Value) -> None:
        """Columns from one on, of some rows, element by element."""
        c, n, kinds = self.c, self.n, self.tiles.kinds

        def row(i: Value) -> None:
            at = step(c, b, c.binary("mul", i, n["bk"]))

            def element(j: Value) -> None:
                x = c.fresh(f"load {kinds}, {step(c, at, c.binary('mul', j, n['bn']))}", kinds)
                c.raw(f"store {x}, {self._at(i, j)}, align {self.size}")

            each(c, start, columns, 1, element)

        each(c, first, rows, 1, row)
