"""Outputs written over inputs that die with the graph, as an optimiser's update of the weights is:
only where nothing can read these any more, and at once with giving the outputs their values.
"""

import _thread
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from lazytensor import config
from lazytensor._base import processors
from lazytensor.ir.graph import keep
from lazytensor.ir.node import TRACING, Node, leaf, scalar
from lazytensor.ops import g
from lazytensor.runtime import cache, materialize, replayed
from lazytensor.runtime.counters import counting

F32 = np.dtype("float32")
RNG = np.random.default_rng(3)
W, M = RNG.standard_normal((2, 300, 200)).astype(F32)
X = RNG.standard_normal((64, 200)).astype(F32)
LEARNT = replayed.AFTER + 4


@pytest.fixture(autouse=True)
def compiled() -> Iterator[None]:
    with config.context(execution="compile", num_threads=1):
        cache.CACHE.clear()
        yield
        cache.CACHE.clear()


def update(w: Node, m: Node) -> tuple[Node, Node, Node]:
    """New weights and momentum, and a number, of which the last is computed of the old ones."""
    y = g.matmul(leaf(X), g.permute(w, (1, 0)))
    grad = g.matmul(g.permute(y, (1, 0)), leaf(X)) * scalar(1e-3, F32)
    momentum = m * scalar(0.75, F32) + grad
    return w - momentum * scalar(0.125, F32), momentum, g.sum(y, (0, 1))


def place(node: Node) -> int:
    return node.value.ctypes.data  # type: ignore[no-any-return]


class Training:
    """Steps from fresh arrays on."""

    def __init__(self) -> None:
        self.w, self.m = leaf(W.copy()), leaf(M.copy())
        self.total: Any = None

    def step(self, cutting: bool = True) -> None:
        w, m, total = update(self.w, self.m)
        self.w, self.m, self.total = w, m, total
        materialize.materialize((w, m, total), cutting)
        del w, m, total

    def steps(self, count: int) -> "Training":
        for _ in range(count):
            self.step()
        return self

    def bits(self) -> list[bytes]:
        return [x.value.tobytes() for x in (self.w, self.m, self.total)]


def plain(count: int) -> list[bytes]:
    """What so many steps give."""
    with config.context(execution="interpret"):
        return Training().steps(count).bits()


def test_what_dies_is_written_over() -> None:
    training = Training().steps(LEARNT)
    before = place(training.w), place(training.m)
    with counting() as counters:
        training.step()
    assert (place(training.w), place(training.m)) == before
    assert counters.bytes == 64 * 300 * 4 + W.nbytes + 4  # the product, the gradient, and the sum
    assert counters.kernels == 2
    assert training.bits() == plain(LEARNT + 1)


def holds_the_leaf(training: Training) -> Any:
    return training.w


def holds_the_array(training: Training) -> Any:
    return training.w.value


def holds_a_view(training: Training) -> Any:
    return training.w.value[1:]


def holds_memory(training: Training) -> Any:
    return memoryview(training.w.value)


def holds_what_is_computed_of_it(training: Training) -> Any:
    return g.exp(training.w)


HOLDING = [
    holds_the_leaf, holds_the_array, holds_a_view, holds_memory, holds_what_is_computed_of_it,
]  # fmt: skip


@pytest.mark.parametrize("often", [1, LEARNT])
@pytest.mark.parametrize("hold", HOLDING)
def test_what_somebody_holds_is_not_written_over(
    hold: Callable[[Training], Any], often: int
) -> None:
    training = Training().steps(LEARNT)
    for _ in range(often):
        held, before, was = hold(training), place(training.w), training.w.value.copy()
        training.step()
        assert place(training.w) != before
        if isinstance(held, Node):
            found = materialize.value(held)
            with config.context(execution="interpret"):
                like = materialize.value(hold_again(hold, was))
            assert found.tobytes() == like.tobytes()
        elif isinstance(held, np.ndarray):
            assert held.tobytes() == was[-len(held) :].tobytes()
        else:
            assert held.tobytes() == was.tobytes()
        del held
    assert training.bits() == plain(LEARNT + often)


def hold_again(hold: Callable[[Training], Any], w: Any) -> Any:
    training = Training()
    training.w = leaf(w)
    return hold(training)


def test_what_a_node_of_the_graph_that_is_held_reads_is_not_written_over() -> None:
    """It gets no value, since it is cheap and large, so that it is computed again."""
    w, m, kept = leaf(W.copy()), leaf(M.copy()), None
    for _ in range(2 * LEARNT):
        half, was, before = w * scalar(0.5, F32), w.value.copy(), place(w)
        w, kept = half - m * scalar(0.125, F32), half
        del half
        materialize.materialize((w,), cutting=True)
        if kept.value is None:
            assert place(w) != before
        assert materialize.value(kept).tobytes() == (was * F32.type(0.5)).tobytes()


def test_what_a_history_goes_through_is_not_written_over() -> None:
    training = Training().steps(LEARNT)
    for _ in range(LEARNT):
        before, leaf_ = place(training.w), training.w
        w, m, total = update(training.w, training.m)
        keep((w,), (leaf_,))
        del leaf_
        training.w, training.m, training.total = w, m, total
        materialize.materialize((w, m, total), cutting=True)
        assert place(w) != before
        del w, m, total


def test_what_is_not_cut_off_is_not_written_over() -> None:
    training = Training().steps(LEARNT)
    before = place(training.w)
    training.step(cutting=False)
    assert place(training.w) != before
    training = Training().steps(LEARNT)
    before = place(training.w)
    TRACING.depth += 1
    try:
        training.step()
    finally:
        TRACING.depth -= 1
    assert place(training.w) != before


def test_what_may_not_be_written_to_is_not_written_over() -> None:
    training = Training().steps(LEARNT)
    training.w.value.flags.writeable = False
    before, was = training.w.value.ctypes.data, training.w.value.tobytes()
    array = training.w.value
    training.step()
    assert place(training.w) != before
    assert array.tobytes() == was
    assert training.bits() == plain(LEARNT + 1)


def test_an_interrupted_run_has_changed_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    training = Training().steps(LEARNT)
    was = training.w.value.tobytes()

    def interrupted(graph: Any, values: Any) -> None:
        assert graph.late
        raise KeyboardInterrupt

    with monkeypatch.context() as m:
        m.setattr(materialize, "_at_once", interrupted)
        with pytest.raises(KeyboardInterrupt):
            training.step()
    pending = training.w
    assert pending.value is None
    assert next(a for a in pending.args if a.value is not None).value.tobytes() == was
    materialize.materialize((training.w, training.m, training.total), cutting=True)
    assert training.bits() == plain(LEARNT + 1)
    assert training.steps(LEARNT).bits() == plain(2 * LEARNT + 1)


def test_no_interrupt_comes_between_writing_and_giving_values(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    training = Training().steps(LEARNT)
    real = materialize._at_once

    def late(graph: Any, values: Any) -> None:
        graph.late.insert(0, (_thread.interrupt_main,))
        graph.late.insert(2, (_thread.interrupt_main,))
        real(graph, values)

    with monkeypatch.context() as m:
        m.setattr(materialize, "_at_once", late)
        with pytest.raises(KeyboardInterrupt):
            training.step()
    assert training.w.value is not None
    assert training.bits() == plain(LEARNT + 1)
    assert training.steps(LEARNT).bits() == plain(2 * LEARNT + 1)


def test_what_several_threads_would_share_is_not_written_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A call on several threads is more than one."""
    with config.context(num_threads=2):
        assert processors.count() == 2
        w = leaf(np.ones((1024, 512), F32))
        for _ in range(LEARNT):
            before = place(w)
            w = w * scalar(0.5, F32) + scalar(0.25, F32)
            materialize.materialize((w,), cutting=True)
        assert place(w) != before
        assert (w.value == 0.5 + 0.5 ** (LEARNT + 1)).all()


def test_numbers_among_the_arguments() -> None:
    """A mean that is a scalar of NumPy's, not an array."""
    w = leaf(W.copy())
    like = W.copy()
    for _ in range(LEARNT + 4):
        rate = leaf(F32.type(0.5))
        before = place(w)
        w = w * g.broadcast_to(rate, w.shape) + scalar(0.25, F32)
        materialize.materialize((w,), cutting=True)
        like = like * F32.type(0.5) + F32.type(0.25)
    assert w.value.tobytes() == like.tobytes()
    assert place(w) == before
