"""Products, diagonals, norms and what is built on factorisations, against NumPy."""

from typing import Any

import numpy as np
import pytest
from numpy.exceptions import AxisError

from lazytensor._base.dtypes import STANDARD
from lazytensor.ir.node import leaf
from lazytensor.lang import linalg

from .oracle import SHAPES, axes_of, dtypes, made, run, same

NUMERIC = dtypes("iufc")
FLOATING = dtypes("fc")
MATRICES = [(3, 4), (4, 3), (0, 3), (3, 0), (0, 0), (2, 3, 3), (2, 0, 2, 2), (1, 1), (2, 1, 3, 5)]
SQUARE = [(3, 3), (0, 0), (1, 1), (2, 4, 4), (0, 2, 2)]

PRODUCTS = [
    ((3,), (3,)), ((0,), (0,)), ((3,), (3, 4)), ((2, 3), (3,)), ((2, 3), (3, 4)), ((0, 3), (3, 2)),
    ((2, 0), (0, 3)), ((5, 2, 3), (3, 4)), ((2, 3), (5, 3, 4)), ((5, 1, 2, 3), (6, 3, 4)),
    ((3,), (2, 3, 4)), ((2, 4, 3), (3,)), ((5, 0, 3), (3, 2)), ((1, 2, 3), (5, 3, 1)),
]  # fmt: skip


@pytest.mark.parametrize("dtype", NUMERIC, ids=str)
def test_matmul(dtype: Any) -> None:
    for a, b in PRODUCTS:
        x, y = made(a, dtype), made(b, dtype, 1)
        same(run(linalg.matmul, x, y), np.matmul(x, y), dtype, 4)


@pytest.mark.parametrize("dtype", NUMERIC, ids=str)
@pytest.mark.parametrize(
    ("a", "b", "axes"),
    [
        ((2, 3, 4), (3, 4, 5), 2),
        ((2, 3), (4,), 0),
        ((2, 3, 4), (4, 3, 5), ([2, 1], [0, 1])),
        ((2, 3, 4), (4, 3, 5), ((-1, -2), (0, -2))),
        ((2, 3), (3, 2), (1, 0)),
        ((0, 3), (3, 2), 1),
        ((2, 0), (0, 3), 1),
        ((), (), 0),
        ((2, 3), (2, 3), 0),
    ],
)
def test_tensordot(dtype: Any, a: Any, b: Any, axes: Any) -> None:
    x, y = made(a, dtype), made(b, dtype, 1)
    same(run(linalg.tensordot, x, y, axes), np.tensordot(x, y, axes), dtype, 4)


@pytest.mark.parametrize("dtype", NUMERIC, ids=str)
def test_vecdot(dtype: Any) -> None:
    for a, b, axis in [((3,), (3,), -1), ((2, 3), (3,), -1), ((3, 1), (3, 4), -2), ((0,), (0,), -1),
                       ((5, 2, 3), (2, 3), -1), ((2, 3), (2, 3), 0)]:  # fmt: skip
        x, y = made(a, dtype), made(b, dtype, 1)
        got = run(linalg.vecdot, x, y, axis)
        both = np.broadcast_arrays(x, y)
        same(got, np.sum(np.conj(both[0]) * both[1], axis, dtype=dtype), dtype, 4)


@pytest.mark.parametrize("dtype", NUMERIC, ids=str)
def test_outer_and_cross(dtype: Any) -> None:
    x, y = made((3,), dtype), made((4,), dtype, 1)
    same(run(linalg.outer, x, y), np.outer(x, y), dtype)
    same(run(linalg.outer, x, y[:0]), np.outer(x, y[:0]), dtype)
    for a, b, axis in [
        ((3,), (3,), -1),
        ((2, 3), (3,), -1),
        ((3, 2), (3, 1), -2),
        ((0, 3), (3,), -1),
    ]:
        x, y = made(a, dtype), made(b, dtype, 1)
        same(run(linalg.cross, x, y, axis), np.cross(x, y, axis=axis), dtype)


