"""Promotion, casting and facts of dtypes, for every pair, against the standard's lattice."""

from __future__ import annotations

import array_api_strict
import numpy as np
import pytest

import lazytensor as xp

from . import standard

KINDS = (
    "bool",
    "signed integer",
    "unsigned integer",
    "integral",
    "real floating",
    "complex floating",
    "numeric",
)


def dtype(name: str) -> object:
    """A dtype of the namespace."""
    return getattr(xp, name)


@pytest.mark.parametrize("pair", standard.PROMOTIONS, ids="-".join)
def test_promotion(pair: tuple[str, str]) -> None:
    want = dtype(standard.PROMOTIONS[pair])
    x, y = (xp.ones((2, 1), dtype=dtype(name)) for name in pair)
    assert xp.result_type(*map(dtype, pair)) == want
    assert xp.result_type(x, y) == want
    assert xp.result_type(x, dtype(pair[1])) == want
    assert xp.where(xp.asarray(True), x, y).dtype == want
    assert xp.concat([x, y]).dtype == want
    if pair != ("bool", "bool"):
        assert xp.multiply(x, y).dtype == (x * y).dtype == want
        assert xp.matmul(x, y.T).dtype == want
    assert xp.equal(x, y).dtype == xp.bool


def test_result_type_of_several_and_of_scalars() -> None:
    assert xp.result_type(xp.int8, xp.uint8, xp.int32) == xp.int32
    assert xp.result_type(xp.float32, 1.0) == xp.float32
    assert xp.result_type(xp.float32, 1j) == xp.complex64
    assert xp.result_type(xp.int8, 3) == xp.int8


@pytest.mark.parametrize("pair", standard.PROMOTIONS, ids="-".join)
def test_can_cast(pair: tuple[str, str]) -> None:
    """Where promotion would cast; between kinds, left open by the standard, to float64 alone."""
    expected = standard.PROMOTIONS[pair] == pair[1] or pair[1] == "float64"
    assert xp.can_cast(*map(dtype, pair)) == expected


@pytest.mark.parametrize("name", standard.DTYPES)
def test_isdtype(name: str) -> None:
    for kind in (*KINDS, ("bool", "integral"), ("real floating", "complex floating")):
        strict = array_api_strict.isdtype(getattr(array_api_strict, name), kind)
        assert xp.isdtype(dtype(name), kind) == strict
    assert xp.isdtype(dtype(name), dtype(name))
    assert xp.isdtype(dtype(name), (dtype("bool"), dtype(name)))
    with pytest.raises(ValueError, match="floating"):
        xp.isdtype(dtype(name), "floating")


@pytest.mark.parametrize("name", standard.INEXACT)
def test_finfo(name: str) -> None:
    for what in (dtype(name), xp.ones(2, dtype=dtype(name))):
        info, want = xp.finfo(what), np.finfo(name)
        assert (info.bits, info.eps, info.max, info.min) == (
            want.bits,
            want.eps,
            want.max,
            want.min,
        )
        assert info.smallest_normal == want.smallest_normal
        assert info.dtype == want.dtype
        assert all(type(v) is float for v in (info.eps, info.max, info.min, info.smallest_normal))


@pytest.mark.parametrize("name", standard.INTEGER)
def test_iinfo(name: str) -> None:
    for what in (dtype(name), xp.ones(2, dtype=dtype(name))):
        info, want = xp.iinfo(what), np.iinfo(name)
        assert (info.bits, info.max, info.min) == (want.bits, want.max, want.min)
        assert info.dtype == np.dtype(name)


@pytest.mark.parametrize("name", standard.DTYPES)
def test_functions_refuse_dtypes_outside_of_their_domain(name: str) -> None:
    """Where the standard gives the result no meaning, as complex numbers in order."""
    x = xp.ones(2, dtype=dtype(name))
    if name in standard.COMPLEX:
        for function in (xp.floor, xp.less, xp.maximum, xp.remainder, xp.max, xp.argmax, xp.sort):
            with pytest.raises(TypeError, match=name):
                function(*[x] * (2 if function in (xp.less, xp.maximum, xp.remainder) else 1))
    if name not in (*standard.BOOL, *standard.INTEGER):
        with pytest.raises(TypeError, match=name):
            xp.bitwise_and(x, x)
