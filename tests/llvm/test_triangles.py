"""Eliminations of the native target are NumPy's: factors bit for bit where no product comes in
between, else to rounding; triangular systems to rounding.
"""

from typing import Any

import numpy as np
import pytest

pytest.importorskip("llvmlite")

from lazytensor._base.module import MODULES
from lazytensor.ops import _factor

Array = np.ndarray[Any, Any]
ROUNDING = {"f4": 1e-3, "f8": 1e-11}


def _matrices(rng: np.random.Generator, dtype: str) -> Array:
    rows, columns = rng.integers(1, 90, 2)
    x = rng.standard_normal((int(rng.integers(1, 4)), rows, columns)).astype(dtype)
    if rng.random() < 0.3:
        x = np.round(x)
    if rng.random() < 0.3:
        x[:, :, rng.integers(0, columns)] = 0
    return np.where(rng.random(x.shape) < 0.01, np.nan, x) if rng.random() < 0.1 else x


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_factors(dtype: str) -> None:
    rng = np.random.default_rng(0)
    for _ in range(60):
        x = _matrices(rng, dtype)
        ours, theirs = (_factor.lu(m, x) for m in (MODULES["llvm"], np))
        rows, columns = x.shape[1:]
        if columns <= min(rows, _factor.BLOCK):
            for a, b in zip(ours, theirs, strict=True):
                np.testing.assert_array_equal(a, b)
        if np.isnan(x).any():
            continue
        factors, pivots, _ = ours
        k = min(rows, columns)
        lower = np.tril(factors[:, :, :k], -1) + np.eye(rows, k)
        moved = np.take_along_axis(x, _factor.order(np, pivots, rows)[..., None], 1)
        found = lower @ np.triu(factors[:, :k])
        np.testing.assert_allclose(found, moved, atol=ROUNDING[dtype])


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("upper", [False, True])
@pytest.mark.parametrize("unit", [False, True])
def test_triangular_systems(dtype: str, upper: bool, unit: bool) -> None:
    rng = np.random.default_rng(1)
    for turned in (False, True) * 15:
        n, columns, count = (int(rng.integers(1, most)) for most in (150, 20, 4))
        a = (rng.standard_normal((count, n, n)) / n + 2 * np.eye(n)).astype(dtype)
        a = a.swapaxes(1, 2) if turned else a
        b = rng.standard_normal((count, n, columns)).astype(dtype)
        ours, theirs = (_factor.substitute(m, a, b, upper, unit) for m in (MODULES["llvm"], np))
        np.testing.assert_allclose(ours, theirs, rtol=ROUNDING[dtype], atol=ROUNDING[dtype])
        alone = _factor.substitute(MODULES["llvm"], a[0], b[0], upper, unit)
        np.testing.assert_allclose(alone, ours[0], rtol=ROUNDING[dtype], atol=ROUNDING[dtype])
