"""NumPy's functions that clients expect beyond the standard, as compositions of the standard's.

What enters: arrays, or whatever `asarray` takes. What leaves: lazy arrays with NumPy's answers;
where NumPy differs from the standard (promotion of kinds), the standard's rules hold. Functions
whose shape depends on data (`bincount`, `histogram`) compute what they need of it. It must not know
how anything is computed.
"""

import operator
from collections.abc import Sequence
from itertools import pairwise
from math import inf
from typing import Any

import numpy as np

from .._base.dtypes import float64, int64, isdtype
from .._base.errors import publish
from .._base.shapes import normalize_axis
from ..array_api._rules import node_of
from ..array_api.array import Array
from ..array_api.creation import arange, asarray, linspace, zeros
from ..array_api.data_types import astype, finfo, result_type
from ..array_api.elementwise import abs as abs_
from ..array_api.elementwise import conj, equal, imag, isfinite, isnan, sqrt
from ..array_api.elementwise import real as real_part
from ..array_api.elementwise import round as round_
from ..array_api.indexing import take
from ..array_api.linalg import diagonal
from ..array_api.linear_algebra import matmul
from ..array_api.manipulation import broadcast_arrays, broadcast_to, concat, permute_dims, reshape
from ..array_api.searching import searchsorted, where
from ..array_api.statistical import cumulative_prod, cumulative_sum, mean
from ..array_api.statistical import max as max_
from ..array_api.statistical import min as min_
from ..array_api.statistical import sum as sum_
from ..array_api.utility import all as all_
from ..lang import nn
from ..ops import g
from ._arrays import Axis, as_array, floating, real

__all__ = [
    "allclose",
    "around",
    "array",
    "array_equal",
    "array_split",
    "atleast_1d",
    "atleast_2d",
    "atleast_3d",
    "average",
    "bincount",
    "concatenate",
    "corrcoef",
    "cov",
    "cumprod",
    "cumsum",
    "diag",
    "erf",
    "histogram",
    "interp",
    "isclose",
    "log_softmax",
    "logspace",
    "logsumexp",
    "nan_to_num",
    "ptp",
    "ravel",
    "softmax",
    "split",
    "swapaxes",
    "transpose",
]


# --- making and moving --------------------------------------------------------------------


def diag(x: Any, /, k: int = 0) -> Array:
    """The k-th diagonal of a matrix; of a vector the matrix with it there and zeros elsewhere.

    Raises ValueError for more than two axes, TypeError.
    """
    x, k = as_array(x), operator.index(k)
    if x.ndim not in (1, 2):
        raise ValueError(f"diag: expected one or two axes, got shape {x.shape}")
    if x.ndim == 2:
        return diagonal(x, offset=k)
    n = x.shape[0] + (k if k > 0 else -k)
    line = concat([x, zeros(n - x.shape[0], dtype=x.dtype, device=x.device)])
    across = arange(n, device=x.device)
    along = line[across - k if k > 0 else across]
    hit = equal(across[:, None] + k, across[None, :])
    return where(hit, along, zeros((), dtype=x.dtype, device=x.device))


def array(obj: Any, dtype: Any = None, *, copy: bool | None = True, device: Any = None) -> Array:
    """`asarray` that copies unless told otherwise. Raises as it does."""
    return asarray(obj, dtype=dtype, copy=copy, device=device)


def concatenate(arrays: Sequence[Any], /, axis: int | None = 0) -> Array:
    """The standard's `concat` under NumPy's name; None joins the flattened arrays."""
    return concat([as_array(x) for x in arrays], axis=axis)


def transpose(x: Any, axes: Sequence[int] | None = None) -> Array:
    """Axes in another order, by default reversed. Raises ValueError for no permutation."""
    x = as_array(x)
    order = range(x.ndim)[::-1] if axes is None else [normalize_axis(a, x.ndim) for a in axes]
    return permute_dims(x, tuple(order))


def ravel(x: Any) -> Array:
    """The elements in row-major order along one axis."""
    return reshape(as_array(x), (-1,))


