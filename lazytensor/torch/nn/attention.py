"""`torch.nn.attention`: which kernels attention may use. There is one here, serving for all."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from typing import Any

from .._missing import missing

__all__ = ["SDPBackend", "sdpa_kernel"]


class SDPBackend(Enum):
    """PyTorch's kernels of attention."""

    ERROR = -1
    MATH = 0
    FLASH_ATTENTION = 1
    EFFICIENT_ATTENTION = 2
    CUDNN_ATTENTION = 3
    OVERRIDEABLE = 4


@contextmanager
def sdpa_kernel(backends: Any, set_priority: bool = False) -> Iterator[dict[str, Any]]:
    """A context for attention by some kernels. Raises AssertionError, TypeError for others."""
    if not isinstance(backends, list | SDPBackend):
        raise AssertionError(
            "Backend must be an instance of SDPBackend or a list of SDPBackend instances"
        )
    chosen = [backends] if isinstance(backends, SDPBackend) else backends
    if not all(isinstance(b, SDPBackend) for b in chosen):
        raise TypeError("backends must be SDPBackend")
    yield {}


__getattr__ = missing("torch.nn.attention")
