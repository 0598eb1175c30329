"""Buffers: a pool of large blocks of memory, reused when nothing refers to them any more.

What enters: shapes and dtypes. What leaves: uninitialised arrays. An array that is handed out is
the owner of its block in NumPy's eyes: views of it, and whatever was exported (DLPack,
`__array__`), hold it. When it dies its block is free, and not before, so memory that anyone can
see is never handed out again.

Blocks are kept, by size, as long as all of them have no more than the setting `pool_bytes`: fresh
pages cost more than most arithmetic. Large ones are made of huge pages where the system has them.
"""

import mmap
import sys
import threading
from collections import OrderedDict, deque
from collections.abc import Iterable
from contextlib import suppress
from functools import lru_cache
from typing import Any
from weakref import ref

import numpy as np

from .._base import config
from .._base.dtypes import DType
from .._base.processors import count as threads
from .._base.shapes import Shape, prod
from .._base.threads import at_fork
from ..ir.graph import COUNTED
from .counters import COUNTERS

Array = np.ndarray[Any, Any]
# Below this many bytes NumPy's own cache of small blocks is quicker.
POOLED = 1 << 18
# Blocks of so many bytes or more are made of huge pages, which begin at multiples of that.
HUGE = 1 << 21
ALIGNED = 64


class _Loan(ref[Array]):
    """An array that was handed out, the bytes that it has, and its block if that is to come back;
    else the memory goes with the array.
    """

    __slots__ = ("block", "key", "size")

    block: memoryview | None
    key: int
    size: int


class Pool:
    """Free blocks by size class, least recently used class first, and those that are lent.

    Where an array dies nothing of Python's runs: that could be anywhere, and would swallow a
    Ctrl-C. Its loan is put into a queue, which is looked through when the pool is next used. So
    that no more than `pool_bytes` waits there, blocks beyond that are lent for good.

    A Ctrl-C comes only where a call returns or a loop goes round: what must be true together is
    written between two calls.
    """

    def __init__(self) -> None:
        self._free: OrderedDict[int, list[memoryview]] = OrderedDict()
        self._loans: dict[int, _Loan] = {}
        self._dead: deque[Any] = deque()
        self._lock = threading.RLock()  # which a signal's handler may take once more
        self._free_bytes = 0
        self._kept_bytes = 0
        self._used_bytes = 0
        self._peak = 0
        self._hits = 0
        self._misses = 0

    def forked(self) -> None:
        """In a child process: whoever held the lock is not there."""
        self._lock = threading.RLock()

    def array(self, count: int, dtype: DType, touched: bool = False) -> Array:
        """A flat array in a block of its own, whose huge pages are there if it is to be `touched`.
        Raises MemoryError when there is none to be had.
        """
        size = _size_class(count * dtype.itemsize)
        block = self._take(size)
        new = block is None
        block = block or self._new(size)
        found: Array = np.frombuffer(block, dtype, count)
        if new and touched:
            found.view(np.uint8)[::HUGE] = 0
        self._lend(_Loan(found, self._dead.append), block, size)
        return found

    def _take(self, size: int) -> memoryview | None:
        """A free block of that size."""
        with self._lock:
            if self._dead:
                self._settle()
            if size in self._free:
                self._free.move_to_end(size)
            blocks = self._free[size] if size in self._free else ()  # noqa: SIM401
            if not blocks:
                self._misses += 1
                return None
            block = blocks[-1]
            del blocks[-1]
            self._free_bytes -= size
            self._hits += 1
            return block

    def _new(self, size: int) -> memoryview:
        try:
            return _block(size)
        except MemoryError:
            self.clear()
            return _block(size)

    def _lend(self, loan: _Loan, block: memoryview, size: int) -> None:
        """Note who has a block."""
        loan.key = id(loan)
        with self._lock:
            cap = config.get("pool_bytes")
            left = cap - self._kept_bytes - size
            kept = left >= 0
            loan.block, loan.size = block if kept else None, size
            self._loans[loan.key] = loan
            self._used_bytes += size
            if kept:
                self._kept_bytes += size
            if self._used_bytes > self._peak:
                self._peak = self._used_bytes
            if self._free_bytes > left:
                self._shrink(max(0, left))

    def _settle(self) -> None:
        """Look through what has died."""
        while self._dead:
            loan = self._dead[0]
            del self._dead[0]
            if loan.key not in self._loans:
                continue  # whoever was to note it was interrupted
            del self._loans[loan.key]
            self._used_bytes -= loan.size
            if loan.block is not None:
                self._kept_bytes -= loan.size
                if loan.size not in self._free:
                    self._free[loan.size] = []
                self._free[loan.size] += [loan.block]
                self._free_bytes += loan.size

    def _shrink(self, most: int) -> None:
        """Give blocks back to the system until no more bytes than that are free, those of the
        least recently used sizes first.
        """
        while self._free_bytes > most and self._free:
            size = next(iter(self._free))
            if size not in self._free:
                continue
            if self._free[size]:
                del self._free[size][-1]
                self._free_bytes -= size
            else:
                del self._free[size]

    def held(self) -> int:
        """Bytes of all blocks, in use or free."""
        stats = self.stats()
        return stats["in_use"] + stats["free"]

    def free(self) -> int:
        """Bytes of blocks that nothing uses."""
        return self.stats()["free"]

    def clear(self) -> None:
        """Give free blocks back to the system."""
        with self._lock:
            self._settle()
            self._shrink(0)

    def stats(self) -> dict[str, int]:
        """The figures of `memory_stats`."""
        with self._lock:
            self._settle()
            return {
                "held": self._used_bytes + self._free_bytes,
                "free": self._free_bytes,
                "in_use": self._used_bytes,
                "peak": self._peak,
                "cap": config.get("pool_bytes"),
                "hits": self._hits,
                "misses": self._misses,
            }

    def reset(self) -> None:
        """Begin to count anew: the peak from what is in use now, the others from 0."""
        with self._lock:
            self._settle()
            self._peak, self._hits, self._misses = self._used_bytes, 0, 0


