"""Materialising: from nodes to values.

What enters: nodes. What leaves: their `value` filled, and that of whatever else alive would
otherwise have to be computed again (docs/architecture.md, "Materialising"). A graph is computed
once, whichever thread asks; threads that ask for different ones compute at the same time.
"""

import threading
from collections import deque
from collections.abc import Callable, Collection, Sequence
from itertools import starmap
from operator import call
from typing import Any

import numpy

from .._base import config
from .._base.dtypes import DType
from .._base.threads import at_fork
from ..ir.graph import Graph, Uses, ancestors, held, linearize, pending, wanted_elsewhere
from ..ir.node import PLACEHOLDER, TRACING, Node, cut
from ..lower.kernel import Plan
from . import cache
from .cache import SMALL_BYTES, small
from .counters import COUNTERS
from .execute import steps
from .gpus import at_hand, own_number, tell
from .interpret import fill, quietly
from .observe import OBSERVERS, TIMERS
from .pending import settle, watch

_lock = threading.RLock()
# Whoever waits is told when a run ends; and looks now and then, should a Ctrl-C have kept a thread
# from telling.
_ended = threading.Condition(_lock)
_runs: "list[_Run]" = []
POLL = 0.05

# An elementwise value, or a view, that something outside still refers to is kept when it is this
# small, or when computing it again would take more ops than this, or one that is dear.
MAX_RECOMPUTED = 8
TINY = 64


def _reset_lock() -> None:
    """In a child process: whoever held the lock, and whoever computed, is not there."""
    global _lock, _ended
    _lock = threading.RLock()
    _ended = threading.Condition(_lock)
    _runs.clear()


at_fork(after_in_child=_reset_lock)


def value(node: Node) -> numpy.ndarray[Any, Any]:
    """The node's buffer, computed if need be, in memory of the host. Not to be written to."""
    if node.value is None:
        materialize((node,))
    found = node.value
    return found if type(found) is numpy.ndarray else at_hand(found)


def asked(node: Node) -> numpy.ndarray[Any, Any]:
    """`value` for the user, between operations: what got a value is cut off from its arguments."""
    if node.value is None:
        materialize((node,), cutting=True)
    found = node.value
    return found if type(found) is numpy.ndarray else at_hand(found)


def on_device(node: Node) -> Any:
    """`asked` for what is on a GPU: its array there, which others may be shown. One number gets
    memory of its own, since equal ones share theirs. Raises what was found wrong on the way.
    """
    materialize((node,), cutting=True)
    tell(node.value)
    return node.value if node.shape else own_number(node.value, node.device)


def materialize(nodes: Sequence[Node], cutting: bool = False) -> None:
    """Fill the values of all nodes, in one graph. Raises what computing them raises; these are then
    as they were. With `cutting`, nodes that got a value become leaves, histories aside: that is for
    calls between operations, since what one has made so far may be a history in a moment.
    """
    runs = _here.runs
    run = _Run(runs > 0)
    _here.runs = runs + 1
    try:
        with _lock:
            done = run.begin(nodes, cutting)
            if done and cutting:
                _cut(done)
        if run.graph is not None:
            found = _results(run.graph, cache.run(run.graph, run.plan))
            if run.graph.late:
                _at_once(run.graph, found)
            with _lock:
                done = _filled(found)
                if cutting:
                    _cut(done)
    finally:
        run.nodes = _NOTHING  # first, since a Ctrl-C may come next, and others wait for these
        _here.runs = runs
        if run.graph is not None:
            run.graph = None
            with _lock:
                _tidy()
                _ended.notify_all()


class _Here(threading.local):
    """How many materialisations this thread is in: a finalizer may begin one within another."""

    runs = 0


_here = _Here()
_NOTHING: Collection[Node] = ()


