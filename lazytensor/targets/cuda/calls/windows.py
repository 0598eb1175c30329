"""Windows over trailing axes: the greatest element of each, its place, and sums of windows.

What enters: how arrays lie. What leaves: plans. It must not know addresses.
"""

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

from ...._base.dtypes import kind
from ....ops import maxima, windows
from ..types import c_type
from .axes import Args, axes, words
from .plan import ARG, OUT, Place, Planned, number, step

PARTS = ("types", "scalar", "complex", "cells", "windows")


def _planned(
    name: str, args: Args, outs: Args, lead: int, each: Sequence[Sequence[int]]
) -> Planned:
    """A thread for each element: lines along the leading axes, then axes of windows, which have
    words of their own.
    """
    (x,), (out,) = args, outs
    count, shape = prod(out.shape), out.shape[lead:]
    if not count:
        return Planned(())
    lines = axes(out.shape[:lead], out.strides[:lead], x.strides[:lead])
    body = f"{name}, {len(lines)}, {len(shape)}, {number(count)}>(a.w);"
    own = (word for axis in each for word in axis)
    tail = (count, prod(shape), *words(lines), *shape, *out.strides[lead:], *own)
    return Planned((step(PARTS, body, count, (Place(OUT, 0), Place(ARG, 0)), tail),))


def _greatest(places: str) -> Callable[..., Planned]:
    def plan(args: Args, outs: Args, params: tuple[Any, ...], over: bool) -> Planned:
        (x,), (sizes, strides, dilations, starts, _) = args, params
        lead = len(x.shape) - len(sizes)
        each = zip(
            x.shape[lead:], x.strides[lead:], sizes, strides, dilations, starts, strict=True
        )  # fmt: skip
        name = f"window_greatest<{c_type(x.dtype)}, {places}"
        return _planned(name, args, outs, lead, list(each))

    return plan


def _overlap(args: Args, outs: Args, params: tuple[Any, ...], over: bool) -> Planned:
    (x,), (shape, strides, dilations) = args, params
    k = len(shape)
    lead = len(x.shape) - 2 * k
    sizes, counts = x.shape[lead : lead + k], x.shape[lead + k :]
    within, between = x.strides[lead : lead + k], x.strides[lead + k :]
    each = list(zip(counts, sizes, strides, dilations, between, within, strict=True))
    half = kind(x.dtype) == "f" and x.itemsize == 2
    by_window = "true" if prod(sizes) > prod(counts) else "false"
    dtype = c_type(x.dtype)
    name = f"overlap_windows<{dtype}, {'f32' if half else dtype}, {by_window}"
    return _planned(name, args, outs, lead, each)


PLANS = {
    maxima.window_argmax: _greatest("true"),
    maxima.window_max: _greatest("false"),
    windows.overlap_add: _overlap,
}
