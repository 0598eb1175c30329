"""The native target's elementary functions: at most 2 units of the last place from what is right,
NumPy's special values, and the same bits whatever the width."""

from collections.abc import Callable

import numpy as np
import pytest

pytest.importorskip("llvmlite")
pytest.importorskip("mpmath")

from lazytensor.targets.llvm.functions import FUNCTIONS, OF_NONPOSITIVE

from .compiled import compiled
from .reference import errors, numpy_function
from .samples import pairs, singles, special

BINARY = {"pow", "atan2", "hypot", "logaddexp", "fmod", "mod", "floordiv"}
DTYPES = ("float32", "float64")
WIDTH = {"float32": 8, "float64": 4}
LIMIT = 2.0


def arguments(name: str, dtype: str, n: int) -> tuple[np.ndarray, ...]:
    """A sample for a function."""
    return pairs(name, dtype, n) if name in BINARY else (singles(dtype, n),)


def build(name: str, dtype: str, width: int, fused: bool = True) -> Callable[..., np.ndarray]:
    """A compiled function."""
    return compiled(FUNCTIONS[name], dtype, width, fused, 2 if name in BINARY else 1)


def check(name: str, dtype: str, n: int, fused: bool) -> None:
    """Compare a function with the reference on a sample."""
    xs = arguments(name, dtype, n)
    y = build(name, dtype, WIDTH[dtype], fused)(*xs)
    found = errors(name, y, *xs)
    worst = int(np.argmax(found))
    assert found[worst] <= LIMIT, [*(x[worst] for x in xs), y[worst]]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_within_two_units(name: str, dtype: str) -> None:
    check(name, dtype, 20_000 if dtype == "float32" else 300, fused=True)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_within_two_units_without_fma(name: str, dtype: str) -> None:
    check(name, dtype, 20_000 if dtype == "float32" else 100, fused=False)


@pytest.mark.slow
@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_within_two_units_at_many_points(name: str, dtype: str, fused: bool) -> None:
    check(name, dtype, 500_000 if dtype == "float32" else 8_000, fused)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_special_values(name: str, dtype: str) -> None:
    edge = special(dtype)
    xs = (np.repeat(edge, len(edge)), np.tile(edge, len(edge))) if name in BINARY else (edge,)
    with np.errstate(all="ignore"):
        want = numpy_function(name)(*xs)
    y = build(name, dtype, WIDTH[dtype])(*xs)
    apart = ~np.isfinite(want) | (want == 0)
    ones = np.flatnonzero(np.abs(want) == 1)  # NumPy's power is a unit off some, with AVX-512
    apart[ones[errors(name, want[ones], *(x[ones] for x in xs)) < 0.5]] = True
    np.testing.assert_array_equal(y[apart], want[apart])
    kept = apart & ~np.isnan(want)
    np.testing.assert_array_equal(np.signbit(y[kept]), np.signbit(want[kept]))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_same_bits_at_every_width(name: str, dtype: str) -> None:
    xs = arguments(name, dtype, 500)
    results = [build(name, dtype, width)(*xs) for width in (1, 2, WIDTH[dtype], 16)]
    whole = "u4" if dtype == "float32" else "u8"
    for y in results[1:]:
        same = (y.view(whole) == results[0].view(whole)) | (np.isnan(y) & np.isnan(results[0]))
        assert same.all()


@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", OF_NONPOSITIVE)
def test_for_nonpositive_arguments_the_same_bits(name: str, dtype: str, fused: bool) -> None:
    below = -np.abs(singles(dtype, 100_000))
    x = np.concatenate([below, np.linspace(-110, 0, 50_000).astype(dtype), np.zeros(8, dtype)])
    x = x[: len(x) // 16 * 16]
    one, other = (
        compiled(functions[name], dtype, WIDTH[dtype], fused, 1)(x)
        for functions in (FUNCTIONS, OF_NONPOSITIVE)
    )
    assert (np.isnan(x) == np.isnan(one)).all() and (np.isnan(x) == np.isnan(other)).all()
    assert np.where(np.isnan(x), 0, one).tobytes() == np.where(np.isnan(x), 0, other).tobytes()
