"""Transforms of functions of arrays: derivatives in both directions, and batching.

What enters: functions of arrays, or of pytrees of arrays (lists, tuples, dicts, dataclasses, None).
What leaves: functions of the same. A transform runs the function once a call, on arrays that stand
for its arguments, and transforms the graph between these and the results; so transforms compose in
any order. It must not know how a graph is transformed, nor how it is computed.

Arguments of a derivative carry their values: the function may look at them (`if x > 0`). Those of
`vmap` have a shape and a dtype only; asking for their values raises TypeError.
"""

import functools
import itertools
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.exceptions import AxisError

from .._base.errors import publish, refusing
from .._base.pytree import TreeDef, flatten, map_leaves, unflatten
from ..array_api._rules import node_of
from ..array_api.array import Array
from ..ir.graph import keep
from ..ir.node import Node, placeholder
from ..ops import g
from ..transform import grad as reverse
from ..transform import jvp as forward
from ..transform import vmap as batching
from ..transform._path import floating
from ._tracing import Function, Trace, alias, filled, given_for, node_for, trace, wrapped
from ._trees import show, spread

__all__ = ["grad", "hessian", "jacobian", "jvp", "value_and_grad", "vjp", "vmap"]

_indices = itertools.count()


# --- derivatives ----------------------------------------------------------------------------------


def vjp(f: Function, *primals: Any, has_aux: bool = False) -> Any:
    """`(f(*primals), pull)`, where `pull(cotangents)` is a tuple of cotangents of the primals.

    Cotangents are a tree like the result, of arrays of the same shapes and dtypes (None: zero). A
    primal that is integer or bool has the cotangent None. Complex numbers follow PyTorch: the
    cotangent of z is the conjugate of df/dz times that of f. With `has_aux`, `f` returns a pair and
    `(result, pull, aux)` is returned. Raises TypeError for what isn't an array, or a cotangent of
    another dtype; ValueError for one of another shape or structure.
    """
    leaves, structure = flatten(primals)
    inputs = [alias(node_for(x, "a primal")) for x in leaves]
    traced = trace(f, unflatten(structure, wrapped(inputs)), {}, has_aux)
    keep(traced.outputs, inputs)

    def pull(cotangents: Any) -> Any:
        given = given_for(cotangents, traced.structure, traced.outputs, "cotangent")
        found = reverse.vjp(traced.outputs, inputs, given)
        return unflatten(structure, wrapped(filled(found, inputs)))

    result = traced.output(traced.outputs)
    return (result, pull, traced.aux) if has_aux else (result, pull)


def jvp(f: Function, primals: Sequence[Any], tangents: Sequence[Any], has_aux: bool = False) -> Any:
    """`(f(*primals), tangents of the result)`: the derivative along `tangents`, forward.

    Tangents are a tree like the primals, of arrays of the same shapes and dtypes (None: zero, the
    only one for integers and bools). With `has_aux`, `f` returns a pair and aux comes third. Raises
    TypeError for what isn't an array, or a tangent of another dtype; ValueError for one of another
    shape or structure.
    """
    for name, given in (("primals", primals), ("tangents", tangents)):
        if not isinstance(given, tuple | list):
            raise TypeError(f"jvp: {name} must be a tuple or a list, got {type(given).__name__}")
    leaves, structure = flatten(tuple(primals))
    inputs = [alias(node_for(x, "a primal")) for x in leaves]
    moved = given_for(tuple(tangents), structure, inputs, "tangent")
    traced = trace(f, unflatten(structure, wrapped(inputs)), {}, has_aux)
    found = forward.jvp(traced.outputs, inputs, moved)
    pair = traced.output(traced.outputs), traced.output(filled(found, traced.outputs))
    return (*pair, traced.aux) if has_aux else pair


def value_and_grad(
    f: Function, argnums: int | Sequence[int] = 0, has_aux: bool = False
) -> Function:
    """A function that returns `(f(...), gradient)`, as `grad` does; `((value, aux), gradient)`."""

    @refusing
    @functools.wraps(f)
    def value_and_gradient(*args: Any, **kwargs: Any) -> Any:
        places = _places(argnums, len(args))
        selected = [args[i] for i in places]
        leaves, structure = flatten(selected)
        inputs = [alias(_differentiable(x, argnums)) for x in leaves]
        call = _replaced(args, places, unflatten(structure, wrapped(inputs)))
        traced = trace(f, call, kwargs, has_aux)
        y = _scalar(traced)
        found = reverse.vjp([y], inputs, [g.constant(1, y)])
        gradient = unflatten(structure, wrapped(filled(found, inputs)))
        value = traced.output([y])
        return (value, traced.aux) if has_aux else value, _one_or_all(gradient, argnums)

    return value_and_gradient


