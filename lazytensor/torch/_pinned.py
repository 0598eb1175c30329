"""Tensors in pinned memory, which devices copy from without waiting.

What enters: tensors on the CPU. What leaves: the same, with their elements there. RuntimeError
where there is no device to copy them.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from .._base.devices import cuda_devices
from ._driver import driver
from ._host import is_cuda, value
from .tensor import Tensor

__all__ = ["pin", "pinning"]


def pin(x: Tensor) -> Tensor:
    """The tensor itself, whose memory nothing else has, with its elements in pinned memory."""
    stor = x._share()
    node = stor.whole()
    node.value = driver().pin(value(node))
    stor.pinned = True
    return x


def pinning(made: Callable[..., Any]) -> Callable[..., Any]:
    """A function that makes a tensor, which does so in pinned memory if it is asked to."""

    @wraps(made)
    def public(*args: Any, pin_memory: bool = False, **kwargs: Any) -> Any:
        if not pin_memory:
            return made(*args, **kwargs)
        if not cuda_devices():
            raise RuntimeError(_NO_DEVICE)
        out = made(*args, **kwargs)
        if is_cuda(out._node.device):
            raise RuntimeError("Only dense CPU tensors can be pinned")
        return pin(out)

    return public


_NO_DEVICE = (
    "pin_memory=True requires a CUDA or other accelerator backend; no pinned memory allocator is "
    "available on this system."
)
