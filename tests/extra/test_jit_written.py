"""Calls that were found often are written out: results, counts and refusals stay what they were."""

from __future__ import annotations

import gc
import sys
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

pytest.importorskip("llvmlite")

import lazytensor as xp
from lazytensor._base import config
from lazytensor.extra import _entries, jitted
from lazytensor.ir.node import serials
from lazytensor.runtime import written
from lazytensor.runtime.counters import counting
from lazytensor.runtime.observe import OBSERVERS, TIMERS
from lazytensor.runtime.pending import LEAF_BYTES
from lazytensor.targets.llvm import machine

pytestmark = pytest.mark.cpu("calls of native kernels are written out")

X = np.arange(6.0).reshape(2, 3) + 0.3


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    """The first call that finds an entry is enough."""
    monkeypatch.setattr(_entries, "OFTEN", 1)


def warm(f: Any, *args: Any) -> Any:
    """The compiled function after calls with some arguments."""
    compiled = xp.jit(f)
    for _ in range(3):
        compiled(*args)
    return compiled


def is_written(compiled: Any) -> bool:
    """Whether calls like the last ones are."""
    return compiled._last is not None


def same(got: Any, want: Any) -> None:
    """One array is the other, to the last bit."""
    got, want = np.asarray(got), np.asarray(want)
    assert got.dtype == want.dtype and got.shape == want.shape
    assert got.tobytes() == want.tobytes()


def chain(x, y, s):
    return {"a": [x * y + s, (xp.sum(x, axis=1),)], "b": None, "c": xp.exp(y) - 2.0}


def test_results_and_counts():
    x, y = xp.asarray(X), xp.asarray(X[::-1].copy())
    compiled = warm(chain, x, y, 1.5)
    assert is_written(compiled)
    with config.context(debug=1), counting() as plain:  # debug: the other way
        want = compiled(x, y, 0.1)
    hits = compiled.cache_info().hits
    with counting() as quick:
        got = compiled(x, y, 0.1)
    assert compiled.cache_info().hits == hits + 1
    assert (quick.kernels, quick.bytes, quick.nodes) == (plain.kernels, plain.bytes, 0)
    assert quick.graphs == quick.interpreted == quick.calls == 0
    assert list(got) == list(want) and got["b"] is None
    assert type(got["a"]) is list and type(got["a"][1]) is tuple
    same(got["a"][0], want["a"][0])
    same(got["a"][1][0], want["a"][1][0])
    same(got["c"], want["c"])


def test_it_is_the_written_call_that_runs(monkeypatch):
    x = xp.asarray(X)
    compiled = warm(lambda x: x * 3.0, x)
    monkeypatch.setattr(jitted.Jitted, "_call", None)
    same(compiled(x), X * 3.0)
    with pytest.raises(TypeError):
        compiled(x[0])


def test_many_kernels():
    xs = [xp.asarray(X + i) for i in range(40)]
    compiled = warm(lambda xs: [x * 2.0 + 1.0 for x in xs], xs)
    assert is_written(compiled)
    with counting() as done:
        got = compiled(xs)
    assert done.kernels == 2 and done.bytes == 40 * X.nbytes
    for i, x in enumerate(got):
        same(x, (X + i) * 2.0 + 1.0)
    turned = [xp.asarray(np.asfortranarray(X + i)) for i in range(40)]
    for i, x in enumerate(compiled([*xs[:3], *turned[3:]])):
        same(x, (X + i) * 2.0 + 1.0)


@pytest.mark.parametrize(
    "other",
    [
        (np.arange(6.0).reshape(3, 2), 2.0),
        (X.astype(np.float32), 2.0),
        (X.astype(np.int64), 2.0),
        (np.asfortranarray(X), 2.0),
        (np.ascontiguousarray(X[:, ::-1])[:, ::-1], 2.0),
        (X, 2),
        (X, True),
        (X, float("nan")),
        (X, -0.0),
    ],
)
def test_other_arguments(other):
    compiled = warm(lambda x, s: x * s + s, xp.asarray(X), 2.0)
    assert is_written(compiled)
    x, s = other
    for _ in range(3):
        same(compiled(xp.asarray(x), s), xp.jit(lambda x, s: x * s + s)(xp.asarray(x), s))
    same(compiled(xp.asarray(X), 2.0), X * 2.0 + 2.0)


def test_arguments_of_another_form():
    x = xp.asarray(X)
    compiled = warm(lambda t: t[0] + t[1], (x, x))
    assert is_written(compiled)
    same(compiled([x, x]), X + X)
    same(compiled((x, x, x)), X + X)
    same(compiled(t=(x, x)), X + X)
    same(compiled((x, x)), X + X)
    same(compiled((x, 1.0)), X + 1.0)
    with pytest.raises(TypeError):
        compiled()
    with pytest.raises(TypeError, match="must be an array"):
        compiled((x, "one"))


