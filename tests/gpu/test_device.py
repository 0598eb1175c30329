"""Programs on a GPU of this machine: values, errors, exchange with other libraries, streams."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import lazytensor as xp
import lazytensor.torch as face
from lazytensor import ops
from lazytensor._base import config
from lazytensor._base.devices import device as device_of
from lazytensor.ir.node import leaf
from lazytensor.runtime import gpus
from lazytensor.runtime.counters import counting
from lazytensor.runtime.materialize import value
from lazytensor.torch._philox import threads

pytestmark = pytest.mark.cuda
GPU = "cuda:0"
SIZES = [1, 31, 32, 33, 1023, 1025, 100_003]


def there(x: Any) -> Any:
    return xp.asarray(x, device=GPU)


def numbers(*shape: int) -> Any:
    return np.random.default_rng(7).standard_normal(shape, dtype=np.float32)


def close(got: Any, want: Any, tolerance: float = 1e-5) -> None:
    np.testing.assert_allclose(np.asarray(got), want, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("n", SIZES)
def test_arithmetic(n: int) -> None:
    """What NumPy rounds in one way has its bits."""
    a, b = numbers(n), numbers(n)[::-1] + np.float32(3)
    x, y = there(a), there(b)
    assert x.device == GPU
    got = xp.sqrt(xp.abs(x * y - 2.0)) / (x + y * 0.5)
    want = np.sqrt(np.abs(a * b - np.float32(2))) / (a + b * np.float32(0.5))
    assert np.asarray(got).tobytes() == want.tobytes()
    i = np.arange(n, dtype=np.int32) - 5
    np.testing.assert_array_equal(np.asarray((there(i) * 7) // 3 ^ 5), (i * 7) // 3 ^ 5)


@pytest.mark.parametrize("n", SIZES)
def test_reductions(n: int) -> None:
    a = numbers(7, n)
    x = there(a)
    wide = a.astype(np.float64)
    close(xp.sum(x), wide.sum(), 1e-3)
    close(xp.sum(x * x, axis=0), (wide * wide).sum(axis=0))
    close(xp.mean(x, axis=1), wide.mean(axis=1))
    np.testing.assert_array_equal(np.asarray(xp.max(x, axis=1)), a.max(axis=1))
    np.testing.assert_array_equal(np.asarray(xp.argmax(x, axis=1)), a.argmax(axis=1))
    e = np.exp(wide - wide.max(axis=1, keepdims=True))
    close(xp.softmax(x, axis=1), e / e.sum(axis=1, keepdims=True))
    close(xp.cumulative_sum(x, axis=1), wide.cumsum(axis=1), 1e-2)


def test_sums_have_the_same_bits_every_time() -> None:
    x = there(numbers(1000, 1000))
    found = {np.asarray(xp.sum(x * 1.0)).tobytes() for _ in range(5)}
    assert len(found) == 1


def test_products() -> None:
    a, b = numbers(129, 257), numbers(257, 65)
    want = a.astype(np.float64) @ b.astype(np.float64)
    close(there(a) @ there(b), want, 1e-4)
    with config.context(tf32=True):
        close(there(a) @ there(b), want, 0.1)
    batch = numbers(3, 16, 8)
    close(there(batch) @ there(batch).mT, batch @ batch.transpose(0, 2, 1), 1e-4)


@pytest.mark.parametrize("n", SIZES)
def test_sorts(n: int) -> None:
    a = np.random.default_rng(3).integers(0, 50, n)
    np.testing.assert_array_equal(np.asarray(xp.sort(there(a))), np.sort(a))
    got = np.asarray(xp.argsort(there(a), stable=True))
    np.testing.assert_array_equal(got, np.argsort(a, stable=True))


@pytest.mark.parametrize("n", [*SIZES, 2_000_003])
def test_cumulative_sums_have_one_order(n: int) -> None:
    """Whatever comes after an element, lies beside it, or is done by another block."""
    a = numbers(n)
    sums = np.asarray(xp.cumulative_sum(there(a)))
    close(sums, a.astype(np.float64).cumsum(), 1e-3 * max(1, np.abs(sums).max()))
    half = np.asarray(xp.cumulative_sum(there(a[: n // 2 + 1])))
    assert half.tobytes() == sums[: n // 2 + 1].tobytes()
    lines = there(np.stack([a, -a, a]))
    for axis, x in ((1, lines), (0, xp.asarray(lines.mT, copy=True))):
        found = np.asarray(xp.cumulative_sum(x, axis=axis))
        assert np.ascontiguousarray(np.moveaxis(found, axis, 1)[2]).tobytes() == sums.tobytes()
    i = np.arange(n) % 7 - 3
    np.testing.assert_array_equal(np.asarray(xp.cumulative_sum(there(i))), i.cumsum())


# Matrices: one, a few small ones, some that are factorised one by one; real and complex.
STACKS = [(1, 1), (33, 33), (300, 300), (5, 4, 4), (2, 3, 40, 40), (2, 400, 400)]


def matrices(shape: tuple[int, ...], dtype: str) -> Any:
    """Regular ones, and definite ones."""
    rng, n = np.random.default_rng(5), shape[-1]
    x = rng.standard_normal(shape)
    if dtype.startswith("c"):
        x = x + 1j * rng.standard_normal(shape)
    x = x / math.sqrt(n) + 2 * np.eye(n)
    return x.astype(dtype), (x @ x.conj().swapaxes(-1, -2) + np.eye(n)).astype(dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
@pytest.mark.parametrize("shape", STACKS, ids=str)
def test_solvers(shape: tuple[int, ...], dtype: str) -> None:
    a, p = matrices(shape, dtype)
    b, tolerance = a[..., :3], 2e-3 if np.finfo(dtype).bits == 32 else 1e-9
    x, s, la = there(a), there(p), xp.linalg
    close(la.solve(x, there(b)), np.linalg.solve(a, b), tolerance)
    close(la.inv(x), np.linalg.inv(a), tolerance)
    close(la.cholesky(s), np.linalg.cholesky(p), tolerance)
    close(la.cholesky(s, upper=True), np.linalg.cholesky(p).conj().swapaxes(-1, -2), tolerance)
    sign, size = np.linalg.slogdet(a)
    close(la.slogdet(x).sign, sign, tolerance)
    close(la.slogdet(x).logabsdet, size, tolerance)
    close(la.det(x / 2.0), np.linalg.det(a / 2), tolerance * np.abs(np.linalg.det(a / 2)).max())
    close(la.pinv(x), np.linalg.pinv(a), tolerance)
    for mode in ("reduced", "complete"):
        q, r = (np.asarray(v) for v in la.qr(there(b), mode=mode))
        close(q @ r, b, tolerance)
        own = q.conj().swapaxes(-1, -2) @ q
        close(own, np.zeros_like(own) + np.eye(q.shape[-1]), tolerance)
        assert not np.tril(r, -1).any()


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
@pytest.mark.parametrize("shape", STACKS, ids=str)
def test_values_and_vectors(shape: tuple[int, ...], dtype: str) -> None:
    a, p = matrices(shape, dtype)
    tolerance = 2e-3 if np.finfo(dtype).bits == 32 else 1e-9
    la = xp.linalg
    w, v = (np.asarray(y) for y in la.eigh(there(np.tril(p))))
    close(w, np.linalg.eigvalsh(p), tolerance)
    close((v * w[..., None, :]) @ v.conj().swapaxes(-1, -2), p, tolerance)
    close(la.eigvalsh(there(p)), np.linalg.eigvalsh(p), tolerance)
    for full in (False, True):
        for part in (a, a[..., :3], a[..., :3, :]):
            u, s, vh = (np.asarray(y) for y in la.svd(there(part), full_matrices=full))
            k = s.shape[-1]
            close((u[..., :k] * s[..., None, :]) @ vh[..., :k, :], part, tolerance)
            close(s, np.linalg.svd(part, compute_uv=False), tolerance)
    close(la.svdvals(there(a)), np.linalg.svd(a, compute_uv=False), tolerance)


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
def test_rows_of_the_torch_face(dtype: str) -> None:
    """Factors that only it asks for."""
    torch = pytest.importorskip("lazytensor.torch")
    a, p = matrices((2, 30, 30), dtype)
    tolerance = 2e-3 if np.finfo(dtype).bits == 32 else 1e-9
    programs = (
        lambda x, p: torch.linalg.lu_solve(*torch.linalg.lu_factor(x), p),
        lambda x, p: torch.linalg.ldl_solve(*torch.linalg.ldl_factor(x + x.mT), p),
        lambda x, p: torch.linalg.solve_triangular(x, p, upper=True),
        lambda x, p: torch.linalg.solve_triangular(x, p, upper=False, unitriangular=True),
        lambda x, p: torch.linalg.matrix_exp(x),
        lambda x, p: torch.linalg.cholesky_ex(p)[1],
        lambda x, p: torch.linalg.lu_factor_ex(x[..., :7])[0],
        lambda x, p: torch.geqrf(x)[1].abs(),
        lambda x, p: torch.func.grad(lambda x: torch.linalg.det(x / 2).abs().sum())(x),
    )
    for program in programs:
        here = program(torch.tensor(a), torch.tensor(p)).numpy()
        got = program(*(torch.tensor(m, device=GPU) for m in (a, p)))
        close(got.cpu().numpy(), here, tolerance * max(1, np.abs(here).max()))


def test_matrices_that_cannot_be_factorised() -> None:
    """They are told of when a value is read; the device goes on."""
    bad = np.stack([np.eye(3), np.diag([1.0, 0.0, 2.0])])
    for function, given in (
        (xp.linalg.inv, bad), (xp.linalg.inv, bad[1]), (xp.linalg.cholesky, -bad),
        (xp.linalg.svdvals, bad * np.nan), (lambda x: xp.linalg.eigh(x)[0], bad * np.nan),
    ):  # fmt: skip
        with pytest.raises(np.linalg.LinAlgError, match=r"test_device.py:\d+"):
            np.asarray(function(there(given)))
    close(xp.linalg.det(there(bad)), [1.0, 0.0])
    close(xp.linalg.inv(there(bad[:1])), bad[:1])


def test_bad_indices_leave_the_device_as_it_was() -> None:
    a = numbers(5, 4)
    x = there(a)
    taken = xp.take(x, there(np.array([0, 9])), axis=0) + 1.0
    for bad in (taken, taken, taken * 2.0):
        with pytest.raises(IndexError, match=r"index 9 is out of bounds.*test_device.py:\d+"):
            np.asarray(bad)
    np.testing.assert_array_equal(
        np.asarray(xp.take(x, there(np.array([4, 0])), axis=0)), a[[4, 0]]
    )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_rows_are_added_as_they_are_taken(dtype: str) -> None:
    """With the bits of the CPU's, every time."""
    rng = np.random.default_rng(0)
    rows, weights = rng.standard_normal((5000, 100)), rng.standard_normal(60_000)
    ids, begins = rng.integers(0, 5000, 60_000), np.sort(rng.integers(0, 60_000, 2000))
    begins[0] = 0

    def found(device: str) -> list[bytes]:
        table, by = (
            face.tensor(a, dtype=getattr(face, dtype), device=device, requires_grad=True)
            for a in (rows, weights)
        )
        i, j = (face.tensor(a, device=device) for a in (ids, begins))
        bags = face.nn.functional.embedding_bag(i, table, j, mode="sum", per_sample_weights=by)
        grad = face.autograd.grad(bags.sum(), table)[0]
        return [x.detach().cpu().numpy().tobytes() for x in (bags, grad)]

    assert len({tuple(found(GPU)) for _ in range(3)} | {tuple(found("cpu"))}) == 1


