"""What the figures of a GPU are held against: copies, peers, and the limits of single rows.

What enters: a report of `run.py`. What leaves: figures of each row, and lines of verdicts.
"""

from __future__ import annotations

from typing import Any

from ..cpu.candidates import OURS
from ..cpu.requirements import ARRAY_FACE, Figures, Verdict

Found = dict[str, Any]
OF_COPY = 0.97  # of the speed of copies, at the least
OF_PEER = 1.02  # of the best peer's time: what medians of one run differ by
LIMITS = {  # row: by what of ours, seconds, and whether the best peer's time will do too
    "mlp_step": (("lazytensor.jit",), 70e-6, True),
    "mlp_step_tf32": (("lazytensor.jit",), 46e-6, False),
    "gpt_step": (OURS, 9.3e-3, True),
    "gpt_step_tf32": (OURS, 3.9e-3, False),
    "tiny_200ops_1k": (("lazytensor.jit",), 30e-6, True),
}
FIRST = {"gelu_64M": 0.25, "mlp_step": 1.0}  # seconds that first calls of new programs cost


def figures(report: Found, statistic: str = "median") -> list[Figures]:
    """All rows' figures; floors are copies of as many bytes."""
    return [_figures(name, row, statistic) for name, row in report["rows"].items()]


def _figures(name: str, row: Found, statistic: str) -> Figures:
    seconds = {n: f[statistic] for n, f in row["found"].items() if f.get("ok") and statistic in f}
    copied = row["bytes"] / row["speeds"]["copy"][statistic] if row.get("kind") == "memory" else 0.0
    return Figures(name, row.get("kind", ""), seconds, copied, None)


def verdicts(report: Found, rows: list[Figures]) -> list[Verdict]:
    """Lines of the requirements: what is asked, what was found, whether it holds (or None)."""
    out = [_memory(r) for r in rows if r.kind == "memory"]
    out += [_matrix(r) for r in rows if r.kind == "matrix"]
    return out + [_limited(r) for r in rows if r.name in LIMITS] + _fresh(report)


def _memory(row: Figures) -> Verdict:
    what = f"{row.name}: at least {OF_COPY} of the speed of copies"
    best = row.best(ARRAY_FACE)
    if best is None:
        return what, "", None
    share = row.floor / best[1]
    return what, f"{share:.3f}, {best[0]}", share >= OF_COPY


def _matrix(row: Figures) -> Verdict:
    what = f"{row.name}: at most {OF_PEER} of the best peer"
    best = row.best(ARRAY_FACE)
    if best is None or row.peer is None:
        return what, "", None
    ratio = best[1] / row.peer[1]
    return what, f"{ratio:.3f} of {row.peer[0]}, {best[0]}", ratio <= OF_PEER


def _limited(row: Figures) -> Verdict:
    names, limit, or_peer = LIMITS[row.name]
    best, peer = row.best(names), row.peer if or_peer else None
    other = f" or {peer[0]}'s {peer[1] * 1e3:.3g} ms" if peer else ""
    what = f"{row.name}: at most {limit * 1e3:.3g} ms{other}"
    if best is None:
        return what, "", None
    holds = best[1] <= max(limit, peer[1] if peer else 0.0)
    return what, f"{best[1] * 1e3:.3g} ms, {best[0]}", holds


def _fresh(report: Found) -> list[Verdict]:
    out: list[Verdict] = []
    for line in report.get("fresh", []):
        if line["candidate"] not in OURS or "failed" in line:
            continue
        name, limit = f"{line['row']}, {line['candidate']}", FIRST.get(line["row"])
        cold, warm = line["cold"], line["warm"]
        if limit is not None:
            what = f"{name}: first calls cost at most {limit:g} s"
            out.append((what, f"{cold['cost']:.3g} s", cold["cost"] <= limit))
        told = f"{warm['compilations']} ({cold['compilations']} in the first)"
        what = f"{name}: a second process compiles nothing"
        out.append((what, told, warm["compilations"] == 0 < cold["compilations"]))
    return out
