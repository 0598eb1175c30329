"""Reads and writes at places along an axis, as PyTorch has them: gather, scatter, index_add, put, …

What enters: nodes, integer index nodes, Python arguments; values have x's dtype. What leaves:
nodes over gather, scatter and their kin. Errors that shapes cause are RuntimeErrors with PyTorch's
texts; an index outside is an IndexError when computed. It must not know faces.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .._base.dtypes import bool_, int64, kind
from .._base.shapes import normalize_axis, prod
from ..ir.node import Node
from ..ops import g
from ..ops.scan import along
from ._checks import as_dtype, full
from .indexing import Places, Plan, fitted, plan

Row = Callable[..., Node]


def _lined(x: Node, *others: Node) -> tuple[Node, ...]:
    """Arrays without axes as vectors of one element."""
    return tuple(g.reshape(v, (1,)) if not v.shape else v for v in (x, *others))


def _places(index: Node, axis: int) -> list[Node]:
    return [
        as_dtype(index, int64) if a == axis else along(g, index.shape, a, index.device)
        for a in range(index.ndim)
    ]


def _starting(x: Node, shape: tuple[int, ...]) -> Node:
    """The first elements along each axis."""
    return x if x.shape == shape else g.slice(x, (0,) * x.ndim, shape, (1,) * x.ndim)


# --- an index for each element --------------------------------------------------------------------


def _check_index(name: str, x: Node, index: Node, axis: int) -> None:
    if kind(index.dtype) not in "iu":
        raise RuntimeError(f"{name}(): Expected dtype int32/int64 for index")
    if index.ndim != x.ndim:
        raise RuntimeError("Index tensor must have the same number of dimensions as input tensor")
    for a, (n, m) in enumerate(zip(x.shape, index.shape)):
        if a != axis and m > n:
            raise RuntimeError(
                f"Size does not match at dimension {a} expected index {list(index.shape)} to be no "
                f"larger than self {list(x.shape)} apart from dimension {axis}"
            )


def gather(x: Node, axis: int, index: Node) -> Node:
    """Elements of x at the places that `index` has along one axis, shaped as the index."""
    shape = index.shape
    x, index = _lined(x, index)
    axis = normalize_axis(axis, x.ndim)
    if not index.size and index.ndim != x.ndim:
        return full(0, shape, x)
    _check_index("gather", x, index, axis)
    out = g.gather([x, *_places(index, axis)])
    return out if out.shape == shape else g.reshape(out, shape)


def _scattered(row: Row, x: Node, axis: int, index: Node, u: Node) -> Node:
    shape = x.shape
    x, index, u = _lined(x, index, u)
    axis = normalize_axis(axis, x.ndim)
    if not index.size:
        return x if x.shape == shape else g.reshape(x, shape)
    _check_index("scatter", x, index, axis)
    if u.ndim != index.ndim or any(n < m for n, m in zip(u.shape, index.shape)):
        raise RuntimeError(
            f"Expected index {list(index.shape)} to be no larger than self {list(x.shape)} apart "
            f"from dimension {axis} and to be no larger size than src {list(u.shape)}"
        )
    out = row([x, _starting(u, index.shape), *_places(index, axis)])
    return out if out.shape == shape else g.reshape(out, shape)


def scatter(x: Node, axis: int, index: Node, u: Node) -> Node:
    """x with elements of u written at the places that `index` has along one axis."""
    return _scattered(g.scatter, x, axis, index, u)


def scatter_value(x: Node, axis: int, index: Node, value: float) -> Node:
    """x with a number written at the places that `index` has along one axis."""
    return scatter(x, axis, index, full(value, index.shape, x))


def scatter_add(x: Node, axis: int, index: Node, u: Node) -> Node:
    """x with elements of u added at the places that `index` has along one axis."""
    return _scattered(g.scatter_add, x, axis, index, u)


_REDUCTIONS: dict[str, tuple[Row, Callable[[Any], float]]] = {
    "sum": (lambda args: g.scatter_add(args), lambda least: 0),
    "mean": (lambda args: g.scatter_add(args), lambda least: 0),
    "prod": (lambda args: g.scatter_multiply(args), lambda least: 1),
    "amax": (lambda args: g.scatter_max(args), lambda least: least(-1)),
    "amin": (lambda args: g.scatter_min(args), lambda least: least(1)),
}


def _extreme(x: Node) -> Callable[[int], Any]:
    """What every element is beyond, upwards (-1) or downwards (1)."""
    if kind(x.dtype) == "f":
        return lambda side: side * float("inf")
    if kind(x.dtype) == "b":
        return lambda side: side > 0
    info = np.iinfo(x.dtype)
    return lambda side: int(info.max if side > 0 else info.min)


def _averaged(total: Node, counts: Node) -> Node:
    """Totals over counts, 0 counting as 1; integers rounded down."""
    counts = g.maximum(counts, 1)
    return total / counts if kind(total.dtype) in "fc" else g.floor_divide(total, counts)


def _reduced(
    write: Callable[[Row, Node, Node], Node], x: Node, u: Node, reduce: str, include_self: bool
) -> Node:
    """`write(row, base, values)` puts values at the places of a call."""
    if reduce not in _REDUCTIONS:
        raise RuntimeError(
            f"reduce argument must be either sum, prod, mean, amax or amin, got {reduce}"
        )
    row, identity = _REDUCTIONS[reduce]
    base = x
    if not include_self:
        base = write(g.scatter, x, full(identity(_extreme(x)), u.shape, x))
    out = write(row, base, u)
    if reduce != "mean":
        return out
    ones, start = full(1, u.shape, x), full(1 if include_self else 0, x.shape, x)
    return _averaged(out, write(g.scatter_add, start, ones))


def scatter_reduce(
    x: Node, axis: int, index: Node, u: Node, reduce: str, include_self: bool = True
) -> Node:
    """Elements of u reduced into the places that `index` has along one axis, x's own among them
    or not: "sum", "prod", "mean", "amax", "amin". Ties share the gradient of an extremum.
    """

    def write(row: Row, base: Node, values: Node) -> Node:
        return _scattered(row, base, axis, index, values)

    return _reduced(write, x, u, reduce, include_self)


def take_along_dim(x: Node, index: Node, axis: int | None = None) -> Node:
    """Elements at an index for each place of an axis, the other axes broadcast; of the flattened
    array without one.
    """
    if axis is None:
        return gather(g.reshape(x, (x.size,)), 0, g.reshape(index, (index.size,)))
    if x.ndim != index.ndim:
        raise RuntimeError(
            "torch.take_along_dim(): input and indices should have the same number of dimensions, "
            f"but got {x.ndim} dimensions for input, and {index.ndim} dimensions for indices"
        )
    axis = normalize_axis(axis, x.ndim)
    shape = tuple(m if n == 1 else n for n, m in zip(x.shape, index.shape))
    whole = tuple(x.shape[a] if a == axis else n for a, n in enumerate(shape))
    wanted = tuple(index.shape[a] if a == axis else n for a, n in enumerate(shape))
    return gather(g.broadcast_to(x, whole), axis, g.broadcast_to(index, wanted))


# --- an index for each slice along an axis --------------------------------------------------------


def _front(x: Node, axis: int) -> Node:
    """The axis moved to the front."""
    return g.permute(x, (axis, *(a for a in range(x.ndim) if a != axis))) if axis else x


def _back(x: Node, axis: int) -> Node:
    """The front axis moved to its place."""
    return g.permute(x, (*range(1, axis + 1), 0, *range(axis + 1, x.ndim))) if axis else x


def _vector(name: str, index: Node) -> Node:
    if index.ndim > 1:
        raise IndexError(f"{name}(): Index is supposed to be a vector")
    return index if index.ndim else g.reshape(index, (1,))


def index_select(x: Node, axis: int, index: Node) -> Node:
    """Slices of x at the places of a vector along one axis."""
    wide = _lined(x)[0]
    axis = normalize_axis(axis, wide.ndim)
    out = _back(g.gather([_front(wide, axis), _vector("index_select", index)]), axis)
    return out if x.shape else g.reshape(out, ())


def _slices(row: Row, name: str, x: Node, axis: int, index: Node, u: Node) -> Node:
    """A row applied to slices of x along one axis and those of u."""
    shape = x.shape
    x = _lined(x)[0]
    axis, index = normalize_axis(axis, x.ndim), _vector(name, index)
    wanted = tuple(index.shape[0] if a == axis else n for a, n in enumerate(x.shape))
    u = g.reshape(u, wanted) if u.size == prod(wanted) and u.ndim < 2 else u
    if u.ndim == x.ndim and u.shape[axis] != wanted[axis]:
        raise RuntimeError(
            f"{name}_(): Number of indices ({wanted[axis]}) should be equal to source.size(dim): "
            f"({u.shape[axis]}), for dim: {axis}"
        )
    if u.shape != wanted:
        raise RuntimeError(
            f"{name}(): source of shape {list(u.shape)} doesn't match self {list(x.shape)} with "
            f"{index.shape[0]} indices along dimension {axis}"
        )
    out = _back(row([_front(x, axis), _front(u, axis), index]), axis)
    return out if out.shape == shape else g.reshape(out, shape)


def index_add(x: Node, axis: int, index: Node, u: Node, alpha: float = 1) -> Node:
    """x with slices of u, times alpha, added to those at the places of a vector."""
    return _slices(g.scatter_add, "index_add", x, axis, index, u if alpha == 1 else u * alpha)


def index_copy(x: Node, axis: int, index: Node, u: Node) -> Node:
    """x with slices of u written over those at the places of a vector."""
    return _slices(g.scatter, "index_copy", x, axis, index, u)


def index_fill(x: Node, axis: int, index: Node, value: Node) -> Node:
    """x with a number, a node without axes, written over the slices at the places of a vector."""
    wide = _lined(x)[0]
    axis, index = normalize_axis(axis, wide.ndim), _vector("index_fill", index)
    shape = tuple(index.shape[0] if a == axis else n for a, n in enumerate(wide.shape))
    return _slices(g.scatter, "index_fill", x, axis, index, g.broadcast_to(value, shape))


def index_reduce(
    x: Node, axis: int, index: Node, u: Node, reduce: str, include_self: bool = True
) -> Node:
    """Slices of u reduced into those at the places of a vector: "prod", "mean", "amax", "amin"."""

    def write(row: Row, base: Node, values: Node) -> Node:
        return _slices(row, "index_reduce", base, axis, index, values)

    return _reduced(write, x, u, reduce, include_self)


# --- several index arrays, masks ------------------------------------------------------------------


def index_add_at(x: Node, key: tuple[Any, ...], u: Node, places: Places) -> Node:
    """x after `x[key] += u` with repeated places counting each time: index_put with accumulate.

    The key holds whole slices and index nodes; `places` gives the indices of a mask.
    """
    p = plan(x.shape, key, places)
    order, result = p.order(), p.result()
    update = g.permute(fitted(u, _result_shape(p)), _inverse(result))
    out = g.scatter_add([g.permute(x, order), update, *p.arrays])
    return g.permute(out, _inverse(order))


def _result_shape(p: Plan) -> tuple[int, ...]:
    gathered = (*p.arrays[0].shape, *(p.view[a] for a in p.order()[len(p.axes) :]))
    return tuple(gathered[a] for a in p.result())


def _inverse(axes: Sequence[int]) -> tuple[int, ...]:
    return tuple(sorted(range(len(axes)), key=axes.__getitem__))


def take(x: Node, index: Node) -> Node:
    """Elements of the flattened array, shaped as the index; negative ones count from the end."""
    return g.gather([g.reshape(x, (x.size,)), index])


def put(x: Node, index: Node, u: Node, accumulate: bool = False) -> Node:
    """x with u written, or added, at places of the flattened array."""
    row = g.scatter_add if accumulate else g.scatter
    index = g.reshape(index, (index.size,))
    out = row([g.reshape(x, (x.size,)), g.reshape(u, (u.size,)), index])
    return g.reshape(out, x.shape)


def masked_fill(x: Node, mask: Node, value: Node) -> Node:
    """x with a number where the mask holds."""
    if mask.dtype is not bool_:
        raise RuntimeError(
            f"masked_fill_ only supports boolean masks, but got mask with dtype {mask.dtype}"
        )
    return g.where(mask, value, x)


def masked_scatter(x: Node, mask: Node, u: Node) -> Node:
    """x with the first elements of u, in order, where the mask holds; too few are an IndexError
    when computed.
    """
    flat = g.reshape(mask, (mask.size,))
    place = g.cumsum(g.cast(flat, int64), 0) - 1
    source = g.reshape(u, (u.size,))
    found = g.gather([source, g.where(flat, place, g.constant(0, place))])
    return g.where(mask, g.reshape(found, mask.shape), x)
