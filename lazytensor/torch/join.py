"""Tensors joined to one, cut into several, and brought to one shape.

What enters: tensors, lists of them, axes. What leaves: tensors, tuples of them, or PyTorch's
errors. It must not know how anything is computed.
"""

from collections.abc import Callable, Sequence
from itertools import combinations as subsets
from itertools import combinations_with_replacement as multisets
from typing import Any

import numpy as np

from ..ir.node import Node
from ..lang._checks import full
from ..ops import g
from . import _dtypes
from ._calls import no_such_call, refuse
from ._dispatch import FUNCTIONS, alias, broadcast, op, result_type, same_device
from ._graph import MODE
from ._host import placed, value
from ._record import cast, noted, run
from ._strides import in_channels_last
from ._types import Size, channels_last, channels_last_3d
from .create import new
from .parts import expand, tensor_split
from .tensor import Ints, Tensor, normal
from .views import axis, formatted, reshape, strides_for, unsqueeze, view

__all__ = ["cat", "stack"]


def tensors_of(name: str, given: Any) -> Sequence[Tensor]:
    """The tensors of a list or tuple. Raises TypeError in PyTorch's words."""
    if not isinstance(given, list | tuple):
        raise TypeError(
            f"{name}(): argument 'tensors' (position 1) must be tuple of Tensors, not "
            f"{type(given).__name__}"
        )
    for i, x in enumerate(given):
        if not isinstance(x, Tensor):
            raise TypeError(
                f"expected Tensor as element {i} in argument 0, but got {type(x).__name__}"
            )
    return given


def _some(name: str, given: Any) -> Sequence[Tensor]:
    """The tensors of a list that has some. Raises RuntimeError, TypeError."""
    tensors = tensors_of(name, given)
    if not tensors:
        raise RuntimeError(f"{name} expects a non-empty TensorList")
    return tensors


def _several(tensors: Sequence[Any]) -> Sequence[Tensor]:
    """The tensors of `f(x, y)` or `f([x, y])`. Raises TypeError."""
    given = tensors[0] if len(tensors) == 1 and isinstance(tensors[0], list | tuple) else tensors
    return tensors_of("", given)


# --- one after another ----------------------------------------------------------------------------


@op(method=False, out=True)
def cat(tensors: Any, dim: int = 0) -> Tensor:
    """Tensors one after another along an axis, in their common dtype; vectors without elements are
    left out. Raises RuntimeError for sizes, ValueError for an empty list.
    """
    given = tensors_of("cat", tensors)
    if not given:
        raise ValueError("torch.cat(): expected a non-empty list of Tensors")
    for i, x in enumerate(given):
        if not x._node.shape:
            raise RuntimeError(
                f"zero-dimensional tensor (at position {i}) cannot be concatenated"
            )
    same_device(given)
    of = result_type(*given)
    kept = [i for i, x in enumerate(given) if x._node.shape != (0,)]
    a = axis(dim, len(given[kept[0]]._node.shape if kept else (0,)))
    _check_sizes(given, kept, a)

    def joined(*nodes: Node) -> Node:
        found = [cast(nodes[i], of) for i in kept]
        return g.concat(found, a) if found else cast(nodes[0], of)

    out = run("Cat", joined, given, of)
    out._strides = _joint_strides([(t._node.shape, t._stride()) for t in given], out._node.shape)
    return noted(out, dim=a)  # type: ignore[no-any-return]


for _name in ("concat", "concatenate"):
    alias(_name, "cat", method=False)


def _check_sizes(given: Sequence[Tensor], kept: Sequence[int], a: int) -> None:
    first = given[kept[0]]._node.shape if kept else ()
    for i in kept[1:]:
        shape = given[i]._node.shape
        if len(shape) != len(first):
            raise RuntimeError(
                f"Tensors must have same number of dimensions: got {len(first)} and {len(shape)}"
            )
        for b, (n, m) in enumerate(zip(first, shape)):
            if b != a and n != m:
                raise RuntimeError(
                    f"Sizes of tensors must match except in dimension {a}. Expected size {n} but "
                    f"got size {m} for tensor number {i} in the list."
                )


