"""What code is written for, and what is asked of its compiler. What enters: nothing. What leaves: a
description. It must not know how it is found out.
"""

from ..._base.record import Record

# A first line of modules whose instructions stay in the order in which they are written.
IN_ORDER = "; in order\n"


class Host(Record, frozen=True):
    """What the processor has: bytes of a vector, fused multiply-add, half precision, registers."""

    bytes: int
    fused: bool
    half: bool
    registers: int = 16
