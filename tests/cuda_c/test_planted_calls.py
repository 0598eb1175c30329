"""Bugs planted into kernels of rows are found by the tests that run them as fibres."""

import faulthandler
import multiprocessing
import signal
from typing import Any

import numpy as np
import pytest

import lazytensor._base.dtypes as d
from lazytensor.ops import gather, movement, scan, walks

from . import calls, test_symmetric
from .calls import Call, check
from .harness import compiler
from .planting import planted
from .test_device_sorts import several
from .test_folds import data
from .test_gathers import index
from .test_scans import lines
from .test_walks_on_devices import arrays


def sorts() -> list[Call]:
    return [Call(scan.argsort, [several(d.float32, 1500, 2)], (1, False))]


def scatters() -> list[Call]:
    x, u, i = data((9,), d.float32), data((300,), d.float32, 1), index((300,), 9)
    return [Call(op, [x, u, i]) for op in (gather.scatter, gather.scatter_add)]


def scans() -> list[Call]:
    x = data((3, 700), d.int64)
    y = x[:, :200].astype(np.float32)
    return [Call(scan.cumsum, [x], (1,)), *lines(scan.cumsum, y)]


def transposes() -> list[Call]:
    return [Call(movement.permute, [data((70, 40), d.float32)], ((1, 0),))]


def failures() -> list[Call]:
    x, i = data((40, 6), d.float32), index((300,), 40)
    i[[5, 200]] = (77, 99)
    return [Call(gather.gather, [x, i])]


def negative() -> list[Call]:
    return [Call(gather.gather, [data((40, 6), d.float32), np.array([-41, 3])])]


def steps() -> list[Call]:
    return [Call(walks.band_walk, arrays((5, 2, 70), d.float32, 4, 0))]


def pivots() -> list[Call]:
    return list(test_symmetric.systems(d.float64, False))[:3]


SORTED = "if (y.before(x) == up) room[i] = y, room[i + d] = x;\n      }\n      __syncthreads();"
STORED = "c0 + c)));\n    }\n    __syncthreads();"
TILED = "* w[9]);\n  __syncthreads();"
PLANTED = {
    "a missing barrier between exchanges": (
        sorts, "sorts", SORTED, SORTED.replace("__syncthreads();", "")
    ),
    "places that count for nothing": (
        sorts, "sorts", "Packed{rank << 32 | u64(place)}",
        "Packed{rank << 32 | u64(~place & 4095)}"
    ),
    "runs that are searched to the wrong end": (
        sorts, "sorts", "i < middle ? before(from + middle, end - middle, x)",
        "i < middle ? before(from + middle, end - middle - 1, x)",
    ),
    "any row where the last one stays": (
        scatters, "scatters", "!= piece.row + 1) return;", "== 0) return;"
    ),
    "rows in another order": (
        scatters, "scatters", "F::step(x, next[i])", "F::step(x, next[AHEAD - 1 - i])"
    ),
    "a missing barrier before results are stored": (
        scans, "scans", STORED, STORED.replace("__syncthreads();", "")
    ),
    "a barrier for some": (
        scans, "scans", "if (t < groups) {", "if (t < groups) {\n    __syncthreads();"
    ),
    "a piece joined twice": (
        scans, "scans", "if (t % PIECES) before.add", "before.add"
    ),
    "a missing barrier between reading and writing a tile": (
        transposes, "copies", TILED, TILED.replace("__syncthreads();", "")
    ),
    "a missing barrier between steps": (
        steps, "walks", "threadIdx.x);\n    __syncthreads();", "threadIdx.x);"
    ),
    "a state that comes from behind the first": (
        steps, "walks", "if (state > 1)", "if (state > 2)"
    ),
    "rows that are not exchanged on the way back": (
        pivots, "symmetric", "exchanged(end - 1, size ? size - 1 : n - 1);", "__syncthreads();"
    ),
    "a block of two whose sides are mixed up": (
        pivots, "symmetric", "x.put(last, side, both.y);", "x.put(last, side, both.x);"
    ),
    "whoever comes last is reported": (
        failures, "places", "if (old && old <= u64(first)) return;", "if (false) return;"
    ),
    "one place too many before the end": (
        negative, "places", "place < 0 || place >= n", "place < -1 || place >= n"
    ),
}  # fmt: skip


@pytest.mark.parametrize("bug", PLANTED)
def test_a_planted_bug_is_found(bug: str, monkeypatch: Any) -> None:
    compiler()
    of, *change = PLANTED[bug]
    found = of()
    check(found)
    planted(monkeypatch, calls, "part_of", *change)
    with pytest.raises(AssertionError):
        check(found)


def _quietly(found: list[Call]) -> None:
    faulthandler.disable()
    check(found)


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_who_does_not_look_at_indices_is_killed(monkeypatch: Any) -> None:
    compiler()
    planted(
        monkeypatch, calls, "part_of", "places", "if (place < 0 || place >= n) {", "if (false) {"
    )
    x = data((2, 6), d.float32)
    found = [Call(gather.gather, [x, np.array([0, 1 << 30])])]
    process = multiprocessing.get_context("fork").Process(target=_quietly, args=(found,))
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGSEGV
