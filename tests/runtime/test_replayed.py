"""Plans that are written out after some runs: values, counts and errors as step by step."""

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lazytensor import config
from lazytensor._base.lines import Lines
from lazytensor.ir.graph import linearize
from lazytensor.ir.node import Node, leaf, scalar, user_line
from lazytensor.ops import g
from lazytensor.runtime import cache, replayed
from lazytensor.runtime.counters import counting
from lazytensor.runtime.materialize import value

RNG = np.random.default_rng(5)
A = RNG.standard_normal((40, 30))
B = RNG.standard_normal((30, 20))
LARGE = RNG.standard_normal((300, 200))
ROWS = np.array([3, 0, -1, 39])
OFTEN = replayed.AFTER + 3


def test_lines_that_are_written_are_not_the_users() -> None:
    lines = Lines(user_line=user_line)
    lines.add("return user_line()")
    code, _ = lines.function("", "test")()
    assert code.co_filename == __file__


def a() -> Node:
    return leaf(A)


def in_place() -> Node:
    """What is written over what it was computed of."""
    x = g.matmul(leaf(LARGE), leaf(LARGE.T.copy()))
    return g.scatter([g.exp(x * 0.01), leaf(np.ones((1, 300))), leaf(np.array([7]))])


def softmax(x: Node) -> Node:
    e = g.exp(x - g.broadcast_to(g.reshape(g.max(x, (1,)), (x.shape[0], 1)), x.shape))
    return e / g.broadcast_to(g.reshape(g.sum(e, (1,)), (x.shape[0], 1)), x.shape)


def alike() -> Node:
    """Launches of one kernel over different arrays."""
    parts = [g.matmul(a() * scalar(float(i), A.dtype), leaf(B)) for i in range(3, 6)]
    return g.concat([g.tanh(part) + 0.25 for part in parts], 0)


PROGRAMS: dict[str, Callable[[], Node]] = {
    "launch": lambda: g.tanh(a() * 3.5 + 1.5),
    "product": lambda: g.tanh(g.matmul(a(), leaf(B))) * 0.5,
    "views": lambda: g.matmul(g.permute(leaf(B), (1, 0)), g.permute(a(), (1, 0))) + 1.5,
    "backwards": lambda: g.exp(g.slice(g.tanh(a()), (39, 0), (40, 30), (-1, 1))),
    "gather": lambda: g.gather([g.tanh(a()), leaf(ROWS)]) * 3.5,
    "softmax": lambda: softmax(g.matmul(a(), leaf(B))),
    "scan": lambda: g.cumsum(g.tanh(a()), 1) - 0.25,
    "totals": lambda: g.sum(softmax(leaf(LARGE)) * 3.5, (0,)),
    "stencil": lambda: g.concat([g.tanh(a()), g.exp(a())], 0) * 1.5,
    "alike": alike,
    "over": in_place,
    "number": lambda: g.sum(g.tanh(a()), (0, 1)) * 3.5,
}


@pytest.mark.parametrize("target", ["llvm", "numpy"])
@pytest.mark.parametrize("name", PROGRAMS)
def test_bits_and_counts_are_those_of_single_steps(name: str, target: str) -> None:
    with config.context(execution="compile", target=target):
        want = value(PROGRAMS[name]())
        with counting() as before:
            value(PROGRAMS[name]())
        for _ in range(OFTEN):
            found = value(PROGRAMS[name]())
        plan: Any = cache.CACHE.seen(linearize([PROGRAMS[name]()]))
        assert plan.replayed is not None
        with counting() as after:
            again = value(PROGRAMS[name]())
    assert found.tobytes() == again.tobytes() == want.tobytes()
    assert found.dtype == want.dtype and found.shape == want.shape
    assert (after.kernels, after.calls, after.bytes) == (before.kernels, before.calls, before.bytes)


def test_an_error_names_the_line_that_made_the_array() -> None:
    def program(rows: np.ndarray) -> Node:
        return g.gather([g.tanh(a()), leaf(rows)]) * 3.5

    first = inspect.getsourcelines(program)[1]
    with config.context(execution="compile"):
        want = value(program(ROWS))
        for _ in range(OFTEN):
            value(program(ROWS))
        with pytest.raises(IndexError, match=rf"index 40 .*test_replayed.py:{first + 1}"):
            value(program(np.array([1, 40, 2, 3])))
        assert value(program(ROWS)).tobytes() == want.tobytes()


def test_arrays_are_let_go_of_on_the_way() -> None:
    """What a step reads last has gone before the next one, when the plan is written out."""
    with config.context(execution="compile"):
        for _ in range(OFTEN):
            value(in_place())
        with counting() as done:
            value(in_place())
    assert done.bytes < 2 * 300 * 300 * 8 + 1000  # the product; the rest is written over it
