"""`torch.backends.cudnn`: switches of a library for GPUs, which isn't used."""

from typing import Any

from ._switches import no, remembered

__all__ = ["flags", "is_acceptable", "is_available", "version"]

enabled = True
benchmark = False
benchmark_limit = 10
deterministic = False
allow_tf32 = True
is_available = no


def version() -> None:
    """None: the library isn't used."""


def is_acceptable(tensor: Any) -> bool:
    """False: the library isn't used."""
    return False


flags = remembered(
    globals(), "enabled", "benchmark", "benchmark_limit", "deterministic", "allow_tf32"
)
