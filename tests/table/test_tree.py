"""Sums and products by a fixed tree: accuracy along every axis, the same bits for every layout."""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np
import pytest

from lazytensor._base import config
from lazytensor.ir.node import leaf
from lazytensor.ir.op import ROWS
from lazytensor.ops import g
from lazytensor.ops._tree import BLOCK, GROUP, LANES, runs, tree_reduce
from lazytensor.runtime.materialize import value

from .checks import same_bits

Array = np.ndarray[Any, Any]
SIZES = (1, 2, 3, 5, 21, LANES - 1, LANES, LANES + 1, GROUP - 25, GROUP, GROUP + 1, 3 * GROUP + 70)
LONG_SIZES = (BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 700, 7 * BLOCK + 8 * GROUP + 1)


def total(x: Array, axes: tuple[int, ...], name: str = "sum") -> Array:
    return np.asarray(ROWS[name].value(np, x, axes))


def by_definition(x: Array, combine: Any) -> Any:
    """The tree as its module's docstring has it, one element at a time."""
    if len(x) > BLOCK:
        starts = range(0, len(x), BLOCK)
        return by_definition(
            np.array([by_definition(x[i : i + BLOCK], combine) for i in starts], x.dtype), combine
        )
    lanes = [lane_by_definition(x[i::LANES], combine) for i in range(min(len(x), LANES))]
    while len(lanes) > 1:
        low = max(2**k for k in range(6) if 2**k < len(lanes))
        folded = [combine(a, b) for a, b in zip(lanes[:low], lanes[low:], strict=False)]
        lanes = folded + lanes[len(folded) : low]
    return lanes[0][0]


def lane_by_definition(x: Array, combine: Any) -> Any:
    """Eight at a time in order, and what these come to."""
    sums = [reduce(combine, np.split(g, len(g))) for g in np.split(x, range(8, len(x), 8))]
    return reduce(combine, sums)


@pytest.mark.parametrize("n", SIZES + LONG_SIZES)
@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64"])
def test_tree_is_the_one_described(n: int, dtype: str) -> None:
    rng = np.random.default_rng(n)
    x = (rng.standard_normal(n) + (1j if dtype == "complex64" else 0)).astype(dtype)
    assert same_bits(total(x, (0,)), np.asarray(by_definition(x, np.add)))


@pytest.mark.parametrize("axis", [0, 1, None])
def test_a_sum_of_ten_million_tenths(axis: int | None, full: bool) -> None:
    """Within 2e-6 along every axis, where NumPy's own sum along axis 0 is 2.4 % off."""
    n, tenth = 10_000_000, np.float32(0.1)
    shapes = {0: (n, 3 if full else 1), 1: (3 if full else 1, n), None: (n // 10, 10)}
    found = total(np.full(shapes[axis], tenth), (0, 1) if axis is None else (axis,))
    np.testing.assert_allclose(found, n * 0.1, 2e-6)


def test_a_sum_over_columns_and_over_two_of_three_axes() -> None:
    x = np.full((1000, 4, 1000), np.float32(0.1))
    for axes, count in (((0,), 1000), ((0, 2), 1_000_000), ((0, 1), 4000), ((1, 2), 4000)):
        np.testing.assert_allclose(total(x, axes), count * 0.1, 2e-6)


def test_sequential_addition_would_not_be_accurate_enough() -> None:
    """The checker fails on the sum that the tree replaces."""
    x = np.full((1_000_000, 2), np.float32(0.1))
    with pytest.raises(AssertionError):
        np.testing.assert_allclose(np.add.reduce(x, 0), 1e5, 2e-6)
    np.testing.assert_allclose(total(x, (0,)), 1e5, 2e-6)


def layouts(x: Array) -> dict[str, Array]:
    """The same elements in memory in other ways."""
    spaced = np.zeros(tuple(2 * n for n in x.shape), x.dtype)[
        tuple(slice(1, None, 2) for _ in x.shape)
    ]
    spaced[...] = x
    raw = np.zeros(x.nbytes + 1, np.uint8)[1:].view(x.dtype).reshape(x.shape)
    raw[...] = x
    flipped = np.ascontiguousarray(x[tuple(slice(None, None, -1) for _ in x.shape)])
    return {
        "columns first": np.asfortranarray(x),
        "strided": spaced,
        "misaligned": raw,
        "backwards": flipped[tuple(slice(None, None, -1) for _ in x.shape)],
        "middle first": np.ascontiguousarray(np.moveaxis(x, 1, 0)).swapaxes(0, 1),
    }


@pytest.mark.parametrize("name", ["sum", "prod"])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "complex64", "complex128"])
@pytest.mark.parametrize("shape", [(5, 7, 3), (2, 1100, 2), (70, 3, 1), (4200, 2, 1), (1, 1, 9000)])
def test_same_bits_for_any_layout(name: str, dtype: str, shape: tuple[int, ...]) -> None:
    x = np.random.default_rng(1).uniform(0.9, 1.1, shape).astype(dtype)
    for axes in ((0,), (1,), (2,), (0, 1), (1, 2), (0, 2), (0, 1, 2)):
        wanted = total(x, axes, name)
        for layout, y in layouts(x).items():
            assert (y == x).all()
            assert same_bits(total(y, axes, name), wanted), (layout, axes)
            assert (y == x).all(), "the argument was written to"


