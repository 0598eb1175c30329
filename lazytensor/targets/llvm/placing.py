"""Elements, or runs of them, at places given by several arrays of indices: what reads, writes or
combines them.

What enters: how many axes there are, and along which the places vary. What leaves: the text of a
kernel. It must not know arrays.
"""

from collections.abc import Callable
from functools import partial

from .agreed import WIDE, AtPlaces
from .code import KERNEL, Code, Value
from .loops import HI, LO, TRUE, ZERO, Values, carried, choose, each, pointers, split, words
from .memory import step
from .scalar import Lane, Native, ir_type

AT_ONCE = 4  # places of a line that are gone over at once


class Placing:
    """Writes `i64 kernel(i64 lo, i64 hi, ptr pointers, ptr words)` over what is outside the
    innermost axis, or, where there is nothing, over that; 1 if an index is outside. Arrays are the
    table, the values and the indices. Words are, for each axis of indices, its length and the bytes
    between neighbours in the table; the innermost axis' length and bytes between neighbours in each
    array; the same for the other axes, the innermost first.
    """

    def __init__(self, form: AtPlaces) -> None:
        self.form = form
        self.c = c = Code()
        self.count = len(form.varies)
        self.arrays = pointers(c, 2 + self.count)
        own = 3 + self.count
        found = words(c, 2 * self.count + own * (1 + form.outer))
        self.axes, rest = found[: 2 * self.count], found[2 * self.count :]
        self.inner, *self.outer = (rest[i : i + own] for i in range(0, len(rest), own))

    def text(self) -> str:
        """The module."""
        c = self.c
        if self.form.alike:
            choose(c, self._inside(), lambda: self._lines(True), lambda: self._lines(False))
        elif self.form.outer:
            self._lines(False)
        else:
            self._line(self.arrays, LO, HI)
        ends = ["ret i64 0", "outside:", "ret i64 1", "}", *sorted(c.declared)]
        return "\n".join([KERNEL, *c.lines, *ends]) + "\n"

    def _lines(self, checked: bool) -> None:
        """All lines; without a look at indices that were `checked`."""
        line = self._checked if checked else self._line
        each(self.c, LO, HI, 1, lambda row: line(self._moved(row), ZERO, self.inner[0]))

    def _inside(self) -> Value:
        """Whether all indices that vary are inside as they stand."""
        c, j = self.c, self.form.varies.index(True)

        def also(i: Value, held: Values) -> Values:
            found = c.compare("ult", self._index(self.arrays[2 + j], i), self.axes[2 * j])
            return [c.binary("and", held[0], found)]

        return carried(c, ZERO, self.inner[0], 1, [TRUE], also)[1]

    def _index(self, at: Value, i: Value) -> Value:
        """An index among some one after another."""
        return self.c.fresh(f"load i64, {step(self.c, at, self.c.binary('mul', i, 8))}", "i64")

    def _checked(self, at: list[Value], start: Value, stop: Value) -> None:
        """As `_line`, of indices that were looked at, where all lies in order."""
        c, (table, values, *indices), size = self.c, at, self._size()
        for j, index in enumerate(indices):
            if self.form.varies[j]:
                varied = index
            else:
                table = self._there(table, index, j)

        def some(count: int, first: Value) -> None:
            for more in range(count):
                i = c.binary("add", first, more)
                there = step(c, table, c.binary("mul", self._index(varied, i), size))
                self._element(there, step(c, values, c.binary("mul", i, size)))

        whole = c.binary("and", stop, -AT_ONCE)
        each(c, start, whole, AT_ONCE, partial(some, AT_ONCE))
        each(c, whole, stop, 1, partial(some, 1))

    def _moved(self, row: Value) -> list[Value]:
        """Where the arrays' parts of a row begin."""
        c, at = self.c, list(self.arrays)
        for number, (size, *strides) in enumerate(self.outer, 1):
            place = row
            if number < len(self.outer):
                row, place = split(c, row, size)
            at = [step(c, x, c.binary("mul", place, s)) for x, s in zip(at, strides, strict=True)]
        return at

    def _line(self, at: list[Value], start: Value, stop: Value) -> None:
        """All of the innermost axis."""
        c, (table, values, *indices) = self.c, at
        for j, index in enumerate(indices):
            if not self.form.varies[j]:
                table = self._there(table, index, j)
        if self.form.runs:
            self._run(table, values, stop)
            return
        strides = self.inner[1:]

        def element(i: Value) -> None:
            there = step(c, table, c.binary("mul", i, strides[0]))
            for j, index in enumerate(indices):
                if self.form.varies[j]:
                    own = step(c, index, c.binary("mul", i, strides[2 + j]))
                    there = self._there(there, own, j)
            self._element(there, step(c, values, c.binary("mul", i, strides[1])))

        each(c, start, stop, 1, element)

    def _there(self, table: Value, at: Value, j: int) -> Value:
        """The place in the table that an index says."""
        c, (count, stride) = self.c, self.axes[2 * j : 2 * j + 2]
        index = c.fresh(f"load i64, {at}", "i64")
        index = c.select(c.compare("slt", index, 0), c.binary("add", index, count), index)
        inside = c.name("inside")
        c.branch(c.compare("ult", index, count), inside, "outside")
        c.label(inside)
        return step(c, table, c.binary("mul", index, stride))

    def _run(self, table: Value, values: Value, count: Value) -> None:
        c, size = self.c, self._size()
        wide = WIDE // size
        whole = c.binary("and", count, -wide)

        def part(width: int) -> Callable[[Value], None]:
            def move(i: Value) -> None:
                nbytes = c.binary("mul", i, size)
                self._element(step(c, table, nbytes), step(c, values, nbytes), width)

            return move

        each(c, ZERO, whole, wide, part(wide))
        each(c, whole, count, 1, part(1))

    def _size(self) -> int:
        element = self.form.element
        return element if isinstance(element, int) else element.itemsize

    def _element(self, there: Value, value: Value, width: int = 1) -> None:
        """Read, write or add so many elements."""
        c, element, size = self.c, self.form.element, self._size()
        source, to = (there, value) if self.form.reads else (value, there)
        kinds = f"i{8 * size}" if isinstance(element, int) else ir_type(element)
        full = kinds if width == 1 else f"<{width} x {kinds}>"
        x = c.fresh(f"load {full}, {source}, align 1", kinds, width)
        if not isinstance(element, int):
            old = Lane(element, c.fresh(f"load {full}, {to}, align 1", kinds, width))
            x = getattr(Native(c, False), self.form.combine)(old, Lane(element, x)).only
        c.raw(f"store {x}, {to}, align 1")
