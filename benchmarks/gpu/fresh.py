"""First calls on a GPU in new processes, with the caches on disk empty and then filled.

What enters: names of rows and candidates. What leaves: for each pair, what two new processes tell:
seconds of the first calls, of a steady call, and how many kernels were compiled. What first calls
cost is the first six less six steady ones, since ours captures a CUDA graph at the fourth. The
inputs are on the device before, so that its start doesn't count.
"""

from __future__ import annotations

import compileall
import json
import statistics
import sys
import time
from typing import Any

import numpy as np

from ..cpu.fresh import ROOT, load, pair
from ..cpu.row import shrunk, tree_map
from .candidates import build, environment
from .table import ROWS

Found = dict[str, Any]
DEFAULT = ("gelu_64M", "mlp_step")
CANDIDATES = ("lazytensor", "lazytensor.jit", "torch.compile", "jax.jit")
FIRST, STEADY = 6, 20


def told(work: Found) -> Found | None:
    """What this process, which is new, finds; None where the row is not for the candidate."""
    imported = load(work["candidate"])
    row = next(r for r in ROWS if r.name == work["row"])
    sizes, rng = shrunk(row.sizes, work["small"]), np.random.default_rng(0)
    candidate = build(work["candidate"], row, row.state(rng, *sizes) if row.state else None)
    if candidate is None:
        return None
    sets = [tree_map(candidate.convert, row.make(rng, *sizes)) for _ in range(3)]
    before = candidate.compiled() if candidate.compiled else 0
    times = []
    for i in range(FIRST + STEADY):
        start = time.perf_counter()
        candidate.wait(candidate.call(*sets[i % 3]))
        times.append(time.perf_counter() - start)
    steady = statistics.median(times[-STEADY // 2 :])
    return {
        "import": imported, "first": times[0], "steady": steady,
        "cost": sum(times[:FIRST]) - FIRST * steady,
        "compilations": candidate.compiled() - before if candidate.compiled else None,
    }  # fmt: skip


def measure(rows: list[str], candidates: list[str], options: Any) -> list[Found]:
    """All pairs, those left out that can't be."""
    compileall.compile_dir(ROOT / "lazytensor", quiet=2)
    out = []
    for row in rows:
        for candidate in (c for c in CANDIDATES if c in candidates):
            found = pair(row, candidate, options, environment(False), "benchmarks.gpu")
            out += [found] if "failed" in found or found["cold"] else []
            print(f"  {row} {candidate}, new process", file=sys.stderr, flush=True)
    return out


if __name__ == "__main__":
    print(json.dumps(told(json.loads(sys.argv[1])) or {}))
