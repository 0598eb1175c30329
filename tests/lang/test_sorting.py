"""Sorting and searching against NumPy: stability both ways, NaN, zero sizes, membership."""

from typing import Any

import numpy as np
import pytest
from numpy.exceptions import AxisError

from lazytensor._base.dtypes import STANDARD
from lazytensor.ir.node import leaf
from lazytensor.lang import sorting

from .oracle import SHAPES, dtypes, made, run, same

REAL = dtypes("biuf")


@pytest.mark.parametrize("dtype", REAL, ids=str)
@pytest.mark.parametrize("descending", [False, True])
def test_sort_and_argsort(dtype: Any, descending: bool) -> None:
    for shape in [s for s in SHAPES if s]:
        x = np.round(made(shape, dtype)).astype(dtype)
        for axis in range(-len(shape), len(shape)):
            want = np.sort(x, axis)
            got = run(sorting.sort, x, axis, descending=descending)
            same(got, np.flip(want, axis) if descending else want, dtype)
            places = run(sorting.argsort, x, axis, descending=descending)
            assert places.dtype == np.int64
            same(np.take_along_axis(x, places, axis), got, dtype)
            if not descending:
                same(places, np.argsort(x, axis, stable=True))


def test_equal_elements_stay_in_order() -> None:
    x = np.array([1, 0, 1, 0, 1, 2, 2])
    same(run(sorting.argsort, x), [1, 3, 0, 2, 4, 5, 6])
    same(run(sorting.argsort, x, descending=True), [5, 6, 0, 2, 4, 1, 3])


@pytest.mark.parametrize("descending", [False, True])
def test_nan_goes_to_one_end(descending: bool) -> None:
    x = np.array([2.0, np.nan, -np.inf, 1.0, np.nan, np.inf])
    got = run(sorting.sort, x, descending=descending)
    rest = np.sort(x[~np.isnan(x)])
    assert np.isnan(got).sum() == 2
    np.testing.assert_array_equal(got[~np.isnan(got)], rest[::-1] if descending else rest)
    assert np.isnan(got[:2]).all() or np.isnan(got[-2:]).all()
    np.testing.assert_array_equal(x[run(sorting.argsort, x, descending=descending)], got)


@pytest.mark.parametrize("dtype", REAL, ids=str)
@pytest.mark.parametrize("side", ["left", "right"])
def test_searchsorted(dtype: Any, side: Any) -> None:
    for n in (0, 1, 6):
        x = np.sort(made((n,), dtype))
        for shape in [(), (4,), (2, 3), (0, 2)]:
            v = made(shape, dtype, 1)
            same(run(sorting.searchsorted, x, v, side=side), np.searchsorted(x, v, side), np.int64)
            if n:
                mixed = np.flip(x)
                order = np.argsort(mixed)
                got = run(sorting.searchsorted, mixed, v, side=side, sorter=leaf(order))
                same(got, np.searchsorted(mixed, v, side, order), np.int64)


@pytest.mark.parametrize("dtype", STANDARD, ids=str)
@pytest.mark.parametrize("invert", [False, True])
def test_isin(dtype: Any, invert: bool) -> None:
    for shape in SHAPES:
        x = made(shape, dtype)
        for v in (made((), dtype), x, made((5,), dtype, 1), made((0,), dtype), made((2, 2), dtype)):
            same(run(sorting.isin, x, v, invert=invert), np.isin(x, v, invert=invert))


def test_nan_is_in_nothing_and_zero_has_no_sign() -> None:
    x = np.array([np.nan, 0.0, -0.0, np.inf])
    same(run(sorting.isin, x, np.array([np.nan, -0.0, np.inf])), [False, True, True, True])
    same(run(sorting.isin, x + 0j, np.array([np.nan, -0.0]) + 0j), [False, True, True, False])


def test_complex_numbers_are_in_by_both_parts() -> None:
    parts = np.array([0.0, -0.0, 1.0, 2.0, np.inf, np.nan])
    grid = (parts[:, None] + 0j).astype(complex)
    grid = np.broadcast_to(grid, (6, 6)).copy()
    grid.imag = parts
    rng = np.random.default_rng(0)
    for size in (1, 4, 12):
        v = rng.choice(grid.reshape(-1), size)
        same(run(sorting.isin, grid, v), np.any(grid[..., None] == v, -1))


ONES = np.ones((2, 3))
WRONG = [
    (lambda x: sorting.sort(x, 2), AxisError, "axis 2 is out of bounds"),
    (lambda x: sorting.argsort(x, None), TypeError, "axis must be an int, got None"),
    (lambda x: sorting.searchsorted(x, x), ValueError, r"must have one axis, got shape \(2, 3\)"),
    (lambda x: sorting.searchsorted(VECTOR, x, side="up"), ValueError, "got 'up'"),
    (lambda x: sorting.searchsorted(VECTOR, x, sorter=x), TypeError, "integer dtype, got float64"),
    (
        lambda x: sorting.searchsorted(VECTOR, x, sorter=leaf(np.arange(4))),
        ValueError,
        r"sorter has shape \(4,\), x \(3,\)",
    ),
]
VECTOR = leaf(np.ones(3))


@pytest.mark.parametrize(("call", "error", "text"), WRONG)
def test_wrong_arguments_are_refused_at_once(call: Any, error: Any, text: str) -> None:
    with pytest.raises(error, match=text):
        call(leaf(ONES))


@pytest.mark.parametrize(
    "f", [sorting.sort, sorting.argsort, lambda x: sorting.searchsorted(VECTOR, x)]
)
def test_complex_numbers_have_no_order(f: Any) -> None:
    with pytest.raises(TypeError, match="expected an array of a real dtype, got complex128"):
        f(leaf(ONES + 0j))
