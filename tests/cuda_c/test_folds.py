"""Folds of rows as CUDA C: the reference's bits for every dtype, around every size at which another
way begins, whatever the layout.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from table.samples import dtypes_of

import lazytensor._base.dtypes as d
from lazytensor.ir.node import Node, leaf
from lazytensor.ops import g

from .cases import Case, cases, check
from .edges import numbers
from .harness import compiler

EDGES = [1, 2, 3, 4, 5, 8, 15, 16, 17, 31, 32, 33, 63, 64, 65, 255, 256, 257, 300, 513, 2048, 2049]
LONG = [8191, 8192, 8193, 8200, 16384, 16385, 33000, 70001]
DTYPES = (*d.STANDARD, d.float16, d.bfloat16())


def data(shape: tuple[int, ...], dtype: Any, seed: int = 0) -> np.ndarray:
    """Some of the numbers at which something changes among ordinary ones, not everywhere."""
    rng = np.random.default_rng(seed)
    x = np.asarray(rng.standard_normal(shape) * 3)
    with np.errstate(all="ignore"):
        if d.kind(dtype) == "b":
            return np.asarray(x > 3)
        if d.kind(dtype) == "c":
            x = x + 1j * rng.standard_normal(shape)
        x = np.asarray(x).astype(dtype)
    rows = rng.random(shape[:1]) < 0.3
    edges = rng.choice(numbers(dtype), shape)
    return np.where((rng.random(shape) < 0.2) & rows.reshape(-1, *(1,) * (x.ndim - 1)), edges, x)


def softmax(x: Node, axis: int) -> Node:
    kept = tuple(1 if a == axis else n for a, n in enumerate(x.shape))
    e = g.exp(x - g.reshape(g.max(x, (axis,)), kept))
    return e / g.reshape(g.sum(e, (axis,)), kept)  # type: ignore[no-any-return]


def standard(x: Node, axis: int) -> Node:
    kept = tuple(1 if a == axis else n for a, n in enumerate(x.shape))
    n = float(x.shape[axis])
    centred = x - g.reshape(g.sum(x, (axis,)), kept) / n
    return centred / g.sqrt(g.reshape(g.sum(centred * centred, (axis,)), kept) / n + 1e-3)  # type: ignore[no-any-return]


PROGRAMS: dict[str, Callable[[Node, int], Any]] = {
    "sum": lambda x, axis: g.sum(x, (axis,)),
    "extrema": lambda x, axis: (g.max(x, (axis,)), g.min(x * x, (axis,)), x * x),
    "argmax": lambda x, axis: g.argmax(x, (axis,)),
    "argmin": lambda x, axis: g.argmin(x, (axis,)),
    "mean": lambda x, axis: g.sqrt(g.sum(x * x, (axis,)) / 3.0 + 1.0),
    "softmax": softmax,
    "standard": standard,
}  # fmt: skip


def nodes(program: str, x: np.ndarray, axis: int) -> list[Node]:
    """A program's results."""
    out = PROGRAMS[program](leaf(x), axis)
    return [out] if isinstance(out, Node) else list(out)


def sizes(effort: Callable[[int, int], int]) -> Iterator[tuple[tuple[int, int], int]]:
    """Shapes and axes: rows and columns of every number, few of one where there are many of the
    other.
    """
    for n in EDGES + LONG[: effort(6, 8)]:
        for rows in (1, 2, 7, 9) if n < 300 else (1, 3):
            yield (rows, n), 1
        for rows in (2, 8, 9, 33) if n < 300 else (3, 33):
            yield (n, rows), 0


@pytest.mark.parametrize("program", PROGRAMS)
def test_sizes(program: str, effort: Callable[[int, int], int]) -> None:
    compiler()
    found = [
        c
        for shape, axis in sizes(effort)
        for c in cases(nodes(program, data(shape, d.float32), axis), (program, shape, axis))
    ]
    seen = check(found)
    once = program in ("sum", "extrema", "argmax", "argmin", "mean")
    ways = ["along held", "along whole", "across held", "across whole"]
    ways += ["along blocks", "across blocks", "along rest"] if once else []
    assert all(seen[way] for way in ways), seen


def of_every_row(dtype: d.DType) -> Iterator[Case]:
    """Folds of a dtype, each of its own, along rows and across them."""
    from lazytensor.ir.op import ROWS

    for op in ROWS.values():
        if op.kind != "reduce" or op.body is None or dtype not in dtypes_of(op):
            continue
        for shape, axis in (((9, 70), 1), ((70, 9), 0), ((3, 9000), 1), ((9000, 9), 0)):
            x = data(shape, dtype, shape[0])
            yield from cases([getattr(g, op.name)(leaf(x), (axis,))], (op.name, dtype, shape))


@pytest.mark.parametrize("dtype", DTYPES, ids=lambda dtype: dtype.name)
def test_dtypes(dtype: d.DType) -> None:
    compiler()
    seen = check(of_every_row(dtype))
    assert seen["along blocks"] and seen["across blocks"] and not seen["unsupported"], seen
