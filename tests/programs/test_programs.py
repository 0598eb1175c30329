"""Random programs: lazy = step by step = NumPy; cold, warm, and with other values; every way of
running gives the same bits.
"""

from collections.abc import Sequence
from typing import Any

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

import lazytensor as xp
from lazytensor._base import config
from lazytensor.runtime import cache
from lazytensor.runtime.counters import counting

from . import statements

SHAPES = [(), (1,), (5,), (0,), (3, 4), (1, 4), (3, 1), (2, 3, 4), (2, 0), (7, 5), (600,), (40, 33)]
DTYPES = [
    "float32",
    "float64",
    "int32",
    "int64",
    "uint8",
    "int8",
    "bool",
    "complex64",
    "complex128",
    "float64",
    "float32",
]
SPECIAL = [0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, 5e-324, 1e300, -2.5]

Lines = list[tuple[int, int, int, int]]
LINE = st.tuples(st.integers(0, 10**6), st.integers(0, 12), st.integers(0, 12), st.integers(0, 60))
LEAF = st.tuples(
    st.integers(0, len(SHAPES) - 1), st.integers(0, len(DTYPES) - 1), st.integers(0, 2**16)
)


def leaf(shape: int, dtype: int, seed: int, twin: int) -> np.ndarray:
    """Data with some special values in it."""
    rng = np.random.default_rng([seed, twin])
    kind = np.dtype(DTYPES[dtype])
    if kind.kind in "fc":
        a = rng.standard_normal(SHAPES[shape]) * 3
        if seed % 3 == 0 and a.size:
            where = rng.random(a.shape) < 0.2
            a = np.where(where, rng.choice(SPECIAL, a.shape), a)
        with np.errstate(all="ignore"):
            return np.asarray(a + 1j * a[::-1] if kind.kind == "c" and a.ndim else a).astype(kind)
    return np.asarray(
        rng.integers(0 if kind.kind in "ub" else -5, 2 if kind.kind == "b" else 6, SHAPES[shape])
    ).astype(kind)


def run(leaves: Sequence[Any], lines: Lines, eager: bool) -> list[Any]:
    """All values of a program; each is asked for at once if it is to be eager."""
    values = [xp.asarray(a) for a in leaves]
    for op, i, j, p in lines:
        _, arity, f = statements.ALL[op % len(statements.ALL)]
        args = [values[k % len(values)] for k in (i, j)[:arity]]
        out = f(xp, *args, p)
        if eager:
            np.asarray(out)
        values.append(out)
    return values


def numbers(values: Sequence[Any], order: Sequence[int]) -> list[np.ndarray]:
    """The values, asked for in an order."""
    found: dict[int, np.ndarray] = {}
    for i in order:
        found[i] = np.asarray(values[i])
    return [found[i] for i in range(len(values))]


def same_bits(got: np.ndarray, want: np.ndarray, what: str) -> None:
    """Dtype, shape and bits, but for what kind of NaN."""
    assert got.dtype == want.dtype and got.shape == want.shape, what
    a, b = np.ascontiguousarray(got), np.ascontiguousarray(want)
    if a.dtype.kind == "c":
        part = np.float32 if a.dtype == np.complex64 else np.float64
        a, b = a.reshape(-1).view(part), b.reshape(-1).view(part)
    if a.dtype.kind == "f":
        nan = np.isnan(a)
        assert np.array_equal(nan, np.isnan(b)), what
        a, b = np.where(nan, 0, a), np.where(nan, 0, b)
    assert a.tobytes() == b.tobytes(), f"{what}: {got} != {want}"


def check_against_numpy(values: list[np.ndarray], lines: Lines, leaves: int) -> None:
    """Each statement on the very numbers that it was given."""
    for k, (op, i, j, p) in enumerate(lines):
        name, arity, f = statements.ALL[op % len(statements.ALL)]
        args = [values[n % (leaves + k)] for n in (i, j)[:arity]]
        with np.errstate(all="ignore"):
            want = np.asarray(statements.REFERENCE.get(name, f)(np, *args, p))
        compare(values[leaves + k], want, name, args)


