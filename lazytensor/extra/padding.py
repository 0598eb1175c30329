"""`pad`: NumPy's modes, as concatenations and as reads at places that NumPy itself computes.

What enters: an array, widths, a mode. What leaves: an array. It must not know how it is computed.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from .._base.errors import publish
from .._base.shapes import Shape, normalize_axis
from ..array_api.array import Array
from ..array_api.creation import asarray, full
from ..array_api.indexing import take
from ..array_api.manipulation import broadcast_to, concat
from ..array_api.statistical import max as max_
from ..array_api.statistical import mean
from ..array_api.statistical import min as min_
from ._arrays import as_array

__all__ = ["pad"]

# Modes that copy elements of the array, with the keywords that they take.
_COPIES: dict[str, tuple[str, ...]] = {"edge": (), "reflect": (), "symmetric": (), "wrap": ()}
_STATISTICS: dict[str, Callable[..., Array]] = {"maximum": max_, "minimum": min_, "mean": mean}
_KEYWORDS: dict[str, tuple[str, ...]] = {
    "constant": ("constant_values",),
    "empty": (),
    **_COPIES,
    **dict.fromkeys(_STATISTICS, ("stat_length",)),
}


def _widths(pad_width: Any, ndim: int) -> list[tuple[int, int]]:
    """(before, after) for each axis. Raises TypeError, ValueError for anything else."""
    if isinstance(pad_width, dict):
        given = {normalize_axis(a, ndim): w for a, w in pad_width.items()}
        pad_width = [np.broadcast_to(given.get(a, 0), (2,)) for a in range(ndim)]
    widths = np.asarray(pad_width)
    if widths.dtype.kind not in "iu":
        raise TypeError(f"pad: pad_width must be ints, got {pad_width!r}")
    if widths.size and widths.min() < 0:
        raise ValueError(f"pad: pad_width must not be negative, got {pad_width!r}")
    return [(int(a), int(b)) for a, b in np.broadcast_to(widths, (ndim, 2))]


def _block(x: Array, axis: int, size: int) -> Shape:
    return (*x.shape[:axis], size, *x.shape[axis + 1 :])


def _constants(x: Array, widths: list[tuple[int, int]], values: Any) -> Array:
    pairs = np.broadcast_to(np.asarray(values), (x.ndim, 2))
    for axis, (width, pair) in enumerate(zip(widths, pairs, strict=True)):
        ends = [
            full(_block(x, axis, n), v.item(), dtype=x.dtype, device=x.device)
            for n, v in zip(width, pair.astype(x.dtype), strict=True)
        ]
        x = concat([ends[0], x, ends[1]], axis=axis)
    return x


def _copies(x: Array, widths: list[tuple[int, int]], mode: str) -> Array:
    for axis, width in enumerate(widths):
        if width != (0, 0):
            # NumPy pads the places 0 … n-1; what stands there afterwards is what to read
            places = np.pad(np.arange(x.shape[axis]), width, mode)  # type: ignore[call-overload]
            x = take(x, asarray(places, device=x.device), axis=axis)
    return x


def _statistics(x: Array, widths: list[tuple[int, int]], mode: str, lengths: Any) -> Array:
    wanted = np.broadcast_to(np.asarray(lengths, object), (x.ndim, 2))
    for axis, (width, stat) in enumerate(zip(widths, wanted, strict=True)):
        n = x.shape[axis]
        first, last = (n if k is None else min(int(k), n) for k in stat)
        parts = (take(x, asarray(np.arange(a, b), device=x.device), axis=axis)
                 for a, b in ((0, first), (n - last, n)))  # fmt: skip
        ends = [
            broadcast_to(_STATISTICS[mode](part, axis=axis, keepdims=True), _block(x, axis, w))
            for part, w in zip(parts, width, strict=True)
        ]
        x = concat([ends[0], x, ends[1]], axis=axis)
    return x


def pad(array: Any, pad_width: Any, mode: str = "constant", **kwargs: Any) -> Array:
    """An array with elements put before and after along each axis, as `numpy.pad`.

    Modes: "constant" (constant_values=0), "empty" (zeros), "edge", "reflect", "symmetric",
    "wrap", "maximum", "minimum" and, of floating-point arrays, "mean" (stat_length=None).
    `pad_width` is an int, a pair, a pair for each axis, or a dict of them by axis. Raises TypeError
    for a callable mode and for keywords that the mode does not take, ValueError for an unknown mode
    or negative widths.
    """
    if callable(mode):
        raise TypeError(
            "pad: mode must be a name; a function can't fill an array that has no value yet"
        )
    if mode not in _KEYWORDS:
        raise ValueError(f"pad: unknown mode {mode!r}; the modes are {', '.join(_KEYWORDS)}")
    unknown = [k for k in kwargs if k not in _KEYWORDS[mode]]
    if unknown:
        raise TypeError(f"pad: mode {mode!r} does not take {', '.join(unknown)}")
    x = as_array(array)
    widths = _widths(pad_width, x.ndim)
    if mode in _COPIES:
        return _copies(x, widths, mode)
    if mode in _STATISTICS:
        return _statistics(x, widths, mode, kwargs.get("stat_length"))
    return _constants(x, widths, kwargs.get("constant_values", 0))


publish(globals())
