"""Graphs: `linearize` gives order, common subexpressions, leaves and cache key of pending nodes in
one walk.

What enters: root nodes. What leaves: a Graph (its nodes in order, leaves, outputs, key). It must
not know what a key is used for, or how nodes are computed.
"""

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any

import numpy as np

from .._base.devices import CPU, is_gpu
from .._base.dtypes import bool_
from .._base.shapes import prod
from .node import LEAF, PLACEHOLDER, SCALAR, TRACING, Node, apply, cut, placeholder
from .op import Op

Key = tuple[Any, ...]
Uses = dict[Node, int]

# Scalars that simplification looks at; every other one is an input of the program, not a part of
# its text.
SPECIAL = (0.0, 1.0, -1.0, 2.0, 0.5)

# Elements from which on what runs backwards is not taken at once.
LARGE = 1 << 14


class Graph:
    """Nodes in the order in which they were made, leaves where they are first read.

    `order` holds the nodes, leaves among them, each once; `number` maps every node met, duplicates
    included, to its place in `order`; `outputs` are places; `leaves` are the places of buffers that
    the program reads as inputs; `merged` are nodes to be computed that share another's. `key` is
    equal for two graphs exactly when one program serves both.

    `dying` are the places of leaves that, as far as it is known, nothing reads any more once all
    outputs have values; `late` are calls that write over these, to be made when values are given.
    """

    __slots__ = (
        "dying", "key", "late", "leaves", "merged", "number", "order", "outputs", "rows", "uses",
    )  # fmt: skip

    def __init__(self) -> None:
        self.order: list[Node] = []
        self.rows: list[Key] = []
        self.number: dict[Node, int] = {}
        self.leaves: list[int] = []
        self.merged: list[Node] = []
        self.outputs: list[int] = []
        self.uses: Uses = {}
        self.key: Key = ()
        self.dying: frozenset[int] = frozenset()
        self.late: list[tuple[Any, ...]] = []

    def close(self, outputs: Sequence[int]) -> None:
        """Name the outputs; the key is complete after this."""
        self.outputs = list(outputs)
        self.key = (tuple(self.rows), tuple(outputs), _gpus(self.order))


def _gpus(nodes: Sequence[Node]) -> Key:
    """Where each node is, if one is on a GPU: a program's steps know their devices."""
    devices = {n.device for n in nodes}
    return tuple([n.device for n in nodes]) if any(map(is_gpu, devices)) else ()


def leaf_key(node: Node) -> Key:
    """The key of a node that is an input: its type and layout; for a special scalar its value, sign
    included.
    """
    if node.op is SCALAR:
        value = node.value.item()
        if value in SPECIAL:
            return (SCALAR, node.dtype, str(value))
        return (SCALAR, node.dtype)
    if node.op is PLACEHOLDER:
        return (PLACEHOLDER, node.params, node.dtype, node.shape)
    value = node.value
    if type(value) is tuple:
        return (LEAF, node.dtype, node.shape)
    return (LEAF, node.dtype, node.shape, value.flags.c_contiguous)


def _add_leaf(graph: Graph, node: Node, seen: dict[Key, int]) -> None:
    row = leaf_key(node)
    special = len(row) == 3 and row[0] is SCALAR
    mark = (*row, node.device) if special else row
    if special and mark in seen:
        graph.number[node] = seen[mark]
        return
    place = graph.number[node] = len(graph.order)
    if special:
        seen[mark] = place
    else:
        graph.leaves.append(place)
    graph.order.append(node)
    graph.rows.append(row)


def pending(roots: Sequence[Node]) -> tuple[list[Node], Uses]:
    """Nodes to be computed, in the order in which they were made, and how often each of them and of
    their inputs is an argument.
    """
    uses = dict.fromkeys(roots, 0)
    found = [n for n in uses if n.value is None and n.op is not PLACEHOLDER]
    for node in found:  # which grows meanwhile
        for a in node.args:
            if a in uses:
                uses[a] += 1
            else:
                uses[a] = 1
                if a.value is not None:
                    continue
                if a.op.picks:
                    pick(a)
                if a.value is None and a.op is not PLACEHOLDER:
                    found.append(a)
    if len(found) > 1:
        found.sort(key=serial)
    return found, uses


def pick(node: Node) -> None:
    """Take elements of a known value, or of what is picked of one."""
    chain = [node]
    while chain[-1].args[0].value is None:
        if not chain[-1].args[0].op.picks:
            return
        chain.append(chain[-1].args[0])
    for n in reversed(chain):
        if prod(n.shape) >= LARGE and _backwards(n):
            return
        x = n.args[0].value
        view = None if type(x) is np.ndarray else n.op.view
        n.value = (view or n.op.value)(np, x, *n.params)


def _backwards(node: Node) -> bool:
    """Whether taking the elements would copy them, which kernels that read them need not."""
    view = node.op.view
    return bool(view and min(view(np, node.args[0].value, *node.params).strides) < 0)


serial = attrgetter("serial")