def grad(f: Function, argnums: int | Sequence[int] = 0, has_aux: bool = False) -> Function:
    """A function that returns the gradient of the scalar function `f`.

    The gradient has the structure, shapes and dtypes of the argument `argnums`, a pytree of arrays;
    for a sequence of argnums it is a tuple. With `has_aux`, `f` returns a pair, and so does the
    result: `(gradient, aux)`. Complex gradients follow PyTorch. When called, raises ValueError for
    argnums that are out of range or a result that isn't 0-d, TypeError for arguments that aren't
    floating-point or a result that isn't real floating-point.
    """
    both = value_and_grad(f, argnums, has_aux)

    @refusing
    @functools.wraps(f)
    def gradient(*args: Any, **kwargs: Any) -> Any:
        value, found = both(*args, **kwargs)
        return (found, value[1]) if has_aux else found

    return gradient


def jacobian(f: Function, argnums: int | Sequence[int] = 0) -> Function:
    """A function that returns the derivatives of each element of the result by each argument.

    For a result of shape S and an argument of shape A the Jacobian has shape `(*S, *A)`; pytrees of
    arguments stand inside pytrees of results. Reverse mode, one batch for each result. Raises as
    `grad`, but for the result, whose arrays may have any shape.
    """

    @refusing
    @functools.wraps(f)
    def jacobian_(*args: Any, **kwargs: Any) -> Any:
        places = _places(argnums, len(args))
        selected = [args[i] for i in places]
        for x in flatten(selected)[0]:
            _differentiable(x, argnums)
        result, pull = vjp(lambda *xs: f(*_replaced(args, places, xs), **kwargs), *selected)
        leaves, structure = flatten(result)
        blocks = []
        for k, y in enumerate(leaves):
            node = node_of(y)
            if not floating(node):
                raise TypeError(f"jacobian: a result must be floating-point, got {node.dtype}")
            one = functools.partial(_row, pull, structure, len(leaves), k)
            rows = map_leaves(_Split(node.shape), vmap(one)(Array(_basis(node))))
            blocks.append(_one_or_all(rows, argnums))
        return unflatten(structure, blocks)

    return jacobian_


def hessian(f: Function, argnums: int | Sequence[int] = 0) -> Function:
    """A function that returns the second derivatives of a scalar function: shape `(*A, *A)`."""
    return jacobian(grad(f, argnums), argnums)


def _row(pull: Function, structure: TreeDef, count: int, k: int, ct: Array) -> Any:
    """Cotangents of the arguments for one of the `k`-th result."""
    return pull(unflatten(structure, [ct if i == k else None for i in range(count)]))


class _Split:
    """Splits axis 0 into the axes of a shape."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self._shape = shape

    def __call__(self, rows: Array) -> Array:
        node = node_of(rows)
        return Array(g.reshape(node, (*self._shape, *node.shape[1:])))


def _basis(y: Node) -> Node:
    """Along axis 0, one array for each element of `y`, 1 there and 0 elsewhere."""
    n = y.size
    i = g.iota(n, np.dtype("int64"), y.device)
    eye = g.cast(g.equal(g.reshape(i, (n, 1)), g.reshape(i, (1, n))), y.dtype)
    return g.reshape(eye, (n, *y.shape))


def _places(argnums: Any, count: int) -> list[int]:
    """Checked positions of arguments."""
    try:
        given = [operator.index(i) for i in ([argnums] if _single(argnums) else argnums)]
    except TypeError:
        raise TypeError(f"argnums must be an int or a tuple of ints, got {argnums!r}") from None
    for i in given:
        if not -count <= i < count:
            raise ValueError(f"argnums={argnums!r} for a call with {count} positional arguments")
    places = [i % count for i in given]
    if len(set(places)) != len(places):
        raise ValueError(f"argnums must not repeat, got {argnums!r}")
    return places


def _single(argnums: Any) -> bool:
    return not isinstance(argnums, tuple | list)


def _one_or_all(found: Sequence[Any], argnums: Any) -> Any:
    return found[0] if _single(argnums) else tuple(found)


def _replaced(args: Sequence[Any], places: Sequence[int], new: Sequence[Any]) -> list[Any]:
    out = list(args)
    for i, x in zip(places, new, strict=True):
        out[i] = x
    return out


def _differentiable(x: Any, argnums: Any) -> Node:
    node = node_for(x, f"what argnums={argnums!r} selects")
    if not floating(node):
        raise TypeError(
            f"a derivative by argnums={argnums!r} needs floating-point arrays, got {node.dtype}"
        )
    return node


def _scalar(traced: Trace) -> Node:
    """The function's one result. Raises TypeError or ValueError for one that has no gradient."""
    if traced.structure.type is not None:
        raise TypeError(f"grad needs a scalar result, got {show(traced.structure)}")
    y = traced.outputs[0]
    if y.shape:
        raise ValueError(f"grad needs a scalar result, got an array of shape {y.shape}")
    if y.dtype.kind == "c" or not floating(y):
        raise TypeError(f"grad needs a real floating-point result, got {y.dtype}")
    return y


