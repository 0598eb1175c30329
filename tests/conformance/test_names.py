"""Names, signatures, attributes and constants of the standard."""

from __future__ import annotations

import inspect

import array_api_strict
import pytest

import lazytensor as xp

from . import standard
from .checking import function
from .names import missing_names, signature_text, wrong_signatures

METHODS = [
    *standard.SIGNATURES["array"],
    *(f"__{form}{name}__" for name in standard.ARITHMETIC for form in ("r", "i")),
]


def test_nothing_is_missing_and_signatures_are_the_standard_s() -> None:
    assert missing_names(xp) == []
    assert wrong_signatures(xp) == []


@pytest.mark.parametrize("name", METHODS)
def test_methods_of_the_array(name: str) -> None:
    plain = name if name in standard.SIGNATURES["array"] else f"__{name[3:]}"
    want = standard.SIGNATURES["array"][plain]
    assert signature_text(getattr(type(xp.zeros(1)), name)) == want


def test_attributes() -> None:
    x = xp.zeros((2, 3))
    assert [name for name in standard.ATTRIBUTES if not hasattr(x, name)] == []
    assert (x.ndim, x.shape, x.size) == (2, (2, 3), 6)
    assert x.T.shape == x.mT.shape == (3, 2)
    assert x.dtype == xp.float64
    assert x.device in xp.__array_namespace_info__().devices()


@pytest.mark.parametrize("name", standard.CONSTANTS)
def test_constants(name: str) -> None:
    value, want = getattr(xp, name), standard.CONSTANTS[name]
    assert value == want or (value != value and want != want)


def test_versions() -> None:
    assert xp.__array_api_version__ == standard.VERSION
    x = xp.zeros(1)
    assert x.__array_namespace__() is xp
    assert x.__array_namespace__(api_version=standard.VERSION) is xp
    with pytest.raises(ValueError, match="1999"):
        x.__array_namespace__(api_version="1999.01")


def test_inspection() -> None:
    info, strict = xp.__array_namespace_info__(), array_api_strict.__array_namespace_info__()
    assert set(info.capabilities()) >= {
        "boolean indexing",
        "data-dependent shapes",
        "max dimensions",
    }
    assert info.default_device() in info.devices()
    assert {k: str(v) for k, v in info.default_dtypes().items()} == {
        "real floating": "float64",
        "complex floating": "complex128",
        "integral": "int64",
        "indexing": "int64",
    }
    for kind in ("bool", "signed integer", "integral", "real floating", "numeric", None):
        assert set(info.dtypes(kind=kind)) == set(strict.dtypes(kind=kind))
    assert set(info.dtypes(kind=("bool", "complex floating"))) == {
        "bool",
        "complex64",
        "complex128",
    }


def test_every_function_says_what_it_does() -> None:
    for part, name in standard.every_name():
        if part != "info":
            text = inspect.getdoc(function(xp, part, name)) or ""
            assert len(text) > 20, f"{part}.{name}"
