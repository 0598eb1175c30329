"""Autograd's walk: from tensors back through the records of what made them.

What enters: tensors and their gradients. What leaves: gradients, added to leaves or returned.
Records are asked newest first, each once all gradients of its outputs have come. Gradients on the
way are nodes; with `create_graph` they are tensors, since what records answer is recorded itself.
It must not know any operation.
"""

from collections.abc import Sequence
from itertools import repeat
from typing import Any

from ...ir.node import Node, scalar
from ...ops import g
from .._dispatch import FUNCTIONS, to_dtype
from .._graph import ANOMALY, MODE, NOWHERE, AccumulateGrad, GradFn
from .._slices import CopySlices
from .._strides import elementwise_strides, gapless
from .._types import contiguous_format
from ..tensor import Ints, Tensor, contiguous, normal, wrap
from ..views import clone, dense, detach
from ._gradients import captured, drop, hold, placed, pop, push, settled
from .again import recorded
from .anomaly import look_for_nan, point_at
from .formulas import by_formula, sum_to
from .hooks import changed, checked_hook

__all__ = ["backward", "grad"]

Slots = list[Any]
Place = tuple[GradFn, int]


def ones(x: Tensor) -> Tensor:
    """A gradient of ones."""
    node = x._read()
    return wrap(g.broadcast_to(scalar(1, node.dtype, node.device), node.shape), x.dtype)


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
        read = [wrap(n, None, s) for n, s in zip(fn.inputs or (), fn.strides or repeat(None))]
        parts = fn.pull([None if t is None else t._read() for t in given])
        return [None if p is None else placed(p, [*given, *read], fn.written) for p in parts]

    # the walk

    def start(self, roots: Sequence[tuple[GradFn, int, Tensor]]) -> None:
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
            gradient._uses = 1  # it is held by who gave it
            if len(roots) == 1:
                waiting[fn] = 1
            self.put(fn, number, gradient)

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
        ready, table = self.ready, self.slots
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
                if into is not None:
                    if into.shape is not None and part is not None:
                        part = self.gradient(reduced(fn, edge, self.tensor(part)))
                    self.put(into, edge[1], part)

    def step(self, fn: GradFn, slots: Slots) -> Sequence[Any]:
        """One record, with all there may be: hooks, what was asked for, its inputs."""
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
        """The slots after hooks of tensors; what is retained or asked for is kept."""
        if fn._tensor_hooks:
            slots = list(slots)
            for number, hooks in list(fn._tensor_hooks.items()):
                self.tensor_hooks(slots, number, hooks)
        for number, keeper in (fn._retained or {}).items():
            x = keeper()
            if x is not None and slots[number] is not None:
                new = slots[number]
                x._grad = self.kept(new) if x._grad is None else x._grad + self.tensor(new)
        if self.ends is not None and self.returned:
            for number, gradient in enumerate(slots):
                place = self.ends.get((fn, number))
                if place is not None and gradient is not None:
                    self.found[place] = captured(self.tensor(gradient))
        return slots

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
        if not leaf._needs and self.ends is None:
            return
        if leaf._hooks:
            slots = list(slots)
            self.tensor_hooks(slots, 0, leaf._hooks)
        if self.ends is not None:
            place = self.ends.get((fn, 0))
            if place is None:
                return
            if self.returned:
                if slots[0] is not None:
                    self.found[place] = captured(self.tensor(slots[0]))
                return
        if fn._prehooks:
            slots = self.prehooked(fn, slots)
        if slots[0] is not None:
            self.accumulate(leaf, slots[0])
            for hook in list((leaf._after or {}).values()):
                hook(leaf)
        if fn._node_hooks:
            self.hooked(fn, (), slots)

    def accumulate(self, leaf: Tensor, gradient: Any) -> None:
        """Add to the gradient of a leaf, in place; the first one is taken over or copied."""
        before = leaf._grad
        if before is not None:
            before._write(g.add(before._read(), self.tensor(gradient)._read()))
            return
        if type(gradient) is Node and leaf._strides is None:
            leaf._grad = wrap(gradient, leaf.dtype)
            return
        x = self.tensor(gradient)
        own, wanted = x._stride(), _contract(leaf)
        alike = all(a and (n == 1 or a == b) for n, a, b in zip(x._node.shape, own, wanted))
        if x._uses <= 1 and alike:
            leaf._grad = detach(x)
            return
        out = leaf._grad = wrap(x._read(), leaf.dtype, normal(x._node.shape, wanted))
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
            zeros = _zeros(leaf)
            zeros._strides = leaf._strides
            leaf._grad = zeros.copy_(gradient)
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


