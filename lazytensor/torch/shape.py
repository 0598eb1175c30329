"""Elements moved: rolled, flipped and turned tensors, triangles, diagonals, parts replaced; views'
copies; other sizes in place.

What enters: tensors, axes and sizes. What leaves: tensors, or PyTorch's errors. It must not know
how anything is computed.
"""

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np

from ..ir.node import Node, leaf
from ..lang import movement
from ..lang import views as nodes
from ..ops import g
from . import _dtypes, complexes, orders, parts, views
from ._calls import refuse
from ._dispatch import FUNCTIONS, op
from ._dtypes import dtype
from ._graph import grad_fn_class
from ._host import beside, placed
from ._record import cast, noted, run, to_dtype
from ._strides import dense
from .create import new, place
from .tensor import Ints, Tensor, contiguous, is_contiguous, normal, wrap
from .views import axes_of, axis, reshape

__all__ = ["copied"]


def _made(name: str, f: Callable[..., Node], *tensors: Tensor) -> Tensor:
    """`run` with the result lying in memory as the first tensor does."""
    out = run(name, f, tensors)
    out._strides = dense(tensors[0])
    return out


# --- rolled, flipped, turned ----------------------------------------------------------------------


def _several(given: Any) -> tuple[int, ...]:
    return (given,) if isinstance(given, int) else tuple(given)


@op()
def roll(input: Tensor, shifts: Any, dims: Any = ()) -> Tensor:
    """Elements moved along axes, those that leave coming in again; flattened without axes.

    Raises RuntimeError.
    """
    by, along = _several(shifts), _several(dims)
    if not by:
        raise RuntimeError("`shifts` required")
    if len(by) != len(along) and (along or len(by) != 1):
        raise RuntimeError(
            f"shifts and dimensions must align. shifts: {len(by)}, dims:{len(along)}"
        )
    if not along:
        if input._node.shape == (0,):
            return _made("Roll", _same, input)
        return run("Roll", lambda n: movement.roll(n, by[0], None), (input,))
    ndim = len(input._node.shape)
    if not ndim:
        raise IndexError(f"Dimension specified as {along[0]} but tensor has no dimensions")
    axes = tuple([axis(d, ndim) for d in along])
    return run("Roll", lambda n: movement.roll(n, by, axes), (input,))


def _same(x: Node) -> Node:
    return g.reshape(x, x.shape)


@op()
def flip(input: Tensor, *args: Any, dims: Any = None) -> Tensor:
    """The elements in reverse order along axes. Raises IndexError, RuntimeError for repeats."""
    given = dims if dims is not None else args
    if dims is None and len(args) == 1 and not isinstance(args[0], int):
        given = args[0]
    axes = axes_of(given, len(input._node.shape))
    flipped = axes and input._node.shape
    made = _made("Flip", lambda n: movement.flip(n, axes) if flipped else _same(n), input)
    return noted(made, dims=axes)  # type: ignore[no-any-return]


@op()
def fliplr(input: Tensor) -> Tensor:
    """Columns in reverse order. Raises RuntimeError for fewer than two axes."""
    if len(input._node.shape) < 2:
        raise RuntimeError("Input must be >= 2-d.")
    return flip(input, 1)


@op()
def flipud(input: Tensor) -> Tensor:
    """Rows in reverse order. Raises RuntimeError for a tensor without axes."""
    if not input._node.shape:
        raise RuntimeError("Input must be >= 1-d.")
    return flip(input, 0)


@op()
def rot90(input: Tensor, k: int = 1, dims: Any = (0, 1)) -> Tensor:
    """Turned k quarters in the plane of two axes. Raises RuntimeError, IndexError."""
    ndim, plane = len(input._node.shape), tuple(dims)
    if len(plane) != 2:
        raise RuntimeError(f"expected total rotation dims == 2, but got dims = {len(plane)}")
    if ndim < 2:
        raise RuntimeError(f"expected total dims >= 2, but got total dims = {ndim}")
    if plane[0] == plane[1] or abs(plane[0] - plane[1]) == ndim:
        raise RuntimeError(
            f"expected rotation dims to be different, but got dim0 = {plane[0]} and dim1 = "
            f"{plane[1]}"
        )
    a, b = axis(plane[0], ndim), axis(plane[1], ndim)
    out = run("Rot90", lambda n: nodes.rot90(n, k, (a, b)) if k % 4 else _same(n), (input,))
    strides = list(wrap(input._node, strides=dense(input))._stride())
    if k % 2:
        strides[a], strides[b] = strides[b], strides[a]
    out._strides = normal(out._node.shape, tuple(strides)) if k % 4 else None
    return out