def compare(got: np.ndarray, want: np.ndarray, name: str, args: Sequence[np.ndarray]) -> None:
    """Equal to NumPy's answer, to rounding where rounding is allowed. What differs is only written
    out where something does: that takes longer than all else here.
    """
    try:
        with np.errstate(all="ignore"):
            check_values(got, want, name, args)
    except AssertionError as error:
        kinds = ", ".join(f"{a.dtype}{a.shape}" for a in args)
        what = f"{name}({kinds}): {got!r} is not {want!r}, from {args!r}"
        raise AssertionError(what) from error


def check_values(got: np.ndarray, want: np.ndarray, name: str, args: Sequence[np.ndarray]) -> None:
    """The same bits, or close."""
    assert got.dtype == want.dtype and got.shape == want.shape
    complex_product = want.dtype.kind == "c" and name in statements.COMPLEX_PRODUCTS
    if want.dtype.kind not in "fc":
        same_bits(got, want, name)
        return
    if not (name in statements.INEXACT or complex_product):
        same_bits(got + 0, want + 0, name)
        return
    if complex_product:
        finite = np.isfinite(got) & np.isfinite(want)
        got, want = got[finite], want[finite]
    eps = np.finfo(want.dtype).eps
    size = max(
        (float(np.nanmax(np.abs(np.where(np.isfinite(a), a, 0)))) for a in args if a.size),
        default=0.0,
    )
    count = max(a.size for a in args)
    np.testing.assert_allclose(got, want, rtol=eps * 64, atol=eps * size * max(1, size) * count * 4)


@st.composite
def programs(draw: Any) -> tuple[list[tuple[int, int, int]], Lines, list[int]]:
    leaves = draw(st.lists(LEAF, min_size=1, max_size=4))
    lines = draw(st.lists(LINE, min_size=1, max_size=40))
    order = draw(st.lists(st.integers(0, 10**6), min_size=1, max_size=3))
    return leaves, lines, order


def check(program: tuple[Any, Lines, list[int]]) -> None:
    leaves, lines, order = program
    for twin in (0, 1):
        data = [leaf(*x, twin) for x in leaves]
        with config.context(execution="interpret"):
            eager = [np.asarray(v) for v in run(data, lines, eager=True)]
        check_against_numpy(eager, lines, len(leaves))
        n = len(eager)
        asked = [*(k % n for k in order), *range(n)]
        for execution in ("compile", "compile", "auto"):
            with config.context(execution=execution):
                lazy = numbers(run(data, lines, eager=False), asked)
            for k, (got, want) in enumerate(zip(lazy, eager, strict=True)):
                same_bits(got, want, f"{execution}, value {k}, asked for in the order {asked}")


COUNT = 1000


@hypothesis.settings(
    max_examples=COUNT, deadline=None, suppress_health_check=list(hypothesis.HealthCheck)
)
@hypothesis.given(programs())
def test_random_programs(program):
    check(program)


@pytest.mark.parametrize(
    "settings",
    [
        {"target": "numpy"},
        {"fuse": False},
        {"graph_cache": 0},
        {"kernel_cache": 0},
        {"block_bytes": 2},
        {"pool_bytes": 0},
        {"max_pending": 2},
    ],
    ids=str,
)
def test_random_programs_with_optimisations_off(settings):
    @hypothesis.settings(
        max_examples=40, deadline=None, suppress_health_check=list(hypothesis.HealthCheck)
    )
    @hypothesis.given(programs())
    def inner(program: Any) -> None:
        with config.context(**settings):
            check(program)

    inner()


def test_a_warm_program_compiles_nothing():
    lines = [(k * 7 + 3, k, k + 1, k) for k in range(30)]
    data = [leaf(4, 1, 3, 0), leaf(7, 0, 4, 0)]
    with config.context(execution="compile"):
        numbers(run(data, lines, eager=False), range(32))
        with counting() as c:
            numbers(run(data, lines, eager=False), range(32))
    assert (c.plans, c.compilations) == (0, 0)


@pytest.mark.cpu("a bug is planted in what it computes")
def test_a_planted_bug_is_found(monkeypatch):
    from lazytensor.ops import ROWS

    monkeypatch.setattr(ROWS["maximum"], "value", lambda np, x, y: np.fmax(x, y))
    cache.CACHE.clear()

    @hypothesis.settings(
        max_examples=2000,
        deadline=None,
        suppress_health_check=list(hypothesis.HealthCheck),
        phases=[hypothesis.Phase.generate],
        database=None,
    )
    @hypothesis.given(programs())
    def inner(program: Any) -> None:
        check(program)

    with pytest.raises(AssertionError):
        inner()
