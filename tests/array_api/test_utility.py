"""The utility chapter on arrays."""

import numpy as np
import pytest
from numpy.exceptions import AxisError

import lazytensor as xp


@pytest.mark.parametrize("dtype", ["bool", "uint8", "float64", "complex64"])
@pytest.mark.parametrize("axis", [None, 0, -1, (0, 1)])
def test_all_and_any(dtype: str, axis: object) -> None:
    x = np.array([[1, 0], [1, 1]]).astype(dtype)
    for f, numpy in ((xp.all, np.all), (xp.any, np.any)):
        got = f(xp.asarray(x), axis=axis, keepdims=True)
        assert got.dtype == xp.bool
        assert np.asarray(got).tolist() == numpy(x, axis=axis, keepdims=True).tolist()


def test_of_nothing_and_of_nan() -> None:
    assert bool(xp.all(xp.zeros((0,))))
    assert not bool(xp.any(xp.zeros((0,))))
    assert bool(xp.all(xp.asarray([np.nan, -np.inf])))
    with pytest.raises(AxisError):
        xp.any(xp.zeros((2,)), axis=1)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "float32", "complex128", "bool"])
@pytest.mark.parametrize("n", [0, 1, 2, 5])
def test_diff(dtype: str, n: int) -> None:
    x = np.array([[1, 4, 9], [2, 0, 7]]).astype(dtype)
    for axis in (0, 1, -1):
        got = xp.diff(xp.asarray(x), axis=axis, n=n)
        np.testing.assert_array_equal(np.asarray(got), np.diff(x, n, axis))
        assert got.dtype == x.dtype


def test_diff_of_joined_arrays() -> None:
    x = np.array([[1, 4, 9], [2, 0, 7]])
    got = xp.diff(xp.asarray(x), prepend=xp.asarray(x[:, :1]), append=xp.asarray(x))
    np.testing.assert_array_equal(np.asarray(got), np.diff(x, prepend=x[:, :1], append=x))
    with pytest.raises(ValueError, match="n must not be negative"):
        xp.diff(xp.asarray(x), n=-1)
    with pytest.raises(ValueError, match="concatenate"):
        xp.diff(xp.asarray(x), axis=0, append=xp.asarray(x[:, :1]))
