"""Sliding windows over trailing axes, and the three contractions of a convolution.

Arrays are channels-first; `strides`, `dilations` and `pads` (pairs: before and after, where a
negative number cuts off) have an entry for each of the trailing, spatial axes. Every row's
derivative is another row of this file, so that all orders exist. What enters and leaves: as the
columns of `ir/op.py` say. It must not know other rows but through the builder.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import product
from math import prod
from typing import Any

from .._base.module import own
from .._base.shapes import Shape
from ..ir.node import Node
from ..ir.op import Op, register
from . import _depthwise
from ._families import Infer, all_batched, is_complex, wide

Ints = tuple[int, ...]
Pads = tuple[tuple[int, int], ...]

# Windows of so many bytes are copied at a time, to be multiplied while they are in the cache.
CHUNK_BYTES = 1 << 23
# Windows up to which it isn't worth turning the weights around.
FEW = 256
# Channels of a group that are worth products of their own for each phase of the strides.
MANY = 16


def count(size: int, window: int, stride: int, dilation: int) -> int:
    """How many windows of so many dilated elements start within an axis."""
    return (size - dilation * (window - 1) - 1) // stride + 1


def positive(*numbers: int) -> None:
    """Raises ValueError unless all are."""
    if min(numbers, default=1) < 1:
        raise ValueError("sizes, strides and dilations of windows must be positive")


def _spatial(x: Node, sizes: Ints, strides: Ints, dilations: Ints, pads: Pads) -> Shape:
    """Numbers of windows along the trailing axes. Raises ValueError where none fits."""
    positive(*sizes, *strides, *dilations)
    axes = x.shape[len(x.shape) - len(sizes) :]
    found = tuple(
        count(n + lo + hi, k, s, d)
        for n, k, s, d, (lo, hi) in zip(axes, sizes, strides, dilations, pads, strict=True)
    )
    if min(found, default=1) < 1:
        raise ValueError(f"windows of {sizes} don't fit into shape {x.shape}")
    return found


def _shifted(offset: Ints, steps: Ints, counts: Ints) -> tuple[slice, ...]:
    """Along each axis `count` elements from `offset` on by `step`."""
    return tuple(
        slice(o, o + s * (n - 1) + 1, s) for o, s, n in zip(offset, steps, counts, strict=True)
    )


def _overlapped(np: Any, w: Any, shape: Ints, strides: Ints, dilations: Ints) -> Any:
    """(…, *sizes, *counts) summed where windows overlap; the shorter of both loops is Python's."""
    k = len(shape)
    lead, sizes, counts = w.shape[: w.ndim - 2 * k], w.shape[-2 * k : w.ndim - k], w.shape[-k:]
    out = np.zeros((*lead, *shape), w.dtype)
    if not out.size or not w.size:
        return out
    whole = (slice(None),) * k
    if prod(sizes) <= prod(counts):
        for at in product(*map(range, sizes)):
            offset = tuple(i * d for i, d in zip(at, dilations, strict=True))
            out[(..., *_shifted(offset, strides, counts))] += w[(..., *at, *whole)]
    else:
        for at in product(*map(range, counts)):
            offset = tuple(i * s for i, s in zip(at, strides, strict=True))
            out[(..., *_shifted(offset, dilations, sizes))] += w[(..., *whole, *at)]
    return out


# --- windows, and sums of windows -----------------------------------------------------------------


def _infer_windows(x: Node, sizes: Ints, strides: Ints, dilations: Ints) -> Infer:
    counts = _spatial(x, sizes, strides, dilations, ((0, 0),) * len(sizes))
    return (*x.shape[: len(x.shape) - len(sizes)], *sizes, *counts), x.dtype


def _infer_overlap(w: Node, shape: Ints, strides: Ints, dilations: Ints) -> Infer:
    k = len(shape)
    positive(*strides, *dilations)
    sizes, counts = w.shape[-2 * k : len(w.shape) - k], w.shape[len(w.shape) - k :]
    ends = (
        (c - 1) * s + (n - 1) * d + 1
        for c, s, n, d in zip(counts, strides, sizes, dilations, strict=True)
    )
    if any(e > n for e, n in zip(ends, shape, strict=True)):
        raise ValueError(f"windows of shape {w.shape} don't fit into {shape}")
    return (*w.shape[: len(w.shape) - 2 * k], *shape), w.dtype


