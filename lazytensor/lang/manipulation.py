"""Manipulation as compositions of movement rows: axes normalised, sizes checked.

What enters: nodes, axes and shapes as users give them. What leaves: nodes, or AxisError, ValueError
and TypeError that name the function. It must not know faces.
"""

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from .._base.dtypes import int64
from .._base.shapes import Shape, as_shape, broadcast, normalize_axes, normalize_axis
from ..ir.node import Node, leaf
from ..ops import g


def broadcast_to(x: Node, shape: Any) -> Node:
    """x repeated to a shape. Raises ValueError."""
    shape = as_shape(shape)
    return x if x.shape == shape else g.broadcast_to(x, shape)


def concat(name: str, nodes: Sequence[Node], axis: Any) -> Node:
    """Arrays of one dtype joined along an axis; None joins them flattened. Raises ValueError."""
    if not nodes:
        raise ValueError(f"{name}: expected at least one array, got none")
    if axis is None:
        return concat(name, [g.reshape(x, (x.size,)) for x in nodes], 0)
    first = nodes[0]
    if any(x.ndim != first.ndim for x in nodes) or not first.ndim:
        shapes = ", ".join(str(x.shape) for x in nodes)
        raise ValueError(f"{name}: expected arrays of one number of axes, at least 1, got {shapes}")
    axis = normalize_axis(axis, first.ndim)
    return nodes[0] if len(nodes) == 1 else g.concat(nodes, axis)


def stack(name: str, nodes: Sequence[Node], axis: Any) -> Node:
    """Arrays of one shape joined along a new axis. Raises ValueError."""
    if not nodes:
        raise ValueError(f"{name}: expected at least one array, got none")
    if any(x.shape != nodes[0].shape for x in nodes):
        shapes = ", ".join(str(x.shape) for x in nodes)
        raise ValueError(f"{name}: expected arrays of one shape, got {shapes}")
    axis = normalize_axis(axis, nodes[0].ndim + 1)
    return concat(name, [expand_dims(x, axis) for x in nodes], axis)


def expand_dims(x: Node, axis: Any) -> Node:
    """Axes of size 1 put at the given places of the result. Raises AxisError, ValueError."""
    given = axis if isinstance(axis, (tuple, list)) else (axis,)
    axes = normalize_axes(tuple(given), x.ndim + len(given))
    sizes = iter(x.shape)
    shape = tuple(1 if i in axes else next(sizes) for i in range(x.ndim + len(axes)))
    return g.reshape(x, shape)


def squeeze(x: Node, axis: Any) -> Node:
    """Axes of size 1 taken away. Raises ValueError for one of another size, AxisError."""
    axes = normalize_axes(axis, x.ndim)
    for a in axes:
        if x.shape[a] != 1:
            raise ValueError(f"squeeze: axis {a} of shape {x.shape} has size {x.shape[a]}, not 1")
    return g.reshape(x, tuple(n for i, n in enumerate(x.shape) if i not in axes))


def permute_dims(x: Node, axes: Any) -> Node:
    """Axes in another order. Raises AxisError, ValueError where they are no permutation."""
    order = tuple(normalize_axis(a, x.ndim) for a in axes)
    if sorted(order) != list(range(x.ndim)):
        raise ValueError(f"permute_dims: axes {tuple(axes)} are no permutation of {x.ndim} axes")
    return x if order == tuple(range(x.ndim)) else g.permute(x, order)


def moveaxis(x: Node, source: Any, destination: Any) -> Node:
    """Axes moved to other places, the rest in order. Raises AxisError, ValueError."""
    sources = source if isinstance(source, (tuple, list)) else (source,)
    places = destination if isinstance(destination, (tuple, list)) else (destination,)
    if len(sources) != len(places):
        raise ValueError(f"moveaxis: {len(sources)} axes for {len(places)} places")
    normalize_axes(tuple(sources), x.ndim), normalize_axes(tuple(places), x.ndim)
    taken = [normalize_axis(a, x.ndim) for a in sources]
    order = [a for a in range(x.ndim) if a not in taken]
    for place, a in sorted(
        (normalize_axis(p, x.ndim), a) for p, a in zip(places, taken, strict=True)
    ):
        order.insert(place, a)
    return permute_dims(x, order)


def flip(x: Node, axis: Any) -> Node:
    """Elements in reverse order along axes, all by default. Raises AxisError."""
    axes = normalize_axes(axis, x.ndim)
    starts = tuple(n - 1 if i in axes and n else 0 for i, n in enumerate(x.shape))
    steps = tuple(-1 if i in axes else 1 for i in range(x.ndim))
    return g.slice(x, starts, x.shape, steps) if axes else x


