"""Derivatives of derivatives: the records of what the graph gives, where no formula does.

What enters: records and gradients of their outputs, as tensors. What leaves: gradients of what they
read, recorded as one operation on what they truly depend on, under PyTorch's name of it. It must
not know when records are asked.
"""

from collections.abc import Sequence
from typing import Any

from ...ir.graph import ancestors
from ...ir.node import Node, apply
from ...ops import g
from ...ops.movement import reshape
from ...transform._path import floating
from .._graph import Edge, GradFn, grad_fn_class
from ..tensor import Tensor, wrap
from ._gradients import joint_strides, operands

__all__ = ["recorded"]

# How often PyTorch writes to a gradient that it makes: new zeros, into which others are put.
WRITTEN = {
    **dict.fromkeys(
        ("IndexBackward0", "IndexSelectBackward0", "GatherBackward0", "TakeBackward0"), 1
    ),
    **dict.fromkeys(
        ("TopkBackward0", "KthvalueBackward0", "ModeBackward0", "MedianBackward1"), 2
    ),
}
# The records of a gradient, where it isn't that of an operation called like the derivative: the
# name, and what it has edges to: g the gradient, r the result, _ nothing. Several for several
# gradients, each with a record of its own.
Second = tuple[str, str]
SECOND: dict[str, tuple[Second, ...]] = {
    "ReluBackward0": (("ThresholdBackwardBackward0", "gr"),),
    "TanhBackward0": (("TanhBackwardBackward0", "gr"),),
    "MaskedFillBackward0": (("MaskedFillBackward0", "g"),),
    "IndexFillBackward0": (("IndexFillBackward0", "g"),),
    "IndexBackward0": (("IndexPutImplBackward0", "_g"),),
    "IndexSelectBackward0": (("IndexAddBackward0", "_g"),),
    "IndexPutBackward0": (("IndexPutBackward0", "g_"), ("IndexBackward0", "g")),
    "IndexAddBackward0": (("AliasBackward0", "g"), ("ExpandBackward0", "g")),
    "IndexCopyBackward0": (("IndexFillBackward0", "g"), ("ExpandBackward0", "g")),
    **dict.fromkeys(
        ("TopkBackward0", "KthvalueBackward0", "ModeBackward0", "MedianBackward1"),
        (("ScatterBackward0", "_g"),),
    ),
}

# What PyTorch differentiates by one operation, whose results all need a gradient if one does.
WHOLE = ("NativeLayerNorm", "NativeBatchNorm", "Convolution", "Cdist", "Prelu",
         "FusedRmsNorm")  # fmt: skip

# Gradients that are in new, contiguous memory wherever they came from.
FRESH = (*WRITTEN, "SliceBackward0", "SelectBackward0", "DiagonalBackward0", "UnfoldBackward0",
         "MaskedSelectBackward0", "MaskedFillBackward0", "MaskedFillBackward1")  # fmt: skip

for _name, _count in WRITTEN.items():
    grad_fn_class(_name).written = _count
for _name in FRESH:
    grad_fn_class(_name).fresh = True

Place = tuple[Edge, Node]


def recorded(fn: GradFn, slots: Sequence[Tensor | None]) -> list[Tensor | None]:
    """Gradients of what a record read, with a record of their own."""
    taken = {*(fn.inputs or ()), *(fn.outputs if fn.inputs is not None else ())}
    given: list[Place] = []
    cotangents: list[Node | None] = []
    for t in slots:
        if t is None:
            cotangents.append(None)
            continue
        node = t._read()
        if node in taken:
            node = apply(reshape, (node,), (node.shape,))
        taken.add(node)
        given.append((t._edge(), node))
        cotangents.append(node)
    if not given:
        return [None] * len(fn.edges)
    parts = [None if n is None else _own(n, taken) for n in fn.pull(cotangents)]
    tensors = operands(fn, slots)
    outs = [None if n is None else wrap(n, None, joint_strides(n, tensors)) for n in parts]
    name = type(fn).__name__
    seconds = SECOND.get(name, ((name.rstrip("0123456789") + "Backward0", ""),))
    if len(seconds) == 1:
        made = [t for t in outs if t is not None]
        if len(made) > 1 and not name.startswith(WHOLE):  # what depends on nothing needs none
            made = [t for t in made if _live(_read_by([t._node], fn, given, seconds[0][1]))]
        _record(fn, made, given, seconds[0])
    else:
        for t, second in zip(outs, seconds):
            if t is not None:
                _record(fn, [t], given, second)
    return outs


def _record(fn: GradFn, made: Sequence[Tensor], given: Sequence[Place], second: Second) -> None:
    """Let gradients have been made of what they depend on, by one operation."""
    places = _read_by([t._node for t in made], fn, given, second[1])
    version = fn.written
    new = None
    if made and _live(places):
        edges, nodes = zip(*places, strict=True)
        new = grad_fn_class(second[0])(edges, nodes, [t._node for t in made])
    for number, t in enumerate(made):
        if new is not None:
            t._fn, t._out = new, number
        if version:
            t._counter = [version]


def _live(places: Sequence[Place]) -> bool:
    return any(edge[0] is not None for edge, _ in places)


def _own(node: Node, taken: set[Node]) -> Node:
    """The node, or another of its value where it is one that others know."""
    return apply(reshape, (node,), (node.shape,)) if node in taken else node


def _read_by(
    made: Sequence[Node], fn: GradFn, given: Sequence[Place], letters: str
) -> list[Place]:
    """The edges of gradients with their nodes: of what the formula names, and what was read."""
    known: dict[Node, Edge] = {node: edge for edge, node in given}
    if fn.inputs is not None:
        for i, made_one in enumerate(fn.outputs):
            known.setdefault(made_one, (fn, i))
        for node, edge in zip(fn.inputs, fn.edges):
            known.setdefault(node, edge)
    reached = set(ancestors(made, lambda n: n in known or not floating(n)))
    out: list[Place] = [_named(letter, fn, given[0]) for letter in letters]
    seen = {node for _, node in out}
    out += [(edge, n) for n, edge in known.items() if n in reached and n not in seen]
    return out


def _named(letter: str, fn: GradFn, given: Place) -> Place:
    if letter == "g":
        return given
    if letter == "r" and fn.inputs is not None:
        return (fn, 0), fn.outputs[0]
    nothing: Any = g.constant(0, given[1])
    return (None, 0), nothing
