"""The builder `g`: makes nodes by the names of rows, looked up when called, so that rules never
import one another.

What enters: nodes, Python scalars and parameters. What leaves: nodes. It must not know any
particular row.
"""

from collections.abc import Callable
from typing import Any

from .node import Node, apply, scalar
from .op import ROWS


def _operand(x: Any, like: Node) -> Node:
    return x if type(x) is Node else scalar(x, like.dtype, like.device)


def _call(name: str) -> Callable[..., Node]:
    op = ROWS[name]
    arity = op.arity

    def variadic(args: Any, *params: Any) -> Node:
        return apply(op, tuple(args), params)

    def unary(x: Node, *params: Any) -> Node:
        return apply(op, (x,), params)

    def binary(a: Any, b: Any, *params: Any) -> Node:
        if type(a) is not Node:
            a = scalar(a, b.dtype, b.device)
        elif type(b) is not Node:
            b = scalar(b, a.dtype, a.device)
        return apply(op, (a, b), params)

    def fixed(*operands: Any) -> Node:
        args, params = operands[:arity], operands[arity:]
        for a in args:
            if type(a) is not Node:
                like = next(a for a in reversed(args) if type(a) is Node)
                return apply(op, tuple([_operand(a, like) for a in args]), params)
        return apply(op, args, params)

    return {None: variadic, 1: unary, 2: binary}.get(arity, fixed)


class Builder:
    """`g.sin(x)`, `g.sum(x, axes)`, `g.concat([a, b], axis)`: array arguments first, then
    parameters.

    Python scalars among the arguments take dtype and device of the last array argument.
    """

    def constant(self, value: Any, like: Node) -> Node:
        """A 0-d node of the dtype and on the device of `like`."""
        return scalar(value, like.dtype, like.device)

    def __getattr__(self, name: str) -> Callable[..., Node]:
        if name not in ROWS:
            raise AttributeError(f"there is no op {name!r}")
        made = _call(name)
        setattr(self, name, made)
        return made


g = Builder()
