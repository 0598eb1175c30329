"""Graphs that come again and again, recognised without a key: of one whose plan is written out, it
is known what is met on the way from the roots to the inputs, and whether all is as it was.

What enters: roots; graphs with the plans that were found by their keys. What leaves: for roots
above which everything is as in such a graph, a Graph that says no more than running its plan takes.
It must not know how plans are made or run.

What else is kept depends on which nodes something else holds. These counts of references have to be
as they were when the plan was last found by its key, so nothing is recognised that would have had
another plan.
"""

import sys
from collections.abc import Callable, Sequence
from itertools import compress
from operator import itemgetter
from typing import Any

from .._base import config
from ..ir.graph import COUNTED, Graph, leaf_key, pick
from ..ir.node import Node
from ..lower.kernel import Plan
from .observe import OBSERVERS

__all__ = ["Recognised"]

# Graphs that look alike from outside; nodes of one; nodes of all of them.
ALIKE, MOST, MOST_NODES = 4, 2048, 1 << 16
# How often counts of references may differ for one graph before it is left alone.
TRIES = 16
_SETTINGS = (*config.LOWERING, "execution", "debug")
Found = tuple[list[Node], list[int], dict[Node, int]]


class _Known:
    """A graph that is recognised: by settings, structure, and `counts` of references of nodes
    between roots and inputs.
    """

    __slots__ = ("counts", "outputs", "plan", "settings", "structure", "tries")

    def __init__(self, roots: Sequence[Node], graph: Graph, plan: Plan) -> None:
        self.settings = config.several(_SETTINGS)
        self.structure = _Structure(roots, graph)
        self.outputs = graph.outputs
        self.plan = plan
        self.counts: list[int] | None = None
        self.tries = 0

    def graph(self, roots: Sequence[Node], others: "dict[_Known, list[int]]") -> Graph | None:
        """The graph of roots, if it is this one: nodes in order, and outputs. Where only counts are
        others, these are noted.
        """
        found = self.structure.match(roots)
        if found is None:
            return None
        order, counts, merged = found
        if counts != self.counts:
            others[self] = counts
            return None
        graph = Graph()
        graph.order, graph.outputs = order, self.outputs
        graph.number, graph.merged = merged, list(merged)
        return graph


class Recognised:
    """Graphs that are known, by what is seen of them at once. Used under the runtime's lock; where
    none is `known`, nothing is found.
    """

    def __init__(self) -> None:
        self.known: dict[Any, list[_Known]] = {}
        self._nodes = 0
        # Of what `find` looked at last and didn't find: what has its structure, and its counts.
        self._others: dict[_Known, list[int]] = {}

    def clear(self) -> None:
        """Forget everything."""
        self.known.clear()
        self._others.clear()
        self._nodes = 0

    def find(self, roots: Sequence[Node]) -> tuple[Graph, Plan] | None:
        """The graph of some nodes without values, and its plan, if they are known; nothing for no
        nodes.
        """
        others = self._others
        others.clear()
        known = self.known.get(_seen(roots)) if roots else None
        if known is None or OBSERVERS:
            return None
        settings = config.several(_SETTINGS)
        for one in known:
            if one.settings == settings:
                graph = one.graph(roots, others)
                if graph is not None:
                    return graph, one.plan
        return None

    def learn(self, roots: Sequence[Node], graph: Graph, plan: Plan | None) -> None:
        """Note the plan that was found for a graph by its key, when `find` has found none."""
        if plan is None or plan.replayed is None or not COUNTED or config.get("debug"):
            return
        seen, settings = _seen(roots), config.several(_SETTINGS)
        known = self.known.get(seen, [])
        for one in known:
            if one.plan is plan and one.settings == settings:
                if one.tries < TRIES and one in self._others:
                    one.counts = self._others[one]
                    one.tries += 1
                return
        if len(known) < ALIKE and len(graph.number) <= MOST and _is_plain(graph):
            if self._nodes > MOST_NODES:
                self.clear()
            self._nodes += len(graph.number)
            self.known.setdefault(seen, []).append(_Known(roots, graph, plan))


def _seen(roots: Sequence[Node]) -> tuple[Any, ...]:
    """What is seen of roots at once."""
    first, last = roots[0], roots[-1]
    return len(roots), first.op, first.shape, last.op, last.shape


def _is_plain(graph: Graph) -> bool:
    """Whether each input is one array."""
    return not any(type(node.value) is tuple for node in graph.order)


Take = Callable[[Sequence[Any]], Sequence[Any]]


def _taking(places: Sequence[int]) -> Take:
    """What takes elements at some places."""
    if len(places) > 1:
        return itemgetter(*places)
    return lambda found: [found[i] for i in places]


class _Structure:
    """What a graph looks like from its roots. Nodes are met in an order: the roots, then the
    arguments of each node that is to be computed, as often as they are arguments.
    """

    __slots__ = (
        "_again", "_before", "_between", "_computed", "_counts", "_inputs", "_length", "_merged",
        "_ops", "_order", "_params",
    )  # fmt: skip

    def __init__(self, roots: Sequence[Node], graph: Graph) -> None:
        met = list(roots)
        first: dict[Node, int] = {}
        for i, node in enumerate(met):  # which grows meanwhile
            if first.setdefault(node, i) == i and node.value is None:
                met += node.args
        own = [i for i, node in enumerate(met) if first[node] == i]
        again = [i for i, node in enumerate(met) if first[node] != i]
        places = [i for i in own if met[i].value is None]
        ends = set(roots)
        self._length = len(met)
        self._computed = [first[node] == i and node.value is None for i, node in enumerate(met)]
        self._ops = [met[i].op for i in places]
        self._params = [(i, met[i].params) for i in places if met[i].params]
        self._counts = [(i, len(met[i].args)) for i in places if met[i].op.arity is None]
        self._again, self._before = _taking(again), _taking([first[met[i]] for i in again])
        inputs = [(i, met[i]) for i in own if met[i].value is not None]
        self._inputs = [(i, leaf_key(node), node.device) for i, node in inputs]
        self._order = _taking([first[node] for node in graph.order])
        between = {i for i in places if met[i] not in ends}
        self._between = [i in between for i in range(len(met))]
        self._merged = [(first[node], graph.number[node]) for node in graph.merged]

    def match(self, roots: Sequence[Node]) -> Found | None:
        """The nodes in the plan's order, counts of references of those between roots and inputs,
        and those that others are computed for, with the places of these; of a graph that looks like
        this one.
        """
        met = list(roots)
        meet = met.extend
        for node, op in zip(compress(met, self._computed), self._ops):
            if node.op is not op or node.value is not None:
                return None
            meet(node.args)
        if len(met) != self._length or self._again(met) != self._before(met):
            return None
        for i, params in self._params:
            if met[i].params != params:
                return None
        for i, count in self._counts:
            if len(met[i].args) != count:
                return None
        for i, key, device in self._inputs:
            node = met[i]
            if node.value is None and _picked(node) is None:
                return None
            if leaf_key(node) != key or node.device is not device:
                return None
        merged = {met[i]: place for i, place in self._merged}
        counts = list(map(sys.getrefcount, compress(met, self._between)))
        return list(self._order(met)), counts, merged


def _picked(node: Node) -> Any:
    """The value of a node that takes elements of a known one, as where a graph is walked."""
    if node.op.picks:
        pick(node)
    return node.value
