"""Many threads that materialise at once: different graphs at the same time, each node once."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from lazytensor._base import config
from lazytensor.ir.node import Node, leaf
from lazytensor.ops import ROWS, g
from lazytensor.runtime import cache, materialize
from lazytensor.runtime.counters import counting
from lazytensor.runtime.materialize import value

MATMUL = ROWS["matmul"].value
QUIET = {k: v for k, v in os.environ.items() if not k.startswith("COV")}


@pytest.fixture(autouse=True, params=["compile", "interpret", "auto"])
def mode(request: pytest.FixtureRequest) -> Iterator[None]:
    before = config.get("execution")
    config.set(execution=request.param)
    cache.CACHE.clear()
    yield
    config.set(execution=before)
    assert not [run for run in materialize._runs if run.nodes]


def data(seed: int, *shape: int) -> Node:
    return leaf(np.random.default_rng(seed).standard_normal(shape or (120, 120)))


def together(*works: Callable[[], Any]) -> list[Any]:
    """What functions give that begin at once, each in a thread; exceptions are given too."""
    barrier, out = threading.Barrier(len(works)), [None] * len(works)

    def call(i: int) -> None:
        barrier.wait()
        try:
            out[i] = works[i]()
        except BaseException as error:
            out[i] = error

    threads = [threading.Thread(target=call, args=(i,)) for i in range(len(works))]
    for t in threads:
        t.start()
    for t in threads:
        t.join(60)
        assert not t.is_alive(), "a thread hangs"
    return out


def slow(monkeypatch: Any, meet: Callable[[], Any]) -> list[int]:
    """Products call a function first; the identities of their operands are listed."""
    seen: list[int] = []

    def product(np: Any, a: Any, b: Any) -> Any:
        seen.append(id(a))
        meet()
        return MATMUL(np, a, b)

    monkeypatch.setattr(ROWS["matmul"], "value", product)
    return seen


def test_different_graphs_are_computed_at_the_same_time(monkeypatch: Any) -> None:
    """Each product waits for the other to begin: one after the other they would never end."""
    barrier = threading.Barrier(2)
    slow(monkeypatch, lambda: barrier.wait(30))
    x, y = data(0), data(1)
    found = together(
        lambda: value(g.sum(g.matmul(x, x), (0,))), lambda: value(g.sum(g.matmul(y, y), (0,)))
    )
    for got, a in zip(found, (x.value, y.value), strict=True):
        np.testing.assert_allclose(got, (a @ a).sum(0))


def test_what_graphs_share_is_computed_once(monkeypatch: Any) -> None:
    seen = slow(monkeypatch, lambda: time.sleep(0.02))
    x = data(0)
    shared = g.matmul(x, x)
    tops = [g.sum(g.exp(shared * 1e-3 * (k + 1.5)), (k % 2,)) for k in range(6)]
    found = together(*(lambda t=t: value(t) for t in tops))
    assert len(seen) == 1
    for k, got in enumerate(found):
        want = np.exp(x.value @ x.value * 1e-3 * (k + 1.5)).sum(k % 2)
        np.testing.assert_allclose(got, want)


def test_who_waits_gets_what_the_other_computed() -> None:
    y = g.matmul(data(0), data(1))
    z = g.sum(g.exp(y * 1e-3), (1,))
    with counting() as done:
        found = together(*[lambda: value(z)] * 8)
    assert done.graphs == 1
    assert all(f is found[0] for f in found)


@pytest.mark.parametrize("target", config.TABLE["target"].choices)
def test_one_new_kernel_that_many_want_at_once(target: str) -> None:
    """It is made once, and no two threads are in the compiler."""
    if target == "null":
        return

    def work(k: int) -> Any:
        x = data(k, 90 + k, 70)
        with config.context(target=target):
            return value(g.sum(g.atan(x * 1.5) * g.sinh(x * 0.1) - g.cos(x + float(k)), (1,)))

    found = together(*(lambda k=k: work(k) for k in range(8)))
    for k, got in enumerate(found):
        a = np.random.default_rng(k).standard_normal((90 + k, 70))
        want = (np.arctan(a * 1.5) * np.sinh(a * 0.1) - np.cos(a + float(k))).sum(1)
        np.testing.assert_allclose(got, want, rtol=1e-9)


def test_an_error_is_raised_to_all_who_ask(monkeypatch: Any) -> None:
    slow(monkeypatch, lambda: time.sleep(0.01))
    x = data(0)
    bad = g.gather([g.matmul(x, x), leaf(np.array([4000]))])
    found = together(*[lambda: value(bad)] * 4, lambda: value(g.matmul(x, x)))
    assert [type(f) for f in found[:4]] == [IndexError] * 4
    np.testing.assert_array_equal(found[4], x.value @ x.value)
    assert bad.value is None


def test_a_run_within_a_run_waits_for_nobody(monkeypatch: Any) -> None:
    """As when a finalizer asks for a value in the midst of a computation: even of the same node,
    and even when the other thread does so the other way round.
    """
    x, y = data(0), data(1)
    a, b = g.matmul(x, x), g.matmul(y, y)
    barrier, once = threading.Barrier(2), threading.local()

    def meet() -> None:
        if not getattr(once, "done", False):
            once.done = True
            barrier.wait(30)
            value(b)
            value(a)

    slow(monkeypatch, meet)
    found = together(lambda: value(g.sum(a, (0,))), lambda: value(g.sum(b, (0,))))
    np.testing.assert_allclose(found[0], (x.value @ x.value).sum(0))
    np.testing.assert_allclose(found[1], (y.value @ y.value).sum(0))


def test_nothing_keeps_memory_that_a_thread_computed_with() -> None:
    import weakref

    gc.collect()
    gc.disable()
    try:
        buffers = [np.ones((150, 150)) for _ in range(4)]
        dead = [weakref.ref(b) for b in buffers]

        def work(b: np.ndarray) -> None:
            value(g.sum(g.matmul(leaf(b), leaf(b)), (0,)))

        threads = [threading.Thread(target=work, args=(buffers.pop(),)) for _ in range(4)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        del threads, t
        assert not any(d() is not None for d in dead)
    finally:
        gc.enable()


def test_threads_that_share_what_they_build() -> None:
    """Random sums of products over nodes that all threads add to; each value is checked."""
    pool: list[tuple[Node, np.ndarray]] = []
    for k in range(4):
        x = data(k, 60, 60)
        pool.append((x, x.value))

    def work(seed: int) -> None:
        rng = np.random.default_rng(seed)
        for _ in range(40):
            now = list(pool)
            (a, want_a), (b, want_b) = (now[rng.integers(len(now))] for _ in range(2))
            kind = int(rng.integers(3))
            if kind == 0:
                node, want = g.tanh(g.matmul(a, b) * 0.1), np.tanh(want_a @ want_b * 0.1)
            elif kind == 1:
                node, want = g.exp(a * 0.1) + b, np.exp(want_a * 0.1) + want_b
            else:
                node, want = g.cumsum(a, 0) * 0.05 - b, np.cumsum(want_a, 0) * 0.05 - want_b
            want = np.clip(want, -3, 3)
            low, high = g.less(node, -3.0), g.less(3.0, node)
            node = g.where(low, node * 0.0 - 3.0, g.where(high, node * 0.0 + 3.0, node))
            pool.append((node, want))
            del pool[4 : len(pool) - 12]
            if rng.random() < 0.6:
                np.testing.assert_allclose(value(node), want, rtol=1e-6, atol=1e-8)

    found = together(*(lambda s=s: work(s) for s in range(8)))
    assert found == [None] * 8, found


INTERRUPTED = """
    import threading, time, _thread
    import numpy as np
    from lazytensor._base import config
    from lazytensor.ir.node import leaf
    from lazytensor.ops import ROWS, g
    from lazytensor.runtime.materialize import value
    column = ROWS["matmul"].value
    def product(np, a, b):
        if threading.current_thread() is threading.main_thread() and not product.done:
            product.done = True
            print("ready", flush=True)
            for _ in range(500):
                time.sleep(0.01)
        return column(np, a, b)
    product.done = False
    ROWS["matmul"].value = product
    x = leaf(np.random.default_rng(0).standard_normal((120, 120)))
    y = g.matmul(x, x)
    z = g.sum(y, (0,))
    found = []
    def other():
        time.sleep(0.1)
        found.append(value(z))
    t = threading.Thread(target=other)
    t.start()
    try:
        value(y)
    except KeyboardInterrupt:
        print("interrupted", flush=True)
    t.join(20)
    assert not t.is_alive() and np.allclose(found[0], (x.value @ x.value).sum(0))
    assert np.array_equal(value(y), x.value @ x.value)
    print("usable")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C can't be sent to one process there")
def test_who_waits_for_what_was_interrupted_computes_it() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(INTERRUPTED)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**QUIET, "LAZYTENSOR_EXECUTION": config.get("execution")},
    )  # fmt: skip
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    time.sleep(0.4)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert out == "interrupted\nusable\n", err
