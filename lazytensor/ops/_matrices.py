"""Matrices over the builder: masks, diagonals, scaling, and checks that linear algebra rows share.

Every function works on the last two axes; leading axes are a batch. What enters: nodes. What
leaves: nodes. It must not know other rows but through the builder.
"""

from typing import Any

from numpy.linalg import LinAlgError

from .._base.dtypes import complex64, complex128, float32, float64, int64
from ..ir.node import Node
from ._families import is_complex
from .contract import adjoint, swapped

__all__ = [
    "adjoint", "check_matrix", "check_square", "col", "diagonal", "diagonal_matrix", "eye_mask",
    "halved", "hermitian", "imaginary", "lower_mask", "none_to_zero", "off_diagonal", "row",
    "strictly_lower", "swapped", "upper_half", "wide",
]  # fmt: skip
_DTYPES = (float32, float64, complex64, complex128)


def check_matrix(name: str, x: Node) -> tuple[int, int]:
    """Rows and columns. Raises TypeError for half precision and integers, or LinAlgError."""
    if x.dtype not in _DTYPES:
        raise TypeError(f"{name}: expected {', '.join(map(str, _DTYPES))}, got {x.dtype}")
    if len(x.shape) < 2:
        raise LinAlgError(f"{name}: expected a matrix or a batch of them, got shape {x.shape}")
    return x.shape[-2:]  # type: ignore[no-any-return]


def check_square(name: str, x: Node) -> int:
    """The size of square matrices. Raises as `check_matrix`."""
    rows, columns = check_matrix(name, x)
    if rows != columns:
        raise LinAlgError(f"{name}: the matrices must be square, got shape {x.shape}")
    return rows


def _grid(g: Any, n: int, m: int, x: Node) -> tuple[Node, Node]:
    """The row numbers, as a column, and the column numbers, as a row."""
    rows = g.reshape(g.iota(n, int64, x.device), (n, 1))
    return rows, g.reshape(g.iota(m, int64, x.device), (1, m))


def eye_mask(g: Any, x: Node) -> Node:
    """(n, n) of bool: the diagonal of square matrices like x."""
    rows, columns = _grid(g, x.shape[-1], x.shape[-1], x)
    return g.equal(rows, columns)  # type: ignore[no-any-return]


def lower_mask(g: Any, x: Node) -> Node:
    """(n, m) of bool: on and under the diagonal of matrices like x."""
    rows, columns = _grid(g, x.shape[-2], x.shape[-1], x)
    return g.less_equal(columns, rows)  # type: ignore[no-any-return]


def strictly_lower(g: Any, x: Node) -> Node:
    """x under its diagonal, else 0."""
    rows, columns = _grid(g, x.shape[-2], x.shape[-1], x)
    return g.where(g.less(columns, rows), x, g.constant(0, x))  # type: ignore[no-any-return]


def upper_half(g: Any, x: Node) -> Node:
    """x on and above its diagonal, else 0."""
    rows, columns = _grid(g, x.shape[-2], x.shape[-1], x)
    return g.where(g.less(columns, rows), g.constant(0, x), x)  # type: ignore[no-any-return]


def col(g: Any, v: Node) -> Node:
    """(…, n) as (…, n, 1): scales rows."""
    return g.reshape(v, (*v.shape, 1))  # type: ignore[no-any-return]


def row(g: Any, v: Node) -> Node:
    """(…, n) as (…, 1, n): scales columns."""
    return g.reshape(v, (*v.shape[:-1], 1, v.shape[-1]))  # type: ignore[no-any-return]


def wide(g: Any, v: Node, like: Node) -> Node:
    """Real numbers in the dtype of `like`, complex or not."""
    return v if v.dtype is like.dtype else g.cast(v, like.dtype)


def diagonal(g: Any, x: Node) -> Node:
    """(…, n, n) -> (…, n)."""
    inside = g.where(eye_mask(g, x), x, g.constant(0, x))
    return g.sum(inside, (len(x.shape) - 1,))  # type: ignore[no-any-return]


def diagonal_matrix(g: Any, v: Node) -> Node:
    """(…, n) -> (…, n, n)."""
    return g.where(eye_mask(g, v), col(g, v), g.constant(0, v))  # type: ignore[no-any-return]


def off_diagonal(g: Any, x: Node, on: int = 0) -> Node:
    """x with its diagonal replaced by a number."""
    return g.where(eye_mask(g, x), g.constant(on, x), x)  # type: ignore[no-any-return]


def halved(g: Any, x: Node) -> Node:
    """The lower triangle, its diagonal halved: x = y + adjoint(y) for Hermitian x."""
    lower = g.where(lower_mask(g, x), x, g.constant(0, x))
    return g.where(eye_mask(g, x), lower * 0.5, lower)  # type: ignore[no-any-return]


def hermitian(g: Any, x: Node) -> Node:
    """x + its conjugate transpose."""
    return x + adjoint(g, x)


def none_to_zero(g: Any, v: Node | None, shape: Any, like: Node) -> Node:
    """A cotangent or tangent, zeros where there is none."""
    return g.broadcast_to(g.constant(0, like), shape) if v is None else v


def imaginary(g: Any, v: Node, like: Node) -> Node:
    """i v for real v where `like` is complex."""
    return g.complex(g.constant(0, v), v) if is_complex(like) else v
