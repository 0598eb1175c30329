"""Materialising: what is computed, what is kept, what is computed again: counted, never timed."""

import gc
import sys
import threading

import numpy as np
import pytest

from lazytensor._base import config
from lazytensor.ir.graph import keep, let_go, linearize
from lazytensor.ir.node import Node, leaf, placeholder
from lazytensor.ops import ROWS, g
from lazytensor.runtime import cache, pending
from lazytensor.runtime.cache import HOT, HOT_LONG, LONG
from lazytensor.runtime.counters import counting
from lazytensor.runtime.materialize import TINY, asked, materialize, value
from lazytensor.runtime.pending import new_leaf


@pytest.fixture(autouse=True)
def fresh():
    cache.CACHE.clear()


def data(*shape: int, dtype: type = np.float64) -> Node:
    rng = np.random.default_rng(7)
    return leaf(rng.standard_normal(shape).astype(dtype))


@pytest.mark.parametrize("mode", ["interpret", "compile", "auto"])
def test_a_contraction_that_something_alive_needs_runs_once(mode, monkeypatch):
    x, runs, column = data(40, 40), [], ROWS["matmul"].value
    monkeypatch.setattr(
        ROWS["matmul"], "value", lambda np, a, b: runs.append(1) or column(np, a, b)
    )
    with config.context(execution=mode):
        y = g.matmul(x, x)
        z = g.sum(g.exp(y), (0, 1))
        value(z)
        value(y)
        value(g.max(y, (0, 1)))
    assert len(runs) == 1
    assert y.value is not None
    fresh_graph = linearize([g.sum(y, (0,))])
    assert len(fresh_graph.order) == 2


@pytest.mark.parametrize("mode", ["interpret", "compile", "auto"])
def test_a_view_of_what_was_computed_of_a_contraction_is_kept_where_it_is_held(mode, monkeypatch):
    x, runs, column = data(200, 200), [], ROWS["matmul"].value
    monkeypatch.setattr(
        ROWS["matmul"], "value", lambda np, a, b: runs.append(1) or column(np, a, b)
    )
    with config.context(execution=mode):
        part = g.slice(g.permute(g.matmul(x, x) + 1.0, (1, 0)), (0, 0), (150, 200), (1, 1))
        value(g.sum(g.exp(part), (0, 1)))
        value(g.max(part, (0, 1)))
    assert len(runs) == 1


def test_a_dead_contraction_is_not_kept():
    x = data(100, 100)
    y = g.matmul(x, x)
    z = g.sum(y, (0, 1))
    value(z)
    assert y.value is not None
    w = g.sum(g.matmul(x, x), (0, 1))
    value(w)
    assert w.args[0].value is None  # only the graph held it


def test_equal_contractions_in_one_graph_run_once():
    x = data(8, 8)
    with config.context(execution="interpret"), counting() as c:
        a, b = g.matmul(x, x), g.matmul(x, x)
        value(a + b)
    assert c.interpreted == 2
    assert a.value is b.value is not None


def test_small_elementwise_values_that_are_held_are_kept():
    x = data(10)
    y = g.exp(x)
    value(g.sum(y, (0,)))
    assert y.value is not None


def test_large_cheap_values_stay_pending_and_dear_ones_are_kept():
    x = data(100_000)
    y = x * 2.0
    deep = x
    for _ in range(20):
        deep = deep * 1.5
    value(g.sum(y + deep, (0,)))
    assert y.value is None
    assert deep.value is not None


def test_asking_for_one_element_computes_the_array_once():
    x = data(100_000)
    y = g.exp(x)
    element = g.slice(g.reshape(y, (100_000,)), (0,), (1,), (1,))
    value(element)
    assert y.value is not None
    with counting() as c:
        value(g.slice(y, (5,), (1,), (1,)))
    assert c.bytes == 0


def test_history_stays_after_a_value_was_read():
    x = data(3)
    y = g.exp(x)
    value(y)
    assert y.args == (x,)


def test_what_the_user_saw_is_cut_off_from_what_it_was_computed_from():
    x = data(3)
    y = g.exp(x)
    asked(y)
    assert y.args == () and y.op.name == "leaf"


