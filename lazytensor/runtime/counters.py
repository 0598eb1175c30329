"""Counters: exact figures of what was done, for tests and for `explain`.

What enters: increments; those of threads that compute at once may be lost where there is no global
interpreter lock. What leaves: snapshots and differences.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from .._base.record import Record, compared
from ..ir.node import TALLY, nodes_made


class Counters(Record):
    """Figures since the process started.

    nodes: made by operations. graphs: materialisations. plans: graphs lowered. compilations:
    kernels compiled. interpreted: ops run one by one. kernels: compiled kernels run. calls: library
    calls run. bytes: of the buffers that were allocated for results.
    """

    nodes: int = 0
    graphs: int = 0
    plans: int = 0
    compilations: int = 0
    interpreted: int = 0
    kernels: int = 0
    calls: int = 0
    bytes: int = 0

    def __sub__(self, other: "Counters") -> "Counters":
        return Counters(*(getattr(self, n) - getattr(other, n) for n in compared(Counters)))


COUNTERS = Counters()


def counters() -> Counters:
    """A snapshot of the figures."""
    COUNTERS.nodes = nodes_made()
    out = Counters(*(getattr(COUNTERS, n) for n in compared(Counters)))
    out.kernels += int(TALLY[1])
    out.bytes += int(TALLY[2])
    return out


@contextmanager
def counting() -> Iterator[Counters]:
    """A `with` block after which the yielded Counters hold what was done in it, by all threads."""
    before, out = counters(), Counters()
    try:
        yield out
    finally:
        done = counters() - before
        for name in compared(Counters):
            setattr(out, name, getattr(done, name))
