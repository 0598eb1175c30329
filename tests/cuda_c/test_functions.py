"""Elementary functions of complex numbers, as g++ compiles them: near those of NumPy's library. The
real functions that they are made of are CUDA's own on a device, which no test without one sees.
"""

from typing import Any

import numpy as np
import pytest

from lazytensor.ops._eager import Eager

from .edges import PARTS
from .harness import compiler
from .reference import BOTH, function

FUNCTIONS = sorted(BOTH - {"pow"})
UNITS = 4  # of the last place of the greater part
# NumPy's own is within so many of 1 + x, not of its result.
ABSOLUTE = {"log1p"}


def edges(dtype: str) -> np.ndarray:
    parts = [*PARTS, 3.0, -3.0, 0.5, -0.5, 800.0, -800.0, 1e200, -1e-300]
    with np.errstate(all="ignore"):
        return np.array([complex(x, y) for x in parts for y in parts]).astype(dtype)


def everywhere(dtype: str) -> np.ndarray:
    rng = np.random.default_rng(0)
    n = 2000
    near = [(rng.standard_normal(n) + 1j * rng.standard_normal(n)) * s for s in (1e-3, 1, 3, 30)]
    turns = np.exp(1j * rng.uniform(-4, 4, n))
    most = 600 if dtype == "complex128" else 70
    far = np.exp(rng.uniform(-most, most, n)) * turns
    ring = turns * (1 + 1e-5 * rng.standard_normal(n))
    return np.concatenate([*near, far, ring]).astype(dtype)


def both(name: str, *arrays: Any) -> tuple[np.ndarray, np.ndarray]:
    """The function's values, and NumPy's."""
    with np.errstate(all="ignore"):
        return function(name)(*arrays), Eager().emit(name, None, *arrays)  # type: ignore[arg-type]


def units(got: np.ndarray, want: np.ndarray, least: float) -> np.ndarray:
    """Distances in units of the last place."""
    eps, size = np.finfo(want.dtype).eps, np.maximum(np.abs(want.real), np.abs(want.imag))
    with np.errstate(all="ignore"):
        wide = np.complex128
        return np.abs(got.astype(wide) - want.astype(wide)) / np.maximum(size, least) / eps


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_values(name: str, dtype: str) -> None:
    compiler()
    x = everywhere(dtype)
    got, want = both(name, x)
    assert (np.isfinite(got) == np.isfinite(want)).all()
    least = 1.0 if name in ABSOLUTE else np.finfo(dtype).tiny * 1e8
    known = np.isfinite(want)
    assert units(got[known], want[known], least).max() <= UNITS


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_special_values(name: str, dtype: str) -> None:
    """Parts are NaN, infinite or 0 where NumPy's are; signs, too, of numbers without a NaN."""
    compiler()
    x = edges(dtype)
    got, want = both(name, x)
    plain = ~np.isnan(want) & np.isfinite(x)
    for g, w in ((got.real, want.real), (got.imag, want.imag)):
        assert (np.isnan(g) == np.isnan(w)).all(), x[np.isnan(g) != np.isnan(w)]
        differ = np.isinf(g) != np.isinf(w)
        assert (~differ | (np.abs(x.real) > 700)).all(), x[differ]
        signs = plain & (np.signbit(g) != np.signbit(w)) & (np.abs(w) > np.finfo(dtype).tiny)
        assert not signs.any(), x[signs]


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
def test_powers(dtype: str) -> None:
    compiler()
    rng = np.random.default_rng(1)
    x = (rng.standard_normal(2000) + 1j * rng.standard_normal(2000)).astype(dtype)
    y = (rng.standard_normal(2000) * 2 + 1j * rng.standard_normal(2000)).astype(dtype)
    whole = rng.integers(-5, 6, 2000).astype(dtype)
    most = 2 if dtype == "complex64" else 16
    for powers in (y, whole):
        got, want = both("pow", x.astype("complex128"), powers.astype("complex128"))
        assert units(got, want, 1e-300).max() <= 16
        assert units(both("pow", x, powers)[0], want.astype(dtype), 1e-30).max() <= most
    zeros = np.array([0, 0, 0, 2]).astype(dtype), np.array([0, 1, -1, 0]).astype(dtype)
    got, want = both("pow", *zeros)
    np.testing.assert_array_equal(got, want)
