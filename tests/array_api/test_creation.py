"""The creation chapter: data of every kind, constants, ranges, grids, and what is refused."""

import array
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import lazytensor as xp
from lazytensor.runtime.counters import counting


def same(got: Any, want: Any) -> None:
    want = np.asarray(want)
    assert (got.dtype, got.shape) == (want.dtype, want.shape)
    np.testing.assert_array_equal(np.asarray(got), want)


DATA = [
    True,
    3,
    2.5,
    1j,
    [],
    [[], []],
    [1, 2],
    (1, 2.5),
    [[1, 2j], [3, 4]],
    [True, False],
    [np.float32(1), np.float32(2)],
    np.float32(1.5),
    np.int8(3),
    np.array(7, np.uint16),
    np.arange(6).reshape(2, 3).T,
    np.arange(6, dtype=">i4"),
    range(4),
    array.array("d", [1.0, 2.0]),
    memoryview(b"ab"),
]


@pytest.mark.parametrize("data", DATA, ids=lambda data: type(data).__name__)
def test_asarray_as_numpy(data: Any) -> None:
    want = np.asarray(data)
    same(xp.asarray(data), want.astype(want.dtype.newbyteorder("=")))


def test_arrays_among_sequences_stay_pending() -> None:
    x, y = xp.asarray(2.0) * 3, xp.asarray(1)
    with counting() as done:
        got = xp.asarray([[x, y], [0.5, x]])
    assert done.graphs == 0
    same(got, [[6.0, 1.0], [0.5, 6.0]])
    same(xp.asarray([xp.arange(2), xp.arange(2)], dtype=xp.float32), np.float32([[0, 1], [0, 1]]))


@pytest.mark.parametrize("dtype", [xp.bool, xp.int8, xp.float32, xp.complex64])
def test_dtypes_asked_for(dtype: Any) -> None:
    for data in (1, True, [0, 1], np.array([1.0, 0.0])):
        same(xp.asarray(data, dtype=dtype), np.asarray(data).astype(dtype))
    same(xp.asarray(xp.asarray([0, 1]), dtype=dtype), np.array([0, 1]).astype(dtype))
    assert xp.asarray(1, dtype="float32").dtype == xp.float32


def test_asarray_copies_unless_told_not_to() -> None:
    n = np.zeros(3)
    x, y = xp.asarray(n), xp.asarray(n, copy=True)
    n[0] = 1
    same(x, np.zeros(3))
    same(y, np.zeros(3))
    z = xp.asarray(x, copy=True)
    z[0] = 5
    same(x, np.zeros(3))
    for data in ([1], 1.0, np.zeros(2, np.float32)):
        with pytest.raises(ValueError, match="copy"):
            xp.asarray(data, dtype=xp.float64, copy=False)


def _endless() -> list[Any]:
    out: list[Any] = []
    out.append(out)
    return out


class Liar:
    """A sequence that tells of more than it has."""

    def __len__(self) -> int:
        return 5

    def __getitem__(self, i: int) -> int:
        if i > 1:
            raise IndexError(i)
        return i


@pytest.mark.parametrize(
    ("data", "error"),
    [
        ([[1, 2], [3]], ValueError),
        (["a"], TypeError),
        ("abc", TypeError),
        (None, TypeError),
        ([None], TypeError),
        ([1, object()], TypeError),
        ({"a": 1}, TypeError),
        (np.array(["2020"], "M8[D]"), TypeError),
        (np.array([object()]), TypeError),
        ([2**70], OverflowError),
        (2**70, OverflowError),
        (_endless(), ValueError),
        (np.zeros(2, [("a", int)]), TypeError),
    ],
    ids=lambda v: type(v).__name__,
)
def test_bad_data(data: Any, error: type) -> None:
    with pytest.raises(error):
        xp.asarray(data)


def test_more_bad_data() -> None:
    assert xp.asarray(Liar()).shape == np.asarray(Liar()).shape
    for data, dtype, error in (
        (300, xp.int8, OverflowError),
        ([300], xp.int8, OverflowError),
        (float("nan"), xp.int8, ValueError),
        (1j, xp.float64, TypeError),
        (np.array(1j), xp.float64, TypeError),
        (xp.asarray(1j), xp.int64, TypeError),
        (1, "nothing", TypeError),
        (1, np.dtype("M8[s]"), TypeError),
    ):
        with pytest.raises(error):
            xp.asarray(data, dtype=dtype)
    with pytest.raises(ValueError, match="gpu"):
        xp.asarray(1, device="gpu")
    with pytest.raises(ValueError, match="cuda"):
        xp.ones(3, device="cuda:99")


CONSTANT = {"zeros": 0, "ones": 1, "empty": None}


@pytest.mark.parametrize("name", list(CONSTANT))
def test_constants(name: str) -> None:
    f, like = getattr(xp, name), getattr(xp, name + "_like")
    for shape in (3, (2, 3), (), (0, 2), [2, 1]):
        assert f(shape).dtype == xp.float64
        assert f(shape).shape == np.zeros(shape).shape
    x = f((2, 3), dtype=xp.int16)
    for got in (like(x), like(xp.ones(2), dtype=xp.int16)):
        assert got.dtype == xp.int16
    assert like(x).shape == (2, 3)
    if CONSTANT[name] is not None:
        same(x, np.full((2, 3), CONSTANT[name], np.int16))
        same(like(x), np.full((2, 3), CONSTANT[name], np.int16))
    for bad, error in (((-1,), ValueError), (1.5, TypeError), ("a", TypeError)):
        with pytest.raises(error, match="shape"):
            f(bad)