# --- triangles, diagonals -------------------------------------------------------------------------


@op(inplace=True, out=True)
def tril(input: Tensor, diagonal: int = 0) -> Tensor:
    """Matrices with zeros above a diagonal. Raises RuntimeError for fewer than two axes."""
    return run("Tril", lambda n: nodes.tril(n, diagonal), (input,))


@op(inplace=True, out=True)
def triu(input: Tensor, diagonal: int = 0) -> Tensor:
    """Matrices with zeros below a diagonal. Raises RuntimeError for fewer than two axes."""
    return run("Triu", lambda n: nodes.triu(n, diagonal), (input,))


def _triangle(name: str, of: Callable[..., Any]) -> None:
    def function(
        row: int, col: int, offset: int = 0, *, dtype: dtype | None = None, layout: Any = None,
        device: Any = None, pin_memory: bool = False,
    ) -> Tensor:  # fmt: skip
        for what, n in (("row", row), ("col", col)):
            if n < 0:
                raise RuntimeError(f"{what} must be non-negative, got{n}")
        to = _dtypes.int64 if dtype is None else dtype
        if to not in (_dtypes.int64, _dtypes.int32):
            refuse(to, name)
        found = np.stack(of(row, offset, col)).astype(to.numpy)
        return new(placed(found, place(device)), to)

    function.__doc__ = f"Rows and columns of the elements of a triangle, as `{name}` has them."
    op(name, method=False)(function)


_triangle("tril_indices", np.tril_indices)
_triangle("triu_indices", np.triu_indices)


