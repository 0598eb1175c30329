"""How tensors and storages go to other processes: by handles on shared memory.

What enters: tensors that the standard library pickles for a process. What leaves: tensors over the
same memory there. It must not know processes.
"""

from multiprocessing.reduction import DupFd, ForkingPickler
from typing import Any

import numpy as np

from .._dtypes import dtype
from .._untyped import UntypedStorage, untyped_storage
from ..create import from_numpy
from ..nn.parameter import Buffer, Parameter
from ..sharing import Block, share
from ..tensor import Tensor

__all__ = ["reduce_tensor"]

Handle = tuple[Any, int]


def _handle(block: Block) -> Handle:
    return DupFd(block.descriptor), block.size


def _opened(handle: Handle) -> Block:
    descriptor, size = handle
    return Block(descriptor.detach(), size)


def reduce_tensor(x: Tensor) -> tuple[Any, tuple[Any, ...]]:
    """A function and its arguments that make the tensor in another process, over the same memory,
    which is moved to where processes share it. Raises RuntimeError for a tensor with a history.
    """
    if x.requires_grad and not x.is_leaf:
        raise RuntimeError(
            "Cowardly refusing to serialize non-leaf tensor which requires_grad, since autograd "
            "does not support crossing process boundaries.  If you just want to transfer the data, "
            "call detach() on the tensor before serializing (e.g., putting it on the queue)."
        )
    if x.is_cuda:
        return _rebuilt_there, (type(x), x.detach().cpu(), str(x.device), x.requires_grad)
    place = tuple(x.shape), tuple(x._stride()), x._offset
    return _rebuilt, (type(x), _handle(share(x._share())), x.dtype, *place, x.requires_grad)


def _rebuilt_there(cls: type, x: Any, device: str, requires_grad: bool) -> Any:
    """A copy on a CUDA device: of its memory nothing is shared."""
    there = x.to(device)
    if issubclass(cls, Parameter):
        return cls(there, requires_grad)
    there.requires_grad = requires_grad
    return there if cls is Tensor else there.as_subclass(cls)


def _rebuilt(
    cls: type,
    handle: Handle,
    of: dtype,
    shape: tuple[int, ...],
    strides: tuple[int, ...],
    offset: int,
    requires_grad: bool,
) -> Tensor:
    item = of.itemsize
    steps = [s * item for s in strides]
    memory = np.asarray(_opened(handle))
    x = from_numpy(np.ndarray(shape, of.numpy, memory, offset * item, steps))
    if issubclass(cls, Parameter):
        return cls(x, requires_grad)
    x.requires_grad = requires_grad
    return x if cls is Tensor else x.as_subclass(cls)


def _reduce_storage(storage: UntypedStorage) -> tuple[Any, tuple[Any, ...]]:
    return _rebuilt_storage, (_handle(share(storage._stor)),)


def _rebuilt_storage(handle: Handle) -> UntypedStorage:
    return untyped_storage(from_numpy(np.asarray(_opened(handle))))


for _cls in (Tensor, Parameter, Buffer):
    ForkingPickler.register(_cls, reduce_tensor)
ForkingPickler.register(UntypedStorage, _reduce_storage)
