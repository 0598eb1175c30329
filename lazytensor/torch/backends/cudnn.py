"""`torch.backends.cudnn`: switches of cuDNN, which isn't used here."""

from typing import Any

from .._missing import missing
from ._switches import flags as _flags
from ._switches import no as is_available

enabled = True
benchmark = False
benchmark_limit: int | None = None
deterministic = False
allow_tf32 = True
fp32_precision = "none"
flags = _flags(__name__)


def version() -> int | None:
    """None: there is none."""
    return None


def is_acceptable(tensor: Any) -> bool:
    """False."""
    return False


__all__ = ["flags", "is_acceptable", "is_available", "version"]
__getattr__ = missing("torch.backends.cudnn")
