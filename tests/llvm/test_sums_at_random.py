"""Random kernels that fold rows and sum over rows at once: they have the interpreter's bits."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

pytest.importorskip("llvmlite")

from lazytensor._base import config
from lazytensor.ir.node import Node, leaf
from lazytensor.lower import fuse, totals
from lazytensor.ops import g
from lazytensor.runtime.materialize import materialize

from .graphs import LAYOUTS, array
from .running import recording, same

SIZES = ([1, 2, 3, 6], [5, 31, 33, 64, 300, 1030], [1, 3, 31, 40, 129, 1100])
ROWS = [g.sum, g.max, g.argmax]


def program(rng: np.random.Generator, rank: int) -> Callable[..., list[Node]]:
    """A fold of rows, what is computed with it, sums over rows of some of it, and what follows."""
    picks = rng.integers(0, 100, 12).tolist()

    def build(x: Node, u: Node, w: Node) -> list[Node]:
        lead, last = tuple(range(rank - 1)), rank - 1
        kept = (*x.shape[:-1], 1)
        values = [x, u, x * u, x - w]
        fold = g.reshape(g.sum(values[picks[0] % 4], (last,)), kept)
        values += [x / (fold * fold + 1.0), u * fold, g.exp(-fold * fold) * w]
        more = g.reshape(ROWS[picks[1] % 2](values[picks[2] % 7], (last,)), kept)
        values += [u - more, g.maximum(x, more)]
        found = [values[4 + picks[3] % 5]] if picks[4] % 3 else [fold]
        for k in range(1 + picks[5] % 3):
            total = g.sum(values[picks[6 + k] % 9], lead)
            found.append((total, total * w, g.sqrt(total * total) + total)[picks[9 + k] % 3])
        return found

    return build


def check(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rank = 2 + seed % 2
    shape = tuple(int(rng.choice(s)) for s in SIZES[3 - rank :])
    dtype = ("float32", "float64", "float32", "float16")[seed % 4]
    x, u = (array(shape, dtype, LAYOUTS[int(rng.integers(len(LAYOUTS)))], seed + i) for i in (0, 1))
    w = array(shape[-1:], dtype, "c", seed)
    build = program(rng, rank)
    found: list[list[Any]] = []
    for how, threads in (("interpret", 1), ("compile", 1), ("compile", 3)):
        with config.context(target="llvm", execution=how, num_threads=threads):
            nodes = build(leaf(x), leaf(u), leaf(w))
            materialize(tuple(nodes))
            found.append([n.value for n in nodes])
    for got in found[1:]:
        for a, b in zip(got, found[0], strict=True):
            same(a, b, (seed, shape, dtype))


def test_random_sums_over_rows(effort: Callable[[int, int], int], monkeypatch: Any) -> None:
    monkeypatch.setattr(totals, "WORTH", 1)
    monkeypatch.setattr(fuse, "SMALL", 0)
    with recording() as seen:
        for seed in range(effort(60, 2000)):
            check(seed)
    assert seen["summed"] > 10, seen
