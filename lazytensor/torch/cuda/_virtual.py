"""Virtual CUDA devices, for which the CPU stands in: tests of where things are placed run on them.

What enters: indices of devices. What leaves: figures of the machine under the name of a device,
bytes counted by the tensors that are alive, times of its clock. What is computed has run when it
was asked for, so there is nothing to wait for. It must not know how anything is computed.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count as numbers
from time import perf_counter
from typing import Any
from weakref import WeakSet, WeakValueDictionary

import numpy as np

from ..._base.devices import Device, device
from ...runtime.gpu.usage import Blocks
from .._driver import DRIVERS, Memory, Properties
from ..tensor import Tensor
from ._live import tensors, values

BLOCK = 512  # PyTorch's allocator gives whole blocks of this size
SEGMENT = 2 << 20  # and asks the device for whole segments of this one
PROCESSORS = 132
_ranges = numbers(1)


def _up(n: int, unit: int) -> int:
    return -(-n // unit) * unit


def _whole(x: Tensor) -> tuple[int, int]:
    """What a tensor's memory is told by, and the bytes of it."""
    if x._stor is None:
        return id(x._node), x._node.size * x.dtype.itemsize
    node = x._stor.node
    return id(x._stor), node.size * node.dtype.itemsize


class _Pool:
    """The arrays that were made for a pool and are alive, by their ids."""

    def __init__(self) -> None:
        self.arrays: WeakValueDictionary[int, Any] = WeakValueDictionary()


def _no_allocator(allocator: Any) -> None:
    if allocator is not None:
        raise RuntimeError("lazytensor: virtual CUDA devices ask no allocator for memory")


class _Peak:
    """Bytes held for a device, and the most that was seen in use."""

    reserved = 0
    allocated = 0
    most_reserved = 0


