"""Autograd's walk: from tensors back through the records of what made them.

What enters: records and gradients of their outputs. What leaves: gradients, added to leaves or
found. Records are asked newest first, each once all gradients of its outputs have come. Gradients
on the way are nodes; with `create_graph` they are tensors, since what records answer is recorded
itself. It must not know any operation, nor how a walk begins.
"""

from collections.abc import Sequence
from typing import Any

from ...ir.node import Node, scalar
from ...ops import g
from .._graph import ANOMALY, MODE, AccumulateGrad, GradFn
from .._slices import CopySlices
from .._strides import dense, elementwise_strides, gapless, refuse_wider
from .._types import contiguous_format
from ..tensor import Ints, Tensor, contiguous, normal, wrap
from ..views import clone, detach
from ._gradients import captured, drop, hold, operands, placed, pop, push, settled
from .again import recorded
from .anomaly import look_for_nan, point_at
from .formulas import by_formula, sum_to
from .hooks import changed, checked_hook

__all__ = ["WALKS", "Place", "Recording", "Root", "Walk", "zeros"]

Slots = list[Any]
Place = tuple[GradFn, int]
# Where a walk begins: a record, which of its outputs, the gradient of that.
Root = tuple[GradFn, int, Tensor | None]

# The walks that run now, each within the one before.
WALKS: list["Walk"] = []


