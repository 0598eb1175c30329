"""Eliminations: a few columns of an LU factorisation, and triangular systems, for matrices of a
stack in turn, row after row.

What enters: stacks of matrices of single or double precision. What leaves: the same arrays,
changed; whether there are kernels for them. It must not know graphs.
"""

from collections.abc import Callable
from typing import Any

from ..._base.dtypes import DType, float32, float64
from ..._base.processors import count as threads
from ..._base.threads import run as share
from .call import packed
from .code import Code, Value, vector
from .form import Host
from .loops import HI, LO, carried, choose, each, module, pointers, where, words
from .machine import Linked
from .memory import offset, step
from .objects import Objects
from .scalar import ir_type

# Multiplications of the smallest share.
GRAIN = 1 << 17


class _Rows:
    """Writes `i64 kernel(i64 lo, i64 hi, ptr pointers, ptr words)` over matrices."""

    def __init__(self, dtype: DType, host: Host) -> None:
        self.c = Code(host.fused)
        self.kinds, self.size = ir_type(dtype), dtype.itemsize
        self.width = max(2, host.bytes // dtype.itemsize)

    def at(self, base: Value, i: Value) -> Value:
        """An element of a row."""
        return offset(self.c, base, i, self.size)

    def load(self, at: Value, width: int = 1) -> Value:
        """Elements."""
        kinds = vector(self.kinds, width)
        return self.c.fresh(f"load {kinds}, {at}, align {self.size}", self.kinds, width)

    def less(self, to: Value, factor: Value, row: Value, first: Value, end: Value) -> None:
        """to -= factor · row, for some columns. The product is rounded, as NumPy's is: what it
        cancels out is 0.
        """
        c = self.c

        def some(j: Value, width: int) -> None:
            at, other = self.at(to, j), self.load(self.at(row, j), width)
            new = c.fsub(self.load(at, width), c.fmul(c.splat(factor, width), other))
            c.raw(f"store {new}, {at}, align {self.size}")

        last = c.binary("sub", end, self.width - 1)
        rest = each(c, first, last, self.width, lambda j: some(j, self.width))
        each(c, rest, end, 1, lambda j: some(j, 1))


class Panel(_Rows):
    """The arrays are matrices, pivots and infos; the words rows, columns, pivots of a matrix, and
    the columns from which on and up to which are eliminated.
    """

    def text(self) -> str:
        """The module."""
        c = self.c
        a, pivots, infos = pointers(c, 3)
        self.rows, self.columns, many, self.first, self.end = words(c, 5)
        self.pitch = c.binary("mul", self.columns, self.size)
        whole = c.binary("mul", self.pitch, self.rows)

        def matrix(i: Value) -> None:
            base = step(c, a, c.binary("mul", i, whole))
            own = offset(c, pivots, c.binary("mul", i, many), 4)
            info = offset(c, infos, i, 4)
            each(c, self.first, self.end, 1, lambda j: self._column(base, own, info, j))

        each(c, LO, HI, 1, matrix)
        return module(c)

    def _row(self, base: Value, i: Value) -> Value:
        return step(self.c, base, self.c.binary("mul", i, self.pitch))

    def _column(self, base: Value, pivots: Value, info: Value, j: Value) -> None:
        c = self.c
        place = self._greatest(base, j)
        following = c.binary("add", j, 1)
        number = c.convert("trunc", c.binary("add", place, 1), "i32")
        c.raw(f"store {number}, {offset(c, pivots, j, 4)}")
        top = self._row(base, j)
        where(c, c.compare("ne", place, j), lambda: self._exchange(top, self._row(base, place)))
        pivot = self.load(self.at(top, j))

        def eliminate(i: Value) -> None:
            row = self._row(base, i)
            factor = c.fdiv(self.load(self.at(row, j)), pivot)
            c.raw(f"store {factor}, {self.at(row, j)}")
            self.less(row, factor, top, following, self.end)

        def singular() -> None:
            old = c.fresh(f"load i32, {info}", "i32")
            first = c.compare("eq", old, 0)
            new = c.select(first, c.convert("trunc", following, "i32"), old)
            c.raw(f"store {new}, {info}")

        def regular() -> None:
            each(c, following, self.rows, 1, eliminate)

        choose(c, c.compare("oeq", pivot, c.const(0.0, self.kinds)), singular, regular)

    def _greatest(self, base: Value, j: Value) -> Value:
        """The row of the first greatest element of a column, or of its first NaN."""
        c = self.c

        def better(i: Value, held: list[Value]) -> list[Value]:
            best, place = held
            x = c.intrinsic("fabs", self.load(self.at(self._row(base, i), j)))
            nan = c.binary("and", c.compare("uno", x, x), c.compare("ord", best, best))
            wins = c.binary("or", c.compare("ogt", x, best), nan)
            return [c.select(wins, x, best), c.select(wins, i, place)]

        start = [c.const(-1.0, self.kinds), j]
        return carried(c, j, self.rows, 1, start, better)[2]

    def _exchange(self, x: Value, y: Value) -> None:
        c = self.c

        def one(j: Value) -> None:
            places = self.at(x, j), self.at(y, j)
            a, b = map(self.load, places)
            c.raw(f"store {b}, {places[0]}")
            c.raw(f"store {a}, {places[1]}")

        each(c, c.const(0, "i64"), self.columns, 1, one)


class Triangle(_Rows):
    """The arrays are triangles and right sides; the words the order of a triangle, columns of a
    right side, bytes from matrix to matrix, row to row and column to column of the triangles, from
    matrix to matrix and row to row of the right sides, whether diagonals are 1, and whether the
    triangle is the upper one.
    """

    def text(self) -> str:
        """The module."""
        c = self.c
        a, x = pointers(c, 2)
        n, columns, a_apart, a_row, a_column, x_apart, x_row, unit, upper = words(c, 9)
        unit, upper = (c.compare("ne", w, 0) for w in (unit, upper))
        zero, last = c.const(0, "i64"), c.binary("sub", n, 1)

        def matrix(m: Value) -> None:
            left = step(c, a, c.binary("mul", m, a_apart))
            right = step(c, x, c.binary("mul", m, x_apart))

            def row(number: Value) -> None:
                i = c.select(upper, c.binary("sub", last, number), number)
                line = step(c, left, c.binary("mul", i, a_row))
                to = step(c, right, c.binary("mul", i, x_row))
                first = c.select(upper, c.binary("add", i, 1), zero)
                end = c.select(upper, n, i)

                def term(k: Value) -> None:
                    factor = self.load(step(c, line, c.binary("mul", k, a_column)))
                    self.less(to, factor, step(c, right, c.binary("mul", k, x_row)), zero, columns)

                each(c, first, end, 1, term)
                by = step(c, line, c.binary("mul", i, a_column))
                choose(c, unit, lambda: None, lambda: self._divide(to, self.load(by), columns))

            each(c, zero, n, 1, row)

        each(c, LO, HI, 1, matrix)
        return module(c)

    def _divide(self, row: Value, by: Value, columns: Value) -> None:
        c = self.c

        def one(j: Value) -> None:
            c.raw(f"store {c.fdiv(self.load(self.at(row, j)), by)}, {self.at(row, j)}")

        each(c, c.const(0, "i64"), columns, 1, one)


class _Eliminations:
    """What both functions have in common."""

    _writer: Callable[..., Any]

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._known: dict[DType, Linked] = {}

    def _run(self, matrices: int, work: int, of: tuple[int, ...], *arrays: Any) -> None:
        dtype = arrays[0].dtype
        known = self._known.get(dtype)
        if known is None:
            text = self._writer(dtype, self._objects.machine.host).text()
            # of several threads, the first keeps its function: another's would be unloaded
            known = self._known.setdefault(dtype, self._objects.linked(text))
        call, launch = packed(known.address, True, *of), self._objects.launch

        def part(lo: int, hi: int) -> None:
            launch(call, lo, hi, *arrays)

        share(part, matrices, max(1, GRAIN // max(1, work)), threads())


class LuPanel(_Eliminations):
    """The function (a, pivots, info, start, end) that eliminates columns of matrices in place, rows
    exchanged whole; it says whether it did.
    """

    _writer = Panel

    def __call__(self, a: Any, pivots: Any, info: Any, start: int, end: int) -> bool:
        if a.dtype not in (float32, float64):
            return False
        count, rows, columns = a.shape
        of = (rows, columns, pivots.shape[-1], start, end)
        self._run(count, rows * (end - start) ** 2, of, a, pivots, info)
        return True


class Substitution(_Eliminations):
    """The function (a, x, upper, unit) that solves triangular systems in place of their right
    sides, whose rows lie as they are; it says whether it did.
    """

    _writer = Triangle

    def __call__(self, a: Any, x: Any, upper: bool, unit: bool) -> bool:
        fits = a.ndim == x.ndim == 3 and x.strides[-1] == x.itemsize
        if a.dtype not in (float32, float64) or not fits or not x.size:
            return False
        n, columns = x.shape[1:]
        of = (n, columns, *a.strides, *x.strides[:2], int(unit), int(upper))
        self._run(len(x), n * n * columns, of, a, x)
        return True
