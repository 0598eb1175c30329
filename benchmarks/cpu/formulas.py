"""Rows: long elementwise programs."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .row import TRANSCENDENTAL, Row, floats, per, share, uniform

F64 = np.float64

# --- Black–Scholes --------------------------------------------------------------------------------

ERF = (0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429)


def erf_numpy(x: np.ndarray) -> np.ndarray:
    """erf as NumPy users write it: Abramowitz and Stegun 7.1.26, 1.5e-7 off."""
    t = 1 / (1 + 0.3275911 * np.abs(x))
    p = ERF[4] * t
    for c in reversed(ERF[:4]):
        p = (p + c) * t
    return np.sign(x) * (1 - p * np.exp(-x * x))


def black_scholes(xp: Any, spot: Any, strike: Any, years: Any, erf: Any = None) -> Any:
    """The price of a call, rate 0.05, volatility 0.2."""
    erf = erf or xp.erf
    deviation = 0.2 * xp.sqrt(years)
    d1 = (xp.log(spot / strike) + (0.05 + 0.02) * years) / deviation
    d2 = d1 - deviation
    n1 = 0.5 * (1 + erf(d1 * 0.7071067811865476))
    n2 = 0.5 * (1 + erf(d2 * 0.7071067811865476))
    return spot * n1 - strike * xp.exp(-0.05 * years) * n2


def black_scholes_numpy(np_: Any, *inputs: Any) -> Any:
    """With the polynomial for erf."""
    return black_scholes(np_, *inputs, erf=erf_numpy)


def black_scholes_exact(np_: Any, *inputs: Any) -> Any:
    """With the C library's erf, number by number."""
    return black_scholes(np_, *inputs, erf=np.vectorize(math.erf, otypes=[F64]))


def black_scholes_numba(njit: Any) -> Any:
    """The loop by hand."""

    @njit
    def run(spot, strike, years):  # type: ignore[no-untyped-def]
        out = np.empty_like(spot)
        kind = spot.dtype.type
        half, one, root, rate = kind(0.5), kind(1), kind(0.7071067811865476), kind(0.05)
        for i in range(spot.size):
            deviation = kind(0.2) * np.sqrt(years[i])
            d1 = (np.log(spot[i] / strike[i]) + kind(0.07) * years[i]) / deviation
            n1 = half * (one + kind(math.erf(d1 * root)))
            n2 = half * (one + kind(math.erf((d1 - deviation) * root)))
            out[i] = spot[i] * n1 - strike[i] * np.exp(-rate * years[i]) * n2
        return out

    return run


def options(dtype: type) -> Any:
    """A maker of prices, strikes and years."""

    def make(rng: np.random.Generator, n: int) -> tuple[np.ndarray, ...]:
        ranges = ((50, 150), (50, 150), (0.1, 2))
        return tuple(uniform(rng, (n,), low, high, dtype) for low, high in ranges)

    return make


# --- longer bodies --------------------------------------------------------------------------------


def mix(xp: Any, x: Any) -> Any:
    """20 operations, 8 of them transcendental."""
    y = xp.sin(x) * xp.cos(x) + xp.exp(-x * x)
    z = xp.sqrt(x * x + 1.0) + xp.tanh(y)
    w = xp.sin(z) - xp.cos(y) * xp.exp(-z)
    return w * y + xp.tanh(z - w)


def mix_numba(njit: Any) -> Any:
    """The loop by hand."""

    @njit
    def run(x):  # type: ignore[no-untyped-def]
        out = np.empty_like(x)
        one = x.dtype.type(1)
        for i in range(x.size):
            v = x[i]
            y = np.sin(v) * np.cos(v) + np.exp(-v * v)
            z = np.sqrt(v * v + one) + np.tanh(y)
            w = np.sin(z) - np.cos(y) * np.exp(-z)
            out[i] = w * y + np.tanh(z - w)
        return out

    return run


COEFFICIENTS = tuple((-1) ** k / (k + 1) for k in range(20))


