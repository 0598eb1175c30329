"""Products of a matrix, whose rows lie one after another, and a vector: row by row.

What enters: a dtype, and what the processor has. What leaves: the text of a kernel. It must not
know sizes.
"""

from functools import partial

from ..._base.dtypes import DType
from ...ops._tree import LANES
from .code import Code, Value
from .form import Host
from .loops import HI, LO, ZERO, Values, carried, choose, each, least, module, pointers, words
from .memory import offset, step
from .windows import Lanes

WORDS = "rows", "columns", "pitch", "block"


class Dots:
    """Writes the kernel (matrix, vector, out) over blocks of rows. Lane i of LANES adds up, fused
    where the processor fuses, a row's products i, i + LANES … in their order; lanes are folded in
    halves. A few rows that lie apart are read at once, since memory is then read faster.
    """

    def __init__(self, dtype: DType, host: Host) -> None:
        self.c = c = Code(host.fused)
        self.lanes = Lanes(c, dtype, max(2, host.bytes // dtype.itemsize))
        self.size, self.width = dtype.itemsize, self.lanes.width
        self.parts = LANES // self.width
        self.at_once = max(1, host.registers // (4 * self.parts))
        self.matrix, self.vector, self.out = pointers(c, 3)
        self.n = dict(zip(WORDS, words(c, len(WORDS)), strict=True))
        self.whole = c.binary("and", self.n["columns"], -LANES)

    def text(self) -> str:
        """The module."""
        each(self.c, LO, HI, 1, self._block)
        return module(self.c)

    def _block(self, unit: Value) -> None:
        c, n = self.c, self.n
        first = c.binary("mul", unit, n["block"])
        last = least(c, c.binary("add", first, n["block"]), n["rows"])
        apart = c.binary("udiv", c.binary("sub", last, first), self.at_once)

        def several(row: Value) -> None:
            further = (c.binary("mul", apart, i) for i in range(self.at_once))
            self._rows([c.binary("add", row, f) for f in further])

        end = c.binary("add", first, c.binary("mul", apart, self.at_once))
        each(c, first, c.binary("add", first, apart), 1, several)
        each(c, end, last, 1, lambda row: self._rows([row]))

    def _rows(self, rows: Values) -> None:
        """Sums of rows, put where they belong."""
        c, lanes = self.c, self.lanes
        places = [step(c, self.matrix, c.binary("mul", row, self.n["pitch"])) for row in rows]
        zeros = [c.const(0.0, lanes.kinds, self.width)] * (len(rows) * self.parts)
        sums = carried(c, ZERO, self.whole, LANES, zeros, partial(self._products, places, None))[1:]
        left = c.binary("sub", self.n["columns"], self.whole)
        sums = choose(
            c, c.compare("eq", left, 0), lambda: sums,
            lambda: self._products(places, left, self.whole, sums),
        )  # fmt: skip
        for i, row in enumerate(rows):
            total = self._folded(sums[i * self.parts : (i + 1) * self.parts])
            c.raw(f"store {total}, {offset(c, self.out, row, self.size)}, align {self.size}")

    def _products(self, places: Values, left: Value | None, column: Value, sums: Values) -> Values:
        """Sums and the products of LANES columns, of which so many are `left`."""
        masks = [self._mask(left, j) for j in range(self.parts)]
        columns = self._loaded(self.vector, column, masks)
        rows = [self._loaded(place, column, masks) for place in places]
        pairs = zip(sums, (pair for row in rows for pair in zip(row, columns)), strict=True)
        return [self.c.fma(x, y, total) for total, (x, y) in pairs]

    def _mask(self, left: Value | None, part: int) -> Value | None:
        c, lanes = self.c, self.lanes
        if left is None:
            return None
        there = lanes.narrow(c.binary("sub", left, part * self.width))
        return lanes.mask(c.compare("slt", lanes.numbers(), there))

    def _loaded(self, base: Value, column: Value, masks: list[Value | None]) -> Values:
        c, lanes = self.c, self.lanes
        at = offset(c, base, column, self.size)
        found = []
        for j, mask in enumerate(masks):
            place = step(c, at, c.const(j * self.width * self.size, "i64"))
            found.append(lanes.whole_load(place) if mask is None else lanes.load(place, mask))
        return found

    def _folded(self, sums: Values) -> Value:
        """All lanes, folded in halves."""
        c = self.c
        while len(sums) > 1:
            half = len(sums) // 2
            sums = [c.fadd(x, y) for x, y in zip(sums[:half], sums[half:], strict=True)]
        (total,) = sums
        while total.width > 1:
            half = total.width // 2
            total = c.fadd(*(self.lanes.part(total, first, half) for first in (0, half)))
        return total
