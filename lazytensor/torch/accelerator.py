"""`torch.accelerator`: the machine's accelerator, of which there is none here.

What enters: devices. What leaves: answers; what needs one raises RuntimeError, as PyTorch does.
"""

import warnings
from typing import Any

from ._missing import missing
from ._types import device
from ._types import device as _device

_NONE = "Cannot access accelerator device when none is available."


def is_available() -> bool:
    """Whether there is an accelerator."""
    return False


def device_count() -> int:
    """How many there are."""
    return 0


def current_accelerator(check_available: bool = False) -> device | None:
    """The accelerator; None."""
    return None


def _refusing(name: str) -> Any:
    """A function that needs an accelerator."""

    def refused(*args: Any) -> Any:
        """Raises RuntimeError: there is no accelerator."""
        raise RuntimeError(_NONE)

    refused.__name__ = refused.__qualname__ = name
    return refused


_REFUSED = (
    "current_device_index", "current_stream", "empty_cache", "empty_host_cache",
    "get_device_capability", "get_memory_info", "max_memory_allocated", "max_memory_reserved",
    "memory_allocated", "memory_reserved", "memory_stats", "reset_accumulated_memory_stats",
    "reset_peak_memory_stats", "set_stream", "synchronize",
)  # fmt: skip
globals().update({name: _refusing(name) for name in _REFUSED})
def _warn(text: str) -> None:
    warnings.warn(text, FutureWarning, stacklevel=3)


def set_device_index(device: Any, /) -> None:
    """Raises RuntimeError: there is no accelerator."""
    on_cpu = device is not None and not isinstance(device, int) and _device(device).type == "cpu"
    raise RuntimeError("Accelerator expected" if on_cpu else _NONE)


def current_device_idx() -> int:
    """Raises RuntimeError: there is no accelerator."""
    _warn("Use `current_device_index` instead.")
    return int(globals()["current_device_index"]())


def set_device_idx(device: Any, /) -> None:
    """Raises RuntimeError: there is no accelerator."""
    _warn("Use `set_device_index` instead.")
    set_device_index(device)


class device_index:
    """A context in which an accelerator is the current one; with None nothing changes."""

    def __init__(self, device: int | None, /) -> None:
        self.idx = device

    def __enter__(self) -> None:
        """Raises RuntimeError where an accelerator is asked for: there is none."""
        if self.idx is not None:
            raise RuntimeError(_NONE)

    def __exit__(self, *exception: object) -> None: ...


__all__ = [
    "current_accelerator", "current_device_idx", "device_count", "device_index", "is_available",
    "set_device_idx", "set_device_index",
]  # fmt: skip
__all__ += list(_REFUSED)
__getattr__ = missing("torch.accelerator")
