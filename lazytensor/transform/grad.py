"""Reverse-mode derivatives, graph to graph: one sweep from the outputs back to the inputs.

What enters: outputs, inputs, cotangents of the outputs. What leaves: cotangents of the inputs, as
new nodes. It must not know rows but by their columns. Un-broadcasting is done here, once, for all
elementwise rows. Complex cotangents follow PyTorch: a partial derivative is conjugated.
"""

from collections.abc import Sequence
from typing import Any

from ..ir.node import SCALAR, Node
from ..ops import g
from ..ops._families import is_complex
from ..ops.movement import unbroadcast
from ._path import check_like, path, varies

# Of a node with one output a node; of one with several a tuple, of a node or None for each.
Cotangent = Any


def vjp(
    outputs: Sequence[Node], inputs: Sequence[Node], cotangents: Sequence[Node | None]
) -> list[Node | None]:
    """Cotangents of the inputs: None where no output varies with one, and for integers and bools.

    A cotangent of an output has the output's shape and dtype; None is zero. The sweep never goes
    past an input, also where one input is computed from another. Linear in the graph, no
    recursion. Raises ValueError or TypeError for a cotangent that doesn't fit.
    """
    check_like("cotangent", cotangents, outputs)
    steps = path(outputs, inputs, varies)
    wanted = {*steps, *filter(varies, inputs)}
    found: dict[Node, Cotangent] = {}
    for y, ct in zip(outputs, cotangents, strict=True):
        _add(found, wanted, y, ct)
    while steps:
        y = steps.pop()
        ct = found.pop(y, None)
        if ct is not None:
            parts = pull(y, ct, [x in wanted for x in y.args])
            for x, part in zip(y.args, parts, strict=True):
                _add(found, wanted, x, part)
    return [found.get(x) for x in inputs]


def _add(found: dict[Node, Cotangent], wanted: set[Node], x: Node, part: Cotangent) -> None:
    """One more contribution to the cotangent of `x`."""
    if part is not None and x in wanted:
        before = found.get(x)
        found[x] = part if before is None else _sum(before, part)


def _sum(a: Cotangent, b: Cotangent) -> Cotangent:
    if type(a) is tuple:
        pairs = zip(a, b, strict=True)
        return tuple(q if p is None else p if q is None else _sum(p, q) for p, q in pairs)
    return g.add(a, b)


def pull(y: Node, ct: Cotangent, wanted: Sequence[bool]) -> list[Cotangent]:
    """Cotangents of the arguments of one node, of those that are wanted, by whichever of the
    derivative columns the row has.
    """
    op, args, params = y.op, y.args, y.params
    if op.partials is None:
        if op.transpose is not None:
            parts = op.transpose(g, ct, *args, *params)
        else:
            parts = op.vjp(g, ct, y, *args, *params)
        if op.kind != "elementwise":
            return [p if on else None for p, on in zip(parts, wanted, strict=True)]
    else:
        partials = op.partials(g, y, *args, *params)
        parts = [times(ct, d, True) if on else None for d, on in zip(partials, wanted, strict=True)]
    pairs = zip(parts, args, wanted, strict=True)
    return [_fitted(p, x) if on and p is not None else None for p, x, on in pairs]


def _fitted(ct: Node, x: Node) -> Node:
    return ct if ct.shape == x.shape else unbroadcast(g, ct, x.shape)


def times(t: Node, partial: Node | None, conjugate: bool = False) -> Node | None:
    """A derivative times a partial one, of which None is 0; the constants 1 and -1 cost nothing."""
    if partial is None:
        return None
    if partial.op is SCALAR:
        number = partial.value.item()
        if number in (1, -1):
            return t if number == 1 else g.negative(t)
    return g.multiply(t, g.conj(partial) if conjugate and is_complex(partial) else partial)
