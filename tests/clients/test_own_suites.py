"""Other clients' own test suites over our namespace, unmodified: all with --full."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import pytest

pytest.importorskip("xdist")
from . import scipy_suite

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
CUBEDS = ("cubed.tests.test_array_api", "cubed.tests.test_indexing", "cubed.tests.test_linalg")


def loses_nothing(result: scipy_suite.Run, at_least: int) -> None:
    assert not result.failures, scipy_suite.summary(result)
    assert result.ran > at_least, result.log[-2000:]


def test_marray(xp: ModuleType) -> None:
    pytest.importorskip("marray")
    loses_nothing(scipy_suite.run(xp.__name__, ("marray",)), 1_000)


def dispatching_modules(package: str) -> tuple[str, ...]:
    """The test modules of scikit-learn that ask for its list of namespaces."""
    root = Path(str(importlib.import_module(package).__file__)).parent
    found = [path for path in root.rglob("test_*.py") if "yield_namespace" in path.read_text()]
    parts = [path.relative_to(root.parent).with_suffix("").parts for path in sorted(found)]
    return tuple(".".join(names) for names in parts)


def test_scikit_learn(xp: ModuleType) -> None:
    pytest.importorskip("sklearn", minversion="1.8")
    loses_nothing(scipy_suite.run(xp.__name__, dispatching_modules("sklearn")), 500)


def test_cubed(xp: ModuleType) -> None:
    """Without the tests of its cloud executors, which want credentials and further packages."""
    pytest.importorskip("cubed")
    chosen = {"CUBED_BACKEND_ARRAY_API_MODULE": xp.__name__}
    result = scipy_suite.run("", CUBEDS, keyword="not cloud", environment=chosen)
    loses_nothing(result, 200)
