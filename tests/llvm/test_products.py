"""Products of many small matrices by the native target are those of NumPy, to rounding."""

import numpy as np
import pytest

pytest.importorskip("llvmlite")

import lazytensor as xp
from lazytensor._base import config
from lazytensor._base.module import MODULES
from lazytensor.runtime.counters import counting
from lazytensor.targets.llvm import matmul as native
from lazytensor.targets.llvm.form import Host

from .fenced import fenced

EXACT = {"float32": 3e-6, "float64": 1e-14}
multiply = MODULES["llvm"].matmul


@pytest.fixture(autouse=True)
def everything_is_native(monkeypatch):
    """Batches of few products too."""
    monkeypatch.setattr(native, "MANY", 1)
    monkeypatch.setattr(native, "MUCH", 1)
    monkeypatch.setattr(native, "SMALL", 0)
    multiply._job.cache_clear()
    yield
    multiply._job.cache_clear()


def across(x: np.ndarray) -> np.ndarray:
    """The same matrices, stored by columns."""
    return np.ascontiguousarray(x.swapaxes(-1, -2)).swapaxes(-1, -2)


def operands(rng: np.random.Generator, dtype: str) -> tuple[np.ndarray, np.ndarray]:
    """Two batches that lie in some way, of sizes that may fit no vector."""
    axes = tuple(rng.integers(1, 4, rng.integers(0, 5)))
    m, k, n = rng.integers(1, 40, 3)
    m = rng.integers(100, 600) if rng.random() < 0.1 else m
    few = tuple(1 if rng.random() < 0.2 else a for a in axes)
    x = rng.standard_normal((*axes, m, k)).astype(dtype)
    y = rng.standard_normal((*few[rng.integers(0, 2) :], k, n)).astype(dtype)
    ways = (lambda a: a, across, lambda a: a[..., ::-1, :], lambda a: a[..., ::-1])
    x, y = (ways[rng.integers(len(ways))](a) for a in (x, y))
    if axes and rng.random() < 0.3:
        x = np.broadcast_to(x[:1], x.shape) if rng.random() < 0.5 else x[::-1]
    return x, y


def check(x: np.ndarray, y: np.ndarray) -> None:
    """The product is right to rounding."""
    got, want = multiply(x, y), np.matmul(x.astype(np.float64), y.astype(np.float64))
    assert got.shape == want.shape and got.dtype == x.dtype
    size = np.abs(x.astype(np.float64)) @ np.abs(y.astype(np.float64))
    assert np.all(np.abs(got - want) <= EXACT[x.dtype.name] * size)


@pytest.mark.parametrize("dtype", EXACT)
@pytest.mark.parametrize("seed", range(60))
def test_values(seed, dtype):
    check(*operands(np.random.default_rng(seed), dtype))


@pytest.mark.parametrize("columns", range(1, 34))
@pytest.mark.parametrize("dtype", EXACT)
def test_nothing_beyond_operands_is_touched(dtype, columns):
    rng = np.random.default_rng(columns)
    for rows, deep in ((1, 3), (7, 9), (8, 16), (13, 1)):
        x, y = rng.standard_normal((2, rows, deep)), rng.standard_normal((2, deep, columns))
        x, y = fenced(x.astype(dtype)), fenced(y.astype(dtype))
        check(x, y)
        check(x, fenced(np.ascontiguousarray(y.swapaxes(1, 2))).swapaxes(1, 2))


@pytest.mark.parametrize("dtype", EXACT)
@pytest.mark.parametrize("breath", [1, native.BREATH])
def test_bits(breath, dtype, monkeypatch):
    """On one thread and on several, in small pieces and in large ones, interpreted and compiled; of
    a part as of the whole.
    """
    monkeypatch.setattr(native, "BREATH", breath)
    rng = np.random.default_rng(0)
    x, y = (rng.standard_normal((700, 24, 24)).astype(dtype) for _ in range(2))
    found = set()
    for threads in (1, 3):
        for execution in ("interpret", "compile"):
            with config.context(target="llvm", num_threads=threads, execution=execution):
                found.add(np.asarray(xp.asarray(x) @ xp.asarray(y)).tobytes())
    assert len(found) == 1
    assert multiply(x[5:9], y[5:9]).tobytes() == multiply(x, y)[5:9].tobytes()