def test_constants_take_no_memory() -> None:
    with counting() as done:
        x = xp.zeros((1 << 40, 1 << 10)) + 1
        assert x.size == 1 << 50
    assert done.bytes == 0


def test_full() -> None:
    same(xp.full((2, 2), 3), np.full((2, 2), 3))
    same(xp.full(2, True), np.full(2, True))
    same(xp.full((), 1j), np.full((), 1j))
    same(xp.full(2, xp.asarray(2.5)), np.full(2, 2.5))
    same(xp.full(2, np.float32(2.5)), np.full(2, np.float32(2.5)))
    same(xp.full((2, 2), [1, 2]), np.full((2, 2), [1, 2]))
    same(xp.full_like(xp.ones(2, dtype=xp.int8), 7), np.full(2, 7, np.int8))
    same(xp.full_like(xp.ones(2), 7, dtype=xp.uint8), np.full(2, 7, np.uint8))
    with pytest.raises(OverflowError, match="300"):
        xp.full(2, 300, dtype=xp.uint8)
    with pytest.raises(TypeError):
        xp.full(2, "a")
    with pytest.raises(ValueError, match=r"\(3,\)"):
        xp.full(2, [1, 2, 3])


@given(st.integers(-30, 30), st.integers(-30, 30), st.integers(-7, 7).filter(bool))
def test_arange_of_ints(start: int, stop: int, step: int) -> None:
    same(xp.arange(start, stop, step), np.arange(start, stop, step))
    same(xp.arange(start, stop, step, dtype=xp.int8), np.arange(start, stop, step, np.int8))


@given(st.floats(-9, 9), st.floats(-9, 9), st.floats(-5, 5).filter(lambda v: abs(v) > 0.1))
def test_arange_of_floats(start: float, stop: float, step: float) -> None:
    got, want = xp.arange(start, stop, step), np.arange(start, stop, step)
    assert got.shape == want.shape
    np.testing.assert_allclose(np.asarray(got), want, rtol=1e-12, atol=1e-12)


def test_arange_more() -> None:
    same(xp.arange(3), np.arange(3))
    same(xp.arange(2.5), np.arange(2.5))
    same(xp.arange(xp.asarray(3)), np.arange(3))
    same(xp.arange(2**63 - 2, 2**63 - 1), np.arange(2**63 - 2, 2**63 - 1))
    same(xp.arange(2**64 - 2, 2**64 - 1, dtype=xp.uint64), np.array([2**64 - 2], np.uint64))
    same(xp.arange(200, 0, -90, dtype=xp.uint8), np.arange(200, 0, -90, np.uint8))
    for args, error in (
        ((0, 3, 0), ValueError),
        ((0, float("inf")), ValueError),
        ((float("nan"),), ValueError),
        (("a",), TypeError),
        ((1j,), TypeError),
        ((xp.ones(2),), TypeError),
    ):
        with pytest.raises(error, match="arange"):
            xp.arange(*args)
    with pytest.raises(TypeError, match="bool"):
        xp.arange(2, dtype=xp.bool)
    with pytest.raises(OverflowError, match="uint8"):
        xp.arange(300, dtype=xp.uint8)


def test_linspace() -> None:
    for args in ((0, 1, 5), (2.0, -3.0, 4), (0, 1j, 3), (0, 1, 1), (0, 1, 0)):
        for endpoint in (True, False):
            same(xp.linspace(*args, endpoint=endpoint), np.linspace(*args, endpoint=endpoint))
    assert xp.linspace(0, 1, 3, dtype=xp.float32).dtype == xp.float32
    same(xp.linspace(xp.asarray(0.0), np.float64(1), 3), [0, 0.5, 1])
    with pytest.raises(ValueError, match="-1"):
        xp.linspace(0, 1, -1)
    with pytest.raises(TypeError, match="'a'"):
        xp.linspace("a", 1, 2)


@pytest.mark.parametrize("k", [-9, -2, 0, 1, 3, 9])
def test_eye_and_triangles(k: int) -> None:
    same(xp.eye(3, k=k), np.eye(3, k=k))
    same(xp.eye(2, 4, k=k, dtype=xp.bool), np.eye(2, 4, k=k, dtype=bool))
    x = np.arange(24.0).reshape(2, 3, 4)
    same(xp.tril(xp.asarray(x), k=k), np.tril(x, k))
    same(xp.triu(xp.asarray(x), k=k), np.triu(x, k))
    for f in (xp.tril, xp.triu):
        with pytest.raises(ValueError, match="two axes"):
            f(xp.ones(3))


def test_meshgrid() -> None:
    a, b, c = np.arange(2), np.arange(3.0), np.arange(4) > 1
    for indexing in ("xy", "ij"):
        for arrays in ((), (a,), (a, b), (a, b, c)):
            got = xp.meshgrid(*map(xp.asarray, arrays), indexing=indexing)
            assert isinstance(got, tuple)
            for ours, numpys in zip(got, np.meshgrid(*arrays, indexing=indexing)):
                same(ours, numpys)
    with pytest.raises(ValueError, match="'yx'"):
        xp.meshgrid(xp.arange(2), indexing="yx")
    with pytest.raises(ValueError, match=r"\(2, 2\)"):
        xp.meshgrid(xp.ones((2, 2)))


def test_the_sign_of_nan_is_kept() -> None:
    for _ in range(2):
        assert not bool(xp.signbit(xp.asarray(float("nan"))))
        assert bool(xp.signbit(xp.asarray(-float("nan"))))
