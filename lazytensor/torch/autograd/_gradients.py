"""Gradients on their way: who holds them, where they lie in memory, which record is next.

What enters: gradients, records. What leaves: the same, counted and ordered as PyTorch's engine
does it, so far as it can be seen: in the versions and strides of gradients, in the order of hooks.
It must not know how a gradient is computed.
"""

from collections.abc import Sequence
from itertools import repeat
from typing import Any

from ...ir.node import Node
from .._graph import GradFn
from .._strides import elementwise_strides
from ..tensor import Ints, Tensor, wrap

__all__ = ["captured", "drop", "hold", "joint_strides", "mapped", "operands", "placed", "pop",
           "push", "settled"]  # fmt: skip


def hold(x: Tensor) -> None:
    """One more place has a gradient."""
    x._uses += 1
    if x._uses == 1 and x._base is not None:
        x._base._views += 1


def drop(x: Tensor) -> None:
    """A place has it no more."""
    x._uses -= 1
    if not x._uses and x._base is not None:
        x._base._views -= 1


def captured(x: Tensor) -> Tensor:
    """A gradient that is returned, held from now on."""
    hold(x)
    return x


def settled(x: Tensor) -> Any:
    """The node of a gradient that nothing tells from a new one, or else the tensor."""
    if x._base is None and x._strides is None and x._counter is None and not x._uses:
        return x._read()
    return x


def mapped(node: Node, strides: Ints | None) -> Tensor:
    """A tensor that lies in memory as a function of each element of one with these strides."""
    x = wrap(node, None, strides)
    x._strides = elementwise_strides(node.shape, (x,))
    return x


def operands(fn: GradFn, given: Sequence[Tensor | None]) -> list[Tensor]:
    """What decides where the gradients that a record gives lie in memory: those of its outputs, and
    what it read; nothing where they are put into new memory, or where all of these lie as usual.
    """
    if fn.fresh or (fn.strides is None and not any(map(_lies_apart, given))):
        return []
    read = [mapped(n, s) for n, s in zip(fn.inputs or (), fn.strides or repeat(None))]
    return [t for t in (*given, *read) if t is not None]


def _lies_apart(t: Tensor | None) -> bool:
    return t is not None and t._strides is not None


def joint_strides(node: Node, tensors: Sequence[Tensor]) -> Ints | None:
    """The strides of an elementwise result of those that have its shape."""
    alike = [t for t in tensors if t._node.shape == node.shape]
    return elementwise_strides(node.shape, alike) if alike else None


def placed(node: Node, tensors: Sequence[Tensor], version: int) -> Any:
    """A new gradient, in memory as elementwise results of tensors, written to so often."""
    strides = joint_strides(node, tensors)
    if strides is None and not version:
        return node
    out = wrap(node, None, strides)
    if version:
        out._counter = [version]
    return out


# --- the next record ------------------------------------------------------------------------------
# A heap as the C++ library keeps it: among records of one number, which are ends of histories, it
# decides which is next.


def push(heap: list[GradFn], fn: GradFn) -> None:
    """Put a record in its place."""
    heap.append(fn)
    if len(heap) > 1:
        _up(heap, len(heap) - 1, fn)


def _up(heap: list[GradFn], hole: int, fn: GradFn) -> None:
    number = fn._sequence
    while hole:
        parent = (hole - 1) // 2
        if heap[parent]._sequence >= number:
            break
        heap[hole] = heap[parent]
        hole = parent
    heap[hole] = fn


def pop(heap: list[GradFn]) -> GradFn:
    """Take the newest record out."""
    first, last = heap[0], heap.pop()
    count = len(heap)
    if not count:
        return first
    hole = child = 0
    while child < (count - 1) // 2:
        child = 2 * (child + 1)
        if heap[child]._sequence < heap[child - 1]._sequence:
            child -= 1
        heap[hole] = heap[child]
        hole = child
    if count % 2 == 0 and child == (count - 2) // 2:
        child = 2 * child + 1
        heap[hole] = heap[child]
        hole = child
    _up(heap, hole, last)
    return first
