"""Values that kernels compute again instead of reading them."""

from itertools import combinations

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

from lazytensor._base import config
from lazytensor.ir.graph import linearize
from lazytensor.ir.node import Node, leaf
from lazytensor.lower import again
from lazytensor.lower.again import least_cut
from lazytensor.lower.kernel import Launch
from lazytensor.lower.pipeline import lower
from lazytensor.ops import g
from lazytensor.runtime import cache
from lazytensor.runtime.materialize import materialize

SHAPE = (64, 256)
RNG = np.random.default_rng(0)
X, W = (leaf(RNG.standard_normal(s).astype(np.float32)) for s in (SHAPE, (256, 256)))


@pytest.fixture(autouse=True)
def native():
    pytest.importorskip("llvmlite")
    with config.context(execution="compile", target="llvm"):
        cache.CACHE.clear()
        yield
        cache.CACHE.clear()


def kernels(*nodes: Node) -> list[Launch]:
    return [s for s in lower(linearize(nodes)).steps if isinstance(s, Launch)]


def stored(*nodes: Node) -> list[int]:
    """How many arrays of full size each kernel writes, and how many the last one reads."""
    found = kernels(*nodes)
    full = [sum(x.axes == (True, True) for x in k.kernel.inputs) for k in found]
    return [*(len(k.outs) for k in found), full[-1]]


def dear(x: Node) -> Node:
    return g.tanh(x * 2.0)


def test_cheap_ones_are_computed_again_from_what_is_dear():
    t = dear(X)
    a, b, c = t + 1.0, t * t, 1.0 - t
    later = g.matmul(a, W)
    assert stored(later * a * b * c) == [2, 1, 2]  # a, which the product reads, and t
    assert stored(later * b * c) == [2, 1, 2]


def test_what_is_read_in_any_case_may_do():
    a = X + 1.0
    assert stored(g.matmul(a, W) * a * (X * 3.0)) == [1, 1, 2]  # a, of X
    assert stored(g.matmul(a, W) * a) == [1, 1, 2]


def test_an_argument_is_read_again():
    a = X + 1.0
    b, c = a * 3.0, a * a
    assert stored(g.matmul(g.exp(a), W) * b * c) == [1, 1, 2]


def test_what_is_dear_is_not():
    assert stored(g.matmul(X, W) * g.exp(g.matmul(dear(X), W))) == [1, 1, 2]
    t = dear(X)
    assert stored(g.matmul(t, W) * g.exp(X) * t)[-1] == 3


def test_outputs_are_stored_in_any_case():
    a = X + 1.0
    b = a * a
    assert stored(b, g.matmul(g.exp(a), W) * a * b) == [2, 1, 2]


def test_small_arrays_are_left(monkeypatch):
    a = X + 1.0
    monkeypatch.setattr(again, "WORTH", X.size + 1)
    assert stored(g.matmul(g.exp(a), W) * (a * 3.0) * (a * a)) == [3, 1, 3]


def test_much_work_is_not_done_again(monkeypatch):
    a, b = X + 1.0, X
    for _ in range(40):
        b = b * b + a
    assert stored(g.matmul(a, W) * b) == [2, 1, 2]


def test_values_of_rows_are_read():
    mean = g.reshape(g.sum(X, (1,)), (64, 1))
    d = X - mean
    found = kernels(g.matmul(d, W) * d * (d + 1.0))
    assert [len(k.outs) for k in found] == [1, 1]  # d, which the product reads
    x = g.matmul(X, W)
    mean = g.reshape(g.sum(x, (1,)), (64, 1))
    d, e = x - mean, x * mean
    found = kernels(g.matmul(g.exp(d), W) * d * e)
    first, second = (k.shapes for k in found)
    assert first in [((64,), SHAPE), ((64, 1), SHAPE)] and second == (SHAPE,)


@pytest.mark.parametrize("fuse", [True, False])
def test_bits_are_the_same(fuse):
    def program(x: Node, w: Node) -> Node:
        t = dear(x)
        a, b, c = t + 1.0, t * t, 1.0 - t
        return g.matmul(a, w) * a * b * c + g.reshape(g.sum(g.matmul(b, w) * c, (1,)), (64, 1))

    found = []
    for how in ("interpret", "compile"):
        with config.context(execution=how, fuse=fuse):
            node = program(X, W)
            materialize((node,))
            found.append(node.value)
    assert found[0].tobytes() == found[1].tobytes()


@hypothesis.given(st.data())
def test_the_cut_is_a_least_one(data):
    """Beside all sets of vertices."""
    count = data.draw(st.integers(1, 8))
    sizes = {v: data.draw(st.integers(0, 5)) for v in range(count)}
    arguments = {
        v: data.draw(st.lists(st.integers(0, v - 1), unique=True, min_size=1))
        for v in range(1, count)
        if data.draw(st.booleans())
    }
    ends = data.draw(st.lists(st.integers(0, count - 1), unique=True, min_size=1))
    used = {v for v in sizes if any(v in leads(arguments, e, set()) for e in ends)}
    cut = least_cut({v: sizes[v] for v in used}, arguments, ends)
    assert parts(arguments, ends, cut)
    every = (set(c) for n in range(count + 1) for c in combinations(range(count), n))
    least = min(sum(sizes[v] for v in c) for c in every if parts(arguments, ends, c))
    assert sum(sizes[v] for v in cut) == least


def leads(arguments: dict[int, list[int]], v: int, seen: set[int]) -> set[int]:
    """What a vertex is computed of, and itself."""
    seen.add(v)
    for a in arguments.get(v, ()):
        leads(arguments, a, seen)
    return seen


def parts(arguments: dict[int, list[int]], ends: list[int], cut: set[int]) -> bool:
    """Whether all ends can be computed of a cut."""
    return all(v in cut or (v in arguments and parts(arguments, arguments[v], cut)) for v in ends)
