"""The flush that bounds memory: what is pending is measured now and then, and materialised when it
has grown.

Every `max_pending` nodes, and after every few megabytes of leaves, the pending ancestries of the
newest nodes are measured: of as many, one after another, as a budget of visited nodes allows, so
that the one that a loop carries is among them. One is materialised when it is longer than half of
`max_pending` nodes, leaves included, or alone holds over 16 MB of buffers. What enters: the newest
node. What leaves: nothing.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .._base import config
from .._base.devices import Device
from ..ir.graph import COUNTED, ancestors, held, uses_among
from ..ir.node import WATCH, Node, leaf, serials

HELD_BYTES = 16 << 20
# Bytes of new leaves after which there is a look.
LEAF_BYTES = HELD_BYTES // 4
# Nodes that are visited, at most, after every few megabytes of leaves.
_LEAF_VISITS = 4096
# Newest nodes that are measured, one after another, at most: a loop's body should have no more.
MOST_LOOKS = 128


class _State:
    """Bytes of leaves made since the last look, and nodes that may still be visited before looking
    ends.
    """

    new_bytes = 0
    visits = 0


def watch(materialize: Callable[[Sequence[Node]], None]) -> None:
    """Start looking; `materialize` is called with what has to be computed."""
    WATCH.next_look = serials() + config.get("max_pending")
    WATCH.look = lambda node: _look(node, materialize)


def new_leaf(value: np.ndarray[Any, Any], device: Device) -> Node:
    """A leaf for a buffer that is new to the graph: its bytes count towards the next look."""
    new_bytes(value.nbytes)
    return leaf(value, device)


def new_bytes(count: int) -> None:
    """So many bytes of leaves are new to the graph."""
    _State.new_bytes += count
    if _State.new_bytes > LEAF_BYTES:
        _State.new_bytes = 0
        _State.visits = max(_State.visits, _LEAF_VISITS)
        WATCH.next_look = 0


def settle() -> None:
    """Something was materialised: nothing of it is pending any more."""
    if _State.visits <= 0:
        WATCH.next_look = serials() + config.get("max_pending")


def _look(node: Node, materialize: Callable[[Sequence[Node]], None]) -> None:
    limit = config.get("max_pending")
    if _State.visits <= 0:
        _State.visits = limit
    nodes, held = _measure(node)
    _State.visits -= max(nodes, limit // MOST_LOOKS)
    WATCH.next_look = 0 if _State.visits > 0 else serials() + limit
    if 2 * nodes < limit and held <= HELD_BYTES:
        return
    if _traced(node):
        # it can't be helped: look again when there is twice as much, so that looking stays linear
        WATCH.next_look = serials() + max(limit, nodes)
    else:
        materialize((node,))


def _measure(node: Node) -> tuple[int, int]:
    """Nodes above a node up to those that have a value, and the bytes of the buffers that only
    these hold: what the user holds as well would stay if they were materialised.
    """
    count, most = _at_most(node)
    if most <= HELD_BYTES:
        return count, most
    found = ancestors([node], lambda n: n.value is not None)
    others = held(found, uses_among(found)) if COUNTED else set()
    alone = [n.value for n in found if n.value is not None and n not in others]
    return len(found), sum(getattr(v, "nbytes", 0) for v in alone)


def _at_most(node: Node) -> tuple[int, int]:
    """`_measure`, with the buffers that the user holds as well: a quick look."""
    seen, stack, held_bytes = {node}, [node], 0
    while stack:
        n = stack.pop()
        if n.value is not None:
            held_bytes += getattr(n.value, "nbytes", 0)
            continue
        for a in n.args:
            if a not in seen:
                seen.add(a)
                stack.append(a)
    return len(seen), held_bytes


def _traced(node: Node) -> bool:
    return any(n.op.name == "placeholder" for n in ancestors([node], lambda n: n.value is not None))
