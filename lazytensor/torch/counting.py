"""Counts of elements: in bins, by value.

What enters: tensors, edges, ranges. What leaves: tensors. It must not know how anything is
computed.
"""

from collections.abc import Sequence
from math import inf, isfinite
from typing import Any

import numpy as np

from ..lang import order
from . import _dtypes, return_types
from ._calls import refuse
from ._dispatch import FUNCTIONS, need_tensor, op
from ._host import placed, value
from ._record import cast
from .create import from_array
from .tensor import Tensor, wrap

Array = np.ndarray[Any, Any]

# --- by value -------------------------------------------------------------------------------------


@op()
def bincount(input: Tensor, weights: Tensor | None = None, minlength: int = 0) -> Tensor:
    """How often 0, 1, … occur in a vector, or the sums of their weights. Raises RuntimeError."""
    x = need_tensor("bincount", input)
    if minlength < 0:
        raise RuntimeError("minlength should be >= 0")
    refuse(x, "bincount_cpu", "023")
    data = np.asarray(value(x._read()))
    if data.ndim != 1 or (data.size and data.min() < 0):
        raise RuntimeError("bincount only supports 1-d non-negative integral inputs.")
    if weights is not None and weights._node.shape != data.shape:
        raise RuntimeError("weights should be 1-d and have the same length as input")
    size = max(minlength, int(data.max()) + 1 if data.size else 0)
    if weights is None:
        return wrap(order.bincount(x._read(), size))
    of = weights.dtype if weights.dtype is _dtypes.float32 else _dtypes.float64
    return wrap(order.bincount(x._read(), size, cast(weights._read(), of)))


# --- in bins --------------------------------------------------------------------------------------



def _outer(data: Array, low: float, high: float) -> tuple[float, float]:
    """The range, by default that of the data; a point is widened to both sides."""
    if low == high and data.size:
        low, high = float(data.min()), float(data.max())
    if low == high:
        low, high = low - 1, high + 1
    return low, high


def _number(x: float) -> str:
    return f"{x:g}" if x == x else "-nan"


@op(out=True)
def histc(input: Tensor, bins: int = 100, min: float = 0, max: float = 0) -> Tensor:
    """Counts, in the tensor's dtype, in equal intervals of a range. Raises RuntimeError."""
    x = need_tensor("histc", input)
    for kernel, ranks in (("linspace_cpu", "0"), ("aminmax_cpu", "3"), ("histogram_cpu", "1")):
        refuse(x, kernel, ranks)
    if bins < 1:
        text = f"bins must be > 0, but got {bins} for dimension 0"
        raise RuntimeError(f"torch.histogram(): {text}")
    low, high = float(min), float(max)
    if low == high:
        low, high = _outer(np.asarray(value(x._read())), low, high)
    if not (isfinite(low) and isfinite(high)):
        raise RuntimeError(
            f"torch.histc: range of [{_number(low)}, {_number(high)}] is not finite"
        )
    if low > high:
        raise RuntimeError("torch.histc: max must be larger than min")
    return wrap(order.histc(x._read(), bins, low, high))


def _edges(x: Tensor, bins: int, limits: Sequence[float] | None, at: int, data: Array) -> Array:
    """Equal intervals of a range, by default that of the data."""
    if bins < 1:
        text = f"bins must be > 0, but got {bins} for dimension {at}"
        raise RuntimeError(f"torch.histogram(): {text}")
    low, high = (inf, -inf) if limits is None else limits
    if limits is None:
        low, high = (float(data.min()), float(data.max())) if data.size else (0.0, 0.0)
    if not (isfinite(low) and isfinite(high)):
        raise RuntimeError(
            f"torch.histogramdd: dimension {at}'s range [{_number(low)}, {_number(high)}] is not "
            "finite"
        )
    if low > high:
        raise RuntimeError(
            f"torch.histogramdd: min should not exceed max, but got min {low:g} max {high:g} for "
            f"dimension {at}"
        )
    if low == high:
        low, high = low - 0.5, high + 0.5
    made = FUNCTIONS["linspace"](low, high, bins + 1, dtype=x.dtype, device="cpu")
    return np.asarray(value(made._read()))


def _given(edges: Tensor) -> Array:
    data = np.asarray(value(edges._read()))
    if data.ndim != 1 or not data.size:
        raise RuntimeError("torch.histogramdd(): bins tensor should have one dimension")
    return data


