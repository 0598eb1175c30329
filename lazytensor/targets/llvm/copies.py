"""Copies in row-major order of arrays that lie across it, by kernels that go over tiles.

What enters: arrays. What leaves: arrays. It must not know graphs.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from ..._base.dtypes import DType
from ..._base.shapes import Shape
from ...ir.op import ROWS
from ...lower.kernel import FULL, Input, Kernel, Launch, Stage

# Bytes from which on NumPy's own function is left.
WORTH = 1 << 18


@lru_cache(64)
def _launch(shape: Shape, dtype: DType) -> Launch:
    """A launch that gives its argument."""
    rank = len(shape)
    stage = Stage(ROWS["reshape"], (), (0,), dtype, FULL)
    kernel = Kernel(rank, 0, (Input(dtype, FULL, (True,) * rank),), (), (stage,), (1,))
    views = ((shape, shape),)
    return Launch(kernel, shape, (0,), views, (1,), (shape,), (dtype,), shape, ())


class Contiguous:
    """`numpy.ascontiguousarray`: native for large arrays whose last axis is not the one along which
    elements follow one another. `bound` gives the function of a launch, or None; `room(shape,
    dtype)` makes arrays.
    """

    def __init__(self, bound: Callable[..., Any], room: Callable[..., Any]) -> None:
        self.__name__ = "ascontiguousarray"
        self._bound = bound
        self._room = room

    def __call__(self, x: Any, dtype: Any = None) -> Any:
        same = type(x) is np.ndarray and dtype in (None, x.dtype)
        if same and x.nbytes >= WORTH and x.strides[-1] != x.itemsize:
            out = self._copied(x)
            if out is not None:
                return out
        return np.ascontiguousarray(x, dtype)

    def _copied(self, x: Any) -> Any:
        launch = _launch(x.shape, x.dtype)
        known = launch.bound.get(x.strides)
        if known is None:
            known = launch.bound[x.strides] = self._bound(launch, [x])
        if known is None:
            return None
        out = self._room(x.shape, x.dtype)
        known([x], [out])
        return out
