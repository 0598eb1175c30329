"""Functions for operands that lie across one another, such as a matrix and a transpose: tile by
tile, with what lies across copied to the stack first.

What enters: a kernel, and how its operands lie. What leaves: the text of a module. It must not know
sizes.
"""

from ..._base.dtypes import DType
from ...lower.kernel import Kernel
from .along import Along
from .code import Value, vector
from .form import STRIDED, TALL, UNIT, Form
from .host import Host
from .memory import blob, offset, step
from .squares import transposed


class Tiled(Along):
    """A row of the function is a tile: TALL rows of a block of columns of the kernel."""

    def __init__(self, kernel: Kernel, form: Form, host: Host) -> None:
        super().__init__(kernel, form, host)
        self.crossing = [i for i in form.crossing if form.lie[i] == STRIDED]
        self.lie = tuple(UNIT if i in self.crossing else f for i, f in enumerate(form.lie))
        self.tiles: dict[int, Value] = {}
        self._bytes = host.bytes

    def _row(self, bases: list[Value]) -> None:
        c = self.c
        last = self.form.rows - 1
        left = c.binary("sub", self.words[-1], c.binary("mul", self.places[last], TALL))
        rows = c.select(c.compare("slt", left, TALL), left, c.const(TALL, "i64"))
        for i in self.crossing:
            self._copy(i, bases[i], rows)

        def row(r: Value) -> None:
            at = [self._at_row(i, base, r) for i, base in enumerate(bases)]
            super(Tiled, self)._row(at)

        self.count_up(rows, 1, row)

    def _row_step(self, operand: int) -> Value:
        """Bytes to the next row; those to the next tile are known."""
        return self.c.binary("sdiv", self._stride(operand, self.form.rows - 1), TALL)

    def _at_row(self, operand: int, base: Value, row: Value) -> Value:
        if operand in self.tiles:
            size = self._dtype(operand).itemsize
            return offset(self.c, self.tiles[operand], row, self.form.block * size)
        return step(self.c, base, self.c.binary("mul", row, self._row_step(operand)))

    # --- what lies across ------------------------------------------------------------------------

    def _copy(self, i: int, base: Value, rows: Value) -> None:
        """A tile of an operand, row by row, from where it lies column by column."""
        c, dtype = self.c, self._dtype(i)
        if i not in self.tiles:
            self.tiles[i] = self.room(blob(dtype), TALL * self.form.block)
        square = min(self._bytes // dtype.itemsize, TALL)
        whole = c.binary("and", self.count, -square)
        tall = c.compare("eq", rows, TALL)
        done = c.select(tall, whole, c.const(0, "i64"))
        some, rest, end = c.name("squares"), c.name("rest"), c.name("copied")
        c.branch(c.compare("sgt", done, 0), some, rest)
        c.label(some)
        self.count_up(done, square, lambda column: self._squares(i, base, column, square))
        c.jump(rest)
        c.label(rest)
        left = c.binary("sub", self.count, done)
        ragged = c.name("ragged")
        c.branch(c.compare("sgt", left, 0), ragged, end)
        c.label(ragged)
        self.count_up(left, 1, lambda j: self._line(i, base, c.binary("add", done, j), rows))
        c.jump(end)
        c.label(end)

    def _line(self, i: int, base: Value, column: Value, rows: Value) -> None:
        """A column of a tile, element by element."""
        c, kinds, size = self.c, blob(self._dtype(i)), self._dtype(i).itemsize
        at = step(c, base, c.binary("mul", column, self._stride(i, -1)))

        def element(r: Value) -> None:
            x = c.fresh(f"load {kinds}, {offset(c, at, r, size)}, align 1", kinds)
            c.raw(f"store {x}, {self._tile_at(i, r, column)}, align 1")

        self.count_up(rows, 1, element)

    def _tile_at(self, i: int, row: Value, column: Value) -> Value:
        c, size = self.c, self._dtype(i).itemsize
        place = c.binary("add", c.binary("mul", row, self.form.block), column)
        return offset(c, self.tiles[i], place, size)

    def _squares(self, i: int, base: Value, column: Value, width: int) -> None:
        """All rows of a tile, `width` columns of them: squares, transposed in registers."""
        c, dtype = self.c, self._dtype(i)
        at = step(c, base, c.binary("mul", column, self._stride(i, -1)))
        places = [at]
        for _ in range(width - 1):
            places.append(step(c, places[-1], self._stride(i, -1)))
        for row in range(0, TALL, width):
            vectors = [self._vector(dtype, p, row, width) for p in places]
            for k, v in enumerate(transposed(c, vectors)):
                to = self._tile_at(i, c.const(row + k, "i64"), column)
                c.raw(f"store {v}, {to}, align 1")

    def _vector(self, dtype: DType, place: Value, row: int, width: int) -> Value:
        c, kinds = self.c, blob(dtype)
        at = step(c, place, c.const(row * dtype.itemsize, "i64"))
        return c.fresh(f"load {vector(kinds, width)}, {at}, align 1", kinds, width)
