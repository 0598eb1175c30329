"""Programs on GPUs that stand-ins take the place of: the same values as on the CPU, and what is
moved, compiled and launched for them.
"""

import functools
import random
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

import numpy as np
import pytest
from llvm import graphs
from llvm.graphs import Graph, arrays, draw

import lazytensor as xp
from lazytensor._base import config
from lazytensor._base.devices import device as device_of
from lazytensor.ir.node import Node, leaf
from lazytensor.lower.pipeline import lower
from lazytensor.ops import g
from lazytensor.runtime import gpus as gpus_of_process
from lazytensor.runtime.counters import counting
from lazytensor.runtime.execute import execute
from lazytensor.runtime.gpu.driver import Driver, Uncaptured, by_value
from lazytensor.runtime.gpu.memory import put
from lazytensor.runtime.materialize import graph_of, materialize, value
from lazytensor.targets.cuda import OPTIONS

from .compare import same as bits
from .nvrtc import nvrtc
from .stand_in import Foreign, StandIn, shown, standing_in

pytest.importorskip("cupy", reason="no CuPy, whose arrays are used")
X = np.arange(12, dtype=np.float32).reshape(3, 4) / 8 - 1


def same(got: Any, want: Any, what: str) -> None:
    """Fail unless they are, but for what elementary functions of two libraries differ by."""
    assert (got.dtype, got.shape) == (want.dtype, want.shape), what
    np.testing.assert_allclose(got, want, rtol=1e-6, atol=1e-6, err_msg=what)


@pytest.fixture
def gpus() -> Iterator[StandIn]:
    with standing_in() as driver:
        yield driver


PROGRAMS: dict[str, Callable[[Any], Any]] = {
    "elementwise": lambda x: xp.exp(x) * 2.0 - x,
    "softmax": lambda x: (
        (e := xp.exp(x - xp.max(x, axis=1, keepdims=True))) / xp.sum(e, axis=1, keepdims=True)
    ),
    "rows": lambda x: xp.sum(x * x, axis=0),
    "all": lambda x: xp.sum(x),
    "transpose": lambda x: x.mT + 1.0,
    "reshape": lambda x: xp.reshape(x, (2, 6)),
    "reshape of a transpose": lambda x: xp.reshape(x.mT, (2, 6)),
    "broadcast": lambda x: xp.broadcast_to(x, (2, 3, 4)) + x,
    "slice": lambda x: x[1:, ::2] * 3.0,
    "backwards": lambda x: x[::-1, ::-1],
    "element": lambda x: x[1, 2],
    "mask": lambda x: x[x > 0],
    "setitem": lambda x: _assigned(x),
    "concat": lambda x: xp.concat([x, x * 2.0], axis=1),
    "roll": lambda x: xp.roll(x, 1, axis=0),
    "matmul": lambda x: x @ x.mT,
    "sort": lambda x: xp.sort(-x, axis=1),
    "take": lambda x: xp.take(x, xp.asarray([2, 0], device=x.device), axis=0),
    "cumsum": lambda x: xp.cumulative_sum(x, axis=1),
    "argmax": lambda x: xp.argmax(x, axis=1),
    "several": lambda x: xp.linalg.svd(x).S,
    "integers": lambda x: xp.astype(x * 8.0, xp.int32) // 3,
    "signs of integers": lambda x: xp.signbit(xp.astype(x * 8.0, xp.int16)),
    "complex": lambda x: xp.abs(xp.astype(x, xp.complex64) * 1j),
    "booleans": lambda x: xp.any(x > 0, axis=1),
    "empty": lambda x: xp.sum(x[:0], axis=0),
    "unique": lambda x: xp.unique_values(xp.round(x)),
    "gradient": lambda x: xp.grad(lambda a: xp.sum(xp.sin(a) * a))(x),
    "compiled": lambda x: xp.jit(lambda a: xp.tanh(a) @ a.mT)(x),
}


def _assigned(x: Any) -> Any:
    y = x + 0.0
    y[1, :] = 5.0
    y[y < 0] = 0.0
    return y