def _counted(columns: Array, edges: Sequence[Array], weight: Array | None, of: Any) -> Array:
    """Sums of weights, or counts, in boxes between edges, the last interval of each axis closed."""
    inside = np.ones(len(columns), bool)
    places = []
    for column, line in zip(columns.T, edges, strict=True):
        place = np.searchsorted(line, column, "right") - 1
        place[column == line[-1]] = len(line) - 2
        inside &= (place >= 0) & (place < len(line) - 1)
        places.append(place)
    shape = tuple(len(line) - 1 for line in edges)
    out = np.zeros(shape, of)
    kept = tuple(p[inside] for p in places)
    if weight is None:
        flat = np.ravel_multi_index(kept, shape)
        return np.bincount(flat, minlength=out.size).reshape(shape).astype(of)
    np.add.at(out, kept, weight[inside])
    return out


def _density(counts: Array, edges: Sequence[Array]) -> Array:
    out = counts / counts.sum()
    for a, line in enumerate(edges):
        widths = np.diff(line)
        out = out / widths.reshape(tuple(-1 if b == a else 1 for b in range(out.ndim)))
    return np.asarray(out, counts.dtype)


def _weighted(columns: Array, weight: Any, x: Tensor) -> Array | None:
    if weight is None:
        return None
    if weight.dtype is not x.dtype:
        raise RuntimeError(
            "torch.histogramdd: if weight tensor is provided, input tensor and weight tensor should"
            f" have the same dtype, but got input(float), and weight({weight.dtype})"
        )
    data = np.asarray(value(weight._read()))
    return data.reshape(-1)


def _named(
    x: Tensor, columns: Array, edges: list[Array], weight: Any, density: bool
) -> tuple[Tensor, list[Tensor]]:
    found = _counted(columns, edges, _weighted(columns, weight, x), x.dtype.numpy)
    if density:
        with np.errstate(all="ignore"):
            found = _density(found, edges)
    device = x._node.device
    return wrap(placed(found, device)), [from_array(e, None, x.device) for e in edges]


@op(out=True)
def histogram(
    input: Tensor, bins: Any, *, range: Any = None, weight: Tensor | None = None,
    density: bool = False,
) -> Any:  # fmt: skip
    """`(hist, bin_edges)`: counts, sums of weights or densities in a number of equal intervals or
    between given edges. Raises RuntimeError in PyTorch's words.
    """
    x = need_tensor("histogram", input)
    refuse(x, "histogramdd", "013")
    data = np.asarray(value(x._read())).reshape(-1, 1)
    if weight is not None and weight._node.shape != x._node.shape:
        raise RuntimeError(
            "torch.histogramdd: if weight tensor is provided it should have the same shape as the "
            "input tensor excluding its innermost dimension, but got input with shape "
            f"{list(data.shape)} and weight with shape {list(weight._node.shape)}"
        )
    edges = _given(bins) if isinstance(bins, Tensor) else _edges(x, bins, range, 0, data)
    found, made = _named(x, data, [edges], weight, density)
    return return_types.histogram((found, made[0]))


@op()
def histogramdd(
    input: Tensor, bins: Any, range: Any = None, weight: Tensor | None = None,
    density: bool = False,
) -> Any:  # fmt: skip
    """`(hist, bin_edges)`: as `histogram`, over points of several coordinates, the last axis."""
    x = need_tensor("histogramdd", input)
    refuse(x, "histogramdd", "013")
    if x.ndim < 2:
        raise RuntimeError(
            "torch.histogramdd: input tensor should have at least 2 dimensions, but got "
            f"{x.ndim}"
        )
    size = x._node.shape[-1]
    data = np.asarray(value(x._read())).reshape(-1, size)
    given = list(bins) if isinstance(bins, tuple | list) else [bins] * size
    if len(given) != size:
        raise RuntimeError(
            "histogramdd: The size of bins must be equal to the innermost dimension of the "
            "input."
        )
    limits = [None] * size if range is None else list(zip(range[::2], range[1::2]))
    edges = [
        _given(b) if isinstance(b, Tensor) else _edges(x, b, limits[i], i, data[:, i])
        for i, b in enumerate(given)
    ]
    found, made = _named(x, data, edges, weight, density)
    return return_types.histogramdd((found, tuple(made)))
