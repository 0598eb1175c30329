"""Walks over states: the sums are those of all walks one by one, also where there is none; CTC in
as many operations for any number of steps, and for sequences of no steps.
"""

import itertools
from typing import Any

import numpy as np
import pytest

from lazytensor.ir.graph import linearize
from lazytensor.ir.node import Node, leaf
from lazytensor.lang import loss
from lazytensor.ops import g
from lazytensor.runtime.materialize import value
from lazytensor.transform.grad import vjp

BACK = (0, 1, 2)


def walks(steps: int, end: int) -> Any:
    """All ways to a state: the states at each step, from the first one on."""
    for back in itertools.product(BACK, repeat=steps - 1):
        states = [end]
        for k in back:
            states.append(states[-1] - k)
        if states[-1] >= 0:
            yield states[::-1]


def by_hand(x: Any, jump: Any) -> Any:
    """The sums at the last step, of one example."""
    found = np.zeros(x.shape[1])
    for end in range(x.shape[1]):
        for states in walks(len(x), end):
            moves = [jump[b] for a, b in itertools.pairwise(states) if b - a == 2]
            found[end] += np.exp(sum(x[t, s] for t, s in enumerate(states)) + sum(moves))
    with np.errstate(divide="ignore"):
        return np.log(found)


def case(seed: int, low: float) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    x, jump = rng.normal(size=(4, 3, 5)), rng.normal(size=(3, 5))
    x[rng.random(x.shape) < low], jump[rng.random(jump.shape) < 0.5] = -np.inf, -np.inf
    return x, jump


@pytest.mark.parametrize("low", [0.0, 0.4, 1.0])
def test_all_walks_one_by_one(low: float) -> None:
    x, jump = case(3, low)
    found = value(g.log_walk(leaf(x), leaf(jump)))
    for n in range(3):
        np.testing.assert_allclose(found[-1, n], by_hand(x[:, n], jump[n]), rtol=1e-12)
    assert np.isnan(value(g.log_walk(leaf(x * np.nan), leaf(jump)))[-1]).all()


def gradient(x: Node, jump: Node) -> list[Node]:
    y = g.exp(g.log_walk(x, jump))
    found = vjp([g.sum(y, (0, 1, 2))], [x, jump], [g.constant(1, y)])
    return [n for n in found if n is not None]


def test_gradients_where_there_are_no_walks() -> None:
    x, jump = case(5, 0.4)
    at = [value(n) for n in gradient(leaf(x), leaf(jump))]
    assert all(np.isfinite(n).all() for n in at)
    step, away = 1e-6, np.random.default_rng(0).normal(size=x.shape)
    sides = [np.exp(value(g.log_walk(leaf(x + s * away), leaf(jump)))).sum() for s in (step, -step)]
    np.testing.assert_allclose((at[0] * away).sum(), (sides[0] - sides[1]) / 2 / step, rtol=1e-6)


def test_second_derivatives() -> None:
    x, jump = case(7, 0.0)
    nodes = leaf(x), leaf(np.where(np.isinf(jump), 0.3, jump))
    away = [leaf(np.random.default_rng(i).normal(size=n.shape)) for i, n in enumerate(nodes)]

    def slope(nodes: Any) -> Node:
        parts = [g.sum(a * b, tuple(range(a.ndim))) for a, b in zip(gradient(*nodes), away)]
        return parts[0] + parts[1]

    second = vjp([slope(nodes)], list(nodes), [leaf(np.float64(1))])
    found = sum((value(n) * value(a)).sum() for n, a in zip(second, away) if n is not None)
    step = 1e-5
    moved = [[leaf(value(n) + s * value(a)) for n, a in zip(nodes, away)] for s in (step, -step)]
    sides = [value(slope(m)) for m in moved]
    np.testing.assert_allclose(found, (sides[0] - sides[1]) / 2 / step, rtol=1e-6)


def ctc(steps: int) -> Node:
    rng = np.random.default_rng(1)
    logs = leaf(rng.normal(size=(steps, 2, 5)))
    targets, lengths = leaf(np.array([[1, 2], [3, 3]])), leaf(np.array([steps, steps - 1]))
    each = loss.ctc(logs, targets, lengths, leaf(np.array([2, 1])))
    (found,) = vjp([each], [logs], [g.constant(1, each)])
    assert found is not None
    return found


def test_steps_are_no_nodes() -> None:
    few, many = (len(linearize([ctc(steps)]).order) for steps in (5, 50))
    assert few == many < 200


def test_no_steps() -> None:
    logs, lengths = leaf(np.zeros((3, 2, 4))), leaf(np.array([0, 0]))
    targets, of_target = leaf(np.array([[1, 2], [1, 2]])), leaf(np.array([0, 2]))
    assert value(loss.ctc_each(logs, targets, lengths, of_target)).tolist() == [0.0, np.inf]
    none = leaf(np.zeros((0, 2, 4)))
    assert value(loss.ctc_each(none, targets, lengths, of_target)).tolist() == [0.0, np.inf]


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda x, j: g.log_walk(j, j), ValueError, "has 3 axes"),
        (lambda x, j: g.log_walk(x, x), ValueError, "don't go together"),
        (lambda x, j: g.band_walk(x, x, x, j), ValueError, "don't go together"),
        (lambda x, j: g.log_walk(x, g.cast(j, np.dtype("f4"))), TypeError, "cast first"),
    ],
)
def test_refusals(call: Any, error: Any, text: str) -> None:
    with pytest.raises(error, match=text):
        call(leaf(np.zeros((2, 3, 4))), leaf(np.zeros((3, 4))))