@pytest.mark.parametrize("dtype", STANDARD, ids=str)
def test_transposes_and_diagonals(dtype: Any) -> None:
    for shape in MATRICES:
        x = made(shape, dtype)
        same(run(linalg.matrix_transpose, x), np.matrix_transpose(x), dtype)
        for offset in range(-5, 6):
            same(run(linalg.diagonal, x, offset), np.diagonal(x, offset, -2, -1), dtype)


@pytest.mark.parametrize("dtype", NUMERIC, ids=str)
def test_trace(dtype: Any) -> None:
    for shape in MATRICES:
        x = made(shape, dtype)
        for offset in (-2, 0, 1):
            got = run(linalg.trace, x, offset)
            same(got, np.trace(x, offset, -2, -1, dtype=got.dtype), got.dtype, 4)
    assert run(linalg.trace, np.eye(3, dtype=np.int8)).dtype == np.int64
    assert run(linalg.trace, np.eye(3, dtype=np.uint8)).dtype == np.uint64
    assert run(linalg.trace, np.eye(3, dtype=np.int8), dtype="int8").dtype == np.int8


@pytest.mark.parametrize("dtype", FLOATING, ids=str)
@pytest.mark.parametrize("ord", [2, 1, 0, -1, -2, np.inf, -np.inf, 3, 2.5, -0.5])
def test_vector_norm(dtype: Any, ord: float) -> None:
    for shape in [s for s in SHAPES if 0 not in s]:
        x = made(shape, dtype)
        for axis in axes_of(len(shape)):
            if axis == ():
                continue
            got = run(linalg.vector_norm, x, axis=axis, ord=ord, keepdims=True)
            want = np.linalg.vector_norm(x, axis=axis, ord=ord, keepdims=True)
            same(got, want, np.abs(x).dtype, 4 * x.size)


def test_vector_norms_at_the_limits() -> None:
    assert run(linalg.vector_norm, np.zeros(3)) == 0
    assert run(linalg.vector_norm, np.zeros(0), ord=np.inf) == 0
    assert run(linalg.vector_norm, np.array([3, 4])) == 5.0
    assert run(linalg.vector_norm, np.array([0.0, 2.0]), ord=-1) == 0
    assert np.isnan(run(linalg.vector_norm, np.array([np.nan, 1.0]), ord=np.inf))
    assert run(linalg.vector_norm, np.full(100, 300, np.float16)) == 3000


