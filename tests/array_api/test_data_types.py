"""Data types: NumPy's own instances, promotion by table, casts, limits; inspection."""

import itertools
from typing import Any

import numpy as np
import pytest

import lazytensor as xp
from lazytensor._base import config
from lazytensor._base.devices import cuda_devices
from lazytensor._base.dtypes import bfloat16
from lazytensor.lang.promote import can_cast, promote, result_type

NAMES = [
    *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    *("float32", "float64", "complex64", "complex128"),
]


@pytest.mark.parametrize("name", NAMES)
def test_dtypes_are_numpys(name: str) -> None:
    dtype = getattr(xp, name)
    assert dtype is np.dtype(name)
    assert dtype == name
    assert xp.ones(1, dtype=dtype).dtype is dtype
    assert xp.ones(1, dtype=name).dtype is dtype
    assert xp.ones(1, dtype=np.dtype(name).type).dtype is dtype


@pytest.mark.parametrize(("a", "b"), list(itertools.product(NAMES, NAMES)))
def test_promotion_is_numpys(a: str, b: str) -> None:
    want = np.result_type(np.dtype(a), np.dtype(b))
    assert promote(np.dtype(a), np.dtype(b)) is want
    assert xp.result_type(getattr(xp, a), xp.ones(1, dtype=b)) is want
    assert (xp.ones(2, dtype=a) * xp.ones(2, dtype=b)).dtype is want
    assert can_cast(np.dtype(a), np.dtype(b)) == (want == b)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("scalar", [True, 1, 1.0, 1j])
def test_scalars_promote_as_numpys(name: str, scalar: Any) -> None:
    want = (np.ones(1, name) * scalar).dtype
    assert xp.result_type(np.dtype(name), scalar) is want
    assert xp.result_type(scalar, xp.ones(1, dtype=name)) is want


def test_result_type_more() -> None:
    assert xp.result_type(1, 2.0) is xp.float64
    assert xp.result_type(True) is xp.bool
    assert xp.result_type(np.float32(1), 1j) is xp.complex64
    assert xp.result_type(np.ones(2, np.int8), xp.uint8) is xp.int16
    with pytest.raises(ValueError, match="at least one"):
        xp.result_type()
    with pytest.raises(TypeError):
        xp.result_type("nothing")
    with pytest.raises(TypeError, match="datetime64"):
        xp.result_type(np.dtype("M8[s]"))


@pytest.mark.parametrize("name", NAMES)
def test_astype(name: str) -> None:
    x = np.array([0.0, 1.0, 2.5, 100.0])
    got = xp.astype(xp.asarray(x), getattr(xp, name))
    assert got.dtype == name
    np.testing.assert_array_equal(np.asarray(got), x.astype(name))
    assert xp.astype(got, name, copy=False) is got
    assert xp.astype(got, name) is not got


def test_casts_of_complex_numbers() -> None:
    z = xp.asarray([0j, 1j])
    assert xp.astype(z, xp.bool).tolist() == [False, True]
    for f in (lambda: xp.astype(z, xp.float64), lambda: z.astype("int8")):
        with pytest.raises(TypeError, match="complex128 can't become"):
            f()


def test_astype_onto_a_device() -> None:
    with config.context(cpu_devices=2):
        assert xp.astype(xp.ones(2), xp.int8, device="cpu:1").device == "cpu:1"
        assert xp.astype(xp.ones(2), xp.float64, copy=False, device="cpu:1").device == "cpu:1"
    with pytest.raises(ValueError, match="tpu"):
        xp.astype(xp.ones(2), xp.int8, device="tpu")


@pytest.mark.parametrize("name", ["float32", "float64", "complex64", "complex128", "float16"])
def test_finfo(name: str) -> None:
    want = np.finfo(name)
    for of in (np.dtype(name), xp.ones(2, dtype=name), name):
        got = xp.finfo(of)
        assert (got.bits, got.eps, got.max, got.min) == (want.bits, want.eps, want.max, want.min)
        assert (got.smallest_normal, got.tiny) == (want.smallest_normal, want.tiny)
        assert got.dtype is want.dtype
        assert all(type(v) is float for v in got[1:5])
    with pytest.raises(TypeError, match="int8"):
        xp.finfo(xp.int8)


@pytest.mark.parametrize("name", [n for n in NAMES if "int" in n])
def test_iinfo(name: str) -> None:
    want = np.iinfo(name)
    for of in (np.dtype(name), xp.ones(2, dtype=name)):
        assert xp.iinfo(of) == (want.bits, want.max, want.min, want.dtype)
    with pytest.raises(TypeError, match="float64"):
        xp.iinfo(xp.float64)


def test_isdtype() -> None:
    assert xp.isdtype(xp.int8, "integral")
    assert xp.isdtype(xp.int8, ("bool", "signed integer"))
    assert xp.isdtype(xp.int8, (xp.uint8, xp.int8))
    assert not xp.isdtype(xp.int8, "unsigned integer")
    assert xp.isdtype(np.float64, "real floating")
    with pytest.raises(ValueError, match="unknown dtype kind 'floaty'"):
        xp.isdtype(xp.int8, "floaty")


def test_narrow_floats() -> None:
    x = xp.ones(3, dtype=xp.float32).astype(bfloat16())
    y = (x * 2 + 0.5).astype(xp.float32)
    assert x.dtype.name == "bfloat16"
    assert y.tolist() == [2.5] * 3
    assert xp.finfo(x).bits == 16
    assert (x + xp.ones(3, dtype=xp.float32)).dtype == xp.float32
    assert xp.ones(2, dtype="float16").sum().dtype == np.float16


def test_promotion_without_a_common_dtype() -> None:
    half = xp.ones(1, dtype="bfloat16")
    assert result_type([half.dtype], [1]) is half.dtype
    assert not can_cast(bfloat16(), np.dtype("int64"))


def test_inspection() -> None:
    info = xp.__array_namespace_info__()
    assert info.capabilities() == {
        "boolean indexing": True,
        "data-dependent shapes": True,
        "max dimensions": 64,
    }
    assert info.default_device() == xp.zeros(1).device
    assert info.devices()[0] == "cpu"
    with config.context(cpu_devices=3):
        assert info.devices()[:3] == ("cpu", "cpu:1", "cpu:2")
        assert len(info.devices()) == 3 + cuda_devices()
    assert list(info.dtypes()) == NAMES
    assert info.dtypes(kind=("bool", "real floating")) == {
        "bool": xp.bool,
        "float32": xp.float32,
        "float64": xp.float64,
    }
    assert info.default_dtypes()["integral"] is xp.ones(1).astype(int).dtype
    assert info.default_dtypes(device="cpu")["real floating"] is xp.zeros(1).dtype
    for call in (info.dtypes, info.default_dtypes):
        with pytest.raises(ValueError, match="tpu"):
            call(device="tpu")
    with pytest.raises(ValueError, match="colour"):
        info.dtypes(kind="colour")


def test_constants() -> None:
    assert (xp.e, xp.pi, xp.inf, xp.newaxis) == (np.e, np.pi, np.inf, None)
    assert xp.nan != xp.nan
