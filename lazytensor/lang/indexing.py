"""Indexing as NumPy has it, in terms of slice, reshape, permute, gather and their writing partners.

What enters: a node and a key, a tuple of ints, slices, None, Ellipsis and nodes (integer arrays and
boolean masks); `places` gives the indices at which a mask holds. What leaves: nodes, or IndexError
and ValueError at once. It must not know handles, nor how a mask's value is found.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from .._base.dtypes import bool_
from .._base.shapes import Shape, broadcast
from ..ir.node import Node, apply
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


def _consumed(item: Any) -> int:
    """How many axes of the array an item of a key stands for."""
    if item is None or item is Ellipsis:
        return 0
    return item.ndim if isinstance(item, Node) and item.dtype is bool_ else 1


def _expanded(key: tuple[Any, ...], shape: Shape) -> list[Any]:
    """The key with whole slices for its ellipsis, and for what it leaves out."""
    used = sum(map(_consumed, key))
    dots = sum(item is Ellipsis for item in key)
    if dots > 1:
        raise IndexError("an index can only have a single ellipsis ('...')")
    if used > len(shape):
        raise IndexError(
            f"too many indices: {used} for an array of {len(shape)} axes, shape {shape}"
        )
    whole = [slice(None)] * (len(shape) - used)
    if not dots:
        return [*key, *whole]
    at = next(i for i, item in enumerate(key) if item is Ellipsis)
    return [*key[:at], *whole, *key[at + 1 :]]


class _Parser:
    """Collects a plan item by item; `axis` is the next axis of the array."""

    def __init__(self, shape: Shape, places: Places) -> None:
        self.shape = shape
        self.places = places
        self.axis = 0
        self.slices: list[tuple[int, int, int]] = []
        self.view: list[int] = []
        self.axes: list[int] = []
        self.arrays: list[Node] = []

    def add(self, item: Any) -> None:
        """One item of the expanded key."""
        if item is None:
            self.view.append(1)
        elif isinstance(item, slice):
            self._slice(item)
        elif not isinstance(item, Node):
            self._int(item)
        elif item.dtype is bool_:
            self._mask(item)
        else:
            self._array(item)

    def _slice(self, item: slice) -> None:
        start, stop, step = item.indices(self.shape[self.axis])
        size = len(range(start, stop, step))
        self.slices.append((start if size else 0, size, step))
        self.view.append(size)
        self.axis += 1

    def _int(self, i: int) -> None:
        n = self.shape[self.axis]
        if not -n <= i < n:
            raise IndexError(f"index {i} is out of bounds for axis {self.axis} of size {n}")
        self.slices.append((i % n, 1, 1))
        self.axis += 1

    def _array(self, indices: Node) -> None:
        self.axes.append(len(self.view))
        self.arrays.append(indices)
        self._slice(slice(None))

    def _mask(self, mask: Node) -> None:
        for a, n in enumerate(mask.shape, self.axis):
            if n not in (0, self.shape[a]):
                raise IndexError(
                    f"boolean index of shape {mask.shape} doesn't match: axis {a} has size "
                    f"{self.shape[a]}, the mask {n}"
                )
        found = self.places(mask)
        if mask.ndim:
            for indices in found:
                self._array(indices)
            return
        self.axes.append(len(self.view))
        self.arrays.append(found[0])
        self.view.append(1)


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
    parser = _Parser(shape, places)
    for item in items:
        parser.add(item)
    arrays = parser.arrays
    if arrays:
        arrays = _together(arrays)
    starts, sizes, steps = zip(*parser.slices) if parser.slices else ((), (), ())
    place = _place(items) if arrays else 0
    return Plan(starts, sizes, steps, tuple(parser.view), tuple(parser.axes), tuple(arrays), place)


def _together(arrays: list[Node]) -> list[Node]:
    """Index arrays broadcast to one shape."""
    try:
        shape = broadcast(*(i.shape for i in arrays))
    except ValueError:
        shapes = ", ".join(str(i.shape) for i in arrays)
        raise IndexError(f"index arrays of shapes {shapes} can't be broadcast together") from None
    return [i if i.shape == shape else g.broadcast_to(i, shape) for i in arrays]


def _sliced(x: Node, p: Plan) -> Node:
    if p.sizes != x.shape or any(step != 1 for step in p.steps):
        x = g.slice(x, p.starts, p.sizes, p.steps)
    return x if p.view == x.shape else g.reshape(x, p.view)


def _permuted(x: Node, axes: Ints) -> Node:
    return x if axes == tuple(range(len(axes))) else g.permute(x, axes)


def _inverse(axes: Ints) -> Ints:
    return tuple(sorted(range(len(axes)), key=axes.__getitem__))


def _leading(x: Node, item: int | slice) -> Node:
    """`x[item]` for an int or a slice alone: the short way, for loops over arrays."""
    shape = x.shape
    if not shape:
        raise IndexError("too many indices: 1 for an array of 0 axes, shape ()")
    rest, n = shape[1:], shape[0]
    starts, ones = (0,) * len(rest), (1,) * len(rest)
    if type(item) is slice:
        start, stop, step = item.indices(n)
        size = len(range(start, stop, step))
        if size == n and step == 1:
            return x
        return apply(slice_, (x,), ((start if size else 0, *starts), (size, *rest), (step, *ones)))
    if not -n <= item < n:
        raise IndexError(f"index {item} is out of bounds for axis 0 of size {n}")
    row = apply(slice_, (x,), ((item % n, *starts), (1, *rest), (1, *ones)))
    return apply(reshape, (row,), (rest,))


def getitem(x: Node, key: tuple[Any, ...], places: Places) -> Node:
    """`x[key]`. Raises as `plan`; an index array out of range raises IndexError with the value."""
    if len(key) == 1 and type(key[0]) in (int, slice):
        return _leading(x, key[0])
    p = plan(x.shape, key, places)
    view = _sliced(x, p)
    if not p.arrays:
        return view
    return _permuted(g.gather([_permuted(view, p.order()), *p.arrays]), p.result())


def setitem(x: Node, key: tuple[Any, ...], u: Node, places: Places) -> Node:
    """x after `x[key] = u`, u of x's dtype. Raises as `getitem`, ValueError for u's shape."""
    if masks_all_of(x, key, u):
        mask = key[0]
        spread = g.reshape(mask, (*mask.shape, *(1,) * (x.ndim - mask.ndim)))
        return g.where(spread, u, x)
    p = plan(x.shape, key, places)
    new = _written(x, p, u) if p.arrays else fitted(u, p.view)
    new = new if new.shape == p.sizes else g.reshape(new, p.sizes)
    if p.sizes == x.shape and all(step == 1 for step in p.steps):
        return new
    return g.update_slice(x, new, p.starts, p.steps)


def masks_all_of(x: Node, key: tuple[Any, ...], u: Node) -> bool:
    """Whether a mask of leading axes is all of the key, and u the same wherever it holds."""
    if len(key) != 1 or not isinstance(key[0], Node) or key[0].dtype is not bool_:
        return False
    k = key[0].ndim
    if u.ndim > x.ndim - k or x.shape[:k] != key[0].shape:
        return False
    return bool(broadcast(u.shape, x.shape[k:]) == x.shape[k:])


def _written(x: Node, p: Plan, u: Node) -> Node:
    """The view of x with u scattered into it."""
    order, result = p.order(), p.result()
    rest = [p.view[a] for a in order[len(p.axes) :]]
    gathered = (*p.arrays[0].shape, *rest)
    update = _permuted(fitted(u, tuple(gathered[a] for a in result)), _inverse(result))
    out = g.scatter([_permuted(_sliced(x, p), order), update, *p.arrays])
    return _permuted(out, _inverse(order))


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
