"""Gradients and tangents against JAX, where it has the operation: complex cotangents conjugated."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lazytensor.ir.node import apply, leaf
from lazytensor.ir.op import ROWS
from lazytensor.ops import g
from lazytensor.transform.grad import vjp
from lazytensor.transform.jvp import jvp

from . import checks
from .samples import Array

jax = pytest.importorskip("jax")
jax.config.update("jax_enable_x64", True)
jnp: Any = jax.numpy

# Rows of the same name, and those that are called otherwise there.
SAME_NAME = (
    "negative", "square", "reciprocal", "sqrt", "exp", "expm1", "log", "log1p", "log2", "log10",
    "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh",
    "abs", "real", "imag", "add", "subtract", "multiply", "divide", "pow", "atan2", "hypot",
    "logaddexp", "maximum", "minimum", "conj",
)  # fmt: skip
FUNCTIONS: dict[str, Callable[..., Any]] = {
    **{name: getattr(jnp, name) for name in SAME_NAME if hasattr(jnp, name)},
    "atan2": jnp.arctan2,
    "erf": jax.scipy.special.erf,
}
X = np.array([0.3, 0.7, 0.45, 0.9])
Y = np.array([0.8, 0.2, 0.65, 0.4])
ABOVE = 1.5  # added where a function is defined from 1 on


def arguments(name: str, kind: str) -> list[Array]:
    arity = ROWS[name].arity or 1
    found = [X + ABOVE if name == "acosh" else X, Y][:arity]
    if kind == "c":
        found = [x + 1j * y for x, y in zip(found, (Y, X), strict=False)]
    return found


def cases() -> list[tuple[str, str]]:
    return [(n, k) for n in FUNCTIONS for k in "fc" if k in ROWS[n].domain]


def cotangent(like: Array) -> Array:
    rng = np.random.default_rng(3)
    ct = rng.standard_normal(like.shape)
    return np.asarray(ct + 1j * rng.standard_normal(like.shape) if like.dtype.kind == "c" else ct)


@pytest.mark.parametrize(("name", "kind"), cases())
def test_cotangents(name: str, kind: str) -> None:
    args = arguments(name, kind)
    value, pull = jax.vjp(FUNCTIONS[name], *args)
    ct = cotangent(np.asarray(value))
    wanted = [np.conj(np.asarray(x)) for x in pull(jnp.asarray(np.conj(ct)))]
    leaves = [leaf(a) for a in args]
    found = vjp([apply(ROWS[name], tuple(leaves))], leaves, [leaf(ct)])
    for got, want in zip(checks.compute([x for x in found if x is not None]), wanted, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize(("name", "kind"), cases())
def test_tangents(name: str, kind: str) -> None:
    args = arguments(name, kind)
    tangents = [cotangent(a) for a in args]
    _, wanted = jax.jvp(FUNCTIONS[name], tuple(args), tuple(tangents))
    leaves = [leaf(a) for a in args]
    found = jvp([apply(ROWS[name], tuple(leaves))], leaves, [leaf(t) for t in tangents])
    got = checks.compute([x for x in found if x is not None])[0]
    np.testing.assert_allclose(got, np.asarray(wanted), rtol=1e-11, atol=1e-13)


M = np.array([[2.0, 0.3, 0.5], [0.1, 1.5, -0.4], [0.6, -0.2, 1.8]])
S = M @ M.T

# Compositions of other rows: here, there, arguments.
OTHERS: list[tuple[str, Callable[..., Any], Callable[..., Any], list[Array]]] = [
    ("sum", lambda x: g.sum(x, (0,)), lambda x: x.sum(0), [M]),
    ("prod", lambda x: g.prod(x, (1,)), lambda x: x.prod(1), [M]),
    ("max", lambda x: g.max(x, (0,)), lambda x: x.max(0), [M]),
    ("min", lambda x: g.min(x, (1,)), lambda x: x.min(1), [M]),
    ("matmul", g.matmul, jnp.matmul, [M, S]),
    ("cumulative_sum", lambda x: g.cumsum(x, 0), lambda x: jnp.cumsum(x, 0), [M]),
    ("cumulative_prod", lambda x: g.cumprod(x, 1), lambda x: jnp.cumprod(x, 1), [M]),
    ("reshape", lambda x: g.reshape(x, (9,)), lambda x: x.reshape(9), [M]),
    ("permute", lambda x: g.permute(x, (1, 0)), lambda x: x.T, [M]),
    ("inv", g.inv, jnp.linalg.inv, [M]),
    ("det", g.det, jnp.linalg.det, [M]),
    ("cholesky", lambda x: g.cholesky(x, False), jnp.linalg.cholesky, [S]),
    ("solve", g.solve, jnp.linalg.solve, [M, S]),
    ("eigvalsh", g.eigvalsh, jnp.linalg.eigvalsh, [S]),
    ("svdvals", g.svdvals, lambda x: jnp.linalg.svd(x, compute_uv=False), [M]),
    ("where", lambda x, y: g.where(g.less(y, x), x, y), lambda x, y: jnp.where(y < x, x, y), [M, S]),  # noqa: E501
]


@pytest.mark.parametrize("case", OTHERS, ids=lambda c: c[0])
def test_other_rows(case: Any) -> None:
    _, here, there, args = case
    value, pull = jax.vjp(there, *args)
    ct = cotangent(np.asarray(value))
    leaves = [leaf(a) for a in args]
    found = vjp([here(*leaves)], leaves, [leaf(ct)])
    for got, want in zip(checks.compute(list(found)), pull(jnp.asarray(ct)), strict=True):
        np.testing.assert_allclose(got, np.asarray(want), rtol=1e-9, atol=1e-12)
