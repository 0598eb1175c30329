"""Pooling, channels first, as PyTorch defines it.

What enters: nodes (examples, channels, …) or without examples, and Python arguments. What leaves:
nodes over the rows of `ops/`, with int64 places where asked for, checked at once with PyTorch's
texts. It must not know faces.
"""

from collections.abc import Sequence
from math import prod
from typing import Any, NamedTuple

import numpy as np

from .._base.dtypes import int64, kind
from ..ir.node import Node, leaf
from ..ops import g
from ._checks import as_dtype, full, widened, with_gradient_of
from .conv import indices_of, pad_constant
from .movement import take

Ints = tuple[int, ...]
# Windows of a row, and additions, from which on vectors of windows are summed up.
_MANY, _WORTH = 4, 1 << 16
_WORDS = {1: "one int", 2: "two ints", 3: "three ints"}


def _ints(name: str, value: Any, k: int, what: str) -> Ints:
    """An int for each of k axes. Raises RuntimeError for a sequence of another length."""
    if not isinstance(value, Sequence):
        return (int(value),) * k
    if len(value) not in (1, k):
        raise RuntimeError(f"{name}: {what} must either be a single int, or a tuple of {_WORDS[k]}")
    return tuple(map(int, value)) * (k if len(value) == 1 else 1)


class Windows(NamedTuple):
    """Where windows lie along the spatial axes."""

    sizes: Ints
    strides: Ints
    pads: Ints
    dilations: Ints
    counts: Ints


def _count(n: int, size: int, stride: int, pad: int, dilation: int, ceil: bool) -> int:
    """The number of windows; with `ceil` one more may reach beyond, if it starts inside."""
    room = n + 2 * pad - dilation * (size - 1) - 1
    found = (room + (stride - 1 if ceil else 0)) // stride + 1
    return found - 1 if ceil and (found - 1) * stride >= n + pad else found


def _check_windows(name: str, sizes: Ints, strides: Ints, pads: Ints, dilations: Ints) -> None:
    axes = "TWH"[-len(sizes) :] if len(sizes) == 1 else ("HW" if len(sizes) == 2 else "THW")
    if min(strides) == 0:
        raise RuntimeError("stride should not be zero")
    if min(sizes) <= 0 or min(strides) <= 0:
        raise RuntimeError(f"{name}: kernel size and stride should be greater than zero")
    if min(dilations) <= 0:
        shown = " ".join(f"dilation{a}: {d}" for a, d in zip(axes, dilations))
        raise RuntimeError(f"dilation should be greater than zero, but got {shown}")
    for p, k, d in zip(pads, sizes, dilations, strict=True):
        if p < 0:
            raise RuntimeError(f"pad must be non-negative, but got pad: {p}")
        if p > (d * (k - 1) + 1) // 2:
            raise RuntimeError(
                "pad should be at most half of effective kernel size, but got "
                f"pad={p}, kernel_size={k} and dilation={d}"
            )


def _check_rank(x: Node, k: int, name: str) -> None:
    fits = x.ndim in (k + 1, k + 2) and 0 not in x.shape[x.ndim - k - 1 :]
    if fits:
        return
    if name == "max_pool2d" and x.ndim in (3, 4):
        raise RuntimeError(
            "Expected 3D or 4D (batch mode) tensor with optional 0 dim batch size for input, but "
            f"got:{list(x.shape)}"
        )
    if name == "max_pool3d" and x.ndim in (4, 5):
        raise RuntimeError(
            "max_pool3d_with_indices_out_cpu_template(): Expected input's non-batch dimensions to "
            f"have positive length, but input has a shape of {list(x.shape)} and non-batch "
            "dimension 0 has length zero!"
        )
    if k == 1:
        raise RuntimeError(
            f"{name}: Expected 2D or 3D (batch mode) tensor with optional 0 dim batch size for "
            f"input, but got:{list(x.shape)}"
        )
    raise RuntimeError(f"non-empty {k + 1}D or {k + 2}D (batch mode) tensor expected for input")