def swapaxes(x: Any, axis1: int, axis2: int) -> Array:
    """The array with two axes exchanged. Raises AxisError for an axis it has not."""
    x = as_array(x)
    a, b = normalize_axis(axis1, x.ndim), normalize_axis(axis2, x.ndim)
    order = list(range(x.ndim))
    order[a], order[b] = b, a
    return permute_dims(x, tuple(order))


def _with_axes(x: Array, ndim: int, behind: int) -> Array:
    """At least `ndim` axes; of those that are missing, up to `behind` come after the others."""
    missing = max(ndim - x.ndim, 0)
    after = min(behind, missing) if x.ndim else 0
    return reshape(x, (*(1,) * (missing - after), *x.shape, *(1,) * after))


def _each(arrays: tuple[Any, ...], ndim: int, behind: int) -> Any:
    out = tuple(_with_axes(as_array(x), ndim, behind) for x in arrays)
    return out[0] if len(out) == 1 else out


def atleast_1d(*arrays: Any) -> Any:
    """Arrays with at least one axis; a tuple of them for several."""
    return _each(arrays, 1, 0)


def atleast_2d(*arrays: Any) -> Any:
    """Arrays with at least two axes, (1, n) for a vector; a tuple of them for several."""
    return _each(arrays, 2, 0)


def atleast_3d(*arrays: Any) -> Any:
    """Arrays with at least three axes, (1, n, 1) for a vector; a tuple of them for several."""
    return _each(arrays, 3, 1)


def _pieces(x: Array, ends: Sequence[int], axis: int) -> list[Array]:
    before: tuple[slice, ...] = (slice(None),) * axis
    edges = [0, *ends, x.shape[axis]]
    return [x[(*before, slice(a, b), ...)] for a, b in pairwise(edges)]


def array_split(x: Any, sections: Any, axis: int = 0) -> list[Array]:
    """Pieces along an axis: a number of them, of nearly equal sizes, or where to cut.

    Raises ValueError for no piece at all, AxisError.
    """
    x = as_array(x)
    axis = normalize_axis(axis, x.ndim)
    if np.ndim(sections):
        return _pieces(x, [operator.index(i) for i in sections], axis)
    count, n = operator.index(sections), x.shape[axis]
    if count <= 0:
        raise ValueError(f"the number of pieces must be positive, got {count}")
    small, larger = divmod(n, count)
    return _pieces(x, [i * small + min(i, larger) for i in range(1, count)], axis)


def split(x: Any, sections: Any, axis: int = 0) -> list[Array]:
    """`array_split`, but raises ValueError when a number of pieces can't be of one size."""
    x = as_array(x)
    if not np.ndim(sections) and x.shape[axis] % operator.index(sections):
        raise ValueError(f"can't split axis {axis} of shape {x.shape} into {sections} equal pieces")
    return array_split(x, sections, axis)


# --- elementwise --------------------------------------------------------------------------


def erf(x: Any, /) -> Array:
    """The error function; integers are taken as float64. Raises TypeError for complex dtypes."""
    return Array(g.erf(node_of(real("erf", floating(x)))))


def around(x: Any, decimals: int = 0) -> Array:
    """Rounded to a number of decimals, halves to even; negative ones round before the point."""
    x = as_array(x)
    if isdtype(x.dtype, "integral"):
        return x if decimals >= 0 else astype(around(floating(x), decimals), x.dtype)
    if decimals == 0 or isdtype(x.dtype, "bool"):
        return round_(x)
    scale = 10.0 ** abs(decimals)
    return round_(x * scale) / scale if decimals > 0 else round_(x / scale) * scale


def isclose(
    a: Any, b: Any, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False
) -> Array:
    """Whether |a - b| <= atol + rtol * |b|, or both are one infinity, or NaN with `equal_nan`."""
    a, b = broadcast_arrays(as_array(a), as_array(b))
    dtype = result_type(a, b)
    if not isdtype(dtype, ("real floating", "complex floating")):
        dtype = float64
    a, b = astype(a, dtype, copy=False), astype(b, dtype, copy=False)
    close = (isfinite(b) & (abs_(a - b) <= atol + rtol * abs_(b))) | equal(a, b)
    return close | (isnan(a) & isnan(b)) if equal_nan else close


