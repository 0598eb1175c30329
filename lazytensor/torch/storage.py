"""Storages: the one mutable thing of this face, a cell with the node of some memory's elements.

What enters: nodes, steps from a whole to what a view shows of it. What leaves: nodes. A storage may
be exposed: others have its memory too, and may write to it; then every read is of the memory as it
is, and every write goes there before it returns. It must not know class Tensor.
"""

import sys
from collections.abc import Callable, Sequence
from functools import lru_cache
from math import prod
from typing import Any
from weakref import WeakValueDictionary, ref

import numpy as np

from .._base.devices import CPU, is_gpu
from .._base.dtypes import bool_
from .._base.shapes import Shape
from ..ir.graph import COUNTED
from ..ir.node import TRACING, Node, apply, apply_shaped, known, leaf, placeholder
from ..ir.op import Op
from ..ops import g
from ..ops.bits import bitcast
from ..ops.elementwise import conj, negative
from ..ops.gather import gather
from ..ops.movement import broadcast_to, permute, reshape, slice_
from ..runtime import gpus
from ..runtime.materialize import asked, on_device
from ..runtime.pending import new_leaf
from ._driver import driver
from ._host import beside, is_cuda, value

__all__ = ["Part", "Storage"]

# One movement on the way from a whole to what a view shows: a row, its parameters, and for a gather
# the index nodes, which are on the CPU.
Step = tuple[Op, tuple[Any, ...]]
Steps = tuple[Step, ...]


# Rows whose results have the dtype of what they read; which parameter is their shape.
_SHAPES = {reshape: 0, slice_: 1, broadcast_to: 0}


@lru_cache(8192)
def _check(op: Op, shape: Shape, params: tuple[Any, ...]) -> None:
    """Raises ValueError where a row's parameters don't fit a shape."""
    op.infer(placeholder(shape, bool_, CPU, 0), *params)


def read(x: Node, step: Step) -> Node:
    """What a step shows of x."""
    op, params = step
    if op in _SHAPES:
        _check(op, x.shape, params)
        return apply_shaped(op, x, params, params[_SHAPES[op]])
    if op is gather:
        return apply(op, (x, *[beside(i, x) for i in params]))
    return apply(op, (x,), params)


def _permuted_back(x: Node, new: Node, axes: tuple[int, ...]) -> Node:
    return g.permute(new, tuple(sorted(range(len(axes)), key=axes.__getitem__)))


# How what a step shows is replaced.
_WRITE: dict[Op, Callable[..., Node]] = {
    reshape: lambda x, new, shape: g.reshape(new, x.shape),
    permute: _permuted_back,
    slice_: lambda x, new, starts, sizes, steps: g.update_slice(x, new, starts, steps),
    broadcast_to: lambda x, new, shape: g.reshape(new, x.shape),
    gather: lambda x, new, *indices: g.scatter([x, new, *[beside(i, x) for i in indices]]),
    conj: lambda x, new: g.conj(new),
    negative: lambda x, new: g.negative(new),
    bitcast: lambda x, new, dtype: g.bitcast(new, x.dtype),
}


def put(node: Node, steps: Sequence[Step], new: Node) -> Node:
    """The node with what the steps lead to replaced."""
    inside = [node]
    for step in steps[:-1]:
        inside.append(read(inside[-1], step))
    if any(_repeats(step, x) for step, x in zip(steps, inside)):
        return _put_repeated(node, steps, new)
    for (op, params), x in zip(reversed(steps), reversed(inside)):
        new = _WRITE[op](x, new, *params)
    return new


_REPEATING = (broadcast_to, gather)  # steps that may show an element more than once


def _repeats(step: Step, x: Node) -> bool:
    """Whether a step shows an element of x more than once."""
    op, params = step
    if op is broadcast_to:
        return bool(x.size != prod(params[0]))
    if op is not gather or len(params) > 1:
        return False
    places = params[0].value
    return places is not None and len(np.unique(places)) < places.size


def _put_repeated(node: Node, steps: Sequence[Step], new: Node) -> Node:
    """`put` where elements are shown more than once: of what changes one the last stays."""
    places = g.reshape(g.iota(node.size, np.dtype(np.int64), node.device), node.shape)
    for step in steps:
        places = read(places, step)
    before = node
    for step in steps:
        before = read(before, step)
    size, count = node.size, new.size
    spare = g.constant(size, places)
    where = g.reshape(g.where(g.equal(before, new), spare, places), (count,))
    flat = g.concat([g.reshape(node, (size,)), g.broadcast_to(g.constant(0, node), (1,))], 0)
    flat = g.scatter([flat, g.reshape(new, (count,)), where])
    return g.reshape(apply(slice_, (flat,), ((0,), (size,), (1,))), node.shape)