def _placed(
    name: str, x: Node, k: int, kernel: Any, stride: Any, padding: Any, dilation: Any, ceil: bool
) -> Windows:
    """The windows over the last k axes of x. Raises RuntimeError where there are none."""
    sizes = _ints(name, kernel, k, "kernel_size")
    given = stride is not None and stride not in ((), [])
    strides = _ints(name, stride, k, "stride") if given else sizes
    pads, dilations = _ints(name, padding, k, "padding"), _ints(name, dilation, k, "dilation")
    _check_windows(name, sizes, strides, pads, dilations)
    _check_rank(x, k, name)
    shape = x.shape[x.ndim - k :]
    counts = tuple(
        _count(*axis, ceil) for axis in zip(shape, sizes, strides, pads, dilations, strict=True)
    )
    if min(counts) < 1:
        raise RuntimeError(_too_small(x, counts, k))
    return Windows(sizes, strides, pads, dilations, counts)


def _too_small(x: Node, counts: Ints, k: int) -> str:
    c = x.shape[x.ndim - k - 1]
    shown = [c, *((1,) if k == 1 else ()), *x.shape[x.ndim - k :]]
    found = [c, *((1,) if k == 1 else ()), *(max(n, 0) for n in counts)]
    sizes, results = ("x".join(map(str, v)) for v in (shown, found))
    return (
        f"Given input size: ({sizes}). Calculated output size: ({results}). Output size is too "
        "small"
    )


# --- maxima ---------------------------------------------------------------------------------------


def take_places(x: Node, places: Node, k: int) -> Node:
    """Elements of x at flat places over its last k axes, for each of the leading ones."""
    lead = x.shape[: x.ndim - k]
    each, rows = prod(x.shape[x.ndim - k :]), prod(lead)
    line = g.reshape(indices_of((rows,), x) * each, (*lead, *(1,) * k))
    flat = g.reshape(x, (rows * each,))
    return g.gather([flat, places + line])


def max_pool(
    x: Node,
    kernel: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    dims: int = 2,
) -> tuple[Node, Node]:
    """The greatest element of each window over the last `dims` axes, and its flat place in them.

    Of equal ones the first is taken, of several NaN the last, as PyTorch does. Raises RuntimeError.
    """
    w = _placed(f"max_pool{dims}d", x, dims, kernel, stride, padding, dilation, ceil_mode)
    starts = tuple(-p for p in w.pads)
    params = (w.sizes, w.strides, w.dilations, starts, w.counts)
    return g.window_max(x, *params), g.window_argmax(x, *params)


def max_unpool(x: Node, places: Node, size: Sequence[int]) -> Node:
    """Zeros of spatial shape `size` with x written at flat places: the inverse of `max_pool`.

    An element that others were written over has the gradient of its place too, as in PyTorch.
    """
    k = len(size)
    lead, each = x.shape[: x.ndim - k], prod(size)
    rows = prod(lead)
    line = g.reshape(indices_of((rows,), x) * each, (*lead, *(1,) * k))
    start, at = full(0.0, (rows * each,), x), as_dtype(places, int64) + line
    flat = with_gradient_of(g.scatter([start, x, at]), g.scatter_add([start, x, at]))
    return g.reshape(flat, (*lead, *size))


# --- means ----------------------------------------------------------------------------------------


def _reach(n: int, size: int, stride: int, pad: int, count: int) -> tuple[Any, Any]:
    """For each window along an axis: its size with padding, and its number of elements."""
    starts = np.arange(count) * stride - pad
    ends = np.minimum(starts + size, n + pad)
    return ends - starts, np.minimum(ends, n) - np.maximum(starts, 0)


def _divisors(x: Node, w: Windows, include_pad: bool) -> np.ndarray[Any, Any]:
    """What the sum of each window is divided by."""
    shape = x.shape[x.ndim - len(w.sizes) :]
    out = np.ones((), np.float64)
    for axis in zip(shape, w.sizes, w.strides, w.pads, w.counts, strict=True):
        padded, inside = _reach(*axis)
        out = out[..., None] * (padded if include_pad else inside)
    return out


