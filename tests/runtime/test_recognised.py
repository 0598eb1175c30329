"""Graphs that are recognised without a key: only where all is as it was, and then nothing of them
is written down.
"""

import gc
import threading
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from lazytensor import config
from lazytensor.ir.node import Node, leaf, scalar
from lazytensor.ops import g
from lazytensor.runtime import cache, materialize, recognised, replayed
from lazytensor.runtime.counters import counting

RNG = np.random.default_rng(6)
X, Y = RNG.standard_normal((2, 24, 24)).astype(np.float32)
OFTEN = replayed.AFTER + 4
F32 = np.dtype("float32")


@pytest.fixture(autouse=True)
def compiled() -> Iterator[None]:
    with config.context(execution="compile"):
        cache.CACHE.clear()
        yield
        cache.CACHE.clear()


@pytest.fixture
def walks(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """One entry for each graph that was written down."""
    found: list[int] = []
    real = materialize.linearize

    def linearize(*args: Any) -> Any:
        found.append(1)
        return real(*args)

    monkeypatch.setattr(materialize, "linearize", linearize)
    return found


def step(x: Node, y: Node, rate: float = 0.3, factor: float = 2.0) -> tuple[Node, Node, Node]:
    """Three results, of which the last is computed of the first's way, and of y."""
    h = g.tanh(g.matmul(x, y))
    loss = g.sum(h * scalar(factor, F32), (0, 1))
    return h - g.broadcast_to(loss, h.shape) * scalar(rate, F32), loss, g.exp(h) * g.sum(y, (0,))


def run(*nodes: Node) -> list[bytes]:
    materialize.materialize(nodes)
    return [node.value.tobytes() for node in nodes]


def plain(*nodes: Node) -> list[bytes]:
    """The values, without anything that is remembered."""
    cache.CACHE.clear()
    return run(*nodes)


def often(make: Callable[[], tuple[Node, ...]]) -> None:
    for _ in range(OFTEN):
        run(*make())


def test_nothing_is_written_down_once_a_graph_is_known(walks: list[int]) -> None:
    want = run(*step(leaf(X), leaf(Y)))
    often(lambda: step(leaf(X), leaf(Y)))
    walks.clear()
    for _ in range(3):
        assert run(*step(leaf(X), leaf(Y))) == want
    assert not walks


def test_inputs_and_numbers_are_read_anew(walks: list[int]) -> None:
    often(lambda: step(leaf(X), leaf(Y)))
    walks.clear()
    found = [run(*step(leaf(X * i), leaf(Y + i), 0.15 * i)) for i in range(3, 6)]
    assert not walks
    for i, one in zip(range(3, 6), found, strict=True):
        assert one == plain(*step(leaf(X * i), leaf(Y + i), 0.15 * i))


def test_one_input_may_stand_for_two(walks: list[int]) -> None:
    often(lambda: step(leaf(X), leaf(Y)))
    walks.clear()
    x = leaf(X)
    found = run(*step(x, x))
    assert not walks
    assert found == plain(*step(leaf(X), leaf(X)))


CHANGED: dict[str, Callable[[], tuple[Node, ...]]] = {
    "a number that is part of the program": lambda: step(leaf(X), leaf(Y), factor=1.0),
    "a number that was part of the program": lambda: step(leaf(X), leaf(Y), factor=3.5),
    "a number that becomes part of the program": lambda: step(leaf(X), leaf(Y), rate=0.5),
    "a dtype": lambda: step(leaf(X.astype("float64")), leaf(Y.astype("float64"))),
    "a shape": lambda: step(leaf(X[:8].copy()), leaf(Y)),
    "how an input lies": lambda: step(leaf(X.T), leaf(Y)),
    "an input that is computed": lambda: step(g.negative(leaf(X)), leaf(Y)),
    "an operation": lambda: (lambda h, s, e: (h, s, g.negative(e)))(*step(leaf(X), leaf(Y))),
    "the order of results": lambda: step(leaf(X), leaf(Y))[::-1],
    "fewer results": lambda: step(leaf(X), leaf(Y))[:2],
    "a result twice": lambda: (lambda h, s, e: (h, s, e, h))(*step(leaf(X), leaf(Y))),
    "a result of another step": lambda: (
        *step(leaf(X), leaf(Y))[:2], step(leaf(X), leaf(Y + 1))[2]
    ),
}  # fmt: skip


def in_double(make: Callable[[], tuple[Node, ...]]) -> tuple[Node, ...]:
    global F32
    before, F32 = F32, np.dtype("float64")
    try:
        return make()
    finally:
        F32 = before


@pytest.mark.parametrize("name", CHANGED)
def test_what_is_not_as_it_was_is_computed_as_it_is(name: str, walks: list[int]) -> None:
    make = CHANGED[name]
    if name == "a dtype":
        other, make = make, lambda: in_double(other)
    often(lambda: step(leaf(X), leaf(Y)))
    walks.clear()
    found = run(*make())
    assert walks == [1]
    assert found == plain(*make())


def test_a_number_and_an_array_of_one_number_are_told_apart(walks: list[int]) -> None:
    """Only of a number it is known when it is special."""

    def scaled(by: Node) -> Node:
        return g.tanh(g.matmul(leaf(X), leaf(Y))) * by

    array = leaf(np.array(0.3, np.float32))
    for first, other in ((array, scalar(0.3, F32)), (scalar(0.3, F32), array)):
        cache.CACHE.clear()
        often(lambda first=first: (scaled(first),))
        walks.clear()
        assert run(scaled(first)) and not walks
        assert run(scaled(other)) == plain(scaled(other))
        assert walks == [1, 1]


def test_a_graph_that_is_not_to_be_recognised_leaves_nothing(walks: list[int]) -> None:
    both = g.qr(leaf(X), "reduced")
    materialize.materialize([both])

    def product() -> tuple[Node]:
        return (g.matmul(g.pick(both, 0), leaf(Y)),)

    often(product)
    walks.clear()
    assert run(*product()) and walks
    assert not cache.CACHE.recognised.known


def twice(x: Node, y: Node) -> tuple[Node, Node, Node]:
    """The last of them computes one product that the graph has twice."""
    first, second = g.matmul(x, y), g.matmul(x, y)
    return first, second, first - g.tanh(second)


def test_what_is_there_twice_is_computed_once(walks: list[int]) -> None:
    want = plain(twice(leaf(X), leaf(Y))[2])
    often(lambda: twice(leaf(X), leaf(Y))[2:])
    walks.clear()
    with counting() as count:
        assert run(*twice(leaf(X), leaf(Y))[2:]) == want
    assert not walks and count.calls == 1


@pytest.mark.parametrize("kept", [0, 1])
def test_what_is_there_twice_and_held_gets_its_value(kept: int, walks: list[int]) -> None:
    def one() -> Node:
        nodes = twice(leaf(X), leaf(Y))
        held, last = nodes[kept], nodes[2]
        del nodes
        with counting() as count:
            run(last)
        assert held.value is not None and count.calls == 1
        return held

    for _ in range(2 * OFTEN):
        one()
    walks.clear()
    found = run(one())
    assert not walks
    assert found == plain(g.matmul(leaf(X), leaf(Y)))


def test_what_is_there_twice_is_cut_off_from_its_arguments() -> None:
    """The inputs' memory would stay for as long as it does."""
    for _ in range(OFTEN):
        nodes = twice(leaf(X), leaf(Y))
        materialize.asked(nodes[2])
        assert [(n.value is not None, n.args) for n in nodes] == [(True, ())] * 3
        del nodes


def test_what_is_asked_for_twice_has_both_values(walks: list[int]) -> None:
    want = plain(*twice(leaf(X), leaf(Y)))
    often(lambda: twice(leaf(X), leaf(Y)))
    walks.clear()
    assert run(*twice(leaf(X), leaf(Y))) == want
    assert not walks


def test_a_value_on_the_way_cuts_the_graph(walks: list[int]) -> None:
    often(lambda: step(leaf(X), leaf(Y)))
    walks.clear()
    h, loss, e = step(leaf(X), leaf(Y))
    want = run(*step(leaf(X), leaf(Y)))
    assert not walks
    run(loss)
    assert run(h, e) == [want[0], want[2]]
    assert len(walks) == 2


def held() -> tuple[Node, Node]:
    product = g.matmul(leaf(X), leaf(Y))
    return product, g.tanh(product) * 0.5


def alone() -> Node:
    return g.tanh(g.matmul(leaf(X), leaf(Y))) * 0.5


def by_turns(times: int) -> None:
    """Graphs whose product is held, which has its value then, and others."""
    for _ in range(times):
        product, out = held()
        run(out)
        assert product.value is not None
        run(alone())
        del product, out


def test_what_something_holds_is_kept_as_before(walks: list[int]) -> None:
    """A product that is held is not computed twice, whether the graph was known or not."""
    by_turns(2 * OFTEN)
    walks.clear()
    by_turns(4)
    assert not walks


def test_what_was_held_before_another_thread_ran_says_nothing(walks: list[int]) -> None:
    """While others run nothing is recognised: what was seen of an earlier graph isn't of this."""
    by_turns(2 * OFTEN)
    other = materialize._Run(False)
    other.nodes = frozenset([leaf(X)])
    materialize._runs.append(other)
    try:
        product, out = held()
        run(alone())
        run(out)
    finally:
        materialize._runs.remove(other)
    del product, out
    walks.clear()
    by_turns(3)
    assert not walks


def test_elements_that_are_taken_at_once_are_taken(walks: list[int]) -> None:
    def make(i: int) -> tuple[Node, ...]:
        part = g.slice(leaf(X), (i, 0), (8, 24), (1, 1))
        return step(part, leaf(Y))

    for i in range(OFTEN):
        run(*make(i % 10))
    walks.clear()
    found = run(*make(3))
    assert not walks and found == plain(*make(3))


def test_settings_and_observers_are_looked_at(walks: list[int]) -> None:
    often(lambda: step(leaf(X), leaf(Y)))
    walks.clear()
    with config.context(target="numpy"):
        run(*step(leaf(X), leaf(Y)))
    with config.context(fuse=False):
        run(*step(leaf(X), leaf(Y)))
    assert len(walks) == 2
    events: list[Any] = []
    materialize.cache.OBSERVERS.append(events.append)
    try:
        run(*step(leaf(X), leaf(Y)))
    finally:
        materialize.cache.OBSERVERS.pop()
    assert len(events) == 1


def test_a_plan_that_serves_two_settings_is_known_for_both(walks: list[int]) -> None:
    large = RNG.standard_normal((200, 200)).astype(np.float32)
    often(lambda: step(leaf(large), leaf(large + 1)))
    with config.context(execution="auto"):
        often(lambda: step(leaf(large), leaf(large + 1)))
        walks.clear()
        run(*step(leaf(large), leaf(large + 1)))
    run(*step(leaf(large), leaf(large + 1)))
    assert not walks


def test_nothing_that_was_computed_with_is_kept_alive() -> None:
    often(lambda: step(leaf(X), leaf(Y)))
    x = X.copy()
    alive = weakref.ref(x)
    node = leaf(x)
    run(*step(node, leaf(Y)))
    del x, node
    gc.collect()
    assert alive() is None


def test_graphs_that_look_alike_from_outside(walks: list[int]) -> None:
    """As many as are told apart are known all at once; more of them are right as well."""
    functions = [g.tanh, g.exp, g.sin, g.cos, g.sqrt, g.log][: recognised.ALIKE + 2]

    def make(f: Callable[[Node], Node]) -> Node:
        return g.sum(f(g.abs(leaf(X))) * leaf(Y), (0, 1))

    want = [run(make(f)) for f in functions]
    for _ in range(OFTEN):
        for f in functions:
            run(make(f))
    walks.clear()
    assert [run(make(f)) for f in functions] == want
    assert len(walks) == 2


def test_threads_each_have_their_own() -> None:
    often(lambda: step(leaf(X), leaf(Y)))
    want = {i: plain(*step(leaf(X * i), leaf(Y))) for i in range(1, 5)}
    often(lambda: step(leaf(X), leaf(Y)))
    found: dict[int, list[list[bytes]]] = {}

    def work(i: int) -> None:
        with config.context(execution="compile"):
            found[i] = [run(*step(leaf(X * i), leaf(Y))) for _ in range(50)]

    threads = [threading.Thread(target=work, args=(i,)) for i in want]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert found == {i: [one] * 50 for i, one in want.items()}
