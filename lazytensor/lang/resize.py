"""Resampling, channels first: interpolation to a size, reads at the points of a grid.

Which elements are read, and their weights, are PyTorch's, computed in the dtype that it computes
them in. What enters: nodes (examples, channels, …), sizes, Python arguments. What leaves: nodes
over the rows of `ops/`. It must not know faces.
"""

from collections.abc import Sequence
from itertools import product
from math import prod
from typing import Any

import numpy as np

from .._base.dtypes import float64, int64
from ..ir.node import Node, leaf
from ..ops import g
from ._checks import as_dtype, full, widened
from .conv import indices_of
from .linalg import matmul
from .movement import picked

Array = np.ndarray[Any, Any]
Ints = tuple[int, ...]
Scales = Sequence[float | None]
CUBIC, CUBIC_SMOOTH = -0.75, -0.5
# Times up to which elements next to one another are repeated by putting arrays together.
FEW = 4


# --- where an axis is read ------------------------------------------------------------------------


def _ratio(n: int, out: int, align: bool, scale: float | None, kind: Any) -> Any:
    """How far apart neighbours of the result are in the source."""
    if align:
        return kind(n - 1) / kind(out - 1) if out > 1 else kind(0)
    return kind(1.0 / scale) if scale is not None and scale > 0 else kind(n) / kind(out)


def _sources(n: int, out: int, align: bool, scale: float | None, kind: Any) -> Array:
    """Where each place of the result lies between elements of the source."""
    ratio = _ratio(n, out, align, scale, kind)
    places: Array = np.arange(out).astype(kind)
    if align:
        return np.asarray(places * ratio)
    # single is rounded once, as by the fused instructions that PyTorch's are
    return np.asarray(np.float64(ratio) * (places + 0.5) - 0.5).astype(kind)


def _nearest(n: int, out: int, scale: float | None, exact: bool, kind: Any) -> Array:
    """The element shown at each place: below it, or nearest to it; rounded down in single."""
    ratio = _ratio(n, out, False, scale, kind)
    real: Array = ratio * np.arange(out).astype(kind)
    if exact:
        real = np.maximum(_sources(n, out, False, scale, kind), 0) + kind(0.5)
    places: Array = np.floor(real.astype(np.float32)).astype(np.int64)
    return np.minimum(places, n - 1)


def _linear(n: int, out: int, align: bool, scale: float | None, kind: Any) -> tuple[Array, Array]:
    """Two places and two weights for each element of the result."""
    real = np.maximum(_sources(n, out, align, scale, kind), 0)
    first = np.minimum(real.astype(np.int64), n - 1)
    beyond = np.clip(real - first.astype(kind), 0, 1).astype(kind)
    return np.stack([first, np.minimum(first + 1, n - 1)]), np.stack([1 - beyond, beyond])


def cubic_weights(t: Any, a: float = CUBIC) -> list[Any]:
    """Weights of four neighbours for a point t behind the second (Keys, 1981)."""

    def near(x: Any) -> Any:
        return ((x * (a + 2)) - (a + 3)) * x * x + 1

    def far(x: Any) -> Any:
        return ((x * a - 5 * a) * x + 8 * a) * x - 4 * a

    return [far(t + 1.0), near(t), near(1.0 - t), far(2.0 - t)]


def _cubic(n: int, out: int, align: bool, scale: float | None, kind: Any) -> tuple[Array, Array]:
    """Four places and four weights for each element of the result."""
    real = _sources(n, out, align, scale, kind)
    first = np.floor(real)
    beyond = np.clip(real - first, 0, 1).astype(kind)
    places = first.astype(np.int64) + np.arange(-1, 3)[:, None]
    return np.clip(places, 0, n - 1), np.stack(cubic_weights(beyond)).astype(kind)


def _smooth(n: int, out: int, align: bool, scale: float | None, cubic: bool) -> Array:
    """The matrix (out, n) of a filter that is as wide as the result is coarse (`antialias`)."""
    ratio = float(_ratio(n, out, align, scale, np.float64))
    size = 4 if cubic else 2
    support = size / 2 * max(ratio, 1.0)
    matrix = np.zeros((out, n))
    for i in range(out):
        center = ratio * (i + 0.5)
        low = max(int(center - support + 0.5), 0)
        high = min(int(center + support + 0.5), n)
        x = np.abs((np.arange(low, high) - center + 0.5) / max(ratio, 1.0))
        weights = _cubic_filter(x) if cubic else np.maximum(1 - x, 0)
        matrix[i, low:high] = weights / (weights.sum() or 1.0)
    return matrix


def _cubic_filter(x: Array) -> Array:
    a = CUBIC_SMOOTH
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = (((x - 5) * x + 8) * x - 4) * a
    return np.where(x < 1, near, np.where(x < 2, far, 0))


