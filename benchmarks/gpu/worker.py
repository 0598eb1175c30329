"""One process that measures rows on a GPU, and tells what it does line by line, as
`benchmarks/cpu/worker.py` does.

Enters: the work as JSON, the only argument. Leaves: events on stdout. Calls of a sample follow one
another without waiting; in each round the device copies memory too.
"""

from __future__ import annotations

import gc
import json
import sys
from typing import Any

import numpy as np

from ..cpu.candidates import Candidate, versions
from ..cpu.row import leaves, tree_map
from ..cpu.worker import SETS, Contest, measured, tell
from . import table
from .candidates import build, copying, name_of_device, read, tidy

Found = dict[str, Any]
COPY = "copy"
COPIED = 512 << 20  # bytes that are copied at once, read and written
SAMPLE = 15e-3  # seconds that one sample takes at the least
CALLS = 5, 2000  # of one sample


class DeviceContest(Contest):
    """A contest whose calls end before their results are there, with a copy among the candidates.

    Where a row has a stride, results are compared at the places that it names.
    """

    @property
    def stride(self) -> int:
        """Of the places: all of them where sizes are divided."""
        return self.row.stride if self.work["small"] == 1 else 1

    def built(self, name: str) -> Candidate | None:
        """The candidate of a name."""
        return build(name, self.row, self.state)

    def checked(self) -> list[Any]:
        """The inputs whose results are compared: what has as many axes as the first."""
        sets = self.sets[:2]
        if self.stride == 1:
            return sets
        axes = leaves(sets)[0].ndim
        return tree_map(lambda x: x[:: self.stride] if x.ndim == axes else x, sets)

    def got(self, results: Any) -> list[np.ndarray]:
        """What is compared of a candidate's results."""
        found = read(results)
        return found if self.stride == 1 else [x[:: self.stride] for x in found]

    def repeats(self, least: float) -> int:
        """The calls of a sample, of the seconds of the fastest."""
        fewest, most = CALLS
        return min(max(fewest, int(SAMPLE / least)), most)

    def sample(self, name: str) -> float:
        """Seconds a call, of many between two waits, on inputs in turn."""
        candidate, inputs, repeat = self.ready[name]
        call, clock = candidate.call, self.clock
        calls = [inputs[i % SETS] for i in range(repeat)]
        result = call(*calls[0])
        candidate.wait(result)
        start = clock()
        for one in calls:
            result = call(*one)
        candidate.wait(result)
        seconds = (clock() - start) / repeat
        inputs.append(inputs.pop(0))
        return seconds

    def add_copy(self) -> None:
        """Let the device copy in each round."""
        nbytes = max(COPIED // self.work["small"], 1 << 10)
        candidate = copying(nbytes)
        inputs = [(candidate.convert(None),) for _ in range(SETS)]
        self.compare(COPY, 2.0 * nbytes, candidate, inputs)


def one(row: table.Row, candidates: list[str], work: Found) -> Found:
    """What a row gave, with the speed of copies."""
    contest = DeviceContest(row, work)
    contest.add_copy()
    return measured(contest, candidates)


def main() -> None:
    """Measure what the argument says."""
    work = json.loads(sys.argv[1])
    rows = {row.name: row for row in table.ROWS}
    for name, candidates in work["rows"]:
        tell("row", row=name)
        tell("done", row=name, result=one(rows[name], candidates, work))
        gc.collect()
        tidy()
    cupy = {"cupy": str(sys.modules["cupy"].__version__)}
    tell("end", versions={"device": name_of_device(), **versions(), **cupy})


if __name__ == "__main__":
    main()