def _overlap_value(np: Any, w: Any, shape: Ints, strides: Ints, dilations: Ints) -> Any:
    return _overlapped(np, wide(np, w), shape, strides, dilations).astype(w.dtype, copy=False)


windows = register(
    Op(
        "windows",
        "movement",
        1,
        params=("sizes", "strides", "dilations"),
        infer=_infer_windows,
        value=_depthwise.sliding,
        transpose=lambda g, ct, x, sizes, strides, dilations: (
            g.overlap_add(ct, x.shape[len(x.shape) - len(sizes) :], strides, dilations),
        ),
        batch=lambda g, b, x, sizes, strides, dilations: g.windows(x, sizes, strides, dilations),
        doc="All windows over the trailing axes: first places in a window, then windows.",
    )
)
overlap_add = register(
    Op(
        "overlap_add",
        "movement",
        1,
        params=("shape", "strides", "dilations"),
        domain="iufc",
        copies=True,
        infer=_infer_overlap,
        value=_overlap_value,
        transpose=lambda g, ct, w, shape, strides, dilations: (
            g.windows(_cut(g, ct, w, strides, dilations), _sizes(w, shape), strides, dilations),
        ),
        batch=lambda g, b, w, shape, strides, dilations: g.overlap_add(
            w, shape, strides, dilations
        ),
        doc="Sums of windows at their places, zeros elsewhere: the transpose of `windows`.",
    )
)


def _sizes(w: Node, shape: Ints) -> Ints:
    k = len(shape)
    return w.shape[-2 * k : len(w.shape) - k]  # type: ignore[no-any-return]


def _cut(g: Any, ct: Node, w: Node, strides: Ints, dilations: Ints) -> Node:
    """A cotangent without what lies behind the last window, where there would be further ones."""
    k = len(strides)
    counts, sizes = w.shape[len(w.shape) - k :], w.shape[-2 * k : len(w.shape) - k]
    ends = tuple(
        (c - 1) * s + (n - 1) * d + 1
        for c, s, n, d in zip(counts, strides, sizes, dilations, strict=True)
    )
    shape = (*ct.shape[: len(ct.shape) - k], *ends)
    if shape == ct.shape:
        return ct
    return g.slice(ct, (0,) * len(shape), shape, (1,) * len(shape))  # type: ignore[no-any-return]


# --- convolution ----------------------------------------------------------------------------------


def resized(np: Any, x: Any, pads: Pads) -> Any:
    """Zeros put around the trailing axes, elements cut off where a pad is negative."""
    lead = x.ndim - len(pads)
    cut = tuple(
        slice(max(-lo, 0), n - max(-hi, 0))
        for n, (lo, hi) in zip(x.shape[lead:], pads, strict=True)
    )
    x = x[(..., *cut)]
    if all(lo <= 0 and hi <= 0 for lo, hi in pads):
        return x
    grown = [(max(lo, 0), max(hi, 0)) for lo, hi in pads]
    shape = (n + lo + hi for n, (lo, hi) in zip(x.shape[lead:], grown, strict=True))
    out = np.zeros((*x.shape[:lead], *shape), x.dtype)
    inside = (slice(lo, lo + n) for n, (lo, _) in zip(x.shape[lead:], grown, strict=True))
    out[(..., *inside)] = x
    return out