# --- interpolation --------------------------------------------------------------------------------


def _repeated(x: Node, axis: int, times: int) -> Node:
    """Every element so many times along an axis."""
    shape, n = x.shape, x.shape[axis]
    line = g.reshape(x, (*shape[: axis + 1], 1, *shape[axis + 1 :]))
    if axis == x.ndim - 1 and times <= FEW:  # which is copied faster than broadcast
        return g.reshape(g.concat([line] * times, axis + 1), (*shape[:axis], n * times))
    many = g.broadcast_to(line, (*shape[: axis + 1], times, *shape[axis + 1 :]))
    return g.reshape(many, (*shape[:axis], n * times, *shape[axis + 1 :]))


def _read(x: Node, axis: int, places: Array) -> Node:
    n = x.shape[axis]
    if np.array_equal(places, np.arange(n)):
        return x
    times = len(places) // n
    if np.array_equal(places, np.repeat(np.arange(n), times)):
        return _repeated(x, axis, times)
    return picked(x, axis, places)


def _weighted(x: Node, axis: int, places: Array, weights: Array) -> Node:
    """Σ weight · element along an axis; where that is some times as long, every so manieth element
    of the result for itself: what these are made of lies together.
    """
    times, rest = divmod(places.shape[1], x.shape[axis])
    if rest or not 1 < times <= FEW:
        return _summed(x, axis, places, weights)
    phases = [_summed(x, axis, places[:, i::times], weights[:, i::times]) for i in range(times)]
    shape = phases[0].shape
    lines = [g.reshape(p, (*shape[: axis + 1], 1, *shape[axis + 1 :])) for p in phases]
    whole = (*shape[:axis], shape[axis] * times, *shape[axis + 1 :])
    return g.reshape(g.concat(lines, axis + 1), whole)


def _summed(x: Node, axis: int, places: Array, weights: Array) -> Node:
    """Σ weight · element along an axis."""
    line = (-1, *(1,) * (x.ndim - axis - 1))
    total: Node | None = None
    for p, w in zip(places, weights, strict=True):
        part = _read(x, axis, p) * leaf(w.astype(x.dtype).reshape(line), x.device)
        total = part if total is None else total + part
    assert total is not None
    return total


def _filtered(x: Node, axis: int, matrix: Array) -> Node:
    """A matrix applied along an axis."""
    order = (*(a for a in range(x.ndim) if a != axis), axis)
    back = tuple(sorted(range(x.ndim), key=order.__getitem__))
    columns = leaf(np.ascontiguousarray(matrix.T.astype(x.dtype)), x.device)
    return g.permute(matmul(g.permute(x, order), columns), back)


def _check_sizes(x: Node, size: Ints) -> None:
    if min(*x.shape[2:], *size) < 1:
        axes = "DHW"[-len(size) :]
        given, wanted = (
            ", ".join(f"{a}: {n}" for a, n in zip(axes, v)) for v in (x.shape[2:], size)
        )
        joined = "and " if len(size) == 1 else ""
        raise RuntimeError(
            f"Input and output sizes should be greater than 0, but got input ({given}) {joined}"
            f"output ({wanted})"
        )


MODES = {"linear": 1, "bilinear": 2, "trilinear": 3, "bicubic": 2}
"""The modes that weigh neighbours, and the number of axes that each is for."""


def interpolate(
    x: Node,
    size: Sequence[int],
    mode: str = "nearest",
    align_corners: bool = False,
    scales: Scales | None = None,
    antialias: bool = False,
) -> Node:
    """x resampled to a spatial size: nearest, nearest-exact, linear, bilinear, trilinear, bicubic,
    area. `scales`, where they are given, tell how far apart places are instead of the sizes.

    Raises RuntimeError for empty sizes, NotImplementedError for modes.
    """
    size = tuple(map(int, size))
    scales = scales or (None,) * len(size)
    _check_sizes(x, size)
    if mode in ("nearest", "nearest-exact"):
        for axis, (out, scale) in reversed(list(enumerate(zip(size, scales, strict=True), 2))):
            kind = np.float64 if x.dtype is float64 else np.float32
            exact = mode == "nearest-exact"
            x = _read(x, axis, _nearest(x.shape[axis], out, scale, exact, kind))
        return x
    if MODES.get(mode) != len(size):
        raise NotImplementedError(
            f"Got {x.ndim}D input, but {mode} mode needs {MODES.get(mode, 0) + 2}D input"
        )
    y: Node = widened(x)
    for axis in reversed(range(2, x.ndim)):  # the innermost first, as PyTorch does
        place = (size[axis - 2], align_corners, scales[axis - 2])
        y = _along(y, axis, *place, mode == "bicubic", antialias)
    return as_dtype(y, x.dtype)


