"""What those who call kernels of whole arrays and those who write them agree upon.

What enters: nothing. What leaves: numbers, and the form of a function of elements at places. It
must know neither those who call nor those who write.
"""

from ..._base.dtypes import DType
from ..._base.record import Record

# Bytes of a vector of what is moved, if not more.
WIDE = 32
# Of a product, elements of a sum at most: what is copied of the right operand is on the stack. Most
# axes of the batch.
DEEPEST, AXES = 1024, 4


class AtPlaces(Record, frozen=True):
    """A function: whether it `reads` the table; the dtype of elements that are combined, by which
    instruction, or their size where they are moved; how many axes there are outside the innermost
    one; for each index whether it varies along that one, which none does where it is `runs` of
    elements one after another; `alike` where one index does, all in order in memory, and all that
    is outside has the same places.
    """

    reads: bool
    element: DType | int
    combine: str
    outer: int
    varies: tuple[bool, ...]
    runs: bool
    alike: bool = False
