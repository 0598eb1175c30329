"""The pipeline: a graph through named passes to a plan, each pass timed and, on request, verified
and printed.

What enters: a linearized graph with its outputs. What leaves: a Plan. It must not know targets.
"""

import time
from collections.abc import Callable
from typing import Any

from .._base import config
from .._base.log import log, wants
from ..ir.graph import Graph, linearize
from ..ir.node import SCALAR, Node
from ..ir.printer import show
from ..ir.verify import verify
from ..transform.simplify import Simplified, simplify
from . import build
from .again import computed_again
from .batches import batched
from .fuse import Fuser, Group
from .kernel import Plan, Step
from .memory import plan_memory
from .parts import pieces
from .segments import segmented
from .shown import mark_shown
from .totals import with_totals


class _Slots:
    """Slots by what is in them: places of the graph, nodes of the piece, constants."""

    def __init__(self, graph: Graph) -> None:
        self.places: dict[int, int] = {}
        self.constants: list[tuple[int, Any]] = []
        self.count = 0
        for place in graph.leaves:
            self.places[place] = self.new()

    def new(self) -> int:
        """An empty slot."""
        self.count += 1
        return self.count - 1

    def constant(self, node: Node) -> int:
        """A slot that holds a scalar."""
        slot = self.new()
        self.constants.append((slot, node.value))
        return slot


class _Timer:
    """Adds up the seconds of each pass."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def __call__(self, name: str, work: Callable[..., Any], *args: Any) -> Any:
        start = time.perf_counter()
        out = work(*args)
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start
        return out


def lower(graph: Graph) -> Plan:
    """The plan of a graph."""
    timer, slots = _Timer(), _Slots(graph)
    steps: list[Step] = []
    for part in pieces(graph):
        piece = timer("simplify", simplify, graph, part.places, part.wanted, config.get("fuse"))
        _lower_piece(piece, part.wanted, slots, steps, timer, part.native)
    outputs = tuple(slots.places[p] for p in graph.outputs)
    timer("memory", plan_memory, steps, set(outputs))
    inputs = tuple(slots.places[p] for p in graph.leaves)
    places = tuple(graph.leaves)
    assert inputs == tuple(range(len(inputs)))
    runs = timer("batches", batched, steps)
    return Plan(
        places, tuple(slots.constants), steps, outputs, slots.count, runs, timer.seconds,
        len(graph.order),
    )  # fmt: skip


def _lower_piece(
    piece: Simplified, wanted: list[int], slots: _Slots, steps: list[Step], timer: _Timer,
    native: str,
) -> None:  # fmt: skip
    """Steps of one piece; the slots of its wanted places are noted."""
    inner = linearize(piece.outputs)
    _inspect("simplify", inner)
    groups, home = timer("fuse", _fuse, inner, bool(native))
    at = [_slot(node, piece, slots) for node in inner.order]
    of = {node: at[place] for node, place in inner.number.items()}
    stored = _stored(inner, groups)
    made: list[Step] = []
    for group in groups:
        kept = [node for node in group.members if node in stored and home[node] is group]
        made.append(timer("build", build.step, group, kept, of.__getitem__, bool(native)))
    if native and config.get("fuse"):
        shapes = {slot: node.shape for slot, node in zip(at, inner.order, strict=True)}
        outputs = [at[i] for i in inner.outputs]
        made = timer("segments", segmented, made, outputs, shapes)
        made = timer("totals", with_totals, made, outputs)
        mark_shown(made, outputs)
    steps += made
    for place, i in zip(wanted, inner.outputs, strict=True):
        slots.places[place] = at[i]


def _slot(node: Node, piece: Simplified, slots: _Slots) -> int:
    if node.op is SCALAR:
        return slots.constant(node)
    if node.op.kind == "leaf":
        return slots.places[piece.inputs[node.params[0]]]
    return slots.new()


def _inspect(name: str, graph: Graph) -> None:
    """Verify and print the graph that a pass has left, as settings ask."""
    if config.get("verify"):
        verify(graph)
    if wants(3):
        log(3, f"# after {name}\n{show(graph)}")


def _fuse(graph: Graph, native: bool) -> tuple[list[Group], dict[Node, Group]]:
    """Groups in the order in which they run, and which of them stores a node."""
    fuser = Fuser(config.get("fuse"), native)
    for node in graph.order:
        if node.op.kind != "leaf":
            fuser.add(node)
    if native:
        fuser.gather()
    if native and config.get("fuse"):
        outputs = [graph.order[i] for i in graph.outputs]
        computed_again([g for g in fuser.groups if g is not None], fuser.of, outputs)
    return fuser.ordered({node: i for i, node in enumerate(graph.order)}), fuser.of


def _stored(graph: Graph, groups: list[Group]) -> set[Node]:
    """Nodes that are read outside their group, or are outputs."""
    out = {graph.order[i] for i in graph.outputs}
    for group in groups:
        members = set(group.members)
        reads = [graph.order[graph.number[a]] for node in group.members for a in node.args]
        out.update(a for a in reads if a not in members)
    return out
