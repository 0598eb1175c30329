"""Reductions and running sums against NumPy, with the standard's dtypes and special cases."""

from typing import Any

import numpy as np
import pytest
from numpy.exceptions import AxisError

from lazytensor._base.dtypes import STANDARD, float16, int64, kind, uint64
from lazytensor.ir.node import leaf
from lazytensor.lang import reductions

from .oracle import SHAPES, axes_of, dtypes, made, run, same

WIDE = {"b": int64, "i": int64, "u": uint64}


def cases(shapes: Any = SHAPES) -> list[Any]:
    return [(shape, axis) for shape in shapes for axis in axes_of(len(shape))]


@pytest.mark.parametrize("dtype", STANDARD, ids=str)
@pytest.mark.parametrize("name", ["sum", "prod"])
def test_totals(name: str, dtype: Any) -> None:
    ours, numpy = getattr(reductions, name), getattr(np, name)
    wide = WIDE.get(kind(dtype), dtype)
    for shape, axis in cases():
        x = made(shape, dtype)
        for keepdims in (False, True):
            got = run(ours, x, axis, keepdims=keepdims)
            same(got, numpy(x, axis, dtype=wide, keepdims=keepdims), wide, x.size + 1)


@pytest.mark.parametrize("dtype", dtypes("biuf"), ids=str)
@pytest.mark.parametrize("name", ["max", "min"])
def test_extrema(name: str, dtype: Any) -> None:
    for shape, axis in cases([s for s in SHAPES if 0 not in s]):
        x = made(shape, dtype)
        got = run(getattr(reductions, name), x, axis, keepdims=True)
        same(got, getattr(np, name)(x, axis, keepdims=True), dtype)


def test_extrema_of_nothing() -> None:
    empty = made((0, 3), "float32")
    assert run(reductions.max, empty, 1).shape == (0,)
    with pytest.raises(ValueError, match=r"shape \(0, 3\) along axes \(0,\)"):
        reductions.max(leaf(empty), 0)


@pytest.mark.parametrize("name", ["max", "min", "argmax", "argmin"])
def test_a_nan_is_taken(name: str) -> None:
    x = np.array([[1.0, np.nan, 3.0, np.nan]])
    got = run(getattr(reductions, name), x, 1)
    np.testing.assert_array_equal(got, [1] if name.startswith("arg") else [np.nan])


@pytest.mark.parametrize("dtype", STANDARD, ids=str)
@pytest.mark.parametrize("name", ["all", "any"])
def test_logic(name: str, dtype: Any) -> None:
    for shape, axis in cases():
        x = made(shape, dtype) * made(shape, "bool", 1)
        got = run(getattr(reductions, name), x.astype(dtype), axis, keepdims=True)
        same(got, getattr(np, name)(x, axis, keepdims=True), bool)


def test_not_a_number_is_true() -> None:
    assert run(reductions.all, np.array([np.nan, np.inf, -np.inf]))
    assert run(reductions.any, np.array([0j, complex(0, np.nan)]))


@pytest.mark.parametrize("dtype", STANDARD, ids=str)
def test_count_nonzero(dtype: Any) -> None:
    for shape, axis in cases():
        x = made(shape, dtype)
        got = run(reductions.count_nonzero, x, axis, keepdims=True)
        same(got, np.count_nonzero(x, axis, keepdims=True), np.int64)


@pytest.mark.parametrize("dtype", dtypes("biuf"), ids=str)
@pytest.mark.parametrize("name", ["argmax", "argmin"])
def test_places(name: str, dtype: Any) -> None:
    for shape in [s for s in SHAPES if 0 not in s]:
        x = made(shape, dtype)
        for axis in (None, *range(-len(shape), len(shape))):
            for keepdims in (False, True):
                got = run(getattr(reductions, name), x, axis, keepdims=keepdims)
                same(got, getattr(np, name)(x, axis, keepdims=keepdims), np.int64)


@pytest.mark.parametrize("dtype", STANDARD, ids=str)
def test_mean(dtype: Any) -> None:
    for shape, axis in cases([s for s in SHAPES if 0 not in s]):
        x = made(shape, dtype)
        wide = x.astype(np.float64) if kind(dtype) in "biu" else x
        got = run(reductions.mean, x, axis, keepdims=True)
        same(got, np.mean(wide, axis, keepdims=True), wide.dtype, x.size + 1)


def test_the_mean_of_nothing_is_nan() -> None:
    np.testing.assert_array_equal(run(reductions.mean, made((0, 2), "float32"), 0), [np.nan] * 2)
    got = run(reductions.mean, made((0,), "complex64"))
    assert np.isnan(got.real)
    assert np.isnan(got.imag)


def test_the_parts_of_a_complex_mean_are_independent() -> None:
    got = run(reductions.mean, np.array([complex(np.nan, 1), complex(2, 3)]))
    assert np.isnan(got.real)
    assert got.imag == 2
    got = run(reductions.mean, np.array([complex(np.inf, 1), complex(2, 3)]))
    assert got == complex(np.inf, 2)


