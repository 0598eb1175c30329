"""Parts of arrays as PyTorch cuts them, and arrays with such a part replaced: diagonals, strided
parts, windows, triangles, quarter turns.

What enters: nodes and Python arguments; replacements have x's dtype. What leaves: nodes.
Errors that shapes cause are RuntimeErrors with PyTorch's texts. It must not know faces, nor memory.
"""

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from .._base.dtypes import int64
from .._base.shapes import normalize_axis
from ..ir.node import Node, leaf
from ..ops import g
from . import movement
from ._checks import full

Ints = Sequence[int]

# --- diagonals, triangles -------------------------------------------------------------------------


def _planes(x: Node, axis1: int, axis2: int) -> tuple[Node, tuple[int, ...]]:
    """x with two axes moved to the end, and their order. Raises AxisError, RuntimeError."""
    first, second = normalize_axis(axis1, x.ndim), normalize_axis(axis2, x.ndim)
    if first == second:
        raise RuntimeError(f"diagonal dimensions cannot be identical {axis1}, {axis2}")
    order = (*(a for a in range(x.ndim) if a not in (first, second)), first, second)
    return g.permute(x, order), order


def _line(m: int, n: int, offset: int) -> tuple[int, int]:
    """Where the diagonal of an m by n matrix starts in its flattened form, and its length."""
    size = max(0, min(m + min(offset, 0), n - max(offset, 0)))
    return (0 if not size else offset if offset >= 0 else -offset * n), size


