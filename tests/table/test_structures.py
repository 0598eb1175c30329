"""Templates of pieces and of derivatives: what they make is what functions and rules make."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from lazytensor._base import dtypes as d
from lazytensor.ir.graph import linearize
from lazytensor.ir.node import TRACING, Node, apply, leaf, scalar
from lazytensor.ir.op import Op
from lazytensor.lang.activation import log_softmax
from lazytensor.lang.nn import attention, gelu
from lazytensor.ops import g
from lazytensor.runtime.materialize import value
from lazytensor.transform import structures
from lazytensor.transform.grad import vjp

from .samples import COMPUTED, dtypes_of, samples

RNG = np.random.default_rng(3)


def real(*shape: int) -> Node:
    return leaf(RNG.standard_normal(shape).astype(np.float32))


@pytest.fixture(autouse=True)
def forgotten() -> None:
    for known in (structures._pieces, structures._pulls, structures._ways, structures._repeated):
        known.clear()


def same(parts: Sequence[Node | None], want: Sequence[Node | None]) -> None:
    """Parts that are the same programs of the same nodes."""
    assert [p is None for p in parts] == [p is None for p in want]
    there = [(p, w) for p, w in zip(parts, want, strict=True) if p is not None and w is not None]
    if there:
        graphs = [linearize(list(dict.fromkeys(nodes))) for nodes in zip(*there, strict=True)]
        assert graphs[0].key == graphs[1].key
        leaves = [[graph.order[i] for i in graph.leaves] for graph in graphs]
        assert all(a.value.tobytes() == b.value.tobytes() for a, b in zip(*leaves, strict=True))


# --- one row --------------------------------------------------------------------------------------

ROWS_WITH_RULES = [op for op in COMPUTED if op.differentiable()]


@pytest.mark.parametrize("op", ROWS_WITH_RULES, ids=lambda op: op.name)
def test_every_row(op: Op) -> None:
    """The cotangents of a record of one node, of every kind of row, three times."""
    for dtype in dtypes_of(op):
        if d.kind(dtype) not in "fc":
            continue
        for sample in samples(op, dtype)[:2]:
            out = apply(op, tuple([leaf(x) for x in sample.args]), sample.params)
            if type(out.dtype) is tuple or d.kind(out.dtype) not in "fc" or not out.args:
                continue
            wanted = tuple([d.kind(x.dtype) in "fc" for x in out.args])
            ct = leaf(RNG.standard_normal(out.shape).astype(out.dtype))
            want = structures.by_rules([out], out.args, wanted, [ct])
            for _ in range(3):
                found = structures.pull_one(out, ct, wanted)
                same([p if on else None for p, on in zip(found, wanted)], want)
                piece, members = structures.piece_of(out.args, [out])
                if len(set(out.args)) == len(out.args):
                    same(piece.pull(members, wanted, [ct]), want)


# --- several --------------------------------------------------------------------------------------


def linear(x: Node, w: Node, b: Node) -> Node:
    return g.add(g.matmul(x, g.permute(w, (1, 0))), b)


def smooth(x: Node, w: Node, b: Node) -> Node:
    y = gelu(linear(x, w, b), "tanh") * 0.5
    return log_softmax(g.where(g.less(y, 0.25), y, 2.0 * y), 1)


def branches(x: Node, w: Node, b: Node) -> Node:
    y = linear(x, w, b)
    line = g.cast(g.iota(y.shape[1], d.int64, y.device), y.dtype)
    return g.multiply(g.sum(y * y, (0,)), line) + g.cast(g.argmax(y, (0,)), y.dtype)


PROGRAMS = [linear, smooth, branches]
PLACES = [(True, True, True), (False, True, False), (True, False, True)]


def operands(rows: int = 4) -> tuple[Node, Node, Node]:
    return real(rows, 3), real(5, 3), real(5)


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("wanted", PLACES)
def test_pieces(program: Callable[..., Node], wanted: tuple[bool, ...]) -> None:
    for _ in range(3):
        inputs = operands()
        out = program(*inputs)
        ct = leaf(RNG.standard_normal(out.shape).astype(np.float32))
        piece, members = structures.piece_of(inputs, [out])
        want = structures.by_rules([out], inputs, wanted, [ct])
        same(piece.pull(members, wanted, [ct]), want)


@pytest.mark.parametrize("program", PROGRAMS)
def test_what_is_laid(program: Callable[..., Node]) -> None:
    for turn in range(4):
        inputs = operands()
        out, made = structures.laid(program, (), inputs)
        same([out], [program(*inputs)])
        assert (made is not None) == (turn > 0)
        ct = leaf(RNG.standard_normal(out.shape).astype(np.float32))
        if made is not None:
            assert set(made.computed) >= {n for n in made.members if n.args and n not in inputs}
            found = made.piece.pull(made.members, (True,) * 3, [ct])
            same(found, vjp([program(*inputs)], inputs, [ct]))


def test_several_that_are_laid() -> None:
    """Of which one is read by the other, and one is what was given."""

    def f(x: Node, w: Node, b: Node, scale: float) -> list[Node]:
        y = smooth(x, w, b) * scale
        return [y, g.sum(y, (0,)), x]

    for turn in range(4):
        inputs = operands()
        outs, made = structures.laid_many(f, (0.5,), inputs)
        want = f(*inputs, 0.5)
        same(list(outs), want)
        assert outs[2] is inputs[0] and (made is not None) == (turn > 0)
        if made is not None:
            cts = [leaf(RNG.standard_normal(y.shape).astype(np.float32)) for y in outs]
            found = made.piece.pull(made.members, (True,) * 3, cts)
            same(found, vjp(want, inputs, cts))


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(structures, "MOST_NODES", 200)
    monkeypatch.setattr(structures._Held, "nodes", 0)
    most = 0
    for rows in range(2, 60):
        for _ in range(3):
            inputs = operands(rows)
            out, made = structures.laid(smooth, (), inputs)
            same([out], [smooth(*inputs)])
        if made is not None:
            ct = real(*out.shape)
            same(made.piece.pull(made.members, (True,) * 3, [ct]), vjp([out], inputs, [ct]))
        most = max(most, len(structures._ways))
        assert structures._Held.nodes <= 200
    assert 1 < most < 40


def test_sizes_and_dtypes_are_apart() -> None:
    for rows in (4, 4, 7, 4, 7, 7):
        inputs = operands(rows)
        same([structures.laid(smooth, (), inputs)[0]], [smooth(*inputs)])
    for _ in range(3):
        inputs = tuple(leaf(x.value.astype(np.float64)) for x in operands())
        assert structures.laid(smooth, (), inputs)[0].dtype is d.float64


def test_parameters_whose_text_does_not_tell_all_are_not_remembered() -> None:
    class Short:
        def __init__(self, by: float) -> None:
            self.by = by

        def __repr__(self) -> str:
            return f"{self.by:.2f}"

    def f(x: Node, p: Any) -> Node:
        return x * (p if type(p) is Short else p[0]).by

    def several(x: Node, p: Any) -> list[Node]:
        return [f(x, p)]

    x = operands()[0]
    for by in (0.301, 0.302, 0.303, 0.304):
        for param in (Short(by), (Short(by), 1)):
            out, made = structures.laid(f, (param,), (x,))
            assert made is None
            same([out], [x * by])
            same(structures.repeated(several, (param,), (x,)), [x * by])


def test_parameters_are_told_by_their_text() -> None:
    def f(x: Node, by: Any) -> Node:
        return x * by

    x = real(3)
    for by in (0.0, -0.0, 1, 1.0, True, float("nan")) * 3:
        out, _ = structures.laid(f, (by,), [x])
        assert value(out).tobytes() == value(f(x, by)).tobytes()


def test_numbers_in_a_piece_are_read_where_they_stand() -> None:
    """A rule makes 2 for the square of x; that the piece has a 2 of its own says nothing."""
    for number in (2.0, 2.0, 3.0, 0.25):
        x, by = real(3), scalar(number, d.float32)
        out = g.square(x * by) * by
        piece, members = structures.piece_of([x], [out])
        ct = real(3)
        same(piece.pull(members, (True,), [ct]), vjp([out], [x], [ct]))


def test_numbers_that_are_operands() -> None:
    """The same number twice, or one that the function makes too, is told from other numbers."""

    def f(x: Node, a: Node, b: Node) -> list[Node]:
        return [x * a + 0.5, x * b]

    for a, b in ((0.5, 0.5), (0.5, 0.5), (0.5, 2.0), (3.0, 0.5)):
        numbers = [scalar(n, d.float32) for n in (a, b)]
        x = real(3)
        same(list(structures.repeated(f, (), [x, *numbers])), f(x, *numbers))


def test_a_transpose_is_looked_through_as_long_as_it_is_there() -> None:
    for cut in (False, False, False, True):
        x, w = real(4, 3), real(5, 3)
        turned = g.permute(w, (1, 0))
        if cut:
            turned = leaf(np.ascontiguousarray(value(turned)))
        out, ct = g.matmul(x, turned) * 2.0, real(4, 5)
        piece, members = structures.piece_of([x, turned], [out])
        same(piece.pull(members, (True, True), [ct]), vjp([out], [x, turned], [ct]))
    out, made = g.matmul(x, g.permute(w, (1, 0))), None
    for _ in range(3):
        turned = g.permute(w, (1, 0))
        out, made = structures.laid(lambda_free, (), [x, turned])
    assert made is not None
    turned.op, turned.args, turned.params = x.op, (), ()  # as `cut` does where it has a value
    turned.value = np.ascontiguousarray(w.value.T)
    for _ in range(3):
        same(made.piece.pull(made.members, (True, True), [ct]), vjp([out], [x, turned], [ct]))


def lambda_free(x: Node, y: Node) -> Node:
    return g.matmul(x, y) * 2.0


def test_what_reads_anything_else_is_not_laid() -> None:
    other = real(3)

    def f(x: Node) -> Node:
        return x + other

    assert [structures.laid(f, (), [real(3)])[1] for _ in range(4)] == [None] * 4


def test_nothing_is_laid_while_a_function_is_traced() -> None:
    inputs = operands()
    for _ in range(3):
        structures.laid(linear, (), inputs)
    TRACING.depth += 1
    try:
        assert structures.laid(linear, (), inputs)[1] is None
    finally:
        TRACING.depth -= 1


def test_structures_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(structures, "MOST", 4)
    for n in range(1, 20):
        inputs = operands(n)
        out, _ = structures.laid(linear, (), inputs)
        structures.piece_of(inputs, [out])
    assert len(structures._ways) <= 4 and len(structures._pieces) <= 4


def test_attention_has_its_mask_made_anew() -> None:
    """What is computed of nothing but numbers is no constant of the template: a mask that got a
    value would be another program from then on.
    """
    q, k, v = (real(2, 4, 8) for _ in range(3))
    outs = []
    for _ in range(4):
        out, _ = structures.laid(attention, (True, None, False), [q, k, v, None])
        outs.append(value(out).tobytes())
        same([out], [out])
    assert len(set(outs)) == 1
    assert linearize([structures.laid(attention, (True, None, False), [q, k, v, None])[0]]).key == (
        linearize([attention(q, k, v, None, True)]).key
    )
