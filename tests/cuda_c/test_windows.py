"""Windows on a device: greatest elements and their places, sums where windows overlap."""

from collections.abc import Iterator

import numpy as np
import pytest

import lazytensor._base.dtypes as d
from lazytensor.ops import maxima, windows

from .calls import Call, check
from .harness import compiler
from .test_folds import data

DTYPES = (*d.STANDARD[1:], d.float16, d.bfloat16())

# Sizes, strides, dilations, starts, counts: inside, beyond the edges, around elements, with gaps.
PARAMS = [
    ((3,), (2,), (1,), (0,), (4,)),
    ((2,), (1,), (4,), (-6,), (20,)),
    ((1,), (5,), (1,), (3,), (2,)),
    ((2,), (1,), (11,), (-5,), (9,)),
    ((2, 3), (2, 1), (1, 2), (0, -1), (3, 6)),
    ((3, 3), (1, 3), (2, 1), (-3, -2), (9, 4)),
    ((1, 1), (1, 1), (1, 1), (0, 0), (7, 10)),
    ((2, 2), (3, 3), (9, 13), (-4, -5), (4, 4)),
    ((2, 2, 2), (1, 2, 3), (1, 1, 2), (-1, 0, -2), (3, 4, 4)),
]


def greatest(dtype: d.DType) -> Iterator[Call]:
    x = data((3, 7, 10), dtype)
    for params in PARAMS:
        for y in (x, x[::-1, :, ::-1], np.ascontiguousarray(x.T).T):
            yield Call(maxima.window_max, [y], params)
            yield Call(maxima.window_argmax, [y], params)


@pytest.mark.parametrize("dtype", DTYPES, ids=lambda dtype: dtype.name)
def test_greatest_elements(dtype: d.DType) -> None:
    compiler()
    if d.kind(dtype) == "c":
        pytest.skip("complex numbers have no order")
    check(greatest(dtype))


def overlapping(dtype: d.DType) -> Iterator[Call]:
    shapes = [
        ((2, 3, 5), (9,), (1,), (2,)),
        ((2, 3, 5), (20,), (4,), (1,)),
        ((2, 7, 2), (9,), (2,), (1,)),
        ((2, 3, 4, 5), (15, 13), (3, 2), (2, 1)),
        ((3, 2, 2, 3), (8, 7), (1, 2), (3, 2)),
        ((2, 2, 2, 3, 2, 2), (4, 3, 5), (1, 1, 3), (1, 1, 1)),
        ((2, 0, 5), (9,), (1,), (2,)),
    ]
    for shape, to, strides, dilations in shapes:
        x = data((2, *shape), dtype)
        yield Call(windows.overlap_add, [x], (to, strides, dilations))
        yield Call(windows.overlap_add, [x[::-1]], (to, strides, dilations))
        yield Call(windows.overlap_add, [np.asfortranarray(x)], (to, strides, dilations))


@pytest.mark.parametrize("dtype", DTYPES, ids=lambda dtype: dtype.name)
def test_overlapping_windows(dtype: d.DType) -> None:
    compiler()
    check(overlapping(dtype))
