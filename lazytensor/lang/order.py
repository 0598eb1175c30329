"""Order statistics as PyTorch has them: values with their places, searching, counting.

Sorts are stable, NaN is greatest. What enters: nodes of a real dtype and Python arguments. What
leaves: nodes; where a shape depends on data NumPy arrays come in and go out. What PyTorch refuses
with a RuntimeError is one here. It must not know faces.
"""

from typing import Any

import numpy as np

from .._base.dtypes import int32, int64, kind, uint8
from .._base.shapes import normalize_axis, prod
from ..ir.node import Node, leaf, scalar
from ..ops import ROWS, g
from ..ops.scan import take_along
from ._checks import as_dtype, full, kept, part

Array = np.ndarray[Any, Any]

# --- sorting --------------------------------------------------------------------------------------


def _wrapped(x: Node, axis: int) -> tuple[Node, int, tuple[int, ...]]:
    """An array of at least one axis, the axis, and the shape to give back."""
    if not x.shape:
        normalize_axis(axis, 1)
        return g.reshape(x, (1,)), 0, ()
    return x, normalize_axis(axis, x.ndim), x.shape


def sort(x: Node, axis: int = -1, descending: bool = False) -> tuple[Node, Node]:
    """Sorted along an axis, and the int64 places taken, equal elements in order. AxisError."""
    wide, place, shape = _wrapped(x, axis)
    index = g.argsort(wide, place, bool(descending))
    found = take_along(g, wide, index, place)
    return (found, index) if shape else (g.reshape(found, ()), g.reshape(index, ()))


def msort(x: Node) -> Node:
    """Sorted along the first axis."""
    return sort(x, 0)[0]


def topk(
    x: Node, k: int, axis: int = -1, largest: bool = True, in_order: bool = True
) -> tuple[Node, Node]:
    """The k largest, or smallest, along an axis and their places, sorted. Raises RuntimeError for k
    out of range, AxisError.
    """
    wide, place, shape = _wrapped(x, axis)
    if not 0 <= k <= wide.shape[place]:
        raise RuntimeError("selected index k out of range")
    index = g.argselect(wide, place, 0, k, bool(largest))
    if not in_order:
        index = g.sort(index, place, False)
    found = take_along(g, wide, index, place)
    return (found, index) if shape or k != 1 else (g.reshape(found, ()), g.reshape(index, ()))


def _taken(x: Node, index: Node, place: int, shape: Any, keepdims: bool) -> tuple[Node, Node]:
    """Elements at one place of each line, and the places, the axis dropped unless kept."""
    found = take_along(g, x, index, place)
    if shape and keepdims:
        return found, index
    rest = tuple(n for a, n in enumerate(shape) if a != place)
    return g.reshape(found, rest), g.reshape(index, rest)


def kthvalue(x: Node, k: int, axis: int = -1, keepdims: bool = False) -> tuple[Node, Node]:
    """The k-th smallest along an axis, from 1 on, and its place. Raises RuntimeError, AxisError."""
    wide, place, shape = _wrapped(x, axis)
    if not 1 <= k <= wide.shape[place]:
        raise RuntimeError(f"kthvalue(): selected number k out of range for dimension {place}")
    index = g.argselect(wide, place, k - 1, 1, False)
    return _taken(wide, index, place, shape, keepdims)


def _middle(counts: Node) -> Node:
    """Place of the lower median among so many sorted elements, at least 0."""
    return g.maximum(g.floor_divide(counts - 1, 2), 0)


