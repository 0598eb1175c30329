"""Padding, windows, and images of other sizes, as functions.

What enters: tensors with channels in front of spatial dimensions. What leaves: the same with other
sizes. It must not know how values between pixels are computed.
"""

import warnings
from collections.abc import Iterable
from typing import Any

import numpy as np

from ... import _api as torch
from ...tensor import Tensor
from .pooling import adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d


def pad(input: Any, pad: Any, mode: str = "constant", value: float | None = None) -> Any:
    """The input with more before and after its last dimensions, last dimension first."""
    return torch._nn.pad(input, pad, mode, value)


def pixel_shuffle(input: Any, upscale_factor: int) -> Any:
    """(*, C r², H, W) to (*, C, H r, W r)."""
    return torch._nn.pixel_shuffle(input, upscale_factor)


def pixel_unshuffle(input: Any, downscale_factor: int) -> Any:
    """(*, C, H r, W r) to (*, C r², H, W)."""
    return torch._nn.pixel_unshuffle(input, downscale_factor)


def channel_shuffle(input: Any, groups: int) -> Any:
    """(*, g C, H, W) with the channels of groups interleaved."""
    return torch._nn.channel_shuffle(input, groups)


def native_channel_shuffle(input: Any, groups: int) -> Any:
    """The same as channel_shuffle."""
    return torch._nn.native_channel_shuffle(input, groups)


def _pair(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, Iterable) else (value, value)


def unfold(
    input: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1
) -> Any:
    """The windows of images as columns: (N, C, H, W) to (N, C k, L)."""
    return torch._nn.im2col(
        input, _pair(kernel_size), _pair(dilation), _pair(padding), _pair(stride)
    )


def fold(
    input: Any,
    output_size: Any,
    kernel_size: Any,
    dilation: Any = 1,
    padding: Any = 0,
    stride: Any = 1,
) -> Any:
    """Windows added up to images: (N, C k, L) to (N, C, *output_size)."""
    return torch._nn.col2im(
        input,
        _pair(output_size),
        _pair(kernel_size),
        _pair(dilation),
        _pair(padding),
        _pair(stride),
    )


def _integer(value: Any) -> bool:
    if isinstance(value, Tensor):
        return not value.is_floating_point()
    return isinstance(value, int | np.integer)


def _by_size(input: Any, size: Any, dim: int) -> Any:
    """The output's sizes, one for each dimension."""
    if not isinstance(size, list | tuple):
        return [size] * dim
    if len(size) != dim:
        raise ValueError(
            "Input and output must have the same number of spatial dimensions, but got input with "
            f"spatial dimensions of {list(input.shape[2:])} and output size of {size}. Please "
            "provide input tensor in (N, C, d1, d2, ...,dK) format and output size in (o1, o2, "
            "...,oK) format."
        )
    if not all(map(_integer, size)):
        raise TypeError(
            "expected size to be one of int or Tuple[int] or Tuple[int, int] or Tuple[int, int, "
            f"int], but got size with types {[type(x) for x in size]}"
        )
    return size


def _by_factor(input: Any, scale_factor: Any, dim: int) -> Any:
    """The factors, one for each dimension."""
    if not isinstance(scale_factor, list | tuple):
        return [scale_factor] * dim
    if len(scale_factor) != dim:
        raise ValueError(
            "Input and scale_factor must have the same number of spatial dimensions, but got input "
            f"with spatial dimensions of {list(input.shape[2:])} and scale_factor of shape "
            f"{scale_factor}. Please provide input tensor in (N, C, d1, d2, ...,dK) format and "
            "scale_factor in (s1, s2, ...,sK) format."
        )
    return scale_factor


def _target(
    input: Any, size: Any, scale_factor: Any, mode: str, recompute: bool | None
) -> tuple[Any, Any]:
    """The output's sizes or the factors, of which one is None."""
    dim = input.dim() - 2
    if size is not None and scale_factor is not None:
        raise ValueError("only one of size or scale_factor should be defined")
    if size is not None:
        sizes = _by_size(input, size, dim)
        if recompute:
            raise ValueError("recompute_scale_factor is not meaningful with an explicit size.")
        return sizes, None
    if scale_factor is None:
        raise ValueError("either size or scale_factor should be defined")
    factors = _by_factor(input, scale_factor, dim)
    if recompute or mode == "area":
        return [int(size * f) for size, f in zip(input.shape[2:], factors)], None
    return None, factors


# By rank of the input and mode, the kernel; those under _ALIGNED take align_corners.
_NEAREST = {
    (dim + 2, mode): f"{name}{dim}d"
    for dim in (1, 2, 3)
    for mode, name in (
        ("nearest", "upsample_nearest"),
        ("nearest-exact", "_upsample_nearest_exact"),
    )
}
_ALIGNED = {
    (3, "linear"): "upsample_linear1d",
    (4, "bilinear"): "upsample_bilinear2d",
    (4, "bicubic"): "upsample_bicubic2d",
    (5, "trilinear"): "upsample_trilinear3d",
}
_ANTIALIASED = {
    (4, "bilinear"): "_upsample_bilinear2d_aa",
    (4, "bicubic"): "_upsample_bicubic2d_aa",
    (4, "lanczos"): "_upsample_lanczos2d_aa",
}
_AREA = {3: adaptive_avg_pool1d, 4: adaptive_avg_pool2d, 5: adaptive_avg_pool3d}
_RANKS = {"linear": 3, "bilinear": 4, "trilinear": 5}


