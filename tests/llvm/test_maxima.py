"""Maxima of windows and their places against NumPy's: ties, zeros of both signs, infinities, NaN,
windows that reach beyond the edges or have nothing inside.
"""

from typing import Any

import numpy as np
import pytest

from lazytensor._base.module import MODULES
from lazytensor.ops import maxima

Array = np.ndarray[Any, Any]


def _ints(rng: np.random.Generator, low: int, high: int, count: int) -> tuple[int, ...]:
    return tuple(int(i) for i in rng.integers(low, high, count))


def _image(rng: np.random.Generator, shape: tuple[int, ...], dtype: str) -> Array:
    x = rng.standard_normal(shape).astype(dtype)
    if rng.random() < 0.5:
        x, place = np.round(x), rng.random(shape)
        x[place < 0.1], x[(place > 0.1) & (place < 0.3)] = np.nan, -np.inf
        x[(place > 0.3) & (place < 0.4)] = -0.0
    return np.asfortranarray(x) if rng.random() < 0.3 else x


def _case(seed: int) -> tuple[Array, tuple[tuple[int, ...], ...]] | None:
    rng = np.random.default_rng(seed)
    k = int(rng.integers(1, 4))
    shape, lead = _ints(rng, 1, (60, 24, 9)[k - 1], k), _ints(rng, 1, 4, int(rng.integers(0, 3)))
    sizes, strides, dilations = _ints(rng, 1, 5, k), _ints(rng, 1, 4, k), _ints(rng, 1, 3, k)
    spans = [d * (n - 1) + 1 for n, d in zip(sizes, dilations, strict=True)]
    starts = tuple(-int(rng.integers(0, s // 2 + 1)) for s in spans)
    axes = zip(shape, starts, spans, strides, strict=True)
    counts = tuple((n - 2 * s - span) // step + 1 for n, s, span, step in axes)
    x = _image(rng, lead + shape, str(rng.choice(["f4", "f8"])))
    return (x, (sizes, strides, dilations, starts, counts)) if min(counts) > 0 else None


@pytest.mark.skipif("llvm" not in MODULES, reason="no compiler is installed")
@pytest.mark.parametrize("first", range(0, 400, 50))
def test_maxima_are_the_references(first: int) -> None:
    native = MODULES["llvm"].own("window_maxima")
    for case in filter(None, map(_case, range(first, first + 50))):
        x, params = case
        places = maxima._places_value(np, x, *params)
        assert native(x, True, *params).tolist() == places.tolist()
        wanted = maxima._taken_maxima(np, x, *params)
        assert native(x, False, *params).tobytes() == wanted.tobytes()
