"""Golden plans: kernels, library calls and bytes of some twenty graphs. A refactoring must leave
them as they are.
"""

import numpy as np
import pytest

from lazytensor._base import config
from lazytensor.ir.graph import linearize
from lazytensor.ir.node import Node, leaf
from lazytensor.lower.fuse import LONGEST_ROW
from lazytensor.lower.kernel import Call, Launch, Plan
from lazytensor.lower.pipeline import lower
from lazytensor.lower.text import describe
from lazytensor.ops import g
from lazytensor.ops.reduce import kept_shape
from lazytensor.runtime.counters import counting
from lazytensor.runtime.materialize import materialize, value


def data(*shape: int, dtype: str = "float32") -> Node:
    return leaf(np.ones(shape, dtype))


def keep(name: str, x: Node, axes: tuple[int, ...]) -> Node:
    return g.reshape(getattr(g, name)(x, axes), kept_shape(x, axes))


def softmax(x: Node) -> Node:
    last = (x.ndim - 1,)
    e = g.exp(x - keep("max", x, last))
    return e / keep("sum", e, last)


def standardized(x: Node) -> Node:
    kept = (1, x.shape[1])
    mean = g.reshape(g.sum(x, (0,)), kept) / float(x.shape[0])
    return (x - mean) / g.reshape(g.sum(x * x, (0,)), kept)


def centred(x: Node) -> Node:
    d = x - g.sum(x, (0,))
    return d / g.sum(d * d, (0,))


def layernorm(x: Node) -> Node:
    n = x.shape[-1]
    d = x - keep("sum", x, (x.ndim - 1,)) / float(n)
    variance = keep("sum", d * d, (x.ndim - 1,)) / float(n)
    return d / g.sqrt(variance + 1e-5)


def logsumexp(x: Node) -> Node:
    m = keep("max", x, (1,))
    return g.log(keep("sum", g.exp(x - m), (1,))) + m


def softmax_backward(x: Node) -> Node:
    y = softmax(x)
    ct = x * 0.5
    return y * (ct - keep("sum", ct * y, (1,)))


def two_layers(x: Node) -> Node:
    w1, w2 = data(64, 32), data(32, 8)
    return softmax(g.matmul(g.tanh(g.matmul(x, w1) + 1.5), w2))


X = (48, 64)
# name: (program, kernels, library calls, views)
GOLDEN = {
    "chain": (lambda: g.exp(data(*X) * 2.0 + 3.0) - 1.5, 1, 0, 0),
    "diamond": (lambda: (lambda y: g.sin(y) * g.cos(y))(g.exp(data(*X))), 1, 0, 0),
    "row broadcast": (lambda: data(*X) * data(64) + data(48, 1), 1, 0, 0),
    "softmax": (lambda: softmax(data(*X)), 1, 0, 0),
    "softmax 3d": (lambda: softmax(data(4, 12, 64)), 1, 0, 0),
    "layernorm": (lambda: layernorm(data(*X)), 1, 0, 0),
    "affine layernorm": (lambda: layernorm(data(*X)) * data(64) + data(64), 1, 0, 0),
    "logsumexp": (lambda: logsumexp(data(*X)), 1, 0, 0),
    "softmax backward": (lambda: softmax_backward(data(*X)), 1, 0, 0),
    "row sum of squares": (lambda: (lambda x: g.sum(x * x, (1,)))(data(*X)), 1, 0, 0),
    "whole sum of squares": (lambda: (lambda x: g.sum(x * x, (0, 1)))(data(*X)), 1, 0, 0),
    "two trailing axes": (lambda: (lambda x: g.sum(g.exp(x), (1, 2)))(data(6, 8, 64)), 1, 0, 0),
    "column sum": (lambda: g.sum(data(*X) * 2.0, (0,)), 1, 0, 0),
    "plain sum": (lambda: g.sum(data(*X), (1,)), 1, 0, 0),
    "middle sum": (lambda: g.sum(data(4, 12, 64) * 2.0, (1,)), 1, 0, 0),
    "standardized columns": (lambda: standardized(data(*X)), 1, 0, 0),
    "columns without kept axes": (lambda: centred(data(*X)), 1, 0, 0),
    "transpose inside": (lambda: g.exp(g.permute(g.exp(data(*X)), (1, 0))), 2, 0, 1),
    "matmul between": (lambda: g.tanh(g.matmul(data(48, 64) * 2.0, data(64, 8)) + 1.5), 2, 1, 0),
    "two layers": (lambda: two_layers(data(*X)), 2, 2, 0),
    "concat": (lambda: g.concat([data(3, 4) * 2.0, data(3, 4) + 3.0], 0) * 5.0, 2, 0, 1),
    "gather": (lambda: g.gather([g.exp(data(9, 4)), leaf(np.array([1, 2]))]) * 3.0, 2, 1, 0),
    "cancelled": (lambda: -(-g.permute(g.permute(data(*X) * 1.0, (1, 0)), (1, 0))) + 4.0, 1, 0, 0),
    "cycle": (
        lambda: (lambda y: y * g.sum(g.permute(y, (1, 0)), (0, 1)))(g.exp(data(16, 16))),
        3,
        0,
        1,
    ),
}
# Where the reference makes other plans: it folds trailing axes alone, and calls lone reductions.
REFERENCE = {
    "column sum": (1, 1, 0),
    "plain sum": (0, 1, 0),
    "concat": (3, 0, 1),
    "middle sum": (1, 1, 0),
    "standardized columns": (3, 2, 2),
    "columns without kept axes": (2, 2, 0),
    "cycle": (2, 1, 1),
}


