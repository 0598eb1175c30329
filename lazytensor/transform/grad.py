"""Reverse-mode derivatives, graph to graph: one sweep from the outputs back to the inputs.

What enters: outputs, inputs, cotangents of the outputs. What leaves: cotangents of the inputs, as
new nodes. It must not know rows but by their columns. Un-broadcasting is done here, once, for all
elementwise rows. Complex cotangents follow PyTorch: a partial derivative is conjugated.
"""

from collections.abc import Sequence
from typing import Any

from ..ir.node import Node, apply_alike
from ..ops import g
from ..ops.elementwise import multiply
from ..ops.movement import unbroadcast
from ._path import check_like, path, varies
from .contributions import FEW, together

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
    found: dict[Node, _Sum] = {}
    for y, ct in zip(outputs, cotangents, strict=True):
        _add(found, wanted, y, ct)
    while steps:
        y = steps.pop()
        gathered = found.pop(y, None)
        if gathered is not None:
            parts = pull(y, gathered.total(), [x in wanted for x in y.args])
            for x, part in zip(y.args, parts, strict=True):
                _add(found, wanted, x, part)
    return [found[x].total() if x in found else None for x in inputs]


class _Sum:
    """Contributions to a cotangent, and the sum of them so far."""

    __slots__ = ("parts", "sum")

    def __init__(self, part: Cotangent) -> None:
        self.parts = [part]
        self.sum = part

    def add(self, part: Cotangent) -> None:
        """One more contribution."""
        self.parts.append(part)
        self.sum = _sum(self.sum, part)

    def total(self) -> Cotangent:
        """All of them together."""
        few = len(self.parts) < FEW or type(self.sum) is tuple
        found = None if few else together(self.parts)
        return self.sum if found is None else found


def _add(found: dict[Node, _Sum], wanted: set[Node], x: Node, part: Cotangent) -> None:
    """One more contribution to the cotangent of `x`."""
    if part is not None and x in wanted:
        if x in found:
            found[x].add(part)
        else:
            found[x] = _Sum(part)


def _sum(a: Cotangent, b: Cotangent) -> Cotangent:
    if type(a) is tuple:
        pairs = zip(a, b, strict=True)
        return tuple(q if p is None else p if q is None else _sum(p, q) for p, q in pairs)
    return g.add(a, b)


def pull(y: Node, ct: Cotangent, wanted: Sequence[bool]) -> list[Cotangent]:
    """Cotangents of the first `len(wanted)` arguments of one node, None of those that aren't
    wanted, by whichever of the derivative columns the row has.
    """
    op, args = y.op, y.args
    if op.partials is None:
        return _pull_whole(y, ct, wanted)
    parts = []
    for x, d, on in zip(args, op.partials(g, y, *args, *y.params), wanted):
        part = times(ct, d, True) if on else None
        parts.append(part if part is None else _fitted(part, x))
    return parts


def _pull_whole(y: Node, ct: Cotangent, wanted: Sequence[bool]) -> list[Cotangent]:
    """`pull` by a column that gives all cotangents at once."""
    op, args, params = y.op, y.args, y.params
    if op.transpose is not None:
        parts = op.transpose(g, ct, *args, *params)
    else:
        parts = op.vjp(g, ct, y, *args, *params)
    found = [p if on else None for p, on in zip(parts, wanted)]
    if op.kind != "elementwise":
        return found
    return [p if p is None else _fitted(p, x) for p, x in zip(found, args)]


def _fitted(ct: Node, x: Node) -> Node:
    return ct if ct.shape == x.shape else unbroadcast(g, ct, x.shape)


def times(t: Node, partial: Node | int | None, conjugate: bool = False) -> Node | None:
    """A derivative times a partial one, of which None is 0; the numbers 1 and -1 cost nothing."""
    if partial is None:
        return None
    if isinstance(partial, int):
        return t if partial == 1 else g.negative(t)
    alike = partial.dtype is t.dtype and partial.device is t.device and partial.dtype.kind == "f"
    if alike and (partial.shape == t.shape or not partial.shape):
        return apply_alike(multiply, (t, partial), t, t.dtype)
    return g.multiply(t, g.conj(partial) if conjugate and partial.dtype.kind == "c" else partial)
