"""Linear algebra on GPUs that stand-ins take the place of: what libraries and kernels make of every
row is what the host does; nothing is fetched; failures are told of when a value is read.
"""

import importlib
import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from table.samples import Sample, samples

import lazytensor as xp
import lazytensor._base.dtypes as d
import lazytensor.torch as torch
from lazytensor._base import config
from lazytensor._base.devices import Device
from lazytensor._base.devices import device as device_of
from lazytensor.ir.node import leaf
from lazytensor.ir.op import ROWS, Op
from lazytensor.lower.pipeline import lower
from lazytensor.ops import factor, linalg
from lazytensor.ops import g as builder
from lazytensor.runtime.execute import execute
from lazytensor.runtime.gpu import calls as launches
from lazytensor.runtime.gpu import linalg as rows
from lazytensor.runtime.gpus import loaded
from lazytensor.runtime.materialize import graph_of, materialize, value
from lazytensor.targets.cuda.calls import PLANS, Planned, matrices

from .calls import Call, check
from .harness import compiler
from .solvers import FUNCTIONS, Solvers
from .stand_in import StandIn, standing_in
from .test_symmetric import DTYPES, numbers

cupy = pytest.importorskip("cupy", reason="no CuPy, whose arrays are used")
ALL = [op for op in ROWS.values() if op.kind == "linalg"]
GPU = Device("cuda:1")
NAMES = [op.name for op in rows.ROWS]
# What matrices without elements need.
IDENTITIES = {one.code for t in DTYPES for one in matrices.identity(t, 1, 1).steps}


@pytest.fixture
def gpus() -> Iterator[StandIn]:
    with standing_in() as driver:
        assert device_of("cuda:1") == GPU
        yield driver


def test_rows_are_known() -> None:
    """Each is computed by libraries, or by a kernel."""
    places = [set(rows.ROWS), {op for op in ALL if op in PLANS}]
    assert set().union(*places) == set(ALL) and sum(map(len, places)) == len(ALL)
    assert set(rows.NEEDS) <= set(rows.ROWS)


def definite(shape: tuple[int, ...], dtype: d.DType) -> np.ndarray:
    x = numbers(shape, dtype)
    n = shape[-1]
    return np.asarray(x @ x.conj().swapaxes(-1, -2) / n + np.eye(n)).astype(dtype)


def laid(x: np.ndarray) -> Iterator[np.ndarray]:
    """The same matrices, in other layouts."""
    yield x
    if x.ndim > 1:
        yield np.ascontiguousarray(x.swapaxes(-1, -2)).swapaxes(-1, -2)
        yield np.repeat(x, 2, -1)[..., ::2]


def computed(op: Op, args: tuple[np.ndarray, ...], params: tuple[Any, ...], device: Any) -> Any:
    """Outputs of a row on a device."""
    nodes = [leaf(a) if device is None else leaf(a, device) for a in args]
    y = getattr(builder, op.name)(*nodes, *params)
    outs = [y] if op.outputs == 1 else [builder.pick(y, i) for i in range(op.outputs)]
    materialize(outs)
    assert device is None or all(out.device == device for out in outs)
    return [np.asarray(value(out)) for out in outs]


def same(op: Op, args: tuple[np.ndarray, ...], params: tuple[Any, ...]) -> None:
    """Fail unless a GPU gives what the host gives, but for rounding."""
    wants = computed(op, args, params, None)
    wide = args[0].dtype in (d.float64, d.complex128)
    tolerance = 1e-11 if wide else 2e-4
    for got, want in zip(computed(op, args, params, GPU), wants, strict=True):
        assert (got.dtype, got.shape) == (want.dtype, want.shape), op.name
        np.testing.assert_allclose(got, want, tolerance, tolerance, err_msg=f"{op.name} {params}")