class _Run:
    """One materialisation. While it computes `nodes`, which it does without the lock, other threads
    compute other nodes, and wait for these.
    """

    __slots__ = ("graph", "nested", "nodes", "plan")

    def __init__(self, nested: bool) -> None:
        self.nested = nested
        self.nodes: Collection[Node] = _NOTHING
        self.graph: Graph | None = None
        self.plan: Plan | None = None

    def begin(self, nodes: Sequence[Node], cutting: bool) -> Collection[Node]:
        """Compute the graph of some nodes if it is tiny, and tell which got values; else decide how
        to run it. Under the lock, which is let go where another thread is to be waited for.
        """
        if self._recognised(nodes, cutting and not TRACING.depth):
            return ()
        roots, found = self._pending(nodes)
        if not roots:
            return ()
        COUNTERS.graphs += 1
        pending_nodes, uses = found
        tiny = len(pending_nodes) <= TINY and _plain() and not cache.on_gpus(uses)
        if tiny and _all_small(pending_nodes):
            if len(pending_nodes) == 1:
                quietly(fill, pending_nodes, _no_value)
                return pending_nodes
            keep = held(pending_nodes, uses).union(roots)
            _run_tiny(pending_nodes, keep)
            return keep
        graph = linearize(roots, found)
        del found, pending_nodes, uses
        _close(graph, roots)
        self.plan = cache.chosen(graph)
        cache.CACHE.recognised.learn(roots, graph, self.plan)
        self._begun(graph, graph.number.keys())
        return ()

    def _recognised(self, nodes: Sequence[Node], cutting: bool) -> bool:
        """Whether the graph of some nodes is known by itself, and no other thread runs any."""
        if not cache.CACHE.recognised.known:
            return False
        roots = [] if _runs else [n for n in nodes if n.value is None]
        found = cache.CACHE.recognised.find(roots, cutting)
        if found is None:
            return False
        COUNTERS.graphs += 1
        graph, self.plan = found
        self._begun(graph, graph.order + graph.merged if graph.merged else graph.order)
        return True

    def _begun(self, graph: Graph, nodes: Collection[Node]) -> None:
        """Note what is being computed."""
        self.graph = graph
        _tidy()
        _runs.append(self)
        self.nodes = nodes

    def _pending(self, nodes: Sequence[Node]) -> tuple[list[Node], tuple[list[Node], Uses]]:
        """Those of some nodes that have no value, and what is pending above them, when no other
        thread computes any of it. A run within a run of this thread waits for nobody.
        """
        while True:
            if len(nodes) == 1:
                roots = list(nodes) if nodes[0].value is None else []
            else:
                roots = list(dict.fromkeys([n for n in nodes if n.value is None]))
            for root in roots:
                if root.op is PLACEHOLDER:
                    raise _no_value(root)
            found = pending(roots)
            if self.nested or not _runs or not _being_computed(found[0]):
                return roots, found
            del found
            _ended.wait(POLL)


def _being_computed(nodes: Sequence[Node]) -> bool:
    """Whether some run has one of some nodes. Under the lock."""
    mine = set(nodes)
    return not all(mine.isdisjoint(run.nodes) for run in _runs)


def _tidy() -> None:
    """Forget runs that have ended. Under the lock."""
    _runs[:] = [run for run in _runs if run.nodes]


def alone(function: Callable[..., Any], *args: Any) -> Any:
    """What a function gives that lowers graphs: nobody else does meanwhile."""
    with _lock:
        return function(*args)


def replay(plan: Plan, env: list[Any], graph: Graph) -> list[Any]:
    """Values of a plan's outputs, with the slots of inputs and constants filled; `env` is used up.

    What only the list refers to is free for reuse after the step that reads it last.
    """
    return quietly(steps, plan, env, graph)  # type: ignore[no-any-return]


def _at_once(graph: Graph, found: Sequence[tuple[Node, Any]]) -> None:
    """Make the calls that write over what the graph reads, and give nodes their values: as one,
    between whose parts no Ctrl-C comes, since it could not be computed again.
    """
    given = [(setattr, node, "value", x) for node, x in found]
    deque(starmap(call, [*graph.late, *given]), 0)


def _filled(found: Sequence[tuple[Node, Any]]) -> Collection[Node]:
    """Give nodes their values; those that got one."""
    for node, result in found:
        node.value = result
    settle()
    return [node for node, _ in found]


def _results(graph: Graph, values: Sequence[Any]) -> list[tuple[Node, Any]]:
    """Nodes that have some of a graph's values."""
    found = [(graph.order[place], x) for place, x in zip(graph.outputs, values, strict=True)]
    if graph.merged:
        results = dict(zip(graph.outputs, values, strict=True))
        places = [(node, graph.number[node]) for node in graph.merged]
        found += [(node, results[place]) for node, place in places if place in results]
    return found


def _cut(done: Collection[Node]) -> None:
    if not TRACING.depth:
        cut(done)