def _joint_strides(places: Sequence[tuple[Ints, Ints]], shape: Ints) -> Ints | None:
    """Channels last where all that is joined is so by its sizes and strides, else row-major."""
    if not places or not all(in_channels_last(*place) for place in places):
        return None
    last = formatted(channels_last if len(shape) == 4 else channels_last_3d, shape)
    return None if last is None else normal(shape, last)


def _stacked_strides(tensors: Sequence[Tensor], a: int) -> Ints | None:
    """As if stacked along an axis that is there, which is then split in two."""
    first = tensors[0]._node.shape
    if a == len(first):
        wide = (*first, len(tensors))
        return _joint_strides([((*first, 1), (*t._stride(), 1)) for t in tensors], wide)
    whole = (*first[:a], len(tensors) * first[a], *first[a + 1 :])
    strides = _joint_strides([(first, t._stride()) for t in tensors], whole)
    return strides and strides_for(whole, strides, (*first[:a], len(tensors), *first[a:]))


@op(method=False, out=True)
def stack(tensors: Any, dim: int = 0) -> Tensor:
    """Tensors of one shape along a new axis. Raises RuntimeError for shapes."""
    given = _some("stack", tensors)
    first = given[0]._node.shape
    a = axis(dim, len(first) + 1)
    for i, x in enumerate(given):
        if x._node.shape != first:
            raise RuntimeError(
                f"stack expects each tensor to be equal size, but got {list(first)} at entry 0 and "
                f"{list(x._node.shape)} at entry {i}"
            )
    same_device(given)
    if a < len(first) and not MODE.inference and all(t._inference for t in given):
        return view(cat(given, a), (*first[:a], len(given), *first[a:]))  # as one can see
    of = result_type(*given)
    wide = (*first[:a], 1, *first[a:])

    def stacked(*nodes: Node) -> Node:
        return g.concat([g.reshape(cast(n, of), wide) for n in nodes], a)

    out = run("Stack", stacked, given, of)
    out._strides = _stacked_strides(given, a)
    return noted(out, dim=a)  # type: ignore[no-any-return]


@op(method=False, out=True)
def hstack(tensors: Any) -> Tensor:
    """Tensors side by side: along axis 1, vectors along axis 0."""
    given = [atleast_1d(x) for x in _some("hstack", tensors)]
    return cat(given, 0 if len(given[0]._node.shape) == 1 else 1)


@op(method=False, out=True)
def vstack(tensors: Any) -> Tensor:
    """Tensors one below another, vectors as rows."""
    return cat([atleast_2d(x) for x in _some("vstack", tensors)], 0)


alias("row_stack", "vstack", method=False)


@op(method=False, out=True)
def dstack(tensors: Any) -> Tensor:
    """Tensors behind one another, along axis 2."""
    return cat([atleast_3d(x) for x in _some("dstack", tensors)], 2)


@op(method=False, out=True)
def column_stack(tensors: Any) -> Tensor:
    """Tensors side by side, vectors as columns."""
    found = [
        x if len(x._node.shape) > 1 else reshape(x, (x._node.size, 1))
        for x in _some("column_stack", tensors)
    ]
    return cat(found, 1)


@op(method=False)
def block_diag(*tensors: Any) -> Tensor:
    """A matrix with matrices along its diagonal; vectors are rows. Raises RuntimeError."""
    given = _several(tensors)
    if not given:
        return FUNCTIONS["empty"](1, 0)  # type: ignore[no-any-return]
    for i, x in enumerate(given):
        if len(x._node.shape) > 2:
            raise RuntimeError(
                "torch.block_diag: Input tensors must have 2 or fewer dimensions. Input "
                f"{i} has {len(x._node.shape)} dimensions"
            )
    of = result_type(*given)
    return run("BlockDiag", lambda *nodes: _blocks([cast(n, of) for n in nodes]), given, of)


