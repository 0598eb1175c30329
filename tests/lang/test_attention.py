"""Attention, embeddings and bags of them against PyTorch: values, gradients, refusals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lazytensor._base.dtypes import canonical
from lazytensor.ir.node import leaf
from lazytensor.lang import nn
from lazytensor.runtime.materialize import value

from .against_torch import agree, drawn, refused_alike, torch

F = torch.nn.functional
ATTENTION: list[tuple[tuple[tuple[int, ...], ...], dict[str, Any]]] = [
    (((2, 3, 4), (2, 5, 4), (2, 5, 6)), {}),
    (((2, 2, 3, 4), (2, 2, 5, 4), (2, 2, 5, 4)), {"is_causal": True}),
    (((2, 2, 5, 4), (2, 2, 3, 4), (2, 2, 3, 4)), {"is_causal": True, "scale": 0.3}),
    (((2, 4, 3, 4), (2, 2, 5, 4), (2, 2, 5, 4)), {"enable_gqa": True}),
    (((3, 4), (5, 4), (5, 4)), {}),
]


@pytest.mark.parametrize("dtype", ["bfloat16", "float32", "float64"])
@pytest.mark.parametrize("case", ATTENTION, ids=str)
def test_attention(case: Any, dtype: str) -> None:
    shapes, options = case
    arrays = [drawn(s, "float64", i).astype(canonical(dtype)) for i, s in enumerate(shapes)]
    agree(
        lambda *a: nn.attention(*a, **options),
        lambda *a: F.scaled_dot_product_attention(*a, **options), *arrays, scale=8,
        second=dtype == "float64" and len(shapes[0]) < 4,  # PyTorch has none for four axes
    )  # fmt: skip


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_attention_with_masks(dtype: str) -> None:
    q, k, v = (drawn((2, 2, n, 4), dtype, n) for n in (3, 5, 5))
    v = k * 2
    mask = np.random.default_rng(0).integers(0, 2, (3, 5)).astype(bool)
    mask[1] = False
    added = drawn((2, 1, 3, 5), dtype)
    for m in (mask, added, np.where(mask, added, -np.inf).astype(dtype)):
        agree(
            lambda q, k, v, m=m: nn.attention(q, k, v, leaf(m)),
            lambda q, k, v, m=m: F.scaled_dot_product_attention(q, k, v, torch.from_numpy(m)),
            q, k, v, scale=8,
        )  # fmt: skip


def test_attention_with_dropout() -> None:
    q = drawn((2, 3, 4))
    kept = leaf(np.array([0.0, 2.0, 2.0]))
    agree(
        lambda q: nn.attention(q, q, q, dropout=lambda w: w * kept),
        lambda q: torch.softmax(q @ q.mT / 2, -1) * torch.tensor([0.0, 2.0, 2.0]).double() @ q,
        q, scale=8,
    )  # fmt: skip


IDS = np.array([4, 0, 4, 2, 2, 1, 2])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_embedding(dtype: str) -> None:
    w = drawn((5, 3), dtype)
    for ids in (IDS, IDS[:6].reshape(2, 3), IDS[0], IDS.astype(np.int32), IDS[:0]):
        agree(lambda w, i=ids: nn.embedding(w, leaf(np.asarray(i))),
              lambda w, i=ids: F.embedding(torch.from_numpy(np.asarray(i)), w), w)
        agree(lambda i: nn.one_hot(i, 6), lambda i: F.one_hot(i.long(), 6), np.asarray(ids))


@pytest.mark.parametrize("bad", [5, -1, -5, -6])
def test_rows_outside_are_refused_when_computed(bad: int) -> None:
    found = nn.embedding(leaf(drawn((5, 3))), leaf(np.array([0, bad])))
    with pytest.raises(IndexError, match="out of bounds"):
        value(found)


@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
@pytest.mark.parametrize("padding", [None, 2, -1])
def test_embedding_bag(padding: Any, mode: str) -> None:
    w, weights = np.round(drawn((5, 3)), 1), drawn((7,), seed=1)
    for offsets, last in (([0, 3, 3, 5], False), ([0], False), ([0, 2, 7], True), ([0, 7], False)):
        o = np.array(offsets)
        agree(
            lambda w, o=o, last=last: nn.embedding_bag(
                w, leaf(IDS), leaf(o), mode, None, last, padding
            ),
            lambda w, o=o, last=last: F.embedding_bag(
                torch.from_numpy(IDS), w, torch.from_numpy(o), mode=mode,
                include_last_offset=last, padding_idx=padding,
            ), w,
        )  # fmt: skip
        if mode == "max":  # the same where it is known how long bags are
            begins = np.array(offsets[: len(offsets) - last])
            longest = int(np.diff(begins, append=len(IDS)).max())
            args = leaf(w), leaf(IDS), leaf(o), mode, None, last, padding
            known = value(nn.embedding_bag(*args, longest))
            np.testing.assert_array_equal(known, value(nn.embedding_bag(*args)))
        if mode == "sum":
            agree(
                lambda w, p, o=o, last=last: nn.embedding_bag(
                    w, leaf(IDS), leaf(o), mode, p, last, padding
                ),
                lambda w, p, o=o, last=last: F.embedding_bag(
                    torch.from_numpy(IDS), w, torch.from_numpy(o), mode=mode,
                    per_sample_weights=p, include_last_offset=last, padding_idx=padding,
                ), w, weights,
            )  # fmt: skip
    two = IDS[:6].reshape(3, 2)
    agree(
        lambda w: nn.embedding_bag(w, leaf(two), None, mode, padding_idx=padding),
        lambda w: F.embedding_bag(torch.from_numpy(two), w, mode=mode, padding_idx=padding), w,
    )  # fmt: skip


def _alike() -> list[Any]:
    q, few = drawn((2, 3, 4)), drawn((2, 3, 3, 4))
    t, four = torch.from_numpy(q), drawn((2, 4, 3, 4))
    sdpa = F.scaled_dot_product_attention
    return [
        (lambda: nn.attention(*map(leaf, (q, q, q)), leaf(np.ones((3, 3), bool)), True),
         lambda: sdpa(t, t, t, torch.ones(3, 3).bool(), is_causal=True)),
        (lambda: nn.attention(leaf(q[0, 0]), leaf(q), leaf(q)), lambda: sdpa(t[0, 0], t, t)),
        (lambda: nn.attention(leaf(four), leaf(few), leaf(few), enable_gqa=True),
         lambda: sdpa(*map(torch.from_numpy, (four, few, few)), enable_gqa=True)),
    ]  # fmt: skip


@pytest.mark.parametrize("i", range(3))
def test_refusals_as_pytorch(i: int) -> None:
    refused_alike(*_alike()[i])
