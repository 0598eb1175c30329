"""The searching chapter: index dtypes, order of indices, scalars among operands."""

import numpy as np
import pytest
from numpy.exceptions import AxisError

import lazytensor as xp
from lazytensor.runtime.counters import counting

X = np.array([[3, 0, 2], [0, 5, 5]], dtype=np.int16)


@pytest.mark.parametrize("name", ["argmax", "argmin"])
@pytest.mark.parametrize("axis", [None, 0, 1, -1])
@pytest.mark.parametrize("keepdims", [False, True])
def test_places(name: str, axis: int | None, keepdims: bool) -> None:
    got = getattr(xp, name)(xp.asarray(X), axis=axis, keepdims=keepdims)
    want = getattr(np, name)(X, axis=axis, keepdims=keepdims)
    assert got.dtype == xp.int64
    assert np.asarray(got).tolist() == want.tolist()


def test_count_nonzero() -> None:
    x = xp.asarray(X)
    assert int(xp.count_nonzero(x)) == 4
    assert np.asarray(xp.count_nonzero(x, axis=0, keepdims=True)).tolist() == [[1, 1, 2]]
    assert xp.count_nonzero(x, axis=(0, 1)).dtype == xp.int64
    assert int(xp.count_nonzero(xp.asarray([0j, 1j, complex(0, np.nan)]))) == 2


@pytest.mark.parametrize("dtype", ["bool", "int16", "float32", "complex64"])
def test_nonzero(dtype: str) -> None:
    got = xp.nonzero(xp.asarray(X.astype(dtype)))
    assert isinstance(got, tuple)
    for ours, numpy in zip(got, np.nonzero(X)):
        assert ours.dtype == xp.int64
        assert np.asarray(ours).tolist() == numpy.tolist()
    assert [i.shape for i in xp.nonzero(xp.zeros((0, 2)))] == [(0,), (0,)]
    with pytest.raises(ValueError, match="at least one axis"):
        xp.nonzero(xp.asarray(1))


def test_nonzero_computes_a_pending_array_once() -> None:
    x = xp.sum(xp.ones((4, 8)), axis=1)
    with counting() as done:
        xp.nonzero(x)
        xp.nonzero(x)
    assert done.graphs == 1


def test_searchsorted() -> None:
    x = xp.asarray([1.0, 2.0, 2.0, 5.0])
    for side in ("left", "right"):
        for v in ([0.0, 2.0, 5.0, np.nan], [[2.0], [7.0]], []):
            got = xp.searchsorted(x, xp.asarray(v, dtype=xp.float64), side=side)
            assert got.dtype == xp.int64
            assert np.asarray(got).tolist() == np.searchsorted([1, 2, 2, 5], v, side).tolist()
    assert int(xp.searchsorted(x, 2, side="right")) == 3
    assert int(xp.searchsorted(xp.asarray([1, 4]), 3)) == 1
    assert (
        int(xp.searchsorted(xp.asarray([5, 1], dtype=xp.int8), 4, sorter=xp.asarray([1, 0]))) == 1
    )
    assert xp.searchsorted(xp.asarray([1, 4]), xp.asarray([2.5, 9.0])).shape == (2,)
    with pytest.raises(ValueError, match="side must be 'left' or 'right', got 'top'"):
        xp.searchsorted(x, x, side="top")
    with pytest.raises(ValueError, match="one axis"):
        xp.searchsorted(xp.ones((2, 2)), x)


def test_where() -> None:
    c = xp.asarray([True, False])
    assert np.asarray(xp.where(c, xp.asarray([1, 2]), xp.asarray([[3.5], [4.5]]))).tolist() == [
        [1, 3.5],
        [1, 4.5],
    ]
    got = xp.where(c, xp.asarray([1, 2], dtype=xp.float32), 0)
    assert (got.dtype, np.asarray(got).tolist()) == (xp.float32, [1, 0])
    assert xp.where(c, 1j, xp.ones(2, dtype=xp.float32)).dtype == xp.complex64
    assert xp.where(xp.asarray(True), xp.zeros((0, 3)), 1.0).shape == (0, 3)
    with pytest.raises(TypeError, match="condition must be bool, got int64"):
        xp.where(xp.asarray([1, 0]), c, c)
    with pytest.raises(ValueError, match="broadcast"):
        xp.where(c, xp.ones(3), xp.ones(3))


def test_wrong_calls() -> None:
    with pytest.raises(AxisError):
        xp.argmax(xp.asarray(X), axis=2)
    with pytest.raises(TypeError, match="argmin: expected an array of a real dtype"):
        xp.argmin(xp.asarray([1j]))
    with pytest.raises(ValueError, match="argmax: nothing to reduce"):
        xp.argmax(xp.zeros((0,)))