@pytest.mark.parametrize("dtype", dtypes("biufc"), ids=str)
@pytest.mark.parametrize("correction", [0, 1, 0.5])
def test_var_and_std(dtype: Any, correction: float) -> None:
    for shape, axis in cases([s for s in SHAPES if 0 not in s]):
        x = made(shape, dtype)
        n = x.size // run(reductions.sum, x, axis).size
        wide = x.astype(np.float64) if kind(dtype) in "biu" else x
        got = run(reductions.var, x, axis, correction=correction)
        if n - correction <= 0:
            assert np.isnan(got).all()
            continue
        want = np.var(wide, axis, ddof=correction)
        assert got.dtype == want.dtype
        same(got, want, want.dtype, x.size + 1)
        same(run(reductions.std, x, axis, correction=correction), np.sqrt(want), None, x.size + 1)


def test_var_is_computed_in_two_passes() -> None:
    x = np.array([1e9, 1e9 + 1, 1e9 + 2])
    same(run(reductions.var, x), 2 / 3, np.float64)


def test_half_precision_is_averaged_in_single() -> None:
    x = np.full((4096,), 300.0, float16)
    assert run(reductions.mean, x) == 300
    assert run(reductions.var, x * np.array([1, -1] * 2048, float16)) == np.inf
    assert run(reductions.std, made((9,), float16)).dtype == float16


@pytest.mark.parametrize("dtype", [None, "int8", "uint16", "float32", "complex128"])
def test_dtype_is_what_is_accumulated_in(dtype: Any) -> None:
    x = np.array([100, 100, 100], np.int8)
    want = np.sum(x, dtype=np.int64 if dtype is None else dtype)
    same(run(reductions.sum, x, dtype=dtype), want, want.dtype)
    want = np.cumsum(x, dtype=np.int64 if dtype is None else dtype)
    same(run(reductions.cumulative_sum, x, dtype=dtype), want, want.dtype)


@pytest.mark.parametrize("dtype", STANDARD, ids=str)
@pytest.mark.parametrize("name", ["cumulative_sum", "cumulative_prod"])
@pytest.mark.parametrize("initial", [False, True])
def test_cumulative(name: str, dtype: Any, initial: bool) -> None:
    numpy = np.cumsum if name == "cumulative_sum" else np.cumprod
    wide = WIDE.get(kind(dtype), dtype)
    for shape in [s for s in SHAPES if s]:
        x = made(shape, dtype)
        for axis in range(-len(shape), len(shape)):
            want = numpy(x, axis, dtype=wide)
            if initial:
                one = np.full_like(x.astype(wide).take([], axis), 0)
                one = np.full(
                    (*one.shape[:axis], 1, *one.shape[axis % len(shape) + 1 :]),
                    name[11] == "p",
                    wide,
                )
                want = np.concatenate([one, want], axis)
            got = run(getattr(reductions, name), x, axis, include_initial=initial)
            same(got, want, wide, x.size + 1)


@pytest.mark.parametrize("dtype", STANDARD, ids=str)
def test_diff(dtype: Any) -> None:
    for shape in [s for s in SHAPES if s]:
        x = made(shape, dtype)
        for axis in range(-len(shape), len(shape)):
            for n in (0, 1, 2, 9):
                same(run(reductions.diff, x, axis, n=n), np.diff(x, n, axis), dtype)


def test_diff_joins_before_it_subtracts() -> None:
    x, before, after = made((2, 3), "float64"), made((2, 1), "float64"), made((2, 2), "float64")
    got = reductions.diff(leaf(x), 1, n=2, prepend=leaf(before), append=leaf(after))
    want = np.diff(x, 2, 1, prepend=before, append=after)
    same(run(lambda: got), want)


WRONG = [
    (lambda x: reductions.sum(x, 2), AxisError, "axis 2 is out of bounds"),
    (lambda x: reductions.sum(x, (0, -2)), ValueError, r"axes must not repeat, got \(0, -2\)"),
    (lambda x: reductions.sum(x, 0.5), TypeError, "axis must be an int, got 0.5"),
    (lambda x: reductions.sum(x, dtype="bool"), TypeError, "complex128 in dtype bool"),
    (lambda x: reductions.prod(x, dtype="float32"), TypeError, "complex128 in dtype float32"),
    (lambda x: reductions.mean(x, dtype="float32"), TypeError, "complex128 in dtype float32"),
    (
        lambda x: reductions.max(x),
        TypeError,
        "max: expected an array of a real dtype, got complex128",
    ),
    (lambda x: reductions.argmin(x), TypeError, "argmin: expected .* got complex128"),
    (lambda x: reductions.argmax(x, (0, 1)), TypeError, "argmax|axis must be an int"),
    (lambda x: reductions.cumulative_sum(x), ValueError, "an axis is required for an array of 2"),
    (lambda x: reductions.cumulative_prod(x, -3), AxisError, "axis -3 is out of bounds"),
    (lambda x: reductions.diff(x, n=-1), ValueError, "n must not be negative, got -1"),
    (lambda x: reductions.diff(x, n=1.5), TypeError, "float"),
    (
        lambda x: reductions.diff(x, prepend=reductions.sum(x)),
        ValueError,
        r"shapes \(\) and \(2, 3\)",
    ),
]


@pytest.mark.parametrize(("call", "error", "text"), WRONG)
def test_wrong_arguments_are_refused_at_once(call: Any, error: Any, text: str) -> None:
    x = leaf(np.ones((2, 3)) + 0j)
    if error is TypeError and "argmax" in text:
        x = leaf(np.ones((2, 3)))
    with pytest.raises(error, match=text):
        call(x)
