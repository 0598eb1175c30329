"""Padding, convolutions, columns, pixel shuffles against PyTorch: values, gradients, refusals."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from lazytensor._base.dtypes import canonical
from lazytensor.ir.node import leaf
from lazytensor.lang import conv as c
from lazytensor.runtime.materialize import value
from lazytensor.transform.grad import vjp

from .against_torch import agree, drawn, refused_alike, torch

F = torch.nn.functional

# x, w, stride, padding, dilation, groups
CONV = [
    ((2, 3, 9), (4, 3, 3), 1, 0, 1, 1),
    ((3, 9), (4, 3, 3), 2, 1, 1, 1),
    ((2, 4, 9), (6, 2, 2), 3, 2, 3, 2),
    ((2, 3, 6, 7), (4, 3, 3, 2), 1, 0, 1, 1),
    ((1, 3, 6, 7), (4, 3, 3, 3), (2, 1), (1, 2), (1, 2), 1),
    ((2, 4, 6, 5), (4, 1, 3, 3), 1, 1, 1, 4),
    ((2, 4, 6, 5), (8, 2, 1, 1), 2, 0, 1, 2),
    ((3, 6, 7), (4, 3, 3, 3), 1, "same", 2, 1),
    ((2, 3, 6, 7), (4, 3, 2, 4), 1, "same", 1, 1),
    ((2, 3, 6, 7), (4, 3, 2, 4), 2, "valid", 1, 1),
    ((2, 2, 4, 5, 4), (4, 2, 2, 3, 2), 1, 1, 1, 1),
    ((2, 2, 4, 5, 4), (4, 1, 2, 3, 1), (2, 1, 1), (0, 1, 1), (1, 2, 1), 2),
    ((0, 3, 6, 7), (4, 3, 3, 2), 1, 0, 1, 1),
]


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", CONV, ids=str)
def test_conv(case: Any, dtype: str) -> None:
    xs, ws, *rest = case
    theirs = getattr(F, f"conv{len(ws) - 2}d")
    x, w, b = drawn(xs, dtype), drawn(ws, dtype, 1), drawn(ws[:1], dtype, 2)
    agree(lambda x, w, b: c.conv(x, w, b, *rest), lambda x, w, b: theirs(x, w, b, *rest), x, w, b)
    if dtype == "float64" and xs[0]:
        agree(
            lambda x, w: c.conv(x, w, None, *rest), lambda x, w: theirs(x, w, None, *rest),
            x, w, second=True,
        )  # fmt: skip


# x, w, stride, padding, output_padding, groups, dilation
TRANSPOSED = [
    ((2, 4, 5), (4, 3, 3), 1, 0, 0, 1, 1),
    ((4, 5), (4, 3, 3), 2, 1, 1, 1, 1),
    ((2, 4, 5), (4, 3, 3), 1, 0, 1, 2, 2),
    ((2, 4, 5), (4, 2, 2), 3, 0, 2, 1, 1),
    ((2, 4, 3, 4), (4, 2, 3, 3), 2, 1, 1, 1, 1),
    ((2, 4, 3, 4), (4, 2, 2, 3), (1, 2), (0, 1), (0, 1), 2, (2, 1)),
    ((2, 4, 3, 4), (4, 2, 2, 3), 1, 0, 2, 2, 3),
    ((1, 2, 3, 2, 3), (2, 3, 2, 2, 2), 2, 1, 1, 1, 1),
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", TRANSPOSED, ids=str)
def test_conv_transpose(case: Any, dtype: str) -> None:
    xs, ws, *rest = case
    theirs = getattr(F, f"conv_transpose{len(ws) - 2}d")
    x, w = drawn(xs, dtype), drawn(ws, dtype, 1)
    b = drawn((ws[1] * rest[3],), dtype, 2)
    agree(
        lambda x, w, b: c.conv_transpose(x, w, b, *rest),
        lambda x, w, b: theirs(x, w, b, *rest),
        x, w, b, second=dtype == "float64",
    )  # fmt: skip


def test_conv_of_complex_numbers() -> None:
    x = drawn((2, 2, 6)) + 1j * drawn((2, 2, 6), seed=1)
    w = drawn((3, 2, 2), seed=2) + 1j * drawn((3, 2, 2), seed=3)
    nodes = leaf(x), leaf(w)
    y = c.conv(*nodes)
    tx, tw = (torch.from_numpy(a).requires_grad_() for a in (x, w))
    want = F.conv1d(tx, tw)
    np.testing.assert_allclose(value(y), want.detach().numpy(), 1e-12)
    ct = np.ones(y.shape, complex) * (1 + 2j)
    want.backward(torch.from_numpy(ct))
    for got, t in zip(vjp([y], nodes, [leaf(ct)]), (tx, tw), strict=True):
        assert got is not None
        np.testing.assert_allclose(value(got), t.grad.numpy(), 1e-12)


def test_large_batches_are_done_in_chunks() -> None:
    x, w = drawn((5, 16, 60, 60), "float64"), drawn((4, 16, 5, 5), "float64", 1)
    agree(lambda x, w: c.conv(x, w, None, 1, 2), lambda x, w: F.conv2d(x, w, None, 1, 2), x, w)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision(dtype: str) -> None:
    x, w = (drawn(s).astype(canonical(dtype)) for s in ((2, 3, 6, 6), (4, 3, 3, 3)))
    agree(c.conv, F.conv2d, x, w, scale=4)


def _wrong() -> list[Any]:
    def both(f: Any, *arrays: Any, **options: Any) -> Any:
        k = arrays[1].ndim - 2
        ours, theirs = c.conv, f"conv{k}d"
        if f == "t":
            ours, theirs = c.conv_transpose, f"conv_transpose{k}d"
        return (
            lambda: ours(*map(leaf, arrays), **options),
            lambda: getattr(F, theirs)(*map(torch.from_numpy, arrays), **options),
        )

    x, w, b = drawn((2, 3, 6, 6)), drawn((4, 3, 3, 3)), drawn((5,))
    return [
        both("c", drawn((6, 6)), w),
        both("c", drawn((2, 4, 6, 6)), w),
        both("c", x, w, b),
        both("c", x, drawn((4, 3, 7, 7))),
        both("c", x, drawn((4, 3, 4, 3)), dilation=3),
        both("c", x, w, groups=3),
        both("c", x, w, groups=8),
        both("c", x, w, stride=0),
        both("c", x, w, dilation=0),
        both("c", x, w, padding=-1),
        both("c", x, w, groups=0),
        both("c", x, w, stride=2, padding="same"),
        both("c", x, w, stride=(1, 2, 3)),
        both("t", drawn((2, 3, 6, 6)), w),
        both("t", drawn((2, 4, 6, 6)), w, b),
        both("t", drawn((2, 4, 6, 6)), w, output_padding=1),
        both("t", drawn((2, 3, 4)), drawn((3, 2, 3)), output_padding=1),
        both("t", drawn((2, 3, 4, 4, 4)), drawn((3, 2, 3, 3, 3)), output_padding=1),
        both("t", drawn((2, 4, 1, 1)), w, padding=3),
    ]


@pytest.mark.parametrize("i", range(19))
def test_refusals(i: int) -> None:
    refused_alike(*_wrong()[i])


PADS = [
    ((5,), (2, 1)), ((2, 5), (2, 1)), ((2, 3, 5), (1, 2)), ((2, 4, 5), (1, 0, 2, 2)),
    ((2, 3, 4, 5), (1, 2, 2, 1)), ((2, 4, 5), (-1, 2)), ((2, 3, 4, 5), (-1, -1, 0, 1)),
    ((2, 2, 3, 4, 5), (1, 2, 2, 1, 1, 0)), ((2, 2, 3, 4), (1, 2, 2, 1, 1, 0)),
]  # fmt: skip


@pytest.mark.parametrize(("shape", "pad"), PADS)
@pytest.mark.parametrize("mode", ["constant", "reflect", "replicate", "circular"])
def test_pad(shape: Any, pad: Any, mode: str) -> None:
    x = drawn(shape)
    if mode != "constant" and (
        len(shape) - len(pad) // 2 not in (1, 2) or (mode != "replicate" and min(pad) < 0)
    ):
        return
    agree(lambda x: c.pad(x, pad, mode), lambda x: F.pad(x, pad, mode), x, second=True)


@pytest.mark.parametrize("number", [1.5, -float("inf"), 0.0])
def test_pad_with_a_number(number: float) -> None:
    for shape, pad in (((2, 3), (1, 2, -1, 1)), ((0, 3), (1, 0)), ((2, 3), ())):
        ours, theirs = (lambda x, f=f, pad=pad: f(x, pad, value=number) for f in (c.pad, F.pad))
        agree(ours, theirs, drawn(shape))


def test_pad_with_zeros_of_either_sign() -> None:
    x = leaf(np.ones((2, 3), np.float32))
    for number in (0.0, -0.0):
        found = value(c.pad(x, (1, 1), value=number))[:, [0, -1]]
        np.testing.assert_array_equal(np.signbit(found), np.full((2, 2), np.signbit(number)))


UNFOLD = [
    dict(zip(("kernel_size", "dilation", "padding", "stride"), v, strict=True))
    for v in itertools.product((2, (3, 2)), (1, (1, 2)), (0, (1, 2)), (1, (2, 1)))
]


@pytest.mark.parametrize("options", UNFOLD, ids=str)
def test_unfold_and_fold(options: Any) -> None:
    args = tuple(options.values())
    for shape in ((2, 3, 5, 6), (3, 5, 6)):
        x = drawn(shape)
        agree(lambda x: c.unfold(x, *args), lambda x: F.unfold(x, *args), x)
        y = F.unfold(torch.from_numpy(x), *args).numpy()
        agree(lambda y: c.fold(y, (5, 6), *args), lambda y: F.fold(y, (5, 6), *args), y)


@pytest.mark.parametrize("factor", [1, 2, 3])
def test_pixel_shuffles(factor: int) -> None:
    x = drawn((2, 2 * factor**2, 2, 3))
    agree(lambda x: c.pixel_shuffle(x, factor), lambda x: F.pixel_shuffle(x, factor), x)
    y = drawn((2, 3, 2 * factor, 3 * factor))
    agree(lambda x: c.pixel_unshuffle(x, factor), lambda x: F.pixel_unshuffle(x, factor), y)
    z = drawn((2, 2 * factor, 3, 2))
    agree(lambda x: c.channel_shuffle(x, factor), lambda x: torch.channel_shuffle(x, factor), z)