def test_arguments_by_name():
    x, y = xp.asarray(X), xp.asarray(X * 2)
    compiled = xp.jit(lambda a, b, c=1.0: a - b * c)
    for _ in range(3):
        same(compiled(x, c=2.0, b=y), X - X * 4)
    assert is_written(compiled) and compiled._last.named == ("c", "b")
    same(compiled(x, c=3.0, b=y), X - X * 6)
    same(compiled(x, b=2.0, c=y), X - X * 4)
    same(compiled(x, b=y, c=2.0), X - X * 4)
    same(compiled(x, 2.0, y), X - X * 4)
    same(compiled(x, y), X - X * 2)
    same(compiled(x, c=3.0, b=y), X - X * 6)
    with pytest.raises(TypeError):
        compiled(x, d=2.0, b=y)


def test_dicts_by_their_keys():
    x, y = xp.asarray(X), xp.asarray(X * 2)
    compiled = warm(lambda d: d["p"] - d["q"], {"p": x, "q": y})
    assert is_written(compiled)
    same(compiled({"p": x, "q": y}), X - X * 2)
    same(compiled({"q": y, "p": x}), X - X * 2)


def test_values_that_are_not_there_yet():
    x = xp.asarray(X)
    compiled = warm(lambda x: x + 1.0, x)
    same(compiled(x * 2.0), X * 2.0 + 1.0)
    x += 5.0
    same(compiled(x), X + 5.0 + 1.0)
    y = xp.asarray(X)
    y[0, 0] = 9.0
    same(compiled(y), np.asarray(y) + 1.0)


def test_numbers_that_do_not_fit():
    small = xp.asarray(np.arange(3, dtype=np.int8))
    compiled = warm(lambda x, n: x + n, small, 3)
    assert is_written(compiled)
    same(compiled(small, 5), np.arange(3, dtype=np.int8) + np.int8(5))
    with pytest.raises(OverflowError):
        compiled(small, 300)
    single = warm(lambda x, s: x * s, xp.asarray(X.astype(np.float32)), 2.0)
    assert np.isinf(np.asarray(single(xp.asarray(X.astype(np.float32)), 1e300))).all()


def test_guards_hold():
    scale = 2.0

    def scaled(x):
        return x * scale

    x = xp.asarray(X)
    compiled = warm(scaled, x)
    assert is_written(compiled)
    same(compiled(x), X * 2.0)
    scale = 3.0
    same(compiled(x), X * 3.0)
    assert compiled.cache_info().misses == 2


FACTOR = 2.0


def test_names_and_cells_are_looked_at_by_native_code(monkeypatch):
    """By identity: what is another object, and equal, is found to be so the longer way."""
    offset = float("1.5")

    def scaled(x):
        return x * FACTOR + offset

    x = xp.asarray(X)
    compiled = warm(scaled, x)
    run = compiled._last.written
    assert type(run) is type(len)
    held = references(offset)
    for _ in range(100):
        same(run(x), X * 2.0 + 1.5)
    assert references(offset) == held
    offset = float("1.5")
    assert run(x) is written.MISSED
    same(compiled(x), X * 2.0 + 1.5)
    assert compiled.cache_info().misses == 1
    monkeypatch.setitem(globals(), "FACTOR", 4.0)
    assert compiled._last.written(x) is written.MISSED
    same(compiled(x), X * 4.0 + 1.5)
    assert compiled.cache_info().misses == 2
    for _ in range(3):
        same(compiled(x), X * 4.0 + 1.5)
    monkeypatch.delitem(globals(), "FACTOR")
    with pytest.raises(NameError):
        compiled(x)
    monkeypatch.setitem(globals(), "FACTOR", 1.0)
    same(compiled(x), X + 1.5)


def test_arrays_around_a_function_are_compared():
    y = xp.asarray(X)
    x = xp.asarray(X)
    compiled = warm(lambda x: x + y, x)
    assert is_written(compiled)
    same(compiled(x), X + X)
    y += 1.0
    same(compiled(x), X + (X + 1.0))


def test_settings_observers_and_transforms():
    x = xp.asarray(X)
    compiled = warm(lambda x: xp.sum(x * x), x)
    assert is_written(compiled)
    with config.context(fuse=False):
        compiled(x)
    assert compiled.cache_info().misses == 2
    for _ in range(3):
        compiled(x)
    told: list[Any] = []
    for listeners in (OBSERVERS, TIMERS):
        listeners.append(told.append)
        try:
            compiled(x)
        finally:
            listeners.remove(told.append)
    assert len(told) >= 2
    same(xp.grad(compiled)(x), 2 * X)