def test_nodes_of_a_history_keep_their_arguments_until_it_is_let_go():
    x = data(3)
    y = g.exp(x)
    z = g.sum(y * 2.0, (0,))
    keep([z], [x])
    asked(z)
    assert y.args == (x,) and z.args
    let_go([z], [x])
    assert z.args == () and y.args == ()


def test_nodes_of_two_histories_keep_their_arguments_until_both_are_let_go():
    x = data(3)
    y = g.exp(x)
    z = g.sum(y, (0,))
    keep([y], [x])
    keep([z], [x])
    asked(z)
    let_go([z], [x])
    assert z.args == () and y.args == (x,)


def test_values_do_not_depend_on_what_was_asked_for_first():
    x = data(100, 30, dtype=np.float32)

    def program() -> tuple[Node, Node]:
        y = g.exp(x) * 2.0
        return g.sum(y, (1,)), g.sum(y, (0,))

    a, b = program()
    materialize((a, b))
    c, d = program()
    value(d)
    value(c)
    assert a.value.tobytes() == c.value.tobytes() and b.value.tobytes() == d.value.tobytes()


def test_second_time_makes_no_plan_and_compiles_nothing():
    def program(n: int) -> Node:
        return g.sum(g.tanh(data(n, 50)) * 0.7 + 3.0, (1,))

    with config.context(execution="compile"):
        value(program(20))
        with counting() as again:
            value(program(20))
        with counting() as sizes:
            for n in range(21, 60):
                value(program(n))
    assert (again.plans, again.compilations) == (0, 0)
    assert again.kernels == 1
    assert sizes.compilations == 0
    assert sizes.plans == 39


def test_scalars_are_inputs_and_compile_nothing():
    x = data(64)
    with config.context(execution="compile"):
        value(x * 3.25 + 4.5)
        with counting() as c:
            for i in range(500):
                value(x * (3.25 + i) + (4.5 + i / 8))
    assert (c.compilations, c.plans) == (0, 0)


@pytest.mark.parametrize(
    ("target", "size", "due"),
    [("llvm", 64, HOT), ("llvm", 60_000, 2), ("numpy", 64, HOT), ("numpy", 5_000, 2)],
)
def test_auto_interprets_first_and_plans_what_comes_again(target: str, size: int, due: int):
    x = data(size)

    def program() -> Node:
        y = x
        for _ in range(TINY):
            y = g.exp(y * -1.5)
        return y

    with config.context(execution="auto", target=target):
        with counting() as tiny:
            value(g.exp(x))
        with counting() as first:
            for _ in range(due - 1):
                value(program())
        with counting() as last:
            value(program())
    assert (tiny.interpreted, tiny.plans) == (1, 0)
    assert (first.interpreted, first.plans) == ((due - 1) * 2 * TINY, 0)
    assert (last.interpreted, last.plans) == (0, 1)


