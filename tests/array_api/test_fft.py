"""The fft extension on arrays; every norm and length is tested in tests/lang."""

import numpy as np
import pytest

import lazytensor as xp

X = np.random.default_rng(0).normal(size=(3, 8))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_round_trips(dtype: str) -> None:
    x, z = (
        xp.asarray(X.astype(dtype)),
        xp.asarray((X + 1j * X).astype(np.result_type(dtype, np.complex64))),
    )
    near = {"rtol": 0, "atol": 100 * float(np.finfo(dtype).eps)}
    for norm in ("backward", "ortho", "forward"):
        np.testing.assert_allclose(
            np.asarray(xp.fft.ifft(xp.fft.fft(z, norm=norm), norm=norm)), np.asarray(z), **near
        )
        np.testing.assert_allclose(
            np.asarray(xp.fft.irfft(xp.fft.rfft(x, norm=norm), norm=norm)), X, **near
        )
        np.testing.assert_allclose(
            np.asarray(xp.fft.ifftn(xp.fft.fftn(z, norm=norm), norm=norm)), np.asarray(z), **near
        )
        np.testing.assert_allclose(
            np.asarray(xp.fft.irfftn(xp.fft.rfftn(x, norm=norm), norm=norm)), X, **near
        )
        np.testing.assert_allclose(
            np.asarray(xp.fft.hfft(xp.fft.ihfft(x, norm=norm), norm=norm)), X, **near
        )
    assert xp.fft.fft(z).dtype == z.dtype == xp.fft.rfft(x).dtype
    assert xp.fft.irfft(z).dtype == x.dtype


def test_lengths_and_axes() -> None:
    x = xp.asarray(X)
    np.testing.assert_allclose(np.asarray(xp.fft.rfft(x, n=5, axis=0)), np.fft.rfft(X, 5, 0))
    got = xp.fft.fftn(xp.asarray(X + 0j), s=(4, -1), axes=(1, 0))
    np.testing.assert_allclose(np.asarray(got), np.fft.fftn(X, (4, 3), (1, 0)))
    np.testing.assert_array_equal(np.asarray(xp.fft.fftshift(x, axes=1)), np.fft.fftshift(X, 1))
    np.testing.assert_array_equal(np.asarray(xp.fft.ifftshift(x)), np.fft.ifftshift(X))


def test_frequencies() -> None:
    np.testing.assert_allclose(np.asarray(xp.fft.fftfreq(5, d=0.1)), np.fft.fftfreq(5, 0.1))
    np.testing.assert_allclose(np.asarray(xp.fft.rfftfreq(6)), np.fft.rfftfreq(6))
    assert xp.fft.fftfreq(4).dtype == xp.float64
    assert xp.fft.rfftfreq(4, dtype=xp.float32, device="cpu").dtype == xp.float32


def test_wrong_calls() -> None:
    x = xp.asarray(X)
    with pytest.raises(ValueError, match="norm must be"):
        xp.fft.fft(x, norm="both")
    with pytest.raises(ValueError, match="must be positive, got 0"):
        xp.fft.rfft(x, n=0)
    with pytest.raises(TypeError, match="rfft: expected an array of a real numeric dtype"):
        xp.fft.rfft(x + 0j)
    with pytest.raises(ValueError, match="axes must be given with s"):
        xp.fft.fftn(x, s=(3, 8))
    with pytest.raises(TypeError, match="real floating-point, got int64"):
        xp.fft.fftfreq(4, dtype=xp.int64)
