"""The flush that bounds memory: what is pending is measured now and then, and materialised when it
has grown.

Every `max_pending` nodes, and after every few megabytes of new leaves, the newest node's pending
ancestry is measured; it is materialised when it is longer than `max_pending` nodes or alone holds
over 16 MB of buffers. What enters: the newest node. What leaves: nothing.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .._base import config
from .._base.devices import Device
from ..ir.graph import ancestors
from ..ir.node import WATCH, Node, leaf, serials

HELD_BYTES = 16 << 20
_LOOKS = 8


class _State:
    """Bytes of leaves made since the last look, and looks left before the rest of them is
    let be.
    """

    new_bytes = 0
    looks = 0


def watch(materialize: Callable[[Sequence[Node]], None]) -> None:
    """Start looking; `materialize` is called with what has to be computed."""
    WATCH.next_look = serials() + config.get("max_pending")
    WATCH.look = lambda node: _look(node, materialize)


def new_leaf(value: np.ndarray[Any, Any], device: Device) -> Node:
    """A leaf for a buffer that is new to the graph: its bytes count towards the next look."""
    _State.new_bytes += value.nbytes
    if _State.new_bytes > HELD_BYTES // 4:
        _State.new_bytes = 0
        _State.looks = _LOOKS
        WATCH.next_look = 0
    return leaf(value, device)


def settle() -> None:
    """Something was materialised: nothing of it is pending any more."""
    if not _State.looks:
        WATCH.next_look = serials() + config.get("max_pending")


def _look(node: Node, materialize: Callable[[Sequence[Node]], None]) -> None:
    limit = config.get("max_pending")
    if _State.looks:
        _State.looks -= 1
    WATCH.next_look = 0 if _State.looks else serials() + limit
    pending, held = _measure(node)
    if pending < limit and held <= HELD_BYTES:
        return
    if _traced(node):
        # it can't be helped: look again when there is twice as much, so that looking stays linear
        WATCH.next_look = serials() + max(limit, pending)
    else:
        materialize((node,))


def _measure(node: Node) -> tuple[int, int]:
    """Pending nodes above a node, and the bytes of the buffers that they hold."""
    pending, held = 0, 0
    for n in ancestors([node], lambda n: n.value is not None):
        if n.value is None:
            pending += 1
        elif type(n.value) is np.ndarray:
            held += n.value.nbytes
    return pending, held


def _traced(node: Node) -> bool:
    return any(n.op.name == "placeholder" for n in ancestors([node], lambda n: n.value is not None))
