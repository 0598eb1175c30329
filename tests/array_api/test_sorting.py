"""The sorting chapter on arrays: directions, stability, NaN; see tests/lang for dtypes."""

import numpy as np
import pytest
from numpy.exceptions import AxisError

import lazytensor as xp

X = np.array([[2.0, 1.0, 2.0, 0.0], [5.0, np.nan, -0.0, 0.0]])


@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("stable", [True, False])
def test_ascending(axis: int, stable: bool) -> None:
    x = xp.asarray(X)
    np.testing.assert_array_equal(
        np.asarray(xp.sort(x, axis=axis, stable=stable)), np.sort(X, axis)
    )
    got = xp.argsort(x, axis=axis, stable=stable)
    assert got.dtype == xp.int64
    np.testing.assert_array_equal(np.asarray(got), np.argsort(X, axis, stable=True))


def test_descending() -> None:
    x = xp.asarray(X)
    np.testing.assert_array_equal(np.asarray(xp.argsort(x, descending=True))[0], [0, 2, 1, 3])
    np.testing.assert_array_equal(np.asarray(xp.sort(x, descending=True))[0], [2, 2, 1, 0])
    order = np.asarray(xp.argsort(x, descending=True))[1]
    np.testing.assert_array_equal(order, [1, 0, 2, 3])
    unsigned = xp.asarray([3, 0, 255], dtype=xp.uint8)
    assert np.asarray(xp.sort(unsigned, descending=True)).tolist() == [255, 3, 0]


def test_no_elements_and_no_axes() -> None:
    assert xp.sort(xp.zeros((2, 0))).shape == (2, 0)
    assert xp.argsort(xp.zeros((0, 2)), axis=0).shape == (0, 2)
    with pytest.raises(AxisError):
        xp.sort(xp.asarray(1.0))
    with pytest.raises(AxisError):
        xp.argsort(xp.asarray(X), axis=2)
    with pytest.raises(TypeError, match="sort: expected an array of a real dtype"):
        xp.sort(xp.asarray([1j, 2j]))
