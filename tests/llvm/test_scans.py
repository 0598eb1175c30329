"""Cumulative sums and products of the native target have NumPy's bits."""

import numpy as np
import pytest

pytest.importorskip("llvmlite")

import lazytensor as xp
from lazytensor._base import config
from lazytensor._base.module import MODULES
from lazytensor.ops import iterated
from lazytensor.runtime import native
from lazytensor.runtime.counters import counting
from lazytensor.targets.llvm import scans

RNG = np.random.default_rng(1)


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(4096,), (1, 5000), (7, 700), (4, 3, 1025), (100_000, 1)])
def test_bits(shape, dtype, threads):
    x = RNG.standard_normal(shape).astype(dtype)
    x.flat[::97] = -0.0
    x.flat[3::501] = np.inf
    with config.context(target="llvm", num_threads=threads), np.errstate(all="ignore"):
        assert np.asarray(xp.cumulative_sum(xp.asarray(x), axis=-1)).tobytes() == (
            np.cumsum(x, -1).tobytes()
        )
        got = np.asarray(xp.cumulative_prod(xp.asarray(x), axis=-1))
        np.testing.assert_array_equal(got, np.cumprod(x, -1))


def test_what_is_numpy_s():
    """Other axes, dtypes, layouts, and small arrays; subclasses."""
    cumsum = scans.cumulatives(native.objects())["cumsum"]
    x = RNG.standard_normal((80, 80))
    for a, axis in ((x, 0), (x.T, 1), (x.astype(int), 1), (x[:4, :4], 1), (x.view(np.matrix), 1)):
        np.testing.assert_array_equal(cumsum(a, axis), np.cumsum(a, axis))
    np.testing.assert_array_equal(cumsum(x, 1, np.complex128), np.cumsum(x, 1, np.complex128))
    with counting() as done:
        np.testing.assert_array_equal(cumsum(x, 1), np.cumsum(x, 1))
    assert done.compilations <= 1


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(500,), (1,), (7, 60), (4, 3, 25), (9, 1)])
def test_running_extrema(shape, dtype):
    of = MODULES["llvm"].own("running")
    x = np.round(RNG.standard_normal(shape) * 2).astype(dtype)
    for odd in ((), (np.inf, -0.0, -np.inf), (np.nan, -0.0)):
        for i, value in enumerate(odd):
            x.flat[i::13] = value
        for axis in range(x.ndim):
            for largest in (False, True):
                places = iterated._places(np, x, axis, largest)
                np.testing.assert_array_equal(of(x, axis, largest, True), places)
                found = of(x, axis, largest, False)
                assert found.tobytes() == np.take_along_axis(x, places, axis).tobytes()