@pytest.mark.parametrize("execution", ["auto", "interpret"])
@pytest.mark.parametrize("name", PROGRAMS)
def test_programs(gpus: StandIn, name: str, execution: str) -> None:
    with config.context(execution=execution):
        want = np.asarray(PROGRAMS[name](xp.asarray(X)))
        out = PROGRAMS[name](xp.asarray(X, device="cuda:1"))
        assert out.device == "cuda:1"
        same(np.asarray(out), want, name)


def test_random_graphs(gpus: StandIn, effort: Callable[[int, int], int]) -> None:
    """Where all operations are exact, the bits are those of the CPU."""
    device = device_of("cuda:1")
    compared = 0
    for seed in range(effort(30, 500)):
        rng = random.Random(seed)
        program = draw(lambda below, rng=rng: rng.randrange(below))  # type: ignore[misc]
        found = arrays(program)
        with mock.patch.object(graphs, "leaf", lambda a: leaf(a, device)):
            there = Graph(program, found)
            if not there.exact:
                continue
            outs = there.asked(program.asked)
            materialize(outs)
        for got, want in zip(outs, Graph(program, found).asked(program.asked), strict=True):
            assert got.device == device
            bits(value(got), value(want), f"graph {seed}")
            compared += 1
    assert compared >= 10 <= gpus.launches


def test_arrays_stay_on_their_device(gpus: StandIn) -> None:
    x = xp.asarray(X, device="cuda")
    y = xp.exp(x) + 1.0
    total = xp.sum(y, axis=1)
    xp.asarray(total)
    assert gpus.gets == 0
    np.asarray(total)
    assert (gpus.gets, gpus.puts) == (1, 1)
    np.asarray(xp.sum(y * 1.0, axis=0))
    assert gpus.puts == 1


def test_devices_are_not_mixed(gpus: StandIn) -> None:
    with pytest.raises(ValueError, match="different devices"):
        xp.asarray(X, device="cuda:0") + xp.asarray(X, device="cuda:1")
    with pytest.raises(ValueError, match="without a copy"):
        xp.asarray(X, device="cuda:0", copy=False)


def test_a_program_over_several_devices(gpus: StandIn) -> None:
    def loss(w: Any, v: Any) -> Any:
        h = xp.tanh(w * 2.0).to_device("cuda:1")
        return xp.sum(h * v).to_device("cpu")

    w, v = xp.asarray(X, device="cuda:0"), xp.asarray(X * 3, device="cuda:1")
    dw, dv = xp.grad(loss, argnums=(0, 1))(w, v)
    assert (dw.device, dv.device) == ("cuda:0", "cuda:1")
    here = xp.grad(lambda w, v: xp.sum(xp.tanh(w * 2.0) * v), argnums=(0, 1))
    want_w, want_v = here(xp.asarray(X), xp.asarray(X * 3))
    same(np.asarray(dw), np.asarray(want_w), "dw")
    same(np.asarray(dv), np.asarray(want_v), "dv")
    assert gpus.copies > 0
    step = xp.jit(lambda w, v: (loss(w, v), xp.tanh(w)))
    for _ in range(2):
        value, other = step(w, v)
        assert (value.device, other.device) == ("cpu", "cuda:0")
        same(np.asarray(value), np.asarray(loss(w, v)), "jit")


def test_what_was_compiled_is_not_compiled_again(gpus: StandIn, tmp_path: Any) -> None:
    def program(n: int) -> Any:
        x = xp.asarray(np.ones((n, 3), np.float32), device="cuda")
        return np.asarray(xp.sum(x * 0.3 + 17.25, axis=1))

    with config.context(cache_dir=str(tmp_path)):
        program(5)
        first = gpus.compiled
        assert first >= 1
        for n in (5, 6, 7, 400):
            program(n)
        assert gpus.compiled == first
    with standing_in() as another, config.context(cache_dir=str(tmp_path)):
        program(9)
        assert another.compiled == 0 and another.launches >= 1


def test_kernels_are_compiled_before_a_plan_runs(gpus: StandIn, tmp_path: Any) -> None:
    """All of them: operands lie as was expected."""

    def program(x: Any) -> Any:
        y = xp.exp(x) / 3.0
        z = xp.sum(y, axis=1, keepdims=True) + xp.reshape(x.mT, (3, 4)) @ xp.ones_like(x[:1].mT)
        return xp.mean(xp.permute_dims(y - z, (1, 0))[::2] * 0.7, axis=0)

    with config.context(cache_dir=str(tmp_path)):
        graph = graph_of([program(xp.asarray(X, device="cuda"))._node])
        plan = lower(graph)
        gpus_of_process.loaded().compile_ahead(plan, graph)
        known = gpus.compiled
        assert known >= 2
        execute(plan, graph)
        assert gpus.compiled <= known + 1  # a copy for the reshape


