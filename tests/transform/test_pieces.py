"""Sums of what slices give back are put together, with the same bits."""

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

from lazytensor._base import config
from lazytensor.ir.graph import linearize
from lazytensor.ir.node import Node, leaf
from lazytensor.lower.pipeline import lower
from lazytensor.ops import g
from lazytensor.runtime import cache
from lazytensor.runtime.materialize import materialize
from lazytensor.transform.simplify import simplify

RNG = np.random.default_rng(0)
SPECIAL = [0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -2.5]


def simplified(node: Node) -> Node:
    graph = linearize([node])
    (found,) = simplify(graph, range(len(graph.order)), graph.outputs).outputs
    return found


def names(node: Node) -> list[str]:
    return [n.op.name for n in linearize([node]).order if n.op.kind != "leaf"]


def part(shape: tuple[int, ...], dtype: str = "float32") -> Node:
    numbers = SPECIAL if dtype.startswith("float") else range(-3, 4)
    return leaf(RNG.choice(np.array(numbers), shape).astype(dtype))


def put(x: Node, shape: tuple[int, ...], *starts: int) -> Node:
    return g.embed(x, shape, starts, (1,) * len(shape))


def same_bits(node_of: object) -> None:
    found = []
    for how in ("interpret", "compile"):
        for target in ("llvm", "numpy"):
            with config.context(execution=how, target=target):
                cache.CACHE.clear()
                node = node_of()  # type: ignore[operator]
                materialize((node,))
                found.append(node.value)
    for other in found[1:]:
        nan = np.isnan(found[0]) if other.dtype.kind == "f" else np.zeros(other.shape, bool)
        assert (nan == (np.isnan(other) if other.dtype.kind == "f" else nan)).all()
        assert np.where(nan, 0, other).tobytes() == np.where(nan, 0, found[0]).tobytes()


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int32"])
def test_parts_of_a_whole(dtype):
    parts = [part((3, n), dtype) for n in (2, 4, 1)]

    def whole() -> Node:
        a, b, c = parts
        return put(a, (3, 7), 0, 0) + put(b, (3, 7), 0, 2) + put(c, (3, 7), 0, 6)

    found = simplified(whole())
    assert found.op.name == "concat" and "embed" not in names(found)
    assert [a.shape for a in found.args] == [(3, 2), (3, 4), (3, 1)]
    same_bits(whole)


def test_gaps_are_zero():
    a, b = part((2, 3)), part((1, 3))

    def whole() -> Node:
        return put(b, (6, 3), 4, 0) + put(a, (6, 3), 1, 0)

    found = simplified(whole())
    assert [x.shape[0] for x in found.args] == [1, 2, 1, 1, 1]
    same_bits(whole)


def test_many_steps_are_one_kernel_fewer():
    steps = [part((1, 4, 8)) for _ in range(30)]
    total = put(steps[0], (30, 4, 8), 0, 0, 0)
    for t, x in enumerate(steps[1:], 1):
        total = total + put(x, (30, 4, 8), t, 0, 0)
    with config.context(target="llvm"):
        plan = lower(linearize([total]))
    assert len(plan.steps) == 2  # -0 + 0 of all, and putting them together


@pytest.mark.parametrize(
    "node",
    [
        lambda a, b: put(a, (6, 3), 0, 0) + put(b, (6, 3), 1, 0),  # they overlap
        lambda a, b: put(a, (6, 4), 0, 0) + put(b, (6, 4), 2, 0),  # of two axes
        lambda a, b: g.embed(a, (6, 3), (0, 0), (2, 1)) + put(b, (6, 3), 4, 0),  # with steps
        lambda a, b: put(a, (6, 3), 0, 0) + part((6, 3)),
        lambda a, b: put(a, (6, 3), 0, 0) * put(b, (6, 3), 2, 0),
    ],
)
def test_what_is_left(node):
    def whole() -> Node:
        return node(a, b)  # type: ignore[no-any-return]

    a, b = part((2, 3)), part((2, 3))
    assert "concat" not in names(simplified(whole()))


@hypothesis.given(st.data())
def test_any_sum(data):
    """Parts of two arrays along axes, added in any order, some more than once."""
    shape = (5, 6)
    terms = []
    for _ in range(data.draw(st.integers(2, 6))):
        axis = data.draw(st.integers(0, 1))
        start = data.draw(st.integers(0, shape[axis] - 1))
        size = data.draw(st.integers(0, shape[axis] - start))
        own = tuple(size if k == axis else n for k, n in enumerate(shape))
        begins = tuple(start if k == axis else 0 for k in range(2))
        terms.append((part(own), begins))
    order = data.draw(st.lists(st.integers(0, 3), min_size=len(terms), max_size=len(terms)))

    def whole() -> Node:
        left = [put(x, shape, *begins) for x, begins in terms]
        for i in order[:-1]:
            if len(left) > 1:
                left.append(left.pop(i % len(left)) + left.pop(0))
        return g.tanh(left[-1] + left[0])

    same_bits(whole)


@pytest.mark.parametrize("dtype", ["float32", "int32"])
def test_a_part_over_a_whole_is_read_where_it_lies(dtype):
    """As the gradients of a padded axis are: x's own, and what is shown at both ends of it."""
    x, first, last = part((300, 60), dtype), part((300, 1), dtype), part((300, 2), dtype)

    def whole() -> Node:
        ends = put(first, (300, 60), 0, 1), put(last, (300, 60), 0, 57)
        return g.add(g.add(put(x, (300, 60), 0, 0), ends[0]), ends[1])

    assert "embed" not in names(simplified(whole()))
    graph = linearize([whole()])
    graph.close(graph.outputs)
    with config.context(target="llvm"):
        (step,) = [s for s in lower(graph).steps if s.outs[0] in lower(graph).outputs]
    assert len(step.boxes) == 5
    same_bits(whole)


def test_small_parts_over_a_whole_stay():
    x, first = part((3, 6)), part((3, 1))
    assert "embed" in names(simplified(g.add(x, put(first, (3, 6), 0, 1))))
