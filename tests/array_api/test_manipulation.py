"""The manipulation chapter against NumPy; what is refused, and with which words."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps
from numpy.exceptions import AxisError

import lazytensor as xp
from lazytensor._base.devices import is_gpu
from lazytensor.runtime.counters import counting

X = np.arange(24).reshape(2, 1, 3, 4)


def same(got: Any, want: Any) -> None:
    assert (got.dtype, got.shape) == (want.dtype, want.shape)
    np.testing.assert_array_equal(np.asarray(got), want)


CASES: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "broadcast_to": (
        lambda x: xp.broadcast_to(x, (3, 2, 5, 3, 4)),
        lambda x: np.broadcast_to(x, (3, 2, 5, 3, 4)),
    ),
    "expand_dims": (lambda x: xp.expand_dims(x, -1), lambda x: np.expand_dims(x, -1)),
    "expand_dims twice": (
        lambda x: xp.expand_dims(x, (0, -2)),
        lambda x: np.expand_dims(x, (0, -2)),
    ),
    "squeeze": (lambda x: xp.squeeze(x, 1), lambda x: np.squeeze(x, 1)),
    "squeeze negative": (lambda x: xp.squeeze(x, (-3,)), lambda x: np.squeeze(x, -3)),
    "flip": (lambda x: xp.flip(x), np.flip),
    "flip axes": (lambda x: xp.flip(x, axis=(0, -1)), lambda x: np.flip(x, (0, -1))),
    "moveaxis": (lambda x: xp.moveaxis(x, 0, -1), lambda x: np.moveaxis(x, 0, -1)),
    "moveaxis two": (
        lambda x: xp.moveaxis(x, (0, 3), (2, 0)),
        lambda x: np.moveaxis(x, (0, 3), (2, 0)),
    ),
    "permute_dims": (
        lambda x: xp.permute_dims(x, (3, 0, -2, 1)),
        lambda x: x.transpose(3, 0, 2, 1),
    ),
    "repeat": (lambda x: xp.repeat(x, 2), lambda x: np.repeat(x, 2)),
    "repeat axis": (lambda x: xp.repeat(x, 3, axis=2), lambda x: np.repeat(x, 3, 2)),
    "repeat array": (
        lambda x: xp.repeat(x, xp.asarray([0, 2, 1]), axis=-2),
        lambda x: np.repeat(x, [0, 2, 1], -2),
    ),
    "repeat array of one": (
        lambda x: xp.repeat(x, xp.asarray([2]), axis=0),
        lambda x: np.repeat(x, [2], 0),
    ),
    "reshape": (lambda x: xp.reshape(x, (4, -1)), lambda x: x.reshape(4, -1)),
    "reshape copy": (lambda x: xp.reshape(x, (24,), copy=True), lambda x: x.reshape(24)),
    "roll": (lambda x: xp.roll(x, 5), lambda x: np.roll(x, 5)),
    "roll axis": (lambda x: xp.roll(x, -1, axis=2), lambda x: np.roll(x, -1, 2)),
    "roll axes": (
        lambda x: xp.roll(x, (1, 9), axis=(0, -1)),
        lambda x: np.roll(x, (1, 9), (0, -1)),
    ),
    "roll by one over axes": (
        lambda x: xp.roll(x, 1, axis=(0, -1)),
        lambda x: np.roll(x, 1, (0, -1)),
    ),
    "tile": (lambda x: xp.tile(x, (2, 1, 3)), lambda x: np.tile(x, (2, 1, 3))),
    "tile more": (lambda x: xp.tile(x, (2,) * 5), lambda x: np.tile(x, (2,) * 5)),
    "tile nothing": (lambda x: xp.tile(x, (0,)), lambda x: np.tile(x, 0)),
    "concat": (lambda x: xp.concat([x, x[:1], x]), lambda x: np.concatenate([x, x[:1], x])),
    "concat axis": (
        lambda x: xp.concat((x, x), axis=-2),
        lambda x: np.concatenate((x, x), axis=-2),
    ),
    "concat flat": (
        lambda x: xp.concat((x, x[0]), axis=None),
        lambda x: np.concatenate((x, x[0]), axis=None),
    ),
    "stack": (lambda x: xp.stack([x, x]), lambda x: np.stack([x, x])),
    "stack last": (lambda x: xp.stack([x, x], axis=-1), lambda x: np.stack([x, x], -1)),
}


@pytest.mark.parametrize("name", list(CASES))
@pytest.mark.parametrize("empty", [False, True])
def test_as_numpy(name: str, empty: bool) -> None:
    ours, numpys = CASES[name]
    x = X[..., :0] if empty else X
    if empty and name in ("broadcast_to", "reshape", "reshape copy"):
        x = X
    with counting() as done:
        got = ours(xp.asarray(x))
    # How often something is repeated is read.
    assert done.graphs == (is_gpu(got.device) and name.startswith("repeat array"))
    same(got, numpys(x))


def test_ranges_and_grids_have_few_nodes() -> None:
    x, i = xp.asarray(np.arange(4.0)), xp.asarray(np.array([2, 0]))
    with counting() as done:
        taken = xp.take_along_axis(x, i)
    assert done.nodes == 1
    with counting() as done:
        ranges = xp.arange(3.0), xp.arange(2, 5), xp.arange(0, 6, 2)
    assert done.nodes == 1 + 2 + 3
    same(taken, np.array([2.0, 0.0]))
    for got, want in zip(
        ranges, (np.arange(3.0), np.arange(2, 5), np.arange(0, 6, 2)), strict=True
    ):
        same(got, want)


@given(nps.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=3), st.data())
def test_moving_axes(shape: tuple[int, ...], data: st.DataObject) -> None:
    x = np.arange(np.prod(shape, dtype=int)).reshape(shape)
    axes = data.draw(st.permutations(range(len(shape))))
    same(xp.permute_dims(xp.asarray(x), tuple(axes)), x.transpose(axes))
    some = axes[: data.draw(st.integers(0, len(shape)))]
    to = tuple(data.draw(st.permutations(range(len(shape)))))[: len(some)]
    same(xp.moveaxis(xp.asarray(x), tuple(some), to), np.moveaxis(x, some, to))


def test_several_arrays() -> None:
    a, b = xp.broadcast_arrays(xp.ones((3, 1)), xp.arange(2))
    same(a, np.ones((3, 2)))
    same(b, np.broadcast_to(np.arange(2), (3, 2)))
    assert xp.broadcast_arrays() == ()
    assert xp.broadcast_shapes() == ()
    assert xp.broadcast_shapes((2, 1), (3,), ()) == (2, 3)
    parts = xp.unstack(xp.asarray(X), axis=2)
    assert isinstance(parts, tuple)
    for i, part in enumerate(parts):
        same(part, X[:, :, i])


def test_joining_promotes() -> None:
    small, large = xp.ones(2, dtype=xp.int8), xp.ones(1, dtype=xp.uint8)
    same(xp.concat([small, large]), np.ones(3, np.int16))
    same(xp.stack([small[:1], xp.zeros(1)]), np.array([[1.0], [0.0]]))
    same(xp.concat([small]), np.ones(2, np.int8))


BAD: list[tuple[Callable[[Any], Any], type, str]] = [
    (lambda x: xp.reshape(x, (5, -1)), ValueError, r"\(2, 1, 3, 4\) \(24 elements\) to \(5, -1\)"),
    (lambda x: xp.reshape(x, (-1, -1)), ValueError, "-1, -1"),
    (lambda x: xp.reshape(x, "ab"), TypeError, "shape must be"),
    (lambda x: xp.reshape(x, (2.0, 12)), TypeError, "shape must be"),
    (lambda x: xp.broadcast_to(x, (3, 4)), ValueError, r"broadcast_to: .*\(3, 4\)"),
    (lambda x: xp.broadcast_arrays(x, xp.ones(5)), ValueError, r"\(5,\)"),
    (lambda x: xp.concat([]), ValueError, "concat: .*empty list"),
    (lambda x: xp.concat([x, xp.ones(3)]), ValueError, r"concat: .*\(3,\)"),
    (lambda x: xp.concat([x, x[:, :, :2]]), ValueError, r"\(2, 1, 2, 4\)"),
    (lambda x: xp.concat([xp.asarray(1), xp.asarray(2)]), ValueError, "without axes"),
    (lambda x: xp.concat([x, "a"]), TypeError, "array 2 must be an array, got str"),
    (lambda x: xp.concat("ab"), TypeError, "concat: expected a list or tuple"),
    (lambda x: xp.concat([x, x], axis=7), AxisError, "7"),
    (lambda x: xp.stack([x, x[0]]), ValueError, r"stack: .*\(1, 3, 4\)"),
    (lambda x: xp.stack([]), ValueError, "stack"),
    (lambda x: xp.expand_dims(x, 9), AxisError, "9"),
    (lambda x: xp.expand_dims(x, (0, 0)), ValueError, "repeat"),
    (lambda x: xp.squeeze(x, 0), ValueError, "axis 0 .* has size 2"),
    (lambda x: xp.squeeze(x, 4), AxisError, "4"),
    (lambda x: xp.flip(x, axis=-9), AxisError, "-9"),
    (lambda x: xp.permute_dims(x, (0, 1)), ValueError, r"permute_dims: axes \(0, 1\)"),
    (lambda x: xp.permute_dims(x, (0, 0, 1, 2)), ValueError, "no permutation"),
    (lambda x: xp.moveaxis(x, (0, 1), 0), ValueError, "moveaxis"),
    (lambda x: xp.moveaxis(x, (0, 0), (1, 2)), ValueError, "moveaxis"),
    (lambda x: xp.repeat(x, -1), ValueError, "-1"),
    (lambda x: xp.repeat(x, xp.asarray([1, 2]), axis=0).x, AttributeError, "x"),
    (lambda x: xp.repeat(x, xp.asarray([1, 2, 3]), axis=0), ValueError, "3 repeats for axis 0"),
    (lambda x: xp.repeat(x, xp.asarray([1.0])), TypeError, "float64"),
    (lambda x: xp.roll(x, (1, 2), axis=0), ValueError, "2 shifts for 1 axes"),
    (lambda x: xp.tile(x, (-1,)), ValueError, "-1"),
    (lambda x: xp.unstack(x[0, 0, 0, 0]), ValueError, "at least one axis"),
    (lambda x: xp.unstack(x, axis=4), AxisError, "4"),
    (lambda x: xp.broadcast_shapes((2,), (3,)), ValueError, r"\(2,\), \(3,\)"),
    (lambda x: xp.flip([1, 2]), TypeError, "flip: x must be an array, got list"),
]


@pytest.mark.parametrize(("call", "error", "words"), BAD)
def test_bad_calls(call: Callable[[Any], Any], error: type, words: str) -> None:
    with pytest.raises(error, match=words):
        call(xp.asarray(X))
