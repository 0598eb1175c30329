"""Values that one kernel would store for others, though these could compute them again from less.

What is stored is chosen by a least cut: through the operations that are cheap to do again, between
what a kernel reads or is dear, and what others read of it, those values are stored (or read again)
that have the fewest bytes. What enters: groups, and the nodes that are stored in any case. What
leaves: the groups, some with members of others. It must not know targets.
"""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any

from .._base.shapes import prod
from ..ir.node import SCALAR, Node
from .cost import cost
from .fuse import MOST_NATIVE, Group

# Elements from which on arrays leave the caches; what an operation that is done again may cost, and
# all of them for each array that is not read then.
WORTH, CHEAP, FOR_AN_ARRAY = 1 << 14, 5, 12
_END: Any = "the values that are read"


def computed_again(
    groups: Sequence[Group], of: Mapping[Node, Group], outputs: Iterable[Node]
) -> None:
    """Give groups members that they compute again instead of reading them."""
    readers: dict[Node, list[Group]] = {}
    for group in groups:
        for a in dict.fromkeys(a for node in group.members for a in node.args):
            if a in of and of[a] is not group and a not in group.levels:
                readers.setdefault(a, []).append(group)
    wanted = set(outputs)
    for group in groups:
        if group.space is not None and prod(group.space) >= WORTH:
            _Source(group, readers, wanted).move()


class _Source:
    """A group whose values others read: `wanted` has kernels over the same space that do, `kept`
    what is stored for others.
    """

    def __init__(self, group: Group, readers: dict[Node, list[Group]], outputs: Set[Node]) -> None:
        self.group = group
        self.wanted: dict[Node, list[Group]] = {}
        self.kept = {n for n in group.members if n in outputs}
        for node in group.members:
            found = readers.get(node, [])
            alike = [r for r in found if r.space == group.space and self._full(node)]
            if alike:
                self.wanted[node] = alike
            if len(alike) < len(found):
                self.kept.add(node)
        self.by = list(dict.fromkeys(r for found in self.wanted.values() for r in found))
        self.reads = [{a for n in r.members for a in n.args} for r in self.by]

    def _full(self, node: Node) -> bool:
        return not self.group.levels.get(node, True) and node.shape == self.group.space

    def move(self) -> None:
        """Have the readers compute what is better computed again."""
        if not any(map(self._again, self.wanted)):
            return
        before = sum(map(self._capacity, self.wanted))
        stored = least_cut(*self._network(), self.wanted)
        again = {r: self._between(r, stored) for r in self.by}
        saved = before - sum(self._capacity(n) for n in stored)
        work = sum(_cost(n) for found in again.values() for n in found)
        least = min(self._bytes(n, 1) for n in self.wanted)
        room = all(len(r.members) + len(found) <= MOST_NATIVE for r, found in again.items())
        if saved >= least and work * least <= FOR_AN_ARRAY * saved and room:
            for reader, found in again.items():
                self._give(reader, found)

    def _again(self, node: Node) -> bool:
        """Whether a value may be computed again."""
        return self._full(node) and node.op.kind == "elementwise" and _cost(node) <= CHEAP

    def _bytes(self, node: Node, times: int) -> int:
        nbytes: int = node.size * node.dtype.itemsize
        return nbytes * times

    def _capacity(self, node: Node) -> int:
        """Bytes that are moved if a value is stored, or kept, and read."""
        stored = node in self.group.levels and node not in self.kept
        if node in self.wanted:
            return self._bytes(node, stored + len(self.wanted[node]))
        reads = sum(node not in reads for reads in self.reads)
        across = not stored and node.op.kind == "movement"  # what may lie in any way
        return self._bytes(node, stored + (1 + across) * reads)

    def _network(self) -> tuple[dict[Node, int], dict[Node, tuple[Node, ...]]]:
        """Capacities of what the values are computed of, and arguments of what may be computed
        again.
        """
        capacities: dict[Node, int] = {}
        arguments: dict[Node, tuple[Node, ...]] = {}
        todo = list(self.wanted)
        while todo:
            node = todo.pop()
            if node in capacities:
                continue
            capacities[node] = self._capacity(node)
            if self._again(node):
                arguments[node] = tuple(a for a in node.args if a.op is not SCALAR)
                todo += arguments[node]
        return capacities, arguments

    def _between(self, reader: Group, stored: Set[Node]) -> list[Node]:
        """What a reader has to compute again."""
        found: dict[Node, None] = {}
        todo = [n for n, found in self.wanted.items() if reader in found]
        while todo:
            node = todo.pop()
            if node not in stored and node not in found and node.op is not SCALAR:
                found[node] = None
                todo += node.args
        return list(found)

    def _give(self, reader: Group, nodes: Sequence[Node]) -> None:
        for node in nodes:
            if node not in reader.levels:
                reader.members.append(node)
                reader.levels[node] = False


def _cost(node: Node) -> int:
    return cost(node.op, tuple(a.dtype for a in node.args), node.params)


def least_cut(
    capacities: Mapping[Any, int], arguments: Mapping[Any, Sequence[Any]], ends: Iterable[Any]
) -> set[Any]:
    """Of a graph's vertices those with the least sum of capacities without which nothing leads from
    vertices without `arguments` to the `ends`; of several such sets the one nearest to the ends
    (Ford and Fulkerson 1956, along shortest paths).
    """
    left: dict[Any, dict[Any, float]] = {}

    def arc(a: Any, b: Any, size: float) -> None:
        left.setdefault(a, {})[b] = size
        left.setdefault(b, {}).setdefault(a, 0)

    for v, size in capacities.items():  # against the direction in which values flow
        arc((v, "out"), (v, "in"), size)
        for a in arguments.get(v, ()):
            arc((v, "in"), (a, "out"), float("inf"))
        if v not in arguments:
            arc((v, "in"), None, float("inf"))
    for v in ends:
        arc(_END, (v, "out"), float("inf"))
    while True:
        reached = _reached(left)
        if None not in reached:
            return {v for v in capacities if (v, "out") in reached and (v, "in") not in reached}
        _augment(left, reached)


def _reached(left: dict[Any, dict[Any, float]]) -> dict[Any, Any]:
    """From where each vertex is reached, by arcs that have room, from the end on."""
    reached: dict[Any, Any] = {_END: _END}
    todo = deque([_END])
    while todo and None not in reached:
        a = todo.popleft()
        for b, size in left[a].items():
            if size > 0 and b not in reached:
                reached[b] = a
                todo.append(b)
    return reached


def _augment(left: dict[Any, dict[Any, float]], reached: dict[Any, Any]) -> None:
    """Fill the path to the start."""
    path, b = [], None
    while b != _END:
        path.append((reached[b], b))
        b = reached[b]
    size = min(left[a][b] for a, b in path)
    for a, b in path:
        left[a][b] -= size
        left[b][a] += size
