"""Rows taken natively: NumPy's elements, whatever the size of rows and the number of threads."""

import numpy as np
import pytest

pytest.importorskip("llvmlite")

import lazytensor as xp
from lazytensor._base import config
from lazytensor.runtime import native
from lazytensor.runtime.counters import COUNTERS
from lazytensor.targets.llvm import gathers

RNG = np.random.default_rng(7)


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(gathers, "WORTH", 1)
    monkeypatch.setattr(gathers, "GRAIN", 64)


def take(x, places):
    return native._replacements()["take"](x, places, 0, "wrap")


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("stream", [1, 1 << 40])
@pytest.mark.parametrize("dtype", ["int8", "float16", "float32", "complex64", "complex128"])
def test_rows_of_all_sizes(dtype, stream, threads, monkeypatch):
    monkeypatch.setattr(gathers, "STREAM", stream)
    for columns in (1, 2, 3, 4, 8, 17, 32, 64, 300):
        x = RNG.integers(0, 100, (50, columns)).astype(dtype)
        places = RNG.integers(-50, 50, (9, 11))
        with config.context(num_threads=threads):
            np.testing.assert_array_equal(take(x, places), x[places])
        np.testing.assert_array_equal(take(x[:, 0].copy(), places), x[:, 0][places])


def test_what_is_outside_is_numpys(monkeypatch):
    x = np.arange(20.0).reshape(5, 4)
    for index in (5, -6, 1000, -1000):
        places = np.array([0, index, 1])
        np.testing.assert_array_equal(take(x, places), np.take(x, places, 0, mode="wrap"))


def test_what_numpy_does(monkeypatch):
    """Where arrays are not contiguous, or indices of another type."""
    monkeypatch.setattr(gathers.Take, "_call", lambda *a: pytest.fail("went native"))
    x, places = np.arange(24.0).reshape(6, 4), np.array([1, -1])
    for a, i in ((x.T, places), (x[::2], places), (x, places.astype(np.int32)), (x, places[:0])):
        np.testing.assert_array_equal(take(a, i), a[i])


def test_a_gather():
    n, places = RNG.random((100, 40)), RNG.integers(-100, 100, 5000)
    x = xp.asarray(n)
    with config.context(target="llvm"):
        before = COUNTERS.bytes
        (got,) = xp.materialize(xp.take(x, xp.asarray(places), axis=0))
        assert COUNTERS.bytes - before == 5000 * 40 * 8
        np.testing.assert_array_equal(got, n[places])
        with pytest.raises(IndexError, match="index 100 is out of bounds"):
            xp.materialize(xp.take(x, xp.asarray(np.array([0, 100] * 5000)), axis=0))
