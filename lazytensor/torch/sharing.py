"""Memory that processes share: a file without a name, mapped by each of them.

What enters: tensors and storages. What leaves: the same, on shared memory; it is exposed, since
other processes may write to it at any time. It must not know how a process hands it to another.
"""

import mmap
import os
from typing import Any
from weakref import finalize

import numpy as np

from ._dispatch import op
from ._host import is_cuda
from .storage import Storage
from .tensor import Tensor

__all__ = ["Block", "block", "is_shared", "share"]

# Where files live in memory, if there is such a place.
FOLDER = "/dev/shm" if os.path.isdir("/dev/shm") else None


class Block:
    """Some shared memory, with the descriptor of the file that it is mapped from, which is its own
    and closed with it.
    """

    def __init__(self, descriptor: int, size: int) -> None:
        self.descriptor = descriptor
        self.size = size
        self.map = mmap.mmap(descriptor, max(size, 1))
        finalize(self, os.close, descriptor)

    @classmethod
    def new(cls, size: int) -> "Block":
        """Zeros."""
        import tempfile

        with tempfile.TemporaryFile(dir=FOLDER) as file:
            file.truncate(max(size, 1))
            return cls(os.dup(file.fileno()), size)

    @property
    def __array_interface__(self) -> dict[str, Any]:
        address = np.frombuffer(self.map, np.uint8).__array_interface__["data"]
        return {"version": 3, "shape": (self.size,), "typestr": "|u1", "data": address}


def block(stor: Storage) -> Block | None:
    """The shared memory of a storage; None where it isn't shared."""
    found: Any = stor.memory
    while isinstance(found, np.ndarray):
        found = found.base
    return found if isinstance(found, Block) else None


def share(stor: Storage) -> Block:
    """The shared memory of a storage, which is moved there first if need be."""
    there = block(stor)
    if there is not None:
        return there
    before = stor.expose()
    made = Block.new(before.nbytes)
    flat = np.asarray(made).view(before.dtype)
    order = range(before.ndim) if stor.order is None else stor.order
    lines = flat.reshape([before.shape[a] for a in order])
    after = lines.transpose(np.argsort(np.asarray(order, int)))
    after[...] = before
    stor.memory = after
    stor.stamp += 1
    return made


@op(function=False)
def share_memory_(input: Tensor) -> Tensor:
    """Move the tensor's storage to memory that processes share, from the CPU's; returns the
    tensor.
    """
    if not is_cuda(input._node.device):
        share(input._share())
    return input


@op(function=False)
def is_shared(input: Tensor) -> bool:
    """Whether the tensor's storage is in memory that processes share, as that of devices is said
    to be.
    """
    if is_cuda(input._node.device):
        return True
    return input._stor is not None and block(input._stor) is not None
