"""Fourier transforms of any norm, length and number of axes, over four rows of one axis.

The rows are normalised "backward". What enters: nodes and Python arguments. What leaves: nodes.
Real and integer arrays are taken as complex where the transform is of complex arrays.
It must not know faces.
"""

from collections.abc import Callable, Sequence
from math import sqrt
from typing import Any

from .._base.dtypes import DType, int64, kind
from .._base.shapes import integer, normalize_axes, normalize_axis
from ..ir.node import Node
from ..ops import g
from ._checks import complexes, floating, part, require

_OPPOSITE = {"backward": "forward", "ortho": "ortho", "forward": "backward"}


def _checked_norm(name: str, norm: str | None) -> str:
    norm = "backward" if norm is None else norm
    if norm not in _OPPOSITE:
        raise ValueError(f"{name}: norm must be 'backward', 'ortho' or 'forward', got {norm!r}")
    return norm


def _length(name: str, n: Any, default: int) -> int:
    found = default if n is None else integer(n, f"{name}: n")
    if found < 1:
        raise ValueError(f"{name}: the length of a transform must be positive, got {found}")
    return found


def _resized(x: Node, axis: int, n: int) -> Node:
    """Trimmed, or padded with zeros, to n along an axis."""
    size = x.shape[axis]
    if n == size:
        return x
    if n < size:
        return part(x, axis, 0, n)
    shape = tuple(n if a == axis else k for a, k in enumerate(x.shape))
    return g.embed(x, shape, (0,) * x.ndim, (1,) * x.ndim)


def _scaled(x: Node, factor: float) -> Node:
    if factor == 1.0:
        return x
    if kind(x.dtype) == "c":
        return g.complex(g.real(x) * factor, g.imag(x) * factor)
    return x * factor


def _forward(norm: str, n: int) -> float:
    """What a plain sum is multiplied by."""
    return 1.0 if norm == "backward" else 1 / n if norm == "forward" else 1 / sqrt(n)


def _inverse(norm: str, n: int) -> float:
    """What a sum divided by n is multiplied by."""
    return 1.0 if norm == "backward" else float(n) if norm == "forward" else sqrt(n)


# --- what all of them share -----------------------------------------------------------------------

Axes = tuple[list[int], list[int | None]]


def _one(name: str, x: Node, n: int | None, axis: int) -> Axes:
    """One axis, not negative, and its size: None for the default."""
    return [normalize_axis(axis, x.ndim)], [None if n is None else integer(n, f"{name}: n")]


def _several(name: str, x: Node, s: Sequence[int] | None, axes: Sequence[int] | None) -> Axes:
    """Axes, not negative, as given, and their sizes: None, or -1 in `s`, for the default."""
    if axes is None and s is not None:
        raise ValueError(f"{name}: axes must be given with s, got s={s!r}")
    places = list(range(x.ndim)) if axes is None else [normalize_axis(a, x.ndim) for a in axes]
    if len(set(places)) != len(places) or not places:
        raise ValueError(f"{name}: expected distinct axes of shape {x.shape}, got {axes!r}")
    sizes = [-1] * len(places) if s is None else [integer(n, f"{name}: s") for n in s]
    if len(sizes) != len(places):
        raise ValueError(f"{name}: s and axes must have one length, got {s!r} and {axes!r}")
    return places, [None if n == -1 else n for n in sizes]


def _along(
    name: str, row: Callable[..., Node], x: Node, places: list[int], sizes: list[int | None]
) -> tuple[Node, int]:
    """A complex row along each axis, and the number of elements that it was taken over."""
    count = 1
    for axis, size in zip(places, sizes):
        n = _length(name, size, x.shape[axis])
        x = row(_resized(x, axis, n), axis)
        count *= n
    return x, count


def _complex_forward(name: str, x: Node, axes: Axes, norm: str | None) -> Node:
    norm = _checked_norm(name, norm)
    out, n = _along(name, g.fft, complexes(name, x), *axes)
    return _scaled(out, _forward(norm, n))


def _complex_inverse(name: str, x: Node, axes: Axes, norm: str | None) -> Node:
    norm = _checked_norm(name, norm)
    out, n = _along(name, g.ifft, complexes(name, x), *axes)
    return _scaled(out, _inverse(norm, n))


def _real_forward(name: str, x: Node, axes: Axes, norm: str | None) -> Node:
    norm = _checked_norm(name, norm)
    real = floating(name, require(name, x, "iuf"))
    places, sizes = axes
    last = places[-1]
    n = _length(name, sizes[-1], x.shape[last])
    half = g.rfft(_resized(real, last, n), last)
    out, count = _along(name, g.fft, half, places[:-1], sizes[:-1])
    return _scaled(out, _forward(norm, n * count))