def _size_class(nbytes: int) -> int:
    """Rounded up to one of eight steps between powers of two, so that at most an eighth
    is wasted.
    """
    step = max(4096, 1 << max(0, nbytes.bit_length() - 4))
    return -(-nbytes // step) * step


def _block(size: int) -> memoryview:
    """Fresh memory, aligned. Raises MemoryError."""
    if size >= HUGE and hasattr(mmap, "MADV_HUGEPAGE"):
        return _huge(size)
    memory = np.empty(size + ALIGNED, np.uint8)
    start = -memory.ctypes.data % ALIGNED
    return memory.data[start : start + size]


def _huge(size: int) -> memoryview:
    """Memory of this process alone, of huge pages as far as the system has them to give: their
    first use costs a fifth of that of small ones. Raises MemoryError.
    """
    try:
        memory = mmap.mmap(-1, size + HUGE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    except (OSError, OverflowError):
        raise MemoryError(f"unable to allocate {size} bytes") from None
    with suppress(OSError):  # a kernel without huge pages
        memory.madvise(mmap.MADV_HUGEPAGE)
    start = -np.frombuffer(memory, np.uint8).ctypes.data % HUGE
    return memoryview(memory)[start : start + size]


POOL = Pool()
at_fork(after_in_child=POOL.forked)


def empty(shape: Shape, dtype: DType, streamed: bool = False) -> Array:
    """An uninitialised C-contiguous array, aligned to 64 bytes when it is large; one that is
    `streamed` is to be written past the caches. Raises MemoryError.
    """
    count, nbytes = _extent(shape, dtype.itemsize)
    COUNTERS.bytes += nbytes
    if nbytes < POOLED:
        return np.empty(shape, dtype)
    # The system clears a page in the cache, where what is written past it meets it, unless others
    # were cleared before. Where there are several threads, each has its own pages cleared.
    return POOL.array(count, dtype, streamed and threads() == 1).reshape(shape)


def room(shape: Shape, dtype: DType) -> Array:
    """The same for the results of value columns, whose bytes are counted if they are their own."""
    count, nbytes = _extent(shape, dtype.itemsize)
    if nbytes < POOLED:
        return np.empty(shape, dtype)
    COUNTERS.bytes += nbytes
    return POOL.array(count, dtype).reshape(shape)


@lru_cache(4096)
def _extent(shape: Shape, itemsize: int) -> tuple[int, int]:
    """Elements and bytes of an array."""
    count = prod(shape)
    return count, count * itemsize


def spared(args: list[Any], pairs: Iterable[tuple[int, int]], others: int = 0) -> dict[int, Array]:
    """For pairs of an argument and an output, in the order of arguments: by output, an argument
    that it may be written over, since nothing but `args`, one other list and so many others refer
    to it, nor anything else to its memory.

    Where references aren't counted there is none.
    """
    found: dict[int, Array] = {}
    seen = -1
    for i, j in pairs if COUNTED else ():
        if i != seen and j not in found:
            seen = i
            if _spare(args, i, others):
                found[j] = args[i]
    return found


def spare(args: list[Any], i: int) -> bool:
    """Whether nothing but `args` and one other list refers to an array, nor anything else to its
    memory.
    """
    return COUNTED and _spare(args, i)


def _spare(args: list[Any], i: int, others: int = 0) -> bool:
    array = args[i]
    if _references(array) > _SPARE + others:
        return False
    owner = array.base
    if owner is not None:
        ours = type(owner) is np.ndarray
        ours = ours and (owner.flags.owndata or isinstance(owner.base, memoryview))
        if not ours or _references(owner) > _SPARE_OWNER:
            return False
    flags = array.flags
    return flags.c_contiguous and flags.writeable  # type: ignore[no-any-return]


_references = sys.getrefcount


def _spare_references() -> tuple[int, int]:
    """What `_spare` counts of an array that two lists have, and of what it shows the memory of, as
    this interpreter counts.
    """

    def count(args: list[Any], i: int) -> tuple[int, int]:
        array = args[i]
        owner = array.base
        return _references(array), _references(owner)

    env = [np.empty(4).reshape(2, 2)]
    return count([env[0]], 0)


_SPARE, _SPARE_OWNER = _spare_references()


def memory_stats() -> dict[str, int]:
    """What the pool of large buffers has, in bytes: `held` from the system, `free` of these,
    `in_use`, the `peak` of what was in use, and the `cap` on what is kept free; and how often a
    buffer was found in it (`hits`) or made anew (`misses`). Arrays of less than 256 KB, and the
    results of library calls, are NumPy's, and not counted.

    >>> sorted(lazytensor.memory_stats())
    ['cap', 'free', 'held', 'hits', 'in_use', 'misses', 'peak']
    """
    return POOL.stats()
