"""Values at special points, accuracy of erf, sorts, scans, factorisations, and errors."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lazytensor._base import dtypes as d
from lazytensor._base.devices import CPU
from lazytensor.ir.node import leaf
from lazytensor.ir.op import ROWS
from lazytensor.ops import g
from lazytensor.transform.grad import vjp
from lazytensor.transform.jvp import jvp

from .checks import Array, compute, same_bits

INF, NAN = math.inf, math.nan


def value(name: str, *args: Any, params: tuple[Any, ...] = ()) -> Array:
    with np.errstate(all="ignore"):
        return np.asarray(ROWS[name].value(np, *args, *params))


# --- the standard's special cases -----------------------------------------------------------------

CASES: list[tuple[str, str, tuple[Any, ...], Any]] = [
    ("floor_divide", "float32", (1.0, -INF), -0.0),
    ("floor_divide", "float64", (-1.0, INF), -0.0),
    ("floor_divide", "float64", (INF, 2.0), INF),
    ("floor_divide", "float64", (INF, -2.0), -INF),
    ("floor_divide", "float64", (INF, INF), NAN),
    ("floor_divide", "float64", (0.0, -3.0), -0.0),
    ("floor_divide", "int32", (7, 0), 0),
    ("floor_divide", "int8", (-128, -1), -128),
    ("remainder", "int8", (-128, -1), 0),
    ("remainder", "uint8", (7, 0), 0),
    ("remainder", "float64", (-0.0, 2.0), 0.0),
    ("remainder", "float64", (-1.0, INF), INF),
    ("pow", "float64", (NAN, 0.0), 1.0),
    ("pow", "float64", (1.0, NAN), 1.0),
    ("pow", "float64", (-0.0, -3.0), -INF),
    ("pow", "int64", (2, -1), 0),
    ("pow", "int64", (-1, -3), -1),
    ("pow", "int64", (1, -5), 1),
    ("pow", "int64", (0, 0), 1),
    ("left_shift", "int32", (1, 32), 0),
    ("right_shift", "int32", (-5, 40), -1),
    ("right_shift", "uint32", (5, 40), 0),
    ("maximum", "float32", (NAN, 1.0), NAN),
    ("minimum", "float32", (1.0, NAN), NAN),
    ("logaddexp", "float64", (-INF, -INF), -INF),
    ("logaddexp", "float64", (INF, INF), INF),
    ("round", "float64", (2.5,), 2.0),
    ("round", "float64", (-0.4,), -0.0),
    ("sign", "float64", (-0.0,), 0.0),
    ("expm1", "complex128", (complex(INF, 0.0),), complex(INF, 0.0)),
    ("expm1", "complex64", (complex(NAN, 0.0),), complex(NAN, 0.0)),
    ("expm1", "complex128", (complex(-0.0, 0.0),), 0j),
    ("expm1", "complex128", (complex(-INF, INF),), complex(-1, 0)),
    ("expm1", "complex128", (complex(INF, NAN),), complex(INF, NAN)),
    ("expm1", "complex128", (complex(-INF, 2.0),), complex(-1.0, 0.0)),
    ("erf", "float64", (-0.0,), -0.0),
    ("erf", "float64", (-INF,), -1.0),
    ("erf", "float64", (NAN,), NAN),
]


@pytest.mark.parametrize(("name", "dtype", "args", "wanted"), CASES)
def test_special_case(name: str, dtype: str, args: tuple[Any, ...], wanted: Any) -> None:
    found = value(name, *(np.asarray([a], dtype) for a in args))
    assert same_bits(found, np.asarray([wanted], dtype)), found


def test_the_comparison_sees_the_sign_of_zero() -> None:
    assert not same_bits(np.array([0.0]), np.array([-0.0]))
    assert not same_bits(np.array([complex(0, 0.0)]), np.array([complex(0, -0.0)]))
    assert same_bits(np.array([NAN]), -np.array([NAN]))


# --- erf ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_erf_is_within_two_ulp(dtype: str) -> None:
    """Of the value rounded from double, over all magnitudes, subnormals among them."""
    t = d.canonical(dtype)
    rng = np.random.default_rng(0)
    least = {"float16": -24, "bfloat16": -130, "float32": -148, "float64": -1070}[dtype]
    x = np.concatenate([rng.uniform(-7, 7, 20000), 2.0 ** rng.uniform(least, 3, 20000)]).astype(t)
    wanted = np.array([math.erf(v) for v in x.astype(np.float64)])
    ulp = spacing(wanted, t)
    error = np.abs(value("erf", x).astype(np.float64) - wanted) / ulp
    assert error.max() <= 2, (x[error.argmax()], error.max())


def spacing(x: Array, dtype: d.DType) -> Array:
    """The distance between numbers of the dtype around x."""
    digits, least = {
        "float16": (11, -24), "bfloat16": (8, -133), "float32": (24, -149), "float64": (53, -1074),
    }[dtype.name]  # fmt: skip
    return np.ldexp(1.0, np.maximum(np.frexp(x)[1] - digits, least))


# --- sorts ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_sort_is_stable_with_nan_greatest(dtype: str) -> None:
    x = np.array([1, NAN, -0.0, INF, 0.0, NAN, 1, -INF]).astype(d.canonical(dtype))
    up, down = (value("argsort", x, params=(0, flag)) for flag in (False, True))
    assert up.tolist() == [7, 2, 4, 0, 6, 3, 1, 5]
    assert down.tolist() == [1, 5, 3, 0, 6, 2, 4, 7]
    assert same_bits(value("sort", x, params=(0, False)), x[up])
    assert same_bits(value("sort", x, params=(0, True)), x[down])


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("dtype", ["bool", "int8", "int64", "uint8", "uint64", "float64"])
def test_sort_against_python(dtype: str, descending: bool) -> None:
    x = np.random.default_rng(0).integers(0, 5, (3, 40)).astype(dtype)
    found = value("argsort", x, params=(1, descending))
    for line, places in zip(x.tolist(), found.tolist(), strict=True):
        assert places == sorted(range(40), key=lambda i: -line[i] if descending else line[i])


def test_extreme_integers_sort() -> None:
    for dtype in (np.int8, np.int64, np.uint64):
        info = np.iinfo(dtype)
        x = np.array([0, info.max, info.min, 1], dtype)
        assert value("sort", x, params=(0, True)).tolist() == sorted(x.tolist(), reverse=True)


@pytest.mark.parametrize("side", ["left", "right"])
def test_searchsorted_puts_nan_last(side: str) -> None:
    x, v = np.array([1.0, 2, 2, NAN, NAN]), np.array([NAN, 2, INF, -INF, -0.0])
    wanted = {"left": [3, 1, 3, 0, 0], "right": [5, 3, 3, 0, 0]}[side]
    assert value("searchsorted", x, v, params=(side,)).tolist() == wanted
    batch = ROWS["searchsorted"].batch(g, (True, True), leaf(x[None]), leaf(v[None]), side)
    assert compute([batch])[0].tolist() == [wanted]


# --- scans ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 2, 3, 4, 10, 16, 17, 101])
@pytest.mark.parametrize("axis", [0, 1])
def test_recurrence_is_the_loop(n: int, axis: int) -> None:
    rng = np.random.default_rng(n)
    a, b = (rng.standard_normal((n, 2) if axis == 0 else (2, n)) for _ in range(2))
    wanted, last = [], np.zeros(2)
    for x, y in zip(np.moveaxis(a, axis, 0), np.moveaxis(b, axis, 0), strict=True):
        wanted.append(last := x * last + y)
    found = value("recurrence", a, b, params=(axis,))
    np.testing.assert_allclose(np.moveaxis(found, axis, 0), wanted, 1e-12)


def test_half_precision_accumulates_in_single() -> None:
    x = np.full(4096, 0.1, np.float16)
    assert value("cumsum", x, params=(0,))[-1] == np.float16(4096 * float(np.float16(0.1)))


def test_integers_wrap_in_scans() -> None:
    assert value("cumsum", np.array([100, 100], np.int8), params=(0,)).tolist() == [100, -56]
    assert value("cumprod", np.array([16, 16], np.uint8), params=(0,)).tolist() == [16, 0]


def test_backward_slices_are_computed_with_the_same_bits() -> None:
    """NumPy's loops for negative strides round otherwise, so no buffer may run backwards."""
    x = np.random.default_rng(0).uniform(0.1, 3, 1001)
    back = ((1000,), (1001,), (-1,))
    for name in ("exp", "sinh", "cosh", "expm1", "log1p", "atan"):
        f = getattr(g, name)
        there, here = compute([f(g.slice(leaf(x), *back)), g.slice(f(leaf(x)), *back)])
        assert same_bits(there, here), name