def _real_inverse(name: str, x: Node, axes: Axes, norm: str | None) -> Node:
    norm = _checked_norm(name, norm)
    places, sizes = axes
    last = places[-1]
    n = _length(name, sizes[-1], 2 * (x.shape[last] - 1))
    half, count = _along(name, g.ifft, complexes(name, x), places[:-1], sizes[:-1])
    out = g.irfft(_resized(half, last, n // 2 + 1), last, n)
    return _scaled(out, _inverse(norm, n * count))


# --- one axis -------------------------------------------------------------------------------------


def fft(x: Node, n: int | None = None, axis: int = -1, norm: str | None = "backward") -> Node:
    """Complex to complex. Raises TypeError for booleans, ValueError for norm and n, AxisError."""
    return _complex_forward("fft", x, _one("fft", x, n, axis), norm)


def ifft(x: Node, n: int | None = None, axis: int = -1, norm: str | None = "backward") -> Node:
    """The inverse of `fft`. Raises as it."""
    return _complex_inverse("ifft", x, _one("ifft", x, n, axis), norm)


def rfft(x: Node, n: int | None = None, axis: int = -1, norm: str | None = "backward") -> Node:
    """Real to complex, n//2 + 1 of it. Raises TypeError unless real, else as `fft`."""
    return _real_forward("rfft", x, _one("rfft", x, n, axis), norm)


def irfft(x: Node, n: int | None = None, axis: int = -1, norm: str | None = "backward") -> Node:
    """The inverse of `rfft`, n real numbers: 2 (m - 1) by default. Raises as `fft`."""
    return _real_inverse("irfft", x, _one("irfft", x, n, axis), norm)


def hfft(x: Node, n: int | None = None, axis: int = -1, norm: str | None = "backward") -> Node:
    """The spectrum, real, of a signal with Hermitian symmetry. Raises as `fft`."""
    norm = _OPPOSITE[_checked_norm("hfft", norm)]
    return _real_inverse("hfft", g.conj(complexes("hfft", x)), _one("hfft", x, n, axis), norm)


def ihfft(x: Node, n: int | None = None, axis: int = -1, norm: str | None = "backward") -> Node:
    """The inverse of `hfft`, n//2 + 1 complex numbers. Raises as `rfft`."""
    norm = _OPPOSITE[_checked_norm("ihfft", norm)]
    return g.conj(_real_forward("ihfft", x, _one("ihfft", x, n, axis), norm))


# --- several axes ---------------------------------------------------------------------------------

Ints = Sequence[int] | None


def fftn(x: Node, s: Ints = None, axes: Ints = None, norm: str | None = "backward") -> Node:
    """Complex to complex along axes, all by default. Raises as `fft`."""
    return _complex_forward("fftn", x, _several("fftn", x, s, axes), norm)


def ifftn(x: Node, s: Ints = None, axes: Ints = None, norm: str | None = "backward") -> Node:
    """The inverse of `fftn`. Raises as it."""
    return _complex_inverse("ifftn", x, _several("ifftn", x, s, axes), norm)


def rfftn(x: Node, s: Ints = None, axes: Ints = None, norm: str | None = "backward") -> Node:
    """Real to complex: halved along the last of the axes. Raises as `rfft`."""
    return _real_forward("rfftn", x, _several("rfftn", x, s, axes), norm)


def irfftn(x: Node, s: Ints = None, axes: Ints = None, norm: str | None = "backward") -> Node:
    """The inverse of `rfftn`, real: 2 (m - 1) along the last axis by default. Raises as `fft`."""
    return _real_inverse("irfftn", x, _several("irfftn", x, s, axes), norm)


# --- frequencies, shifts --------------------------------------------------------------------------


def _frequencies(name: str, n: Any, dtype: DType) -> int:
    if kind(dtype) != "f":
        raise TypeError(f"{name}: dtype must be real floating-point, got {dtype}")
    return _length(name, n, 0)


def fftfreq(n: int, d: float, dtype: DType, device: Any) -> Node:
    """0, 1, …, -2, -1 over n d. Raises TypeError for dtype, ValueError unless n is positive."""
    n = _frequencies("fftfreq", n, dtype)
    i = g.iota(n, int64, device)
    k = g.where(g.less(i, (n + 1) // 2), i, i - n)
    return g.cast(k, dtype) / (n * float(d))


def rfftfreq(n: int, d: float, dtype: DType, device: Any) -> Node:
    """0, 1, …, n//2 over n d. Raises as `fftfreq`."""
    n = _frequencies("rfftfreq", n, dtype)
    return g.cast(g.iota(n // 2 + 1, int64, device), dtype) / (n * float(d))


def _rolled(x: Node, axes: Any, shift: Callable[[int], int]) -> Node:
    """Along each axis the last `shift(size)` elements moved to the front."""
    for axis in normalize_axes(axes, x.ndim):
        n = x.shape[axis]
        k = shift(n)
        if 0 < k < n:
            x = g.concat([part(x, axis, n - k, k), part(x, axis, 0, n - k)], axis)
    return x


def fftshift(x: Node, axes: int | Sequence[int] | None = None) -> Node:
    """Frequency 0 moved to the middle of each axis. Raises AxisError."""
    return _rolled(x, axes, lambda n: n // 2)


def ifftshift(x: Node, axes: int | Sequence[int] | None = None) -> Node:
    """The inverse of `fftshift`. Raises AxisError."""
    return _rolled(x, axes, lambda n: n - n // 2)