def test_each_row_of_a_batch_sums_as_it_does_alone() -> None:
    """Whichever way the rows are cut, among them short rows that are added side by side."""
    for rows, n in ((3, 5000), (100, 50), (64, 64), (65, 65), (2, 513)):
        x = np.random.default_rng(n).standard_normal((rows, n)).astype(np.float32)
        alone = np.array([total(row, (0,)) for row in x])
        assert same_bits(total(x, (1,)), alone)
        assert same_bits(total(x.T.copy(), (0,)), alone)


def test_nothing_to_reduce() -> None:
    assert total(np.zeros((0, 3), np.float32), (0,)).tolist() == [0, 0, 0]
    assert total(np.zeros((0, 3), np.float32), (0,), "prod").tolist() == [1, 1, 1]
    assert total(np.zeros((0, 3), np.float32), (1,)).shape == (0,)
    x = np.ones((2, 2))
    assert tree_reduce(np, np.add, x, (), 0) is not x
    assert total(x, ()).tolist() == x.tolist()


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "complex64"])
@pytest.mark.parametrize("n", [1, 2, 3, LANES + 1])
def test_sums_start_at_zero_as_numpys(n: int, dtype: str) -> None:
    x = np.full((2, n), -0.0, dtype)
    for axes in ((1,), (0, 1), ()):
        same_bits(total(x, axes), x.sum(axes) if axes else x + x.dtype.type(0))


def test_half_precision_is_summed_in_single() -> None:
    x = np.full(4000, 0.1, np.float16)
    assert total(x, (0,)) == np.float16(4000 * float(np.float16(0.1)))
    assert total(x, (0,)).dtype == np.float16


def test_integers_wrap() -> None:
    assert total(np.array([127, 1], np.int8), (0,)).item() == -128
    assert total(np.array([2, 0], np.uint8), (0,), "prod").dtype == np.uint8


@pytest.mark.parametrize("dtype", ["float16", "float32", "int8", "complex64"])
@pytest.mark.parametrize("axes", [(0, 2), (0, 2, 3), (0, 2, 4), (1, 3), (0, 1, 3, 4)])
def test_axes_apart_are_reduced_run_by_run(axes: tuple[int, ...], dtype: str) -> None:
    x = np.random.default_rng(2).uniform(1, 5, (3, 40, 5, 6, 7)).astype(dtype)
    wide = x.astype(np.float32) if dtype == "float16" else x
    for name in ("sum", "max") if dtype != "complex64" else ("sum",):
        want = wide
        for run in runs(x.shape, axes)[::-1]:
            want = total(want, run, name)
        assert same_bits(total(x, axes, name), want.astype(dtype))
        for target in ("llvm", "numpy"):
            with config.context(execution="compile", target=target):
                found = value(getattr(g, name)(leaf(x), axes))
            assert same_bits(found, want.astype(dtype)), (name, target)


def test_axes_of_size_1_keep_none_apart() -> None:
    assert runs((2, 1, 3, 4, 1, 5), (0, 2, 5)) == [(0, 2), (5,)]
    assert runs((2, 1, 3), ()) == []
