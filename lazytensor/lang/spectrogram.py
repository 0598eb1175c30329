"""Fourier transforms of overlapping frames of a signal, and signals put together from them.

What enters: nodes of signals (batch, samples) or of spectra (batch, frequencies, frames), windows
as long as a frame. What leaves: nodes. Arguments are checked by who calls. It must not know faces.
"""

import numpy as np

from .._base.dtypes import complex_of, kind, real_of
from ..ir.node import Node, leaf
from ..ops import g
from . import fft, views
from ._checks import as_dtype, full, part


def centred(window: Node, size: int) -> Node:
    """A window with zeros on both sides, `size` long."""
    n = window.shape[0]
    return window if n == size else g.embed(window, (size,), ((size - n) // 2,), (1,))


def surrounded(x: Node, window: int, size: int) -> Node:
    """Signals with zeros on both sides, for the first and last frame to hold a whole window."""
    shape = (x.shape[0], x.shape[1] + size - window)
    return g.embed(x, shape, (0, (size - window) // 2), (1, 1))


def stft(x: Node, window: Node, hop: int, normalized: bool, onesided: bool) -> Node:
    """Spectra of frames `hop` apart: (batch, samples) -> (batch, frames, frequencies)."""
    size = window.shape[0]
    frames = views.unfold(x, 1, size, hop)
    if kind(window.dtype) == "c":
        frames = as_dtype(frames, window.dtype)
    elif kind(frames.dtype) == "c":
        window = as_dtype(window, frames.dtype)
    frames = frames * window
    norm = "ortho" if normalized else "backward"
    return (fft.rfft if onesided else fft.fft)(frames, size, -1, norm)


def overlapped(frames: Node, hop: int) -> Node:
    """Sums of frames laid `hop` apart: (batch, frames, size) -> (batch, samples)."""
    batch, count, size = frames.shape
    places = np.arange(count)[:, None] * hop + np.arange(size)
    total = full(0, (size + hop * (count - 1), batch), frames)
    inner = g.permute(frames, (1, 2, 0))
    summed = g.scatter_add([total, inner, leaf(places, frames.device)])
    return g.permute(summed, (1, 0))


def weight(window: Node, hop: int, count: int) -> Node:
    """The sum of squares of a window in each sample: (1, samples)."""
    square = g.reshape(window * window, (1, 1, window.shape[0]))
    return overlapped(g.broadcast_to(square, (1, count, window.shape[0])), hop)


def frames_of(spectra: Node, window: Node, normalized: bool, onesided: bool, real: bool) -> Node:
    """Windowed frames of spectra: (batch, frequencies, frames) -> (batch, frames, size)."""
    size = window.shape[0]
    x = g.permute(spectra, (0, 2, 1))
    norm = "ortho" if normalized else "backward"
    if not real:
        frames = fft.ifft(x, size, -1, norm)
        return frames * as_dtype(window, frames.dtype)
    if not onesided:
        x = part(x, 2, 0, size // 2 + 1)
    return fft.irfft(x, size, -1, norm) * window


def joint_dtypes(x: Node, window: Node) -> tuple[Node, Node]:
    """Spectra and a window of one precision, the higher of both."""
    real = max(real_of(x.dtype), real_of(window.dtype), key=lambda d: d.itemsize)
    wide = complex_of(real) if kind(window.dtype) == "c" else real
    return as_dtype(x, complex_of(real)), as_dtype(window, wide)
