"""What a kernel is called with: one array of 64-bit words, or several sets of them.

What enters: how many operands and axes there are. What leaves: the order of the words: addresses of
inputs, outputs and scratch memory, sizes, then for each operand the bytes between neighbours along
each axis. It must not know CUDA C, nor how operands lie.
"""

from dataclasses import dataclass

# What accumulators of folds take of scratch memory.
ACCUMULATOR = 32
# Words that fit into the parameters of a kernel, whatever the driver; and no block of threads.
MOST_WORDS, NEVER = 4096 // 8, (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class Words:
    """Places of words for so many `operands`, and so many axes of rows (`outer`) and columns
    (`inner`).
    """

    operands: int
    outer: int
    inner: int

    def address(self, operand: int) -> int:
        """Where an operand's memory begins; scratch memory comes behind them."""
        return operand

    @property
    def scratch(self) -> int:
        """The address of scratch memory."""
        return self.operands

    @property
    def rows(self) -> int:
        """How many rows there are; how many columns, and blocks of these, come behind it."""
        return self.operands + 1

    def outer_size(self, axis: int) -> int:
        """How long an axis of the rows is."""
        return self.rows + 3 + axis

    def inner_size(self, axis: int) -> int:
        """How long an axis of the columns is."""
        return self.rows + 3 + self.outer + axis

    def stride(self, operand: int, axis: int) -> int:
        """Bytes from one element to the next along an axis, those of columns counted last."""
        axes = self.outer + self.inner
        return self.rows + 3 + axes + operand * axes + axis

    @property
    def count(self) -> int:
        """How many words there are."""
        return self.stride(self.operands, 0)

    @property
    def sets(self) -> int:
        """How many sets there is room for, with the number of the first block of each."""
        return MOST_WORDS // (self.count + 1)