# --- where a walk begins --------------------------------------------------------------------------


def _start(walk: Walk, tensors: Sequence[Tensor], gradients: Sequence[Tensor | None]) -> None:
    roots = []
    given = [_first(i, x, t) for i, (x, t) in enumerate(zip(tensors, gradients, strict=True))]
    for place, (x, gradient) in enumerate(zip(tensors, given, strict=True)):
        fn, number = x._edge()
        if fn is None or fn is NOWHERE[0]:
            raise RuntimeError(
                f"element {place} of tensors does not require grad and does not have a grad_fn"
            )
        roots.append((fn, number, gradient))
    if walk.ends is not None:
        ends = {fn for fn, _ in walk.ends}
        walk.through = _above([fn for fn, _, _ in roots], ends)
        walk.needed = walk.through | {fn for fn, _, _ in roots} | ends
    walk.start(roots)


def _first(place: int, x: Tensor, given: Any) -> Tensor:
    """The gradient that a walk begins with. Raises RuntimeError for one that doesn't fit."""
    if given is None:
        if x.requires_grad and x._node.size != 1:
            raise RuntimeError("grad can be implicitly created only for scalar outputs")
        if x.requires_grad and x.dtype._rank != 2:
            raise RuntimeError(
                f"grad can be implicitly created only for real scalar outputs but got {x.dtype}"
            )
        return ones(x)
    if not isinstance(given, Tensor):
        raise TypeError(
            f"gradients can be either Tensors or None, but got {type(given).__name__}"
        )
    if given._node.shape != x._node.shape:
        raise RuntimeError(
            f"Mismatch in shape: grad_output[{place}] has a shape of {given.shape} and "
            f"output[{place}] has a shape of {x.shape}."
        )
    if (given.dtype._rank == 3) != (x.dtype._rank == 3):
        raise RuntimeError(
            "For complex Tensors, both grad_output and output are required to have the same dtype. "
            f"Mismatch in dtype: grad_output[{place}] has a dtype of {given.dtype} and "
            f"output[{place}] has a dtype of {x.dtype}."
        )
    return to_dtype(given, x.dtype)


def _listed(x: Any) -> list[Any]:
    return [x] if isinstance(x, Tensor) else list(x)


def _gradients(tensors: Sequence[Tensor], given: Any) -> list[Tensor | None]:
    if given is None:
        return [None] * len(tensors)
    found = [given] if isinstance(given, Tensor) else list(given)
    if len(found) != len(tensors):
        raise RuntimeError(f"got {len(tensors)} tensors and {len(found)} gradients")
    return found


def _run(walk: Walk, create: bool) -> None:
    before, MODE.grad = MODE.grad, create
    try:
        walk.run()
    finally:
        MODE.grad = before


def _walk(
    roots: list[Tensor], given: Any, keep: bool | None, create: bool, ends: Sequence[Tensor] | None,
    returned: bool,
) -> tuple[Walk, list[Place]]:  # fmt: skip
    """A finished walk, and the places of the ends."""
    kept = create if keep is None else keep
    wanted: dict[Place, int] | None = None
    places: list[Place] = []
    if ends is not None:
        wanted = {}
        for number, x in enumerate(ends):
            fn, out = x._edge()
            if fn is NOWHERE[0]:  # nothing leads there
                fn = GradFn((), (), ())
            if fn is None:
                raise RuntimeError("One of the differentiated Tensors does not require grad")
            wanted.setdefault((fn, out), number)
            places.append((fn, out))
    walk = (Recording if create else Walk)(kept, wanted, returned)
    _start(walk, roots, _gradients(roots, given))
    _run(walk, create)
    return walk, places


