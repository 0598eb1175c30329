"""Order statistics, searching and counting against PyTorch: values, places, gradients."""

from typing import Any

import numpy as np
import pytest

from lazytensor.ir.node import leaf
from lazytensor.lang import order

from .against_torch import agree, drawn, of_torch, refused_alike, torch
from .oracle import run

SHAPES = [(7,), (3, 8), (2, 5, 4), (1,), (4, 1)]
NANS = np.array([[3, np.nan, 1, 2, np.nan], [1, 2, 2, 1, 0], [np.nan] * 5, [5, 4, 3, 2, 1.0]])


def ties(shape: Any, dtype: str = "int64") -> np.ndarray[Any, Any]:
    return np.random.default_rng(len(shape)).integers(0, 4, shape).astype(dtype)


def same(ours: Any, theirs: Any, *arrays: Any) -> None:
    got = run(ours, *arrays)
    want = theirs(*(torch.from_numpy(a) for a in arrays))
    for a, b in zip(got, want, strict=True) if isinstance(got, tuple) else [(got, want)]:
        np.testing.assert_array_equal(a, of_torch(b))
        assert a.dtype == of_torch(b).dtype


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("descending", [False, True])
def test_sort(shape: Any, descending: bool) -> None:
    for axis in range(-len(shape), len(shape)):
        agree(
            lambda x, a=axis: order.sort(x, a, descending),
            lambda t, a=axis: torch.sort(t, dim=a, descending=descending), drawn(shape),
        )  # fmt: skip
        same(
            lambda x, a=axis: order.sort(x, a, descending),
            lambda t, a=axis: torch.sort(t, dim=a, descending=descending, stable=True), ties(shape),
        )  # fmt: skip


def test_sort_of_nans_and_of_scalars() -> None:
    for down in (False, True):
        same(
            lambda x, d=down: order.sort(x, 1, d),
            lambda t, d=down: torch.sort(t, dim=1, descending=d, stable=True), NANS,
        )  # fmt: skip
    same(lambda x: order.sort(x, -1), torch.sort, np.array(2.0))
    same(order.msort, torch.msort, drawn((4, 3)))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("largest", [False, True])
def test_topk(shape: Any, largest: bool) -> None:
    for axis in range(len(shape)):
        for k in {0, 1, shape[axis]}:
            agree(
                lambda x, k=k, a=axis: order.topk(x, k, a, largest),
                lambda t, k=k, a=axis: torch.topk(t, k, a, largest), drawn(shape), gradient=k > 0,
            )  # fmt: skip
    assert sorted(run(lambda x: order.topk(x, 3, 0, largest, False), drawn((7,)))[1]) == list(
        run(lambda x: order.topk(x, 3, 0, largest, False), drawn((7,)))[1]
    )


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("keepdims", [False, True])
def test_kthvalue_median_mode(shape: Any, keepdims: bool) -> None:
    x = drawn(shape)
    for axis in range(-len(shape), len(shape)):
        k = (shape[axis] + 1) // 2
        agree(
            lambda v, a=axis, k=k: order.kthvalue(v, k, a, keepdims),
            lambda t, a=axis, k=k: torch.kthvalue(t, k, a, keepdims), x,
        )  # fmt: skip
        for ours, theirs in ((order.median, torch.median), (order.nanmedian, torch.nanmedian)):
            agree(
                lambda v, a=axis, f=ours: f(v, a, keepdims),
                lambda t, a=axis, f=theirs: f(t, a, keepdims), x,
            )  # fmt: skip
        same(
            lambda v, a=axis: order.mode(v, a, keepdims),
            lambda t, a=axis: torch.mode(t, a, keepdims), ties(shape),
        )  # fmt: skip
        agree(
            lambda v, a=axis: order.mode(v, a, keepdims)[0],
            lambda t, a=axis: torch.mode(t, a, keepdims)[0], ties(shape, "float64"),
        )  # fmt: skip


def test_medians_of_nans_and_scalars() -> None:
    same(lambda x: order.median(x, 1), lambda t: torch.median(t, 1), NANS[[0, 3]])
    same(lambda x: order.median(x, 1)[0], lambda t: torch.median(t, 1)[0], NANS)
    same(lambda x: order.nanmedian(x, 1)[0], lambda t: torch.nanmedian(t, 1)[0], NANS)
    one = np.array(2.0)
    for ours, theirs in ((order.median, torch.median), (order.mode, torch.mode)):
        same(lambda x, f=ours: f(x, 0), lambda t, f=theirs: f(t, 0), one)
        same(lambda x, f=ours: f(x, 0, True), lambda t, f=theirs: f(t, 0, True), one)


