"""Medians and quantiles, with NumPy's methods, by sorting lines.

What enters: arrays, and quantiles as numbers (these are read when called). What leaves: arrays.
Places are computed by one set of formulas, on the host for lines of one length, as arrays where NaN
is skipped.
It must not know how sorting is done.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from .._base.dtypes import DType, float64, int64, isdtype
from .._base.errors import publish
from ..array_api import elementwise
from ..array_api.array import Array
from ..array_api.creation import asarray, full
from ..array_api.data_types import astype
from ..array_api.elementwise import isnan
from ..array_api.indexing import take, take_along_axis
from ..array_api.manipulation import moveaxis, reshape
from ..array_api.searching import where
from ..array_api.sorting import sort
from ..array_api.statistical import sum as sum_
from ._arrays import Axis, floating, kept, lines, real

__all__ = ["median", "nanmedian", "nanpercentile", "nanquantile", "percentile", "quantile"]

# R. Hyndman and Y. Fan, Sample quantiles in statistical packages (1996): where quantile q of n
# sorted numbers stands, with the functions of a module `m` (NumPy, or ours).
Place = Callable[[Any, Any, Any], Any]


def _between(alpha: float, beta: float) -> Place:
    return lambda m, n, q: n * q + (alpha + q * (1 - alpha - beta)) - 1


# Methods that give an element of the data as it is, and those that interpolate.
_ELEMENTS: dict[str, Place] = {
    "lower": lambda m, n, q: m.floor((n - 1) * q),
    "higher": lambda m, n, q: m.ceil((n - 1) * q),
    "nearest": lambda m, n, q: m.round((n - 1) * q),
    "inverted_cdf": lambda m, n, q: m.ceil(n * q - 1),
}
_BETWEEN: dict[str, Place] = {
    "linear": lambda m, n, q: (n - 1) * q,
    "midpoint": lambda m, n, q: (m.floor((n - 1) * q) + m.ceil((n - 1) * q)) * 0.5,
    "interpolated_inverted_cdf": _between(0, 1),
    "hazen": _between(0.5, 0.5),
    "weibull": _between(0, 0),
    "median_unbiased": _between(1 / 3, 1 / 3),
    "normal_unbiased": _between(3 / 8, 3 / 8),
}


def _checked_method(method: str) -> None:
    if method not in _ELEMENTS and method not in _BETWEEN:
        names = ", ".join((*_BETWEEN, *_ELEMENTS))
        raise ValueError(f"quantile: unknown method {method!r}; the methods are {names}")


def _checked_q(q: Any) -> np.ndarray[Any, Any]:
    """Quantiles on the host, floating-point."""
    out = np.asarray(q)
    out = out if out.dtype.kind == "f" else out.astype(float64)
    if not np.all((out >= 0) & (out <= 1)):
        raise ValueError(f"quantiles must be from 0 to 1 (percentiles to 100), got {q!r}")
    return out


def _elements(ordered: Array, places: Any) -> Array:
    """Elements at places along the last axis: the same for all lines, or an array of their own."""
    if isinstance(places, Array):
        return take_along_axis(ordered, astype(places, int64), axis=-1)
    return take(ordered, asarray(places.astype(np.int64), device=ordered.device), axis=-1)


def _interpolated(low: Array, high: Array, part: Array) -> Array:
    """Between two elements; from the nearer one, and exactly it where both are equal."""
    apart = high - low
    between = where(part < 0.5, low + apart * part, high - apart * (1 - part))
    return where(low == high, low + 0 * part, between)


def _sorted_lines(x: Array, axis: Axis, skip: bool) -> tuple[Array, Any]:
    """Sorted lines, NaN last, and how many numbers each has: an int, or an array to skip NaN."""
    ordered = sort(lines(x, axis), axis=-1)
    if skip and isdtype(x.dtype, "real floating"):
        return ordered, sum_(astype(~isnan(ordered), float64), axis=-1, keepdims=True)
    return ordered, ordered.shape[-1]


def _spoiled(found: Array, ordered: Array) -> Array:
    """NaN where a line has one."""
    if not isdtype(ordered.dtype, "real floating"):
        return found
    return where(isnan(ordered[..., -1:]), np.nan, found)


def _located(ordered: Array, count: Any, q: Any, method: str, dtype: DType | None) -> Array:
    """The quantiles of each line, along the last axis; interpolated in `dtype`, None for q's."""
    module: Any = elementwise if isinstance(count, Array) else np
    if isinstance(count, Array):
        q = asarray(q, device=ordered.device)
    rule = _ELEMENTS.get(method) or _BETWEEN[method]
    last = count - 1
    place = module.clip(
        rule(module, count, q), 0, module.maximum(last, 0.0) if isinstance(last, Array) else last
    )
    low = module.floor(place)
    if method in _ELEMENTS:
        return _elements(ordered, low)
    high = module.minimum(low + 1, module.maximum(last, 0.0))
    part = asarray(place - low, dtype=dtype, device=ordered.device)
    return _interpolated(_elements(ordered, low), _elements(ordered, high), part)


