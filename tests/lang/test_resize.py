"""Interpolation and grids against PyTorch: values, gradients, refusals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lazytensor._base.dtypes import canonical
from lazytensor.ir.node import leaf
from lazytensor.lang import resize as r

from .against_torch import agree, drawn, refused_alike, torch

F = torch.nn.functional
BOTH = pytest.mark.parametrize("dtype", ["float32", "float64"])
SIZES: dict[int, list[Any]] = {
    1: [(5,), (10,), (3,), (7,), (1,), (25,)],
    2: [(5, 6), (10, 12), (3, 4), (7, 2), (1, 1), (20, 3)],
    3: [(3, 4, 5), (6, 2, 7), (1, 8, 10)],
}
SHAPES: dict[int, Any] = {1: (2, 3, 5), 2: (2, 3, 5, 6), 3: (2, 2, 3, 4, 5)}


@pytest.mark.parametrize("dtype", ["bfloat16", "float32", "float64"])
@pytest.mark.parametrize("mode", ["nearest", "nearest-exact"])
@pytest.mark.parametrize("dims", [1, 2, 3])
def test_nearest(dims: int, mode: str, dtype: str) -> None:
    x = drawn(SHAPES[dims]).astype(canonical(dtype))
    for size in SIZES[dims]:
        agree(
            lambda x, size=size: r.interpolate(x, size, mode),
            lambda x, size=size: F.interpolate(x, size, mode=mode), x, scale=2,
            second=dtype == "float64",
        )  # fmt: skip


@BOTH
def test_nearest_by_many_sizes(dtype: str) -> None:
    for n in range(1, 20):
        x = np.arange(n).astype(dtype).reshape(1, 1, n)
        for out in range(1, 45):
            for mode in ("nearest", "nearest-exact"):
                agree(
                    lambda x, s=out, m=mode: r.interpolate(x, (s,), m),
                    lambda x, s=out, m=mode: F.interpolate(x, s, mode=m), x, gradient=False,
                )  # fmt: skip


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
@pytest.mark.parametrize("align", [False, True])
@pytest.mark.parametrize("mode", ["linear", "bilinear", "bicubic", "trilinear"])
def test_weighted(mode: str, align: bool, dtype: str) -> None:
    dims = r.MODES[mode]
    x = drawn(SHAPES[dims]).astype(canonical(dtype))
    for size in SIZES[dims]:
        agree(
            lambda x, size=size: r.interpolate(x, size, mode, align),
            lambda x, size=size: F.interpolate(x, size, mode=mode, align_corners=align), x,
            scale=8, second=dtype == "float64",
        )  # fmt: skip


@BOTH
@pytest.mark.parametrize("mode", ["nearest", "bilinear", "bicubic"])
def test_scales(mode: str, dtype: str) -> None:
    x = drawn((1, 2, 5, 6), dtype)
    for scale in ((2.0, 2.0), (1.7, 0.6), (0.3, 3.3)):
        size = tuple(int(n * s) for n, s in zip(x.shape[2:], scale, strict=True))
        agree(
            lambda x, v=scale, s=size: r.interpolate(x, s, mode, scales=v),
            lambda x, v=scale: F.interpolate(x, scale_factor=v, mode=mode), x, scale=8,
        )  # fmt: skip


@BOTH
@pytest.mark.parametrize("align", [False, True])
@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
def test_antialias(mode: str, align: bool, dtype: str) -> None:
    x = drawn((2, 3, 9, 8), dtype)
    for size in ((4, 3), (9, 8), (12, 5), (1, 16)):
        agree(
            lambda x, s=size: r.interpolate(x, s, mode, align, antialias=True),
            lambda x, s=size: F.interpolate(
                x, s, mode=mode, align_corners=align, antialias=True
            ), x, scale=20,
        )  # fmt: skip


@BOTH
@pytest.mark.filterwarnings("ignore:Since version 1.3.0, affine_grid behavior")
@pytest.mark.parametrize("align", [False, True])
def test_affine_grid(align: bool, dtype: str) -> None:
    for size in ((2, 3, 4, 5), (2, 1, 1, 4), (1, 3, 2, 3, 4)):
        k = len(size) - 2
        theta = drawn((size[0], k, k + 1), dtype)
        agree(
            lambda t, s=size: r.affine_grid(t, s, align),
            lambda t, s=size: F.affine_grid(t, list(s), align_corners=align), theta, scale=2,
        )  # fmt: skip


@BOTH
@pytest.mark.parametrize("align", [False, True])
@pytest.mark.parametrize("padding", ["zeros", "border", "reflection"])
@pytest.mark.parametrize("mode", ["bilinear", "nearest", "bicubic"])
def test_grid_sample(mode: str, padding: str, align: bool, dtype: str) -> None:
    for spatial, out in (((4, 5), (3, 6)), ((1, 4), (2, 2)), ((3, 4, 2), (2, 3, 2))):
        if mode == "bicubic" and len(spatial) == 3:
            continue
        x = drawn((2, 3, *spatial), dtype)
        grid = drawn((2, *out, len(spatial)), dtype, 1) * np.asarray(1.2, dtype)
        if mode == "nearest":
            ours = lambda x, grid=grid: r.grid_sample(x, leaf(grid), mode, padding, align)  # noqa: E731
            theirs = lambda x, grid=grid: F.grid_sample(  # noqa: E731
                x, torch.from_numpy(grid), mode, padding, align
            )
            agree(ours, theirs, x)
            continue
        agree(
            lambda x, v: r.grid_sample(x, v, mode, padding, align),
            lambda x, v: F.grid_sample(x, v, mode, padding, align), x, grid, scale=40,
        )  # fmt: skip


def test_points_far_out_and_nan() -> None:
    x = drawn((1, 2, 4, 5))
    grid = np.array([[[[1e30, 0], [np.nan, 0.3], [-1e9, 2], [-1, 1], [1, -1], [3, 0.2]]]])
    for padding in ("zeros", "border"):
        agree(
            lambda x, v, p=padding: r.grid_sample(x, v, "bilinear", p, True),
            lambda x, v, p=padding: F.grid_sample(x, v, "bilinear", p, True), x, grid,
            gradient=False,
        )  # fmt: skip


def _wrong() -> list[Any]:
    x, v = drawn((2, 3, 4, 5)), drawn((2, 3, 3, 2))
    cases = [(x, v[0]), (x, v[:1]), (x, drawn((2, 3, 3, 3)))]
    cases.append((drawn((2, 3, 2, 2, 2)), drawn((2, 1, 1, 1, 3))))
    out = [
        (lambda a=a, b=b: r.grid_sample(leaf(a), leaf(b), "bicubic"),
         lambda a=a, b=b: F.grid_sample(torch.from_numpy(a), torch.from_numpy(b), "bicubic",
                                        align_corners=False))
        for a, b in cases
    ]  # fmt: skip
    theta, size = drawn((2, 2, 2)), [2, 3, 4, 5]
    return [
        *out,
        (lambda: r.affine_grid(leaf(theta), size),
         lambda: F.affine_grid(torch.from_numpy(theta), size, align_corners=False)),
        (lambda: r.interpolate(leaf(x[0]), (0,), "linear"),
         lambda: F.interpolate(torch.from_numpy(x[0]), (0,), mode="linear")),
        (lambda: r.interpolate(leaf(x), (0, 3), "bilinear"),
         lambda: F.interpolate(torch.from_numpy(x), (0, 3), mode="bilinear")),
    ]  # fmt: skip


@pytest.mark.parametrize("i", range(7))
def test_refusals(i: int) -> None:
    refused_alike(*_wrong()[i], )