def _blocks(nodes: Sequence[Node]) -> Node:
    found = [g.reshape(n, (1,) * (2 - n.ndim) + n.shape) for n in nodes]
    width = sum(n.shape[1] for n in found)
    rows, left = [], 0
    for n in found:
        height, own = n.shape
        sides = [full(0, (height, left), n), n, full(0, (height, width - left - own), n)]
        rows.append(g.concat(sides, 1))
        left += own
    return g.concat(rows, 0)


# --- at least so many axes ------------------------------------------------------------------------


def _each(f: Callable[[Tensor], Tensor], tensors: Sequence[Any]) -> Any:
    if len(tensors) == 1 and isinstance(tensors[0], Tensor):
        return f(tensors[0])
    return tuple([f(x) for x in _several(tensors)])


@op(method=False)
def atleast_1d(*tensors: Any) -> Any:
    """Each tensor with one axis at least."""
    return _each(lambda x: x if x._node.shape else reshape(x, (1,)), tensors)


def _two(x: Tensor) -> Tensor:
    ndim = len(x._node.shape)
    return x if ndim > 1 else unsqueeze(x, 0) if ndim else reshape(x, (1, 1))


def _three(x: Tensor) -> Tensor:
    ndim = len(x._node.shape)
    if ndim > 2:
        return x
    if not ndim:
        return reshape(x, (1, 1, 1))
    return unsqueeze(x if ndim == 2 else unsqueeze(x, 0), -1)


@op(method=False)
def atleast_2d(*tensors: Any) -> Any:
    """Each tensor with two axes at least, new ones in front."""
    return _each(_two, tensors)


@op(method=False)
def atleast_3d(*tensors: Any) -> Any:
    """Each tensor with three axes at least: a vector in the middle, a matrix in front."""
    return _each(_three, tensors)


# --- one shape for several ------------------------------------------------------------------------


@op(method=False)
def broadcast_shapes(*shapes: Any) -> Size:
    """The shape that sizes are broadcast to. Raises RuntimeError, ValueError for negative ones."""
    given = [(s,) if isinstance(s, int) else tuple(s) for s in shapes]
    out = [1] * max(map(len, given), default=0)
    for i, shape in enumerate(given):
        for k in range(-1, -len(shape) - 1, -1):
            n = shape[k]
            if n < 0:
                raise ValueError("Attempting to broadcast a dimension with negative length!")
            if n in (1, out[k]):
                continue
            if out[k] != 1:
                raise RuntimeError(
                    f"Attempting to broadcast a dimension of length {n} at {k}! Mismatching "
                    f"argument at index {i} had {shape}; but expected shape should be "
                    f"broadcastable to {out}"
                )
            out[k] = n
    return Size(out)


@op(method=False)
def broadcast_tensors(*tensors: Any) -> tuple[Tensor, ...]:
    """Views of tensors in their common shape. Raises RuntimeError."""
    given = _several(tensors)
    shape: tuple[int, ...] = ()
    for x in given:
        shape = broadcast(shape, x._node.shape)
    return tuple([x if x._node.shape == shape else expand(x, shape) for x in given])


@op(method=False)
def meshgrid(*tensors: Any, indexing: str = "ij") -> tuple[Tensor, ...]:
    """Vectors along the axes of a grid, as views: with "xy" the first two axes are exchanged.

    Raises RuntimeError.
    """
    given = _some("meshgrid", _several(tensors))
    for x in given:
        if len(x._node.shape) > 1:
            raise RuntimeError(
                "torch.meshgrid: Expected 0D or 1D tensor in the tensor list but got: "
                f"{x!r}"
            )
        if x.dtype is not given[0].dtype:
            raise RuntimeError("meshgrid expects all tensors to have the same dtype")
    if indexing not in ("ij", "xy"):
        raise RuntimeError(
            'torch.meshgrid: indexing must be one of "xy" or "ij", but received: ' + indexing
        )
    same_device(given)
    swapped = indexing == "xy" and len(given) > 1
    order = [given[1], given[0], *given[2:]] if swapped else list(given)
    shape = tuple([x._node.size for x in order])
    out = [
        expand(view(x, (1,) * i + (-1,) + (1,) * (len(shape) - i - 1)), shape)
        for i, x in enumerate(order)
    ]
    return (out[1], out[0], *out[2:]) if swapped else tuple(out)


