"""Batches: a function of one example is run once, and what it made is replayed on all of them.

What enters: batches of tensors, batch axis first. What leaves: examples of them, which have no
value; batches of what was computed from these, with a history of their own: every record is made
again for all examples. It must not know how users ask for it.
"""

import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from ...ir.graph import ancestors
from ...ir.node import TRACING, Node, apply, placeholder
from ...ops import g
from ...ops.movement import reshape
from .._dispatch import FUNCTIONS, assign
from .._graph import COMPOSED, MODE, AccumulateGrad, Different, Edge, GradFn, grad_fn_class
from .._strides import gapless
from .._tree import flatten, spread, unflatten
from ..tensor import Tensor, wrap
from ..views import sizes_of
from .passages import Transform, boxed, inner_leaf

__all__ = ["Batch", "VmapInfo", "over", "varying"]

_indices = itertools.count()
_INPLACE = (
    "vmap: inplace arithmetic(self, *extra_args) is not possible because there exists a Tensor "
    "`other` in extra_args that has more elements than `self`. This happened due to `other` being "
    "vmapped over but `self` not being vmapped over in a vmap. Please try to use out-of-place "
    "operators instead of inplace arithmetic. If said operator is being called inside the PyTorch "
    "framework, please file a bug report instead."
)
_RANDOM = (
    "vmap: called random operation while in randomness error mode. Please either use the 'same' or "
    "'different' randomness flags on vmap or perform the randomness operation out of vmap"
)
_STATISTICS = (
    "Batch norm got a batched tensor as input while the running_mean or running_var, which will be "
    "updated in place, were not batched.\nIf you are using a module and do not need eval mode, "
    "please set `track_running_stats` to be False.If you are using a prebuilt module and do not "
    "need eval mode, please see the functorch website for resources on how to patch your module to "
    "work with vmap"
)
_UNBATCHED = (
    "vmap: Cannot ask for different inplace randomness on an unbatched tensor. This will appear "
    "like same randomness. If this is necessary for your usage, please file an issue with "
    "functorch."
)
# Operations that draw: those that are given sizes, and those for which axes have a meaning.
_SIZED = frozenset({"rand", "randn", "randint", "normal"})
_EACH = frozenset({"feature_alpha_dropout", "randperm"})
# Those that multiply by what they draw.
_MASKS = frozenset({"dropout", "feature_dropout"})


_EXTENDING = "https://pytorch.org/docs/main/notes/extending.func.html"


class VmapInfo(NamedTuple):
    """What a user's rule for batches is told: how many examples, and how to draw for them."""

    batch_size: int
    randomness: str


