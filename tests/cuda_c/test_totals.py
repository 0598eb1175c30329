"""Kernels that fold rows and sum over rows at once, as CUDA C: the reference's bits."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

pytest.importorskip("llvmlite")

from llvm.graphs import LAYOUTS, array
from llvm.test_sums_at_random import program

import lazytensor._base.dtypes as d
from lazytensor.ir.node import Node, leaf
from lazytensor.lower import fuse
from lazytensor.lower.totals import Totals
from lazytensor.ops import g
from lazytensor.targets.cuda import launches

from .cases import Case, cases, check
from .harness import bound, compiler
from .nvrtc import ARCHITECTURES, nvrtc
from .test_compiled import check as compile_all
from .test_compiled import keys
from .test_folds import data


@pytest.fixture(autouse=True)
def apart(monkeypatch: Any) -> None:
    """Kernels over few elements aren't one, and few rows are enough to be summed with others."""
    monkeypatch.setattr(fuse, "SMALL", 0)
    monkeypatch.setattr(launches, "LEAST_UNITS", 1)


def gradients(x: Node, u: Node, axis: int) -> list[Node]:
    """As of a normalisation: rows, and sums over rows of what is read and of what is computed."""

    def mean(y: Node) -> Node:
        kept = (*y.shape[:axis], *(1,) * (y.ndim - axis))
        return g.reshape(g.sum(y, tuple(range(axis, y.ndim))), kept)

    lead = tuple(range(axis))
    y = x / (mean(x * x) + 1.0)
    return [u * y - mean(u * y), g.sum(u * y, lead), g.sqrt(g.abs(g.sum(u, lead)))]


def normalisation(shape: tuple[int, ...], axis: int, dtype: Any = d.float32) -> list[Case]:
    x, u = (leaf(data(shape, dtype, k)) for k in (1, 2))
    return cases(gradients(x, u, axis), (shape, axis, dtype))


ROWS = [1, 2, 31, 32, 33, 64, 255, 256, 257, 300, 513, 2049]
COLUMNS = [1, 2, 3, 5, 31, 32, 33, 255, 256, 257, 300]


def sizes() -> Iterator[tuple[tuple[int, ...], int]]:
    for i, rows in enumerate(ROWS):
        for columns in COLUMNS[i % 2 :: 2]:
            yield (rows, columns), 1
    yield from (((8192, 5), 1), ((8193, 3), 1), ((20_000, 2), 1), ((3, 2500), 1), ((40, 1030), 1))
    yield from (((7, 41, 33), 2), ((5, 60, 4, 9), 2))


@pytest.mark.parametrize("dtype", [d.float32, d.float64], ids=lambda dtype: dtype.name)
def test_sizes(dtype: d.DType) -> None:
    compiler()
    found = [c for shape, axis in sizes() for c in normalisation(shape, axis, dtype)]
    assert sum(isinstance(c.launch, Totals) for c in found) > len(found) // 2
    seen = check(found)
    assert seen["summed whole"] > 90 and seen["across partial"] > 150, seen


def test_many_rows_are_cut_into_blocks() -> None:
    """Where there are few columns, sums of so many rows are taken block by block."""
    compiler()
    seen = check(normalisation((33_000, 2), 1))
    assert seen["across blocks"] == 4 and seen["along rest"] == 4, seen


def rows_of(seed: int) -> list[Case]:
    """What a random program of sums over rows comes to."""
    rng, rank = np.random.default_rng(seed), 2 + seed % 2
    first = ([1, 2, 3, 6], [5, 31, 33, 64, 300], [1, 3, 31, 40, 129, 1100])
    shape = tuple(int(rng.choice(s)) for s in first[3 - rank :])
    dtype = ("float32", "float64", "float32", "float16")[seed % 4]
    x, u = (array(shape, dtype, LAYOUTS[int(rng.integers(len(LAYOUTS)))], seed + i) for i in (0, 1))
    w = array(shape[-1:], dtype, "c", seed)
    return cases(program(rng, rank)(leaf(x), leaf(u), leaf(w)), ("sums", seed))


def test_at_random(effort: Callable[[int, int], int]) -> None:
    compiler()
    found = [c for seed in range(effort(100, 2000)) for c in rows_of(seed)]
    several = [c for c in found if isinstance(c.launch, Totals)]
    seen = check(found)
    assert seen["summed whole"] > len(several) and not seen["unsupported"], seen
    assert seen["summed whole"] < 2 * len(several), "none was bound as launches apart"


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_compiled(architecture: str) -> None:
    """Registers hold what eight rows come to, of short and of long rows."""
    nvrtc()
    shapes = ((4096, 30), (4096, 1024), (2048, 3000))
    found = [c for s in shapes for t in (d.float32, d.float64) for c in normalisation(s, 1, t)]
    forms = [form for _, form in compile_all(keys(found), architecture)]
    assert sum(form.way == "summed" for form in forms) > 3, forms


def test_few_or_long_rows_are_summed_apart(monkeypatch: Any) -> None:
    """What is bound, and what a launch apart takes of scratch memory."""
    monkeypatch.undo()
    monkeypatch.setattr(fuse, "SMALL", 0)
    ways = []
    for shape in ((4096, 256), (64, 256), (1100, 9000)):
        x, u = (leaf(np.ones(shape, np.float32)) for _ in range(2))
        (case,) = cases(gradients(x, u, 1))
        found = bound(case.launch, case.args, case.wants)
        ways.append((found.commands[0].form.way, len(found.commands), found.scratch))
    sums = 2 * 4096 // 8 * 256 * 4
    assert ways[0] == ("summed", 3, sums)
    assert ways[1] == ("along", 3, 64 * 256 * 4)
    assert ways[2][0] == "along" and ways[2][2] > 1100 * 9000 * 4
