"""One process that measures rows, one after the other, and tells what it does line by line.

Enters: the work as JSON, the only argument. Leaves: on stdout, after `@@ `, one JSON object for
each event: which candidate's first call begins, what a row gave. The parent (`run.py`) ends this
process where a compilation takes too long, and starts another one without that candidate.
"""

from __future__ import annotations

import gc
import json
import statistics
import sys
import time
import traceback
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from . import table
from .candidates import Candidate, build, keeping, read, versions
from .floors import yardstick, yardsticks
from .row import Row, doubled, leaves, shrunk, tree_map

Found = dict[str, Any]
SETS = 3
SAMPLE = 2e-3  # seconds that one sample takes at the least
CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}


def tell(event: str, **values: Any) -> None:
    """Write one event."""
    print("@@ " + json.dumps({"event": event, **values}), flush=True)


class Contest:
    """The candidates of one row, their inputs, and what was found of each."""

    def __init__(self, row: Row, work: Found) -> None:
        self.row, self.work = row, work
        self.clock: Callable[[], float] = CLOCKS[work["clock"]]
        self.sizes = shrunk(row.sizes, work["small"])
        rng = np.random.default_rng(0)
        self.state = row.state(rng, *self.sizes) if row.state else None
        self.sets = [row.make(rng, *self.sizes) for _ in range(SETS)]
        self.wants = self._wants()
        self.found: dict[str, Found] = {}
        self.ready: dict[str, tuple[Candidate, list[Any], int]] = {}
        self.amounts: dict[str, float] = {}
        self.speeds: dict[str, dict[str, float]] = {}

    def _wants(self) -> list[list[np.ndarray]]:
        """Results of float64 NumPy for the first two sets."""
        row = self.row
        program = row.reference or row.numpy or row.array
        call = keeping(partial(program, np), row, tree_map(doubled, self.state), np.copy)
        call = row.drive(call) if row.drive else call
        with np.errstate(all="ignore"):
            return [read(call(*inputs)) for inputs in tree_map(doubled, self.checked())]

    def checked(self) -> list[Any]:
        """The inputs whose results are compared."""
        return self.sets[:2]

    def prepare(self, name: str) -> None:
        """Build a candidate, call it a first time, check it, and warm it up."""
        candidate = self.built(name)
        if candidate is None:
            return
        before = candidate.compiled() if candidate.compiled else 0
        inputs = [tree_map(candidate.convert, s) for s in self.sets]
        tell("first", row=self.row.name, candidate=name)
        start = time.perf_counter()
        results = candidate.call(*inputs[0])
        candidate.wait(results)
        first = time.perf_counter() - start
        compiled = candidate.compiled() - before if candidate.compiled else 0
        error = self.error(results, 0)
        error = max(error, self.error(candidate.call(*inputs[1]), 1))
        del results
        ok = error <= self.row.tolerance
        self.found[name] = {"first": first, "error": error, "ok": bool(ok)}
        if candidate.compiled:
            self.found[name]["compilations"] = compiled
        repeat = self._warmed(candidate, inputs)
        self.ready[name] = candidate, inputs, repeat
        if candidate.compiled:
            self.found[name]["compilations when warm"] = candidate.compiled() - before
        tell("warm", row=self.row.name, candidate=name)

    def built(self, name: str) -> Candidate | None:
        """The candidate of a name."""
        return build(name, self.row, self.state)

    def compare(self, name: str, amount: float, candidate: Candidate, inputs: list[Any]) -> None:
        """Have a yardstick measured in each round: `amount` of bytes or flops a call."""
        self.amounts[name] = amount
        self.ready[name] = candidate, inputs, self._warmed(candidate, inputs)

    def got(self, results: Any) -> list[np.ndarray]:
        """What is compared of a candidate's results."""
        return read(results)

    def error(self, results: Any, place: int) -> float:
        """How far the results are from float64 NumPy's: NaN or inf where they are no numbers."""
        got, wants = self.got(results), self.wants[place]
        if len(got) != len(wants):
            return float("inf")
        errors = [self.row.judge(g, w) for g, w in zip(got, wants, strict=True)]
        return max(e if e == e else float("inf") for e in errors)

    def _warmed(self, candidate: Candidate, inputs: list[Any]) -> int:
        """Call until it is warm; the number of calls that one sample takes."""
        least, begin, calls = float("inf"), time.perf_counter(), 0
        while calls < 3 or (calls < self.row.warm and time.perf_counter() - begin < 1):
            start = time.perf_counter()
            candidate.wait(candidate.call(*inputs[calls % SETS]))
            least = min(least, time.perf_counter() - start)
            calls += 1
        return self.repeats(least)

    def repeats(self, least: float) -> int:
        """The calls of a sample, of the seconds of the fastest."""
        return max(1, int(SAMPLE / least))

    def sample(self, name: str) -> float:
        """Seconds a call, over a few calls on inputs in turn."""
        candidate, inputs, repeat = self.ready[name]
        call, clock = candidate.call, self.clock
        calls = [inputs[i % SETS] for i in range(repeat)]
        start = clock()
        for one in calls:
            call(*one)
        seconds = (clock() - start) / repeat
        inputs.append(inputs.pop(0))
        return seconds

    def measure(self) -> None:
        """All rounds: the candidates in turn within each, and then the yardsticks."""
        samples: dict[str, list[float]] = {name: [] for name in self.ready}
        gc.collect()
        gc.disable()
        names = [name for name in samples if name not in self.amounts]
        for _ in range(self.work["rounds"]):
            for name in (*names, *self.amounts):
                samples[name].append(self.sample(name))
            names.append(names.pop(0))  # whoever comes first finds caches cold
            gc.collect()
        gc.enable()
        for name in names:
            self.found[name] |= {**_statistics(samples[name]), "samples": samples[name]}
        self.speeds = {
            name: {kind: amount / v for kind, v in _statistics(samples[name]).items()}
            for name, amount in self.amounts.items()
        }

    def figures(self) -> Found:
        """Bytes and flops of the row."""
        row = self.row
        moved = leaves([self.sets[0], self.state or []])
        bytes_ = sum(getattr(x, "nbytes", 0) for x in moved)
        double = any(getattr(x, "dtype", None) == np.float64 for x in moved)
        results = [w.nbytes // (1 if double or w.ndim == 0 else 2) for w in self.wants[0]]
        return {
            "bytes": row.bytes(*self.sizes) if row.bytes else bytes_ + sum(results),
            "flops": row.flops(*self.sizes) if row.flops else 0,
            "double": double,
            "largest": max(results + [getattr(x, "nbytes", 0) for x in moved]),
        }


def _statistics(seconds: list[float]) -> dict[str, float]:
    return {"median": statistics.median(seconds), "min": min(seconds)}


def measured(contest: Contest, candidates: list[str]) -> Found:
    """What a row gave, and the speeds of its yardsticks."""
    row = contest.row
    for name in candidates:
        try:
            contest.prepare(name)
        except Exception as error:  # noqa: BLE001  whatever a contestant raises is its result
            traceback.print_exc()
            contest.found[name] = {"failed": f"{type(error).__name__}: {str(error)[:300]}"}
    contest.measure()
    told = {"sizes": contest.sizes, "kind": row.kind, "speeds": contest.speeds}
    return {**contest.figures(), **told, "found": contest.found}


def main() -> None:
    """Measure what the argument says."""
    work = json.loads(sys.argv[1])
    rows = {row.name: row for row in table.ROWS}
    for name, candidates in work["rows"]:
        tell("row", row=name)
        contest = Contest(rows[name], work)
        for each in yardsticks(contest.figures()):
            amount, candidate, arrays = yardstick(each, work["small"])
            contest.compare(each, amount, candidate, [arrays] * SETS)
        tell("done", row=name, result=measured(contest, candidates))
        gc.collect()
    tell("end", versions=versions())


if __name__ == "__main__":
    main()
