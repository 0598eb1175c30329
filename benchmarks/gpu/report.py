"""A report of a GPU as text, as markdown, as JSON.

What enters: a report of `run.py`. What leaves: tables, and files.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ..cpu.report import (
    Table,
    cell,
    failures,
    first_table,
    markdown,
    milliseconds,
    text,
    verdict_table,
)
from ..cpu.requirements import Figures
from .requirements import figures, verdicts

Found = dict[str, Any]


def heading(report: Found) -> str:
    """What was run, on what."""
    options = report["options"]
    found = ", ".join(f"{n} {v}" for n, v in report["versions"].items() if n != "device")
    how = f"{options['rounds']} rounds"
    how += f", sizes ÷ {options['small']}" if options["small"] > 1 else ""
    lines = [f"{report['versions'].get('device', 'nothing measured')}; {found}; {how}"]
    return "\n".join(
        [*lines, *(f"left out: {w}" for w in dict.fromkeys(report["missing"].values()))]
    )


def main_table(report: Found, rows: list[Figures], statistic: str) -> Table:
    """Times by row and candidate; the speed of copies, and of the best of ours."""
    there = {n for row in report["rows"].values() for n in row["found"]}
    names = [n for n in report["candidates"] if n in there]
    table = [["row, ms", *names, "copy GB/s", "ours GB/s", "ours TFLOP/s", "best peer"]]
    for each in rows:
        row = report["rows"][each.name]
        cells = [cell(row["found"].get(n), statistic) for n in names]
        table.append([each.name, *cells, *_speeds(row, each)])
    return table


def _speeds(row: Found, figures_: Figures) -> list[str]:
    best = figures_.best(n for n in figures_.seconds if n.startswith("lazytensor"))
    memory = best and figures_.kind == "memory"
    peer = figures_.peer
    return [
        f"{row['speeds']['copy']['median'] / 1e9:.0f}" if "speeds" in row else "",
        f"{row['bytes'] / best[1] / 1e9:.0f}" if memory else "",
        f"{row['flops'] / best[1] / 1e12:.3g}" if best and figures_.kind == "matrix" else "",
        f"{peer[0]} {milliseconds(peer[1])}" if peer else "",
    ]


def fresh_table(lines: list[Found]) -> Table:
    """First calls in processes of their own."""
    table = [["new process", "candidate", "first s, cold", "warm", "cost s, cold", "warm"]]
    table[0] += ["compiled, cold", "warm", "steady ms"]
    for line in lines:
        if "failed" in line:
            table.append([line["row"], line["candidate"], line["failed"], *[""] * 6])
            continue
        states = line["cold"], line["warm"]
        numbers = [f"{s[key]:.3g}" for key in ("first", "cost") for s in states]
        counts = ["" if s["compilations"] is None else str(s["compilations"]) for s in states]
        steady = milliseconds(line["warm"]["steady"])
        table.append([line["row"], line["candidate"], *numbers, *counts, steady])
    return table


def tables(report: Found) -> list[Table]:
    """Everything that is shown."""
    statistic = report["options"]["by"]
    rows = figures(report, statistic)
    out = [main_table(report, rows, statistic), first_table(report)] if rows else []
    out += [fresh_table(report["fresh"])] if report.get("fresh") else []
    return [*out, _verdicts(verdicts(report, rows))]


def _verdicts(lines: list[Any]) -> Table:
    table = verdict_table(lines)
    table[0][0] = "required"
    return table


def shown(report: Found) -> str:
    """The whole as text."""
    parts = [heading(report), *map(text, tables(report)), "\n".join(failures(report))]
    return "\n\n".join(parts)


def write(report: Found, folder: Path) -> None:
    """`report.json` and `report.md`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.json").write_text(json.dumps(report, indent=1))
    parts = [heading(report), *map(markdown, tables(report)), *failures(report)]
    (folder / "report.md").write_text("\n\n".join(parts) + "\n")
