"""The history of tensors: records of operations, each with the piece of the graph that it made.

What enters: nodes that an operation read and those it made. What leaves: cotangents of the former,
by the graph's own reverse mode. It must not know class Tensor, nor when a record is asked.
"""

import itertools
import threading
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from ..ir.graph import keep, let_go, release
from ..ir.node import Node, apply, make, placeholder
from ..ir.op import Op
from ..ops import g
from ..ops.movement import reshape
from ..transform._path import path
from ..transform.structures import Laid, Piece, by_rules, piece_of, pull_one
from ._dtypes import TITLES, dtype

__all__ = ["MODE", "AccumulateGrad", "GradFn"]


class _Mode(threading.local):
    """What this thread records: operations on tensors that need a gradient, unless told not to."""

    grad = True
    inference = False
    levels: tuple[Any, ...] = ()  # of forward mode, open now
    transforms: tuple[Any, ...] = ()  # whose functions run now, outermost first
    integers = False  # a write to an integer tensor is computed, which PyTorch records
    hooks: tuple[Any, ...] = ()  # pairs that pack and unpack what is saved, the last one in force
    hooks_off: str | None = None  # why there may be none
    casts: Any = None  # which dtypes operations choose by themselves, where anything was asked for


class Different(Exception):
    """Raised where numbers are drawn that are to differ between the examples of a batch."""

    def __init__(self, batch: Any) -> None:
        self.batch = batch


class _Anomaly:
    """Whether records remember the line that made them, and gradients are looked at for NaN."""

    on = False
    check_nan = True


MODE = _Mode()
ANOMALY = _Anomaly()
_sequence = itertools.count()
Edge = tuple["GradFn | None", int]
# Derivatives that read two operands, of which a Python number may have been one.
PAIRS = frozenset(("AddBackward0", "SubBackward0", "MulBackward0", "DivBackward0", "CopyBackwards",
                   "FillBackward3", "FillBackward1", "WhereBackward0",
                   "IndexPutBackward0"))  # fmt: skip


def refuse_within(call: str, what: str) -> None:
    """Raises RuntimeError for a call within a transformed function."""
    if MODE.transforms:
        raise RuntimeError(
            f"You are attempting to call Tensor.{call}() {what}inside of a function being "
            "transformed by a functorch transform. This is unsupported, please attempt to use the "
            f"functorch transforms (e.g. grad, vjp, jacrev, jacfwd, hessian) or call {call}() "
            "outside of a function being transformed instead."
        )


def last_record() -> int:
    """A number not below that of any record so far."""
    return next(_sequence)


# A counter of the writes to a tensor's memory, what it stood at, dtype and shape of the tensor, the
# record that made it (None: a leaf, RESULT: the record that saves it), which output it was, its
# place among what was read, and for these the tensor with the stamp of its memory.
Saved = tuple[list[int], int, dtype, tuple[int, ...], Any, int, int, Any, int]
RESULT = object()
FREED = (
    "Trying to backward through the graph a second time (or directly access saved tensors after "
    "they have already been freed). Saved intermediate values of the graph are freed when you "
    "call .backward() or autograd.grad(). Specify retain_graph=True if you need to backward "
    "through the graph a second time or if you need to access saved tensors after calling backward."
)


def stale(of: dtype, shape: Sequence[int], where: str, version: int, expected: int) -> str:
    """PyTorch's words for a saved tensor that was written to."""
    hint = (
        "the backtrace further above shows the operation that failed to compute its gradient. The "
        "variable in question was changed in there or anywhere later. Good luck!"
        if ANOMALY.on
        else "enable anomaly detection to find the operation that failed to compute its gradient, "
        "with torch.autograd.set_detect_anomaly(True, check_nan=False)."
    )
    return (
        "one of the variables needed for gradient computation has been modified by an inplace "
        f"operation: [torch.{TITLES[of]}Tensor {list(shape)}]{where} is at version {version}; "
        f"expected version {expected} instead. Hint: {hint}"
    )


