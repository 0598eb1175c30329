"""Convolutions on a device and their derivatives: exact where sums are, else near the reference."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pytest

import lazytensor._base.dtypes as d
from lazytensor.ops import windows

from .calls import Call, check
from .compare import same
from .harness import compiler

DTYPES = (*d.STANDARD[1:], d.float16, d.bfloat16())


class Shape(NamedTuple):
    """A convolution: examples, channels in and out, groups, sizes of images and of windows."""

    examples: int
    inner: int
    outer: int
    groups: int
    image: tuple[int, ...]
    window: tuple[int, ...]
    strides: tuple[int, ...]
    pads: tuple[tuple[int, int], ...]
    dilations: tuple[int, ...]


SHAPES = [
    Shape(2, 3, 9, 1, (11,), (3,), (1,), ((1, 1),), (1,)),
    Shape(2, 4, 70, 1, (9, 8), (3, 2), (1, 1), ((1, 1), (0, 1)), (1, 1)),
    Shape(1, 9, 16, 1, (9, 13), (3, 3), (2, 3), ((2, 1), (0, 4)), (1, 2)),
    Shape(3, 6, 6, 6, (7, 6), (3, 3), (1, 2), ((1, 1), (1, 1)), (1, 1)),
    Shape(2, 4, 18, 2, (8, 9), (2, 3), (2, 1), ((-1, 2), (1, -2)), (2, 1)),
    Shape(2, 2, 3, 1, (4, 5, 6), (2, 1, 3), (1, 2, 1), ((0, 0), (1, 1), (2, 0)), (1, 1, 2)),
    Shape(2, 5, 8, 1, (6, 6), (6, 6), (1, 1), ((0, 0), (0, 0)), (1, 1)),
    Shape(1, 20, 8, 1, (2, 2), (1, 1), (1, 1), ((0, 0), (0, 0)), (1, 1)),
    Shape(2, 3, 9, 1, (21, 19), (3, 3), (1, 1), ((1, 1), (1, 1)), (1, 1)),
    Shape(0, 2, 9, 1, (5,), (2,), (1,), ((0, 0),), (1,)),
]


def elements(shape: tuple[int, ...], dtype: d.DType, seed: int, whole: bool) -> np.ndarray:
    """Small whole numbers, or any."""
    rng = np.random.default_rng(seed)
    least = 0 if d.kind(dtype) == "u" else -2
    found: Any = rng.integers(least, 3, shape) if whole else rng.standard_normal(shape)
    if d.kind(dtype) == "c":
        found = found + 1j * (rng.integers(-2, 3, shape) if whole else rng.standard_normal(shape))
    return np.asarray(found).astype(dtype)


def near(got: np.ndarray, want: np.ndarray, what: Any) -> None:
    """Sums in another order; those of integers are exact."""
    if got.dtype.kind in "iu":
        same(got, want, what)
        return
    eps = 2**-7 if got.dtype.name == "bfloat16" else np.finfo(got.dtype).eps
    size = max(1.0, float(np.abs(want.astype(np.complex128)).max(initial=0)))
    assert got.dtype == want.dtype and got.shape == want.shape, what
    error = np.abs(got.astype(np.complex128) - want.astype(np.complex128)).max(initial=0)
    assert error <= 100 * eps * size, (what, error)


def convolutions(dtype: d.DType, whole: bool = True) -> Iterator[Call]:
    how = {} if whole else {"compare": near}
    for s in SHAPES:
        params = (s.strides, s.pads, s.dilations, s.groups)
        x = elements((s.examples, s.inner, *s.image), dtype, 0, whole)
        w = elements((s.outer, s.inner // s.groups, *s.window), dtype, 1, whole)
        made = windows.conv.value(np, x, w, *params)
        y = elements(made.shape, dtype, 2, whole)
        if s.examples:
            yield Call(windows.conv, [x, w], params, **how)
            yield Call(windows.conv, [np.asfortranarray(x), w[::-1]], params, **how)
            yield Call(windows.conv_input, [y, w], (s.image, *params), **how)
        yield Call(windows.conv_weight, [x, y], (s.window, *params), **how)
        yield Call(
            windows.conv_weight, [np.asfortranarray(x), y[:, ::-1]], (s.window, *params), **how
        )


@pytest.mark.parametrize("dtype", DTYPES, ids=lambda dtype: dtype.name)
def test_whole_numbers(dtype: d.DType) -> None:
    compiler()
    check(convolutions(dtype))


@pytest.mark.parametrize("dtype", [d.float32, d.float64, d.complex64], ids=lambda t: t.name)
def test_any_numbers(dtype: d.DType) -> None:
    compiler()
    seen = check(convolutions(dtype, False))
    kinds = ("go_over_windows", "multiply_windows", "add_parts")
    assert all(any(kind in body for body in seen) for kind in kinds)