class Walk:
    """One walk. `ends` are what gradients are wanted of, None for all leaves; `returned` whether
    these are returned rather than added to leaves.

    A gradient is a node as long as nothing else shares its memory, it is contiguous and was never
    written to; else a tensor, with how many places of the walk hold it. PyTorch adds to a gradient
    in place, and gives it to a leaf without a copy, where only one place does.
    """

    def __init__(self, keep: bool, ends: dict[Place, int] | None, returned: bool) -> None:
        self.keep = keep
        self.ends = ends
        self.returned = returned
        self.found: dict[int, Tensor] = {}
        self.slots: dict[GradFn, Slots] = {}
        self.ready: list[GradFn] = []
        self.waiting: dict[GradFn, int] = {}
        self.needed: set[GradFn] | None = None  # what is asked, None for all
        self.through: set[GradFn] = set()  # of it, what lies above an end
        self.roots: list[GradFn] = []
        self._reached: set[GradFn] | None = None

    # what a gradient is, which `Recording` has otherwise

    def gradient(self, x: Tensor) -> Any:
        """A gradient of a tensor."""
        return settled(x)

    def tensor(self, x: Any) -> Tensor:
        """A tensor of a gradient."""
        return x if isinstance(x, Tensor) else wrap(x)

    def sum(self, a: Any, b: Any) -> Any:
        """Two gradients added: in place where nothing else holds the first."""
        more = b._read() if isinstance(b, Tensor) else b
        alone = isinstance(a, Node) or (a._uses == 1 and a._base is None and not a._views)
        if isinstance(b, Tensor):
            drop(b)
        if isinstance(a, Node):
            out = wrap(g.add(a, more))
            out._counter, out._uses = [1], 1
            return out
        node = g.add(a._read(), more)
        if alone:
            a._write(node)
            return a
        strides = elementwise_strides(node.shape, (a, self.tensor(b)))
        drop(a)
        return settled(wrap(node, a.dtype, strides))

    def pulled(self, fn: GradFn, slots: Slots) -> Sequence[Any]:
        """Gradients of what a record read, from those of its outputs."""
        inputs, first = fn.inputs, slots[0]
        if fn.formula is None:
            if fn.strides is None and type(first) is Node and len(slots) == 1 and not fn.written:
                return fn.pull(slots)
            return self.laid_out(fn, slots)
        if inputs is None or fn.strides is not None or type(first) is not Node:
            return self.by_formula(fn, slots)
        shape = first.shape
        for x in inputs:
            if x.shape != shape or x.dtype is not first.dtype:
                return self.by_formula(fn, slots)
        if not fn.shares:
            return fn.pull(slots)
        if fn.passes and len(fn.edges) == 1 and fn.outputs[0].args[0] is inputs[0]:
            return slots
        return self.by_formula(fn, slots)

    def by_formula(self, fn: GradFn, slots: Slots) -> Sequence[Any]:
        """Gradients by PyTorch's formula, which says where in memory they are."""
        parts = by_formula(fn, [None if s is None else self.tensor(s) for s in slots])
        several = len(parts) > 1
        return [p if p is None else p if several and _again(p, parts) else settled(p)
                for p in parts]  # fmt: skip

    def laid_out(self, fn: GradFn, slots: Slots) -> Sequence[Any]:
        """Gradients by the graph, in memory as elementwise operations have their results."""
        if type(fn) is CopySlices:
            return self.by_formula(fn, slots)
        given = [None if s is None else self.tensor(s) for s in slots]
        if not any(t is not None for t in given):
            return [None] * len(fn.edges)
        tensors = operands(fn, given)
        parts = fn.pull([None if t is None else t._read() for t in given])
        return [None if p is None else placed(p, tensors, fn.written) for p in parts]

    # the walk

    def start(self, roots: Sequence[Root]) -> None:
        """Count what every record waits for, and give the first ones their gradients."""
        waiting = self.waiting
        for fn, _, _ in roots:
            waiting[fn] = 0
        stack = list(waiting)
        while stack:
            for into, _ in stack.pop().edges:
                if into is not None:
                    if into in waiting:
                        waiting[into] += 1
                    else:
                        waiting[into] = 1
                        stack.append(into)
        if len(roots) > 1:
            for fn, _, _ in roots:
                waiting[fn] += 1
        for fn, number, gradient in roots:
            if gradient is not None:
                gradient._uses = 1  # it is held by who gave it
            if len(roots) == 1:
                waiting[fn] = 1
            self.put(fn, number, gradient)

    def reaches(self, fn: GradFn) -> bool:
        """Whether a record is asked, or a gradient of its outputs asked for, in this walk."""
        if self.needed is not None and self.ends is not None:
            return fn in self.through or any(place is fn for place, _ in self.ends)
        if self._reached is None:
            self._reached = _below(self.roots)
        return fn in self._reached

    def put(self, fn: GradFn, number: int, gradient: Any) -> None:
        """A gradient of an output of a record, or None; the record is ready after the last one."""
        left = self.waiting[fn] = self.waiting[fn] - 1
        if self.needed is not None and fn not in self.needed:
            return
        slots = self.slots.get(fn)
        if type(gradient) is not Node and gradient is not None:
            hold(gradient)
        if slots is None:
            if fn.count == 1:
                self.slots[fn] = [gradient]
            else:
                slots = self.slots[fn] = [None] * (fn.arity() or 1)
                slots[number] = gradient
        elif gradient is not None:
            before = slots[number]
            slots[number] = gradient if before is None else self.sum(before, gradient)
        if not left:
            push(self.ready, fn)

    def run(self) -> None:
        """Ask every record for which gradients have come."""
        ready, table, waiting, every = self.ready, self.slots, self.waiting, self.needed is None
        watched = self.ends is not None or ANOMALY.on
        while ready:
            fn = ready.pop() if len(ready) == 1 else pop(ready)
            slots = table.pop(fn)
            if watched or fn.watched:
                parts = self.step(fn, slots)
            else:
                fn.check()
                parts = self.pulled(fn, slots)
                if not self.keep:
                    fn.free()
            for s in slots:
                if type(s) is not Node and s is not None:
                    drop(s)
            for edge, part in zip(fn.edges, parts):
                into = edge[0]
                if into is None:
                    continue
                if every and waiting[into] == into.count == 1 and type(part) is Node and (
                    into.shape is None and into not in table
                ):  # as `put`, the short way
                    waiting[into] = 0
                    table[into] = [part]
                    push(ready, into)
                else:
                    if into.shape is not None and part is not None:
                        part = self.gradient(reduced(fn, edge, self.tensor(part)))
                    self.put(into, edge[1], part)

    def step(self, fn: GradFn, slots: Slots) -> Sequence[Any]:
        """One record, with all there may be: hooks, what was asked for, its inputs."""
        if fn.integers is not None and slots[0] is not None:
            raise RuntimeError(f"a gradient reached a write to integers, of {fn.integers}")
        if fn._tensor_hooks or fn._retained or self.ends is not None:
            slots = self.watched(fn, slots)
        if type(fn) is AccumulateGrad:
            self.accumulate_at(fn, slots)
            return ()
        if self.ends is not None and fn not in self.through:
            return [None] * len(fn.edges)
        if fn._prehooks:
            slots = self.prehooked(fn, slots)
        fn.check()
        parts = self.asked(fn, slots) if fn.custom_rule or ANOMALY.on else self.pulled(fn, slots)
        if fn._node_hooks:
            parts = self.hooked(fn, parts, slots)
        if not self.keep:
            fn.free()
        return parts

    def asked(self, fn: GradFn, slots: Slots) -> Sequence[Any]:
        """`pulled` for records with a rule of their own, and where errors are to be explained."""
        if not ANOMALY.on:
            return self.by_rule(fn, slots)
        try:
            parts = self.by_rule(fn, slots)
        except Exception:
            point_at(fn)
            raise
        if ANOMALY.check_nan:
            look_for_nan(fn, [None if p is None else self.tensor(p) for p in parts])
        return parts

    def by_rule(self, fn: GradFn, slots: Slots) -> Sequence[Any]:
        """Gradients of what a record read, by its own rule where it has one."""
        if not fn.custom_rule:
            return self.pulled(fn, slots)
        given = [None if s is None else self.tensor(s) for s in slots]
        found = fn.custom(given, MODE.grad)
        return [None if t is None else self.gradient(t) for t in found]

    def watched(self, fn: GradFn, slots: Slots) -> Slots:
        """The slots after hooks of tensors; what is retained or asked for is kept: as PyTorch has
        it, before these hooks where gradients go on from here.
        """
        onward = fn in self.through
        if onward:
            self.find(fn, slots)
        if fn._tensor_hooks:
            slots = list(slots)
            for number, hooks in list(fn._tensor_hooks.items()):
                self.tensor_hooks(slots, number, hooks)
        for number, keeper in (fn._retained or {}).items():
            x = keeper()
            if x is not None and slots[number] is not None:
                new = slots[number]
                x._grad = self.kept(new) if x._grad is None else x._grad + self.tensor(new)
        if not onward:
            self.find(fn, slots)
        return slots

    def find(self, fn: GradFn, slots: Slots) -> None:
        """Keep the gradients that are asked for and returned."""
        if self.ends is None or not self.returned:
            return
        for number, gradient in enumerate(slots):
            place = self.ends.get((fn, number))
            if place is not None and gradient is not None:
                self.found[place] = captured(self.tensor(gradient))

    def tensor_hooks(self, slots: Slots, number: int, hooks: dict[int, Any]) -> None:
        """Let hooks of a tensor change its gradient."""
        for hook in list(hooks.values()):
            if slots[number] is None:
                return
            before = self.tensor(slots[number])
            new = hook(before)
            if new is not None:
                slots[number] = self.gradient(checked_hook(hook, before, new))

    def prehooked(self, fn: GradFn, slots: Slots) -> Slots:
        """The slots after hooks of a record."""
        given = tuple(None if s is None else self.tensor(s) for s in slots)
        for hook in list((fn._prehooks or {}).values()):
            given = changed(hook, given, hook(given))
        return [None if t is None else self.gradient(t) for t in given]

    def kept(self, gradient: Any) -> Tensor:
        """A copy of a gradient, for a tensor that retains it."""
        return wrap(self.tensor(gradient)._read())

    def hooked(self, fn: GradFn, parts: Sequence[Any], slots: Slots) -> Sequence[Any]:
        """What a record answered, after hooks of the record."""
        given = tuple(None if s is None else self.tensor(s) for s in slots)
        out = tuple(None if p is None else self.tensor(p) for p in parts)
        for hook in list((fn._node_hooks or {}).values()):
            out = changed(hook, out, hook(out, given))
        return [None if t is None else self.gradient(t) for t in out]

    def accumulate_at(self, fn: AccumulateGrad, slots: Slots) -> None:
        """The end of a history: add to the leaf, if it is one that is asked for."""
        leaf = fn.variable
        place = None if self.ends is None else self.ends.get((fn, 0))
        if place is None and self.ends is not None:
            return
        if leaf._hooks:
            slots = list(slots)
            self.tensor_hooks(slots, 0, leaf._hooks)
        if place is not None and self.returned:
            if slots[0] is not None:
                self.found[place] = captured(self.tensor(slots[0]))
            return
        if fn._prehooks:
            slots = self.prehooked(fn, slots)
        if slots[0] is not None:
            if leaf._needs:
                self.accumulate(leaf, slots[0])
            for hook in list((leaf._after or {}).values()):
                hook(leaf)
        if fn._node_hooks:
            self.hooked(fn, (), slots)

    def accumulate(self, leaf: Tensor, gradient: Any) -> None:
        """Add to the gradient of a leaf, in place; the first one is taken over or copied, in the
        shape that the leaf has by now.
        """
        before, wide = leaf._grad, leaf._node.shape
        if before is not None:
            more = self.tensor(gradient)._read()
            if more.shape != before._node.shape:
                refuse_wider(before._node.shape, more.shape)
            before._write(g.add(before._read(), more))
            return
        if type(gradient) is Node and leaf._strides is None and gradient.shape == wide:
            leaf._grad = wrap(gradient, leaf.dtype)
            return
        x = self.tensor(gradient)
        own, wanted = x._stride(), _contract(leaf)
        alike = all(a and (n == 1 or a == b) for n, a, b in zip(x._node.shape, own, wanted))
        if x._uses <= 1 and alike:
            leaf._grad = detach(x)
            return
        refuse_wider(wide, x._node.shape)
        out = leaf._grad = wrap(g.broadcast_to(x._read(), wide), leaf.dtype, normal(wide, wanted))
        if gapless(leaf):
            out._counter = [1]


