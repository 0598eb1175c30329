"""Statistical functions: a chapter of the standard.

What enters: arrays. What leaves: arrays. It must not know how anything is computed.
"""

from typing import Any

from .._base.errors import publish
from ..lang import reductions
from ._rules import node_of
from .array import Array

__all__ = [
    "cumulative_prod",
    "cumulative_sum",
    "max",
    "mean",
    "min",
    "prod",
    "std",
    "sum",
    "var",
]

Axis = int | tuple[int, ...] | None


def cumulative_prod(
    x: Array, /, *, axis: int | None = None, dtype: Any = None, include_initial: bool = False
) -> Array:
    """Running products along an axis (None for the only one), in `dtype`.

    Integers and bool are multiplied in 64 bits by default. With `include_initial` a 1 comes first,
    and the axis is one longer. Raises TypeError for dtypes, ValueError without an axis for several,
    AxisError. Standard: statistical functions.
    """
    return Array(
        reductions.cumulative_prod(
            node_of(x, "cumulative_prod"), axis, dtype=dtype, include_initial=include_initial
        )
    )


def cumulative_sum(
    x: Array, /, *, axis: int | None = None, dtype: Any = None, include_initial: bool = False
) -> Array:
    """Running sums along an axis (None for the only one), in `dtype`.

    Integers and bool are summed in 64 bits by default. With `include_initial` a 0 comes first, and
    the axis is one longer. Raises TypeError for dtypes, ValueError without an axis for several,
    AxisError. Standard: statistical functions.
    """
    return Array(
        reductions.cumulative_sum(
            node_of(x, "cumulative_sum"), axis, dtype=dtype, include_initial=include_initial
        )
    )


def max(x: Array, /, *, axis: Axis = None, keepdims: bool = False) -> Array:
    """Maximum over axes, all by default, in the dtype of x; NaN if any element is.

    Raises TypeError for complex dtypes, ValueError where there is nothing to reduce, AxisError.
    Standard: statistical functions.
    """
    return Array(reductions.max(node_of(x, "max"), axis, keepdims=keepdims))


def mean(x: Array, /, *, axis: Axis = None, keepdims: bool = False) -> Array:
    """Arithmetic mean over axes, all by default; NaN of nothing.

    In the dtype of x, of integers and bool in float64. Raises AxisError, ValueError for repeated
    axes. Standard: statistical functions.
    """
    return Array(reductions.mean(node_of(x, "mean"), axis, keepdims=keepdims))


def min(x: Array, /, *, axis: Axis = None, keepdims: bool = False) -> Array:
    """Minimum over axes, all by default, in the dtype of x; NaN if any element is.

    Raises TypeError for complex dtypes, ValueError where there is nothing to reduce, AxisError.
    Standard: statistical functions.
    """
    return Array(reductions.min(node_of(x, "min"), axis, keepdims=keepdims))


def prod(x: Array, /, *, axis: Axis = None, dtype: Any = None, keepdims: bool = False) -> Array:
    """Product over axes, all by default, in `dtype`; 1 of nothing.

    Integers and bool are multiplied in 64 bits by default. Raises TypeError for dtypes, AxisError,
    ValueError for repeated axes. Standard: statistical functions.
    """
    return Array(reductions.prod(node_of(x, "prod"), axis, dtype=dtype, keepdims=keepdims))


def std(
    x: Array, /, *, axis: Axis = None, correction: float = 0.0, keepdims: bool = False
) -> Array:
    """Standard deviation over axes, all by default, dividing by the number less `correction`.

    Real; NaN where that is not positive. Raises AxisError, ValueError for repeated axes.
    Standard: statistical functions.
    """
    return Array(reductions.std(node_of(x, "std"), axis, correction=correction, keepdims=keepdims))


def sum(x: Array, /, *, axis: Axis = None, dtype: Any = None, keepdims: bool = False) -> Array:
    """Sum over axes, all by default, in `dtype`; 0 of nothing.

    Integers and bool are summed in 64 bits by default. Raises TypeError for dtypes, AxisError,
    ValueError for repeated axes. Standard: statistical functions.
    """
    return Array(reductions.sum(node_of(x, "sum"), axis, dtype=dtype, keepdims=keepdims))


def var(
    x: Array, /, *, axis: Axis = None, correction: float = 0.0, keepdims: bool = False
) -> Array:
    """Variance over axes, all by default, dividing by the number less `correction`.

    In two passes; real; NaN where the divisor is not positive. Raises AxisError, ValueError for
    repeated axes. Standard: statistical functions.
    """
    return Array(reductions.var(node_of(x, "var"), axis, correction=correction, keepdims=keepdims))


publish(globals())
