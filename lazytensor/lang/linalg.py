"""Linear algebra: products with broadcasting and vectors, diagonals, norms, checked factorisations.

What enters: nodes (two of them of one dtype) and Python arguments. What leaves: nodes, or tuples of
them. Shapes and dtypes are checked here, at once; what only data can show (a singular matrix) the
rows raise. It must not know faces. Integers are taken as float64 where the mathematics needs
floating point.
"""

from collections.abc import Sequence
from math import inf, prod
from typing import Any

import numpy as np

from .._base.dtypes import int64, kind, real_of
from .._base.shapes import broadcast, integer, normalize_axes, normalize_axis
from ..ir.node import Node
from ..ops import g
from ..ops.contract import adjoint, swapped
from ._checks import as_dtype, floating, full, kept, numeric, part, require, squares, truth, widened
from .reductions import Axis
from .reductions import sum as total

Ints = tuple[int, ...]


def _matrix(name: str, x: Node) -> Node:
    if x.ndim < 2:
        raise ValueError(f"{name}: expected at least two axes, got shape {x.shape}")
    return x


def _factored(name: str, x: Node) -> Node:
    """Matrices in a dtype that LAPACK has. Raises TypeError for half precision and bool."""
    out = floating(name, _matrix(name, x))
    if out.dtype.itemsize < 4:
        raise TypeError(f"{name}: expected float32, float64 or a complex dtype, got {x.dtype}")
    return out


def _square(name: str, x: Node) -> Node:
    if _matrix(name, x).shape[-1] != x.shape[-2]:
        raise ValueError(f"{name}: expected square matrices, got shape {x.shape}")
    return _factored(name, x)


def _stacked(x: Node, batch: Ints) -> Node:
    """Matrices repeated over the leading axes `batch`."""
    shape = (*batch, *x.shape[-2:])
    return x if x.shape == shape else g.broadcast_to(x, shape)


# --- products -------------------------------------------------------------------------------------


def _products(a: Node, b: Node) -> Node:
    """Products of stacks of matrices; many times one matrix is one product of all rows."""
    if a.ndim > b.ndim == 2:
        rows = g.reshape(a, (prod(a.shape[:-1]), a.shape[-1]))
        return g.reshape(g.matmul(rows, b), (*a.shape[:-1], b.shape[-1]))
    batch = broadcast(a.shape[:-2], b.shape[:-2])
    return g.matmul(_stacked(a, batch), _stacked(b, batch))


def matmul(x: Node, y: Node) -> Node:
    """(…, m, k) times (…, k, n), leading axes broadcast; a vector is a row left, a column right.

    Raises TypeError for booleans, ValueError for 0-d arrays and shapes that don't match.
    """
    numeric("matmul", x, y)
    if not x.shape or not y.shape:
        raise ValueError(f"matmul: expected at least one axis, got shapes {x.shape} and {y.shape}")
    a = g.reshape(x, (1, *x.shape)) if x.ndim == 1 else x
    b = g.reshape(y, (*y.shape, 1)) if y.ndim == 1 else y
    if a.shape[-1] != b.shape[-2]:
        raise ValueError(
            f"matmul: shapes {x.shape} and {y.shape} don't match: "
            f"{a.shape[-1]} and {b.shape[-2]} elements to sum over"
        )
    out = _products(a, b)
    shape = out.shape[:-2] + out.shape[-2:-1] * (x.ndim > 1) + out.shape[-1:] * (y.ndim > 1)
    return out if shape == out.shape else g.reshape(out, shape)


def _contracted(x: Node, y: Node, axes: Any) -> tuple[Ints, Ints]:
    """The axes of x and of y that are summed over, not negative."""
    if not isinstance(axes, Sequence):
        n = integer(axes, "tensordot: axes")
        if not 0 <= n <= min(x.ndim, y.ndim):
            raise ValueError(
                f"tensordot: can't contract {n} axes of shapes {x.shape} and {y.shape}"
            )
        return tuple(range(x.ndim - n, x.ndim)), tuple(range(n))
    if len(axes) != 2:
        raise ValueError(f"tensordot: axes must be an int or two sequences of ints, got {axes!r}")
    xs, ys = (
        tuple(normalize_axis(i, v.ndim) for i in (a if isinstance(a, Sequence) else (a,)))
        for a, v in zip(axes, (x, y))
    )
    if len(xs) != len(ys) or len(set(xs)) != len(xs) or len(set(ys)) != len(ys):
        raise ValueError(f"tensordot: axes must be of one length and not repeat, got {axes!r}")
    return xs, ys