def _along(
    y: Node, axis: int, out: int, align: bool, scale: float | None, cubic: bool, antialias: bool
) -> Node:
    """One axis resampled."""
    n = y.shape[axis]
    if antialias:
        return _filtered(y, axis, _smooth(n, out, align, scale, cubic))
    places, weights = (_cubic if cubic else _linear)(n, out, align, scale, y.dtype.type)
    if n == out and (weights[1 if cubic else 0] == 1).all():
        return y
    return _weighted(y, axis, places, weights)


# --- grids ----------------------------------------------------------------------------------------


def affine_grid(theta: Node, size: Sequence[int], align_corners: bool = False) -> Node:
    """The points that affine maps (examples, k, k + 1) take those of a regular grid to.

    `size` is (examples, channels, *spatial); points are in [-1, 1], the last axis first. Raises
    ValueError for shapes.
    """
    n, _, *spatial = size
    k = len(spatial)
    if theta.shape != (n, k, k + 1):
        shown = f"Nx{k}x{k + 1}"
        raise ValueError(
            f"Expected a batch of {k}D affine matrices of shape {shown} for size "
            f"{size}. Got torch.Size({list(theta.shape)})."
        )
    kind = theta.dtype.type
    lines = [_unit_line(m, align_corners, kind) for m in spatial]
    mesh = np.stack([*np.meshgrid(*lines, indexing="ij")[::-1], np.ones(spatial, kind)], -1)
    base = leaf(mesh.reshape(-1, k + 1).astype(theta.dtype), theta.device)
    columns = g.permute(theta, (0, 2, 1))
    rows = g.broadcast_to(base, (n, *base.shape))
    return g.reshape(g.matmul(rows, columns), (n, *spatial, k))


