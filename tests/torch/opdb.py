"""PyTorch's own table of operators (`op_db`) as the yardstick of a library that behaves as PyTorch.

    python -m tests.torch.opdb [--only NAME] [--workers N] [--report FILE] [--under MODULE]
                               [--device NAME]

For each public operator, its sample inputs go through PyTorch and through the library under test,
and what a user sees is compared (op_checks.py). An operator's failure is recorded with its reason,
and neither a crash nor a hang stops a run: both end a worker process, which is replaced. PyTorch
itself can be put under test (`--under torch`), and passes.
"""

from __future__ import annotations

import argparse
import collections
import importlib
import json
import multiprocessing
import multiprocessing.connection
import os
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from tests.torch.op_checks import SECONDS, Result, check, operators

UNDER_TEST = "lazytensor.torch"
PASSING = Path(__file__).with_name("opdb_passing.txt")
GRACE = 20.0  # seconds beyond the limits of all of an operator's checks before a worker is ended
# Where processes can fork, PyTorch's table, which takes seconds to load, is loaded once for all.
START = "forkserver" if hasattr(os, "fork") else "spawn"
multiprocessing.set_forkserver_preload(["tests.torch.op_checks"])
COLUMNS = ("forward", "method", "inplace", "out", "aliases", "backward", "backward_complex")
COLUMNS += ("second", "errors", "texts")


@dataclass(frozen=True)
class Plan:
    """How to check operators: under which module's name, how many samples, how long."""

    under: str = UNDER_TEST
    columns: tuple[str, ...] | None = None
    limit: int | None = None
    seconds: float = SECONDS
    device: str = "cpu"

    def check(self, name: str) -> Result:
        """Check one operator in this process."""
        lib = importlib.import_module(self.under)
        return check(
            name, lib, columns=self.columns, limit=self.limit, seconds=self.seconds,
            device=self.device,
        )  # fmt: skip


def serve(connection: Any, plan: Plan) -> None:
    """A worker: names come in, results go out, until None comes."""
    torch.set_num_threads(1)
    while (name := connection.recv()) is not None:
        connection.send(plan.check(name))


