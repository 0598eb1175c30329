"""Elements at places given by indices, and the errors of those out of bounds."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import lazytensor._base.dtypes as d
from lazytensor.ops import gather

from .calls import Call, check
from .harness import compiler
from .test_folds import data

DTYPES = (*d.STANDARD, d.float16, d.bfloat16())
INTEGERS = (*d.SIGNED, *d.UNSIGNED)


def index(shape: tuple[int, ...], n: int, dtype: Any = np.int64, seed: int = 0) -> np.ndarray:
    """Places on an axis, counted from the end too."""
    rng = np.random.default_rng(seed)
    least = -n if np.dtype(dtype).kind == "i" else 0
    return rng.integers(least, n, shape).astype(dtype)


def of_rows(dtype: d.DType) -> Iterator[Call]:
    """Rows of several lengths, which lie in several ways."""
    for n in (1, 2, 3, 4, 8, 15, 16, 17, 33, 100):
        x = data((20, n), dtype, n)
        yield Call(gather.gather, [x, index((13,), 20)])
        yield Call(gather.gather, [x, index((3, 4), 20, seed=1)])
    x = data((20, 7, 9), dtype)
    for y in (x, x[:, ::2], x[::-1, :, ::-1], x.transpose(0, 2, 1), x[:, :, :4]):
        yield Call(gather.gather, [y, index((300,), 20)])
        yield Call(gather.gather, [y, index((5, 300), 20)[:, ::60]])
        yield Call(gather.gather, [y, np.broadcast_to(index((5, 1), 20), (5, 6))])
    yield Call(gather.gather, [x, index((4, 0), 20)])
    yield Call(gather.gather, [x, np.array(-3)])
    yield Call(gather.gather, [x[:, :0], index((4,), 20)])


@pytest.mark.parametrize("dtype", DTYPES, ids=lambda dtype: dtype.name)
def test_rows(dtype: d.DType) -> None:
    compiler()
    check(of_rows(dtype))


@pytest.mark.parametrize("dtype", [d.float32, d.complex128, d.bool_], ids=lambda t: t.name)
def test_places_of_several_axes(dtype: d.DType) -> None:
    compiler()
    x, found = data((6, 7, 8), dtype), []
    for y in (x, x.transpose(2, 0, 1), x[::2, ::-1]):
        i, j, k = (index((5, 11), n, seed=a) for a, n in enumerate(y.shape))
        rows = np.broadcast_to(
            np.arange(y.shape[0])[:5, None] % y.shape[0], (min(5, y.shape[0]), 11)
        )
        found += [
            Call(gather.gather, [y, i, j]),
            Call(gather.gather, [y, i, j, k]),
            Call(gather.gather, [y, i.T, j.T, k.T]),
            Call(gather.gather, [y, rows, j[: len(rows)]]),
        ]
    check(found)


def test_indices_of_every_dtype() -> None:
    compiler()
    x = data((50, 3), d.float32)
    check(Call(gather.gather, [x, index((70,), 50, dtype)]) for dtype in INTEGERS)


def beyond() -> Iterator[Call]:
    """Bad indices: the first one along the first axis that has any."""
    x = data((40, 6, 2), d.float32)
    for bad in ([(7, 40)], [(3, -41), (9, 900)], [(290, 1 << 62), (299, -(1 << 63))]):
        i = index((300,), 40)
        for place, value in bad:
            i[place] = value
        yield Call(gather.gather, [x, i])
        yield Call(gather.gather, [x, index((300,), 40), i % 6])
        yield Call(gather.gather, [x, index((300,), 40), i])
        yield Call(gather.gather, [x, i, np.flip(i)])
        yield Call(gather.gather, [x, i.reshape(20, 15).T])
        yield Call(gather.gather, [x[:, :0], i])
    yield Call(gather.gather, [x, np.array([1, 2**63 + 5, 2**64 - 1], np.uint64)])
    yield Call(gather.gather, [x, np.array([-128, 127], np.int8)])
    yield Call(gather.gather, [x[:0], np.array([0, 1])])


def test_bad_indices() -> None:
    compiler()
    found = list(beyond())
    assert sum(call.error is not None for call in found) == len(found) - 3  # those modulo 6
    check(found)