class Virtual:
    """Who answers for virtual devices."""

    def __init__(self) -> None:
        self._peaks: dict[int, _Peak] = {}
        self._pools: WeakSet[_Pool] = WeakSet()
        self._pooled: WeakValueDictionary[int, Any] = WeakValueDictionary()  # of any of them
        self._pinned = Blocks()

    def properties(self, device: int) -> Properties:
        """The machine's memory; processors as an H100 has them, so that what is drawn on a device
        doesn't depend on the machine.
        """
        return Properties(
            "Virtual CUDA device", 8, 0, _memory(), PROCESSORS, 32, 1024, 2048, 65536, 49152,
            166912, 167936, 4 << 20, 0, 0, 0, 1, 0, device, 0, 0,
            f"00000000-0000-0000-0000-{device:012x}",
        )  # fmt: skip

    def _used(self, index: int) -> tuple[int, int]:
        """Bytes of blocks that the tensors on a device need, and how many blocks."""
        where: Device = device(f"cuda:{index}")
        blocks = dict(map(_whole, tensors(where)))
        sizes = [_up(n, BLOCK) for n in blocks.values() if n]
        return sum(sizes), len(sizes)

    def memory(self, device: int) -> Memory:
        """By the tensors that are alive, computed or not; the most, of the times it was asked."""
        allocated, blocks = self._used(device)
        peak = self._peaks.setdefault(device, _Peak())
        peak.allocated = max(peak.allocated, allocated)
        peak.reserved = max(peak.reserved, _up(allocated, SEGMENT))
        peak.most_reserved = max(peak.most_reserved, peak.reserved)
        total = _memory()
        return Memory(
            allocated, peak.reserved, peak.allocated, peak.most_reserved,
            max(total - peak.reserved, 0), total, blocks,
        )  # fmt: skip

    def reset_peak(self, device: int) -> None:
        """The most so far is what there is now."""
        self._peaks.setdefault(device, _Peak()).allocated = 0
        self._peaks[device].most_reserved = self._peaks[device].reserved
        self.memory(device)

    def empty_cache(self) -> None:
        """Nothing is held but for tensors."""
        for index, peak in self._peaks.items():
            peak.reserved = _up(self._used(index)[0], SEGMENT)

    def peer(self, device: int, other: int) -> bool:
        """All of them have the same memory."""
        return device != other

    def address(self, buffer: Any) -> int | None:
        """A copy on the host stands for it."""
        return None

    def block(self, buffer: Any) -> tuple[int, int, int]:
        """Of the copy on the host."""
        if not isinstance(buffer, np.ndarray):
            return 0, 0, 0
        held = [id(p) for p in list(self._pools) if p.arrays.get(id(buffer)) is buffer]
        pool = held[0] if held else 0
        return int(buffer.__array_interface__["data"][0]), _up(buffer.nbytes, BLOCK), pool

    def allocate(self, device: int, size: int, stream: int) -> tuple[int, Any]:
        """Memory of the host."""
        found = np.empty(max(size, 1), np.uint8)
        return int(found.ctypes.data), found

    def caching(self, on: bool) -> None:
        """Nothing is held but for tensors."""

    def allocate_by(self, allocator: Any) -> None:
        """Raises RuntimeError."""
        _no_allocator(allocator)

    def new_pool(self, allocator: Any) -> Any:
        """What was made for it. Raises RuntimeError for an allocator."""
        _no_allocator(allocator)
        pool = _Pool()
        self._pools.add(pool)
        return pool

    @contextmanager
    def pooled(self, device: int, pool: Any) -> Iterator[None]:
        """What is new on a device when the context ends, and no other pool's, is the pool's."""
        before = self._values(device)
        yield
        for key, each in self._values(device).items():
            if key not in before and self._pooled.get(key) is not each:
                pool.arrays[key] = self._pooled[key] = each

    def _values(self, index: int) -> dict[int, Any]:
        found = values(device(f"cuda:{index}"))
        return {id(each): each for each in found if isinstance(each, np.ndarray)}

    def pinned_blocks(self) -> Any:
        """Copies that are alive."""
        return self._pinned

    def tell_waits(self, told: Callable[[], None] | None) -> None:
        """The host waits for nothing."""

    def pin(self, host: Any) -> Any:
        """As good as any memory."""
        found = host.copy()
        self._pinned.take(found, found.nbytes)
        return found

    def synchronize(self, device: int) -> None:
        """Nothing to wait for."""

    def new_stream(self, device: int, priority: int) -> Any:
        """Something that is no other stream."""
        return object()

    def use_stream(self, device: int, stream: Any) -> None:
        """Everything runs in order."""

    def stream_address(self, stream: Any) -> int:
        """A number of its own."""
        if isinstance(stream, _External):
            return stream.address
        return 0 if stream is None else id(stream)

    def stream_done(self, device: int, stream: Any) -> bool:
        """True."""
        return True

    def wait_stream(self, device: int, stream: Any) -> None:
        """Nothing to wait for."""

    def new_event(self, device: int, timing: bool, blocking: bool) -> Any:
        """Something to tell a time by."""
        return _Mark()

    def record(self, event: Any, device: int, stream: Any) -> None:
        """Now."""
        event.time = perf_counter()

    def event_done(self, event: Any) -> bool:
        """True."""
        return True

    def wait_event(self, event: Any) -> None:
        """Nothing to wait for."""

    def stream_waits(self, device: int, stream: Any, event: Any) -> None:
        """Everything runs in order."""

    def external_stream(self, device: int, address: int) -> Any:
        """Something that has that address."""
        return _External(address) if address else None

    def set_memory_fraction(self, device: int, fraction: float) -> None:
        """The machine's memory has no bounds for devices."""

    def range_push(self, message: str) -> None:
        """No profiler listens."""

    def range_pop(self) -> None:
        """No profiler listens."""

    def range_start(self, message: str) -> int:
        """A number of its own."""
        return next(_ranges)

    def range_end(self, handle: int) -> None:
        """No profiler listens."""

    def mark(self, message: str) -> None:
        """No profiler listens."""

    def profile(self, on: bool) -> None:
        """No profiler listens."""

    def elapsed(self, start: Any, end: Any) -> float:
        """By the clock."""
        return float(end.time - start.time) * 1e3


@dataclass(frozen=True)
class _External:
    """A stream of others."""

    address: int


class _Mark:
    time = 0.0


def _memory() -> int:
    """Bytes of memory that the machine has."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


DRIVERS["virtual"] = Virtual()
