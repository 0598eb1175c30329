"""Gradients as PyTorch has them, at kinks, at special values, and of complex functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lazytensor.ir.node import apply, leaf
from lazytensor.ir.op import ROWS
from lazytensor.ops import g
from lazytensor.transform.grad import vjp

from . import checks
from .samples import Array, definite

torch = pytest.importorskip("torch")

SAME_NAME = (
    "negative", "square", "reciprocal", "sqrt", "floor", "ceil", "trunc", "round", "exp", "expm1",
    "log", "log1p", "log2", "log10", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh",
    "tanh", "asinh", "acosh", "atanh", "erf", "abs", "real", "imag", "complex", "add", "subtract",
    "multiply", "divide", "remainder", "fmod", "pow", "atan2", "hypot", "logaddexp", "copysign",
    "maximum", "minimum",
)  # fmt: skip
FUNCTIONS = {**{n: getattr(torch, n) for n in SAME_NAME}, "sign": torch.sgn, "conj": torch.conj}
REAL = np.array([0, -0.0, 1, -1, 0.5, -0.5, 2, -2, 3, 1e-3, 1e300, np.inf, -np.inf, np.nan])
PARTS = (0, -0.0, 1, -1, 0.5, 2, -2)
COMPLEX = np.array([complex(a, b) for a in PARTS for b in PARTS])

# Points where PyTorch's gradient is not the function's, or there is no function to have one.
EXCEPT: dict[str, Callable[..., Any]] = {
    "abs": np.isnan,  # PyTorch: 0
    "acosh": lambda x: (x.real <= -1) & (x.imag == 0) if x.dtype == float else _negative_zero(x),
    "remainder": lambda x, y: np.isinf(x) | np.isinf(y),  # x = inf: the value is NaN
    "copysign": lambda x, y: np.isinf(x),  # PyTorch: NaN, by dividing
    "pow": lambda x, y: (x == 0) & np.iscomplexobj(x),  # PyTorch: NaN but at exponents 0 and 2
}


def _negative_zero(x: Array) -> Any:
    return (x.imag == 0) & np.signbit(x.imag)


def grids() -> list[tuple[str, Array]]:
    pairs = [(n, x) for n in FUNCTIONS for x in (REAL, COMPLEX) if x.dtype.kind in ROWS[n].domain]
    return [(n, x) for n, x in pairs if (n, x.dtype.kind) != ("round", "c")]


def cotangent(dtype: Any, shape: tuple[int, ...]) -> Array:
    rng = np.random.default_rng(3)
    ct = rng.standard_normal(shape)
    return np.asarray(ct + 1j * rng.standard_normal(shape) if dtype.kind == "c" else ct)


def ours(build: Callable[..., Any], args: list[Array]) -> tuple[list[Array], Array]:
    """Gradients for a fixed cotangent of the last result, and that cotangent."""
    leaves = [leaf(a) for a in args]
    y = build(*leaves)
    ct = cotangent(y.dtype, y.shape)
    return checks.filled(vjp([y], leaves, [leaf(ct)]), args), ct


def theirs(f: Callable[..., Any], args: list[Array], ct: Array) -> list[Array]:
    tensors = [torch.tensor(a, requires_grad=True) for a in args]
    y = f(*tensors)
    found = torch.autograd.grad(y, tensors, torch.tensor(ct), allow_unused=True)
    return [
        np.zeros_like(a) if t is None else t.resolve_conj().numpy(force=True)
        for t, a in zip(found, args, strict=True)
    ]


def agree(a: Array, b: Array) -> Array:
    """Close, or both NaN; of complex numbers at a pole, both not finite."""
    close = np.isclose(a, b, 1e-9, 1e-12, equal_nan=True)
    return close | (~np.isfinite(a) & ~np.isfinite(b)) if a.dtype.kind == "c" else close


@pytest.mark.parametrize(
    ("name", "grid"), [pytest.param(*c, id=f"{c[0]}-{c[1].dtype}") for c in grids()]
)
def test_elementwise_gradients(name: str, grid: Array) -> None:
    op = ROWS[name]
    args = [a.ravel().copy() for a in np.meshgrid(*[grid] * (op.arity or 1))]
    found, ct = ours(lambda *nodes: apply(op, nodes, ()), args)
    wanted = theirs(FUNCTIONS[name], args, ct)
    aside = EXCEPT.get(name, lambda *a: np.zeros(a[0].shape, bool))(*args)
    for a, b in zip(found, wanted, strict=True):
        wrong = ~(agree(a, b) | aside)
        assert not wrong.any(), list(zip(*(v[wrong] for v in (*args, a, b)), strict=True))


def test_a_wrong_convention_is_found() -> None:
    """Without the conjugate, or with the whole gradient to one of two that tie, nothing agrees."""
    unconjugated = checks.changed(ROWS["sin"], partials=lambda g, y, x: (g.conj(g.cos(x)),))
    found, ct = ours(lambda x: apply(unconjugated, (x,), ()), [COMPLEX])
    assert not agree(found[0], theirs(torch.sin, [COMPLEX], ct)[0]).all()
    first = checks.changed(
        ROWS["maximum"],
        partials=lambda g, z, x, y: (
            g.where(g.less(x, y), g.constant(0, x), g.constant(1, x)), None,
        ),
    )  # fmt: skip
    found, ct = ours(lambda x, y: apply(first, (x, y), ()), [REAL, REAL])
    assert not agree(found[0], theirs(torch.maximum, [REAL, REAL], ct)[0]).all()


# --- reductions, scans, linear algebra, transforms ------------------------------------------------

ZEROS = np.array([[1.0, 2, 3], [0, 3, 2], [0, 2, 0], [4, 4, -1]])
TIES = np.array([[1.0, 3, 3], [2, 2, 2], [np.nan, 1, np.nan], [np.inf, np.inf, 0]])
MATRIX = np.random.default_rng(0).standard_normal((2, 3, 3)) + 2 * np.eye(3)
COMPLEX_MATRIX = MATRIX + 1j * np.random.default_rng(1).standard_normal((2, 3, 3))
POSITIVE = definite(np.random.default_rng(2), (2, 3, 3), np.dtype(complex))
RIGHT = np.random.default_rng(3).standard_normal((2, 3, 2)) + 0.5j
SERIES = COMPLEX_MATRIX[0, :, :2]


def _cholesky(x: Any) -> Any:
    """PyTorch's gradient of the plain function is Hermitian only for a real diagonal cotangent."""
    return torch.linalg.cholesky((x + x.mH) / 2)