# References to the owner of exposed memory when nobody else has it: the view's, a name, the call.
_ALONE = 3


def _part(memory: np.ndarray[Any, Any], steps: Steps) -> np.ndarray[Any, Any] | None:
    """What the steps show of memory, as a view of it; None where NumPy makes a copy."""
    part = memory
    for op, params in steps:
        if op is gather:
            return None
        part = op.value(np, part, *params)
        if not (part.flags.writeable and np.may_share_memory(part, memory)):
            return None
    return part


def _none() -> None:
    return None


def _same(copy: np.ndarray[Any, Any], memory: np.ndarray[Any, Any]) -> bool:
    """Whether memory has the bits that were copied."""
    if not memory.flags.c_contiguous:
        return False
    words = np.uint8 if memory.nbytes % 8 else np.uint64
    a, b = (x.reshape(-1).view(words) for x in (copy, memory))
    return bool(np.array_equal(a, b))


class Storage:
    """Some memory: `node` has its elements in the shape of the tensor that it was made for.

    `stamp` grows with every write. `memory` is None, or the NumPy array that others have too, of
    which `last` refers to the last copy.
    """

    __slots__ = ("__weakref__", "last", "memory", "node", "order", "pinned", "place", "stamp")

    def __init__(self, node: Node, order: tuple[int, ...] | None = None) -> None:
        self.node = node
        self.order = order  # of the axes in memory, outermost first; None as they stand
        self.stamp = 0
        self.pinned = False  # whether devices copy from it without waiting
        self.memory: np.ndarray[Any, Any] | None = None
        self.last: Callable[[], Any] = _none
        self.place: np.ndarray[Any, Any] | None = None  # whose address was told

    def whole(self) -> Node:
        """The node of all elements now."""
        if self.memory is not None:
            return self._exposed(self.memory)
        node = self.node
        if node.value is not None and node.args and not TRACING.depth:
            self.node = node = leaf(node.value, node.device)
        return node

    def _exposed(self, memory: np.ndarray[Any, Any]) -> Node:
        """A private copy of shared memory, the last one while that is alive and the same; the
        memory itself when nobody else has it any more.
        """
        owner = memory if memory.base is None else memory.base
        alone = type(owner) is np.ndarray and owner.flags.owndata
        same = owner is memory
        alone = alone and COUNTED and sys.getrefcount(owner) <= _ALONE + same
        if alone and (same or sys.getrefcount(memory) <= _ALONE):
            self.memory = None
            self.node = new_leaf(memory, self.node.device)
            return self.node
        copy = self.last()
        if copy is not None and _same(copy, memory):
            return leaf(copy, self.node.device)
        copy = np.array(memory, order="C")
        copy.flags.writeable = False  # it is never exposed itself
        self.last = ref(copy)
        return new_leaf(copy, self.node.device)

    def shown(self, steps: Steps) -> Node:
        """What the steps show."""
        node = self.whole()
        for step in steps:
            node = read(node, step)
        return node

    def write(self, steps: Steps, new: Node) -> bool:
        """Replace what the steps show; of exposed memory, which others may write to meanwhile, no
        more than that where it can be told apart. Whether they show just that from now on: neither
        is the memory exposed, nor is an element of it shown more than once.
        """
        part = None if self.memory is None else _part(self.memory, steps)
        if part is not None:
            np.copyto(part, value(new))
            self.stamp += 1
            return False
        node = put(self.whole(), steps, new) if steps else new
        self.stamp += 1
        if self.memory is None:
            self.node = node
            return not steps or not any(op in _REPEATING for op, _ in steps)
        np.copyto(self.memory, value(node))
        return False

    def _references(self) -> tuple[int, int]:
        node = self.node
        return sys.getrefcount(node), sys.getrefcount(node.value)

    def _owned(self, known: int) -> bool:
        """Whether nothing but the storage, and `known` names of its node, has its value."""
        if not COUNTED:
            return False
        nodes, values = self._references()
        return (nodes - known, values) == _OWN

    def expose(self, known: int = 0) -> np.ndarray[Any, Any]:
        """The memory itself, to be shared: writable, in the shape of the whole; a copy where other
        nodes have it, but for `known` names of the storage's own node.
        """
        if self.memory is None:
            whole = self.whole()
            asked(whole)
            whole = self.whole()
            alone = self._owned(known + 1)
            found = value(whole)
            if self.order is not None:
                lines = np.array(found.transpose(self.order), order="C")
                found = lines.transpose(np.argsort(self.order))
            elif not (alone and _is_plain(found)):
                found = np.array(found, order="C")
            self.memory = found
            self.node = leaf(found, self.node.device)
            self.stamp += 1
        return self.memory

    def address(self) -> int:
        """Where in the process's memory the elements lie, or a copy of them that is as good until
        they are next written to; the same for as long as the storage lives. 0 without any.
        """
        if not self.node.size:
            return 0
        found = self.memory
        if is_cuda(self.node.device):
            there = self._there()
            if there is not None:
                return there
        if found is None:
            lines = value(self.whole())
            lines = lines if self.order is None else lines.transpose(self.order)
            if self.place is None:
                self.place = np.empty(lines.shape, lines.dtype)
            np.copyto(self.place, lines)
            found = self.place
        return int(found.__array_interface__["data"][0])

    def _there(self) -> int | None:
        """Where on a GPU the elements lie, in memory that no other storage has; None where a copy
        on the host stands for them.
        """
        if not is_gpu(self.node.device):
            return None
        node = self.whole()
        found = node.value
        if found is None or type(found) is np.ndarray or not self._told(found):
            found = on_device(node)
            if found is node.value and (found.base is not None or not self._told(found, self)):
                found = gpus.loaded().copy(found)
            if found is not node.value:
                self.node = known(found, node.dtype, node.device)
        where = _address(found)
        _TOLD[where] = self
        return where

    def _told(self, found: Any, otherwise: "Storage | None" = None) -> bool:
        """Whether the address of an array of a GPU was told as that of this storage, or where it
        was told of none, of the one named.
        """
        return _TOLD.get(_address(found), otherwise) is self

    def flat(self, dtype: Any) -> Steps:
        """The steps that show the memory along one axis, as elements of a dtype."""
        shape = self.node.shape
        order: Steps = () if self.order is None else ((permute, (self.order,)),)
        steps = (*order, (reshape, ((self.node.size,),))) if shape != (self.node.size,) else ()
        return steps if self.node.dtype is dtype else (*steps, (bitcast, (dtype,)))

    def lined(self, dtype: Any, known: int = 0) -> np.ndarray[Any, Any] | None:
        """The memory itself along one axis, exposed, as elements of a dtype; None where it has
        gaps.
        """
        found = self.expose(known)
        found = found if self.order is None else found.transpose(self.order)
        return found.reshape(-1).view(dtype) if found.flags.c_contiguous else None


