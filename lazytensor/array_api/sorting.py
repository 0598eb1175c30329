"""Sorting functions: a chapter of the standard.

What enters: arrays. What leaves: arrays. It must not know how anything is computed.
"""

from .._base.errors import publish
from ..lang import sorting
from ._rules import node_of
from .array import Array

__all__ = ["argsort", "sort"]


def argsort(x: Array, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Array:
    """The int64 indices that sort x along an axis, equals in their order whatever `stable` is.

    NaN counts as greater than all else. Raises TypeError for complex dtypes, AxisError.
    Standard: sorting functions.
    """
    return Array(sorting.argsort(node_of(x, "argsort"), axis, descending=descending))


def sort(x: Array, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Array:
    """x sorted along an axis, equal elements in their order whatever `stable` is.

    NaN counts as greater than all else. Raises TypeError for complex dtypes, AxisError.
    Standard: sorting functions.
    """
    return Array(sorting.sort(node_of(x, "sort"), axis, descending=descending))


publish(globals())
