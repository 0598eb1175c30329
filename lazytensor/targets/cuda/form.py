"""The form of a kernel: what of the way its operands lie is part of its text.

What enters: nothing. What leaves: forms. It must not know kernels.
"""

from dataclasses import dataclass

# How an operand lies along the innermost axis.
UNIT, SAME, STRIDED = "unit", "same", "strided"
# An operand that goes on along another axis of a tile.
CROSSING = "crossing"
# Ways to go over a kernel's space: element by element; tiles of two axes, where operands lie across
# one another; rows whose columns are shared out to the threads of warps; rows that neighbouring
# threads have, with lanes of columns; rows as along, eight by eight, which are summed as well.
FLAT, TILED, ALONG, ACROSS, SUMMED = "flat", "tiled", "along", "across", "summed"
# What a kernel that folds rows does: all of it, blocks of columns of each row, or what is left
# when these are folded.
WHOLE, BLOCKS, REST = "whole", "blocks", "rest"
# Threads of a block.
THREADS, MORE_THREADS, MOST_THREADS = 256, 512, 1024


@dataclass(frozen=True, slots=True)
class Form:
    """`outer` and `inner` are how many axes there are besides the innermost one, or those that are
    folded; `wide` is how many neighbours a thread computes at once, or where they are `spread`
    elements a block of threads apart; `held` tells that what a thread
    has of a row stays in its registers; `threads` is how many a block has at most; `narrow` tells
    that 32 bits do for numbers of rows, columns and blocks; `partial` that what is folded are sums
    of eight elements each, which a SUMMED kernel has left. `sets` tells that blocks of threads look
    for their words among several sets, `far` that words lie in memory.
    """

    way: str
    outer: int
    inner: int = 1
    lie: tuple[str, ...] = ()
    wide: int = 1
    spread: bool = False
    held: bool = False
    part: str = WHOLE
    threads: int = THREADS
    narrow: bool = True
    partial: bool = False
    sets: bool = False
    far: bool = False
