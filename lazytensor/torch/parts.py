"""Parts of tensors as views: slices, pieces, diagonals, windows, repeats, strided parts.

What enters: tensors, axes and indices. What leaves: tensors that show the memory of others, with
PyTorch's sizes, strides and offsets, or its errors. It must not know how anything is computed.
"""

import operator
from collections.abc import Sequence
from functools import lru_cache, reduce
from itertools import accumulate, pairwise
from typing import Any

import numpy as np

from ..ir.node import Node, leaf
from ..lang.views import strided_places
from ..ops import g
from ..ops.gather import gather
from ..ops.movement import broadcast_to as broadcast_row
from ..ops.movement import permute as permute_row
from ..ops.movement import reshape as reshape_row
from ..ops.movement import slice_
from ._dispatch import op
from ._host import beside
from ._host import value as materialized
from ._record import noted, record_view
from .storage import Steps, Storage, read
from .tensor import Ints, Tensor, view_of
from .views import (
    Piece,
    axis,
    in_place_form,
    reshaped,
    seen_by,
    shown,
    shown_many,
    sizes_of,
    type_name,
)

__all__ = ["cut", "expand", "picked", "strided", "unbind"]

# --- parts ----------------------------------------------------------------------------------------


def _from(x: Tensor, piece: Piece) -> Piece:
    """A piece of a tensor, with its place in memory."""
    steps, strides, ahead = piece
    return steps, strides, x._offset + ahead


@lru_cache(4096)
def _piece(shape: Ints, strides: Ints, a: int, start: int, count: int, step: int) -> Piece:
    """Steps and strides of elements along an axis, and how far on the first one is."""
    starts = tuple(start if i == a else 0 for i in range(len(shape)))
    sizes = tuple(count if i == a else n for i, n in enumerate(shape))
    steps = tuple(step if i == a else 1 for i in range(len(shape)))
    new = tuple(s * step if i == a else s for i, s in enumerate(strides))
    if not count:
        starts = (0,) * len(shape)
    return ((slice_, (starts, sizes, steps)),), new, start * strides[a]


def _sliced(name: str, x: Tensor, a: int, start: int, count: int, step: int) -> Tensor:
    piece = _piece(x._node.shape, x._stride(), a, start, count, step)
    return shown(name, x, *_from(x, piece))


@op()
def narrow(input: Tensor, dim: int, start: Any, length: int) -> Tensor:
    """`length` elements from `start` on along an axis."""
    shape = input._node.shape
    if not shape:
        raise RuntimeError("narrow() cannot be applied to a 0-dim tensor.")
    a = axis(dim, len(shape))
    if isinstance(start, Tensor) and (start.ndim or start.dtype._rank != 1):
        raise RuntimeError("start must be an 0-dim integral Tensor.")
    first, length = operator.index(start), operator.index(length)
    if length < 0:
        raise RuntimeError("narrow(): length must be non-negative.")
    if not -shape[a] <= first <= shape[a]:
        raise IndexError(
            f"start out of range (expected to be in range of [{-shape[a]}, {shape[a]}], but got "
            f"{first})"
        )
    first += shape[a] if first < 0 else 0
    if first + length > shape[a]:
        raise RuntimeError(
            f"start ({first}) + length ({length}) exceeds dimension size ({shape[a]})."
        )
    return _sliced("Slice", input, a, first, length, 1)


@op()
def select(input: Tensor, dim: int, index: int) -> Tensor:
    """One element along an axis, which goes."""
    shape = input._node.shape
    if not shape:
        raise IndexError("select() cannot be applied to a 0-dim tensor.")
    a = axis(dim, len(shape))
    i, n = operator.index(index), shape[a]
    if not -n <= i < n:
        raise IndexError(
            f"select(): index {i} out of range for tensor of size {list(shape)} at dimension {a}"
        )
    return picked(input, a, i % n)


@lru_cache(4096)
def _element(shape: Ints, strides: Ints, a: int, i: int) -> Piece:
    """Steps and strides of what lies at a place of an axis, and how far on the first one is."""
    starts = tuple(i if k == a else 0 for k in range(len(shape)))
    sizes = tuple(1 if k == a else n for k, n in enumerate(shape))
    rest = (*shape[:a], *shape[a + 1 :])
    steps: Steps = (
        (slice_, (starts, sizes, (1,) * len(shape))),
        (reshape_row, (rest,)),
    )
    return steps, (*strides[:a], *strides[a + 1 :]), i * strides[a]


