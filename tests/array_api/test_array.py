"""Class Array: conversions, operators with every kind of operand, NumPy's methods, protocols."""

import copy
import operator
from typing import Any

import numpy as np
import pytest

import lazytensor as xp
from lazytensor._base import config
from lazytensor.runtime.counters import counting

X = np.array([[1.5, -2.0, 3.0], [0.5, 4.0, -1.0]])
BINARY = ["add", "sub", "mul", "truediv", "floordiv", "mod", "pow"]
BITWISE = ["and_", "or_", "xor", "lshift", "rshift"]
COMPARE = ["eq", "ne", "lt", "le", "gt", "ge"]


def same(got: Any, want: Any) -> None:
    want = np.asarray(want)
    assert isinstance(got, xp.Array)
    assert (got.dtype, got.shape) == (want.dtype, want.shape)
    np.testing.assert_allclose(np.asarray(got), want, rtol=1e-6)


def test_attributes() -> None:
    x = xp.asarray(X, dtype=xp.float32, device="cpu")
    assert (x.ndim, x.size, x.shape, x.itemsize, x.nbytes) == (2, 6, (2, 3), 4, 24)
    assert x.dtype is np.dtype("float32")
    assert x.device == "cpu"
    assert repr(x.device) == "device('cpu')"
    same(x.T, X.T.astype(np.float32))
    same(xp.asarray(np.arange(8).reshape(2, 2, 2)).mT, np.arange(8).reshape(2, 2, 2).mT)
    for bad in (xp.ones(3), xp.ones((2, 2, 2))):
        with pytest.raises(ValueError, match="two axes"):
            bad.T
    with pytest.raises(AttributeError):
        x.nothing
    with pytest.raises(AttributeError):
        x.shape = (6,)


@pytest.mark.parametrize("name", BINARY + COMPARE)
@pytest.mark.parametrize("other", [2, -1.5, True, np.float32(3), np.arange(1, 4), X[::-1]])
def test_operators_as_numpy(name: str, other: Any) -> None:
    f, x = getattr(operator, name), xp.asarray(abs(X))
    with np.errstate(all="ignore"):
        same(f(x, other), f(abs(X), other))
        same(f(other, x), f(other, abs(X)))
    if not isinstance(other, int | float) or isinstance(other, np.generic):
        other = xp.asarray(other)
        same(f(x, other), f(abs(X), np.asarray(other)))


@pytest.mark.parametrize("name", BITWISE)
@pytest.mark.parametrize("other", [2, np.int8(3), np.arange(3)])
def test_operators_on_bits(name: str, other: Any) -> None:
    f, n = getattr(operator, name), np.array([5, 0, 12], np.int16)
    same(f(xp.asarray(n), other), f(n, other))
    same(f(other, xp.asarray(n)), f(other, n))


@pytest.mark.parametrize("dtype", ["uint8", "int8", "float32", "complex64", "bool"])
@pytest.mark.parametrize("scalar", [True, 3, 2.5, 1j])
def test_python_scalars_raise_the_kind_only(dtype: str, scalar: Any) -> None:
    n = np.array([1, 0, 1]).astype(dtype)
    same(xp.asarray(n) + scalar, n + scalar)
    same(scalar * xp.asarray(n), scalar * n)


def test_numpy_scalars_have_their_dtype() -> None:
    x = xp.ones(2, dtype=xp.float32)
    assert (x + np.float64(1)).dtype == np.float64
    assert (np.float64(1) + x).dtype == np.float64
    assert (x + np.asarray(1.0)).dtype == np.float64
    assert (np.arange(2) * x).dtype == np.float64
    assert type(np.float64(2) * x) is xp.Array
    assert type(np.ones(2) - x) is xp.Array


def test_unary_operators() -> None:
    x = xp.asarray(X)
    same(-x, -X)
    same(+x, X)
    same(abs(x), abs(X))
    same(~xp.asarray([True, False]), [False, True])
    same(~xp.asarray([5], dtype=xp.uint8), ~np.array([5], np.uint8))


def test_matmul() -> None:
    x = xp.asarray(X)
    same(x @ x.T, X @ X.T)
    same(x @ np.ones(3), X @ np.ones(3))
    same(np.ones(2) @ x, np.ones(2) @ X)
    same(x @ xp.ones(3, dtype=xp.float32), X @ np.ones(3))
    y = xp.asarray(X, dtype=xp.float32)
    y @= xp.ones((3, 3))
    assert y.dtype == xp.float32
    for f in (lambda: x @ 2, lambda: 2.0 @ x, lambda: x @ "a"):
        with pytest.raises(TypeError):
            f()
    with pytest.raises(ValueError, match="matmul"):
        x @ x


@pytest.mark.parametrize("name", ["iadd", "isub", "imul", "itruediv", "ifloordiv", "imod", "ipow"])
def test_in_place(name: str) -> None:
    f, want = getattr(operator, name), abs(X)
    x = y = xp.asarray(want)
    before = x * 1
    x = f(x, 2)
    f(want, 2)
    assert x is y
    same(x, want)
    same(before, abs(X))