# What is left of the piece of a record that saved nothing, and can be made again: op, parameters,
# (shape, dtype, device) of the inputs, what else the op reads. Of a piece of several operations its
# structure, and what else it reads.
Bare = tuple[Op, tuple[Any, ...], list[tuple[Any, Any, Any]], tuple[Node, ...]]
BarePiece = tuple[Piece, list[Node | None]]


def made_again(bare: Bare | BarePiece) -> tuple[tuple[Node, ...], list[Node]]:
    """Inputs and outputs, over placeholders."""
    if len(bare) == 2:
        piece, left = bare
        members = piece.again(left)
        return tuple(members[: piece.inputs]), [members[i] for i in piece.outputs]
    op, params, read, rest = bare
    inputs = tuple([placeholder(*kind, i) for i, kind in enumerate(read)])
    return inputs, [make(op, (*inputs, *rest), params)]


def replayed(inputs: Sequence[Node], outputs: Sequence[Node], new: Sequence[Node]) -> list[Node]:
    """The outputs as they are of other inputs."""
    known = dict(zip(inputs, new, strict=True))
    for node in path(outputs, inputs, lambda _: True):
        known[node] = make(node.op, tuple([known.get(a, a) for a in node.args]), node.params)
    return [known.get(y, y) for y in outputs]


class _Known(NamedTuple):
    """The piece between inputs and outputs, its members, and all nodes of it if it was laid."""

    inputs: tuple[Node, ...]
    outputs: Sequence[Node]
    piece: Piece
    members: list[Node]
    computed: Sequence[Node]


