"""Forward-mode derivatives, graph to graph: one sweep from the inputs on to the outputs.

What enters: outputs, inputs, tangents of the inputs. What leaves: tangents of the outputs, as new
nodes. It must not know rows but by their columns. A linear row is applied to the tangents of the
arguments that it is linear in, which are those that its transpose gives cotangents for.
"""

from collections.abc import Sequence
from typing import Any

from ..ir.node import Node, apply
from ..ops import g
from ._path import check_like, path, varies
from .grad import times

# Of a node with one output a node; of one with several a tuple, of a node or None for each.
Tangent = Any


def jvp(
    outputs: Sequence[Node], inputs: Sequence[Node], tangents: Sequence[Node | None]
) -> list[Node | None]:
    """Tangents of the outputs: None where one doesn't vary.

    A tangent has the input's shape and dtype; None is zero. The sweep starts at the inputs, also
    where one is computed from another. Raises ValueError or TypeError for one that doesn't fit.
    """
    check_like("tangent", tangents, inputs)
    known: dict[Node, Tangent] = {
        x: t for x, t in zip(inputs, tangents, strict=True) if t is not None
    }
    for y in path(outputs, inputs, varies):
        given = [known.get(x) for x in y.args]
        tangent = None if all(t is None for t in given) else push(y, given)
        if tangent is not None:
            known[y] = tangent
    return [known.get(y) for y in outputs]


def push(y: Node, tangents: Sequence[Tangent]) -> Tangent:
    """The tangent of one node, by whichever of the derivative columns its row has."""
    op = y.op
    if op.partials is not None:
        tangent = _by_partials(y, tangents)
    elif op.transpose is not None:
        tangent = _by_linearity(y, tangents)
    else:
        tangent = op.jvp(g, tangents, y, *y.args, *y.params)
    if tangent is None or op.kind != "elementwise" or tangent.shape == y.shape:
        return tangent
    return g.broadcast_to(tangent, y.shape)


def _by_partials(y: Node, tangents: Sequence[Node | None]) -> Node | None:
    total = None
    partials = y.op.partials(g, y, *y.args, *y.params)
    for t, partial in zip(tangents, partials, strict=True):
        part = None if t is None else times(t, partial)
        if part is not None:
            total = part if total is None else g.add(total, part)
    return total


def _by_linearity(y: Node, tangents: Sequence[Node | None]) -> Node | None:
    """The op of the tangents; zeros stand for those that are missing, other arguments stay."""
    args = []
    linear = _linear_in(y)
    if all(t is None for t, of in zip(tangents, linear, strict=True) if of):
        return None
    for x, t, of in zip(y.args, tangents, linear, strict=True):
        args.append((_zeros(x) if t is None else t) if of else x)
    return apply(y.op, tuple(args), y.params)


def _linear_in(y: Node) -> list[bool]:
    """Which arguments the op is linear in: those that the transpose gives a cotangent for."""
    if len(y.args) == 1:
        return [True]
    return [ct is not None for ct in y.op.transpose(g, y, *y.args, *y.params)]


def _zeros(x: Node) -> Node:
    return g.broadcast_to(g.constant(0, x), x.shape)
