"""Other libraries' arrays on GPUs, by DLPack or `__cuda_array_interface__`.

What enters: objects of any kind. What leaves: tensors over their memory, where they are. It must
not know how any of it is computed.
"""

import ctypes
from typing import Any

from .._base.devices import NO_GPU
from .._base.dtypes import canonical
from ..ir.node import known
from ..runtime import gpus
from . import _types
from .tensor import Tensor, wrap

__all__ = ["Capsule", "is_capsule", "lent", "on_gpu", "over_gpu"]

_CUDA = 2  # DLPack's number
# Where tensors in capsules of either kind say what device they are on.
_PLACES = {b"dltensor": 8, b"dltensor_versioned": 40}
_inside = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(
    ("PyCapsule_GetPointer", ctypes.pythonapi)
)
_is_one = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.py_object, ctypes.c_char_p)(
    ("PyCapsule_IsValid", ctypes.pythonapi)
)


def is_capsule(x: Any) -> bool:
    """Whether something is a capsule, of whatever kind."""
    return type(x).__name__ == "PyCapsule"


class Capsule:
    """A DLPack capsule as the object that libraries ask for one."""

    def __init__(self, capsule: Any) -> None:
        self._capsule = capsule

    def __dlpack__(self, **_: Any) -> Any:
        return self._capsule

    def __dlpack_device__(self) -> tuple[int, int]:
        """Where its tensor is; the CPU for one without, which whoever takes it refuses."""
        for name, place in _PLACES.items():
            if _is_one(self._capsule, name):
                found = _inside(self._capsule, name) + place
                kind, number = (ctypes.c_int32 * 2).from_address(found)
                return kind, number
        return 1, 0


def on_gpu(x: Any) -> bool:
    """Whether another library's array is on a GPU."""
    where = getattr(x, "__dlpack_device__", None)
    if where is None:
        return hasattr(x, "__cuda_array_interface__")
    return bool(where()[0] == _CUDA)


def lent(x: Tensor) -> Tensor:
    """The tensor, if other libraries may have its memory. Raises BufferError where it needs a
    gradient.
    """
    if x.requires_grad:
        raise BufferError("Can't export tensors that require gradient, use tensor.detach()")
    return x


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
