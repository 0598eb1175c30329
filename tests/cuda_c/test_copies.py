"""Rows that move elements along, as copies on a device, whatever the layout."""

from collections.abc import Iterator
from itertools import permutations

import numpy as np
import pytest

import lazytensor._base.dtypes as d
from lazytensor._base.devices import CPU
from lazytensor.ops import bits, create, movement, windows

from .calls import Call, check
from .harness import compiler
from .test_folds import data

DTYPES = (*d.STANDARD, d.float16, d.bfloat16())
SIZES = [(1, 1), (3, 5), (8, 8), (31, 33), (32, 64), (7, 100), (65, 9), (0, 4), (100, 1)]


def moved(dtype: d.DType) -> Iterator[Call]:
    for m, n in SIZES:
        x = data((m, n), dtype, m)
        yield Call(movement.permute, [x], ((1, 0),))
        yield Call(movement.permute, [x.T], ((1, 0),))
        yield Call(movement.reshape, [x.T], ((m * n,),))
        yield Call(movement.reshape, [x[::-1, ::-1]], ((n, m),))
        yield Call(movement.broadcast_to, [x[:, None]], ((m, 3, n),))
        yield Call(movement.broadcast_to, [x[:, :1]], ((2, m, n),))
        yield Call(movement.fixed, [x[:, ::2]])
    x = data((5, 6, 7), dtype)
    for axes in permutations(range(3)):
        yield Call(movement.permute, [x], (axes,))
        yield Call(movement.reshape, [x.transpose(axes)], ((30, 7),))
    yield Call(movement.reshape, [data((), dtype)], ((1, 1),))


@pytest.mark.parametrize("dtype", DTYPES, ids=lambda dtype: dtype.name)
def test_movements(dtype: d.DType) -> None:
    compiler()
    seen = check(moved(dtype))
    assert any("copy_tiles" in body for body in seen) and any("copy_cells" in b for b in seen)


def cut(dtype: d.DType) -> Iterator[Call]:
    x, u = data((9, 40), dtype), data((3, 13), dtype, 1)
    for y, v in ((x, u), (x.T.copy().T, u), (x, u[::-1]), (x, u.T.copy().T)):
        yield Call(movement.slice_, [y], ((8, 39), (4, 20), (-2, -1)))
        yield Call(movement.slice_, [y], ((1, 3), (3, 13), (3, 2)))
        yield Call(movement.slice_, [y], ((1, 3), (0, 13), (3, 2)))
        yield Call(movement.embed, [v], ((9, 40), (1, 3), (3, 2)))
        yield Call(movement.embed, [v], ((9, 40), (8, 39), (-4, -3)))
        yield Call(movement.embed, [v], ((3, 13), (0, 0), (1, 1)))
        for over in (False, True):
            yield Call(movement.update_slice, [y, v], ((1, 3), (3, 2)), over)
            yield Call(movement.update_slice, [y, v], ((8, 39), (-4, -3)), over)
    yield Call(movement.concat, [x, x[:3], x[:0], x[::-1]], (0,))
    yield Call(movement.concat, [x, x[:, 1:2], x.T.copy().T], (1,))
    yield Call(windows.windows, [x], ((2, 5), (2, 3), (1, 2)))
    yield Call(windows.windows, [x[:, ::-1]], ((3,), (1,), (4,)))


@pytest.mark.parametrize("dtype", DTYPES, ids=lambda dtype: dtype.name)
def test_slices(dtype: d.DType) -> None:
    compiler()
    check(cut(dtype))


def test_outputs_that_lie_otherwise() -> None:
    compiler()
    x = data((20, 30), d.float32)
    layout = lambda w: np.empty(w.shape[::-1], w.dtype).T  # noqa: E731
    check(
        [
            Call(movement.fixed, [x], layout=layout),
            Call(movement.reshape, [data((600,), d.float32)], ((20, 30),), layout=layout),
            Call(movement.concat, [x, x], (1,), layout=layout),
        ]
    )


def test_bits() -> None:
    compiler()
    x = data((6, 8), d.float32)
    to = (d.int32, d.int64, d.uint8, d.complex64)
    check(Call(bits.bitcast, [y], (dtype,)) for y in (x, x[:, ::-1], x[:, ::2]) for dtype in to)


@pytest.mark.parametrize("dtype", DTYPES, ids=lambda dtype: dtype.name)
def test_numbers_in_order(dtype: d.DType) -> None:
    compiler()
    lengths = (n for n in (0, 1, 255, 256, 257, 3000) if n < 2 or d.kind(dtype) != "b")
    check(Call(create.iota, [], (n, dtype, CPU)) for n in lengths)