@op(method=False)
def cartesian_prod(*tensors: Any) -> Tensor:
    """All combinations of elements of vectors, a row each. Raises RuntimeError."""
    given = _several(tensors)
    for x in given:
        if len(x._node.shape) != 1:
            raise RuntimeError(f"Expect a 1D vector, but got shape {list(x._node.shape)}")
    if len(given) == 1:
        return given[0]
    return stack([reshape(x, (-1,)) for x in meshgrid(*given)], 1)


@op()
def combinations(input: Tensor, r: int = 2, with_replacement: bool = False) -> Tensor:
    """All choices of r elements of a vector, in order, a row each. Raises RuntimeError."""
    shape = input._node.shape
    if len(shape) != 1:
        raise RuntimeError(f"Expect a 1D vector, but got shape {list(shape)}")
    if r < 0:
        raise RuntimeError(f"Expect a non-negative number, but got {r}")
    if r == 0:
        return FUNCTIONS["empty"](0, dtype=input.dtype, device=input.device)  # type: ignore[no-any-return]
    choose = multisets if with_replacement else subsets
    found = np.array(list(choose(range(shape[0]), r)), np.int64).reshape(-1, r)
    columns = [placed(np.ascontiguousarray(c), input._node.device) for c in found.T]
    return stack(
        [run("MaskedSelect", lambda n, c=c: g.gather([n, c]), (input,)) for c in columns], 1
    )


# --- cut into several -----------------------------------------------------------------------------


def _cut_along(name: str, x: Tensor, given: Any, dim: int, ndim: int) -> tuple[Tensor, ...]:
    shape = x._node.shape
    if len(shape) < ndim:
        raise RuntimeError(
            f"torch.{name} requires a tensor with at least {ndim} dimension, but got a tensor with "
            f"{len(shape)} dimensions!"
        )
    if not isinstance(given, int | Sequence | Tensor) or isinstance(given, str):
        why = (
            "\n      didn't match because some of the arguments have invalid types: (Tensor, "
            f"!{type(given).__name__}!)\n"
        )
        said = no_such_call(name, (x, given), "Tensor input, int sections")
        raise TypeError(f"{said}"[:-1] + why + f" * (Tensor input, tuple of ints indices){why}")
    if isinstance(given, int) and (given <= 0 or shape[dim] % given):
        raise RuntimeError(
            f"torch.{name} attempted to split along dimension {dim}, but the size of the dimension "
            f"{shape[dim]} is not divisible by the split_size {given}!"
        )
    return tensor_split(x, given, dim)


@op()
def hsplit(input: Tensor, indices_or_sections: Any) -> tuple[Tensor, ...]:
    """Pieces along axis 1, of a vector along axis 0. Raises RuntimeError."""
    dim = 0 if len(input._node.shape) == 1 else 1
    return _cut_along("hsplit", input, indices_or_sections, dim, 1)


@op()
def vsplit(input: Tensor, indices_or_sections: Any) -> tuple[Tensor, ...]:
    """Pieces along axis 0. Raises RuntimeError."""
    return _cut_along("vsplit", input, indices_or_sections, 0, 2)


@op()
def dsplit(input: Tensor, indices_or_sections: Any) -> tuple[Tensor, ...]:
    """Pieces along axis 2. Raises RuntimeError."""
    return _cut_along("dsplit", input, indices_or_sections, 2, 3)


# --- repeated -------------------------------------------------------------------------------------


def _repeated(name: str, x: Tensor, counts: tuple[int, ...]) -> Tensor:
    shape = x._node.shape
    wide = (1,) * (len(counts) - len(shape)) + shape
    new_shape = tuple(n * k for n, k in zip(wide, counts))
    for n in new_shape:
        if n < 0:
            raise RuntimeError(
                f"Trying to create tensor with negative dimension {n}: {list(new_shape)}"
            )
    pairs = tuple(m for n, k in zip(wide, counts) for m in (k, n))
    ones = tuple(m for n in wide for m in (1, n))

    def tiled(node: Node) -> Node:
        return g.reshape(g.broadcast_to(g.reshape(node, ones), pairs), new_shape)

    return run(name, tiled, (x,))


