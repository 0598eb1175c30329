"""Every function of the standard, over dtypes and shapes, against NumPy with the standard's
differences.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator

import numpy as np
import pytest

import lazytensor as xp
from lazytensor._base import config

from . import standard
from .calls import ELSEWHERE, ROWS
from .checking import as_numpy, differs, first_failure, oracle
from .differences import DIFFERENCES, standardised
from .drawing import Draw, call

FUNCTIONS = [(part, name) for part, rows in ROWS.items() for name in rows]


def test_no_function_is_left_out() -> None:
    here = {*FUNCTIONS, *ELSEWHERE}
    assert here == {(p, n) for p, n in standard.every_name() if p != "info"}


@pytest.fixture(autouse=True, params=["auto", "compile"])
def execution(request: pytest.FixtureRequest) -> Iterator[None]:
    """All of it as it is run, and compiled at first sight with every pass verified."""
    with config.context(execution=request.param, verify=request.param == "compile"):
        yield


@pytest.mark.parametrize("where", FUNCTIONS, ids=".".join)
def test_function(where: tuple[str, str], effort: Callable[[int, int], int]) -> None:
    assert first_failure(xp, *where, effort(16, 150)) is None


# Decompositions that are not unique: what defines them.


def decomposed(name: str, dtype: str, number: int) -> tuple[np.ndarray, list[np.ndarray]]:
    """A matrix and its parts."""
    d = Draw(name, number, dtype)
    x = (
        d.hermitian()
        if name == "eigh"
        else d.regular()
        if name.startswith("eig")
        else d.matrix(d.number(0, 4), d.number(0, 4))
    )
    out = getattr(xp.linalg, name)(xp.asarray(x))
    return x, [np.asarray(part) for part in out]


def near(a: np.ndarray, b: np.ndarray) -> bool:
    """Equal to rounding."""
    eps = np.finfo(np.result_type(a, np.float32)).eps
    return a.shape == b.shape and bool(
        np.all(np.abs(a - b) <= 500 * eps * (1 + np.abs(b).max(initial=0)))
    )


@pytest.mark.parametrize("dtype", standard.INEXACT)
@pytest.mark.parametrize("number", range(8))
def test_decompositions_give_the_matrix_back(dtype: str, number: int) -> None:
    x, (q, r) = decomposed("qr", dtype, number)
    assert near(q @ r, x)
    assert near(np.triu(r), r)
    x, (u, s, vh) = decomposed("svd", dtype, number)
    k = s.shape[-1]
    assert near((u[..., :, :k] * s[..., None, :]) @ vh[..., :k, :], x)
    assert s.dtype == np.finfo(dtype).dtype
    x, (w, v) = decomposed("eigh", dtype, number)
    assert near((v * w[..., None, :]) @ np.conjugate(np.swapaxes(v, -1, -2)), x)


@pytest.mark.parametrize("dtype", standard.INEXACT)
@pytest.mark.parametrize("number", range(8))
def test_eigenvalues_are_complex_and_fit_their_vectors(dtype: str, number: int) -> None:
    x, (w, v) = decomposed("eig", dtype, number)
    assert w.dtype == v.dtype == np.result_type(dtype, np.complex64)
    assert near(x @ v, v * w[..., None, :])
    alone = np.asarray(xp.linalg.eigvals(xp.asarray(x)))
    assert near(np.sort_complex(alone), np.sort_complex(w))


# Operators are the functions.

BINARY = {
    "add": "add", "sub": "subtract", "mul": "multiply", "truediv": "divide",
    "floordiv": "floor_divide", "mod": "remainder", "pow": "pow", "matmul": "matmul",
    "and_": "bitwise_and", "or_": "bitwise_or", "xor": "bitwise_xor",
    "lshift": "bitwise_left_shift", "rshift": "bitwise_right_shift",
    "eq": "equal", "ne": "not_equal", "lt": "less", "le": "less_equal", "gt": "greater",
    "ge": "greater_equal",
}  # fmt: skip
UNARY = {"abs": "abs", "neg": "negative", "pos": "positive", "invert": "bitwise_invert"}


@pytest.mark.parametrize("name", BINARY)
def test_binary_operators(name: str) -> None:
    row = ROWS["main"][BINARY[name]]
    for number in range(6):
        for dtype in row.dtypes:
            made = row.make(Draw(name, number, dtype))
            assert made is not None
            want = oracle("main", BINARY[name], row, made)
            x, y = (xp.asarray(a) for a in made.args)
            assert differs(as_numpy(getattr(operator, name)(x, y)), want, row.exact) is None


@pytest.mark.parametrize("name", UNARY)
def test_unary_operators(name: str) -> None:
    row = ROWS["main"][UNARY[name]]
    for dtype in row.dtypes:
        x = Draw(name, 3, dtype).array()
        want = oracle("main", UNARY[name], row, call(x))
        assert differs(as_numpy(getattr(operator, name)(xp.asarray(x))), want, row.exact) is None


SCALARS = {
    "b": (True, False),
    "i": (2, -1),
    "u": (3,),
    "f": (2, 0.5, float("inf")),
    "c": (2, 0.5, 1j),
}


@pytest.mark.parametrize("name", [n for n in BINARY if n not in ("matmul", "lshift", "rshift")])
def test_python_scalars_on_both_sides_keep_the_dtype(name: str) -> None:
    row = ROWS["main"][BINARY[name]]
    for dtype in row.dtypes:
        x = np.abs(Draw(name, 4, dtype).of((3, 2), special=False)).astype(dtype)
        for scalar in SCALARS[np.dtype(dtype).kind]:
            other = np.asarray(scalar, dtype)
            for args, reflected in (((x, other), False), ((other, x), True)):
                if name == "pow" and np.any(args[1].real < 0) and np.dtype(dtype).kind == "i":
                    continue
                want = oracle("main", BINARY[name], row, call(*args))
                got = _operate(name, x, scalar, reflected)
                assert differs(as_numpy(got), want, row.exact) is None, (dtype, scalar, reflected)


def _operate(name: str, x: np.ndarray, scalar: object, reflected: bool) -> object:
    operands = (scalar, xp.asarray(x)) if reflected else (xp.asarray(x), scalar)
    return getattr(operator, name)(*operands)


@pytest.mark.parametrize(
    "name", [n for n in BINARY if n not in ("eq", "ne", "lt", "le", "gt", "ge")]
)
def test_in_place_operators_mean_a_new_value(name: str) -> None:
    row = ROWS["main"][BINARY[name]]
    for dtype in row.dtypes:
        d = Draw(name, 3, dtype)
        x = d.of((2, 2), special=False)
        y = np.abs(d.of((2, 2), special=False)).astype(dtype)
        want = oracle("main", BINARY[name], row, call(x, y))
        if want.dtype != x.dtype:
            continue
        ours = before = xp.asarray(x)
        reader = ours + xp.zeros_like(ours) if dtype != "bool" else ours | xp.zeros_like(ours)
        ours = getattr(operator, f"i{name.rstrip('_')}")(ours, xp.asarray(y))
        assert ours is before
        assert differs(as_numpy(ours), want, row.exact) is None
        assert np.array_equal(np.asarray(reader), x)


# Special values, each with each.

GRID = [0.0, -0.0, 1.0, -1.0, 0.5, -2.0, 3.0, np.inf, -np.inf, np.nan, 5e-324, -1e300, 1e300, 2.0]


def grid(dtype: str) -> np.ndarray:
    """Special values of a floating dtype; for complex ones every pair of parts."""
    with np.errstate(all="ignore"):
        parts = np.asarray(GRID).astype(np.finfo(dtype).dtype)
    if not dtype.startswith("complex"):
        return parts
    out = np.empty((len(parts), len(parts)), dtype)
    out.real, out.imag = parts[:, None], parts
    return out.reshape(-1)


@pytest.mark.parametrize("name", standard.elementwise(1))
def test_special_values_of_one_argument(name: str) -> None:
    row = ROWS["main"][name]
    for dtype in standard.INEXACT:
        if dtype in row.dtypes:
            x = grid(dtype)
            want = oracle("main", name, row, call(x))
            assert specially_differs(getattr(xp, name)(xp.asarray(x)), want, row.exact) is None, (
                dtype
            )


@pytest.mark.parametrize("name", standard.elementwise(2))
def test_special_values_of_two_arguments(name: str) -> None:
    row = ROWS["main"][name]
    for dtype in standard.FLOATING:
        if dtype in row.dtypes:
            x, y = grid(dtype)[:, None], grid(dtype)[None, :]
            want = oracle("main", name, row, call(x, y))
            got = getattr(xp, name)(xp.asarray(x), xp.asarray(y))
            assert specially_differs(got, want, row.exact) is None, dtype


@pytest.mark.parametrize("name", ["add", "subtract", "equal", "not_equal"])
def test_complex_special_values_of_two_arguments(name: str) -> None:
    """Those that go by parts; of products and quotients the standard says nothing."""
    row = ROWS["main"][name]
    for dtype in standard.COMPLEX:
        x, y = grid(dtype)[:, None], grid(dtype)[None, ::7]
        want = oracle("main", name, row, call(x, y))
        got = np.asarray(getattr(xp, name)(xp.asarray(x), xp.asarray(y)))
        assert differs(got, want, True) is None


def specially_differs(got: object, want: np.ndarray, exact: bool) -> str | None:
    """As `differs`, element by element: a large value must not hide what is wrong with others."""
    ours = np.asarray(got)
    for i in np.ndindex(want.shape):
        text = differs(ours[i], want[i], exact)
        if text is not None:
            return f"element {i}: {text}"
    return None


def test_the_table_of_differences_is_needed() -> None:
    """Each row changes NumPy's answer somewhere, or it would not be a difference."""
    for row in DIFFERENCES:
        dtype = {"f": "float64", "c": "complex128"}[row.kinds[0]]
        x = grid(dtype)
        args = (x,) if row.name in standard.elementwise(1) else (x[:, None], x[None, :])
        with np.errstate(all="ignore"):
            plain = getattr(np, row.name)(*args)
        assert differs(standardised(row.name, args, plain), plain, True) is not None, row.why
