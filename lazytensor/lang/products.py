"""Sums with products of matrices, Kronecker products, covariances, norms, as PyTorch has them.

What enters: nodes of one floating-point dtype unless said otherwise. What leaves: nodes. Norms have
gradient 0 where they are 0. It must not know faces.
"""

from math import inf

from .._base.dtypes import kind, real_of
from .._base.shapes import normalize_axis
from ..ir.node import Node
from ..ops import g
from ._checks import as_dtype, kept, squares, widened
from .linalg import diagonal, matmul

Axes = tuple[int, ...]

# --- sums with products ---------------------------------------------------------------------------


def added(x: Node, product: Node, beta: float = 1, alpha: float = 1) -> Node:
    """beta x + alpha product; for beta 0 x does not count, NaN or not."""
    product = product if alpha == 1 else product * alpha
    if beta == 0:
        return product
    return (x if beta == 1 else x * beta) + product


def addmm(x: Node, a: Node, b: Node, beta: float = 1, alpha: float = 1) -> Node:
    """beta x + alpha a b of matrices, batches of them, or a matrix and a vector."""
    return added(x, matmul(a, b), beta, alpha)


def addbmm(x: Node, a: Node, b: Node, beta: float = 1, alpha: float = 1) -> Node:
    """beta x + alpha times the sum over the batch of a b."""
    return added(x, g.sum(matmul(a, b), (0,)), beta, alpha)


def addr(x: Node, a: Node, b: Node, beta: float = 1, alpha: float = 1) -> Node:
    """beta x + alpha times the outer product of two vectors."""
    return added(x, g.reshape(a, (a.size, 1)) * b, beta, alpha)


def kron(x: Node, y: Node) -> Node:
    """Kronecker product: x[i] y[j] at i m + j along every axis, of any dtype."""
    ndim = max(x.ndim, y.ndim)
    a, b = ((1,) * (ndim - v.ndim) + v.shape for v in (x, y))
    left = g.reshape(x, tuple(n for k in a for n in (k, 1)))
    right = g.reshape(y, tuple(n for k in b for n in (1, k)))
    return g.reshape(left * right, tuple(n * m for n, m in zip(a, b)))


# --- covariance -----------------------------------------------------------------------------------


def _weights(x: Node, fweights: Node | None, aweights: Node | None) -> Node | None:
    """Both kinds of weights multiplied, real and floating-point."""
    given = [as_dtype(w, real_of(x.dtype)) for w in (fweights, aweights) if w is not None]
    return given[0] * given[1] if len(given) == 2 else given[0] if given else None


def _degrees(weights: Node, aweights: Node | None, correction: float) -> Node:
    """The sum of the weights less what is corrected, not negative."""
    total = g.sum(weights, (0,))
    if aweights is None or correction == 0:
        return g.maximum(total - correction, 0)
    squared = g.sum(weights * as_dtype(aweights, weights.dtype), (0,))
    return g.maximum(total - squared / total * correction, 0)


def _like(v: Node, x: Node) -> Node:
    """A real node in x's dtype."""
    return v if v.dtype is x.dtype else g.complex(v, g.constant(0, v))


def cov(
    x: Node, correction: float = 1, fweights: Node | None = None, aweights: Node | None = None
) -> Node:
    """Covariances of the rows of x, variables, over its columns, observations; of a vector its
    variance.
    """
    rows = g.reshape(x, (1, x.size)) if x.ndim < 2 else x
    count = rows.shape[1]
    weights = _weights(x, fweights, aweights)
    if weights is None:
        center = rows - kept(g.sum(rows, (1,)) / count, rows, (1,), True)
        out = _scatter(center, center) / max(count - correction, 0)
    else:
        heavy = _like(weights, x)
        mean = g.sum(rows * heavy, (1,)) / g.sum(heavy, (0,))
        center = rows - kept(mean, rows, (1,), True)
        degrees = _degrees(weights, aweights, correction)
        out = _scatter(center, center * heavy) / _like(degrees, x)
    return g.reshape(out, ()) if out.size == 1 else out


def _scatter(x: Node, y: Node) -> Node:
    """x y^H."""
    return g.matmul(x, g.permute(g.conj(y), (1, 0)))


def corrcoef(x: Node) -> Node:
    """Correlation coefficients of the rows of x, their parts within [-1, 1]."""
    c = cov(x)
    if not c.shape:
        return c / c
    d = diagonal(c)
    spread = _like(g.sqrt(g.real(d) if kind(d.dtype) == "c" else d), c)
    out = c / g.reshape(spread, (spread.size, 1)) / spread
    if kind(out.dtype) != "c":
        return _within_one(out)
    return g.complex(_within_one(g.real(out)), _within_one(g.imag(out)))


def _within_one(x: Node) -> Node:
    one = g.constant(1, x)
    return g.where(g.less(one, g.abs(x)), g.copysign(one, x), x)


# --- norms ----------------------------------------------------------------------------------------


def _root(total: Node, p: float) -> Node:
    """total^(1/p), with derivative 0 where it is 0."""
    if p == 2:
        return g.root(total)
    flat = g.equal(total, 0.0)
    safe = g.where(flat, g.constant(1, total), total)
    return g.where(flat, g.constant(0 if p > 0 else inf, total), g.pow(safe, 1 / p))


def _powers(size: Node, p: float) -> Node:
    """size^p, with derivative 0 where the size is 0."""
    flat = g.equal(size, 0.0)
    safe = g.where(flat, g.constant(1, size), size)
    return g.where(flat, g.constant(0 if p > 0 else inf, size), g.pow(safe, p))


def _norm(x: Node, p: float, axes: Axes) -> Node:
    if p == 2:
        return _root(g.sum(squares(x), axes), 2)
    size = g.abs(x)
    if p in (inf, -inf):
        return g.max(size, axes) if p > 0 else g.min(size, axes)
    if p == 0:
        return g.sum(g.cast(g.not_equal(size, 0.0), size.dtype), axes)
    return g.sum(size, axes) if p == 1 else _root(g.sum(_powers(size, p), axes), p)


def norm(x: Node, p: float, axes: Axes, keepdims: bool = False) -> Node:
    """(Σ |x|^p)^(1/p) over sorted axes, real; 0 counts what is not 0, ±inf takes an extreme."""
    out = as_dtype(_norm(widened(x), p, axes), real_of(x.dtype))
    return kept(out, x, axes, keepdims)


def dist(x: Node, y: Node, p: float = 2) -> Node:
    """The norm of all of x - y."""
    d = x - y
    return norm(d, p, tuple(range(d.ndim)))


def renorm(x: Node, p: float, axis: int, most: float) -> Node:
    """Slices along an axis with a norm above `most` scaled down to it. Raises AxisError."""
    place = normalize_axis(axis, x.ndim)
    axes = tuple(a for a in range(x.ndim) if a != place)
    size = norm(x, p, axes, True)
    factor = g.where(g.less(most, size), most / (size + 1e-7), g.constant(1, size))
    return x * _like(factor, x)
