"""A program run as it is: with PyTorch, and by `lazytensor run`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]


class Printed(NamedTuple):
    """What a program printed: losses from lines as `step 3 loss 0.5`, and all other lines."""

    losses: list[float]
    rest: list[str]


def run(*words: str, cwd: Path, ours: bool, **environment: str) -> subprocess.CompletedProcess[str]:
    """`python WORDS`, or the same by `lazytensor run`, one thread for the libraries beneath."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("LAZYTENSOR_", "COLUMNS"))}
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    variables = kept | threads | {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}
    # Suites start `python` by its name.
    variables["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), kept.get("PATH", "")])
    return subprocess.run(
        [sys.executable, *(["-m", "lazytensor", "run"] if ours else []), *words],
        cwd=cwd, env=variables | environment, capture_output=True, text=True, encoding="utf-8",
        timeout=280,
    )  # fmt: skip


def printed(*words: str, cwd: Path, ours: bool) -> Printed:
    """What a program that must not fail prints."""
    done = run(*words, cwd=cwd, ours=ours)
    assert done.returncode == 0, done.stderr[-3000:]
    lines = [line.split() for line in done.stdout.splitlines()]
    losses = [float(line[3]) for line in lines if line[:1] == ["step"] and line[2] == "loss"]
    rest = [line for line in done.stdout.splitlines() if not line.startswith("step ")]
    return Printed(losses, rest)


def apart(ours: list[float], theirs: list[float]) -> float:
    """The largest relative difference of two curves; infinite where their lengths differ."""
    if len(ours) != len(theirs):
        return float("inf")
    return max(abs(a - b) / abs(b) if a == a else float("inf") for a, b in zip(ours, theirs))
