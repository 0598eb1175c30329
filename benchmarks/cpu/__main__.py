"""`python -m benchmarks.cpu`: see README.md."""

from __future__ import annotations

import argparse
import platform
from pathlib import Path
from typing import Any

from . import fresh, report
from .candidates import PEERS, environment
from .run import Run, chosen_rows


def processor() -> str:
    """The name of the processor, where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((ln.partition(": ")[2] for ln in lines if ln.startswith("model name")), "")


def options() -> Any:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cpu", description=__doc__)
    parser.add_argument("--rows", nargs="*", default=[], help="globs of names of rows")
    parser.add_argument("--peers", nargs="*", default=[], choices=[*PEERS, "none"])
    parser.add_argument("--list", action="store_true", help="print the names of the rows")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--clock", choices=["wall", "cpu"], default="wall")
    parser.add_argument(
        "--by", choices=["median", "min"], default="median", help="what is compared"
    )
    parser.add_argument("--target", help="code generator of ours")
    parser.add_argument("--pages-kept", action="store_true", help="the C allocator keeps its pages")
    parser.add_argument("--compile-limit", type=float, default=60, help="seconds of a first call")
    parser.add_argument("--small", type=int, default=1, help="divide the sizes: a test of all rows")
    parser.add_argument(
        "--fresh", nargs="*", help="rows whose first calls to take in new processes"
    )
    parser.add_argument("--out", type=Path, help="folder for report.json, report.md, report.png")
    parser.add_argument("--verbose", action="store_true", help="what the workers write to stderr")
    return parser.parse_args()


def main() -> None:
    """Measure, print, write."""
    chosen = options()
    if chosen.list:
        print("\n".join(row.name for row in chosen_rows(chosen.rows)))
        return
    run = Run(chosen)
    found = run.go() if chosen.rows or chosen.fresh is None else run.nothing()
    if chosen.fresh is not None:
        variables = environment(chosen.threads, chosen.target)
        rows = chosen.fresh or list(fresh.DEFAULT)
        found["fresh"] = fresh.measure(rows, run.candidates, chosen, variables)
    found["machine"] = processor()
    found["options"] = {k: str(v) if isinstance(v, Path) else v for k, v in vars(chosen).items()}
    print(report.heading(found))
    for table in report.tables(found):
        print("\n" + report.text(table))
    print("\n".join(["", *report.failures(found)]))
    if chosen.out:
        report.write(found, chosen.out)


if __name__ == "__main__":
    main()