def test_what_is_not_written_out():
    x = xp.asarray(X)
    assert not is_written(warm(lambda x: xp.sort(x) + 1.0, x))
    assert not is_written(warm(lambda x: (x, x + 1.0), x))
    assert not is_written(warm(lambda x: x + 1.0, X))
    large = xp.asarray(np.ones(1 << 18))
    assert not is_written(warm(lambda x: x + 1.0, large))
    with config.context(target="numpy"):
        assert not is_written(warm(lambda x: x + 1.0, x))
    donating = xp.jit(lambda x: x + 1.0, donate_argnums=0)
    for _ in range(3):
        donating(xp.asarray(X) + 0.0)
    assert not is_written(donating)


def test_clearing_forgets_them():
    x = xp.asarray(X)
    compiled = warm(lambda x: x + 1.0, x)
    compiled.clear_cache()
    same(compiled(x), X + 1.0)
    assert compiled.cache_info().misses == 1


def test_operands_that_lie_otherwise_are_learnt():
    """The way in which operands lie is written out anew where it has changed for good."""
    x = xp.asarray(X)
    compiled = warm(lambda x: x * 2.0, x)
    first = compiled._last.written
    other = xp.asarray(X.T.copy()).T
    assert np.asarray(other).strides != np.asarray(x).strides
    assert first(other) is written.MISSED
    for _ in range(40):
        same(compiled(other), X * 2.0)
    assert compiled._last.written is not first
    assert compiled._last.written(other) is not written.MISSED
    same(compiled(x), X * 2.0)
    assert compiled.cache_info().hits == 44


class Taken:
    """Ticks, during which another thread has the function forget whose calls are written out."""

    def __init__(self, compiled: Any) -> None:
        self._compiled = compiled

    def __next__(self) -> int:
        self._compiled._last = None
        return 1


def test_another_thread_misses_meanwhile(monkeypatch):
    x = xp.asarray(X)
    compiled = warm(lambda x: x * 2.0, x)
    monkeypatch.setattr(jitted, "ticks", Taken(compiled))
    same(compiled(xp.asarray(X[:1])), X[:1] * 2.0)


def test_what_is_dropped_while_another_call_is_traced_is_not_called_any_more():
    """And its calls count where it has been traced again."""
    x = xp.asarray(X)

    def doubled(x: Any) -> Any:
        if x.ndim == 1:
            thread = threading.Thread(target=lambda: [compiled(xp.asarray(X)) for _ in range(3)])
            thread.start()
            thread.join()
        return x * 2.0

    compiled = xp.jit(doubled, max_entries=1)
    for _ in range(3):
        compiled(x)
    compiled(x[0])
    before = compiled.cache_info()
    same(compiled(x), X * 2.0)
    after = compiled.cache_info()
    assert (after.misses, after.hits) == (before.misses + 1, before.hits)


def test_what_results_are():
    """Handles and nodes are what Python makes of them, down to the collector of garbage."""
    x = xp.asarray(X)
    compiled = warm(lambda x: (x * 2.0, x + 1.0), x)
    assert type(compiled._last.written) is type(len)
    serial = serials()
    a, b = compiled(x)
    same(a, X * 2.0)
    same(b, X + 1.0)
    assert serials() == serial + 2 == max(a._node.serial, b._node.serial)
    assert a._node.serial != b._node.serial
    like = xp.asarray(X)
    leaf = like._node
    for y in (a, b):
        node = y._node
        assert type(y) is type(x) and y._link is None and type(node) is type(leaf)
        assert node.dtype is leaf.dtype and node.device is leaf.device and node.shape == (2, 3)
        assert node.op is leaf.op and node.args == node.params == () and node.kept == 0
        assert gc.is_tracked(y) and gc.is_tracked(node) and weakref.ref(y)() is y
        counts = references(y, node, node.value), references(like, leaf, leaf.value)
        assert counts[0][1:] == counts[1][1:]
    seen = weakref.ref(a)
    del a, y, node
    assert seen() is None


def test_weak_references_to_what_results_are_like():
    """Whoever refers weakly to all handles that there are doesn't refer to later ones."""
    x = xp.asarray(X)
    compiled = warm(lambda x: x * 2.0, x)
    seen = [weakref.ref(y) for y in gc.get_objects() if type(y) is type(x)]
    y = compiled(x)
    assert weakref.getweakrefcount(y) == 0
    assert len(seen) > 1


