"""The tensors of a device that are alive: what eager programs would have computed by now.

What enters: the index of a CUDA device. What leaves: its tensors; their values. Tensors are looked
for among all objects of the process, which takes some milliseconds, and costs nothing to those who
don't ask. It must not know who asks.
"""

import gc
from collections.abc import Iterator
from typing import Any

from ..._base.devices import Device
from ...ir.node import TRACING
from ...runtime.materialize import materialize
from .._graph import MODE
from ..tensor import Tensor

__all__ = ["compute", "tensors", "values"]


def tensors(device: Device) -> Iterator[Tensor]:
    """The tensors on a device."""
    for found in gc.get_objects():
        if issubclass(type(found), Tensor):
            node = found.__dict__.get("_node")
            if node is not None and node.device is device:
                yield found


def values(device: Device) -> list[Any]:
    """What the tensors on a device have been computed to."""
    found = [x._read().value for x in list(tensors(device))]
    return [each for each in found if each is not None]


def compute(device: Device) -> None:
    """Compute the tensors on a device that are pending: whoever waits for a device, or takes the
    time on it, means what was asked for before. Nothing within a transformed function.
    """
    if TRACING.depth or MODE.transforms:
        return
    nodes = [x._read() for x in list(tensors(device))]
    materialize([node for node in nodes if node.value is None], cutting=True)
