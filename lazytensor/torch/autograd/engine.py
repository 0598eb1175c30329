"""Autograd's walk: from tensors back through the records of what made them.

What enters: tensors and their gradients. What leaves: gradients, added to leaves or returned.
Records are asked newest first, each once all gradients of its outputs have come. Gradients on the
way are nodes; with `create_graph` they are tensors, since what records answer is recorded itself.
It must not know any operation.
"""

from collections.abc import Sequence
from heapq import heappop, heappush
from typing import Any, NamedTuple

from ...ir.graph import ancestors
from ...ir.node import Node, apply, scalar
from ...ops import g
from ...ops.movement import reshape
from .._dispatch import distinct, to_dtype
from .._graph import ANOMALY, MODE, AccumulateGrad, Edge, GradFn, grad_fn_class
from ..tensor import Tensor, wrap
from ..views import dense
from .anomaly import look_for_nan, point_at
from .batches import over
from .hooks import changed, checked_hook

__all__ = ["WALKS", "GradientEdge", "backward", "grad"]

Slots = list[Any]
Place = tuple[int, int]


def ones(x: Tensor) -> Tensor:
    """A gradient of ones."""
    node = x._read()
    return wrap(g.broadcast_to(scalar(1, node.dtype, node.device), node.shape), x.dtype)


class GradientEdge(NamedTuple):
    """Where gradients of a tensor go: the record that made it, and which output it is."""

    node: GradFn
    output_nr: int
    ownership_token: GradFn | None = None


# The walks that run now, each within the one before.
WALKS: list["Walk"] = []


