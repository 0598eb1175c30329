"""Manipulation functions: a chapter of the standard.

What enters: arrays. What leaves: arrays. It must not know how anything is computed.
"""

from typing import Any

import numpy as np

from ..lang import manipulation
from ..runtime.materialize import value
from . import _rules as rules
from ._rules import node_of
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
    """Arrays broadcast against each other, dtypes kept. Raises ValueError for shapes that don't
    fit.

    Standard: manipulation functions.
    """
    nodes = [node_of(x, "broadcast_arrays") for x in arrays]
    shape = manipulation.broadcast_shape(*(x.shape for x in nodes))
    return tuple(Array(manipulation.broadcast_to(x, shape)) for x in nodes)


def broadcast_shapes(*shapes: tuple[int, ...]) -> tuple[int, ...]:
    """The shape that all shapes broadcast to. Raises ValueError naming them.

    Standard: manipulation functions.
    """
    return manipulation.broadcast_shape(*shapes)


def broadcast_to(x: Array, /, shape: tuple[int, ...]) -> Array:
    """x repeated to a shape, without taking memory for it. Raises ValueError.

    Standard: manipulation functions.
    """
    return Array(manipulation.broadcast_to(node_of(x, "broadcast_to"), shape))


def concat(arrays: tuple[Array, ...] | list[Array], /, *, axis: int | None = 0) -> Array:
    """Arrays joined along an axis, in their common dtype; with axis=None each is flattened first.

    Raises ValueError for shapes that differ elsewhere, TypeError for dtypes without a common one,
    AxisError. Standard: manipulation functions.
    """
    return Array(manipulation.concat("concat", rules.promoted("concat", *arrays), axis))


def expand_dims(x: Array, /, axis: Axes) -> Array:
    """x with axes of size 1 at the given places of the result. Raises AxisError (an IndexError).

    Standard: manipulation functions.
    """
    return Array(manipulation.expand_dims(node_of(x, "expand_dims"), axis))


def flip(x: Array, /, *, axis: Axes | None = None) -> Array:
    """Elements in reverse order along axes, all by default. Raises AxisError.

    Standard: manipulation functions.
    """
    return Array(manipulation.flip(node_of(x, "flip"), axis))


def moveaxis(x: Array, source: Axes, destination: Axes, /) -> Array:
    """Axes moved to other places, the rest in order. Raises AxisError, ValueError.

    Standard: manipulation functions.
    """
    return Array(manipulation.moveaxis(node_of(x, "moveaxis"), source, destination))


def permute_dims(x: Array, /, axes: tuple[int, ...]) -> Array:
    """Axes in another order. Raises AxisError, ValueError for what is no permutation.

    Standard: manipulation functions.
    """
    return Array(manipulation.permute_dims(node_of(x, "permute_dims"), axes))


def repeat(x: Array, repeats: int | Array, /, *, axis: int | None = None) -> Array:
    """Each element repeated along an axis; by default of the flattened array.

    `repeats` is an int, or integers, one for each element of the axis: their values are then asked
    for. Raises ValueError, TypeError, AxisError. Standard: manipulation functions.
    """
    counts: Any = repeats
    if not isinstance(repeats, int):
        counts = np.asarray(value(node_of(repeats, "repeat", "repeats")))
        if counts.dtype.kind not in "iu":
            raise TypeError(f"repeat: repeats must be integers, got dtype {counts.dtype}")
    return Array(manipulation.repeat(node_of(x, "repeat"), counts, axis))


def reshape(x: Array, /, shape: tuple[int, ...], *, copy: bool | None = None) -> Array:
    """The same elements, in order, in another shape; one size may be -1.

    Arrays are values, so `copy` changes nothing that can be seen. Raises ValueError naming both
    shapes, TypeError. Standard: manipulation functions.
    """
    return Array(rules.reshaped(node_of(x, "reshape"), shape))


def roll(
    x: Array, /, shift: int | tuple[int, ...], *, axis: int | tuple[int, ...] | None = None
) -> Array:
    """Elements shifted along axes; those that leave come in again at the other end.

    With axis=None the flattened array is shifted. Raises AxisError, ValueError. Standard:
    manipulation functions.
    """
    return Array(manipulation.roll(node_of(x, "roll"), shift, axis))


def squeeze(x: Array, /, axis: Axes) -> Array:
    """Axes of size 1 taken away. Raises ValueError for an axis of another size, AxisError.

    Standard: manipulation functions.
    """
    return Array(manipulation.squeeze(node_of(x, "squeeze"), axis))


def stack(arrays: tuple[Array, ...] | list[Array], /, *, axis: int = 0) -> Array:
    """Arrays of one shape joined along a new axis, in their common dtype.

    Raises ValueError, TypeError, AxisError. Standard: manipulation functions.
    """
    return Array(manipulation.stack("stack", rules.promoted("stack", *arrays), axis))


def tile(x: Array, repetitions: tuple[int, ...], /) -> Array:
    """x repeated as a whole along each axis. Raises ValueError, TypeError.

    Standard: manipulation functions.
    """
    return Array(manipulation.tile(node_of(x, "tile"), repetitions))


def unstack(x: Array, /, *, axis: int = 0) -> tuple[Array, ...]:
    """The sub-arrays along an axis. Raises ValueError for an array without axes, AxisError.

    Standard: manipulation functions.
    """
    return tuple(Array(n) for n in manipulation.unstack(node_of(x, "unstack"), axis))