class Batch(Transform):
    """A function that runs on one example for `size`; a context, which may be entered again."""

    kind = "vmap"

    def __init__(self, size: int, randomness: str = "error") -> None:
        super().__init__()
        self.size = size
        self.randomness = randomness
        self.nodes: dict[Node, Node] = {}  # what varies with the example, and its batch
        self._made: set[Node] = set()
        self._same: set[Node] = set()
        self._entries: dict[GradFn, Tensor] = {}
        self._examples: dict[int, tuple[Tensor, Tensor]] = {}
        self._records: dict[GradFn, GradFn] = {}

    def __enter__(self) -> "Batch":
        begin, serial = self.begin, self.serial
        super().__enter__()
        if serial:
            self.begin, self.serial = begin, serial
        TRACING.depth += 1
        return self

    def __exit__(self, *exception: object) -> None:
        TRACING.depth -= 1
        super().__exit__(*exception)

    @contextmanager
    def outside(self) -> Iterator[None]:
        """A context in which the function doesn't run: what is done is done for all examples."""
        before = MODE.transforms
        MODE.transforms = before[: before.index(self)] if self in before else before
        try:
            yield
        finally:
            MODE.transforms = before

    # --- from batches to examples -----------------------------------------------------------------

    def example(self, outer: Tensor) -> Tensor:
        """One example of a batch."""
        node = outer._read()
        one = self._one(node)
        for level in MODE.levels:
            tangent = level.tangent(node)
            if tangent is not None:
                level.known[one] = self._one(tangent)
        if outer.requires_grad:
            inner, passage = inner_leaf(outer, one, outer._edge())
            self._entries[passage] = outer
            if outer.grad_fn is not None:
                inner._needs, inner._fn = False, passage
        else:
            inner = wrap(one, outer.dtype)
        if outer._strides is not None:
            inner._strides = tuple(outer._strides[1:])
        self._examples[id(inner)] = inner, outer
        return inner

    def _one(self, node: Node) -> Node:
        """A placeholder for one example."""
        one = placeholder(node.shape[1:], node.dtype, node.device, next(_indices))
        self.nodes[one] = node
        return one

    def written(self) -> list[tuple[Tensor, Tensor]]:
        """Examples that were written to, with their batches."""
        return [(x, outer) for x, outer in self._examples.values() if x._version]

    # --- from examples to batches -----------------------------------------------------------------

    def lift(self, wanted: Sequence[Node]) -> list[Node]:
        """The batches of nodes; those that don't vary as they are."""
        nodes = self.nodes
        for node in ancestors(wanted, self._known):
            if self._known(node):
                continue
            flags = [a in nodes for a in node.args]
            if not any(flags):
                self._same.add(node)
                continue
            args = [nodes.get(a, a) for a in node.args]
            self._add(node, node.op.batch(g, flags, *args, *node.params))
        return [nodes.get(n, n) for n in wanted]

    def _known(self, node: Node) -> bool:
        return node.serial <= self.serial or node in self.nodes or node in self._same

    def _add(self, node: Node, batch: Node) -> None:
        if batch in self._made:
            batch = apply(reshape, (batch,), (batch.shape,))
        self._made.add(batch)
        self.nodes[node] = batch
        for level in MODE.levels:
            if node in level.known:
                tangent = level.known[node]
                level.known[batch] = None if tangent is None else self.spread(tangent)

    def spread(self, node: Node) -> Node:
        """The batch of a node, also where it doesn't vary."""
        found = self.lift([node])[0]
        return found if node in self.nodes else g.broadcast_to(node, (self.size, *node.shape))

    def varies(self, node: Node) -> bool:
        """Whether a node depends on the example."""
        self.lift([node])
        return node in self.nodes

    def batched(self, t: Tensor) -> tuple[Tensor, bool]:
        """The batch of a tensor and True; a tensor that doesn't vary itself and False."""
        node = t._read()
        if not self.varies(node):
            return t, False
        entry = self._examples.get(id(t))
        if entry is not None and not t._version:
            return entry[1], True
        out = wrap(self.nodes[node], t.dtype)
        if t._strides is not None and gapless(t):
            out._strides = (t._node.size, *t._strides)
        fn, number = self.edge(t._edge())
        if fn is not None:
            out._fn, out._out = fn, number
        return out, True

    def described(self, t: Tensor, depth: int) -> str | None:
        """The text of a tensor that varies; None of others."""
        if not self.varies(t._read()):
            return None
        with self.outside():
            return boxed(f"BatchedTensor(lvl={depth}, bdim=0", self.batched(t)[0])

    def unwrapped(self, t: Tensor) -> Tensor | None:
        """The batch of a tensor; None of one that doesn't vary."""
        with self.outside():
            found, varies = self.batched(t)
        return found if varies else None

    def whole(self, t: Tensor) -> Tensor:
        """The batch of a tensor, also where it doesn't vary."""
        found, varies = self.batched(t)
        expanded: Tensor = found if varies else Tensor.expand(t, self.size, *t._node.shape)  # type: ignore[attr-defined]
        return expanded

    def edge(self, edge: Edge) -> Edge:
        """Where gradients of a batch go, from where those of the example go. No recursion."""
        for fn in self._inside(edge[0]):
            self._records[fn] = self._again(fn)
        return self._mapped(edge)

    def _mapped(self, edge: Edge) -> Edge:
        fn, number = edge
        if fn is None or fn in self._entries:
            return (None, 0) if fn is None else self._entries[fn]._edge()
        made = self._records.get(fn)
        return edge if made is None else (made, number)

    def _inside(self, root: GradFn | None) -> list[GradFn]:
        """Records of the function's that have no batch yet, oldest first."""
        found: set[GradFn] = set()
        stack = [root]
        while stack:
            fn = stack.pop()
            if fn is None or fn in found or self._stops(fn):
                continue
            found.add(fn)
            stack += [edge[0] for edge in fn.edges]
        return sorted(found, key=lambda fn: fn._sequence)

    def _stops(self, fn: GradFn) -> bool:
        return (
            fn._sequence <= self.begin
            or type(fn) is AccumulateGrad
            or fn in self._entries
            or fn in self._records
        )

    def _again(self, fn: GradFn) -> GradFn:
        """The record for all examples."""
        edges = [self._mapped(edge) for edge in fn.edges]
        if fn.custom_rule:
            return _by_rule(self, fn, edges)
        outputs = self.lift(fn.outputs)
        kind = type(fn)
        if kind.formula is not None:  # which is of one example
            kind = grad_fn_class(COMPOSED + kind.__name__)
        return kind(edges, tuple(self.lift(fn.read())), outputs, fn.saved)

    # --- operations with a rule of their own for batches ------------------------------------------

    def by_rule(self, rule: Callable[..., Any], args: Sequence[Any], history: bool) -> Any:
        """What a user's rule for batches gives, as examples; of values alone, or with `history`.

        Raises RuntimeError for what is no pair, or axes that don't fit.
        """
        given, dims = [], []
        for a in args:
            varies = isinstance(a, Tensor) and self.varies(a._read())
            dims.append(0 if varies else None)
            if varies and not history:
                a = wrap(self.nodes[a._read()], a.dtype)
            given.append(self.batched(a)[0] if varies and history else a)
        with self.outside():
            result = rule(VmapInfo(self.size, self.randomness), tuple(dims), *given)
            output, places = _pair(result)
            leaves, spec = flatten(output)
            axes = spread(places, spec)
            if axes is None:
                raise RuntimeError(
                    "The autograd.Function's vmap staticmethod returned an incompatible (output, "
                    f"out_dims) tuple. Expected out_dims={places} to be compatible with the "
                    f"structure of `output`. out_dims has structure {flatten(places)[1]} but "
                    f"output has structure {spec}. For more details, please see {_EXTENDING}"
                )
            front = [
                t if axis is None else FUNCTIONS["movedim"](t, axis, 0)
                for t, axis in zip(leaves, axes, strict=True)
            ]
        made = [t if axis is None else self.example(t) for t, axis in zip(front, axes, strict=True)]
        return unflatten(made, spec)

    # --- what isn't possible ----------------------------------------------------------------------

    def writes(self, x: Tensor, name: str, others: Sequence[Any] = ()) -> None:
        """Called before a tensor is written to. Raises RuntimeError where it doesn't vary, and what
        is written does.
        """
        given = [t for t in others if isinstance(t, Tensor)]
        if not any(self.varies(t._read()) for t in given) or self.varies(x._read()):
            return
        if name == "batch_norm":
            raise RuntimeError(_STATISTICS)
        if name not in ("add_", "atan2_"):
            raise RuntimeError(_INPLACE)
        shapes = [x._node.shape, *[t._node.shape for t in given]]
        rank = max(map(len, shapes))
        padded = [(1,) * (rank - len(s)) + tuple(s) for s in shapes]
        shape = [self.size, *map(max, *padded)]
        raise RuntimeError(
            f"output with shape {list(x._node.shape)} doesn't match the broadcast shape {shape}"
        )

    def wrote(self, x: Tensor, node: Node) -> None:
        """Called when a tensor gets new elements. Raises RuntimeError as `writes`."""
        if self.varies(node) and not self.varies(x._read()):
            raise RuntimeError(_INPLACE)

    def draws(self) -> None:
        """Called before numbers are drawn. Raises RuntimeError where that isn't allowed."""
        if self.randomness == "error":
            raise RuntimeError(_RANDOM)
        if self.randomness == "different":
            raise Different(self)

    def different(
        self, f: Callable[..., Any], name: str, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """What an operation that draws gives, drawn for all examples."""
        if name in _MASKS:
            return self._masked(f, name, args, kwargs)
        written = name.endswith("_")
        if written and not self.varies(args[0]._read()):
            raise RuntimeError(_UNBATCHED)
        with self.outside():
            found = self._drawn(f, name, args, kwargs, written)
        leaves, spec = flatten(found)
        made = unflatten([self.example(t) for t in leaves], spec)
        return assign(args[0], made) if written else made

    def _masked(
        self, f: Callable[..., Any], name: str, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """The product of an example and what is drawn for all."""
        x, *rest = args
        with self.outside():
            ones = FUNCTIONS["ones_like"](FUNCTIONS["detach"](self.whole(x)))
            if name == "dropout":
                factors = _attempt(f, name, (ones, *rest), kwargs)
            else:
                each = [_attempt(f, name, (one, *rest), kwargs) for one in ones]
                factors = FUNCTIONS["stack"](each)
        return FUNCTIONS["mul"](x, self.example(factors))

    def _drawn(
        self, f: Callable[..., Any], name: str, args: tuple[Any, ...], kwargs: dict[str, Any],
        written: bool,
    ) -> Any:  # fmt: skip
        leaves, spec = flatten((args, kwargs))
        tensors = any(isinstance(t, Tensor) for t in leaves)
        if not tensors and name in _SIZED:
            return _attempt(f, name, tuple(self._sized(name, args)), kwargs)
        given = [self.whole(t) if isinstance(t, Tensor) else t for t in leaves]
        if tensors and name not in _EACH:
            all_args, all_kwargs = unflatten(given, spec)
            if written:
                all_args = (FUNCTIONS["clone"](all_args[0]), *all_args[1:])
            return _attempt(f, name, all_args, all_kwargs)
        rows = []
        for i in range(self.size):
            one = [t[i] if isinstance(t, Tensor) else t for t in given]
            each, named = unflatten(one, spec)
            rows.append(_attempt(f, name, each, named))
        return FUNCTIONS["stack"](rows)

    def _sized(self, name: str, args: tuple[Any, ...]) -> list[Any]:
        """The arguments with the number of examples in front of the sizes."""
        if name in ("rand", "randn"):
            return [self.size, *sizes_of(args, name)]
        sized = (tuple, list)
        return [(self.size, *a) if isinstance(a, sized) else a for a in args]


def _attempt(
    f: Callable[..., Any], name: str, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """A call that draws, which may itself be for one example."""
    try:
        return f(*args, **kwargs)
    except Different as drawn:
        return drawn.batch.different(f, name, args, kwargs)


class _BatchedRule(GradFn):
    """A record with a rule of its own, for all examples: the rule is run on one."""

    __slots__ = ("batch", "record", "shapes")
    custom_rule = watched = True
    batch: Batch
    record: GradFn
    shapes: list[tuple[tuple[int, ...], bool]]

    def custom(self, cotangents: Sequence[Any], create: bool) -> list[Tensor | None]:
        """Gradients of all examples."""
        with self.batch as batch:
            given = [None if t is None else batch.example(t) for t in cotangents]
            found = self.record.custom(given, create)
            with batch.outside():
                return [_summed(batch, t, *s) for t, s in zip(found, self.shapes, strict=True)]

    def read(self) -> Sequence[Node]:
        """The batches of what was read."""
        return self.batch.lift(self.record.read())

    def arity(self) -> int:
        """How many outputs the operation has."""
        return self.record.arity()


def _by_rule(batch: Batch, fn: GradFn, edges: Sequence[Edge]) -> GradFn:
    """The record of a rule for all examples, called as the record of one is."""
    cls = type(fn.name(), (_BatchedRule,), {"__slots__": (), "__module__": type(fn).__module__})
    made: _BatchedRule = cls(edges, (), ())
    made.batch, made.record, made.count = batch, fn, fn.arity()
    made.shapes = [(tuple(n.shape), batch.varies(n)) for n in fn.read()]
    return made


def _summed(
    batch: Batch, t: Tensor | None, shape: tuple[int, ...], varies: bool
) -> Tensor | None:
    """The gradient of an argument: of one that is the same for all examples their sum."""
    if t is None:
        return None
    if varies:
        return batch.whole(t)
    total: Tensor = Tensor.sum(batch.whole(t), 0)  # type: ignore[attr-defined]
    return total


def _pair(result: Any) -> tuple[Any, Any]:
    begin = (
        "Expected the vmap staticmethod to have two returns, an output and out_dims with pytree "
        "structure compatible with the output. "
    )
    if not isinstance(result, tuple):
        raise RuntimeError(f"{begin}Got a {type(result)} instead")
    if len(result) != 2:
        raise RuntimeError(f"{begin}Got {len(result)} returns instead")
    return result


def varying(args: Sequence[Any]) -> Batch | None:
    """The innermost batch with which any of the arguments varies."""
    tensors = [a for a in args if isinstance(a, Tensor)]
    for t in reversed(MODE.transforms):
        if isinstance(t, Batch) and any(t.varies(a._read()) for a in tensors):
            return t
    return None


def over(f: Callable[..., Any], given: Sequence[Tensor | None]) -> list[Tensor | None]:
    """The results of f, a list of tensors, for each of a batch of tensors."""
    size = next(t._node.shape[0] for t in given if t is not None)
    with Batch(size) as batch:
        found = f([None if t is None else batch.example(t) for t in given])
        with batch.outside():
            return [None if t is None else batch.whole(t) for t in found]