def _quantile(x: Any, q: Any, axis: Axis, method: str, keepdims: bool, skip: bool) -> Array:
    _checked_method(method)
    x = real("quantile", x)
    x = x if method in _ELEMENTS else floating(x)
    wanted = _checked_q(q)
    # as elsewhere, a Python number has no dtype of its own
    weak = x.dtype if isinstance(q, (int, float)) else None
    ordered, count = _sorted_lines(x, axis, skip)
    if not ordered.shape[-1]:
        found = full(
            (*ordered.shape[:-1], wanted.size), np.nan, dtype=floating(x).dtype, device=x.device
        )
    else:
        found = _located(ordered, count, wanted.reshape(-1), method, weak)
        found = found if skip else _spoiled(found, ordered)
    out = reshape(moveaxis(found, -1, 0), (*wanted.shape, *found.shape[:-1]))
    return kept(out, x, axis, keepdims)


def quantile(
    x: Any, q: Any, axis: Axis = None, *, method: str = "linear", keepdims: bool = False
) -> Array:
    """The numbers below which a part q of the data lies, axes of q first. NaN where a line has NaN.

    `q` is a number or an array of numbers from 0 to 1, read at once. Methods as NumPy's: linear,
    midpoint, hazen, weibull, median_unbiased, normal_unbiased and interpolated_inverted_cdf
    interpolate; lower, higher, nearest and inverted_cdf give elements. Raises TypeError for complex
    dtypes, ValueError for an unknown method and for q outside [0, 1].
    """
    return _quantile(x, q, axis, method, keepdims, skip=False)


def nanquantile(
    x: Any, q: Any, axis: Axis = None, *, method: str = "linear", keepdims: bool = False
) -> Array:
    """`quantile` of what is not NaN; NaN of nothing."""
    return _quantile(x, q, axis, method, keepdims, skip=True)


def _hundredth(q: Any) -> Any:
    return q / 100 if isinstance(q, (int, float)) else np.asarray(q) / 100


def percentile(
    x: Any, q: Any, axis: Axis = None, *, method: str = "linear", keepdims: bool = False
) -> Array:
    """`quantile` with q in hundredths, 0 to 100; its dtypes and errors."""
    return _quantile(x, _hundredth(q), axis, method, keepdims, skip=False)


def nanpercentile(
    x: Any, q: Any, axis: Axis = None, *, method: str = "linear", keepdims: bool = False
) -> Array:
    """`nanquantile` with q in hundredths, 0 to 100; its dtypes and errors."""
    return _quantile(x, _hundredth(q), axis, method, keepdims, skip=True)


def _median(x: Any, axis: Axis, keepdims: bool, skip: bool) -> Array:
    x = floating(real("median", x))
    ordered, count = _sorted_lines(x, axis, skip)
    if not ordered.shape[-1]:
        found = full((*ordered.shape[:-1], 1), np.nan, dtype=x.dtype, device=x.device)
    else:
        module: Any = elementwise if isinstance(count, Array) else np
        low = module.floor(module.maximum(count - 1, 0.0) / 2)
        high = module.minimum(module.floor(count / 2), ordered.shape[-1] - 1.0)
        if not isinstance(count, Array):
            low, high = np.asarray([low]), np.asarray([high])
        a, b = _elements(ordered, low), _elements(ordered, high)
        found = where(a == b, a, (a + b) / 2)
        found = found if skip else _spoiled(found, ordered)
    return kept(reshape(found, found.shape[:-1]), x, axis, keepdims)


def median(x: Any, axis: Axis = None, *, keepdims: bool = False) -> Array:
    """The middle number, or the mean of the two in the middle; NaN for lines with NaN, or empty.

    Integers give float64. Raises TypeError for complex dtypes, AxisError.
    """
    return _median(x, axis, keepdims, skip=False)


def nanmedian(x: Any, axis: Axis = None, *, keepdims: bool = False) -> Array:
    """`median` of the elements that are not NaN; NaN where none is left."""
    return _median(x, axis, keepdims, skip=True)


publish(globals())
