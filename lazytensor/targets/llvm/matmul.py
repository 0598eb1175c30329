"""`numpy.matmul` in which products of many small matrices are native, those of a few rows with
matrices that lie across, where vectors are long, and those of large matrices, row by row, with a
vector; the others are the BLAS's.

What enters: arrays. What leaves: arrays. Which it is depends on sizes alone, so that a product has
the same bits on any number of threads. It must not know graphs.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from math import prod
from typing import Any

import numpy as np

from ..._base.dtypes import DType, float32, float64
from ..._base.processors import count as threads
from ..._base.record import Record, replace
from ..._base.threads import run as share
from .agreed import AXES, DEEPEST
from .call import packed
from .machine import Linked
from .objects import writers

Ints = tuple[int, ...]
# From so many products and multiplications on; columns at most. Rows at once, and up to how many
# the right operand is read as it lies.
MANY, MUCH, WIDEST, ROWS, FEW = 4, 1 << 16, 512, 256, 48
# Elements of a matrix up to which NumPy's memory is as good as the pool's.
SMALL = 1 << 15
# Of a product that is alone: multiplications from which on it may be native, its rows, columns that
# one thread takes, and elements of the right operand from which on it isn't read as it lies; bytes
# of vectors with which these are quicker than the BLAS.
ALONE, TALL, SPAN, SPREAD, LONG = 1 << 20, range(16, 129), 128, 1 << 17, 64
# Of a matrix and a vector: elements of the matrix and of each row from which on it is native, and
# rows of a block.
SLIM, LINE, BLOCK = 1 << 16, 16, 256
# Multiplications that are worth another thread, and those between two looks at whether the user has
# interrupted.
GRAIN, BREATH = 1 << 20, 1 << 34


class _Job(Record, frozen=True):
    """The shape of a result, if memory is made for it; what the launcher takes for the kernel,
    nothing where the BLAS does it; blocks of results, and multiplications of each; whether it is
    a matrix and a vector, which is the left one if `turned`.
    """

    shape: Ints | None = None
    call: bytes = b""
    units: int = 0
    each: int = 1
    slim: bool = False
    turned: bool = False


class Matmul:
    """The function (x, y, out=None) → x y; `functions` gives native ones when they are needed."""

    def __init__(
        self, functions: Callable[[], Any], room: Callable[[Ints, DType], Any] = np.empty
    ) -> None:
        self.__name__ = "matmul"
        self._functions = functions
        self._room = room
        self._known: dict[tuple[str, DType], Linked] = {}

    def __call__(self, x: Any, y: Any, out: Any = None) -> Any:
        if out is not None:
            return np.matmul(x, y, out=out)
        job = self._job(x.shape, x.strides, x.dtype, y.shape, y.strides, y.dtype)
        if job.shape is None:
            return np.matmul(x, y)
        made = self._room(job.shape, x.dtype)
        if not job.call:
            return np.matmul(x, y, out=made)
        if job.slim:
            x, y = (y.T, x) if job.turned else (x, y)
            y = np.ascontiguousarray(y)
        self._run(job, x, y, made)
        return made

    def _run(self, job: _Job, x: Any, y: Any, made: Any) -> None:
        launch, work = self._functions().launch, job.units * job.each
        if work < 2 * GRAIN or (work < BREATH and threads() < 2):
            launch(job.call, 0, job.units, x, y, made)
            return
        most, grain = (max(1, n // job.each) for n in (BREATH, GRAIN))
        for start in range(0, job.units, most):
            stop = min(start + most, job.units)

            def part(lo: int, hi: int, start: int = start) -> None:
                launch(job.call, start + lo, start + hi, x, y, made)

            share(part, stop - start, grain, threads())

    @lru_cache(4096)  # noqa: B019  (there is one of these for the process)
    def _job(self, x: Ints, of_x: Ints, dtype: DType, y: Ints, of_y: Ints, other: DType) -> _Job:
        """What is to be done for operands of these shapes and dtypes that lie so."""
        plain = dtype != other or min(len(x), len(y)) < 2 or not prod(x) * prod(y)
        alone = len(x) == len(y) == 2
        if alone and not plain and x[1] == y[0] and dtype in (float32, float64):
            if y[1] == 1 and _slim(x, of_x, dtype):
                return self._slim(x, of_x[0], dtype, x[:1] + y[1:])
            if x[0] == 1 and _slim(y[::-1], of_y[::-1], dtype):
                found = self._slim(y[::-1], of_y[1], dtype, x[:1] + y[1:])
                return replace(found, turned=True)
        tall = alone and not plain and _tall(x, y, of_y, dtype)
        if plain or (alone and not tall and x[0] * y[-1] < SMALL):
            return _Job()
        tall = tall and self._functions().machine.host.bytes >= LONG
        shape = (*np.broadcast_shapes(x[:-2], y[:-2]), x[-2], y[-1])
        words, units, each = _blocks(shape, x, of_x, y, of_y, dtype, tall)
        call = packed(self._address("Batch", dtype), True, *words) if words else b""
        return _Job(shape, call, units, each)

    def _slim(self, matrix: Ints, pitch: int, dtype: DType, shape: Ints) -> _Job:
        """The job for a matrix, bytes from row to row, and a vector."""
        rows, columns = matrix
        call = packed(self._address("Dots", dtype), True, rows, columns, pitch, BLOCK)
        return _Job(shape, call, -(-rows // BLOCK), BLOCK * columns, True)

    def _address(self, writer: str, dtype: DType) -> int:
        known = self._known.get((writer, dtype))
        if known is None:
            functions = self._functions()
            host = functions.machine.host
            found = functions.found(
                f"product {writer} {dtype.name}",
                lambda: getattr(writers(), writer)(dtype, host).text(),
            )
            # of several threads, the first keeps its function: another's would be unloaded
            known = self._known.setdefault((writer, dtype), found)
        return known.address


def _slim(matrix: Ints, lie: Ints, dtype: DType) -> bool:
    """Whether a matrix is large, and its rows lie one element after another."""
    large = matrix[0] > 1 and matrix[1] >= LINE and prod(matrix) >= SLIM
    return large and lie[1] == dtype.itemsize


def _tall(x: Ints, y: Ints, of_y: Ints, dtype: DType) -> bool:
    """Whether a product of two matrices may be native: few rows, by what lies across or, in single
    precision, by what has many columns.
    """
    columns = y[1]
    lies = of_y[0] == dtype.itemsize or (columns >= SPAN and dtype == float32)
    fits = lies and x[0] in TALL and y[0] <= DEEPEST
    return fits and prod(x) * columns >= ALONE


def _blocks(
    shape: Ints, x: Ints, of_x: Ints, y: Ints, of_y: Ints, dtype: DType, alone: bool
) -> tuple[Ints, int, int]:
    """Words of the kernel, none where the BLAS makes this shape; blocks, and multiplications of
    each; `alone` if a product that is alone may be native.
    """
    *batch, m, n = shape
    k, products = x[-1], prod(batch)
    fits = products >= MANY and products * m * n * k >= MUCH and m >= 2 and 4 <= n <= WIDEST
    fits = (fits or alone) and y[-2] == k <= DEEPEST
    axes = _axes(batch, _spread(x, of_x, len(batch)), _spread(y, of_y, len(batch)))
    if dtype not in (float32, float64) or not fits or len(axes) > AXES:
        return (), 0, 1
    axes = [(1, 0, 0)] * (AXES - len(axes)) + axes
    blocks, across = -(-m // ROWS), -(-n // SPAN) if alone else 1
    copied = m > FEW or (alone and k * n >= SPREAD)
    cuts = (int(copied), blocks * across, -(-m // blocks), across, SPAN if alone else n)
    words = (m, n, k, *of_x[-2:], *of_y[-2:], *cuts)
    words = (*words, *(number for part in zip(*axes, strict=True) for number in part))
    return words, products * blocks * across, m * n * k // (blocks * across)


def _spread(shape: Ints, strides: Ints, count: int) -> Ints:
    """Strides along so many axes of a batch: 0 where there is one matrix for all."""
    own = tuple(s if n > 1 else 0 for n, s in zip(shape[:-2], strides[:-2], strict=True))
    return (0,) * (count - len(own)) + own


def _axes(sizes: Sequence[int], *strides: Ints) -> list[Ints]:
    """Axes as (size, strides …), those merged that lie one within another."""
    found: list[Ints] = []
    for size, *steps in zip(sizes, *strides, strict=True):
        if size == 1:
            continue
        if found and all(o == s * size for o, s in zip(found[-1][1:], steps, strict=True)):
            found[-1] = (found[-1][0] * size, *steps)
        else:
            found.append((size, *steps))
    return found
