"""Functions whose gradients are computed in another way: by the user's rule, or by a second call.

What enters: functions of arrays. What leaves: functions of the same. It must not know how a graph
is transformed.
"""

import functools
from collections.abc import Sequence
from typing import Any

from .._base.errors import publish, refusing
from .._base.pytree import flatten, unflatten
from ..array_api._rules import brief
from ..ir.node import Node
from ..transform import grad as reverse
from ..transform._path import floating
from ..transform.ruled import ruled
from ._tracing import Function, alias, node_for, trace, wrapped
from ._trees import spread

__all__ = ["checkpoint", "custom_vjp"]


def custom_vjp(f: Function, backward: Function) -> Function:
    """A function whose cotangents are those that `backward` gives.

    `f(*args)` returns `(result, saved)`, of which the new function returns the result;
    `backward(saved, cotangents)` returns a cotangent for each argument of `f`, a tree like it or
    None where it has none. Arguments, results and what is saved are pytrees of arrays. It can be
    differentiated as often as `backward` can, and mapped by `vmap`. When called, raises TypeError
    for what is no pair or no array; when differentiated, ValueError for cotangents that don't fit,
    and TypeError by `jvp`.
    """

    @refusing
    @functools.wraps(f)
    def with_rule(*args: Any) -> Any:
        leaves, structure = flatten(args)
        inputs = [node_for(x, "an argument") for x in leaves]
        call = unflatten(structure, wrapped([alias(x) for x in inputs]))
        traced = trace(_kept, (f, call), {}, True)
        saved, shape = flatten(traced.aux)
        read = [node_for(x, "what is saved") for x in saved]
        static = (backward, shape, traced.structure, structure)
        return traced.output(ruled(traced.outputs, read, inputs, _pulled, static, False))

    return with_rule


def _kept(f: Function, args: Sequence[Any]) -> Any:
    found = f(*args)
    if not isinstance(found, tuple) or len(found) != 2:
        raise TypeError(f"custom_vjp: f must return a pair (result, saved), got {brief(found)}")
    return found


def _pulled(static: Any, read: Sequence[Node], cotangents: Sequence[Node]) -> list[Node | None]:
    """Cotangents of the arguments, by the user's rule."""
    backward, shape, result, structure = static
    saved = unflatten(shape, wrapped(read))
    found = backward(saved, unflatten(result, wrapped(cotangents)))
    if not isinstance(found, tuple):
        found = (found,)
    leaves = spread(found, structure, "custom_vjp: the cotangents")
    return [None if x is None else node_for(x, "a cotangent") for x in leaves]


def checkpoint(f: Function) -> Function:
    """The function; what it computes on the way is forgotten, and computed again for gradients.

    Its arguments and results are pytrees of arrays; what it reads beside its arguments counts as a
    constant of the gradient's. Raises TypeError when called, for what isn't an array.
    """

    @refusing
    @functools.wraps(f)
    def checkpointed(*args: Any) -> Any:
        leaves, structure = flatten(args)
        inputs = [node_for(x, "an argument") for x in leaves]
        traced = trace(f, unflatten(structure, wrapped(inputs)), {})
        static = (f, structure)
        return traced.output(ruled(traced.outputs, inputs, inputs, _again, static, True))

    return checkpointed


def _again(static: Any, read: Sequence[Node], cotangents: Sequence[Node]) -> list[Node | None]:
    """Cotangents of the arguments, through a second call of the function."""
    f, structure = static
    inputs = [alias(x) for x in read]
    for x in inputs:
        x.value = None
    traced = trace(f, unflatten(structure, wrapped(inputs)), {})
    given = [t if floating(y) else None
             for y, t in zip(traced.outputs, cotangents, strict=True)]  # fmt: skip
    return reverse.vjp(traced.outputs, inputs, given)


publish(globals())
