"""Scans along an axis on a device: the bits of going from one element to the next."""

from collections.abc import Callable, Iterator
from math import isqrt
from typing import Any

import numpy as np
import pytest

import lazytensor._base.dtypes as d
from lazytensor.ir.op import Op
from lazytensor.ops import iterated, scan

from .calls import Call, check
from .harness import compiler
from .reference import function
from .test_folds import data

DTYPES = (*d.STANDARD, d.float16, d.bfloat16())
COMBINED, BEST = (scan.cumsum, scan.cumprod), (iterated.running, iterated.running_place)
LENGTHS = [1, 2, 3, 31, 32, 33, 100, 255, 256, 257]


@np.errstate(all="ignore")
def product(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Two products and a sum for each part, where NumPy fuses one of them."""
    if x.dtype.kind != "c":
        return np.asarray(x * y)
    out = np.empty(x.shape, x.dtype)
    out.real, out.imag = x.real * y.real - x.imag * y.imag, x.real * y.imag + x.imag * y.real
    return out


def products(x: np.ndarray, axis: int) -> np.ndarray:
    """Of the first 1, 2 … complex numbers."""
    out = np.moveaxis(x.copy(), axis, 0)
    for i in range(1, len(out)):
        out[i] = product(out[i - 1], out[i])
    return np.array(np.moveaxis(out, 0, axis), order="C")


def lines(op: Op, x: np.ndarray, *params: Any) -> Iterator[Call]:
    """Along both axes, whatever the layout."""
    views = [(x, 1), (x.T, 0), (x[:, ::-1], 1), (np.ascontiguousarray(x.T), 0)]
    for y, axis in (*views, (np.stack([x, x])[::-1, :, ::2], 1)):
        fused = op is scan.cumprod and x.dtype.kind == "c"
        yield Call(op, [y], (axis, *params), wants=[products(y, axis)] if fused else [])


def scans(dtype: d.DType, lengths: list[int], count: int = 3) -> Iterator[Call]:
    for n in lengths:
        x = data((count, n), dtype, n)
        for op in COMBINED:
            if d.kind(dtype) in op.domain:
                yield from lines(op, x)
        for op in BEST:
            if d.kind(dtype) in op.domain:
                yield from lines(op, x, True)
                yield from lines(op, x, False)


@pytest.mark.parametrize("dtype", DTYPES, ids=lambda dtype: dtype.name)
def test_lines(dtype: d.DType, effort: Callable[[int, int], int]) -> None:
    """Without --full every third case, others for each dtype."""
    compiler()
    step = effort(3, 1)
    found = [*scans(dtype, LENGTHS), *scans(dtype, [5], 300), *scans(dtype, [0], 2)]
    check(found[DTYPES.index(dtype) % step :: step])


@pytest.mark.parametrize("dtype", [d.int8, d.int64, d.float32, d.float64], ids=lambda t: t.name)
def test_long_lines(dtype: d.DType) -> None:
    compiler()
    found = [c for n in (2047, 2048, 2049, 9000) for c in scans(dtype, [n], 2)][::3]
    seen = check(found)
    assert any("scan_totals" in body for body in seen)


def test_many_chunks() -> None:
    """More than a block goes over at once."""
    compiler()
    x = np.random.default_rng(0).integers(-9, 9, 256 * 2048 + 5)
    check([Call(scan.cumsum, [x], (0,)), Call(iterated.running_place, [x], (0, True))])


@np.errstate(all="ignore")
def recurrence(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The row's value column for complex numbers along the last axis, by products as above."""
    n = a.shape[1]
    size = isqrt(n) or 1
    whole, y, factors = n - n % size, b.copy(), a.copy()
    for i in range(whole):
        if i % size:
            y[:, i] += product(a[:, i], y[:, i - 1])
            factors[:, i] = product(a[:, i], factors[:, i - 1])
    for k in range(size, whole, size):
        end = np.repeat(y[:, k - 1 : k], size, 1)
        y[:, k : k + size] += product(factors[:, k : k + size], end)
    for i in range(max(whole, 1), n):
        y[:, i] += product(a[:, i], y[:, i - 1])
    return y


def recurrences(dtype: d.DType) -> Iterator[Call]:
    rng = np.random.default_rng(0)
    for n in (0, 1, 2, 3, 4, 5, 15, 16, 17, 24, 100, 1000):
        a = rng.standard_normal((3, n)).astype(dtype)
        b = data((3, n), dtype, n)
        for x, y, axis in ((a, b, 1), (a.T, b.T, 0), (a[:, ::-1], b, 1)):
            wants = []
            if d.kind(dtype) == "c":
                lines = recurrence(*(v.T if axis == 0 else v for v in (x, y)))
                wants = [np.ascontiguousarray(lines.T if axis == 0 else lines)]
            yield Call(scan.recurrence, [x, y], (axis,), wants=wants)


@pytest.mark.parametrize(
    "dtype", [*d.REAL_FLOATING, *d.COMPLEX_FLOATING, d.float16, d.bfloat16()], ids=lambda t: t.name
)
def test_recurrences(dtype: d.DType) -> None:
    compiler()
    check(recurrences(dtype))


def logarithms(dtype: d.DType) -> Iterator[Call]:
    """The library's own function, one element after another."""
    wide = np.dtype(np.float32) if dtype.itemsize == 2 else dtype
    for n in (1, 2, 70, 300):
        x = data((3, n), dtype, n)
        want = x.astype(wide)
        for i in range(1, n):
            want[:, i] = function("logaddexp")(want[:, i - 1].copy(), want[:, i].copy())
        want = want.astype(dtype)
        yield Call(iterated.logcumsumexp, [x], (1,), wants=[want])
        yield Call(iterated.logcumsumexp, [x.T], (0,), wants=[np.ascontiguousarray(want.T)])


@pytest.mark.parametrize(
    "dtype", [*d.REAL_FLOATING, d.float16, d.bfloat16()], ids=lambda dtype: dtype.name
)
def test_sums_of_exponentials(dtype: d.DType) -> None:
    compiler()
    check(logarithms(dtype))
