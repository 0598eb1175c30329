"""What is put together from factors of matrices: factors unpacked, systems solved by them, products
of Householder's reflections, least squares.

What enters: nodes whose shapes and dtypes their caller has checked, leading axes equal or to be
broadcast where it says so. What leaves: nodes. It must not know faces.
"""

import numpy as np

from .._base.dtypes import int64, real_of
from .._base.shapes import broadcast
from ..ir.node import Node, leaf
from ..ops import g
from ..ops._matrices import col, eye_mask, strictly_lower, upper_half
from ..ops.contract import adjoint, swapped
from ._checks import as_dtype, part

Batch = tuple[int, ...]


def stacked(x: Node, batch: Batch) -> Node:
    """Matrices repeated over the leading axes `batch`."""
    shape = (*batch, *x.shape[-2:])
    return x if x.shape == shape else g.broadcast_to(x, shape)


def together(a: Node, b: Node) -> tuple[Node, Node]:
    """Two stacks of matrices with one batch."""
    batch = broadcast(a.shape[:-2], b.shape[:-2])
    return stacked(a, batch), stacked(b, batch)


def solve_triangular(a: Node, b: Node, upper: bool, left: bool = True, unit: bool = False) -> Node:
    """x with a x = b, or x a = b, of one triangle of a; leading axes are broadcast."""
    a, b = together(a, b)
    if left:
        return g.solve_triangular(a, b, upper, unit)
    return swapped(g, g.solve_triangular(swapped(g, a), swapped(g, b), not upper, unit))


# --- Cholesky -------------------------------------------------------------------------------------


def triangle_of(x: Node, upper: bool) -> Node:
    """One triangle of square matrices, with the diagonal, else 0."""
    return upper_half(g, x) if upper else swapped(g, upper_half(g, swapped(g, x)))


def cholesky_solve(b: Node, factor: Node, upper: bool) -> Node:
    """x with A x = b, for A of that Cholesky factor; leading axes are broadcast."""
    low, b = together(adjoint(g, factor) if upper else factor, b)
    return g.solve(adjoint(g, low), g.solve(low, b))


def cholesky_inverse(factor: Node, upper: bool) -> Node:
    """The inverse of the matrix of that Cholesky factor."""
    half = g.inv(factor)
    return g.matmul(half, adjoint(g, half)) if upper else g.matmul(adjoint(g, half), half)


# --- LU -------------------------------------------------------------------------------------------


def permutation(pivots: Node, rows: int, like: Node) -> Node:
    """P with A = P L U, in the dtype of `like`."""
    order = col(g, g.row_order(pivots, rows))
    moved = g.equal(order, g.iota(rows, int64, pivots.device))
    return swapped(g, g.where(moved, g.constant(1, like), g.constant(0, like)))


def lower_of(packed: Node) -> Node:
    """L, of the packed factors."""
    m, n = packed.shape[-2:]
    low = strictly_lower(g, part(packed, packed.ndim - 1, 0, min(m, n)))
    rows, columns = np.arange(m)[:, None], np.arange(min(m, n))
    return g.where(leaf(rows == columns, packed.device), g.constant(1, low), low)


def upper_of(packed: Node) -> Node:
    """U, of the packed factors."""
    return upper_half(g, part(packed, packed.ndim - 2, 0, min(packed.shape[-2:])))


def lu_solve(packed: Node, pivots: Node, b: Node, left: bool, conjugate: bool) -> Node:
    """x with A x = b, or Aᴴ x = b, or x A = b, or x Aᴴ = b; leading axes are broadcast."""
    if not left:
        turned = lu_solve(packed, pivots, adjoint(g, b), True, not conjugate)
        return adjoint(g, turned)
    p = permutation(pivots, packed.shape[-2], packed)
    packed, b = together(packed, b)
    p = stacked(p, b.shape[:-2])
    if not conjugate:
        y = g.solve_triangular(packed, g.matmul(swapped(g, p), b), False, True)
        return g.solve_triangular(packed, y, True, False)
    h = adjoint(g, packed)
    y = g.solve_triangular(h, b, False, False)
    return g.matmul(p, g.solve_triangular(h, y, True, True))


# --- reflections ----------------------------------------------------------------------------------


def _reflections(x: Node, tau: Node) -> tuple[Node, Node]:
    """V and T with H1 H2 … = 1 - V T Vᴴ, of the vectors below the diagonal of x.

    Source: Schreiber, Van Loan, A storage-efficient WY representation (1989); T is found as the
    solution of (1 + D S) T = D, which factors of 0 don't disturb.
    """
    k = tau.shape[-1]
    v = lower_of(part(x, x.ndim - 1, 0, k))
    above = swapped(g, strictly_lower(g, swapped(g, g.matmul(adjoint(g, v), v))))
    d = g.where(eye_mask(g, tau), col(g, tau), g.constant(0, tau))
    return v, g.solve_triangular(col(g, tau) * above, d, True, True)


def householder_product(x: Node, tau: Node) -> Node:
    """As many columns of the product of reflections as x has."""
    m, n = x.shape[-2:]
    v, t = _reflections(x, tau)
    top = part(v, v.ndim - 2, 0, n)
    out = g.matmul(v, g.matmul(t, adjoint(g, top)))
    one = leaf(np.eye(m, n, dtype=x.dtype), x.device)
    return one - out


def reflected(x: Node, tau: Node, c: Node, left: bool, transpose: bool) -> Node:
    """Q c, Qᴴ c, c Q or c Qᴴ, for Q the whole product of reflections."""
    v, t = _reflections(x, tau)
    t = adjoint(g, t) if transpose else t
    if left:
        return c - g.matmul(v, g.matmul(t, g.matmul(adjoint(g, v), c)))
    return c - g.matmul(g.matmul(g.matmul(c, v), t), adjoint(g, v))


# --- singular values ------------------------------------------------------------------------------


def limits(x: Node, absolute: Node, relative: Node) -> Node:
    """The limits that `pinv` takes, of two real nodes that broadcast to the batch of x."""
    real, batch = real_of(x.dtype), x.shape[:-2]
    ends = [g.broadcast_to(as_dtype(v, real), batch) for v in (absolute, relative)]
    return g.concat([col(g, v) for v in ends], len(batch))


def rank(sizes: Node, absolute: Node, relative: Node) -> Node:
    """How many of the sizes (…, k), at least 0, are above both limits, int64."""
    axis = sizes.ndim - 1
    if sizes.shape[-1]:
        largest = g.max(sizes, (axis,))
        low, high = as_dtype(absolute, sizes.dtype), as_dtype(relative, sizes.dtype)
        above = g.less(col(g, g.maximum(low, high * largest)), sizes)
    else:
        above = g.less(sizes, sizes)
    return g.sum(g.cast(above, int64), (above.ndim - 1,))
