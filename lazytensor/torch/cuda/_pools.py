"""Whose memory tensors on CUDA devices have, as `torch.cuda.memory` lets programs choose.

What enters: sizes, devices, pools, allocators. What leaves: addresses, blocks of memory. Tensors
that are pending when a pool comes or goes are computed first, as eager programs would have. It must
not know how memory is given out.
"""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from weakref import WeakValueDictionary

from .._driver import driver
from . import _live
from ._devices import device_count, indexed, is_available, node_device
from .graphs import graph_pool_handle
from .streams import Stream, current_stream

__all__ = [
    "CUDAPluggableAllocator", "MemPool", "caching_allocator_alloc", "caching_allocator_delete",
    "caching_allocator_disabled", "caching_allocator_enable", "change_current_allocator",
    "memory_snapshot", "use_mem_pool",
]  # fmt: skip

LARGE = 1 << 20  # bytes from which on PyTorch's allocator has a block in its pool of large ones


# --- blocks without tensors -----------------------------------------------------------------------

_blocks: dict[int, Any] = {}


def caching_allocator_alloc(size: int, device: Any = None, stream: Any = None) -> int:
    """The address of so many bytes of a device, for other libraries, until they are given back.
    Raises TypeError for what is no stream, OutOfMemoryError.
    """
    index = indexed(device)
    of = current_stream(index) if stream is None else stream
    of = of.cuda_stream if isinstance(of, Stream) else of
    if not isinstance(of, int):
        raise TypeError(
            "Invalid type for stream argument, must be `torch.cuda.Stream` or `int` representing a "
            "pointer to an existing stream"
        )
    address, block = driver().allocate(index, size, of)
    _blocks[address] = block
    return address


def caching_allocator_delete(mem_ptr: int) -> None:
    """Give such bytes back. Raises RuntimeError for any other address."""
    if _blocks.pop(mem_ptr, None) is None:
        raise RuntimeError(f"invalid device pointer: {mem_ptr:#x}")


class _Cache:
    """Whether what is free is kept for what comes."""

    on = True


def caching_allocator_enable(value: bool = True) -> None:
    """Keep what is free for what comes, as is usual, or not."""
    if is_available():
        driver().caching(bool(value))
        _Cache.on = bool(value)


@contextmanager
def caching_allocator_disabled() -> Iterator[None]:
    """A context in which nothing is kept for what comes."""
    before = _Cache.on
    caching_allocator_enable(False)
    try:
        yield
    finally:
        caching_allocator_enable(before)


# --- allocators of users --------------------------------------------------------------------------


class CUDAPluggableAllocator:
    """Functions of a library that give memory of devices, and take it back:
    `void *alloc(ssize_t size, int device, cudaStream_t stream)` and
    `void free(void *ptr, ssize_t size, int device, cudaStream_t stream)`.

    Raises OSError for what is no library, AttributeError for a name that it doesn't have.
    """

    def __init__(self, path_to_so_file: str, alloc_fn_name: str, free_fn_name: str) -> None:
        library = ctypes.CDLL(path_to_so_file)
        self._alloc, self._free = getattr(library, alloc_fn_name), getattr(library, free_fn_name)
        self._alloc.restype, self._free.restype = ctypes.c_void_p, None
        size, index, address = ctypes.c_ssize_t, ctypes.c_int, ctypes.c_void_p
        self._alloc.argtypes = [size, index, address]
        self._free.argtypes = [address, size, index, address]
        self._given: dict[int, tuple[int, int]] = {}

    def allocator(self) -> "CUDAPluggableAllocator":
        """What a pool takes: itself."""
        return self

    def _functions(self) -> Any:
        return self._give, self._take_back

    def _give(self, size: int, device: int) -> int:
        stream = current_stream(device).cuda_stream
        found = self._alloc(size, device, stream)
        if not found:
            raise MemoryError(f"the allocator has no {size} bytes")
        self._given[found] = size, stream
        return int(found)

    def _take_back(self, address: int, device: int) -> None:
        size, stream = self._given.pop(address)
        self._free(address, size, device, stream)


def change_current_allocator(allocator: CUDAPluggableAllocator) -> None:
    """Have all memory of devices given by an allocator. Raises RuntimeError if some was before."""
    driver().allocate_by(allocator._functions())


# --- pools ----------------------------------------------------------------------------------------

_pools: WeakValueDictionary[int, "MemPool"] = WeakValueDictionary()


class MemPool:
    """Memory of devices for what is computed within `use_mem_pool`. Raises NotImplementedError for
    a pool that others use when memory is short, and one that doesn't divide blocks.
    """

    def __init__(
        self, allocator: CUDAPluggableAllocator | None = None, use_on_oom: bool = False,
        no_split: bool = False,
    ) -> None:  # fmt: skip
        if use_on_oom or no_split:
            raise NotImplementedError("lazytensor: MemPool has no use_on_oom and no no_split")
        self.allocator, self._id, self._uses = allocator, graph_pool_handle(), 0
        self._pool = driver().new_pool(allocator and allocator._functions())
        _pools[id(self._pool)] = self

    @property
    def id(self) -> tuple[int, int]:
        """A token for it."""
        return self._id

    def use_count(self) -> int:
        """How often it is in use: once for itself, and once for each context."""
        return 1 + self._uses

    def snapshot(self, include_traces: bool = True) -> list[dict[str, Any]]:
        """Its blocks, as `memory_snapshot` has them."""
        return memory_snapshot(self._id, include_traces)


@contextmanager
def use_mem_pool(pool: MemPool, device: Any = None) -> Iterator[None]:
    """A context in which what this thread computes on a device has memory of a pool."""
    index = indexed(device)
    where = node_device(index)
    _live.compute(where)
    pool._uses += 1
    try:
        with driver().pooled(index, pool._pool):
            yield
            _live.compute(where)
    finally:
        pool._uses -= 1


# --- what there is --------------------------------------------------------------------------------


def memory_snapshot(
    mempool_id: tuple[int, int] | None = None, include_traces: bool = True
) -> list[dict[str, Any]]:
    """The memory of tensors on all devices, or of those of one pool, by PyTorch's names: each block
    is a segment of its own. What is held and in no tensor isn't listed, nor who took what.
    """
    found: list[dict[str, Any]] = []
    for index in range(device_count()):
        where = node_device(index)
        _live.compute(where)
        blocks: dict[int, tuple[int, int, int]] = {}
        for buffer in _live.values(where):
            address, size, pool = driver().block(buffer)
            if size:
                asked = blocks.get(address, (0, 0, 0))[1]
                blocks[address] = size, max(asked, buffer.nbytes), pool
        found += [_segment(index, address, *each) for address, each in sorted(blocks.items())]
    wanted = None if mempool_id is None else tuple(mempool_id)
    return [each for each in found if wanted in (None, (0, 0), each["segment_pool_id"])]


def _segment(device: int, address: int, size: int, asked: int, pool: int) -> dict[str, Any]:
    known = _pools.get(pool)
    block = {
        "address": address, "size": size, "requested_size": asked, "state": "active_allocated",
        "frames": [],
    }  # fmt: skip
    return {
        "device": device, "address": address, "total_size": size, "allocated_size": size,
        "active_size": size, "requested_size": asked, "stream": 0,
        "segment_type": "large" if size >= LARGE else "small", "is_expandable": False,
        "segment_pool_id": (0, 0) if known is None else known.id, "frames": [], "blocks": [block],
    }  # fmt: skip