def step(w: Any, x: Any, rate: Any) -> Any:
    """A step of descent."""
    loss = lambda w: xp.mean((xp.tanh(x @ w) - 1.0) ** 2)  # noqa: E731
    value, slope = xp.value_and_grad(loss)(w)
    return value, w - rate * slope


def test_what_comes_often_is_one_graph(gpus: StandIn) -> None:
    run = xp.jit(step)
    here = there = None
    for device in ("cpu", "cuda:1"):
        w, found = xp.asarray(X.T.copy(), device=device), []
        for i in range(9):
            x = xp.asarray(X + i, device=device)
            value, w = run(w, x, 0.125 * (i + 1))
            found += [float(value), np.asarray(w)]
        here, there = there, found
    assert here is not None and there is not None and gpus.replays == 6
    for got, want in zip(there, here, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-5)


def test_results_of_a_graph_stay(gpus: StandIn) -> None:
    """Later runs don't write to them, whatever stream they are in."""
    run = xp.jit(lambda x: (xp.exp(x) * 2.0, x))
    kept = [run(xp.asarray(X + i, device="cuda")) for i in range(6)]
    assert gpus.replays == 3
    gpus.in_force = 1
    kept.append(run(xp.asarray(X + 6, device="cuda")))
    assert gpus.replays == 3
    for i, (y, x) in enumerate(kept):
        same(np.asarray(x), X + i, "x")
        same(np.asarray(y), np.exp(X + i) * 2, "y")


