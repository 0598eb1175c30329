"""hypothesis.extra.array_api takes the namespace as it is, and its arrays are ours."""

from __future__ import annotations

import warnings
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.array_api import make_strategies_namespace

DTYPES = (
    "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
    "float32", "float64", "complex64", "complex128",
)  # fmt: skip


@pytest.fixture(scope="module")
def xps(xp: ModuleType) -> Any:
    """The strategies, made without a warning and without naming a version."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return make_strategies_namespace(xp)


def test_the_newest_version_is_recognised(xps: Any, xp: ModuleType) -> None:
    assert xps.api_version == xp.__array_api_version__ == "2025.12"


@given(data=st.data())
def test_arrays(data: st.DataObject, xps: Any, xp: ModuleType) -> None:
    dtype = data.draw(xps.scalar_dtypes())
    shape = data.draw(xps.array_shapes(min_dims=0, min_side=0, max_side=4))
    x = data.draw(xps.arrays(dtype, shape))
    assert type(x) is type(xp.asarray(0))
    assert x.dtype == dtype
    assert x.shape == shape


@given(data=st.data())
def test_elements_and_fill(data: st.DataObject, xps: Any, xp: ModuleType) -> None:
    drawn = {"elements": st.sampled_from([1.5, -2.0]), "fill": st.just(0.5)}
    x = data.draw(xps.arrays("float64", (3, 4), **drawn))
    assert set(np.asarray(x).ravel()) <= {1.5, -2.0, 0.5}


@given(data=st.data())
def test_unique(data: st.DataObject, xps: Any, xp: ModuleType) -> None:
    x = data.draw(xps.arrays("int16", 6, unique=True))
    assert xp.unique_values(x).shape == (6,)


@given(data=st.data())
def test_indices_pick_what_numpy_picks(data: st.DataObject, xps: Any, xp: ModuleType) -> None:
    shape = data.draw(xps.array_shapes(min_dims=0, max_dims=3, max_side=4))
    key = data.draw(xps.indices(shape, allow_newaxis=True))
    values = np.arange(np.prod(shape, dtype=int)).reshape(shape)
    np.testing.assert_array_equal(np.asarray(xp.asarray(values)[key]), values[key])


@given(data=st.data())
def test_broadcastable_shapes(data: st.DataObject, xps: Any, xp: ModuleType) -> None:
    drawn = data.draw(xps.mutually_broadcastable_shapes(2, max_side=3))
    left, right = (xp.ones(shape) for shape in drawn.input_shapes)
    assert (left + right).shape == drawn.result_shape


@pytest.mark.parametrize("name", DTYPES)
def test_every_dtype_has_values(name: str, xps: Any, xp: ModuleType) -> None:
    @given(xps.from_dtype(getattr(xp, name)))
    def fits(value: Any) -> None:
        x = xp.asarray(value, dtype=getattr(xp, name))
        np.testing.assert_array_equal(np.asarray(x)[()], np.asarray(value).astype(name)[()])

    fits()