def diagonal(x: Node, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Node:
    """x[i, i + offset] for two axes, along a new last axis. Raises AxisError, RuntimeError."""
    planes, _ = _planes(x, axis1, axis2)
    *batch, m, n = planes.shape
    start, size = _line(m, n, offset)
    zeros, ones = (0,) * len(batch), (1,) * len(batch)
    flat = g.reshape(planes, (*batch, m * n))
    return g.slice(flat, (*zeros, start), (*batch, size), (*ones, n + 1))


def diagonal_scatter(x: Node, u: Node, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Node:
    """x with u written over a diagonal. Raises as `diagonal`, RuntimeError for u's shape."""
    planes, order = _planes(x, axis1, axis2)
    *batch, m, n = planes.shape
    start, size = _line(m, n, offset)
    _same_shape(u, (*batch, size))
    zeros, ones = (0,) * len(batch), (1,) * len(batch)
    flat = g.reshape(planes, (*batch, m * n))
    flat = g.update_slice(flat, u, (*zeros, start), (*ones, n + 1))
    return g.permute(g.reshape(flat, planes.shape), tuple(int(a) for a in np.argsort(order)))


def _same_shape(u: Node, wanted: tuple[int, ...]) -> None:
    if u.shape != wanted:
        raise RuntimeError(
            "expected src to have a size equal to the slice of self. "
            f"src size = {list(u.shape)}, slice size = {list(wanted)}"
        )


def diag_embed(x: Node, offset: int = 0, axis1: int = -2, axis2: int = -1) -> Node:
    """Zeros with the last axis of x along a diagonal of two new axes. Raises AxisError."""
    ndim, n = x.ndim + 1, x.shape[-1] + abs(offset)
    first, second = normalize_axis(axis1, ndim), normalize_axis(axis2, ndim)
    if first == second:
        raise RuntimeError(f"diagonal dimensions cannot be identical {axis1}, {axis2}")
    rest = iter(x.shape[:-1])
    shape = tuple(n if a in (first, second) else next(rest) for a in range(ndim))
    return diagonal_scatter(full(0, shape, x), x, offset, first, second)


def diag(x: Node, offset: int = 0) -> Node:
    """A matrix with a vector on a diagonal, or the diagonal of a matrix. Raises RuntimeError."""
    if x.ndim not in (1, 2):
        raise RuntimeError(f"diag(): Supports 1D or 2D tensors. Got {x.ndim}D")
    return diag_embed(x, offset) if x.ndim == 1 else diagonal(x, offset)


def _below(x: Node, k: int) -> Node:
    """Whether column - row <= k."""
    m, n = x.shape[-2:]
    rows = g.reshape(g.iota(m, int64, x.device), (m, 1))
    return g.less_equal(g.iota(n, int64, x.device) - rows, k)


def tril(x: Node, k: int = 0) -> Node:
    """Matrices with zeros above a diagonal. Raises RuntimeError for fewer than two axes."""
    if x.ndim < 2:
        raise RuntimeError("tril: input tensor must have at least 2 dimensions")
    return g.where(_below(x, k), x, g.constant(0, x))


def triu(x: Node, k: int = 0) -> Node:
    """Matrices with zeros below a diagonal. Raises RuntimeError for fewer than two axes."""
    if x.ndim < 2:
        raise RuntimeError("triu: input tensor must have at least 2 dimensions")
    return g.where(_below(x, k - 1), g.constant(0, x), x)


# --- parts along an axis --------------------------------------------------------------------------


def select_scatter(x: Node, u: Node, axis: int, index: int) -> Node:
    """x with u written over the slice at one index. Raises AxisError, IndexError, RuntimeError."""
    place = normalize_axis(axis, x.ndim)
    n = x.shape[place]
    if not -n <= index < n:
        raise IndexError(
            f"select(): index {index} out of range for tensor of size {list(x.shape)} at "
            f"dimension {place}"
        )
    _same_shape(u, tuple(k for a, k in enumerate(x.shape) if a != place))
    kept = tuple(1 if a == place else k for a, k in enumerate(x.shape))
    starts = tuple(index % n if a == place else 0 for a in range(x.ndim))
    return g.update_slice(x, g.reshape(u, kept), starts, (1,) * x.ndim)


def slice_scatter(
    x: Node, u: Node, axis: int = 0, start: int | None = None, end: int | None = None, step: int = 1
) -> Node:
    """x with u written over a slice along an axis. Raises AxisError, RuntimeError."""
    if step < 1:
        raise RuntimeError("slice step must be positive")
    place = normalize_axis(axis, x.ndim)
    low, high, _ = slice(start, end, step).indices(x.shape[place])
    size = len(range(low, high, step))
    _same_shape(u, tuple(size if a == place else k for a, k in enumerate(x.shape)))
    if not size:
        return x
    starts = tuple(low if a == place else 0 for a in range(x.ndim))
    return g.update_slice(x, u, starts, tuple(step if a == place else 1 for a in range(x.ndim)))


def unfold(x: Node, axis: int, size: int, step: int) -> Node:
    """Windows of an axis, `step` apart, along a new last axis. Raises AxisError, RuntimeError."""
    wide = x if x.shape else g.reshape(x, (1,))
    place = normalize_axis(axis, wide.ndim)
    n = wide.shape[place]
    if not 0 <= size <= n:
        raise RuntimeError(
            f"maximum size for tensor at dimension {axis} is {n} but size is {size}"
        )
    if step < 1:
        raise RuntimeError(f"step is {step} but must be > 0")
    starts = np.arange(0, n - size + 1, step)
    index = leaf(starts[:, None] + np.arange(size), x.device)
    found = movement.take(wide, index, place)
    return movement.moveaxis(found, place + 1, -1)


def rot90(x: Node, k: int = 1, axes: Ints = (0, 1)) -> Node:
    """Turned k quarters in the plane of two axes. Raises AxisError, RuntimeError."""
    if len(axes) != 2:
        raise RuntimeError(f"expected total rotation dims == 2, but got dims = {len(axes)}")
    first, second = (normalize_axis(a, x.ndim) for a in axes)
    if first == second:
        raise RuntimeError(f"expected rotation dims to be different, but got dim0 = {axes[0]}")
    if k % 4 == 2:
        return movement.flip(x, (first, second))
    if k % 4 == 0:
        return x
    order = list(range(x.ndim))
    order[first], order[second] = second, first
    turned = g.permute(movement.flip(x, second) if k % 4 == 1 else x, tuple(order))
    return turned if k % 4 == 1 else movement.flip(turned, second)


# --- strided parts --------------------------------------------------------------------------------


def strided_places(shape: Ints, strides: Ints, offset: int) -> np.ndarray[Any, Any]:
    """Where the elements of a strided part stand in the storage."""
    places = np.full(tuple(shape), offset, np.int64)
    for axis, (n, stride) in enumerate(zip(shape, strides, strict=True)):
        line = tuple(n if a == axis else 1 for a in range(len(shape)))
        places += np.arange(n, dtype=np.int64).reshape(line) * stride
    return places


def _strided(x: Node, shape: Ints, strides: Ints, offset: int) -> Node:
    if len(shape) != len(strides):
        raise RuntimeError("mismatch in length of strides and shape")
    places = strided_places(shape, strides, offset)
    if places.size and int(places.max()) >= x.size:
        raise RuntimeError(
            f"setStorage: sizes {list(shape)}, strides {list(strides)}, storage offset {offset}, "
            f"requiring {int(places.max()) + 1} elements, are out of bounds for storage of {x.size}"
        )
    return leaf(places, x.device)


def as_strided(x: Node, shape: Ints, strides: Ints, offset: int = 0) -> Node:
    """Elements of the flattened array at offset + Σ i stride. Raises RuntimeError."""
    return g.gather([g.reshape(x, (x.size,)), _strided(x, shape, strides, offset)])


def as_strided_scatter(x: Node, u: Node, shape: Ints, strides: Ints, offset: int = 0) -> Node:
    """x with u written over a strided part. Raises RuntimeError."""
    places = _strided(x, shape, strides, offset)
    _same_shape(u, tuple(shape))
    flat, count = g.reshape(x, (x.size,)), prod(shape)
    out = g.scatter([flat, g.reshape(u, (count,)), g.reshape(places, (count,))])
    return g.reshape(out, x.shape)
