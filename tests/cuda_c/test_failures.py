"""What only data can make wrong: what comes from it raises whenever it is asked for, and nothing
else does; on the stand-in.
"""

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import numpy as np
import pytest

import lazytensor as xp
from lazytensor import torch
from lazytensor._base import config
from lazytensor._base.devices import device as named
from lazytensor.ir.node import describe_line, leaf
from lazytensor.ops import g
from lazytensor.runtime.gpu import checks, runs

from .stand_in import StandIn, standing_in

pytest.importorskip("cupy", reason="no CuPy, whose arrays are used")
X = np.arange(12, dtype=np.float32).reshape(3, 4) / 8 - 1
GOOD, BAD = [0, 2], [0, 9]


@pytest.fixture
def gpus() -> Iterator[StandIn]:
    runs._untold.clear()
    with standing_in() as driver:
        yield driver


def there(x: Any) -> Any:
    return xp.asarray(x, device="cuda")


def computed(x: Any) -> Any:
    """Without a look at it."""
    xp.materialize(x)
    return x


def raises(x: Any, message: str = "index 9 is out of bounds") -> None:
    for _ in range(2):
        with pytest.raises(IndexError, match=rf"{message}.*test_failures.py:\d+"):
            np.asarray(x)


def test_bad_indices(gpus: StandIn) -> None:
    """At the line that took elements, for all that comes of them, before and after it is known; all
    else goes on.
    """
    x, i = there(X), there(BAD)
    y = computed(xp.take(x, i, axis=0) + 1.0)
    before = computed(y * 2.0), computed(y[1:]), computed(y.mT), computed(y[0, 0])
    beside = computed(x * 2.0)
    np.testing.assert_array_equal(np.asarray(beside), X * 2)
    np.testing.assert_array_equal(np.asarray(there(X)), X)
    for each in (y, *before):
        raises(each)
    raises(computed(y - 1.0))
    raises(computed(before[2] + there(X.T[:, :2])))
    raises(xp.concat([x, y]))
    np.testing.assert_array_equal(np.asarray(x + 1.0), X + 1)
    np.testing.assert_array_equal(np.asarray(xp.take(x, i % 3, axis=0)), X[[0, 0]])


def test_as_on_the_cpu(gpus: StandIn) -> None:
    """The same words, as often."""
    for device in ("cpu", "cuda"):
        y = xp.take(xp.asarray(X, device=device), xp.asarray(BAD, device=device), axis=0)
        raises(y + 1.0)


@pytest.mark.parametrize("wrong", ["taken", "written", "both"])
def test_rows_that_are_added_to_others(gpus: StandIn, wrong: str) -> None:
    """One kernel stands for two calls: each is told of at its own line, as on the CPU."""
    good, bad = np.arange(300) % 40, np.where(np.arange(300) == 7, 90, 3)
    taken, written = (bad if wrong in (each, "both") else good for each in ("taken", "written"))
    x, nothing, found = np.ones((40, 64)), np.zeros((40, 64)), {}
    for device in map(named, ("cpu", "cuda:0")):
        rows = g.gather([leaf(x, device), leaf(taken, device)])
        sums = g.scatter_add([leaf(nothing, device), rows, leaf(written, device)])
        line = describe_line((sums if wrong == "written" else rows).where)
        del rows
        with config.context(execution="compile"), pytest.raises(IndexError) as caught:
            np.asarray(xp.Array(sums))
        found[device] = str(caught.value)
    assert "test_failures.py" in line and len(found) == 2
    text = f"index 90 is out of bounds for axis 0 of size 40 (array made at {line})"
    assert set(found.values()) == {text}


def test_the_first_failure_is_told_of(gpus: StandIn) -> None:
    """Of what two failures go into."""
    x = there(X)
    first = computed(xp.take(x, there([7]), axis=0))
    second = computed(xp.take(x, there([8]), axis=0))
    raises(computed(second + first), "index 7")
    raises(second, "index 8")
    raises(computed(xp.take(x, xp.astype(first[0] * 0 + 9, xp.int64), axis=0)), "index 7")


ASKING: dict[str, Callable[[Any, Any], Any]] = {
    "interface": lambda y, t: y.__cuda_array_interface__,
    "DLPack": lambda y, t: y.__dlpack__(),
    "float": lambda y, t: float(y[0, 0]),
    "to the host": lambda y, t: xp.materialize(y.to_device("cpu") + 1.0),
    "to another": lambda y, t: computed(y.to_device("cuda:1") + 1.0).tolist(),
    "tensor to the host": lambda y, t: t.cpu().tolist(),
    "item": lambda y, t: t.sum().item(),
    "tensor to another": lambda y, t: t.to("cuda:1").tolist(),
    "tensor's interface": lambda y, t: t.__cuda_array_interface__,
    "address": lambda y, t: t.data_ptr(),
}


@pytest.mark.parametrize("name", ASKING)
def test_who_asks_in_other_ways(gpus: StandIn, name: str) -> None:
    y = computed(xp.take(there(X), there(BAD), axis=0))
    t = torch.tensor(X, device="cuda").index_select(0, torch.tensor(BAD, device="cuda")) + 0
    for _ in range(2):
        with pytest.raises(IndexError, match="out of"):
            ASKING[name](y, t)


def test_what_nobody_asks_for_is_told_when_a_device_is_waited_for(gpus: StandIn) -> None:
    """Once."""
    x = torch.tensor(X, device="cuda")
    keep = xp.take(there(X), there(BAD), axis=0)
    for y in (computed(keep), computed(xp.take(there(X), there(BAD), axis=0))):
        del y
    with pytest.raises(IndexError, match="index 9"):
        torch.cuda.synchronize()
    torch.cuda.synchronize()
    raises(keep)
    assert x.tolist() == X.tolist()
    raises(computed(xp.take(there(X), there(BAD), axis=0)))
    torch.cuda.synchronize()


