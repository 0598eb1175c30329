"""Searching functions: a chapter of the standard.

What enters: arrays. What leaves: arrays; `nonzero`, whose shape is data, computes its argument.
It must not know how anything else is computed.
"""

from typing import Any

import numpy as np

from .._base.errors import publish
from ..lang import reductions, sorting
from ..lang.indexing import coordinates
from ..ops import g
from ..runtime.materialize import value
from ..runtime.pending import new_leaf
from ._rules import node_of, promoted
from .array import Array

__all__ = ["argmax", "argmin", "count_nonzero", "nonzero", "searchsorted", "where"]


def argmax(x: Array, /, *, axis: int | None = None, keepdims: bool = False) -> Array:
    """The int64 index of the first maximum along an axis, by default of the flattened array.

    NaN counts as greatest. Raises TypeError for complex dtypes, ValueError where there is nothing
    to search, AxisError. Standard: searching functions.
    """
    return Array(reductions.argmax(node_of(x, "argmax"), axis, keepdims=keepdims))


def argmin(x: Array, /, *, axis: int | None = None, keepdims: bool = False) -> Array:
    """The int64 index of the first minimum along an axis, by default of the flattened array.

    NaN counts as smallest. Raises TypeError for complex dtypes, ValueError where there is nothing
    to search, AxisError. Standard: searching functions.
    """
    return Array(reductions.argmin(node_of(x, "argmin"), axis, keepdims=keepdims))


def count_nonzero(
    x: Array, /, *, axis: int | tuple[int, ...] | None = None, keepdims: bool = False
) -> Array:
    """The int64 number of elements that are not zero over axes, all by default.

    Raises AxisError, ValueError for repeated axes. Standard: searching functions.
    """
    return Array(reductions.count_nonzero(node_of(x, "count_nonzero"), axis, keepdims=keepdims))


def nonzero(x: Array, /) -> tuple[Array, ...]:
    """The int64 indices, one array an axis, of the elements that are not zero, in row-major order.

    Computes x. Raises ValueError for an array without axes. Standard: searching functions.
    """
    node = node_of(x, "nonzero")
    if not node.shape:
        raise ValueError("nonzero: expected at least one axis, got shape ()")
    places = coordinates(value(node))
    return tuple(Array(new_leaf(np.ascontiguousarray(i, np.int64), node.device)) for i in places)


def searchsorted(
    x1: Array, x2: Array | float, /, *, side: str = "left", sorter: Array | None = None
) -> Array:
    """Where each of x2 goes into the sorted vector x1, int64: before equals, or behind ("right").

    `sorter` holds the indices that sort x1. NaN counts as greatest. Raises TypeError for complex
    dtypes, ValueError for side and shapes. Standard: searching functions.
    """
    x, v = promoted("searchsorted", x1, x2)
    order = None if sorter is None else node_of(sorter, "searchsorted", "sorter")
    return Array(sorting.searchsorted(x, v, side=side, sorter=order))


def where(condition: Array, x1: Any, x2: Any, /) -> Array:
    """x1 where the boolean condition holds, else x2; the three are broadcast, x1 and x2 promoted.

    Raises TypeError for a condition that is not bool, ValueError for shapes. Standard: searching
    functions.
    """
    a, b = promoted("where", x1, x2)
    return Array(g.where(node_of(condition, "where", "condition"), a, b))


publish(globals())
