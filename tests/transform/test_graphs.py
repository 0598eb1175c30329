"""vjp, jvp and vmap over bare graphs: random programs, the walk, long chains."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lazytensor._base import config
from lazytensor._base.devices import CPU
from lazytensor.ir.graph import ancestors
from lazytensor.ir.node import Node, apply, leaf, placeholder, scalar
from lazytensor.ir.op import Op
from lazytensor.ops import ROWS, g
from lazytensor.runtime.counters import counting
from lazytensor.runtime.materialize import value
from lazytensor.transform.grad import vjp
from lazytensor.transform.jvp import jvp
from lazytensor.transform.vmap import replay, vmap

F64 = np.dtype("float64")


def node(data: Any, dtype: Any = np.float64) -> Node:
    return leaf(np.array(data, dtype))


# --- random programs ------------------------------------------------------------------------------

# Smooth wherever they are defined; a result that leaves [-4, 4] is not used any further.
ONE = [
    "negative", "square", "exp", "expm1", "sin", "cos", "tanh", "sinh", "atan", "asinh", "erf",
    "log1p", "sqrt", "reciprocal",
]  # fmt: skip
TWO = ["add", "subtract", "multiply", "divide", "atan2", "hypot", "logaddexp", "pow"]
Line = tuple[str, int, int, int]
Values = Sequence[np.ndarray[Any, Any]]

lines = st.tuples(
    st.sampled_from([*ONE, *TWO, *TWO, "sum", "prod", "permute", "slice", "concat", "matmul"]),
    st.integers(0, 20),
    st.integers(0, 20),
    st.integers(0, 3),
)
programs = st.lists(lines, min_size=1, max_size=12)
MORE = settings(max_examples=8 * settings().max_examples)
START: Values = (
    np.array([[0.7, -1.2, 0.4], [1.1, 0.3, -0.8]]),
    np.array([0.5, 1.3, -0.6]),
    np.array(0.9),
)
DIRECTION: Values = (
    np.array([[0.3, 0.8, -0.5], [-0.2, 1.0, 0.6]]),
    np.array([-0.7, 0.4, 0.9]),
    np.array(0.5),
)


def step(pool: Sequence[Node], line: Line) -> Node | None:
    """The node of one line, None where the shapes don't fit."""
    name, i, j, k = line
    x, y = pool[i % len(pool)], pool[j % len(pool)]
    ndim = x.ndim
    if name in ONE:
        return getattr(g, name)(x)
    if name in TWO:
        fits = x.shape == y.shape or () in (x.shape, y.shape) or x.shape[-1:] == y.shape
        return getattr(g, name)(x, y) if fits else None
    if name in ("sum", "prod"):
        axes = (k % ndim,) if ndim and k < 2 else tuple(range(ndim))
        return getattr(g, name)(x, axes)
    if name == "permute":
        return g.permute(x, tuple(range(ndim))[::-1])
    if name == "slice" and ndim:
        n = x.shape[0]
        return g.slice(x, (n - 1, *(0,) * (ndim - 1)), x.shape, (-1, *(1,) * (ndim - 1)))
    if name == "concat" and ndim and x.shape[1:] == y.shape[1:] and ndim == y.ndim:
        return g.concat([x, y], 0)
    if name == "matmul" and ndim == 2:
        return g.matmul(x, g.permute(x, (1, 0)))
    return None


# By name, what of the operands has to stay over zero: at it these functions have a kink, a pole of
# some derivative, or no direction; under it a power has no logarithm.
KINKS: dict[str, Callable[..., Any]] = {
    "sqrt": lambda x, _: x,
    "pow": lambda x, _: x,
    "hypot": np.hypot,
    "atan2": np.hypot,
}


def smooth(pool: Sequence[Node], line: Line) -> bool:
    """Whether a line that has a node has derivatives of every order where its operands are."""
    name, i, j, _ = line
    x, y = (value(pool[k % len(pool)]) for k in (i, j))
    return name not in KINKS or bool((KINKS[name](x, y) > 1e-2).all())