def roll(x: Node, shift: Any, axis: Any) -> Node:
    """Elements shifted along axes, those that leave coming in again; None: of the flattened array.

    Raises AxisError, and ValueError where there are as many shifts as axes neither.
    """
    if axis is None:
        return g.reshape(roll(g.reshape(x, (x.size,)), shift, 0), x.shape)
    axes = axis if isinstance(axis, (tuple, list)) else (axis,)
    shifts = shift if isinstance(shift, (tuple, list)) else (shift,) * len(axes)
    if len(shifts) == 1:
        shifts = tuple(shifts) * len(axes)
    if len(shifts) != len(axes):
        raise ValueError(f"roll: {len(shifts)} shifts for {len(axes)} axes")
    for a, s in zip(axes, shifts, strict=True):
        x = _roll_one(x, operator.index(s), normalize_axis(a, x.ndim))
    return x


def _roll_one(x: Node, shift: int, axis: int) -> Node:
    n = x.shape[axis]
    if not n or not shift % n:
        return x
    cut = n - shift % n
    return g.concat([part(x, axis, cut, n), part(x, axis, 0, cut)], axis)


def part(x: Node, axis: int, start: int, stop: int) -> Node:
    """Elements start … stop - 1 along one axis."""
    starts = tuple(start if i == axis else 0 for i in range(x.ndim))
    sizes = tuple(stop - start if i == axis else n for i, n in enumerate(x.shape))
    return g.slice(x, starts, sizes, (1,) * x.ndim)


def tile(x: Node, repetitions: Any) -> Node:
    """x repeated along each axis. Raises ValueError, TypeError."""
    times = as_shape(repetitions)
    rank = max(x.ndim, len(times))
    shape = (1,) * (rank - x.ndim) + x.shape
    times = (1,) * (rank - len(times)) + times
    pairs = tuple(n for pair in zip(times, shape, strict=True) for n in pair)
    spaced = tuple(n for size in shape for n in (1, size))
    whole = g.broadcast_to(g.reshape(x, spaced), pairs)
    return g.reshape(whole, tuple(a * b for a, b in zip(times, shape, strict=True)))


def repeat(x: Node, repeats: Any, axis: Any) -> Node:
    """Each element repeated along an axis; None: of the flattened array.

    `repeats` is an int or an ndarray of one count for each element. Raises AxisError, ValueError.
    """
    if axis is None:
        return repeat(g.reshape(x, (x.size,)), repeats, 0)
    axis = normalize_axis(axis, x.ndim)
    if isinstance(repeats, np.ndarray) and repeats.size != 1:
        return _repeat_each(x, repeats, axis)
    times = int(repeats)
    if times < 0:
        raise ValueError(f"repeat: repeats must not be negative, got {times}")
    before, after = x.shape[: axis + 1], x.shape[axis + 1 :]
    whole = g.broadcast_to(g.reshape(x, (*before, 1, *after)), (*before, times, *after))
    return g.reshape(whole, (*before[:-1], before[-1] * times, *after))


def _repeat_each(x: Node, repeats: np.ndarray[Any, Any], axis: int) -> Node:
    if repeats.shape != (x.shape[axis],):
        raise ValueError(
            f"repeat: repeats have shape {repeats.shape}, axis {axis} of shape {x.shape} "
            f"wants ({x.shape[axis]},)"
        )
    if (repeats < 0).any():
        raise ValueError(f"repeat: repeats must not be negative, got {int(repeats.min())}")
    index = leaf(np.repeat(np.arange(x.shape[axis]), repeats), x.device)
    order = (axis, *(i for i in range(x.ndim) if i != axis))
    found = g.gather([g.permute(x, order), g.cast(index, int64)])
    return moveaxis(found, 0, axis)


def unstack(x: Node, axis: Any) -> tuple[Node, ...]:
    """The sub-arrays along an axis. Raises AxisError, ValueError for an array without axes."""
    if not x.ndim:
        raise ValueError("unstack: expected an array of at least one axis, got shape ()")
    axis = normalize_axis(axis, x.ndim)
    rest = x.shape[:axis] + x.shape[axis + 1 :]
    return tuple(g.reshape(part(x, axis, i, i + 1), rest) for i in range(x.shape[axis]))


def broadcast_shape(*shapes: Shape) -> Shape:
    """The shape that all broadcast to. Raises ValueError, TypeError."""
    return broadcast(*(as_shape(s) for s in shapes))
