"""The statistical chapter: arguments, dtypes and special values; see tests/lang for the rest."""

import numpy as np
import pytest
from numpy.exceptions import AxisError

import lazytensor as xp

X = np.arange(24, dtype=np.float32).reshape(2, 3, 4) - 7


@pytest.mark.parametrize("name", ["sum", "prod", "max", "min", "mean", "std", "var"])
@pytest.mark.parametrize("axis", [None, 1, -1, (0, 2), ()])
@pytest.mark.parametrize("keepdims", [False, True])
def test_reductions(name: str, axis: object, keepdims: bool) -> None:
    got = getattr(xp, name)(xp.asarray(X), axis=axis, keepdims=keepdims)
    want = getattr(np, name)(X, axis=axis, keepdims=keepdims)
    assert (got.shape, got.dtype) == (want.shape, xp.float32)
    np.testing.assert_allclose(np.asarray(got), want, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", ["sum", "prod", "cumulative_sum", "cumulative_prod"])
def test_what_is_accumulated_in(name: str) -> None:
    f = getattr(xp, name)
    wide = {"bool": "int64", "int8": "int64", "int64": "int64", "uint8": "uint64",
            "uint64": "uint64", "float32": "float32", "complex64": "complex64"}  # fmt: skip
    for dtype, out in wide.items():
        x = xp.ones(3, dtype=getattr(xp, dtype))
        assert f(x).dtype == getattr(xp, out)
        if dtype != "complex64":
            assert f(x, dtype=xp.float64).dtype == xp.float64
        assert f(x, dtype=xp.complex128).dtype == xp.complex128
    assert int(xp.sum(xp.full(3, 100, dtype=xp.int8), dtype=xp.int8)) == 44


@pytest.mark.parametrize("name", ["std", "var"])
def test_correction(name: str) -> None:
    x = xp.asarray(X)
    for correction in (0, 1, 0.5, 3.0):
        want = (
            getattr(np, name)(X, axis=1, ddof=correction)
            if correction < 3
            else np.full((2, 4), np.nan)
        )
        got = getattr(xp, name)(x, axis=1, correction=correction)
        np.testing.assert_allclose(np.asarray(got), want, rtol=1e-6)


@pytest.mark.parametrize("name", ["max", "min", "mean", "std", "var", "sum", "prod"])
def test_nan_is_passed_on(name: str) -> None:
    got = np.asarray(getattr(xp, name)(xp.asarray([[1.0, np.nan], [2.0, 3.0]]), axis=1))
    np.testing.assert_array_equal(np.isnan(got), [True, False])


def test_nothing() -> None:
    x = xp.zeros((0, 2), dtype=xp.float32)
    assert np.asarray(xp.sum(x, axis=0)).tolist() == [0, 0]
    assert np.asarray(xp.prod(x, axis=0)).tolist() == [1, 1]
    for f in (xp.mean, xp.var, xp.std):
        assert np.isnan(np.asarray(f(x, axis=0))).all()
        assert f(x, axis=1).shape == (0,)
    with pytest.raises(ValueError, match=r"max: nothing to reduce in shape \(0, 2\)"):
        xp.max(x)
    assert np.asarray(xp.cumulative_sum(x, axis=0, include_initial=True)).tolist() == [[0, 0]]


def test_integers_and_booleans_have_float64_means() -> None:
    assert xp.mean(xp.asarray([True, False])).dtype == xp.float64
    assert float(xp.mean(xp.asarray([1, 2], dtype=xp.int8))) == 1.5
    assert float(xp.var(xp.asarray([1, 3], dtype=xp.uint8))) == 1.0


@pytest.mark.parametrize("initial", [False, True])
def test_running_totals(initial: bool) -> None:
    x = xp.asarray(X)
    for axis in (0, 1, -1):
        for f, numpy in (
            (xp.cumulative_sum, np.cumulative_sum),
            (xp.cumulative_prod, np.cumulative_prod),
        ):
            got = f(x, axis=axis, include_initial=initial)
            want = numpy(X, axis=axis, include_initial=initial)
            assert (got.shape, got.dtype) == (want.shape, xp.float32)
            np.testing.assert_allclose(np.asarray(got), want, rtol=1e-6)


def test_wrong_calls() -> None:
    x = xp.asarray(X)
    with pytest.raises(AxisError):
        xp.sum(x, axis=3)
    with pytest.raises(ValueError, match="must not repeat"):
        xp.mean(x, axis=(0, 0))
    with pytest.raises(ValueError, match="cumulative_sum: an axis is required"):
        xp.cumulative_sum(x)
    with pytest.raises(TypeError, match="max: expected an array of a real dtype, got complex128"):
        xp.max(xp.asarray([1j]))
    with pytest.raises(TypeError):
        xp.sum(x, 0)
    with pytest.raises(TypeError):
        xp.sum([1, 2])
