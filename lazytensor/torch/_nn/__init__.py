"""Operations of neural networks, which `torch.nn.functional` is written over."""

from typing import Any

from .._dispatch import FUNCTIONS
from .._missing import missing
from . import activation, composed, layers, loss, natives, recurrent, resample, windows
from ._base import TABLE

FAMILIES = (activation, composed, layers, loss, natives, recurrent, resample, windows)
globals().update(TABLE)


_absent = missing("torch.nn.functional")


def __getattr__(name: str) -> Any:
    """An operation of the namespace itself; AttributeError for one that isn't there."""
    return FUNCTIONS[name] if name in FUNCTIONS else _absent(name)
