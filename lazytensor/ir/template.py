"""Templates: nodes over others that are made again and again, without asking the rows' rules.

What enters: nodes that stand for others, and what was computed of them. What leaves: the same
computed of others of the same shapes, dtypes and devices. It must not know what it is made for.
"""

from collections.abc import Sequence
from typing import Any

from .node import WATCH, Node, _count, _new, user_line

# Op, parameters, shape, dtype, device, count and places of the arguments.
Row = tuple[Any, tuple[Any, ...], Any, Any, Any, int, tuple[int, ...]]


class Template:
    """What is `wanted` of nodes that are `given`. Other leaves that it reads are always the same.

    A place is that of a given node, then those of constants, then those of rows.
    """

    __slots__ = ("constants", "fails", "rows", "wanted")

    def __init__(self, given: Sequence[Node], wanted: Sequence[Node | None]) -> None:
        rows, leaves = _reached(given, [node for node in wanted if node is not None])
        self.constants = leaves
        number = {node: i for i, node in enumerate([*given, *leaves, *rows])}
        self.rows: list[Row] = [
            (n.op, n.params, n.shape, n.dtype, n.device, len(n.args),
             tuple([number[a] for a in n.args]))
            for n in rows
        ]  # fmt: skip
        self.fails = any(n.op.fails for n in rows)
        self.wanted = [None if node is None else number[node] for node in wanted]

    @property
    def size(self) -> int:
        """How many nodes it makes."""
        return len(self.rows)

    def nodes(self, given: Sequence[Node]) -> list[Node]:
        """The nodes of all places."""
        nodes = [*given, *self.constants]
        where = user_line() if self.fails else None
        for op, params, shape, dtype, device, count, places in self.rows:
            node: Node = _new(Node)
            node.op = op
            if count == 2:  # the most common case, without a list
                node.args = nodes[places[0]], nodes[places[1]]
            elif count == 1:
                node.args = (nodes[places[0]],)
            else:
                node.args = tuple([nodes[i] for i in places])
            node.params = params
            node.shape = shape
            node.dtype = dtype
            node.device = device
            node.value = None
            node.kept = 0
            node.serial = next(_count)
            if op.fails:
                node.where = where
            nodes.append(node)
        if self.rows and node.serial >= WATCH.next_look and WATCH.look is not None:
            WATCH.look(node)
        return nodes

    def made(self, given: Sequence[Node]) -> list[Node | None]:
        """What is wanted."""
        nodes = self.nodes(given)
        return [None if i is None else nodes[i] for i in self.wanted]


def _reached(given: Sequence[Node], wanted: Sequence[Node]) -> tuple[list[Node], list[Node]]:
    """What is computed of what is given, in the order in which it was made, and other leaves."""
    seen, stack = set(given), list(wanted)
    rows: list[Node] = []
    leaves: list[Node] = []
    while stack:
        node = stack.pop()
        if node not in seen:
            seen.add(node)
            (rows if node.op.kind != "leaf" else leaves).append(node)
            stack.extend(node.args)
    return sorted(rows, key=lambda node: node.serial), leaves
