"""Kernels that fold rows and sum over rows at once."""

import numpy as np
import pytest

from lazytensor._base import config
from lazytensor.ir.graph import linearize
from lazytensor.ir.node import Node, leaf
from lazytensor.lower import fuse, totals
from lazytensor.lower.kernel import Launch, Plan
from lazytensor.lower.pipeline import lower
from lazytensor.lower.text import describe
from lazytensor.lower.totals import Totals
from lazytensor.ops import g
from lazytensor.runtime import cache, execute, native
from lazytensor.runtime.materialize import materialize


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(totals, "WORTH", 1)
    monkeypatch.setattr(fuse, "SMALL", 0)  # else sums of both are one kernel
    with config.context(execution="compile", target="llvm"):
        cache.CACHE.clear()
        yield
        cache.CACHE.clear()


def table(*shape: int, dtype: str = "float32", seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def plan_of(*nodes: Node) -> Plan:
    return lower(linearize(nodes))


def over_rows(x: Node) -> Node:
    """A number for each row, beside the row."""
    last = x.ndim - 1
    return g.reshape(g.sum(x * x, (last,)), (*x.shape[:-1], 1))


def gradients(x: Node, u: Node) -> list[Node]:
    """As of a normalisation: rows, and sums over rows of what is read and of what is computed."""
    y = x / (over_rows(x) + 1.0)
    lead = tuple(range(x.ndim - 1))
    return [u * y - over_rows(u * y), g.sum(u * y, lead), g.sum(u, lead)]


def test_gradients_of_a_normalisation_are_one_kernel():
    x, u = leaf(table(40, 30)), leaf(table(40, 30, seed=1))
    (step,) = plan_of(*gradients(x, u)).steps
    assert type(step) is Totals
    assert step.shapes == ((40, 30), (30,), (30,))
    assert len(step.kernel.outputs) == 1 and len(step.kernel.totals) == 2


def test_the_text_of_a_plan_says_what_is_computed_of_a_sum():
    x, u, w = leaf(table(40, 30)), leaf(table(40, 30, seed=1)), leaf(table(30))
    rows, first, second = gradients(x, u)
    plan = plan_of(rows, first, w - first * 0.1, second)
    (step,) = plan.steps
    assert type(step) is Totals and len(step.shapes) > 1 + len(step.kernel.totals)
    assert describe(plan).count("f32[30]") == 3


@pytest.mark.parametrize(
    "program",
    [
        lambda x: [over_rows(x)],
        lambda x: [x / over_rows(x), g.max(x, (0,))],
        lambda x: [g.sum(x, (0,)) / over_rows(x)],
        lambda x: [x / over_rows(x), g.sum(g.cast(x, np.dtype("int32")), (0,))],
    ],
    ids=["no sum", "no sum but a maximum", "read by the kernel", "integers"],
)
def test_steps_apart(program):
    x = leaf(table(40, 40))
    assert not any(type(s) is Totals for s in plan_of(*program(x)).steps)


def test_what_others_read_is_written_too():
    x = leaf(table(40, 30))
    y = x / over_rows(x)
    (step,) = (s for s in plan_of(y, g.sum(y, (0,)), g.cumsum(y, 1)).steps if type(s) is Totals)
    assert step.shapes == ((40, 30), (30,))


SHAPES = [(31, 7), (32, 64), (33, 100), (600, 5), (8192, 40), (20_000, 33)]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [*SHAPES, (6, 50, 40)])
def test_the_bits_are_those_of_one_after_another(shape, dtype):
    x, u = table(*shape, dtype=dtype), table(*shape, dtype=dtype, seed=1)
    layouts = {"rows": lambda a: a, "columns": np.asfortranarray, "flipped": lambda a: a[..., ::-1]}
    for layout, lay in layouts.items():
        found = []
        for how in ("interpret", "compile"):
            for threads in (1, 3):
                with config.context(execution=how, num_threads=threads):
                    nodes = gradients(leaf(lay(x)), leaf(u))
                    materialize(tuple(nodes))
                    found.append([n.value.tobytes() for n in nodes])
        assert all(f == found[0] for f in found), layout


def updates(x: Node, u: Node) -> list[Node]:
    """What is computed of sums over rows, with other arrays, two of them at once."""
    last = x.shape[-1]
    w, v = (leaf(table(last, dtype=str(x.dtype), seed=s)) for s in (2, 3))
    dx, by_scale, by_shift = gradients(x, u)
    return [dx, w - by_scale * 0.5, by_shift / 3.0, v * by_shift, g.reshape(by_shift, (1, last))]


@pytest.mark.parametrize("shape", [(40, 100), (33, 70), (8500, 33), (6, 50, 40)])
def test_what_is_computed_of_sums_is_too(shape):
    x, u = table(*shape), table(*shape, seed=1)
    nodes = updates(leaf(x), leaf(u))
    assert len([s for s in plan_of(*nodes).steps if isinstance(s, Launch)]) == 1
    found = []
    for how in ("interpret", "compile"):
        for threads in (1, 3):
            with config.context(execution=how, num_threads=threads):
                nodes = updates(leaf(x), leaf(u))
                materialize(tuple(nodes))
                found.append([n.value.tobytes() for n in nodes])
    assert all(f == found[0] for f in found)


@pytest.mark.parametrize(("shape", "joint"), [((100, 90), True), ((600, 5), False)])
def test_rows_that_are_gone_along_are_summed_meanwhile(shape, joint, monkeypatch):
    """Short rows are gone across, and summed afterwards."""
    found = []
    real = native.bound

    def bound(step, args):
        made = real(step, args)
        found.append((type(step) is Totals, made is not None))
        return made

    monkeypatch.setattr(native, "bound", bound)
    materialize(tuple(gradients(leaf(table(*shape)), leaf(table(*shape)))))
    assert found[0] == (True, joint)
    assert len(found) == (1 if joint else 4)


def test_few_layouts_are_remembered(monkeypatch):
    monkeypatch.setattr(execute, "MOST_BOUND", 2)
    (step,) = plan_of(*gradients(leaf(table(40, 60)), leaf(table(40, 60)))).steps
    numbers = [np.float32(1)] * (len(step.args) - 2)
    for k in range(1, 6):
        x = table(40, 60 * k)[:, ::k]
        args = [x if i < 2 else numbers[i - 2] for i in range(len(step.args))]
        execute._launched(step, args)
        assert len(step.bound) <= 2


@pytest.mark.parametrize("zero", [0.0, -0.0])
def test_sums_of_zeros(zero):
    x = np.full((50, 3), zero, np.float32)
    nodes = gradients(leaf(x), leaf(x))
    materialize(tuple(nodes))
    assert not any(np.signbit(n.value).any() for n in nodes[1:])


def test_without_a_compiler_one_after_another(monkeypatch):
    x, u = table(100, 30), table(100, 30, seed=1)
    with config.context(execution="interpret"):
        want = gradients(leaf(x), leaf(u))
        materialize(tuple(want))
    monkeypatch.setattr(native, "available", lambda: False)
    nodes = gradients(leaf(x), leaf(u))
    materialize(tuple(nodes))
    for n, w in zip(nodes, want, strict=True):
        np.testing.assert_allclose(n.value, w.value, 1e-5, 1e-5)