def references(*things: Any) -> list[int]:
    return [sys.getrefcount(x) for x in things]


def test_no_reference_is_lost_or_kept():
    x, wrong = xp.asarray(X), xp.asarray(X[:1].copy())
    compiled = warm(lambda x, y: (x * 2.0, xp.sum(y)), x, x)
    run = compiled._last.written
    a, b = run(x, x)
    shared = (x, x._node, x._node.value, wrong, wrong._node.value, x._node.dtype, x._node.device,
              x._node.op, a._node.shape, b._node.shape, written.MISSED, None)  # fmt: skip
    before = references(*shared)
    for _ in range(1000):
        run(x, x)
        for others in ((), (x,), (x, wrong), (wrong, x), (x, 1.0), (x, None), (X, x), (x, x, x)):
            assert run(*others) is written.MISSED
    after = references(*shared)
    assert all(abs(n - m) < 20 for n, m in zip(before, after, strict=True)), (before, after)


def test_threads_at_once():
    """Others change what a handle means while it is an operand."""
    n = 20_000  # others run meanwhile
    ones = xp.asarray(np.ones(n))
    shared = [xp.asarray(np.full(n, 2.0))]
    compiled = warm(lambda x, y: x + y, ones, ones)
    stop = threading.Event()

    def change() -> None:
        while not stop.is_set():
            shared[0] += 1.0
            np.asarray(shared[0])
            time.sleep(1e-4)

    def call() -> bool:
        found = [np.asarray(compiled(ones, shared[0])) for _ in range(25)]
        return all((a == a[0]).all() for a in found)

    changing = threading.Thread(target=change)
    changing.start()
    try:
        with ThreadPoolExecutor(4) as pool:
            assert all(pool.map(lambda _: call(), range(4)))
    finally:
        stop.set()
        changing.join()


def test_settings_of_a_block_that_change_nothing():
    x = xp.asarray(X)
    compiled = warm(lambda x: x + 1.0, x)
    run = compiled._last.written
    with config.context(pool_bytes=1 << 20):
        same(run(x), X + 1.0)
        with config.context(fuse=False):
            assert run(x) is written.MISSED
    before = config.get("pool_bytes")
    try:
        config.set(pool_bytes=1 << 20)
        same(run(x), X + 1.0)
    finally:
        config.set(pool_bytes=before)


@pytest.fixture
def failing(monkeypatch):
    """Arrays for results can't be made while the list isn't empty: what it has is raised."""
    errors: list[BaseException] = []
    empty = np.empty

    def made(*args: Any) -> Any:
        if errors:
            raise errors[-1]
        return empty(*args)

    monkeypatch.setattr(np, "empty", made)
    written._caller.cache_clear()
    yield errors
    written._caller.cache_clear()


def test_no_memory_left(failing):
    x = xp.asarray(X)
    compiled = warm(lambda x: x + 1.0, x)
    run = compiled._last.written
    before = references(x._node.value)
    failing.append(MemoryError())
    assert run(x) is written.MISSED
    failing.clear()
    same(compiled(x), X + 1.0)
    after = references(x._node.value)
    assert after == before


def test_what_is_raised_within_a_call_is_raised(failing):
    x = xp.asarray(X)
    compiled = warm(lambda x: x + 1.0, x)
    before = references(x._node.value)
    failing.append(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        compiled(x)
    failing.clear()
    same(compiled(x), X + 1.0)
    after = references(x._node.value)
    assert after == before


def test_results_count_towards_the_next_look(monkeypatch):
    told: list[int] = []
    monkeypatch.setattr(written, "new_bytes", told.append)
    written._caller.cache_clear()
    x = xp.asarray(np.ones(1 << 12))  # 32 KB
    compiled = warm(lambda x: x + 1.0, x)
    for _ in range(300):
        compiled(x)
    written._caller.cache_clear()
    assert told and all(n > LEAF_BYTES for n in told) and sum(told) <= (303 << 15) + LEAF_BYTES


def test_code_stays_in_memory():
    """However the function that made a call, and what its kernel was bound to, come to be gone."""
    x = xp.asarray(X)
    compiled = warm(lambda x: x * 2.0 + 1.0, x)
    entry = compiled._last
    run = entry.written
    gc.collect()
    gone = len(machine._GONE)
    for step in entry.program.plan.runs:
        step.bound.clear()
    written._caller.cache_clear()
    del compiled, entry
    gc.collect()
    assert len(machine._GONE) == gone
    same(run(x), X * 2.0 + 1.0)
    del run
    gc.collect()
    assert len(machine._GONE) > gone
