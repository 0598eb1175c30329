"""`torch.cuda` where there is no GPU: it says so, and refuses what would need one.

What enters: devices. What leaves: answers, or RuntimeError.
"""

from collections.abc import Sequence
from typing import Any

from . import amp as amp

__all__ = ["device_count", "is_available", "manual_seed", "manual_seed_all"]


class OutOfMemoryError(RuntimeError):
    """A GPU had no memory left."""


def is_available() -> bool:
    """Whether there is a GPU that can be used."""
    return False


def device_count() -> int:
    """How many GPUs there are."""
    return 0


def is_initialized() -> bool:
    """Whether a GPU is in use."""
    return False


def is_bf16_supported(including_emulation: bool = True) -> bool:
    """Whether the GPU has bfloat16."""
    return False


def _refused(*args: Any, **kwargs: Any) -> Any:
    raise RuntimeError(
        "lazytensor: no CUDA device is available here; torch.cuda.is_available() says so. To use a "
        "GPU, install lazytensor[cuda12] or lazytensor[cuda13] on a machine that has one"
    )


def init() -> None:
    """Raises RuntimeError: there is no GPU."""
    _refused()


def current_device() -> int:
    """Raises RuntimeError: there is no GPU."""
    return int(_refused())


def set_device(device: Any) -> None:
    """Raises RuntimeError: there is no GPU."""
    _refused()


def get_device_name(device: Any = None) -> str:
    """Raises RuntimeError: there is no GPU."""
    return str(_refused())


def get_device_properties(device: Any = None) -> Any:
    """Raises RuntimeError: there is no GPU."""
    return _refused()


def synchronize(device: Any = None) -> None:
    """Raises RuntimeError: there is no GPU."""
    _refused()


def empty_cache() -> None:
    """Nothing to free."""


def manual_seed(seed: int) -> None:
    """Accepted: there is no GPU to seed."""


def manual_seed_all(seed: int) -> None:
    """Accepted: there is no GPU to seed."""


def memory_allocated(device: Any = None) -> int:
    """Bytes of tensors on the GPU: none."""
    return 0


def max_memory_allocated(device: Any = None) -> int:
    """The most bytes of tensors that were on the GPU: none."""
    return 0


def memory_reserved(device: Any = None) -> int:
    """Bytes held on the GPU: none."""
    return 0


def reset_peak_memory_stats(device: Any = None) -> None:
    """Nothing to reset."""


def get_arch_list() -> Sequence[str]:
    """The architectures that kernels are built for: none."""
    return []