def window_sums(x: Node, w: Windows) -> Node:
    """Sums of all windows, nothing counted beyond the edges: where there are many, convolutions of
    each channel by ones.
    """
    k = len(w.sizes)
    shape, lead = x.shape[x.ndim - k :], x.ndim - k
    ends = tuple(
        (c - 1) * s + d * (m - 1) + 1 - n - p
        for n, m, s, p, d, c in zip(shape, *w[:4], w.counts, strict=True)
    )
    around = tuple(zip(w.pads, ends, strict=True))
    many = w.counts[-1] >= _MANY and x.size * prod(w.sizes) >= _WORTH
    if kind(x.dtype) == "f" and many:
        rows = prod(x.shape[:lead])
        ones = full(1, (rows, 1, *w.sizes), x)
        lines = g.reshape(x, (1, rows, *shape))
        found = g.conv(lines, ones, w.strides, around, w.dilations, rows)
        return g.reshape(found, (*x.shape[:lead], *w.counts))
    padded = pad_constant(x, (*((0, 0),) * lead, *around))
    found = g.windows(padded, w.sizes, w.strides, w.dilations)
    return g.sum(found, tuple(range(lead, lead + k)))


def _truncated(total: Node, by: np.ndarray[Any, Any]) -> Node:
    """Quotients of integers towards zero."""
    size = g.floor_divide(g.abs(total), leaf(np.abs(by), total.device))
    turned = total * leaf(np.sign(by), total.device)
    return g.where(g.less(turned, g.constant(0, total)), -size, size)


def avg_pool(
    x: Node,
    kernel: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
    dims: int = 2,
) -> Node:
    """The mean of each window over the last `dims` axes. Raises RuntimeError."""
    w = _placed(f"avg_pool{dims}d", x, dims, kernel, stride, padding, 1, ceil_mode)
    if divisor_override == 0:
        raise RuntimeError("divisor must be not zero")
    total = window_sums(widened(x), w)
    if kind(x.dtype) in "iu":
        by = np.asarray(divisor_override or _divisors(x, w, count_include_pad), total.dtype)
        return _truncated(total, by)
    if divisor_override is not None:
        return as_dtype(total / float(divisor_override), x.dtype)
    by = _divisors(x, w, count_include_pad)
    if by.size and (by == by.flat[0]).all():
        return as_dtype(total / float(by.flat[0]), x.dtype)
    return as_dtype(total / leaf(by.astype(total.dtype), x.device), x.dtype)


def lp_pool(
    x: Node,
    norm_type: float,
    kernel: Any,
    stride: Any = None,
    ceil_mode: bool = False,
    dims: int = 2,
) -> Node:
    """(Σ xᵖ)^(1/p) over windows, PyTorch's way: through the mean and the sign of the sum."""
    size = prod(_ints("lp_pool", kernel, dims, "kernel_size"))
    mean = avg_pool(g.pow(x, g.constant(norm_type, x)), kernel, stride, 0, ceil_mode, dims=dims)
    below = g.less_equal(g.abs(mean), 0.0)
    magnitude = g.where(below, g.constant(0, mean), g.abs(mean))
    return g.pow(g.sign(mean) * magnitude * float(size), g.constant(1.0 / norm_type, x))


# --- windows of a given number --------------------------------------------------------------------


def _target(name: str, size: Any, x: Node, k: int) -> Ints:
    """The output size, None for that of the input. Raises RuntimeError."""
    given = list(size) if isinstance(size, Sequence) else [size] * k
    if len(given) != k:
        raise RuntimeError(_miscounted(name, k, len(given)))
    shape = x.shape[x.ndim - k :]
    out = tuple(n if want is None else int(want) for want, n in zip(given, shape, strict=True))
    if min(out) < 0:
        raise RuntimeError(_negative(name, x, out))
    return out


def _miscounted(name: str, k: int, count: int) -> str:
    if k == 1:
        return f"{name}() argument 'output_size' should contain one int (got {count})"
    if "max" in name:
        return f"{name}(): internal error: output_size.size() must be {k}"
    return f"{name}: output_size must be {k}"


def _negative(name: str, x: Node, out: Ints) -> str:
    k = len(out)
    wide = (1, *out) if k == 1 else out
    if "max" in name:
        shape = [*x.shape[: x.ndim - k], *wide]
        return f"Trying to create tensor with negative dimension {min(out)}: {shape}"
    called = name.replace("1d", "2d")
    shown = f"{wide[0]}, {','.join(map(str, wide[1:]))}"
    return (
        f"{called}: elements of output_size must be greater than or equal to 0 but received "
        f"{{{shown}}}"
    )