def linearize(roots: Sequence[Node], found: tuple[list[Node], Uses] | None = None) -> Graph:
    """The pending graph under `roots`: the walk stops at nodes that have a value. No recursion.

    Of two equal nodes that are dear to compute one stays; cheap ones are left to simplification.
    `found` is what `pending(roots)` gives, if that is known.
    """
    graph = Graph()
    number, order, rows = graph.number, graph.order, graph.rows
    seen: dict[Key, int] = {}
    nodes, graph.uses = pending(roots) if found is None else found
    for node in nodes:
        args, op = node.args, node.op
        try:
            if len(args) == 2:  # the most common cases, without a list
                row: Key = (op, node.params, number[args[0]], number[args[1]])
            elif len(args) == 1:
                row = (op, node.params, number[args[0]])
            else:
                row = (op, node.params, *[number[a] for a in args])
        except KeyError:
            for a in args:
                if a not in number:
                    _add_leaf(graph, a, seen)
            row = (op, node.params, *[number[a] for a in args])
        place = len(order)
        if not op.cheap and seen.setdefault(row, place) != place:
            number[node] = seen[row]
            graph.merged.append(node)  # referred to as often as those in the order are
            continue
        number[node] = place
        order.append(node)
        rows.append(row)
    for node in roots:
        if node not in number:
            _add_leaf(graph, node, seen)
    graph.close([number[r] for r in roots])
    return graph


COUNTED = not hasattr(sys, "_is_gil_enabled") or sys._is_gil_enabled()


def _referred(nodes: Iterable[Node], uses: Mapping[Node, int], most: int) -> list[Node]:
    """Nodes with more than so many references besides those of their uses as arguments."""
    count = sys.getrefcount
    return [node for node in nodes if count(node) - uses[node] > most]


def wanted_elsewhere(graph: Graph, worth: Callable[[Node], bool]) -> list[int]:
    """Places of nodes that something outside the graph holds and that are worth keeping, but for
    outputs.

    On free-threaded builds reference counts say nothing, so every node that is worth keeping
    counts.
    """
    number, outputs = graph.number, set(graph.outputs)
    out = set()
    for node in _referred(number, graph.uses, _OWN) if COUNTED else number:
        if node.value is not None or not node.args:
            continue
        place = number[node]
        if place not in outputs and worth(node):
            out.add(place)
    return sorted(out)


def _own_references() -> int:
    """References that `linearize` itself holds to a node when `_referred` counts, as this
    interpreter counts.
    """
    op = Op("probe", "movement", 1, infer=lambda x: (x.shape, x.dtype))
    root = apply(op, (apply(op, (placeholder((), bool_, CPU, 0),)),))
    graph = linearize([root])
    most = 0
    while any(n.args and n is not root for n in _referred(graph.number, graph.uses, most)):
        most += 1
    return most


_OWN = _own_references()


def held(nodes: Sequence[Node], uses: Uses) -> set[Node]:
    """Those of some nodes that something holds besides them, the list of them, and `uses`."""
    count = sys.getrefcount
    return {n for n in nodes if count(n) > uses[n] + _OWN_LISTED or not COUNTED}


def uses_among(nodes: Sequence[Node]) -> Uses:
    """How often each of some nodes is an argument of them."""
    uses = dict.fromkeys(nodes, 0)
    for node in nodes:
        for a in node.args:
            if a in uses:
                uses[a] += 1
    return uses


def _listed_references() -> int:
    """References to a node that only `held`'s argument and another node hold."""
    op = Op("probe", "movement", 1, infer=lambda x: (x.shape, x.dtype))
    nodes, uses = pending([apply(op, (apply(op, (placeholder((), bool_, CPU, 0),)),))])
    return next(sys.getrefcount(n) - uses[n] for n in nodes)


_OWN_LISTED = _listed_references()


def between(outputs: Sequence[Node], inputs: Sequence[Node]) -> list[Node]:
    """Nodes that a history from outputs back to inputs may go through, inputs left out. What is
    older than all inputs can't depend on any.
    """
    if len(outputs) == 1 and _next(outputs[0], inputs):
        return list(outputs) if outputs[0].args and outputs[0] not in inputs else []
    oldest = min([x.serial for x in inputs], default=float("inf"))
    seen, found = set(inputs), []
    stack = list(outputs)
    while stack:
        node = stack.pop()
        if node not in seen and node.args and node.serial > oldest:
            seen.add(node)
            found.append(node)
            stack.extend(node.args)
    return found


def _next(node: Node, inputs: Sequence[Node]) -> bool:
    """Whether a node reads nothing else that was computed."""
    for a in node.args:  # noqa: SIM110  (a generator would take longer than the whole loop)
        if a.args and a not in inputs:
            return False
    return True


def keep(outputs: Sequence[Node], inputs: Sequence[Node]) -> None:
    """A history goes from outputs back to inputs: nodes between keep their arguments."""
    if len(outputs) == 1 and _next(outputs[0], inputs):
        outputs[0].kept += 1
        return
    for node in between(outputs, inputs):
        node.kept += 1


def let_go(outputs: Sequence[Node], inputs: Sequence[Node]) -> None:
    """A history that was kept is not needed any more."""
    one = len(outputs) == 1 and _next(outputs[0], inputs)
    release(outputs if one else between(outputs, inputs))


def release(nodes: Sequence[Node]) -> None:
    """One history less goes through some nodes."""
    for node in nodes:
        node.kept -= 1
        if node.value is not None and not TRACING.depth:
            cut((node,))


def ancestors(roots: Sequence[Node], stop: Callable[[Node], bool]) -> list[Node]:
    """Nodes above `roots`, arguments first, not going past nodes where `stop` holds. No
    recursion.
    """
    done: set[Node] = set()
    order: list[Node] = []
    stack = list(reversed(roots))
    while stack:
        node = stack[-1]
        if node in done:
            stack.pop()
            continue
        missing = () if stop(node) else [a for a in reversed(node.args) if a not in done]
        if missing:
            stack.extend(missing)
            continue
        stack.pop()
        done.add(node)
        order.append(node)
    return order
