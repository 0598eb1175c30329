"""Operations of neural networks, which `torch.nn.functional` is written over."""

from typing import Any

from .._dispatch import FUNCTIONS
from . import activation, layers, loss, recurrent, windows
from ._base import TABLE

FAMILIES = (activation, layers, loss, recurrent, windows)
globals().update(TABLE)


def __getattr__(name: str) -> Any:
    """An operation of the namespace itself; AttributeError for one that isn't there."""
    if name in FUNCTIONS:
        return FUNCTIONS[name]
    raise AttributeError(
        f"torch.nn.functional: lazytensor has no {name!r} yet (docs/torch_coverage.md)"
    )
