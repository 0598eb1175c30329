"""Convolutions of arrays by native kernels, and what is shared out to threads of them.

What enters: arrays of single or double precision. What leaves: arrays, or None for what there are
no kernels for. It must not know graphs.
"""

from collections.abc import Callable
from functools import lru_cache, partial
from math import prod
from typing import Any, NamedTuple

import numpy as np

from ..._base.dtypes import DType, float32, float64
from ..._base.processors import count as threads
from ..._base.threads import run as share
from .call import packed
from .convolve import Products
from .machine import Linked
from .planes import Outputs, Weights
from .windows import geometry

Ints = tuple[int, ...]
Params = tuple[Ints, tuple[tuple[int, int], ...], Ints]
# Products that are summed up in registers before they are put down: about so many, of whole
# windows. Windows that are copied at a time: no more than that.
DEPTH, CHUNK = 256, 128
# Rows of the weights that are worth copying windows for once more; elements of a panel at most.
LEAST, ROOM = 24, 64
# Channels out of one channel in, up to which each is made alone.
FEW = 4
# Multiplications that are worth another thread, and those between two looks at whether the user has
# interrupted.
GRAIN, BREATH = 1 << 21, 1 << 34
# Elements of an axis.
MOST = 1 << 30


class _Job(NamedTuple):
    """Words of a kernel, units of work, multiplications of each, and elements of room."""

    words: tuple[int, ...]
    units: int
    each: int
    room: int = 0


