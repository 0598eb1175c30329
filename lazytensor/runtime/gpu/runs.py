"""What computed arrays on devices, as long as it isn't known that all went well: what comes from a
failure raises whenever it is asked for, all else never.

What enters: arrays that steps and CUDA graphs took and left, and their checks. What leaves: errors,
with the user's line. Nothing is waited for before somebody reads what may be wrong, or many runs
are to be looked at. It must not know steps.
"""

import threading
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import count
from typing import Any, NamedTuple
from weakref import ref

import numpy as np

from ..._base.devices import Device
from ..interpret import located
from .checks import MOST, Check, Look
from .driver import Array


class Failure(NamedTuple):
    """What a check found; of several that go into something the first one is told, by number."""

    number: int
    device: Device
    check: Check
    first: int
    found: int

    def error(self) -> Exception:
        """What is to be raised: a new one each time."""
        error = self.check.fails.error(self.first, self.found)
        return located(error, self.check.lines)


class Work(NamedTuple):
    """Where it was done, and its checks."""

    device: Device
    checks: Sequence[Check]


class Run:
    """Work that may have failed, by its own checks, or since it took what others left: `parents`.
    What is known of it is in `failure`; then it waits no longer, and `work` is None.
    """

    __slots__ = ("__weakref__", "failure", "parents", "turn", "work")

    def __init__(self, parents: Sequence["Run"], work: Work, turn: int) -> None:
        self.parents, self.turn = parents, turn
        self.work: Work | None = work
        self.failure: Failure | None = None

    def look(self, words: Look) -> None:
        """Whether it failed; those before it know."""
        before = [run.failure for run in self.parents if run.failure is not None]
        work = self.work
        if work is not None and (before or not words.clean(work.device, work.checks)):
            self._fail(before, words.first(work.device, work.checks, self.turn), work.device)
        self.parents, self.work = (), None

    def _fail(
        self, before: Sequence[Failure], found: tuple[Check, int, int] | None, device: Device
    ) -> None:
        if before:
            self.failure = min(before, key=_number)
        elif found is not None:
            self.failure = Failure(next(_numbers), device, *found)
            _untold.append(self.failure)
            del _untold[:-MOST]
        if self.failure is not None:
            _failed[id(self)] = ref(self, partial(_dropped, id(self)))


class Source:
    """What wrote arrays last. Memory that one CUDA graph alone writes to keeps its source."""

    __slots__ = ("fixed", "run")

    def __init__(self, run: Run | None = None, fixed: bool = False) -> None:
        self.run, self.fixed = run, fixed


# By the id of an array, what wrote it, and how its end is noticed.
_sources: dict[int, Source] = {}
_held: dict[int, ref[Any]] = {}
# Runs that are to be looked at, in order; those that failed, as long as something comes from them;
# failures that nobody has been told of.
_log: list[Run] = []
_failed: dict[int, ref[Run]] = {}
_untold: list[Failure] = []
_numbers = count()
_looking = threading.RLock()
_source_of = _sources.get


class _Marks:
    """How often it has changed what wrote which array."""

    version = 0


def watched() -> bool:
    """Whether anything may be wrong."""
    return bool(_log or _failed)


def mark(x: Array, source: Source) -> None:
    """An array was written by a source."""
    key = id(x)
    before = _source_of(key)
    if before is source or (before is not None and before.fixed):
        return
    if before is None:
        _held[key] = ref(x, partial(_died, key))
    _sources[key] = source
    _Marks.version += 1


def _died(key: int, _: Any) -> None:
    del _sources[key], _held[key]
    _Marks.version += 1


def _dropped(key: int, _: Any) -> None:
    del _failed[key]


def _number(failure: Failure) -> int:
    return failure.number