@pytest.mark.parametrize("dtype", EXACT)
@pytest.mark.parametrize("sizes", [(16, 300, 260), (100, 7, 128), (128, 1024, 129), (33, 40, 1)])
@pytest.mark.parametrize("spread", [1, 1 << 17])
def test_few_rows(sizes, dtype, spread, monkeypatch):
    """Blocks of columns, by one thread and by several, copied or not: the same bits."""
    monkeypatch.setattr(native, "ALONE", 1)
    monkeypatch.setattr(native, "LONG", 0)
    monkeypatch.setattr(native, "SPREAD", spread)
    m, k, n = sizes
    rng = np.random.default_rng(m)
    x, y = rng.standard_normal((m, k)).astype(dtype), rng.standard_normal((n, k)).astype(dtype).T
    check(x, y)
    check(x[:, ::-1], y[::-1])
    check(x, np.ascontiguousarray(y))
    found = set()
    for threads in (1, 3):
        with config.context(target="llvm", num_threads=threads, execution="compile"):
            found.add(np.asarray(xp.asarray(x) @ xp.asarray(y.T).T).tobytes())
    assert found == {multiply(x, y).tobytes()}


@pytest.mark.parametrize("nbytes", [32, 64])
def test_few_rows_are_native_where_vectors_are_long(nbytes, monkeypatch):
    """Only where that is quicker; the others are the BLAS's."""
    x, y = np.ones((16, 256), np.float32), np.ones((256, 256), np.float32).T
    monkeypatch.setattr(native, "SMALL", 1 << 15)
    monkeypatch.setattr(native, "MANY", 4)
    monkeypatch.setattr(multiply._functions().machine, "host", Host(nbytes, True, True, 32))
    launched = []
    monkeypatch.setattr(multiply, "_run", lambda job, *_: launched.append(job.units))
    multiply(x, y), multiply(x, y.T.copy())
    assert launched == ([2, 2] if nbytes == 64 else [])
    multiply(x[:8], y), multiply(x.astype(np.float64), y.T.astype(np.float64, "C"))
    assert len(launched) <= 2


