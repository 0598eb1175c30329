"""The verifier: whether a graph keeps the grammar that passes and targets rely on.

What enters: a graph, or nodes. What leaves: nothing, or a ValueError that names the node and
what is wrong. It must not know particular rows, or which pass made the graph.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from .._base.dtypes import kind
from .._base.shapes import prod
from .graph import Graph, leaf_key, linearize
from .node import PICK, PLACEHOLDER, Node
from .op import ROWS

# Sizes and strides in bytes are signed 64-bit numbers.
MOST_BYTES = (1 << 63) - 1

Complaints = Iterator[str]


def verify(what: Graph | Sequence[Node]) -> None:
    """Check every node and the graph around them. Raises ValueError on the first violation."""
    graph = what if isinstance(what, Graph) else linearize(what)
    if len(graph.rows) != len(graph.order):
        raise ValueError(f"graph: {len(graph.order)} nodes, but {len(graph.rows)} rows")
    for place, node in enumerate(graph.order):
        checks = _LEAF_CHECKS if _is_leaf(node) else _OP_CHECKS
        for complaint in (c for check in (_places, *checks) for c in check(graph, place, node)):
            raise ValueError(f"place {place}, {node!r}: {complaint}")
    for complaint in _whole(graph):
        raise ValueError(f"graph: {complaint}")


def _is_leaf(node: Node) -> bool:
    return node.value is not None or node.op.kind == "leaf"


# --- any node ------------------------------------------------------------------------------------


def _places(graph: Graph, place: int, node: Node) -> Complaints:
    if graph.number.get(node) != place:
        yield f"is numbered {graph.number.get(node)}"


def _types(node: Node) -> list[tuple[Any, Any]]:
    """(shape, dtype) of each output."""
    if type(node.dtype) is tuple:
        return list(zip(node.shape, node.dtype, strict=False))
    return [(node.shape, node.dtype)]


def _sizes(graph: Graph, place: int, node: Node) -> Complaints:
    for shape, dtype in _types(node):
        if type(shape) is not tuple or any(type(n) is not int or n < 0 for n in shape):
            yield f"shape {shape!r} is no tuple of ints that are not negative"
        elif prod(n for n in shape if n) * dtype.itemsize > MOST_BYTES:
            yield f"strides of {dtype} {shape} don't fit 64 bits"


# --- leaves --------------------------------------------------------------------------------------


def _leaf_row(graph: Graph, place: int, node: Node) -> Complaints:
    if graph.rows[place] != leaf_key(node):
        yield f"row {graph.rows[place]} is not that of the leaf, {leaf_key(node)}"


def _leaf_value(graph: Graph, place: int, node: Node) -> Complaints:
    if node.op is PLACEHOLDER and node.value is None:
        return
    values = node.value if type(node.value) is tuple else (node.value,)
    types = _types(node)
    if len(values) != len(types):
        yield f"has {len(values)} buffers for {len(types)} outputs"
    for value, (shape, dtype) in zip(values, types, strict=False):
        if type(value) is not np.ndarray or value.shape != shape or value.dtype != dtype:
            have = f"{getattr(value, 'dtype', type(value).__name__)} {np.shape(value)}"
            yield f"holds a buffer of {have}, stated is {dtype} {shape}"


# --- operations ----------------------------------------------------------------------------------


def _row(graph: Graph, place: int, node: Node) -> Complaints:
    row = graph.rows[place]
    sources = row[2:]
    if row[0] is not node.op or row[1] != node.params:
        yield f"row {row} is not that of the node"
    elif sources != tuple(graph.number.get(a) for a in node.args):
        yield f"reads places {sources}, its arguments are numbered otherwise"
    elif any(source >= place for source in sources):
        yield f"reads places {sources}, of which one doesn't come before it"


def _in_table(graph: Graph, place: int, node: Node) -> Complaints:
    if ROWS.get(node.op.name) is not node.op:
        yield "its op is not in the table"


def _operands(graph: Graph, place: int, node: Node) -> Complaints:
    op = node.op
    if op.arity is not None and len(node.args) != op.arity:
        yield f"{len(node.args)} arguments, {op.name} takes {op.arity}"
    if op.arity is None and not node.args:
        yield f"no arguments, {op.name} takes one at least"
    if len(node.params) != len(op.params):
        wanted = f"{len(op.params)}: {', '.join(op.params)}"
        yield f"{len(node.params)} parameters, {op.name} has {wanted}"
    try:
        hash(node.params)
    except TypeError:
        yield f"parameters {node.params} can't be hashed"


def _domains(graph: Graph, place: int, node: Node) -> Complaints:
    for arg in node.args:
        if type(arg.dtype) is tuple:
            if node.op is not PICK:
                yield f"reads {arg!r}, which has several outputs: pick one"
        elif node.op is PICK:
            yield f"picks from {arg!r}, which has one output"
        elif kind(arg.dtype) not in node.op.domain:
            yield f"{arg!r} is not in the domain {node.op.domain!r} of {node.op.name}"


def _devices(graph: Graph, place: int, node: Node) -> Complaints:
    found = {arg.device for arg in node.args}
    if len(found) > 1:
        yield f"arguments are on {', '.join(sorted(found))}"
    elif node.op.kind == "transfer" or not node.args:
        if node.device != node.params[-1]:
            yield f"is on {node.device}, its parameter says {node.params[-1]}"
    elif node.device not in found:
        yield f"is on {node.device}, its arguments are on {', '.join(found)}"


def _inferred(graph: Graph, place: int, node: Node) -> Complaints:
    try:
        shape, dtype = node.op.infer(*node.args, *node.params)
    except (IndexError, TypeError, ValueError) as error:
        yield f"can't be: {error}"
        return
    if (shape, dtype) != (node.shape, node.dtype):
        yield f"stated is {node.dtype} {node.shape}, inferred {dtype} {shape}"
    if (len(dtype) if type(dtype) is tuple else 1) != node.op.outputs and node.op.outputs > 1:
        yield f"has {len(dtype)} outputs, {node.op.name} has {node.op.outputs}"


def _line_kept(graph: Graph, place: int, node: Node) -> Complaints:
    if node.op.fails and not hasattr(node, "where"):
        yield "can fail on data, and doesn't know the line that made it"


# --- the graph -----------------------------------------------------------------------------------


def _whole(graph: Graph) -> Complaints:
    count = len(graph.order)
    wrong = [place for place in (*graph.outputs, *graph.leaves) if not 0 <= place < count]
    if wrong:
        yield f"places {wrong} of outputs or leaves are outside 0 … {count - 1}"
    if graph.key[:2] != (tuple(graph.rows), tuple(graph.outputs)):
        yield "its key is not that of its rows and outputs"
    seen: dict[Any, int] = {}
    for place, row in enumerate(graph.rows):
        if not _is_leaf(graph.order[place]) and seen.setdefault(row, place) != place:
            yield f"places {seen[row]} and {place} are the same operation"


Check = Callable[[Graph, int, Node], Complaints]
_LEAF_CHECKS: tuple[Check, ...] = (_sizes, _leaf_value, _leaf_row)
_OP_CHECKS: tuple[Check, ...] = (
    _in_table,
    _operands,
    _row,
    _domains,
    _devices,
    _inferred,
    _sizes,
    _line_kept,
)