def backward(
    tensors: Any,
    grad_tensors: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    grad_variables: Any = None,
    inputs: Any = None,
) -> None:
    """Add the gradients of tensors to the `.grad` of the leaves they were made from.

    With `inputs`, only to those of these tensors, which need not be leaves. Raises RuntimeError as
    PyTorch does: for tensors without history, mismatched gradients, a history that was let go, and
    a saved tensor that was written to.
    """
    given = grad_variables if grad_tensors is None else grad_tensors
    ends = None if inputs is None else _listed(inputs)
    if ends is not None:
        if not ends:
            raise RuntimeError("`inputs` argument to `backward()` cannot be empty.")
        for x in ends:
            if x.grad_fn is not None:
                Tensor.retain_grad(x)  # type: ignore[attr-defined]
    _walk(_listed(tensors), given, retain_graph, create_graph, ends, False)


def grad(
    outputs: Any,
    inputs: Any,
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Tensor | None, ...]:
    """The gradients of outputs by inputs, returned.

    An input that outputs don't depend on is an error unless `allow_unused`; with
    `materialize_grads` it has zeros. With `is_grads_batched` each gradient of outputs is a batch of
    gradients along axis 0, and so is each that is returned. Raises RuntimeError as `backward`.
    """
    if materialize_grads and allow_unused is False:
        raise ValueError(
            "Expected allow_unused to be True or not passed when materialize_grads=True, but got: "
            "allow_unused=False."
        )
    roots, ends = _listed(outputs), _listed(inputs)
    if is_grads_batched:
        given = [_gradients(roots, grad_outputs), retain_graph, create_graph]
        return _batched(roots, ends, given, bool(allow_unused), materialize_grads)
    walk, places = _walk(roots, grad_outputs, retain_graph, create_graph, ends, True)
    assert walk.ends is not None
    found = [walk.found.get(walk.ends[place]) for place in places]
    return tuple(_unused(ends, found, bool(allow_unused), materialize_grads, create_graph))


def _batched(
    roots: list[Any], ends: list[Any], given: list[Any], allowed: bool, zeros: bool
) -> tuple[Tensor | None, ...]:
    """`grad` for each of a batch of gradients of the outputs, the results along a new axis 0."""
    cotangents, keep, create = given
    count = next(ct._node.shape[0] for ct in cotangents if ct is not None)
    rows = []
    for i in range(count):
        each = [None if ct is None else ct[i] for ct in cotangents]
        more = True if i < count - 1 else keep
        rows.append(grad(roots, ends, each, more, create, True, allowed, False, zeros))
    columns = zip(*rows, strict=True)
    return tuple([None if c[0] is None else FUNCTIONS["stack"](c) for c in columns])


def _unused(
    ends: Sequence[Tensor],
    found: Sequence[Tensor | None],
    allowed: bool,
    zeros: bool,
    create: bool,
) -> Sequence[Tensor | None]:
    if zeros:
        return [_zeros(x, create) if t is None else t for x, t in zip(ends, found, strict=True)]
    if None in found and not allowed:
        raise RuntimeError(
            "One of the differentiated Tensors appears to not have been used in the graph. Set "
            "allow_unused=True if this is the desired behavior."
        )
    return found


def _zeros(x: Tensor, needs: bool = False) -> Tensor:
    node = x._read()
    zeros = g.broadcast_to(scalar(0, node.dtype, node.device), node.shape)
    out = wrap(zeros, x.dtype, dense(x))
    out._needs = needs
    return out


def _above(roots: Sequence[GradFn], ends: set[GradFn]) -> set[GradFn]:
    """The records from which an end is reached. No recursion."""
    order: list[GradFn] = []
    seen = set(roots)
    stack = list(roots)
    while stack:
        fn = stack.pop()
        order.append(fn)
        for into, _ in fn.edges:
            if into is not None and into not in seen:
                seen.add(into)
                stack.append(into)
    needed: set[GradFn] = set()
    for fn in sorted(order, key=lambda f: f._sequence):
        if any(into is not None and (into in ends or into in needed) for into, _ in fn.edges):
            needed.add(fn)
    return needed


