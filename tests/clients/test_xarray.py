"""xarray wrapping our arrays: the wrapped array stays ours, the labels and values are xarray's."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from .compare import Same

xarray = pytest.importorskip("xarray")

Job = Callable[[Any, Any], Any]


def labelled(xp: Any) -> Any:
    """A table of 3 x 4 with a hole, its coordinates NumPy's own."""
    values = xp.asarray([[1.0, 5.0, 2.0, xp.nan], [0.5, -1.0, 3.0, 4.0], [7.0, 2.5, -2.0, 1.5]])
    return xarray.DataArray(values, {"x": [10, 20, 30], "y": list("abcd")}, ("x", "y"))


def whole(xp: Any) -> Any:
    """The same without the hole."""
    return labelled(xp).isel(y=slice(0, 3))


JOBS: dict[str, Job] = {
    "arithmetic": lambda xp, a: (a + 1) * a - 2 / (a + 10),
    "numpy scalar": lambda xp, a: a * np.float64(2.0) + np.float32(1.0),
    "comparison": lambda xp, a: a > 1.5,
    "aligned": lambda xp, a: a + a.isel(x=slice(1, 3)),
    "broadcast": lambda xp, a: a.isel(x=0) * a.isel(y=1),
    "isel": lambda xp, a: a.isel(x=[2, 0], y=slice(None, None, 2)),
    "sel": lambda xp, a: a.sel(x=20, y=["b", "a"]),
    "sum": lambda xp, a: a.sum("x"),
    "mean": lambda xp, a: a.mean(),
    "std": lambda xp, a: a.std("y", ddof=1),
    "max": lambda xp, a: a.max("y"),
    "prod": lambda xp, a: a.prod(skipna=False),
    "argmax": lambda xp, a: a.argmax("y", skipna=False),
    "any and all": lambda xp, a: (a > 3).any("x") & (a < 9).all(),
    "count": lambda xp, a: a.count("y"),
    "cumsum": lambda xp, a: a.cumsum("x", skipna=False),
    "where": lambda xp, a: a.where(a > 0, 0.0),
    "fillna": lambda xp, a: a.fillna(-1.0),
    "isnull": lambda xp, a: a.isnull(),
    "clip": lambda xp, a: a.clip(0.0, 3.0),
    "round": lambda xp, a: a.round(),
    "transpose": lambda xp, a: a.transpose("y", "x"),
    "T": lambda xp, a: a.T,
    "stack": lambda xp, a: a.stack(z=("x", "y")),
    "expand_dims": lambda xp, a: a.expand_dims("t"),
    "concat": lambda xp, a: xarray.concat([a, a + 1], dim="x"),
    "shift": lambda xp, a: a.shift(x=1, fill_value=0.0),
    "roll": lambda xp, a: a.roll(y=1),
    "pad": lambda xp, a: a.pad(x=1, constant_values=0.0),
    "diff": lambda xp, a: a.diff("y"),
    "astype": lambda xp, a: a.astype("float32"),
    "full_like": lambda xp, a: xarray.full_like(a, 3.0),
    "zeros_like": lambda xp, a: xarray.zeros_like(a),
    "dot": lambda xp, a: xarray.dot(a, a, dim="x"),
    "real and imag": lambda xp, a: a.real + a.imag,
    "dataset": lambda xp, a: xarray.Dataset({"a": a, "b": a * 2}).sum("x")["b"],
    "apply_ufunc": lambda xp, a: xarray.apply_ufunc(xp.exp, a),
    "groupby": lambda xp, a: a.groupby(xarray.DataArray([1, 2, 1], dims="x")).sum(),
    "coarsen": lambda xp, a: a.isel(x=slice(0, 2)).coarsen(x=2).sum(),
    "median": lambda xp, a: a.median("x", skipna=False),
    "quantile": lambda xp, a: a.as_numpy().quantile(0.5, "x"),
}


@pytest.mark.parametrize("name", list(JOBS))
@pytest.mark.parametrize("table", [labelled, whole])
def test_gives_numpys_answer(name: str, table: Any, xp: ModuleType, same: Same) -> None:
    ours, numpys = JOBS[name](xp, table(xp)), JOBS[name](np, table(np))
    assert ours.dims == numpys.dims
    assert list(ours.coords) == list(numpys.coords)
    same(ours.data, numpys.data, ours=name != "quantile")


def test_wraps_without_converting(xp: ModuleType) -> None:
    x = xp.asarray([1.0, 2.0])
    assert xarray.DataArray(x).data is x
    assert xarray.Variable("x", x).data is x


def test_printing_shows_the_values(xp: ModuleType) -> None:
    text = repr(whole(xp))
    assert "xarray.DataArray" in text
    assert "2.5" in text


def test_assignment(xp: ModuleType, same: Same) -> None:
    ours, numpys = whole(xp).copy(), whole(np).copy()
    for array in (ours, numpys):
        array[{"x": 1}] = 0.0
        array[{"x": slice(1, 3), "y": 0}] = 4.0
    same(ours.data, numpys.data)


def test_pickles(xp: ModuleType, same: Same) -> None:
    again = pickle.loads(pickle.dumps(labelled(xp)))
    same(again.data, labelled(np).data)


def test_identical_and_equals(xp: ModuleType) -> None:
    assert whole(xp).equals(whole(xp))
    assert not whole(xp).equals(whole(xp) + 1)
    xarray.testing.assert_allclose(whole(xp), whole(xp) + 1e-12)
