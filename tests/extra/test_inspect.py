"""inspect: what a graph does, told without computing it; what was run; why caches missed."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest

import lazytensor as xp
from lazytensor import inspect
from lazytensor._base import config
from lazytensor.extra.inspection import Explanation, copy_speed
from lazytensor.lower.account import Cost
from lazytensor.ops import ROWS
from lazytensor.runtime import cache
from lazytensor.runtime.counters import counting
from lazytensor.runtime.jit import MISSES
from lazytensor.runtime.observe import TIMERS

X = np.linspace(0.5, 2.0, 40).reshape(5, 8)


@pytest.fixture(autouse=True)
def fresh():
    cache.CACHE.clear()
    MISSES.clear()
    yield
    assert TIMERS == []


def arr(*shape: int) -> Any:
    return xp.asarray(np.ones(shape))


def softmax(x: Any) -> Any:
    e = xp.exp(x - xp.max(x, axis=1, keepdims=True))
    return e / xp.sum(e, axis=1, keepdims=True)


# --- explain --------------------------------------------------------------------------------------


def test_nothing_is_computed():
    y = softmax(xp.asarray(X))
    with config.context(target="numpy"), counting() as done:
        found = inspect.explain(y)
        str(found)
    assert (done.graphs, done.plans, done.kernels, done.calls, done.interpreted) == (0,) * 5
    assert y._node.value is None
    (kernel,) = found.kernels
    assert kernel.name == "max+subtract+exp+sum+1 more"
    assert kernel.shape == (5, 8)
    # 40 elements: max, subtract, exp, sum, divide
    assert kernel.cost == Cost(40 * 8, 40 * 8, 5 * 40)
    assert "kernel kernel(" in kernel.text
    assert "exp(" in kernel.source


@pytest.mark.cpu("a graph's steps, no transfer among them")
def test_costs_of_calls_and_views():
    a, b = arr(4, 6), arr(6, 7)
    found = inspect.explain(xp.matmul(a, b).T @ arr(4, 1))
    calls = {step.name: step.cost for step in found.steps}
    first, _, last = found.steps
    assert first.cost == Cost((24 + 42) * 8, 28 * 8, 2 * 4 * 6 * 7)
    assert calls["permute"] == Cost(0, 0, 0)
    assert last.cost.flops == 2 * 7 * 4
    assert found.cost.flops == first.cost.flops + last.cost.flops
    assert [step.kind for step in found.steps] == ["call", "view", "call"]


@pytest.mark.parametrize(
    ("name", "shapes", "flops"),
    [
        ("conv", ((2, 4, 9), (2, 3, 11), (4, 3, 3)), 2 * 2 * 4 * 9 * 3 * 3),
        ("conv_input", ((2, 3, 11), (2, 4, 9), (4, 3, 3)), 2 * 2 * 4 * 9 * 3 * 3),
        ("conv_weight", ((4, 3, 3), (2, 3, 11), (2, 4, 9)), 2 * 2 * 4 * 9 * 3 * 3),
    ],
)
def test_work_of_convolutions(name, shapes, flops):
    assert ROWS[name].work(*[arr(*shape) for shape in shapes]) == flops


def test_a_column_of_work_that_scalars_share_is_counted_by_rows():
    x = xp.asarray(X)
    found = inspect.explain(x / xp.sqrt(xp.sum(x * x, axis=1, keepdims=True)))
    (kernel,) = found.kernels
    assert kernel.cost.flops == 40 + 40 + 5 + 40


@pytest.mark.cpu("a graph's steps, no transfer among them")
def test_memory_that_a_plan_takes():
    x = arr(50, 40)
    y = xp.exp(x) @ arr(40, 30)
    found = inspect.explain(xp.sum(xp.cumulative_sum(y.T, axis=0), axis=1))
    slots = {s.number: s for s in found.slots}
    kinds = [s.kind for s in found.slots]
    assert kinds.count("input") == 2
    assert kinds.count("view") == 1
    view = next(s for s in found.slots if s.kind == "view")
    assert view.nbytes == 0
    assert slots[view.of].shape == (50, 30)
    assert slots[view.of].dies >= view.dies
    exp = next(s for s in found.slots if s.kind == "temporary" and s.shape == (50, 40))
    assert (exp.nbytes, exp.born, exp.dies) == (16000, 0, 1)
    assert found.peak >= 16000 + 12000
    for s in found.slots:
        assert s.born <= s.dies <= len(found.steps)


def test_a_product_that_a_program_makes_late_is_made_late():
    x, w, u = (xp.full(shape, 0.5) for shape in ((20, 8, 64), (64, 64), (64, 64)))
    h = x[0, ...] * 1
    for t in range(20):
        h = xp.tanh(x[t, ...] @ w + h @ u)
    product = 8 * 64 * 8
    assert inspect.explain(h).peak <= 4 * product


@pytest.mark.cpu("a graph's steps, no transfer among them")
def test_the_peak_is_what_a_plan_is_measured_to_take():
    x = arr(1000)
    y = xp.sort(x)
    z = xp.cumulative_sum(y + 1.0) + y
    assert inspect.explain(z).peak == 3 * 8000


def test_several_arrays_and_known_ones():
    x = xp.asarray(X)
    known = x * 2
    np.asarray(known)
    found = inspect.explain(xp.sum(x + 1, axis=1), known, xp.max(x + 1, axis=1))
    assert len(found.steps) == 1
    assert len([s for s in found.slots if s.kind == "output"]) == 2
    nothing = inspect.explain(known)
    assert (nothing.steps, nothing.peak) == ((), 0)
    assert "0 B" in str(nothing)


@pytest.mark.cpu("what is interpreted")
def test_whether_a_plan_is_there():
    def ask() -> Any:
        return xp.sum(xp.sin(arr(1_500_000)))

    assert inspect.explain(ask()).how == "which is not made yet"
    for times in range(1, 5):
        float(ask())
        assert inspect.explain(ask()).how == f"interpreted {times} times so far"
    float(ask())
    assert inspect.explain(ask()).how == "which is kept"


def test_a_function_of_jit_with_its_arguments():
    runs: list[int] = []

    @xp.jit
    def f(x: Any, *, scale: float) -> Any:
        runs.append(1)
        return xp.sum(x * scale)

    found = inspect.explain(f, arr(10), scale=2.0)
    assert "of jit, for f" in found.how
    assert found.cost.flops == 20
    f(arr(10), scale=3.0)
    assert len(runs) == 1


def test_a_method_of_jit():
    class Model:
        scale = 2.0

        @xp.jit
        def f(self, x: Any) -> Any:
            return x * self.scale

    assert inspect.explain(Model().f, arr(10)).cost.flops == 10
    assert inspect.why_missed(Model().f)[0].name == "f"


@pytest.mark.cpu("a graph's steps, no transfer among them")
def test_the_text_has_all_parts():
    text = str(inspect.explain(softmax(xp.asarray(X))))
    parts = ("the graph:\ndef graph(x0):", "the plan (which is not made yet):", "plan(b0):",
             "the steps:", "in all 320 B read, 320 B written, 200 operations", "the memory:",
             "before to step 0", "at most 320 B for temporaries and outputs at a time")  # fmt: skip
    for part in parts:
        assert part in text


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: inspect.explain(), "explain: expected arrays, or a function of jit with its arg"),
        (lambda: inspect.explain(arr(1), scale=2), "explain: expected arrays, or a function of ji"),
        (lambda: inspect.explain(arr(1), 3), "explain: argument 2 must be an array, or a functio"),
        (lambda: inspect.why_missed(len), "why_missed: f must be a function of jit, got builtin_"),
    ],
)  # fmt: skip
def test_what_is_refused(call, text):
    with pytest.raises(TypeError) as found:
        call()
    assert str(found.value).startswith(text)


def test_large_arrays_take_no_memory_to_explain():
    x = xp.broadcast_to(xp.asarray(1.0), (1 << 20, 1 << 20))
    found = inspect.explain(xp.exp(x) + x)
    assert found.peak == 8 << 40
    assert found.kernels[0].source


def test_native_sources():
    pytest.importorskip("llvmlite")
    with config.context(target="llvm"):
        (kernel,) = inspect.explain(xp.asarray(X) * 2.0 + 1.0).kernels
    assert "define i64" in kernel.source


# --- profile --------------------------------------------------------------------------------------


def test_rows_by_kernel_and_shape():
    with config.context(execution="compile"), inspect.profile() as found:
        for n in (1000, 1000, 2000):
            x = arr(n)
            np.asarray(xp.exp(x) * 2.0)
            np.asarray(xp.sort(x))
    rows = {(row.kind, row.name, row.shape): row for row in found.rows}
    kernel = rows["kernel", "exp+multiply", (1000,)]
    assert (kernel.launches, kernel.nbytes) == (2, 2 * 2 * 8000)
    assert kernel.rate == kernel.nbytes / kernel.seconds > 0
    assert rows["kernel", "exp+multiply", (2000,)].launches == 1
    assert rows["call", "sort", (1000,)].launches == 2
    assert found.counters.kernels == 3
    assert found.seconds >= sum(row.seconds for row in found.rows)
    assert [r.seconds for r in found.rows] == sorted((r.seconds for r in found.rows), reverse=True)


@pytest.mark.cpu("what is interpreted")
def test_small_graphs_are_seen_operation_by_operation():
    with inspect.profile() as found:
        float(xp.sum(xp.exp(arr(3))))
    assert {(row.kind, row.name) for row in found.rows} == {
        ("interpreted", "exp"), ("interpreted", "sum"),
    }  # fmt: skip


def test_calls_of_compiled_functions_are_seen():
    f = xp.jit(lambda x: xp.exp(x) + 1.0)
    x = arr(100)
    f(x)
    with inspect.profile() as found:
        f(x)
        f(x)
    assert [(row.kind, row.name, row.launches) for row in found.rows] == [("kernel", "exp+add", 2)]


@pytest.mark.cpu("a graph's steps, no transfer among them")
def test_a_profile_as_text():
    with inspect.profile() as found:
        np.asarray(xp.exp(arr(1000)))
    lines = str(found).splitlines()
    assert lines[0].split() == ["kind", "name", "shape", "runs", "ms", "GB/s", "of", "a", "copy"]
    assert lines[1].startswith("interpreted  exp   [1000]")
    assert "are spent in these; a copy moves" in lines[3]
    assert lines[4].startswith("1 nodes made, 0 graphs planned, 0 kernels compiled, 8 kB of new")


@pytest.mark.cpu("a graph's steps, no transfer among them")
def test_a_profile_ends_with_its_block():
    def failing() -> None:
        np.asarray(xp.exp(arr(10)))
        raise RuntimeError

    with pytest.raises(RuntimeError), inspect.profile() as found:
        failing()
    assert [row.name for row in found.rows] == ["exp"]
    np.asarray(xp.sin(arr(10)))
    assert len(found.rows) == 1


def test_the_speed_of_a_copy_is_measured_once():
    assert copy_speed() == copy_speed() == inspect.copy_speed()


# --- misses ---------------------------------------------------------------------------------------


def test_why_a_compiled_function_missed():
    f = xp.jit(lambda x, s, m: x["w"] * s, static_argnums=2)
    f({"w": arr(32, 4)}, 1.0, "a")
    f({"w": arr(33, 4)}, 1.0, "a")
    f({"w": arr(33, 4)}, 1, "a")
    f({"w": arr(33, 4)}, 1, "b")
    f({"w": arr(33, 4), "b": 2}, 1, "b")
    f({"w": xp.astype(arr(33, 4), xp.float32)}, 1, "b")
    (last,) = xp.materialize(xp.astype(arr(33, 4), xp.float32))
    with config.context(target="null"):
        f({"w": last}, 1, "b")
    found = inspect.why_missed(f)
    assert [m.reason for m in found][:2] == [
        "nothing was compiled yet", "the nearest program is for other arguments",
    ]  # fmt: skip
    assert [[str(d) for d in m.differences] for m in found] == [
        [],
        ["argument 0['w']: shape (32, 4) before, (33, 4) now"],
        ["argument 1: type float before, int now"],
        ["argument 2: static value 'a' before, 'b' now"],
        [
            "argument 0: structure dict of 1 with 'w' before, dict of 2 with 'w', 'b' now",
            "argument 0['b']: type not there before, int now",
        ],
        ["argument 0['w']: dtype float64 before, float32 now"],
        [f"settings: target {config.get('target')} before, null now"],
    ]
    assert found[1].differences[0].before == (32, 4)
    assert str(found[1]) == (
        "jit cache, <lambda>: the nearest program is for other arguments\n"
        "    argument 0['w']: shape (32, 4) before, (33, 4) now"
    )


def test_why_a_program_was_traced_again():
    rate = 1.0
    w = arr(2)

    def f(x: Any) -> Any:
        return x * rate + w

    compiled = xp.jit(f)
    compiled(arr(2))
    rate = 2.0
    compiled(arr(2))
    w[0] = 5.0
    compiled(arr(2))
    found = inspect.why_missed(compiled)[1:]
    assert {miss.reason for miss in found} == {"something outside the arguments has changed"}
    assert [str(miss.differences[0]) for miss in found] == [
        "`rate` around `f`: value 1.0 before, 2.0 now",
        "`w` around `f`: value the elements that it had before, other elements now",
    ]


@pytest.mark.cpu("a graph's steps, no transfer among them")
def test_why_a_graph_was_planned_anew():
    def ask(n: int, f: Any = xp.sum, shift: float = 2.0) -> None:
        float(f(xp.exp(xp.asarray(np.ones(n)) * shift)))

    with config.context(execution="compile"):
        line = sys._getframe().f_lineno - 3
        ask(3)
        ask(4)
        ask(4)
        ask(4, xp.max)
        ask(4, xp.max, 1.0)
    found = inspect.why_missed()
    assert {(m.cache, m.name) for m in found} == {("graph", f"asked for at {__file__}:{line}")}
    assert [(m.reason, [str(d) for d in m.differences]) for m in found] == [
        ("there is no other plan", []),
        ("a plan for the same operations is for others of these",
         ["input 0: shape (3,) before, (4,) now"]),
        ("no plan is for the same operations", ["operation 4: is sum before, max now"]),
        ("a plan for the same operations is for others of these",
         ["input 1: value 2.0 before, 1.0 now"]),
    ]  # fmt: skip


def test_nothing_missed_reads_so():
    assert str(inspect.why_missed()) == "nothing was missed"
    assert inspect.why_missed(xp.jit(lambda x: x)) == []


def test_explanations_are_data():
    found = inspect.explain(softmax(xp.asarray(X)))
    assert isinstance(found, Explanation)
    assert xp.memory_stats().keys() > {"held", "free", "cap"}
