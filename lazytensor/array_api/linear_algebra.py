"""Linear algebra functions of the main namespace: a chapter of the standard.

What enters: arrays. What leaves: arrays. It must not know how anything is computed.
"""

from typing import Any

from .._base.errors import publish
from ..lang import linalg
from . import _views as views
from ._rules import node_of, promoted
from .array import Array

__all__ = ["matmul", "matrix_transpose", "tensordot", "vecdot"]


def matmul(x1: Array, x2: Array, /) -> Array:
    """Matrix products (…, m, k) times (…, k, n) with leading axes broadcast, in the promoted dtype.

    A vector is a row on the left, a column on the right, and its axis is dropped. Raises TypeError
    for booleans, ValueError for shapes and arrays without axes. Standard: linear algebra functions.
    """
    a, b = promoted("matmul", x1, x2)
    return Array(linalg.matmul(a, b))


def matrix_transpose(x: Array, /) -> Array:
    """The last two axes exchanged. Raises ValueError for fewer than two.

    Standard: linear algebra functions.
    """
    source = node_of(x, "matrix_transpose")
    return views.link(x, source, Array(linalg.matrix_transpose(source)))


def tensordot(x1: Array, x2: Array, /, *, axes: Any = 2) -> Array:
    """Sums of products over the last `axes` axes of x1 and the first of x2, or over pairs of axes.

    The shape is that of the other axes of x1, then of x2; the dtype is promoted. Raises TypeError
    for booleans, ValueError for sizes that differ, AxisError. Standard: linear algebra functions.
    """
    a, b = promoted("tensordot", x1, x2)
    return Array(linalg.tensordot(a, b, axes))


def vecdot(x1: Array, x2: Array, /, *, axis: int = -1) -> Array:
    """Sums of conj(x1) x2 along an axis, the other axes broadcast, in the promoted dtype.

    Raises TypeError for booleans, ValueError for sizes that differ along the axis, AxisError.
    Standard: linear algebra functions.
    """
    a, b = promoted("vecdot", x1, x2)
    return Array(linalg.vecdot(a, b, axis))


publish(globals())
