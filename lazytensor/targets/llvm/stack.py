"""What functions across rows hold on the stack: for each sum the lanes of a block, and a sum
for each level of the tree of blocks.

What enters: passes. What leaves: bytes. It must not know how functions are written.
"""

from ...lower.kernel import Kernel
from ...ops._tree import BLOCK, LANES
from .passes import Passes

# Sums of blocks held at a time: one for each level of the tree of so many blocks.
MOST_BLOCKS, LEVELS = 32, 6
# What is held of a row for a sum.
HELD = LANES + LEVELS
# Bytes of the stack that a tile of rows may take, since threads have half a megabyte on some
# systems, and what it takes with a last vector that is beside it.
STACK, WHOLE = 5 << 16, 3 << 17
MOST_ROW_VALUES = 64
# What is held of a number that others are divided by, besides itself.
PARTS = 3
MOST_COLUMNS = MOST_BLOCKS * BLOCK


def widest(kernel: Kernel) -> int:
    """Bytes of the widest value; sums of half precision are of single precision."""
    return max(4, *(kernel.dtype(k).itemsize for k in range(kernel.count)))


def row_bytes(plan: Passes) -> int:
    """Bytes of the stack that a row takes."""
    values = sum(not plan.full(k) for k in range(plan.first, plan.total))
    divisors = {k for p in plan.passes for k in plan.divisors(p) if not plan.full(k)}
    sums = max(len(p.folds) for p in plan.passes)
    return widest(plan.kernel) * (values + PARTS * len(divisors) + HELD * sums)