def tensordot(x: Node, y: Node, axes: Any = 2) -> Node:
    """Sums of products over pairs of axes: the last of x, the first of y, or two sequences.

    Raises TypeError for booleans, ValueError for sizes that differ and axes that repeat, AxisError.
    """
    numeric("tensordot", x, y)
    xs, ys = _contracted(x, y, axes)
    if [x.shape[i] for i in xs] != [y.shape[i] for i in ys]:
        raise ValueError(
            f"tensordot: axes {xs} of shape {x.shape} and {ys} of {y.shape} differ in size"
        )
    free_x = tuple(i for i in range(x.ndim) if i not in xs)
    free_y = tuple(i for i in range(y.ndim) if i not in ys)
    k = prod(x.shape[i] for i in xs)
    left, right = tuple(x.shape[i] for i in free_x), tuple(y.shape[i] for i in free_y)
    a = g.reshape(g.permute(x, free_x + xs), (prod(left), k))
    b = g.reshape(g.permute(y, ys + free_y), (k, prod(right)))
    return g.reshape(g.matmul(a, b), left + right)


def _common_axis(name: str, x: Node, y: Node, axis: int) -> int:
    """The axis of both, below 0. Raises ValueError where it would be another one for each."""
    back: int = normalize_axis(axis, x.ndim) - x.ndim
    if back != normalize_axis(axis, y.ndim) - y.ndim:
        raise ValueError(f"{name}: axis {axis} must be negative for shapes {x.shape} and {y.shape}")
    return back


def vecdot(x: Node, y: Node, axis: int = -1) -> Node:
    """Σ conj(x) y along an axis, the others broadcast.

    Raises TypeError for booleans, AxisError, ValueError for sizes that differ.
    """
    numeric("vecdot", x, y)
    back = _common_axis("vecdot", x, y, axis)
    if x.shape[back] != y.shape[back]:
        raise ValueError(f"vecdot: shapes {x.shape} and {y.shape} differ along axis {axis}")
    products = (g.conj(x) if kind(x.dtype) == "c" else x) * y
    return g.sum(products, (products.ndim + back,))


def outer(x: Node, y: Node) -> Node:
    """x[:, None] * y. Raises ValueError unless both have one axis."""
    numeric("outer", x, y)
    if x.ndim != 1 or y.ndim != 1:
        raise ValueError(f"outer: expected vectors, got shapes {x.shape} and {y.shape}")
    return g.reshape(x, (x.shape[0], 1)) * y


def cross(x: Node, y: Node, axis: int = -1) -> Node:
    """Cross products of vectors of 3 along an axis, the others broadcast.

    Raises TypeError for booleans, AxisError, ValueError for other sizes.
    """
    numeric("cross", x, y)
    back = _common_axis("cross", x, y, axis)
    if x.shape[back] != 3 or y.shape[back] != 3:
        raise ValueError(
            f"cross: expected 3 elements along axis {axis}, got shapes {x.shape}, {y.shape}"
        )
    a = [part(x, x.ndim + back, i, 1) for i in range(3)]
    b = [part(y, y.ndim + back, i, 1) for i in range(3)]
    rows = [a[i] * b[j] - a[j] * b[i] for i, j in ((1, 2), (2, 0), (0, 1))]
    return g.concat(rows, rows[0].ndim + back)


# --- diagonals ------------------------------------------------------------------------------------


def matrix_transpose(x: Node) -> Node:
    """The last two axes exchanged. Raises ValueError for fewer than two."""
    return swapped(g, _matrix("matrix_transpose", x))


def diagonal(x: Node, offset: int = 0) -> Node:
    """x[…, i, i + offset]. Raises ValueError for fewer than two axes."""
    *batch, m, n = _matrix("diagonal", x).shape
    k = integer(offset, "offset")
    size = max(0, min(m + min(k, 0), n - max(k, 0)))
    start = 0 if not size else k if k >= 0 else -k * n
    flat, lead = g.reshape(x, (*batch, m * n)), len(batch)
    return g.slice(flat, (0,) * lead + (start,), (*batch, size), (1,) * lead + (n + 1,))


