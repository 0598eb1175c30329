"""Elements, or runs of them, at places given by several arrays of indices: read, written, or
combined with others, however arrays lie.

What enters: arrays. What leaves: arrays; None where NumPy is left to it, or an index is outside. It
must not know graphs.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..._base.dtypes import DType, float32, float64, int32, int64
from ..._base.processors import count as threads
from ..._base.record import Record, replace
from ..._base.shapes import Shape, prod
from ..._base.threads import run as share
from .agreed import AtPlaces
from .call import packed
from .machine import Linked
from .objects import Objects, writers

Array = np.ndarray[Any, Any]
# Elements of the smallest share.
GRAIN = 1 << 15
# Bytes from which on a result lies as what it is made of; sizes of elements that there is code for.
LARGE, SIZES = 1 << 18, (1, 2, 4, 8, 16)
COMBINED = (float32, float64, int32, int64)


class _Axis(Record):
    """An axis of places, or of what is at each of them, and the bytes between neighbours in the
    table, the values and the indices.
    """

    size: int
    places: bool
    strides: tuple[int, ...]


def _placed(table: Array, k: int, places: list[Any], rest: list[Any]) -> list[Any]:
    """What belongs to the places put where the first indexed axis of a table lies among the rest,
    which is put in the order in which it lies.
    """
    strides = [abs(s) for s in table.strides]
    first, order = max(strides[:k]), sorted(range(len(rest)), key=lambda a: -strides[k + a])
    before = [rest[a] for a in order if strides[k + a] > first]
    return [*before, *places, *(rest[a] for a in order if strides[k + a] <= first)]


def _axes(table: Array, values: Array, indices: Sequence[Array]) -> list[_Axis]:
    """Axes, outermost first, neighbours made one where all arrays go on at the same stride."""
    k, n = len(indices), indices[0].ndim
    places = [
        _Axis(m, True, (0, values.strides[a], *(i.strides[a] for i in indices)))
        for a, m in enumerate(indices[0].shape)
    ]
    rest = [
        _Axis(m, False, (table.strides[k + a], values.strides[n + a], *(0,) * k))
        for a, m in enumerate(table.shape[k:])
    ]
    out: list[_Axis] = []
    for axis in _placed(table, k, places, rest):
        if axis.size == 1:
            continue
        last = out[-1] if out else None
        if last is not None and last.strides == tuple([s * axis.size for s in axis.strides]):
            out[-1] = replace(axis, size=last.size * axis.size)
        else:
            out.append(axis)
    return out


def _inward(axes: list[_Axis], size: int) -> tuple[list[_Axis], bool]:
    """The axes with one innermost that is gone along fast: runs of elements, or places."""
    last = axes[-1]
    runs = not last.places and last.strides[:2] == (size, size)
    if runs or last.places:
        return axes, runs
    return sorted(axes, key=lambda axis: axis.places), False


def _is_alike(table: Array, axes: list[_Axis]) -> bool:
    """Whether lines have the same places, of one index, and all lies in order along them."""
    *outer, inner = axes
    of_table, of_values, *varies = inner.strides
    size, varied = table.itemsize, [j for j, s in enumerate(varies) if s]
    if not outer or (of_table, of_values) != (0, size) or len(varied) != 1:
        return False
    (j,) = varied
    same = all(axis.strides[2 + j] == 0 for axis in outer)
    return same and varies[j] == int64.itemsize and table.strides[j] == size


class _Places:
    """Runs the functions; `room(shape, dtype)` makes arrays."""

    def __init__(self, objects: Objects, room: Callable[[Shape, DType], Any]) -> None:
        self._objects = objects
        self._room = room
        self._known: dict[AtPlaces, Linked] = {}

    def _run(
        self, table: Array, values: Array, indices: Sequence[Array], reads: bool, combine: str = ""
    ) -> bool:
        """Whether all has been done: not where an index is outside, or nothing to go along."""
        axes = _axes(table, values, indices)
        if not axes:
            return False
        axes, runs = _inward(axes, table.itemsize)
        *outer, inner = axes
        if runs and not outer:
            return False
        element, varies = table.dtype if combine else table.itemsize, inner.strides[2:]
        alike = not runs and _is_alike(table, axes)
        varied = tuple([s != 0 for s in varies])
        form = AtPlaces(reads, element, combine, len(outer), varied, runs, alike)
        own = zip(table.shape, table.strides[: len(indices)])
        lengths = [n for pair in own for n in pair]
        for axis in reversed(axes):
            lengths += [axis.size, *axis.strides]
        words = packed(self._address(form), True, *lengths)
        failed = []

        def work(lo: int, hi: int) -> None:
            if self._objects.launch(words, lo, hi, table, values, *indices):
                failed.append(lo)

        count = prod([a.size for a in outer]) if outer else inner.size
        apart = reads or not any(a.places for a in outer or [inner])
        grain = max(1, GRAIN // inner.size) if outer else GRAIN
        share(work, count, grain, threads() if apart else 1)
        return not failed

    def _made(self, shape: Shape, order: Sequence[int], dtype: DType) -> Array:
        """An array whose axes lie in an order, the last one's neighbours one after another."""
        out: Array = self._room(tuple([shape[a] for a in order]), dtype)
        if order == sorted(order):
            return out
        return out.transpose(np.argsort(order))

    def _address(self, form: AtPlaces) -> int:
        known = self._known.get(form)
        if known is None:
            found = self._objects.found(f"places {form}", lambda: writers().Placing(form).text())
            # of several threads, the first keeps its function: another's would be unloaded
            known = self._known.setdefault(form, found)
        return known.address