def _median_index(x: Node, place: int, skip_nan: bool) -> Node:
    """Place of the lower median on each line; of the first NaN if there is one and none is skipped,
    or there is nothing else.
    """
    middle = g.argselect(x, place, (x.shape[place] - 1) // 2, 1, False)
    if kind(x.dtype) != "f":
        return middle
    missing = g.isnan(x)
    if not skip_nan:
        first = kept(g.argmax(g.cast(missing, uint8), (place,)), x, (place,), True)
        return g.where(kept(g.any(missing, (place,)), x, (place,), True), first, middle)
    there = x.shape[place] - kept(g.sum(g.cast(missing, int64), (place,)), x, (place,), True)
    return take_along(g, g.argsort(x, place, False), _middle(there), place)


def median(x: Node, axis: int = -1, keepdims: bool = False) -> tuple[Node, Node]:
    """The lower median along an axis and its place; NaN if any is. Raises AxisError, IndexError
    for an empty axis.
    """
    return _median(x, axis, keepdims, False)


def nanmedian(x: Node, axis: int = -1, keepdims: bool = False) -> tuple[Node, Node]:
    """As `median` without NaNs, unless there is nothing else."""
    return _median(x, axis, keepdims, True)


def _median(x: Node, axis: int, keepdims: bool, skip_nan: bool) -> tuple[Node, Node]:
    wide, place, shape = _wrapped(x, axis)
    if not wide.shape[place]:
        raise IndexError(f"median(): Expected reduction dim {axis} to have non-zero size.")
    index = _median_index(wide, place, skip_nan)
    return _taken(wide, index, place, shape, keepdims)


def mode(x: Node, axis: int = -1, keepdims: bool = False) -> tuple[Node, Node]:
    """The commonest element along an axis, of several the smallest, and where it stands last.
    Raises as `median`.
    """
    wide, place, shape = _wrapped(x, axis)
    if not wide.shape[place]:
        raise IndexError(f"mode(): Expected reduction dim {axis} to have non-zero size.")
    order = g.argsort(wide, place, False)
    ranked = take_along(g, wide, order, place)
    length = _run_lengths(ranked, place)
    last = kept(g.argmax(length, (place,)), wide, (place,), True)
    return _taken(wide, take_along(g, order, last, place), place, shape, keepdims)


def _run_lengths(x: Node, place: int) -> Node:
    """How many elements, this one among them, equal it and stand together before it."""
    n = x.shape[place]
    here, before = part(x, place, 1, n - 1), part(x, place, 0, n - 1)
    same = g.equal(here, before)
    if kind(x.dtype) == "f":
        same = g.logical_or(same, g.logical_and(g.isnan(here), g.isnan(before)))
    first = full(False, tuple(1 if a == place else k for a, k in enumerate(x.shape)), same)
    start = g.invert(g.concat([first, same], place))
    line = g.reshape(
        g.iota(n, int64, x.device), tuple(n if a == place else 1 for a in range(x.ndim))
    )
    places = g.broadcast_to(line, x.shape)
    starts = g.where(start, places, full(0, x.shape, places))
    found = take_along(g, starts, g.running_place(starts, place, True), place)
    return places - found + 1


# --- searching, counting --------------------------------------------------------------------------


def searchsorted(x: Node, v: Node, right: bool = False, as_int32: bool = False) -> Node:
    """Where each of v goes into the sorted last axis of x: one line for all, or one for each line
    of v. Raises RuntimeError for shapes that don't match.
    """
    side = "right" if right else "left"
    dtype = int32 if as_int32 else int64
    if x.ndim == 1:
        return as_dtype(g.searchsorted(x, v, side), dtype)
    if x.shape[:-1] != v.shape[:-1]:
        raise RuntimeError(f"searchsorted: boundaries {x.shape} and values {v.shape} don't match")
    return as_dtype(_counted(x, v, right), dtype)


def _counted(x: Node, v: Node, right: bool) -> Node:
    """By the searchsorted row over a batch of lines."""
    lines = prod(x.shape[:-1])
    flat_x, flat_v = g.reshape(x, (lines, x.shape[-1])), g.reshape(v, (lines, v.shape[-1]))
    side = "right" if right else "left"
    found = ROWS["searchsorted"].batch(g, (True, True), flat_x, flat_v, side)
    return g.reshape(found, v.shape)


def bucketize(v: Node, boundaries: Node, right: bool = False, as_int32: bool = False) -> Node:
    """Into which interval between sorted boundaries each element falls. Raises RuntimeError."""
    if boundaries.ndim != 1:
        raise RuntimeError(
            f"bucketize: boundaries must have one axis, got shape {boundaries.shape}"
        )
    return searchsorted(boundaries, v, right, as_int32)


def bincount(x: Node, size: int, weights: Node | None = None) -> Node:
    """How often 0, …, size - 1 occur in a vector, or the sums of their weights. An element outside
    is an IndexError when computed.
    """
    if weights is None:
        weights = g.broadcast_to(scalar(1, int64, x.device), x.shape)
    return g.scatter_add([full(0, (size,), weights), weights, x])


def histogram(x: Node, edges: Node, weights: Node | None = None) -> Node:
    """Sums of weights, or counts, in the intervals between sorted edges, the last one closed; what
    lies outside does not count.
    """
    flat, bins = g.reshape(x, (x.size,)), edges.shape[0] - 1
    of = full(1, flat.shape, flat) if weights is None else g.reshape(weights, (x.size,))
    place = g.searchsorted(edges, flat, "right") - 1
    top = g.equal(flat, g.gather([edges, full(bins, flat.shape, place)]))
    place = g.where(top, g.constant(bins - 1, place), place)
    inside = g.logical_and(g.less(-1, place), g.less(place, bins))
    counted = g.where(inside, of, g.constant(0, of))
    place = g.where(inside, place, g.constant(0, place))
    return g.scatter_add([full(0, (bins,), of), counted, place])


def histc(x: Node, bins: int, low: float, high: float) -> Node:
    """Counts, in x's dtype, of elements in `bins` equal intervals from low to high, both among
    them. Raises RuntimeError unless low < high and bins is positive.
    """
    if bins < 1:
        raise RuntimeError(
            f"torch.histogram(): bins must be > 0, but got {bins} for dimension 0"
        )
    if not low < high:
        raise RuntimeError("torch.histc: max must be larger than min")
    flat = g.reshape(x, (x.size,))
    inside = g.logical_and(g.less_equal(low, flat), g.less_equal(flat, high))
    safe = g.where(inside, flat, g.constant(low, flat))
    place = g.cast((safe - low) / (high - low) * float(bins), int64)
    place = g.minimum(place, bins - 1)
    one = g.where(inside, g.constant(1, flat), g.constant(0, flat))
    return g.scatter_add([full(0, (bins,), flat), one, place])


# --- distinct elements ----------------------------------------------------------------------------


def _runs(lines: Array) -> tuple[Array, Array, Array]:
    """Of rows: where each run of equal ones starts, which run each row is in, lengths of runs."""
    n = len(lines)
    change = (lines[1:] != lines[:-1]).any(tuple(range(1, lines.ndim)))
    starts = np.flatnonzero(np.concatenate([np.ones(min(n, 1), bool), change]))
    inverse = np.cumsum(np.concatenate([np.zeros(min(n, 1), np.int64), change]), dtype=np.int64)
    return starts.astype(np.int64), inverse, np.diff(np.append(starts, n)).astype(np.int64)


def unique_consecutive(x: Array, axis: int | None = None) -> tuple[Array, Array, Array]:
    """The first of each run of equal elements, or slices along an axis; which run each is in;
    lengths of runs. Raises AxisError.
    """
    if axis is None:
        starts, inverse, counts = _runs(x.reshape(-1))
        return x.reshape(-1)[starts], inverse.reshape(x.shape), counts
    place = normalize_axis(axis, x.ndim)
    starts, inverse, counts = _runs(np.moveaxis(x, place, 0))
    return np.take(x, starts, place), inverse, counts


def unique(x: Array, axis: int | None = None) -> tuple[Array, Array, Array]:
    """Distinct elements, sorted, or slices along an axis; which each one is; counts. NaNs differ
    from one another. Raises AxisError.
    """
    if axis is None:
        found, inverse, counts = np.unique(
            x, return_inverse=True, return_counts=True, equal_nan=False
        )
        return found, inverse.reshape(x.shape).astype(np.int64), counts.astype(np.int64)
    place = normalize_axis(axis, x.ndim)
    rows = np.moveaxis(x, place, 0)
    order = _lexicographic(rows.reshape(len(rows), prod(rows.shape[1:])))
    starts, runs, counts = _runs(rows[order])
    inverse = np.empty_like(runs)
    inverse[order] = runs
    return np.take(x, order[starts], place), inverse, counts


def _lexicographic(rows: Array) -> Array:
    """The order that sorts rows by their first, second, … element; stable."""
    if not rows.shape[1]:
        return np.arange(len(rows))
    return np.lexsort(rows.T[::-1])


def repeated(counts: Array, device: Any) -> Node:
    """0 counts[0] times, 1 counts[1] times, …: what `repeat_interleave` takes. Raises RuntimeError
    for negative counts.
    """
    if counts.size and counts.min() < 0:
        raise RuntimeError("repeats can not be negative")
    return leaf(np.repeat(np.arange(counts.size, dtype=np.int64), counts), device)