@pytest.mark.parametrize("late", [False, True])
def test_replays(gpus: StandIn, late: bool) -> None:
    """Good and bad runs of one CUDA graph in all orders, read at once, or when all are done."""
    run = xp.jit(lambda x, i: xp.take(x, i, axis=0) * 2.0)
    x, at = there(X), {b: there(BAD if b else GOOD) for b in (False, True)}
    for _ in range(4):
        computed(run(x, at[False]))
    for order in product([False, True], repeat=4):
        replays = gpus.replays
        held = [(bad, run(x, at[bad])) for bad in order] if late else ()
        for bad, out in held or ((bad, run(x, at[bad])) for bad in order):
            if bad:
                raises(out)
                raises(computed(out + 1.0))
            else:
                np.testing.assert_array_equal(np.asarray(out), X[GOOD] * 2)
        assert gpus.replays >= replays + 4


def test_replays_whose_results_die(gpus: StandIn) -> None:
    """Arrays that had what is wrong are written again, and are as good as new."""
    run = xp.jit(lambda x, i: xp.take(x, i, axis=0) * 2.0)
    other = xp.jit(lambda x: x - 1.0)
    x, good, bad = there(X), there(GOOD), there(BAD)
    for i in range(12):
        out = run(x, bad if i % 3 == 1 else good)
        more = other(out)
        if i % 3 == 1:
            raises(more)
        else:
            np.testing.assert_array_equal(np.asarray(more), X[GOOD] * 2 - 1)
            np.testing.assert_array_equal(np.asarray(out), X[GOOD] * 2)
        del out, more


@pytest.mark.parametrize("rows", [3, 1 << 12])
@pytest.mark.parametrize("told", [False, True])
def test_what_is_written_over_stays_wrong(gpus: StandIn, told: bool, rows: int) -> None:
    """A state that goes round: donated, by graphs, with and without checks of their own. They leave
    it in turn in arrays of their own; a large one is written over.
    """
    step = xp.jit(lambda s, i: s + xp.sum(xp.take(s, i, axis=0), axis=0), donate_argnums=(0,))
    halve = xp.jit(lambda s: s * 0.5, donate_argnums=(0,))
    good, bad, start = there(GOOD), there([0, 9 * rows]), np.resize(X, (rows, 4))
    wrong = f"index {9 * rows} is out of bounds"

    def run(times: int, state: Any) -> Any:
        for _ in range(times):
            state = halve(step(state, good))
        return state

    def check(state: Any, times: int) -> None:
        want = start
        for _ in range(times):
            want = (want + want[GOOD].sum(0)) * np.float32(0.5)
        np.testing.assert_allclose(np.asarray(state), want, rtol=1e-6)

    replays = gpus.replays
    state = run(8, there(start) + 0.0)
    assert gpus.replays > replays + 4
    check(state, 8)
    state = step(state, bad)
    if told:
        raises(state, wrong)
    state = run(3, state)
    raises(state, wrong)
    for times in (1, 6):
        check(run(times, there(start) + 0.0), times)
        raises(state, wrong)
    del state
    check(run(3, there(start) + 0.0), 3)


def test_many_runs_that_nobody_reads(gpus: StandIn, monkeypatch: Any) -> None:
    """More than have words: looked at now and then, and told of when they are asked for."""
    run = xp.jit(lambda x, i: xp.take(x, i, axis=0) * 2.0)
    x, good, bad = there(X), there(GOOD), there(BAD)
    monkeypatch.setattr(checks, "MOST", 8)
    monkeypatch.setattr(runs, "MOST", 8)
    for _ in range(4):
        computed(run(x, good))
    gets = gpus.gets
    kept = [run(x, bad if i in (5, 30) else good) for i in range(40)]
    assert 3 <= gpus.gets - gets <= 20
    for i, out in enumerate(kept):
        if i in (5, 30):
            raises(out)
        else:
            np.testing.assert_array_equal(np.asarray(out), X[GOOD] * 2)


def test_matrices(gpus: StandIn) -> None:
    bad = np.stack([np.eye(3), np.diag([1.0, 0.0, 2.0])])
    y = computed(xp.linalg.inv(there(bad)))
    more = computed(y @ y)
    np.testing.assert_array_equal(np.asarray(xp.linalg.inv(there(bad[:1]))), bad[:1])
    for each in (more, y, computed(more + 1.0)):
        for _ in range(2):
            with pytest.raises(np.linalg.LinAlgError, match=r"Singular.*test_failures.py:\d+"):
                np.asarray(each)


def test_nothing_is_waited_for_or_kept(gpus: StandIn) -> None:
    """Runs wait for no device, and what is over is forgotten."""
    x, i = there(X), there(GOOD)
    computed(x), computed(i)
    known, failed = len(runs._sources), len(runs._failed)
    gets = gpus.gets
    y = computed(xp.take(x, i, axis=0) + 1.0)
    assert gpus.gets == gets and len(runs._log) == 1 and len(runs._sources) > known
    np.testing.assert_array_equal(np.asarray(y), X[GOOD] + 1)
    assert not runs._log and len(runs._failed) == failed
    bad = computed(xp.take(x, there(BAD), axis=0))
    raises(bad)
    assert len(runs._failed) == failed + 1
    del y, bad
    assert len(runs._failed) == failed and len(runs._sources) == len(runs._held) == known
