"""The `linalg` extension of the standard.

What enters: arrays. What leaves: arrays, or named tuples of them. It must not know how anything is
computed. Arrays are matrices in their last two axes, stacked along the others. Factorisations take
the floating-point dtypes of the standard, and integers as float64.
"""

from typing import Any, NamedTuple

from .._base.errors import publish
from ..lang import linalg
from ..runtime.materialize import value
from . import exchange
from ._rules import node_of, promoted
from .array import Array
from .linear_algebra import matmul, matrix_transpose, tensordot, vecdot

__all__ = [
    "cholesky",
    "cross",
    "det",
    "diagonal",
    "eig",
    "eigh",
    "eigvals",
    "eigvalsh",
    "inv",
    "matmul",
    "matrix_norm",
    "matrix_power",
    "matrix_rank",
    "matrix_transpose",
    "outer",
    "pinv",
    "qr",
    "slogdet",
    "solve",
    "svd",
    "svdvals",
    "tensordot",
    "trace",
    "vecdot",
    "vector_norm",
]


class Eigen(NamedTuple):
    """What `eig` and `eigh` give."""

    eigenvalues: Array
    eigenvectors: Array


class QR(NamedTuple):
    """What `qr` gives."""

    Q: Array
    R: Array


class SlogDet(NamedTuple):
    """What `slogdet` gives."""

    sign: Array
    logabsdet: Array


class SVD(NamedTuple):
    """What `svd` gives."""

    U: Array
    S: Array
    Vh: Array


def cholesky(x: Array, /, *, upper: bool = False) -> Array:
    """Lower triangular L with x = L Lᴴ for Hermitian positive definite x, or upper U with x = Uᴴ U.

    The shape and dtype of x. Raises TypeError, ValueError unless square; when computed, LinAlgError
    unless positive definite. Standard: linalg extension.
    """
    return Array(linalg.cholesky(node_of(x, "cholesky"), upper=upper))


def cross(x1: Array, x2: Array, /, *, axis: int = -1) -> Array:
    """Cross products of vectors of 3 along an axis, the others broadcast, in the promoted dtype.

    Raises TypeError for booleans, ValueError for other sizes, AxisError. Standard: linalg
    extension.
    """
    a, b = promoted("cross", x1, x2)
    return Array(linalg.cross(a, b, axis))


def det(x: Array, /) -> Array:
    """Determinants, of shape (…). Raises TypeError, ValueError unless square.

    Standard: linalg extension.
    """
    return Array(linalg.det(node_of(x, "det")))


def diagonal(x: Array, /, *, offset: int = 0) -> Array:
    """The diagonals `offset` places above the main one, along the last axis; empty beyond.

    Raises ValueError for fewer than two axes. Standard: linalg extension.
    """
    return Array(linalg.diagonal(node_of(x, "diagonal"), offset))


def eig(x: Array, /) -> Eigen:
    """Eigenvalues (…, n) and, in columns, eigenvectors (…, n, n), complex whatever x is.

    Raises TypeError, ValueError unless square; LinAlgError for NaN and infinities, when computed.
    Standard: linalg extension.
    """
    return Eigen(*map(Array, linalg.eig(node_of(x, "eig"))))


def eigh(x: Array, /) -> Eigen:
    """Eigenvalues (…, n), real and ascending, and eigenvectors (…, n, n) of Hermitian matrices.

    Reads the lower triangles. Raises TypeError, ValueError unless square. Standard: linalg
    extension.
    """
    return Eigen(*map(Array, linalg.eigh(node_of(x, "eigh"))))


def eigvals(x: Array, /) -> Array:
    """Eigenvalues (…, n), complex whatever x is. Raises as `eig`.

    Standard: linalg extension.
    """
    return Array(linalg.eigvals(node_of(x, "eigvals")))


def eigvalsh(x: Array, /) -> Array:
    """Eigenvalues (…, n), real and ascending, of Hermitian matrices. Raises as `eigh`.

    Standard: linalg extension.
    """
    return Array(linalg.eigvalsh(node_of(x, "eigvalsh")))


def inv(x: Array, /) -> Array:
    """Inverses, of the shape and dtype of x.

    Raises TypeError, ValueError unless square; LinAlgError for a singular matrix, when computed.
    Standard: linalg extension.
    """
    return Array(linalg.inv(node_of(x, "inv")))


def matrix_norm(x: Array, /, *, keepdims: bool = False, ord: Any = "fro") -> Array:
    """Norms, real, of shape (…): "fro", "nuc", ±1, ±2, ±inf. Of no elements 0, least ones inf.

    Raises TypeError for booleans, ValueError for other orders and fewer than two axes.
    Standard: linalg extension.
    """
    return Array(linalg.matrix_norm(node_of(x, "matrix_norm"), keepdims=keepdims, ord=ord))


