"""Values of nodes on the host, and nodes of the host's arrays, wherever the nodes are.

What enters: nodes, NumPy arrays, devices. What leaves: arrays, only to be read, and nodes. What a
node on a GPU has is there: nothing but a transfer to the CPU makes an array of it, and nothing but
a transfer from there makes it of one. It must not know class Tensor.
"""

from typing import Any

import numpy as np

from .._base.devices import CPU, Device
from ..ir.node import Node, leaf
from ..ops import g
from ..runtime import materialize as run
from ..runtime.pending import new_leaf

__all__ = ["asked", "beside", "known", "on_host", "placed", "placed_new", "still", "value"]

Array = np.ndarray[Any, Any]


def on_host(device: Device) -> bool:
    """Whether values on a device are arrays of the host's."""
    return device is CPU or not device.startswith("cuda")


def value(node: Node) -> Array:
    """The node's value, computed if need be. Not to be written to."""
    if on_host(node.device):
        return run.value(node)
    return _fetched(node, False)


def asked(node: Node) -> Array:
    """`value` for the user, between operations."""
    if on_host(node.device):
        return run.asked(node)
    return _fetched(node, True)


def _fetched(node: Node, cutting: bool) -> Array:
    """The value, which also stays on the device: both are computed in one graph."""
    here = g.transfer(node, CPU)
    run.materialize((node, here), cutting)
    return here.value  # type: ignore[no-any-return]


def still(node: Node) -> Node:
    """The node's value, wherever it is, without how it was computed."""
    return leaf(run.value(node), node.device)


def known(node: Node) -> Array | None:
    """The node's value if it has one that can be looked at without waiting."""
    return node.value if on_host(node.device) else None


def placed(array: Array, device: Device) -> Node:
    """A node on a device for an array that nobody writes to any more."""
    return _sent(leaf(array), device)


def placed_new(array: Array, device: Device) -> Node:
    """`placed` for an array that is new to the graph: its bytes count towards the next look."""
    return _sent(new_leaf(array, CPU), device)


def _sent(node: Node, device: Device) -> Node:
    if device is CPU:
        return node
    if on_host(device):
        return leaf(node.value, device)
    return g.transfer(node, device)


def beside(node: Node, like: Node) -> Node:
    """The node, an index or a number, on the device of another."""
    return node if node.device is like.device else g.transfer(node, like.device)
