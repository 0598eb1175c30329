"""CUDA graphs of plans that are run again and again: what is copied, launched and written over for
them, counted on the stand-in.
"""

import random
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import lazytensor as xp
from benchmarks.cpu.training import mlp_batch, mlp_state, mlp_step
from lazytensor._base import config
from lazytensor.runtime import gpus as gpus_of_process
from lazytensor.runtime.gpu.graphs import MOST_GRAPHS, MOST_RESULTS

from .stand_in import StandIn, standing_in

pytest.importorskip("cupy", reason="no CuPy, whose arrays are used")
N = 1 << 15


@pytest.fixture
def gpus() -> Iterator[StandIn]:
    with standing_in(count=1) as driver, config.context(default_device="cuda:0"):
        yield driver


def there(x: Any) -> Any:
    out = xp.asarray(x)
    xp.materialize(out)
    return out


def moved(driver: StandIn, run: Callable[[], Any]) -> tuple[int, int, int]:
    """Graphs launched, copies within the device, copies from the host."""
    before = driver.replays, driver.copies, driver.puts
    run()
    after = driver.replays, driver.copies, driver.puts
    return tuple(b - a for a, b in zip(before, after, strict=True))  # type: ignore[return-value]


def test_fourier_transforms_are_captured(gpus: StandIn) -> None:
    """Forwards, back and of real numbers, along any axis; plans are made before, and kept."""
    rng = np.random.default_rng(0)

    def step(x: Any) -> Any:
        y = xp.fft.fft(xp.fft.rfft(x, axis=1), axis=0)
        return xp.fft.irfft(xp.fft.ifft(y * 2, axis=0), n=9, axis=1) + 1

    compiled = xp.jit(step)
    for kind in (np.float32, np.float64):
        inputs = [rng.standard_normal((6, 9)).astype(kind) for _ in range(3)]
        placed = [there(x) for x in inputs]
        for i in range(12):
            if i == 8:
                done, plans = gpus.replays, gpus.plans
            y = compiled(placed[i % 3])
            np.testing.assert_allclose(np.asarray(y), 2 * inputs[i % 3] + 1, 1e-5, 1e-5)
            if i == 9:
                gpus_of_process.loaded().transforms.forget()
        assert gpus.replays - done == 4 and gpus.plans == plans <= 16


@pytest.mark.parametrize("donated", [True, False])
@pytest.mark.parametrize("sizes", [(16, 32, 24, 24, 10), (16, 160, 128, 136, 10)])
def test_a_training_step_is_one_launch_without_copies(
    gpus: StandIn, sizes: tuple[int, ...], donated: bool
) -> None:
    rng = np.random.default_rng(0)
    start, batches = mlp_state(rng, *sizes), [mlp_batch(rng, *sizes) for _ in range(2)]
    found = []
    for device in ("cpu", "cuda:0"):
        with config.context(default_device=device):
            state = {k: there(v) for k, v in start.items()}
            placed = [tuple(map(there, b)) for b in batches]
            step = xp.jit(lambda s, x, y: mlp_step(xp, s, x, y), donate_argnums=(0,) * donated)
            losses = []
            for i in range(24):
                if i == 16 and device == "cuda:0":
                    done = gpus.replays, gpus.copies, gpus.puts
                state, loss = step(state, *placed[i % 2])
                if i % 5 == 0:
                    losses.append(float(loss))
            found.append((losses, [np.asarray(v) for v in state.values()]))
    assert (gpus.replays - done[0], gpus.copies - done[1], gpus.puts - done[2]) == (8, 0, 0)
    np.testing.assert_allclose(found[0][0], found[1][0], rtol=1e-5)
    for here, out in zip(found[0][1], found[1][1], strict=True):
        np.testing.assert_allclose(here, out, rtol=1e-4, atol=1e-5)


def test_what_is_given_away_is_written_over(gpus: StandIn) -> None:
    run = xp.jit(lambda w, g: w - 0.5 * g, donate_argnums=0)
    w, g = there(np.ones(N, np.float32)), there(np.ones(N, np.float32))
    for _ in range(6):
        w = run(w, g)
    used, address = gpus.used, w._node.value.data.ptr
    for _ in range(4):
        w = run(w, g)
        assert w._node.value.data.ptr == address
    assert gpus.used == used and gpus.replays == 7
    np.testing.assert_array_equal(np.asarray(w), np.full(N, -4, np.float32))