def trace(x: Node, offset: int = 0, *, dtype: Any = None) -> Node:
    """The sum of a diagonal, accumulated as `reductions.sum`."""
    return total(diagonal(x, offset), -1, dtype=dtype)


def identity(n: int, like: Node) -> Node:
    """The unit matrix of that size, in the dtype and on the device of `like`."""
    i = g.iota(n, int64, like.device)
    return g.cast(g.equal(g.reshape(i, (n, 1)), i), like.dtype)


# --- norms ----------------------------------------------------------------------------------------


def _extreme(x: Node, axes: Ints, greatest: bool) -> Node:
    """The greatest or smallest along axes; 0 or inf of nothing."""
    if any(x.shape[a] == 0 for a in axes):
        return full(
            0.0 if greatest else inf, tuple(n for a, n in enumerate(x.shape) if a not in axes), x
        )
    return (g.max if greatest else g.min)(x, axes)


def _euclidean(x: Node, axes: Ints) -> Node:
    return g.sqrt(g.sum(squares(x), axes))


def _power_norm(x: Node, axes: Ints, p: float) -> Node:
    if p == 2:
        return _euclidean(x, axes)
    if p == 0:
        return g.sum(g.cast(truth(x), real_of(x.dtype)), axes)
    size = g.abs(x)
    if p in (inf, -inf):
        return _extreme(size, axes, p > 0)
    return g.sum(size, axes) if p == 1 else g.pow(g.sum(g.pow(size, p), axes), 1 / p)


def vector_norm(x: Node, *, axis: Axis = None, keepdims: bool = False, ord: float = 2) -> Node:
    """(Σ |x|**ord)**(1/ord) over axes; for 0 a count of non-zeros, for ±inf an extreme of |x|.

    Raises TypeError for booleans and orders that are not real numbers, AxisError.
    """
    axes = normalize_axes(axis, x.ndim)
    v = floating("vector_norm", x)
    out = _power_norm(widened(v), axes, float(ord))
    return kept(as_dtype(out, real_of(v.dtype)), x, axes, keepdims)


def _matrix_norm(x: Node, ord: Any) -> Node:
    rows, columns = x.ndim - 2, x.ndim - 1
    if ord == "fro" or ord is None:
        return _euclidean(x, (rows, columns))
    if ord == "nuc":
        return g.sum(g.svdvals(x), (rows,))
    if ord in (2, -2):
        return _extreme(g.svdvals(x), (rows,), ord > 0)
    if ord in (1, -1):
        return _extreme(g.sum(g.abs(x), (rows,)), (rows,), ord > 0)
    if ord in (inf, -inf):
        return _extreme(g.sum(g.abs(x), (columns,)), (rows,), ord > 0)
    raise ValueError(
        f"matrix_norm: ord must be 'fro', 'nuc', 1, -1, 2, -2, inf or -inf, got {ord!r}"
    )


def matrix_norm(x: Node, *, keepdims: bool = False, ord: Any = "fro") -> Node:
    """A norm of each matrix, real. Raises TypeError for booleans, ValueError for order and rank."""
    v = floating("matrix_norm", _matrix("matrix_norm", x))
    out = as_dtype(_matrix_norm(widened(v), ord), real_of(v.dtype))
    return kept(out, x, (x.ndim - 2, x.ndim - 1), keepdims)


# --- factorisations and what is built on them -----------------------------------------------------


def cholesky(x: Node, *, upper: bool = False) -> Node:
    """L with x = L Lᴴ, or U with x = Uᴴ U.

    Raises ValueError unless square; LinAlgError unless positive definite, when computed.
    """
    return g.cholesky(_square("cholesky", x), bool(upper))


def det(x: Node) -> Node:
    """Determinants. Raises ValueError unless the matrices are square."""
    return g.det(_square("det", x))


def inv(x: Node) -> Node:
    """Inverses. Raises ValueError unless square; LinAlgError for singular ones, when computed."""
    return g.inv(_square("inv", x))


def _outputs(node: Node, count: int) -> tuple[Node, ...]:
    return tuple(g.pick(node, i) for i in range(count))


def slogdet(x: Node) -> tuple[Node, ...]:
    """Sign and logarithm of the absolute value of determinants."""
    return _outputs(g.slogdet(_square("slogdet", x)), 2)