def test_memory_runs_out() -> None:
    import cupy

    free, _ = cupy.cuda.runtime.memGetInfo()
    side = math.isqrt(free // 2) + 1  # four bytes an element: twice what there is
    x = there(np.ones(side, np.float32))
    with pytest.raises(MemoryError):
        xp.materialize(x[:, None] + x[None, :])
    close(xp.sum(x[:100]), 100)


def test_values_differ_by_nothing_between_runs_of_a_plan() -> None:
    """From the fourth run on a CUDA graph does it: of the values that it is given."""

    def step(w: Any, x: Any) -> Any:
        value, slope = xp.value_and_grad(lambda w: xp.mean((xp.tanh(x @ w) - 1.0) ** 2))(w)
        return value, w - 0.1 * slope

    run = xp.jit(step)
    w, inputs = there(numbers(4, 3)), [there(numbers(6, 4) + i) for i in range(8)]
    with config.context(cuda_graphs=False):
        want = [[np.asarray(v) for v in xp.jit(step)(w, x)] for x in inputs]
    got = [run(w, x) for x in inputs]
    for one, other in zip(got, want, strict=True):
        for g, v in zip(one, other, strict=True):
            assert np.asarray(g).tobytes() == v.tobytes()


def test_one_kernel() -> None:
    x = there(numbers(1000)) + 0.0
    xp.materialize(x)
    with counting() as done:
        xp.materialize(xp.exp(x) * x + 1.0)
    assert (done.kernels, done.interpreted) == (1, 0)


def test_streams() -> None:
    """Work goes to the stream in force; values are those of the program's order."""
    import cupy

    a = numbers(1 << 20)
    stream = cupy.cuda.Stream(non_blocking=True)
    x = there(a)
    gpus.loaded().wait(device_of(GPU))
    with stream:
        y = x
        for _ in range(20):
            y = y * 0.5 + 1.0
            xp.materialize(y)
        got = np.asarray(y)
    want = a
    for _ in range(20):
        want = want * np.float32(0.5) + np.float32(1)
    assert got.tobytes() == want.tobytes()


def test_exchange_with_cupy() -> None:
    import cupy

    a = numbers(3, 4)
    x = there(a) * 2.0
    for take in (cupy.asarray, cupy.from_dlpack):
        shared = take(x)
        np.testing.assert_array_equal(cupy.asnumpy(shared), a * 2)
    held = cupy.asarray(a)
    y = xp.asarray(held, copy=False)
    assert y.device == GPU and y.__cuda_array_interface__["data"][0] == held.data.ptr
    np.testing.assert_array_equal(np.asarray(xp.from_dlpack(held) + 1.0), a + 1)


def test_exchange_with_torch() -> None:
    if not pytest.importorskip("torch.cuda").is_available():
        pytest.skip("this PyTorch is for CPUs")
    import torch

    a = numbers(3, 4)
    for take in (torch.from_dlpack, lambda x: torch.as_tensor(x, device="cuda")):
        np.testing.assert_array_equal(take(there(a) * 2.0).cpu().numpy(), a * 2)
    held = torch.from_numpy(a).cuda() * 3
    y = xp.from_dlpack(held)
    assert y.device == GPU and y.__cuda_array_interface__["data"][0] == held.data_ptr()
    np.testing.assert_array_equal(np.asarray(y + 1.0), a * 3 + 1)


def test_draws_of_the_torch_face() -> None:
    """PyTorch's printed figures, and the host's words for as many threads as the device holds."""
    face.manual_seed(0)
    close(face.rand(6, device=GPU).cpu(), [0.3990, 0.5167, 0.0249, 0.9401, 0.9459, 0.7967], 1e-4)
    face.manual_seed(42)
    close(face.randn(5, device=GPU).cpu(), [0.1940, 2.1614, -0.1721, 0.8491, -1.9244], 1e-4)
    for n in (1000, 2_000_001):
        face.manual_seed(7)
        found = face.rand(n, device=GPU)
        state = leaf(np.array([7, 0], np.uint64))
        words = value(ops.g.philox(state, (n,), threads(n, device_of(GPU)), 1, ((0, 1, 2, 3),)))
        want = words.astype(np.float32) * np.float32(2**-32) + np.float32(2**-33)
        assert found.cpu().numpy().tobytes() == (want % np.float32(1)).tobytes()


EXACT: dict[str, Callable[[Any], Any]] = {
    "rand": lambda t: t.rand(1_000_001, device=GPU),
    "rand64": lambda t: t.rand(1_000_001, device=GPU, dtype=t.float64),
    "uniform_": lambda t: t.empty(1_000_001, device=GPU).uniform_(-0.3, 0.1),
    "randint": lambda t: t.randint(-7, 100, (1_000_001,), device=GPU),
    "wide": lambda t: t.randint(-(2**60), 2**60, (1_000_001,), device=GPU),
    "random_": lambda t: t.empty(1_000_001, device=GPU, dtype=t.int32).random_(),
    "bernoulli_": lambda t: t.empty(1_000_001, device=GPU).bernoulli_(0.3),
    "bernoulli": lambda t: t.bernoulli(t.linspace(0, 1, 100_001, device=GPU)),
    "dropout": lambda t: t.nn.functional.dropout(t.ones(4_000_000, device=GPU), 0.3),
    "of twos": lambda t: t.nn.functional.dropout(t.ones(1_000_002, device=GPU), 0.3),
    "of one": lambda t: t.nn.functional.dropout(t.ones(1_000_001, device=GPU), 0.3),
    "of halves": lambda t: t.nn.functional.dropout(t.ones(4_000_000, device=GPU).half(), 0.3),
    "randperm": lambda t: t.randperm(100_001, device=GPU),
    "multinomial": lambda t: t.multinomial(t.ones(3, 8, device=GPU), 1000, replacement=True),
}
NEAR: dict[str, Callable[[Any], Any]] = {
    "randn": lambda t: t.randn(1_000_001, device=GPU),
    "randn64": lambda t: t.randn(1_000_001, device=GPU, dtype=t.float64),
    "exponential_": lambda t: t.empty(1_000_001, device=GPU).exponential_(),
    "log_normal_": lambda t: t.empty(1_000_001, device=GPU).log_normal_(),
}


@pytest.mark.parametrize("name", [*EXACT, *NEAR])
def test_draws_are_those_of_pytorch(name: str) -> None:
    if not pytest.importorskip("torch.cuda").is_available():
        pytest.skip("this PyTorch is for CPUs")
    import torch

    found = []
    for t in (face, torch):
        t.manual_seed(2**40 + 3)
        t.rand(3, device=GPU)
        drawn = (EXACT | NEAR)[name](t).cpu().numpy()
        found += [drawn, t.cuda.get_rng_state().numpy().tobytes()]
    assert found[1] == found[3]
    if name in EXACT:
        assert found[0].tobytes() == found[2].tobytes()
    else:
        close(found[0], found[2], 3e-5)


def test_a_training_step_has_no_copies() -> None:
    """What is donated is written over where it lies, and results are given out."""
    run = xp.jit(lambda w, x: (w - 0.1 * (x.mT @ (x @ w)), xp.sum(w)), donate_argnums=0)
    a, b = numbers(256, 64), numbers(128, 256) / 64
    w, x, want = there(a), there(b), a.astype(np.float64)
    xp.materialize(w, x)
    for i in range(40):
        if i == 12:
            address = w._node.value.data.ptr
        w, _ = run(w, x)
        want = want - 0.1 * (b.T @ (b @ want))
    assert w._node.value.data.ptr == address
    close(w, want, 1e-3)


def test_held_results_are_never_overwritten() -> None:
    run = xp.jit(lambda x: (xp.exp(x * 0.25) + 1.0, xp.sum(x)))
    held = []
    for i in range(60):
        a = numbers(3, 1000) + np.float32(i % 5)
        held.append((run(there(a)), a))
        del held[: len(held) - 1 - i % 6]
        for (y, total), b in held:
            close(y, np.exp(b * np.float32(0.25)) + 1)
            close(total, b.astype(np.float64).sum(), 1e-2)


@pytest.mark.parametrize("n", [1, 5000, (4 << 20) + 3, (20 << 20) + 1])
def test_transfers(n: int) -> None:
    """What is written to the host's memory afterwards is not seen."""
    from lazytensor.runtime.gpu.pinned import is_pinned, pinned

    host = np.arange(n, dtype=np.float32)
    want, x = host.copy(), there(host)
    xp.materialize(x)
    host[:] = -1
    np.testing.assert_array_equal(np.asarray(x), want)
    there_too = there(pinned(want))
    assert is_pinned(pinned(want))
    np.testing.assert_array_equal(np.asarray(there_too), want)


def test_torch_cuda() -> None:
    """Streams of others, graphs, peaks of memory, ranges."""
    torch = pytest.importorskip("lazytensor.torch")
    import cupy

    other = cupy.cuda.Stream(non_blocking=True)
    with torch.cuda.ExternalStream(other.ptr):
        x = torch.ones(1000, device=GPU) * 2
    other.synchronize()
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    start = torch.cuda.memory_allocated()
    assert ((x.cumsum(0) + 1).cumsum(0) * 2).sum().item() > 0
    assert torch.cuda.max_memory_allocated() > start
    graph, y = torch.cuda.CUDAGraph(), torch.zeros(1000, device=GPU)
    with torch.cuda.graph(graph):
        y += x
    for _ in range(6):
        graph.replay()
    assert y.tolist() == [12.0] * 1000
    with torch.cuda.nvtx.range("step"):
        pinned = torch.ones(1 << 20).pin_memory()
        assert pinned.to(GPU, non_blocking=True).sum().item() == 1 << 20