@pytest.mark.parametrize("name", NAMES)
def test_samples_of_the_table(
    gpus: StandIn, name: str, effort: Callable[[int, int], int], monkeypatch: Any
) -> None:
    """Without --full for every second dtype, others for each row. The kernels that are launched are
    known beforehand.
    """
    op, step = ROWS[name], effort(2, 1)
    launched: set[Any] = set()
    known: set[Any] = set()

    def carry_out(found: Planned, *rest: Any) -> None:
        launched.update(one.code for one in found.steps)
        launches.carry_out(found, *rest)

    monkeypatch.setattr(rows, "carry_out", carry_out)
    for dtype in DTYPES[NAMES.index(name) % step :: step]:
        for sample in samples(op, dtype):
            plans = matrices.between(op, dtype, sample.params)
            known.update(one.code for found in plans for one in found.steps)
            same(op, sample.args, sample.params)
    assert gpus.libraries.log and known >= launched - IDENTITIES
    assert launched or not known


def larger(op: Op, dtype: d.DType) -> Iterator[Sample]:
    """A stack of small matrices, a single one, two axes of leading ones."""
    for shape in ((3, 40, 40), (50, 50), (2, 3, 9, 9)):
        for one in samples(op, dtype):
            if one.args[0].size:
                break
        square = definite(shape, dtype)
        rest = [numbers((*shape[:-1], 3), dtype, 1)] * (len(one.args) - 1)
        if op is factor.pinv:
            rest = [np.full((*shape[:-2], 2), 1e-3, d.real_of(dtype))]
        yield Sample((square, *rest), one.params)
        if op.name in ("qr", "svd", "svdvals", "lu_factor", "geqrf"):
            yield Sample((numbers((*shape[:-1], 7), dtype),), one.params)


@pytest.mark.parametrize("dtype", [d.float32, d.complex128], ids=lambda t: t.name)
def test_layouts(gpus: StandIn, dtype: d.DType) -> None:
    for name in ("cholesky", "solve", "inv", "det", "lu_factor", "solve_triangular", "geqrf"):
        for sample in larger(ROWS[name], dtype):
            first, *rest = sample.args
            for x in laid(first):
                same(ROWS[name], (x, *(list(laid(y))[1] for y in rest)), sample.params)


def test_large_matrices_are_factorised_one_by_one(gpus: StandIn) -> None:
    x, b = numbers((2, 400, 400), d.float64), numbers((2, 400, 2), d.float64)
    same(linalg.solve, (x, b), ())
    assert gpus.libraries.log == ["getrf_bufferSize", "getrf", "getrf", "getrs", "getrs"]
    gpus.libraries.log.clear()
    same(linalg.solve, (x[:, :40, :40], b[:, :40]), ())
    assert gpus.libraries.log == ["getrfBatched", "getrsBatched"]


def test_values_are_those_of_the_matrices(gpus: StandIn) -> None:
    """Whatever signs and order vectors have."""
    x = numbers((3, 5, 5), d.complex128)
    u, s, vh = computed(linalg.svd, (x,), (False,), GPU)
    np.testing.assert_allclose((u * s[:, None]) @ vh, x, atol=1e-12)
    w, v = computed(linalg.eig, (x,), (), GPU)
    np.testing.assert_allclose(x @ v, v * w[:, None], atol=1e-12)
    q, r = computed(linalg.qr, (x[:, :, :3],), ("complete",), GPU)
    np.testing.assert_allclose(q @ r, x[:, :, :3], atol=1e-12)
    np.testing.assert_allclose(
        q.conj().swapaxes(1, 2) @ q, np.eye(5) + np.zeros((3, 1, 1)), atol=1e-12
    )


