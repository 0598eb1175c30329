"""Functions that go along rows, and add up rows as well: sums over all rows of what they compute.

A row of the function is a lane of the tree of sums (`ops/_tree`): rows of the kernel that are 32
apart, in a block. Its sums are an output of their own; adding these up is left to others. What
enters: a kernel, and how its operands lie. What leaves: the text of a module. It must not know
sizes.
"""

from collections.abc import Callable

from ...ops._tree import BLOCK, LANES, ROUNDS
from .along import Along
from .code import Value
from .loops import HI, LO, ZERO, each, least
from .memory import Columns, Operand, Registers, load, step, store
from .scalar import Lane


class Tall(Along):
    """Lanes of rows. Sums of a few rows are kept in memory of the function's own."""

    def _each_row(self) -> None:
        self.count = self.words[0]
        each(self.c, LO, HI, 1, self._unit)

    def _unit(self, unit: Value) -> None:
        """A lane of a block of rows."""
        c = self.c
        start = c.binary("mul", c.binary("udiv", unit, LANES), BLOCK)
        lane = c.binary("urem", unit, LANES)
        length = least(c, c.binary("sub", self.words[-1], start), BLOCK)
        beyond = c.binary("add", c.binary("sub", length, lane), LANES - 1)
        first, rounds = c.binary("add", start, lane), c.binary("sdiv", beyond, LANES)
        operands = range(len(self.form.lie) - len(self.kernel.totals), len(self.form.lie))
        offsets = [c.binary("mul", unit, self._stride(i, 0)) for i in operands]
        sums = [step(c, self.bases[i], o) for i, o in zip(operands, offsets, strict=True)]
        self._clear(sums)
        each(c, ZERO, rounds, ROUNDS, lambda i: self._few(first, i, rounds, sums))

    def _ahead(self, k: int) -> Value:
        return self.c.binary("mul", super()._ahead(k), LANES)

    def _few(self, first: Value, i: Value, rounds: Value, sums: list[Value]) -> None:
        """Rows whose sum is added to those before."""
        c = self.c
        own = [self._own(len(self.kept) + k, self.count) for k in range(len(sums))]
        self._clear(own)
        count = least(c, c.binary("sub", rounds, i), ROUNDS)

        def row(j: Value) -> None:
            number = c.binary("add", first, c.binary("mul", c.binary("add", i, j), LANES))
            self._row(self._row_bases(number))

        each(c, ZERO, count, 1, row)
        self._add(own, sums)

    def _clear(self, places: list[Value]) -> None:
        """Begin sums: with -0, since 0 + -0 is 0."""
        for dtype, at in zip(self.own[len(self.kept) :], places, strict=True):
            self._along_columns([Operand(dtype, at, read=False, written=True)], self._begin)

    def _begin(self, operand: Operand, at: Value) -> None:
        store(self.c, self._whole(self.native.const(-0.0, operand.dtype)), at)

    def _add(self, own: list[Value], sums: list[Value]) -> None:
        for dtype, at, to in zip(self.own[len(self.kept) :], own, sums, strict=True):
            operands = [Operand(dtype, at), Operand(dtype, to, written=True)]
            self._along_columns(operands, self._more)

    def _more(self, operand: Operand, at: Value, to: Value) -> None:
        x, y = (load(self.c, operand.dtype, place, self.width).only for place in (at, to))
        store(self.c, Lane(operand.dtype, self.c.fadd(y, x)), to)

    def _along_columns(self, operands: list[Operand], body: Callable[..., None]) -> None:
        """`body(operand, *places)` for each vector."""
        self.width = self.narrow

        def work(places: list[Value], strides: object, registers: Registers) -> Registers:
            body(operands[0], *places)
            return registers

        Columns(self.c, self.width, self.room).run(self.count, operands, [], work)
