"""array-api-compat's helpers do the right thing with our arrays."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest

from .compare import Same

compat = pytest.importorskip("array_api_compat")


def test_namespace_is_the_module_itself(xp: ModuleType) -> None:
    x = xp.asarray([1.0, 2.0])
    assert compat.array_namespace(x) is xp
    assert compat.array_namespace(x, 3.0, None, x) is xp
    assert compat.is_array_api_obj(x)


def test_namespace_of_ours_beside_numpys_is_refused(xp: ModuleType) -> None:
    with pytest.raises(TypeError, match="ultiple namespaces"):
        compat.array_namespace(xp.asarray(1.0), np.asarray(1.0))


@pytest.mark.parametrize("library", ["numpy", "cupy", "torch", "dask", "jax"])
def test_taken_for_no_other_library(library: str, xp: ModuleType) -> None:
    assert not getattr(compat, f"is_{library}_array")(xp.asarray([1.0]))
    assert not getattr(compat, f"is_{library}_namespace")(xp)


def test_device_and_to_device(xp: ModuleType) -> None:
    x = xp.asarray([1.0, 2.0])
    assert compat.device(x) == x.device
    for device in xp.__array_namespace_info__().devices():
        moved = compat.to_device(x, device)
        assert compat.device(moved) == device
        assert type(moved) is type(x)


@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 5), (2, 0, 4)])
def test_size(shape: tuple[int, ...], xp: ModuleType) -> None:
    assert compat.size(xp.zeros(shape)) == np.zeros(shape).size


def test_arrays_are_writeable(xp: ModuleType) -> None:
    assert compat.is_writeable_array(xp.zeros(3))


@pytest.mark.parametrize("shape", [(), (0,), (3,), (4, 5)])
def test_arrays_count_as_eager(shape: tuple[int, ...], xp: ModuleType) -> None:
    """`bool` of an element always succeeds, which is what SciPy asks this question for."""
    assert not compat.is_lazy_array(xp.ones(shape) + 1)


def test_answers_leave_the_array_as_it_was(xp: ModuleType, same: Same) -> None:
    x = xp.arange(6.0) * 2
    compat.is_lazy_array(x)
    compat.is_writeable_array(x)
    same(x, np.arange(6.0) * 2)
