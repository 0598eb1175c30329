"""Reductions as users know them: axis None, an int or a tuple, `keepdims`, `dtype`.

Means, variances, running sums and differences among them. What enters: nodes and Python arguments.
What leaves: nodes over the rows of `ops/`, checked at once. It must not know faces: accumulation
dtypes are the standard's, another face passes `dtype`.
"""

import builtins
from collections.abc import Callable
from math import nan
from math import prod as product
from typing import Any

from .._base.dtypes import DType, canonical, float64, int64, kind, real_of, uint64
from .._base.shapes import integer, normalize_axes, normalize_axis
from ..ir.node import Node
from ..ops import g
from ._checks import as_dtype, full, kept, part, require, squares, truth, widened

Axis = int | tuple[int, ...] | None
Row = Callable[..., Node]


def accumulation_dtype(dtype: DType) -> DType:
    """What a dtype is summed in by default: integers and bool in 64 bits, others in themselves."""
    k = kind(dtype)
    return int64 if k in "bi" else uint64 if k == "u" else dtype


def _accumulated(name: str, x: Node, dtype: Any) -> Node:
    """x in the dtype it is summed in. Raises TypeError for bool and loss of imaginary parts."""
    wanted = accumulation_dtype(x.dtype) if dtype is None else canonical(dtype)
    if kind(wanted) == "b" or (kind(x.dtype) == "c" and kind(wanted) != "c"):
        raise TypeError(f"{name}: can't accumulate {x.dtype} in dtype {wanted}")
    return as_dtype(x, wanted)


def sum(x: Node, axis: Axis = None, *, dtype: Any = None, keepdims: bool = False) -> Node:
    """Sum; 0 of nothing. Raises TypeError for a dtype that can't hold it, AxisError, ValueError."""
    axes = normalize_axes(axis, x.ndim)
    return kept(g.sum(_accumulated("sum", x, dtype), axes), x, axes, keepdims)


def prod(x: Node, axis: Axis = None, *, dtype: Any = None, keepdims: bool = False) -> Node:
    """Product; 1 of nothing. Raises as `sum`."""
    axes = normalize_axes(axis, x.ndim)
    return kept(g.prod(_accumulated("prod", x, dtype), axes), x, axes, keepdims)


def max(x: Node, axis: Axis = None, *, keepdims: bool = False) -> Node:
    """Maximum; NaN if any is. Raises TypeError for complex, ValueError for nothing to reduce."""
    axes = normalize_axes(axis, x.ndim)
    return kept(g.max(require("max", x, "biuf"), axes), x, axes, keepdims)


def min(x: Node, axis: Axis = None, *, keepdims: bool = False) -> Node:
    """Minimum; NaN if any is. Raises as `max`."""
    axes = normalize_axes(axis, x.ndim)
    return kept(g.min(require("min", x, "biuf"), axes), x, axes, keepdims)


def all(x: Node, axis: Axis = None, *, keepdims: bool = False) -> Node:
    """Whether all elements are true, NaN among them; True of nothing."""
    axes = normalize_axes(axis, x.ndim)
    return kept(g.all(truth(x), axes), x, axes, keepdims)


def any(x: Node, axis: Axis = None, *, keepdims: bool = False) -> Node:
    """Whether any element is true, as NaN is; False of nothing."""
    axes = normalize_axes(axis, x.ndim)
    return kept(g.any(truth(x), axes), x, axes, keepdims)


def count_nonzero(x: Node, axis: Axis = None, *, keepdims: bool = False) -> Node:
    """Number of elements that are not zero, int64."""
    axes = normalize_axes(axis, x.ndim)
    return kept(g.sum(g.cast(truth(x), int64), axes), x, axes, keepdims)


def _place(name: str, x: Node, axis: int | None, keepdims: bool) -> Node:
    require(name, x, "biuf")
    row = getattr(g, name)
    if axis is None:
        out = row(g.reshape(x, (x.size,)), (0,))
        return g.reshape(out, (1,) * x.ndim) if keepdims else out
    axes = (normalize_axis(axis, x.ndim),)
    return kept(row(x, axes), x, axes, keepdims)


def argmax(x: Node, axis: int | None = None, *, keepdims: bool = False) -> Node:
    """Place of the first maximum, int64; NaN counts as greatest. Raises as `max`."""
    return _place("argmax", x, axis, keepdims)


def argmin(x: Node, axis: int | None = None, *, keepdims: bool = False) -> Node:
    """Place of the first minimum, int64; NaN counts as smallest. Raises as `max`."""
    return _place("argmin", x, axis, keepdims)


