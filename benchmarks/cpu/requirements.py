"""What the figures are held against: ratios to the best peer and to the floor, and a verdict on
each line of the requirements.

What enters: a report of `run.py`. What leaves: figures of each row, and lines of verdicts.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatch
from typing import Any

from .candidates import OURS
from .floors import LARGE, floor

Found = dict[str, Any]
Verdict = tuple[str, str, bool | None]  # what is asked, what was found, whether it holds
FLOORS = {"stream": 1.10, "transcendental": 1.5, "movement": 2.0, "gradient": 1.5}
OVER_PEER = {"blas": 1.10}
ARRAY_FACE = ("lazytensor", "lazytensor.jit")


@dataclass
class Figures:
    """A row's ratios. seconds: by candidate, of right results. limit: of ours ÷ floor, or None."""

    name: str
    kind: str
    seconds: dict[str, float]
    floor: float
    limit: float | None

    def best(self, names: Iterable[str]) -> tuple[str, float] | None:
        """The fastest of the named candidates that gave a right result."""
        there = {n: self.seconds[n] for n in names if n in self.seconds}
        return min(there.items(), key=lambda item: item[1]) if there else None

    @property
    def peer(self) -> tuple[str, float] | None:
        """The best peer and its seconds."""
        return self.best(n for n in self.seconds if n not in OURS)

    def over_peer(self, name: str) -> float | None:
        """A candidate's time over the best peer's."""
        peer = self.peer
        return self.seconds[name] / peer[1] if peer and name in self.seconds else None

    def over_floor(self, name: str) -> float | None:
        """A candidate's time over the floor, where there is one."""
        return self.seconds[name] / self.floor if self.floor and name in self.seconds else None


def figures(report: Found, statistic: str = "median") -> list[Figures]:
    """All rows' figures."""
    return [_figures(name, row, statistic) for name, row in report["rows"].items()]


def _figures(name: str, row: Found, statistic: str) -> Figures:
    seconds = {n: f[statistic] for n, f in row["found"].items() if f.get("ok") and statistic in f}
    kind = row.get("kind", "")
    limit = FLOORS.get(kind) if row.get("largest", 0) >= LARGE else None
    return Figures(name, kind, seconds, floor(row, statistic), limit)


def geomean(values: Iterable[float]) -> float:
    """The geometric mean, NaN of nothing."""
    logs = [math.log(v) for v in values]
    return math.exp(sum(logs) / len(logs)) if logs else math.nan


def verdicts(rows: list[Figures], kept: bool) -> list[Verdict]:
    """Lines of the requirements: what is asked, what was found, whether it holds (or None)."""
    ours = [(r, best) for r in rows if r.kind != "call" and (best := r.best(ARRAY_FACE))]
    ratios = {r.name: (b[1] / r.peer[1], OVER_PEER.get(r.kind, 1.05)) for r, b in ours if r.peer}
    out = [_all_within("no row above 1.05 (BLAS 1.10) of its best peer", ratios)]
    mean, goal = geomean(v for v, _ in ratios.values()), 0.85 if kept else 0.6
    pages = ", pages kept" if kept else ""
    holds = mean <= goal if ratios else None
    out.append((f"geometric mean over the best peer at most {goal}{pages}", f"{mean:.2f}", holds))
    for kind, limit in FLOORS.items():
        over = {r.name: (b[1] / r.floor, limit) for r, b in ours if r.limit and r.kind == kind}
        out.append(_all_within(f"{kind}: at most {limit} of the floor", over))
    return out + _faces(rows) + _calls(rows)


def _all_within(what: str, ratios: dict[str, tuple[float, float]]) -> Verdict:
    over = sorted((n for n, (v, limit) in ratios.items() if v > limit), key=lambda n: -ratios[n][0])
    worst = ", ".join(f"{n} {ratios[n][0]:.2f}" for n in over[:6])
    more = f" and {len(over) - 6} more" if len(over) > 6 else ""
    text = f"{len(ratios) - len(over)} of {len(ratios)} rows" + (f"; {worst}{more}" if over else "")
    return what, text, not over if ratios else None


# What each line of a few compares: ours, the peers, the most that is allowed.
FACES = (
    ("lazytensor.torch", ("torch",), 1.0),
    ("lazytensor.torch.compile", ("torch.compile", "jax.jit"), 1.0),
)
CALLS = (
    ("conv_*", "lazytensor.torch", ("torch",), 1.3),
    ("chain_scalars_*", "lazytensor", ("torch",), 1.0),
    ("chain_tensors_*", "lazytensor", ("torch",), 1.5),
    ("chain_face_[sb]*", "lazytensor.torch", ("torch",), 1.0),
    ("jit_*", "lazytensor.jit", ("jax.jit",), 1.0),
    ("tiny_200ops_1k", "lazytensor.jit", ("jax.jit",), 1.0),
)


def _faces(rows: list[Figures]) -> list[Verdict]:
    steps = [r for r in rows if r.kind == "step"]
    return [_against(steps, *each) for each in FACES] if steps else []


def _calls(rows: list[Figures]) -> list[Verdict]:
    out = []
    for glob, ours, peers, limit in CALLS:
        named = [r for r in rows if fnmatch(r.name, glob)]
        if named:
            what, text, holds = _against(named, ours, peers, limit)
            out.append((f"{glob}: {what}", text, holds))
    return out


def _against(rows: list[Figures], ours: str, peers: tuple[str, ...], limit: float) -> Verdict:
    ratios = {
        r.name: (r.seconds[ours] / best[1], limit)
        for r in rows
        if ours in r.seconds and (best := r.best(peers))
    }
    return _all_within(f"{ours} at most {limit} of {' and '.join(peers)}", ratios)


# --- processes ------------------------------------------------------------------------------------

COMPILATIONS = 2  # for 50 sizes of a batch
# Most seconds that first calls cost, with caches empty and filled.
COSTS = {"gelu_16M": (0.080, 0.010), "mlp_step": (0.400, 0.050), "gpt_step": (2.0, 0.250)}


def compilations(report: Found) -> list[Verdict]:
    """How often 50 batch sizes made ours compile."""
    found = report["rows"].get("batch_sizes_50", {}).get("found", {})
    counts = {n: f["compilations"] for n, f in found.items() if n in OURS and "compilations" in f}
    if not counts:
        return []
    warm = {n: found[n]["compilations when warm"] for n in counts}
    told = ", ".join(f"{n} {c} ({warm[n]} when warm)" for n, c in counts.items())
    what = f"50 batch sizes: at most {COMPILATIONS} compilations"
    return [(what, told, max(counts.values()) <= COMPILATIONS)]


def fresh(lines: list[Found]) -> list[Verdict]:
    """What first calls of ours cost, and their memory beside PyTorch's."""
    told = {(f["row"], f["candidate"]): f for f in lines if "failed" not in f}
    out: list[Verdict] = []
    for (row, name), found in told.items():
        if not name.startswith("lazytensor"):
            continue
        for state, limit in zip(("cold", "warm"), COSTS.get(row, ()), strict=False):
            seconds = found[state]["cost"]
            what = f"{row}, {name}: first call, {state}, at most {limit * 1e3:.0f} ms"
            out.append((what, f"{seconds * 1e3:.1f} ms", seconds <= limit))
        other = told.get((row, "torch"))
        if other and row.endswith("_step"):
            mine, theirs = (f["warm"]["peak"] / 1e6 for f in (found, other))
            what = f"{row}, {name}: peak memory at most PyTorch's"
            out.append((what, f"{mine:.0f} of {theirs:.0f} MB", mine <= theirs))
    return out