def picked(x: Tensor, a: int, i: int) -> Tensor:
    """`x.select(a, i)` of what was checked."""
    return shown("Select", x, *_from(x, _element(x._node.shape, x._stride(), a, i)))


def cut(x: Tensor, a: int, item: slice) -> Tensor:
    """`x[..., item, ...]` for a slice of axis `a`. Raises ValueError for a step below 1."""
    step = 1 if item.step is None else operator.index(item.step)
    if step <= 0:
        raise ValueError("step must be greater than zero")
    start, stop, _ = slice(item.start, item.stop, step).indices(x._node.shape[a])
    count = len(range(start, stop, step))
    return _sliced("Slice", x, a, start, count, step)


@op()
def unbind(input: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """The elements along an axis."""
    shape = input._node.shape
    if not shape:
        raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions")
    a = axis(dim, len(shape))
    strides = input._stride()
    pieces = [_from(input, _element(shape, strides, a, i)) for i in range(shape[a])]
    return noted(shown_many("Unbind", input, pieces), dim=a)  # type: ignore[no-any-return]


@op()
def split(input: Tensor, split_size_or_sections: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Pieces of a size, or of several sizes, along an axis."""
    shape = input._node.shape
    if not shape:
        raise RuntimeError("split expects at least a 1-dimensional tensor")
    a = axis(dim, len(shape))
    given = split_size_or_sections
    if isinstance(given, Tensor) and not given._node.shape:
        given = operator.index(given)
    if isinstance(given, int):
        if given < 0:
            raise RuntimeError(
                f"split expects split_size be non-negative, but got split_size={given}"
            )
        if given == 0 and shape[a]:
            raise RuntimeError(
                "split_size can only be 0 if dimension size is 0, but got dimension size of "
                f"{shape[a]}"
            )
        starts = range(0, max(shape[a], 1), max(given, 1))
        sizes = [min(given, shape[a] - s) for s in starts]
    else:
        sizes = list(map(operator.index, given))
        if sum(sizes) != shape[a] or any(n < 0 for n in sizes):
            raise RuntimeError(
                f"split_with_sizes expects split_sizes to sum exactly to {shape[a]} (input "
                f"tensor's size at dimension {a}), but got split_sizes={sizes}"
            )
    return _pieces(input, a, sizes, "Split" if isinstance(given, int) else "SplitWithSizes")


def _pieces(x: Tensor, a: int, sizes: Sequence[int], name: str) -> tuple[Tensor, ...]:
    starts = accumulate(sizes, initial=0)
    shape, strides = x._node.shape, x._stride()
    found = [_piece(shape, strides, a, start, n, 1) for start, n in zip(starts, sizes)]
    pieces = [_from(x, piece) for piece in found]
    return noted(shown_many(name, x, pieces), dim=a)  # type: ignore[no-any-return]


@op()
def split_with_sizes(input: Tensor, split_sizes: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Pieces of several sizes along an axis."""
    return split(input, list(split_sizes), dim)


@op()
def chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """At most `chunks` pieces of one size, but for the last."""
    shape, chunks = input._node.shape, operator.index(chunks)
    if not shape:
        raise RuntimeError("chunk expects at least a 1-dimensional tensor")
    if chunks <= 0:
        raise RuntimeError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    a = axis(dim, len(shape))
    each = -(-shape[a] // chunks)
    if not each:
        return _pieces(input, a, [0] * chunks, "SplitWithSizes")
    return split(input, each, a)


@op()
def tensor_split(input: Tensor, indices_or_sections: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Pieces of nearly one size, or cut at indices."""
    shape = input._node.shape
    if not shape:
        raise RuntimeError("tensor_split expected at least a 1-dimensional tensor, but got a "
                           "tensor with 0 dims")  # fmt: skip
    a = axis(dim, len(shape))
    given = indices_or_sections
    if isinstance(given, Tensor):
        found = materialized(given._read()).tolist()
        given = found
    n = shape[a]
    if isinstance(given, int):
        if given <= 0:
            raise RuntimeError(f"number of sections must be larger than 0, got {given}")
        small, extra = divmod(n, given)
        sizes = [small + (i < extra) for i in range(given)]
        return tuple(
            _sliced("Slice", input, a, start, size, 1)
            for start, size in zip(accumulate(sizes, initial=0), sizes)
        )
    marks = [0, *(slice(None, i).indices(n)[1] for i in given), n]
    return tuple(
        _sliced("Slice", input, a, start, max(stop - start, 0), 1)
        for start, stop in pairwise(marks)
    )


# --- repeated, strided, diagonal ------------------------------------------------------------------


@op(function=False)
def expand(input: Tensor, *sizes: Any, implicit: bool = False) -> Tensor:
    """Axes of size 1, and new ones in front, repeated without a copy."""
    shape, strides = input._node.shape, input._stride()
    wanted = sizes_of(sizes, "expand")
    lead = len(wanted) - len(shape)
    if lead < 0:
        raise RuntimeError(
            f"expand({type_name(input)}{{{list(shape)}}}, size={list(wanted)}): the number of "
            f"sizes provided ({len(wanted)}) must be greater or equal to the number of dimensions "
            f"in the tensor ({len(shape)})"
        )
    new, steps = [], []
    for i, n in enumerate(wanted):
        own = shape[i - lead] if i >= lead else 1
        if n == -1 and i < lead:
            raise RuntimeError(
                f"The expanded size of the tensor ({n}) isn't allowed in a leading, non-existing "
                f"dimension {i}"
            )
        n = own if n == -1 else n
        if own not in (1, n):
            raise RuntimeError(
                f"The expanded size of the tensor ({n}) must match the existing size ({own}) at "
                f"non-singleton dimension {i}.  Target sizes: {list(wanted)}.  Tensor sizes: "
                f"{list(shape)}"
            )
        new.append(n)
        steps.append(strides[i - lead] if i >= lead and own == n else 0)
    if shape:
        for i in range(lead - 1, -1, -1):
            steps[i] = new[i + 1] * steps[i + 1] if new[i] == 1 else 0
    return shown("Expand", input, ((broadcast_row, (tuple(new),)),), tuple(steps))


@op(function=False)
def expand_as(input: Tensor, other: Tensor) -> Tensor:
    """`expand` to the shape of another."""
    return expand(input, other._node.shape)


@op()
def broadcast_to(input: Tensor, size: Any) -> Tensor:
    """`expand` as a function."""
    return expand(input, tuple(size))


def strided(
    name: str, x: Tensor, shape: Ints, strides: Ints, offset: int
) -> Tensor:
    """A view of the whole memory that x is in, by sizes, strides and offset."""
    stor = x._share()
    steps = strided_steps(stor, x.dtype.numpy, shape, strides, offset)
    index = steps[-1][1][0]
    source = x._read()
    node = stor.shown(steps) if x._steps else reduce(read, steps, source)
    out = view_of(x, node, (), strides, offset)
    out._steps = steps
    seen_by(x, out)
    out._links = None
    if x._steps == () or not x.requires_grad:
        record_view(out, name, x, source)
        return noted(out, place=(x._stride(), x._offset, shape, strides, offset))  # type: ignore[no-any-return]
    own = within(x, index)
    out._node = node = gathered(source, own)
    record_view(out, name, x, source)
    return noted(out, place=(x._stride(), x._offset, shape, strides, offset))  # type: ignore[no-any-return]


def strided_steps(
    stor: Storage, number: Any, shape: Ints, strides: Ints, offset: int
) -> Steps:
    """The steps that show memory, as elements of a dtype, by sizes, strides and offset."""
    places = strided_places(shape, strides, offset)
    return (*stor.flat(number), (gather, (leaf(places),)))


def within(x: Tensor, index: Node) -> Node:
    """Where in x the elements of its memory are that an index names."""
    shape, strides = x._node.shape, x._stride()
    mine = np.full(shape, x._offset, np.int64)
    for a, (n, step) in enumerate(zip(shape, strides)):
        mine += (np.arange(n) * step).reshape((n,) + (1,) * (len(shape) - a - 1))
    flat = mine.reshape(-1)
    order = np.argsort(flat, kind="stable")
    at = np.searchsorted(flat, index.value, sorter=order)
    return leaf(order[np.minimum(at, len(order) - 1)].astype(np.int64))


def gathered(x: Node, index: Node) -> Node:
    """Elements of x, in row-major order, at places."""
    return g.gather([g.reshape(x, (x.size,)), beside(index, x)])


@op()
def as_strided(
    input: Tensor, size: Any, stride: Any, storage_offset: int | None = None
) -> Tensor:
    """A view of the tensor's memory by sizes, strides and offset, in elements."""
    shape, strides = tuple(map(operator.index, size)), tuple(map(operator.index, stride))
    offset = input._offset if storage_offset is None else operator.index(storage_offset)
    check_strided(input, shape, strides, offset)
    return strided("AsStrided", input, shape, strides, offset)


def check_strided(x: Tensor, shape: Ints, strides: Ints, offset: int) -> None:
    """Raises RuntimeError where sizes, strides and offset lead out of the memory that x is in."""
    if len(shape) != len(strides):
        raise RuntimeError("mismatch in length of strides and shape")
    if any(s < 0 for s in strides):
        raise RuntimeError(
            "as_strided: Negative strides are not supported at the moment, got strides: "
            f"{list(strides)}"
        )
    if offset < 0:
        raise RuntimeError(f"Tensor: invalid storage offset {offset}")
    if 0 in shape:
        return
    item, node = x.dtype.itemsize, x._share().node
    have = node.size * node.dtype.itemsize // item
    needed = 1 + offset + sum((n - 1) * s for n, s in zip(shape, strides))
    if needed > have:
        raise RuntimeError(
            f"setStorage: sizes {list(shape)}, strides {list(strides)}, storage offset {offset}, "
            f"and itemsize {item} requiring a storage size of {needed * item} are out of bounds "
            f"for storage of size {have * item}"
        )


@op()
def diagonal(input: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """The diagonals of two axes, along a new last axis."""
    shape, strides = input._node.shape, input._stride()
    a, b, offset = axis(dim1, len(shape)), axis(dim2, len(shape)), operator.index(offset)
    if a == b:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    count = min(shape[a], shape[b] - offset) if offset >= 0 else min(shape[a] + offset, shape[b])
    count = max(count, 0)
    rest = [i for i in range(len(shape)) if i not in (a, b)]
    steps = (*(strides[i] for i in rest), strides[a] + strides[b])
    start = (offset * strides[b] if offset >= 0 else -offset * strides[a]) if count else 0
    moved = (permute_row, ((a, b, *rest),))
    lines = np.arange(count, dtype=np.int64)
    i, j = lines - min(offset, 0), lines + max(offset, 0)
    where = (gather, (leaf(i), leaf(j)))
    back = (permute_row, ((*range(1, len(rest) + 1), 0),))
    return shown("Diagonal", input, (moved, where, back), steps, input._offset + start)


@op(function=False)
def unfold(input: Tensor, dimension: int, size: int, step: int) -> Tensor:
    """Windows of a size along an axis, `step` apart, along a new last axis."""
    shape, strides = input._node.shape, input._stride()
    a, size, step = axis(dimension, len(shape)), operator.index(size), operator.index(step)
    n = shape[a] if shape else 1
    if size > n:
        raise RuntimeError(
            f"maximum size for tensor at dimension {a} is {n} but size is {size}"
        )
    if step <= 0:
        raise RuntimeError(f"step is {step} but must be > 0")
    if not shape:
        return reshaped("Unfold", input, (size,), (1,))
    count = (n - size) // step + 1
    places = np.arange(count)[:, None] * step + np.arange(size)
    order = (a, *(i for i in range(len(shape)) if i != a))
    index = leaf(places.astype(np.int64))
    behind = tuple(range(2, len(shape) + 1))
    back = (*behind[:a], 0, *behind[a:], 1)
    steps: Steps = ((permute_row, (order,)), (gather, (index,)), (permute_row, (back,)))
    new = (*strides[:a], strides[a] * step, *strides[a + 1 :], strides[a])
    return shown("Unfold", input, steps, new)


in_place_form("as_strided")