def _averaged(x: Node, dtype: Any) -> tuple[Node, DType]:
    """x in the dtype that its mean is computed in, and the dtype of the mean."""
    out = canonical(dtype) if dtype is not None else float64 if kind(x.dtype) in "biu" else x.dtype
    if kind(out) not in "fc" or (kind(x.dtype) == "c" and kind(out) != "c"):
        raise TypeError(f"can't average {x.dtype} in dtype {out}")
    return widened(as_dtype(x, out)), out


def _over(x: Node, divisor: float) -> Node:
    """x / divisor; complex parts apart, so that a NaN in one does not reach the other."""
    if kind(x.dtype) == "c":
        return g.complex(g.real(x) / divisor, g.imag(x) / divisor)
    return x / divisor


def _count(x: Node, axes: tuple[int, ...]) -> int:
    return product(x.shape[a] for a in axes)


def mean(x: Node, axis: Axis = None, *, dtype: Any = None, keepdims: bool = False) -> Node:
    """Arithmetic mean, of integers and booleans in float64; NaN of nothing."""
    axes = normalize_axes(axis, x.ndim)
    work, out = _averaged(x, dtype)
    total = _over(g.sum(work, axes), _count(x, axes))
    return kept(as_dtype(total, out), x, axes, keepdims)


def var(
    x: Node,
    axis: Axis = None,
    *,
    correction: float = 0.0,
    dtype: Any = None,
    keepdims: bool = False,
) -> Node:
    """Variance in two passes, real; NaN where no more than `correction` elements are reduced."""
    axes = normalize_axes(axis, x.ndim)
    work, out = _averaged(x, dtype)
    n = _count(x, axes)
    center = kept(_over(g.sum(work, axes), n), x, axes, True)
    degrees = n - float(correction)
    total = g.sum(squares(work - center), axes) / (degrees if degrees > 0 else nan)
    return kept(as_dtype(total, real_of(out)), x, axes, keepdims)


def std(
    x: Node,
    axis: Axis = None,
    *,
    correction: float = 0.0,
    dtype: Any = None,
    keepdims: bool = False,
) -> Node:
    """Standard deviation: the square root of `var`."""
    return g.sqrt(var(x, axis, correction=correction, dtype=dtype, keepdims=keepdims))


def _cumulative(
    name: str, row: Row, initial: int, x: Node, axis: int | None, dtype: Any, include_initial: bool
) -> Node:
    if axis is None and x.ndim != 1:
        raise ValueError(f"{name}: an axis is required for an array of {x.ndim} axes")
    place = normalize_axis(0 if axis is None else axis, x.ndim)
    out = row(_accumulated(name, x, dtype), place)
    if not include_initial:
        return out
    first = full(initial, tuple(1 if a == place else n for a, n in enumerate(x.shape)), out)
    return g.concat([first, out], place)


def cumulative_sum(
    x: Node, axis: int | None = None, *, dtype: Any = None, include_initial: bool = False
) -> Node:
    """Running sums along an axis (None: the only one), after a first 0 if asked for."""
    return _cumulative("cumulative_sum", g.cumsum, 0, x, axis, dtype, include_initial)


def cumulative_prod(
    x: Node, axis: int | None = None, *, dtype: Any = None, include_initial: bool = False
) -> Node:
    """Running products along an axis (None: the only one), after a first 1 if asked for."""
    return _cumulative("cumulative_prod", g.cumprod, 1, x, axis, dtype, include_initial)


def diff(
    x: Node, axis: int = -1, *, n: int = 1, prepend: Node | None = None, append: Node | None = None
) -> Node:
    """n-th differences along an axis; of booleans, whether neighbours differ.

    Raises TypeError and ValueError where x can't be joined with `prepend` or `append`, or n < 0.
    """
    n, place = integer(n, "diff: n"), normalize_axis(axis, x.ndim)
    if n < 0:
        raise ValueError(f"diff: n must not be negative, got {n}")
    pieces = [p for p in (prepend, x, append) if p is not None]
    for p in pieces:
        if p.ndim != x.ndim:
            raise ValueError(f"diff: can't join shapes {p.shape} and {x.shape} along axis {place}")
    out = pieces[0] if len(pieces) == 1 else g.concat(pieces, place)
    step = g.not_equal if kind(x.dtype) == "b" else g.subtract
    for _ in range(builtins.min(n, out.shape[place])):
        size = out.shape[place] - 1
        out = step(part(out, place, 1, size), part(out, place, 0, size))
    return out
