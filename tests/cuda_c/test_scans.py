"""Scans along an axis on a device: sums and products in one order of blocks, whatever the layout;
what isn't rounded has the bits of going from one element to the next.
"""

from collections.abc import Callable, Iterator
from functools import reduce
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
LENGTHS = [1, 2, 3, 7, 8, 9, 31, 32, 33, 100, 127, 128, 129, 255, 256, 257, 300]
# Elements of a piece, of a group, of a chunk, of a span.
SIZES = (8, 128, 2048, 65536)
Join = Callable[[np.ndarray, np.ndarray], np.ndarray]


@np.errstate(all="ignore")
def product(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Two products and a sum for each part, where NumPy fuses one of them."""
    if x.dtype.kind != "c":
        return np.asarray(x * y)
    out = np.empty(x.shape, x.dtype)
    out.real, out.imag = x.real * y.real - x.imag * y.imag, x.real * y.imag + x.imag * y.real
    return out


@np.errstate(all="ignore")
def total(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.asarray(x + y)


JOINS: dict[Op, Join] = {scan.cumsum: total, scan.cumprod: product}


@np.errstate(all="ignore")
def blocked(join: Join, x: np.ndarray, axis: int) -> np.ndarray:
    """In the order that is documented: what is held of elements of a piece, of pieces of a group
    and so on, joined from the largest on.
    """
    wide = np.dtype(np.float32) if x.dtype.itemsize == 2 else x.dtype
    lines = np.moveaxis(x, axis, 0).astype(wide)
    held: list[np.ndarray | None] = [None] * (len(SIZES) + 1)
    out = np.empty_like(lines)

    def joined(parts: list[np.ndarray | None]) -> np.ndarray:
        found = [np.array(part) for part in parts if part is not None]
        return reduce(join, found)

    for i, line in enumerate(lines):
        for level, size in enumerate(SIZES if i else ()):
            if i % size:
                break
            held[level + 1], held[level] = joined([held[level + 1], held[level]]), None
        held[0] = joined([held[0], line])
        out[i] = joined(held[::-1])
    return np.array(np.moveaxis(out.astype(x.dtype), 0, axis), order="C")


def wanted(op: Op, x: np.ndarray, axis: int) -> list[np.ndarray]:
    """What the value column gives has other bits where something is rounded."""
    rounded = op in JOINS and d.kind(x.dtype) in "fc"
    return [blocked(JOINS[op], x, axis)] if rounded else []


def lines(op: Op, x: np.ndarray, *params: Any) -> Iterator[Call]:
    """Along both axes, whatever the layout."""
    views = [(x, 1), (x.T, 0), (x[:, ::-1], 1), (np.ascontiguousarray(x.T), 0)]
    for y, axis in (*views, (np.stack([x, x])[::-1, :, ::2], 1)):
        yield Call(op, [y], (axis, *params), wants=wanted(op, y, axis))


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


@pytest.mark.parametrize(
    "dtype", [d.int8, d.float16, d.float32, d.complex128], ids=lambda t: t.name
)
def test_long_lines(dtype: d.DType) -> None:
    compiler()
    found = [c for n in (2047, 2048, 2049, 9000) for c in scans(dtype, [n], 2)][::3]
    seen = check(found)
    assert any("scan_totals" in body for body in seen)


def test_several_spans() -> None:
    """More than a block goes over at once; a line of floats over the edge of a span."""
    compiler()
    rng = np.random.default_rng(0)
    x = rng.integers(-9, 9, 256 * 65536 // 8 + 5)
    y = rng.standard_normal(2 * 65536 + 2049).astype(np.float32)
    check([
        Call(scan.cumsum, [x], (0,)),
        Call(iterated.running_place, [x[:300_000]], (0, True)),
        Call(scan.cumsum, [y], (0,), wants=wanted(scan.cumsum, y, 0)),
    ])  # fmt: skip


def test_many_lines() -> None:
    """Which way is taken depends on how many lines there are, what comes of it doesn't."""
    compiler()
    x = data((300, 8500), d.float32)
    few = x[:, :40]
    one, other = (Call(scan.cumsum, [y], (0,), wants=wanted(scan.cumsum, y, 0)) for y in (x, few))
    seen = check([one, other])
    assert {body.split("<")[0].split()[-1] for body in seen} == {"scan_lines", "scan_chunks"}


@pytest.mark.parametrize("n", [1000, 100_000])
def test_sums_are_as_good_as_one_after_another(n: int) -> None:
    x = np.random.default_rng(n).random(n).astype(np.float32)
    exact = np.cumsum(x.astype(np.float64))
    errors = [np.abs(s / exact - 1).max() for s in (blocked(total, x, 0), np.cumsum(x))]
    assert errors[0] < min(errors[1], 1e-5)


def test_nothing_is_joined_with_what_is_not_there() -> None:
    """-0 stays, and infinite complex numbers are multiplied by nothing."""
    compiler()
    zeros = np.full(300, -0.0, np.float32)
    far = np.full(2, complex(np.inf, 0), np.complex64).repeat(150)
    check([
        Call(scan.cumsum, [zeros], (0,), wants=[zeros]),
        Call(scan.cumprod, [far], (0,), wants=wanted(scan.cumprod, far, 0)),
    ])  # fmt: skip


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
    """By the library's own function."""
    for n in (1, 2, 70, 300):
        x = data((3, n), dtype, n)
        for y, axis in ((x, 1), (x.T, 0)):
            want = blocked(function("logaddexp"), y, axis)
            yield Call(iterated.logcumsumexp, [y], (axis,), wants=[want])


@pytest.mark.parametrize(
    "dtype", [*d.REAL_FLOATING, d.float16, d.bfloat16()], ids=lambda dtype: dtype.name
)
def test_sums_of_exponentials(dtype: d.DType) -> None:
    compiler()
    check(logarithms(dtype))
