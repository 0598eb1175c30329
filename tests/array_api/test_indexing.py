"""Indexing and assignment against NumPy: every kind of key, values that broadcast, errors."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps

import lazytensor as xp
from lazytensor._base.devices import is_gpu
from lazytensor.ir.graph import linearize
from lazytensor.lang.indexing import coordinates
from lazytensor.runtime.counters import counting

SHAPES = nps.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)
KEYS = [
    0,
    -1,
    slice(None),
    slice(None, None, -1),
    slice(1, None, 2),
    slice(5, 1),
    None,
    ...,
    (),
    (1, 2),
    (0, slice(None), -1),
    (..., 0),
    (0, ..., None),
    (None, 1, None, slice(None, None, -2)),
    (slice(0, 2), ..., slice(None, None, 3)),
    [0, 1, 1],
    [],
    np.array([2, 0]),
    np.int64(1),
    np.array(1),
    ([0, 1], [1, 2]),
    ([0, 1], slice(None), [1, 2]),
    (slice(None), [0, 1], [1, 2]),
    (0, slice(None), [1, 0]),
    (slice(None), 0, [[1, 0], [2, 2]]),
    ([[0], [2]], [0, 1], slice(None, None, -1)),
    (None, [0, 1], None, [1, 2]),
    (..., [0, 1], None),
    (slice(None), [[0, 1]], 0),
    True,
    False,
    np.bool_(True),
    (slice(None), True),
    np.array(True),
    (np.array(False), 0),
    [True, False, True],
    (slice(None), [True, False, True, True]),
    ([True, False, True], [0, 1]),
    ([True, True, False], None, slice(None), 0),
]
X = np.arange(60.0).reshape(3, 4, 5)


def ours(key: Any) -> Any:
    """The key with its arrays as ours."""
    if isinstance(key, tuple):
        return tuple(map(ours, key))
    return xp.asarray(key) if isinstance(key, np.ndarray) else key


def same(got: Any, want: Any) -> None:
    want = np.asarray(want)
    assert got.dtype == want.dtype
    assert got.shape == want.shape
    np.testing.assert_array_equal(np.asarray(got), want)


@pytest.mark.parametrize("key", KEYS, ids=repr)
def test_getitem_as_numpy(key: Any) -> None:
    same(xp.asarray(X)[ours(key)], X[key])
    same(xp.asarray(X)[key], X[key])


@pytest.mark.parametrize("key", KEYS, ids=repr)
def test_setitem_as_numpy(key: Any) -> None:
    for value in (7.0, np.float32(3), np.arange(X[key].size, dtype=float).reshape(X[key].shape)):
        want, got = X.copy(), xp.asarray(X)
        want[key] = value
        got[ours(key)] = value if isinstance(value, float) else xp.asarray(value)
        same(got, want)


def test_masks_of_several_axes() -> None:
    mask = X[..., 0] > 20
    same(xp.asarray(X)[xp.asarray(mask)], X[mask])
    same(xp.asarray(X)[xp.asarray(X > 7)], X[X > 7])
    same(xp.asarray(X)[0, xp.asarray(X[0] > 7)], X[0, X[0] > 7])
    want, got = X.copy(), xp.asarray(X)
    want[mask], got[xp.asarray(mask)] = np.arange(5), xp.arange(5)
    want[X == 3], got[xp.asarray(X == 3)] = [9], xp.asarray([9])
    same(got, want)


def test_a_mask_is_assigned_to_without_its_value() -> None:
    x = xp.asarray(X)
    with counting() as done:
        x[x > 5] = 0
        x[x[:, 0, 0] < 3] = xp.ones(5)
    assert done.graphs == 0
    want = np.where(X > 5, 0, X)
    want[want[:, 0, 0] < 3] = 1
    same(x, want)


def test_a_known_mask_is_assigned_to_at_once() -> None:
    x, u = xp.asarray(X[0, 0]), xp.asarray([7.0])
    mask = xp.materialize(x > 5)[0]
    with counting() as done:
        x[mask] = 0
        x[mask] = u[0]
        found = np.asarray(x)
    assert (done.nodes, done.graphs, done.interpreted) == (0, 0, 0)
    np.testing.assert_array_equal(found, np.where(X[0, 0] > 5, 7, X[0, 0]))
    f = xp.grad(lambda x, u: _masked(x, mask, u))
    np.testing.assert_array_equal(np.asarray(f(x, u)), np.where(X[0, 0] > 5, 0, 1))


def _masked(x: xp.Array, mask: xp.Array, u: xp.Array) -> xp.Array:
    x = xp.asarray(x, copy=True)
    x[mask] = u[0]
    return xp.sum(x)


@given(data=st.data(), shape=SHAPES)
def test_basic_keys_as_numpy(data: st.DataObject, shape: tuple[int, ...]) -> None:
    key = data.draw(nps.basic_indices(shape, allow_newaxis=True))
    x = np.arange(np.prod(shape, dtype=int)).reshape(shape)
    same(xp.asarray(x)[key], x[key])
    want, got = x.copy(), xp.asarray(x)
    want[key] = -1
    got[key] = -1
    same(got, want)


@given(data=st.data(), shape=nps.array_shapes(min_dims=1, max_dims=4, max_side=4))
def test_integer_arrays_as_numpy(data: st.DataObject, shape: tuple[int, ...]) -> None:
    count = data.draw(st.integers(1, len(shape)))
    arrays = data.draw(
        nps.integer_array_indices(shape[:count], result_shape=nps.array_shapes(max_dims=2))
    )
    key: list[Any] = list(arrays)
    for i in range(count):
        if data.draw(st.booleans()):
            key[i] = data.draw(st.integers(-shape[i], shape[i] - 1) | st.slices(shape[i]))
    x = np.arange(np.prod(shape)).reshape(shape)
    same(xp.asarray(x)[ours(tuple(key))], x[tuple(key)])


def test_an_index_can_be_pending() -> None:
    x, i = xp.asarray(X), xp.argmax(xp.asarray([1, 5, 2]))
    with counting() as done:
        row, column = x[i], x[:, i]
        x[i, 0] = -1
    assert done.graphs == 0
    same(row, X[1])
    same(column, X[:, 1])
    assert float(x[1, 0, 3]) == -1


def test_assignment_keeps_the_dtype() -> None:
    x = xp.asarray([1, 2, 3], dtype=xp.int8)
    x[0] = 2.9
    x[1] = xp.asarray(7.5)
    same(x, np.array([2, 7, 3], np.int8))
    z = xp.zeros(2, dtype=xp.complex64)
    z[:] = xp.asarray([1.0, 2.0])
    same(z, np.array([1, 2], np.complex64))


@pytest.mark.parametrize(
    ("key", "value", "error", "words"),
    [
        (0, 300, OverflowError, "300"),
        (0, 1j, TypeError, "complex"),
        (0, float("nan"), ValueError, "NaN"),
        (0, xp.ones(2, dtype=xp.complex64), TypeError, "complex64"),
        (slice(None), xp.ones(4), ValueError, r"\(4,\)"),
        (5, 1, IndexError, "index 5 .* axis 0 of size 3"),
        ((0, 0), 1, IndexError, "too many indices"),
    ],
)
def test_bad_assignments_change_nothing(key: Any, value: Any, error: type, words: str) -> None:
    x = xp.asarray([1, 2, 3], dtype=xp.int8)
    with pytest.raises(error, match=words):
        x[key] = value
    assert x.tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("key", "words"),
    [
        (3, "index 3 .* axis 0 of size 3"),
        ((0, -5), "index -5 .* axis 1 of size 4"),
        ((0, 0, 0, 0), "too many indices: 4 .* 3 axes"),
        ((..., ...), "ellipsis"),
        (1.0, "got 1.0"),
        ("a", "got 'a'"),
        (np.ones(2), "float64"),
        (np.ones((3, 5), bool), r"\(3, 5\)"),
        (([0, 1], [0, 1, 2]), r"\(2,\), \(3,\)"),
    ],
)
def test_bad_keys(key: Any, words: str) -> None:
    with pytest.raises(IndexError, match=words):
        xp.asarray(X)[key]


def test_bad_ends_of_slices() -> None:
    for end in (np.asarray([1, 2]), 1.0, "a"):
        with pytest.raises(TypeError, match="int"):
            xp.asarray(X)[slice(end, None)]


def test_an_index_out_of_range_names_the_line() -> None:
    out = xp.asarray(X)[xp.asarray([0, 7])]
    for _ in range(1 if is_gpu(out.device) else 2):  # a GPU tells once
        with pytest.raises(IndexError, match=r"index 7 is out of bounds .*test_indexing.py"):
            out.tolist()
    with pytest.raises(ValueError, match="step"):
        xp.asarray(X)[::0]


@pytest.mark.parametrize("axis", [0, 1, 2, -1])
def test_take(axis: int) -> None:
    i = np.array([1, -1, 0], np.int8)
    same(xp.take(xp.asarray(X), xp.asarray(i), axis=axis), np.take(X, i, axis))
    j = np.argsort(-X, axis=axis)
    same(
        xp.take_along_axis(xp.asarray(X), xp.asarray(j), axis=axis), np.take_along_axis(X, j, axis)
    )


def test_take_without_an_axis_and_narrow_indices() -> None:
    same(xp.take(xp.arange(300), xp.asarray([200], dtype=xp.uint8)), np.array([200]))
    same(xp.take(xp.asarray(X), xp.asarray(2), axis=1), X[:, 2])
    with pytest.raises(ValueError, match="axis"):
        xp.take(xp.asarray(X), xp.asarray([0]))
    with pytest.raises(TypeError, match="float64"):
        xp.take(xp.arange(3), xp.ones(2), axis=0)
    with pytest.raises(TypeError, match="take_along_axis"):
        xp.take_along_axis(xp.arange(3), xp.ones(2))
    with pytest.raises(ValueError, match=r"take_along_axis: .*\(3, 4, 5\)"):
        xp.take_along_axis(xp.asarray(X), xp.asarray([0]))
    with pytest.raises(ValueError, match="axis 0"):
        xp.take_along_axis(xp.asarray(X), xp.zeros((2, 1, 5), dtype=xp.int64), axis=1)


def test_take_along_axis_broadcasts() -> None:
    i = np.array([[[2]], [[0]], [[1]]])
    same(
        xp.take_along_axis(xp.asarray(X), xp.asarray(i), axis=1),
        np.take_along_axis(X, np.broadcast_to(i, (3, 1, 5)), 1),
    )


def test_iteration() -> None:
    first, second, third = xp.asarray(X)
    same(second, X[1])
    assert len(xp.asarray(X)) == 3
    assert [int(v) for v in xp.arange(3)] == [0, 1, 2]
    assert 7.0 in xp.asarray(X)
    assert -7.0 not in xp.asarray(X)
    for use in (len, iter):
        with pytest.raises(TypeError, match="without axes"):
            use(xp.asarray(1))
    assert (first.shape, third.shape) == ((4, 5), (4, 5))


@pytest.mark.parametrize("shape", [(3, 4), (0, 4), (4, 0, 3), (2, 3, 4, 5), (5,), (1, 1)])
@pytest.mark.parametrize("dtype", ["bool", "float32", "complex64", "int8"])
def test_coordinates_are_those_of_numpy(shape, dtype):
    held = np.random.default_rng(0).integers(0, 2, shape).astype(dtype)
    for x in (held, held.T):
        found, wanted = coordinates(x), np.nonzero(x)
        assert [(i.dtype, i.tolist()) for i in found] == [(i.dtype, i.tolist()) for i in wanted]


@pytest.mark.parametrize("key", [(), (1,), (slice(None, None, 2),), (None, ...)])
def test_a_mask_of_several_axes_is_one_index(key):
    n = np.arange(120_000.0).reshape(40, 50, 60)
    mask = n[..., 0] % 4 < 2
    x = xp.asarray(n)
    got = x[(xp.asarray(mask), *key)]
    (gather,) = (m for m in linearize([got._node]).order if m.op.name == "gather")
    assert len(gather.args) == 2
    np.testing.assert_array_equal(np.asarray(got), n[(mask, *key)])
    x[(xp.asarray(mask), *key)] = got * 2
    n[(mask, *key)] *= 2
    np.testing.assert_array_equal(np.asarray(x), n)
