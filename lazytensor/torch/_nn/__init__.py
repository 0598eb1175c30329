"""Operations of neural networks, which `torch.nn.functional` is written over."""

from typing import Any

from . import activation, layers, loss, windows
from ._base import TABLE

FAMILIES = (activation, layers, loss, windows)
globals().update(TABLE)


def __getattr__(name: str) -> Any:
    """Raises AttributeError for an operation that isn't there."""
    raise AttributeError(
        f"torch.nn.functional: lazytensor has no {name!r} yet (docs/torch_coverage.md)"
    )
