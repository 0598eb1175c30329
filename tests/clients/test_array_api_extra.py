"""All of array-api-extra's public functions, on our arrays and on NumPy's."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from .compare import Same

xpx = pytest.importorskip("array_api_extra")

Job = Callable[[Any], Any]


def vector(xp: Any) -> Any:
    return xp.asarray([3.0, -1.5, 2.0, 0.0, 2.0])


def matrix(xp: Any) -> Any:
    return xp.reshape(xp.arange(12.0), (3, 4)) - 5.5


def holes(xp: Any) -> Any:
    return xp.asarray([[1.0, xp.nan, 3.0], [xp.inf, 2.0, xp.nan]])


def pair(xp: Any) -> Any:
    return vector(xp), vector(xp) * 2


def labels(xp: Any) -> Any:
    return xp.asarray([2, 0, 1, 2])


def sines(x: Any) -> Any:
    """For `lazy_apply`: a function of NumPy arrays."""
    return np.sin(x) * 2


JOBS: dict[str, list[Job]] = {
    "angle": [
        lambda xp: xpx.angle(xp.asarray([1 + 1j, -2.0 + 0j, 0j, -1 - 3j])),
        lambda xp: xpx.angle(vector(xp), deg=True),
    ],
    "apply_where": [
        lambda xp: xpx.apply_where(vector(xp) > 0, vector(xp), xp.log, lambda x: x - 1),
        lambda xp: xpx.apply_where(vector(xp) > 0, pair(xp), xp.add, fill_value=7.0),
    ],
    "argpartition": [lambda xp: xp.sort(xpx.argpartition(vector(xp), 2)[:1])],
    "at": [
        lambda xp: xpx.at(vector(xp), 1).set(9.0),
        lambda xp: xpx.at(vector(xp))[1:3].add(4.0),
        lambda xp: xpx.at(vector(xp))[vector(xp) > 0].multiply(2.0),
        lambda xp: xpx.at(matrix(xp))[1, :].max(0.0),
        lambda xp: xpx.at(matrix(xp), (slice(None), 0)).min(-3.0, copy=True),
    ],
    "atleast_nd": [lambda xp: xpx.atleast_nd(vector(xp), ndim=3)],
    "broadcast_shapes": [],
    "cov": [
        lambda xp: xpx.cov(matrix(xp)),
        lambda xp: xpx.cov(matrix(xp), axis=0, correction=0),
        lambda xp: xpx.cov(matrix(xp), fweights=labels(xp), aweights=labels(xp) / 2 + 1),
    ],
    "create_diagonal": [
        lambda xp: xpx.create_diagonal(vector(xp)),
        lambda xp: xpx.create_diagonal(matrix(xp), offset=-1),
    ],
    "default_dtype": [lambda xp: xp.zeros(2, dtype=xpx.default_dtype(xp))],
    "deg2rad": [lambda xp: xpx.deg2rad(vector(xp))],
    "diag_indices": [lambda xp: xpx.diag_indices(4, xp=xp)],
    "expand_dims": [],
    "isclose": [
        lambda xp: xpx.isclose(vector(xp), vector(xp) + 1e-9),
        lambda xp: xpx.isclose(holes(xp), holes(xp), equal_nan=True),
        lambda xp: xpx.isclose(labels(xp), 2, atol=1),
    ],
    "isin": [lambda xp: xpx.isin(labels(xp), xp.asarray([0, 2]), invert=True)],
    "kron": [lambda xp: xpx.kron(matrix(xp), xp.asarray([[1.0, -1.0]]))],
    "lazy_apply": [lambda xp: xpx.lazy_apply(sines, vector(xp), as_numpy=True)],
    "nan_to_num": [lambda xp: xpx.nan_to_num(holes(xp), fill_value=-1.0)],
    "nanmax": [lambda xp: xpx.nanmax(holes(xp), axis=0)],
    "nanmean": [lambda xp: xpx.nanmean(holes(xp), axis=1)],
    "nanmin": [lambda xp: xpx.nanmin(holes(xp))],
    "nansum": [lambda xp: xpx.nansum(holes(xp), axis=1)],
    "nunique": [lambda xp: xpx.nunique(vector(xp))],
    "one_hot": [
        lambda xp: xpx.one_hot(labels(xp), 4),
        lambda xp: xpx.one_hot(labels(xp), 3, axis=0),
    ],
    "pad": [lambda xp: xpx.pad(matrix(xp), ((1, 0), (2, 3)), constant_values=0.5)],
    "partition": [lambda xp: xp.sort(xpx.partition(vector(xp), 2)[:2])],
    "rad2deg": [lambda xp: xpx.rad2deg(vector(xp))],
    "searchsorted": [
        lambda xp: xpx.searchsorted(xp.sort(vector(xp)), vector(xp)),
        lambda xp: xpx.searchsorted(xp.sort(matrix(xp)), matrix(xp) + 0.5, side="right"),
    ],
    "setdiff1d": [lambda xp: xpx.setdiff1d(labels(xp), xp.asarray([0, 5]))],
    "sinc": [lambda xp: xpx.sinc(vector(xp))],
    "tril_indices": [lambda xp: xpx.tril_indices(4, offset=-1, m=3, xp=xp)],
    "triu_indices": [lambda xp: xpx.triu_indices(3, xp=xp)],
    "union1d": [lambda xp: xpx.union1d(labels(xp), xp.asarray([5, 0]))],
    "unravel_index": [lambda xp: xpx.unravel_index(xp.asarray([7, 0, 11]), (3, 4))],
}
# `broadcast_shapes` takes no arrays; the standard now has both, and array-api-extra warns of them.
DEPRECATED = {"broadcast_shapes", "expand_dims"}


def test_no_public_function_is_left_out() -> None:
    public = {name for name in xpx.__all__ if name not in {"__version__", "testing"}}
    assert public <= set(JOBS), f"no calls of {sorted(public - set(JOBS))}"
    assert {name for name, jobs in JOBS.items() if not jobs} == DEPRECATED


@pytest.mark.parametrize("name", [name for name in JOBS if hasattr(xpx, name) and JOBS[name]])
def test_gives_numpys_answer(name: str, xp: ModuleType, same: Same) -> None:
    for job in JOBS[name]:
        same(job(xp), job(np))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_deprecated_ones_too(xp: ModuleType, same: Same) -> None:
    assert xpx.broadcast_shapes((3, 1), (4,)) == (3, 4)
    same(xpx.expand_dims(matrix(xp), axis=(0, 3)), np.expand_dims(matrix(np), (0, 3)))


def test_at_keeps_the_original_when_copying(xp: ModuleType, same: Same) -> None:
    x = vector(xp)
    y = xpx.at(x)[0].set(100.0, copy=True)
    same(x, vector(np))
    assert float(y[0]) == 100.0
