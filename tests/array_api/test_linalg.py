"""Linear algebra on arrays: promotion, named tuples, errors; see tests/lang for values."""

from typing import Any

import numpy as np
import pytest

import lazytensor as xp

RNG = np.random.default_rng(0)
A, B = RNG.normal(size=(2, 3, 3)), RNG.normal(size=(3, 4))
FLOATING = ["float32", "float64", "complex64", "complex128"]


def test_the_main_namespace_has_the_same_functions() -> None:
    for name in ("matmul", "matrix_transpose", "tensordot", "vecdot"):
        assert getattr(xp.linalg, name) is getattr(xp, name)


@pytest.mark.parametrize(
    ("left", "right", "out"),
    [("int8", "int32", "int32"), ("uint8", "int8", "int16"), ("float32", "float64", "float64"),
     ("float32", "complex64", "complex64"), ("float64", "complex64", "complex128")],
)  # fmt: skip
def test_products_promote(left: str, right: str, out: str) -> None:
    x = xp.asarray([[1, 2], [3, 4]], dtype=getattr(xp, left))
    y = xp.asarray([[1, 0], [0, 2]], dtype=getattr(xp, right))
    for f in (xp.matmul, xp.tensordot, xp.vecdot):
        assert f(x, y).dtype == getattr(xp, out)
    assert np.asarray(xp.matmul(x, y)).tolist() == [[1, 4], [3, 8]]
    assert np.asarray(x @ y).tolist() == [[1, 4], [3, 8]]
    assert xp.linalg.outer(x[0, :], y[0, :]).dtype == getattr(xp, out)


def test_products() -> None:
    a, b = xp.asarray(A), xp.asarray(B)
    np.testing.assert_allclose(np.asarray(xp.matmul(a, b)), A @ B)
    np.testing.assert_allclose(np.asarray(xp.matmul(a, b[:, 0])), A @ B[:, 0])
    np.testing.assert_allclose(
        np.asarray(xp.tensordot(b, a, axes=((0,), (1,)))), np.tensordot(B, A, ((0,), (1,)))
    )
    x1, x2 = xp.asarray([1j, 2j, 3j]), xp.asarray([1, 2j, 3])
    assert complex(xp.vecdot(x1, x2)) == 4 - 10j
    np.testing.assert_allclose(np.asarray(xp.linalg.cross(a, b[:, 0])), np.cross(A, B[:, 0]))
    np.testing.assert_array_equal(np.asarray(xp.matrix_transpose(a)), A.transpose(0, 2, 1))
    np.testing.assert_array_equal(np.asarray(xp.linalg.diagonal(b, offset=2)), np.diagonal(B, 2))
    assert float(xp.linalg.trace(b)) == pytest.approx(np.trace(B))
    assert xp.linalg.trace(xp.ones((2, 2), dtype=xp.uint8)).dtype == xp.uint64


@pytest.mark.parametrize("dtype", FLOATING)
def test_factorisations(dtype: str) -> None:
    x = A.astype(dtype)
    a, tolerance = xp.asarray(x), 50 * float(np.finfo(dtype).eps)

    def near(got: Any, want: Any) -> None:
        np.testing.assert_allclose(np.asarray(got), want, rtol=0, atol=10 * tolerance)

    u, s, vh = xp.linalg.svd(a)
    near((u * xp.astype(s, u.dtype)[:, None, :]) @ vh, x)
    q, r = xp.linalg.qr(a)
    near(q @ r, x)
    assert q.dtype == r.dtype == a.dtype
    w, v = xp.linalg.eig(a)
    near(a @ v - v * w[:, None, :], np.zeros(x.shape))
    assert w.dtype == v.dtype == np.result_type(dtype, np.complex64)
    h = a @ xp.conj(xp.matrix_transpose(a))
    w, v = xp.linalg.eigh(h)
    near(h @ v - v * xp.astype(w, v.dtype)[:, None, :], np.zeros(x.shape))
    low = xp.linalg.cholesky(h + xp.eye(3, dtype=a.dtype))
    near(low @ xp.conj(xp.matrix_transpose(low)), np.asarray(h) + np.eye(3))
    sign, logabs = xp.linalg.slogdet(a)
    near(sign * xp.astype(xp.exp(logabs), sign.dtype), np.linalg.det(x))
    near(xp.linalg.solve(a, a), np.broadcast_to(np.eye(3), x.shape))
    near(xp.linalg.pinv(a) @ a, np.broadcast_to(np.eye(3), x.shape))
    near(xp.linalg.matrix_power(a, 3), np.linalg.matrix_power(x, 3))


def test_fields_have_the_names_of_the_standard() -> None:
    a = xp.asarray(A)
    assert xp.linalg.eig(a)._fields == xp.linalg.eigh(a)._fields == ("eigenvalues", "eigenvectors")
    assert xp.linalg.svd(a)._fields == ("U", "S", "Vh")
    assert xp.linalg.qr(a)._fields == ("Q", "R")
    assert xp.linalg.slogdet(a)._fields == ("sign", "logabsdet")


def test_norms() -> None:
    a = xp.asarray(A)
    for order in ("fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf):
        got = xp.linalg.matrix_norm(a, ord=order, keepdims=True)
        np.testing.assert_allclose(
            np.asarray(got), np.linalg.matrix_norm(A, ord=order, keepdims=True)
        )
    for order in (0, 1, 2, 3.5, -1, np.inf, -np.inf):
        got = xp.linalg.vector_norm(a, axis=(0, 2), ord=order)
        np.testing.assert_allclose(
            np.asarray(got), np.linalg.vector_norm(A, axis=(0, 2), ord=order)
        )
    assert xp.linalg.vector_norm(xp.asarray([3j, 4], dtype=xp.complex64)).dtype == xp.float32


def test_rank_by_tolerance() -> None:
    x = xp.asarray(np.stack([np.diag([10.0, 1.0, 0.1])] * 2))
    assert np.asarray(xp.linalg.matrix_rank(x, rtol=0.05)).tolist() == [2, 2]
    got = xp.linalg.matrix_rank(x, rtol=xp.asarray([0.05, 0.001]))
    assert (got.dtype, np.asarray(got).tolist()) == (xp.int64, [2, 3])
    assert xp.linalg.pinv(x, rtol=xp.asarray(0.05)).shape == (2, 3, 3)


def test_what_only_data_can_show_is_raised_when_computed() -> None:
    x = xp.linalg.inv(xp.zeros((2, 2)))
    with pytest.raises(np.linalg.LinAlgError, match=r"test_linalg\.py:\d+"):
        np.asarray(x)
    y = xp.linalg.cholesky(xp.asarray([[1.0, 2.0], [2.0, 1.0]]))
    with pytest.raises(np.linalg.LinAlgError, match=r"test_linalg\.py:\d+"):
        np.asarray(y)


def test_wrong_calls() -> None:
    a, b = xp.asarray(A), xp.asarray(B)
    with pytest.raises(ValueError, match=r"matmul: shapes \(3, 4\) and \(3, 4\) don't match"):
        xp.matmul(b, b)
    with pytest.raises(ValueError, match="at least one axis"):
        xp.matmul(b, xp.asarray(1.0))
    with pytest.raises(ValueError, match="expected square matrices"):
        xp.linalg.det(b)
    with pytest.raises(TypeError, match="numeric dtype, got bool"):
        xp.linalg.inv(a > 0)
    with pytest.raises(ValueError, match="differ along axis"):
        xp.vecdot(b, b[:, :2])
    with pytest.raises(ValueError, match="got 'thin'"):
        xp.linalg.qr(a, mode="thin")