def _counts(given: Sequence[Any]) -> tuple[int, ...]:
    found = given[0] if len(given) == 1 and not isinstance(given[0], int) else given
    return tuple([int(n) for n in found])


@op(function=False)
def repeat(input: Tensor, *repeats: Any) -> Tensor:
    """The whole tensor several times along each axis, new axes in front. Raises RuntimeError."""
    if not repeats:
        raise TypeError('repeat() missing 1 required positional arguments: "repeats"')
    counts = _counts(repeats)
    if len(counts) < len(input._node.shape):
        raise RuntimeError(
            "Number of dimensions of repeat dims can not be smaller than number of dimensions of "
            "tensor"
        )
    return _repeated("Repeat", input, counts)


@op()
def tile(input: Tensor, *dims: Any) -> Tensor:
    """The whole tensor several times along its last axes. Raises RuntimeError."""
    counts = _counts(dims)
    lead = len(input._node.shape) - len(counts)
    return _repeated("Repeat", input, (1,) * lead + counts)


@op()
def repeat_interleave(
    input: Tensor, repeats: Any = None, dim: int | None = None, *, output_size: int | None = None
) -> Tensor:
    """Each element several times, along an axis or of the flattened tensor; of counts alone, the
    index of each. Raises RuntimeError.
    """
    if repeats is None:
        if len(input._node.shape) != 1:
            raise RuntimeError("repeat_interleave only accept 1D vector as repeat")
        return new(placed(_spread(input, output_size), input._node.device))
    x = reshape(input, (-1,)) if dim is None else input
    a = axis(0 if dim is None else dim, len(x._node.shape))
    if isinstance(repeats, Tensor):
        return _interleaved(x, repeats, a, output_size)
    return _multiplied(x, int(repeats), a, output_size)


def _multiplied(x: Tensor, count: int, a: int, size: int | None) -> Tensor:
    if count < 0:
        raise RuntimeError("Repeats must be non-negative")
    shape = x._node.shape or (1,)
    total = shape[a] * count
    if size is not None and size != total:
        raise RuntimeError(
            f"repeat_interleave: Invalid output_size, expected {total} but got {size}"
        )
    spaced = unsqueeze(x, a + 1) if x._node.shape else x
    wide = expand(spaced, (*shape[: a + 1], count, *shape[a + 1 :]))
    return view(FUNCTIONS["clone"](wide), (*shape[:a], total, *shape[a + 1 :]))


def _interleaved(x: Tensor, repeats: Tensor, a: int, size: int | None) -> Tensor:
    shape = x._node.shape or (1,)
    if len(repeats._node.shape) > 1:
        raise RuntimeError("repeats must be 0-dim or 1-dim tensor")
    if repeats._node.size == 1:
        repeats = expand(reshape(repeats, (1,)), (shape[a],))
    if repeats._node.size != shape[a]:
        raise RuntimeError(
            "repeats must have the same size as input along dim, but got repeats.size(0) = "
            f"{repeats._node.size} and input.size({a}) = {shape[a]}"
        )
    index = new(placed(_spread(repeats, size), x._node.device))
    return FUNCTIONS["index_select"](x, a, index)  # type: ignore[no-any-return]


def _spread(repeats: Tensor, size: int | None) -> np.ndarray[Any, Any]:
    """Each index as often as counts say: asks for their values."""
    if repeats.dtype not in (_dtypes.int32, _dtypes.int64):
        refuse(repeats, "repeat_interleave_cpu")
    counts = value(repeats._read())
    if counts.size and counts.min() < 0:
        raise RuntimeError("repeats can not be negative")
    if size is not None and size != int(counts.sum()):
        raise RuntimeError("allocated size does not match required size")
    return np.repeat(np.arange(counts.size), counts).astype(repeats.dtype.numpy)
