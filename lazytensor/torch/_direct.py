"""The arithmetic of an optimiser's step on tensors that nothing watches: what operations in place
would write, without the way there, which for a model's many parameters takes longer than to
compute.

What enters: tensors, numbers. What leaves: nodes, and tensors that were written to. It must not
know any particular method.
"""

from typing import Any

import numpy as np

from ..ir.node import Node, leaf, scalar
from ..lang import pointwise as nodes
from ..ops import g
from ..transform.structures import repeated
from ._dtypes import fit, of
from ._graph import MODE
from ._host import known
from .operators import FAST
from .tensor import Tensor

__all__ = ["Arithmetic", "counted", "direct", "repeated", "write"]


def direct(*tensors: Tensor) -> bool:
    """Whether nothing sees how these are written to: no history, transform or class of the user's;
    they have one real dtype and one shape, lie as usual, and share no memory.
    """
    if MODE.grad or MODE.inference or MODE.transforms or MODE.levels:
        return False
    first, homes = tensors[0], set()
    kind, shape = first.dtype, first._node.shape
    for t in tensors:
        if type(t) not in FAST or t.dtype is not kind or t._node.shape != shape:
            return False
        if t._strides is not None or t._base is not None or t._inference is True:
            return False
        homes.add(id(t if t._stor is None else t._stor))
    return kind._rank == 2 and len(homes) == len(tensors)


def counted(step: Tensor) -> Any:
    """One step more; its number."""
    before = step._read()
    if known(before) is None:
        step += 1
        return step.item()
    more = np.asarray(before.value + before.dtype.type(1))
    step._write(leaf(more, before.device))
    return step._node.value.item()


def write(x: Tensor, node: Node, times: int) -> None:
    """Put elements in the place of the old, as so many operations."""
    x._write(node)
    if times > 1:
        x._count()[0] += times - 1


class Arithmetic:
    """PyTorch's operations on tensors of one dtype, as nodes; numbers are taken into that."""

    def __init__(self, like: Node) -> None:
        self._of = of(like.dtype)
        self._device = like.device

    def number(self, value: Any) -> Node:
        """A number as one of the dtype; a node is one. Raises RuntimeError for what doesn't fit."""
        if type(value) is Node:
            return value
        return scalar(fit(value, self._of), self._of.numpy, self._device)

    def mul(self, x: Node, by: Any) -> Node:
        """x by a number."""
        return g.multiply(x, self.number(by))

    def add(self, x: Node, y: Node, alpha: Any) -> Node:
        """x + alpha y."""
        return g.add(x, y if type(alpha) is int and alpha == 1 else self.mul(y, alpha))

    def lerp(self, x: Node, y: Node, weight: Any) -> Node:
        """x + weight (y - x), from whichever end is nearer."""
        distance, by = g.subtract(y, x), self.number(weight)
        if abs(by.value) < 0.5:
            return g.add(x, g.multiply(by, distance))
        return g.subtract(y, g.multiply(distance, g.subtract(1, by)))

    def addcmul(self, x: Node, a: Node, b: Node, value: Any) -> Node:
        """x + value a b."""
        return nodes.addcmul(x, a, b, fit(value, self._of))

    def addcdiv(self, x: Node, a: Node, b: Node, value: Any) -> Node:
        """x + value a / b."""
        return g.add(x, g.divide(self.mul(a, value), b))

    def root(self, x: Node, by: Any, more: Any) -> Node:
        """The square root of x, divided by a number, and a number more."""
        return g.add(g.divide(g.sqrt(x), self.number(by)), self.number(more))
