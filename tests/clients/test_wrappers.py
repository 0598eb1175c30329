"""Array libraries that wrap our arrays: marray's masks, pint's units."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from .compare import Same

Job = Callable[[Any], Any]


def masked(m: Any) -> Any:
    values = m.reshape(m.arange(12.0), (3, 4)) - 5
    values.mask[1, 2] = True
    values.mask[0, :2] = True
    return values


MASKED: dict[str, Job] = {
    "arithmetic": lambda m: masked(m) * 2 + masked(m)[:, :1],
    "comparison": lambda m: masked(m) > 0,
    "exp": lambda m: m.exp(masked(m)),
    "sum": lambda m: m.sum(masked(m), axis=0),
    "mean": lambda m: m.mean(masked(m)),
    "var": lambda m: m.var(masked(m), axis=1, correction=1),
    "max": lambda m: m.max(masked(m), axis=1),
    "argmin": lambda m: m.argmin(masked(m), axis=0),
    "all": lambda m: m.all(masked(m) > -100),
    "sort": lambda m: m.sort(masked(m), axis=1),
    "cumulative_sum": lambda m: m.cumulative_sum(masked(m), axis=1),
    "where": lambda m: m.where(masked(m) > 0, masked(m), 0 * masked(m)),
    "concat": lambda m: m.concat([masked(m), masked(m)], axis=1),
    "matmul": lambda m: masked(m) @ masked(m).T,
    "transpose": lambda m: masked(m).mT,
    "take": lambda m: m.take(masked(m), m.asarray([2, 0]), axis=0),
    "unique_values": lambda m: m.sort(m.unique_values(m.asarray([3, 1, 3, 2]))),
    "astype": lambda m: m.astype(masked(m), m.float32),
    "clip": lambda m: m.clip(masked(m), -1.0, 2.0),
}


@pytest.mark.parametrize("name", list(MASKED))
def test_marray(name: str, xp: ModuleType, same: Same) -> None:
    marray = pytest.importorskip("marray")
    ours, numpys = (MASKED[name](marray.masked_namespace(n)) for n in (xp, np))
    same(ours.mask, numpys.mask, ours=False)
    keep = ~np.asarray(numpys.mask)
    assert type(ours.data) is type(xp.asarray(0.0))
    same(np.asarray(ours.data)[keep], np.asarray(numpys.data)[keep], ours=False)


def written(m: Any) -> Any:
    x = masked(m)
    x[0, 0] = 40.0
    x[2, :] = m.asarray([1.0, 2.0, 3.0, 4.0])
    x += 1
    return x


def test_marray_writes_in_place(xp: ModuleType, same: Same) -> None:
    marray = pytest.importorskip("marray")
    ours, numpys = (written(marray.masked_namespace(n)) for n in (xp, np))
    same(ours.mask, numpys.mask)
    same(ours.data, numpys.data)


def lengths(q: Any) -> Any:
    return q.asarray(q.linspace(1.0, 4.0, 6), units="meter")


QUANTITIES: dict[str, Job] = {
    "sum with other units": lambda q: lengths(q) + q.asarray([100.0] * 6, units="centimeter"),
    "difference": lambda q: lengths(q) - lengths(q)[::-1],
    "item": lambda q: lengths(q)[2],
    "slice": lambda q: lengths(q)[1:4],
    "comparison": lambda q: lengths(q) < q.asarray(250.0, units="centimeter"),
    "negative": lambda q: -lengths(q),
    "reshape": lambda q: q.reshape(lengths(q), (2, 3)),
    "concat": lambda q: q.concat([lengths(q), lengths(q)]),
    "mean": lambda q: q.mean(lengths(q)),
    "max": lambda q: q.max(lengths(q)),
    "sort": lambda q: q.sort(lengths(q)),
    "to": lambda q: lengths(q).to("kilometer"),
}


@pytest.mark.parametrize("name", list(QUANTITIES))
def test_pints_quantities(name: str, xp: ModuleType, same: Same) -> None:
    pytest.importorskip("pint")
    quantity = pytest.importorskip("quantity_array")
    np_compat = importlib.import_module("array_api_compat.numpy")
    ours, numpys = (QUANTITIES[name](quantity.quantity_namespace(n)) for n in (xp, np_compat))
    assert getattr(ours, "units", None) == getattr(numpys, "units", None)
    bare = [getattr(result, "magnitude", result) for result in (ours, numpys)]
    assert type(bare[0]) is type(xp.asarray(0.0))
    same(*bare)