# --- batching -------------------------------------------------------------------------------------


def vmap(f: Function, in_axes: Any = 0, out_axes: Any = 0) -> Function:
    """A function that maps `f` over axes of its arguments, all examples at once.

    `in_axes` says which axis of each argument: an int, None for an argument that is the same for
    all examples, or a tuple (pytree) of these; `out_axes` where results carry it, None for a result
    that is the same for all. Keyword arguments are passed on as they are. What doesn't depend on
    the example is computed once. When called, raises ValueError where sizes or structures don't
    fit, AxisError for an axis out of range, TypeError for what isn't an array, and where `f` asks
    for the value of an example.
    """

    @refusing
    @functools.wraps(f)
    def mapped(*args: Any, **kwargs: Any) -> Any:
        leaves, structure = flatten(args)
        given = tuple(in_axes) if isinstance(in_axes, list) else in_axes
        axes = spread(given, structure, "vmap: in_axes", repeat=True)
        batches = [
            None if axis is None else _front(x, axis, place)
            for place, (x, axis) in enumerate(zip(leaves, axes, strict=True))
        ]
        size = _size(batches, axes)
        examples = [None if b is None else _example(b) for b in batches]
        call = [x if e is None else Array(e) for x, e in zip(leaves, examples, strict=True)]
        traced = trace(f, unflatten(structure, call), kwargs)
        inputs, values = ([n for n in nodes if n is not None] for nodes in (examples, batches))
        found = batching.replay(traced.outputs, inputs, values)
        places = spread(out_axes, traced.structure, "vmap: out_axes", repeat=True)
        results = zip(found, places, strict=True)
        return traced.output([_placed(y, varies, axis, size) for (y, varies), axis in results])

    return mapped


def _front(x: Any, axis: Any, place: int) -> Node:
    """The node of an argument with the mapped axis in front."""
    node = node_for(x, f"vmap: array {place} of the arguments")
    where = f"vmap: in_axes={axis!r} for array {place} of the arguments, of shape {node.shape}"
    return _moved(node, _axis(axis, node.ndim, where), 0)


def _axis(axis: Any, ndim: int, where: str) -> int:
    try:
        i: int = operator.index(axis)
    except TypeError:
        raise TypeError(f"{where}: an axis must be an int or None") from None
    if not -ndim <= i < ndim:
        raise AxisError(f"{where}: it has no such axis")
    return i % ndim


def _moved(node: Node, start: int, stop: int) -> Node:
    """One axis taken to another place."""
    if start == stop:
        return node
    axes = [a for a in range(node.ndim) if a != start]
    axes.insert(stop, start)
    return g.permute(node, tuple(axes))


def _size(batches: Sequence[Node | None], axes: Sequence[Any]) -> int:
    """The one number of examples."""
    sizes: dict[int, int] = {place: b.shape[0] for place, b in enumerate(batches) if b is not None}
    if not sizes:
        raise ValueError(f"vmap: in_axes maps none of the {len(batches)} arrays of the arguments")
    if len(set(sizes.values())) > 1:
        given = ", ".join(f"array {i} has {n} along axis {axes[i]}" for i, n in sizes.items())
        raise ValueError(f"vmap: the sizes of the mapped axes differ: {given}")
    return next(iter(sizes.values()))


def _example(batch: Node) -> Node:
    return placeholder(batch.shape[1:], batch.dtype, batch.device, next(_indices))


def _placed(y: Node, varies: bool, axis: Any, size: int) -> Node:
    """A result with the mapped axis where it was asked for."""
    if axis is None:
        if varies:
            raise ValueError("vmap: out_axes=None for a result that depends on the example")
        return y
    batch = y if varies else g.broadcast_to(y, (size, *y.shape))
    where = f"vmap: out_axes={axis!r} for a result of shape {batch.shape}, the mapped axis included"
    return _moved(batch, 0, _axis(axis, batch.ndim, where))


publish(globals())
