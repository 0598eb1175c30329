"""Elements by masks, by places in the flattened tensor, and the places where something holds.

What enters: tensors, masks, indices. What leaves: tensors. It must not know how anything is
computed.
"""

from typing import Any

import numpy as np

from ..ir.node import Node
from ..lang import indices as nodes
from ..lang.indexing import coordinates
from ..ops import g
from . import _dtypes
from ._dispatch import FUNCTIONS, broadcast, need_tensor, op
from ._dtypes import bool_
from ._host import placed, value
from ._record import run
from .create import assign_out, new
from .parts import expand
from .scatter import filled, known, made, renewed, titled
from .tensor import Tensor, normal

__all__ = ["nonzero"]

# --- masks ----------------------------------------------------------------------------------------


@op(inplace=True, out=True)
def masked_fill(input: Tensor, mask: Tensor, value: Any) -> Tensor:
    """The tensor with one value where a mask holds, both broadcast. Raises RuntimeError."""
    x = need_tensor("masked_fill", input)
    if mask.dtype is not bool_:
        raise RuntimeError(
            "masked_fill_ only supports boolean masks, but got mask with dtype "
            f"{_C.get(mask.dtype, str(mask.dtype)[6:])}"
        )
    shape = broadcast(mask._node.shape, x._node.shape)
    x = x if x._node.shape == shape else expand(x, shape)
    held = mask._read()
    out = filled("MaskedFill", "masked_fill_", x, value, lambda m, v: g.where(held, v, m))
    out._strides = None
    return out


_C = {_dtypes.int64: "long int", _dtypes.int32: "int", _dtypes.uint8: "unsigned char",
      _dtypes.int8: "signed char", _dtypes.int16: "short int", _dtypes.float32: "float",
      _dtypes.float64: "double"}  # fmt: skip


@op(out="apart")
def masked_select(input: Tensor, mask: Tensor) -> Tensor:
    """The elements where a mask holds, along one axis; both are broadcast. Raises RuntimeError."""
    if mask.dtype is not bool_:
        raise RuntimeError("masked_select: expected BoolTensor for mask")
    shape = broadcast(input._node.shape, mask._node.shape)
    held = np.broadcast_to(value(mask._read()), shape)
    index = placed(np.flatnonzero(held), input._node.device)

    def selected(n: Node) -> Node:
        wide = n if n.shape == shape else g.broadcast_to(n, shape)
        return g.gather([g.reshape(wide, (wide.size,)), index])

    return run("MaskedSelect", selected, (input,))


@op(inplace=True, out=True)
def masked_scatter(input: Tensor, mask: Tensor, source: Tensor) -> Tensor:
    """The tensor with the first elements of `source`, in order, where a mask holds.

    Raises RuntimeError, at once where there are fewer elements than places.
    """
    x = input
    if x.dtype is not source.dtype:
        raise RuntimeError(
            "masked_scatter: expected self and source to have same dtypes but got"
            f"{titled(x)} and {titled(source)}"
        )
    if mask.dtype is not bool_:
        raise RuntimeError(
            "masked_scatter_ only supports boolean masks, but got mask with dtype "
            f"{titled(mask)}"
        )
    shape = broadcast(mask._node.shape, x._node.shape)
    held = g.broadcast_to(mask._read(), shape)
    if source._node.size < held.size and source._node.size < int(value(held).sum()):
        raise RuntimeError("Number of elements of source < number of ones in mask")
    x = x if x._node.shape == shape else expand(x, shape)
    empty = not source._node.size

    def written(n: Node, u: Node) -> Node:
        return g.reshape(n, shape) if empty else renewed(n, nodes.masked_scatter(n, held, u))

    return made("MaskedScatter", written, x, source)


# --- places in the flattened tensor ---------------------------------------------------------------


def _check_flat(name: str, x: Tensor, index: Tensor) -> None:
    if index.dtype is not _dtypes.int64:
        raise RuntimeError(
            f"{name}(): Expected a long tensor for index, but got {titled(index)}"
        )
    n = x._node.size
    text = f"out of range: tried to access index {{}} on a tensor of {n} elements."
    known(index, n, IndexError, text, -n)


@op(out="apart")
def take(input: Tensor, index: Tensor) -> Tensor:
    """Elements of the flattened tensor, shaped as the index. Raises IndexError, RuntimeError."""
    if index.dtype is _dtypes.int64 and not input._node.size and index._node.size:
        raise IndexError("take(): tried to take from an empty tensor")
    _check_flat("take", input, index)
    i = index._read()
    return run("Take", lambda n: nodes.take(n, i), (input,))


@op(inplace=True)
def put(input: Tensor, index: Tensor, source: Tensor, accumulate: bool = False) -> Tensor:
    """The tensor with values written, or added, at places of it flattened.

    Raises IndexError, RuntimeError.
    """
    if index.dtype is _dtypes.int64 and input.dtype is not source.dtype:
        raise RuntimeError(
            "put_(): self and source expected to have the same dtype, but got self.dtype = "
            f"{titled(input)} and source.dtype = {titled(source)}"
        )
    if index.dtype is _dtypes.int64 and source._node.size != index._node.size:
        raise IndexError(
            "put_(): Expected source and index to have the same number of elements, but got "
            f"source.numel() = {source._node.size}, index.numel() = {index._node.size}"
        )
    _check_flat("put_", input, index)
    i = index._read()
    return made("Put", lambda n, u: renewed(n, nodes.put(n, i, u, accumulate)), input, source)


# --- places where something holds -----------------------------------------------------------------


def _found(x: Tensor) -> np.ndarray[Any, Any]:
    """The coordinates, a row each, of the elements that aren't zero: asks for the value."""
    held = value(x._read())
    if not held.ndim:
        return np.zeros((int(bool(held)), 0), np.int64)
    return np.stack(coordinates(held), 0).T


@op()
def nonzero(input: Tensor, *, as_tuple: bool = False, out: Tensor | None = None) -> Any:
    """The coordinates of the elements that aren't zero: a row each, or a tensor for each axis.

    Raises TypeError for an output that is no tensor, RuntimeError for one with `as_tuple`.
    """
    x = need_tensor("nonzero", input)
    if out is not None:
        if not isinstance(out, Tensor):
            raise TypeError(f"nonzero(): argument 'out' must be Tensor, not {type(out).__name__}")
        if as_tuple:
            raise RuntimeError("nonzero does not support the out kwarg when as_tuple is True")
        return assign_out(out, nonzero(x))
    found, device = _found(x), x._node.device
    if as_tuple:
        columns = found.T if x._node.shape else np.zeros((1, len(found)), np.int64)
        return tuple([new(placed(np.ascontiguousarray(c), device)) for c in columns])
    made = new(placed(np.ascontiguousarray(found), device))
    made._strides = normal(found.shape, (1, max(len(found), 1)))
    return made


@op()
def argwhere(input: Tensor) -> Tensor:
    """The coordinates, a row each, of the elements that aren't zero."""
    return nonzero(input)  # type: ignore[no-any-return]


@op(out=True)
def nonzero_static(input: Tensor, *, size: int, fill_value: int = -1) -> Tensor:
    """The first coordinates of elements that aren't zero, filled up to `size` rows.

    Raises RuntimeError for a negative size.
    """
    if size < 0:
        raise RuntimeError("nonzero_static: 'size' must be an non-negative integer")
    found = _found(input)[:size]
    out = np.full((size, found.shape[1]), fill_value, np.int64)
    out[: len(found)] = found
    return new(placed(out, input._node.device))


for _name in ("masked_fill", "masked_scatter", "put"):
    del FUNCTIONS[_name + "_"]
