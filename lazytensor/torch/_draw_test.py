"""Tensors of random numbers to test with: `torch.testing.make_tensor`.

What enters: sizes, dtypes, bounds. What leaves: tensors, drawn by the default generator. It must
not know how numbers are drawn.
"""

import math
import warnings
from collections.abc import Sequence
from typing import Any

from ._dispatch import FUNCTIONS
from ._dtypes import bool_, dtype, finfo, iinfo, int64

__all__ = ["make_tensor"]


def _range(of: dtype) -> tuple[float, float, float, float]:
    """The least number of a dtype, what all are below, and the bounds without any given."""
    if of is bool_:
        return 0, 2, 0, 2
    if of._rank == 1:
        info = iinfo(of)
        return info.min, info.max + (of is not int64), -9, 10
    limits = finfo(of)
    return limits.min, limits.max, -9, 9


def _bounds(low: float | None, high: float | None, of: dtype) -> tuple[Any, Any]:
    """Bounds inside a dtype's range. Raises ValueError for those that are none."""
    least, beyond, default_low, default_high = _range(of)
    low = default_low if low is None else low
    high = default_high if high is None else high
    if any(isinstance(v, float) and math.isnan(v) for v in (low, high)):
        raise ValueError(f"`low` and `high` cannot be NaN, but got {low=} and {high=}")
    if low == high and of._rank > 1:
        warnings.warn(
            "Passing `low==high` to `torch.testing.make_tensor` for floating or complex types is "
            "deprecated since 2.1 and will be removed in 2.3. Use `torch.full(...)` instead.",
            FutureWarning,
            stacklevel=4,
        )
    elif low >= high:
        raise ValueError(f"`low` must be less than `high`, but got {low} >= {high}")
    elif high < least or low >= beyond:
        raise ValueError(
            f"The value interval specified by `low` and `high` is [{low}, {high}), but {of} only "
            f"supports [{least}, {beyond})"
        )
    low, high = (min(max(v, least), beyond) for v in (low, high))
    return (low, high) if of._rank > 1 else (math.ceil(low), math.ceil(high))


def _uniform(x: Any, low: float, high: float) -> None:
    """Numbers between bounds, which may be further apart than the dtype's greatest number."""
    if high - low >= finfo(x.dtype).max:
        x.uniform_(low / 2, high / 2).mul_(2)
    else:
        x.uniform_(low, high)


def _drawn(shape: Any, of: dtype, device: Any, low: Any, high: Any) -> Any:
    low, high = _bounds(low, high, of)
    if of._rank < 2:
        return FUNCTIONS["randint"](low, high, shape, device=device, dtype=of)
    out = FUNCTIONS["empty"](shape, device=device, dtype=of)
    _uniform(FUNCTIONS["view_as_real"](out) if of.is_complex else out, low, high)
    return out


def make_tensor(
    *shape: Any,
    dtype: dtype,
    device: Any,
    low: float | None = None,
    high: float | None = None,
    requires_grad: bool = False,
    noncontiguous: bool = False,
    exclude_zero: bool = False,
    memory_format: Any = None,
) -> Any:
    """Uniform numbers of a size and dtype: by default from -9 to 9, from 0 on where none is below.

    Raises ValueError for bounds and for options that exclude one another.
    """
    sizes = tuple(shape[0]) if len(shape) == 1 and isinstance(shape[0], Sequence) else shape
    if noncontiguous and memory_format is not None:
        raise ValueError(
            "The parameters `noncontiguous` and `memory_format` are mutually exclusive, but got "
            f"{noncontiguous=} and {memory_format=}"
        )
    if requires_grad and dtype._rank < 2:
        raise ValueError(
            "`requires_grad=True` is not supported for boolean and integral dtypes, but got "
            f"{dtype=}"
        )
    apart = noncontiguous and math.prod(sizes) > 1
    wide = (*sizes[:-1], 2 * sizes[-1]) if apart else sizes
    out = _drawn(wide, dtype, device, low, high)
    if apart:
        out = out[..., 1::2]
    elif memory_format is not None:
        out = out.clone(memory_format=memory_format)
    if exclude_zero:
        out[out == 0] = 1 if dtype._rank < 2 else finfo(dtype).tiny
    if dtype._rank > 1:
        out.requires_grad = requires_grad
    return out
