"""Graphs that come again and again, recognised without a key: of one whose plan is written out, it
is known what is met on the way from the roots to the inputs, and whether all is as it was.

What enters: roots; graphs with the plans that were found by their keys. What leaves: for roots
above which everything is as in such a graph, a Graph that says no more than running its plan takes.
It must not know how plans are made or run.

What else is kept depends on which nodes something else holds. These counts of references have to be
as they were when the plan was last found by its key, so nothing is recognised that would have had
another plan.

They tell as well which inputs nothing reads once all outputs have values and are cut off from what
they were computed of: those that nothing but nodes of the graph hold, and that are not above any
node which something outside holds, and which gets no value.
"""

import sys
from collections.abc import Callable, Collection, Sequence
from itertools import compress
from operator import itemgetter
from typing import Any

from .._base import config
from ..ir.graph import COUNTED, Graph, leaf_key, pick, serial
from ..ir.node import SCALAR, Node
from ..lower.kernel import Plan
from .observe import OBSERVERS

__all__ = ["Recognised"]

# Graphs that look alike from outside; nodes of one; nodes of all of them.
ALIKE, MOST, MOST_NODES = 4, 2048, 1 << 16
# How often counts of references may differ for one graph before it is left alone.
TRIES = 16
_SETTINGS = (*config.LOWERING, "execution", "debug")
Found = tuple[list[Node], list[int], dict[Node, int], list[int]]


class _Known:
    """A graph that is recognised: by settings, structure, and `counts` of references of nodes
    between roots and inputs.
    """

    __slots__ = ("counts", "needed", "outputs", "plan", "settings", "structure", "tries")

    def __init__(self, roots: Sequence[Node], graph: Graph, plan: Plan) -> None:
        self.settings = config.several(_SETTINGS)
        self.structure = _Structure(roots, graph, plan)
        self.outputs = graph.outputs
        self.plan = plan
        self.counts: list[int] | None = None
        self.needed: frozenset[int] = plan.dying
        self.tries = 0

    def learn(self, counts: list[int]) -> None:
        """Note the counts of references with which the plan was found by its key."""
        self.counts = counts
        self.needed = self.structure.needed(counts)
        self.tries += 1

    def graph(
        self, roots: Sequence[Node], others: "dict[_Known, list[int]]", cutting: bool
    ) -> Graph | None:
        """The graph of roots, if it is this one: nodes in order, outputs, and which leaves die when
        these are given values, and are cut off with `cutting`. Where only counts are others, these
        are noted.
        """
        found = self.structure.match(roots)
        if found is None:
            return None
        order, counts, merged, dying = found
        if counts != self.counts:
            others[self] = counts
            return None
        graph = Graph()
        graph.order, graph.outputs = order, self.outputs
        graph.number, graph.merged = merged, list(merged)
        if dying and cutting:
            kept = [place for place in self.outputs if order[place].kept]
            graph.dying = frozenset() if kept else frozenset(dying) - self.needed
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

    def find(self, roots: Sequence[Node], cutting: bool = False) -> tuple[Graph, Plan] | None:
        """The graph of some nodes without values, and its plan, if they are known; nothing for no
        nodes. With `cutting`, outputs will be cut off from their arguments.
        """
        others = self._others
        others.clear()
        known = self.known.get(_seen(roots)) if roots else None
        if known is None or OBSERVERS:
            return None
        settings = config.several(_SETTINGS)
        for one in known:
            if one.settings == settings:
                graph = one.graph(roots, others, cutting)
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
                    one.learn(self._others[one])
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


def _above(graph: Graph, places: Collection[int]) -> dict[Node, frozenset[int]]:
    """For each node of a graph which of the inputs at some places it is computed of."""
    inputs = {graph.order[place]: frozenset((place,)) for place in places}
    found: dict[Node, frozenset[int]] = {}
    for node in sorted(graph.number, key=serial):
        args = () if node.value is not None else node.args
        found[node] = inputs.get(node, frozenset()).union(*[found[a] for a in args])
    return found


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
        "_again", "_before", "_between", "_computed", "_counts", "_dying", "_inputs", "_leaves",
        "_length", "_merged", "_most", "_ops", "_order", "_params",
    )  # fmt: skip

    def __init__(self, roots: Sequence[Node], graph: Graph, plan: Plan) -> None:
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
        self._inputs = [
            (i, leaf_key(node), node.device, node if node.op is SCALAR else None)
            for i, node in inputs
        ]
        self._order = _taking([first[node] for node in graph.order])
        between = {i for i in places if met[i] not in ends}
        self._between = [i in between for i in range(len(met))]
        self._merged = [(first[node], graph.number[node]) for node in graph.merged]
        alone = [0] * len(met)
        for node in met:
            alone[first[node]] += 2
        values = set(graph.outputs)
        above = _above(graph, plan.dying)
        # Of each node between, the references that it has where nothing outside needs it, and the
        # inputs above it that may be written over.
        self._most = [
            (None if graph.number[met[i]] in values else alone[i] + _OWN, above[met[i]])
            for i in compress(range(len(met)), self._between)
        ]
        # The places of these inputs, and the references that they then have.
        found = sorted([(first[graph.order[place]], place) for place in plan.dying])
        self._dying = [(place, alone[i] + _OWN) for i, place in found]
        self._leaves = [i in dict(found) for i in range(len(met))]

    def needed(self, counts: Sequence[int]) -> frozenset[int]:
        """The places of inputs that something outside may read again by way of a node that gets no
        value, where those between roots and inputs have so many references.
        """
        known = zip(self._most, counts, strict=True)
        held = [above for (most, above), count in known if most is not None and most != count]
        return frozenset().union(*held)

    def match(self, roots: Sequence[Node]) -> Found | None:
        """The nodes in the plan's order, counts of references of those between roots and inputs,
        those that others are computed for, with the places of these, and the places of inputs that
        nothing outside holds; of a graph that looks like this one.
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
        for i, key, device, number in self._inputs:
            node = met[i]
            if node is number:
                continue
            if node.value is None and _picked(node) is None:
                return None
            if leaf_key(node) != key or node.device is not device:
                return None
        counts = _references(met, self._between)
        leaves = zip(self._dying, _references(met, self._leaves))
        dying = [place for (place, most), count in leaves if count == most]
        merged = {met[i]: place for i, place in self._merged}
        return list(self._order(met)), counts, merged, dying


def _references(met: Sequence[Node], which: Sequence[bool]) -> list[int]:
    """Counts of references of some nodes of a list."""
    return list(map(sys.getrefcount, compress(met, which)))


# What that is for what only the list has, but for the list's own.
_OWN = _references([Node.__new__(Node)], [True])[0] - 1


def _picked(node: Node) -> Any:
    """The value of a node that takes elements of a known one, as where a graph is walked."""
    if node.op.picks:
        pick(node)
    return node.value