class Walk:
    """One walk. `ends` are what gradients are wanted of, None for all leaves; `returned` whether
    these are returned rather than added to leaves. Gradients are nodes.
    """

    def __init__(self, keep: bool, ends: dict[Place, int] | None, returned: bool) -> None:
        self.keep = keep
        self.ends = ends
        self.returned = returned
        self.found: dict[int, Tensor] = {}
        self.slots: dict[GradFn, Slots] = {}
        self.heap: list[tuple[int, GradFn]] = []
        self.needed: set[GradFn] | None = None
        self.roots: list[GradFn] = []
        self._reached: set[GradFn] | None = None

    # what a gradient is, which `Recording` has otherwise

    def gradient(self, x: Tensor) -> Any:
        """A gradient of a tensor."""
        return x._read()

    def tensor(self, x: Any) -> Tensor:
        """A tensor of a gradient."""
        return wrap(x)

    def sum(self, a: Any, b: Any) -> Any:
        """Two gradients added."""
        return g.add(a, b)

    def pulled(self, fn: GradFn, slots: Slots) -> Sequence[Any]:
        """Gradients of what a record read, from those of its outputs."""
        return fn.pull(slots)

    # the walk

    def reaches(self, fn: GradFn) -> bool:
        """Whether a record is asked, or a gradient of its outputs asked for, in this walk."""
        if self.needed is not None and self.ends is not None:
            return fn in self.needed or any(place == id(fn) for place, _ in self.ends)
        if self._reached is None:
            self._reached = _below(self.roots)
        return fn in self._reached

    def put(self, fn: GradFn, number: int, gradient: Any) -> None:
        """A gradient of an output of a record."""
        slots = self.slots.get(fn)
        if slots is None:
            if fn.count == 1:
                self.slots[fn] = [gradient]
            else:
                slots = self.slots[fn] = [None] * (fn.arity() or 1)
                slots[number] = gradient
            heappush(self.heap, (-fn._sequence, fn))
            return
        before = slots[number]
        if before is None:
            slots[number] = gradient
        elif gradient is not None:
            slots[number] = self.sum(before, gradient)

    def run(self) -> None:
        """Ask every record for which gradients have come."""
        heap, table = self.heap, self.slots
        watched = self.ends is not None or ANOMALY.on
        while heap:
            fn = heappop(heap)[1]
            slots = table.pop(fn)
            if watched or fn.watched:
                self.step(fn, slots)
                continue
            fn.check()
            parts = self.pulled(fn, slots)
            if not self.keep:
                fn.free()
            for edge, part in zip(fn.edges, parts):
                if part is not None and edge[0] is not None:
                    self.put(edge[0], edge[1], part)

    def step(self, fn: GradFn, slots: Slots) -> None:
        """One record, with all there may be: hooks, what was asked for, its inputs."""
        if fn._tensor_hooks or fn._retained or self.ends is not None:
            slots = self.watched(fn, slots)
        if type(fn) is AccumulateGrad:
            self.accumulate_at(fn, slots)
            return
        if self.needed is not None and fn not in self.needed:
            return
        if fn._prehooks:
            slots = self.prehooked(fn, slots)
        fn.check()
        parts = self.asked(fn, slots) if fn.custom_rule or ANOMALY.on else self.pulled(fn, slots)
        if fn._node_hooks:
            parts = self.hooked(fn, parts, slots)
        if not self.keep:
            fn.free()
        for (into, number), part in zip(fn.edges, parts):
            if part is not None and into is not None:
                self.put(into, number, part)

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
        onward = self.needed is not None and fn in self.needed
        if onward:
            self.find(fn, slots)
        if fn._tensor_hooks:
            slots = list(slots)
            for number, hooks in list(fn._tensor_hooks.items()):
                self.tensor_hooks(slots, number, hooks)
        for number, keeper in (fn._retained or {}).items():
            x = keeper()
            if x is not None and slots[number] is not None:
                x._grad = self.tensor(slots[number])
        if not onward:
            self.find(fn, slots)
        return slots

    def find(self, fn: GradFn, slots: Slots) -> None:
        """Keep the gradients that are asked for and returned."""
        if self.ends is None or not self.returned:
            return
        for number, gradient in enumerate(slots):
            place = self.ends.get((id(fn), number))
            if place is not None and gradient is not None:
                self.found[place] = self.tensor(gradient)

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
        place = None if self.ends is None else self.ends.get((id(fn), 0))
        if self.ends is not None and place is None:
            return
        if leaf._hooks:
            self.tensor_hooks(slots, 0, leaf._hooks)
        if place is not None and self.returned:
            if slots[0] is not None:
                self.found[place] = self.tensor(slots[0])
            return
        if fn._prehooks:
            slots = self.prehooked(fn, slots)
        if slots[0] is not None:
            self.accumulate(leaf, slots[0])
            for hook in list((leaf._after or {}).values()):
                hook(leaf)
        if fn._node_hooks:
            self.hooked(fn, (), slots)

    def accumulate(self, leaf: Tensor, gradient: Node) -> None:
        """Add to the gradient of a leaf, in place."""
        before = leaf._grad
        if before is None:
            leaf._grad = wrap(gradient, leaf.dtype, dense(leaf))
        else:
            before._write(g.add(before._read(), gradient))


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
        if not (a.requires_grad or b.requires_grad):
            return wrap(g.add(a._read(), b._read()), a.dtype)
        x, y = distinct([a._read(), b._read()])
        out = wrap(g.add(x, y), a.dtype)
        out._fn = grad_fn_class("AddBackward0")([a._edge(), b._edge()], (x, y), (out._node,))
        return out

    def pulled(self, fn: GradFn, slots: Slots) -> Sequence[Tensor | None]:
        """The parts, with a record of their own: of the gradients that came, and what fn read."""
        read = list(fn.inputs or ())
        given, nodes, cotangents = [], [], []
        for t in slots:
            node = None
            if t is not None:
                node = t._read()
                if node in read or node in nodes:
                    node = apply(reshape, (node,), (node.shape,))
                given.append(t)
                nodes.append(node)
            cotangents.append(node)
        outs = [None if n is None else wrap(n) for n in fn.pull(cotangents)]
        edges = [t._edge() for t in given] + (list(fn.edges) if read else [])
        if any(edge[0] is not None for edge in edges):
            made = [t for t in outs if t is not None]
            name = type(fn).__name__.removesuffix("0") + "Backward0"
            record = grad_fn_class(name)(edges, (*nodes, *read), [t._node for t in made])
            live = {n for n, edge in zip((*nodes, *read), edges) if edge[0] is not None}
            for number, t in enumerate(made):
                if _depends(t._node, {*nodes, *read}, live):
                    t._fn, t._out = record, number
        return outs

    def accumulate(self, leaf: Tensor, gradient: Tensor) -> None:  # type: ignore[override]
        """Add to the gradient of a leaf, as a new tensor."""
        before = leaf._grad
        leaf._grad = gradient if before is None else self.sum(before, gradient)


def _depends(node: Node, ends: set[Node], live: set[Node]) -> bool:
    """Whether a node is computed from live ones, nothing beyond the ends looked at."""
    return not live.isdisjoint(ancestors([node], ends.__contains__))


# --- where a walk begins --------------------------------------------------------------------------


def _start(walk: Walk, tensors: Sequence[Tensor], gradients: Sequence[Tensor | None]) -> None:
    given = [_first(i, x, t) for i, (x, t) in enumerate(zip(tensors, gradients, strict=True))]
    for place, (x, gradient) in enumerate(zip(tensors, given, strict=True)):
        fn, number = _edge(x)
        if fn is None:
            raise RuntimeError(
                f"element {place} of tensors does not require grad and does not have a grad_fn"
            )
        walk.roots.append(fn)
        walk.put(fn, number, walk.gradient(gradient))


