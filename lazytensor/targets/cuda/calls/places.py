"""Places given by arrays of indices: how a kernel finds and checks them, and the columns of what
stands there.

What enters: arrays with the indices of their leading axes. What leaves: parts of kernels and their
words. It must not know what is done at the places.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from ...._base.dtypes import kind
from ..types import c_type
from .axes import Axis, Lies, axes, split, words
from .plan import Fails

PLACES = ("types", "cells", "places")
WIDE = 16


@dataclass(frozen=True, slots=True)
class Indices:
    """Indices of the leading axes of x, for the rows of something that lies like `beside` (its
    strides along the axes of the indices); what a place on each axis counts are `steps`. Those that
    are `apart` are each of the first axis of an array of its own.
    """

    arrays: tuple[Lies, ...]
    sizes: tuple[int, ...]
    steps: tuple[int, ...]
    axes: list[Axis]
    apart: bool = False

    @property
    def names(self) -> list[str]:
        """What each index's search is called."""
        return [f"found{k}" if self.apart else "found" for k in range(len(self.arrays))]

    @property
    def rows(self) -> int:
        """How many places there are."""
        return prod(n for n, _ in self.axes)

    @property
    def words(self) -> tuple[int, ...]:
        """For each axis its size and what a place counts; then the rows' axes: sizes, strides of
        what lies beside, and of each index.
        """
        pairs = (word for pair in zip(self.sizes, self.steps, strict=True) for word in pair)
        return (*pairs, *words(self.axes))

    @property
    def fails(self) -> Fails:
        """What a status means."""
        unsigned = tuple(kind(i.dtype) == "u" for i in self.arrays)
        return Fails(self.sizes, unsigned, self.rows, self.apart)

    def find(self, first: int, base: int, rows: str, reports: str) -> list[str]:
        """Statements that search the places of a row: addresses of the indices are words from
        `first` on, that of the status comes behind them; own words begin at `base`; `at` are the
        row's places along its axes.
        """
        count, rank = len(self.arrays), len(self.axes)
        lines = [f"Search {name} = {{0, true}};" for name in dict.fromkeys(self.names)]
        for k, (i, name) in enumerate(zip(self.arrays, self.names, strict=True)):
            strides = base + 2 * count + rank * (2 + k)
            lines.append(
                f"find<{c_type(i.dtype)}>({name}, at, a.w[{first + k}], a.w + {base + 2 * k}, "
                f"a.w + {strides}, a.w[{first + count}], {k} * {rows} + row + 1, {reports});"
            )
        return lines


def indices(
    x: Lies, arrays: Sequence[Lies], beside: Sequence[int], steps: Sequence[int]
) -> Indices:
    """Indices of x."""
    count = len(arrays)
    found = axes(arrays[0].shape, beside, *(i.strides for i in arrays))
    return Indices(tuple(arrays), tuple(x.shape[:count]), tuple(steps), found)


@dataclass(frozen=True, slots=True)
class Columns:
    """What stands at a place: lines of neighbours, on two sides, of which a thread has a few."""

    outer: list[Axis]
    inner: Axis
    wide: int

    @property
    def chunks(self) -> int:
        """Pieces of a line; of none there is one, so that somebody looks at the index."""
        return max(1, -(-self.inner[0] // self.wide))

    @property
    def pieces(self) -> int:
        """Pieces of a row."""
        return prod(n for n, _ in self.outer) * self.chunks

    @property
    def words(self) -> tuple[int, ...]:
        """Neighbours, bytes between them on both sides; the lines' axes."""
        n, along = self.inner
        return (n, *along, *words(self.outer))


def columns(shape: Sequence[int], to: Sequence[int], source: Sequence[int], size: int) -> Columns:
    """Of a shape with strides on both sides; elements of so many bytes."""
    nothing: list[Axis] = [(0, (size, size))]
    outer, inner = split(nothing if 0 in shape else axes(shape, to, source))
    n, along = inner
    near = n > 1 and all(s == size for s in along)
    return Columns(outer, inner, WIDE // size if near else 1)
