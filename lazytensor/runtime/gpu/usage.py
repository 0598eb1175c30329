"""How much memory of a device is in use, and how much was at most.

What enters: what is taken, and who says how much is in use. What leaves: figures. It must not know
who takes memory.
"""

import threading
from collections.abc import Callable
from typing import Any, NamedTuple
from weakref import ref

from ..._base.threads import renewed

_lock = threading.RLock()
renewed(globals(), _lock=threading.RLock)


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


class Count(NamedTuple):
    """Blocks, or bytes of them: in use now, at most so far, and all that were taken."""

    current: int
    most: int
    taken: int


class Blocks:
    """Blocks that are in use as long as something refers to them. That nothing does any more is
    noticed when it is asked: who takes blocks does so where nothing may run in between.
    """

    def __init__(self) -> None:
        self._alive: list[tuple[Any, int]] = []
        self._peaks = Peak(), Peak()
        self._taken = [0, 0]

    def take(self, block: Any, size: int) -> None:
        """A block was taken; it can be referred to weakly."""
        with _lock:
            self._alive.append((ref(block), size))
            for i, (peak, more) in enumerate(zip(self._peaks, (1, size), strict=True)):
                self._taken[i] += more
                peak.taken(more, lambda i=i: self._used()[i], 0)  # type: ignore[misc]

    def _used(self) -> tuple[int, int]:
        self._alive = [each for each in self._alive if each[0]() is not None]
        return len(self._alive), sum([size for _, size in self._alive])

    def figures(self) -> tuple[Count, Count]:
        """Of blocks, and of their bytes."""
        with _lock:
            used = self._used()
            kept = zip(used, self._peaks, self._taken, strict=True)
            blocks, size = (Count(n, max(n, peak.used), taken) for n, peak, taken in kept)
        return blocks, size

    def reset_most(self) -> None:
        """The most so far is what there is now."""
        with _lock:
            for peak, now in zip(self._peaks, self._used(), strict=True):
                peak.now(now, 0)

    def reset_taken(self) -> None:
        """Nothing was taken but what is in use now."""
        with _lock:
            self._taken = list(self._used())
