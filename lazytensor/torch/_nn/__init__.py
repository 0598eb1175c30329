"""Operations of neural networks, which `torch.nn.functional` is written over."""

from typing import Any

from .._dispatch import FUNCTIONS
from . import activation, composed, layers, loss, natives, resample, windows
from ._base import TABLE

FAMILIES = (activation, composed, layers, loss, natives, resample, windows)
globals().update(TABLE)


def __getattr__(name: str) -> Any:
    """An operation of the namespace itself; AttributeError for one that isn't there."""
    if name in FUNCTIONS:
        return FUNCTIONS[name]
    raise AttributeError(
        f"torch.nn.functional: lazytensor has no {name!r} yet (docs/torch_coverage.md)"
    )