def allclose(
    a: Any, b: Any, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False
) -> Array:
    """Whether `isclose` holds everywhere, as a 0-d array."""
    return all_(isclose(a, b, rtol, atol, equal_nan))


def array_equal(a: Any, b: Any, equal_nan: bool = False) -> Array:
    """Whether shapes and elements are the same, as a 0-d array; shapes alone are known at once."""
    a, b = as_array(a), as_array(b)
    if a.shape != b.shape:
        return asarray(False, device=a.device)
    same = equal(a, b)
    return all_(same | (isnan(a) & isnan(b)) if equal_nan else same)


def _replaced(x: Array, nan: float, posinf: float | None, neginf: float | None) -> Array:
    info = finfo(x.dtype)
    top = float(info.max) if posinf is None else posinf
    bottom = float(info.min) if neginf is None else neginf
    x = where(isnan(x), nan, x)
    return where(x == inf, top, where(x == -inf, bottom, x))


def nan_to_num(
    x: Any, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None
) -> Array:
    """NaN replaced by 0 and infinities by the dtype's greatest numbers, or by what is given."""
    found = as_array(x)
    if isdtype(found.dtype, "real floating"):
        return _replaced(found, nan, posinf, neginf)
    if isdtype(found.dtype, "complex floating"):
        parts = (_replaced(part, nan, posinf, neginf) for part in (real_part(found), imag(found)))
        return Array(g.complex(*(node_of(part) for part in parts)))
    return found


# --- along axes ---------------------------------------------------------------------------


def softmax(x: Any, axis: int = -1) -> Array:
    """exp(x) / Σ exp(x) along an axis. Raises TypeError unless real floating-point, AxisError."""
    return Array(nn.softmax(node_of(as_array(x)), axis))


def log_softmax(x: Any, axis: int = -1) -> Array:
    """The logarithm of `softmax`. Raises TypeError unless real floating-point, AxisError."""
    return Array(nn.log_softmax(node_of(as_array(x)), axis))


def logsumexp(x: Any, axis: Axis = None, *, keepdims: bool = False) -> Array:
    """log(Σ exp(x)) along axes. Raises TypeError unless real floating-point, AxisError."""
    return Array(nn.logsumexp(node_of(as_array(x)), axis, keepdims=keepdims))


def ptp(x: Any, axis: Axis = None, *, keepdims: bool = False) -> Array:
    """Maximum - minimum along axes. Raises TypeError for complex dtypes, AxisError."""
    x = real("ptp", x)
    return max_(x, axis=axis, keepdims=keepdims) - min_(x, axis=axis, keepdims=keepdims)


def cumsum(x: Any, axis: int | None = None, dtype: Any = None) -> Array:
    """The standard's `cumulative_sum` under NumPy's name; None: of the flattened array."""
    x = as_array(x)
    return cumulative_sum(ravel(x) if axis is None else x, axis=axis or 0, dtype=dtype)


def cumprod(x: Any, axis: int | None = None, dtype: Any = None) -> Array:
    """The standard's `cumulative_prod` under NumPy's name; None: of the flattened array."""
    x = as_array(x)
    return cumulative_prod(ravel(x) if axis is None else x, axis=axis or 0, dtype=dtype)


def _spread_weights(weights: Array, x: Array, axis: Axis) -> Array:
    """Weights of one axis (or of some, in that order) along the axes of x."""
    if weights.shape == x.shape:
        return weights
    if axis is None:
        raise ValueError(f"average: weights {weights.shape} for {x.shape} need an axis")
    axes = [normalize_axis(a, x.ndim) for a in (axis if isinstance(axis, tuple) else (axis,))]
    if weights.shape != tuple(x.shape[a] for a in axes):
        raise ValueError(
            f"average: weights {weights.shape} do not go along axes {axes} of {x.shape}"
        )
    weights = permute_dims(weights, tuple(sorted(range(len(axes)), key=axes.__getitem__)))
    return reshape(weights, tuple(n if a in axes else 1 for a, n in enumerate(x.shape)))