@pytest.mark.parametrize("dtype", FLOATING, ids=str)
@pytest.mark.parametrize("ord", ["fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf])
def test_matrix_norm(dtype: Any, ord: Any) -> None:
    for shape in [s for s in MATRICES if 0 not in s]:
        x = made(shape, dtype)
        got = run(linalg.matrix_norm, x, ord=ord)
        same(got, np.linalg.matrix_norm(x, ord=ord), np.abs(x).dtype, 4)
        same(run(linalg.matrix_norm, x, ord=ord, keepdims=True), got[..., None, None])
    for shape in [(0, 3), (3, 0), (0, 0), (2, 0, 3)]:
        got = run(linalg.matrix_norm, made(shape, dtype), ord=ord)
        assert got.shape == shape[:-2]
        if ord not in (-1, -2, -np.inf):
            assert (got == 0).all()


@pytest.mark.parametrize("dtype", FLOATING, ids=str)
def test_factorisations_multiply_back(dtype: Any) -> None:
    for shape in MATRICES:
        x = made(shape, dtype)
        for full in (False, True):
            u, s, vh = run(linalg.svd, x, full_matrices=full)
            k = s.shape[-1]
            same(u[..., :, :k] * s[..., None, :] @ vh[..., :k, :], x, dtype, 10)
        for mode in ("reduced", "complete"):
            q, r = run(linalg.qr, x, mode=mode)
            same(q @ r, x, dtype, 10)
        same(run(linalg.svdvals, x), np.linalg.svdvals(x), None, 10)


@pytest.mark.parametrize("dtype", FLOATING, ids=str)
def test_factorisations_of_square_matrices(dtype: Any) -> None:
    for shape in SQUARE:
        x = made(shape, dtype)
        h = x + np.conj(np.matrix_transpose(x))
        w, v = run(linalg.eigh, h)
        same(v * w[..., None, :] @ np.conj(np.matrix_transpose(v)), h, dtype, 10)
        same(run(linalg.eigvalsh, h), w, None, 10)
        w, v = run(linalg.eig, x)
        assert w.dtype == v.dtype == np.result_type(dtype, np.complex64)
        same(x @ v, v * w[..., None, :], None, 100)
        same(np.sort(run(linalg.eigvals, x)), np.sort(w), None, 100)
        same(run(linalg.det, x), np.linalg.det(x), dtype, 10)
        sign, logabs = run(linalg.slogdet, x)
        same(sign * np.exp(logabs), np.linalg.det(x), dtype, 10)
        positive = h @ np.conj(np.matrix_transpose(h)) + 9 * np.eye(shape[-1], dtype=dtype)
        low = run(linalg.cholesky, positive)
        same(low @ np.conj(np.matrix_transpose(low)), positive, dtype, 10)
        same(
            run(linalg.cholesky, positive, upper=True), np.conj(np.matrix_transpose(low)), dtype, 10
        )
        same(
            run(linalg.inv, positive) @ positive,
            np.broadcast_to(np.eye(shape[-1]), shape),
            dtype,
            100,
        )


@pytest.mark.parametrize("dtype", FLOATING, ids=str)
def test_solve(dtype: Any) -> None:
    for a, b in [((3, 3), (3,)), ((3, 3), (3, 2)), ((2, 3, 3), (3,)), ((2, 1, 3, 3), (4, 3, 2)),
                 ((3, 3), (5, 3, 1)), ((0, 0), (0, 2)), ((0, 0), (0,))]:  # fmt: skip
        x = made(a, dtype) + 5 * np.eye(a[-1], dtype=dtype)
        y = made(b, dtype, 1)
        got = run(linalg.solve, x, y)
        want = np.linalg.solve(x, y[..., None])[..., 0] if len(b) == 1 else np.linalg.solve(x, y)
        same(got, want, dtype, 10)


@pytest.mark.parametrize("dtype", FLOATING, ids=str)
@pytest.mark.parametrize("n", [-3, -1, 0, 1, 2, 5, 8])
def test_matrix_power(dtype: Any, n: int) -> None:
    for shape in SQUARE:
        x = made(shape, dtype) / 2 + 2 * np.eye(shape[-1], dtype=dtype)
        same(run(linalg.matrix_power, x, n), np.linalg.matrix_power(x, n), dtype, 200)


@pytest.mark.parametrize("dtype", FLOATING, ids=str)
def test_rank_and_pseudo_inverse(dtype: Any) -> None:
    for shape in MATRICES:
        x = made(shape, dtype)
        if min(shape[-2:]) > 1:
            x[..., -1, :] = x[..., 0, :]
        want = np.linalg.matrix_rank(x) if x.size else np.zeros(shape[:-2], int)
        same(run(linalg.matrix_rank, x), want, np.int64)
        p = run(linalg.pinv, x)
        assert p.shape == (*shape[:-2], shape[-1], shape[-2])
        same(x @ p @ x, x, dtype, 100)


def test_tolerances_are_relative_to_the_largest() -> None:
    x = np.diag([10.0, 1.0, 0.1])
    assert run(linalg.matrix_rank, x, rtol=0.5) == 1
    assert run(linalg.matrix_rank, x, rtol=0.1) == 1
    two = np.stack([x, x])
    same(run(linalg.matrix_rank, two, rtol=leaf(np.array([0.05, 0.001]))), [2, 3])
    same(run(linalg.pinv, x, rtol=0.05), np.diag([0.1, 1.0, 0.0]))
    same(
        run(linalg.pinv, two, rtol=leaf(np.array([0.05, 0.5]))),
        [np.diag([0.1, 1, 0]), np.diag([0.1, 0, 0])],
    )


@pytest.mark.parametrize(
    "f", [linalg.inv, linalg.det, linalg.svdvals, linalg.matrix_norm, linalg.vector_norm]
)
def test_integers_are_taken_as_float64(f: Any) -> None:
    x = np.array([[2, 1], [1, 1]], np.int8)
    same(run(f, x), run(f, x.astype(np.float64)))


ONES, STACK = np.ones((2, 3)), np.ones((4, 3, 2))
WRONG = [
    (
        linalg.matmul,
        (ONES, ONES),
        ValueError,
        r"matmul: shapes \(2, 3\) and \(2, 3\) don't match: 3 and 2",
    ),
    (
        linalg.matmul,
        (ONES, np.asarray(1.0)),
        ValueError,
        r"at least one axis, got shapes \(2, 3\) and \(\)",
    ),
    (linalg.matmul, (STACK, np.ones((5, 2, 2))), ValueError, "not be broadcast"),
    (
        linalg.matmul,
        (ONES > 0, ONES > 0),
        TypeError,
        "matmul: expected an array of a numeric dtype, got bool",
    ),
    (
        linalg.matmul,
        (ONES, STACK.astype(np.float32)),
        TypeError,
        "dtypes float64 and float32 differ",
    ),
    (linalg.tensordot, (ONES, ONES, 3), ValueError, "can't contract 3 axes"),
    (linalg.tensordot, (ONES, ONES, -1), ValueError, "can't contract -1 axes"),
    (linalg.tensordot, (ONES, ONES, 1), ValueError, "differ in size"),
    (linalg.tensordot, (ONES, ONES, ([0], [2])), AxisError, "axis 2 is out of bounds"),
    (linalg.tensordot, (ONES, ONES, ([0, 0], [0, 0])), ValueError, "of one length and not repeat"),
    (linalg.tensordot, (ONES, ONES, ([0],)), ValueError, "an int or two sequences"),
    (linalg.tensordot, (ONES, ONES, 0.5), TypeError, "float"),
    (linalg.vecdot, (ONES, ONES[:, :1]), ValueError, "differ along axis -1"),
    (linalg.vecdot, (ONES, ONES[0], 0), ValueError, "must be negative for shapes"),
    (linalg.outer, (ONES, ONES), ValueError, r"expected vectors, got shapes \(2, 3\)"),
    (linalg.cross, (ONES[:, :1], ONES), ValueError, "expected 3 elements along axis -1"),
    (linalg.cross, (ONES, ONES, -3), AxisError, "axis -3 is out of bounds"),
    (linalg.diagonal, (ONES[0],), ValueError, r"at least two axes, got shape \(3,\)"),
    (linalg.matrix_transpose, (ONES[0],), ValueError, r"at least two axes, got shape \(3,\)"),
    (linalg.matrix_norm, (ONES[0],), ValueError, r"at least two axes, got shape \(3,\)"),
    (linalg.inv, (ONES,), ValueError, r"inv: expected square matrices, got shape \(2, 3\)"),
    (linalg.det, (ONES[:, :2].astype(np.float16),), TypeError, "expected float32, .* got float16"),
    (linalg.solve, (ONES[:, :2], STACK), ValueError, "2 unknowns, 3 equations"),
    (linalg.matrix_power, (ONES[:, :2], 0.5), TypeError, "float"),
]


@pytest.mark.parametrize(("f", "args", "error", "text"), WRONG)
def test_wrong_arguments_are_refused_at_once(f: Any, args: Any, error: Any, text: str) -> None:
    with pytest.raises(error, match=text):
        f(*(leaf(a) if isinstance(a, np.ndarray) else a for a in args))


def test_wrong_words_are_refused_at_once() -> None:
    with pytest.raises(ValueError, match="ord must be 'fro', .* got 3"):
        linalg.matrix_norm(leaf(ONES), ord=3)
    with pytest.raises(ValueError, match="mode must be 'reduced' or 'complete', got 'full'"):
        linalg.qr(leaf(ONES), mode="full")
    with pytest.raises(TypeError, match="matrix_rank: expected .* got int64"):
        linalg.matrix_rank(leaf(ONES), rtol=leaf(np.asarray(1)))
