"""Utility functions: a chapter of the standard.

What enters: arrays. What leaves: arrays. It must not know how anything is computed.
"""

from .._base.errors import publish
from ..lang import reductions
from ._rules import node_of, promoted
from .array import Array

__all__ = ["all", "any", "diff"]

Axis = int | tuple[int, ...] | None


def all(x: Array, /, *, axis: Axis = None, keepdims: bool = False) -> Array:
    """Whether all elements are true over axes, all by default; NaN is; True of nothing.

    Raises AxisError, ValueError for repeated axes. Standard: utility functions.
    """
    return Array(reductions.all(node_of(x, "all"), axis, keepdims=keepdims))


def any(x: Array, /, *, axis: Axis = None, keepdims: bool = False) -> Array:
    """Whether any element is true over axes, all by default; NaN is; False of nothing.

    Raises AxisError, ValueError for repeated axes. Standard: utility functions.
    """
    return Array(reductions.any(node_of(x, "any"), axis, keepdims=keepdims))


def diff(
    x: Array,
    /,
    *,
    axis: int = -1,
    n: int = 1,
    prepend: Array | None = None,
    append: Array | None = None,
) -> Array:
    """n-th differences of neighbours along an axis, of `prepend`, x and `append` joined.

    They are promoted. Raises TypeError, ValueError for shapes and n, AxisError.
    Standard: utility functions.
    """
    node, *joined = promoted("diff", x, *(p for p in (prepend, append) if p is not None))
    before = joined.pop(0) if prepend is not None else None
    after = joined.pop() if append is not None else None
    return Array(reductions.diff(node, axis, n=n, prepend=before, append=after))


publish(globals())
