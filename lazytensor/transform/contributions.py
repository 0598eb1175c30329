"""What several contributions to one cotangent are in all, where that is more than their sum.

What enters: contributions, as derivatives of rows give them. What leaves: one node, or None.
Products of which each has few terms, as the steps of a recurrent layer contribute them to its
weights, are one product of all terms; so are sums over rows. It must not know who asks.
"""

from collections.abc import Callable, Sequence

from ..ir.node import Node
from ..ops import g

# Contributions that are worth putting together.
FEW = 4


def together(parts: Sequence[Node]) -> Node | None:
    """What contributions of one shape and dtype add up to, to rounding; None for a plain sum."""
    return next((found for way in _WAYS if (found := way(parts)) is not None), None)


def _turned(x: Node) -> Node | None:
    """The matrix that another one shows with its axes exchanged, or None."""
    return x.args[0] if x.op.name == "permute" and x.params[0] == (1, 0) else None


def _joined(parts: Sequence[Node], axis: int) -> Node:
    """Matrices one after another along an axis; those that are shown exchanged as they lie."""
    bare = [x for x in map(_turned, parts) if x is not None]
    if len(bare) == len(parts):
        return g.permute(g.concat(bare, 1 - axis), (1, 0))
    return g.concat(list(parts), axis)


def _exchanged(parts: Sequence[Node]) -> Node | None:
    """Of matrices that are all shown exchanged."""
    bare = [x for x in map(_turned, parts) if x is not None]
    found = together(bare) if len(bare) == len(parts) else None
    return None if found is None else g.permute(found, (1, 0))


def _products(parts: Sequence[Node]) -> Node | None:
    """Of products of matrices whose terms are fewer than would make joining them dear."""
    if any(x.op.name != "matmul" or x.ndim != 2 for x in parts):
        return None
    rows, columns = parts[0].shape
    terms = sum([x.args[0].shape[1] for x in parts])
    if parts[0].dtype.kind not in "fc" or terms * (rows + columns) > len(parts) * rows * columns:
        return None
    first, second = ([x.args[i] for x in parts] for i in (0, 1))
    return g.matmul(_joined(first, 1), _joined(second, 0))


def _sums(parts: Sequence[Node]) -> Node | None:
    """Of sums over the rows of matrices."""
    over = (0,)
    if any(x.op.name != "sum" or x.params[0] != over or x.args[0].ndim != 2 for x in parts):
        return None
    if parts[0].dtype.kind not in "fc" or any(x.dtype is not x.args[0].dtype for x in parts):
        return None
    return g.sum(g.concat([x.args[0] for x in parts], 0), over)


_WAYS: tuple[Callable[[Sequence[Node]], Node | None], ...] = _products, _exchanged, _sums
