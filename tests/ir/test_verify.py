"""The verifier lets valid graphs through, and finds each planted violation."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from lazytensor._base.devices import CPU, Device
from lazytensor._base.dtypes import canonical
from lazytensor.ir.graph import Graph, linearize
from lazytensor.ir.node import Node, leaf, placeholder
from lazytensor.ir.op import ROWS, Op
from lazytensor.ir.verify import verify
from lazytensor.ops import g

from .samples import sample

F32, F64, I64 = canonical("float32"), canonical("float64"), canonical("int64")


@pytest.mark.parametrize("name", [n for n, op in ROWS.items() if op.kind != "leaf"])
def test_every_row_passes(name: str) -> None:
    verify([sample(ROWS[name])])


def program() -> Graph:
    """x * y, its sums, and a product with a scalar."""
    x, y = leaf(np.ones((3, 4), np.float32)), placeholder((4,), F32, CPU, 0)
    z = x * y
    return linearize([g.sum(z, (0,)) * 0.5, g.gather([z, leaf(np.zeros(2, np.int64))])])


def test_a_valid_program_passes() -> None:
    verify(program())


def find(graph: Graph, name: str) -> tuple[int, Node]:
    """Place and node of an op in the program."""
    return next((p, n) for p, n in enumerate(graph.order) if n.op.name == name)


Plant = Callable[[Graph], object]


def swap(graph: Graph) -> None:
    """An argument after its use."""
    a, b = find(graph, "multiply")[0], find(graph, "sum")[0]
    for rows in (graph.order, graph.rows):
        rows[a], rows[b] = rows[b], rows[a]
    for place in (a, b):
        graph.number[graph.order[place]] = place
    graph.rows = [
        row if row[0].kind == "leaf" else (*row[:2], *(graph.number[x] for x in node.args))
        for row, node in zip(graph.rows, graph.order, strict=True)
    ]


def set_on(name: str, **fields: object) -> Plant:
    """Another field in the node of that name."""

    def plant(graph: Graph) -> None:
        for field, value in fields.items():
            setattr(find(graph, name)[1], field, value)

    return plant


def foreign(graph: Graph) -> None:
    """A row that isn't the table's."""
    place, node = find(graph, "sum")
    node.op = Op("sum", "reduce", 1, params=("axes",), infer=node.op.infer)
    graph.rows[place] = (node.op, *graph.rows[place][1:])


def twin(graph: Graph) -> None:
    """An operation that is there twice."""
    place, node = find(graph, "sum")
    graph.order.append(Node(node.op, node.args, node.params, node.shape, node.dtype, node.device))
    graph.rows.append(graph.rows[place])
    graph.number[graph.order[-1]] = len(graph.order) - 1
    graph.close(graph.outputs)


def forget_line(graph: Graph) -> None:
    del find(graph, "gather")[1].where


PLANTED: dict[str, tuple[Plant, str]] = {
    "argument after its use": (swap, "doesn't come before"),
    "row of another node": (lambda v: v.rows.__setitem__(find(v, "sum")[0], v.rows[-1]), "row"),
    "argument elsewhere": (
        lambda v: v.rows.__setitem__(find(v, "sum")[0], (*v.rows[find(v, "sum")[0]][:2], 0)),
        "numbered otherwise",
    ),
    "place": (lambda v: v.number.__setitem__(v.order[0], 3), "is numbered 3"),
    "too few arguments": (set_on("multiply", args=()), "0 arguments, multiply takes 2"),
    "no arguments": (set_on("gather", args=()), "gather takes one at least"),
    "too many parameters": (set_on("sum", params=((0,), 1)), "2 parameters, sum has 1: axes"),
    "parameters with a list": (set_on("sum", params=([0],)), "can't be hashed"),
    "op of no row": (foreign, "not in the table"),
    "dtype": (set_on("sum", dtype=F64), "stated is float64"),
    "shape": (set_on("sum", shape=(3,)), "inferred float32 (4,)"),
    "shape of a leaf": (set_on("leaf", shape=(4, 3)), "holds a buffer of"),
    "dtype of a leaf": (set_on("leaf", dtype=I64), "stated is int64"),
    "layout of a leaf": (
        set_on("leaf", value=np.ones((4, 3), np.float32).T),
        "not that of the leaf",
    ),
    "device": (set_on("sum", device=Device("cpu:1")), "is on cpu:1"),
    "line": (forget_line, "line that made it"),
    "output outside": (lambda v: v.outputs.append(99), "outside"),
    "stale key": (lambda v: v.outputs.append(0), "key"),
    "rows missing": (lambda v: v.rows.pop(), "rows"),
    "same operation twice": (twin, "the same operation"),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_violation_is_found(name: str) -> None:
    plant, text = PLANTED[name]
    graph = program()
    plant(graph)
    with pytest.raises(ValueError, match=text.replace("(", r"\(").replace(")", r"\)")):
        verify(graph)


def planted_node(op: str, args: tuple[Node, ...], params: tuple[object, ...] = ()) -> Node:
    """A node that no builder would make."""
    return Node(ROWS[op], args, params, args[0].shape, args[0].dtype, args[0].device)


def test_a_dtype_outside_of_the_domain() -> None:
    x = leaf(np.ones(2, np.int64))
    with pytest.raises(ValueError, match="not in the domain 'fc' of sin"):
        verify([planted_node("sin", (x,))])


def test_arguments_on_two_devices() -> None:
    x, y = (placeholder((2,), F32, Device(name), i) for i, name in enumerate(("cpu", "cpu:1")))
    with pytest.raises(ValueError, match="arguments are on cpu, cpu:1"):
        verify([planted_node("add", (x, y))])


def test_a_device_other_than_the_parameter_says() -> None:
    x = g.iota(3, F32, CPU)
    x.device = Device("cpu:1")
    with pytest.raises(ValueError, match="its parameter says cpu"):
        verify([x])


def test_shapes_that_infer_refuses() -> None:
    x, y = leaf(np.ones(2, np.float32)), leaf(np.ones(3, np.float32))
    with pytest.raises(ValueError, match="can't be: shapes"):
        verify([planted_node("add", (x, y))])


@pytest.mark.parametrize("shape", [(-1,), (2.0,), [2], (1 << 40, 1 << 40)], ids=str)
def test_sizes_that_no_array_has(shape: tuple[int, ...]) -> None:
    x = placeholder(shape, F32, CPU, 0)
    with pytest.raises(ValueError, match=r"no tuple of ints|don't fit 64 bits"):
        verify([x])


def test_huge_but_possible_sizes_pass() -> None:
    verify([g.sin(placeholder((1 << 30, 1 << 30), F32, CPU, 0))])


def pair() -> Node:
    return placeholder(((3,), (2,)), (F32, I64), CPU, 0)  # type: ignore[arg-type]


def test_outputs_are_picked_before_they_are_read() -> None:
    verify([g.pick(pair(), 1)])
    with pytest.raises(ValueError, match="several outputs: pick one"):
        verify([Node(ROWS["sin"], (pair(),), (), (3,), F32, CPU)])
    with pytest.raises(ValueError, match="picks from"):
        verify([planted_node("pick", (leaf(np.ones(3, np.float32)),), (0,))])


def test_buffers_for_every_output() -> None:
    node = pair()
    node.value = (np.ones(3, np.float32),)
    with pytest.raises(ValueError, match="1 buffers for 2 outputs"):
        verify([g.pick(node, 0)])
