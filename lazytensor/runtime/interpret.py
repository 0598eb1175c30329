"""The interpreter: a graph run op by op, with the rows' value columns.

What enters: a graph and the places whose values are wanted. What leaves: those values. First-seen
and tiny graphs are run so; results have the same bits as those of compiled plans.
"""

import time
from collections.abc import Callable, Sequence
from contextvars import Context
from typing import Any

import numpy

from .._base.errors import OutsideOf
from .._base.module import module
from ..ir.graph import Graph
from ..ir.node import Node, describe_line
from ..ir.op import Op
from .buffers import POOL, spare
from .counters import COUNTERS
from .observe import TIMERS, Timing

Values = list[Any]
# Bytes from which on a result is written over an argument that dies.
OVER = 1 << 16
LATE = (IndexError, ValueError, numpy.linalg.LinAlgError)
_ARRAY = numpy.ndarray
_contexts: list[Context] = []


def quietly(function: Callable[..., Any], *args: Any) -> Any:
    """What the function gives, called with NumPy's floating-point warnings off.

    A context in which they are is entered in a tenth of the time that `np.errstate` takes.
    """
    try:
        context = _contexts.pop()
    except IndexError:
        context = _quiet()
    try:
        return context.run(function, *args)
    finally:
        _contexts.append(context)


def _quiet() -> Context:
    context = Context()
    context.run(numpy.seterr, all="ignore")
    return context


def interpret(graph: Graph, wanted: Sequence[int]) -> Values:
    """Values of the wanted places, in that order. Raises what a row's value raises, with the user's
    line.
    """
    return quietly(_interpret, graph, wanted)  # type: ignore[no-any-return]


def _interpret(graph: Graph, wanted: Sequence[int]) -> Values:
    values: Values = [None] * len(graph.order)
    np = module()
    run = _timed if TIMERS else compute
    left = _readers(graph, wanted)
    for place, node in enumerate(graph.order):
        if node.value is not None:
            values[place] = node.value
            continue
        sources = graph.rows[place][2:]
        args = [values[i] for i in sources]
        if run is compute and _over(graph, place, left) and spare(args, 0):
            values[place] = write_over(np, node.op, args, node.params, (node,))
        else:
            values[place] = run(np, node, args)
        del args
        for i in sources:
            left[i] -= 1
            if not left[i]:
                values[i] = None
    return [values[i] for i in wanted]


def _over(graph: Graph, place: int, left: Sequence[int]) -> bool:
    """Whether an op that can be written over its first argument may be: that is large, was computed
    here, and is read for the last time, once.
    """
    if graph.order[place].op.into is None:
        return False
    source = graph.rows[place][2]
    node = graph.order[source]
    return left[source] == 1 and node.value is None and node.size * node.dtype.itemsize >= OVER


def _readers(graph: Graph, wanted: Sequence[int]) -> list[int]:
    """How often each place is still to be read."""
    left = [0] * len(graph.order)
    for node, row in zip(graph.order, graph.rows, strict=True):
        if node.value is None:
            for i in row[2:]:
                left[i] += 1
    for i in wanted:
        left[i] += 1
    return left


def compute(np: Any, node: Node, args: Sequence[Any]) -> Any:
    """The value of one node, by a NumPy-like module; on a lack of memory the pool is emptied and
    the op run once more.
    """
    COUNTERS.interpreted += 1
    try:
        value = node.op.value(np, *args, *node.params)
    except (MemoryError, *LATE):
        return _once_more(np, node, args)
    return value if type(value) is _ARRAY and value.base is not None else counted(value)


def fill(nodes: Sequence[Node], refused: Callable[[Node], Exception]) -> None:
    """`compute` for nodes whose arguments have values, or get them on the way: in few steps, for
    graphs so small that these are most of what they cost. Raises what an argument is `refused`
    with that has none.
    """
    np, done = module(), 0
    COUNTERS.interpreted += len(nodes)
    for node in nodes:
        args, count = node.args, len(node.args)
        try:  # one and two arguments go without a list of them
            if count == 1 and (x := args[0].value) is not None:
                value = node.op.value(np, x, *node.params)
            elif count == 2 and (x := args[0].value) is not None and args[1].value is not None:
                value = node.op.value(np, x, args[1].value, *node.params)
            else:
                value = node.op.value(np, *_values(args, refused), *node.params)
        except (MemoryError, *LATE):
            value = _once_more(np, node, _values(args, refused))
        if type(value) is not _ARRAY:
            value = counted(value)
        elif value.base is None:
            done += value.nbytes
        node.value = value
    COUNTERS.bytes += done


def _values(args: Sequence[Node], refused: Callable[[Node], Exception]) -> list[Any]:
    """The arguments' values. Raises what the first of them is refused with that has none."""
    for a in args:
        if a.value is None:
            raise refused(a)
    return [a.value for a in args]


def _once_more(np: Any, node: Node, args: Sequence[Any]) -> Any:
    """After making room, or for a text that says where."""
    POOL.clear()
    return evaluate(np, node.op, args, node.params, (node,))


def _timed(np: Any, node: Node, args: Sequence[Any]) -> Any:
    """`compute`, telling of its time and of the bytes read and written."""
    start = time.perf_counter()
    value = compute(np, node, args)
    seconds = time.perf_counter() - start
    every = [v for x in (*args, value) for v in (x if type(x) is tuple else (x,))]
    view = node.op.kind == "movement" and node.op.cheap
    moved = 0 if view else sum([v.nbytes for v in every])
    for timer in TIMERS:
        timer(Timing("interpreted", node.op.name, node.shape, seconds, moved))
    return value


def evaluate(
    np: Any, op: Op, args: Sequence[Any], params: Sequence[Any], nodes: Sequence[Node]
) -> Any:
    """A row's value column; what it raises has the user's line that made the node that it is for,
    or that of several which failed. Bytes are counted when they are the value's own.
    """
    return counted(_evaluated(op, op.value, np, args, params, nodes))


def write_over(
    np: Any, op: Op, args: Sequence[Any], params: Sequence[Any], nodes: Sequence[Node]
) -> Any:
    """The same, written over the first argument."""
    return _evaluated(op, op.into, np, args, params, nodes)


def _evaluated(
    op: Op, function: Any, np: Any, args: Sequence[Any], params: Sequence[Any],
    nodes: Sequence[Node],
) -> Any:  # fmt: skip
    try:
        return function(np, *args, *params)
    except LATE as error:
        if not op.fails:
            raise
        raise located(error, [n.where for n in nodes]) from None


def counted(value: Any) -> Any:
    """What a value column gave as ndarrays; bytes are counted when they are their own."""
    if type(value) is tuple:
        return tuple(map(counted, value))
    out = value if type(value) is numpy.ndarray else numpy.asarray(value)
    COUNTERS.bytes += out.nbytes if out.base is None else 0
    return out


def located(error: Exception, lines: Sequence[Any]) -> Exception:
    """The same exception with the user's line, of several that where what failed was asked for."""
    number, kind = 0, type(error)
    if isinstance(error, OutsideOf):
        number, kind = error.number, IndexError
    line = describe_line(lines[min(number, len(lines) - 1)])
    return kind(f"{error} (array made at {line})")
