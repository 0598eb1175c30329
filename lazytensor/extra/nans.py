"""Reductions that skip NaN, with NumPy's names.

What enters: arrays. What leaves: arrays. Nothing is known of the data when these are called, so
lines of nothing but NaN give NaN (`nanargmax`, `nanargmin`: -1) without a warning or an error.
It must not know how anything is computed.
"""

from collections.abc import Callable
from math import inf
from typing import Any

import numpy as np

from .._base.dtypes import isdtype
from .._base.errors import publish
from ..array_api.array import Array
from ..array_api.data_types import astype
from ..array_api.elementwise import conj, isnan, multiply, sqrt
from ..array_api.elementwise import real as real_part
from ..array_api.manipulation import reshape
from ..array_api.searching import argmax, argmin, where
from ..array_api.statistical import cumulative_prod, cumulative_sum, prod
from ..array_api.statistical import max as max_
from ..array_api.statistical import min as min_
from ..array_api.statistical import sum as sum_
from ..array_api.utility import all as all_
from ._arrays import Axis, as_array, floating, real

__all__ = [
    "nanargmax",
    "nanargmin",
    "nancumprod",
    "nancumsum",
    "nanmax",
    "nanmean",
    "nanmin",
    "nanprod",
    "nanstd",
    "nansum",
    "nanvar",
]


def _inexact(x: Array) -> bool:
    return isdtype(x.dtype, ("real floating", "complex floating"))


def _filled(x: Any, value: float) -> Array:
    """The array with `value` in place of NaN."""
    x = as_array(x)
    return where(isnan(x), value, x) if _inexact(x) else x


def nansum(x: Any, axis: Axis = None, dtype: Any = None, *, keepdims: bool = False) -> Array:
    """The sum, over axes, of the elements that are not NaN; of nothing 0."""
    return sum_(_filled(x, 0), axis=axis, dtype=dtype, keepdims=keepdims)


def nanprod(x: Any, axis: Axis = None, dtype: Any = None, *, keepdims: bool = False) -> Array:
    """Product of what is not NaN; of nothing 1."""
    return prod(_filled(x, 1), axis=axis, dtype=dtype, keepdims=keepdims)


def _flat(x: Array, axis: int | None) -> tuple[Array, int]:
    return (reshape(x, (-1,)), 0) if axis is None else (x, axis)


def nancumsum(x: Any, axis: int | None = None, dtype: Any = None) -> Array:
    """Running sums that take NaN as 0; None: of the flattened array."""
    flat, axis = _flat(_filled(x, 0), axis)
    return cumulative_sum(flat, axis=axis, dtype=dtype)


def nancumprod(x: Any, axis: int | None = None, dtype: Any = None) -> Array:
    """Running products that take NaN as 1; None: of the flattened array."""
    flat, axis = _flat(_filled(x, 1), axis)
    return cumulative_prod(flat, axis=axis, dtype=dtype)


def _extremum(
    name: str, reduce: Callable[..., Array], worst: float, x: Any, axis: Axis, keepdims: bool
) -> Array:
    x = real(name, x)
    if not _inexact(x):
        return reduce(x, axis=axis, keepdims=keepdims)
    found = reduce(_filled(x, worst), axis=axis, keepdims=keepdims)
    return where(all_(isnan(x), axis=axis, keepdims=keepdims), np.nan, found)


def nanmax(x: Any, axis: Axis = None, *, keepdims: bool = False) -> Array:
    """Maximum of what is not NaN. Raises TypeError for complex dtypes."""
    return _extremum("nanmax", max_, -inf, x, axis, keepdims)


def nanmin(x: Any, axis: Axis = None, *, keepdims: bool = False) -> Array:
    """Minimum of what is not NaN. Raises TypeError for complex dtypes."""
    return _extremum("nanmin", min_, inf, x, axis, keepdims)


def _place(
    name: str, find: Callable[..., Array], worst: float, x: Any, axis: int | None, keepdims: bool
) -> Array:
    x = real(name, x)
    if not _inexact(x):
        return find(x, axis=axis, keepdims=keepdims)
    found = find(_filled(x, worst), axis=axis, keepdims=keepdims)
    return where(all_(isnan(x), axis=axis, keepdims=keepdims), -1, found)


def nanargmax(x: Any, axis: int | None = None, *, keepdims: bool = False) -> Array:
    """Place of the maximum of what is not NaN; -1 if all is. Raises TypeError for complex."""
    return _place("nanargmax", argmax, -inf, x, axis, keepdims)


def nanargmin(x: Any, axis: int | None = None, *, keepdims: bool = False) -> Array:
    """Place of the minimum of what is not NaN; -1 if all is. Raises TypeError for complex."""
    return _place("nanargmin", argmin, inf, x, axis, keepdims)


def _count(x: Array, axis: Axis, keepdims: bool, dtype: Any) -> Array:
    """How many are not NaN, as a real number."""
    return sum_(astype(~isnan(x), dtype), axis=axis, keepdims=keepdims)


def _real_dtype(x: Array) -> Any:
    return real_part(x).dtype if isdtype(x.dtype, "complex floating") else x.dtype


def nanmean(x: Any, axis: Axis = None, dtype: Any = None, *, keepdims: bool = False) -> Array:
    """Mean of what is not NaN; of nothing NaN. Integers are averaged in float64."""
    x = floating(x) if dtype is None else astype(as_array(x), dtype)
    return sum_(_filled(x, 0), axis=axis, keepdims=keepdims) / _count(
        x, axis, keepdims, _real_dtype(x)
    )


def nanvar(
    x: Any, axis: Axis = None, dtype: Any = None, ddof: float = 0, *, keepdims: bool = False
) -> Array:
    """Variance of what is not NaN, with `count - ddof`; NaN where that is not positive."""
    x = floating(x) if dtype is None else astype(as_array(x), dtype)
    apart = _filled(x - nanmean(x, axis, keepdims=True), 0)
    complex_ = isdtype(x.dtype, "complex floating")
    squares = real_part(multiply(apart, conj(apart))) if complex_ else apart * apart
    left = _count(x, axis, keepdims, _real_dtype(x)) - ddof
    total = sum_(squares, axis=axis, keepdims=keepdims)
    return where(left > 0, total / where(left > 0, left, 1), np.nan)


def nanstd(
    x: Any, axis: Axis = None, dtype: Any = None, ddof: float = 0, *, keepdims: bool = False
) -> Array:
    """Standard deviation of what is not NaN: the root of `nanvar`."""
    return sqrt(nanvar(x, axis, dtype, ddof, keepdims=keepdims))


publish(globals())