@op(out=True)
def diag_embed(input: Tensor, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """Zeros with the last axis along a diagonal of two new axes. Raises IndexError,
    RuntimeError.
    """
    ndim = len(input._node.shape) + 1
    a, b = axis(dim1, ndim), axis(dim2, ndim)
    if a == b:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    return run("DiagEmbed", lambda n: nodes.diag_embed(n, offset, a, b), (input,))


@op(out=True)
def diag(input: Tensor, diagonal: int = 0) -> Tensor:
    """A matrix with a vector on a diagonal, or the diagonal of a matrix. Raises RuntimeError."""
    ndim = len(input._node.shape)
    if ndim not in (1, 2):
        raise RuntimeError(f"diag(): Supports 1D or 2D tensors. Got {ndim}D")
    if ndim == 1:
        return diag_embed(input, diagonal)
    return copied(parts.diagonal(input, diagonal))


@op()
def diagflat(input: Tensor, offset: int = 0) -> Tensor:
    """A matrix with all elements on a diagonal."""
    return diag_embed(reshape(input, (-1,)), offset)


# --- a part replaced ------------------------------------------------------------------------------


@op(out=True)
def diagonal_scatter(
    input: Tensor, src: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1
) -> Tensor:
    """The tensor with `src` for a diagonal. Raises IndexError, RuntimeError."""
    ndim, of = len(input._node.shape), input.dtype
    a, b = axis(dim1, ndim), axis(dim2, ndim)

    def written(x: Node, u: Node) -> Node:
        return nodes.diagonal_scatter(x, cast(u, of), offset, a, b)

    return _made("DiagonalScatter", written, input, src)


@op(out=True)
def select_scatter(input: Tensor, src: Tensor, dim: int, index: int) -> Tensor:
    """The tensor with `src` for one element of an axis. Raises IndexError, RuntimeError."""
    a, of = axis(dim, len(input._node.shape)), input.dtype

    def written(x: Node, u: Node) -> Node:
        return nodes.select_scatter(x, cast(u, of), a, index)

    return _made("SelectScatter", written, input, src)


@op(out=True)
def slice_scatter(
    input: Tensor, src: Tensor, dim: int = 0, start: Any = None, end: Any = None, step: int = 1
) -> Tensor:
    """The tensor with `src` for a slice. Raises IndexError, RuntimeError."""
    a, of = axis(dim, len(input._node.shape)), input.dtype

    def written(x: Node, u: Node) -> Node:
        out = nodes.slice_scatter(x, cast(u, of), a, start, end, step)
        return _same(x) if out is x else out

    return _made("SliceScatter", written, input, src)


@op(out=True)
def as_strided_scatter(
    input: Tensor, src: Tensor, size: Any, stride: Any, storage_offset: int | None = None
) -> Tensor:
    """The tensor with `src` for a strided part of its memory. Raises RuntimeError."""
    shape, of = tuple(size), input.dtype
    if src._node.shape != shape:
        raise RuntimeError(
            "expected src to have a size equal to the slice of self. src size = "
            f"{list(src._node.shape)}, slice size = {list(shape)}"
        )
    if input.requires_grad and input._strides is not None and not is_contiguous(
        input._node.shape, input._strides
    ):
        raise RuntimeError(
            "!self.requires_grad() || self.is_contiguous() INTERNAL ASSERT FAILED: "
            "as_strided_scatter is currently only supported for contiguous inputs"
        )
    offset = input._offset if storage_offset is None else storage_offset
    parts.check_strided(input, shape, tuple(stride), offset)
    index = parts.within(input, leaf(nodes.strided_places(shape, stride, offset)))
    flat = g.reshape(index, (index.size,))

    def written(x: Node, u: Node) -> Node:
        lines = g.reshape(x, (x.size,)), g.reshape(cast(u, of), (u.size,))
        return g.reshape(g.scatter([*lines, beside(flat, x)]), x.shape)

    out = _made("AsStridedScatter", written, input, src)
    return noted(out, part=(shape, tuple(stride), offset))  # type: ignore[no-any-return]


# --- views' copies --------------------------------------------------------------------------------


def copied(x: Tensor) -> Tensor:
    """A copy of a new view, recorded as such."""
    node = x._node
    out = wrap(_same(node), x.dtype)
    fn = x._fn
    if fn is not None and fn.inputs is not None:
        named = grad_fn_class(type(fn).__name__.removesuffix("_copy") + "_copy")
        out._fn = named(fn.edges, fn.inputs, (out._node,))
    return out


def _copy_form(name: str, view: Callable[..., Any]) -> None:
    def function(input: Tensor, *args: Any, **kwargs: Any) -> Any:
        found = view(input, *args, **kwargs)
        if not isinstance(found, tuple):
            return copied(found)
        return tuple([copied(x) for x in found])

    function.__doc__ = f"`{name}`, copied to its own memory."
    op(f"{name}_copy", method=False, out=True)(function)


def _slice(
    input: Tensor, dim: int = 0, start: Any = None, end: Any = None, step: int = 1
) -> Tensor:
    return parts.cut(input, axis(dim, len(input._node.shape)), slice(start, end, step))


def _view(input: Tensor, size: Any) -> Tensor:
    return views.view(input, size)


for _name, _f in (
    ("alias", views.alias_of), ("as_strided", parts.as_strided), ("detach", views.detach),
    ("diagonal", parts.diagonal), ("expand", parts.expand), ("permute", orders.permute),
    ("select", parts.select), ("slice", _slice), ("split", parts.split),
    ("split_with_sizes", parts.split_with_sizes), ("squeeze", views.squeeze), ("t", orders.t),
    ("transpose", orders.transpose), ("unbind", parts.unbind), ("unfold", parts.unfold),
    ("unsqueeze", views.unsqueeze), ("view", _view), ("view_as_complex", complexes.view_as_complex),
    ("view_as_real", complexes.view_as_real),
):  # fmt: skip
    _copy_form(_name, _f)


@op(out=True)
def narrow_copy(input: Tensor, dim: int, start: int, length: int) -> Tensor:
    """`narrow`, copied to its own memory. Raises RuntimeError for axes and lengths."""
    shape = input._node.shape
    if shape and dim >= len(shape):
        raise RuntimeError(
            "Expected dim < static_cast<int64_t>(self_sizes.size()) to be true, but got false.  "
            "(Could this error message be improved?  If so, please report an enhancement request "
            "to PyTorch.)"
        )
    if shape and length < 0:
        size = shape[axis(dim, len(shape))]
        raise RuntimeError(
            f"start ({start}) + length ({length}) exceeds dimension size ({size})."
        )
    view = parts.narrow(input, dim, start, length)
    out = wrap(_same(view._node), input.dtype)
    if view._fn is not None and view._fn.inputs is not None:
        named = grad_fn_class("NarrowCopyBackward0")
        out._fn = named(view._fn.edges, view._fn.inputs, (out._node,))
    return out


def _unsafe(name: str, f: Callable[..., tuple[Tensor, ...]]) -> None:
    def function(input: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, ...]:
        return _apart(f(input, *args, **kwargs))

    function.__doc__ = f"`{name}`, of pieces that may be written to without others noticing."
    op(f"unsafe_{name}")(function)


def _apart(found: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """New pieces of a tensor, which share its memory without its being told of writes."""
    old = found[0]._fn if found else None
    new = None
    if old is not None and old.inputs is not None:
        new = grad_fn_class("Unsafe" + type(old).__name__)(old.edges, old.inputs, old.outputs)
        new.__dict__.update(old.__dict__)
    for x in found:
        x._base, x._counter, x._origin, x._fn = None, [0], "", new
    return found


_unsafe("split", parts.split)
_unsafe("split_with_sizes", parts.split_with_sizes)
_unsafe("chunk", parts.chunk)


# --- other sizes in place -------------------------------------------------------------------------


def _sized(x: Tensor, sizes: Ints) -> Tensor:
    if x.requires_grad:
        raise RuntimeError("cannot resize variables that require grad")
    for n in sizes:
        if n < 0:
            raise RuntimeError("numel: integer multiplication overflow")
    if sizes == x._node.shape:
        return x
    stor = x._share()
    have, needed = stor.node.size, x._offset + prod(sizes)
    if needed > have:
        flat = g.reshape(x._read(), (x._node.size,))
        more = g.broadcast_to(g.constant(0, flat), (prod(sizes) - flat.size,))
        x._node, x._stor, x._steps = g.reshape(g.concat([flat, more], 0), sizes), None, ()
        x._strides, x._offset = None, 0
        return x
    views.become(x, parts.strided("AsStrided", x, sizes, contiguous(sizes), x._offset))
    return x


@op(function=False)
def resize_(input: Tensor, *sizes: Any, memory_format: Any = None) -> Tensor:
    """Other sizes over the same memory, or over new memory where there is too little; what is new
    there is zero. Raises RuntimeError for a tensor that needs a gradient.
    """
    out = _sized(input, views.sizes_of(sizes, "resize_"))
    if memory_format is not None:
        out._strides = views.formatted(memory_format, out._node.shape)
    return out


@op()
def resize_as_(input: Tensor, the_template: Tensor, *, memory_format: Any = None) -> Tensor:
    """`resize_` to the sizes of another."""
    return resize_(input, tuple(the_template._node.shape), memory_format=memory_format)


@op(function=False)
def resize(input: Tensor, *sizes: Any) -> Tensor:
    """The elements in another shape of as many. Raises RuntimeError."""
    shape = views.sizes_of(sizes, "resize")
    own = input._node.shape
    if prod(shape) != input._node.size:
        raise RuntimeError(
            f"requested resize to {_times(shape)} ({prod(shape)} elements in total), but the given "
            f"tensor has a size of {_times(own)} ({input._node.size} elements). autograd's resize "
            "can only change the shape of a given tensor, while preserving the number of elements. "
        )
    out = reshape(input, shape)
    fn = out._fn
    if fn is not None and fn.inputs is not None:
        out._fn = grad_fn_class("ResizeBackward")(fn.edges, fn.inputs, fn.outputs)
    return out


def _times(sizes: Sequence[int]) -> str:
    return "x".join(map(str, sizes))


@op(function=False)
def resize_as(input: Tensor, tensor: Tensor) -> Tensor:
    """`resize` to the sizes of another."""
    return resize(input, tuple(tensor._node.shape))


@op(method=False)
def unravel_index(indices: Tensor, shape: Any) -> tuple[Tensor, ...]:
    """The coordinates, in an array of a shape, of places in it flattened. Raises TypeError."""
    if not isinstance(indices, Tensor):
        raise TypeError(f"expected 'indices' to be a tensor, but got {type(indices).__name__}")
    if indices.dtype._rank != 1:
        raise TypeError(f"expected 'indices' to be integer dtype, but got {indices.dtype}")
    sizes = _several(shape)
    if any(n < 0 for n in sizes):
        raise ValueError(f"'shape' cannot have negative values, but got {tuple(sizes)}")
    if not sizes:
        return ()
    steps = [prod(sizes[i + 1 :]) for i in range(len(sizes))]

    def coordinates(n: Node) -> Node:
        found = [g.remainder(g.floor_divide(n, s), k) for s, k in zip(steps, sizes)]
        return g.concat([g.reshape(c, (*n.shape, 1)) for c in found], n.ndim)

    return parts.unbind(run("", coordinates, (to_dtype(indices, _dtypes.int64),)), -1)


for _name in ("tril", "triu"):
    del FUNCTIONS[_name + "_"]
