"""Observers: told of each materialisation, and of what each step took, for `explain`, `profile` and
for debugging.

What enters: callbacks. What leaves: to them, an Event or a Timing. Nothing is gathered while there
is no observer.
"""

from collections.abc import Callable

from .._base.record import Record
from ..ir.graph import Graph
from ..lower.kernel import Plan


class Event(Record, frozen=True):
    """One materialisation: its graph, its plan (None when it was interpreted), the user's line that
    asked.
    """

    graph: Graph
    plan: Plan | None
    where: tuple[object, int]


OBSERVERS: list[Callable[[Event], None]] = []


class Timing(Record, frozen=True):
    """One step that was run: a kernel, a library call or an operation that was interpreted."""

    kind: str
    name: str
    shape: tuple[int, ...]
    seconds: float
    nbytes: int


TIMERS: list[Callable[[Timing], None]] = []
