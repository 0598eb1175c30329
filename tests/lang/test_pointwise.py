"""Elementwise compositions against PyTorch, forward and backward, at bounds and special values."""

from typing import Any

import numpy as np
import pytest

from lazytensor.ir.node import leaf
from lazytensor.lang import pointwise

from .against_torch import agree, torch
from .oracle import run

X = np.linspace(-3, 3, 25)
EDGES = np.array([0.0, -0.0, 1.0, -1.0, 2.0, np.inf, -np.inf, np.nan])
PAIRS = [v.ravel().copy() for v in np.meshgrid(EDGES, EDGES)]


def same(ours: Any, theirs: Any, *arrays: Any) -> None:
    want = theirs(*(torch.from_numpy(a) for a in arrays))
    np.testing.assert_array_equal(run(ours, *arrays), want.resolve_conj().numpy())


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_angles(dtype: str) -> None:
    x = X.astype(dtype)
    agree(pointwise.deg2rad, torch.deg2rad, x)
    agree(pointwise.rad2deg, torch.rad2deg, x)
    agree(pointwise.angle, torch.angle, x, gradient=False)
    agree(pointwise.polar, torch.polar, np.abs(x), x[::-1].copy(), gradient=False)
    same(pointwise.angle, torch.angle, EDGES.astype(dtype))


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
def test_complex_numbers(dtype: str) -> None:
    z = (X + 1j * X[::-1] ** 2).astype(dtype)
    np.testing.assert_allclose(run(pointwise.angle, z), np.angle(z), rtol=1e-6)
    same(pointwise.view_as_real, torch.view_as_real, z)
    pairs = z.view(z.real.dtype).reshape(5, 5, 2)
    same(pointwise.view_as_complex, torch.view_as_complex, pairs)
    with pytest.raises(RuntimeError, match="last dimension of size 2"):
        pointwise.view_as_complex(leaf(np.ones(3)))


def test_heaviside() -> None:
    same(pointwise.heaviside, torch.heaviside, *PAIRS)
    same(pointwise.heaviside, torch.heaviside, np.array([-2, 0, 3]), np.array([7, 8, 9]))


def test_clamp() -> None:
    same(pointwise.clamp, torch.clamp, *[v.ravel().copy() for v in np.meshgrid(*[EDGES] * 3)])
    low, high = np.array([-1.0, 0, 2]), np.array([1.0, 0.5, 1])
    agree(pointwise.clamp, torch.clamp, X.reshape(25, 1), low, high)
    above = X[::-1].copy()
    agree(lambda x, a: pointwise.clamp(x, None, a), lambda x, a: torch.clamp(x, max=a), X, above)
    agree(pointwise.clamp, torch.clamp, np.array([-1.0, 1, 0]), np.full(3, -1.0), np.full(3, 1.0))


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("kwargs", [{}, {"nan": 2.0, "posinf": 3.0, "neginf": -4.0}])
def test_nan_to_num(dtype: str, kwargs: Any) -> None:
    x = EDGES.astype(dtype)
    same(lambda v: pointwise.nan_to_num(v, **kwargs), lambda t: torch.nan_to_num(t, **kwargs), x)
    agree(
        lambda v: pointwise.nan_to_num(v, **kwargs), lambda t: torch.nan_to_num(t, **kwargs), x
    )


def test_nan_to_num_of_other_dtypes() -> None:
    z = np.stack([EDGES, EDGES[::-1]], 1).view(np.complex128)[:, 0].copy()
    same(pointwise.nan_to_num, torch.nan_to_num, z)
    same(pointwise.nan_to_num, torch.nan_to_num, np.arange(3))


@pytest.mark.parametrize("equal_nan", [False, True])
@pytest.mark.parametrize("tolerances", [(1e-5, 1e-8), (0.0, 0.0), (0.5, 0.0), (0.0, 1.0)])
def test_isclose(tolerances: Any, equal_nan: bool) -> None:
    for a, b in ((PAIRS[0], PAIRS[1]), (np.arange(5), np.arange(5)[::-1].copy())):
        same(
            lambda x, y: pointwise.isclose(x, y, *tolerances, equal_nan),
            lambda x, y: torch.isclose(
                x, y, *tolerances, equal_nan=equal_nan and x.is_floating_point()
            ),
            a, b,
        )  # fmt: skip
    flags = np.array([True, False])
    same(
        lambda x, y: pointwise.isclose(x, y, *tolerances),
        lambda x, y: torch.isclose(x, y, *tolerances), flags, flags[::-1].copy(),
    )  # fmt: skip


def test_arithmetic() -> None:
    y, w = X[::-1].copy() + 0.3, np.linspace(-0.2, 1.3, 25)
    agree(pointwise.lerp, torch.lerp, X, y, w)
    agree(lambda *n: pointwise.addcmul(*n, 0.7), lambda *t: torch.addcmul(*t, value=0.7), X, y, w)
    agree(lambda *n: pointwise.addcdiv(*n, 0.7), lambda *t: torch.addcdiv(*t, value=0.7), X, w, y)
    agree(pointwise.addcmul, torch.addcmul, X, y, w)
    agree(pointwise.ldexp, torch.ldexp, X, np.arange(-12.0, 13), gradient=False)


def test_frexp() -> None:
    x = np.append(X * 1e5, [0.0, 5e-324, np.inf, np.nan, -0.0])
    agree(pointwise.frexp, torch.frexp, x, gradient=False)
    agree(lambda v: pointwise.frexp(v)[0], lambda t: torch.frexp(t)[0], X + 0.1)
