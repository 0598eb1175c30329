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
    "mod": "remainder",
    "floordiv": "floor_divide",
}
SAME = ("fmod", "mod", "floordiv")  # NumPy's results are the right ones
FORMAT = {"float32": (23, -126, 128), "float64": (52, -1022, 1024)}


def error_function(x: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """C's, number by number."""
    y = np.vectorize(math.erf, otypes=[np.float64])(x).astype(x.dtype)
    return y if out is None else np.copyto(out, y) or out


def numpy_function(name: str) -> Callable[..., np.ndarray]:
    """NumPy's function for an instruction."""
    if name == "erf":
        return error_function
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
        if name in SAME:
            high = numpy_function(name)(*arrays).astype(np.float64)
            return high, np.zeros_like(high)
        high = numpy_function(name)(*(a.astype(np.float64) for a in arrays))
    low = np.zeros_like(high)
    if arrays[0].dtype == np.float32:
        return high, low
    function = EXACT.get(name) or getattr(mp, name)
    finite = ~np.isnan(high) & np.all([np.isfinite(a) for a in arrays], axis=0)
    if name in ("atan2", "pow"):  # mpmath's zeros have no sign
        finite &= (arrays[0] != 0) & (arrays[1] != 0)
    with mp.workprec(150):
        for i in np.flatnonzero(finite & (high != 0)):
            value = function(*(mpf(float(a[i])) for a in arrays))
            if abs(value) < mpf(2) ** 1024 and math.isfinite(float(value)):
                high[i] = float(value)
                low[i] = float(value - mpf(float(high[i])))
    return high, low


def errors(name: str, y: np.ndarray, *arrays: np.ndarray) -> np.ndarray:
    """The errors of a function's results in units of the last place of what they should be, for
    `logaddexp` of the greatest of that and the arguments, since its terms may cancel; infinite
    where one of the two is NaN and the other is not, or signs differ."""
    high, low = precise(name, *arrays)
    digits, least, most = FORMAT[y.dtype.name]
    y = np.where(np.isnan(y), np.nan, y)  # none that signals
    got, want = y.astype(np.longdouble), high.astype(np.longdouble) + low
    size, limit = np.abs(high), np.ldexp(np.longdouble(1), most)
    if name == "logaddexp":
        size = np.maximum(size, np.maximum(*map(np.abs, arrays)))
    known = np.isfinite(size) & (size != 0)
    exponent = np.clip(np.frexp(np.where(known, size, 1.0))[1] - 1, least, most - 1)
    exponent = np.where(size == 0, least, exponent)
    with np.errstate(all="ignore"):
        got, want = np.clip(got, -limit, limit), np.clip(want, -limit, limit)
        found = np.abs(np.ldexp(got - want, digits - exponent))
    if name in SAME:
        found = np.where(got == want, 0, np.inf)
    alike = np.isnan(y) == np.isnan(high)
    if name != "logaddexp":
        alike &= np.isnan(y) | (np.signbit(y) == np.signbit(high))
    found = np.where(np.isnan(y) & np.isnan(high), 0, found)
    return np.where(alike, found, np.inf).astype(np.float64)