def vectors(seed: int, dtype: str) -> tuple[np.ndarray, np.ndarray]:
    """A matrix whose rows lie one element after another, and a column that lies anyhow."""
    rng = np.random.default_rng(seed)
    rows, columns = int(rng.integers(2, 700)), int(rng.integers(16, 200))
    x = rng.standard_normal((rows, columns + 3)).astype(dtype)[:, 2:-1]
    ways = (lambda a: a, lambda a: a[::-1], lambda a: a[: max(2, rows // 2)])
    y = rng.standard_normal((columns, 3)).astype(dtype)
    return ways[seed % 3](x), y[:, :1] if seed % 2 else y[:, :1].copy()


@pytest.mark.parametrize("dtype", EXACT)
@pytest.mark.parametrize("seed", range(24))
def test_a_matrix_and_a_vector(seed, dtype, monkeypatch):
    """Blocks of rows, once each; on either side; a row's bits, wherever it is, on any threads."""
    monkeypatch.setattr(native, "SLIM", 1)
    monkeypatch.setattr(native, "GRAIN", 1)
    jobs, run = [], multiply._run
    monkeypatch.setattr(multiply, "_run", lambda job, *a: jobs.append(job) or run(job, *a))
    x, y = vectors(seed, dtype)
    check(x, y)
    check(y.T, x.T)
    blocks = -(-len(x) // native.BLOCK)
    assert [(job.slim, job.turned, job.units) for job in jobs] == [
        (True, False, blocks), (True, True, blocks)
    ]  # fmt: skip
    found = {multiply(y.T, x.T).T.tobytes()}
    for threads in (1, 2, 5):
        with config.context(target="llvm", num_threads=threads):
            found.add(multiply(x, y).tobytes())
    assert found == {multiply(x, y).tobytes()}
    last = multiply(x, y)[-3:]
    assert len(last) < 2 or multiply(x[-3:], y).tobytes() == last.tobytes()


@pytest.mark.parametrize("dtype", EXACT)
@pytest.mark.parametrize(("nbytes", "registers"), [(16, 16), (32, 16), (64, 32)])
def test_lanes_of_a_row_are_those_of_any_vectors(nbytes, registers, dtype, monkeypatch):
    """Their number says the order, as the sum of a column's products lane by lane does."""
    monkeypatch.setattr(native, "SLIM", 1)
    host = Host(nbytes, False, True, registers)
    if nbytes > multiply._functions().machine.host.bytes:
        pytest.skip("the processor has no such vectors")
    monkeypatch.setattr(multiply._functions().machine, "host", host)
    monkeypatch.setattr(multiply, "_known", {})
    for columns in (16, 31, 32, 33, 64, 100):
        x, y = (np.random.default_rng(columns).standard_normal(s).astype(dtype)
                for s in ((9, columns), (columns, 1)))  # fmt: skip
        products = np.zeros((9, -(-columns // 32) * 32), dtype)
        products[:, :columns] = x * y[:, 0]
        lanes = np.zeros((9, 32), dtype)
        for part in np.split(products, products.shape[1] // 32, axis=1):
            lanes += part
        while lanes.shape[1] > 1:
            half = lanes.shape[1] // 2
            lanes = lanes[:, :half] + lanes[:, half:]
        np.testing.assert_array_equal(multiply(x, y), lanes)


@pytest.mark.parametrize("dtype", EXACT)
@pytest.mark.parametrize("columns", [16, 17, 31, 32, 33, 63, 65])
def test_nothing_beyond_a_matrix_and_a_vector_is_touched(columns, dtype, monkeypatch):
    monkeypatch.setattr(native, "SLIM", 1)
    rng = np.random.default_rng(columns)
    x, y = (rng.standard_normal(s).astype(dtype) for s in ((7, columns), (columns, 1)))
    check(fenced(x), fenced(y))
    x[3, columns - 1], y[0] = np.inf, np.nan
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(multiply(fenced(x), fenced(y)), np.matmul(x, y))


def test_special_values():
    """Unused elements of vectors are neither seen nor make anything of others."""
    x = np.ones((4, 3, 5), np.float32)
    y = np.ones((4, 5, 7), np.float32)
    x[0, 0, 0], y[1, 0, 6], y[2, 3, 3] = np.inf, np.nan, -np.inf
    with np.errstate(all="ignore"):
        want = np.matmul(x, y)
    np.testing.assert_array_equal(multiply(x, y), want)
    np.testing.assert_array_equal(multiply(x, across(y)), want)


def test_what_is_numpy_s():
    """Nothing to sum up, other dtypes, vectors, and shapes that don't match."""
    rng = np.random.default_rng(0)
    pairs = [((3, 0), (0, 8)), ((5, 0, 3), (5, 3, 8)), ((5, 3, 0), (5, 0, 8)), ((3,), (3,))]
    pairs += [((5, 3, 4), (4,)), ((4,), (5, 4, 3)), ((6, 3, 600), (6, 600, 5)), ((6, 1, 4), (4, 9))]
    for dtype in (np.float64, np.int64, np.complex64):
        for a, b in pairs:
            x, y = (rng.standard_normal(s).astype(dtype) for s in (a, b))
            np.testing.assert_array_equal(multiply(x, y), np.matmul(x, y))
    with pytest.raises(ValueError, match="matmul"):
        multiply(np.ones((8, 3, 4)), np.ones((8, 5, 4)))


def test_one_function_for_all_sizes():
    """Nothing is compiled per size; nothing at all for products of the BLAS."""
    multiply(np.ones((8, 8, 8)), np.ones((8, 8, 8)))
    with counting() as done:
        for n in range(2, 40):
            multiply(np.ones((8, n, n + 1)), np.ones((8, n + 1, n + 2)))
    assert done.compilations == 0


@pytest.mark.parametrize("shapes", [((8, 8, 8), (8, 8, 8)), ((2048, 64), (64, 1))])
def test_no_function_is_made_for_what_is_written_elsewhere(shapes, monkeypatch):
    """That is NumPy's."""
    monkeypatch.setattr(multiply, "_known", {})
    x, y = map(np.ones, shapes)
    out = np.empty(np.matmul(x, y).shape)
    assert multiply(x, y, out) is out and not multiply._known
    np.testing.assert_array_equal(out, np.matmul(x, y))
    multiply(x, y)
    assert multiply._known
