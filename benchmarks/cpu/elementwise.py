"""Rows: elementwise programs."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .row import TRANSCENDENTAL, Row, floats, per, uniform

GELU = {"h": 0.5, "u": 1.0, "s": math.sqrt(2 / math.pi), "q": 0.044715}
F64 = np.float64


def fma4(xp: Any, a: Any, b: Any, c: Any, d: Any) -> Any:
    """2a + 3b - c d."""
    return 2 * a + 3 * b - c * d


def fma4_numba(njit: Any) -> Any:
    """The loop by hand."""

    @njit
    def run(a, b, c, d):  # type: ignore[no-untyped-def]
        out = np.empty_like(a)
        two, three = a.dtype.type(2), a.dtype.type(3)
        for i in range(a.size):
            out[i] = two * a[i] + three * b[i] - c[i] * d[i]
        return out

    return run


def exp(xp: Any, x: Any) -> Any:
    """exp(x)."""
    return xp.exp(x)


def exp_numba(njit: Any) -> Any:
    """The loop by hand."""

    @njit
    def run(x):  # type: ignore[no-untyped-def]
        out = np.empty_like(x)
        for i in range(x.size):
            out[i] = np.exp(x[i])
        return out

    return run


def gelu(xp: Any, x: Any) -> Any:
    """The tanh form of gelu."""
    return 0.5 * x * (1 + xp.tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)))


def gelu_torch(torch: Any, x: Any) -> Any:
    """PyTorch has it as one function."""
    return torch.nn.functional.gelu(x, approximate="tanh")


def gelu_numba(njit: Any) -> Any:
    """The loop by hand."""

    @njit
    def run(x):  # type: ignore[no-untyped-def]
        out = np.empty_like(x)
        kind = x.dtype.type
        half, one, s, q = kind(0.5), kind(1), kind(0.7978845608028654), kind(0.044715)
        for i in range(x.size):
            v = x[i]
            out[i] = half * v * (one + np.tanh(s * (v + q * v * v * v)))
        return out

    return run


def where(xp: Any, a: Any, b: Any) -> Any:
    """The greater of two, scaled on one side."""
    return xp.where(a > b, a, 2 * b)


def where_numba(njit: Any) -> Any:
    """The loop by hand."""

    @njit
    def run(a, b):  # type: ignore[no-untyped-def]
        out = np.empty_like(a)
        two = a.dtype.type(2)
        for i in range(a.size):
            out[i] = a[i] if a[i] > b[i] else two * b[i]
        return out

    return run


def int32(xp: Any, a: Any, b: Any) -> Any:
    """Integer arithmetic and bits."""
    return (a * 3 + b) ^ (a & 255)


def int32_numba(njit: Any) -> Any:
    """The loop by hand."""

    @njit
    def run(a, b):  # type: ignore[no-untyped-def]
        out = np.empty_like(a)
        for i in range(a.size):
            out[i] = np.int32((a[i] * np.int32(3) + b[i]) ^ (a[i] & np.int32(255)))
        return out

    return run


def integers(rng: np.random.Generator, n: int) -> tuple[np.ndarray, ...]:
    """Two arrays of int32."""
    return tuple(rng.integers(0, 1 << 20, n, dtype=np.int32) for _ in range(2))


def product(xp: Any, a: Any, b: Any) -> Any:
    """a b."""
    return a * b


def product_numba(njit: Any) -> Any:
    """The loop by hand."""

    @njit
    def run(a, b):  # type: ignore[no-untyped-def]
        out = np.empty_like(a)
        for i in range(a.size):
            out[i] = a[i] * b[i]
        return out

    return run


def complexes(rng: np.random.Generator, n: int) -> tuple[np.ndarray, ...]:
    """Two arrays of complex64."""
    return tuple(uniform(rng, (2 * n,), -1, 1).view(np.complex64) for _ in range(2))


def mask_count(xp: Any, a: Any, b: Any) -> Any:
    """How many pairs fulfil two conditions."""
    return xp.sum((a > 0.25) & (b < 0.5))


def mask_count_numpy(np_: Any, a: Any, b: Any) -> Any:
    """NumPy has a function that counts."""
    return np_.count_nonzero((a > 0.25) & (b < 0.5))


def mask_count_numba(njit: Any) -> Any:
    """The loop by hand."""

    @njit
    def run(a, b):  # type: ignore[no-untyped-def]
        count = 0
        for i in range(a.size):
            count += (a[i] > 0.25) & (b[i] < 0.5)
        return count

    return run


M = 1 << 20
F, T = "stream", "transcendental"
FMA = {"numexpr": "2*a + 3*b - c*d", "numba": fma4_numba, "flops": per(6)}
EXP = {"numexpr": "exp(a)", "numba": exp_numba, "flops": per(TRANSCENDENTAL)}

# fmt: off
GELUS = {
    "numexpr": "h * a * (u + tanh(s * (a + q * a * a * a)))", "constants": GELU,
    "torch": gelu_torch, "numba": gelu_numba, "flops": per(TRANSCENDENTAL + 8), "tolerance": 2e-5,
}
ROWS = [
    Row("fma4_16M", fma4, floats(4), (16 * M,), F, **FMA),
    Row("fma4_4k", fma4, floats(4), (4096,), "", **FMA),
    Row("fma4_f64_4M", fma4, floats(4, dtype=F64), (4 * M,), F, **FMA),
    Row("exp_16M", exp, floats(1, -5, 5), (16 * M,), T, **EXP),
    Row("exp_f64_4M", exp, floats(1, -5, 5, F64), (4 * M,), T, **EXP),
    Row("gelu_16M", gelu, floats(1, -4, 4), (16 * M,), T, **GELUS),
    Row("gelu_f64_4M", gelu, floats(1, -4, 4, F64), (4 * M,), T, **GELUS),
    Row("where_16M", where, floats(2), (16 * M,), F, per(2), numba=where_numba,
        numexpr="where(a > b, a, t * b)", constants={"t": 2.0}),
    Row("int32_16M", int32, integers, (16 * M,), F, per(4), numba=int32_numba,
        numexpr="(a * 3 + b) ^ (a & 255)"),
    Row("complex_mul_4M", product, complexes, (4 * M,), F, per(6), numba=product_numba),
    Row("mask_count_16M", mask_count, floats(2), (16 * M,), F, per(3), numpy=mask_count_numpy,
        numba=mask_count_numba),
]
# fmt: on
