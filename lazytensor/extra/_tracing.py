"""Running a function on arrays that stand for its arguments.

What enters: a function, its arguments. What leaves: the nodes between which a transform works, and
trees of arrays made of nodes. It must not know any particular transform.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from .._base.dtypes import kind
from .._base.pytree import TreeDef, flatten, unflatten
from ..array_api._rules import brief, node_of, operand
from ..array_api.array import Array
from ..ir.node import TRACING, Node, scalar
from ..ops import g
from ..transform._path import floating
from ._trees import spread

Function = Callable[..., Any]


class Trace(NamedTuple):
    """What running a function gave: nodes, the tree that they stand in, and what came beside it."""

    outputs: list[Node]
    structure: TreeDef
    aux: Any

    def output(self, nodes: Sequence[Node | None]) -> Any:
        """The tree of the function's result with these nodes in it."""
        return unflatten(self.structure, wrapped(nodes))


def trace(f: Function, args: Sequence[Any], kwargs: dict[str, Any], has_aux: bool = False) -> Trace:
    """Run `f`; arrays keep their history meanwhile. Raises TypeError for results that are none."""
    TRACING.depth += 1  # until the results' nodes are taken, for a value must not cut them off
    try:
        result, aux = _split(f(*args, **kwargs)) if has_aux else (f(*args, **kwargs), None)
        leaves, structure = flatten(result)
        return Trace([node_for(x, "a result") for x in leaves], structure, aux)
    finally:
        TRACING.depth -= 1


def _split(result: Any) -> tuple[Any, Any]:
    """A result and what comes beside it. Raises TypeError for what is no pair."""
    if not isinstance(result, tuple) or len(result) != 2:
        raise TypeError(f"has_aux=True: f must return a pair (result, aux), got {brief(result)}")
    return result


def wrapped(nodes: Sequence[Node | None]) -> list[Array | None]:
    """Arrays of the nodes."""
    return [None if n is None else Array(n) for n in nodes]


def node_for(x: Any, what: str, like: Node | None = None) -> Node:
    """The node of an array, a NumPy array or a Python number, which takes the dtype of `like`."""
    found = operand(x)
    if found is NotImplemented:
        raise TypeError(f"{what} must be an array or a number, got {type(x).__name__}: {brief(x)}")
    if type(found) is Node:
        return found
    if like is None or (type(found) is complex and kind(like.dtype) != "c"):
        return node_of(found)
    return scalar(found, like.dtype, like.device)


def alias(node: Node) -> Node:
    """The same array as a node of its own: what else is made of `node` doesn't depend on it."""
    out = g.reshape(node, node.shape)
    out.value = node.value
    return out


def filled(derivatives: Sequence[Node | None], like: Sequence[Node]) -> list[Node | None]:
    """Derivatives with zeros for what doesn't vary; None stays for integers and bools."""
    return [_zeros(x) if d is None else d for d, x in zip(derivatives, like, strict=True)]


def _zeros(x: Node) -> Node | None:
    return g.broadcast_to(g.constant(0, x), x.shape) if floating(x) else None


def given_for(tree: Any, structure: TreeDef, like: Sequence[Node], what: str) -> list[Node | None]:
    """The nodes of a tree of tangents or cotangents; None stands for zero."""
    leaves = spread(tree, structure, f"the {what}s")
    return [
        None if x is None else node_for(x, f"a {what}", node)
        for x, node in zip(leaves, like, strict=True)
    ]
