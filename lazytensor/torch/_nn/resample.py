"""Images of other sizes, reads at the points of a grid, windows placed at random.

What enters: tensors (examples, channels, …), sizes, factors. What leaves: tensors. It must not know
how values between elements are computed.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...ir.node import Node
from ...lang import pool, resize
from .. import _dtypes
from .._calls import refuse
from .._host import value
from ..tensor import Tensor
from ._base import apply, apply_fixed, apply_many, nn

MODES = ("bilinear", "nearest", "bicubic")
PADDINGS = ("zeros", "border", "reflection")


def _refuse(x: Tensor, kernel: str, integers: Sequence[Any] = ()) -> None:
    """Raises NotImplementedError for dtypes that PyTorch's kernel does not have."""
    if x.dtype._rank != 2 and x.dtype not in integers:
        refuse(x, kernel)


# --- other sizes ----------------------------------------------------------------------------------


def _size(x: Tensor, size: Any, factors: Any) -> tuple[tuple[int, ...], Any]:
    """The output's sizes, and the factors if they are what is given."""
    if (size is None) == (factors is None):
        raise RuntimeError("Must specify exactly one of output_size and scale_factors")
    if size is not None:
        return tuple(int(n) for n in size), None
    given = [float(f) for f in factors]
    return tuple(int(n * f) for n, f in zip(x._node.shape[2:], given, strict=True)), given


def _by_nearest(dims: int, exact: bool) -> None:
    title = f"UpsampleNearest{'Exact' if exact else ''}{dims}D"
    mode = "nearest-exact" if exact else "nearest"

    def function(input: Tensor, output_size: Any, scale_factors: Any = None) -> Tensor:
        _refuse(input, "compute_indices_weights_nearest", (_dtypes.uint8,))
        size, scales = _size(input, output_size, scale_factors)
        return apply(title, lambda x: resize.interpolate(x, size, mode, scales=scales), input)

    function.__doc__ = f"The {mode} value over {dims} axes. Raises NotImplementedError."
    nn(f"_upsample_nearest_exact{dims}d" if exact else f"upsample_nearest{dims}d")(function)


def _by_weights(mode: str, dims: int, antialias: bool = False) -> None:
    title = f"Upsample{mode.title()}{dims}D{'Aa' if antialias else ''}"
    kind = "cubic" if mode == "bicubic" else "linear"
    kernel = "compute_index_ranges_weights" if antialias else f"compute_indices_weights_{kind}"

    def function(
        input: Tensor, output_size: Any, align_corners: bool, scale_factors: Any = None
    ) -> Tensor:
        _refuse(input, kernel)
        size, scales = _size(input, output_size, scale_factors)
        return apply(
            title,
            lambda x: resize.interpolate(x, size, mode, align_corners, scales, antialias), input,
        )  # fmt: skip

    function.__doc__ = (
        f"Values between neighbours, {mode}{', filtered' if antialias else ''}. Raises "
        "NotImplementedError for integers."
    )
    nn(f"_upsample_{mode}{dims}d_aa" if antialias else f"upsample_{mode}{dims}d")(function)


for _dims, _mode in enumerate(("linear", "bilinear", "trilinear"), 1):
    _by_nearest(_dims, False)
    _by_nearest(_dims, True)
    _by_weights(_mode, _dims)
_by_weights("bicubic", 2)
_by_weights("bilinear", 2, True)
_by_weights("bicubic", 2, True)

# --- grids ----------------------------------------------------------------------------------------


def _sampled(
    input: Tensor, grid: Tensor, interpolation_mode: int, padding_mode: int, align_corners: bool,
    dims: int,
) -> Tensor:  # fmt: skip
    options = MODES[interpolation_mode], PADDINGS[padding_mode], align_corners
    if input._node.ndim == grid._node.ndim == dims + 2:
        _refuse(input, "grid_sampler_2d_cpu_kernel_impl" if dims == 2 else "grid_sampler3d_cpu")
        if input.dtype is not grid.dtype:
            given, wanted = (_dtypes.TITLES[t.dtype] for t in (grid, input))
            raise RuntimeError(f"expected scalar type {wanted} but found {given}")
    return apply_fixed(f"GridSampler{dims}D", resize.grid_sample, options, input, grid)


