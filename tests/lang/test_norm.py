"""Normalisation, norms and distances against PyTorch."""

from __future__ import annotations

from math import inf
from typing import Any

import numpy as np
import pytest

from lazytensor._base.dtypes import canonical
from lazytensor.ir.node import leaf
from lazytensor.lang import norm as n

from .against_torch import agree, drawn, refused_alike, torch

F = torch.nn.functional
BOTH = pytest.mark.parametrize("dtype", ["float32", "float64"])
HALVES = pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])


def of(shape: Any, dtype: str, seed: int = 0) -> Any:
    return drawn(shape, "float64", seed).astype(canonical(dtype))


@BOTH
@pytest.mark.parametrize("shape", [(4, 3), (4, 3, 5), (2, 3, 4, 5), (1, 2, 2, 3, 2)])
def test_batch_norm(shape: Any, dtype: str) -> None:
    c = shape[1]
    x, w, b = (of(s, dtype, i) for i, s in enumerate((shape, (c,), (c,))))
    m, v = of((c,), dtype, 3), np.abs(of((c,), dtype, 4))

    def ours(x: Any, w: Any, b: Any) -> Any:
        mean, var = n.batch_stats(x)
        y = n.batch_norm(x, mean, var, w, b, 1e-3)
        return y, n.running(leaf(m), mean, 0.3), n.running(leaf(v), n.unbiased(var, x), 0.3)

    def theirs(x: Any, w: Any, b: Any) -> Any:
        tm, tv = torch.from_numpy(m.copy()), torch.from_numpy(v.copy())
        return F.batch_norm(x, tm, tv, w, b, True, 0.3, 1e-3), tm, tv

    agree(ours, theirs, x, w, b, scale=10, second=dtype == "float64")
    agree(
        lambda x, w, b: n.batch_norm(x, leaf(m), leaf(v), w, b),
        lambda x, w, b: F.batch_norm(x, torch.from_numpy(m), torch.from_numpy(v), w, b), x, w, b,
        scale=10,
    )  # fmt: skip
    agree(lambda x: n.batch_norm(x, leaf(m), leaf(v), None, None),
          lambda x: F.batch_norm(x, torch.from_numpy(m), torch.from_numpy(v)), x, scale=4)


@BOTH
@pytest.mark.parametrize("shape", [(2, 4, 5), (2, 4, 3, 2)])
def test_instance_and_group_norm(shape: Any, dtype: str) -> None:
    c = shape[1]
    x, w, b = (of(s, dtype, i) for i, s in enumerate((shape, (c,), (c,))))
    agree(n.instance_norm, lambda x, w, b: F.instance_norm(x, None, None, w, b), x, w, b, scale=10)
    for groups in (1, 2, 4):
        agree(
            lambda x, w, b, k=groups: n.group_norm(x, k, w, b),
            lambda x, w, b, k=groups: F.group_norm(x, k, w, b), x, w, b,
            scale=10, second=dtype == "float64",
        )  # fmt: skip


@HALVES
@pytest.mark.parametrize("ndim", [1, 2])
def test_layer_and_rms_norm(ndim: int, dtype: str) -> None:
    shape = (3, 4, 5)
    tail = shape[-ndim:]
    x, w, b = (of(s, dtype, i) for i, s in enumerate((shape, tail, tail)))
    agree(
        lambda x, w, b: n.layer_norm(x, ndim, w, b), lambda x, w, b: F.layer_norm(x, tail, w, b),
        x, w, b, scale=10, second=dtype == "float64",
    )  # fmt: skip
    for eps in (None, 1e-3):
        agree(
            lambda x, w, eps=eps: n.rms_norm(x, ndim, w, eps),
            lambda x, w, eps=eps: F.rms_norm(x, tail, w, eps), x, w, scale=4,
        )  # fmt: skip


@BOTH
@pytest.mark.parametrize("shape", [(2, 7, 4), (2, 5, 3, 2), (1, 6, 2, 2, 2)])
def test_local_response_norm(shape: Any, dtype: str) -> None:
    for size in (1, 2, 3, 5):
        agree(
            lambda x, k=size: n.local_response_norm(x, k, 0.2, 0.7, 1.5),
            lambda x, k=size: F.local_response_norm(x, k, 0.2, 0.7, 1.5), of(shape, dtype), scale=4,
        )  # fmt: skip


@pytest.mark.parametrize("p", [0.0, 0.5, 1.0, 1.5, 2.0, 3.0, inf, -inf])
def test_norms_and_distances(p: float) -> None:
    x, y = drawn((3, 4, 5)), drawn((3, 4, 5), seed=1)
    x[0], x[1, 0, :2], y[0, 1] = 0, 0, 0
    if p in (1, 2, 3, inf, -inf):
        agree(lambda x: n.norm(x, p, 1), lambda x: torch.linalg.vector_norm(x, p, 1), x)
    if p in (1, 2, 3):
        agree(lambda x: n.normalize(x, p), lambda x: F.normalize(x, p), x)
    agree(
        lambda x, y: n.pairwise_distance(x, y, p), lambda x, y: F.pairwise_distance(x, y, p), x, y
    )
    if p >= 0 and p != 0.5:
        z = y[:, :3].copy()
        agree(lambda x, z: n.cdist(x, z, p), lambda x, z: torch.cdist(x, z, p), x, z, scale=8)
        agree(lambda x: n.pdist(x, p), lambda x: F.pdist(x, p), y[1], scale=8)


def test_distances_by_a_product() -> None:
    x, y = drawn((2, 30, 3)), drawn((2, 4, 3), seed=1)
    agree(n.cdist, torch.cdist, x, y, scale=100)


@HALVES
def test_cosine_similarity(dtype: str) -> None:
    for a, b, axis in (((3, 4), (3, 4), 1), ((3, 4), (4,), -1), ((2, 1, 4), (3, 4), 2)):
        x, y = of(a, dtype), of(b, dtype, 1)
        agree(
            lambda x, y, k=axis: n.cosine_similarity(x, y, k),
            lambda x, y, k=axis: F.cosine_similarity(x, y, k), x, y, scale=4,
        )  # fmt: skip


def _wrong() -> list[Any]:
    x, y, z = drawn((2, 3)), drawn((2, 4)), drawn((3,))
    tx, ty, tz = map(torch.from_numpy, (x, y, z))
    return [
        (lambda: n.group_norm(leaf(x), 2), lambda: F.group_norm(tx, 2)),
        (lambda: n.cdist(leaf(x), leaf(y)), lambda: torch.cdist(tx, ty)),
        (lambda: n.cdist(leaf(z), leaf(x)), lambda: torch.cdist(tz, tx)),
        (lambda: n.cdist(leaf(x), leaf(x), -1.0), lambda: torch.cdist(tx, tx, -1.0)),
        (lambda: n.pdist(leaf(z)), lambda: F.pdist(tz)),
        (lambda: n.pdist(leaf(x), -1.0), lambda: F.pdist(tx, -1.0)),
    ]


@pytest.mark.parametrize("i", range(6))
def test_refusals(i: int) -> None:
    refused_alike(*_wrong()[i])