class GradFn:
    """One operation in the history of a tensor.

    `edges` are, for every tensor it read, the record that made that tensor and which of its outputs
    that is, or (None, 0) where no gradient goes. `inputs` and `outputs` are nodes: what lies
    between them is what is differentiated.
    """

    __slots__ = ("__dict__", "__weakref__", "_sequence", "edges", "inputs", "outputs", "saved")

    count = 1
    custom_rule = False
    # Whether the walk has more to do here than to ask for cotangents: any of what follows is set.
    watched = False
    # PyTorch's formula for each thing that was read, where one is known; whether its parts share
    # memory with the gradient or are written to once made; whether a gradient passes as it is.
    formula: Any = None
    shares = False
    passes = False
    # How often PyTorch writes to the gradient of what was read, once it is made.
    written = 0
    # Whether that is new, contiguous memory, into which the gradient of a part is put.
    fresh = False
    # The dtype of what was written, where it has integers: gradients can't go there.
    integers: dtype | None = None
    # Of the one output, where it was given another since without being recorded.
    shape: Any = None
    # Whether PyTorch saves what isn't among what was read: numbers as tensors, masks, indices.
    keeps = False
    # Of what was read, where any of it isn't contiguous.
    strides: Any = None
    _node_hooks: dict[int, Any] | None = None
    _prehooks: dict[int, Any] | None = None
    _tensor_hooks: dict[int, dict[int, Any]] | None = None
    _retained: dict[int, Any] | None = None
    _extra: dict[str, Any] | None = None
    _packed: Any = None  # what hooks made of what is saved
    _piece: _Known | None = None

    def __init__(
        self,
        edges: Sequence[Edge],
        inputs: tuple[Node, ...],
        outputs: Sequence[Node],
        saved: tuple[Saved, ...] = (),
    ) -> None:
        self.edges = edges
        self.inputs: tuple[Node, ...] | None = inputs
        self.outputs: Any = outputs
        self.saved = saved
        self._sequence = next(_sequence)
        keep(outputs, inputs)
        if len(outputs) != 1:
            self.count = len(outputs)
        if ANOMALY.on:
            import traceback

            self.metadata["traceback_"] = traceback.format_stack()

    def name(self) -> str:
        """The name of the operation's derivative."""
        name = type(self).__name__
        return f"torch::autograd::{name}" if name in _OWN_SPACE else name

    def title(self) -> str:
        """The name as messages have it."""
        return self.name().partition("Backward")[0]

    @property
    def next_functions(self) -> tuple[Edge, ...]:
        """The records that made what it read, with output numbers."""
        found = [(None, 0) if fn is NOWHERE[0] else (fn, number) for fn, number in self.edges]
        if len(found) == 1 and type(self).__name__ in PAIRS:
            found.append((None, 0))
        return tuple(found)

    @property
    def metadata(self) -> dict[str, Any]:
        """A dict for the user's own notes."""
        if self._extra is None:
            self._extra = {}
        return self._extra

    def register_hook(self, hook: Callable[..., Any]) -> "Handle":
        """Call `hook(grad_inputs, grad_outputs)` when gradients have passed."""
        if self._node_hooks is None:
            self._node_hooks = {}
        self.watched = True
        return Handle(self._node_hooks, hook)

    def register_prehook(self, hook: Callable[..., Any]) -> "Handle":
        """Call `hook(grad_outputs)` before gradients pass."""
        if self._prehooks is None:
            self._prehooks = {}
        self.watched = True
        return Handle(self._prehooks, hook)

    def tensor_hooks(self, number: int) -> dict[int, Any]:
        """The hooks of the tensor that is output `number`."""
        if self._tensor_hooks is None:
            self._tensor_hooks = {}
        self.watched = True
        return self._tensor_hooks.setdefault(number, {})

    def retain(self, number: int, keeper: Callable[[], Any]) -> None:
        """Give the tensor that is output `number`, if `keeper()` still has it, its gradient."""
        if self._retained is None:
            self._retained = {}
        self.watched = True
        self._retained[number] = keeper

    def pass_on(self, number: int, new: "GradFn") -> None:
        """Let output `number` retain its gradient as the first output of another record."""
        if self._retained is not None and number in self._retained:
            new.retain(0, self._retained.pop(number))

    def described(self, number: int) -> str:
        """Words for an output."""
        return f", which is output {number} of {self.title()},"

    def __repr__(self) -> str:
        return f"<{type(self).__name__} object at {hex(id(self))}>"

    def check(self) -> None:
        """Raises RuntimeError where what the derivative reads was written to since, or let go."""
        if self._packed is not None:
            self._packed.open(self)
        if self.inputs is None and self.outputs is None:
            raise RuntimeError(FREED)
        for counter, version, of, shape, made, number, place, x, stamp in self.saved:
            if counter[0] != version:
                made = self if made is RESULT else made
                where = "" if made is None else made.described(number)
                raise RuntimeError(stale(of, shape, where, counter[0], version))
            stor = None if x is None else x._stor
            if stor is not None and (stor.stamp != stamp or stor.memory is not None):
                self.read_again(place, x)

    def read_again(self, place: int, x: Any) -> None:
        """Go on from what a saved tensor is now: its memory was written to without being counted,
        through `data` or by others that have it, and derivatives read what is there.
        """
        before = self.inputs
        if before is None or len(before) != len(self.edges):
            return
        node = x._read()
        if node.value is not None and node.value is before[place].value:
            return
        if node.shape == before[place].shape and node is not before[place]:
            after = list(before)
            after[place] = apply(reshape, (node,), (node.shape,))
            old, self.outputs = self.outputs, replayed(before, self.outputs, after)
            self.inputs = tuple(after)
            keep(self.outputs, self.inputs)
            let_go(old, before)

    def pull(self, cotangents: Sequence[Node | None]) -> Sequence[Node | None]:
        """Cotangents of what was read, None where none is wanted."""
        inputs, outputs = self.inputs, self.outputs
        if inputs is None or outputs is None:
            return self._pull_again(cotangents)
        wanted = tuple([edge[0] is not None for edge in self.edges])
        if len(outputs) == 1 and (ct := cotangents[0]) is not None:
            out = outputs[0]
            if _rest(out, inputs) is not None:
                return _filled(inputs, wanted, pull_one(out, ct, wanted))
        if len(inputs) > 1 and len(set(inputs)) < len(inputs):
            return _filled(inputs, wanted, by_rules(outputs, inputs, wanted, cotangents))
        piece, members = self.piece(inputs, outputs)
        return _filled(inputs, wanted, piece.pull(members, wanted, cotangents))

    def piece(self, inputs: tuple[Node, ...], outputs: Sequence[Node]) -> tuple[Piece, list[Node]]:
        """The structure between inputs and outputs, as they are now, and its members."""
        known = self._piece
        if known is None or known.inputs is not inputs or known.outputs is not outputs:
            known = self._piece = _Known(inputs, outputs, *piece_of(inputs, outputs), ())
        return known.piece, known.members

    def restore(self) -> None:
        """Have inputs and outputs again, of a record that was freed: over placeholders.

        Raises RuntimeError for one that saved anything.
        """
        if self.inputs is not None:
            return
        bare = self.outputs
        if bare is None:
            raise RuntimeError(FREED)
        self.inputs, self.outputs = made_again(bare)

    def _pull_again(self, cotangents: Sequence[Node | None]) -> Sequence[Node | None]:
        """`pull` of a record that was freed: only derivatives that read nothing are there.

        Raises RuntimeError for others.
        """
        bare = self.outputs
        assert bare is not None
        inputs, outputs = made_again(bare)
        self.inputs, self.outputs = inputs, outputs
        try:
            parts = self.pull(cotangents)
        finally:
            self.inputs, self.outputs = None, bare
        if path([p for p in parts if p is not None], [*inputs, *outputs], lambda _: True):
            raise RuntimeError(FREED)
        return parts

    def read(self) -> Sequence[Node]:
        """The nodes that were read, one an edge. Raises RuntimeError where they were let go."""
        if self._packed is not None and self.inputs is None:
            self._packed.open(self)
        if self.inputs is None:
            raise RuntimeError(FREED)
        return self.inputs

    def arity(self) -> int:
        """How many outputs the operation has."""
        return self.count

    def custom(self, cotangents: Sequence[Any], create: bool) -> Any:
        """Gradients as a user's own rule gives them; NotImplemented where the graph gives them."""
        return NotImplemented

    def free(self) -> None:
        """Let go of what was saved; records that save nothing may be asked again."""
        if self._packed is not None:
            self._packed.close(self)
            self._packed = None
            return
        inputs = self.inputs
        if inputs is None:
            return
        outputs: Any = self.outputs
        known = self._piece
        if known is not None:
            self._piece = None
            known = known if known.inputs is inputs and known.outputs is outputs else None
        if self.saved or self.keeps:
            self.inputs = self.outputs = None
            self.saved = ()
            if not self.keeps:  # what was saved goes, that something was stays
                self.keeps = True
            _let_go(known, inputs, outputs)
            return
        rest = _rest(outputs[0], inputs) if len(outputs) == 1 else None
        self.inputs = None
        if rest is None:
            piece, members = known[2:4] if known else piece_of(inputs, outputs)
            self.outputs = piece, piece.bare(members)
            _let_go(known, inputs, outputs)
        else:
            out = outputs[0]
            read = [(x.shape, x.dtype, x.device) for x in inputs]
            self.outputs = out.op, out.params, read, rest
            release((out,))


