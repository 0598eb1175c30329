"""The namespace under test, and the switch SciPy and scikit-learn want before they are imported.

`SCIPY_ARRAY_API=1` is read once, when SciPy is imported. pytest reads this file before it collects
the folder, but a test module collected earlier may have imported SciPy already; `tests/conftest.py`
therefore sets the same variable, and where neither came first the tests that need it say so.
`LAZYTENSOR_CLIENT_MODULE` names another namespace to hold the same tests over.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from types import ModuleType

import pytest

from .compare import Same

os.environ.setdefault("SCIPY_ARRAY_API", "1")
MODULE = os.environ.get("LAZYTENSOR_CLIENT_MODULE", "lazytensor")


@pytest.fixture(scope="session")
def xp() -> ModuleType:
    """The namespace that the clients are given."""
    return importlib.import_module(MODULE)


@pytest.fixture(scope="session")
def same(xp: ModuleType) -> Same:
    """`same(actual, expected)`: arrays of `xp` with the dtypes, shapes and values of NumPy's."""
    return Same(xp)


@pytest.fixture(scope="session")
def scipy_with() -> Callable[[str], ModuleType]:
    """`scipy_with("stats")`: the subpackage of a SciPy that takes foreign namespaces."""

    def load(name: str) -> ModuleType:
        scipy = pytest.importorskip("scipy")
        module = importlib.import_module(f"scipy.{name}")
        switch = importlib.import_module("scipy._lib._array_api").SCIPY_ARRAY_API
        assert switch, f"SciPy {scipy.__version__} was imported before SCIPY_ARRAY_API was set"
        return module

    return load
