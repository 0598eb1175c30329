"""Losses against PyTorch: values, gradients, reductions, weights, refusals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lazytensor._base.dtypes import canonical
from lazytensor.ir.node import leaf
from lazytensor.lang import loss as l
from lazytensor.lang import nn
from lazytensor.runtime.materialize import value

from .against_torch import agree, drawn, refused_alike, tensors, torch

F = torch.nn.functional
REDUCTIONS = pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
DTYPES = pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
BOTH = pytest.mark.parametrize("dtype", ["float32", "float64"])


def of(shape: Any, dtype: str, seed: int = 0) -> Any:
    return drawn(shape, "float64", seed).astype(canonical(dtype))


def either(shape: Any, low: int = 0, seed: int = 3) -> Any:
    """0 or 1, or -1 or 1."""
    return np.random.default_rng(seed).integers(0, 2, shape) * (1 - low) + low


def unit(shape: Any, seed: int) -> Any:
    return np.random.default_rng(seed).uniform(0.05, 0.95, shape)


# name here, name there, options
DIFFERENCES: list[tuple[str, str, dict[str, Any]]] = [
    ("mse", "mse_loss", {}), ("l1", "l1_loss", {}), ("smooth_l1", "smooth_l1_loss", {}),
    ("smooth_l1", "smooth_l1_loss", {"beta": 0.5}), ("smooth_l1", "smooth_l1_loss", {"beta": 0.0}),
    ("huber", "huber_loss", {}), ("huber", "huber_loss", {"delta": 0.5}),
]  # fmt: skip


@DTYPES
@REDUCTIONS
@pytest.mark.parametrize("case", DIFFERENCES, ids=str)
def test_differences(case: Any, reduction: str, dtype: str) -> None:
    ours, theirs, options = case
    x, t = of((4, 5), dtype), of((4, 5), dtype, 1)
    x[0, 0] = t[0, 0]
    x[0, 1], t[0, 1], x[0, 2], t[0, 2] = 1.5, 1.0, -1.0, 0.0  # kinks
    agree(
        lambda x, t: getattr(l, ours)(x, t, reduction=reduction, **options),
        lambda x, t: getattr(F, theirs)(x, t, reduction=reduction, **options), x, t, scale=4,
        second=dtype == "float64" and reduction == "sum" and ours == "mse",
    )  # fmt: skip


@BOTH
@REDUCTIONS
def test_binary_cross_entropy(reduction: str, dtype: str) -> None:
    x, t, w = unit((4, 5), 0).astype(dtype), unit((4, 5), 1).astype(dtype), of((5,), dtype, 2)
    x[0, :2], t[0, :2], x[1, :2], t[1, :2] = (0, 1), (0, 1), (0, 1), (1, 0)
    ours, theirs = l.binary_cross_entropy, F.binary_cross_entropy
    t_ = torch.from_numpy(t)
    agree(
        lambda x: ours(x, leaf(t), leaf(w), reduction),
        lambda x: theirs(x, t_, torch.from_numpy(w), reduction=reduction), x,
    )  # fmt: skip
    agree(
        lambda x, t: ours(x, t, None, reduction), lambda x, t: theirs(x, t, reduction=reduction),
        x[2:], t[2:], scale=400 if dtype == "float64" else 4, second=dtype == "float64",
    )  # fmt: skip  (PyTorch's second derivative has a small number in its divisor)


@DTYPES
@REDUCTIONS
def test_binary_cross_entropy_with_logits(reduction: str, dtype: str) -> None:
    x, t, w, p = (of(s, dtype, i) for i, s in enumerate(((4, 5), (4, 5), (5,), (5,))))
    x[0] = [0, 30, -30, 500, -500]
    for weight, pos in ((None, None), (w, None), (None, p), (w, p)):
        given = [None if v is None else leaf(v) for v in (weight, pos)]
        wanted = [None if v is None else tensors([v])[0].detach() for v in (weight, pos)]
        agree(
            lambda x, t, v=given: l.binary_cross_entropy_with_logits(x, t, v[0], reduction, v[1]),
            lambda x, t, v=wanted: F.binary_cross_entropy_with_logits(
                x, t, v[0], reduction=reduction, pos_weight=v[1]
            ), x, t, scale=4,
        )  # fmt: skip


@DTYPES
@pytest.mark.filterwarnings("ignore:reduction. 'mean' divides the total loss")
@pytest.mark.parametrize("reduction", ["none", "mean", "sum", "batchmean"])
@pytest.mark.parametrize("log_target", [False, True])
def test_kl_div(log_target: bool, reduction: str, dtype: str) -> None:
    x = of((4, 5), dtype)
    t = (of((4, 5), dtype, 1) if log_target else unit((4, 5), 1)).astype(canonical(dtype))
    if not log_target:
        t[0, 0] = 0
    t_ = tensors([t])[0].detach()
    agree(
        lambda x: l.kl_div(x, leaf(t), reduction, log_target),
        lambda x: F.kl_div(x, t_, reduction=reduction, log_target=log_target), x, scale=4,
    )  # fmt: skip


@BOTH
@REDUCTIONS
def test_rates_and_variances(reduction: str, dtype: str) -> None:
    x, t = np.abs(of((4, 5), dtype)), np.abs(of((4, 5), dtype, 1)) * 3
    for log_input in (False, True):
        for full in (False, True):
            agree(
                lambda x, t, a=log_input, b=full: l.poisson_nll(x, t, a, b, 1e-8, reduction),
                lambda x, t, a=log_input, b=full: F.poisson_nll_loss(
                    x, t, a, full=b, reduction=reduction
                ), x, t, scale=4,
            )  # fmt: skip
    v = np.abs(of((4, 5), dtype, 2)) + np.asarray(0.1, dtype)
    for full in (False, True):
        agree(
            lambda x, t, v, b=full: l.gaussian_nll(x, t, v, b, 1e-6, reduction),
            lambda x, t, v, b=full: F.gaussian_nll_loss(x, t, v, b, reduction=reduction), x, t, v,
            scale=4,
        )  # fmt: skip


# shape of x, of the target
CLASSES = [((4, 5), (4,)), ((5,), ()), ((3, 5, 4), (3, 4)), ((2, 5, 3, 2), (2, 3, 2)),
           ((2, 3, 2, 2, 2), (2, 2, 2, 2))]  # fmt: skip


@BOTH
@REDUCTIONS
@pytest.mark.parametrize("case", CLASSES, ids=str)
def test_classes(case: Any, reduction: str, dtype: str) -> None:
    shape, of_target = case
    c = shape[1 if len(shape) > 1 else 0]
    x, w = of(shape, dtype), np.abs(of((c,), dtype, 1))
    t = np.asarray(np.random.default_rng(2).integers(0, c, of_target))
    if t.size > 1:
        t.flat[1] = -100
    for ignore in (-100, 1):
        t[t == -100] = ignore
        for smoothing in (0.0, 0.3):
            agree(
                lambda x, t, a=ignore, b=smoothing: l.cross_entropy(
                    x, t, leaf(w), a, reduction, b
                ),
                lambda x, t, a=ignore, b=smoothing: F.cross_entropy(
                    x, t, torch.from_numpy(w), None, a, None, reduction, b
                ),
                x, t, scale=4, second=dtype == "float64" and reduction == "sum",
            )  # fmt: skip
            agree(
                lambda x, t, a=ignore, b=smoothing: l.cross_entropy(x, t, None, a, reduction, b),
                lambda x, t, a=ignore, b=smoothing: F.cross_entropy(
                    x, t, None, None, a, None, reduction, b
                ), x, t, scale=4,
            )  # fmt: skip
        agree(
            lambda x, t, a=ignore: l.nll(x, t, None, a, reduction),
            lambda x, t, a=ignore: F.nll_loss(x, t, None, None, a, None, reduction), x, t, scale=4,
        )  # fmt: skip


@BOTH
@REDUCTIONS
def test_probabilities_of_classes(reduction: str, dtype: str) -> None:
    for shape in ((4, 5), (5,), (3, 5, 2)):
        x, w = of(shape, dtype), np.abs(of((5,), dtype, 1))
        t = np.abs(of(shape, dtype, 2))
        for smoothing in (0.0, 0.2):
            agree(
                lambda x, t, b=smoothing: l.cross_entropy(x, t, None, -100, reduction, b),
                lambda x, t, b=smoothing: F.cross_entropy(
                    x, t, reduction=reduction, label_smoothing=b
                ), x, t, scale=4,
            )  # fmt: skip
            agree(
                lambda x, t, b=smoothing, w=w: l.cross_entropy(x, t, leaf(w), -100, reduction, b),
                lambda x, t, b=smoothing, w=w: F.cross_entropy(
                    x, t, torch.from_numpy(w), reduction=reduction, label_smoothing=b
                ), x, t, scale=4,
            )  # fmt: skip


@REDUCTIONS
def test_one_class_in_a_list(reduction: str) -> None:
    x, t = drawn((5,)), np.array([2])
    agree(
        lambda x, t: l.cross_entropy(x, t, None, -100, reduction),
        lambda x, t: F.cross_entropy(x, t, reduction=reduction), x, t, gradient=False,
    )  # fmt: skip


def test_all_ignored_is_nan() -> None:
    x, t = drawn((2, 3)), np.array([-100, -100])
    assert np.isnan(value(l.cross_entropy(leaf(x), leaf(t))))


@pytest.mark.parametrize("bad", [3, -1, -3, -4])
def test_a_class_out_of_range_is_refused_when_computed(bad: int) -> None:
    y = l.nll(leaf(drawn((2, 3))), leaf(np.array([0, bad])))
    with pytest.raises(IndexError, match="out of bounds"):
        value(y)


@BOTH
@REDUCTIONS
def test_margins(reduction: str, dtype: str) -> None:
    x, y, t = of((4, 5), dtype), of((4, 5), dtype, 1), either((4, 5), -1).astype(dtype)
    r: dict[str, Any] = {"reduction": reduction}
    agree(lambda x: l.hinge_embedding(x, leaf(t), 0.7, **r),
          lambda x: F.hinge_embedding_loss(x, torch.from_numpy(t), 0.7, **r), x)
    agree(lambda x, y: l.margin_ranking(x, y, leaf(t), 0.3, **r),
          lambda x, y: F.margin_ranking_loss(x, y, torch.from_numpy(t), 0.3, **r), x, y)
    agree(lambda x: l.soft_margin(x, leaf(t), **r),
          lambda x: F.soft_margin_loss(x, torch.from_numpy(t), **r), x)
    b = either((4, 5)).astype(dtype)
    agree(lambda x: l.multilabel_soft_margin(x, leaf(b), **r),
          lambda x: F.multilabel_soft_margin_loss(x, torch.from_numpy(b), **r), x)
    s = t[:, 0].copy()
    agree(lambda x, y: l.cosine_embedding(x, y, leaf(s), 0.1, **r),
          lambda x, y: F.cosine_embedding_loss(x, y, torch.from_numpy(s), 0.1, **r), x, y, scale=4)
    z = of((4, 5), dtype, 2)
    for swap in (False, True):
        for p in (1.0, 2.0):
            agree(
                lambda *v, p=p, s=swap: l.triplet_margin(*v, 1.0, p, 1e-6, s, **r),
                lambda *v, p=p, s=swap: F.triplet_margin_loss(*v, 1.0, p, 1e-6, s, **r), x, y, z,
                scale=4,
            )  # fmt: skip


@BOTH
@REDUCTIONS
def test_margins_of_classes(reduction: str, dtype: str) -> None:
    x, w = of((4, 5), dtype), np.abs(of((5,), dtype, 1))
    t = np.array([0, 4, 2, 2])
    for p in (1, 2):
        for weight in (None, w):
            ours = None if weight is None else leaf(weight)
            theirs = None if weight is None else torch.from_numpy(weight)
            agree(
                lambda x, t, p=p, w=ours: l.multi_margin(x, t, p, 0.8, w, reduction),
                lambda x, t, p=p, w=theirs: F.multi_margin_loss(
                    x, t, p, 0.8, w, reduction=reduction
                ), x, t,
            )  # fmt: skip
    agree(lambda x, t: l.multi_margin(x, t, reduction=reduction),
          lambda x, t: F.multi_margin_loss(x, t, reduction=reduction), x[0], np.array(3))
    lists = np.array([[0, 3, -1, 1, 1], [-1, 0, 0, 0, 0], [4, 3, 2, 1, 0], [2, 2, -1, -1, -1]])
    agree(lambda x, t: l.multilabel_margin(x, t, reduction),
          lambda x, t: F.multilabel_margin_loss(x, t, reduction=reduction), x, lists)
    agree(lambda x, t: l.multilabel_margin(x, t, reduction),
          lambda x, t: F.multilabel_margin_loss(x, t, reduction=reduction), x[0], lists[0])


@BOTH
@REDUCTIONS
@pytest.mark.parametrize("zero", [False, True])
def test_ctc(zero: bool, reduction: str, dtype: str) -> None:
    x = of((6, 3, 4), dtype)
    logs = torch.log_softmax(torch.from_numpy(x), 2).numpy()
    t = np.array([[1, 2, 3], [1, 1, 0], [2, 2, 2]])
    lengths, of_target = np.array([6, 4, 3]), np.array([3, 2, 3 if zero else 1])
    if zero and reduction == "none":
        lengths[1] = 6
    agree(
        lambda x, t: l.ctc(x, t, leaf(lengths), leaf(of_target), 0, reduction, zero),
        lambda x, t: F.ctc_loss(
            torch.log_softmax(x, 2) * 0 + x, t, tuple(lengths), tuple(of_target), 0, reduction, zero
        ), logs, t, scale=10, gradient=False,
    )  # fmt: skip

    def ours(x: Any, t: Any) -> Any:
        return l.ctc(nn.log_softmax(x, 2), t, leaf(lengths), leaf(of_target), 0, reduction, zero)

    agree(ours, lambda x, t: F.ctc_loss(
        torch.log_softmax(x, 2), t, tuple(lengths), tuple(of_target), 0, reduction, zero
    ), x, t, scale=30)  # fmt: skip


def _wrong() -> list[Any]:
    x, x3, x4 = drawn((2, 3)), drawn((2, 3, 4)), drawn((2, 3, 4, 5))

    def both(ours: str, theirs: str, *args: Any, **options: Any) -> Any:
        return (
            lambda: getattr(l, ours)(*(leaf(a) if isinstance(a, np.ndarray) else a for a in args),
                                     **options),
            lambda: getattr(F, theirs)(
                *(torch.from_numpy(a) if isinstance(a, np.ndarray) else a for a in args), **options
            ),
        )  # fmt: skip

    def zeros(*shape: int) -> Any:
        return np.zeros(shape, np.int64)

    c = ("cross_entropy", "cross_entropy")
    return [
        *(both("nll", "nll_loss", x, t) for t in (zeros(3), zeros(1, 2), zeros(2, 1))),
        *(both("nll", "nll_loss", x3, t) for t in (zeros(2, 5), zeros(2), zeros(3, 4))),
        *(both("nll", "nll_loss", x4, t) for t in (zeros(2, 4, 4), zeros(2, 4))),
        both("nll", "nll_loss", x[0], zeros(2)),
        both("nll", "nll_loss", drawn(()), zeros(1)),
        both("nll", "nll_loss", x, zeros(2), np.ones(2)),
        both(*c, x, zeros(2), label_smoothing=2.0),
        both(*c, x, drawn((2, 4))),
        both(*c, x, zeros(2, 3)),
        both(*c, x, drawn((2,))),
        both(*c, x, x, np.ones(2)),
        both(*c, x, zeros(2), reduction="x"),
        both("multi_margin", "multi_margin_loss", x, zeros(3)),
        both("multi_margin", "multi_margin_loss", x, zeros(2), p=3),
        both("multi_margin", "multi_margin_loss", x3, zeros(2)),
        both("multi_margin", "multi_margin_loss", x, zeros(2), weight=None, reduction="x"),
        both("multilabel_margin", "multilabel_margin_loss", x, zeros(2)),
        both("smooth_l1", "smooth_l1_loss", x, x, beta=-1.0),
        both("huber", "huber_loss", x, x, delta=0.0),
        both("cosine_embedding", "cosine_embedding_loss", x, x, np.ones((2, 2))),
        both("cosine_embedding", "cosine_embedding_loss", x, x, np.ones(())),
        both("mse", "mse_loss", x, x, reduction="x"),
    ]


@pytest.mark.parametrize("i", range(27))
def test_refusals(i: int) -> None:
    refused_alike(*_wrong()[i])
