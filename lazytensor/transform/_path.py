"""The part of a graph that a transform works on: what lies between inputs and outputs.

What enters: outputs, inputs, and which nodes carry a dependence on. What leaves: those nodes,
arguments first. It must not know what is done with them.
"""

from collections.abc import Callable, Iterable, Sequence

from .._base.dtypes import kind
from ..ir.graph import between, serial
from ..ir.node import Node


def path(
    outputs: Sequence[Node], inputs: Iterable[Node], carries: Callable[[Node], bool]
) -> list[Node]:
    """Nodes that depend on the inputs and that outputs depend on, inputs left out.

    The walk doesn't go past an input, but it goes past nodes that have a value: a value is a cache.
    An input that doesn't `carry` stops the walk and is depended on by nothing. Linear time.
    """
    reached = {x for x in inputs if carries(x)}
    out = []
    for node in sorted(between(outputs, tuple(inputs)), key=serial):
        if reached.isdisjoint(node.args) or not carries(node):
            continue
        reached.add(node)
        out.append(node)
    return out


def floating(node: Node) -> bool:
    """Whether the node, or one of its outputs, is of a real or complex floating-point dtype."""
    dtype = node.dtype
    if type(dtype) is tuple:
        return any(kind(d) in "fc" for d in dtype)
    return kind(dtype) in "fc"


def varies(node: Node) -> bool:
    """Whether a derivative can pass through the node: floating-point, and its row has a rule."""
    return floating(node) and (not node.args or node.op.differentiable())


def check_like(what: str, given: Sequence[Node | None], like: Sequence[Node]) -> None:
    """Raises ValueError for a wrong count or shape, TypeError for a wrong dtype."""
    if len(given) != len(like):
        raise ValueError(f"{len(given)} {what}s for {len(like)} arrays")
    for place, (t, x) in enumerate(zip(given, like, strict=True)):
        if t is None:
            continue
        if not floating(x):
            raise TypeError(f"{what} {place} is given for {x.dtype}, which has none")
        if t.dtype is not x.dtype:
            raise TypeError(f"{what} {place} must be {x.dtype}, got {t.dtype}")
        if t.shape != x.shape:
            raise ValueError(f"{what} {place} must have shape {x.shape}, got {t.shape}")