def test_nothing_goes_by_way_of_the_host(gpus: StandIn) -> None:
    x = xp.asarray(definite((3, 6, 6), d.float64), device="cuda")
    b = xp.asarray(numbers((3, 6, 2), d.float64), device="cuda")
    puts = gpus.puts
    outs = [
        xp.linalg.cholesky(x), xp.linalg.solve(x, b), xp.linalg.inv(x), xp.linalg.det(x),
        *xp.linalg.slogdet(x), *xp.linalg.qr(x), *xp.linalg.svd(x), *xp.linalg.eigh(x),
        xp.linalg.pinv(x),
    ]  # fmt: skip
    materialize([out._node for out in outs])
    assert gpus.gets == 0 and gpus.puts - puts < 20


# --- failures -------------------------------------------------------------------------------------

BAD = np.stack([np.eye(3), np.diag([1.0, 0.0, 2.0]), np.eye(3) * 2])
WRONG = np.stack([np.eye(3), np.diag([1.0, -4.0, 2.0])])
NAN = np.stack([np.eye(3), np.full((3, 3), np.nan)])
FAILURES: dict[str, tuple[Callable[[Any], Any], np.ndarray, str]] = {
    "cholesky": (xp.linalg.cholesky, WRONG, "not positive definite"),
    "inv": (xp.linalg.inv, BAD, "Singular"),
    "solve": (lambda x: xp.linalg.solve(x, x), BAD, "Singular"),
    "no right-hand side": (lambda x: xp.linalg.solve(x, x[..., :0]), BAD, "Singular"),
    "svd": (lambda x: xp.linalg.svd(x).S, NAN, "SVD did not converge"),
    "svdvals": (xp.linalg.svdvals, NAN, "SVD did not converge"),
    "eigh": (lambda x: xp.linalg.eigh(x).eigenvectors, NAN, "did not converge"),
    "eigvalsh": (xp.linalg.eigvalsh, NAN, "did not converge"),
    "pinv": (xp.linalg.pinv, NAN, "did not converge"),
}


@pytest.mark.parametrize("name", FAILURES)
def test_failures(gpus: StandIn, name: str) -> None:
    """At the line that asked, when a value is read; all else goes on."""
    function, bad, message = FAILURES[name]
    for given in (bad, bad[1]):
        x = xp.asarray(given, device="cuda")
        y = function(x) * 2.0
        if y.size:
            materialize([y._node])
        with pytest.raises(np.linalg.LinAlgError, match=rf"{message}.*test_solvers.py:\d+"):
            np.asarray(y)
        with pytest.raises(np.linalg.LinAlgError, match=message):
            np.asarray(function(xp.asarray(given)))
    np.testing.assert_array_equal(np.asarray(x + 1.0), bad[1] + 1)
    one = xp.asarray(bad[:1], device="cuda")
    np.testing.assert_allclose(np.asarray(function(one)), np.asarray(function(xp.asarray(bad[:1]))))


def test_singular_matrices_have_determinants(gpus: StandIn) -> None:
    for op in (linalg.det, linalg.slogdet):
        for dtype in DTYPES:
            same(op, (BAD.astype(dtype),), ())


def test_singular_triangles_are_divided_by(gpus: StandIn) -> None:
    for dtype in ("float32", "float64"):
        for count in (1, 2):
            given = np.zeros((count, 2, 2), dtype), np.ones((count, 2, 3), dtype)
            for upper in (False, True):
                same(factor.solve_triangular, given, (upper, False))


def test_infos(gpus: StandIn) -> None:
    indefinite = np.stack([*WRONG, NAN[1]])
    low, info = computed(factor.cholesky_ex, (indefinite,), (False,), GPU)
    np.testing.assert_array_equal(info, [0, 2, 1])
    np.testing.assert_array_equal(low[0], np.eye(3))
    same(factor.cholesky_ex, (WRONG[:1],), (True,))
    for op, args in (
        (factor.inv_ex, (BAD,)),
        (factor.solve_ex, (BAD, BAD)),
        (factor.lu_factor, (BAD,)),
    ):
        outs = computed(op, args, (), GPU)
        np.testing.assert_array_equal(outs[-1], [0, 2, 0])
        np.testing.assert_allclose(outs[0][[0, 2]], computed(op, args, (), None)[0][[0, 2]])


