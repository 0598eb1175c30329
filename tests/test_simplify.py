"""Every rewriting rule with and without, over a grid of special values: same bits, sign of zero
included.
"""

import itertools

import numpy as np
import pytest

from lazytensor._base import config
from lazytensor._base.devices import CPU
from lazytensor.ir.graph import linearize
from lazytensor.ir.node import Node, leaf, scalar
from lazytensor.lower.pipeline import lower
from lazytensor.ops import g
from lazytensor.ops.scan import along
from lazytensor.runtime import cache
from lazytensor.runtime.materialize import value
from lazytensor.transform import pieces as pieces_rules
from lazytensor.transform import places as places_rules
from lazytensor.transform._rewrite import is_number
from lazytensor.transform.simplify import RULES, simplify

GRID = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 5e-324, -5e-324, 1.0, -1.0, 1.7e308, 2.5])
PAIRS = np.array(list(itertools.product(GRID, GRID)))
INTS = np.array([0, 1, -1, 2**62, -(2**63), 7])


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(places_rules, "WORTH", 1)
    monkeypatch.setattr(pieces_rules, "WORTH", 1)


def floats() -> Node:
    return leaf(PAIRS[:, 0].copy())


def grid() -> Node:
    return leaf(GRID[:10].reshape(2, 5).copy())


def complexes() -> Node:
    return leaf(PAIRS.view(np.complex128)[:, 0].copy())


def ints() -> Node:
    return leaf(INTS.copy())


def constant(v: float, like: Node) -> Node:
    return scalar(v, like.dtype)


def narrow(x: Node) -> Node:
    return g.cast(g.cast(x, np.dtype("float32")), np.dtype("float64"))


def wide(columns: int = 64, rows: int = 11) -> Node:
    """The grid, again and again, in rows."""
    return leaf(np.resize(PAIRS, (rows, columns)).copy())


def column(rows: int = 11) -> Node:
    return leaf(np.resize(GRID, (rows, 1)).copy())


def places(n: int, *axes: int) -> Node:
    """Indices below n, some from the end."""
    return leaf(np.random.default_rng(0).integers(-n, n, axes))


def lines(x: Node, index: Node, axis: int = 1) -> list[Node]:
    """An index along an axis, the others counting along theirs."""
    return [index if a == axis else along(g, index.shape, a, x.device) for a in range(x.ndim)]


def zeros(*shape: int, dtype: str = "float64") -> Node:
    return g.broadcast_to(scalar(0, np.dtype(dtype)), shape)


def one_hot(u: Node, n: int = 9, axis: int = 1) -> Node:
    """Zeros with an element of u in each line."""
    shape = tuple(n if a == axis else m for a, m in enumerate(u.shape))
    x = zeros(*shape, dtype=u.dtype.name)
    return g.scatter_add([x, u, *lines(x, places(n, *u.shape), axis)])