def test_in_place_keeps_the_dtype() -> None:
    z = xp.ones(2, dtype=xp.complex64)
    z *= xp.asarray([1, 2j])
    same(z, np.array([1, 2j], np.complex64))
    n = xp.ones(2, dtype=xp.int8)
    n += xp.asarray([1, 2])
    assert n.dtype == xp.int8
    for other in (1.5, xp.ones(2), 1j):
        with pytest.raises(TypeError, match="in place.*int8"):
            n += other
    with pytest.raises(ValueError, match=r"\(2,\).*\(3, 2\)"):
        n += xp.ones((3, 2), dtype=xp.int8)
    assert n.tolist() == [2, 3]


def test_unknown_operands() -> None:
    x = xp.asarray(X)

    class Other:
        __array_ufunc__ = None

        def __radd__(self, other: Any) -> str:
            return "theirs"

    assert x + Other() == "theirs"
    for other in ("a", None, [1.0, 2.0, 3.0], object()):
        with pytest.raises(TypeError):
            x + other
        assert (x == other) is False
        assert (x != other) is True


def test_integers_beyond_the_dtype() -> None:
    n = xp.asarray([0, 255], dtype=xp.uint8)
    for op in COMPARE:
        for other in (300, -1, 10**30):
            f = getattr(operator, op)
            assert f(n, other).tolist() == [f(int(v), other) for v in (0, 255)]
            assert f(other, n).tolist() == [f(other, int(v)) for v in (0, 255)]
    with pytest.raises(OverflowError, match="300"):
        n + 300


def test_conversions() -> None:
    x = xp.asarray(2.5)
    assert (float(x), int(x), complex(x), bool(x)) == (2.5, 2, 2.5 + 0j, True)
    assert operator.index(xp.asarray(3)) == 3
    assert [10, 20, 30][xp.asarray(1)] == 20
    assert bool(xp.ones((1, 1)))
    assert (x.item(), xp.asarray(X).item(1, 2), xp.asarray(X).tolist()) == (2.5, -1.0, X.tolist())
    assert f"{x:.2f} {xp.asarray([1, 2])}" == "2.50 [1 2]"
    for f in (float, int, complex):
        with pytest.raises(TypeError, match=r"shape \(2, 3\)"):
            f(xp.asarray(X))
    with pytest.raises(TypeError, match="float64"):
        operator.index(x)
    with pytest.raises(TypeError):
        float(xp.asarray(1j))
    with pytest.raises(ValueError, match=r"ambiguous.*x.any\(\)"):
        bool(xp.asarray(X))
    with pytest.raises(ValueError, match="without elements"):
        bool(xp.zeros(0))
    with pytest.raises(ValueError):
        xp.asarray(X).item()
    with pytest.raises(TypeError):
        f"{xp.asarray(X):.2f}"
    with pytest.raises(OverflowError):
        int(xp.asarray(float("inf")))


def test_identity_hash_and_copies() -> None:
    x = xp.asarray(X)
    assert len({x, x, xp.asarray(X)}) == 2
    for other in (copy.copy(x), copy.deepcopy(x), x.copy(), xp.asarray(x, copy=True)):
        other[0] = 0
    same(x, X)
    assert xp.asarray(x) is x


