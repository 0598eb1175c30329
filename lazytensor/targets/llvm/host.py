"""What code is written for. What enters: nothing. What leaves: a description. It must not know how
it is found out.
"""

from typing import NamedTuple


class Host(NamedTuple):
    """What the processor has: bytes of a vector, fused multiply-add, half precision, registers."""

    bytes: int
    fused: bool
    half: bool
    registers: int = 16
