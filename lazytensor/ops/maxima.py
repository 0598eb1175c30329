"""The greatest element of each window over trailing axes, and its place.

`sizes`, `strides`, `dilations`, where windows start and how many there are have an entry for each
of the axes. What enters and leaves: as the columns of `ir/op.py` say. It must not know other rows
but through the builder.
"""

from collections.abc import Sequence
from itertools import product
from math import prod
from typing import Any

from .._base.dtypes import int64, kind
from .._base.module import Worth, own
from ..ir.node import Node
from ..ir.op import NONDIFF, Op, register
from ._families import Infer, wide
from .windows import positive

Ints = tuple[int, ...]
# Comparisons after which the target's own function is asked.
COMPARED = Worth(1 << 18, 1 << 13)


def _infer_argmax(
    x: Node, sizes: Ints, strides: Ints, dilations: Ints, starts: Ints, counts: Ints
) -> Infer:
    positive(*sizes, *strides, *dilations)
    return (*x.shape[: len(x.shape) - len(sizes)], *counts), int64


def _axis_places(np: Any, at: int, stride: int, dilation: int, start: int, n: int) -> Any:
    """Where element `at` of each of n windows lies along an axis, the first one at `start`."""
    return np.arange(n) * stride + (start + at * dilation)


def first_inside(np: Any, shape: Ints, parts: Sequence[tuple[int, int, int, int]]) -> Any:
    """The flat place of the first element of each window that lies inside."""
    flat = np.zeros((1,) * len(shape), np.int64)
    for axis, (n, (stride, dilation, start, c)) in enumerate(zip(shape, parts, strict=True)):
        places = _axis_places(np, 0, stride, dilation, start, c)
        short = np.maximum(-(places // dilation), 0) * dilation
        line = (1,) * axis + (c,) + (1,) * (len(shape) - axis - 1)
        flat = flat * n + np.minimum(places + short, n - 1).reshape(line)
    return flat


def _native(np: Any, x: Any, places: bool, *params: Any) -> Any:
    """The target's own maxima or places, where it has some, and there has been enough to do."""
    native = own(np, "window_maxima") if COMPARED(x.size * prod(params[0])) else None
    return native(x, places, *params) if native else None


def _argmax_value(
    np: Any, x: Any, sizes: Ints, strides: Ints, dilations: Ints, starts: Ints, counts: Ints
) -> Any:
    """Element after element of all windows: the first greatest one, or the last NaN."""
    params = (sizes, strides, dilations, starts, counts)
    found = _native(np, x, True, *params)
    return _places_value(np, x, *params) if found is None else found


def _max_value(np: Any, x: Any, *params: Any) -> Any:
    found = _native(np, x, False, *params)
    return _taken_maxima(np, x, *params) if found is None else found


def _taken_maxima(np: Any, x: Any, sizes: Ints, *params: Ints) -> Any:
    k = len(sizes)
    places = _places_value(np, x, sizes, *params)
    found = np.take_along_axis(_flat(x, k), _flat(places, k), -1)
    low = -np.inf if x.dtype.kind not in "iu" else np.iinfo(x.dtype).min
    nothing = _empty(np, x.shape[x.ndim - k :], sizes, *params)
    return np.where(nothing, np.asarray(low, x.dtype), found.reshape(places.shape))


def _flat(x: Any, k: int) -> Any:
    """The last k axes as one."""
    return x.reshape(*x.shape[: x.ndim - k], prod(x.shape[x.ndim - k :]))


def _empty(np: Any, shape: Ints, sizes: Ints, *params: Ints) -> Any:
    """Whether a window lies around the elements of an axis, between its own."""
    out = np.zeros((), bool)
    for n, size, *axis, c in zip(shape, sizes, *params, strict=True):
        stride, dilation, start = axis
        places = [_axis_places(np, at, stride, dilation, start, c) for at in range(size)]
        inside = [(p >= 0) & (p < n) for p in places]
        out = out[..., None] | ~np.any(inside, 0)
    return out


def _places_value(
    np: Any, x: Any, sizes: Ints, strides: Ints, dilations: Ints, starts: Ints, counts: Ints
) -> Any:
    k = len(sizes)
    lead, shape = x.shape[: x.ndim - k], x.shape[x.ndim - k :]
    parts = tuple(zip(strides, dilations, starts, counts, strict=True))
    x = wide(np, x)
    low = -np.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).min
    best = np.full((*lead, *counts), low, x.dtype)
    where = np.broadcast_to(first_inside(np, shape, parts), best.shape).copy()
    for at in product(*map(range, sizes)):
        inside = [_inside(np, i, p, n) for i, p, n in zip(at, parts, shape, strict=True)]
        if all(kept.stop > kept.start for kept, _ in inside):
            to = (..., *(kept for kept, _ in inside))
            _challenge(np, x, best[to], where[to], [places for _, places in inside])
    return where


def _inside(np: Any, at: int, part: tuple[int, int, int, int], n: int) -> tuple[slice, Any]:
    """The windows whose element `at` lies inside an axis, and where it does."""
    places = _axis_places(np, at, *part)
    first, last = (int(np.searchsorted(places, bound)) for bound in (0, n))
    return slice(first, last), places[first:last]


def _challenge(np: Any, x: Any, best: Any, where: Any, places: list[Any]) -> None:
    """Put the elements at the places into `best`, and the places into `where`, if greater."""
    k = len(places)
    view = x[(..., *(_run(p) for p in places))]
    flat = np.zeros((1,) * k, np.int64)
    for axis, (p, n) in enumerate(zip(places, x.shape[x.ndim - k :], strict=True)):
        flat = flat * n + p.reshape((1,) * axis + (len(p),) + (1,) * (k - axis - 1))
    better = (view > best) | (view != view)
    np.maximum(best, view, out=best)
    mask = np.negative(better.view(np.int8), dtype=np.int64)  # all bits where it is
    np.bitwise_xor(where, (where ^ flat) & mask, where)


def _run(places: Any) -> slice:
    """Evenly spaced places as a slice."""
    step = int(places[1] - places[0]) if len(places) > 1 else 1
    return slice(int(places[0]), int(places[-1]) + 1, step)


window_argmax = register(
    Op(
        "window_argmax",
        "reduce",
        1,
        params=("sizes", "strides", "dilations", "starts", "counts"),
        domain="iuf",
        infer=_infer_argmax,
        value=_argmax_value,
        partials=NONDIFF,
        batch=lambda g, b, x, *params: g.window_argmax(x, *params),
        doc="Flat place, over the trailing axes, of each window's first greatest element or last "
        "NaN; windows may reach beyond the edges, where nothing is read.",
    )
)


def _at_places(g: Any, x: Node, places: Node, k: int) -> tuple[Node, Node]:
    """x along one axis, and where in it flat places over its last k axes are."""
    rows = prod(x.shape[: x.ndim - k])
    each = prod(x.shape[x.ndim - k :])
    line = g.reshape(g.iota(rows, int64, x.device) * each, (rows, 1))
    at = g.reshape(places, (rows, prod(places.shape[places.ndim - k :]))) + line
    return g.reshape(x, (rows * each,)), g.reshape(at, (at.size,))


def _max_vjp(g: Any, ct: Node, y: Node, x: Node, *params: Any) -> tuple[Node | None]:
    if kind(x.dtype) != "f":
        return (None,)
    flat, at = _at_places(g, x, g.window_argmax(x, *params), len(params[0]))
    zeros = g.broadcast_to(g.constant(0, x), flat.shape)
    return (g.reshape(g.scatter_add([zeros, g.reshape(ct, (ct.size,)), at]), x.shape),)


def _max_jvp(g: Any, tangents: Sequence[Any], y: Node, x: Node, *params: Any) -> Node | None:
    if tangents[0] is None:
        return None
    flat, at = _at_places(g, tangents[0], g.window_argmax(x, *params), len(params[0]))
    return g.reshape(g.gather([flat, at]), y.shape)  # type: ignore[no-any-return]


window_max = register(
    Op(
        "window_max",
        "reduce",
        1,
        params=("sizes", "strides", "dilations", "starts", "counts"),
        domain="iuf",
        infer=lambda x, *params: (_infer_argmax(x, *params)[0], x.dtype),
        value=_max_value,
        vjp=_max_vjp,
        jvp=_max_jvp,
        batch=lambda g, b, x, *params: g.window_max(x, *params),
        doc="What stands at the places that `window_argmax` gives; the least number for windows "
        "with nothing inside.",
    )
)