def _edge(x: Any) -> Edge:
    """Where gradients of a tensor go, or of what stands for one."""
    return (x.node, x.output_nr) if isinstance(x, GradientEdge) else x._edge()


def _first(place: int, x: Any, given: Any) -> Tensor:
    """The gradient that a walk begins with. Raises RuntimeError for one that doesn't fit."""
    if isinstance(x, GradientEdge):
        if given is None:
            raise RuntimeError("grad can be implicitly created only for scalar outputs")
        return given  # type: ignore[no-any-return]
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
    return [x] if isinstance(x, Tensor | GradientEdge) else list(x)


def _gradients(tensors: Sequence[Tensor], given: Any) -> list[Tensor | None]:
    if given is None:
        return [None] * len(tensors)
    found = [given] if isinstance(given, Tensor) else list(given)
    if len(found) != len(tensors):
        for place, (x, t) in enumerate(zip(tensors, found)):
            _first(place, x, t)
        raise RuntimeError(f"got {len(tensors)} tensors and {len(found)} gradients")
    return found


def _run(walk: Walk, create: bool) -> None:
    before, MODE.grad = MODE.grad, create
    WALKS.append(walk)
    try:
        walk.run()
    finally:
        WALKS.pop()
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
            fn, out = _edge(x)
            if fn is None:
                raise RuntimeError("One of the differentiated Tensors does not require grad")
            wanted.setdefault((id(fn), out), number)
            places.append((id(fn), out))
    walk = (Recording if create else Walk)(kept, wanted, returned)
    _start(walk, roots, _gradients(roots, given))
    if wanted is not None:
        walk.needed = _above(walk.slots, {fn for fn, _ in wanted})
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
    if MODE.transforms:
        raise RuntimeError(
            "backward() called inside a functorch transform. This is not supported, please use "
            "functorch.grad or functorch.vjp instead or call backward() outside of functorch "
            "transforms."
        )
    given = grad_variables if grad_tensors is None else grad_tensors
    ends = None if inputs is None else _listed(inputs)
    if ends is not None:
        if not ends:
            raise RuntimeError("`inputs` argument to `backward()` cannot be empty.")
        for x in ends:
            if isinstance(x, Tensor) and not (x.is_leaf and x.requires_grad):
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
    return tuple(_unused(ends, found, bool(allow_unused), materialize_grads))


def undefined(
    outputs: Sequence[Tensor], inputs: Sequence[Tensor], missing: Sequence[int]
) -> list[Tensor | None]:
    """Gradients where those of some outputs are missing, and those of the others zeros."""
    places = [_edge(x) for x in inputs]
    ends = {(id(fn), out): i for i, (fn, out) in enumerate(places)}
    walk = Walk(False, ends, True)
    for i, t in enumerate(outputs):
        fn, number = _edge(t)
        assert fn is not None
        walk.put(fn, number, None if i in missing else _zeros(t)._read())
    walk.needed = _above(walk.slots, {fn for fn, _ in ends})
    _run(walk, False)
    return [walk.found.get(i) for i in range(len(inputs))]


def _batched(
    roots: list[Any], ends: list[Any], given: list[Any], allowed: bool, zeros: bool
) -> tuple[Tensor | None, ...]:
    """`grad` for each of a batch of gradients of the outputs, the results along a new axis 0."""
    cotangents, keep, create = given

    def one(each: Sequence[Any]) -> Sequence[Any]:
        return grad(roots, ends, each, keep, create, True, True)

    found = over(one, cotangents)
    return tuple(_unused(ends, found, allowed, zeros))


def _unused(
    ends: Sequence[Tensor], found: Sequence[Tensor | None], allowed: bool, zeros: bool
) -> Sequence[Tensor | None]:
    if zeros:
        return [_zeros(x) if t is None else t for x, t in zip(ends, found, strict=True)]
    if None in found and not allowed:
        raise RuntimeError(
            f"The differentiated Tensor at index {found.index(None)} appears to not have been used "
            "in the graph. Set allow_unused=True if this is the desired behavior."
        )
    return found


def _zeros(x: Tensor) -> Tensor:
    node = x._read()
    return wrap(g.broadcast_to(scalar(0, node.dtype, node.device), node.shape), x.dtype)


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


def _above(roots: dict[GradFn, Slots], ends: set[int]) -> set[GradFn]:
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
        if any(into is not None and (id(into) in ends or into in needed) for into, _ in fn.edges):
            needed.add(fn)
    return needed


