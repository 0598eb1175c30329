"""Operations that stand alone: sums down to a size, hashes, diagonals, Python functions of
elements.

What enters: tensors. What leaves: tensors, or the tensor written to. It must not know how anything
is computed.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from ._calls import refuse
from ._dispatch import FUNCTIONS, need_tensor, op
from ._host import placed, value
from ._record import to_dtype
from ._types import memory_format
from .create import from_array
from .reduce import dims
from .tensor import Tensor, wrap
from .views import sizes_of

__all__: list[str] = []

BITS = np.dtype(np.uint64)


@op(function=False)
def sum_to_size(input: Tensor, *size: Any) -> Tensor:
    """The sum that a tensor of a size, broadcast to this one, gets as its gradient.

    Raises RuntimeError for a size that doesn't broadcast.
    """
    x: Any = input
    wanted, own = sizes_of(size, "sum_to_size"), x._node.shape
    lead = len(own) - len(wanted)
    if lead < 0 or any(n not in (1, m) for n, m in zip(wanted, own[lead:])):
        raise RuntimeError(
            f"size {{{list(wanted)}}} is not expandable to size {{{list(own)}}}."
        )
    if not wanted:
        return x.sum()  # type: ignore[no-any-return]
    axes = [a for a, m in enumerate(own) if a < lead or (wanted[a - lead] == 1 and m != 1)]
    out = x.sum(axes, True) if axes else x
    return out.view(wanted) if lead else out  # type: ignore[no-any-return]


@op(out=True)
def hash_tensor(
    input: Tensor, dim: Any = (), *, keepdim: bool = False, mode: int = 0
) -> Tensor:
    """The exclusive or of the elements' bits over axes, floating-point ones as doubles; uint64.

    Raises RuntimeError for modes and where there is nothing, NotImplementedError for complex ones.
    """
    x = need_tensor("hash_tensor", input)
    if mode != 0:
        raise RuntimeError(f"Unknown hash_tensor mode: {mode}")
    refuse(x, "xor_sum_cpu", "3")
    axes = dims(dim, x.ndim)
    if not x._node.size and not dim and dim != 0:
        raise RuntimeError(
            "hash_tensor: Expected reduction dim to be specified for input.numel() == 0. Specify "
            "the reduction dim with the 'dim' argument."
        )
    data = np.asarray(value(x._read()))
    wide = data.astype(np.float64).view(BITS) if x.dtype._rank == 2 else data.astype(BITS)
    whole: Any = np.bitwise_xor.reduce(wide, axis=axes, keepdims=True) if x.ndim else wide
    found = whole if keepdim else np.squeeze(whole, axes) if x.ndim else wide
    return wrap(placed(np.asarray(found), x._node.device))


# --- written in place -----------------------------------------------------------------------------


@op(function=False)
def fill_diagonal_(input: Tensor, fill_value: Any, wrap: bool = False) -> Tensor:
    """One value on the main diagonal, with `wrap` on those below it too; in place.

    Raises RuntimeError for vectors, and where more than two axes are not of one length.
    """
    x: Any = need_tensor("fill_diagonal_", input)
    shape = x._node.shape
    if len(shape) < 2:
        raise RuntimeError("dimensions must larger than 1")
    if len(shape) > 2 and len(set(shape)) > 1:
        raise RuntimeError("all dimensions of input must be of equal length")
    step = sum(x.stride())
    short = min(shape)
    x.as_strided((short,), (step,)).fill_(fill_value)
    rows, columns = shape[0], shape[-1]
    start = columns + 1
    while wrap and len(shape) == 2 and start < rows:
        count = min(rows - start, columns)
        x.narrow(0, start, rows - start).diagonal()[:count].fill_(fill_value)
        start += columns + 1
    return x  # type: ignore[no-any-return]


def _detached(name: str, *tensors: Tensor) -> None:
    if any(t.requires_grad for t in tensors):
        raise RuntimeError(
            f"Can't call {name}() on Variable that requires grad. Use var.detach().{name}() "
            "instead."
        )


def _written(x: Any, numbers: list[Any]) -> Tensor:
    found = np.array(numbers, dtype=x.dtype.numpy).reshape(x._node.shape)
    x.copy_(from_array(found, x.dtype, x.device))
    return x  # type: ignore[no-any-return]


@op(function=False)
def apply_(input: Tensor, callable: Callable[[Any], Any]) -> Tensor:
    """Each element replaced by what a Python function gives for it. Raises RuntimeError where it
    requires a gradient.
    """
    _detached("apply_", input)
    return _written(input, [callable(v) for v in FUNCTIONS["ravel"](input).tolist()])


@op(function=False)
def map_(input: Tensor, tensor: Tensor, callable: Callable[[Any, Any], Any]) -> Tensor:
    """Each element replaced by what a Python function gives for it and another tensor's, which is
    broadcast. Raises RuntimeError where one requires a gradient.
    """
    _detached("map_", input, tensor)
    other = FUNCTIONS["broadcast_to"](tensor, input._node.shape)
    pairs = zip(FUNCTIONS["ravel"](input).tolist(), FUNCTIONS["ravel"](other).tolist())
    return _written(input, [callable(a, b) for a, b in pairs])


# --- what can be asked ----------------------------------------------------------------------------


@op(function=False)
def dim_order(
    input: Tensor, *, ambiguity_check: bool | list[memory_format] = False
) -> tuple[int, ...]:
    """The axes in the order in which they lie in memory, the outermost first."""
    if ambiguity_check is not False:
        raise NotImplementedError("dim_order: ambiguity_check is not supported")
    strides = input._stride()
    return tuple(sorted(range(len(strides)), key=lambda a: (-strides[a], a)))


@op(method=False)
def is_inference(input: Tensor) -> bool:
    """Whether a tensor was made in inference mode."""
    return bool(need_tensor("is_inference", input)._inference)


@op(function=False)
def sparse_dim(input: Tensor) -> int:
    """How many axes are sparse: none."""
    return 0


@op(function=False)
def dense_dim(input: Tensor) -> int:
    """How many axes are dense: all."""
    return input.ndim


@op(function=False)
def to_dense(input: Tensor, dtype: Any = None, *, masked_grad: Any = None) -> Any:
    """The tensor, which is dense, in another dtype if given."""
    return input if dtype is None else to_dtype(input, dtype)
