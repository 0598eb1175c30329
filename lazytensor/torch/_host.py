"""Values of nodes on the host, and nodes of the host's arrays, wherever the nodes are.

What enters: nodes, NumPy arrays, devices. What leaves: arrays, only to be read, and nodes. What a
node on a GPU has computed is there: nothing but `value` and `asked`, which wait for it and copy it,
make an array of it. It must not know class Tensor.
"""

from typing import Any

import numpy as np

from .._base.devices import CPU, Device, is_gpu
from ..ir.node import Node, leaf
from ..ops import g
from ..runtime.materialize import asked as asked
from ..runtime.materialize import materialize
from ..runtime.materialize import value as value
from ..runtime.pending import new_leaf

__all__ = ["beside", "is_cuda", "known", "placed", "placed_new", "still"]

Array = np.ndarray[Any, Any]


def is_cuda(device: Device) -> bool:
    """Whether a device is a CUDA device, also a virtual one."""
    return device is not CPU and device.startswith("cuda")


def still(node: Node) -> Node:
    """The node's value, wherever it is, without how it was computed."""
    materialize((node,))
    return leaf(node.value, node.device)


def known(node: Node) -> Array | None:
    """The node's value if it has one that can be looked at without waiting."""
    found = node.value
    return found if type(found) is np.ndarray else None


def placed(array: Array, device: Device) -> Node:
    """A node on a device for an array that nobody writes to any more."""
    return _sent(leaf(array), device)


def placed_new(array: Array, device: Device) -> Node:
    """`placed` for an array that is new to the graph: its bytes count towards the next look."""
    return _sent(new_leaf(array, CPU), device)


def _sent(node: Node, device: Device) -> Node:
    """The leaf on a device: sent to a GPU once, for all who read it."""
    if device is CPU:
        return node
    return g.transfer(node, device) if is_gpu(device) else leaf(node.value, device)


def beside(node: Node, like: Node) -> Node:
    """The node, an index or a number, on the device of another."""
    return node if node.device is like.device else g.transfer(node, like.device)
