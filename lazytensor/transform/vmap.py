"""Batching, graph to graph: the graph of one example, replayed on a batch of them.

What enters: outputs, the placeholders they were traced on, and batches for these. What leaves:
batches of outputs. It must not know rows but by their columns. Batches lie along axis 0. What
doesn't depend on a placeholder stays the node that it is: none of it is computed again or copied.
"""

from collections.abc import Sequence

from ..ir.node import Node
from ..ops import g
from ._path import path


def replay(
    outputs: Sequence[Node], placeholders: Sequence[Node], batches: Sequence[Node]
) -> list[tuple[Node, bool]]:
    """Each output on the batches, and whether it is a batch: else it is the output as it was."""
    known = dict(zip(placeholders, batches, strict=True))
    for node in path(outputs, placeholders, lambda _: True):
        flags = [a in known for a in node.args]
        args = [known.get(a, a) for a in node.args]
        known[node] = node.op.batch(g, flags, *args, *node.params)
    return [(known.get(y, y), y in known) for y in outputs]


def vmap(
    outputs: Sequence[Node], placeholders: Sequence[Node], batches: Sequence[Node], size: int
) -> list[Node]:
    """Each output on the batches, `(size, *shape)`; those that don't vary are broadcast."""
    return [
        y if batched else g.broadcast_to(y, (size, *y.shape))
        for y, batched in replay(outputs, placeholders, batches)
    ]