@nn("grid_sampler", torch=True)
def grid_sampler(
    input: Tensor, grid: Tensor, interpolation_mode: int, padding_mode: int, align_corners: bool
) -> Tensor:
    """The input at the points of a grid. Raises RuntimeError for shapes and dtypes."""
    dims = 3 if input._node.ndim == 5 else 2
    return _sampled(input, grid, interpolation_mode, padding_mode, align_corners, dims)


def _sampler(dims: int) -> None:
    def function(
        input: Tensor, grid: Tensor, interpolation_mode: int, padding_mode: int,
        align_corners: bool,
    ) -> Tensor:  # fmt: skip
        return _sampled(input, grid, interpolation_mode, padding_mode, align_corners, dims)

    function.__doc__ = f"`grid_sampler` over {dims} axes. Raises RuntimeError as it does."
    nn(f"grid_sampler_{dims}d", torch=True)(function)


_sampler(2)
_sampler(3)


@nn("affine_grid_generator", torch=True)
def affine_grid_generator(theta: Tensor, size: Sequence[int], align_corners: bool) -> Tensor:
    """A grid for `grid_sampler` from affine maps. Raises ValueError for shapes."""
    options = tuple([int(n) for n in size]), align_corners
    return apply_fixed("AffineGridGenerator", resize.affine_grid, options, theta)


# --- windows placed at random ---------------------------------------------------------------------


def _each(name: str, value: Any, dims: int, what: str) -> tuple[int, ...]:
    given = (value,) if isinstance(value, int) else tuple(value)
    if len(given) not in (1, dims):
        raise RuntimeError(f"{name}: {what} must either be a single Int or tuple of Ints")
    return given * dims if len(given) == 1 else given


def _fits(name: str, x: Tensor, sizes: Sequence[int], out: Sequence[int]) -> None:
    """Raises RuntimeError for empty inputs, and for windows that don't fit."""
    shape, dims = x._node.shape, len(sizes)
    for a in range(max(len(shape) - dims - 1, 0), len(shape)):
        if not shape[a]:
            raise RuntimeError(
                f"{name}(): Expected input to have non-zero size for non-batch dimensions, but "
                f"got{list(shape)} with dimension {a} being empty."
            )
    words = ("time", "height", "width")[-dims:]
    for word, n, size, count in zip(words, shape[len(shape) - dims :], sizes, out):
        if count + size - 1 > n:
            raise RuntimeError(
                f"{name}(): pool {word} {size} too large relative to input {word} {n}"
            )


def _at_random(dims: int) -> None:
    name = f"fractional_max_pool{dims}d"

    def function(
        input: Tensor, kernel_size: Any, output_size: Any, random_samples: Tensor
    ) -> tuple[Tensor, ...]:
        sizes = _each(name, kernel_size, dims, "kernel_size")
        out = _each(name, output_size, dims, "output_size")
        _fits(name, input, sizes, out)
        samples = np.asarray(value(random_samples._read()))
        columns = samples[..., ::-1] if dims == 2 else samples
        shape = input._node.shape
        batched = len(shape) == dims + 2
        starts = [
            pool.fractional_starts(column, n, size, count)[... if batched else 0]
            for column, n, size, count in zip(
                np.moveaxis(columns, -1, 0), shape[len(shape) - dims :], sizes, out
            )
        ]

        def f(x: Node) -> tuple[Node, Node]:
            places = pool.fractional_places(x, sizes, starts)
            return pool.take_places(x, places, dims), places

        return apply_many(f"FractionalMaxPool{dims}D", f, input)

    function.__doc__ = "Maxima of windows placed by samples, and their places. Raises RuntimeError."
    nn(name)(function)


_at_random(2)
_at_random(3)