METHODS: dict[str, Any] = {
    "reshape": lambda x: x.reshape(3, -1),
    "reshape tuple": lambda x: x.reshape((6,)),
    "transpose": lambda x: x.transpose(),
    "transpose axes": lambda x: x.transpose(1, 0),
    "transpose tuple": lambda x: x.transpose((0, 1)),
    "swapaxes": lambda x: x.swapaxes(0, -1),
    "ravel": lambda x: x.ravel(),
    "flatten": lambda x: x.flatten(),
    "flatten nothing": lambda x: x[:0].flatten(),
    "squeeze": lambda x: x[:1].squeeze(),
    "squeeze axis": lambda x: x[:1].squeeze(0),
    "astype": lambda x: x.astype("float32"),
    "astype copy": lambda x: x.astype(np.float64, copy=False),
    "sum": lambda x: x.sum(),
    "sum axis": lambda x: x.sum(0, keepdims=True),
    "sum dtype": lambda x: x.sum(axis=1, dtype=np.float32),
    "prod": lambda x: x.prod(axis=(0, 1)),
    "mean": lambda x: x.mean(1),
    "var": lambda x: x.var(ddof=1),
    "std": lambda x: x.std(0),
    "max": lambda x: x.max(axis=0),
    "min": lambda x: x.min(),
    "any": lambda x: x.any(),
    "all": lambda x: (x > 0).all(axis=1),
    "argmax": lambda x: x.argmax(),
    "argmin": lambda x: x.argmin(1),
    "cumsum": lambda x: x.cumsum(),
    "cumsum axis": lambda x: x.cumsum(axis=1),
    "cumprod": lambda x: x.cumprod(0),
    "clip": lambda x: x.clip(-1, 2),
    "clip above": lambda x: x.clip(max=0),
    "round": lambda x: (x * 1.2345).round(2),
    "round tens": lambda x: (x * 12.3).round(-1),
    "conj": lambda x: (x * 1j).conj(),
    "conjugate": lambda x: x.conjugate(),
    "real": lambda x: (x * 1j).real,
    "imag": lambda x: (x * 1j).imag,
    "take": lambda x: x.take([0, 5]),
    "take axis": lambda x: x.take(1, axis=1),
    "repeat": lambda x: x.repeat(2),
    "repeat axis": lambda x: x.repeat([1, 2], axis=0),
    "argsort": lambda x: x.argsort(),
    "dot": lambda x: x.dot(x.T),
    "dot vectors": lambda x: x[0].dot(x[1]),
    "dot number": lambda x: x.dot(2.0),
    "nonzero": lambda x: x.nonzero()[0],
    "searchsorted": lambda x: x[0].cumsum().searchsorted([0.0, 2.0]),
    "np.sum": lambda x: np.sum(x, axis=0),
    "np.mean": lambda x: np.mean(x, axis=1),
    "np.std": lambda x: np.std(x),
    "np.max": lambda x: np.max(x, axis=0),
    "np.prod": lambda x: np.prod(x),
    "np.any": lambda x: np.any(x),
    "np.round": lambda x: np.round(x, 1),
    "np.clip": lambda x: np.clip(x, 0, 1),
    "np.argmax": lambda x: np.argmax(x, axis=1),
    "np.cumsum": lambda x: np.cumsum(x, axis=0),
    "np.transpose": lambda x: np.transpose(x),
    "np.reshape": lambda x: np.reshape(x, (3, 2)),
    "np.squeeze": lambda x: np.squeeze(x),
    "np.take": lambda x: np.take(x, np.array([0, 1]), axis=0),
    "np.repeat": lambda x: np.repeat(x, 2, axis=1),
}


@pytest.mark.parametrize("name", list(METHODS))
def test_methods_as_numpys(name: str) -> None:
    same(METHODS[name](xp.asarray(X)), METHODS[name](X))


def test_more_methods() -> None:
    x = xp.asarray([3.0, 1.0, 2.0])
    assert (float(x.var(correction=1)), float(x.std(correction=1))) == (1.0, 1.0)
    x.sort()
    assert x.tolist() == [1.0, 2.0, 3.0]
    same(xp.asarray([125, 135, -115]).round(-1), np.array([125, 135, -115]).round(-1))
    with pytest.raises(TypeError, match="out"):
        x.sum(out=np.zeros(()))
    with pytest.raises(ValueError, match="order"):
        x.reshape(3, order="F")
    with pytest.raises(ValueError, match="axis"):
        xp.asarray(1).nonzero()


def test_nothing_is_computed_unasked() -> None:
    x = xp.asarray(X)
    with counting() as done:
        y = (x.sum(axis=0) * 2 + x[0]).reshape(3, 1).T @ x.T
        y += 1
        hash(y), y.shape, y._repr_html_(), y.copy(), len(y)
    assert done.graphs == 0
    with counting() as done:
        assert xp.materialize(y, x) == (y, x)
    assert done.graphs == 1
    with pytest.raises(TypeError, match="argument 2"):
        xp.materialize(y, 3)


def test_a_loop_leaves_no_history() -> None:
    x = xp.zeros(3)
    for _ in range(50):
        x = x * 0.5 + 1
        float(x[0])
    assert len(x._node.args) <= 2
    x = x + 0
    assert x._node.args[0].args == ()


def test_namespace() -> None:
    x = xp.asarray(X)
    assert x.__array_namespace__() is xp
    assert x.__array_namespace__(api_version="2024.12") is xp
    with pytest.raises(ValueError, match="2019.01"):
        x.__array_namespace__(api_version="2019.01")
    assert not hasattr(x, "__array_ufunc__")
    assert not hasattr(x, "__array_function__")
    assert isinstance(np.exp(x), np.ndarray)


def test_devices() -> None:
    x = xp.asarray(X, device="cpu")
    assert x.to_device("cpu") is x
    with config.context(cpu_devices=2):
        y = x.to_device(xp.__array_namespace_info__().devices()[1])
        assert y.device == "cpu:1"
        assert (y * 2 + np.ones(3)).device == "cpu:1"
        same((y * 2).to_device("cpu"), X * 2)
        for f in (operator.add, operator.lt, operator.matmul):
            with pytest.raises(ValueError, match="devices"):
                f(x, y)
        with pytest.raises(ValueError, match="cpu:1"):
            y[0] = x[0]
    with pytest.raises(ValueError, match="no streams"):
        x.to_device("cpu", stream=1)
    with pytest.raises(ValueError, match="tpu"):
        x.to_device("tpu")