def _adaptive_rank(name: str, x: Node, k: int, colon: str) -> None:
    if k == 1 and x.ndim not in (2, 3):
        raise RuntimeError(
            f"Expected 2 to 3 dimensions, but got {x.ndim}-dimensional tensor for argument #1 "
            f"'self' (while checking arguments for {name})"
        )
    if x.ndim not in (k + 1, k + 2):
        raise RuntimeError(
            f"{name}(): Expected {k + 1}D or {k + 2}D tensor, but got{colon} {list(x.shape)}"
        )
    for axis in range(x.ndim - k - (colon != ""), x.ndim):
        if axis and x.shape[axis] == 0:
            raise RuntimeError(
                f"{name}(): Expected input to have non-zero size for non-batch dimensions, but "
                f"input has sizes {list(x.shape)} with dimension {axis} being empty"
            )


def _bounds(n: int, out: int) -> tuple[Any, Any]:
    """Where each of `out` windows over n elements starts and ends."""
    i = np.arange(out)
    return i * n // max(out, 1), -(-(i + 1) * n // max(out, 1))


def _axis_means(x: Node, axis: int, out: int) -> Node:
    """Means of windows along one axis."""
    n = x.shape[axis]
    if out and n % out == 0:
        split = (*x.shape[:axis], out, n // out, *x.shape[axis + 1 :])
        return g.sum(g.reshape(x, split), (axis + 1,)) / float(n // out)
    starts, ends = _bounds(n, out)
    width = int((ends - starts).max(initial=1))
    places = np.minimum(starts[:, None] + np.arange(width), n - 1)
    inside = starts[:, None] + np.arange(width) < ends[:, None]
    line = (*(1,) * axis, out, width, *(1,) * (x.ndim - axis - 1))
    found = _taken(x, axis, places)
    kept = g.where(leaf(inside.reshape(line), x.device), found, g.constant(0, x))
    by = (ends - starts).reshape((*(1,) * axis, out, *(1,) * (x.ndim - axis - 1)))
    return g.sum(kept, (axis + 1,)) / leaf(by.astype(x.dtype), x.device)


def _taken(x: Node, axis: int, places: np.ndarray[Any, Any]) -> Node:
    """Elements along one axis at a table of places, whose axes stand there then."""
    flat = take(x, leaf(places.reshape(-1).astype(np.int64), x.device), axis)
    return g.reshape(flat, (*x.shape[:axis], *places.shape, *x.shape[axis + 1 :]))


def adaptive_avg_pool(x: Node, output_size: Any, dims: int = 2) -> Node:
    """Means of as many windows as asked for over each of the last `dims` axes. RuntimeError."""
    name = f"adaptive_avg_pool{dims}d"
    if dims == 1 or isinstance(output_size, Sequence):
        _target(name, output_size, x, dims) if x.ndim >= dims else None
    _adaptive_rank(name, x, dims, "")
    out = _target(name, output_size, x, dims)
    y: Node = widened(x)
    shape, lead = x.shape[x.ndim - dims :], x.ndim - dims
    if set(out) == {1} and all(shape):
        total = g.sum(y, tuple(range(lead, x.ndim))) / float(prod(shape))
        return as_dtype(g.reshape(total, (*x.shape[:lead], *out)), x.dtype)
    for i, n in enumerate(out):
        y = _axis_means(y, x.ndim - dims + i, n)
    return as_dtype(y, x.dtype)


def adaptive_max_pool(x: Node, output_size: Any, dims: int = 2) -> tuple[Node, Node]:
    """Maxima of as many windows as asked for, and their flat places. Raises RuntimeError."""
    name = f"adaptive_max_pool{dims}d"
    _adaptive_rank(name, x, dims, ":")
    out = _target(name, output_size, x, dims)
    shape = x.shape[x.ndim - dims :]
    if all(n and size % n == 0 for n, size in zip(out, shape, strict=True)):
        sizes = tuple(size // n for n, size in zip(out, shape, strict=True))
        zeros, ones = (0,) * dims, (1,) * dims
        params = (sizes, sizes, ones, zeros, out)
        return g.window_max(x, *params), g.window_argmax(x, *params)
    places = _uneven_argmax(x, out)
    return take_places(x, places, dims), places


def _uneven_argmax(x: Node, out: Ints) -> Node:
    """Flat places of the maxima of windows of different sizes: all windows are made as wide as the
    widest one by elements repeated, of which the first is taken.
    """
    k, lead = len(out), x.ndim - len(out)
    shape = x.shape[lead:]
    flat = indices_of(shape, x)
    view = x
    for i, n in reversed(list(enumerate(out))):
        starts, ends = _bounds(shape[i], n)
        width = int((ends - starts).max(initial=1))
        places = np.minimum(starts[:, None] + np.arange(width), ends[:, None] - 1)
        view, flat = _taken(view, lead + i, places), _taken(flat, i, places)
    order = (*range(0, 2 * k, 2), *range(1, 2 * k, 2))
    view = g.permute(view, (*range(lead), *(lead + a for a in order)))
    flat = g.permute(flat, order)
    many = prod(flat.shape[k:])
    lines = g.reshape(view, (prod(view.shape[: lead + k]), many))
    local = _arg_last_nan(lines)
    table = g.reshape(flat, (prod(out), many))
    row = g.broadcast_to(indices_of((prod(out),), x), (prod(x.shape[:lead]), prod(out)))
    found = g.gather([table, g.reshape(row, local.shape), local])
    return g.reshape(found, (*x.shape[:lead], *out))


def _arg_last_nan(lines: Node) -> Node:
    """The first greatest element of each row, or the last NaN."""
    first = g.argmax(lines, (1,))
    if kind(lines.dtype) != "f" or not lines.size:
        return first
    numbers = indices_of((lines.shape[1],), lines)
    last = g.max(g.where(g.isnan(lines), numbers, g.constant(-1, numbers)), (1,))
    return g.where(g.less(last, 0), first, last)


def fractional_starts(sample: np.ndarray[Any, Any], n: int, size: int, out: int) -> Any:
    """Where `out` windows of `size` elements start along an axis of n, for random samples in
    [0, 1): Graham's pseudo-random intervals (Fractional Max-Pooling, 2015).
    """
    if out == 1:
        return np.broadcast_to(n - size, (*sample.shape, 1))
    alpha = sample.dtype.type((n - size) / (out - 1))
    i = np.arange(out - 1).astype(sample.dtype)
    found = ((i + sample[..., None]) * alpha).astype(np.int64)
    found = found - (sample * alpha).astype(np.int64)[..., None]
    return np.concatenate([found, np.full((*sample.shape, 1), n - size)], -1)


def fractional_places(x: Node, sizes: Ints, starts: Sequence[np.ndarray[Any, Any]]) -> Node:
    """Flat places of the maxima of windows that start at given places along each axis.

    `starts` has for each axis an array (examples, channels, windows), or one that broadcasts to it.
    """
    k = len(sizes)
    lead, shape = x.shape[: x.ndim - k], x.shape[x.ndim - k :]
    flat = np.zeros((1,) * (x.ndim + k), np.int64)
    for i, (s, size, n) in enumerate(zip(starts, sizes, shape, strict=True)):
        grid = s[..., None] + np.arange(size)
        line = [*grid.shape[:-2], *(1,) * (2 * k)]
        line[len(lead) + i], line[len(lead) + k + i] = grid.shape[-2:]
        flat = flat * n + grid.reshape(line)
    whole = np.broadcast_to(flat, (*lead, *flat.shape[len(lead) :]))
    counts = whole.shape[len(lead) : len(lead) + k]
    table = leaf(whole.reshape(*lead, prod(counts) * prod(sizes)).copy(), x.device)
    rows = g.reshape(x, (*lead, prod(shape)))
    found = g.reshape(take_places(rows, table, 1), (prod(lead) * prod(counts), prod(sizes)))
    local = _arg_last_nan(found)
    places = g.reshape(table, found.shape)
    at = g.gather([places, indices_of(local.shape, x), local])
    return g.reshape(at, (*lead, *counts))