def usable(x: Node) -> bool:
    v = value(x)
    return v.size <= 64 and bool(np.isfinite(v).all()) and float(np.abs(v).max()) <= 4


def build(program: Sequence[Line], inputs: Sequence[Node], keep: Sequence[bool]) -> Node:
    """The scalar node of a program; `keep` says which lines count."""
    pool = list(inputs)
    for line, kept in zip(program, keep, strict=True):
        made = step(pool, line) if kept else None
        if made is not None:
            pool.append(made)
    total = scalar(0.0, F64)
    for x in pool[-3:]:
        total = g.add(total, g.sum(x, tuple(range(x.ndim))))
    return total


def plan(program: Sequence[Line]) -> list[bool]:
    """Which lines give numbers that finite differences can be trusted on."""
    pool, keep = [leaf(v) for v in START], []
    for line in program:
        made = step(pool, line)
        keep.append(made is not None and smooth(pool, line) and usable(made))
        if keep[-1]:
            pool.append(made)  # type: ignore[arg-type]
    return keep


def number(program: Sequence[Line], keep: Sequence[bool], at: Values) -> float:
    return float(value(build(program, [leaf(v) for v in at], keep)))


def moved(h: float) -> Values:
    return [x + h * d for x, d in zip(START, DIRECTION, strict=True)]


def slope(f: Callable[[Values], float]) -> tuple[float, float]:
    """Central differences along DIRECTION of two orders, and how far they may be off."""
    h = 1e-4
    d1 = (f(moved(h)) - f(moved(-h))) / (2 * h)
    d2 = (f(moved(2 * h)) - f(moved(-2 * h))) / (4 * h)
    return (4 * d1 - d2) / 3, abs(d1 - d2) + 1e-7 * (1 + abs(f(START)) + abs(d1))


def along(gradient: Sequence[Node | None]) -> Node:
    """The sum of a gradient's products with DIRECTION."""
    total = scalar(0.0, F64)
    for ct, d in zip(gradient, DIRECTION, strict=True):
        if ct is not None:
            total = g.add(total, g.sum(g.multiply(ct, leaf(d)), tuple(range(d.ndim))))
    return total


def gradient(y: Node, inputs: Sequence[Node]) -> list[Node | None]:
    return vjp([y], inputs, [g.constant(1, y)])


def push(y: Node, inputs: Sequence[Node]) -> float:
    (t,) = jvp([y], inputs, [leaf(d) for d in DIRECTION])
    return 0.0 if t is None else float(value(t))


def close(a: float, b: float) -> bool:
    return abs(a - b) <= 1e-9 * (1 + abs(a) + abs(b)) or (np.isnan(a) and np.isnan(b))


def first_order(program: Sequence[Line]) -> bool:
    """Whether reverse, forward and finite differences agree."""
    keep = plan(program)
    inputs = [leaf(v) for v in START]
    y = build(program, inputs, keep)
    back, on = float(value(along(gradient(y, inputs)))), push(y, inputs)
    want, off = slope(lambda at: number(program, keep, at))
    return close(back, on) and (abs(back - want) <= 10 * off or off > 1e-2 * (1 + abs(want)))


def second_order(program: Sequence[Line]) -> bool:
    """Whether both sweeps over the reverse one, reverse over forward, and differences agree."""
    keep = plan(program)

    def derivative(at: Values) -> float:
        inputs = [leaf(v) for v in at]
        return float(value(along(gradient(build(program, inputs, keep), inputs))))

    inputs = [leaf(v) for v in START]
    y = build(program, inputs, keep)
    once = along(gradient(y, inputs))
    (t,) = jvp([y], inputs, [leaf(d) for d in DIRECTION])
    found = [float(value(along(gradient(once, inputs)))), push(once, inputs)]
    if t is not None:
        found.append(float(value(along(gradient(t, inputs)))))
    want, off = slope(derivative)
    same = all(close(found[0], f) for f in found)
    return same and (abs(found[0] - want) <= 10 * off or off > 1e-2 * (1 + abs(want)))


