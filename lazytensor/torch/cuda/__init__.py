"""`torch.cuda` where there is no GPU: it says so, and refuses what would need one.

What enters: devices. What leaves: answers, or RuntimeError.
"""

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

from .._errors import OutOfMemoryError as OutOfMemoryError
from .._missing import parts


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


def _refusing(name: str) -> Any:
    """A function that needs a GPU."""

    def refused(*args: Any, **kwargs: Any) -> Any:
        """Raises RuntimeError: there is no GPU."""
        return _refused()

    refused.__name__ = refused.__qualname__ = name
    return refused


_NEED_ONE = (
    "Event", "ExternalStream", "Stream", "can_device_access_peer", "current_blas_handle",
    "current_device", "current_stream", "default_stream", "get_device_capability",
    "get_device_name", "get_device_properties", "get_rng_state", "init", "initial_seed",
    "ipc_collect", "is_current_stream_capturing", "mem_get_info", "memory_summary", "set_device",
    "set_rng_state", "synchronize",
)  # fmt: skip
globals().update({name: _refusing(name) for name in _NEED_ONE})


class device:
    """A context in which a GPU is the current one; None, or an index below 0, changes nothing."""

    def __init__(self, device: Any) -> None:
        self.idx = -1 if device is None else getattr(device, "index", device)

    def __enter__(self) -> None:
        """Raises RuntimeError where a GPU is asked for: there is none."""
        if self.idx is None or self.idx >= 0:
            _refused()

    def __exit__(self, *exception: object) -> None: ...


def stream(stream: Any) -> Any:
    """A context in which nothing changes: without a GPU there are no streams but None."""
    return nullcontext(stream)


def empty_cache() -> None:
    """Nothing to free."""


def manual_seed(seed: int) -> None:
    """Accepted: there is no GPU to seed."""


def manual_seed_all(seed: int) -> None:
    """Accepted: there is no GPU to seed."""


def seed() -> None:
    """Accepted: there is no GPU to seed."""


def seed_all() -> None:
    """Accepted: there is no GPU to seed."""


def get_rng_state_all() -> list[Any]:
    """The states of all GPUs' generators: none."""
    return []


def set_rng_state_all(new_states: Any) -> None:
    """Accepted: there is no GPU's generator."""


def memory_allocated(device: Any = None) -> int:
    """Bytes of tensors on the GPU: none."""
    return 0


def max_memory_allocated(device: Any = None) -> int:
    """The most bytes of tensors that were on the GPU: none."""
    return 0


def memory_reserved(device: Any = None) -> int:
    """Bytes held on the GPU: none."""
    return 0


def max_memory_reserved(device: Any = None) -> int:
    """The most bytes that were held on the GPU: none."""
    return 0


def memory_stats(device: Any = None) -> dict[str, Any]:
    """Figures of the GPU's memory: none."""
    return {}


def reset_peak_memory_stats(device: Any = None) -> None:
    """Nothing to reset."""


def get_arch_list() -> Sequence[str]:
    """The architectures that kernels are built for: none."""
    return []


__getattr__ = parts(__name__, "amp")
