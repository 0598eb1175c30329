"""Native functions that nothing uses any more are unloaded; those in use never are."""

import gc
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

pytest.importorskip("llvmlite")

from lazytensor._base import config
from lazytensor.ir.node import Node, leaf
from lazytensor.ops import g
from lazytensor.runtime import cache, native
from lazytensor.runtime.counters import counting
from lazytensor.runtime.materialize import materialize
from lazytensor.targets.llvm.machine import _GONE, Linked

X = np.linspace(0.5, 2.0, 3000)
STEPS = (lambda x: g.sqrt(g.abs(x)), g.square, g.negative, g.abs)


def program(k: int) -> Node:
    """One of many kernels."""
    node = leaf(X)
    for _ in range(5):
        k, step = divmod(k, len(STEPS))
        node = STEPS[step](node) + 1.5
    return node


def value(k: int, how: str) -> bytes:
    with config.context(target="llvm", execution=how):
        node = program(k)
        materialize((node,))
    out: bytes = node.value.tobytes()
    return out


def linked() -> int:
    """How many functions are in memory; what is to be unloaded is."""
    gc.collect()
    with config.context(target="llvm", execution="compile"):
        materialize((g.sum(leaf(X), (0,)),))
    _GONE.clear()
    return sum(type(x) is Linked for x in gc.get_objects())


@pytest.fixture
def few() -> Iterator[None]:
    """Four functions are kept besides those of the last few graphs."""
    cache.CACHE.clear()
    before = {name: config.get(name) for name in ("kernel_cache", "graph_cache")}
    config.set(kernel_cache=4, graph_cache=60)  # for all threads
    yield
    config.set(**before)
    cache.CACHE.clear()


def test_functions_of_programs_that_never_come_back_are_unloaded(few: None) -> None:
    value(0, "compile")
    before = linked()
    for k in range(60):
        assert value(k, "compile") == value(k, "interpret")
    assert linked() <= before + 12
    assert value(0, "compile") == value(0, "interpret")


def test_a_function_that_is_kept_is_found_again(few: None) -> None:
    value(1, "compile")
    for k in range(4):
        value(1, "compile")
        value(100 + k, "compile")
    cache.CACHE.clear()
    with counting() as done:
        value(1, "compile")
    assert done.compilations == 0
    assert (len(native.functions()._known)) <= 4


def test_a_function_lasts_as_long_as_what_calls_it(few: None, monkeypatch: Any) -> None:
    """Threads go on in kernels whose plans and functions are dropped."""
    monkeypatch.setattr(native.objects(), "store", None)
    wants = [value(k, "interpret") for k in range(8)]
    failed = []

    def work(seed: int) -> None:
        for n in range(40):
            k = (seed * 5 + n * 3) % 8
            if value(k, "compile") != wants[k]:
                failed.append(k)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not failed


def test_a_process_ends_as_it_should_with_functions_to_unload() -> None:
    code = (
        "import numpy as np, lazytensor as xp\n"
        "xp.config.set(execution='compile', kernel_cache=1, graph_cache=0)\n"
        "x = xp.asarray(np.ones(100))\n"
        "print([float(xp.sum(f(x) * 2.0)) for f in (xp.exp, xp.sqrt, xp.abs, xp.tanh)][1])\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], text=True, capture_output=True, timeout=60
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "200.0\n", "")