def test_graphs_are_given_up_where_memory_is_short() -> None:
    with standing_in(capacity=1 << 20) as driver:
        run = xp.jit(lambda x: xp.sin(xp.cos(xp.exp(x) * 2.0 + 1.0) @ x))
        x = xp.asarray(np.eye(128, dtype=np.float32), device="cuda")
        for _ in range(6):
            out = run(x)
        assert driver.replays == 3
        used, want = driver.used, np.asarray(out)
        big = xp.asarray(np.ones(((9 << 17) - used) // 4, np.float32), device="cuda")
        del out
        same(np.asarray(big), np.ones(big.size, np.float32), "in place of the graph")
        del big
        same(np.asarray(run(x)), want, "step by step")
        assert driver.replays == 3


def test_a_graph_rounds_products_as_when_it_was_captured(gpus: StandIn) -> None:
    """With the setting `tf32` changed, what was captured before is not run."""
    run = xp.jit(lambda x: xp.tanh(x @ x.mT) + 1.0)
    for tf32, replays in ((False, 3), (True, 3), (False, 9)):
        with config.context(tf32=tf32):
            for _ in range(6):
                run(xp.asarray(X, device="cuda"))
        assert gpus.replays == replays


def test_what_libraries_solve_is_no_graph(gpus: StandIn) -> None:
    run = xp.jit(lambda x: xp.linalg.svdvals(x + 1.0) * 2.0)
    for _ in range(6):
        out = run(xp.asarray(X, device="cuda"))
    assert gpus.replays == 0
    same(np.asarray(out), np.linalg.svd(X + 1, compute_uv=False) * 2, "svd")


def test_large_arrays_are_no_graph(gpus: StandIn) -> None:
    run = xp.jit(lambda x: x + 1.0)
    for _ in range(6):
        run(xp.zeros((1 << 22, 2), dtype=xp.float32, device="cuda"))
    assert gpus.replays == 0


def test_kernels_are_counted(gpus: StandIn) -> None:
    x = xp.asarray(X, device="cuda") + 0.0
    np.asarray(x)
    with counting() as done:
        np.asarray(xp.exp(x) * x + 1.0)
    assert (done.kernels, done.interpreted) == (1, 0)


def test_results_are_written_over_what_dies(gpus: StandIn) -> None:
    """Where nothing else has it: a chain of kernels takes the memory of one array."""
    big = xp.ones((1 << 16,), dtype=xp.float32, device="cuda")
    run = xp.jit(lambda x: xp.cumulative_sum(xp.sin(xp.cumulative_sum(x) * 0.5)) * 0.25)
    want = np.asarray(run(big))
    kept = run(big)
    with counting() as done:
        again = run(big)
    assert 2 <= done.bytes / (4 << 16) < 2.5
    same(np.asarray(again), want, "again")
    same(np.asarray(kept), want, "kept")
    same(np.asarray(big), np.ones(1 << 16, np.float32), "what was given")


def test_what_is_written_into_is_written_in_place(gpus: StandIn) -> None:
    def fill(rows: int) -> Any:
        x = xp.zeros((64, 1 << 12), dtype=xp.float32, device="cuda") + 1.0
        for i in range(rows):
            x[i, :] = float(i)
        return x

    base = fill(1)
    np.asarray(base[0, 0])
    with counting() as done:
        out = fill(20)
        materialize([out._node])
    assert done.bytes / (64 << 14) < 3
    same(np.asarray(out[:20, 5]), np.arange(20, dtype=np.float32), "rows")
    same(np.asarray(out[20:, 7]), np.ones(44, np.float32), "rest")
    same(np.asarray(base[1:, 0]), np.ones(63, np.float32), "another")


def test_memory_runs_out() -> None:
    with standing_in(capacity=1 << 20) as driver:
        x = xp.asarray(np.ones(1 << 16, np.float32), device="cuda")
        with pytest.raises(MemoryError, match="left"):
            np.asarray(xp.broadcast_to(x, (64, 1 << 16)) + 1.0)
        same(np.asarray(x + 1.0), np.full(1 << 16, 2, np.float32), "afterwards")
        del x
        assert driver.used < 1 << 12


def test_exchange(gpus: StandIn) -> None:
    import cupy

    x = xp.asarray(X, device="cuda:1") * 2.0
    assert x.__dlpack_device__() == (2, 1)
    assert x.__cuda_array_interface__["shape"] == (3, 4)
    assert x.__cuda_array_interface__["data"][1] is True
    with pytest.raises(AttributeError):
        xp.asarray(X).__cuda_array_interface__
    held = x._node.value
    assert isinstance(held, cupy.ndarray)
    y = xp.asarray(Foreign(held))
    assert y.device == "cuda:1" and y._node.value.data.ptr != held.data.ptr
    z = xp.asarray(Foreign(held), copy=False)
    assert z._node.value.data.ptr == held.data.ptr
    same(np.asarray(y + z), X * 4, "exchange")


@pytest.mark.parametrize("count", [1, 3, 512])
def test_cupy_takes_words_as_one_argument(count: int) -> None:
    """It refuses arrays of more than one element; what comes after is the driver's."""
    from cupy.cuda.function import Function

    function, stream = Function.__new__(Function), mock.Mock(ptr=0)
    given = by_value(range(count))
    assert given.tobytes() == np.arange(count, dtype=np.int64).tobytes()
    with pytest.raises(TypeError, match="size one"):
        function((1,), (1,), (np.zeros(2, np.int64),), 0, stream)
    if Driver().count():
        return  # a function that isn't one must not be launched
    with pytest.raises(RuntimeError, match="CUDA driver"):
        function((1,), (1,), (given,), 0, stream)


def test_cupy_has_what_it_is_asked_for() -> None:
    """Names that no stand-in looks at."""
    import cupy

    cuda = cupy.cuda
    asked = (
        "Device", "Event", "Graph", "MemoryPool", "Module", "Stream", "alloc_pinned_memory",
        "get_allocator", "get_current_stream", "get_elapsed_time", "set_allocator",
        "using_allocator",
    )  # fmt: skip
    assert all(hasattr(cuda, name) for name in asked)
    of_runtime = "deviceCanAccessPeer", "memGetInfo", "profilerStart", "streamCaptureModeRelaxed"
    assert all(hasattr(cuda.runtime, name) for name in of_runtime)
    of_stream = "begin_capture", "end_capture", "from_external", "record", "synchronize", "use"
    assert all(hasattr(cuda.Stream, name) for name in of_stream)
    of_event = "done", "record", "synchronize"
    assert all(hasattr(cuda.Event, name) for name in of_event)
    pools = cupy.get_default_memory_pool(), cupy.get_default_pinned_memory_pool()
    assert all(callable(pool.free_all_blocks) for pool in pools)
    assert all(hasattr(cuda.nvtx, f"Range{n}") for n in ("Push", "Pop", "Start", "End"))
    pointer = cuda.MemoryPointer(cuda.UnownedMemory(64, 32, None, 0), 0)
    assert (pointer.device_id, pointer.mem.size, (pointer + 8).ptr) == (0, 32, 72)
    assert cuda.get_allocator() is not None and Driver().cupy is cupy
    assert cuda.get_allocator().__name__ == "counted"


def test_profilers_are_told_by_cupy() -> None:
    """NVTX needs no device; CuPy's functions take different arguments."""
    from lazytensor.torch.cuda._gpu import Real

    real = Real()
    real.range_push("a")
    real.mark("b")
    real.range_pop()
    assert isinstance(real.range_start("c"), int)
    real.range_end(real.range_start("d"))


class Refused(RuntimeError):
    """What CuPy raises, which can't be made without a driver of the system's."""


@pytest.mark.parametrize("ends", [True, False])
def test_what_a_graph_cannot_do_is_told(ends: bool) -> None:
    """Launches are refused by CUDA's driver, not by its runtime; all else goes on as it is."""
    room, cupy = mock.MagicMock(), mock.MagicMock()
    room.stream.__exit__.return_value = cupy.cuda.using_allocator().__exit__.return_value = None
    cupy.cuda.runtime.CUDARuntimeError = type("Runtime", (RuntimeError,), {})
    cupy.cuda.driver.CUDADriverError = Refused
    cupy.cuda.cufft.CuFFTError = type("CuFFT", (RuntimeError,), {})
    room.stream.end_capture.side_effect = None if ends else cupy.cuda.runtime.CUDARuntimeError
    with mock.patch.object(Driver, "cupy", cupy):
        for error, told in ((Refused, Uncaptured), (MemoryError, MemoryError)):
            with pytest.raises(told), Driver().capturing(room):
                raise error
    assert room.stream.end_capture.call_count == room.stream.begin_capture.call_count == 2


def test_each_thread_has_its_products_rounded_as_it_says() -> None:
    """CuPy keeps that for all of them."""
    products, said = mock.Mock(), []
    products.set_compute_type = lambda dtype, kind: said.append(kind)
    product = functools.partial(Driver().call, params=())
    other = threading.Thread(target=product, args=(lambda cupy: None, ()))

    def slow(cupy: Any) -> Any:
        other.start()
        other.join(0.2)
        return said[-1]

    with mock.patch("lazytensor.runtime.gpu.driver._products", return_value=products):
        with config.context(tf32=True):
            assert product(slow, ()) is products.COMPUTE_TYPE_TF32
        other.join()
    assert said == [products.COMPUTE_TYPE_TF32, products.COMPUTE_TYPE_DEFAULT]


def test_numbers_are_sent_in_the_stream_that_reads_them(gpus: StandIn) -> None:
    places = set()
    for gpus.in_force in (0, 1, 0, 1):
        number = put(np.float32(3.25), device_of("cuda:0"))
        places.add(number.data.ptr)
        assert shown(number) == 3.25
    assert len(places) == 2


def windows_of(x: Node) -> list[Node]:
    """Of an array as it is, and of one backwards and with gaps."""
    part = g.slice(x, (0, 6, 0), (2, 7, 6), (1, -1, 2))
    return [g.windows(x, (2, 3), (3, 1), (2, 1)), g.windows(part, (3, 2), (1, 2), (1, 3))]


def test_windows_show_memory_of_a_device(gpus: StandIn) -> None:
    """A device isn't asked how large they are."""
    x = np.arange(2 * 7 * 11, dtype=np.int16).reshape(2, 7, 11)
    made = windows_of(leaf(x, device_of("cuda:1")))
    for got, want in zip(made, windows_of(leaf(x)), strict=True):
        bits(value(got), value(want), "windows")


def test_one_number_is_shown_in_memory_of_its_own(gpus: StandIn) -> None:
    """Equal constants share theirs, which others might write to."""
    x, y = (xp.asarray(1.5, device="cuda:1") for _ in range(2))
    for _ in range(2):
        at_x, at_y = (a.__cuda_array_interface__["data"][0] for a in (x, y))
        assert at_x != at_y and x._node.value.data.ptr == at_x
        shown(x._node.value)[...] = 3
        assert (float(x), float(y), float(xp.asarray(1.5, device="cuda:1"))) == (3, 1.5, 1.5)
        x = xp.asarray(np.asarray(1.5), device="cuda:1")
    assert xp.ones((), device="cuda:1").__cuda_array_interface__["shape"] == ()


def test_compiled_functions_of_numpy_arrays_and_numbers(gpus: StandIn) -> None:
    """They are taken where arrays are made if nothing says where, as without `jit`."""

    @xp.jit
    def f(x: Any, n: Any) -> Any:
        x += 1
        return x * n, n + 1

    with config.context(default_device="cuda:1"):
        for n in (2, 3.5):
            memory = np.array(X)
            scaled, number = f(memory, n)
            assert (scaled.device, number) == ("cuda:1", n + 1)
            assert type(number) is type(n)
            same(memory, X + 1, "written to")
            same(np.asarray(scaled), (X + 1) * np.float32(n), "computed")
        itself = xp.jit(lambda x: xp.reshape(x, x.shape))(X)
        assert itself.device == "cuda:1" and itself.__cuda_array_interface__["shape"] == X.shape


def test_a_state_that_is_donated_stays_where_it_is(gpus: StandIn) -> None:
    @functools.partial(xp.jit, donate_argnums=0)
    def step(state: Any, change: Any) -> Any:
        mean, x = state
        mean = mean * 0.5 + change
        return mean, x - mean

    change = xp.ones((160, 161), device="cuda")
    with config.context(cuda_graphs=False):
        state = step((change + 1.0, change + 2.0), change)
        places = {x._node.value.data.ptr for x in state}
        for _ in range(3):
            with counting() as done:
                state = step(state, change)
            assert done.bytes == 0
            assert {x._node.value.data.ptr for x in state} == places
    same(np.asarray(state[0][0, :2]), np.asarray([2.0, 2.0]), "mean")


def test_complex_powers_at_infinity(gpus: StandIn) -> None:
    parts = [-np.inf, -1.5, 0.5, np.inf, np.nan]
    numbers = np.array([complex(a, b) for a in parts for b in parts])
    for z in (numbers, numbers.astype(np.complex64)):
        z, w = np.broadcast_arrays(z[:, None], z)
        with np.errstate(all="ignore"):
            want = z**w
        got = np.asarray(xp.pow(*(xp.asarray(x, device="cuda") for x in (z, w))))
        for part in ("real", "imag"):
            of = getattr(got, part), getattr(want, part)
            np.testing.assert_allclose(*of, rtol=1e-5, err_msg=part)


def test_scipy_writes_to_what_it_is_given(gpus: StandIn) -> None:
    ndimage = pytest.importorskip("scipy.ndimage")
    out, image = xp.zeros((3, 4), device="cuda:1"), xp.asarray(X, device="cuda:1")
    ndimage.uniform_filter(image[:2], 3, output=out[1:])
    want = np.zeros((3, 4))
    ndimage.uniform_filter(X[:2], 3, output=want[1:])
    assert (out.device, image.device) == ("cuda:1", "cuda:1")
    same(np.asarray(out), want, "written")
    same(np.asarray(out + image), want + X, "read on the device")


def test_texts_are_compiled_by_cupy() -> None:
    """By NVRTC, which needs no device."""
    nvrtc()
    driver, options = Driver(), (*OPTIONS, "--gpu-architecture=sm_90")
    text = 'extern "C" __global__ void k(float *x) { x[threadIdx.x] += 1; }'
    assert driver.compile(text, options)[:4] == b"\x7fELF"
    with pytest.raises(RuntimeError, match="undefined"):
        driver.compile(text.replace("+= 1", "+= y"), options)


def test_without_a_gpu_nothing_of_cupy_is_loaded() -> None:
    code = (
        "import sys, numpy, lazytensor as xp; xp.asarray(numpy.ones(3)) + 1.0\n"
        "assert 'cupy' not in sys.modules and 'lazytensor.runtime.gpu' not in sys.modules"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