def interpolate(
    input: Any,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Any:
    """The input (N, C, *sizes) in another size, by nearest values, linear, cubic, or means.

    ValueError for arguments that contradict, NotImplementedError for a mode that its rank does not
    have.
    """
    if mode in ("nearest", "area", "nearest-exact"):
        if align_corners is not None:
            raise ValueError(
                "align_corners option can only be set with the interpolating modes: linear | "
                "bilinear | bicubic | trilinear"
            )
    else:
        align_corners = bool(align_corners)
    sizes, factors = _target(input, size, scale_factor, mode, recompute_scale_factor)
    if antialias and not (mode in ("bilinear", "bicubic", "lanczos") and input.ndim == 4):
        raise ValueError(
            "Anti-alias option is restricted to bilinear, bicubic, and lanczos modes and requires "
            "a 4-D tensor as input"
        )
    key = (input.dim(), mode)
    if key in _NEAREST:
        return getattr(torch._nn, _NEAREST[key])(input, sizes, factors)
    if mode == "area" and input.dim() in _AREA:
        return _AREA[input.dim()](input, sizes)
    if key == (4, "lanczos"):
        _check_lanczos(align_corners, antialias)
    names = _ANTIALIASED if antialias else _ALIGNED
    if key in names:
        return getattr(torch._nn, names[key])(input, sizes, align_corners, factors)
    raise NotImplementedError(_no_such_mode(*key))


def _check_lanczos(align_corners: bool | None, antialias: bool) -> None:
    if align_corners:
        raise ValueError("Lanczos mode does not support align_corners=True")
    if not antialias:
        raise ValueError("Lanczos mode requires antialias=True")


def _no_such_mode(dim: int, mode: str) -> str:
    """Why a mode is not there for a rank."""
    if mode in _RANKS and dim in (3, 4, 5):
        return f"Got {dim}D input, but {mode} mode needs {_RANKS[mode]}D input"
    return (
        f"Input Error: Only 3D, 4D and 5D input Tensors supported (got {dim}D) for the modes: "
        "nearest | linear | bilinear | bicubic | trilinear | lanczos | area | nearest-exact (got "
        f"{mode})"
    )


def _warn_of(name: str) -> None:
    warnings.warn(
        f"`nn.functional.{name}` is deprecated. Use `nn.functional.interpolate` instead.",
        stacklevel=3,
    )


def upsample(
    input: Any,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
) -> Any:
    """Deprecated: interpolate."""
    _warn_of("upsample")
    return interpolate(input, size, scale_factor, mode, align_corners)


def upsample_nearest(input: Any, size: Any = None, scale_factor: Any = None) -> Any:
    """Deprecated: interpolate by nearest values."""
    _warn_of("upsample_nearest")
    return interpolate(input, size, scale_factor, mode="nearest")


def upsample_bilinear(input: Any, size: Any = None, scale_factor: Any = None) -> Any:
    """Deprecated: interpolate, linear in both directions, corners aligned."""
    _warn_of("upsample_bilinear")
    return interpolate(input, size, scale_factor, mode="bilinear", align_corners=True)


_ALIGN = (
    "Default grid_sample and affine_grid behavior has changed to align_corners=False since 1.3.0. "
    "Please specify align_corners=True if the old behavior is desired. See the documentation of "
    "grid_sample for details."
)


def grid_sample(
    input: Any,
    grid: Any,
    mode: str = "bilinear",
    padding_mode: str = "zeros",
    align_corners: bool | None = None,
) -> Any:
    """The input (N, C, *sizes) at the places of a grid (N, *sizes, dimensions) in [-1, 1]."""
    modes, paddings = ("bilinear", "nearest", "bicubic"), ("zeros", "border", "reflection")
    if mode not in modes:
        raise ValueError(
            "nn.functional.grid_sample(): expected mode to be 'bilinear', 'nearest' or 'bicubic', "
            f"but got: '{mode}'"
        )
    if padding_mode not in paddings:
        raise ValueError(
            "nn.functional.grid_sample(): expected padding_mode to be 'zeros', 'border', or "
            f"'reflection', but got: '{padding_mode}'"
        )
    if align_corners is None:
        warnings.warn(_ALIGN, stacklevel=2)
    numbers = modes.index(mode), paddings.index(padding_mode)
    return torch._nn.grid_sampler(input, grid, *numbers, bool(align_corners))


def affine_grid(theta: Any, size: Any, align_corners: bool | None = None) -> Any:
    """A grid for grid_sample from affine maps theta (N, d, d + 1), for outputs of a size."""
    if align_corners is None:
        warnings.warn(_ALIGN, stacklevel=2)
        align_corners = False
    if not theta.is_floating_point():
        raise ValueError(f"Expected theta to have floating point type, but got {theta.dtype}")
    d = len(size) - 2
    if d not in (2, 3):
        raise NotImplementedError(
            "affine_grid only supports 4D and 5D sizes, for 2D and 3D affine transforms, "
            f"respectively. Got size {size}."
        )
    if theta.dim() != 3 or tuple(theta.shape[-2:]) != (d, d + 1):
        raise ValueError(
            f"Expected a batch of {d}D affine matrices of shape Nx{d}x{d + 1} for size {size}. "
            f"Got {theta.shape}."
        )
    if align_corners and min(size[-d:]) == 1:
        warnings.warn(
            "Since version 1.3.0, affine_grid behavior has changed for unit-size grids when "
            "align_corners=True. This is not an intended use case of affine_grid. See the "
            "documentation of affine_grid for details.",
            stacklevel=2,
        )
    elif min(size) <= 0:
        raise ValueError(f"Expected non-zero, positive output size. Got {size}")
    return torch._nn.affine_grid_generator(theta, size, align_corners)
