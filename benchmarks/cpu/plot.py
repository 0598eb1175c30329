"""A plot of the rows: each candidate's time over the best peer's, and the floor."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("agg")
import matplotlib.pyplot as plt

from .candidates import OURS, PEERS
from .requirements import Figures

MARKS = dict(zip((*PEERS, *OURS), "ovs^D<PX*p", strict=True))


def draw(rows: list[Figures], path: Path) -> None:
    """Write the plot: a line for each row, logarithmic, ours filled."""
    rows = [r for r in rows if r.peer][::-1]
    figure, axes = plt.subplots(figsize=(10, 2 + 0.25 * len(rows)), layout="constrained")
    for name, mark in MARKS.items():
        _points(axes, rows, name, mark)
    floors = [(r.floor / r.peer[1], y) for y, r in enumerate(rows) if r.floor and r.peer]
    axes.plot(
        *zip(*floors) if floors else ([], []), "|", color="black", markersize=12, label="floor"
    )
    axes.axvline(1, color="gray", linewidth=0.8)
    axes.set(xscale="log", xlabel="time ÷ the best peer's", yticks=range(len(rows)))
    axes.set_yticklabels([r.name for r in rows], fontsize=8)
    axes.grid(axis="x", alpha=0.3)
    axes.set_ylim(-1, len(rows))
    axes.legend(loc="lower center", bbox_to_anchor=(0.4, 1), ncols=6, fontsize=8)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _points(axes: Any, rows: list[Figures], name: str, mark: str) -> None:
    points = [(v, y) for y, r in enumerate(rows) if (v := r.over_peer(name))]
    if points:
        fill = {} if name in OURS else {"markerfacecolor": "none"}
        size = 8 if name in OURS else 5
        axes.plot(*zip(*points), mark, markersize=size, label=name, alpha=0.8, **fill)