F32 = np.dtype("float32")
# rule -> programs that it changes; then programs that look alike and that no rule may change
CHANGED = {
    "one_factor": [
        lambda: floats() * 1.0,
        lambda: 1.0 * floats(),
        lambda: ints() * constant(1, ints()),
    ],
    "joined": [
        lambda: g.embed(grid(), (4, 5), (0, 0), (1, 1)) + g.embed(grid(), (4, 5), (2, 0), (1, 1)),
        lambda: g.embed(grid(), (4, 5), (1, 0), (1, 1)) + g.embed(grid(), (4, 5), (2, 0), (1, 1)),
        lambda: wide() + g.embed(column(), (11, 64), (0, 63), (1, 1)),
    ],
    "zero_term": [lambda: ints() + 0, lambda: 0 + ints()],
    "zero_subtrahend": [lambda: floats() - 0.0, lambda: ints() - 0],
    "one_divisor": [lambda: floats() / 1.0],
    "own_inverse": [
        lambda: -(-floats()),
        lambda: g.conj(g.conj(complexes())),
        lambda: g.invert(g.invert(ints())),
    ],
    "same_choice": [lambda: (lambda x: g.where(g.isnan(x), x, x))(floats())],
    "lossless_cast": [
        lambda: g.cast(floats(), np.dtype("float64")),
        lambda: g.cast(g.cast(g.cast(floats(), F32), np.dtype("float64")), F32),
    ],
    "no_reshape": [
        lambda: g.reshape(g.reshape(grid(), (10,)), (5, 2)),
        lambda: g.reshape(grid(), (2, 5)) + 1.0,
    ],
    "no_permute": [
        lambda: g.permute(g.permute(grid(), (1, 0)), (1, 0)) + 1.0,
        lambda: g.permute(grid(), (0, 1)) + 1.0,
    ],
    "no_broadcast": [
        lambda: g.broadcast_to(g.broadcast_to(grid(), (3, 2, 5)), (4, 3, 2, 5)),
        lambda: g.broadcast_to(grid(), (2, 5)) + 1.0,
    ],
    "no_mark": [lambda: g.fixed(grid()) + 1.0],
    "no_slice": [
        lambda: g.slice(g.slice(-floats(), (9,), (5,), (-2,)), (1,), (2,), (2,)),
        lambda: g.slice(-grid(), (0, 0), (2, 5), (1, 1)) + 1.0,
    ],
    "no_embed": [lambda: g.embed(grid(), (2, 5), (0, 0), (1, 1)) + 1.0],
    "no_transfer": [lambda: g.transfer(floats(), floats().device) + 1.0],
    "single_reduction": [
        lambda: g.sum(g.reshape(floats(), (121, 1)), (1,)),
        lambda: g.max(g.reshape(floats(), (1, 121)), (0,)),
    ],
    "run_by_run": [
        lambda: g.sum(g.broadcast_to(g.reshape(floats(), (11, 1, 11)), (11, 3, 11)), (0, 2)),
        lambda: g.max(g.broadcast_to(g.reshape(floats(), (11, 1, 11)), (11, 3, 11)), (0, 2)),
    ],
    "bare_operands": [
        lambda: grid() * g.broadcast_to(leaf(GRID[:5].copy()), (2, 5)),
        lambda: (
            g.broadcast_to(leaf(GRID[:1].copy()), (7,)) * g.broadcast_to(leaf(np.array(2.5)), (7,))
        ),
    ],
    "few_of_computed": [
        lambda: (lambda x: g.gather([-(x * column()), *lines(x, places(64, 11, 1))]))(wide()),
        lambda: (lambda x: g.gather([x - leaf(GRID.copy()), places(352, 3)]))(wide(11, 352)),
        lambda: g.gather([wide() + 1.0, places(11, 2), places(64, 2)]),
        lambda: (lambda x: g.gather([x + x, *lines(x, places(128, 11, 4))]))(wide(128)),
        lambda: (lambda x: g.gather([x + x, *lines(x, places(64, 1, 128), 0)]))(
            g.broadcast_to(column(64), (64, 128))
        ),
    ],
    "one_of_line": [
        lambda: one_hot(column()) + 1.0,
        lambda: g.negative(one_hot(g.reshape(column(), (1, 11)), axis=0)),
        lambda: one_hot(leaf(INTS[:, None].copy())) * 3,
        lambda: one_hot(leaf(PAIRS.view(np.complex128)[:, :1].copy())),
        lambda: (lambda x: g.scatter([x, column(), *lines(x, places(64, 11, 1))]))(wide()),
        lambda: (lambda x: g.scatter_add([x, column(), *lines(x, places(64, 11, 1))]))(wide()),
        lambda: (
            lambda x: g.scatter(
                [x, leaf(GRID.copy()), along(g, (11,), 0, x.device), places(64, 11)]
            )
        )(wide()),
        lambda: (lambda x: g.scatter([x, wide(), along(g, (11,), 0, x.device), places(7, 11)]))(
            zeros(11, 7, 64)
        ),
    ],
    "rows_added": [
        lambda: g.scatter_add([wide(), g.gather([wide(64, 7), places(7, 30)]), places(11, 30)]),
        lambda: (
            lambda i: g.scatter_add([zeros(11, 64), g.gather([wide(), i]) * column(6), i])
        )(places(11, 5, 6)),
        lambda: g.scatter_add(
            [wide(), column(30) * g.gather([wide(64, 7), places(7, 30)]), places(11, 30)]
        ),
        lambda: g.scatter_add(
            [wide(1), g.gather([wide(1, 7), places(7, 30)]) * column(30), places(11, 30)]
        ),
    ],
    "negative_choice": [lambda: g.negative(one_hot(column()))],
    "sum_of_choice": [
        lambda: g.sum(one_hot(column()), (1,)),
        lambda: g.sum(-one_hot(column()), (1,)),
        lambda: g.sum(one_hot(leaf(INTS[:, None].copy())), (1,)),
        lambda: g.sum(one_hot(g.reshape(column(), (1, 11)), axis=0), (0,)),
    ],
    "folded": [lambda: floats() * (constant(2.0, floats()) * constant(0.5, floats()))],
}
UNCHANGED = [
    lambda: floats() + 0.0,
    lambda: 0.0 + floats(),
    lambda: 0.0 - floats(),
    lambda: floats() * 0.0,
    lambda: floats() - floats(),
    lambda: complexes() * 1.0,
    lambda: complexes() / 1.0,
    lambda: floats() * -1.0,
    lambda: narrow(floats()),
    lambda: g.cast(g.cast(floats(), np.dtype("int32")), np.dtype("float64")),
    lambda: g.exp(g.log(floats())),
    lambda: g.sqrt(g.square(floats())),
    lambda: (floats() + 1.0) - 1.0,
    lambda: floats() / floats(),
    lambda: g.reshape(g.reshape(g.permute(grid(), (1, 0)), (2, 5)), (10,)),  # a copy, then a view
    lambda: (lambda x: g.scatter([x, wide(2), *lines(x, places(64, 11, 2))]))(wide()),
    lambda: (lambda x: g.gather([x + x, places(64, 352), places(11, 352)]))(
        g.permute(wide(), (1, 0))
    ),
    lambda: g.scatter_add(
        [wide(), g.gather([wide(64, 7), places(7, 11)]) * wide(), places(11, 11)]
    ),
    lambda: g.sum(
        g.where(g.equal(places(9, 11, 1), g.iota(4, INTS.dtype, CPU)), column(), 0.0), (1,)
    ),
]


