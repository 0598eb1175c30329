"""Normalisation, norms along an axis, distances, as PyTorch defines them.

What enters: nodes of one floating-point dtype and Python numbers. What leaves: nodes over the rows
of `ops/`; half precision is computed in single. Derivatives of norms at 0 are 0. It must not know
faces, nor running statistics beyond one step of them.
"""

from functools import lru_cache
from math import inf, prod
from typing import Any

import numpy as np

from .._base.shapes import normalize_axis
from ..ir.node import Node, leaf
from ..ops import g
from ..ops.contract import swapped
from ._checks import as_dtype, kept, part, widened
from .activation import in_single
from .conv import pad_constant
from .linalg import matmul
from .reductions import mean, var

Ints = tuple[int, ...]


def clamp_min(x: Node, low: float) -> Node:
    """x, not below a bound, at which the derivative is 1; NaN stays."""
    return g.where(g.less(x, g.constant(low, x)), g.constant(low, x), x)


# --- normalisation --------------------------------------------------------------------------------


def _channels(v: Node, x: Node) -> Node:
    """A value per channel in the shape that broadcasts to x."""
    return g.reshape(v, (v.shape[0], *(1,) * (x.ndim - 2)))


def batch_stats(x: Node) -> tuple[Node, Node]:
    """Mean and biased variance of each channel (axis 1), half precision in single."""
    wide, axes = widened(x), tuple(a for a in range(x.ndim) if a != 1)
    return mean(wide, axes), var(wide, axes)


def running(old: Node, new: Node, momentum: float) -> Node:
    """One step of a running statistic."""
    return old * (1 - momentum) + as_dtype(new, old.dtype) * momentum


def unbiased(variance: Node, x: Node) -> Node:
    """The variance of each channel of x with n - 1 as divisor."""
    n = x.size // x.shape[1] if x.shape[1] else 0
    return variance * (n / (n - 1) if n > 1 else inf)


def batch_norm(
    x: Node, center: Node, variance: Node, weight: Node | None, bias: Node | None, eps: float = 1e-5
) -> Node:
    """(x - mean) / sqrt(var + eps) · weight + bias, a value of each for every channel (axis 1)."""
    wide = widened(x)
    scale = g.constant(1, wide) / g.sqrt(as_dtype(variance, wide.dtype) + eps)
    scale = scale if weight is None else scale * as_dtype(weight, wide.dtype)
    y = (wide - _channels(as_dtype(center, wide.dtype), x)) * _channels(scale, x)
    y = y if bias is None else y + _channels(as_dtype(bias, wide.dtype), x)
    return as_dtype(y, x.dtype)


def instance_norm(
    x: Node, weight: Node | None = None, bias: Node | None = None, eps: float = 1e-5
) -> Node:
    """`batch_norm` with the statistics of each example."""
    n, c, *rest = x.shape
    y = _standardised(g.reshape(widened(x), (n, c, prod(rest))), (2,), eps)
    return _affine(as_dtype(g.reshape(y, x.shape), x.dtype), weight, bias)


def _standardised(x: Node, axes: Ints, eps: float) -> Node:
    """(x - mean) / sqrt(var + eps) over axes."""
    center = mean(x, axes, keepdims=True)
    return (x - center) * (g.constant(1, x) / g.sqrt(var(x, axes, keepdims=True) + eps))


def _affine(y: Node, weight: Node | None, bias: Node | None) -> Node:
    y = y if weight is None else y * _channels(as_dtype(weight, y.dtype), y)
    return y if bias is None else y + _channels(as_dtype(bias, y.dtype), y)