def plan_of(*nodes: Node) -> Plan:
    return lower(linearize(nodes))


def figures(plan: Plan) -> tuple[int, int, int]:
    calls = [s for s in plan.steps if isinstance(s, Call)]
    views = sum(s.op.kind == "movement" for s in calls)
    return len(plan.steps) - len(calls), len(calls) - views, views


@pytest.mark.parametrize("name", GOLDEN)
def test_golden_plan(name):
    program, *want = GOLDEN[name]
    plan = plan_of(program())
    assert figures(plan) == tuple(want), describe(plan)
    with config.context(target="numpy"):
        plan = plan_of(program())
        assert figures(plan) == REFERENCE.get(name, tuple(want)), describe(plan)


def test_several_outputs_of_one_kernel():
    x = g.exp(data(*X))
    plan = plan_of(x * 2.0, x + 3.0, g.sum(x, (1,)))
    assert figures(plan) == (1, 0, 0)
    launch = plan.steps[0]
    assert isinstance(launch, Launch) and len(launch.outs) == 3


def test_rows_that_would_leave_the_cache_are_gone_over_once():
    x = data(2, LONGEST_ROW + 1)
    assert figures(plan_of(g.sum(g.exp(x), (1,)))) == (1, 0, 0)
    assert figures(plan_of(softmax(x))) == (3, 0, 0)
    with config.context(target="numpy"):
        assert figures(plan_of(g.sum(g.exp(x), (1,)))) == (1, 1, 0)


def along_and_across(x: Node) -> Node:
    """Row sums of a square, read along its rows and along its columns."""
    n, total = x.shape[0], g.sum(x, (1,))
    along = x - g.reshape(total, (n, 1))
    return (x - total) / g.reshape(g.sum(along, (1,)), (n, 1))


@pytest.mark.parametrize("target", ["numpy", "llvm"])
def test_folds_of_rows_are_not_read_along_columns(target):
    x = leaf(np.random.default_rng(0).standard_normal((40, 40)))
    with config.context(execution="interpret"):
        want = value(along_and_across(x))
    with config.context(execution="compile", target=target):
        np.testing.assert_array_equal(value(along_and_across(x)), want)


def test_nothing_is_fused_when_fusion_is_off():
    with config.context(fuse=False):
        kernels, calls, _ = figures(plan_of(softmax(data(*X))))
    assert (kernels, calls) == (5, 0)


def test_sizes_are_no_part_of_a_kernel():
    kernels = set()
    for n, m in ((3, 4), (30, 40), (1000, 7)):
        plan = plan_of(layernorm(data(n, m)))
        kernels |= {s.kernel for s in plan.steps if isinstance(s, Launch)}
    assert len(kernels) == 1


def test_the_pass_names_and_their_times():
    plan = plan_of(softmax(data(*X)))
    names = {"simplify", "fuse", "build", "segments", "totals", "memory", "batches"}
    assert set(plan.timings) == names


def test_slots_are_dropped_after_their_last_reader():
    x = data(8, 8)
    plan = plan_of(g.matmul(g.exp(g.matmul(x, x)), x))
    seen: set[int] = set()
    for step in plan.steps:
        assert not seen & set(step.args)
        seen |= set(step.drops)
    assert not seen & set(plan.outputs)
    assert len(seen) == 3


def test_bytes_of_softmax_are_those_of_its_result():
    node = softmax(data(*X))
    with config.context(execution="compile"), counting() as c:
        materialize((node,))
    assert c.bytes == 48 * 64 * 4


def test_text_of_a_plan():
    text = describe(plan_of(softmax(data(*X))))
    assert text.startswith("kernel k0(x0[r, c]: f32) -> y0[r, c]: f32:\n    for r in rows:")
    assert "# f32[48, 64]" in text


def test_the_null_target_plans_and_counts_and_runs_nothing():
    node = softmax(data(*X))
    with config.context(target="null"), counting() as c:
        materialize((node,))
    assert (c.kernels, c.compilations, c.interpreted, c.bytes) == (1, 0, 0, 0)
    assert node.value.shape == X and node.value.dtype == np.float32
    q = g.pick(g.qr(data(4, 3), "reduced"), 1)
    with config.context(target="null"):
        materialize((q,))
    assert q.value.shape == (3, 3)