@pytest.mark.parametrize("right", [False, True])
def test_searchsorted(right: bool) -> None:
    line, v = np.sort(ties((9,))), ties((3, 4))
    same(
        lambda a, b: order.searchsorted(a, b, right),
        lambda a, b: torch.searchsorted(a, b, right=right), line, v,
    )  # fmt: skip
    same(
        lambda a, b: order.bucketize(b, a, right, True),
        lambda a, b: torch.bucketize(b, a, right=right, out_int32=True), line, v,
    )  # fmt: skip
    lines = np.sort(ties((2, 3, 6), "float64"), -1)
    same(
        lambda a, b: order.searchsorted(a, b, right),
        lambda a, b: torch.searchsorted(a, b, right=right), lines, ties((2, 3, 4), "float64"),
    )  # fmt: skip


def test_counting() -> None:
    x, w = ties((20,)), drawn((20,))
    same(lambda n: order.bincount(n, 6), lambda t: torch.bincount(t, minlength=6), x)
    agree(
        lambda n: order.bincount(leaf(x), 4, n),
        lambda t: torch.bincount(torch.from_numpy(x), t, 4), w, gradient=False,
    )  # fmt: skip
    for dtype in ("float32", "float64"):
        v = np.append(drawn((50,)), [-1.5, 1.5, np.nan]).astype(dtype)
        same(
            lambda n: order.histc(n, 7, -1.5, 1.5),
            lambda t: torch.histc(t[~t.isnan()], 7, -1.5, 1.5), v,
        )  # fmt: skip
    edges = np.array([-1.0, -0.25, 0.5, 2.0])
    v = np.append(drawn((40,)), edges)
    want = torch.histogram(torch.from_numpy(v), torch.from_numpy(edges))[0].numpy()
    got = run(lambda n: order.histogram(n, leaf(edges), leaf(np.ones(44))), v)
    np.testing.assert_array_equal(got, want)
    np.testing.assert_array_equal(run(lambda n: order.histogram(n, leaf(edges)), v), want)


@pytest.mark.parametrize("shape", [(12,), (6, 2), (0,), (1,), (3, 2, 2)])
def test_distinct_elements(shape: Any) -> None:
    x = ties(shape) % 2
    for axis in (None, *range(x.ndim)):
        t = torch.from_numpy(x)
        pairs = [
            (order.unique_consecutive(x, axis), torch.unique_consecutive(t, True, True, axis)),
            (order.unique(x, axis), torch.unique(t, True, True, True, axis)),
        ]
        for got, want in pairs if x.size else []:
            for a, b in zip(got, want, strict=True):
                np.testing.assert_array_equal(a, b.numpy())
    assert order.unique_consecutive(x)[0].size <= x.size


def test_repeated() -> None:
    counts = np.array([2, 0, 3])
    want = torch.repeat_interleave(torch.from_numpy(counts)).numpy()
    np.testing.assert_array_equal(order.repeated(counts, leaf(counts).device).value, want)
    with pytest.raises(RuntimeError, match="repeats can not be negative"):
        order.repeated(-counts, leaf(counts).device)


WRONG: list[Any] = [
    (lambda x: order.topk(x, 4), "selected index k out of range"),
    (lambda x: order.kthvalue(x, 0), "selected number k out of range for dimension 0"),
    (lambda x: order.histc(x, 0, 0, 1), "bins must be > 0"),
    (lambda x: order.histc(x, 3, 1, 1), "max must be larger than min"),
    (lambda x: order.searchsorted(leaf(np.ones((2, 3))), x), "don't match"),
    (lambda x: order.bucketize(x, leaf(np.ones((2, 3)))), "must have one axis"),
]


@pytest.mark.parametrize(("call", "text"), WRONG)
def test_wrong_arguments(call: Any, text: str) -> None:
    with pytest.raises(RuntimeError, match=text):
        call(leaf(np.ones(3)))


def test_refused_as_pytorch_refuses() -> None:
    a, t, none, empty = leaf(np.ones(3)), torch.ones(3), leaf(np.ones((2, 0))), torch.ones(2, 0)
    refused_alike(lambda: order.topk(a, 4), lambda: torch.topk(t, 4))
    refused_alike(lambda: order.kthvalue(a, 0), lambda: torch.kthvalue(t, 0))
    refused_alike(lambda: order.median(none, 1), lambda: torch.median(empty, 1))
    refused_alike(lambda: order.nanmedian(none, 1), lambda: torch.nanmedian(empty, 1))
    refused_alike(lambda: order.mode(none, 1), lambda: torch.mode(empty, 1))
    refused_alike(lambda: order.histc(a, 0, 0, 1), lambda: torch.histc(t, 0, 0, 1))
    refused_alike(lambda: order.histc(a, 3, 2, 1), lambda: torch.histc(t, 3, 2, 1))
