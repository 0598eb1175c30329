"""What the functions are compared with: NumPy in float64 for float32, mpmath for float64."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from mpmath import mp, mpf

NUMPY = {
    "pow": "power",
    **{name: "arc" + name[1:] for name in ("asin", "acos", "atan", "asinh", "acosh", "atanh")},
    "atan2": "arctan2",
}
FORMAT = {"float32": (23, -126, 128), "float64": (52, -1022, 1024)}


def numpy_function(name: str) -> Callable[..., np.ndarray]:
    """NumPy's function for an instruction."""
    function: Callable[..., np.ndarray] = getattr(np, NUMPY.get(name, name))
    return function


EXACT: dict[str, Callable[..., Any]] = {
    "log2": lambda x: mp.log(x, 2),
    "pow": lambda x, y: mp.power(x, y) if x >= 0 else mp.power(-x, y) * (-1) ** (int(y) % 2),
    "hypot": lambda x, y: mp.sqrt(x * x + y * y),
    "logaddexp": lambda x, y: max(x, y) + mp.log1p(mp.exp(-abs(x - y))),
}


def precise(name: str, *arrays: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The function's values as sums of two float64; where they are not finite, NumPy's."""
    with np.errstate(all="ignore"):
        high = numpy_function(name)(*(a.astype(np.float64) for a in arrays))
    low = np.zeros_like(high)
    if arrays[0].dtype == np.float32:
        return high, low
    function = EXACT.get(name) or getattr(mp, name)
    finite = ~np.isnan(high) & np.all([np.isfinite(a) for a in arrays], axis=0)
    with mp.workprec(150):
        for i in np.flatnonzero(finite & (high != 0)):
            try:
                value = function(*(mpf(float(a[i])) for a in arrays))
            except ZeroDivisionError:  # as 0 to a negative power
                continue
            if abs(value) < mpf(2) ** 1024 and math.isfinite(float(value)):
                high[i] = float(value)
                low[i] = float(value - mpf(float(high[i])))
    return high, low


def errors(y: np.ndarray, high: np.ndarray, low: np.ndarray) -> np.ndarray:
    """The errors of y in units of the last place of what it should be; infinite where one of the
    two is NaN and the other is not, or the signs of zeros differ."""
    digits, least, most = FORMAT[y.dtype.name]
    y = np.where(np.isnan(y), np.nan, y)  # none that signals
    got, want = y.astype(np.longdouble), high.astype(np.longdouble) + low
    limit = np.ldexp(np.longdouble(1), most)
    exponent = np.maximum(
        np.frexp(np.where(np.isfinite(high) & (high != 0), high, 1.0))[1] - 1, least
    )
    exponent = np.where(high == 0, least, np.minimum(exponent, most - 1))
    with np.errstate(all="ignore"):
        got, want = np.clip(got, -limit, limit), np.clip(want, -limit, limit)
        found = np.abs(np.ldexp(got - want, digits - exponent))
    alike = np.isnan(y) == np.isnan(high)
    alike &= np.isnan(y) | (np.signbit(y) == np.signbit(high))
    found = np.where(np.isnan(y) & np.isnan(high), 0, found)
    return np.where(alike, found, np.inf).astype(np.float64)
