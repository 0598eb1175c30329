"""Padding, convolutions and their kin, channels first, as PyTorch defines them.

What enters: nodes of one dtype, of shape (examples, channels, …) or without examples, and Python
arguments, ints for all spatial axes or tuples. What leaves: nodes over the rows of `ops/`, checked
at once with PyTorch's texts. It must not know faces.
"""

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from .._base.dtypes import int64
from ..ir.node import Node
from ..ops import g
from ..ops.windows import count
from ._checks import full
from .movement import picked

Ints = tuple[int, ...]
Pads = tuple[tuple[int, int], ...]


def each(value: Any, n: int, name: str = "parameter") -> Ints:
    """One int for each of n axes. Raises RuntimeError for a sequence of another length."""
    if isinstance(value, Sequence):
        if len(value) not in (1, n):
            raise RuntimeError(
                f"expected {name} to be a single integer value or a list of {n} values to match "
                f"the convolution dimensions, but got {name}={list(value)}"
            )
        return tuple(map(int, value)) * (n // len(value) if len(value) == 1 else 1)
    return (int(value),) * n


# --- padding --------------------------------------------------------------------------------------


def pairs(pad: Sequence[int], ndim: int) -> Pads:
    """PyTorch's flat list, last axis first, as (before, after) for all axes.

    Raises RuntimeError for an odd or too long list.
    """
    if len(pad) % 2:
        raise RuntimeError("Padding length must be divisible by 2")
    if len(pad) > 2 * ndim:
        raise RuntimeError(
            "Padding length should be less than or equal to two times the input dimension but got "
            f"padding length {len(pad)} and input of dimension {ndim}"
        )
    found = [(int(pad[i]), int(pad[i + 1])) for i in range(0, len(pad), 2)]
    return ((0, 0),) * (ndim - len(found)) + tuple(reversed(found))


def _cut(x: Node, pads: Pads) -> Node:
    """Without the elements that negative pads take away. Raises RuntimeError where too few are."""
    sizes = tuple(n + min(lo, 0) + min(hi, 0) for n, (lo, hi) in zip(x.shape, pads, strict=True))
    if sizes == x.shape:
        return x
    starts = tuple(max(-lo, 0) if n else 0 for n, (lo, _) in zip(sizes, pads, strict=True))
    return g.slice(x, starts, sizes, (1,) * x.ndim)


def _check_sizes(x: Node, pads: Pads) -> None:
    for axis, (n, (lo, hi)) in enumerate(zip(x.shape, pads, strict=True)):
        if n + lo + hi < 0 or n + min(lo, 0) + min(hi, 0) < 0:
            raise RuntimeError(
                f"The input size {n}, plus negative padding {lo} and {hi}, resulted in a negative "
                "output size, which is invalid. Check dimension "
                f"{axis} of your input."
            )


# What `embed` puts around: no zero that has a sign.
_ZEROS = ("0", "0.0", "0j", "False")


def pad_constant(x: Node, pads: Pads, value: float = 0) -> Node:
    """x with a number put around it; negative pads cut off. Raises RuntimeError for bad sizes."""
    _check_sizes(x, pads)
    x = _cut(x, pads)
    grown = tuple((max(lo, 0), max(hi, 0)) for lo, hi in pads)
    if not any(map(any, grown)):
        return x
    shape = tuple(n + lo + hi for n, (lo, hi) in zip(x.shape, grown, strict=True))
    starts, ones = tuple(lo for lo, _ in grown), (1,) * x.ndim
    if 0 in x.shape:
        return full(value, shape, x)
    if str(value) in _ZEROS:
        return g.embed(x, shape, starts, ones)
    return g.update_slice(full(value, shape, x), x, starts, ones)


def _read(mode: str, n: int, lo: int, hi: int) -> np.ndarray[Any, Any]:
    """Which elements of an axis a padded axis shows."""
    places = np.arange(-lo, n + hi)
    if mode == "replicate":
        return np.clip(places, 0, n - 1)
    if mode == "circular":  # what is cut off goes first
        kept = np.arange(max(-lo, 0), n - max(-hi, 0))
        return kept[np.arange(-max(lo, 0), len(kept) + max(hi, 0)) % len(kept)]
    return np.abs(places) if n == 1 else (n - 1) - np.abs((n - 1) - np.abs(places))


def _check_mode(x: Node, mode: str, axis: int, pad: tuple[int, int], given: list[int]) -> None:
    n = x.shape[axis]
    if mode == "reflect" and max(pad) >= n:
        raise RuntimeError(
            "Argument #4: Padding size should be less than the corresponding input dimension, but "
            f"got: padding ({pad[0]}, {pad[1]}) at dimension {axis} of input {list(x.shape)}"
        )
    if mode == "circular" and max(pad) > n:
        raise RuntimeError("Padding value causes wrapping around more than once.")
    if n + sum(pad) < 1:
        raise RuntimeError(f"input size {list(x.shape)} is too small for padding {given}")


def pad(x: Node, pad: Sequence[int], mode: str = "constant", value: float = 0) -> Node:
    """PyTorch's `pad`: constant, reflect, replicate or circular, the last axis first in the list.

    Raises RuntimeError, NotImplementedError for modes and sizes.
    """
    given = pairs(pad, x.ndim)
    if mode == "constant":
        return pad_constant(x, given, value)
    if mode not in ("reflect", "replicate", "circular"):
        raise NotImplementedError(f"Unrecognised padding mode {mode}")
    k = len(pad) // 2
    if k not in (1, 2, 3) or x.ndim not in (k + 1, k + 2):
        raise NotImplementedError(
            "Only 2D, 3D, 4D, 5D padding with non-constant padding are supported for now"
        )
    for axis, (lo, hi) in enumerate(given):
        if lo or hi:
            _check_mode(x, mode, axis, (lo, hi), list(pad))
            x = _padded_axis(x, mode, axis, lo, hi)
    return x


def _padded_axis(x: Node, mode: str, axis: int, lo: int, hi: int) -> Node:
    places = _read(mode, x.shape[axis], lo, hi)
    return picked(x, axis, places)


# --- convolution ----------------------------------------------------------------------------------


def _check_rank(name: str, x: Node, k: int) -> None:
    if x.ndim not in (k + 1, k + 2):
        raise RuntimeError(
            f"Expected {k + 1}D (unbatched) or {k + 2}D (batched) input to {name}{k}d, but got "
            f"input of size: {list(x.shape)}"
        )


def _check_weight(x: Node, w: Node, groups: int, transposed: bool) -> None:
    """Channels of the input against the weight. Raises RuntimeError."""
    if groups <= 0:
        raise RuntimeError("non-positive groups is not supported")
    if w.shape[0] < groups:
        raise RuntimeError(
            f"Given groups={groups}, expected weight to be at least {groups} at dimension 0, but "
            f"got weight of size {list(w.shape)} instead"
        )
    if w.shape[0] % groups:
        raise RuntimeError(
            f"Given groups={groups}, expected weight to be divisible by {groups} at dimension 0, "
            f"but got weight of size [{list(w.shape)}] instead"
        )
    wanted = w.shape[0] if transposed else w.shape[1] * groups
    if x.shape[1] != wanted:
        raise RuntimeError(
            f"Given {'transposed=1' if transposed else f'groups={groups}'}, weight of size "
            f"{list(w.shape)}, expected input{list(x.shape)} to have {wanted} channels, but got "
            f"{x.shape[1]} channels instead"
        )


def _check_bias(w: Node, bias: Node | None, channels: int, given: str = "") -> None:
    if bias is not None and bias.shape != (channels,):
        raise RuntimeError(
            f"Given {given}weight of size {list(w.shape)}, expected bias to be 1-dimensional with "
            f"{channels} elements, but got bias of size {list(bias.shape)} instead"
        )


def _check_kernel(x: Node, kernel: Ints, pads: Pads, dilations: Ints) -> None:
    sizes = [n + lo + hi for n, (lo, hi) in zip(x.shape[2:], pads, strict=True)]
    spans = [d * (k - 1) + 1 for k, d in zip(kernel, dilations, strict=True)]
    if any(s > n for s, n in zip(spans, sizes, strict=True)):
        raise RuntimeError(
            f"Calculated padded input size per channel: ({' x '.join(map(str, sizes))}). Kernel "
            f"size: ({' x '.join(map(str, spans))}). Kernel size can't be greater than actual "
            "input size"
        )


def _positive(strides: Ints, dilations: Ints) -> None:
    if min(strides) <= 0:
        raise RuntimeError("non-positive stride is not supported")
    if min(dilations) <= 0:
        shown = f", but got {list(dilations)}" if min(dilations) == 0 else ""
        raise RuntimeError(f"dilation should be greater than zero{shown}")


def _conv_pads(padding: Any, kernel: Ints, strides: Ints, dilations: Ints) -> Pads:
    """Pads from ints, 'valid' or 'same', of which an odd one goes behind. Raises RuntimeError."""
    if isinstance(padding, str):
        if padding not in ("same", "valid"):
            raise RuntimeError(f"Invalid padding string: '{padding}'")
        if padding == "valid":
            return ((0, 0),) * len(kernel)
        if any(s != 1 for s in strides):
            raise RuntimeError("padding='same' is not supported for strided convolutions")
        totals = [d * (k - 1) for k, d in zip(kernel, dilations, strict=True)]
        return tuple((t // 2, t - t // 2) for t in totals)
    found = each(padding, len(kernel), "padding")
    if min(found) < 0:
        raise RuntimeError("negative padding is not supported")
    return tuple((p, p) for p in found)


def _biased(y: Node, bias: Node | None) -> Node:
    return y if bias is None else y + g.reshape(bias, (bias.shape[0], *(1,) * (y.ndim - 2)))


def _examples(name: str, x: Node, k: int) -> tuple[Node, bool]:
    """x with an axis of examples, and whether it had one."""
    _check_rank(name, x, k)
    return (x, True) if x.ndim == k + 2 else (g.reshape(x, (1, *x.shape)), False)


def conv(
    x: Node,
    w: Node,
    bias: Node | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Node:
    """PyTorch's conv1d, conv2d, conv3d, by the number of w's axes: (channels out, channels of a
    group, *kernel). Raises RuntimeError for shapes and arguments.
    """
    k = w.ndim - 2
    x, batched = _examples("conv", x, k)
    strides, dilations = each(stride, k, "stride"), each(dilation, k, "dilation")
    _positive(strides, dilations)
    pads = _conv_pads(padding, w.shape[2:], strides, dilations)
    _check_weight(x, w, groups, False)
    _check_bias(w, bias, w.shape[0])
    _check_kernel(x, w.shape[2:], pads, dilations)
    y = _biased(g.conv(x, w, strides, pads, dilations, int(groups)), bias)
    return y if batched else g.reshape(y, y.shape[1:])


def _transposed_pads(pads: Ints, extra: Ints) -> Pads:
    """With what `output_padding` adds at the end taken from the padding there."""
    return tuple((p, p - e) for p, e in zip(pads, extra, strict=True))


def _check_extra(extra: Ints, strides: Ints, dilations: Ints) -> None:
    if min(extra) < 0:
        raise RuntimeError("negative output_padding is not supported")
    if any(e >= s and e >= d for e, s, d in zip(extra, strides, dilations, strict=True)):
        # PyTorch shows one axis as the second of two
        one = len(extra) == 1
        axes = ("height", "width") if len(extra) < 3 else ("depth", "height", "width")
        given = {
            "output_padding": (0,) * one + extra,
            "stride": (1,) * one + strides,
            "dilation": (1,) * one + dilations,
        }
        shown = " ".join(f"{k}_{a}: {n}" for k, v in given.items() for a, n in zip(axes, v))
        raise RuntimeError(
            f"output padding must be smaller than either stride or dilation, but got {shown}"
        )


def conv_transpose(
    x: Node,
    w: Node,
    bias: Node | None = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Node:
    """PyTorch's conv_transpose1d, 2d, 3d: the gradient of `conv` in its input, plus bias.

    w is (channels in, channels out of a group, *kernel). Raises RuntimeError.
    """
    k = w.ndim - 2
    x, batched = _examples("conv_transpose", x, k)
    strides, dilations = each(stride, k, "stride"), each(dilation, k, "dilation")
    pads, extra = each(padding, k, "padding"), each(output_padding, k, "output_padding")
    _positive(strides, dilations)
    _check_extra(extra, strides, dilations)
    _check_weight(x, w, groups, True)
    _check_bias(w, bias, w.shape[1] * groups, "transposed=1, ")
    shape = tuple(
        (n - 1) * s - 2 * p + d * (m - 1) + e + 1
        for n, s, p, d, m, e in zip(x.shape[2:], strides, pads, dilations, w.shape[2:], extra)
    )
    if min(shape) < 1:
        raise RuntimeError(
            f"Given input size per channel: ({' x '.join(map(str, x.shape[2:]))}). Calculated "
            f"output size per channel: ({' x '.join(map(str, shape))}). Output size is too small"
        )
    around = _transposed_pads(pads, extra)
    y = _biased(g.conv_input(x, w, shape, strides, around, dilations, int(groups)), bias)
    return y if batched else g.reshape(y, y.shape[1:])


# --- columns --------------------------------------------------------------------------------------


def unfold(x: Node, kernel: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Node:
    """PyTorch's `unfold` (im2col): (examples, channels, h, w) -> (examples, channels · places,
    windows). Raises RuntimeError.
    """
    x, batched = (x, True) if x.ndim == 4 else (g.reshape(x, (1, *x.shape)), False)
    sizes, strides, dilations = each(kernel, 2), each(stride, 2), each(dilation, 2)
    pads = tuple((p, p) for p in each(padding, 2))
    padded = pad_constant(x, ((0, 0), (0, 0), *pads))
    counts = tuple(map(count, padded.shape[2:], sizes, strides, dilations))
    if min(counts) < 1:
        raise RuntimeError(
            f"Given input with spatial size ({x.shape[2]}, {x.shape[3]}), kernel_size={sizes}, "
            f"dilation={dilations}, padding={each(padding, 2)}, calculated shape of the array of "
            f"sliding blocks as {counts}, but its components must be at least one."
        )
    view = g.windows(padded, sizes, strides, dilations)
    out = g.reshape(view, (x.shape[0], x.shape[1] * prod(sizes), prod(counts)))
    return out if batched else g.reshape(out, out.shape[1:])


def fold(
    x: Node, output_size: Any, kernel: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1
) -> Node:
    """PyTorch's `fold` (col2im): the transpose of `unfold`. Raises RuntimeError."""
    x, batched = (x, True) if x.ndim == 3 else (g.reshape(x, (1, *x.shape)), False)
    size, sizes = each(output_size, 2), each(kernel, 2)
    strides, dilations, pads = each(stride, 2), each(dilation, 2), each(padding, 2)
    padded = tuple(n + 2 * p for n, p in zip(size, pads, strict=True))
    counts = tuple(map(count, padded, sizes, strides, dilations))
    n, rows, columns = x.shape
    if rows % prod(sizes):
        raise RuntimeError(
            "Expected size of input's dimension 1 to be divisible by the product of kernel_size, "
            f"but got input.size(1)={rows} and kernel_size={sizes}."
        )
    if columns != prod(counts) or min(counts) < 1:
        raise RuntimeError(
            f"Given output_size={size}, kernel_size={sizes}, dilation={dilations}, padding={pads}, "
            f"stride={strides}, expected size of input's dimension 2 to match the calculated number"
            f" of sliding blocks {counts[0]} * {counts[1]} = {prod(counts)}, but got "
            f"input.size(2)={columns}."
        )
    blocks = g.reshape(x, (n, rows // prod(sizes), *sizes, *counts))
    out = g.overlap_add(blocks, padded, strides, dilations)
    out = pad_constant(out, ((0, 0), (0, 0), *((-p, -p) for p in pads)))
    return out if batched else g.reshape(out, out.shape[1:])


# --- channels and places exchanged ----------------------------------------------------------------


def pixel_shuffle(x: Node, factor: int) -> Node:
    """(…, c · r², h, w) -> (…, c, h · r, w · r). Raises RuntimeError for shapes."""
    if x.ndim < 3:
        raise RuntimeError(
            "pixel_shuffle expects input to have at least 3 dimensions, but got input with "
            f"{x.ndim} dimension(s)"
        )
    *lead, c, h, w = x.shape
    if factor <= 0 or c % factor**2:
        raise RuntimeError(
            "pixel_shuffle expects its input's 'channel' dimension to be divisible by the square "
            f"of upscale_factor, but input.size(-3)={c} is not divisible by {factor**2}"
            if factor > 0
            else f"pixel_shuffle expects a positive upscale_factor, but got {factor}"
        )
    k, out = len(lead), c // factor**2
    split = g.reshape(x, (*lead, out, factor, factor, h, w))
    moved = g.permute(split, (*range(k), k, k + 3, k + 1, k + 4, k + 2))
    return g.reshape(moved, (*lead, out, h * factor, w * factor))


def pixel_unshuffle(x: Node, factor: int) -> Node:
    """The inverse of `pixel_shuffle`. Raises RuntimeError for shapes."""
    if x.ndim < 3:
        raise RuntimeError(
            "pixel_unshuffle expects input to have at least 3 dimensions, but got input with "
            f"{x.ndim} dimension(s)"
        )
    if factor <= 0:
        raise RuntimeError(f"pixel_unshuffle expects a positive downscale_factor, but got {factor}")
    *lead, c, h, w = x.shape
    for label, axis, n in (("height", -2, h), ("width", -1, w)):
        if n % factor:
            raise RuntimeError(
                f"pixel_unshuffle expects {label} to be divisible by downscale_factor, but "
                f"input.size({axis})={n} is not divisible by {factor}"
            )
    k = len(lead)
    split = g.reshape(x, (*lead, c, h // factor, factor, w // factor, factor))
    moved = g.permute(split, (*range(k), k, k + 2, k + 4, k + 1, k + 3))
    return g.reshape(moved, (*lead, c * factor**2, h // factor, w // factor))


def channel_shuffle(x: Node, groups: int) -> Node:
    """Channels of the groups taken in turn. Raises RuntimeError for shapes."""
    if x.ndim < 3:
        raise RuntimeError(
            f"channel_shuffle expects input with > 2 dims, but got input with sizes {list(x.shape)}"
        )
    n, c, *rest = x.shape
    if groups <= 0 or c % groups:
        raise RuntimeError(
            f"Number of channels must be divisible by groups. Got {c} channels and {groups} groups."
        )
    split = g.reshape(x, (n, groups, c // groups, *rest))
    moved = g.permute(split, (0, 2, 1, *range(3, split.ndim)))
    return g.reshape(moved, x.shape)


def indices_of(shape: Sequence[int], like: Node) -> Node:
    """0, 1, … in a shape, int64."""
    return g.reshape(g.iota(prod(shape), int64, like.device), tuple(shape))
