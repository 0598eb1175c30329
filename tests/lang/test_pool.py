"""Pooling against PyTorch: values, places, gradients, refusals."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from lazytensor.ir.node import leaf
from lazytensor.lang import pool as p

from .against_torch import agree, drawn, refused_alike, torch

F = torch.nn.functional
SHAPES = {1: [(2, 3, 9), (3, 8)], 2: [(2, 3, 7, 8), (3, 6, 6)], 3: [(2, 2, 5, 6, 7)]}
KERNELS: dict[int, list[Any]] = {1: [2, 3], 2: [2, (3, 2)], 3: [2, (2, 3, 2)]}


@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize("ceil", [False, True])
@pytest.mark.parametrize("dilation", [1, 2])
def test_max_pool(dims: int, ceil: bool, dilation: int) -> None:
    theirs = getattr(F, f"max_pool{dims}d")
    for shape, kernel, stride, pad in itertools.product(
        SHAPES[dims], KERNELS[dims], (None, 1, 3), (0, 1)
    ):
        # rounded, so that there are equal elements
        x = np.round(drawn(shape), 0)
        args = (kernel, stride, pad, dilation, ceil)
        agree(
            lambda x, args=args: p.max_pool(x, *args, dims=dims),
            lambda x, args=args: theirs(x, *args, return_indices=True),
            x, second=True,
        )  # fmt: skip


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_max_pool_at_nan_and_infinity(dtype: str) -> None:
    rng = np.random.default_rng(0)
    x = rng.choice([np.nan, -np.inf, np.inf, 1.0, 0.0, -0.0], (3, 2, 6, 7)).astype(dtype)
    x[0] = -np.inf
    agree(
        lambda x: p.max_pool(x, 3, 2, 1),
        lambda x: F.max_pool2d(x, 3, 2, 1, return_indices=True), x,
    )  # fmt: skip


def test_max_pool_of_integers() -> None:
    x = np.random.default_rng(0).integers(-3, 3, (2, 3, 6, 5))
    agree(lambda x: p.max_pool(x, 2, padding=1)[0], lambda x: F.max_pool2d(x, 2, padding=1), x)


def test_max_unpool() -> None:
    x = drawn((2, 3, 6, 8))
    y, i = F.max_pool2d(torch.from_numpy(x), 2, return_indices=True)
    agree(
        lambda y, i: p.max_unpool(y, i, (6, 8)), lambda y, i: F.max_unpool2d(y, i, 2),
        y.numpy(), i.numpy(),
    )  # fmt: skip


@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize("ceil", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_avg_pool(dims: int, ceil: bool, dtype: str) -> None:
    theirs = getattr(F, f"avg_pool{dims}d")
    for shape, kernel, stride, pad, include, divisor in itertools.product(
        SHAPES[dims], KERNELS[dims], (None, 1, 3), (0, 1), (False, True), (None, 3)
    ):
        if dims == 1 and divisor:
            continue
        rest = (divisor,) if dims > 1 else ()
        args = (kernel, stride, pad, ceil, include, *rest)
        agree(
            lambda x, args=args: p.avg_pool(x, *args, dims=dims),
            lambda x, args=args: theirs(x, *args),
            drawn(shape, dtype), second=dtype == "float64",
        )  # fmt: skip


@pytest.mark.parametrize("norm", [1.0, 2.0, 3.0])
def test_lp_pool(norm: float) -> None:
    x = np.abs(drawn((2, 3, 7, 8)))
    agree(lambda x: p.lp_pool(x, norm, 2), lambda x: F.lp_pool2d(x, norm, 2), x)
    agree(
        lambda x: p.lp_pool(x, norm, 3, 2, True, 1), lambda x: F.lp_pool1d(x, norm, 3, 2, True),
        x[0],
    )  # fmt: skip


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("dims", [2, 3])
def test_fractional_max_pool(dims: int, dtype: str) -> None:
    shape, sizes, out = (7, 9, 8)[-dims:], (2, 3, 2)[-dims:], (4, 1, 5)[-dims:]
    x = drawn((2, 3, *shape), dtype)
    u = np.random.default_rng(0).random((2, 3, dims)).astype(dtype)
    order = (1, 0) if dims == 2 else (0, 1, 2)  # PyTorch takes the width's sample first in 2-D

    def ours(x: Any) -> Any:
        starts = [
            p.fractional_starts(u[..., order[i]], shape[i], sizes[i], out[i]) for i in range(dims)
        ]
        places = p.fractional_places(x, sizes, starts)
        return p.take_places(x, places, dims), places

    theirs = getattr(F, f"fractional_max_pool{dims}d")
    agree(ours, lambda x: theirs(x, sizes, out, None, True, torch.from_numpy(u)), x)


ADAPTIVE = {
    1: [1, 3, 4, 9, 12], 2: [1, 3, (2, 5), (None, 4), (7, 8), (9, 3)], 3: [1, (2, 4, 3), (5, 3, 7)],
}  # fmt: skip


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_adaptive_pools(dims: int) -> None:
    for shape, size in itertools.product(SHAPES[dims], ADAPTIVE[dims]):
        x = drawn(shape)
        agree(
            lambda x, size=size: p.adaptive_avg_pool(x, size, dims),
            lambda x, size=size: getattr(F, f"adaptive_avg_pool{dims}d")(x, size), x, second=True,
        )  # fmt: skip
        x = np.round(x)
        x.flat[3:40:4] = np.nan
        agree(
            lambda x, size=size: p.adaptive_max_pool(x, size, dims),
            lambda x, size=size: getattr(F, f"adaptive_max_pool{dims}d")(x, size, True), x,
        )  # fmt: skip


def _wrong() -> list[Any]:
    def both(ours: str, theirs: str, x: Any, *args: Any, **options: Any) -> Any:
        dims = int(theirs[-2])
        return (
            lambda: getattr(p, ours)(leaf(x), *args, **options, dims=dims),
            lambda: getattr(F, theirs)(torch.from_numpy(x), *args, **options),
        )

    x = drawn((2, 3, 6, 6))
    return [
        *(both("max_pool", "max_pool2d", x, *a) for a in ((7,), (3, 3, 2), (2, 0), (2, 2, 0, 0))),
        both("max_pool", "max_pool2d", x[0, 0], 2),
        both("max_pool", "max_pool2d", x, (1, 2, 3)),
        both("max_pool", "max_pool1d", x, 2),
        both("max_pool", "max_pool3d", x, 9),
        both("max_pool", "max_pool3d", x[0, 0], 9),
        both("avg_pool", "avg_pool2d", x, 7),
        both("avg_pool", "avg_pool2d", x, 2, divisor_override=0),
        both("avg_pool", "avg_pool1d", x[0], 9),
        both("adaptive_avg_pool", "adaptive_avg_pool2d", x[0, 0], 2),
        both("adaptive_max_pool", "adaptive_max_pool2d", x[0, 0], 2),
        both("adaptive_avg_pool", "adaptive_avg_pool2d", x, -1),
        both("adaptive_avg_pool", "adaptive_avg_pool1d", x, 2),
        both("adaptive_max_pool", "adaptive_max_pool1d", x, 2),
    ]


@pytest.mark.parametrize("i", range(17))
def test_refusals(i: int) -> None:
    refused_alike(*_wrong()[i])