def test_exponentials(gpus: StandIn) -> None:
    """Of matrices that are squared more often than others of the stack, and of what has none."""
    for dtype in (d.float32, d.complex128):
        x = numbers((6, 4, 4), dtype) * np.reshape([1e-3, 1, 5, 9, 20, 1], (6, 1, 1)).astype(dtype)
        got, want = (computed(factor.matrix_exp, (x,), (), at)[0] for at in (GPU, None))
        tolerance = 1e-4 if dtype is d.float32 else 1e-10
        for one, other in zip(got, want, strict=True):
            np.testing.assert_allclose(one, other, tolerance, tolerance * np.abs(other).max())
    x = numbers((2, 300, 300), d.float64) / 20
    np.testing.assert_allclose(
        *(computed(factor.matrix_exp, (x,), (), at)[0] for at in (GPU, None)), rtol=1e-9, atol=1e-12
    )
    got = computed(factor.matrix_exp, (NAN,), (), GPU)[0]
    np.testing.assert_allclose(got[0], np.eye(3) * np.e)
    assert np.isnan(got[1]).all()


def test_symmetric_matrices(gpus: StandIn) -> None:
    """Blocks of two are pivots too; Hermitian ones a kernel factorises."""
    for dtype in DTYPES:
        x = numbers((2, 6, 6), dtype)
        same(factor.ldl_factor, (np.tril(x) + 7 * np.triu(x, 1),), (False,))
        assert "sytrf" in gpus.libraries.log
        gpus.libraries.log.clear()
        same(factor.ldl_factor, (x + x.conj().swapaxes(1, 2),), (True,))
        assert ("sytrf" in gpus.libraries.log) == (d.kind(dtype) == "f")
    pivots = computed(factor.ldl_factor, (np.array([[0.0, 1], [1, 0]]),), (False,), GPU)[1]
    assert (pivots < 0).all()


def test_hermitian_factors(gpus: StandIn) -> None:
    """The host's pivots, whatever the order of sizes; matrices that are 0, or hold NaN."""
    for dtype in (d.complex64, d.complex128):
        for n in (1, 2, 3, 40):
            x = numbers((3, n, n), dtype, n)
            x[1] *= np.exp(3 * numbers((n, n), d.float64))
            x = x + x.conj().swapaxes(1, 2)
            x[2, ::2] = x[2, :, ::2] = 0
            x[:, range(n), range(n)] *= np.float32(0.01)
            got, want = (computed(factor.ldl_factor, (x,), (True,), at) for at in (GPU, None))
            for a, b in zip(got[1:], want[1:], strict=True):
                np.testing.assert_array_equal(a, b)
            digits = 1e-9 if dtype is d.complex128 else 2e-2
            np.testing.assert_allclose(got[0], want[0], digits, digits * abs(want[0]).max())
    assert (want[1] < 0).any() and (want[1] > 0).any() and want[2].any()
    factors, _, info = computed(factor.ldl_factor, (np.full((1, 3, 3), np.nan + 0j),), (True,), GPU)
    assert info.tolist() == [1] and np.isnan(factors[0, 0, 0])