def _plain(table: Array, values: int, indices: Sequence[Array]) -> bool:
    """Whether arrays are of types that there is code for, and there is something to do."""
    fits = table.itemsize in SIZES and not table.dtype.hasobject
    return fits and values > 0 and all(i.dtype == int64 for i in indices)


class Gather(_Places):
    """`x[indices]` for index arrays of one shape over the leading axes."""

    def __call__(self, x: Array, indices: Sequence[Array]) -> Array | None:
        places, k = indices[0].shape, len(indices)
        shape = (*places, *x.shape[k:])
        nbytes = prod(shape) * x.itemsize
        if not _plain(x, nbytes, indices):
            return None
        out = self._laid(x, k, shape) if nbytes >= LARGE else self._room(shape, x.dtype)
        return out if self._run(x, out, indices, True) else None

    def _laid(self, x: Array, k: int, shape: Shape) -> Array:
        """An array for what is taken, which lies as the table does."""
        n = len(shape) - x.ndim + k
        order = _placed(x, k, list(range(n)), list(range(n, len(shape))))
        return self._made(shape, order, x.dtype)


class Scatter(_Places):
    """x after `x[indices] = u`, or with an instruction after `x[indices] = instruction(x[indices],
    u)`, where repeated places count each time; written over x itself or not.
    """

    def __call__(
        self, x: Array, u: Array, indices: Sequence[Array], combine: str, over: bool
    ) -> Array | None:
        if not _plain(x, u.nbytes, indices) or (combine and x.dtype not in COMBINED):
            return None
        out = x if over else self._copied(x, u, len(indices))
        return out if self._run(out, u, indices, False, combine) else None

    def _copied(self, x: Array, u: Array, k: int) -> Array:
        """A copy that lies as the array does; as the updates do, whose places are those of the
        first k axes, if not all its elements are apart.
        """
        order = list(range(x.ndim))
        if x.nbytes >= LARGE:
            n = u.ndim - x.ndim + k
            first = max(map(abs, u.strides[:n]), default=0)
            like = (*(first,) * k, *u.strides[n:]) if 0 in x.strides else x.strides
            order.sort(key=lambda a: -abs(like[a]))
        out = self._made(x.shape, order, x.dtype)
        np.copyto(out, x)
        return out