def stepped(
    device: Device, args: Sequence[Any], outs: Sequence[Any], checks: Sequence[Check] = ()
) -> None:
    """A step took arrays and made others."""
    if checks or watched():
        run = _joined(_runs(_origins(args)), Work(device, checks), 0)
        if run is not None:
            source = Source(run)
            for out in _each(outs):
                mark(out, source)


def _joined(parents: list[Run], work: Work, turn: int) -> Run | None:
    """The run of whoever took what others left; None if nothing can be wrong."""
    if not work.checks:
        parents = [run for run in parents if _suspect(run)]
        if len(parents) < 2:
            return parents[0] if parents else None
    run = Run(parents, work, turn)
    _log.append(run)
    if len(_log) >= MOST:
        look()
    return run


def _suspect(run: Run) -> bool:
    return run.work is not None or run.failure is not None


def _origins(arrays: Iterable[Any]) -> set[Source]:
    """What wrote arrays, where that is known."""
    found = set(map(_source_of, map(id, _with_bases(arrays))))
    return {source for source in found if source is not None}


def _runs(sources: Iterable[Source]) -> list[Run]:
    return [run for source in sources if (run := source.run) is not None]


def _each(arrays: Iterable[Any]) -> Iterator[Array]:
    """Arrays, and those of several."""
    for x in arrays:
        if type(x) is tuple:
            yield from _each(x)
        else:
            yield x


def _with_bases(arrays: Iterable[Any]) -> Iterator[Array]:
    for x in _each(arrays):
        yield x
        base = x.base
        if base is not None:
            yield base


def look() -> None:
    """Wait for devices, and look at all runs that may have failed."""
    with _looking:
        words, runs = Look(), _log[:]
        try:
            for run in runs:
                run.look(words)
        finally:
            words.done()
        del _log[: len(runs)]


def tell(x: Array) -> None:
    """Raise what was found wrong where an array comes from. Waits if that isn't known."""
    for run in _runs(_origins((x,))) if watched() else ():
        if run.work is not None:
            look()
        if run.failure is not None:
            if run.failure in _untold:
                _untold.remove(run.failure)
            raise run.failure.error()


def tell_all(device: Device) -> None:
    """Raise the first failure on a device that nobody has been told of; there is none then."""
    look()
    found = [failure for failure in _untold if failure.device == device]
    _untold[:] = [failure for failure in _untold if failure.device != device]
    if found:
        raise found[0].error()


class Replays:
    """The runs of one CUDA graph."""

    def __init__(
        self,
        work: Work,
        slots: tuple[Sequence[int], Sequence[int]],
        results: Source,
        over: Sequence[int],
        apart: Sequence[int],
    ) -> None:
        """`slots` are those of inputs that lie in the same places each time, and of those that
        needn't. It leaves results in arrays of one source, but for those that are written over
        inputs, and those that are copied.
        """
        self._work, self._results = work, results
        self._same, self._other = slots
        self._over, self._apart, self._turn = over, apart, 0
        self._written, self._version = Source(), -1
        self._origins: set[Source] = set()
        self.loose = bool(over or apart)

    def begun(self, env: Sequence[Any]) -> Run | None:
        """It was launched for inputs."""
        work, run = self._work, None
        if work.checks:
            self._turn = (self._turn + 1) % MOST
        if work.checks or _log or _failed:
            if self._version != _Marks.version:  # else what lies in the same places is the same
                self._version = _Marks.version
                self._origins = _origins([env[i] for i in self._same])
            origins = self._origins
            other = [x for i in self._other if type(x := env[i]) is not np.ndarray]
            if other:
                origins = origins.union(_origins(other))
            run = _joined(_runs(origins), work, self._turn)
        self._results.run = self._written.run = run
        return run

    def left(self, run: Run, outs: Sequence[Array]) -> None:
        """The outputs of a run."""
        written = self._written
        for j in self._over:
            if _source_of(id(outs[j])) is not written:
                mark(outs[j], written)
        if self._apart:
            source = Source(run)
            for j in self._apart:
                mark(outs[j], source)