def run(program, simplified: bool) -> np.ndarray:
    cache.CACHE.clear()
    with config.context(execution="compile", fuse=simplified):
        return value(program())


def check(program) -> None:
    want, got = run(program, False), run(program, True)
    assert got.dtype == want.dtype and got.shape == want.shape
    nan = np.isnan(want) if want.dtype.kind in "fc" else np.zeros(want.shape, bool)
    assert np.array_equal(nan, np.isnan(got) if got.dtype.kind in "fc" else nan)
    if want.dtype.kind == "c":
        want, got = want[~nan].view(float), got[~nan].view(float)
    else:
        want, got = want[~nan], got[~nan]
    assert got.tobytes() == want.tobytes()


CASES = [(rule, program) for rule, programs in CHANGED.items() for program in programs]


@pytest.mark.parametrize(
    "program", [p for _, p in CASES], ids=[f"{r}{i}" for i, (r, _) in enumerate(CASES)]
)
def test_rules_keep_bits(program):
    check(program)


@pytest.mark.parametrize("program", UNCHANGED)
def test_what_only_looks_neutral_keeps_bits(program):
    check(program)


@pytest.mark.parametrize("rule", CHANGED)
def test_each_rule_fires(rule, monkeypatch):
    fired = []
    for name, rules in RULES.items():
        wrapped = tuple(
            (
                lambda node, r=r: (lambda out: fired.append(1) or out if out is not None else None)(
                    r(node)
                )
            )
            if r.__name__ == rule
            else r
            for r in rules
        )
        monkeypatch.setitem(RULES, name, wrapped)
    for program in CHANGED[rule]:
        before = len(fired)
        lower(linearize([program()]))
        assert len(fired) > before, f"{rule} changes nothing"


def test_every_rule_has_a_program():
    rules = {r.__name__ for rules in RULES.values() for r in rules}
    assert rules == set(CHANGED)
    assert len(rules) <= 60


def test_a_planted_rule_is_caught(monkeypatch):
    def zero_term(node: Node) -> Node | None:
        x, y = node.args
        return x if is_number(y, "0.0") else None

    monkeypatch.setitem(RULES, "add", (zero_term,))
    with pytest.raises(AssertionError):
        check(UNCHANGED[0])


def test_common_subexpressions_become_one():
    x = floats()
    plan = lower(linearize([g.exp(x) * 3.0 + g.exp(x)]))
    (launch,) = plan.steps
    assert sum(s.op.name == "exp" for s in launch.kernel.stages) == 1


def test_what_replacements_are_made_of_is_made_once() -> None:
    """A part of a reduction that the program asks for too: equal nodes would not know that they are
    one, and what reads one could run before it is there.
    """
    x = g.exp(leaf(np.arange(24.0).reshape(2, 3, 4) / 24))
    both = [g.sum(x, (0, 2)) * 2.0, g.sum(x, (2,)) + 1.0]
    graph = linearize(both)
    piece = simplify(graph, range(len(graph.order)), graph.outputs)
    sums = {n for n in linearize(piece.outputs).number if n.op.name == "sum"}
    assert sorted(n.params for n in sums) == [((0,),), ((2,),)]
