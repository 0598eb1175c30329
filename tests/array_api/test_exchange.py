"""Memory that goes out and comes in: NumPy, SciPy's compiled functions, views."""

import numpy as np
import pytest

import lazytensor as xp


def test_scipy_gets_memory_that_it_could_write_to():
    signal = pytest.importorskip("scipy.signal")
    x = xp.asarray(np.sin(np.arange(30.0)))
    sos = signal.butter(3, 0.2, output="sos")
    got = np.asarray(signal.sosfilt(xp.asarray(sos), x))
    np.testing.assert_allclose(got, signal.sosfilt(sos, np.asarray(x)), rtol=1e-12)
    assert not np.asarray(x).flags.writeable


def test_views_of_another_dtype():
    x = np.arange(6.0).reshape(2, 3) + 1j
    ours = xp.asarray(x)
    np.testing.assert_array_equal(np.asarray(ours.view(float)), x.view(float))
    assert ours.view() is not ours and ours.view().dtype == x.dtype
    with pytest.raises(ValueError, match="view"):
        xp.asarray(np.ones((2, 3), np.float32)).view(np.float64)