def graph_of(nodes: Sequence[Node]) -> Graph:
    """The graph that asking for nodes without values would run, with what would be kept of it.

    Raises NoValue where they depend on an argument of a function that is being traced.
    """
    with _lock:
        roots = list(dict.fromkeys(nodes))
        graph = linearize(roots)
        _close(graph, roots)
        return graph


def _close(graph: Graph, roots: list[Node]) -> None:
    """Name what is asked for, and what else is kept."""
    _refuse_placeholders(graph)
    outputs = list(dict.fromkeys(graph.outputs))
    graph.close(outputs + wanted_elsewhere(graph, _Worth(graph, roots)))


_ASKING = ("execution", "target", "debug")


def _plain() -> bool:
    """Whether nothing asks for a plan, or wants to be told."""
    execution, target, debug = config.several(_ASKING)
    return execution == "auto" and target != "null" and not (debug or OBSERVERS or TIMERS)


def _all_small(nodes: Sequence[Node]) -> bool:
    """Whether no node has more than SMALL_BYTES, or reduces more, or has several outputs."""
    for n in nodes:
        if not small(n.shape) or (n.op.kind == "reduce" and not small(n.args[0].shape)):
            return False
    return True


def _run_tiny(nodes: Sequence[Node], keep: Collection[Node]) -> None:
    """Not many ops on small arrays: no plan would save what looking for it costs."""
    try:
        quietly(fill, nodes, _no_value)
    finally:
        if len(keep) < len(nodes):
            for node in nodes:
                if node not in keep:
                    node.value = None


def _refuse_placeholders(graph: Graph) -> None:
    for place in graph.leaves:
        if graph.order[place].op is PLACEHOLDER:
            raise _no_value(graph.order[place])


class Explained:
    """A placeholder's index that can say why there is no value, and what to do."""

    __slots__ = ()

    def no_value(self) -> str:
        """The text of the error."""
        raise NotImplementedError


class NoValue(TypeError):
    """What is asked for depends on an argument that stands for others, and has no value."""


def _no_value(node: Node) -> Exception:
    """What is wrong with asking for a placeholder's value: its index may know."""
    index = node.params[0]
    if isinstance(index, Explained):
        return NoValue(index.no_value())
    return NoValue(
        f"the value of an array of shape {node.shape} is needed while a function is being traced "
        "(vmap runs the function on arrays that have a shape and a dtype, but no value)"
    )


class _Worth:
    """Whether a value that something else alive may ask for is kept. Asked in the graph's order."""

    def __init__(self, graph: Graph, roots: Sequence[Node]) -> None:
        self._graph = graph
        self._bases = {_base(root) for root in roots}
        self._depth: dict[Node, int] = {}
        self._kept = set(roots)

    def __call__(self, node: Node) -> bool:
        worth = self._worth(node)
        if worth:
            self._kept.add(node)
        return worth

    def _worth(self, node: Node) -> bool:
        op = node.op
        if not op.cheap or node in self._bases:
            return True
        if nbytes(node.shape, node.dtype) <= SMALL_BYTES:
            return True
        return op.kind in ("elementwise", "movement") and self._cost(node) > MAX_RECOMPUTED

    def _cost(self, node: Node) -> int:
        """Cheap ops that computing the node again would take, at most; more than is ever computed
        again where it would take a dear one.
        """
        depth, kept = self._depth, self._kept
        if node not in depth:
            for n in ancestors(
                [node], lambda n: n in depth or n in kept or n.value is not None or not n.op.cheap
            ):
                if n in depth:
                    continue
                if n in kept or n.value is not None or not n.args:
                    depth[n] = 0
                elif n.op.cheap:
                    depth[n] = 1 + sum(depth.get(a, 0) for a in n.args)
                else:
                    depth[n] = MAX_RECOMPUTED
        return depth[node]


def _base(node: Node) -> Node:
    """The node whose elements a chain of movements shows."""
    while node.op.kind == "movement" and len(node.args) == 1 and node.value is None:
        node = node.args[0]
    return node


def nbytes(shape: Any, dtype: DType) -> int:
    """Bytes of an array; of all outputs for an op that has several."""
    if shape and isinstance(shape[0], tuple):
        return sum(nbytes(s, d) for s, d in zip(shape, dtype, strict=True))  # type: ignore[call-overload,misc]
    n = dtype.itemsize
    for k in shape:
        n *= k
    return n


watch(materialize)
