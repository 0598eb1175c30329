"""Functions for operands that lie across one another, such as a matrix and a transpose: tile by
tile, with what lies across copied to the stack first.

What enters: a kernel, and how its operands lie. What leaves: the text of a module. It must not know
sizes.
"""


from ..._base.dtypes import DType, kind
from ...lower.kernel import Kernel
from .along import Along
from .code import Value, vector
from .form import STRIDED, UNIT, Form, Host, registers
from .loops import choose, least
from .memory import blob, offset, prefetch, step
from .passes import Pass
from .squares import transposed

# Rows of a square at most.
MOST_SIDE = 16


def _twice(kernel: Kernel) -> bool:
    """Whether vectors of two registers take fewer instructions: rows of tiles are short."""
    return registers(kernel) == 1 and all(kind(kernel.dtype(k)) != "c" for k in range(kernel.count))



class Tiled(Along):
    """A row of the function is a tile: as many rows as columns of the kernel."""

    def __init__(self, kernel: Kernel, form: Form, host: Host) -> None:
        super().__init__(kernel, form, host)
        self.crossing = [i for i in form.crossing if form.lie[i] == STRIDED]
        self.lie = tuple(UNIT if i in self.crossing else f for i, f in enumerate(form.lie))
        self.tiles: dict[int, Value] = {}
        if _twice(kernel):
            self.width = self.narrow = 2 * self.width
        self._bytes = host.bytes

    def _row(self, bases: list[Value]) -> None:
        c = self.c
        last = self.form.rows - 1
        left = c.binary("sub", self.words[-1], c.binary("mul", self.places[last], self.form.block))
        rows = least(c, left, self.form.block)
        for i in self.crossing:
            self._copy(i, bases[i], rows)

        def row(r: Value) -> None:
            at = [self._at_row(i, base, r) for i, base in enumerate(bases)]
            super(Tiled, self)._row(at)

        self.count_up(rows, 1, row)

    def _row_step(self, operand: int) -> Value:
        """Bytes to the next row; those to the next tile are known."""
        return self.c.binary("sdiv", self._stride(operand, self.form.rows - 1), self.form.block)

    def _at_row(self, operand: int, base: Value, row: Value) -> Value:
        if operand in self.tiles:
            size = self._dtype(operand).itemsize
            return offset(self.c, self.tiles[operand], row, self.form.block * size)
        return step(self.c, base, self.c.binary("mul", row, self._row_step(operand)))

    def _fetches(self) -> dict[int, Pass]:
        """What lies along rows is fetched a tile ahead."""
        found = {}
        for k, form in enumerate(self.form.lie[: len(self.kernel.inputs)]):
            readers = [p for p in self.plan.passes if k in p.reads]
            if readers and form == UNIT and k not in self.form.followed:
                found[k] = readers[0]
        return found

    def _ahead(self, k: int) -> Value:
        """How many bytes ahead the next tile is."""
        return self._stride(k, self.form.rows - 1)

    # --- what lies across ------------------------------------------------------------------------

    def _copy(self, i: int, base: Value, rows: Value) -> None:
        """A tile of an operand, row by row, from where it lies column by column: squares, the last
        of which may lie over those before them; element by element where one is too large.
        """
        c, dtype = self.c, self._dtype(i)
        if i not in self.tiles:
            self.tiles[i] = self.room(blob(dtype), self.form.block * self.form.block)
        side = min(self._bytes // dtype.itemsize, MOST_SIDE)
        large = c.compare("sge", least(c, rows, self.count), side)

        def squares() -> None:
            last = c.binary("sub", self.count, side)
            self.count_up(
                self.count, side, lambda k: self._squares(i, base, least(c, k, last), rows)
            )

        def lines() -> None:
            self.count_up(self.count, 1, lambda column: self._line(i, base, column, rows))

        choose(c, large, squares, lines)

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

    def _squares(self, i: int, base: Value, column: Value, rows: Value) -> None:
        """All rows of a tile, some columns of them: squares, transposed in registers."""
        c, dtype = self.c, self._dtype(i)
        side = min(self._bytes // dtype.itemsize, MOST_SIDE)
        places = [step(c, base, c.binary("mul", column, self._stride(i, -1)))]
        for _ in range(side - 1):
            places.append(step(c, places[-1], self._stride(i, -1)))
        nbytes = self.form.block * dtype.itemsize
        for place in places:
            prefetch(c, step(c, place, c.const(nbytes, "i64")), nbytes)
        last = c.binary("sub", rows, side)

        def square(k: Value) -> None:
            row = least(c, k, last)
            vectors = [self._vector(dtype, place, row, side) for place in places]
            for j, v in enumerate(transposed(c, vectors)):
                to = self._tile_at(i, c.binary("add", row, j), column)
                c.raw(f"store {v}, {to}, align 1")

        self.count_up(rows, side, square)

    def _vector(self, dtype: DType, place: Value, row: Value, width: int) -> Value:
        c, kinds = self.c, blob(dtype)
        at = offset(c, place, row, dtype.itemsize)
        return c.fresh(f"load {vector(kinds, width)}, {at}, align 1", kinds, width)
