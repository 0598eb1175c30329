"""Tensors sent between CUDA devices, as `torch.cuda.comm` has it.

What enters: tensors, devices. What leaves: tensors on these. It must not know modules.
"""

from collections.abc import Sequence
from typing import Any

from .. import _types
from .._dispatch import FUNCTIONS
from ..tensor import Tensor

__all__ = ["broadcast", "broadcast_coalesced", "gather", "reduce_add", "scatter"]


def _place(where: Any) -> _types.device:
    if isinstance(where, int) and where < 0:
        return _types.CPU
    return _types.device("cuda", _types.cuda_index(where))


def broadcast(tensor: Tensor, devices: Sequence[Any]) -> tuple[Tensor, ...]:
    """The tensor on each device."""
    return tuple([tensor.to(_place(where)) for where in devices])


def broadcast_coalesced(
    tensors: Sequence[Tensor], devices: Sequence[Any], buffer_size: int = 0
) -> list[tuple[Tensor, ...]]:
    """All tensors on each device."""
    return [tuple([t.to(_place(where)) for t in tensors]) for where in devices]


def reduce_add(inputs: Sequence[Tensor], destination: Any = None) -> Tensor:
    """The sum of tensors of several devices, by default on the current one."""
    to = _place(destination)
    total: Tensor = inputs[0].to(to)
    for x in inputs[1:]:
        total = total + x.to(to)
    return total


def scatter(
    tensor: Tensor, devices: Sequence[Any], chunk_sizes: Sequence[int] | None = None, dim: int = 0
) -> tuple[Tensor, ...]:
    """The parts of a tensor along an axis, each on its device."""
    sizes = None if chunk_sizes is None else list(chunk_sizes)
    parts = tensor.chunk(len(devices), dim) if sizes is None else tensor.split(sizes, dim)
    return tuple([x.to(_place(where)) for x, where in zip(parts, devices, strict=False)])


def gather(tensors: Sequence[Tensor], dim: int = 0, destination: Any = None) -> Tensor:
    """Tensors of several devices joined along an axis, by default on the current one."""
    to = _place(destination)
    return FUNCTIONS["cat"]([x.to(to) for x in tensors], dim)  # type: ignore[no-any-return]