def record_of(
    kind: type[GradFn],
    edges: tuple[Edge, ...],
    inputs: tuple[Node, ...],
    out: Node,
    saved: tuple[Saved, ...] = (),
) -> GradFn:
    """The record, of a class, of a node that reads its inputs and nothing else that was computed:
    the short way.
    """
    if ANOMALY.on:
        return kind(edges, inputs, (out,), saved)
    fn: GradFn = _new(kind)
    fn.edges, fn.inputs, fn.outputs, fn.saved = edges, inputs, (out,), saved
    fn._sequence = next(_sequence)
    out.kept += 1
    return fn


def record_laid(
    kind: type[GradFn],
    edges: Sequence[Edge],
    inputs: tuple[Node, ...],
    made: Laid,
    saved: tuple[Saved, ...] = (),
) -> GradFn:
    """The record, of a class, of what was laid of its inputs."""
    fn: GradFn = _new(kind)
    fn.edges, fn.inputs, fn.outputs, fn.saved = edges, inputs, tuple(made.outs), saved
    fn._sequence = next(_sequence)
    if len(made.outs) != 1:
        fn.count = len(made.outs)
    fn._piece = _Known(inputs, fn.outputs, made.piece, made.members, made.computed)
    for node in made.computed:
        node.kept += 1
    return fn