class _Convolutions:
    """What all of them have in common."""

    def __init__(self, functions: Any, room: Callable[[Ints, DType], Any]) -> None:
        self._functions = functions
        self._room = room
        self._known: dict[Any, Linked] = {}

    def _run(self, kernel: Any, job: _Job, *arrays: Any) -> None:
        dtype, launch = arrays[0].dtype, self._functions.launch
        call = _packed(self._address(kernel, dtype), job.words)

        def work(lo: int, hi: int) -> None:
            room = [np.empty(job.room, dtype)] if job.room else ()
            launch(call, lo, hi, *arrays, *room)

        if job.units * job.each < 2 * GRAIN:
            work(0, job.units)
            return
        most, grain = (max(1, n // job.each) for n in (BREATH, GRAIN))
        for start in range(0, job.units, most):
            stop = min(start + most, job.units)
            share(partial(_from, work, start), stop - start, grain, threads())

    def _width(self, dtype: DType) -> int:
        """Elements of a vector."""
        return max(2, int(self._functions.machine.host.bytes) // dtype.itemsize)

    def _address(self, kernel: Any, dtype: DType) -> int:
        known = self._known.get((kernel, dtype))
        if known is None:
            text = kernel(dtype, self._functions.machine.host).text()
            # of several threads, the first keeps its function: another's would be unloaded
            known = self._known.setdefault((kernel, dtype), self._functions.linked(text))
        return known.address


@lru_cache(4096)
def _packed(address: int, words: Ints) -> bytes:
    """What `launch` takes, while others run."""
    return packed(address, True, *words)


def _from(work: Callable[[int, int], None], start: int, lo: int, hi: int) -> None:
    """A part of work that begins further on."""
    work(start + lo, start + hi)


class Convolution(_Convolutions):
    """The function (x, w, strides, pads, dilations, groups) → convolved x."""

    def __call__(self, x: Any, w: Any, *params: Any) -> Any:
        if not _fits(x, w, w.ndim - 2):
            return None
        x, w = _along(x), np.ascontiguousarray(w)
        merged = _small(x.shape, w.shape, params)
        return (self._merged if merged else self._made)(x, w, *params)

    def _merged(self, x: Any, w: Any, *params: Any) -> Any:
        """Of small images: planes of one image, whose windows fill vectors, and for more of which
        the weights are read once.
        """
        strides, pads, dilations, groups = params
        further = ((1, *strides), ((0, 0), *pads), (1, *dilations), groups)
        found = self._made(x.swapaxes(0, 1)[None], w[:, :, None], *further)
        out = self._room((len(x), len(w), *found.shape[3:]), x.dtype)
        out[...] = found[0].swapaxes(0, 1)
        return out

    def _made(self, x: Any, w: Any, *params: Any) -> Any:
        kernel, job, shape = _plan(
            x.shape, x.strides, w.shape, params, threads(), self._width(x.dtype)
        )
        out = self._room(shape, x.dtype)
        self._run(kernel, job, x, w, out)
        return out


class ConvolutionWeights(_Convolutions):
    """The function (x, y, kernel, strides, pads, dilations, groups) → the weights' gradient, where
    each channel out reads one channel in.
    """

    def __call__(self, x: Any, y: Any, kernel: Ints, *params: Any) -> Any:
        *rest, groups = params
        if groups != x.shape[1] or not _fits(x, y, len(kernel)):
            return None
        x, y = _along(x), np.ascontiguousarray(y)
        shape = (y.shape[1], 1, *kernel)
        job = _planes(
            x.shape, x.strides, shape, y.shape[2:], tuple(rest), groups, self._width(x.dtype)
        )
        out = self._room(shape, x.dtype)
        self._run(Weights, job._replace(units=y.shape[1], each=job.each * len(x)), x, y, out)
        return out


def _fits(x: Any, y: Any, axes: int) -> bool:
    """Whether kernels are for them: places along an axis are numbers of 32 bits."""
    short = x.shape[-1] < MOST and y.shape[-1] < MOST
    return x.dtype in (float32, float64) and 1 <= axes <= 3 and x.size and y.size and short


@lru_cache(4096)
def _small(x: Ints, w: Ints, params: tuple[Any, ...]) -> bool:
    """Whether images are so small that they are better taken together: there is an axis left for
    them, and so much is summed up that another copy of the result is little.
    """
    *rest, groups = params
    deep = prod(w[1:]) >= DEPTH and groups < x[1]
    windows = prod(_counts(x[2:], w[2:], *rest))
    return deep and x[0] > 1 and len(x) < 5 and windows < CHUNK


def _along(x: Any) -> Any:
    """Images whose elements lie one after another along the last axis."""
    return x if x.strides[-1] == x.itemsize else np.ascontiguousarray(x)


def _counts(sizes: Ints, kernel: Ints, strides: Ints, pads: Any, dilations: Ints) -> Ints:
    parts = zip(sizes, kernel, strides, pads, dilations, strict=True)
    return tuple((n + lo + hi - d * (k - 1) - 1) // s + 1 for n, k, s, (lo, hi), d in parts)


@lru_cache(4096)
def _plan(
    x: Ints, lie: Ints, w: Ints, params: tuple[Any, ...], workers: int, width: int
) -> tuple[type[Products | Outputs], _Job, Ints]:
    """The kernel of a convolution, its job, and the shape of the result."""
    *rest, groups = params
    counts = _counts(x[2:], w[2:], *rest)
    shape, how = (x[0], w[0], *counts), (x, lie, w, counts, tuple(rest), groups)
    if groups == x[1] and w[0] <= FEW * groups:
        return Outputs, _planes(*how, width), shape
    return Products, _products(*how, workers), shape


def _products(
    x: Ints, lie: Ints, w: Ints, counts: Ints, params: Params, groups: int, workers: int
) -> _Job:
    """The job of `Products`: a unit is an image's group, some of its windows, some of its rows."""
    channels, places, windows, outer = w[1], prod(w[2:]), prod(counts), w[0] // groups
    chunk, some = min(CHUNK, windows), min(channels, max(1, DEPTH // places))
    chunks = -(-windows // chunk)
    units, blocks = x[0] * groups * chunks, 1
    if units < 2 * workers > 2:  # then windows are copied more than once
        blocks = min(2 * workers, -(-outer // LEAST))
    block = -(-outer // blocks)
    own = (
        windows, outer, channels, places, groups, chunks, blocks, chunk, block, some, lie[0], lie[1]
    )  # fmt: skip
    words = (*own, *geometry(x, lie, w[2:], counts, *params))
    each = chunk * block * channels * places
    return _Job(words, units * blocks, each, some * places * (chunk + ROOM))


@lru_cache(4096)
def _planes(
    x: Ints, lie: Ints, w: Ints, counts: Ints, params: Params, groups: int, width: int
) -> _Job:
    """The job of `Outputs`: a unit is a channel out of an image."""
    strides, _, dilations = params
    copy = [(m - 1) * s + (k - 1) * d + 1 for m, s, k, d in zip(counts, strides, w[2:], dilations)]
    whole = -(-counts[-1] // width) * width  # windows that are gone over, of a row
    line = copy[-1] + (whole - counts[-1]) * strides[-1] + 1
    lines = (1, *copy[:-1])[-2:] if len(copy) > 1 else (1, 1)
    copy = [*lines, -(-line // width) * width]
    words = (groups, w[0], x[0], *lie[:2], *copy, *geometry(x, lie, w[2:], counts, *params))
    return _Job(words, x[0] * w[0], prod(counts) * prod(w[2:]), prod(copy))