class Recording(Walk):
    """A walk that is recorded: gradients are tensors."""

    def gradient(self, x: Tensor) -> Tensor:
        """Itself."""
        return x

    def tensor(self, x: Tensor) -> Tensor:
        """Itself."""
        return x

    def sum(self, a: Tensor, b: Tensor) -> Tensor:
        """Two gradients added, recorded."""
        return a + b

    def pulled(self, fn: GradFn, slots: Slots) -> Sequence[Tensor | None]:
        """The parts: by PyTorch's formula, or by the graph with a record of their own."""
        if fn.formula is not None or type(fn) is CopySlices:
            return by_formula(fn, slots)
        return recorded(fn, slots)

    def kept(self, gradient: Tensor) -> Tensor:
        """A copy of a gradient, for a tensor that retains it."""
        return clone(gradient, contiguous_format)

    def accumulate(self, leaf: Tensor, gradient: Tensor) -> None:
        """Add to the gradient of a leaf, as a new tensor."""
        before = leaf._grad
        if before is not None:
            leaf._grad = before + gradient
        elif gapless(leaf):
            new = zeros(leaf)
            new._strides = leaf._strides
            leaf._grad = new.copy_(gradient)
        else:
            leaf._grad = clone(gradient, contiguous_format)


def reduced(fn: GradFn, edge: tuple[Any, int], part: Tensor) -> Tensor:
    """A gradient of what was given another shape since a record made it. Raises RuntimeError where
    it doesn't fit what that was.
    """
    wanted, found = edge[0].shape, part._node.shape
    sizes = zip(reversed(wanted), reversed(found))
    if len(wanted) <= len(found) and all(n in (1, m) for n, m in sizes):
        return part if found == wanted else sum_to(part, wanted)
    if found != wanted:
        place = next(i for i, e in enumerate(fn.edges) if e is edge)
        raise RuntimeError(
            f"Function {fn.name()} returned an invalid gradient at index {place} - got "
            f"{list(found)} but expected shape compatible with {list(wanted)}"
        )
    return part


def _again(part: Any, parts: Sequence[Any]) -> bool:
    """Whether one tensor is several of the parts."""
    return sum(p is part for p in parts) > 1


def _contract(leaf: Tensor) -> Ints:
    """The strides that a leaf's gradient has: its own where it fills its memory."""
    return leaf._stride() if gapless(leaf) else contiguous(leaf._node.shape)


def zeros(x: Tensor, needs: bool = False) -> Tensor:
    node = x._read()
    new = g.broadcast_to(scalar(0, node.dtype, node.device), node.shape)
    out = wrap(new, x.dtype, dense(x))
    out._needs = needs
    return out


def _below(roots: Sequence[GradFn]) -> set[GradFn]:
    """The records that gradients come to. No recursion."""
    seen = set(roots)
    stack = list(roots)
    while stack:
        for into, _ in stack.pop().edges:
            if into is not None and into not in seen:
                seen.add(into)
                stack.append(into)
    return seen
