"""Kernels over operands that lie in other ways than the space: transposes, strides, what is
reversed or the same along axes; around every size at which another way begins.
"""

from collections.abc import Iterator
from itertools import permutations
from typing import Any

import numpy as np
import pytest

import lazytensor._base.dtypes as d
from lazytensor.ir.node import leaf
from lazytensor.ops import g
from lazytensor.targets.cuda import tiled

from .cases import Case, cases, check
from .harness import compiler
from .nvrtc import ARCHITECTURES, nvrtc
from .test_compiled import check as compile_all
from .test_compiled import keys
from .test_folds import data

DTYPES = [d.bool_, d.int8, d.float16, d.float32, d.float64, d.complex64, d.complex128]
SIZES = [1, 2, 7, 8, 9, 31, 32, 33, 63, 64, 65, 100]


def across(shape: tuple[int, ...], dtype: Any, order: tuple[int, ...], seed: int) -> np.ndarray:
    """An array of a shape whose axes lie in some order."""
    lie = data(tuple(shape[k] for k in order), dtype, seed)
    return lie.transpose(np.argsort(order))


def transposes(dtype: Any, sizes: Iterator[tuple[int, ...]]) -> Iterator[Case]:
    """A matrix by a transpose; a transpose alone, also one that runs backwards."""
    for m, n in sizes:
        x, y = across((m, n), dtype, (1, 0), m), data((m, n), dtype, n)
        either = g.where(g.equal(leaf(x), leaf(y)), leaf(x), leaf(y))
        yield from cases([either, g.equal(leaf(x), leaf(y))], (dtype, m, n))
        yield from cases([g.not_equal(leaf(x[::-1, ::-1]), leaf(y))], (dtype, m, n, "backwards"))


@pytest.mark.parametrize("dtype", DTYPES, ids=lambda dtype: dtype.name)
def test_transposes(dtype: Any) -> None:
    compiler()
    sizes = ((m, n) for m in SIZES for n in SIZES if dtype is d.float32 or (m * n) % 3 == 0)
    seen = check(transposes(dtype, sizes))
    assert seen["tiled whole"] and seen["flat whole"], seen


def orders(rank: int) -> Iterator[tuple[int, ...]]:
    return permutations(range(rank))


def test_axes_in_any_order() -> None:
    compiler()
    shape, found = (9, 10, 3, 33), []
    for i, order in enumerate(orders(4)):
        x = across(shape, d.float32, order, i)
        y = across(shape, d.float32, order[::-1], i + 1)
        z = data((1, 10, 1, 33), d.float32)
        w = leaf(data((9, 1, 1, 1), d.float32))
        found += cases([leaf(x) * leaf(y) + leaf(z), (leaf(x) - leaf(y)) * w], order)
    seen = check(found)
    assert seen["tiled several outer"] and seen["tiled crossing"] and seen["tiled same"], seen


def test_more_transposes_than_there_is_shared_memory_for() -> None:
    compiler()
    found = []
    for dtype in (d.complex128, d.float64):
        xs = [leaf(across((40, 40), dtype, (1, 0), k)) for k in range(5)]
        found += cases([xs[0] + xs[1] * xs[2] - xs[3] * xs[4]])
    seen = check(found)
    assert seen["tiled strided"] > 2, seen
    assert tiled.shared([16, 16]) <= 48 << 10 < tiled.shared([16, 16, 16])


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_compiled(architecture: str) -> None:
    nvrtc()
    found = [c for dtype in DTYPES for c in transposes(dtype, iter([(40, 50)]))]
    compile_all(keys(found), architecture)