CASES: list[tuple[str, Callable[..., Any], Callable[..., Any], list[Array]]] = [
    ("sum", lambda x: g.sum(x, (1,)), lambda x: x.sum(1), [ZEROS]),
    ("prod", lambda x: g.prod(x, (1,)), lambda x: x.prod(1), [ZEROS]),
    ("prod", lambda x: g.prod(x, (1,)), lambda x: x.prod(1), [ZEROS + 0j]),
    ("max", lambda x: g.max(x, (1,)), lambda x: x.amax(1), [TIES[[0, 1, 3]]]),
    ("min", lambda x: g.min(x, (1,)), lambda x: x.amin(1), [TIES[[0, 1, 3]]]),
    ("cumsum", lambda x: g.cumsum(x, 1), lambda x: x.cumsum(1), [ZEROS * 1j]),
    ("cumprod", lambda x: g.cumprod(x, 1), lambda x: x.cumprod(1), [ZEROS]),
    ("cumprod", lambda x: g.cumprod(x, 1), lambda x: x.cumprod(1), [COMPLEX_MATRIX[0]]),
    ("sort", lambda x: g.sort(x, 1, False), lambda x: x.sort(dim=1, stable=True)[0], [TIES]),
    (
        "sort",
        lambda x: g.sort(x, 1, True),
        lambda x: x.sort(dim=1, descending=True, stable=True)[0],
        [TIES],
    ),
    ("matmul", lambda x, y: g.matmul(x, y), torch.matmul, [COMPLEX_MATRIX, RIGHT]),
    ("inv", lambda x: g.inv(x), torch.linalg.inv, [COMPLEX_MATRIX]),
    ("det", lambda x: g.det(x), torch.linalg.det, [COMPLEX_MATRIX]),
    ("det", lambda x: g.det(x), torch.linalg.det, [np.zeros((2, 2))]),
    ("slogdet", lambda x: g.pick(g.slogdet(x), 0), lambda x: x.slogdet()[0], [COMPLEX_MATRIX]),
    ("slogdet", lambda x: g.pick(g.slogdet(x), 1), lambda x: x.slogdet()[1], [COMPLEX_MATRIX]),
    ("slogdet", lambda x: g.pick(g.slogdet(x), 1), lambda x: x.slogdet()[1], [MATRIX]),
    ("solve", lambda a, b: g.solve(a, b), torch.linalg.solve, [COMPLEX_MATRIX, RIGHT]),
    ("cholesky", lambda x: g.cholesky(x, False), _cholesky, [POSITIVE]),
    ("eigh", lambda x: g.pick(g.eigh(x), 0), lambda x: torch.linalg.eigh(x)[0], [POSITIVE]),
    ("eigvalsh", lambda x: g.eigvalsh(x), torch.linalg.eigvalsh, [POSITIVE]),
    ("eig", lambda x: g.pick(g.eig(x), 0), lambda x: torch.linalg.eig(x)[0], [MATRIX]),
    ("eigvals", lambda x: g.eigvals(x), torch.linalg.eigvals, [COMPLEX_MATRIX]),
    ("svdvals", lambda x: g.svdvals(x), torch.linalg.svdvals, [COMPLEX_MATRIX]),
    ("svdvals", lambda x: g.svdvals(x), torch.linalg.svdvals, [np.eye(3)]),
    ("qr", lambda x: g.pick(g.qr(x, "reduced"), 1), lambda x: torch.linalg.qr(x)[1], [MATRIX]),
    ("fft", lambda x: g.fft(x, 0), lambda x: torch.fft.fft(x, dim=0), [SERIES]),
    ("ifft", lambda x: g.ifft(x, 0), lambda x: torch.fft.ifft(x, dim=0), [SERIES]),
    ("rfft", lambda x: g.rfft(x, 1), lambda x: torch.fft.rfft(x, dim=1), [ZEROS]),
    ("irfft", lambda x: g.irfft(x, 0, 4), lambda x: torch.fft.irfft(x, 4, 0), [SERIES]),
    ("irfft", lambda x: g.irfft(x, 0, 5), lambda x: torch.fft.irfft(x, 5, 0), [SERIES]),
]


@pytest.mark.parametrize(
    ("build", "function", "args"),
    [pytest.param(*case[1:], id=f"{case[0]}-{i}") for i, case in enumerate(CASES)],
)
def test_other_gradients(
    build: Callable[..., Any], function: Callable[..., Any], args: list[Array]
) -> None:
    found, ct = ours(build, args)
    for a, b in zip(found, theirs(function, args, ct), strict=True):
        np.testing.assert_allclose(a, b, 1e-8, 1e-10)


def test_cofactors_of_singular_matrices_are_right_where_pytorch_gives_zeros() -> None:
    found, ct = ours(lambda x: g.det(x), [np.array([[1.0, 2], [2, 4]])])
    np.testing.assert_allclose(found[0], ct * np.array([[4, -2], [-2, 1]]), 1e-12)