def _unit_line(n: int, align: bool, kind: Any) -> Array:
    """n points from -1 to 1: at the edges, or in the middles of elements."""
    if n <= 1:
        return np.zeros(n, kind)
    step = kind(2) / kind(n - 1)
    i = np.arange(n).astype(kind)
    line: Array = np.where(i < n // 2, kind(-1) + step * i, kind(1) - step * (n - 1 - i))
    return (line if align else line * kind(n - 1) / kind(n)).astype(kind, copy=False)


def _number(value: float, like: Node) -> Node:
    return g.constant(value, like)


def _unnormalized(c: Node, n: int, align: bool) -> Node:
    """[-1, 1] -> places along an axis."""
    return (c + 1.0) / 2.0 * float(n - 1) if align else ((c + 1.0) * float(n) - 1.0) / 2.0


def _clipped(c: Node, n: int) -> Node:
    """Between the edges, where the derivative is 0; NaN at the lower one."""
    high = g.less_equal(_number(n - 1, c), c)
    inside = g.logical_and(g.less(0.0, c), g.less(c, _number(n - 1, c)))
    edge = g.where(high, _number(n - 1, c), _number(0, c))
    return g.where(inside, c, edge)


def _reflected(c: Node, n: int, align: bool) -> Node:
    """Reflected at the first and last element, or at their outer edges."""
    low, span = (0.0, n - 1.0) if align else (-0.5, float(n))
    if span == 0:
        return g.broadcast_to(_number(0, c), c.shape)
    away = g.abs(c - low)
    flips = g.floor(away / span)
    extra = away - flips * span
    even = g.equal(flips - 2.0 * g.floor(flips / 2.0), 0.0)
    return g.where(even, extra + low, span - extra + low)


def _padded(c: Node, n: int, padding: str, align: bool) -> Node:
    if padding == "reflection":
        return _clipped(_reflected(c, n, align), n)
    return _clipped(c, n) if padding == "border" else c


def _fetch(rows: Node, places: Sequence[Node], shape: Ints) -> Node:
    """(examples · spatial, channels) at places (examples, *out), given as whole numbers in floating
    point for each axis; 0 outside.
    """
    inside: Node | None = None
    flat: Node | None = None
    for c, n in zip(places, shape, strict=True):
        ok = g.logical_and(g.less_equal(0.0, c), g.less(c, _number(n, c)))
        i = g.cast(g.where(ok, c, _number(0, c)), int64)
        inside = ok if inside is None else g.logical_and(inside, ok)
        flat = i if flat is None else flat * n + i
    assert inside is not None
    assert flat is not None
    count = flat.shape[0]
    example = g.reshape(indices_of((count,), flat), (count, *(1,) * (flat.ndim - 1)))
    found = g.gather([rows, flat + example * prod(shape)])
    return g.where(g.reshape(inside, (*inside.shape, 1)), found, g.constant(0, found))


def _corners(coords: Sequence[Node]) -> Any:
    """(places, weight) of the 2ᵏ elements around each point."""
    floors = [g.floor(c) for c in coords]
    for at in product((0, 1), repeat=len(coords)):
        weight: Node | None = None
        for c, f, bit in zip(coords, floors, at, strict=True):
            w = c - f if bit else (f + 1.0) - c
            weight = w if weight is None else weight * w
        yield [f + 1.0 if bit else f for f, bit in zip(floors, at, strict=True)], weight


def _line(w: Node) -> Node:
    return g.reshape(w, (*w.shape, 1))


def _blended(rows: Node, coords: Sequence[Node], shape: Ints) -> Node:
    total: Node | None = None
    for places, weight in _corners(coords):
        part = _fetch(rows, places, shape) * _line(weight)
        total = part if total is None else total + part
    assert total is not None
    return total


def _bicubic(rows: Node, coords: Sequence[Node], shape: Ints, padding: str, align: bool) -> Node:
    """16 elements around each point; outside ones are found by the padding."""
    floors = [g.floor(c) for c in coords]
    weights = [cubic_weights(c - f) for c, f in zip(coords, floors, strict=True)]

    def at(axis: int, i: int) -> Node:
        return _padded(floors[axis] + (i - 1.0), shape[axis], padding, align)

    total: Node | None = None
    for i in range(4):
        line: Node | None = None
        for j in range(4):
            part = _fetch(rows, (at(0, i), at(1, j)), shape) * _line(weights[1][j])
            line = part if line is None else line + part
        assert line is not None
        part = line * _line(weights[0][i])
        total = part if total is None else total + part
    assert total is not None
    return total


def _check_grid(x: Node, grid: Node, mode: str) -> None:
    shown = f"input with sizes {list(x.shape)} and grid with sizes {list(grid.shape)}"
    if x.shape[:1] != grid.shape[:1]:
        raise RuntimeError(
            f"grid_sampler(): expected grid and input to have same batch size, but got {shown}"
        )
    if grid.shape[-1] != x.ndim - 2:
        raise RuntimeError(
            f"grid_sampler(): expected grid to have size {x.ndim - 2} in last dimension, but got "
            f"grid with sizes {list(grid.shape)}"
        )
    if 0 in x.shape[2:]:
        raise RuntimeError(
            "grid_sampler(): expected input to have non-empty spatial dimensions, but input has "
            f"sizes {list(x.shape)} with dimension {x.shape.index(0, 2)} being empty"
        )
    if x.ndim not in (4, 5) or x.ndim != grid.ndim:
        raise RuntimeError(
            f"grid_sampler(): expected {4 if x.ndim == 4 else 5}D input and grid with same number "
            f"of dimensions, but got {shown}"
        )
    if mode == "bicubic" and x.ndim == 5:
        raise RuntimeError("grid_sampler(): bicubic interpolation only supports 4D input")


def grid_sample(
    x: Node,
    grid: Node,
    mode: str = "bilinear",
    padding_mode: str = "zeros",
    align_corners: bool = False,
) -> Node:
    """x (examples, channels, *spatial) at points (examples, *out, k) in [-1, 1], last axis first.

    Modes bilinear, nearest, bicubic; padding zeros, border, reflection. Raises RuntimeError.
    """
    _check_grid(x, grid, mode)
    shape, k = x.shape[2:], x.ndim - 2
    coords = [_unnormalized(_component(grid, k - 1 - a), shape[a], align_corners) for a in range(k)]
    if mode != "bicubic":
        coords = [
            _padded(c, n, padding_mode, align_corners) for c, n in zip(coords, shape, strict=True)
        ]
    moved = g.permute(x, (0, *range(2, x.ndim), 1))
    rows = g.reshape(moved, (x.shape[0] * prod(shape), x.shape[1]))
    if not rows.shape[0] or not grid.size:
        return full(0.0, (*x.shape[:2], *grid.shape[1:-1]), x)
    if mode == "nearest":
        out = _fetch(rows, [g.round(c) for c in coords], shape)
    elif mode == "bicubic":
        out = _bicubic(rows, coords, shape, padding_mode, align_corners)
    else:
        out = _blended(rows, coords, shape)
    return g.permute(out, (0, out.ndim - 1, *range(1, out.ndim - 1)))


def _component(grid: Node, i: int) -> Node:
    """One coordinate of all points."""
    starts = (*(0,) * (grid.ndim - 1), i)
    one = g.slice(grid, starts, (*grid.shape[:-1], 1), (1,) * grid.ndim)
    return g.reshape(one, grid.shape[:-1])
