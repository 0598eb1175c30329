"""Arrays that end where the process's memory ends: who reads beyond them is killed.

What enters: arrays. What leaves: copies that end before a page that may not be touched.
"""

import ctypes
import mmap

import numpy as np
import pytest


def fenced(x: np.ndarray) -> np.ndarray:
    """A copy whose last element is the last one before a page without access."""
    page = mmap.PAGESIZE
    size = -(-x.nbytes // page) * page
    memory = mmap.mmap(-1, size + page)
    whole = np.frombuffer(memory, np.uint8)
    library = ctypes.CDLL(None, use_errno=True)
    if not hasattr(library, "mprotect"):
        pytest.skip("no mprotect")
    address = ctypes.c_void_p(whole.ctypes.data + size)
    assert library.mprotect(address, ctypes.c_size_t(page), 0) == 0
    out = whole[size - x.nbytes : size].view(x.dtype).reshape(x.shape)
    out[...] = x
    return out
