"""Sums with products, Kronecker products, covariances and norms against PyTorch."""

from math import inf
from typing import Any

import numpy as np
import pytest

from lazytensor.ir.node import leaf
from lazytensor.lang import products

from .against_torch import agree, drawn, torch
from .oracle import run


@pytest.mark.parametrize(("beta", "alpha"), [(1, 1), (0.5, 2.0), (0, 1)])
def test_sums_with_products(beta: float, alpha: float) -> None:
    kwargs: Any = {"beta": beta, "alpha": alpha}
    m, a, b = drawn((3, 4)), drawn((3, 2)), drawn((2, 4))
    x, y = drawn((5, 3, 2)), drawn((5, 2, 4))
    calls: list[Any] = [
        (products.addmm, torch.addmm, m, a, b),
        (products.addmm, torch.addmv, drawn((3,)), a, drawn((2,))),
        (products.addmm, torch.baddbmm, drawn((5, 3, 4)), x, y),
        (products.addbmm, torch.addbmm, m, x, y),
        (products.addr, torch.addr, m, drawn((3,)), drawn((4,))),
    ]
    for ours, theirs, *arrays in calls:
        agree(
            lambda *n, f=ours: f(*n, **kwargs), lambda *t, f=theirs: f(*t, **kwargs), *arrays,
            scale=4,
        )  # fmt: skip


@pytest.mark.parametrize(
    ("a", "b"), [((2, 3), (4, 2)), ((3,), (2, 2)), ((), (2,)), ((2, 1, 3), (2,))]
)
def test_kron(a: Any, b: Any) -> None:
    agree(products.kron, torch.kron, drawn(a), drawn(b, seed=1))


@pytest.mark.parametrize("shape", [(3, 6), (6,), (1, 4)])
@pytest.mark.parametrize("correction", [0, 1, 2])
def test_cov(shape: Any, correction: int) -> None:
    x, n = drawn(shape), shape[-1]
    f, a = np.arange(1, n + 1), np.linspace(0.5, 2, n)
    tf, ta = torch.from_numpy(f), torch.from_numpy(a)
    agree(
        lambda v: products.cov(v, correction), lambda t: torch.cov(t, correction=correction), x,
        scale=10,
    )  # fmt: skip
    for ours, theirs in (((f, None), (tf, None)), ((None, a), (None, ta)), ((f, a), (tf, ta))):
        nodes = [None if w is None else leaf(w) for w in ours]
        agree(
            lambda v, w=nodes: products.cov(v, correction, *w),
            lambda t, w=theirs: torch.cov(t, correction=correction, fweights=w[0], aweights=w[1]),
            x, scale=10,
        )  # fmt: skip


def test_corrcoef() -> None:
    agree(products.corrcoef, torch.corrcoef, drawn((3, 6)), scale=10)
    agree(products.corrcoef, torch.corrcoef, drawn((6,)), gradient=False)
    z = drawn((3, 6)) + 1j * drawn((3, 6), seed=1)
    np.testing.assert_allclose(
        run(products.corrcoef, z), torch.corrcoef(torch.from_numpy(z)).numpy(), rtol=1e-12
    )


@pytest.mark.parametrize("p", [0, 1, 2, 3, 0.5, -1, -2.5, inf, -inf])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_norms(p: float, dtype: str) -> None:
    x = drawn((3, 4, 2), dtype)
    for axes in ((0,), (1, 2), (0, 1, 2)):
        agree(
            lambda v, a=axes: products.norm(v, p, a, True),
            lambda t, a=axes: torch.linalg.vector_norm(t, p, a, keepdim=True), x, scale=10,
            gradient=p != 0,
        )  # fmt: skip
    y = drawn((3, 4, 2), dtype, 1)
    agree(
        lambda v, w: products.dist(v, w, p), lambda t, w: torch.dist(t, w, p), x, y, scale=10,
        gradient=p != 0,
    )  # fmt: skip


@pytest.mark.parametrize("p", [1, 2, 3, 1.5, inf])
def test_norms_of_zeros_have_gradient_zero(p: float) -> None:
    x = np.array([[0.0, 0, 0], [1, 0, -2]])
    agree(
        lambda v: products.norm(v, p, (1,)), lambda t: torch.linalg.vector_norm(t, p, 1), x,
        scale=10, gradient=p != inf,
    )  # fmt: skip


@pytest.mark.parametrize("p", [1, 2, 3.5, inf])
def test_renorm(p: float) -> None:
    x = drawn((3, 4, 2)) * np.array([0.1, 1, 3])[:, None, None]
    for axis in (0, 1, -1):
        agree(
            lambda v, a=axis: products.renorm(v, p, a, 1.5),
            lambda t, a=axis: torch.renorm(t, p, a, 1.5), x, scale=10,
        )  # fmt: skip
