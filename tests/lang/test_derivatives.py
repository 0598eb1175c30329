"""Compositions under transforms: gradients against differences, vmap against a loop."""

from collections.abc import Callable

import numpy as np
import pytest

import lazytensor as xp
from lazytensor import Array
from lazytensor.ir.node import Node
from lazytensor.lang import nn

RNG = np.random.default_rng(0)
WEIGHTS = RNG.normal(size=(3, 3))
STACK = RNG.normal(size=(3, 3, 3)) + 2 * np.eye(3)


def weighed(x: Array) -> Array:
    """Something scalar that depends on every element."""
    return xp.sum(x * xp.asarray(WEIGHTS))


def on_array(f: Callable[[Node], Node], x: Array) -> Array:
    return Array(f(x._node))


F: dict[str, Callable[[Array], Array]] = {
    "mean": lambda x: xp.sum(xp.mean(x, axis=0) ** 2),
    "var": lambda x: xp.sum(xp.var(x, axis=0)),
    "std": lambda x: xp.sum(xp.std(x, axis=1, correction=1)),
    "softmax": lambda x: weighed(on_array(nn.softmax, x)),
    "log_softmax": lambda x: weighed(on_array(nn.log_softmax, x)),
    "logsumexp": lambda x: on_array(nn.logsumexp, x),
    "layernorm": lambda x: weighed(on_array(nn.layernorm, x)),
    "gelu": lambda x: weighed(on_array(nn.gelu, x)),
    "cumulative_sum": lambda x: xp.sum(xp.cumulative_sum(x, axis=1, include_initial=True) ** 2),
    "cumulative_prod": lambda x: xp.sum(xp.cumulative_prod(x, axis=1)),
    "diff": lambda x: xp.sum(xp.diff(x, n=2) ** 2),
    "sort": lambda x: weighed(xp.sort(x, axis=0, descending=True)),
    "where": lambda x: xp.sum(xp.where(x > 0, x * x, 1)),
    "matmul": lambda x: xp.sum((x @ x) @ x[:, 0]),
    "tensordot": lambda x: weighed(xp.tensordot(x, x, axes=((0,), (1,)))),
    "vecdot": lambda x: xp.sum(xp.vecdot(x, x)),
    "cross": lambda x: xp.sum(xp.linalg.cross(x, xp.asarray(WEIGHTS)) * x),
    "trace": lambda x: xp.linalg.trace(x @ x),
    "norm of order 3": lambda x: xp.linalg.vector_norm(x, ord=3),
    "Frobenius norm": xp.linalg.matrix_norm,
    "spectral norm": lambda x: xp.linalg.matrix_norm(x, ord=2),
    "nuclear norm": lambda x: xp.linalg.matrix_norm(x, ord="nuc"),
    "pinv": lambda x: weighed(xp.linalg.pinv(x)),
    "solve": lambda x: xp.sum(xp.linalg.solve(x, xp.asarray(WEIGHTS))),
    "matrix_power": lambda x: xp.sum(xp.linalg.matrix_power(x, 5)),
    "inverse power": lambda x: xp.sum(xp.linalg.matrix_power(x, -2)),
    "cholesky": lambda x: weighed(xp.linalg.cholesky(x @ xp.matrix_transpose(x))),
    "fft": lambda x: xp.sum(xp.real(xp.fft.fftn(x + 0j, s=(4, 2), axes=(0, 1), norm="ortho")) ** 2),
    "rfft": lambda x: xp.sum(xp.imag(xp.fft.rfft(x, n=5)) ** 2),
    "irfft": lambda x: xp.sum(xp.fft.irfft(xp.fft.rfft(x) * 2, n=3) ** 3),
    "fftshift": lambda x: weighed(xp.fft.fftshift(x)),
}


def differences(f: Callable[[Array], Array], x: np.ndarray, h: float = 1e-6) -> np.ndarray:
    """Central differences of f at x."""
    out = np.empty_like(x)
    for i in np.ndindex(x.shape):
        step = np.zeros_like(x)
        step[i] = h
        out[i] = (float(f(xp.asarray(x + step))) - float(f(xp.asarray(x - step)))) / (2 * h)
    return out


@pytest.mark.parametrize("name", F)
def test_gradient(name: str) -> None:
    want = differences(F[name], STACK[0])
    got = np.asarray(xp.grad(F[name])(xp.asarray(STACK[0])))
    np.testing.assert_allclose(got, want, rtol=0, atol=1e-6 * max(1.0, np.abs(want).max()))


@pytest.mark.parametrize("name", F)
def test_vmap(name: str) -> None:
    want = [float(F[name](xp.asarray(x))) for x in STACK]
    np.testing.assert_allclose(np.asarray(xp.vmap(F[name])(xp.asarray(STACK))), want, rtol=1e-10)