def batch_is_loop(program: Sequence[Line], batched: Sequence[bool] = (True, False, True)) -> bool:
    """Whether one run on a batch gives what runs on its examples give, gradient included."""
    keep = plan(program)
    size = 3
    batches = [
        np.stack([v * f for f in (1.0, 0.9, 1.05)]) if b else v
        for v, b in zip(START, batched, strict=True)
    ]
    holes = [placeholder(v.shape, F64, CPU, i) for i, v in enumerate(START)]
    inputs = [h if b else leaf(v) for h, v, b in zip(holes, START, batched, strict=True)]

    def outputs(inputs: Sequence[Node]) -> list[Node]:
        y = build(program, inputs, keep)
        return [y, along(gradient(y, inputs))]

    mapped = vmap(
        outputs(inputs),
        [h for h, b in zip(holes, batched, strict=True) if b],
        [leaf(v) for v, b in zip(batches, batched, strict=True) if b],
        size,
    )
    for i in range(size):
        alone = [leaf(v[i] if b else v) for v, b in zip(batches, batched, strict=True)]
        for whole, one in zip(mapped, outputs(alone), strict=True):
            if not np.allclose(value(whole)[i], value(one), rtol=1e-9, atol=1e-9, equal_nan=True):
                return False
    return True


@MORE
@given(programs)
@example([("negative", 0, 0, 0), ("add", 0, 3, 0), ("hypot", 4, 4, 0)])
def test_reverse_forward_and_finite_differences_agree(program: list[Line]) -> None:
    assert first_order(program)


@MORE
@given(programs)
@example([("subtract", 0, 0, 0), ("pow", 0, 3, 0)])
def test_second_derivatives_agree(program: list[Line]) -> None:
    assert second_order(program)


@MORE
@given(programs)
def test_a_batch_is_a_loop(program: list[Line]) -> None:
    assert batch_is_loop(program)


def mixed_up(g: Any, batched: Any, x: Node, axes: Any) -> Node:
    """The right shape and the wrong order."""
    return g.reshape(x, (x.shape[0], *(x.shape[a + 1] for a in axes)))


# One line each: a wrong rule in a column that only one of the sweeps reads, or that both read.
PLANTED = [
    ("sin", "partials", lambda g, y, x: (g.sin(x),), first_order),
    (
        "sum",
        "transpose",
        lambda g, ct, x, axes: (g.broadcast_to(g.constant(1, ct), x.shape),),
        first_order,
    ),
    ("matmul", "jvp", lambda g, ts, z, x, y: g.matmul(ts[0], y), first_order),
    ("tanh", "partials", lambda g, y, x: (leaf(value(1 - y * y)),), second_order),
    ("permute", "batch", mixed_up, batch_is_loop),
]
SHOWS = {
    "sin": [("sin", 1, 0, 0)],
    "sum": [("square", 0, 0, 0), ("sum", 3, 0, 0), ("square", 4, 0, 0)],
    "matmul": [("matmul", 0, 0, 0)],
    "tanh": [("tanh", 0, 0, 0)],
    "permute": [("permute", 0, 0, 0), ("sum", 3, 0, 1), ("square", 4, 0, 0)],
}


