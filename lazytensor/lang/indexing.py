"""Indexing as NumPy has it, in terms of slice, reshape, permute, gather and their writing partners.

What enters: a node and a key, a tuple of ints, slices, None, Ellipsis and nodes (integer arrays and
boolean masks); `places` gives the indices at which a mask holds, of values `coordinates` does. What
leaves: nodes, or IndexError and ValueError at once. It must not know handles, nor how a mask's
value is found.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from .._base.dtypes import bool_
from .._base.shapes import Shape, broadcast
from ..ir.node import Node, apply_shaped
from ..ops import g
from ..ops.movement import reshape, slice_

Ints = tuple[int, ...]
Places = Callable[[Node], tuple[Node, ...]]


class Plan(NamedTuple):
    """A key taken apart: first a slice along every axis, then a shape with axes dropped and put in,
    of which `axes` are indexed by `arrays`; the axes of these stand at `place` in the result.
    """

    starts: Ints
    sizes: Ints
    steps: Ints
    view: Shape
    axes: Ints
    arrays: tuple[Node, ...]
    place: int

    def order(self) -> Ints:
        """The axes of the view, indexed ones first."""
        return (*self.axes, *(a for a in range(len(self.view)) if a not in self.axes))

    def result(self) -> Ints:
        """For each axis of the result the axis of what `gather` gives."""
        k = len(self.arrays[0].shape)
        rest = len(self.view) - len(self.axes)
        return (*range(k, k + self.place), *range(k), *range(k + self.place, k + rest))


def _expanded(key: tuple[Any, ...], shape: Shape) -> list[Any]:
    """The key with whole slices for its ellipsis, and for what it leaves out."""
    if len(key) == len(shape) and _PLAIN.issuperset(map(type, key)):
        return list(key)
    used, dots = 0, []
    for at, item in enumerate(key):
        if item is Ellipsis:
            dots.append(at)
        elif item is not None:
            used += item.ndim if type(item) is Node and item.dtype is bool_ else 1
    if len(dots) > 1:
        raise IndexError("an index can only have a single ellipsis ('...')")
    if used > len(shape):
        raise IndexError(
            f"too many indices: {used} for an array of {len(shape)} axes, shape {shape}"
        )
    whole = [_WHOLE] * (len(shape) - used)
    if not dots:
        return [*key, *whole]
    return [*key[: dots[0]], *whole, *key[dots[0] + 1 :]]


# Items that each stand for one axis.
_PLAIN = frozenset((int, slice))
_WHOLE = slice(None)

Basic = tuple[Ints, Ints, Ints, Shape]


def _basic(shape: Shape, items: Sequence[Any]) -> Basic:
    """Starts, sizes and steps of the slice that ints, slices and Nones mean, and what shape of it
    is shown.
    """
    starts: list[int] = []
    sizes: list[int] = []
    steps: list[int] = []
    view: list[int] = []
    for item in items:
        if item is None:
            view.append(1)
            continue
        n = shape[len(sizes)]
        if type(item) is slice:
            if item.start is item.stop is item.step is None:
                start, size, step = 0, n, 1
            else:
                start, stop, step = item.indices(n)
                size = len(range(start, stop, step))
            view.append(size)
        elif -n <= item < n:
            start, size, step = item % n, 1, 1
        else:
            raise IndexError(f"index {item} is out of bounds for axis {len(sizes)} of size {n}")
        starts.append(start if size else 0)
        sizes.append(size)
        steps.append(step)
    return tuple(starts), tuple(sizes), tuple(steps), tuple(view)


def _without_arrays(
    shape: Shape, items: Sequence[Any], places: Places
) -> tuple[list[Any], list[int], list[Node]]:
    """The items with whole slices for their index arrays, the axes of the view where these stand,
    and the arrays.
    """
    basic: list[Any] = []
    axes: list[int] = []
    arrays: list[Node] = []
    for item in items:
        if type(item) is not Node:
            basic.append(item)
            continue
        axis = sum(i is not None for i in basic)
        found = _where(shape, axis, item, places) if item.dtype is bool_ else (item,)
        for indices in found:
            axes.append(sum(i is None or type(i) is slice for i in basic))
            arrays.append(indices)
            basic.append(None if item.dtype is bool_ and not item.shape else slice(None))
    return basic, axes, arrays


def _where(shape: Shape, axis: int, mask: Node, places: Places) -> tuple[Node, ...]:
    """The indices at which a mask of the axes from `axis` on holds. Raises IndexError."""
    for a, n in enumerate(mask.shape, axis):
        if n not in (0, shape[a]):
            raise IndexError(
                f"boolean index of shape {mask.shape} doesn't match: axis {a} has size "
                f"{shape[a]}, the mask {n}"
            )
    return places(mask)


def _place(items: list[Any]) -> int:
    """Where the axes of index arrays go: to the first, or in front where these stand apart."""
    advanced = [not (item is None or isinstance(item, slice)) for item in items]
    first = advanced.index(True)
    together = first + sum(advanced)
    return first if all(advanced[first:together]) else 0


def plan(shape: Shape, key: tuple[Any, ...], places: Places) -> Plan:
    """Take a key apart. Raises IndexError for one that doesn't fit the shape, ValueError for a step
    of 0.
    """
    items = _expanded(key, shape)
    basic, axes, arrays = _without_arrays(shape, items, places)
    if arrays:
        arrays = _together(arrays)
    place = _place(items) if arrays else 0
    return Plan(*_basic(shape, basic), tuple(axes), tuple(arrays), place)


def _together(arrays: list[Node]) -> list[Node]:
    """Index arrays broadcast to one shape."""
    try:
        shape = broadcast(*(i.shape for i in arrays))
    except ValueError:
        shapes = ", ".join(str(i.shape) for i in arrays)
        raise IndexError(f"index arrays of shapes {shapes} can't be broadcast together") from None
    return [i if i.shape == shape else g.broadcast_to(i, shape) for i in arrays]


def _sliced(x: Node, starts: Ints, sizes: Ints, steps: Ints, view: Shape) -> Node:
    if sizes != x.shape or steps != (1,) * len(steps):
        x = apply_shaped(slice_, x, (starts, sizes, steps), sizes)
    return x if view == x.shape else apply_shaped(reshape, x, (view,), view)


def _permuted(x: Node, axes: Ints) -> Node:
    return x if axes == tuple(range(len(axes))) else g.permute(x, axes)


def _inverse(axes: Ints) -> Ints:
    return tuple(sorted(range(len(axes)), key=axes.__getitem__))


def getitem(x: Node, key: tuple[Any, ...], places: Places) -> Node:
    """`x[key]`. Raises as `plan`; an index array out of range raises IndexError with the value."""
    if Node not in map(type, key):
        return _sliced(x, *_basic(x.shape, _expanded(key, x.shape)))
    if _masks_several(x, key):
        return getitem(*_as_one(x, key), places)
    p = plan(x.shape, key, places)
    view = _sliced(x, *p[:4])
    return _permuted(g.gather([_permuted(view, p.order()), *p.arrays]), p.result())


def setitem(x: Node, key: tuple[Any, ...], u: Node, places: Places) -> Node:
    """x after `x[key] = u`, u of x's dtype. Raises as `getitem`, ValueError for u's shape."""
    if masks_all_of(x, key, u):
        mask = key[0]
        if mask.ndim != x.ndim:
            mask = g.reshape(mask, (*mask.shape, *(1,) * (x.ndim - mask.ndim)))
        return g.where(mask, u, x)
    if _masks_several(x, key):
        return g.reshape(setitem(*_as_one(x, key), u, places), x.shape)
    p = plan(x.shape, key, places)
    new = _written(x, p, u) if p.arrays else fitted(u, p.view)
    new = new if new.shape == p.sizes else g.reshape(new, p.sizes)
    if p.sizes == x.shape and p.steps == (1,) * len(p.steps):
        return new
    return g.update_slice(x, new, p.starts, p.steps)


def _masks_several(x: Node, key: tuple[Any, ...]) -> bool:
    """Whether a mask of several leading axes comes first, and is the only array of the key."""
    mask = key[0] if key else None
    if type(mask) is not Node or mask.dtype is not bool_ or mask.ndim < 2:
        return False
    return x.shape[: mask.ndim] == mask.shape and Node not in map(type, key[1:])


def _as_one(x: Node, key: tuple[Any, ...]) -> tuple[Node, tuple[Any, ...]]:
    """An array and a key with the axes of the mask as one: its places are one array of indices."""
    mask = key[0]
    wide = g.reshape(x, (mask.size, *x.shape[mask.ndim :]))
    return wide, (g.reshape(mask, (mask.size,)), *key[1:])


def masks_all_of(x: Node, key: tuple[Any, ...], u: Node) -> bool:
    """Whether a mask of leading axes is all of the key, and u the same wherever it holds."""
    if len(key) != 1 or type(key[0]) is not Node or key[0].dtype is not bool_:
        return False
    k = len(key[0].shape)
    if len(u.shape) > len(x.shape) - k or x.shape[:k] != key[0].shape:
        return False
    return not u.shape or bool(broadcast(u.shape, x.shape[k:]) == x.shape[k:])


def _written(x: Node, p: Plan, u: Node) -> Node:
    """The view of x with u scattered into it."""
    order, result = p.order(), p.result()
    rest = [p.view[a] for a in order[len(p.axes) :]]
    gathered = (*p.arrays[0].shape, *rest)
    update = _permuted(fitted(u, tuple(gathered[a] for a in result)), _inverse(result))
    out = g.scatter([_permuted(_sliced(x, *p[:4]), order), update, *p.arrays])
    return _permuted(out, _inverse(order))


def coordinates(held: Any) -> tuple[Any, ...]:
    """`numpy.nonzero`, sooner for arrays of several axes: by way of one."""
    if held.ndim < 2:
        return np.nonzero(held)
    rest, out = np.flatnonzero(held), []
    for n in reversed(held.shape[1:]):
        above = rest // n
        out.append(rest - above * n)
        rest = above
    return (rest, *reversed(out))


def fitted(u: Node, shape: Shape) -> Node:
    """u broadcast to a shape, leading axes of size 1 left out. Raises ValueError naming both
    shapes.
    """
    while u.ndim > len(shape) and u.shape[0] == 1:
        u = g.reshape(u, u.shape[1:])
    if u.shape == shape:
        return u
    try:
        return g.broadcast_to(u, shape)
    except ValueError:
        raise ValueError(f"can't broadcast a value of shape {u.shape} into shape {shape}") from None
