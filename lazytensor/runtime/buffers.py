"""Buffers: a pool of large blocks of memory, reused when nothing refers to them any more.

What enters: shapes and dtypes. What leaves: uninitialised arrays. A block is free when the pool
alone holds it: results, their views and whatever was exported (DLPack, `__array__`) all hold their
block, so memory that anyone can see is never handed out again.
"""

import os
import sys
import threading
from typing import Any

import numpy as np

from .._base import config
from .._base.dtypes import DType
from .._base.shapes import Shape, prod
from ..ir.graph import COUNTED
from .counters import COUNTERS

# Below this many bytes NumPy's own cache of small blocks is quicker.
POOLED = 1 << 18


class Pool:
    """Blocks of uint8 by size class; each class is a list, newest last."""

    def __init__(self) -> None:
        self._blocks: dict[int, list[np.ndarray[Any, Any]]] = {}
        self._lock = threading.Lock()

    def forked(self) -> None:
        """In a child process: whoever held the lock is not there."""
        self._lock = threading.Lock()

    def take(self, nbytes: int) -> np.ndarray[Any, Any]:
        """A block of at least that many bytes. Raises MemoryError when there is none to be had."""
        size = _size_class(nbytes)
        with self._lock:
            blocks = self._blocks.setdefault(size, [])
            block: np.ndarray[Any, Any]
            for block in reversed(blocks):
                if COUNTED and sys.getrefcount(block) <= _FREE:
                    return block
            block = self._new(size)
            if self.held() + size <= config.get("pool_bytes"):
                blocks.append(block)
            else:
                self._drop_free()
            return block

    def _new(self, size: int) -> np.ndarray[Any, Any]:
        try:
            return np.empty(size, np.uint8)
        except MemoryError:
            self._drop_free()
            return np.empty(size, np.uint8)

    def _drop_free(self) -> None:
        for size, blocks in self._blocks.items():
            self._blocks[size] = [b for b in blocks if sys.getrefcount(b) > _FREE]

    def held(self) -> int:
        """Bytes of all blocks, in use or free."""
        return sum(size * len(blocks) for size, blocks in self._blocks.items())

    def free(self) -> int:
        """Bytes of blocks that nothing uses."""
        return sum(
            size
            for size, blocks in self._blocks.items()
            for b in blocks
            if sys.getrefcount(b) <= _FREE
        )

    def clear(self) -> None:
        """Give free blocks back to the system."""
        with self._lock:
            self._drop_free()


def _size_class(nbytes: int) -> int:
    """Rounded up to one of eight steps between powers of two, so that at most an eighth
    is wasted.
    """
    step = max(4096, 1 << max(0, nbytes.bit_length() - 4))
    return -(-nbytes // step) * step


def _free_references() -> int:
    blocks = [np.empty(1, np.uint8)]
    return [sys.getrefcount(block) for block in reversed(blocks)][0]


_FREE = _free_references()
POOL = Pool()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=POOL.forked)


def empty(shape: Shape, dtype: DType) -> np.ndarray[Any, Any]:
    """An uninitialised C-contiguous array, aligned to 64 bytes when it is large. Raises
    MemoryError.
    """
    nbytes = prod(shape) * dtype.itemsize
    COUNTERS.bytes += nbytes
    if nbytes < POOLED:
        return np.empty(shape, dtype)
    block = POOL.take(nbytes + 64)
    start = -block.ctypes.data % 64
    return block[start : start + nbytes].view(dtype).reshape(shape)


def memory_stats() -> dict[str, int]:
    """Bytes of the pool of large buffers: `held` in all, `free` of them, and its `cap`.

    >>> sorted(lazytensor.memory_stats())
    ['cap', 'free', 'held']
    """
    return {"held": POOL.held(), "free": POOL.free(), "cap": config.get("pool_bytes")}
