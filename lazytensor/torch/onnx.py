"""`torch.onnx`, as far as programs ask whether they are being exported: nothing is.

What enters: nothing. What leaves: answers; other names raise AttributeError.
"""

from typing import Any

__all__ = ["is_in_onnx_export"]


def is_in_onnx_export() -> bool:
    """False: nothing is exported."""
    return False


def __getattr__(name: str) -> Any:
    """Raises AttributeError for a name that isn't there."""
    raise AttributeError(
        f"module 'torch.onnx' has no attribute {name!r} (lazytensor: docs/torch_coverage.md lists "
        "what is there)"
    )
