"""Kernels that read the parts of what is put together, box by box."""

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

import lazytensor as xp
from lazytensor._base import config
from lazytensor.ir.graph import linearize
from lazytensor.ir.node import leaf
from lazytensor.lower import segments
from lazytensor.lower.kernel import Call, Plan
from lazytensor.lower.pipeline import lower
from lazytensor.lower.segments import Segments
from lazytensor.ops import g
from lazytensor.runtime import cache, native


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(segments, "WORTH", 1)
    with config.context(execution="compile", target="llvm"):
        yield


def plan_of(*nodes) -> Plan:
    return lower(linearize(nodes))


def calls(plan: Plan) -> list[str]:
    return [s.op.name for s in plan.steps if isinstance(s, Call)]


def parts(n: int = 3) -> list:
    return [leaf(np.arange(4.0 * (i + 1)).reshape(i + 1, 4)) for i in range(n)]


def test_nothing_is_put_together_for_a_kernel():
    plan = plan_of(g.concat(parts(), 0) * 2.0 + 1.0)
    assert "concat" not in calls(plan)
    (step,) = [s for s in plan.steps if isinstance(s, Segments)]
    assert [box.out for box in step.boxes] == [
        (slice(a, b), slice(0, 4)) for a, b in ((0, 1), (1, 3), (3, 6))
    ]


@pytest.mark.parametrize(
    "program",
    [
        lambda x: [x],
        lambda x: [x, x * 2.0],
        lambda x: [g.sum(x, (0,))],
        lambda x: [x * 2.0, g.cumsum(x, 0)],
        lambda x: [x + g.concat([leaf(np.ones((1, 6, 4))) for _ in range(40)], 0)],
    ],
    ids=["asked for", "kept too", "folded", "read by two", "too many boxes"],
)
def test_put_together_where_it_is_needed(program):
    assert "concat" in calls(plan_of(*program(g.concat(parts(), 0))))


SHAPE = st.tuples(st.integers(1, 20), st.integers(1, 20))


@hypothesis.given(SHAPE, st.data())
def test_rolls_and_concatenations(shape, data):
    rng = np.random.default_rng(0)
    n = rng.standard_normal(shape)
    x = xp.asarray(n)
    got, want = x * 2.0, n * 2.0
    for _ in range(data.draw(st.integers(1, 3))):
        by, axis = data.draw(st.integers(-25, 25)), data.draw(st.integers(0, 1))
        got, want = got + xp.roll(x, by, axis=axis), want + np.roll(n, by, axis)
    line = n[:1]
    got, want = got * xp.asarray(line), want * line
    for axis in (0, 1):
        both = xp.concat([got, xp.flip(x, axis=axis), got], axis=axis) - 1.0
        numbers = np.concatenate([want, np.flip(n, axis), want], axis)
        np.testing.assert_array_equal(both, numbers - 1)


@pytest.mark.parametrize("dtype", ["float32", "float16", "int8", "int64", "complex64", "bool"])
@pytest.mark.parametrize("rows", [1, 2, 7, 8, 33, 300])
def test_columns_of_what_is_written(rows, dtype):
    n = np.random.default_rng(rows).integers(0, 3, (rows, 5)).astype(dtype)
    x = xp.asarray(n)
    for axis, by in ((1, 1), (1, -1), (0, 1)):
        got = xp.where(xp.roll(x, by, axis=axis) == x, x, xp.roll(x, 2, axis=1))
        want = np.where(np.roll(n, by, axis) == n, n, np.roll(n, 2, 1))
        np.testing.assert_array_equal(got, want)


def test_what_has_no_native_code(monkeypatch):
    n = np.arange(12).reshape(3, 4) * (1 + 0.5j)
    x = xp.exp(xp.concat([xp.asarray(n), xp.asarray(n)], axis=1)) * xp.asarray(n[:, :1])
    np.testing.assert_array_equal(x, np.exp(np.concatenate([n, n], 1)) * n[:, :1])


def test_without_a_compiler(monkeypatch):
    """Kernels that read parts, and those over any axes, run on the reference."""
    monkeypatch.setattr(native, "available", lambda: False)
    monkeypatch.setattr(native, "functions", lambda: pytest.fail("the compiler was asked for"))
    cache.CACHE.clear()
    n = np.arange(12.0).reshape(3, 4)
    x = xp.concat([xp.asarray(n), xp.asarray(n)], axis=1) * 2.0 + xp.asarray(n[:, :1])
    np.testing.assert_array_equal(x, np.concatenate([n, n], 1) * 2 + n[:, :1])
    y = xp.asarray(n)
    np.testing.assert_array_equal(y - xp.max(y, axis=0), n - n.max(0))
    cache.CACHE.clear()
