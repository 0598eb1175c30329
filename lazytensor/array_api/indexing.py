"""Indexing functions: a chapter of the standard.

What enters: arrays. What leaves: arrays. It must not know how anything is computed.
"""

from .._base.errors import publish
from ..lang import movement
from ._rules import node_of
from .array import Array

__all__ = ["take", "take_along_axis"]


def take(x: Array, indices: Array, /, *, axis: int | None = None) -> Array:
    """Elements at integer indices, negative ones from the end, along an axis (None for the only
    one).

    Raises TypeError for indices that are no integers, ValueError without an axis for several,
    AxisError; IndexError for an index out of range, with the value. Standard: indexing functions.
    """
    node = node_of(x, "take")
    if axis is None:
        if node.ndim != 1:
            raise ValueError(f"take: an axis is required for shape {node.shape}")
        axis = 0
    return Array(movement.take(node, node_of(indices, "take", "indices"), axis))


def take_along_axis(x: Array, indices: Array, /, *, axis: int = -1) -> Array:
    """Elements at integer indices along an axis, given for every place of the other axes.

    These are broadcast. Raises TypeError, ValueError, AxisError; IndexError with the value.
    Standard:
    indexing functions.
    """
    places = node_of(indices, "take_along_axis", "indices")
    return Array(movement.take_along_axis(node_of(x, "take_along_axis"), places, axis))


publish(globals())