@pytest.mark.parametrize(("row", "column", "wrong", "check"), PLANTED, ids=[p[0] for p in PLANTED])
def test_each_check_fails_on_a_planted_bug(
    row: str, column: str, wrong: Any, check: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    program: list[Line] = SHOWS[row]
    assert check(program)
    monkeypatch.setattr(ROWS[row], column, wrong)
    assert not check(program)


# --- the walk -------------------------------------------------------------------------------------


def test_inputs_end_the_walk_also_when_one_is_made_of_another() -> None:
    x = node([1.0, 2.0])
    y = g.square(x)
    z = g.sum(g.multiply(y, x), (0,))
    of_y, of_x = vjp([z], [y, x], [scalar(1.0, F64)])
    assert value(of_y).tolist() == [1.0, 2.0]  # type: ignore[arg-type]
    assert value(of_x).tolist() == [1.0, 4.0]  # type: ignore[arg-type]
    (t,) = jvp([z], [y, x], [None, node([1.0, 1.0])])
    assert value(t) == 5.0  # type: ignore[arg-type]


def test_a_value_is_a_cache_and_no_cut() -> None:
    x = node([1.0, 2.0])
    y = g.square(x)
    z = g.sum(y, (0,))
    value(y), value(z)
    assert value(gradient(z, [x])[0]).tolist() == [2.0, 4.0]  # type: ignore[arg-type]


def test_a_gradient_reads_values_that_were_computed_before() -> None:
    x = node(np.linspace(0.0, 1.0, 8))
    y = g.sum(g.exp(x), (0,))
    assert y.args[0].value is None
    value(y.args[0])
    (ct,) = gradient(y, [x])
    with counting() as done:
        value(ct)  # type: ignore[arg-type]
    assert done.interpreted + done.kernels <= 3


def test_integers_bools_and_what_does_not_vary_have_no_derivative() -> None:
    x, i, b = node([1.0, 2.0]), node([1, 0], np.int64), node([True, False], np.bool_)
    picked = g.gather([x, i])
    y = g.sum(g.where(b, picked, g.floor(x)), (0,))
    cts = vjp([y], [x, i, b], [scalar(1.0, F64)])
    assert value(cts[0]).tolist() == [0.0, 1.0]  # type: ignore[arg-type]
    assert cts[1:] == [None, None]
    assert vjp([g.sum(g.cast(g.less(x, 2.0), F64), (0,))], [x], [scalar(1.0, F64)]) == [None]
    assert jvp([g.less(x, 2.0)], [x], [x]) == [None]
    assert vjp([y], [node([1.0, 2.0])], [scalar(1.0, F64)]) == [None]


def test_an_output_that_is_an_input_and_outputs_that_repeat() -> None:
    x = node([1.0, 2.0])
    y = g.add(x, x)
    ct = node([3.0, 5.0])
    (of_x,) = vjp([x, y, y, x], [x], [ct, ct, ct, None])
    assert value(of_x).tolist() == [15.0, 25.0]  # type: ignore[arg-type]
    assert jvp([x], [x], [ct]) == [ct]


def test_constant_partials_of_one_cost_no_multiplication() -> None:
    x, y = node([1.0, 2.0]), node([3.0, 4.0])
    ct = node([1.0, 1.0])
    of_x, of_y = vjp([g.subtract(x, y)], [x, y], [ct])
    assert of_x is ct
    assert of_y is not None
    assert (of_y.op.name, of_y.args) == ("negative", (ct,))


@pytest.mark.parametrize("shapes", [((2, 3), (3,)), ((2, 3), ()), ((2, 1), (1, 3)), ((1,), (2, 0))])
def test_cotangents_are_summed_over_what_was_broadcast(shapes: Any) -> None:
    a, b = (node(np.arange(1.0, 1 + np.prod(s)).reshape(s)) for s in shapes)
    out = g.multiply(a, b)
    of_a, of_b = vjp([out], [a, b], [node(np.ones(out.shape))])
    shape = np.broadcast_shapes(*shapes)
    for ct, other, s in ((of_a, b, shapes[0]), (of_b, a, shapes[1])):
        want = np.broadcast_to(value(other), shape)
        lead = tuple(range(len(shape) - len(s)))
        kept = tuple(i + len(lead) for i, n in enumerate(s) if n == 1 and shape[i + len(lead)] != 1)
        assert ct is not None
        np.testing.assert_array_equal(value(ct), want.sum(lead + kept).reshape(s))
    (t,) = jvp([out], [a], [node(np.ones(shapes[0]))])
    assert t is not None
    np.testing.assert_array_equal(value(t), np.broadcast_to(value(b), shape))


@pytest.fixture
def halves() -> Op:
    """An op of two outputs, x / 2 and x² / 2, not in the table."""
    return Op(
        "halves", "linalg", 1, outputs=2,
        infer=lambda x: ((x.shape, x.shape), (x.dtype, x.dtype)),
        value=lambda np, x: (x / 2, x * x / 2),
        vjp=lambda g, ct, y, x: (
            g.add(*(g.multiply(c, d) if c is not None else g.constant(0, x)
                    for c, d in zip(ct, (g.constant(0.5, x), x), strict=True))),
        ),
        jvp=lambda g, ts, y, x: (g.multiply(ts[0], 0.5), g.multiply(ts[0], x)),
        batch=lambda g, b, x: apply(ROWS["halves"], (x,)),
    )  # fmt: skip


def test_ops_of_several_outputs(halves: Op, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ROWS, "halves", halves)
    x = node([1.0, 2.0])
    both = apply(halves, (x,))
    first, second = g.pick(both, 0), g.pick(both, 1)
    one = node([1.0, 1.0])
    for outputs, want in (([first], [0.5, 0.5]), ([second], [1, 2]), ([first, second], [1.5, 2.5])):
        (ct,) = vjp(outputs, [x], [one] * len(outputs))
        assert value(ct).tolist() == want  # type: ignore[arg-type]
    (ct,) = vjp([g.add(second, g.multiply(second, first))], [x], [one])
    assert value(ct).tolist() == [1.75, 5.0]  # type: ignore[arg-type]
    assert [value(t).tolist() for t in jvp([second, first], [x], [one])] == [[1, 2], [0.5, 0.5]]  # type: ignore[arg-type]
    hole = placeholder((), F64, CPU, 0)
    (out,) = vmap([g.pick(apply(halves, (hole,)), 1)], [hole], [x], 2)
    assert value(out).tolist() == [0.5, 2.0]


def test_linear_rows_of_several_arguments_go_forward() -> None:
    x, u, i = node([1.0, 2.0, 3.0]), node([5.0]), node([1], np.int64)
    t = node([0.1, 0.2, 0.3])
    (found,) = jvp([g.scatter_add([x, u, i])], [x], [t])
    assert value(found).tolist() == [0.1, 0.2, 0.3]  # type: ignore[arg-type]
    (found,) = jvp([g.concat([x, u], 0)], [u], [node([7.0])])
    assert value(found).tolist() == [0.0, 0.0, 0.0, 7.0]  # type: ignore[arg-type]
    (found,) = jvp([g.complex(x, g.constant(0, x))], [x], [t])
    assert value(found).tolist() == [0.1 + 0j, 0.2 + 0j, 0.3 + 0j]  # type: ignore[arg-type]


def test_arguments_that_a_linear_row_is_not_linear_in_stay_as_they_are() -> None:
    scaled = Op(
        "scaled", "linalg", 2, infer=lambda x, y: (x.shape, x.dtype),
        value=lambda np, x, y: x * np.exp(y), transpose=lambda g, ct, x, y: (ct * g.exp(y), None),
    )  # fmt: skip
    x, y, t = node(2.0), node(0.0), node(3.0)
    out = apply(scaled, (x, y))
    assert jvp([out], [x, y], [None, t]) == [None]
    (found,) = jvp([out], [x, y], [t, t])
    assert value(found) == 3.0  # type: ignore[arg-type]


def test_tangents_are_broadcast_as_their_results() -> None:
    x, y, t = node(2.0), node([[1.0], [2.0]]), node(0.5)
    c = node([True, False], np.bool_)
    for out in (g.add(y, x), g.where(c, x, y)):
        (found,) = jvp([out], [x], [t])
        assert found is not None
        assert found.shape == out.shape
    assert value(found).tolist() == [[0.5, 0.0]] * 2


def test_complex_derivatives_multiply_by_the_conjugate() -> None:
    z = node([1 + 2j, -0.5j], np.complex128)
    ct = node([1 - 1j, 2 + 0j], np.complex128)
    (back,) = vjp([g.square(z)], [z], [ct])
    np.testing.assert_allclose(value(back), ct.value * np.conj(2 * z.value))  # type: ignore[arg-type]
    (on,) = jvp([g.square(z)], [z], [ct])
    np.testing.assert_allclose(value(on), ct.value * 2 * z.value)  # type: ignore[arg-type]


WRONG = [
    ([node([1.0])], ValueError, r"must have shape \(2,\), got \(1,\)"),
    ([node([1.0, 2.0], np.float32)], TypeError, "must be float64, got float32"),
    ([None, None], ValueError, "2 {}s for 1 arrays"),
]


@pytest.mark.parametrize(("given", "error", "text"), WRONG)
def test_derivatives_that_do_not_fit_are_refused(given: Any, error: Any, text: str) -> None:
    x = node([1.0, 2.0])
    with pytest.raises(error, match=text.format("cotangent")):
        vjp([g.sin(x)], [x], given)
    with pytest.raises(error, match=text.format("tangent")):
        jvp([g.sin(x)], [x], given)
    with pytest.raises(TypeError, match="int64, which has none"):
        jvp([x], [node([1, 2], np.int64)], [x])


# --- batching -------------------------------------------------------------------------------------


def test_what_does_not_depend_on_the_example_stays_as_it_is() -> None:
    hole = placeholder((3,), F64, CPU, 0)
    w = node([1.0, 2.0, 3.0])
    alone = g.exp(w)
    dependent = g.multiply(hole, alone)
    (kept, a), (mapped, b) = replay([alone, dependent], [hole], [node(np.ones((2, 3)))])
    assert (kept, a, b) == (alone, False, True)
    assert alone in ancestors([mapped], lambda _: False)
    (out,) = vmap([alone], [hole], [node(np.ones((2, 3)))], 2)
    assert out.op.name == "broadcast_to"
    assert out.args == (alone,)


def test_a_batch_of_nothing() -> None:
    hole = placeholder((3,), F64, CPU, 0)
    (out,) = vmap([g.sum(g.sin(hole), (0,))], [hole], [node(np.ones((0, 3)))], 0)
    assert value(out).shape == (0,)


# --- long chains ----------------------------------------------------------------------------------


@pytest.fixture
def shallow() -> Iterator[None]:
    """Hardly any recursion."""
    before = sys.getrecursionlimit()
    depth, frame = 0, sys._getframe()
    while frame is not None:
        depth, frame = depth + 1, frame.f_back  # type: ignore[assignment]
    sys.setrecursionlimit(depth + 200)
    yield
    sys.setrecursionlimit(before)


def chain(x: Node, n: int) -> Node:
    y = x
    for i in range(n):
        y = g.sin(y) if i % 2 else g.multiply(y, x)
    return y


@pytest.mark.usefixtures("shallow")
def test_chains_of_100_000_nodes() -> None:
    n, at = 100_000, 1.5
    with config.context(max_pending=1 << 22):  # nothing is computed on the way
        check_chain(n, at)


def check_chain(n: int, at: float) -> None:
    x = node(at)
    y = chain(x, n)
    (back,) = gradient(y, [x])
    (on,) = jvp([y], [x], [node(1.0)])
    v, d = at, 1.0
    for i in range(n):
        v, d = (np.sin(v), np.cos(v) * d) if i % 2 else (v * at, d * at + v)
    assert back is not None
    assert on is not None
    np.testing.assert_allclose([value(back), value(on)], d, rtol=1e-9)
    hole = placeholder((), F64, CPU, 0)
    (out,) = vmap([chain(hole, n)], [hole], [node([at, 0.5])], 2)
    np.testing.assert_allclose(value(out)[0], value(y), rtol=1e-12)


def test_one_array_read_very_often() -> None:
    x = node(2.0)
    y = x
    for _ in range(5000):
        y = g.add(y, x)
    (ct,) = gradient(y, [x])
    assert value(ct) == 5001.0  # type: ignore[arg-type]