# --- linear algebra -------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
@pytest.mark.parametrize("shape", [(4, 4), (2, 3, 3), (3, 5), (5, 3)])
def test_factors_make_up_the_matrix(dtype: str, shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal(shape) + (1j * rng.standard_normal(shape) if "c" in dtype else 0)
    x, tol = x.astype(dtype), 1e-4 if dtype in ("float32", "complex64") else 1e-12
    for mode in ("reduced", "complete"):
        q, r = ROWS["qr"].value(np, x, mode)
        np.testing.assert_allclose(q @ r, x, tol, tol)
    for full in (False, True):
        u, s, vh = ROWS["svd"].value(np, x, full)
        k = len(s.T)
        np.testing.assert_allclose(u[..., :k] * s[..., None, :] @ vh[..., :k, :], x, tol, tol)


def test_upper_cholesky_reads_the_upper_triangle() -> None:
    x = np.array([[4, 2 - 1j], [99, 6]])
    u = value("cholesky", x, params=(True,))
    whole = np.array([[4, 2 - 1j], [2 + 1j, 6]])
    np.testing.assert_allclose(u.conj().T @ u, whole, 1e-12)
    assert u[1, 0] == 0
    low = value("cholesky", whole, params=(False,))
    np.testing.assert_allclose(low @ low.conj().T, whole, 1e-12)


@pytest.mark.parametrize("rank", [0, 1, 2, 3])
def test_cofactors_of_any_rank(rank: int) -> None:
    """Of regular and singular matrices in one batch, against minors."""
    rng = np.random.default_rng(rank)
    low = rng.integers(-3, 4, (3, rank)) @ rng.integers(-3, 4, (rank, 3))
    x = np.stack([low.astype(float), rng.standard_normal((3, 3))])
    minors = np.empty_like(x)
    for i, j in np.ndindex(3, 3):
        rest = np.delete(np.delete(x, i, 1), j, 2)
        minors[:, i, j] = (-1) ** (i + j) * np.linalg.det(rest)
    np.testing.assert_allclose(value("cofactor", x), minors, 1e-9, 1e-9)


# --- errors ---------------------------------------------------------------------------------------

F, I = leaf(np.ones((2, 3))), leaf(np.ones((2, 2), np.int64))
Z = leaf(np.ones((2, 3), complex))
REFUSED: list[tuple[Callable[[], Any], type[Exception], str]] = [
    (lambda: g.cumsum(F, 2), ValueError, r"cumsum: axis 2 is out of bounds for shape \(2, 3\)"),
    (lambda: g.sort(leaf(np.float64(1)), 0, False), ValueError, "sort: axis 0 is out of bounds"),
    (lambda: g.searchsorted(F, F, "left"), ValueError, r"one axis, got shape \(2, 3\)"),
    (lambda: g.searchsorted(_line(F), F, "middle"), ValueError, "'left' or 'right', got 'middle'"),
    (lambda: g.searchsorted(_line(F), I, "left"), TypeError, "float64 and int64 differ"),
    (lambda: g.recurrence(F, Z, 0), TypeError, "float64 and complex128 differ"),
    (lambda: g.recurrence(F, _line(F), 0), ValueError, "broadcast first"),
    (lambda: g.inv(F), np.linalg.LinAlgError, r"inv: the matrices must be square, got .*\(2, 3\)"),
    (lambda: g.det(I), TypeError, "det: expected float32, .*, got int64"),
    (lambda: g.svd(_line(F), True), np.linalg.LinAlgError, r"expected a matrix .*\(6,\)"),
    (lambda: g.qr(F, "raw"), ValueError, "'reduced' or 'complete', got 'raw'"),
    (lambda: g.solve(leaf(np.eye(2)), leaf(np.ones((3, 1)))), ValueError, r"\(2, 2\) and \(3, 1\)"),
    (lambda: g.solve(leaf(np.eye(2)), Z), TypeError, "float64 and complex128 differ"),
    (lambda: g.fft(F, 0), TypeError, "fft: expected complex64 or complex128, got float64"),
    (lambda: g.rfft(Z, 0), TypeError, "rfft: expected float32 or float64, got complex128"),
    (lambda: g.fft(Z, 5), ValueError, r"fft: axis 5 is out of bounds for shape \(2, 3\)"),
    (lambda: g.rfft(leaf(np.ones((2, 0))), 1), ValueError, "no elements to transform"),
    (lambda: g.irfft(Z, 1, 7), ValueError, "7 numbers come from 4 frequencies, not 3"),
    (lambda: g.reshape(F, (4,)), ValueError, r"can't reshape \(2, 3\) \(6 elements\) to \(4,\)"),
    (lambda: g.permute(F, (0, 0)), ValueError, r"axes \(0, 0\) are no permutation"),
    (lambda: g.broadcast_to(F, (3, 2)), ValueError, r"can't broadcast shape \(2, 3\) to \(3, 2\)"),
    (lambda: g.broadcast_to(F, (3,)), ValueError, "can't broadcast"),
    (
        lambda: g.slice(F, (0, 1), (2, 3), (1, 1)),
        ValueError,
        "slice of 3 from 1 by 1 leaves axis 1",
    ),
    (lambda: g.slice(F, (1, 0), (3, 1), (-1, 1)), ValueError, "slice of 3 from 1 by -1 leaves"),
    (lambda: g.update_slice(F, Z, (0, 0), (1, 1)), TypeError, "float64 and complex128 differ"),
    (lambda: g.concat([F, I], 0), TypeError, "float64 and int64 differ"),
    (lambda: g.concat([F, _line(F)], 0), ValueError, r"can't concatenate shapes \(2, 3\) and"),
    (lambda: g.matmul(F, F), ValueError, r"matmul: shapes \(2, 3\) and \(2, 3\) don't match"),
    (lambda: g.matmul(F, Z), TypeError, "float64 and complex128 differ"),
    (lambda: g.gather([F, I, I, I]), IndexError, "gather: 3 indices for an array of 2 axes"),
    (lambda: g.gather([F, F]), IndexError, "indices must be integers, got float64"),
    (lambda: g.gather([F, I, _line(I)]), ValueError, "broadcast first"),
    (lambda: g.gather_add(F, F, F, F, I), IndexError, "indices must be integers, got float64"),
    (lambda: g.gather_add(F, g.cast(F, d.int64), F, I, I), ValueError, "rows of int64 times float"),
    (lambda: g.gather_add(F, F, F, _line(I), I), ValueError, "weights and indices have shapes"),
    (lambda: g.scatter([F, I, I]), ValueError, r"scatter: updates are int64 \(2, 2\), the places"),
    (lambda: g.add(F, I), TypeError, "dtypes float64 and int64 differ: cast first"),
    (lambda: g.add(F, leaf(np.ones(2))), ValueError, r"\(2, 3\), \(2,\) could not be broadcast"),
    (lambda: g.where(F, F, F), TypeError, "where: condition must be bool, got float64"),
    (lambda: g.where(g.isnan(F), F, Z), TypeError, "float64 and complex128 differ"),
    (lambda: g.max(leaf(np.ones((2, 0))), (1,)), ValueError, "max: nothing to reduce in shape"),
]


def _line(x: Any) -> Any:
    return g.reshape(x, (x.size,))


@pytest.mark.parametrize(("call", "error", "text"), REFUSED)
def test_bad_calls_are_refused_when_made(
    call: Callable[[], Any], error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=text):
        call()


@pytest.mark.parametrize("name", ["inv", "cholesky", "solve", "eig"])
def test_matrices_that_fail_name_the_users_line(name: str) -> None:
    bad = leaf(np.array([[[1.0, 2], [2, 4]], [[NAN, 1], [1, NAN]]])[int(name == "eig")])
    params = {"cholesky": (False,), "solve": (leaf(np.ones((2, 1))),)}.get(name, ())
    node = getattr(g, name)(bad, *params)
    for _ in range(2):
        with pytest.raises(np.linalg.LinAlgError, match=r"test_special\.py:\d+"):
            compute([node])


@pytest.mark.parametrize("place", [3, -4, 2**40])
def test_places_outside_name_index_size_and_line(place: int) -> None:
    at = leaf(np.array([0, place]))
    u = leaf(np.ones(2))
    for node in (g.gather([leaf(np.ones(3)), at]), g.scatter([leaf(np.ones(3)), u, at])):
        with pytest.raises(
            IndexError, match=rf"index {place} is out of bounds for axis 0 of size 3.*\.py:\d+"
        ):
            compute([node])


def test_values_alone_have_gradients_where_they_repeat() -> None:
    """Vectors of values that repeat have no derivative, sums of the values have."""
    x = leaf(np.eye(3))
    for values in (g.pick(g.eigh(x), 0), g.eigvalsh(x), g.svdvals(x), g.pick(g.svd(x, True), 1)):
        found = vjp([values], [x], [leaf(np.ones(3))])[0]
        np.testing.assert_allclose(compute([found])[0], np.eye(3), 1e-12, 1e-12)


def test_qr_complete_is_refused() -> None:
    """Of a tall matrix, whose last columns are any orthonormal ones; PyTorch refuses it too."""
    tall = leaf(np.ones((3, 2)))
    y = g.qr(tall, "complete")
    with pytest.raises(ValueError, match="no derivative for more rows than columns"):
        ROWS["qr"].vjp(g, (None, g.pick(y, 1)), y, tall, "complete")
    with pytest.raises(ValueError, match="no derivative for more rows than columns"):
        ROWS["qr"].jvp(g, (tall,), y, tall, "complete")


def test_iota_is_exact_in_every_dtype() -> None:
    for dtype in d.STANDARD[1:]:
        assert value("iota", params=(100, dtype, CPU)).tolist() == list(range(100))


@pytest.mark.parametrize("ct", [1.0, np.inf, np.nan, -0.0])
def test_a_root_is_flat_at_zero(ct):
    """Whatever comes back, in both directions, and of second order."""
    x, t = leaf(np.array([0.0, -0.0, 4.0, np.inf])), leaf(np.full(4, ct))
    y = g.root(x)
    (found,) = vjp([y], [x], [t])
    (along,) = jvp([y], [x], [t])
    (again,) = vjp([found], [x], [leaf(np.ones(4))])
    with np.errstate(all="ignore"):
        want = np.array([0.0, 0.0, ct * 0.25, ct * 0.0])
        root, back, forth, second = compute([y, found, along, again])
    np.testing.assert_array_equal(root, np.sqrt(x.value))
    for values in (back, forth):
        np.testing.assert_array_equal(values, want)
    assert second[:2].tolist() == [0.0, 0.0]