def horner20(xp: Any, x: Any) -> Any:
    """A polynomial of 20 terms."""
    y = x * COEFFICIENTS[0]
    for c in COEFFICIENTS[1:-1]:
        y = (y + c) * x
    return y + COEFFICIENTS[-1]


def _horner_text(x: str, numbers: tuple[float, ...] | list[str]) -> str:
    text = f"{x} * {numbers[0]}"
    for c in numbers[1:-1]:
        text = f"({text} + {c}) * {x}"
    return f"{text} + {numbers[-1]}"


HORNER_NAMES = {f"k{i}": c for i, c in enumerate(COEFFICIENTS)}
HORNER_TEXT = _horner_text("a", list(HORNER_NAMES))


def horner20_numba(njit: Any) -> Any:
    """The loop by hand, the terms written out."""
    body = _horner_text("v", [f"c[{i}]" for i in range(20)])
    scope: dict[str, Any] = {}
    exec(f"def term(v, c): return {body}", scope)
    term, numbers = njit(scope["term"]), tuple(np.float32(c) for c in COEFFICIENTS)

    @njit
    def run(x):  # type: ignore[no-untyped-def]
        out = np.empty_like(x)
        for i in range(x.size):
            out[i] = term(x[i], numbers)
        return out

    return run


# --- Mandelbrot -----------------------------------------------------------------------------------


def mandel50(xp: Any, x: Any, y: Any) -> Any:
    """How many of 50 iterations of z² + c stay within 2."""
    u, v, count = x, y, xp.zeros_like(x)
    one, zero = xp.ones_like(x), xp.zeros_like(x)
    for _ in range(50):
        p, q = u * u, v * v
        inside = p + q < 4.0
        count = count + xp.where(inside, one, zero)
        u, v = xp.where(inside, p - q + x, u), xp.where(inside, 2.0 * u * v + y, v)
    return count


def mandel50_numba(njit: Any) -> Any:
    """The loop by hand, which may leave early."""

    @njit
    def run(x, y):  # type: ignore[no-untyped-def]
        out = np.empty_like(x)
        for i in range(x.size):
            u, v, count = x[i], y[i], 0
            while count < 50 and u * u + v * v < np.float32(4):
                u, v = u * u - v * v + x[i], np.float32(2) * u * v + y[i]
                count += 1
            out[i] = count
        return out

    return run


def plane(rng: np.random.Generator, n: int) -> tuple[np.ndarray, ...]:
    """Points of the plane around the set."""
    return uniform(rng, (n,), -2, 1), uniform(rng, (n,), -1.5, 1.5)


M = 1 << 20
T = "transcendental"
_Y = "(sin(a) * cos(a) + exp(-a * a))"
_Z = f"(sqrt(a * a + u) + tanh({_Y}))"
_W = f"(sin({_Z}) - cos({_Y}) * exp(-{_Z}))"
MIX_TEXT = f"{_W} * {_Y} + tanh({_Z} - {_W})"
MIX_FLOPS = per(8 * TRANSCENDENTAL + 12)

# fmt: off
SCHOLES = {
    "numpy": black_scholes_numpy, "reference": black_scholes_exact, "numba": black_scholes_numba,
    "torch": black_scholes, "flops": per(5 * TRANSCENDENTAL + 20), "tolerance": 1e-4,
}
ROWS = [
    Row("blackscholes_4M", black_scholes, options(np.float32), (4 * M,), T, **SCHOLES),
    Row("blackscholes_f64_2M", black_scholes, options(F64), (2 * M,), T, **SCHOLES),
    Row("mix_4M", mix, floats(1, -2, 2), (4 * M,), T, MIX_FLOPS, numba=mix_numba,
        numexpr=MIX_TEXT, constants={"u": 1.0}),
    Row("horner20_4M", horner20, floats(1, -1, 1), (4 * M,), "", per(39), numba=horner20_numba,
        numexpr=HORNER_TEXT, constants=HORNER_NAMES),
    Row("mandel50_1M", mandel50, plane, (M,), "", per(500), numba=mandel50_numba, judge=share,
        tolerance=0.01),
]
# fmt: on
