"""Sums and products along axes that follow one another, by the kernels of such reductions alone:
where arrays are small, the tree's many steps cost more than its additions.

What enters: arrays. What leaves: arrays, or None for what there are no kernels for. It must not
know graphs.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from ..._base.dtypes import DType, float32, float64
from ..._base.shapes import Shape, prod
from ...ir.op import ROWS
from ...lower.kernel import FULL, ROW, Input, Kernel, Launch, Stage


def _launch(name: str, shape: Shape, axes: tuple[int, ...], dtype: DType) -> Launch:
    """A launch of a row of the table alone."""
    kept = tuple([n for a, n in enumerate(shape) if a not in axes])
    folded = tuple([shape[a] for a in axes])
    space = prod(kept), prod(folded)
    read = Input(dtype, FULL, (bool(kept), space[1] != 1))
    kernel = Kernel(2, 1, (read,), (), (Stage(ROWS[name], (), (0,), dtype, ROW),), (1,))
    of, order = ((shape, space),), kept + folded
    return Launch(kernel, space, (0,), of, (1,), (kept,), (dtype,), order, axes)


class Folded:
    """The function (name, x, axes) → x reduced by a row of that name. `bound` gives the function of
    a launch, or None.
    """

    def __init__(self, bound: Callable[..., Any]) -> None:
        self._bound = bound
        self._launch = lru_cache(256)(_launch)

    def __call__(self, name: str, x: Any, axes: tuple[int, ...]) -> Any:
        if x.dtype not in (float32, float64) or not x.size:
            return None
        launch = self._launch(name, x.shape, axes, x.dtype)
        known = launch.bound.get(x.strides)
        if known is None:
            known = launch.bound[x.strides] = self._bound(launch, [x])
        if known is None:
            return None
        out = np.empty(launch.shapes[0], x.dtype)
        known([x], [out])
        return out
