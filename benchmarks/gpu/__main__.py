"""`python -m benchmarks.gpu`: see README.md."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ..cpu.run import chosen_rows
from . import fresh, report
from .candidates import PEERS
from .run import DeviceRun
from .table import ROWS


def options() -> Any:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=__doc__)
    parser.add_argument("--rows", nargs="*", default=[], help="globs of names of rows")
    parser.add_argument("--peers", nargs="*", default=[], choices=[*PEERS, "none"])
    parser.add_argument("--list", action="store_true", help="print the names of the rows")
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--by", choices=["median", "min"], default="median")
    parser.add_argument("--compile-limit", type=float, default=60, help="seconds of a first call")
    parser.add_argument("--budget", type=float, default=420, help="seconds with peers in rows")
    parser.add_argument("--small", type=int, default=1, help="divide the sizes: a test of all rows")
    parser.add_argument("--no-fresh", action="store_true", help="no first calls in new processes")
    parser.add_argument("--out", type=Path, help="folder for report.json and report.md")
    parser.add_argument("--verbose", action="store_true", help="what the workers write to stderr")
    parser.set_defaults(clock="wall")
    return parser.parse_args()


def main() -> None:
    """Measure, print, write."""
    chosen = options()
    if chosen.list:
        print("\n".join(row.name for row in chosen_rows(chosen.rows, ROWS)))
        return
    run = DeviceRun(chosen)
    if "lazytensor" in run.missing:
        raise SystemExit(f"nothing to measure: {run.missing['lazytensor']}")
    first = [r for r in fresh.DEFAULT if r in {row.name for row in run.rows}]
    lines = [] if chosen.no_fresh else fresh.measure(first, run.candidates, chosen)
    found = run.go() | {"fresh": lines}
    found["options"] = {k: str(v) if isinstance(v, Path) else v for k, v in vars(chosen).items()}
    print(report.shown(found))
    if chosen.out:
        report.write(found, chosen.out)


if __name__ == "__main__":
    main()
