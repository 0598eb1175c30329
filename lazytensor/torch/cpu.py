"""`torch.cpu`: the CPU, asked as the modules of accelerators are.

What enters: devices. What leaves: answers. There is one device, and nothing to wait for.
"""

from contextlib import nullcontext
from typing import Any

from ._missing import missing


def is_available() -> bool:
    """True."""
    return True


def is_initialized() -> bool:
    """True."""
    return True


def device_count() -> int:
    """One."""
    return 1


def current_device() -> str:
    """The only one."""
    return "cpu"


def set_device(device: Any) -> None:
    """Nothing changes."""


def synchronize(device: Any = None) -> None:
    """Nothing to wait for."""


class Stream:
    """Where work is queued: it isn't, on a CPU."""


def current_stream(device: Any = None) -> Stream:
    """The only stream."""
    return _STREAM


def stream(stream: Any) -> Any:
    """A context in which nothing changes."""
    return nullcontext(stream)


_STREAM = Stream()
__all__ = [
    "Stream", "current_device", "current_stream", "device_count", "is_available", "is_initialized",
    "set_device", "stream", "synchronize",
]  # fmt: skip
__getattr__ = missing("torch.cpu")
