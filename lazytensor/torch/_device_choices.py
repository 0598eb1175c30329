"""Permutations and choices by what is drawn on a device.

What enters: nodes of keys, words, weights and uniform numbers. What leaves: nodes of places;
RuntimeError for what are no weights. It must not know generators.
"""

import numpy as np

from .._base.dtypes import float32, float64, int64
from ..ir.node import Node, leaf
from ..lang import order
from ..ops import g
from ._host import value

__all__ = ["check_weights", "chosen", "chosen_once", "shuffled"]

# From how far the places of up to three equal keys come, by what was drawn for the first of them:
# three are exchanged by `word 0 % 3` and `word 1 % 2`, two by `word 0 % 2`, and 8 is for none.
_TWO, _NONE = 6, 8
_FROM = np.array([
    [1, 2, 2, 0, 1, 0, 1, 0, 0],
    [1, 0, -1, 1, -1, 0, -1, 0, 0],
    [-2, -2, -1, -1, 0, 0, 0, 0, 0],
])  # fmt: skip


def shuffled(places: Node, keys: Node, words: Node) -> Node:
    """Places in the order of keys, where two or three equal keys stand side by side exchanged by
    words, of which each place has two.
    """
    n = places.shape[0]
    if n < 2:
        return places
    code = _codes(keys, words)
    tables = [leaf(row, places.device) for row in _FROM]
    none = g.broadcast_to(g.constant(_NONE, code), (2,))
    before = g.concat([none, code], 0)
    moved = g.iota(n, int64, places.device)
    for k, table in enumerate(tables):
        moved = moved + g.gather([table, _part(before, 2 - k, n)])
    return g.gather([places, moved])


def _codes(keys: Node, words: Node) -> Node:
    """What the first of equal keys has drawn for these, `_NONE` for all others."""
    n = keys.shape[0]
    equal = g.equal(_part(keys, 0, n - 1), _part(keys, 1, n - 1))
    no = g.broadcast_to(g.constant(False, equal), (1,))
    after = [
        g.concat([_part(equal, k, max(n - 1 - k, 0)), *[no] * min(k + 1, n)], 0) for k in range(3)
    ]
    first = g.where(g.concat([no, equal], 0), g.constant(False, equal), after[0])
    low, high = g.bitwise_and(words, 0xFFFFFFFF), g.right_shift(words, 32)
    three = g.remainder(low, 3) * 2 + g.remainder(high, 2)
    two = g.remainder(low, 2) + _TWO
    longer = g.where(after[2], g.constant(_NONE, three), three)
    few = g.where(after[1], longer, two)
    return g.cast(g.where(first, few, g.constant(_NONE, few)), int64)


def _part(x: Node, start: int, size: int) -> Node:
    return g.slice(x, (min(start, x.shape[0] - size),), (size,), (1,))


def check_weights(rows: Node) -> None:
    """Raises RuntimeError, in PyTorch's words, where rows have what is no weight, or none."""
    if not rows.size:
        raise RuntimeError(
            "aminmax(): cannot compute aminmax over an empty dimension as the operation has no "
            "identity."
        )
    fit = g.logical_and(g.less_equal(0.0, rows), g.less(rows, float("inf")))
    some = g.all(g.any(g.not_equal(rows, 0.0), (1,)), (0,))
    both = [g.reshape(x, (1,)) for x in (g.all(fit, (0, 1)), some)]
    fits, weighs = value(g.concat(both, 0))
    if not fits:
        raise RuntimeError("probability tensor contains either `inf`, `nan` or element < 0")
    if not weighs:
        raise RuntimeError("invalid multinomial distribution (sum of probabilities <= 0)")


def chosen_once(rows: Node, waits: Node, count: int) -> Node:
    """The places of the greatest weights over exponential numbers, of each row."""
    return g.argselect(rows / waits, 1, 0, count, True)


def chosen(rows: Node, u: Node) -> Node:
    """The places of uniform numbers in (0, 1] among the running sums of weights, for each row."""
    wide = g.cast(rows, float64 if rows.dtype is float64 else float32)
    lines, n = rows.shape
    total = g.reshape(g.sum(wide, (1,)), (lines, 1))
    found = order.searchsorted(g.cumsum(wide / total, 1), g.cast(u, wide.dtype), False, False)
    places = g.broadcast_to(g.iota(n, int64, rows.device), rows.shape)
    last = g.max(g.where(g.less(0.0, rows), places, g.constant(0, places)), (1,))
    return g.minimum(found, g.reshape(last, (lines, 1)))
