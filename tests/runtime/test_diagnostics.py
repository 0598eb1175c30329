"""What the runtime writes when it is asked to, and caches that are full: no value depends on it."""

import os
import stat
import subprocess
import sys

import numpy as np
import pytest

from lazytensor._base import config
from lazytensor.ir.node import Node, leaf
from lazytensor.ops import g
from lazytensor.runtime import cache, execute
from lazytensor.runtime.counters import counting
from lazytensor.runtime.materialize import value

X = np.linspace(0.5, 2.0, 40).reshape(5, 8)


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    cache.CACHE.clear()
    monkeypatch.setattr(execute, "_kernels", {})
    monkeypatch.setattr(execute, "_by_kernel", {})


def program(shift: float = 2.5) -> Node:
    x = leaf(X)
    products = g.matmul(x, leaf(np.ones((8, 2))))
    return g.sum(g.exp(x * shift) + g.sqrt(x), (1,)) + g.sum(products, (1,))


@pytest.mark.parametrize(
    ("level", "words"),
    [
        (0, ()),
        (1, ("miss", "hit")),
        (2, ("ms", "GB/s", "matmul")),
        (4, ("exp", "def ")),
        (5, ("matmul", "kernel")),
    ],
)
def test_what_each_debug_level_tells(level, words, capfd):
    with config.context(execution="compile", target="numpy"):
        want = value(program()).tobytes()
        cache.CACHE.clear()
        execute._kernels.clear()
        execute._by_kernel.clear()
        capfd.readouterr()
        with config.context(debug=level):
            assert value(program()).tobytes() == want
            assert value(program()).tobytes() == want
    told = capfd.readouterr().err
    assert all(word in told for word in words), told
    assert bool(told) == bool(level)


WARM = """
import numpy as np
from lazytensor._base import config
from lazytensor.ir.node import leaf
from lazytensor.ops import g
from lazytensor.runtime.counters import counting
from lazytensor.runtime.materialize import value

x = leaf(np.linspace(0.5, 2.0, 40).reshape(5, 8))
with config.context(execution="compile"), counting() as done:
    value(g.sum(g.exp(x * 2.5) + g.sqrt(x), (1,)))
print(done.compilations)
"""


def test_a_second_process_compiles_nothing(tmp_path):
    folder = tmp_path / "new" / "cache"
    env = {**os.environ, "LAZYTENSOR_CACHE_DIR": str(folder), "LAZYTENSOR_TARGET": "llvm"}
    run = [sys.executable, "-c", WARM]
    first, second = (
        subprocess.run(run, env=env, capture_output=True, text=True, check=True) for _ in range(2)
    )
    facts = "sources", "processor"
    kept = [f for f in (folder / "kernels").iterdir() if not f.name.startswith(facts)]
    assert int(first.stdout) == len(kept) > 1  # one of them is what calls kernels
    assert second.stdout == "0\n"
    assert stat.S_IMODE(os.stat(folder / "kernels").st_mode) == 0o700
    assert not first.stderr + second.stderr


def test_kernels_are_compiled_again_when_there_are_too_many(monkeypatch):
    monkeypatch.setattr(execute, "MOST_KERNELS", 2)
    functions = [g.sin, g.cos, g.exp, g.tanh, g.sqrt]
    with config.context(execution="compile", target="numpy"):
        for _ in range(2):
            for f, reference in zip(functions, (np.sin, np.cos, np.exp, np.tanh, np.sqrt)):
                got = value(g.abs(f(leaf(X))) + 0.5)
                np.testing.assert_array_equal(got, np.abs(reference(X)) + 0.5)
    assert len(execute._kernels) <= 2


def test_plans_beyond_the_cap_are_forgotten_the_oldest_first():
    with config.context(execution="compile", graph_cache=20):
        for k in range(1, 12):
            y = leaf(X)
            for _ in range(k % 6 + 1):
                y = g.sin(y)
            value(y)
            assert cache.CACHE._nodes <= 20
        with counting() as newest:
            value(g.sin(g.sin(g.sin(g.sin(g.sin(g.sin(leaf(X))))))))
        with counting() as oldest:
            value(g.sin(g.sin(leaf(X))))
    assert (newest.plans, oldest.plans) == (0, 1)


@pytest.mark.parametrize(("text", "flag"), [("1", True), ("on", True), ("no", False), ("", False)])
def test_flags_are_read_from_the_environment(text, flag, monkeypatch):
    monkeypatch.setenv("LAZYTENSOR_VERIFY", text)
    monkeypatch.delitem(config._values, "verify", raising=False)
    assert config.get("verify") is flag
    monkeypatch.delitem(config._values, "verify")
