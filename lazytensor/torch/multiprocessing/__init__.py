"""`torch.multiprocessing`: the standard library's `multiprocessing`, which tensors go through by
sharing their memory.
"""

import multiprocessing as _multiprocessing
from multiprocessing import *  # noqa: F403
from typing import Any as _Any

from .._missing import missing as _missing
from . import reductions as reductions
from .spawn import (
    ProcessContext,
    ProcessExitedException,
    ProcessRaisedException,
    SpawnContext,
    spawn,
    start_processes,
)

_STRATEGIES = frozenset({"file_descriptor", "file_system"})
_strategy = ["file_descriptor"]


def get_all_sharing_strategies() -> frozenset[str]:
    """PyTorch's names of ways to share memory."""
    return _STRATEGIES


def get_sharing_strategy() -> str:
    """What `set_sharing_strategy` was given."""
    return _strategy[0]


def set_sharing_strategy(new_strategy: str) -> None:
    """Accepted: memory is always shared by files without names. Raises AssertionError."""
    if new_strategy not in _STRATEGIES:
        raise AssertionError(
            f"invalid sharing strategy '{new_strategy}', expected one of {set(_STRATEGIES)}"
        )
    _strategy[0] = new_strategy


__all__ = ["get_all_sharing_strategies", "get_sharing_strategy", "set_sharing_strategy"]
__all__ += ["ProcessContext", "ProcessExitedException", "ProcessRaisedException", "SpawnContext"]
__all__ += ["spawn", "start_processes"]
__all__ += list(_multiprocessing.__all__)
_absent = _missing("torch.multiprocessing")


def __getattr__(name: str) -> _Any:
    """A name of the standard library's. Raises AttributeError for one that neither has."""
    return getattr(_multiprocessing, name) if hasattr(_multiprocessing, name) else _absent(name)
