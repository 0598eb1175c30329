"""How much memory of a device is in use, and how much was at most.

What enters: what is taken, and who says how much is in use. What leaves: figures. It must not know
who takes memory.
"""

from collections.abc import Callable
from typing import NamedTuple


class Usage(NamedTuple):
    """Bytes of a device: in use and held for it, now and at most so far; free, and all there are;
    and how often there was too little.
    """

    used: int
    held: int
    most_used: int
    most_held: int
    free: int
    total: int
    failures: int


class Peak:
    """The most that was in use, and held.

    To ask how much is in use takes long where there are many arrays. So it is asked only when more
    than ever before may be: what was in use when it was last asked, and all that was taken since.
    """

    def __init__(self) -> None:
        self.used = self.held = self.failures = 0
        self._may_be = 0

    def taken(self, size: int, used: Callable[[], int], held: int) -> None:
        """So many bytes were taken; `used` says how many are in use by now."""
        self.held = max(self.held, held)
        self._may_be += size
        if self._may_be > self.used:
            self._may_be = used()
            self.used = max(self.used, self._may_be)

    def now(self, used: int, held: int) -> None:
        """So many are in use and held, and from now on these are the most."""
        self.used, self.held, self._may_be = used, held, used
