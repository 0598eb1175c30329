"""How a kernel's operands lie, and how wide its vectors are: all that choosing a function takes.

What enters: a kernel, and what the processor has. What leaves: a Form, widths. It must not know how
functions are written, nor load what writes them.
"""

from collections.abc import Iterable
from functools import lru_cache

from ..._base.dtypes import DType, kind, real_of
from ..._base.record import Record
from ...lower.kernel import Kernel
from .passes import has_functions, most_live, work

# How an operand lies along a vector: one element after another, one before another, every other
# one, the same one for all, at a stride.
UNIT, REVERSED, OTHER, SAME, STRIDED = "u", "r", "o", "b", "s"
# Bytes of a row of a tile where operands lie across one another, and elements of one at most.
ROW, MOST_TILE = 256, 128
# Arrays at most, and instructions at least (a function counts as many), of kernels that go over
# several registers at a time; with so many instructions for each array there may be more of these.
FEW, MUCH, MOST = 6, 20, 16


# A first line of modules whose instructions stay in the order in which they are written.
IN_ORDER = "; in order\n"


class Host(Record, frozen=True):
    """What the processor has: bytes of a vector, fused multiply-add, half precision, registers."""

    bytes: int
    fused: bool
    half: bool
    registers: int = 16


class Form(Record, frozen=True):
    """How operands (inputs, outputs, totals) lie along a vector, how many axes the rows have,
    whether outputs go past the caches, and which axis of rows counts blocks of so many elements.
    Where the rows of the only output are `anywhere`, they don't begin at whole vectors.
    Vectors go along the columns, or with `across` along the rows. Operands that are `crossing` go
    on from one row to the next; rows are then cut into tiles. Vectors have `most` registers at
    most, if that isn't 0: where there are few columns, or elements are put together one by one.
    Arguments that are `followed` are in the caches, since another one is read there first.
    Where a number `divides` many vectors, what that takes is computed before.
    """

    lie: tuple[str, ...]
    rows: int
    stream: bool = False
    axis: int = -1
    block: int = 0
    across: bool = False
    crossing: tuple[int, ...] = ()
    most: int = 0
    followed: tuple[int, ...] = ()
    anywhere: bool = False
    divides: bool = False


class Unsupported(Exception):
    """This target has no code for an instruction on a dtype."""


def room_bytes(columns: int, dtype: DType) -> int:
    """Bytes of a row of columns that is kept, and of what a last vector writes beyond it."""
    return (columns * dtype.itemsize + 63 & ~63) + 256


def _sizes(kernel: Kernel) -> set[int]:
    """Bytes of the kernel's numbers."""
    dtypes = [kernel.dtype(k) for k in range(kernel.count)]
    return {real_of(d).itemsize for d in dtypes if kind(d) != "b"} or {1}


@lru_cache(4096)
def registers(kernel: Kernel) -> int:
    """How many registers a vector of the widest dtype fills: one; two where there are others; more
    where much is computed of little, so that some go on while others wait for what they need.
    """
    arrays, much, sizes = sum(any(x.axes) for x in kernel.inputs), work(kernel), _sizes(kernel)
    long = kernel.reduced or much >= MUCH
    if not long or (arrays > FEW and much < MOST * arrays):
        return 2 if len(sizes) > 1 else 1
    if min(sizes) < 4 or (kernel.reduced and not has_functions(kernel)):
        return 2
    if has_functions(kernel):
        return 4
    live = most_live(kernel)
    return 2 if live > 8 else 7 if live <= 2 and len(sizes) == 1 else 4


def in_order(kernel: Kernel, host: Host) -> bool:
    """Whether registers of a vector go on side by side: the compiler, which would have one of them
    finished before the next is begun, is to leave the order as it is. Not where more values are
    known at once than there are registers, unless it's inside functions that these are computed.
    """
    count = registers(kernel)
    return count > 2 and (has_functions(kernel) or count * most_live(kernel) <= host.registers)


@lru_cache(4096)
def vector_width(kernel: Kernel, host: Host, most: int = 0) -> int:
    """Elements of a vector, of so many registers at most, if that isn't 0."""
    count = registers(kernel)
    return max(2, host.bytes * min(count, most or count) // max(_sizes(kernel)))


def tile(sizes: Iterable[int]) -> int:
    """Rows and columns of a tile, by the sizes of what lies across."""
    return min(ROW // max(sizes), MOST_TILE)
