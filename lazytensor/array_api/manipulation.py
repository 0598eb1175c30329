"""Manipulation functions: a chapter of the standard.

What enters: arrays, shapes and axes. What leaves: arrays. It must not know how anything is
computed.
"""

from collections.abc import Sequence
from typing import Any

from .._base.errors import publish
from .._base.shapes import as_shape, broadcast
from ..ir.node import Node
from ..lang import movement
from ..runtime.materialize import value
from . import _views as views
from ._rules import brief, node_of, promoted_nodes
from .array import Array

__all__ = [
    "broadcast_arrays",
    "broadcast_shapes",
    "broadcast_to",
    "concat",
    "expand_dims",
    "flip",
    "moveaxis",
    "permute_dims",
    "repeat",
    "reshape",
    "roll",
    "squeeze",
    "stack",
    "tile",
    "unstack",
]

Axes = int | tuple[int, ...]


def broadcast_arrays(*arrays: Array) -> tuple[Array, ...]:
    """The arrays repeated to the shape that all broadcast to. Raises ValueError naming the shapes.

    Standard: manipulation functions.
    """
    nodes = [node_of(x, "broadcast_arrays", f"argument {i}") for i, x in enumerate(arrays, 1)]
    shape = broadcast_shapes(*(x.shape for x in nodes))
    return tuple(Array(movement.broadcast_to(x, shape)) for x in nodes)


def broadcast_shapes(*shapes: tuple[int, ...]) -> tuple[int, ...]:
    """The shape that all shapes broadcast to; () of none. Raises TypeError, ValueError naming them.

    Standard: manipulation functions.
    """
    return broadcast(*map(as_shape, shapes))


def broadcast_to(x: Array, /, shape: tuple[int, ...]) -> Array:
    """The array repeated to a shape. Raises ValueError where it doesn't broadcast to it.

    Standard: manipulation functions.
    """
    return Array(movement.broadcast_to(node_of(x, "broadcast_to"), shape))


def _joined(name: str, arrays: Any) -> list[Node]:
    """The nodes of a sequence of arrays, in their common dtype. Raises TypeError, ValueError."""
    if isinstance(arrays, Array):
        arrays = list(arrays)
    elif not isinstance(arrays, list | tuple):
        what = f"{type(arrays).__name__}: {brief(arrays)}"
        raise TypeError(f"{name}: expected a list or tuple of arrays, got {what}")
    if not arrays:
        raise ValueError(
            f"{name}: expected at least one array, got an empty {type(arrays).__name__}"
        )
    nodes = [node_of(x, name, f"array {i}") for i, x in enumerate(arrays, 1)]
    return promoted_nodes(name, *nodes)


def concat(arrays: Sequence[Array], /, *, axis: int | None = 0) -> Array:
    """Arrays one after another along an axis, flattened first for None, in their common dtype.

    Raises TypeError, ValueError for no arrays and for shapes, AxisError. Standard: manipulation
    functions.
    """
    return Array(movement.concat(_joined("concat", arrays), axis))


def stack(arrays: Sequence[Array], /, *, axis: int = 0) -> Array:
    """Arrays of one shape along a new axis, in their common dtype.

    Raises TypeError, ValueError for no arrays and for shapes, AxisError. Standard: manipulation
    functions.
    """
    return Array(movement.stack(_joined("stack", arrays), axis))


def unstack(x: Array, /, *, axis: int = 0) -> tuple[Array, ...]:
    """The sub-arrays along an axis. Raises AxisError, ValueError for an array without axes.

    Standard: manipulation functions.
    """
    source = node_of(x, "unstack")
    parts = map(Array, movement.unstack(source, axis))
    return tuple(views.link(x, source, part) if part.shape else part for part in parts)


def expand_dims(x: Array, /, axis: Axes) -> Array:
    """The array with new axes of size 1, at the given places of the result.

    Raises AxisError, ValueError for repeated places. Standard: manipulation functions.
    """
    source = node_of(x, "expand_dims")
    return views.link(x, source, Array(movement.expand_dims(source, axis)))


def squeeze(x: Array, /, axis: Axes) -> Array:
    """The array without some axes of size 1. Raises AxisError, ValueError for another size.

    Standard: manipulation functions.
    """
    source = node_of(x, "squeeze")
    return views.link(x, source, Array(movement.squeeze(source, axis)))


def flip(x: Array, /, *, axis: Axes | None = None) -> Array:
    """The elements in reverse order along axes, all by default. Raises AxisError.

    Standard: manipulation functions.
    """
    source = node_of(x, "flip")
    return views.link(x, source, Array(movement.flip(source, axis)))


def moveaxis(x: Array, source: Axes, destination: Axes, /) -> Array:
    """Some axes moved to other places, the rest in their order. Raises AxisError, ValueError.

    Standard: manipulation functions.
    """
    node = node_of(x, "moveaxis")
    return views.link(x, node, Array(movement.moveaxis(node, source, destination)))


def permute_dims(x: Array, /, axes: tuple[int, ...]) -> Array:
    """The axes in another order. Raises AxisError, ValueError for what is no permutation.

    Standard: manipulation functions.
    """
    source = node_of(x, "permute_dims")
    return views.link(x, source, Array(movement.permute(source, axes)))


def reshape(x: Array, /, shape: tuple[int, ...], *, copy: bool | None = None) -> Array:
    """The elements in row-major order in another shape, of which one size may be -1.

    A write to one of the two arrays shows in the other, unless `copy=True`. Raises TypeError,
    ValueError naming both shapes. Standard: manipulation functions.
    """
    source = node_of(x, "reshape")
    out = Array(movement.reshape(source, shape))
    return out if copy else views.link(x, source, out)


def roll(x: Array, /, shift: Axes, *, axis: Axes | None = None) -> Array:
    """Elements moved along axes, those that leave coming in again; flattened meanwhile for None.

    Raises AxisError, ValueError for as many shifts as there are not axes. Standard: manipulation
    functions.
    """
    return Array(movement.roll(node_of(x, "roll"), shift, axis))


def repeat(x: Array, repeats: int | Array, /, *, axis: int | None = None) -> Array:
    """Every element several times along an axis, or of the flattened array.

    Asks for the value of an array of counts. Raises TypeError, ValueError for counts, AxisError.
    Standard: manipulation functions.
    """
    counts = repeats if isinstance(repeats, int) else value(node_of(repeats, "repeat", "repeats"))
    return Array(movement.repeat(node_of(x, "repeat"), counts, axis))


def tile(x: Array, repetitions: tuple[int, ...], /) -> Array:
    """The array repeated as a whole along each axis, new axes in front if need be.

    Raises TypeError, ValueError for negative numbers. Standard: manipulation functions.
    """
    return Array(movement.tile(node_of(x, "tile"), repetitions))


publish(globals())