def _let_go(known: _Known | None, inputs: Sequence[Node], outputs: Sequence[Node]) -> None:
    """A record needs a piece no more."""
    if known is None or not known.computed:
        let_go(outputs, inputs)
        return
    release(known.computed)


_new = object.__new__


def _filled(
    inputs: Sequence[Node], wanted: Sequence[bool], parts: list[Node | None]
) -> list[Node | None]:
    """The parts, with zeros where an operation is flat."""
    if None not in parts:
        return parts
    given = zip(inputs, wanted, parts)
    return [_zero(x) if on and part is None else part for x, on, part in given]


def _rest(out: Node, inputs: tuple[Node, ...]) -> tuple[Node, ...] | None:
    """What a node reads beside the inputs, after them, none of it computed; None where the inputs
    aren't what it reads first.
    """
    args = out.args
    if args == inputs:
        return () if args else None
    count = len(inputs)
    rest = args[count:]
    if not rest or args[:count] != inputs:
        return None
    for a in rest:
        if a.args or a in inputs:
            return None
    return rest


def _zero(x: Node) -> Node | None:
    """The gradient of what an operation is flat in; None where there is none at all."""
    return g.broadcast_to(g.constant(0, x), x.shape) if x.dtype.kind not in "biu" else None


_OWN_SPACE = ("CopySlices", "CopyBackwards")
_LAST = 1 << 62  # above every record's number


class _Nowhere(GradFn):
    """Where gradients end that nobody wants."""

    __slots__ = ()

    def pull(self, cotangents: Sequence[Node | None]) -> Sequence[Node | None]:
        """Nothing."""
        return ()

    def free(self) -> None:
        """Nothing is kept."""


# Where gradients of a view go that was made without history, of a base that has one.
NOWHERE: Edge = (_Nowhere((), (), (), ()), 0)
NOWHERE[0].count = 1  # type: ignore[union-attr]


class AccumulateGrad(GradFn):
    """The end of a history: a leaf tensor, whose `.grad` gradients are added to."""

    __slots__ = ("variable",)
    watched = True
    count = 1

    def name(self) -> str:
        """PyTorch's name of it."""
        return "torch::autograd::AccumulateGrad"

    def __init__(self, variable: Any) -> None:
        self.edges = ()
        self.inputs, self.outputs, self.saved = (), (), ()
        self._sequence = _LAST
        self.variable = variable


class Handle:
    """A hook's place among others: `remove()` takes it away, as does leaving a `with` block."""

    _next = itertools.count()

    def __init__(self, hooks: dict[int, Any], hook: Any) -> None:
        self.id = next(Handle._next)
        self._hooks = hooks
        hooks[self.id] = hook

    def remove(self) -> None:
        """Take the hook away."""
        self._hooks.pop(self.id, None)

    def __enter__(self) -> "Handle":
        return self

    def __exit__(self, *exception: object) -> None:
        self.remove()


_KEEPING = frozenset(
    ("MulBackward0", "DivBackward0", "WhereBackward0", "MaskedFillBackward0", "MaskedFillBackward1",
     "IndexBackward0", "IndexSelectBackward0", "GatherBackward0", "ScatterBackward0",
     "IndexPutBackward0", "IndexAddBackward0", "IndexCopyBackward0", "IndexFillBackward0",
     "MaxBackward0", "MinBackward0", "SortBackward0", "TopkBackward0", "TakeBackward0")
)  # fmt: skip
_classes: dict[str, type[GradFn]] = {}


# Begins the name of a record that is of several of PyTorch's operations at once: it is called like
# the last of them, but that one's formula is not its derivative.
COMPOSED = "~"


def grad_fn_class(name: str) -> type[GradFn]:
    """The class of records of a name, such as MulBackward0."""
    found = _classes.get(name)
    if found is None:
        body = {"__slots__": (), "__module__": "torch.autograd.graph", "keeps": name in _KEEPING}
        found = _classes[name] = type(name.removeprefix(COMPOSED), (GradFn,), body)
    return found