def eigh(x: Node) -> tuple[Node, ...]:
    """Eigenvalues, ascending, and eigenvectors of Hermitian matrices."""
    return _outputs(g.eigh(_square("eigh", x)), 2)


def eigvalsh(x: Node) -> Node:
    """Eigenvalues of Hermitian matrices, ascending."""
    return g.eigvalsh(_square("eigvalsh", x))


def eig(x: Node) -> tuple[Node, ...]:
    """Eigenvalues and eigenvectors, complex."""
    return _outputs(g.eig(_square("eig", x)), 2)


def eigvals(x: Node) -> Node:
    """Eigenvalues, complex."""
    return g.eigvals(_square("eigvals", x))


def qr(x: Node, *, mode: str = "reduced") -> tuple[Node, ...]:
    """Q with orthonormal columns and R upper triangular. Raises ValueError for mode and rank."""
    if mode not in ("reduced", "complete"):
        raise ValueError(f"qr: mode must be 'reduced' or 'complete', got {mode!r}")
    return _outputs(g.qr(_factored("qr", x), mode), 2)


def svd(x: Node, *, full_matrices: bool = True) -> tuple[Node, ...]:
    """U, singular values in descending order, Vᴴ."""
    return _outputs(g.svd(_factored("svd", x), bool(full_matrices)), 3)


def svdvals(x: Node) -> Node:
    """Singular values in descending order."""
    return g.svdvals(_factored("svdvals", x))


def solve(x: Node, y: Node) -> Node:
    """z with x z = y; y of one axis is a column for every matrix. Raises ValueError for shapes."""
    a, b = _square("solve", x), floating("solve", y)
    column = y.ndim == 1
    b = g.reshape(b, (*b.shape, 1)) if column else _matrix("solve", b)
    if a.shape[-1] != b.shape[-2]:
        raise ValueError(
            f"solve: shapes {x.shape} and {y.shape} don't match: "
            f"{a.shape[-1]} unknowns, {b.shape[-2]} equations"
        )
    batch = broadcast(a.shape[:-2], b.shape[:-2])
    out = g.solve(_stacked(a, batch), _stacked(b, batch))
    return g.reshape(out, out.shape[:-1]) if column else out


def matrix_power(x: Node, n: int) -> Node:
    """Each square matrix to the n-th; its inverse for n < 0. TypeError unless n is an int."""
    a, k = _square("matrix_power", x), integer(n, "matrix_power: n")
    if k == 0:
        return g.broadcast_to(identity(a.shape[-1], a), a.shape)
    if k < 0:
        a, k = g.inv(a), -k
    out: Node = a
    for bit in bin(k)[3:]:
        out = g.matmul(out, out)
        out = g.matmul(out, a) if bit == "1" else out
    return out


def _cutoff(name: str, x: Node, s: Node, rtol: Node | float | None) -> Node:
    """Singular values not above this, kept in the shape (…, 1), count as zero."""
    largest = kept(_extreme(s, (s.ndim - 1,), True), s, (s.ndim - 1,), True)
    if isinstance(rtol, Node):
        require(name, rtol, "f")
        return largest * as_dtype(g.reshape(rtol, (*rtol.shape, 1)), s.dtype)
    factor: float = max(x.shape[-2:]) * np.finfo(s.dtype).eps if rtol is None else rtol
    return largest * float(factor)


def matrix_rank(x: Node, *, rtol: Node | float | None = None) -> Node:
    """Number of singular values above rtol times the largest, int64; by default max(m, n) eps."""
    s = svdvals(_matrix("matrix_rank", x))
    above = g.less(_cutoff("matrix_rank", x, s, rtol), s)
    return total(g.cast(above, int64), -1)


def pinv(x: Node, *, rtol: Node | float | None = None) -> Node:
    """Moore–Penrose inverses by the singular values that `matrix_rank` counts."""
    u, s, vh = svd(_matrix("pinv", x), full_matrices=False)
    zero, one = g.constant(0, s), g.constant(1, s)
    above = g.less(_cutoff("pinv", x, s, rtol), s)
    inverse = g.where(above, one / g.where(above, s, one), zero)
    scaled = adjoint(g, vh) * as_dtype(
        g.reshape(inverse, (*inverse.shape[:-1], 1, inverse.shape[-1])), vh.dtype
    )
    return _products(scaled, adjoint(g, u))
