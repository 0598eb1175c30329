"""First-seen graphs: 500 different calls of SciPy's functions, each once, ours against NumPy's.

Enters: `--module NAME` (the namespace under test), `--repeat N`, `--scale`, `--clock wall|cpu`.
Leaves: at each size of the arrays both times, their ratio and the goal, by part of SciPy, the
dearest calls; `--json FILE` keeps the ratios. Each sample is a fresh process, NumPy's and ours in
turn, so that nothing was seen before and both meet the same machine. The clock covers the call and
reading every array of its result; imports and inputs come before, those of parts that a namespace
loads when they are first named too. Where llvmlite is needed, its import is part of the call. Byte
code is there, as an installer leaves it; native code is kept in a folder that is empty for each
process, unless `LAZYTENSOR_CACHE_DIR` names one.
"""

from __future__ import annotations

import argparse
import compileall
import gc
import importlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
GOAL = 3.0
CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}
Times = dict[str, float]


def worker(name: str, scale: int, clock: str) -> None:
    """One sample: seconds a call, as JSON on stdout."""
    sys.path.insert(0, str(ROOT))
    calls = importlib.import_module("tests.clients.calls")
    leaves = importlib.import_module("tests.clients.compare").leaves
    namespace = importlib.import_module(name)
    for part in dir(namespace):
        getattr(namespace, part)
    bound = list(calls.bind(namespace, scale))
    times: Times = {}
    gc.collect()
    gc.freeze()  # what the imports left behind is nobody's call's to look through
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for text, function in bound:
            start = CLOCKS[clock]()
            _read(leaves, function())
            times[text] = CLOCKS[clock]() - start
    json.dump(times, sys.stdout)


def _read(leaves: Any, result: Any) -> None:
    for _, leaf in leaves(result):
        if hasattr(leaf, "__array__"):
            leaf.__array__()


def sample(name: str, scale: int, clock: str) -> Times:
    """One fresh process over the namespace `name`."""
    fixed = {**os.environ, "SCIPY_ARRAY_API": "1", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, __file__, "--worker", name, "--scale", str(scale), "--clock", clock]
    with tempfile.TemporaryDirectory() as folder:
        environment = {"LAZYTENSOR_CACHE_DIR": folder, **fixed}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"the calls over {name!r} did not end:\n{done.stderr}")
    return dict(json.loads(done.stdout))


def medians(samples: list[Times]) -> Times:
    """Each call's median over the processes."""
    return {text: statistics.median(times[text] for times in samples) for text in samples[0]}


def parts(times: Times) -> Counter[str]:
    """Seconds by SciPy's subpackage."""
    total: Counter[str] = Counter()
    for text, seconds in times.items():
        total[text.split(".")[0]] += seconds
    return total


def report(name: str, scale: int, ours: list[Times], numpys: list[Times]) -> float:
    """Print the account and return the ratio of the medians of the totals."""
    total = [statistics.median(sum(times.values()) for times in s) for s in (ours, numpys)]
    ratio = total[0] / total[1]
    print(f"{len(numpys[0])} calls, each once, {len(ours)} fresh processes, median; scale {scale}")
    print(f"{name} {total[0] * 1e3:.1f} ms, numpy {total[1] * 1e3:.1f} ms, ", end="")
    print(f"ratio {ratio:.2f} (goal: at most {GOAL})")
    mine, theirs = medians(ours), medians(numpys)
    by_part, reference = parts(mine), parts(theirs)
    for part, seconds in by_part.most_common():
        times = f"{seconds / reference[part]:8.2f}x" if reference[part] else ""
        print(f"  {part:14}{seconds * 1e3:9.2f} ms {times}")
    for text in sorted(mine, key=lambda text: theirs[text] - mine[text])[:12]:
        times = f"{mine[text] / theirs[text]:8.1f}x" if theirs[text] else ""
        print(f"  {mine[text] * 1e3:9.2f} ms {times:>9}  {text}")
    return ratio


def measure(name: str, scale: int, repeat: int, clock: str) -> float:
    """The ratio at one size of the arrays."""
    pairs = [(sample("numpy", scale, clock), sample(name, scale, clock)) for _ in range(repeat)]
    return report(name, scale, [ours for _, ours in pairs], [numpys for numpys, _ in pairs])


def main() -> int:
    """Exit status 1 where the goal is missed."""
    parser = argparse.ArgumentParser(description="500 first-seen SciPy calls against NumPy")
    default = os.environ.get("LAZYTENSOR_CLIENT_MODULE", "lazytensor")
    parser.add_argument("--module", default=default)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--scale", type=int, nargs="+", default=[1, 100], help="times 12 elements")
    parser.add_argument("--clock", choices=CLOCKS, default="wall")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        worker(arguments.worker, arguments.scale[0], arguments.clock)
        return 0
    compileall.compile_dir(ROOT / "lazytensor", quiet=2)
    clock, repeat = arguments.clock, arguments.repeat
    ratios = {n: measure(arguments.module, n, repeat, clock) for n in arguments.scale}
    if arguments.json:
        arguments.json.write_text(json.dumps(ratios))
    return int(max(ratios.values()) > GOAL)


if __name__ == "__main__":
    raise SystemExit(main())