def test_what_somebody_else_has_is_not_written_over(gpus: StandIn) -> None:
    """Though it was when the graph was captured: a view of it, and CuPy's array itself."""
    run = xp.jit(lambda w, g: w - 0.5 * g, donate_argnums=0)
    w, g = there(np.ones(N, np.float32)), there(np.ones(N, np.float32))
    for i in range(16):
        kept = w._node.value if i % 4 == 0 else w._node.value[3:] if i % 4 == 1 else None
        before = None if kept is None else gpus_of_process.loaded().read(kept).copy()
        w = run(w, g)
        xp.materialize(w)
        if kept is not None:
            np.testing.assert_array_equal(gpus_of_process.loaded().read(kept), before)
    np.testing.assert_array_equal(np.asarray(w), np.full(N, -7, np.float32))


def test_held_results_are_never_overwritten(gpus: StandIn) -> None:
    """Whatever is held how long, and wherever inputs come from."""
    run = xp.jit(lambda x, y: (xp.exp(x * 0.25) + y, xp.sum(x - y), y, x.mT @ y))
    rng = random.Random(3)
    held: list[tuple[Any, Any]] = []
    some = [np.float32(rng.random()) * np.ones((3, 4), np.float32) for _ in range(4)]
    for step in range(120):
        given = []
        for _ in range(2):
            same = [h for h in held if h[1].shape == (3, 4)]
            if same and rng.random() < 0.5:
                given.append(rng.choice(same))
            else:
                host = rng.choice(some) + np.float32(step % 7)
                given.append((there(host), host))
        (x, a), (y, b) = given
        outs = run(x, y)
        wants = np.exp(a * np.float32(0.25)) + b, np.sum(a - b), b, a.T @ b
        held += [pair for pair in zip(outs, wants, strict=True) if rng.random() < 0.4]
        while len(held) > rng.randrange(2, 9):
            held.pop(rng.randrange(len(held)))
        for out, want in held:
            np.testing.assert_allclose(np.asarray(out), want, rtol=1e-5, atol=1e-5)
        del outs, x, y, given
    assert gpus.replays > 60


def test_losses_that_are_kept_are_copied(gpus: StandIn) -> None:
    """Each of them is held for ever: after a while they are copied, and nothing else is."""
    run = xp.jit(lambda w: (w - 0.5, xp.sum(w)))
    w, losses = there(np.ones(8, np.float32)), []
    for i in range(24):
        w, loss = run(w)
        losses.append(loss)
        if i == 15:
            done = gpus.replays, gpus.copies
    assert (gpus.replays - done[0], gpus.copies - done[1]) == (8, 8)
    assert [float(x) for x in losses] == [8 - 4 * i for i in range(24)]


def test_inputs_at_ever_new_addresses_are_copied(gpus: StandIn) -> None:
    run = xp.jit(lambda x, y: xp.sum(xp.exp(x) * y))
    y = there(np.ones(8, np.float32))
    inputs = [there(np.full(8, i / 64, np.float32)) for i in range(4 + 2 * MOST_GRAPHS)]
    outs = [float(run(x, y)) for x in inputs[:-MOST_GRAPHS]]
    counts = moved(gpus, lambda: outs.extend(float(run(x, y)) for x in inputs[-MOST_GRAPHS:]))
    assert counts == (MOST_GRAPHS, MOST_GRAPHS, 0)
    np.testing.assert_allclose(outs, [8 * np.exp(i / 64) for i in range(len(inputs))], rtol=1e-5)


def test_large_inputs_at_ever_new_addresses_are_not(gpus: StandIn) -> None:
    """Copying them takes longer than launching kernels: no graph."""
    run = xp.jit(lambda x: xp.sum(x * 2.0))
    inputs = [there(np.ones(2 << 20, np.float32)) for _ in range(MOST_GRAPHS + 5)]
    for x in inputs:
        assert float(run(x)) == 4 << 20
    assert moved(gpus, lambda: [run(x) for x in inputs]) == (0, 0, 0)


def test_numbers_are_sent_when_they_change(gpus: StandIn) -> None:
    run = xp.jit(lambda x, rate: x * rate)
    x = there(np.ones(8, np.float32))
    for _ in range(6):
        run(x, 0.5)
    for rate, puts in ((0.5, 0), (0.75, 1), (0.75, 0), (0.5, 1)):
        assert moved(gpus, lambda rate=rate: run(x, rate)) == (1, 0, puts)  # type: ignore[misc]
    assert np.asarray(run(x, 7.5))[0] == 7.5