def average(
    x: Any,
    axis: Axis = None,
    weights: Any = None,
    returned: bool = False,
    *,
    keepdims: bool = False,
) -> Any:
    """The mean along axes, weighted by `weights` of x's shape or of the axes'.

    With `returned` also the sums of weights. Weights that sum to 0 give NaN or infinities. Raises
    ValueError for shapes, AxisError.
    """
    x = floating(x)
    if weights is None:
        found = mean(x, axis=axis, keepdims=keepdims)
        total = zeros(found.shape, dtype=found.dtype, device=x.device) + x.size / max(found.size, 1)
    else:
        w = _spread_weights(as_array(weights), x, axis)
        w = astype(w, result_type(w.dtype, x.dtype), copy=False)
        total = sum_(broadcast_to(w, x.shape), axis=axis, keepdims=keepdims)
        found = sum_(x * w, axis=axis, keepdims=keepdims) / total
    return (found, total) if returned else found


def _observations(m: Any, y: Any, rowvar: bool) -> Array:
    """Variables as rows, observations as columns."""
    rows = []
    for part in (m, y):
        if part is not None:
            x = floating(part)
            if x.ndim > 2:
                raise ValueError(f"cov: variables have at most two axes, got shape {x.shape}")
            x = _with_axes(x, 2, 0)
            rows.append(x if rowvar or x.shape[0] == 1 else x.T)
    return rows[0] if len(rows) == 1 else concat(rows, axis=0)


def _frequencies(weights: Any, n: int) -> Array | None:
    if weights is None:
        return None
    w = floating(weights)
    if w.shape != (n,):
        raise ValueError(f"cov: weights have shape {w.shape}, but there are {n} observations")
    return w


def cov(
    m: Any,
    y: Any = None,
    rowvar: bool = True,
    bias: bool = False,
    ddof: int | None = None,
    fweights: Any = None,
    aweights: Any = None,
) -> Array:
    """The covariance matrix of variables in rows (columns without `rowvar`), 0-d for one.

    Divided by the number of observations less `ddof`, which is 1, or 0 with `bias`. Raises
    ValueError for shapes.
    """
    x = _observations(m, y, rowvar)
    ddof = (0 if bias else 1) if ddof is None else operator.index(ddof)
    repeats, weights = (_frequencies(w, x.shape[1]) for w in (fweights, aweights))
    w = repeats if weights is None else weights if repeats is None else repeats * weights
    count: Any = x.shape[1] if w is None else sum_(w)
    less = ddof if weights is None else ddof * sum_(w * weights) / count
    x = x - (mean(x, axis=1, keepdims=True) if w is None else matmul(x, w[:, None]) / count)
    right = conj(x) if isdtype(x.dtype, "complex floating") else x
    left = count - less
    left = max(left, 0) if isinstance(left, int) else where(left > 0, left, 0.0)
    found = matmul(x if w is None else x * w, right.T) / left
    return reshape(found, ()) if found.shape == (1, 1) else found


def corrcoef(x: Any, y: Any = None, rowvar: bool = True) -> Array:
    """Correlation coefficients: `cov` over the products of standard deviations."""
    c = cov(x, y, rowvar)
    if not c.ndim:
        return c / c
    deviations = sqrt(
        real_part(diagonal(c)) if isdtype(c.dtype, "complex floating") else diagonal(c)
    )
    return c / deviations[:, None] / deviations[None, :]


# --- counting and tables ------------------------------------------------------------------


def _counts(places: Array, n: int, weights: Array) -> Array:
    """The sum of weights for each place below n."""
    start = node_of(zeros((n,), dtype=weights.dtype, device=places.device))
    return Array(g.scatter_add([start, node_of(weights), node_of(places)]))


def bincount(x: Any, weights: Any = None, minlength: int = 0) -> Array:
    """How often (with weights: how much of) each of 0, 1, … up to the maximum occurs.

    Computes the maximum. Raises TypeError unless x is integer, ValueError for negative elements and
    shapes.
    """
    x = as_array(x)
    if x.ndim != 1 or not isdtype(x.dtype, "integral"):
        raise TypeError(f"bincount: need one axis of integers, got {x.dtype} {x.shape}")
    if x.size and int(min_(x)) < 0:
        raise ValueError("bincount: elements must not be negative")
    n = max(int(max_(x)) + 1 if x.size else 0, operator.index(minlength))
    w = (
        asarray(np.ones(x.shape, np.int64), device=x.device)
        if weights is None
        else floating(weights)
    )
    if w.shape != x.shape:
        raise ValueError(f"bincount: weights have shape {w.shape}, elements {x.shape}")
    return _counts(x, n, w)


