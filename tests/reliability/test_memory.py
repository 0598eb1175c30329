"""Memory: what is never asked for, what changes shape, what failed: nothing of it piles up.

Growth is that of the resident set of a process of its own, after a warm-up, at its greatest.
"""

import gc
import os
import subprocess
import sys
import textwrap
import time
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import lazytensor as xp
from lazytensor._base import config
from lazytensor.ir.graph import linearize
from lazytensor.runtime import cache, pending

STATM = "/proc/self/statm"
of_the_process = pytest.mark.cpu("the memory of a process, which that of GPUs is no part of")
MB = 1 << 20

MEASURED = """
    import gc, os, sys
    import numpy as np
    import lazytensor as xp

    with xp.config.context(execution="compile"):  # the compiler is loaded, which is no growth
        np.asarray(xp.exp(xp.ones(3)) * 2.0)

    def resident():
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def growth(step, count, warm):
        for i in range(warm):
            step(i)
        before = most = resident()
        for i in range(warm, count):
            step(i)
            if i % 64 == 0:
                most = max(most, resident())
        return max(most, resident()) - before
"""


def child(code: str, *args: object, env: dict[str, str] | None = None) -> list[str]:
    """The words that code prints in a fresh process."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(MEASURED) + textwrap.dedent(code), *map(str, args)],
        capture_output=True,
        text=True,
        timeout=280,
        env={**os.environ, **(env or {})},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


needs_statm = pytest.mark.skipif(
    not os.path.exists(STATM), reason="the resident set is read from /proc"
)

NEVER_ASKED = """
    x = xp.asarray(np.arange(10.0))
    state = [x]
    def step(i):
        y = state[0] * 1.0000001 + 1e-9
        state[0] = y - x * 1e-9
    print(growth(step, int(sys.argv[1]) // 4, 10_000))
"""


@needs_statm
@of_the_process
def test_operations_never_asked_for(effort):
    (grown,) = child(NEVER_ASKED, effort(200_000, 1_000_000))
    assert int(grown) < 50 * MB


METRIC = """
    total = [xp.zeros((), dtype=xp.float64)]
    def step(i):
        batch = xp.asarray(np.full(16, float(i % 5)))
        total[0] = total[0] + xp.sum(batch * 2.0)
    n = int(sys.argv[1])
    grown = growth(step, n, 5_000)
    print(grown, float(total[0]), sum(32.0 * (i % 5) for i in range(n)))
"""


@needs_statm
@of_the_process
def test_a_metric_summed_and_never_read(effort):
    grown, got, want = child(METRIC, effort(50_000, 100_000))
    assert int(grown) < 20 * MB
    assert got == want


LONG_BODY = """
    total = [xp.zeros(())]
    def step(i):
        y = xp.asarray(np.full(8, float(i % 5)))
        for k in range(15):
            y = y + 1.0
        total[0] = total[0] + y[0]
    n = int(sys.argv[1])
    print(growth(step, n, n // 2), float(total[0]), sum(15.0 + i % 5 for i in range(n)))
"""


@needs_statm
@of_the_process
def test_a_sum_over_a_body_of_twenty_operations(effort):
    """Whatever the period of a loop, looking now and then meets the node that it carries. What is
    pending is compiled when it has come often, which takes 20 MB once.
    """
    grown, got, want = child(LONG_BODY, effort(8_000, 100_000))
    assert int(grown) < 20 * MB
    assert got == want


IN_PLACE = """
    total = xp.zeros(8)
    one = xp.ones(8)
    def step(i):
        global total
        total += one
        total[i % 8] = 0.0
    print(growth(step, int(sys.argv[1]), 5_000))
"""


@needs_statm
@of_the_process
def test_writing_in_place_and_never_reading(effort):
    (grown,) = child(IN_PLACE, effort(30_000, 300_000))
    assert int(grown) < 50 * MB


SHAPES = """
    def step(i):
        n = 1 + i % 977
        x = xp.asarray(np.ones(n))
        assert float(xp.sum(x * 2.0 + 1.0)) == 3.0 * n
        m = xp.reshape(xp.arange(2 * (1 + i % 53), dtype=xp.float64), (2, -1))
        xp.materialize(xp.exp(m) - xp.max(m, axis=1, keepdims=True), m.T)
    print(growth(step, int(sys.argv[1]), 4_000))
"""


@needs_statm
@of_the_process
@pytest.mark.parametrize("mode", ["auto", "compile"])
def test_steps_of_changing_shapes(mode, effort):
    count = effort(9_000, 100_000) if mode == "auto" else effort(7_000, 50_000)
    (grown,) = child(SHAPES, count, env={"LAZYTENSOR_EXECUTION": mode})
    assert int(grown) < 20 * MB


TRAINING = """
    import lazytensor.torch as torch

    net = torch.nn.Sequential(
        torch.nn.Linear(24, 32), torch.nn.GELU(), torch.nn.LayerNorm(32), torch.nn.Linear(32, 5)
    )
    optimizer = torch.optim.Adam(net.parameters())
    rng = np.random.default_rng(1)
    def step(i):
        n = 1 + i * 7 % 61
        x = torch.from_numpy(rng.standard_normal((n, 24)).astype(np.float32))
        y = torch.from_numpy(rng.integers(0, 5, n))
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(net(x), y)
        loss.backward()
        optimizer.step()
        assert loss.item() < 5.0
    print(growth(step, int(sys.argv[1]), 500))
"""


@needs_statm
@of_the_process
@pytest.mark.parametrize("mode", ["auto", "compile"])
def test_training_on_batches_of_changing_sizes(mode, effort):
    (grown,) = child(TRAINING, effort(1_200, 10_000), env={"LAZYTENSOR_EXECUTION": mode})
    assert int(grown) < 20 * MB


STRUCTURES = """
    base = xp.asarray(np.linspace(0, 1, 12))
    functions = [xp.sin, xp.exp, xp.abs, xp.square, xp.floor, xp.tanh]
    def step(i):
        y, k = base, i
        for _ in range(12):
            k, which = divmod(k, 6)
            y = functions[which](y) + k % 3
        xp.materialize(y)
    print(growth(step, int(sys.argv[1]), 3_000))
"""


@needs_statm
@of_the_process
def test_programs_of_ever_new_structure(effort):
    """Keys are kept to a cap: programs that never repeat grow no cache without end."""
    count = effort(6_000, 60_000)
    (grown,) = child(STRUCTURES, count, env={"LAZYTENSOR_GRAPH_CACHE": "20000"})
    assert int(grown) < 20 * MB


LARGE = """
    gc.disable()
    def step(i):
        x = xp.asarray(np.full(1 << 20, float(i)))
        y = xp.sqrt(x * x) + 1.0
        assert float(xp.max(y)) == i + 1.0
        try:
            xp.materialize(xp.take(y, xp.asarray([1 << 20])))
        except IndexError:
            return
        raise AssertionError("not refused")
    print(growth(step, int(sys.argv[1]), 3))
"""


@needs_statm
@of_the_process
@pytest.mark.parametrize("mode", ["auto", "interpret", "compile"])
def test_large_arrays_with_the_garbage_collector_off(mode, effort):
    (grown,) = child(LARGE, effort(60, 300), env={"LAZYTENSOR_EXECUTION": mode})
    assert int(grown) < 200 * MB


NEVER_READ_LARGE = """
    gc.disable()
    total = [xp.zeros(())]
    def step(i):
        total[0] = total[0] + xp.sum(xp.asarray(np.full(1 << 20, float(i))))
    n = int(sys.argv[1])
    print(growth(step, n, 3), float(total[0]), sum(range(n)) * float(1 << 20))
"""


@needs_statm
@of_the_process
def test_large_arrays_in_a_sum_that_is_never_read(effort):
    grown, got, want = child(NEVER_READ_LARGE, effort(60, 300))
    assert int(grown) < 200 * MB
    assert got == want


# --- freed by reference counts alone --------------------------------------------------------------


def freed(use: Callable[[xp.Array], Any]) -> bool:
    """Whether the memory of an array is free once nothing but `use` had it."""
    x = xp.asarray(np.linspace(0.5, 1.5, 60).reshape(5, 12))
    xp.materialize(x)
    dead = weakref.ref(x._node.value)
    use(x)
    del x
    return dead() is None


def refused(call: Callable[[], Any], *errors: type[Exception]) -> None:
    with pytest.raises(errors):
        call()


# A GPU tells of a bad index or matrix when a value is read, not when it is computed.
USES: dict[str, Callable[[xp.Array], Any]] = {
    "pending": lambda x: xp.exp(x) * x,
    "computed": lambda x: float(xp.sum(xp.exp(x) * x)),
    "kept twice": lambda x: xp.materialize(x + 1.0, xp.sum(x + 1.0, axis=0)),
    "views": lambda x: xp.materialize(x[1:3].T, x[::-1], xp.reshape(x, (12, 5))),
    "written": lambda x: x.__setitem__((0, slice(None)), 2.0),
    "in place": lambda x: x.__iadd__(1.0),
    "linalg": lambda x: xp.materialize(*xp.linalg.svd(x)),
    "indices": lambda x: xp.materialize(xp.take(x, xp.asarray([3, 1]), axis=0), *xp.nonzero(x)),
    "shown": repr,
    "exported": np.asarray,
    "gradient": lambda x: xp.materialize(xp.grad(lambda a: xp.sum(xp.tanh(a) ** 2))(x)),
    "batched": lambda x: xp.materialize(xp.vmap(lambda a: xp.sum(a * 2.0))(x)),
    "shapes that differ": lambda x: refused(lambda: x + xp.ones(7), ValueError),
    "out of range": lambda x: refused(lambda: x[7], IndexError),
    "out of range, late": lambda x: refused(
        lambda: repr(xp.take(xp.exp(x), xp.asarray([50]), axis=0)), IndexError
    ),
    "no such axis": lambda x: refused(lambda: xp.sum(x, axis=5), IndexError),
    "a bad function": lambda x: refused(lambda: xp.grad(lambda a: a)(x), ValueError, TypeError),
    "singular": lambda x: refused(
        lambda: repr(xp.linalg.inv(x[:5, :5] * 0.0)), np.linalg.LinAlgError
    ),
}


@pytest.mark.parametrize("mode", ["interpret", "compile", "auto"])
@pytest.mark.parametrize("name", USES)
def test_memory_is_free_without_the_garbage_collector(name, mode):
    USES[name](xp.ones((5, 12)))
    gc.collect()
    gc.disable()
    try:
        with config.context(execution=mode):
            assert freed(USES[name])
    finally:
        gc.enable()


def test_an_array_in_a_cycle_is_seen_as_not_free():
    """The check itself: a cycle through the array keeps its memory."""
    gc.disable()
    try:
        kept: list[Any] = []

        def use(x: xp.Array) -> None:
            cycle: list[Any] = [x]
            cycle.append(cycle)
            kept.append(weakref.ref(x))

        assert not freed(use)
    finally:
        gc.enable()
        gc.collect()
    assert kept[0]() is None


# --- deep and wide --------------------------------------------------------------------------------


def chain(length: int) -> xp.Array:
    x = y = xp.asarray(np.arange(4.0))
    for _ in range(length):
        y = y + x
    return y


def fan(width: int) -> xp.Array:
    x = xp.asarray(np.arange(4.0))
    parts = [x * float(i) for i in range(width)]
    while len(parts) > 1:
        rest = parts[len(parts) // 2 * 2 :]
        parts = [a + b for a, b in zip(parts[::2], parts[1::2], strict=False)] + rest
    return parts[0]


WANT: dict[Callable[[int], xp.Array], Callable[[int], float]] = {
    chain: lambda n: n + 1.0,
    fan: lambda n: n * (n - 1) / 2.0,
}


def spent(build: Callable[[int], xp.Array], size: int) -> float:
    """Seconds of building, computing and dropping a graph that was never seen before."""
    cache.CACHE.clear()
    start = time.process_time()
    y = build(size)
    got = np.asarray(y)
    del y
    seconds = time.process_time() - start
    np.testing.assert_array_equal(got, np.arange(4.0) * WANT[build](size))
    return seconds


@pytest.fixture
def shallow():
    limit = sys.getrecursionlimit()
    frame: Any = sys._getframe()
    depth = 0
    while frame is not None:
        frame, depth = frame.f_back, depth + 1
    sys.setrecursionlimit(depth + 200)
    yield
    sys.setrecursionlimit(limit)


@pytest.mark.parametrize("build", [chain, fan])
@pytest.mark.parametrize("cut", [True, False], ids=["as it comes", "pending all at once"])
def test_a_hundred_thousand_operations_take_linear_time(build, cut, shallow):
    limit = config.get("max_pending") if cut else 10**7
    with config.context(max_pending=limit):
        pending.settle()
        spent(build, 1_000)
        small = min(spent(build, 4_000) for _ in range(3))
        large = min(spent(build, 100_000) for _ in range(2 if build is chain else 1))
    pending.settle()
    # 25 times the work; were it quadratic, 625 times the time
    assert large < 150 * small


def test_a_hundred_thousand_operations_are_pending_together(shallow):
    """The test above has in fact a graph of this size to look at."""
    with config.context(max_pending=10**7):
        pending.settle()
        y = chain(100_000)
        assert len(linearize([y._node]).order) >= 100_000
        del y
    pending.settle()


UNDER_200 = """
    sys.setrecursionlimit(200)
    x = y = xp.asarray(np.arange(4.0))
    for _ in range(100_000):
        y = y + x
    assert y.tolist() == [0.0, 100_001.0, 200_002.0, 300_003.0]
    parts = [x * float(i) for i in range(100_000)]
    total = xp.concat(parts)
    assert float(xp.max(total)) == 3.0 * 99_999
    del parts, total, y
    print("done")
"""


@needs_statm
@pytest.mark.parametrize("pending_at_once", [pytest.param(8192, marks=pytest.mark.slow), 10**7])
def test_a_recursion_limit_of_200(pending_at_once):
    env = {"LAZYTENSOR_MAX_PENDING": str(pending_at_once)}
    assert child(UNDER_200, env=env) == ["done"]


LOOPS = {
    "arrays": """
        import lazytensor as xp
        state = [xp.ones((256, 256))]
        w = xp.ones((256, 256)) / 256
        def step():
            y = xp.sin(state[0] @ w)
            state[0] = state[0] + 0.1 * y
            float(xp.sum(y))
    """,
    "tensors": """
        import lazytensor.torch as torch
        state = [torch.ones(256, 256)]
        w = torch.ones(256, 256) / 256
        def step():
            y = torch.sin(state[0] @ w)
            state[0] = state[0] + 0.1 * y
            y.sum().item()
    """,
    "a learning loop": """
        import lazytensor.torch as torch
        x, w = torch.ones(256, 256), torch.ones(256, 256, requires_grad=True)
        def step():
            loss = torch.sin(x @ w).sum()
            loss.backward()
            with torch.no_grad():
                w.sub_(0.1 * w.grad)
            w.grad = None
            loss.item()
    """,
    "losses that stay": """
        import lazytensor.torch as torch
        x, w, losses = torch.ones(256, 256), torch.ones(256, 256, requires_grad=True), []
        optimizer = torch.optim.SGD([w], lr=0.1)
        def step():
            optimizer.zero_grad()
            losses.append(torch.sin(x @ w).sum())
            losses[-1].backward()
            optimizer.step()
            losses[-1].item()
    """,
}


@pytest.mark.parametrize("loop", LOOPS)
def test_values_asked_for_before_the_state_is_computed(loop):
    """What a loop carries is pending when the next round is built on it: its past goes all the
    same, once values were seen.
    """
    code = textwrap.dedent(LOOPS[loop]) + textwrap.dedent("""
        from lazytensor.runtime.buffers import POOL
        used = []
        for i in range(40):
            step()
            used.append(POOL.held() - POOL.free())
        print(max(used[8:24]), max(used[24:]))
    """)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    early, late = map(int, done.stdout.split())
    assert late <= early
