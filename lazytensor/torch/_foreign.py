"""Other libraries' arrays on GPUs, by DLPack or `__cuda_array_interface__`.

What enters: objects of any kind. What leaves: tensors over their memory, where they are. It must
not know how any of it is computed.
"""

from typing import Any

from .._base.devices import NO_GPU
from .._base.dtypes import canonical
from ..ir.node import known
from ..runtime import gpus
from . import _types
from .tensor import Tensor, wrap

__all__ = ["on_gpu", "over_gpu"]

_CUDA = 2  # DLPack's number


def on_gpu(x: Any) -> bool:
    """Whether another library's array is on a GPU."""
    where = getattr(x, "__dlpack_device__", None)
    if where is None:
        return hasattr(x, "__cuda_array_interface__")
    return bool(where()[0] == _CUDA)


def over_gpu(x: Any, copy: bool | None = None) -> Tensor:
    """A tensor over the memory of another library's array on a GPU, which is read when kernels run
    that read it, or of a copy. Raises BufferError where there are no GPUs.
    """
    if not gpus.count():
        raise BufferError(f"the array is on a GPU, and {NO_GPU}")
    found = gpus.loaded().foreign(x)
    held = gpus.loaded().copy(found) if copy else found
    here = _types.node_device(_types.device("cuda", found.device.id))
    return wrap(known(held, canonical(found.dtype), here))