def group_norm(
    x: Node, groups: int, weight: Node | None = None, bias: Node | None = None, eps: float = 1e-5
) -> Node:
    """Normalised over the channels of each group of each example. Raises RuntimeError."""
    n, c, *rest = x.shape
    if groups <= 0 or c % groups:
        raise RuntimeError(
            "Expected number of channels in input to be divisible by num_groups, but got input of "
            f"shape {list(x.shape)} and num_groups={groups}"
        )
    lines = g.reshape(widened(x), (n, groups, c // groups * prod(rest)))
    y = g.reshape(_standardised(lines, (2,), eps), x.shape)
    return as_dtype(_affine(y, weight, bias), x.dtype)


def layer_norm(
    x: Node, ndim: int, weight: Node | None = None, bias: Node | None = None, eps: float = 1e-5
) -> Node:
    """Normalised over the last `ndim` axes; the whole in single for half precision."""
    wide = widened(x)
    y = _standardised(wide, tuple(range(x.ndim - ndim, x.ndim)), eps)
    y = y if weight is None else y * as_dtype(weight, wide.dtype)
    y = y if bias is None else y + as_dtype(bias, wide.dtype)
    return as_dtype(y, x.dtype)


def rms_norm(x: Node, ndim: int, weight: Node | None = None, eps: float | None = None) -> Node:
    """x / sqrt(mean(x²) + eps) over the last `ndim` axes; eps None is that of the dtype computed
    in.
    """
    wide = widened(x)
    small = float(np.finfo(wide.dtype).eps)
    axes = tuple(range(x.ndim - ndim, x.ndim))
    size = mean(g.square(wide), axes, keepdims=True) + (small if eps is None else eps)
    y = wide * (g.constant(1, wide) / g.sqrt(size))
    y = y if weight is None else y * as_dtype(weight, wide.dtype)
    return as_dtype(y, x.dtype)


@in_single
def local_response_norm(
    x: Node, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> Node:
    """x / (k + alpha · mean of the squares of `size` neighbouring channels)^beta."""
    around = ((0, 0), (size // 2, (size - 1) // 2), *((0, 0),) * (x.ndim - 2))
    squares = pad_constant(g.square(x), around)
    total = part(squares, 1, 0, x.shape[1])
    for i in range(1, size):
        total = total + part(squares, 1, i, x.shape[1])
    return x / g.pow(total / float(size) * alpha + k, g.constant(beta, x))


# --- norms ----------------------------------------------------------------------------------------


def _rooted(total: Node, p: float) -> Node:
    """total^(1/p), with derivative 0 at 0."""
    if p == 2:
        return g.root(total)
    zero = g.equal(total, 0.0)
    safe = g.where(zero, g.constant(1, total), total)
    return g.where(zero, g.constant(0, total), g.pow(safe, g.constant(1 / p, safe)))


def _powers(x: Node, p: float) -> Node:
    """|x|^p, with derivative 0 at 0."""
    if p == 2:
        return g.square(x)
    if p == 1:
        return g.abs(x)
    size = g.abs(x)
    zero = g.equal(size, 0.0)
    safe = g.where(zero, g.constant(1, x), size)
    limit = inf if p < 0 else 0.0
    return g.where(zero, g.constant(limit, x), g.pow(safe, g.constant(p, x)))


def norm(x: Node, p: float = 2.0, axis: int = -1, keepdim: bool = False) -> Node:
    """(Σ |x|ᵖ)^(1/p) along an axis; p may be 0 (a count), inf and -inf."""
    axes = (normalize_axis(axis, x.ndim),)
    if p in (inf, -inf):
        out = (g.max if p > 0 else g.min)(g.abs(x), axes)
    elif p == 0:
        out = g.sum(g.cast(g.not_equal(x, 0.0), x.dtype), axes)
    else:
        total = g.sum(_powers(x, p), axes)
        out = total if p == 1 else _rooted(total, p)
    return kept(out, x, axes, keepdim)


@in_single
def normalize(x: Node, p: float = 2.0, axis: int = 1, eps: float = 1e-12) -> Node:
    """x over its norm along an axis, which counts as eps at least."""
    return x / clamp_min(norm(x, p, axis, True), eps)


def _with_axes(x: Node, ndim: int) -> Node:
    return x if x.ndim == ndim else g.reshape(x, (*(1,) * (ndim - x.ndim), *x.shape))


@in_single
def cosine_similarity(x: Node, y: Node, axis: int = 1, eps: float = 1e-8) -> Node:
    """x·y / (max(|x|, eps) · max(|y|, eps)) along an axis of the broadcast shape."""
    ndim = max(x.ndim, y.ndim, 1)
    place = normalize_axis(axis, ndim)
    x, y = (_with_axes(v, ndim) for v in (x, y))
    if 1 in (x.shape[place], y.shape[place]) and x.shape[place] != y.shape[place]:
        n = max(x.shape[place], y.shape[place])
        x, y = (g.broadcast_to(v, (*v.shape[:place], n, *v.shape[place + 1 :])) for v in (x, y))
    units = [v / clamp_min(norm(v, 2.0, place, True), eps) for v in (x, y)]
    return g.sum(units[0] * units[1], (place,))


@in_single
def pairwise_distance(
    x: Node, y: Node, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False
) -> Node:
    """The norm of x - y + eps along the last axis."""
    return norm((x - y) + eps, p, -1, keepdim)


# --- all distances --------------------------------------------------------------------------------

# From so many rows on Euclidean distances are computed by a matrix product.
BY_PRODUCT = 25
# Rows up to which the numbers of their pairs are remembered.
REMEMBERED = 1024


def cdist(x: Node, y: Node, p: float = 2.0, by_product: bool | None = None) -> Node:
    """Distances of all rows of (…, P, M) and (…, R, M). Raises RuntimeError.

    `by_product` None lets the number of rows decide, as PyTorch does for p = 2.
    """
    for label, v in (("X1", x), ("X2", y)):
        if v.ndim < 2:
            raise RuntimeError(f"cdist only supports at least 2D tensors, {label} got: {v.ndim}D")
    if x.shape[-1] != y.shape[-1]:
        raise RuntimeError(
            f"X1 and X2 must have the same number of columns. X1: {x.shape[-1]} X2: {y.shape[-1]}"
        )
    if p < 0:
        raise RuntimeError("cdist only supports non-negative p values")
    if by_product is None:
        by_product = x.shape[-2] > BY_PRODUCT or y.shape[-2] > BY_PRODUCT
    if p == 2 and by_product and x.shape[-1]:
        return _by_product(x, y)
    a = g.reshape(x, (*x.shape[:-1], 1, x.shape[-1]))
    b = g.reshape(y, (*y.shape[:-2], 1, *y.shape[-2:]))
    return norm(a - b, p, -1)


def _by_product(x: Node, y: Node) -> Node:
    """√(|a|² + |b|² - 2ab): one product of rows to which their squares are joined."""
    of_x, of_y = (kept(g.sum(g.square(v), (v.ndim - 1,)), v, (v.ndim - 1,), True) for v in (x, y))
    one_x, one_y = (g.broadcast_to(g.constant(1, v), v.shape) for v in (of_x, of_y))
    left = g.concat([x * -2.0, of_x, one_x], x.ndim - 1)
    right = g.concat([y, one_y, of_y], y.ndim - 1)
    total = matmul(left, swapped(g, right))
    return _rooted(clamp_min(total, 0.0), 2.0)


def pdist(x: Node, p: float = 2.0) -> Node:
    """Distances of all pairs of rows i < j. Raises RuntimeError unless x has two axes."""
    if x.ndim != 2:
        raise RuntimeError(f"pdist only supports 2D tensors, got: {x.ndim}D")
    if p < 0:
        raise RuntimeError("pdist only supports non-negative p values")
    pairs = _pairs if x.shape[0] <= REMEMBERED else _pairs.__wrapped__
    a, b = (g.gather([x, leaf(i, x.device)]) for i in pairs(x.shape[0]))
    return norm(a - b, p, -1) if x.shape[1] else g.sum(a, (1,))


@lru_cache(4)
def _pairs(rows: int) -> tuple[Any, ...]:
    """The numbers of both rows of each pair."""
    return tuple([i.astype(np.int64) for i in np.triu_indices(rows, 1)])