def test_memory_of_graphs_is_given_back_at_once(gpus: StandIn) -> None:
    """Also that of several for one plan: without the collector of cycles."""
    run = xp.jit(lambda x: (xp.sin(xp.exp(x) @ x.mT), xp.cos(x)))
    x = there(np.ones((64, 64), np.float32))
    run(x)
    used, kept = gpus.used, []
    for _ in range(12):
        kept = [*kept[-1:], run(x)]
    assert gpus.replays == 10 and gpus.used > used
    del kept
    gpus_of_process.clear()
    assert gpus.used <= used
    before = gpus.replays
    run(x)
    assert gpus.replays == before


def test_graphs_come_back_after_a_while(gpus: StandIn) -> None:
    """When their memory was given up: later each time."""
    run = xp.jit(lambda x: xp.sin(x) * 2.0)
    x = there(np.ones(8, np.float32))
    for wait in (3, 32, 64):
        assert moved(gpus, lambda wait=wait: [run(x) for _ in range(wait)])[0] == 0  # type: ignore[misc]
        assert moved(gpus, lambda: run(x))[0] == 1
        gpus_of_process.clear()


def test_arrays_that_lie_otherwise_have_graphs_of_their_own(gpus: StandIn) -> None:
    run = xp.jit(lambda x: x * 2.0 + 1.0)
    x = there(np.arange(16, dtype=np.float32).reshape(4, 4))
    turned = x.mT
    xp.materialize(turned)
    for _ in range(5):
        for each in (x, turned):
            np.testing.assert_array_equal(np.asarray(run(each)), np.asarray(each) * 2 + 1)
    assert gpus.replays == 7


def test_results_are_as_many_as_are_held_in_turn(gpus: StandIn) -> None:
    run = xp.jit(lambda x: xp.exp(x))
    x = there(np.ones(N, np.float32))
    kept: list[Any] = []
    places: list[int] = []
    for _ in range(12):
        del kept[: 1 - MOST_RESULTS]
        kept.append(run(x))
        places.append(kept[-1]._node.value.data.ptr)
    assert len(set(places[3:])) == MOST_RESULTS
    assert gpus.copies == 0


def test_calls_that_come_often_are_written_out(gpus: StandIn) -> None:
    """With what is donated, numbers, other shapes in between, and integers that don't fit."""
    run = xp.jit(lambda s, x, k: ({"w": s["w"] + x * k, "n": s["n"] + k}, x), donate_argnums=0)
    state = {"w": there(np.zeros(N, np.float32)), "n": there(np.zeros(3, np.int32))}
    x, small = there(np.ones(N, np.float32)), there(np.ones(4, np.float32))
    for i in range(40):
        before = state
        state, same = run(state, x, i % 3)
        assert same is x
        with pytest.raises(ValueError, match="donated"):
            np.asarray(before["w"])
        if i % 10 == 9:
            other = {"w": there(np.zeros(4, np.float32)), "n": there(np.zeros(3, np.int32))}
            np.testing.assert_array_equal(np.asarray(run(other, small, 2)[0]["w"]), np.full(4, 2))
    np.testing.assert_array_equal(np.asarray(state["w"]), np.full(N, 39))
    np.testing.assert_array_equal(np.asarray(state["n"]), np.full(3, 39))
    with pytest.raises(OverflowError):
        run(state, x, 1 << 40)
    np.testing.assert_array_equal(np.asarray(state["n"]), np.full(3, 39))
    assert gpus.replays > 30


def test_a_written_call_without_memory() -> None:
    with standing_in(count=1, capacity=1 << 18) as driver, config.context(default_device="cuda:0"):
        run = xp.jit(lambda x: xp.exp(x) * 2.0)
        x = there(np.zeros(1 << 14, np.float32))
        kept = [run(x)]
        for _ in range(24):
            kept = [run(x)]
        with pytest.raises(MemoryError) as caught:
            kept += [run(x) for _ in range(8)]
        assert "lazytensor/runtime" not in "".join(str(f.path) for f in caught.traceback)
        assert driver.replays > 10
        np.testing.assert_array_equal(np.asarray(run(x)), np.full(1 << 14, 2, np.float32))


def test_a_graph_for_which_there_is_no_memory() -> None:
    """Steps are run one by one, and it is tried again later."""
    with standing_in(count=1, capacity=1 << 18) as driver, config.context(default_device="cuda:0"):
        run = xp.jit(lambda x: xp.sin(x) * 2.0)
        x = there(np.zeros(1 << 14, np.float32))
        kept: list[Any] = [run(x + 1.0) for _ in range(2)]
        for _ in range(4):
            run(x)
        assert driver.replays == 0
        kept.clear()
        for _ in range(40):
            run(x)
        assert 0 < driver.replays < 20
        np.testing.assert_array_equal(np.asarray(run(x)), np.zeros(1 << 14, np.float32))
