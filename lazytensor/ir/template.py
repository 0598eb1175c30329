"""Templates: nodes over others that are made again and again, without asking the rows' rules.

What enters: nodes that stand for others, and what was computed of them. What leaves: the same
computed of others of the same shapes, dtypes and devices. It must not know what it is made for.
"""

from collections.abc import Callable, Sequence
from typing import Any

from .._base.lines import Lines
from .node import SERIALS, WATCH, Node, _new, user_line

# Op, parameters, shape, dtype, device, places of the arguments.
Row = tuple[Any, tuple[Any, ...], Any, Any, Any, tuple[int, ...]]


# Uses after which a template is written out, which takes as long as it saves in some two hundred;
# rows that are written at one use: a millisecond or two.
AFTER, PART = 64, 32


class Template:
    """What is `wanted` of nodes that are `given`. Other leaves that it reads are always the same.

    A place is that of a given node, then those of constants, then those of rows. What is used often
    is written out as lines of Python, a few for each node, part by part.
    """

    __slots__ = ("_places", "_used", "_written", "constants", "fails", "rows", "wanted")

    def __init__(self, given: Sequence[Node], wanted: Sequence[Node | None]) -> None:
        rows, leaves = _reached(given, [node for node in wanted if node is not None])
        self._used = 0
        # parts by the place of their first row: several threads may write the same one
        self._written: dict[int, Callable[..., None]] = {}
        self.constants = leaves
        number = {node: i for i, node in enumerate([*given, *leaves, *rows])}
        self._places = len(given) + len(leaves) + len(rows)
        self.rows: list[Row] = [
            (n.op, n.params, n.shape, n.dtype, n.device, tuple([number[a] for a in n.args]))
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
        while part := self._written.get(len(nodes)):
            part(nodes, where)
        if len(nodes) < self._places:
            self._one_by_one(nodes, where)
        if self.rows and nodes[-1].serial >= WATCH.next_look and WATCH.look is not None:
            WATCH.look(nodes[-1])
        return nodes

    def _one_by_one(self, nodes: list[Node], where: Any) -> None:
        """Append the nodes of places that are left; a part of what is used often is written out."""
        first = len(nodes)
        left = self.rows[first - self._places :]
        for op, params, shape, dtype, device, places in left:
            node: Node = _new(Node)
            node.op = op
            node.args = tuple([nodes[i] for i in places])
            node.params = params
            node.shape = shape
            node.dtype = dtype
            node.device = device
            node.value = None
            node.kept = 0
            node.serial = next(SERIALS)
            if op.fails:
                node.where = where
            nodes.append(node)
        self._used += 1
        if self._used >= AFTER:
            self._written[first] = _written(first, left[:PART])

    def made(self, given: Sequence[Node]) -> list[Node | None]:
        """What is wanted."""
        nodes = self.nodes(given)
        return [None if i is None else nodes[i] for i in self.wanted]


def _written(first: int, rows: Sequence[Row]) -> Callable[..., None]:
    """The function (nodes of the places before, user's line), which appends those of some rows."""
    lines = Lines(Node=Node, new=_new, count=SERIALS)
    names: list[str] = []
    for op, params, shape, dtype, device, places in rows:
        node = f"n{len(names)}"
        args = "".join([f"nodes[{i}], " if i < first else f"{names[i - first]}, " for i in places])
        fields = {"params": params, "shape": shape, "dtype": dtype, "device": device, "op": op}
        lines.add(f"{node} = new(Node); {node}.args = ({args})")
        for field, value in fields.items():
            lines.add(f"{node}.{field} = {lines.name(value)}")
        lines.add(f"{node}.value = None; {node}.kept = 0; {node}.serial = next(count)")
        if op.fails:
            lines.add(f"{node}.where = where")
        names.append(node)
    lines.add(f"nodes += ({''.join([f'{name}, ' for name in names])})")
    return lines.function("nodes, where", "template")


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