def test_cofactors(gpus: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of singular matrices are made of singular values, on the device."""
    same(linalg.cofactor, (numbers((2, 3, 5, 5), d.complex128),), ())
    assert gpus.gets == 2  # determinants, and what is compared
    def by_host(step: Any, *rest: Any) -> None:
        raise AssertionError(f"{step} is left to the host")

    monkeypatch.setattr(loaded(), "_by_host", by_host)
    same(linalg.cofactor, (BAD,), ())
    for dtype in DTYPES:
        x = numbers((3, 4, 4), dtype, 1)
        x[0, 2] = x[2, :, 1] = 0
        same(linalg.cofactor, (x,), ())
    x[1] = np.nan
    got, want = (computed(linalg.cofactor, (x,), (), at)[0] for at in (GPU, None))
    np.testing.assert_allclose(got, want, 1e-11, 1e-11)


def test_triangles_that_are_read(gpus: StandIn) -> None:
    """The other one may hold anything."""
    for dtype in DTYPES:
        x = definite((2, 5, 5), dtype)
        low, high = np.tril(x) + np.triu(np.full_like(x, 7), 1), np.triu(x) + np.tril(x * 0 + 9, -1)
        for op in (linalg.cholesky, factor.cholesky_ex):
            same(op, (low,), (False,))
            same(op, (high,), (True,))
        unknown = np.triu(np.full_like(x, np.nan), 1) + np.tril(x)
        for op in (linalg.eigh, linalg.eigvalsh):
            same(op, (unknown,), ())
        limits = np.zeros((2, 2), d.real_of(dtype))
        same(factor.pinv, (unknown, limits), (True,))


def test_gradients(gpus: StandIn) -> None:
    x = definite((4, 4), d.float64)

    def loss(x: Any) -> Any:
        y = xp.linalg.solve(x, xp.linalg.cholesky(x)) + xp.linalg.inv(x)
        return xp.sum(y * y) + xp.linalg.slogdet(x).logabsdet + xp.sum(xp.linalg.eigvalsh(x))

    got, want = (np.asarray(xp.grad(loss)(xp.asarray(x, device=at))) for at in ("cuda", "cpu"))
    np.testing.assert_allclose(got, want, rtol=1e-10)


LINALG = torch.linalg
PROGRAMS: dict[str, Callable[[Any], Any]] = {
    "lstsq": lambda x: LINALG.lstsq(x, x[..., :2]).solution,
    "lu": lambda x: torch.cat(LINALG.lu(x), -1),
    "lu_solve": lambda x: LINALG.lu_solve(*LINALG.lu_factor(x), x),
    "ldl": lambda x: LINALG.ldl_solve(*LINALG.ldl_factor(x + x.mT), x),
    "matrix_rank": lambda x: LINALG.matrix_rank(x),
    "cond": lambda x: LINALG.cond(x),
    "cholesky_solve": lambda x: torch.cholesky_solve(x, LINALG.cholesky(x @ x.mT)),
    "derivative": lambda x: torch.func.grad(lambda x: LINALG.det(x).sum() + LINALG.inv(x).sum())(x),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs_of_the_torch_face(gpus: StandIn, name: str) -> None:
    x = numbers((2, 4, 4), d.float64) + 3 * np.eye(4)
    want = PROGRAMS[name](torch.tensor(x))
    got = PROGRAMS[name](torch.tensor(x, device="cuda"))
    assert got.is_cuda
    np.testing.assert_allclose(got.cpu().numpy(), want.numpy(), rtol=1e-9, atol=1e-12)


def test_what_the_torch_face_refuses_at_the_call(gpus: StandIn) -> None:
    for function, message in ((LINALG.inv, "singular"), (LINALG.cholesky, "not positive-definite")):
        with pytest.raises(LINALG.LinAlgError, match=message):
            function(torch.zeros(3, 3, device="cuda"))


def test_without_libraries_the_host_computes(gpus: StandIn, monkeypatch: Any) -> None:
    x = definite((3, 3), d.float64)
    monkeypatch.setattr(Solvers, "has", lambda self, name: name != "geev")
    same(linalg.eigvals, (x,), ())
    assert gpus.libraries.log == []
    same(linalg.eigh, (x,), ())
    assert gpus.libraries.log == ["eigh"]
    with standing_in() as without:
        assert device_of("cuda:1") == GPU
        without.libraries.complete = False
        same(linalg.cholesky, (x,), (False,))
        assert without.libraries.log == [] and without.gets > 0


def test_plans_with_solvers_are_no_graphs(gpus: StandIn) -> None:
    run = xp.jit(lambda x: xp.linalg.inv(x + 1.0) * 2.0)
    x = definite((3, 3), d.float64)
    for i in range(6):
        out = run(xp.asarray(x + i, device="cuda"))
        np.testing.assert_allclose(np.asarray(out), np.linalg.inv(x + i + 1) * 2)
    assert gpus.replays == 0


def test_kernels_are_compiled_before_a_plan_runs(gpus: StandIn, tmp_path: Any) -> None:
    """But for copies that lay matrices column by column."""
    x = xp.asarray(definite((3, 3), d.float64), device="cuda")
    with config.context(cache_dir=str(tmp_path)):
        graph = graph_of([xp.linalg.inv(x)._node, xp.linalg.cholesky(x)._node])
        plan = lower(graph)
        loaded().prepared(plan, graph)
        known = gpus.compiled
        assert known == 3
        execute(plan, graph)
        assert gpus.compiled <= known + 1


def test_memory_runs_out() -> None:
    with standing_in(capacity=1 << 20) as driver:
        x = xp.asarray(np.eye(300, dtype=np.float32), device="cuda")
        with pytest.raises(MemoryError, match="CUDA out of memory"):
            materialize([xp.linalg.svd(x).U._node, xp.linalg.inv(x)._node])
        assert driver.used < 1 << 20


# --- kernels --------------------------------------------------------------------------------------


def test_orders_of_rows() -> None:
    compiler()
    rng = np.random.default_rng(0)
    found = []
    for shape, n in (((5, 3), 7), ((2, 3, 4), 4), ((1,), 1), ((0, 3), 5), ((6, 0), 2)):
        pivots = np.arange(shape[-1]) + 1 + rng.integers(0, n - shape[-1] + 1, shape)
        pivots = np.minimum(pivots, n).astype(np.int32)
        found.append(Call(factor.row_order, [pivots], (n,)))
        found.append(Call(factor.row_order, [pivots[::-1]], (n,)))
    error = IndexError("index 8 is out of bounds for axis 0 of size 4")
    found.append(Call(factor.row_order, [np.array([[1, 2], [9, 1]], np.int32)], (4,), error=error))
    check(found)


# --- what is asked of CuPy ------------------------------------------------------------------------


def test_arrays_are_given_as_cupy_takes_them() -> None:
    for name in ("svd", "eigh", "eigvalsh", "eig", "eigvals"):
        of, stand_in = getattr(cupy.linalg, name), getattr(Solvers, name)
        got = [p.name for p in inspect.signature(stand_in).parameters.values()][1:]
        assert got == list(inspect.signature(of).parameters), name


def test_handles_are_there() -> None:
    device = importlib.import_module("cupy.cuda.device")
    assert callable(device.get_cusolver_handle) and callable(device.get_cublas_handle)


@pytest.mark.parametrize("name", [(of, name) for of in FUNCTIONS for name in FUNCTIONS[of]])
def test_functions_take_what_they_take_in_cupy(name: tuple[str, str]) -> None:
    """Argument by argument, for each dtype that they are asked for: CuPy's compiled modules, which
    can't be loaded without the libraries, hold the signatures as text.
    """
    library, function = name
    folder = Path(importlib.import_module("cupy_backends").__file__ or "").parent / "cuda/libs"
    (module,) = folder.glob(f"{library}.*")
    want = list(inspect.signature(FUNCTIONS[library][function]).parameters)[1:]
    letters = {"orgqr": "sd", "ungqr": "cz"}.get(function.split("_")[0], "sdcz")
    for letter in letters:
        text = rb"(?<![A-Za-z_])%s%s\(([^)]*)\)" % (letter.encode(), function.encode())
        (found,) = set(re.findall(text, module.read_bytes()))
        handle, *rest = [word.split()[-1] for word in found.decode().split(", ")]
        assert (handle, rest) == ("handle", want), found