class Worker:
    """A process that checks one operator at a time."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._name = ""
        self._deadline = 0.0
        context = multiprocessing.get_context(START)
        self.connection, other = context.Pipe()
        self._process = context.Process(target=serve, args=(other, plan), daemon=True)
        self._process.start()
        other.close()

    def start(self, name: str) -> None:
        """Begin an operator."""
        self._name = name
        self._deadline = time.monotonic() + len(COLUMNS) * self._plan.seconds + GRACE
        self.connection.send(name)

    def finish(self) -> Result | None:
        """The operator's result if there is one; None while it runs."""
        if self.connection.poll():
            try:
                return self.connection.recv()
            except EOFError:
                self._process.join()
                return self._lost(f"the process ended with {self._process.exitcode}")
        if time.monotonic() > self._deadline:
            self._process.kill()
            return self._lost("the process hung")
        return None

    def _lost(self, reason: str) -> Result:
        return Result(self._name, {"forward": reason})

    @property
    def alive(self) -> bool:
        """Whether it can take another operator."""
        return self._process.is_alive()

    def stop(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.join()


def run(names: Iterable[str], plan: Plan, workers: int = 0) -> Iterator[Result]:
    """The results of operators, as they come; with no workers, in this process."""
    if not workers:
        yield from (plan.check(name) for name in names)
        return
    todo = collections.deque(names)
    busy: list[Worker] = []
    try:
        while todo or busy:
            while todo and len(busy) < workers:
                busy.append(Worker(plan))
                busy[-1].start(todo.popleft())
            multiprocessing.connection.wait([w.connection for w in busy], 1.0)
            for worker in list(busy):
                result = worker.finish()
                if result is None:
                    continue
                yield result
                if todo and worker.alive:
                    worker.start(todo.popleft())
                else:
                    busy.remove(worker)
                    worker.stop()
    finally:
        for worker in busy:
            worker.stop()


def selected(only: Iterable[str]) -> list[str]:
    """Names of operators: those given, with all their variants, or all there are."""
    wanted = set(only)
    every = operators()
    return [n for n, op in every.items() if not wanted or n in wanted or op.name in wanted]


# --- reports --------------------------------------------------------------------------------------


def summary(results: Iterable[Result]) -> dict[str, tuple[int, int]]:
    """Column -> how many operators pass, of how many that it applies to."""
    figures: dict[str, list[str]] = {column: [] for column in COLUMNS}
    for result in results:
        for column, reason in result.columns.items():
            figures[column].append(reason)
    return {column: (reasons.count(""), len(reasons)) for column, reasons in figures.items()}


def line(result: Result) -> str:
    """One operator in one line, and a line for each different reason."""
    marks = "  ".join(
        f"{column} {'FAILED' if result.columns[column] else 'ok'}"
        for column in COLUMNS
        if column in result.columns
    )
    reasons = dict.fromkeys(filter(None, result.columns.values()))
    return "\n".join([f"{result.op}: {marks}", *(f"    {reason}" for reason in reasons)])


def closing(results: list[Result], most: int = 25) -> str:
    """The figures of a run, and the reasons that most forward failures share."""
    lines = [f"{c}: {ok} of {n}" for c, (ok, n) in summary(results).items() if n]
    failed = (r.columns.get("forward", "").partition(" sample ") for r in results)
    shared = collections.Counter(
        (tail.partition(": ")[2] or head)[:120] for head, _, tail in failed
    )
    del shared[""]
    lines += [f"{n:4d} × {reason}" for reason, n in shared.most_common(most)]
    return "\n".join(lines)


def write_report(path: Path, results: list[Result]) -> None:
    """All of it as JSON."""
    data = {"summary": summary(results), "operators": [asdict(r) for r in results]}
    path.write_text(json.dumps(data, indent=1) + "\n")


def read_passing(path: Path = PASSING) -> dict[str, tuple[str, ...]]:
    """Operator -> the columns that must pass: a line each, `name: column column`."""
    if not path.exists():
        return {}
    pairs = (text.partition(": ") for text in path.read_text().splitlines() if text)
    return {name: tuple(columns.split()) for name, _, columns in pairs}


def write_passing(results: Iterable[Result], path: Path = PASSING) -> None:
    """Take what passes into the list, and out of it what was run and doesn't."""
    passing = read_passing(path)
    for result in results:
        passing[result.op] = tuple(c for c in COLUMNS if result.columns.get(c) == "")
    lines = [
        f"{name}: {' '.join(columns)}\n" for name, columns in sorted(passing.items()) if columns
    ]
    path.write_text("".join(lines))


def options(argv: list[str] | None) -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(prog="python -m tests.torch.opdb", description=__doc__)
    parser.add_argument("--only", action="append", default=[], help="an operator (repeatable)")
    parser.add_argument("--column", action="append", choices=COLUMNS, help="a check (repeatable)")
    parser.add_argument("--workers", type=int, default=1, help="processes; 0: none but this one")
    parser.add_argument("--limit", type=int, help="samples of each dtype; all if not given")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="for one check")
    parser.add_argument("--report", type=Path, help="write JSON here")
    parser.add_argument("--under", default=UNDER_TEST, help="the module under test")
    parser.add_argument("--device", default="cpu", help="where tensors under test are")
    parser.add_argument("--failed", action="store_true", help="print only what fails")
    parser.add_argument("--update", action="store_true", help=f"write {PASSING.name}")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Run, print, write; 0 if every check passed."""
    chosen = options(argv)
    columns = tuple(chosen.column) if chosen.column else None
    plan = Plan(chosen.under, columns, chosen.limit, chosen.seconds, chosen.device)
    results = []
    for result in run(selected(chosen.only), plan, chosen.workers):
        results.append(result)
        if any(result.columns.values()) or not chosen.failed:
            print(line(result), flush=True)
    print(closing(results))
    if chosen.report:
        write_report(chosen.report, results)
    if chosen.update:
        write_passing(results)
    return int(any(any(r.columns.values()) for r in results))


if __name__ == "__main__":
    sys.exit(main())
