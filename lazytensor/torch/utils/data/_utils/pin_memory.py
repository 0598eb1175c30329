"""Batches in pinned memory.

What enters: batches. What leaves: the same in memory that devices copy from without waiting. It
must not know loaders.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ....tensor import Tensor
from .collate import _mapping, _sequence


def pin_memory(data: Any, device: Any = None) -> Any:
    """The same with every tensor in pinned memory, containers in their form."""
    if isinstance(data, Tensor):
        return data.pin_memory()
    if hasattr(data, "pin_memory"):
        return data.pin_memory()
    if isinstance(data, str | bytes):
        return data
    if isinstance(data, Mapping):
        return _mapping(data, {key: pin_memory(value, device) for key, value in data.items()})
    if isinstance(data, tuple) and hasattr(data, "_fields"):
        return type(data)(*(pin_memory(value, device) for value in data))
    if isinstance(data, tuple):
        return [pin_memory(value, device) for value in data]
    if isinstance(data, Sequence):
        return _sequence(data, [pin_memory(value, device) for value in data])
    return data
