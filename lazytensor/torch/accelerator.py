"""`torch.accelerator`: the machine's accelerator, of which there is none here.

What enters: devices. What leaves: answers; asking for one raises RuntimeError.
"""

from typing import Any

from ._types import device


def is_available() -> bool:
    """Whether there is an accelerator."""
    return False


def device_count() -> int:
    """How many there are."""
    return 0


def current_accelerator(check_available: bool = False) -> device | None:
    """The accelerator; None."""
    return None


def _refused() -> Any:
    raise RuntimeError(
        "Cannot access accelerator device when none is available: lazytensor runs on the CPU here"
    )


def current_device_index() -> int:
    """Raises RuntimeError: there is none."""
    return int(_refused())


def set_device_index(device: Any) -> None:
    """Raises RuntimeError: there is none."""
    _refused()


def synchronize(device: Any = None) -> None:
    """Raises RuntimeError: there is none."""
    _refused()


current_device_idx = current_device_index
set_device_idx = set_device_index
