"""Where the standard differs from NumPy: the one table. Each row says for which elements, and what
it is there.

An oracle's result is NumPy's with these rows applied in order.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

Arrays = tuple[Any, ...]


class Difference(NamedTuple):
    """Where `where(*args)` holds, for dtypes of these kinds, the result is `value(*args)`."""

    name: str
    kinds: str
    where: Callable[..., Any]
    value: Callable[..., Any]
    why: str


def _complex(real: Any, imag: Any) -> Any:
    """Of two parts, as they are."""
    out = np.empty(real.shape, np.result_type(real, np.complex64))
    out.real, out.imag = real, imag
    return out


DIFFERENCES = (
    Difference(
        "floor_divide",
        "f",
        lambda x, y: np.isinf(x) | np.isinf(y),
        lambda x, y: np.divide(x, y),
        "special cases of floor_divide: with an infinity it is the plain quotient, 1 // -inf is -0",
    ),
    Difference(
        "expm1",
        "c",
        lambda x: (x.real == -np.inf) & ~np.isfinite(x.imag),
        lambda x: np.full_like(x, complex(-1, 0)),
        "special cases of expm1: -1 + 0j for -inf with an imaginary part that is not finite",
    ),
    Difference(
        "expm1",
        "c",
        lambda x: (x.real == np.inf) & ~np.isfinite(x.imag),
        lambda x: np.full_like(x, complex(np.inf, np.nan)),
        "special cases of expm1: inf + nan j for +inf with an imaginary part that is not finite",
    ),
    Difference(
        "expm1",
        "c",
        lambda x: x.imag == 0,
        lambda x: _complex(np.expm1(x.real), x.imag),
        "special cases of expm1: an imaginary part of 0 stays 0, for an infinite result too",
    ),
)


def standardised(name: str, args: Arrays, result: Any) -> Any:
    """NumPy's result with the standard's values where they differ."""
    kinds = {x.dtype.kind for x in args if isinstance(x, np.ndarray)}
    for row in DIFFERENCES:
        if row.name == name and kinds <= set(row.kinds):
            with np.errstate(all="ignore"):
                result = np.where(row.where(*args), row.value(*args), result).astype(result.dtype)
    return result


# Where array-api-strict, the second oracle, answers otherwise than the standard or than NumPy.
STRICT = {
    ("main", "sign"): "NaN for complex numbers with an infinite part",
    ("main", "floor_divide"): "NumPy's answers with infinities",
    ("main", "isin"): "invert=True over nothing is False, not True",
    ("linalg", "matrix_rank"): "refuses a matrix of size 0",
}
