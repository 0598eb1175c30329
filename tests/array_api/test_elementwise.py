"""The elementwise chapter: dtypes in and out, scalars on either side, what is refused."""

import inspect
from typing import Any

import numpy as np
import pytest

import lazytensor as xp
from lazytensor.array_api import elementwise

NUMPY = {
    "bitwise_invert": "invert",
    "bitwise_left_shift": "left_shift",
    "bitwise_right_shift": "right_shift",
}
NAMES = [n for n in elementwise.__all__ if n != "clip"]
UNARY = [n for n in NAMES if len(inspect.signature(getattr(xp, n)).parameters) == 1]
BINARY = [n for n in NAMES if n not in UNARY]
DTYPES = ["bool", "int8", "uint16", "int64", "float32", "float64", "complex64", "complex128"]
# For these NumPy has no function, or one with another meaning on purpose.
BITWISE = [n for n in BINARY if n.startswith("bitwise")]
FLOATING = {"acos", "acosh", "asin", "asinh", "atan", "atanh", "cos", "cosh", "exp", "expm1", "log"}
FLOATING |= {"log1p", "log2", "log10", "reciprocal", "sin", "sinh", "sqrt", "tan", "tanh", "atan2"}
FLOATING |= {"copysign", "hypot", "logaddexp", "nextafter"}


def numpys(name: str) -> Any:
    return {"reciprocal": lambda x: 1 / x, "round": np.rint}.get(
        name, getattr(np, NUMPY.get(name, name), None)
    )


def close(got: Any, want: Any) -> None:
    want = np.asarray(want)
    assert (got.dtype, got.shape) == (want.dtype, want.shape)
    tolerance = 3e-6 if want.dtype.name in ("float32", "complex64") else 1e-13
    np.testing.assert_allclose(np.asarray(got), want, rtol=tolerance, atol=tolerance)


def data(dtype: str, name: str) -> Any:
    x = np.array([[0.2, 0.4, 0.9], [0.7, 0.1, 0.3]])
    if name == "acosh":
        x = x + 1
    if dtype in ("float32", "float64", "complex64", "complex128"):
        return (x + (0.5j * x[::-1] if "c" in dtype else 0)).astype(dtype)
    return np.array([[0, 1, 2], [3, 1, 0]]).astype(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", UNARY)
def test_one_argument(name: str, dtype: str) -> None:
    x = data(dtype, name)
    if not _takes(getattr(xp, name), x):
        with pytest.raises(TypeError, match=f"^{name}: expected .* arrays, got dtype {dtype}$"):
            getattr(xp, name)(xp.asarray(x))
        return
    got = getattr(xp, name)(xp.asarray(x))
    if name in FLOATING and dtype in ("int8", "uint16", "int64"):
        x = x.astype(np.float64)
    with np.errstate(all="ignore"):
        want = numpys(name)(x)
    if name in ("ceil", "floor", "trunc", "round") and x.dtype.kind in "iu":
        want = x
    close(got, want)


@pytest.mark.parametrize("name", UNARY)
def test_functions_take_what_the_standard_says(name: str) -> None:
    f = getattr(xp, name)
    taken = {d for d in DTYPES if _takes(f, data(d, name))}
    if name in FLOATING:
        assert taken == {"int8", "uint16", "int64", "float32", "float64", "complex64", "complex128"}
    elif name == "bitwise_invert":
        assert taken == {"bool", "int8", "uint16", "int64"}
    else:
        assert {"int8", "uint16", "int64", "float32", "float64"} <= taken
    with pytest.raises(TypeError, match=f"{name}: x must be an array, got str: 'a'"):
        f("a")


def _takes(f: Any, *args: Any) -> bool:
    try:
        f(*map(xp.asarray, args))
    except TypeError:
        return False
    return True


@pytest.mark.parametrize("name", BINARY)
@pytest.mark.parametrize("dtype", DTYPES)
def test_two_arguments(name: str, dtype: str) -> None:
    x, y = data(dtype, name), data(dtype, name)[::-1, :1]
    f = getattr(xp, name)
    if not _takes(f, x, y):
        with pytest.raises(TypeError, match=f"^{name}: expected .* arrays, got dtype {dtype}$"):
            f(xp.asarray(x), xp.asarray(y))
        return
    got = f(xp.asarray(x), xp.asarray(y))
    if name in FLOATING and x.dtype.kind in "iu":
        x, y = x.astype(np.float64), y.astype(np.float64)
    with np.errstate(all="ignore"):
        close(got, numpys(name)(x, y))
    close(f(xp.asarray(x), y), np.asarray(got))
    close(f(x, xp.asarray(y)), np.asarray(got))
    with pytest.raises(ValueError, match=rf"^{name}: .*\(2, 3\) and \(5,\)"):
        f(xp.asarray(x), xp.zeros(5, dtype=x.dtype))


@pytest.mark.parametrize("name", BINARY)
def test_scalars_on_either_side(name: str) -> None:
    f = getattr(xp, name)
    x = np.array([1, 2, 3]) if name in BITWISE else np.array([1.0, 2.0, 3.0], np.float32)
    scalar = np.asarray(2, x.dtype)
    close(f(xp.asarray(x), 2), numpys(name)(x, scalar))
    close(f(2, xp.asarray(x)), numpys(name)(scalar, x))
    assert f(2, 3).shape == ()
    for bad in ("a", None, [1.0]):
        with pytest.raises(TypeError, match="argument 2"):
            f(xp.asarray(x), bad)


def test_promotion() -> None:
    close(xp.add(xp.ones(2, dtype=xp.int8), xp.ones(2, dtype=xp.uint8)), np.full(2, 2, np.int16))
    close(xp.add(xp.ones(2, dtype=xp.float32), xp.ones((), dtype=xp.float64)), np.full(2, 2.0))
    close(xp.multiply(xp.ones(2, dtype=xp.int32), xp.ones(2, dtype=xp.float32)), np.ones(2))
    close(xp.logical_and(xp.asarray([0, 2]), xp.asarray([1.0, 3.0])), [False, True])
    close(xp.divide(xp.asarray([1, 2]), 2), [0.5, 1.0])


def test_clip() -> None:
    x = np.array([-2.0, 0.5, np.nan, 7.0], np.float32)
    ours = xp.asarray(x)
    close(xp.clip(ours, -1, 3), np.clip(x, -1, 3))
    close(xp.clip(ours), x)
    close(xp.clip(ours, min=0), np.clip(x, 0, None))
    close(xp.clip(ours, max=np.float32(2)), np.clip(x, None, np.float32(2)))
    close(xp.clip(ours, 3, -1), np.clip(x, 3, -1))
    low = np.array([[0.0], [1.0]], np.float32)
    close(xp.clip(ours, xp.asarray(low), 2), np.clip(x, low, 2))
    n = np.array([0, 100, 255], np.uint8)
    for low_, high in ((-5, 300), (300, None), (None, -1), (10, 200)):
        got = xp.clip(xp.asarray(n), low_, high)
        assert got.dtype == xp.uint8
        want = [min(max(int(v), low_ or 0), 255 if high is None else high) for v in n]
        assert got.tolist() == [min(max(v, 0), 255) for v in want]
    with pytest.raises(TypeError, match="complex"):
        xp.clip(xp.asarray([1j]), 0, 1)
    with pytest.raises(TypeError, match="clip"):
        xp.clip(ours, "a")