def _chunks(n: int, each: int, room: int = 0) -> Iterator[slice]:
    """Examples taken together: as many as have `CHUNK_BYTES` of windows, or `room` if that is more,
    at least one.
    """
    step = max(1, max(CHUNK_BYTES, room) // max(each, 1))
    return (slice(i, min(i + step, n)) for i in range(0, n, step))


class _Shapes:
    """Sizes of a convolution: groups, channels in and out of each, places in a window, windows."""

    def __init__(self, np: Any, kernel: Ints, counts: Ints, c: int, o: int, groups: int) -> None:
        self.np, self.kernel, self.counts = np, kernel, counts
        self.groups, self.inner, self.outer = groups, c // groups * prod(kernel), o // groups

    def bytes(self, x: Any) -> int:
        """Bytes of the windows of one example."""
        return self.groups * self.inner * prod(self.counts) * int(x.dtype.itemsize)

    def columns(self, x: Any, strides: Ints, dilations: Ints) -> Any:
        """Padded examples -> (groups, channels · places, examples · windows), a copy."""
        view, k = _depthwise.sliding(self.np, x, self.kernel, strides, dilations), len(self.kernel)
        view = view.transpose(*range(1, k + 2), 0, *range(k + 2, 2 * k + 2))
        return view.reshape(self.groups, self.inner, len(x) * prod(self.counts))

    def lines(self, y: Any) -> Any:
        """(examples, channels out, *windows) -> (groups, channels, examples · windows)."""
        flat = y.swapaxes(0, 1)
        return flat.reshape(self.groups, self.outer, len(y) * prod(self.counts))


def _of(np: Any, x: Any, kernel: Ints, o: int, params: tuple[Any, ...]) -> _Shapes:
    """The sizes for padded x."""
    strides, _, dilations, groups = params
    counts = tuple(map(count, x.shape[2:], kernel, strides, dilations))
    return _Shapes(np, kernel, counts, x.shape[1], o, groups)


def _whole(
    size: Ints, kernel: Ints, strides: Ints, pads: Pads, dilations: Ints, groups: int
) -> bool:
    """Whether there is one window, an image as it is: then all three are products of matrices."""
    around = any(map(any, pads)) or max(dilations, default=1) > 1
    return groups == 1 and size == kernel and not around


def _flat(x: Any) -> Any:
    return x.reshape(len(x), prod(x.shape[1:]))


def _ones(x: Any) -> Ints:
    return (1,) * int(x.ndim - 2)


def _conv_value(np: Any, x: Any, w: Any, *params: Any) -> Any:
    dtype, native = x.dtype, own(np, "convolution")
    x, w = wide(np, x), wide(np, w)
    if _whole(x.shape[2:], w.shape[2:], *params):
        found = np.matmul(_flat(x), _flat(w).T).reshape(*x.shape[:1], *w.shape[:1], *_ones(x))
        return found.astype(dtype, copy=False)
    found = native(x, w, *params) if native else None
    if found is None:
        found = _convolved(np, x, w, *params)
    return found.astype(dtype, copy=False)


def _convolved(np: Any, x: Any, w: Any, *params: Any) -> Any:
    """`conv` by NumPy's products of copies of the windows."""
    strides, pads, dilations, groups = params
    x = resized(np, x, pads)
    s = _of(np, x, w.shape[2:], len(w), params)
    if groups == x.shape[1] > 1:
        return _depthwise.outputs(np, x, w, s.counts, strides, dilations)
    rows = w.reshape(groups, s.outer, s.inner)
    out = np.zeros((len(x), len(w), *s.counts), x.dtype)
    for part in _chunks(len(x), s.bytes(x)):
        y = np.matmul(rows, s.columns(x[part], strides, dilations))
        out[part] = y.reshape(len(w), -1, *s.counts).swapaxes(0, 1)
    return out


def _input_value(np: Any, y: Any, w: Any, shape: Ints, *params: Any) -> Any:
    strides, pads, dilations, groups = params
    dtype, y, w = y.dtype, wide(np, y), wide(np, w)
    c = w.shape[1] * groups
    if _whole(shape, w.shape[2:], *params):
        found = np.matmul(_flat(y), _flat(w)).reshape(len(y), c, *shape)
    elif len(y) * prod(y.shape[2:]) < FEW and w.shape[1] > 1:
        found = _laid_over(np, y, w, shape, *params)
    elif max(strides, default=1) == 1 and len(w) <= 2 * c:
        found = _turned(np, y, w, pads, dilations, groups)
    elif max(dilations, default=1) == 1 and _overlap_much(w, strides, groups):
        found = _every(np, y, w, shape, strides, pads, groups)
    else:
        found = _laid_over(np, y, w, shape, *params)
    return found.astype(dtype, copy=False)


def _laid_over(np: Any, y: Any, w: Any, shape: Ints, *params: Any) -> Any:
    """`conv_input` as windows that are summed where they overlap."""
    strides, pads, dilations, groups = params
    c = w.shape[1] * groups
    padded = tuple(n + lo + hi for n, (lo, hi) in zip(shape, pads, strict=True))
    s = _Shapes(np, w.shape[2:], y.shape[2:], c, len(w), groups)
    columns = w.reshape(groups, s.outer, s.inner).swapaxes(1, 2)
    out = np.zeros((len(y), c, *shape), y.dtype)
    for part in _chunks(len(y), s.bytes(y)):
        found = np.matmul(columns, s.lines(y[part]))
        found = found.reshape(c, *s.kernel, -1, *s.counts)
        found = np.moveaxis(found, len(s.kernel) + 1, 0)
        whole = _overlapped(np, found, padded, strides, dilations)
        out[part] = resized(np, whole, tuple((-lo, -hi) for lo, hi in pads))
    return out


def _overlap_much(w: Any, strides: Ints, groups: int) -> bool:
    """Whether `_every` is worth it: for single channels, and for many whose windows overlap."""
    alone = groups == len(w) and w.shape[1] == 1
    overlap = any(k > s for k, s in zip(w.shape[2:], strides, strict=True))
    return alone or (overlap and w.shape[1] >= MANY)


def _every(np: Any, y: Any, w: Any, shape: Ints, strides: Ints, pads: Pads, groups: int) -> Any:
    """`conv_input` for larger strides: elements that are a stride apart are read by the same places
    of windows, and are a `conv_input` for strides of 1 of these.
    """
    out = np.zeros((len(y), w.shape[1] * groups, *shape), y.dtype)
    for phase in product(*map(range, strides)):
        axes = zip(phase, strides, shape, w.shape[2:], y.shape[2:], pads, strict=True)
        parts = [_phase(*axis) for axis in axes]
        if all(parts):
            to, of, around = zip(*parts, strict=True)
            ones = (1,) * len(shape)
            out[(..., *to)] = _turned(np, y, w[(..., *of)], around, ones, groups)
    return out


def _phase(
    first: int, stride: int, size: int, kernel: int, many: int, pad: tuple[int, int]
) -> tuple[slice, slice, tuple[int, int]] | None:
    """Elements `first`, `first + stride` … of an axis, the places of windows that read them, and
    the pads of a convolution of these whose `conv_input` they are. None where nothing reads them.
    """
    place = (first + pad[0]) % stride
    n, k = -(-(size - first) // stride), -(-(kernel - place) // stride)
    if n < 1 or k < 1:
        return None
    before = (first + pad[0] - place) // stride
    after = many + k - 1 - n - before
    return slice(first, None, stride), slice(place, None, stride), (before, after)


def _turned(np: Any, y: Any, w: Any, pads: Pads, dilations: Ints, groups: int) -> Any:
    """`conv_input` for strides of 1 is a convolution: windows of an element, turned around."""
    own = w.reshape(groups, len(w) // groups, w.shape[1], prod(w.shape[2:])).swapaxes(1, 2)
    own = np.ascontiguousarray(own[..., ::-1]).reshape(-1, len(w) // groups, *w.shape[2:])
    reach = (d * (n - 1) for d, n in zip(dilations, w.shape[2:]))
    wide = tuple((r - lo, r - hi) for r, (lo, hi) in zip(reach, pads))
    return _conv_value(np, y, own, (1,) * len(wide), wide, dilations, groups)


def _weight_value(np: Any, x: Any, y: Any, kernel: Ints, *params: Any) -> Any:
    dtype, native = x.dtype, own(np, "convolution_weights")
    x, y = wide(np, x), wide(np, y)
    if _whole(x.shape[2:], kernel, *params):
        found = np.matmul(_flat(y).T, _flat(x)).reshape(y.shape[1], x.shape[1], *kernel)
        return found.astype(dtype, copy=False)
    found = native(x, y, kernel, *params) if native else None
    if found is None:
        found = _summed(np, x, y, kernel, *params)
    return found.astype(dtype, copy=False)


def _summed(np: Any, x: Any, y: Any, kernel: Ints, *params: Any) -> Any:
    """`conv_weight` by NumPy's products of copies of the windows, of which as many as are twice as
    large as the sum are taken at once: going over it takes its time too.
    """
    strides, pads, dilations, groups = params
    x = resized(np, x, pads)
    s = _Shapes(np, kernel, y.shape[2:], x.shape[1], y.shape[1], groups)
    x = x[(..., *(slice(n) for n in _ends(s.counts, strides, kernel, dilations)))]
    if groups == x.shape[1] > 1:
        return _depthwise.weights(np, x, y, kernel, strides, dilations)
    total, nbytes = None, y.shape[1] * s.inner * x.dtype.itemsize
    for part in _chunks(len(x), s.bytes(x), 2 * nbytes):
        columns = s.columns(x[part], strides, dilations)
        found = np.matmul(s.lines(y[part]), columns.swapaxes(1, 2))
        if total is None:
            total = found
        else:
            total += found
    if total is None:
        total = np.zeros((groups, s.outer, s.inner), x.dtype)
    return total.reshape(y.shape[1], x.shape[1] // groups, *kernel)


def _ends(counts: Ints, strides: Ints, sizes: Ints, dilations: Ints) -> Iterator[int]:
    """Where the last window along each axis ends."""
    return (
        (c - 1) * s + (n - 1) * d + 1
        for c, s, n, d in zip(counts, strides, sizes, dilations, strict=True)
    )


def _alike(a: Node, b: Node) -> None:
    if a.dtype is not b.dtype:
        raise TypeError(f"dtypes {a.dtype} and {b.dtype} differ: cast first")


def _refuse(name: str, a: Node, b: Node) -> ValueError:
    return ValueError(f"{name}: shapes {a.shape} and {b.shape} don't match")


def _infer_conv(x: Node, w: Node, strides: Ints, pads: Pads, dilations: Ints, groups: int) -> Infer:
    _alike(x, w)
    if x.ndim != w.ndim or x.shape[1] != w.shape[1] * groups or w.shape[0] % groups:
        raise _refuse("conv", x, w)
    counts = _spatial(x, w.shape[2:], strides, dilations, pads)
    return (x.shape[0], w.shape[0], *counts), x.dtype


def _infer_input(
    y: Node, w: Node, shape: Ints, strides: Ints, pads: Pads, dilations: Ints, groups: int
) -> Infer:
    _alike(y, w)
    positive(*w.shape[2:], *strides, *dilations, groups)
    padded = (n + lo + hi for n, (lo, hi) in zip(shape, pads, strict=True))
    counts = tuple(map(count, padded, w.shape[2:], strides, dilations))
    if y.shape[1:] != (w.shape[0], *counts) or w.shape[0] % groups:
        raise _refuse("conv_input", y, w)
    return (y.shape[0], w.shape[1] * groups, *shape), y.dtype


def _infer_weight(
    x: Node, y: Node, kernel: Ints, strides: Ints, pads: Pads, dilations: Ints, groups: int
) -> Infer:
    _alike(x, y)
    counts = _spatial(x, kernel, strides, dilations, pads)
    fits = y.shape[0] == x.shape[0] and y.shape[2:] == counts
    if not fits or x.shape[1] % groups or y.shape[1] % groups:
        raise _refuse("conv_weight", x, y)
    return (y.shape[1], x.shape[1] // groups, *kernel), x.dtype


def _conj(g: Any, x: Node) -> Node:
    return g.conj(x) if is_complex(x) else x


def _conv_vjp(g: Any, ct: Node, z: Node, x: Node, w: Node, *params: Any) -> tuple[Node, Node]:
    of_x = g.conv_input(ct, _conj(g, w), x.shape[2:], *params)
    return of_x, g.conv_weight(_conj(g, x), ct, w.shape[2:], *params)


def _input_vjp(
    g: Any, ct: Node, z: Node, y: Node, w: Node, shape: Ints, *params: Any
) -> tuple[Node, Node]:
    of_y = g.conv(ct, _conj(g, w), *params)
    return of_y, g.conv_weight(ct, _conj(g, y), w.shape[2:], *params)


def _weight_vjp(
    g: Any, ct: Node, z: Node, x: Node, y: Node, kernel: Ints, *params: Any
) -> tuple[Node, Node]:
    of_x = g.conv_input(_conj(g, y), ct, x.shape[2:], *params)
    return of_x, g.conv(_conj(g, x), ct, *params)


def _bilinear(name: str) -> Callable[..., Node | None]:
    """The tangent of a product: the row of either tangent with the other argument."""

    def jvp(g: Any, tangents: Sequence[Any], z: Node, a: Node, b: Node, *params: Any) -> Any:
        row, (ta, tb) = getattr(g, name), tangents
        parts = [row(ta, b, *params)] if ta is not None else []
        parts += [row(a, tb, *params)] if tb is not None else []
        return None if not parts else parts[0] if len(parts) == 1 else parts[0] + parts[1]

    return jvp


def _side_by_side(g: Any, x: Node, axis: int) -> Node:
    """A batch on axis 0 put in front of the channels on `axis` of an example, as more of them."""
    order = (*range(1, axis + 1), 0, *range(axis + 1, len(x.shape)))
    shape = (*x.shape[1 : axis + 1], x.shape[0] * x.shape[axis + 1], *x.shape[axis + 2 :])
    return g.reshape(g.permute(x, order), shape)  # type: ignore[no-any-return]


def _apart(g: Any, x: Node, axis: int, n: int) -> Node:
    """The inverse of `_side_by_side`."""
    shape = (*x.shape[:axis], n, x.shape[axis] // n, *x.shape[axis + 1 :])
    order = (axis, *range(axis), *range(axis + 1, len(shape)))
    return g.permute(g.reshape(x, shape), order)  # type: ignore[no-any-return]


def _batch(name: str, axes: tuple[int, int, int]) -> Callable[..., Node]:
    """Examples side by side as groups; `axes` have the channels of both arguments and of the
    result.
    """

    def batch(g: Any, batched: Sequence[bool], *rest: Any) -> Node:
        a, b = all_batched(g, batched, rest[:2])
        n, params, groups = a.shape[0], rest[2:-1], rest[-1]
        a, b = _side_by_side(g, a, axes[0]), _side_by_side(g, b, axes[1])
        return _apart(g, getattr(g, name)(a, b, *params, n * groups), axes[2], n)

    return batch


def _contraction(
    name: str, params: tuple[str, ...], axes: tuple[int, int, int], **columns: Any
) -> Op:
    params = (*params, "strides", "pads", "dilations", "groups")
    rules = {"jvp": _bilinear(name), "batch": _batch(name, axes), **columns}
    return register(Op(name, "contract", 2, params=params, domain="iufc", **rules))


def _taps(y: Any, w: Any) -> int:
    """Additions and multiplications of a convolution with result y."""
    return 2 * int(prod(y.shape) * prod(w.shape[1:]))


conv = _contraction(
    "conv", (), (1, 0, 1), infer=_infer_conv, value=_conv_value, vjp=_conv_vjp,
    work=lambda y, x, w: _taps(y, w),
    doc="Cross-correlation of (examples, channels, …) with (channels out, channels of a group, …).",
)  # fmt: skip
conv_input = _contraction(
    "conv_input", ("shape",), (1, 0, 1), infer=_infer_input, value=_input_value, vjp=_input_vjp,
    work=lambda x, y, w: _taps(y, w),
    doc="The transpose of `conv` in x: a transposed convolution.",
)  # fmt: skip
conv_weight = _contraction(
    "conv_weight", ("kernel",), (1, 1, 0), infer=_infer_weight, value=_weight_value,
    vjp=_weight_vjp, work=lambda w, x, y: _taps(y, w),
    doc="The transpose of `conv` in its weights.",
)  # fmt: skip
