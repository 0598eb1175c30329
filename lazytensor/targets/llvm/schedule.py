"""The table by which sums across rows follow the tree of `ops/_tree`.

What enters: how many columns there are. What leaves: lanes in the order in which they are combined,
so that few partial sums are held. It must not know kernels.
"""

from functools import lru_cache
from typing import Any

import numpy as np

from ...ops._tree import BLOCK, LANES, ROUNDS, half

# Partial sums held at a time: one for each level of the tree of a block, of the tree of blocks, and
# a lane's and its latest.
LEVELS = 12
MOST_ROW_VALUES = 64
# Columns whose table is made: an eighth as many rows of three words.
MOST_COLUMNS = 1 << 18


@lru_cache(64)
def schedule(columns: int) -> np.ndarray[Any, Any]:
    """For each group of columns of a lane the first, how many there are, and how many sums are
    combined after it: rows of three words.
    """
    entries = []
    for block, after in _order(-(-columns // BLOCK)):
        length = min(BLOCK, columns - block * BLOCK)
        for lane, merges in _order(min(length, LANES)):
            rounds = -(-(length - lane) // LANES)
            for i in range(0, rounds, ROUNDS):
                first = block * BLOCK + lane + i * LANES
                entries.append([first, min(ROUNDS, rounds - i), int(i > 0)])
            entries[-1][2] += merges
        entries[-1][2] += after
    return np.array(entries, np.int64)


def _order(count: int) -> list[tuple[int, int]]:
    """What a fold in halves combines, in an order that holds few at a time: (place, how many times
    the last two are combined after it).
    """
    if count == 1:
        return [(0, 0)]
    low = half(count)
    found = []
    for i, merges in _order(low):
        found += [(i, 0), (low + i, merges + 1)] if low + i < count else [(i, merges)]
    return found
