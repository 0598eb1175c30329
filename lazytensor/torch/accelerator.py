"""`torch.accelerator`: the machine's accelerator: its CUDA devices, if there are any.

What enters: devices. What leaves: answers; without an accelerator what needs one raises
RuntimeError, as PyTorch does.
"""

import warnings
from collections.abc import Callable
from typing import Any

from . import _dtypes, cuda
from ._missing import missing
from ._types import device
from ._types import device as _device

_NONE = "Cannot access accelerator device when none is available."


def is_available() -> bool:
    """Whether there is an accelerator."""
    return bool(cuda.is_available())


def device_count() -> int:
    """How many there are."""
    return int(cuda.device_count())


def current_accelerator(check_available: bool = False) -> device | None:
    """The kind of the accelerator; None where there is none."""
    return _device("cuda") if is_available() else None


def _empty_host_cache() -> None:
    """Nothing is held on the host."""


def _capability(device: Any = None) -> dict[str, Any]:
    """What tensors may be of."""
    cuda.get_device_capability(device)
    return {"supported_dtypes": set(_dtypes.NAMES.values())}


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "current_device_index": cuda.current_device,
    "current_stream": cuda.current_stream,
    "empty_cache": cuda.empty_cache,
    "empty_host_cache": _empty_host_cache,
    "get_device_capability": _capability,
    "get_memory_info": cuda.mem_get_info,
    "max_memory_allocated": cuda.max_memory_allocated,
    "max_memory_reserved": cuda.max_memory_reserved,
    "memory_allocated": cuda.memory_allocated,
    "memory_reserved": cuda.memory_reserved,
    "memory_stats": cuda.memory_stats,
    "reset_accumulated_memory_stats": cuda.reset_accumulated_memory_stats,
    "reset_peak_memory_stats": cuda.reset_peak_memory_stats,
    "set_stream": cuda.set_stream,
    "synchronize": cuda.synchronize,
}


def _needing(name: str) -> Any:
    """A function that needs an accelerator."""
    of = _FUNCTIONS[name]

    def function(*args: Any) -> Any:
        if not is_available():
            raise RuntimeError(_NONE)
        return of(*args)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"`torch.cuda.{of.__name__}`. Raises RuntimeError without an accelerator."
    return function


globals().update({name: _needing(name) for name in _FUNCTIONS})


def _warn(text: str) -> None:
    warnings.warn(text, FutureWarning, stacklevel=3)


def set_device_index(device: Any, /) -> None:
    """Let a device be the current one. Raises RuntimeError where there is none."""
    if device is not None and not isinstance(device, int) and _device(device).type == "cpu":
        raise RuntimeError("Accelerator expected")
    if not is_available():
        raise RuntimeError(_NONE)
    if device is not None:
        cuda.set_device(device)


def current_device_idx() -> int:
    """The current device. Raises RuntimeError where there is none."""
    _warn("Use `current_device_index` instead.")
    return int(globals()["current_device_index"]())


def set_device_idx(device: Any, /) -> None:
    """`set_device_index`, by its old name, which warns."""
    _warn("Use `set_device_index` instead.")
    set_device_index(device)


class device_index:
    """A context in which a device is the current one; with None nothing changes."""

    def __init__(self, device: int | None, /) -> None:
        self.idx = device
        self._within = cuda.device(device)

    def __enter__(self) -> None:
        """Raises RuntimeError where there is no accelerator."""
        if self.idx is not None and not is_available():
            raise RuntimeError(_NONE)
        self._within.__enter__()

    def __exit__(self, *exception: object) -> None:
        self._within.__exit__()


__all__ = [
    "current_accelerator", "current_device_idx", "device_count", "device_index", "is_available",
    "set_device_idx", "set_device_index",
]  # fmt: skip
__all__ += list(_FUNCTIONS)
__getattr__ = missing("torch.accelerator")
