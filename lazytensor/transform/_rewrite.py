"""What rewriting rules are made of.

What enters: nodes. What leaves: nodes that stand for others. It must not know rules.
"""

from collections.abc import Callable
from typing import Any

from ..ir.node import SCALAR, Node, make
from ..ir.op import ROWS

Rule = Callable[[Node], Node | None]


def again(name: str, args: tuple[Node, ...], params: tuple[Any, ...], like: Node) -> Node:
    """A replacement, which keeps the place of the node it stands for."""
    node = make(ROWS[name], args, params)
    node.where = like.where
    return node


def is_number(node: Node, text: str) -> bool:
    """Whether the node is the special scalar that prints so as a float ('-0.0' is not '0.0')."""
    return node.op is SCALAR and node.value.dtype.kind in "iuf" and str(float(node.value)) == text
