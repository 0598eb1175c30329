"""Arrays at the edge of memory that may be touched: who reads or writes beyond is killed.

What enters: arrays of any layout. What leaves: copies that lie alike, with all elements between
two pages without access, at the end or at the beginning, and whether what is beside them has
changed.
"""

import ctypes
import mmap
from typing import Any

import numpy as np
import pytest


def _room(nbytes: int, at_end: bool) -> tuple[Any, int]:
    """Memory between two such pages, and where in it to begin."""
    page = mmap.PAGESIZE
    size = max(1, -(-nbytes // page)) * page
    memory = np.frombuffer(mmap.mmap(-1, size + 2 * page), np.uint8)
    protect = getattr(ctypes.CDLL(None, use_errno=True), "mprotect", None)
    if protect is None:
        pytest.skip("no mprotect")
    for first in (0, page + size):
        assert protect(ctypes.c_void_p(memory.ctypes.data + first), ctypes.c_size_t(page), 0) == 0
    return memory, page + (size - nbytes if at_end else 0)


FILL = 0x5A


def fenced(x: np.ndarray, at_end: bool) -> np.ndarray:
    """A copy with the strides of the array."""
    reach = [(n - 1) * s for n, s in zip(x.shape, x.strides, strict=True)] if x.size else []
    low, high = sum(r for r in reach if r < 0), sum(r for r in reach if r > 0) + x.itemsize
    memory, first = _room(high - low if x.size else 0, at_end)
    memory[mmap.PAGESIZE : -mmap.PAGESIZE] = FILL
    out = np.ndarray(x.shape, x.dtype, memory, first - low, x.strides)
    if x.size and not (out.strides and 0 in out.strides):
        out[...] = x
    elif x.size:
        few = tuple(slice(0, 1) if s == 0 else slice(None) for s in x.strides)
        out[few] = x[few]
    return out


def beside(out: np.ndarray) -> np.ndarray:
    """The bytes of a fenced contiguous array's memory that are not its own."""
    memory: Any = out.base
    first = out.ctypes.data - memory.ctypes.data
    return np.concatenate(
        [memory[mmap.PAGESIZE : first], memory[first + out.nbytes : -mmap.PAGESIZE]]
    )
