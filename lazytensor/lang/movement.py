"""Movement of elements with Python's conventions: negative axes, -1 for a size, tuples or ints.

What enters: nodes and Python arguments. What leaves: nodes over the rows of `ops/`, checked at
once.
It must not know faces, nor look at values: counts of `repeat` come as NumPy arrays.
"""

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from .._base.dtypes import int64, kind
from .._base.shapes import Shape, as_shape, integer, normalize_axes, normalize_axis, prod
from ..ir.node import Node, leaf
from ..ops import g, scan
from ._checks import as_dtype, part

# Slices that picked elements are put together of, at most.
_MOST_RUNS = 6


def _sizes(shape: Any, name: str) -> tuple[int, ...]:
    try:
        return tuple(map(operator.index, shape)) if not isinstance(shape, int) else (shape,)
    except TypeError:
        raise TypeError(f"{name}: shape must be an int or a tuple of ints, got {shape!r}") from None


def reshape(x: Node, shape: Any) -> Node:
    """The elements, in order, in another shape, of which one size may be -1. Raises TypeError,
    ValueError.
    """
    given = wanted = _sizes(shape, "reshape")
    if given.count(-1) == 1:
        size, known = prod(x.shape), -prod(given)
        if known and not size % known:
            wanted = tuple([size // known if n == -1 else n for n in given])
    if wanted == x.shape:
        return x
    try:
        if not wanted or min(wanted) >= 0:
            return g.reshape(x, wanted)
    except ValueError:
        pass
    raise ValueError(f"reshape: can't reshape {x.shape} ({x.size} elements) to {given}")


def permute(x: Node, axes: Any, name: str = "permute_dims") -> Node:
    """The axes in another order. Raises AxisError, and ValueError for what is no permutation."""
    order = tuple(normalize_axis(a, x.ndim) for a in axes)
    if sorted(order) != list(range(x.ndim)):
        raise ValueError(
            f"{name}: axes {tuple(axes)} are no permutation of the {x.ndim} axes of shape {x.shape}"
        )
    return x if order == tuple(range(x.ndim)) else g.permute(x, order)


def moveaxis(x: Node, source: Any, destination: Any) -> Node:
    """Some axes moved to other places, the rest in order. Raises AxisError, ValueError."""
    if type(source) is type(destination) is int:
        order = list(range(x.ndim))
        taken, target = normalize_axis(source, x.ndim), normalize_axis(destination, x.ndim)
        order.insert(target, order.pop(taken))
        return x if taken == target else g.permute(x, tuple(order))
    given = [(a,) if not isinstance(a, tuple | list) else tuple(a) for a in (source, destination)]
    sources, targets = ([normalize_axis(a, x.ndim) for a in axes] for axes in given)
    if len(sources) != len(targets) or any(len(set(a)) != len(a) for a in (sources, targets)):
        raise ValueError(
            f"moveaxis: source {source} and destination {destination} must be as many "
            "axes, each named once"
        )
    order = [a for a in range(x.ndim) if a not in sources]
    for target, a in sorted(zip(targets, sources)):
        order.insert(target, a)
    return permute(x, order)


def expand_dims(x: Node, axis: Any) -> Node:
    """New axes of size 1 at places of the result. Raises AxisError, ValueError for repeats."""
    ndim = x.ndim + (len(axis) if isinstance(axis, tuple | list) else 1)
    axes = normalize_axes(axis, ndim)
    rest = iter(x.shape)
    return g.reshape(x, tuple(1 if a in axes else next(rest) for a in range(ndim)))


def squeeze(x: Node, axis: Any) -> Node:
    """Without some axes of size 1. Raises AxisError, ValueError for an axis of another size."""
    axes = normalize_axes(axis, x.ndim)
    for a in axes:
        if x.shape[a] != 1:
            raise ValueError(f"squeeze: axis {a} of shape {x.shape} has size {x.shape[a]}, not 1")
    return reshape(x, tuple(n for a, n in enumerate(x.shape) if a not in axes))


def broadcast_to(x: Node, shape: Any) -> Node:
    """x repeated to a shape. Raises ValueError."""
    wanted = as_shape(shape)
    if wanted == x.shape:
        return x
    try:
        return g.broadcast_to(x, wanted)
    except ValueError as error:
        raise ValueError(f"broadcast_to: {error}") from None


def flip(x: Node, axis: Any) -> Node:
    """The elements in reverse order along axes, None for all. Raises AxisError."""
    axes = [a for a in normalize_axes(axis, x.ndim) if x.shape[a] > 1]
    if not axes or not x.size:
        return x
    starts = tuple(n - 1 if a in axes else 0 for a, n in enumerate(x.shape))
    return g.slice(x, starts, x.shape, tuple(-1 if a in axes else 1 for a in range(x.ndim)))


def concat(arrays: Sequence[Node], axis: int | None, name: str = "concat") -> Node:
    """Arrays of one dtype one after another; flattened first where the axis is None. Raises
    ValueError.
    """
    if axis is None:
        return concat([reshape(x, x.size) for x in arrays], 0)
    if any(not x.shape for x in arrays):
        raise ValueError(f"{name}: arrays without axes can't be joined: use stack")
    place = normalize_axis(axis, arrays[0].ndim)
    for x in arrays:
        if x.ndim != arrays[0].ndim:
            raise ValueError(
                f"{name}: shapes {arrays[0].shape} and {x.shape} have different numbers of axes"
            )
    return arrays[0] if len(arrays) == 1 else g.concat(list(arrays), place)


def stack(arrays: Sequence[Node], axis: int) -> Node:
    """Arrays of one shape and dtype along a new axis. Raises AxisError, ValueError."""
    first = arrays[0]
    for x in arrays:
        if x.shape != first.shape:
            raise ValueError(f"stack: shapes {first.shape} and {x.shape} differ")
    place = normalize_axis(axis, first.ndim + 1)
    shape = (*first.shape[:place], 1, *first.shape[place:])
    return concat([g.reshape(x, shape) for x in arrays], place)


def unstack(x: Node, axis: int) -> list[Node]:
    """The sub-arrays along an axis. Raises AxisError, ValueError for an array without axes."""
    if not x.shape:
        raise ValueError("unstack: expected at least one axis, got shape ()")
    place = normalize_axis(axis, x.ndim)
    rest = x.shape[:place] + x.shape[place + 1 :]
    return [g.reshape(part(x, place, i, 1), rest) for i in range(x.shape[place])]


def _rolled(x: Node, shift: int, axis: int) -> Node:
    n = x.shape[axis]
    k = shift % n if n else 0
    return x if not k else g.concat([part(x, axis, n - k, k), part(x, axis, 0, n - k)], axis)


def roll(x: Node, shift: Any, axis: Any) -> Node:
    """Elements moved along axes, those that leave coming in again; flattened where the axis is
    None.
    """
    if axis is None:
        return g.reshape(_rolled(reshape(x, x.size), integer(shift, "roll: shift"), 0), x.shape)
    shifts, axes = ([v] if not isinstance(v, tuple | list) else list(v) for v in (shift, axis))
    if len(shifts) == 1:
        shifts *= len(axes)
    if len(shifts) != len(axes):
        raise ValueError(f"roll: {len(shifts)} shifts for {len(axes)} axes: {shift}, {axis}")
    for k, a in zip(shifts, axes):
        x = _rolled(x, integer(k, "roll: shift"), normalize_axis(a, x.ndim))
    return x


def tile(x: Node, repetitions: Any) -> Node:
    """x repeated as a whole along each axis. Raises ValueError for negative numbers."""
    times = as_shape(repetitions)
    ndim = max(x.ndim, len(times))
    times = (1,) * (ndim - len(times)) + times
    shape = (1,) * (ndim - x.ndim) + x.shape
    split = tuple(n for pair in zip((1,) * ndim, shape) for n in pair)
    spread = tuple(n for pair in zip(times, shape) for n in pair)
    tiled = broadcast_to(g.reshape(x, split), spread)
    return reshape(tiled, tuple(k * n for k, n in zip(times, shape)))


def _each(x: Node, count: int, axis: int) -> Node:
    """Every element `count` times along an axis."""
    before, n, after = x.shape[:axis], x.shape[axis], x.shape[axis + 1 :]
    split = g.reshape(x, (*before, n, 1, *after))
    return g.reshape(broadcast_to(split, (*before, n, count, *after)), (*before, n * count, *after))


def repeat(x: Node, repeats: int | np.ndarray[Any, Any], axis: int | None) -> Node:
    """Every element several times along an axis, or of the flattened array. Raises ValueError,
    AxisError.
    """
    if axis is None:
        return repeat(reshape(x, x.size), repeats, 0)
    place = normalize_axis(axis, x.ndim)
    counts = np.asarray(repeats)
    if kind(counts.dtype) not in "iu" or counts.ndim > 1:
        raise TypeError(f"repeat: repeats must be an int or a vector of ints, got {counts.dtype}")
    if counts.size and counts.min() < 0:
        raise ValueError(f"repeat: repeats must not be negative, got {int(counts.min())}")
    if counts.size == 1:
        return _each(x, int(counts.item()), place)
    if counts.size != x.shape[place]:
        raise ValueError(f"repeat: {counts.size} repeats for axis {place} of shape {x.shape}")
    found = np.repeat(np.arange(x.shape[place]), counts)
    return take(x, leaf(found, x.device), place)


def take(x: Node, indices: Node, axis: int) -> Node:
    """Elements at integer indices along an axis. Raises AxisError; IndexError with the value."""
    place = normalize_axis(axis, x.ndim)
    if kind(indices.dtype) not in "iu":
        raise TypeError(f"take: indices must be integers, got {indices.dtype}")
    k, order = indices.ndim, (place, *(a for a in range(x.ndim) if a != place))
    out = g.gather([permute(x, order), indices])
    back = (*range(k, k + place), *range(k), *range(k + place, out.ndim))
    return permute(out, back)


def picked(x: Node, axis: int, places: np.ndarray[Any, Any]) -> Node:
    """Elements at places along an axis that are known when called, none of them negative: put
    together of slices where these are few.
    """
    runs = _runs(places)
    if runs is None:
        return take(x, leaf(places.astype(np.int64), x.device), axis)
    parts = [_run(x, axis, *run) for run in runs]
    return parts[0] if len(parts) == 1 else g.concat(parts, axis)


def _runs(places: np.ndarray[Any, Any]) -> list[tuple[int, int, int]] | None:
    """Places as runs: where each begins, how many there are, and how far apart. None for many."""
    steps = np.diff(places)
    if np.count_nonzero(steps[1:] != steps[:-1]) > 2 * _MOST_RUNS or not len(places):
        return None
    found, start = [], 0
    while start < len(places):
        rest = steps[start:]
        other = np.flatnonzero(rest != rest[0]) if len(rest) else rest
        count = int(other[0]) + 1 if len(other) else len(places) - start
        if count == 2 and len(rest) > 1 and rest[1] == 1:  # the second one begins a run
            count = 1
        found.append((int(places[start]), count, int(rest[0]) if count > 1 else 1))
        start += count
    return found if len(found) <= _MOST_RUNS else None


def _run(x: Node, axis: int, first: int, count: int, by: int) -> Node:
    """The elements of a run."""
    if by:
        return scan.part(g, x, axis, first, count, by)
    shape = tuple(count if a == axis else n for a, n in enumerate(x.shape))
    return g.broadcast_to(part(x, axis, first, 1), shape)


def take_along_axis(x: Node, indices: Node, axis: int) -> Node:
    """Elements at an index for each place of an axis; the other axes are broadcast. Raises as
    `take`.
    """
    place = normalize_axis(axis, x.ndim)
    if kind(indices.dtype) not in "iu":
        raise TypeError(f"take_along_axis: indices must be integers, got {indices.dtype}")
    if indices.ndim != x.ndim:
        raise ValueError(
            f"take_along_axis: x has {x.ndim} axes, indices have {indices.ndim}: "
            f"shapes {x.shape} and {indices.shape}"
        )
    shape = []
    for a, (n, m) in enumerate(zip(x.shape, indices.shape)):
        if a != place and n != m and 1 not in (n, m):
            raise ValueError(
                f"take_along_axis: shapes {x.shape} and {indices.shape} don't broadcast: axis {a}"
            )
        shape.append(m if a == place or n == 1 else n)
    whole: Shape = tuple(x.shape[a] if a == place else n for a, n in enumerate(shape))
    along = broadcast_to(as_dtype(indices, int64), tuple(shape))
    return g.gather([broadcast_to(x, whole), *_grid(along, place)])


def _grid(along: Node, place: int) -> list[Node]:
    """Indices of every element of `along`, with those along one axis taken from it."""
    out = []
    for a, n in enumerate(along.shape):
        if a == place:
            out.append(along)
            continue
        ones = tuple([n if b == a else 1 for b in range(along.ndim)])
        line = g.reshape(g.iota(n, int64, along.device), ones)
        out.append(broadcast_to(line, along.shape))
    return out
