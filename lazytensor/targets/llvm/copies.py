"""Copies in row-major order of arrays that lie across it: by kernels that go over tiles, or run by
run where elements follow one another.

What enters: arrays. What leaves: arrays. It must not know graphs.
"""

from collections.abc import Callable
from functools import lru_cache
from itertools import accumulate
from typing import Any

import numpy as np

from ..._base.dtypes import DType
from ..._base.shapes import Shape
from ...ir.op import ROWS
from ...lower.kernel import FULL, Input, Kernel, Launch, Stage

# Bytes from which on NumPy's own function is left; bytes of a run that is copied as one element.
WORTH, RUN = 1 << 18, 1 << 12


@lru_cache(64)
def _launch(shape: Shape, dtype: DType) -> Launch:
    """A launch that gives its argument."""
    rank = len(shape)
    stage = Stage(ROWS["reshape"], (), (0,), dtype, FULL)
    kernel = Kernel(rank, 0, (Input(dtype, FULL, (True,) * rank),), (), (stage,), (1,))
    views = ((shape, shape),)
    return Launch(kernel, shape, (0,), views, (1,), (shape,), (dtype,), shape, ())


class Contiguous:
    """`numpy.ascontiguousarray` for large arrays. `bound` gives the function of a launch, or None;
    `room(shape, dtype)` makes arrays.
    """

    def __init__(self, bound: Callable[..., Any], room: Callable[..., Any]) -> None:
        self.__name__ = "ascontiguousarray"
        self._bound = bound
        self._room = room

    def __call__(self, x: Any, dtype: Any = None) -> Any:
        same = type(x) is np.ndarray and dtype in (None, x.dtype)
        if same and x.nbytes >= WORTH and not x.flags.c_contiguous:
            out = self._room(x.shape, x.dtype)
            self.copy(x, out)
            return out
        return np.ascontiguousarray(x, dtype)

    def copy(self, x: Any, out: Any) -> None:
        """Put the elements of a large array into one in row-major order."""
        tiles = self._tiles(x) if abs(x.strides[-1]) != x.itemsize else None
        if tiles is not None:
            tiles([x], [out])
        else:
            np.copyto(*_by_runs(out, x))

    def _tiles(self, x: Any) -> Any:
        launch = _launch(x.shape, x.dtype)
        known = launch.bound.get(x.strides)
        if known is None:
            known = launch.bound[x.strides] = self._bound(launch, [x])
        return known


def _by_runs(out: Any, x: Any) -> tuple[Any, Any]:
    """Both arrays with runs of neighbours as elements: NumPy copies an element of many bytes at
    once, but goes over short last axes slowly.
    """
    axis, nbytes = x.ndim, x.itemsize
    while axis and x.strides[axis - 1] == nbytes:
        axis -= 1
        nbytes *= x.shape[axis]
    if not x.itemsize < nbytes <= RUN:
        return out, x
    shape, run = (*x.shape[:axis], -1), np.dtype((np.void, nbytes))
    return tuple(a.reshape(shape).view(run) for a in (out, x))


class Concatenate:
    """`numpy.concatenate`, large arrays of one dtype apart: these get memory of the pool."""

    def __init__(self, contiguous: Contiguous, room: Callable[..., Any]) -> None:
        self.__name__ = "concatenate"
        self._contiguous = contiguous
        self._room = room

    def __call__(self, arrays: Any, axis: int = 0) -> Any:
        if not _large(arrays):
            return np.concatenate(arrays, axis)
        ends = list(accumulate(x.shape[axis] for x in arrays))
        first = arrays[0]
        shape = (*first.shape[:axis], ends[-1], *first.shape[axis + 1 :])
        out = self._room(shape, first.dtype)
        lead = (slice(None),) * axis
        for x, end in zip(arrays, ends, strict=True):
            part = out[(*lead, slice(end - x.shape[axis], end))]
            if x.nbytes >= WORTH and part.flags.c_contiguous:
                self._contiguous.copy(x, part)
            else:
                np.copyto(part, x)
        return out


def _large(arrays: Any) -> bool:
    """Whether all are arrays of one dtype, and large together."""
    if sum([getattr(x, "nbytes", 0) for x in arrays]) < WORTH:
        return False
    return all(type(x) is np.ndarray and x.dtype == arrays[0].dtype for x in arrays)
