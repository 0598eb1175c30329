"""Graphs that come again and again, recognised without a key: of one whose plan is written out,
lines of Python go from the roots to the inputs, and tell whether all is as it was.

What enters: roots; graphs with the plans that were found by their keys. What leaves: for roots
above which everything is as in such a graph, a Graph that says no more than running its plan takes.
It must not know how plans are made or run.

What else is kept depends on which nodes something else holds. These counts of references have to be
as they were when the plan was last found by its key, so nothing is recognised that would have had
another plan.
"""

import sys
from collections.abc import Callable, Sequence
from typing import Any

from .._base import config
from .._base.lines import Lines
from ..ir.graph import COUNTED, SPECIAL, Graph, leaf_key, pick, serial
from ..ir.node import SCALAR, Node
from ..lower.kernel import Plan
from .observe import OBSERVERS

__all__ = ["Recognised"]

# Graphs that look alike from outside; nodes of one; nodes of all of them.
ALIKE, MOST, MOST_NODES = 4, 2048, 1 << 16
# How often counts of references may differ for one graph before it is left alone.
TRIES = 16
_SETTINGS = (*config.LOWERING, "execution", "debug")
Found = tuple[list[Node], list[Node]]


class _Known:
    """A graph that is recognised: by settings, structure (`match` gives the nodes in the plan's
    order, and those between roots and inputs), and `counts` of references of the latter.
    """

    __slots__ = ("counts", "match", "outputs", "plan", "settings", "tries")

    def __init__(self, roots: Sequence[Node], graph: Graph, plan: Plan) -> None:
        self.settings = config.several(_SETTINGS)
        self.match = _matcher(roots, graph)
        self.outputs = graph.outputs
        self.plan = plan
        self.counts: list[int] | None = None
        self.tries = 0

    def graph(self, roots: Sequence[Node], others: "dict[_Known, list[int]]") -> Graph | None:
        """The graph of roots, if it is this one: nodes in order, and outputs. Where only counts are
        others, these are noted.
        """
        found = self.match(roots)
        if found is None:
            return None
        order, between = found
        counts = list(map(sys.getrefcount, between))
        if counts != self.counts:
            others[self] = counts
            return None
        graph = Graph()
        graph.order, graph.outputs = order, self.outputs
        return graph


class Recognised:
    """Graphs that are known, by what is seen of them at once. Used under the runtime's lock."""

    def __init__(self) -> None:
        self._known: dict[Any, list[_Known]] = {}
        self._nodes = 0
        # Of what `find` looked at last and didn't find: what has its structure, and its counts.
        self._others: dict[_Known, list[int]] = {}

    def clear(self) -> None:
        """Forget everything."""
        self._known.clear()
        self._others.clear()
        self._nodes = 0

    def find(self, roots: Sequence[Node]) -> tuple[Graph, Plan] | None:
        """The graph of some nodes without values, and its plan, if they are known; nothing for no
        nodes.
        """
        others = self._others
        others.clear()
        known = self._known.get(_seen(roots)) if self._known and roots else None
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
        known = self._known.get(seen, [])
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
            self._known.setdefault(seen, []).append(_Known(roots, graph, plan))


def _seen(roots: Sequence[Node]) -> tuple[Any, ...]:
    """What is seen of roots at once."""
    first, last = roots[0], roots[-1]
    return len(roots), first.op, first.shape, last.op, last.shape


def _is_plain(graph: Graph) -> bool:
    """Whether each node to be computed has a place of its own, and each input is one array."""
    computed = sum([node.value is None for node in graph.number])
    own = sum([node.value is None for node in graph.order])
    return computed == own and not any(type(node.value) is tuple for node in graph.order)


def _matcher(roots: Sequence[Node], graph: Graph) -> Callable[[Sequence[Node]], Found | None]:
    """The function of roots."""
    lines = Lines(pick=_picked, SCALAR=SCALAR, SPECIAL=SPECIAL)
    names = {node: f"n{i}" for i, node in enumerate(graph.number)}
    computed = sorted([n for n in names if n.value is None], key=serial, reverse=True)
    ends = set(roots)
    known = set(ends)
    lines.add(f"{_listed(names, roots)} = roots")
    for node in computed:
        _computed(lines, names, node, known)
    for node, name in names.items():
        if node.value is not None:
            _input(lines, name, node)
    between = [node for node in computed if node not in ends]
    lines.add(f"return [{_listed(names, graph.order)}], [{_listed(names, between)}]")
    indented = [f"    {line}" for line in lines.text]
    lines.text = ["try:", *indented, "except ValueError:", "    return None"]
    return lines.function("roots", "graph")


def _listed(names: dict[Node, str], nodes: Sequence[Node]) -> str:
    return "".join([f"{names[node]}, " for node in nodes])


def _unless(lines: Lines, conditions: Sequence[str]) -> None:
    """Give up where one of some conditions holds."""
    if conditions:
        lines.add(f"if {' or '.join(conditions)}: return None")


def _computed(lines: Lines, names: dict[Node, str], node: Node, known: set[Node]) -> None:
    """What a node has to be that is to be computed; its arguments are known after this."""
    name = names[node]
    conditions = [f"{name}.value is not None", f"{name}.op is not {lines.name(node.op)}"]
    if node.params:
        conditions.append(f"{name}.params != {lines.name(node.params)}")
    _unless(lines, conditions)
    targets, same = [], []
    for i, arg in enumerate(node.args):
        targets.append(f"t{i}" if arg in known else names[arg])
        if arg in known:
            same.append(f"t{i} is not {names[arg]}")
        known.add(arg)
    if targets:
        lines.add(f"{', '.join(targets)}, = {name}.args")
    _unless(lines, same)


def _input(lines: Lines, name: str, node: Node) -> None:
    """What a node has to be that has a value."""
    key, dtype, device = leaf_key(node), lines.name(node.dtype), lines.name(node.device)
    if node.op is SCALAR and len(key) == 3:  # a part of the program
        like = f"{name}.op is SCALAR and {name}.dtype is {dtype} and {name}.device is {device}"
        value = f"str({name}.value.item()) == {key[2]!r}"
        _unless(lines, [f"{name} is not {lines.name(node)} and not ({like} and {value})"])
        return
    lines.add(f"x = {name}.value")
    lines.add(f"if x is None: x = pick({name})")
    conditions = [f"x is None or {name}.dtype is not {dtype} or {name}.device is not {device}"]
    conditions.append(f"{name}.shape != {lines.name(node.shape)}")
    if node.shape:
        conditions.append(f"x.flags.c_contiguous is not {node.value.flags.c_contiguous}")
    elif node.op is SCALAR:
        conditions.append(f"{name}.op is not SCALAR or x.item() in SPECIAL")
    else:
        conditions.append(f"{name}.op is SCALAR")
    _unless(lines, conditions)


def _picked(node: Node) -> Any:
    """The value of a node that takes elements of a known one, as where a graph is walked."""
    if node.op.picks:
        pick(node)
    return node.value
