"""Launches of one kernel that are run as one: which they are, and that bits are those of one after
another.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import lazytensor as xp
from lazytensor._base import config
from lazytensor.ir.graph import linearize
from lazytensor.ir.node import Node, leaf
from lazytensor.lower import fuse, memory
from lazytensor.lower.kernel import Batch, Plan
from lazytensor.lower.pipeline import lower
from lazytensor.ops import g
from lazytensor.runtime import cache
from lazytensor.runtime.counters import counting
from lazytensor.runtime.materialize import materialize
from lazytensor.targets.llvm import run
from tests.lower.test_fuse import layernorm, softmax

N = 160


@pytest.fixture(autouse=True)
def compiled(monkeypatch: Any) -> Any:
    monkeypatch.setattr(fuse, "SMALL", 0)  # else they are one kernel
    with config.context(execution="compile", target="llvm"):
        cache.CACHE.clear()
        yield
        cache.CACHE.clear()


def data(seed: int, *shape: int) -> Node:
    rng = np.random.default_rng(seed)
    return leaf(rng.standard_normal(shape or (N, N)).astype("float32"))


def sizes(plan: Plan) -> list[int]:
    return [len(step.launches) if isinstance(step, Batch) else 1 for step in plan.runs]


def plan_of(*nodes: Node) -> Plan:
    return lower(linearize(nodes))


def test_the_same_for_several_operands_is_one_step() -> None:
    plan = plan_of(*(g.exp(data(k)) * 2.5 for k in range(5)))
    assert (len(plan.steps), sizes(plan)) == (5, [5])


def test_there_is_a_most() -> None:
    assert sizes(plan_of(*(g.exp(data(k, 3, 3)) for k in range(70)))) == [64, 6]
    assert sizes(plan_of(*(g.exp(data(k, 500, 500)) for k in range(20)))) == [16, 4]


@pytest.mark.parametrize(
    "nodes",
    [
        lambda: [g.exp(data(0)), g.exp(data(1, N, 2 * N))],
        lambda: [g.exp(data(0)), g.tanh(data(1))],
        lambda: [g.sum(data(0), (0,)), g.sum(data(1), (1,))],
        lambda: [g.exp(data(0)), g.exp(g.cast(data(1), np.dtype("float64")))],
        lambda: [g.exp(data(0, 600, 600)), g.exp(data(1, 600, 600))],
        lambda: [g.max(g.reshape(g.max(data(0, N, N, N), (2,)), (N, N, 1)), (2,))],
    ],
    ids=[
        "other sizes",
        "other kernels",
        "other axes",
        "other dtypes",
        "large",
        "one after another",
    ],
)
def test_others_are_not(nodes: Callable[[], list[Node]]) -> None:
    assert not any(isinstance(step, Batch) for step in plan_of(*nodes()).runs)


PROGRAMS: dict[str, Callable[[Node], Node]] = {
    "elements": lambda x: g.tanh(x * 0.5) + 1.5,
    "over what a kernel made": lambda x: g.exp(g.cumsum(g.tanh(x), 0) * 0.01),
    "rows": lambda x: softmax(x),
    "rows in passes": lambda x: layernorm(x) * 2.5,
    "columns": lambda x: g.sum(g.exp(x), (0,)),
    "transposed": lambda x: g.permute(x, (1, 0)) * 0.5,
    "both ways": lambda x: x + g.permute(x, (1, 0)),
    "broadcast": lambda x: x * data(9, N),
    "strided": lambda x: g.exp(g.slice(x, (1, 0), (N // 2, N // 2), (2, 2))),
    "integers": lambda x: g.cast(x * 10.0, np.dtype("int32")) * g.cast(x, np.dtype("int32")),
}


@pytest.mark.parametrize("settings", [{}, {"num_threads": 3}, {"target": "numpy"}])
@pytest.mark.parametrize("name", PROGRAMS)
def test_bits_are_the_same(name: str, settings: dict[str, Any], monkeypatch: Any) -> None:
    monkeypatch.setattr(memory, "WORTH", 0)
    leaves = [data(k) for k in range(7)]
    before = [x.value.copy() for x in leaves]
    with config.context(execution="interpret", **settings):
        want = [PROGRAMS[name](x) for x in leaves]
        materialize(want)
    with config.context(**settings):
        for split in (run.SPLIT, 1 << 16):
            monkeypatch.setattr(run, "SPLIT", split)
            got = [PROGRAMS[name](x) for x in leaves]
            with counting() as done:
                materialize(got)
            assert done.kernels >= 7 or settings or name in ("transposed", "strided")
            for a, b in zip(got, want, strict=True):
                assert a.value.tobytes() == b.value.tobytes()
    assert all(a.tobytes() == x.value.tobytes() for a, x in zip(before, leaves, strict=True))


def test_operands_that_lie_in_different_ways() -> None:
    arrays = [data(k).value for k in range(4)]
    arrays[1] = arrays[1].T
    arrays[2] = np.repeat(arrays[2], 2, axis=1)[:, ::2]
    want = [np.asarray(a, order="C") * np.float32(1.5) for a in arrays]
    got = [leaf(a) * 1.5 for a in arrays]
    assert sizes(plan_of(*got)) == [4]
    materialize(got)
    for a, b in zip(got, want, strict=True):
        assert a.value.tobytes() == b.tobytes()


# --- written over donated arguments ---------------------------------------------------------------


def update(state: Any, gradients: Any) -> Any:
    out = {}
    for name, (p, m) in state.items():
        kept = 0.9 * m + 0.1 * gradients[name]
        out[name] = p - 0.5 * kept / (xp.abs(kept) + 1e-3), kept
    return out


def states(n: int) -> tuple[Any, Any]:
    rng = np.random.default_rng(1)
    some = lambda: xp.asarray(rng.standard_normal((N, N + 1)).astype("float32"))  # noqa: E731
    return {k: (some(), some()) for k in range(n)}, {k: some() for k in range(n)}


def address(x: Any) -> int:
    return int(x._node.value.__array_interface__["data"][0])


@pytest.mark.cpu("launches as one write over what is donated")
@pytest.mark.parametrize("n", [1, 5])
@pytest.mark.parametrize("target", ["llvm", "numpy"])
def test_a_state_that_is_donated_stays_where_it_is(n: int, target: str) -> None:
    with config.context(target=target):
        step = xp.jit(update, donate_argnums=0)
        state, gradients = states(n)
        want, _ = states(n)
        state = step(state, gradients)
        want = update(want, gradients)
        for _ in range(3):
            places = {address(x) for pair in state.values() for x in pair}
            with counting() as done:
                state = step(state, gradients)
            want = update(want, gradients)
            if target == "llvm":  # the reference's kernel writes one of them before it has read all
                assert done.bytes == 0
                assert {address(x) for pair in state.values() for x in pair} == places
        for k, pair in want.items():
            for a, b in zip(pair, state[k], strict=True):
                assert np.asarray(a).tobytes() == np.asarray(b).tobytes()


def test_what_else_has_donated_memory_keeps_it() -> None:
    step = xp.jit(update, donate_argnums=0)
    state, gradients = states(3)
    state = step(state, gradients)
    held = np.asarray(state[1][0])
    before = held.copy()
    line = state[2][1][3]
    numbers = np.asarray(line).copy()
    step(state, gradients)
    np.testing.assert_array_equal(held, before)
    np.testing.assert_array_equal(np.asarray(line), numbers)


def test_one_array_twice() -> None:
    """A donated array that is an argument twice, or is not donated the second time."""
    f = xp.jit(lambda x, y: (x + 1.0, y * x), donate_argnums=0)
    for _ in range(3):
        x = xp.asarray(np.full((N, N), 3.0))
        a, b = f(x, x)
        np.testing.assert_array_equal(np.asarray(a), np.full((N, N), 4.0))
        np.testing.assert_array_equal(np.asarray(b), np.full((N, N), 9.0))


def test_arguments_of_other_sizes_that_lie_alike() -> None:
    """Strides don't tell that one is the same along an axis."""
    x, y = data(1, 20, 33, 7).value, data(2, 1, 33, 7).value
    programs = lambda a, b: [g.sum(a * b, (2,)), g.sum(b * a, (2,))]  # noqa: E731
    with config.context(execution="interpret"):
        want = programs(leaf(x), leaf(y))
        materialize(want)
    got = programs(leaf(x), leaf(y))
    materialize(got)
    for a, b in zip(got, want, strict=True):
        assert a.value.tobytes() == b.value.tobytes()
