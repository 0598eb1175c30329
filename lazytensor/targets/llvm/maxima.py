"""The greatest elements of windows over images, and where they are: first ones of equal ones, last
ones of several NaN.

What enters: dtypes, and what the processor has; arrays of single or double precision. What leaves:
texts of kernels; arrays, or None for what there are no kernels for. It must not know graphs.
"""

from functools import lru_cache
from math import prod
from typing import Any

import numpy as np

from ..._base.dtypes import DType
from ...ops.maxima import first_inside
from .code import Value
from .convolution import MOST, _Convolutions, _planes
from .form import Host
from .memory import offset, step
from .planes import _Planes, _Spot

Ints = tuple[int, ...]


class Maxima(_Planes):
    """Writes the kernel (x, x, maxima, room): a unit is an image of one channel."""

    def __init__(self, dtype: DType, host: Host) -> None:
        super().__init__(dtype, host)
        self.outside = self.c.const(-np.inf, self.lanes.kinds, self.width)

    def _unit(self, u: Value, stride: int) -> None:
        self._copied(self.c.const(0, "i64"), u)
        out = offset(self.c, self.third, self.c.binary("mul", u, self.count), self.size)
        self._windows(out, stride, [], self._visit)

    def _visit(self, spot: _Spot, _: list[Value]) -> list[Value]:
        def tap(number: Value, moved: Value, best: list[Value]) -> list[Value]:
            found = self._elements(spot, moved)
            return [self._greater(x, y)[1] for x, y in zip(found, best, strict=True)]

        best = self._taps([self.outside] * spot.height, tap)
        self._put(spot, list(zip(self._made(spot), best, strict=True)))
        return []

    def _greater(self, x: Value, best: Value) -> tuple[Value, Value]:
        """Whether x takes the place of the best so far, and the better one."""
        c = self.c
        better = c.binary("or", c.compare("ogt", x, best), c.compare("uno", x, x))
        return better, c.select(better, x, best)


class Places(Maxima):
    """Writes the kernel (x, table, places, room). The table has how far from the first one the
    elements of a window lie, and for each window its first place and the first one inside.
    """

    def _unit(self, u: Value, stride: int) -> None:
        c = self.c
        self._copied(c.const(0, "i64"), u)
        self.starts = offset(c, self.second, self.places, self.size)
        self.out = offset(c, self.third, c.binary("mul", u, self.count), 8)
        self._windows(self.starts, stride, [], self._visit)

    def _visit(self, spot: _Spot, _: list[Value]) -> list[Value]:
        c, many, tables = self.c, spot.height, self._made(spot)
        starts = [self._row(at) for at in tables]
        inside = [self._row(offset(c, at, self.count, self.size)) for at in tables]

        def tap(number: Value, moved: Value, held: list[Value]) -> list[Value]:
            at = offset(c, self.second, number, self.size)
            further = c.fresh(f"load {self.lanes.whole}, {at}", self.lanes.whole)
            values, places = [], []
            for i, x in enumerate(self._elements(spot, moved)):
                better, best = self._greater(x, held[i])
                values.append(best)
                places.append(c.select(better, c.binary("add", starts[i], further), held[many + i]))
            return [*values, *places]

        found = self._taps([*[self.outside] * many, *inside], tap)[many:]
        rows = zip(map(self._to, tables), found, strict=True)
        self._put(spot, [(at, c.convert("sext", x, "i64")) for at, x in rows])
        return []

    def _row(self, at: Value) -> Value:
        kinds = f"<{self.width} x {self.lanes.whole}>"
        rhs = f"load {kinds}, {at}, align {self.size}"
        return self.c.fresh(rhs, self.lanes.whole, self.width)

    def _to(self, at: Value) -> Value:
        """Where the place of a window belongs that the table has there."""
        c = self.c
        ends = (c.convert("ptrtoint", p, "i64") for p in (at, self.starts))
        return step(c, self.out, c.binary("mul", c.binary("sub", *ends), 8 // self.size))


@lru_cache(256)
def _table(
    shape: Ints, sizes: Ints, strides: Ints, dilations: Ints, starts: Ints, counts: Ints,
    width: int, dtype: Any,
) -> Any:  # fmt: skip
    """What `Places` reads, with room for a vector behind it."""
    taps, first = (np.zeros((1,) * len(shape), np.int64) for _ in range(2))
    for axis, n in enumerate(shape):
        begins = np.arange(counts[axis]) * strides[axis] + starts[axis]
        line = [-1 if a == axis else 1 for a in range(len(shape))]
        taps = taps * n + (np.arange(sizes[axis]) * dilations[axis]).reshape(line)
        first = first * n + begins.reshape(line)
    inside = first_inside(np, shape, tuple(zip(strides, dilations, starts, counts, strict=True)))
    parts = (taps.reshape(-1), first.reshape(-1), inside.reshape(-1), np.zeros(width, np.int64))
    return np.concatenate(parts).astype(dtype)


class WindowMaxima(_Convolutions):
    """The function (x, places, sizes, strides, dilations, starts, counts) → the greatest elements
    of windows over the last axes, or their flat `places` there.
    """

    def __call__(self, x: Any, places: bool, sizes: Ints, *params: Ints) -> Any:
        strides, dilations, starts, counts = params
        k, dtype = len(sizes), x.dtype
        shape = x.shape[x.ndim - k :]
        many = x.size and prod(counts) and prod(shape) < MOST
        if dtype not in (np.float32, np.float64) or k > 3 or not many:
            return None
        lines = np.ascontiguousarray(x).reshape(1, -1, *shape)
        width, pads = self._width(dtype), tuple((-s, 0) for s in starts)
        rest = (counts, (strides, pads, dilations), lines.shape[1], width)
        job = _planes(lines.shape, lines.strides, (lines.shape[1], 1, *sizes), *rest)
        out = self._room((*x.shape[: x.ndim - k], *counts), np.dtype(np.int64) if places else dtype)
        if places:
            whole = np.dtype(f"i{dtype.itemsize}")
            table = _table(shape, sizes, *params, width, whole)
            self._run(Places, job, lines, table, out)
        else:
            self._run(Maxima, job, lines, lines, out)
        return out
