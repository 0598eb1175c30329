"""The `fft` extension of the standard.

What enters: arrays. What leaves: arrays. It must not know how anything is computed.

`norm` says what is divided by the number of elements: the inverse ("backward"), the transform
("forward"), or both by its square root ("ortho"). `n` and `s` trim an axis or pad it with zeros.
Transforms of complex arrays take real ones too, and integers as float64.
"""

from collections.abc import Sequence
from typing import Any

from .._base.devices import device as device_of
from .._base.dtypes import canonical, float64
from .._base.errors import publish
from ..lang import fft as transforms
from ._rules import node_of
from .array import Array

__all__ = [
    "fft",
    "fftfreq",
    "fftn",
    "fftshift",
    "hfft",
    "ifft",
    "ifftn",
    "ifftshift",
    "ihfft",
    "irfft",
    "irfftn",
    "rfft",
    "rfftfreq",
    "rfftn",
]

Ints = Sequence[int] | None


def fft(x: Array, /, *, n: int | None = None, axis: int = -1, norm: str = "backward") -> Array:
    """The discrete Fourier transform along an axis, complex, n elements long.

    Raises TypeError for booleans and half precision, ValueError for n and norm, AxisError.
    Standard: fft extension.
    """
    return Array(transforms.fft(node_of(x, "fft"), n, axis, norm))


def ifft(x: Array, /, *, n: int | None = None, axis: int = -1, norm: str = "backward") -> Array:
    """The inverse of `fft`, n elements long.

    Raises as `fft`. Standard: fft extension.
    """
    return Array(transforms.ifft(node_of(x, "ifft"), n, axis, norm))


def fftn(x: Array, /, *, s: Ints = None, axes: Ints = None, norm: str = "backward") -> Array:
    """The discrete Fourier transform over axes, all by default, complex, of sizes s along them.

    Raises TypeError for booleans and half precision, ValueError for s, axes and norm, AxisError.
    Standard: fft extension.
    """
    return Array(transforms.fftn(node_of(x, "fftn"), s, axes, norm))


def ifftn(x: Array, /, *, s: Ints = None, axes: Ints = None, norm: str = "backward") -> Array:
    """The inverse of `fftn`.

    Raises as `fftn`. Standard: fft extension.
    """
    return Array(transforms.ifftn(node_of(x, "ifftn"), s, axes, norm))


def rfft(x: Array, /, *, n: int | None = None, axis: int = -1, norm: str = "backward") -> Array:
    """The transform of real x along an axis: n//2 + 1 complex elements.

    Raises TypeError unless real, ValueError for n and norm, AxisError. Standard: fft extension.
    """
    return Array(transforms.rfft(node_of(x, "rfft"), n, axis, norm))


def irfft(x: Array, /, *, n: int | None = None, axis: int = -1, norm: str = "backward") -> Array:
    """The inverse of `rfft`: n real elements along an axis, 2 (m - 1) by default.

    Raises as `fft`. Standard: fft extension.
    """
    return Array(transforms.irfft(node_of(x, "irfft"), n, axis, norm))


def rfftn(x: Array, /, *, s: Ints = None, axes: Ints = None, norm: str = "backward") -> Array:
    """The transform of real x over axes, all by default; the last of them is halved to s//2 + 1.

    Raises TypeError unless real, else as `fftn`. Standard: fft extension.
    """
    return Array(transforms.rfftn(node_of(x, "rfftn"), s, axes, norm))


def irfftn(x: Array, /, *, s: Ints = None, axes: Ints = None, norm: str = "backward") -> Array:
    """The inverse of `rfftn`: real, s elements along the axes, 2 (m - 1) along the last by default.

    Raises as `fftn`. Standard: fft extension.
    """
    return Array(transforms.irfftn(node_of(x, "irfftn"), s, axes, norm))


def hfft(x: Array, /, *, n: int | None = None, axis: int = -1, norm: str = "backward") -> Array:
    """The transform of a signal with Hermitian symmetry: n real elements, 2 (m - 1) by default.

    Raises as `fft`. Standard: fft extension.
    """
    return Array(transforms.hfft(node_of(x, "hfft"), n, axis, norm))


def ihfft(x: Array, /, *, n: int | None = None, axis: int = -1, norm: str = "backward") -> Array:
    """The inverse of `hfft`: n//2 + 1 complex elements along an axis.

    Raises as `rfft`. Standard: fft extension.
    """
    return Array(transforms.ihfft(node_of(x, "ihfft"), n, axis, norm))


def fftfreq(n: int, /, *, d: float = 1.0, dtype: Any = None, device: Any = None) -> Array:
    """The n frequencies of a transform with sample spacing d: 0, 1, …, -2, -1 over n d.

    In `dtype`, float64 by default. Raises TypeError unless real floating-point, ValueError unless n
    is positive. Standard: fft extension.
    """
    found = float64 if dtype is None else canonical(dtype)
    return Array(transforms.fftfreq(n, d, found, device_of(device)))


def rfftfreq(n: int, /, *, d: float = 1.0, dtype: Any = None, device: Any = None) -> Array:
    """The n//2 + 1 frequencies of a real transform with sample spacing d: 0, 1, …, n//2 over n d.

    In `dtype`, float64 by default. Raises as `fftfreq`. Standard: fft extension.
    """
    found = float64 if dtype is None else canonical(dtype)
    return Array(transforms.rfftfreq(n, d, found, device_of(device)))


def fftshift(x: Array, /, *, axes: int | Sequence[int] | None = None) -> Array:
    """Frequency 0 moved to the middle of each axis, all by default. Raises AxisError, ValueError.

    Standard: fft extension.
    """
    return Array(transforms.fftshift(node_of(x, "fftshift"), axes))


def ifftshift(x: Array, /, *, axes: int | Sequence[int] | None = None) -> Array:
    """The inverse of `fftshift`. Raises AxisError, ValueError.

    Standard: fft extension.
    """
    return Array(transforms.ifftshift(node_of(x, "ifftshift"), axes))


publish(globals())
