"""A report as text, as markdown, as JSON, and as a plot."""

from __future__ import annotations

import json
from pathlib import Path
from statistics import median
from typing import Any

from .candidates import OURS
from .requirements import (
    ARRAY_FACE,
    Figures,
    Verdict,
    compilations,
    figures,
    fresh,
    geomean,
    verdicts,
)

Found = dict[str, Any]
Table = list[list[str]]
UNITS = {"copy": "GB/s", "sgemm": "GFLOP/s", "dgemm": "GFLOP/s"}


def milliseconds(seconds: float) -> str:
    """Three digits, in ms."""
    return f"{seconds * 1e3:.3g}"


def cell(found: Found | None, statistic: str) -> str:
    """One candidate's time in a row: median (least), or what was wrong."""
    if not found:
        return ""
    if "failed" in found:
        return found["failed"].split(":")[0]
    other = "min" if statistic == "median" else "median"
    text = f"{milliseconds(found[statistic])} ({milliseconds(found[other])})"
    return text if found["ok"] else f"WRONG {found['error']:.1g}: {text}"


def _ratio(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def main_table(report: Found, rows: list[Figures], statistic: str) -> Table:
    """Times by row and candidate, floors and ratios."""
    names = report["candidates"]
    ours = [n for n in names if n in OURS]
    there = {n for row in report["rows"].values() for n in row["found"]}
    names = [n for n in names if n in there]
    ours = [n for n in ours if n in there]
    head = ["row, ms", *names, "floor", "best peer", *(f"{n} ÷ peer" for n in ours)]
    table = [head + [f"{n} ÷ floor" for n in ours if n in ARRAY_FACE]]
    for each in rows:
        found = report["rows"][each.name]["found"]
        line = [each.name, *(cell(found.get(n), statistic) for n in names)]
        line += [milliseconds(each.floor) if each.floor else "", each.peer[0] if each.peer else ""]
        line += [_ratio(each.over_peer(n)) for n in ours]
        table.append(line + [_ratio(each.over_floor(n)) for n in ours if n in ARRAY_FACE])
    return table


def first_table(report: Found) -> Table:
    """Seconds of the first call, compilation included, and how often something was compiled."""
    there = {n for row in report["rows"].values() for n in row["found"]}
    names = [n for n in report["candidates"] if n in there]
    table = [["first call, s (compilations)", *names]]
    for row, result in report["rows"].items():
        table.append([row, *(_first(result["found"].get(n)) for n in names)])
    return table


def _first(found: Found | None) -> str:
    if not found or "first" not in found:
        return ""
    count = found.get("compilations")
    return f"{found['first']:.3g}" + (f" ({count})" if count is not None else "")


def peer_table(report: Found, rows: list[Figures]) -> Table:
    """By candidate: rows, how often best of the peers, geometric means."""
    table = [["candidate", "rows", "best peer in", "geomean ÷ best peer", "geomean ÷ floor"]]
    for name in report["candidates"]:
        mine = [r for r in rows if name in r.seconds]
        if not mine:
            continue
        best = sum(bool(r.peer) and r.peer[0] == name for r in mine)
        over = [v for r in mine if (v := r.over_peer(name))]
        floors = [v for r in mine if r.limit and (v := r.over_floor(name))]
        means = [f"{geomean(v):.2f}" if v else "" for v in (over, floors)]
        table.append([name, str(len(mine)), "" if name in OURS else str(best), *means])
    return table


def verdict_table(lines: list[Verdict]) -> Table:
    """The lines of the requirements and whether they hold."""
    word = {True: "holds", False: "FAILS", None: "not measured"}
    head = ["required (the better of lazy and jit)", "found", ""]
    return [head, *([what, found, word[holds]] for what, found, holds in lines)]


def text(table: Table) -> str:
    """Columns of equal width."""
    widths = [max(len(line[i]) for line in table) for i in range(len(table[0]))]
    return "\n".join(
        "  ".join(
            f"{c:<{w}}" if i == 0 else f"{c:>{w}}" for i, (c, w) in enumerate(zip(line, widths))
        )
        for line in table
    )


def markdown(table: Table) -> str:
    """A table of markdown."""
    lines = ["| " + " | ".join(line) + " |" for line in table]
    return "\n".join([lines[0], "|" + " --- |" * len(table[0]), *lines[1:]])


def heading(report: Found) -> str:
    """What was run, on what."""
    options = report["options"]
    found = ", ".join(f"{n} {v}" for n, v in report["versions"].items())
    pages = "kept" if options["pages_kept"] else "fresh"
    how = f"{options['threads']} thread(s), {options['rounds']} rounds, {options['clock']} clock"
    how += f", target {options['target'] or 'default'}, pages {pages}"
    how += f", sizes ÷ {options['small']}" if options["small"] > 1 else ""
    lines = [f"{report['machine']}; {found}; {how}"]
    lines += [speed for name in UNITS if (speed := _speed(report, name))]
    lines += [f"left out: {why}" for why in dict.fromkeys(report["missing"].values())]
    return "\n".join(lines)


def _speed(report: Found, name: str) -> str:
    """A yardstick's median over the rows, and its least and most."""
    statistic = report["options"]["by"]
    rows = [
        row["speeds"][name][statistic] / 1e9
        for row in report["rows"].values()
        if name in row.get("speeds", ())
    ]
    if not rows:
        return ""
    return f"{name} {median(rows):.1f} {UNITS[name]} ({min(rows):.1f} to {max(rows):.1f} by rows)"


def tables(report: Found) -> list[Table]:
    """Everything that is shown."""
    out: list[Table] = []
    lines: list[Verdict] = []
    if report["rows"]:
        statistic = report["options"]["by"]
        rows = figures(report, statistic)
        out = [main_table(report, rows, statistic), first_table(report), peer_table(report, rows)]
        lines = verdicts(rows, report["options"]["pages_kept"]) + compilations(report)
    if report.get("fresh"):
        out.append(fresh_table(report["fresh"]))
        lines += fresh(report["fresh"])
    return [*out, verdict_table(lines)]


def fresh_table(lines: list[Found]) -> Table:
    """First calls and memory in processes of their own."""
    head = ["new process", "candidate", "import s", "first s, cold", "first s, warm cache"]
    table = [[*head, "cost s, cold", "cost s, warm cache", "steady ms", "peak MB", "before it"]]
    for line in lines:
        if "failed" in line:
            table.append([line["row"], line["candidate"], line["failed"], *[""] * 7])
            continue
        cold, warm = line["cold"], line["warm"]
        times = [warm["import"], cold["first"], warm["first"], cold["cost"], warm["cost"]]
        start = [line["row"], line["candidate"], *(f"{v:.3g}" for v in times)]
        memory = [f"{warm[name] / 1e6:.0f}" for name in ("peak", "before")]
        table.append([*start, milliseconds(warm["steady"]), *memory])
    return table


def failures(report: Found) -> list[str]:
    """What was wrong or did not run, in words."""
    return [
        f"{row}, {name}: " + (found.get("failed") or f"WRONG, {found['error']:.3g} off")
        for row, result in report["rows"].items()
        for name, found in result["found"].items()
        if not found.get("ok")
    ]


def write(report: Found, folder: Path) -> None:
    """`report.json`, `report.md`, and `report.png` where matplotlib is installed."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.json").write_text(json.dumps(report, indent=1))
    parts = [heading(report), *map(markdown, tables(report)), *failures(report)]
    (folder / "report.md").write_text("\n\n".join(parts) + "\n")
    try:
        from . import plot
    except ImportError:
        print("matplotlib is not installed: no plot")
    else:
        plot.draw(figures(report, report["options"]["by"]), folder / "report.png")
