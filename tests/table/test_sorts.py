"""Sorts by integers against NumPy's stable ones: ties, NaN of any bits, zeros of both signs."""

from typing import Any

import ml_dtypes
import numpy as np
import pytest

from lazytensor.ops import _order

Array = np.ndarray[Any, Any]
SHAPES = [(5000,), (1,), (3, 700), (40, 7, 30), (2, 3)]


def _order_of(x: Array, axis: int, descending: bool) -> Array:
    wide = x.astype(np.float32) if x.dtype.kind == "V" else x
    if not descending:
        return np.argsort(wide, axis, kind="stable")
    found = np.argsort(np.flip(wide, axis), axis, kind="stable")
    return np.asarray(x.shape[axis] - 1 - np.flip(found, axis))


def _numbers(rng: np.random.Generator, shape: tuple[int, ...], dtype: Any, span: float) -> Array:
    if dtype.kind == "b":
        return rng.random(shape) < 0.5
    if dtype.kind in "iu":
        wide = rng.integers(0, 1 << 64, shape, np.uint64)
        return (wide if span > 1e6 else wide % np.uint64(span)).astype(dtype)
    x = (rng.standard_normal(shape) * span).astype(dtype)
    place = rng.random(shape)
    for i, odd in enumerate((np.nan, -np.nan, -0.0, 0.0, np.inf, -np.inf)):
        x[(i <= 20 * place) & (20 * place < i + 1)] = odd
    return x


def _cases(dtype: Any) -> Any:
    rng = np.random.default_rng(0)
    for shape in SHAPES:
        for span in (3, 1000, 1e9):
            for axis in range(len(shape)):
                for descending in (False, True):
                    yield rng, _numbers(rng, shape, dtype, span), axis, descending
                    x = rng.standard_normal(shape) * span
                    yield rng, x.astype(np.int64).astype(dtype), axis, descending


@pytest.mark.parametrize(
    "name", ["bool", "int8", "uint8", "int16", "int32", "uint32", "int64", "uint64", "float16",
             "bfloat16", "float32", "float64"],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_sorts_are_those_of_numpy(name: str) -> None:
    dtype = np.dtype(ml_dtypes.bfloat16 if name == "bfloat16" else name)
    for rng, x, axis, descending in _cases(dtype):
        order = _order_of(x, axis, descending)
        assert (_order.argsort(np, x, axis, descending) == order).all()
        found = _order.sort(np, x, axis, descending)
        assert found.tobytes() == np.take_along_axis(x, order, axis).tobytes()
        start = int(rng.integers(0, x.shape[axis] + 1))
        count = int(rng.integers(0, x.shape[axis] - start + 1))
        some = _order.argselect(np, x, axis, start, count, descending)
        wanted = np.take(order, np.arange(start, start + count), axis)
        assert some.dtype == np.int64
        assert some.tobytes() == wanted.tobytes()
