"""GPUs, by way of CuPy: figures, memory, streams and events.

What enters: indices of devices, CuPy's streams and events. What leaves: answers. It must not know
tensors.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from ..._base.devices import Device
from ...runtime import gpus
from .._driver import DRIVERS, Memory, Properties

# PyTorch's names of figures, CUDA's for them, in the order of `Properties` from the fourth on.
_FIGURES = (
    "totalGlobalMem", "multiProcessorCount", "warpSize", "maxThreadsPerBlock",
    "maxThreadsPerMultiProcessor", "regsPerMultiprocessor", "sharedMemPerBlock",
    "sharedMemPerBlockOptin", "sharedMemPerMultiprocessor", "l2CacheSize", "clockRate",
    "memoryClockRate", "memoryBusWidth", "integrated", "isMultiGpuBoard", "pciBusID",
    "pciDeviceID", "pciDomainID",
)  # fmt: skip


def _cupy() -> Any:
    return gpus.loaded().driver().cupy


def _on(device: int) -> Any:
    return gpus.loaded().driver().on(device)


def _uuid(found: bytes) -> str:
    """As it is written."""
    text = found.hex()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


class _Address:
    """A stream of others, as CUDA's protocol of streams has it."""

    def __init__(self, address: int) -> None:
        self._address = address

    def __cuda_stream__(self) -> tuple[int, int]:
        return 0, self._address


class Real:
    """Who answers for GPUs."""

    def properties(self, device: int) -> Properties:
        """What CUDA says of a device; 0 for what it says no more."""
        found = gpus.loaded().driver().figures(device)
        parts: list[Any] = [found["name"].decode(), found["major"], found["minor"]]
        parts += [int(found.get(name, 0)) for name in _FIGURES]
        parts.append(_uuid(bytes(found.get("uuid", bytes(16)))))
        return Properties(*parts)

    def memory(self, device: int) -> Memory:
        """By CuPy's pool. Blocks are not counted."""
        found = gpus.loaded().driver().usage(device)
        used, held, most_used, most_held, free, total, failures = found
        return Memory(used, held, most_used, most_held, free, total, 0, failures)

    def reset_peak(self, device: int) -> None:
        """The most so far is what there is now."""
        gpus.loaded().driver().reset_peak(device)

    def empty_cache(self) -> None:
        """Give back what CuPy's pools hold; CUDA graphs keep what they have."""
        gpus.loaded().driver().clear()

    def peer(self, device: int, other: int) -> bool:
        """As CUDA says."""
        return bool(_cupy().cuda.runtime.deviceCanAccessPeer(device, other))

    def address(self, buffer: Any) -> int | None:
        """CuPy knows."""
        return int(buffer.data.ptr)

    def block(self, buffer: Any) -> tuple[int, int, int]:
        """CuPy knows; 0 for what hasn't been sent so far."""
        there = gpus.loaded().there(buffer)
        return gpus.loaded().driver().block(buffer) if there else (0, 0, 0)

    def allocate(self, device: int, size: int, stream: int) -> tuple[int, Any]:
        """Of CuPy's pool, or what stands in its place."""
        of = self.external_stream(device, stream) or nullcontext()
        with _on(device), of:
            found = gpus.loaded().block(size, Device(f"cuda:{device}"))
        return int(found.data.ptr), found

    def caching(self, on: bool) -> None:
        """CuPy's pool is asked, or CUDA."""
        gpus.loaded().driver().caching(on)

    def allocate_by(self, allocator: Any) -> None:
        """In place of CuPy's pool."""
        gpus.loaded().driver().allocate_by(allocator)

    def new_pool(self, allocator: Any) -> Any:
        """Another one of CuPy's."""
        return gpus.loaded().driver().pool(allocator)

    def pooled(self, device: int, pool: Any) -> AbstractContextManager[None]:
        """In place of CuPy's usual one."""
        return gpus.loaded().pooled(Device(f"cuda:{device}"), pool)  # type: ignore[no-any-return]

    def pinned_blocks(self) -> Any:
        """What is in use; CuPy doesn't say what it keeps."""
        return gpus.loaded().BLOCKS

    def tell_waits(self, told: Callable[[], None] | None) -> None:
        """Before each copy to the host."""
        gpus.loaded().tell_waits(told)

    def pin(self, host: Any) -> Any:
        """In CuPy's pool of pinned memory."""
        return gpus.loaded().pinned(host)

    def synchronize(self, device: int) -> None:
        """Wait for everything on a device. Raises what was found wrong there and nobody has been
        told of.
        """
        gpus.loaded().synchronize(Device(f"cuda:{device}"))

    def new_stream(self, device: int, priority: int) -> Any:
        """One that doesn't wait for the default stream, as PyTorch's."""
        with _on(device):
            return _cupy().cuda.Stream(non_blocking=True, priority=priority)

    def _stream(self, stream: Any) -> Any:
        return _cupy().cuda.Stream.null if stream is None else stream

    def use_stream(self, device: int, stream: Any) -> None:
        """CuPy's current one, and so ours."""
        with _on(device):
            self._stream(stream).use()

    def stream_address(self, stream: Any) -> int:
        """CUDA's handle."""
        return 0 if stream is None else int(stream.ptr)

    def stream_done(self, device: int, stream: Any) -> bool:
        """Whether everything on a stream has run."""
        with _on(device):
            return bool(self._stream(stream).done)

    def wait_stream(self, device: int, stream: Any) -> None:
        """Wait for everything on a stream."""
        with _on(device):
            self._stream(stream).synchronize()

    def new_event(self, device: int, timing: bool, blocking: bool) -> Any:
        """A new event."""
        with _on(device):
            return _cupy().cuda.Event(block=blocking, disable_timing=not timing)

    def record(self, event: Any, device: int, stream: Any) -> None:
        """On a stream."""
        with _on(device):
            event.record(self._stream(stream))

    def event_done(self, event: Any) -> bool:
        """Whether an event has happened."""
        return bool(event.done)

    def wait_event(self, event: Any) -> None:
        """Wait for an event."""
        event.synchronize()

    def stream_waits(self, device: int, stream: Any, event: Any) -> None:
        """Let a stream wait for an event before what comes next."""
        with _on(device):
            self._stream(stream).wait_event(event)

    def external_stream(self, device: int, address: int) -> Any:
        """As CuPy has it; None is the default one."""
        with _on(device):
            return _cupy().cuda.Stream.from_external(_Address(address)) if address else None

    def set_memory_fraction(self, device: int, fraction: float) -> None:
        """Of CuPy's pool."""
        with _on(device):
            _cupy().get_default_memory_pool().set_limit(fraction=fraction)

    def range_push(self, message: str) -> None:
        """By NVTX."""
        _cupy().cuda.nvtx.RangePush(message)

    def range_pop(self) -> None:
        """By NVTX."""
        _cupy().cuda.nvtx.RangePop()

    def range_start(self, message: str) -> int:
        """By NVTX, in no colour."""
        return int(_cupy().cuda.nvtx.RangeStart(message, None))

    def range_end(self, handle: int) -> None:
        """By NVTX."""
        _cupy().cuda.nvtx.RangeEnd(handle)

    def mark(self, message: str) -> None:
        """By NVTX."""
        _cupy().cuda.nvtx.Mark(message)

    def profile(self, on: bool) -> None:
        """By CUDA."""
        runtime = _cupy().cuda.runtime
        (runtime.profilerStart if on else runtime.profilerStop)()

    def elapsed(self, start: Any, end: Any) -> float:
        """By the device's clock."""
        return float(_cupy().cuda.get_elapsed_time(start, end))


DRIVERS["real"] = Real()