def _edges(x: Array, bins: Any, range_: tuple[float, float] | None) -> Array:
    """The edges of bins: as given, or equal steps over the range, that of the data by default."""
    if np.ndim(bins):
        edges = as_array(bins)
        if bool(max_(astype(edges[1:] < edges[:-1], int64))):
            raise ValueError("histogram: edges of bins must increase")
        return edges
    count = operator.index(bins)
    if count < 1:
        raise ValueError(f"histogram: there must be at least one bin, got {count}")
    if range_ is not None:
        first, last = (float(end) for end in range_)
    else:
        first, last = (float(min_(x)), float(max_(x))) if x.size else (0.0, 1.0)
    if not (first <= last and np.isfinite(first) and np.isfinite(last)):
        raise ValueError(
            f"histogram: the range from {first} to {last} is not finite and increasing"
        )
    if first == last:
        first, last = first - 0.5, last + 0.5
    return linspace(first, last, count + 1, dtype=float64, device=x.device)


def logspace(
    start: complex,
    stop: complex,
    num: int = 50,
    endpoint: bool = True,
    base: complex = 10.0,
    dtype: Any = None,
) -> Array:
    """`num` powers of `base` with exponents at equal distances from start to stop.

    Raises TypeError, ValueError as `linspace`.
    """
    out = base ** linspace(start, stop, num, endpoint=endpoint)
    return out if dtype is None else astype(out, dtype)


def histogram(
    a: Any,
    bins: Any = 10,
    range: tuple[float, float] | None = None,
    density: bool = False,
    weights: Any = None,
) -> tuple[Array, Array]:
    """(counts, edges): how many elements lie in each bin [edge, next edge), the last one closed.

    Computes edges, and for bins given by number the range of the data. Raises ValueError for edges
    that do not increase and ranges that are not finite.
    """
    x = ravel(real("histogram", a))
    edges = _edges(x, bins, range)
    n = edges.shape[0] - 1
    common = result_type(floating(x).dtype, floating(edges).dtype)
    x, ends = astype(x, common, copy=False), astype(edges, common, copy=False)
    place = searchsorted(ends, x, side="right")
    place = where(x == ends[-1], n, place)
    w = asarray(np.ones(x.shape, np.int64), device=x.device) if weights is None else ravel(weights)
    counts = _counts(where(isnan(x), 0, place), n + 2, w)[1:-1]
    if density:
        counts = floating(counts) / sum_(counts) / (edges[1:] - edges[:-1])
    return counts, edges


def interp(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None) -> Array:
    """The piecewise linear function through (xp, fp), xp increasing, at x.

    Outside it is `left` and `right`, the first and last of fp by default. NaN stays NaN. Raises
    ValueError for shapes.
    """
    x, xp, fp = floating(x), floating(xp), floating(fp)
    if xp.ndim != 1 or xp.shape != fp.shape or not xp.size:
        raise ValueError(f"interp: points must be two equal vectors, got {xp.shape} and {fp.shape}")
    dtype = result_type(x.dtype, xp.dtype)
    x, xp = astype(x, dtype, copy=False), astype(xp, dtype, copy=False)
    flat = ravel(x)
    place = searchsorted(xp, flat, side="right") - 1
    place = where(place < 0, 0, where(place > xp.size - 2, max(xp.size - 2, 0), place))
    after = where(place + 1 < xp.size, place + 1, place)
    x0, x1, y0, y1 = (take(p, i) for p in (xp, fp) for i in (place, after))
    found = (y1 - y0) / where(x1 == x0, 1.0, x1 - x0) * (flat - x0) + y0
    found = where(flat == x1, y1, found)
    found = where(flat < xp[0], fp[0] if left is None else left, found)
    found = where(flat > xp[-1], fp[-1] if right is None else right, found)
    return reshape(where(isnan(flat), flat, found), x.shape)


publish(globals())