@pytest.mark.parametrize(("target", "due"), [("llvm", HOT_LONG), ("numpy", HOT)])
def test_auto_interprets_long_graphs_more_often(target: str, due: int):
    x = data(3)

    def program() -> Node:
        y = x
        for _ in range(LONG // 2 + 1):
            y = y * -1.5 + 2.5
        return y

    with config.context(execution="auto", target=target, max_pending=1 << 20):
        with counting() as first:
            for _ in range(due - 1):
                value(program())
        with counting() as last:
            value(program())
    assert (first.plans, last.plans, last.interpreted) == (0, 1, 0)


@pytest.mark.parametrize(
    ("target", "size", "due"),
    [
        *(("numpy", size, due) for size, due in [(4097, HOT), (20_000, 5), (60_000, 2)]),
        *(("llvm", size, due) for size, due in [(20_000, HOT), (320_000, 5), (960_000, 2)]),
    ],
)
def test_graphs_of_middling_arrays_are_planned_when_much_has_come(target: str, size: int, due: int):
    """Compiling takes as long as interpreting a few megabytes, to native code some tens of them."""
    x = data(size)
    with config.context(execution="auto", target=target):
        for plans in [0] * (due - 1) + [1, 0]:
            with counting() as c:
                value(g.exp(x * -1.5) + g.sqrt(g.abs(x)))
            assert c.plans == plans


@pytest.mark.parametrize(("target", "size"), [("llvm", 5_000_000), ("numpy", 1_000_000)])
def test_auto_plans_large_graphs_at_once(target: str, size: int):
    x = data(size)
    with config.context(execution="auto", target=target), counting() as c:
        value(g.exp(x) * 3.5)
    assert (c.interpreted, c.plans) == (0, 1)


def test_leaf_order_does_not_matter_to_the_key():
    a, b = data(4), data(4)
    assert linearize([a * b]).key == linearize([b * a]).key
    assert linearize([a * a]).key != linearize([a * b]).key


def test_zero_and_minus_zero_are_different_programs():
    x = leaf(np.array([0.0, -0.0]))
    with config.context(execution="compile"):
        plus, minus = value(x * 0.0), value(x * -0.0)
    assert list(np.signbit(plus)) == [False, True]
    assert list(np.signbit(minus)) == [True, False]


def test_errors_are_raised_each_time_with_the_users_line():
    x, i = data(3), leaf(np.array([5]))
    y = g.gather([x, i])
    for _ in range(2):
        with pytest.raises(
            IndexError, match=r"index 5 is out of bounds for axis 0 of size 3.*test_materialize.py"
        ):
            value(y)
    assert y.value is None


@pytest.mark.parametrize("mode", ["interpret", "compile"])
def test_errors_name_the_line_of_this_run_also_from_the_cache(mode):
    x = data(3)

    def bad(k: int) -> Node:
        return g.gather([x, leaf(np.array([k]))]) * 2.0

    with config.context(execution=mode):
        value(bad(1))
        with pytest.raises(IndexError, match="index 9"):
            value(bad(9))
        assert value(bad(2)) == x.value[2] * 2


def test_placeholders_have_no_value():
    p = placeholder((2,), np.dtype("float64"), data(1).device, 0)
    with pytest.raises(TypeError, match=r"shape \(2,\).*traced"):
        value(p * 2.0)


def test_a_hundred_thousand_pending_operations_under_a_low_recursion_limit():
    x = y = data(10)
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(200)
    try:
        with config.context(max_pending=10**6):
            pending.settle()
            for _ in range(100_000):
                y = y + x
            assert len(linearize([y]).order) > 90_000
            value(y)
        del y
    finally:
        sys.setrecursionlimit(limit)


def test_a_graph_a_hundred_thousand_wide():
    x = data(4)
    parts = [x * float(i) for i in range(100_000)]
    while len(parts) > 1:
        parts = [a + b for a, b in zip(parts[::2], parts[1::2], strict=False)] + parts[
            len(parts) // 2 * 2 :
        ]
    np.testing.assert_allclose(value(parts[0]), x.value * (99_999 * 50_000), rtol=1e-12)


@pytest.mark.parametrize("mode", ["interpret", "compile"])
def test_long_graphs_are_cut_into_pieces_that_agree(mode):
    x = data(5)

    def chain() -> Node:
        y, kept = x, []
        for i in range(5_000):
            y = g.sin(y) if i % 7 == 0 else y * 1.0001
            if i % 1_000 == 0:
                kept.append(y)
        return y + kept[0] + kept[3]

    with config.context(execution="interpret"):
        want = value(chain())
    with config.context(execution=mode):
        assert value(chain()).tobytes() == want.tobytes()


def test_a_metric_summed_and_never_read_stays_bounded():
    total = leaf(np.zeros(()))
    most = 0
    for i in range(40_000):
        total = total + g.sum(new_leaf(np.full(100, float(i % 3)), total.device), (0,))
        if i % 5_000 == 0:
            most = max(most, len(linearize([total]).order))
    assert most < 3 * config.get("max_pending")
    assert value(total) == sum(100.0 * (i % 3) for i in range(40_000))


def test_large_leaves_held_by_a_pending_sum_are_let_go():
    total = leaf(np.zeros(()))
    for _ in range(200):
        total = total + g.sum(new_leaf(np.ones(1 << 17), total.device), (0,))
    _, held = pending._measure(total)
    assert held < 3 * pending.HELD_BYTES
    assert value(total) == 200 * (1 << 17)


def test_nothing_is_left_to_the_garbage_collector():
    gc.collect()
    gc.disable()
    try:
        import weakref

        buffer = np.ones(1000)
        dead = weakref.ref(buffer)
        x = leaf(buffer)
        value(g.sum(g.exp(x) * x, (0,)))
        with pytest.raises(IndexError):
            value(g.gather([x, leaf(np.array([5000]))]))
        del x, buffer
        assert dead() is None
    finally:
        gc.enable()


def test_eight_threads_compute_one_graph_once():
    x = data(200, 200)
    y = g.matmul(x, x)
    z = g.sum(g.exp(y * 1e-3), (1,))
    found: list[np.ndarray] = []
    barrier = threading.Barrier(8)

    def work() -> None:
        barrier.wait()
        found.append(value(z))

    with counting() as c:
        threads = [threading.Thread(target=work) for _ in range(8)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
    assert c.graphs == 1
    assert all(f is found[0] for f in found)


def test_many_threads_with_programs_of_their_own():
    errors: list[BaseException] = []

    def work(seed: int) -> None:
        try:
            rng = np.random.default_rng(seed)
            for _ in range(60):
                a = rng.standard_normal((int(rng.integers(1, 40)), 30))
                x = leaf(a)
                got = value(g.sum(g.exp(x) * 2.0, (1,)))
                np.testing.assert_allclose(got, (np.exp(a) * 2).sum(1), rtol=1e-12)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(12)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not errors


@pytest.mark.parametrize("period", [2, 4, 7, 16, 64])
def test_looks_meet_the_node_that_a_loop_carries(period):
    """The interval between looks may be a multiple of the nodes that a loop makes."""
    x, total, most = data(3), data(3), 0
    with config.context(max_pending=512):
        pending.settle()
        for i in range(6_000 // period):
            y = x
            for _ in range(period - 1):
                y = g.sin(y)
            total = total + y
            if i % 8 == 0:
                most = max(most, len(linearize([total]).order))
    pending.settle()
    assert most < 1_200


def test_programs_that_differ_in_where_they_slice_known_values_are_one():
    x = data(100, 30)

    def program(i: int) -> Node:
        part = g.slice(g.slice(x, (i, 0), (20, 30), (1, 1)), (1, 2), (9, 8), (2, 3))
        return g.sum(g.exp(part), (1,))

    with config.context(execution="compile"):
        first = value(program(0))
        with counting() as c:
            for i in range(1, 20):
                value(program(i))
    assert (c.plans, c.compilations) == (0, 0)
    np.testing.assert_allclose(first, np.exp(x.value[1:19:2, 2:24:3]).sum(1), rtol=1e-14)


def test_a_chain_of_writes_is_not_computed_again_at_each_look():
    x = data(50)
    with config.context(execution="interpret"), counting() as c:
        for i in range(40):
            x = g.update_slice(x, g.slice(x, (i,), (1,), (1,)) * 2.0, (i,), (1,))
            value(g.sum(x, (0,)))
    assert c.interpreted == 40 * 3  # the slices are views of known values


def test_large_arrays_that_the_user_holds_do_not_break_fusion():
    xs = [new_leaf(np.ones(1 << 22), data(1).device) for _ in range(3)]
    with counting() as c:
        value(xs[0] * 2.5 + xs[1] * 3.5 - xs[2] * xs[0])
    assert (c.kernels, c.graphs) == (1, 1)


def test_a_sum_of_a_large_array_is_compiled_at_once():
    """It was interpreted, since its result is small."""
    x = leaf(np.ones(20_000_000, np.float32))
    with config.context(execution="auto", target="llvm"), counting() as done:
        assert value(g.sum(x, (0,))) == 20_000_000
    assert (done.kernels, done.interpreted) == (1, 0)
