"""What is asked of a CUDA device: its figures, memory, streams and events.

What enters: who answers for GPUs, and who for virtual devices. What leaves: whoever answers now, or
RuntimeError where there is no device. It must not know tensors, nor how a device computes.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, NoReturn, Protocol

from .._base import config
from .._base.devices import NO_GPU, cuda_devices

__all__ = [
    "CAPTURE",
    "DRIVERS",
    "Driver",
    "Memory",
    "Properties",
    "answering",
    "current",
    "driver",
    "refuse",
]


@dataclass(frozen=True)
class Properties:
    """The figures of a device, by PyTorch's names."""

    name: str
    major: int
    minor: int
    total_memory: int
    multi_processor_count: int
    warp_size: int
    max_threads_per_block: int
    max_threads_per_multi_processor: int
    regs_per_multiprocessor: int
    shared_memory_per_block: int
    shared_memory_per_block_optin: int
    shared_memory_per_multiprocessor: int
    L2_cache_size: int
    clock_rate: int
    memory_clock_rate: int
    memory_bus_width: int
    is_integrated: int
    is_multi_gpu_board: int
    pci_bus_id: int
    pci_device_id: int
    pci_domain_id: int
    uuid: str

    def __repr__(self) -> str:
        shown = {
            "name": repr(self.name), "major": self.major, "minor": self.minor,
            "total_memory": f"{self.total_memory >> 20}MB",
            "multi_processor_count": self.multi_processor_count, "uuid": self.uuid,
            "pci_bus_id": self.pci_bus_id, "pci_device_id": self.pci_device_id,
            "pci_domain_id": self.pci_domain_id, "L2_cache_size": f"{self.L2_cache_size >> 20}MB",
        }  # fmt: skip
        return f"_CudaDeviceProperties({', '.join(f'{k}={v}' for k, v in shown.items())})"


@dataclass(frozen=True)
class Memory:
    """Bytes of a device: in tensors and held for them, now and at most so far; free, and all there
    are; blocks in use; and how often there was too little.
    """

    allocated: int
    reserved: int
    most_allocated: int
    most_reserved: int
    free: int
    total: int
    blocks: int
    failures: int = 0


class Driver(Protocol):
    """Who answers for devices, which are given by their index.

    Streams and events are what `new_stream` and `new_event` made; None is a device's default
    stream. Whoever calls has seen to it that what was asked for before is on its way.
    """

    def properties(self, device: int) -> Properties:
        """The figures of a device."""

    def memory(self, device: int) -> Memory:
        """How the memory of a device is used now."""

    def reset_peak(self, device: int) -> None:
        """Let what was at most in use be what is in use now."""

    def empty_cache(self) -> None:
        """Give back what is held and not used."""

    def peer(self, device: int, other: int) -> bool:
        """Whether a device can read the memory of another."""

    def address(self, buffer: Any) -> int | None:
        """Where a node's buffer lies on its device; None where a copy on the host stands for it."""

    def block(self, buffer: Any) -> tuple[int, int, int]:
        """Where the memory of a node's buffer begins, its bytes, and the id of its pool, 0 for
        none; nothing of a buffer that isn't there.
        """

    def allocate(self, device: int, size: int, stream: int) -> tuple[int, Any]:
        """The address of so many bytes for a stream, and what has them for as long as it lives."""

    def caching(self, on: bool) -> None:
        """Keep what is free for what comes, or not."""

    def allocate_by(self, allocator: Any) -> None:
        """Have memory given by an allocator: two functions, which give and take back."""

    def new_pool(self, allocator: Any) -> Any:
        """Memory apart from what else there is, which an allocator gives, unless it is None."""

    def pooled(self, device: int, pool: Any) -> AbstractContextManager[None]:
        """A context in which memory of a device, for this thread, is that of a pool."""

    def pinned_blocks(self) -> Any:
        """What counts blocks of pinned memory: `usage.Blocks`."""

    def tell_waits(self, told: Callable[[], None] | None) -> None:
        """Have something called before the host waits for a value of a device."""

    def pin(self, host: Any) -> Any:
        """A copy of an array of the host in memory that devices copy from without waiting."""

    def synchronize(self, device: int) -> None:
        """Wait for everything on a device."""

    def new_stream(self, device: int, priority: int) -> Any:
        """A new stream of a device."""

    def use_stream(self, device: int, stream: Any) -> None:
        """Let what is computed on a device from now on, by this thread, go to a stream."""

    def stream_address(self, stream: Any) -> int:
        """The stream's handle as CUDA has it; 0 for the default one."""

    def stream_done(self, device: int, stream: Any) -> bool:
        """Whether everything on a stream has run."""

    def wait_stream(self, device: int, stream: Any) -> None:
        """Wait for everything on a stream."""

    def new_event(self, device: int, timing: bool, blocking: bool) -> Any:
        """A new event."""

    def record(self, event: Any, device: int, stream: Any) -> None:
        """Let an event happen when everything on a stream so far has run."""

    def event_done(self, event: Any) -> bool:
        """Whether an event has happened."""

    def wait_event(self, event: Any) -> None:
        """Wait for an event."""

    def stream_waits(self, device: int, stream: Any, event: Any) -> None:
        """Let a stream wait for an event before what comes next."""

    def external_stream(self, device: int, address: int) -> Any:
        """A stream that others made, by CUDA's handle."""

    def set_memory_fraction(self, device: int, fraction: float) -> None:
        """Let no more than a part of a device's memory be taken."""

    def range_push(self, message: str) -> None:
        """Begin a range that profilers show."""

    def range_pop(self) -> None:
        """End the last range that was begun by this thread."""

    def range_start(self, message: str) -> int:
        """Begin a range that may end in another thread; its handle."""

    def range_end(self, handle: int) -> None:
        """End such a range."""

    def mark(self, message: str) -> None:
        """Something that profilers show, at this moment."""

    def profile(self, on: bool) -> None:
        """Let profilers listen from now on, or no more."""

    def elapsed(self, start: Any, end: Any) -> float:
        """Milliseconds between two events."""


class _Capture:
    """The CUDA graph that this process captures, and what it has drawn so far: nodes of states,
    whose stream, the position and the number of counters, and what else is in a state.
    """

    graph: Any = None

    def __init__(self) -> None:
        self.draws: list[tuple[Any, Any, int, int, tuple[int, ...]]] = []


CAPTURE = _Capture()
DRIVERS: dict[str, Driver] = {}
"""Who answers: for "virtual" devices, and for the "real" ones, where something can use these."""


def refuse() -> NoReturn:
    """Raises RuntimeError: there is no device."""
    raise RuntimeError(
        "lazytensor: no CUDA device is available here; torch.cuda.is_available() says so. "
        + NO_GPU.partition(". ")[2]
    )


def answering() -> str:
    """The name in `DRIVERS` of who answers. Raises RuntimeError where there is no device."""
    if not cuda_devices():
        refuse()
    return "virtual" if config.get("virtual_cuda") else "real"


def driver() -> Driver:
    """Who answers for the devices that there are. Raises RuntimeError where there are none."""
    return DRIVERS[answering()]


def current() -> Driver | None:
    """Who answers, None where there is no device."""
    return driver() if cuda_devices() else None
