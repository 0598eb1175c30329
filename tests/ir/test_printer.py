"""The printer's text runs, and makes a graph with the same key: every row, and graphs of many."""

from __future__ import annotations

import numpy as np
import pytest

from lazytensor._base import config
from lazytensor._base.devices import CPU, device
from lazytensor._base.dtypes import STANDARD, canonical
from lazytensor.ir.graph import Graph, linearize
from lazytensor.ir.node import Node, leaf, placeholder, scalar
from lazytensor.ir.op import ROWS
from lazytensor.ir.printer import inputs, names, show, type_text
from lazytensor.ops import g
from lazytensor.runtime import pending

from .samples import sample

F32 = canonical("float32")


def replay(graph: Graph) -> Graph:
    """What running the printed text makes."""
    space = names()
    exec(show(graph), space)
    out = space["graph"](*inputs(graph))
    return linearize(out if isinstance(out, tuple) else (out,))


def x32(*shape: int) -> Node:
    return leaf(np.ones(shape, np.float32))


READABLE = [n for n, op in ROWS.items() if op.kind != "leaf" and "rule" not in op.params]


@pytest.mark.parametrize("name", READABLE)  # a rule is a function, which has no text
def test_the_text_of_every_row_makes_the_row_again(name: str) -> None:
    graph = linearize([sample(ROWS[name])])
    assert replay(graph).key == graph.key


def test_a_graph_reads_as_a_function() -> None:
    x, y = x32(3, 4), x32(4)
    total = g.sum(x * y + 1.5, (1,))
    assert show([total, g.exp(total)]) == (
        "def graph(x0, x1):\n"
        "    # x0: float32[3, 4]\n"
        "    # x1: float32[4]\n"
        "    t2 = g.multiply(x0, x1)  # float32[3, 4]\n"
        "    t4 = g.add(t2, 1.5)  # float32[3, 4]\n"
        "    t5 = g.sum(t4, (1,))  # float32[3]\n"
        "    t6 = g.exp(t5)  # float32[3]\n"
        "    return t5, t6\n"
    )


def scalars() -> list[Node]:
    x, z = x32(2), leaf(np.ones(2, np.complex64))
    k = leaf(np.ones(2, np.int64))
    twice = scalar(0.3, F32)
    shared = scalar(2.5 - 1j, canonical("complex64"))
    return [
        x * 0.1,
        g.divide(1.0, x),
        x * float("inf") + float("nan"),
        g.copysign(x, -0.0),
        (x * twice) + twice,
        x * 2.0 + 2.0,
        g.where(g.less(x, 0.0), g.constant(1.0, x), g.constant(0.0, x)),
        z * complex(0.0, -0.0) + complex(float("nan"), float("-inf")),
        (z * shared) + shared,
        k * (2**62) - (-(2**63)),
        g.logical_and(g.isnan(x), True),
        g.exp(scalar(0.7, F32)),
        scalar(0.7, F32),
        g.cast(g.constant(3, k), F32),
    ]


@pytest.mark.parametrize("node", scalars(), ids=lambda n: show([n]).splitlines()[-2].strip()[:60])
def test_scalars_keep_dtype_value_and_sharing(node: Node) -> None:
    graph = linearize([node])
    again = replay(graph)
    assert again.key == graph.key
    values = [n.value for n in graph.order if n.op.name == "scalar"]
    new = [n.value for n in again.order if n.op.name == "scalar"]
    assert [v.tobytes() for v in values] == [v.tobytes() for v in new]


@pytest.mark.parametrize("dtype", [*STANDARD, canonical("float16"), canonical("bfloat16")], ids=str)
def test_every_dtype_is_printed_as_a_parameter(dtype: np.dtype) -> None:
    graph = linearize([g.cast(x32(2, 2), dtype)])
    assert replay(graph).key == graph.key
    assert f"# {dtype.name}[2, 2]" in show(graph)


def test_devices_stand_in_the_text() -> None:
    with config.context(cpu_devices=2):
        other = device("cpu:1")
        moved = g.transfer(g.iota(4, F32, CPU), other) * 0.3
        graph = linearize([moved, g.exp(scalar(0.3, F32, other))])
        text = show(graph)
        assert replay(graph).key == graph.key
    assert "device('cpu:1')" in text
    assert "# float32[4] on cpu:1" in text


def test_several_outputs_and_placeholders() -> None:
    shapes, dtypes = ((3,), (2, 2)), (F32, canonical("int64"))
    pair = placeholder(shapes, dtypes, CPU, 0)  # type: ignore[arg-type]
    graph = linearize([g.pick(pair, 1), g.pick(pair, 0)])
    assert type_text(pair) == "(float32[3], int64[2, 2])"
    assert replay(graph).key == graph.key


def test_computed_nodes_are_inputs() -> None:
    x = x32(3)
    y = x + 1.0
    y.value = np.full(3, 2, np.float32)
    graph = linearize([y * x])
    assert inputs(graph) == [y, x]
    assert replay(graph).key == graph.key


def test_a_graph_of_nothing_but_inputs() -> None:
    x = x32(3)
    assert replay(linearize([x, x])).outputs == [0, 0]


def test_long_chains_are_printed_without_recursion() -> None:
    node = x32(1)
    with config.context(max_pending=10**6):
        pending.settle()
        for _ in range(20_000):
            node = g.sin(node)
    assert show([node]).count("g.sin") == 20_000
