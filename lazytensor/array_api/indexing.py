"""Indexing functions: a chapter of the standard.

What enters: arrays and integer arrays of places. What leaves: arrays. It must not know how anything
is computed.
"""

from .._base.shapes import normalize_axis
from ..lang import indexing
from . import _rules as rules
from ._rules import node_of
from .array import Array

__all__ = ["take", "take_along_axis"]


def take(x: Array, indices: Array, /, *, axis: int | None = None) -> Array:
    """Elements, or sub-arrays, of x at places along an axis; negative ones count from the end.

    `axis` may be left out for a one-dimensional x. Raises ValueError without it for others,
    TypeError for places that aren't integers, AxisError; IndexError for a place out of range when
    the value is computed. Standard: indexing functions.
    """
    node, places = node_of(x, "take"), node_of(indices, "take", "indices")
    if axis is None and node.ndim != 1:
        raise ValueError(f"take: axis is needed for an array of shape {node.shape}")
    found = normalize_axis(0 if axis is None else axis, node.ndim)
    key = (*(slice(None),) * found, places)
    return Array(indexing.getitem(node, key, rules.places))


def take_along_axis(x: Array, indices: Array, /, *, axis: int = -1) -> Array:
    """Elements of x at places along an axis, one for each place; the other axes broadcast.

    Raises TypeError for places that aren't integers, ValueError for shapes, AxisError; IndexError
    for a place out of range when the value is computed. Standard: indexing functions.
    """
    node, places = node_of(x, "take_along_axis"), node_of(indices, "take_along_axis", "indices")
    return Array(indexing.take_along_axis(node, places, normalize_axis(axis, node.ndim)))
