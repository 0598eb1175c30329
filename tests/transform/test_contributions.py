"""What steps of a loop contribute to one gradient is one product, or one sum."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest

import lazytensor as xp
from lazytensor.ir.graph import ancestors
from lazytensor.ir.node import leaf
from lazytensor.ops import g
from lazytensor.transform.contributions import FEW, together
from lazytensor.transform.grad import vjp

RNG = np.random.default_rng(3)
STEPS = 6


def array(*shape: int, dtype: Any = np.float64) -> np.ndarray:
    return RNG.standard_normal(shape).astype(dtype)


def node(x: np.ndarray) -> Any:
    return leaf(x.copy())


def ops(found: Any) -> Counter[str]:
    """How often each operation is in a graph."""
    return Counter(n.op.name for n in ancestors([found], lambda n: n.value is not None))


def value(found: Any) -> np.ndarray:
    return np.asarray(xp.Array(found))


def unrolled(w: Any, b: Any, xs: list[Any], turned: bool) -> Any:
    """h = tanh(h w + b) + x, step by step."""
    h = xs[0]
    for x in xs:
        weight = g.permute(w, (1, 0)) if turned else w
        h = g.add(g.tanh(g.add(g.matmul(h, weight), b)), x)
    return h


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_loop(dtype, turned):
    w, b = node(array(30, 30, dtype=dtype) / 8), node(array(30, dtype=dtype))
    xs = [node(array(4, 30, dtype=dtype)) for _ in range(STEPS)]
    out = unrolled(w, b, xs, turned)
    ct = node(array(4, 30, dtype=dtype))
    of_w, of_b = vjp([out], [w, b], [ct])
    # one product for the weights, beside one a step (but for the first) for the state
    assert ops(of_w)["matmul"] == 1 + STEPS + STEPS - 1
    assert ops(of_b)["sum"] == 1
    want_w, want_b = gradients(w, b, xs, ct, turned)
    tolerance = 1e-4 if dtype == np.float32 else 1e-12
    np.testing.assert_allclose(value(of_w), want_w, rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(value(of_b), want_b, rtol=tolerance, atol=tolerance)
    assert value(of_w).dtype == dtype


def gradients(w: Any, b: Any, xs: list[Any], ct: Any, turned: bool) -> tuple[Any, Any]:
    """The same by NumPy in double precision."""
    weight = w.value.astype(np.float64)
    weight = weight.T if turned else weight
    h, kept = xs[0].value.astype(np.float64), []
    for x in xs:
        y = np.tanh(h @ weight + b.value)
        kept.append((h, y))
        h = y + x.value
    of_w, of_b, back = np.zeros_like(weight), np.zeros(len(weight)), ct.value.astype(np.float64)
    for h, y in reversed(kept):
        inner = back * (1 - y * y)
        of_w += h.T @ inner
        of_b += inner.sum(0)
        back = inner @ weight.T
    return (of_w.T if turned else of_w), of_b


def products(count: int, rows: int, terms: int, columns: int) -> list[Any]:
    return [g.matmul(node(array(rows, terms)), node(array(terms, columns))) for _ in range(count)]


def test_products_of_different_numbers_of_terms():
    parts = [p for terms in (1, 2, 5, 3) for p in products(1, 9, terms, 8)]
    found = together(parts)
    assert ops(found)["matmul"] == 1
    np.testing.assert_allclose(value(found), sum(value(p) for p in parts))


def test_sums_of_rows():
    parts = [g.sum(node(array(n, 3)), (0,)) for n in (1, 4, 2, 7)]
    found = together(parts)
    assert ops(found)["sum"] == 1
    np.testing.assert_allclose(value(found), sum(value(p) for p in parts))


@pytest.mark.parametrize(
    "parts",
    [
        products(FEW, 3, 40, 3),  # joining them is dearer than adding up
        [*products(FEW, 9, 2, 9), node(array(9, 9))],
        [g.matmul(node(array(2, 9, 2)), node(array(2, 2, 9))) for _ in range(FEW)],
        [g.matmul(*(node(np.ones((9, 1), int)), node(np.ones((1, 9), int)))) for _ in range(FEW)],
        [g.sum(node(array(4, 3)), (1,)) for _ in range(FEW)],
        [g.sum(node(array(4, 3, 2)), (0,)) for _ in range(FEW)],
        [g.permute(node(array(4, 3)), (1, 0)) for _ in range(FEW)],
        [node(array(3)) for _ in range(FEW)],
    ],
)
def test_what_stays_a_sum(parts):
    assert together(parts) is None


def test_few_contributions_are_added_up():
    w = node(array(9, 9))
    outs = [g.matmul(node(array(2, 9)), w) for _ in range(FEW - 1)]
    cts = [node(array(2, 9)) for _ in outs]
    (of_w,) = vjp(outs, [w], cts)
    assert ops(of_w)["matmul"] == FEW - 1 and ops(of_w)["add"] == FEW - 2
