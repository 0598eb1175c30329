"""The set chapter: NaNs are distinct, zeros are not, indices fit together."""

from typing import Any

import numpy as np
import pytest

import lazytensor as xp
from lazytensor.runtime.counters import counting

DTYPES = ["bool", "int8", "uint64", "float32", "float64", "complex64", "complex128"]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (6,), (2, 3), (0,), (3, 0)])
def test_the_four_agree(dtype: str, shape: Any) -> None:
    x = (np.arange(np.prod(shape, dtype=int)).reshape(shape) % 4).astype(dtype)
    a = xp.asarray(x)
    every = xp.unique_all(a)
    values, indices, inverse, counts = (np.asarray(part) for part in every)
    assert values.dtype == x.dtype
    assert indices.dtype == inverse.dtype == counts.dtype == np.int64
    np.testing.assert_array_equal(values, np.unique(x))
    np.testing.assert_array_equal(x.reshape(-1)[indices], values)
    np.testing.assert_array_equal(values[inverse], x)
    assert inverse.shape == x.shape
    assert counts.sum() == x.size
    assert np.asarray(xp.unique_counts(a).counts).tolist() == counts.tolist()
    assert np.asarray(xp.unique_inverse(a).inverse_indices).tolist() == inverse.tolist()
    assert np.asarray(xp.unique_values(a)).tolist() == values.tolist()


@pytest.mark.parametrize("dtype", ["float32", "complex128"])
def test_nan_is_distinct_and_zero_has_no_sign(dtype: str) -> None:
    x = xp.asarray(np.array([np.nan, 0.0, -0.0, np.nan, 1.0], dtype))
    values, indices, inverse, counts = (np.asarray(part) for part in xp.unique_all(x))
    assert np.isnan(values).sum() == 2
    assert counts.tolist() == [2, 1, 1, 1]
    assert indices[:2].tolist() == [1, 4]
    assert len({inverse[0], inverse[3]}) == 2
    assert xp.unique_values(x).shape == (4,)


def test_fields_have_the_names_of_the_standard() -> None:
    x = xp.asarray([1, 1])
    assert xp.unique_all(x)._fields == ("values", "indices", "inverse_indices", "counts")
    assert xp.unique_counts(x)._fields == ("values", "counts")
    assert xp.unique_inverse(x)._fields == ("values", "inverse_indices")


def test_a_pending_array_is_computed_once() -> None:
    x = xp.sum(xp.ones((4, 8)), axis=1)
    with counting() as done:
        xp.unique_values(x)
        xp.unique_all(x)
    assert done.graphs == 1


def test_isin() -> None:
    x = xp.asarray([[1, 2], [3, 4]], dtype=xp.int8)
    assert np.asarray(xp.isin(x, xp.asarray([4, 1, 9]))).tolist() == [[True, False], [False, True]]
    assert np.asarray(xp.isin(x, 2, invert=True)).tolist() == [[True, False], [True, True]]
    assert bool(xp.isin(3, x))
    assert xp.isin(3, x).shape == ()
    assert not np.asarray(xp.isin(x, xp.zeros((0,), dtype=xp.int8))).any()
