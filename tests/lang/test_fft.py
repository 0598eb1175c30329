"""Fourier transforms against NumPy in float64: every norm, lengths that trim and pad, axes."""

from typing import Any

import numpy as np
import pytest
from numpy.exceptions import AxisError

from lazytensor._base.devices import CPU
from lazytensor._base.dtypes import float16, float32, float64, int64
from lazytensor.ir.node import leaf
from lazytensor.lang import fft

from .oracle import made, run, same

NORMS = ["backward", "ortho", "forward"]
FLOATING = ["float32", "float64", "complex64", "complex128"]


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("n", [None, 1, 4, 5, 9])
@pytest.mark.parametrize("dtype", FLOATING)
@pytest.mark.parametrize("name", ["fft", "ifft", "rfft", "irfft", "hfft", "ihfft"])
def test_one_axis(name: str, dtype: str, n: int | None, norm: Any) -> None:
    if name in ("rfft", "ihfft") and dtype.startswith("complex"):
        return
    for shape, axis in [((5,), -1), ((4, 6), 0), ((2, 5, 3), 1), ((0, 4), -1)]:
        x = made(shape, dtype)
        got = run(getattr(fft, name), x, n, axis, norm)
        want = getattr(np.fft, name)(x.astype(np.result_type(x, np.float64)), n, axis, norm)
        same(got, want, got.dtype, 2)
        assert (
            got.dtype.itemsize * (1 + (got.dtype.kind == "f"))
            == np.result_type(dtype, np.complex64).itemsize
        )


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize(
    ("s", "axes"),
    [
        (None, None),
        (None, (0,)),
        (None, (2, 0)),
        ((3, 5), (0, 1)),
        ((5, 3), (-1, 0)),
        ((-1, 4), (1, 2)),
    ],
)
@pytest.mark.parametrize("name", ["fftn", "ifftn", "rfftn", "irfftn"])
def test_several_axes(name: str, s: Any, axes: Any, norm: Any) -> None:
    x = made((3, 4, 5), "float64" if name == "rfftn" else "complex128")
    sizes = None if s is None else [k if k > 0 else x.shape[a] for k, a in zip(s, axes)]
    want = getattr(np.fft, name)(x, sizes, axes, norm)
    same(run(getattr(fft, name), x, s, axes, norm), want)


def test_integers_are_taken_as_float64() -> None:
    x = np.arange(5)
    same(run(fft.fft, x), np.fft.fft(x), np.complex128)
    same(run(fft.rfft, x), np.fft.rfft(x), np.complex128)


@pytest.mark.parametrize("dtype", [float32, float64])
@pytest.mark.parametrize("n", [1, 2, 5, 8])
def test_frequencies(n: int, dtype: Any) -> None:
    same(run(fft.fftfreq, n, 0.25, dtype, CPU), np.fft.fftfreq(n, 0.25), dtype)
    same(run(fft.rfftfreq, n, 0.25, dtype, CPU), np.fft.rfftfreq(n, 0.25), dtype)


@pytest.mark.parametrize("axes", [None, 0, -1, (0, 1), [2]])
def test_shifts(axes: Any) -> None:
    for shape in [(3, 4, 5), (1, 2, 1), (0, 3, 2)]:
        x = made(shape, "float32")
        same(run(fft.fftshift, x, axes), np.fft.fftshift(x, axes))
        same(run(fft.ifftshift, x, axes), np.fft.ifftshift(x, axes))


ONES = np.ones((2, 3))
WRONG = [
    (lambda x: fft.fft(x, norm="none"), ValueError, "norm must be 'backward', .* got 'none'"),
    (lambda x: fft.ihfft(x, norm="none"), ValueError, "ihfft: norm must be"),
    (lambda x: fft.fft(x, 0), ValueError, "fft: the length of a transform must be positive, got 0"),
    (lambda x: fft.ifft(x, -1), ValueError, "got -1"),
    (lambda x: fft.fft(x, 2.5), TypeError, "float"),
    (lambda x: fft.rfft(x, axis=2), AxisError, "axis 2 is out of bounds"),
    (lambda x: fft.irfft(fft.part(x, 1, 0, 1)), ValueError, "must be positive, got 0"),
    (lambda x: fft.fftn(x, (2, 3)), ValueError, r"axes must be given with s, got s=\(2, 3\)"),
    (lambda x: fft.fftn(x, (2,), (0, 1)), ValueError, "s and axes must have one length"),
    (lambda x: fft.fftn(x, None, (0, -2)), ValueError, "distinct axes"),
    (lambda x: fft.fftn(x, None, ()), ValueError, "distinct axes"),
    (lambda x: fft.rfftn(fft.complexes("", x)), TypeError, "real numeric dtype, got complex128"),
    (lambda x: fft.ihfft(fft.complexes("", x)), TypeError, "ihfft: .* got complex128"),
    (lambda x: fft.fftshift(x, (0, 5)), AxisError, "axis 5 is out of bounds"),
    (lambda x: fft.fftfreq(4, 1.0, int64, CPU), TypeError, "real floating-point, got int64"),
    (lambda x: fft.rfftfreq(0, 1.0, float64, CPU), ValueError, "got 0"),
]


@pytest.mark.parametrize(("call", "error", "text"), WRONG)
def test_wrong_arguments_are_refused_at_once(call: Any, error: Any, text: str) -> None:
    with pytest.raises(error, match=text):
        call(leaf(ONES))


def test_other_dtypes_are_refused_at_once() -> None:
    for x in (ONES > 0, ONES.astype(float16)):
        with pytest.raises(TypeError, match=f"got {x.dtype}"):
            fft.fft(leaf(x))