class Part(Storage):
    """Some bytes of another storage, which has the elements."""

    __slots__ = ("_count", "_first", "_whole")

    def __init__(self, whole: Storage, first: int, count: int) -> None:
        self.order, self.pinned, self.memory = None, False, None
        self.last, self.place = _none, None
        self._whole, self._first, self._count = whole, first, count

    @property
    def node(self) -> Node:  # type: ignore[override]
        """The bytes now."""
        return self._whole.shown(self._steps())

    @property
    def stamp(self) -> int:  # type: ignore[override]
        """Grows with every write to the other storage."""
        return self._whole.stamp

    def _steps(self) -> Steps:
        part: Step = slice_, ((self._first,), (self._count,), (1,))
        return (*self._whole.flat(_BYTE), part)

    def whole(self) -> Node:
        """The node of all bytes now."""
        return self.node

    def write(self, steps: Steps, new: Node) -> bool:
        """As of any storage, in the other one."""
        return self._whole.write((*self._steps(), *steps), new)

    def address(self) -> int:
        """Where the bytes lie within the other storage."""
        return self._whole.address() + self._first if self._count else 0


_BYTE = np.dtype(np.uint8)


def _address(found: Any) -> int:
    """Where an array of a GPU begins."""
    return driver().address(found) or 0


# The storages whose addresses on GPUs were told, by these.
_TOLD: "WeakValueDictionary[int, Storage | None]" = WeakValueDictionary()


def _is_plain(found: np.ndarray[Any, Any]) -> bool:
    """Whether an array is one that can be handed out to be written to: its own memory, or a block
    of the pool that nothing else shows.
    """
    flags = found.flags
    if not (flags.c_contiguous and flags.writeable):
        return False
    return bool(flags.owndata) or _shows_alone(found)


def _shows_alone(found: np.ndarray[Any, Any]) -> bool:
    block: Any = found.base
    memory: Any = block.base if type(block) is np.ndarray else None
    return COUNTED and isinstance(memory, memoryview) and sys.getrefcount(block) <= _BLOCK


def _block_references() -> int:
    """References to a block of the pool that one array shows, as `_shows_alone` counts them."""
    found = np.frombuffer(bytearray(8), np.uint8).reshape(2, 4)
    block: Any = found.base
    return sys.getrefcount(block)


_BLOCK = _block_references()


# The references to a node and its value that only a storage has.
_OWN = Storage(leaf(np.zeros(1), CPU))._references()
