"""First calls in new processes, with the caches on disk empty and then filled, and peak memory.

What enters: names of rows and candidates. What leaves: for each pair, what two new processes tell:
seconds of the import, of the first and second call, of a steady call, and the most memory that the
process had before the first call and at its end. What a first call costs is the first two calls
less two steady ones, since ours may compile at the second. Byte code is there, as an installer
leaves it.
"""

from __future__ import annotations

import compileall
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

Found = dict[str, Any]
ROOT = Path(__file__).resolve().parent.parent.parent
DEFAULT = ("gelu_16M", "softmax_4096x1024", "mlp_step", "gpt_step")
PACKAGE = "benchmarks.cpu"
COMPILING = " (execution=compile)"  # a variant of ours
STEADY = 20


def caches(folder: str) -> dict[str, str]:
    """Environment variables that put each library's cache on disk into a folder."""
    return {
        "XDG_CACHE_HOME": folder,
        "LAZYTENSOR_CACHE_DIR": f"{folder}/lazytensor",
        "NUMBA_CACHE_DIR": f"{folder}/numba",
        "TORCHINDUCTOR_CACHE_DIR": f"{folder}/inductor",
        "JAX_COMPILATION_CACHE_DIR": f"{folder}/jax",
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    }


def pair(
    row: str, candidate: str, options: Any, variables: dict[str, str], package: str = PACKAGE
) -> Found:
    """What a process with an empty cache and one with a filled cache tell."""
    found: Found = {"row": row, "candidate": candidate}
    name = candidate.removesuffix(COMPILING)
    if name != candidate:
        variables = variables | {"LAZYTENSOR_EXECUTION": "compile"}
    work = json.dumps({"row": row, "candidate": name, **_asked(options)})
    command = [sys.executable, "-m", f"{package}.fresh", work]
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, **variables, **caches(folder)}
        for state in ("cold", "warm"):
            try:
                found[state] = _told(command, environment, 2 * options.compile_limit)
            except (OSError, ValueError, IndexError, subprocess.TimeoutExpired) as error:
                return found | {"failed": type(error).__name__}
    return found


def _asked(options: Any) -> Found:
    return {"small": options.small, "clock": options.clock}


def _told(command: list[str], environment: dict[str, str], limit: float) -> Found:
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=limit,
        check=False,
    )
    return dict(json.loads(done.stdout.splitlines()[-1]))


def variants(candidates: list[str]) -> list[str]:
    """The candidates, and lazy code that always compiles."""
    lazy = [name + COMPILING for name in candidates if name == "lazytensor"]
    return [*candidates[:1], *lazy, *candidates[1:]]


def peak() -> int:
    """The most bytes that this process has had; 0 where the system doesn't tell."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return 0
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def load(candidate: str) -> float:
    """Seconds that the library's import takes, with the code generator that it uses."""
    start = time.perf_counter()
    names = {"torch.compile": ("torch",), "jax.jit": ("jax",)}.get(candidate, (candidate,))
    if candidate.startswith("lazytensor"):
        names = ("lazytensor", "lazytensor.torch")[: 2 if "torch" in candidate else 1]
        names += ("llvmlite.binding",) if importlib.util.find_spec("llvmlite") else ()
    for name in names:
        importlib.import_module(name)
    return time.perf_counter() - start


def told(work: Found) -> Found | None:
    """What this process, which is new, finds; None where the row is not for the candidate."""
    imported = load(work["candidate"])
    from . import table
    from .candidates import build
    from .row import shrunk, tree_map

    row = next(r for r in table.ROWS if r.name == work["row"])
    sizes, rng = shrunk(row.sizes, work["small"]), np.random.default_rng(0)
    candidate = build(work["candidate"], row, row.state(rng, *sizes) if row.state else None)
    if candidate is None:
        return None
    sets = [tree_map(candidate.convert, row.make(rng, *sizes)) for _ in range(3)]
    before, times = peak(), []
    clock = time.process_time if work["clock"] == "cpu" else time.perf_counter
    for i in range(2 + STEADY):
        start = clock()
        candidate.call(*sets[i % 3])
        times.append(clock() - start)
    steady = statistics.median(times[-STEADY // 2 :])
    return {
        "import": imported, "first": times[0], "second": times[1], "steady": steady,
        "cost": times[0] + times[1] - 2 * steady, "before": before, "peak": peak(),
    }  # fmt: skip


def measure(rows: list[str], candidates: list[str], options: Any, variables: Any) -> list[Found]:
    """All pairs, those left out that can't be."""
    compileall.compile_dir(ROOT / "lazytensor", quiet=2)
    out = []
    for row in rows:
        for candidate in variants(candidates):
            found = pair(row, candidate, options, variables)
            out += [found] if "failed" in found or found["cold"] else []
            print(f"  {row} {candidate}", file=sys.stderr, flush=True)
    return out


if __name__ == "__main__":
    print(json.dumps(told(json.loads(sys.argv[1])) or {}))
