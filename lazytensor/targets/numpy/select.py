"""`where`, by the bits of its operands: no branch for an element, so that a mask without a pattern
costs no more than any other.

What enters: a block's condition and operands. What leaves: one of them for each element, written to
the block's output. It must not know kernels.
"""

from typing import Any

import numpy as np

# Elements from which on four passes over bits cost less than one that branches.
FEW = 256
_INTEGERS = {1: np.int8, 2: np.int16, 4: np.int32, 8: np.int64}
Block = np.ndarray[Any, Any]


def select(condition: Block, x: Block, y: Block, out: Block) -> None:
    """Write x where the condition holds, else y, bit for bit; `out` may be the memory of either."""
    integer = _INTEGERS.get(out.itemsize)
    if integer is None or out.size < FEW or not condition.ndim:
        np.copyto(out, np.where(condition, x, y))
        return
    bits, other, ones = x.view(integer), y.view(integer), condition.view(np.int8)
    if not x.ndim and not bits:
        mask = np.subtract(ones, np.int8(1), dtype=integer)  # all bits where it doesn't hold
        np.bitwise_and(other, mask, out=out.view(integer))
        return
    mask = np.negative(ones, dtype=integer)  # all bits where it holds
    if not y.ndim and not other:
        np.bitwise_and(bits, mask, out=out.view(integer))
    else:
        differ = np.bitwise_and(np.bitwise_xor(bits, other), mask)
        np.bitwise_xor(differ, other, out=out.view(integer))