def matrix_power(x: Array, n: int, /) -> Array:
    """Each square matrix to the n-th power: its inverse for n < 0, the identity for 0.

    Raises TypeError, ValueError unless square; LinAlgError as `inv`. Standard: linalg extension.
    """
    return Array(linalg.matrix_power(node_of(x, "matrix_power"), n))


def _tolerance(name: str, rtol: Any) -> Any:
    """A number as it is, an array as a node."""
    return rtol if rtol is None or isinstance(rtol, int | float) else node_of(rtol, name, "rtol")


def matrix_rank(x: Array, /, *, rtol: Any = None) -> Array:
    """The number of singular values above `rtol` times the largest, int64, of shape (…).

    `rtol` is a number, an array that broadcasts with (…), or None for max(m, n) eps. Raises
    TypeError, ValueError for fewer than two axes. Standard: linalg extension.
    """
    return Array(
        linalg.matrix_rank(node_of(x, "matrix_rank"), rtol=_tolerance("matrix_rank", rtol))
    )


def outer(x1: Array, x2: Array, /) -> Array:
    """The (m, n) products of the elements of two vectors, in the promoted dtype.

    Raises TypeError for booleans, ValueError unless both have one axis. Standard: linalg extension.
    """
    a, b = promoted("outer", x1, x2)
    return Array(linalg.outer(a, b))


def pinv(x: Array, /, *, rtol: Any = None) -> Array:
    """Moore–Penrose pseudo-inverses (…, n, m), by the singular values that `matrix_rank` counts.

    Raises as `matrix_rank`. Standard: linalg extension.
    """
    return Array(linalg.pinv(node_of(x, "pinv"), rtol=_tolerance("pinv", rtol)))


def qr(x: Array, /, *, mode: str = "reduced") -> QR:
    """Q (…, m, k) with orthonormal columns and R (…, k, n) upper triangular; k is m if "complete".

    Raises TypeError, ValueError for modes and fewer than two axes. Standard: linalg extension.
    """
    return QR(*map(Array, linalg.qr(node_of(x, "qr"), mode=mode)))


def slogdet(x: Array, /) -> SlogDet:
    """Signs and logarithms of the absolute values of determinants, of shape (…); 0 and -inf for 0.

    Raises TypeError, ValueError unless square. Standard: linalg extension.
    """
    return SlogDet(*map(Array, linalg.slogdet(node_of(x, "slogdet"))))


def solve(x1: Array, x2: Array, /) -> Array:
    """x with x1 x = x2, leading axes broadcast; x2 of one axis is one column for every matrix.

    Raises TypeError, ValueError for shapes; LinAlgError for a singular matrix, when computed: for
    SciPy's own calls at once, since it catches it there. Standard: linalg extension.
    """
    a, b = promoted("solve", x1, x2)
    out = linalg.solve(a, b)
    if exchange.asked_by("scipy."):
        value(out)
    return Array(out)


def svd(x: Array, /, *, full_matrices: bool = True) -> SVD:
    """U (…, m, m), S (…, k) real and descending, Vh (…, n, n) with x = U S Vh; or k of each.

    Raises TypeError, ValueError for fewer than two axes. Standard: linalg extension.
    """
    return SVD(*map(Array, linalg.svd(node_of(x, "svd"), full_matrices=full_matrices)))


def svdvals(x: Array, /) -> Array:
    """Singular values (…, k), real and descending. Raises as `svd`.

    Standard: linalg extension.
    """
    return Array(linalg.svdvals(node_of(x, "svdvals")))


def trace(x: Array, /, *, offset: int = 0, dtype: Any = None) -> Array:
    """Sums of the diagonals `offset` places above the main one, of shape (…), in `dtype` as `sum`.

    Raises TypeError for dtypes, ValueError for fewer than two axes. Standard: linalg extension.
    """
    return Array(linalg.trace(node_of(x, "trace"), offset, dtype=dtype))


def vector_norm(
    x: Array,
    /,
    *,
    axis: int | tuple[int, ...] | None = None,
    keepdims: bool = False,
    ord: float = 2,
) -> Array:
    """(Σ |x|**ord)**(1/ord) over axes, all by default, real; 0 counts, ±inf takes an extreme.

    Raises TypeError for booleans, AxisError, ValueError for repeated axes. Standard: linalg
    extension.
    """
    return Array(
        linalg.vector_norm(node_of(x, "vector_norm"), axis=axis, keepdims=keepdims, ord=ord)
    )


publish(globals())
