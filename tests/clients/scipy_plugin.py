"""A pytest plugin that runs a client's own tests over a namespace it has never heard of.

Enters: installed test modules of SciPy, marray or scikit-learn, the option `--xp-module NAME`.
Leaves: each test that takes a namespace, run with that one; `--xp-outcome FILE`: an account of it.
Knows nothing of lazytensor: any module with `empty` and `__array_namespace_info__` will do.

SciPy's `conftest.py` holds its list of namespaces as the default parameters of the fixture `xp`; a
`parametrize` marker with `indirect=True` takes precedence over them, so nothing of SciPy changes.
scikit-learn's tests ask one generator for the names of the namespaces; it is given ours to yield.
"""

from __future__ import annotations

import importlib
import json
import sys
import zlib
from collections import Counter
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of the plugin; every one has a default, so that loading it alone changes nothing."""
    group = parser.getgroup("foreign namespace")
    group.addoption("--xp-module", default=None, help="the namespace to run SciPy's tests over")
    group.addoption("--xp-one-in", type=int, default=1, help="keep one test in N, by its name")
    group.addoption("--xp-outcome", type=Path, default=None, help="JSON file for the outcome")


def pytest_configure(config: pytest.Config) -> None:
    """Where an outcome is asked for, count in the process that sees every worker's reports."""
    outcome, is_worker = config.getoption("--xp-outcome"), hasattr(config, "workerinput")
    if outcome and not is_worker:
        config.pluginmanager.register(Outcome(outcome), "xp-outcome")
    if any(name.startswith("sklearn") for name in config.args):
        _give_sklearn(config.getoption("--xp-module"))


def _give_sklearn(name: str) -> None:
    """scikit-learn's parametrizations call this generator when the test modules are imported."""
    array_api = importlib.import_module("sklearn.utils._array_api")
    array_api.yield_namespaces = lambda include_numpy_namespaces=True: iter([name])


# SciPy's words for a test of namespaces that refuse `bool(x)`, such as traced JAX. Each eager one
# is skipped there by its name, which ours is not among.
LAZY_ONLY = "lazy backends only"


def _candidate(config: pytest.Config) -> ModuleType | None:
    name = config.getoption("--xp-module")
    return importlib.import_module(name) if name else None


def _device_list(xp: ModuleType) -> list[Any]:
    """What SciPy's fixture `devices` gives: it adds `[None]` to the standard's answer, which is a
    tuple since 2025.12, and would stop at the TypeError."""
    return [*xp.__array_namespace_info__().devices(), None]


@pytest.hookimpl(tryfirst=True)
def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give `xp` (and `devices`) the candidate as their only parameter."""
    xp = _candidate(metafunc.config)
    if xp is None or "xp" not in metafunc.fixturenames:
        return
    if scipys := sys.modules.get("scipy.conftest"):
        scipys.xp_known_backends.add(xp.__name__)
    _drop_own_namespaces(metafunc.definition)
    param = pytest.param(xp, id=xp.__name__, marks=pytest.mark.array_api_backends)
    fixture = "xp" in metafunc.fixturenames and "xp" in metafunc._arg2fixturedefs
    metafunc.definition.add_marker(pytest.mark.parametrize("xp", [param], indirect=fixture))
    if "devices" in metafunc.fixturenames:
        devices = pytest.param(_device_list(xp), id="devices")
        metafunc.definition.add_marker(pytest.mark.parametrize("devices", [devices]))


def _drop_own_namespaces(test: pytest.Item) -> None:
    """Some (marray's) parametrize `xp` themselves, with a list of their own."""
    test.own_markers[:] = [mark for mark in test.own_markers if mark.args[:1] != ("xp",)]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep what runs on the candidate, and of that a fixed sample chosen by the tests' names."""
    if _candidate(config) is None:
        return
    name, one_in = config.getoption("--xp-module"), config.getoption("--xp-one-in")
    chosen = [item for item in items if _takes(name, item) and _sampled(item.nodeid, one_in)]
    kept = set(map(id, chosen))
    config.hook.pytest_deselected(items=[item for item in items if id(item) not in kept])
    items[:] = chosen


def _takes(name: str, item: pytest.Item) -> bool:
    callspec = getattr(item, "callspec", None)
    if any(mark.kwargs.get("reason") == LAZY_ONLY for mark in item.iter_markers()):
        return False
    return "xp" in getattr(item, "fixturenames", ()) or (
        callspec is not None and name in map(str, callspec.params.values())
    )


def _sampled(nodeid: str, one_in: int) -> bool:
    return zlib.crc32(nodeid.encode()) % one_in == 0


_EXPECTED = {"skipped": "xfailed", "passed": "xpassed", "failed": "failed"}


def _expected(report: pytest.TestReport) -> bool:
    return hasattr(report, "wasxfail")


class Outcome:
    """Counts outcomes and keeps the text of each failure, for the driver to read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.counts: Counter[str] = Counter()
        self.failures: list[dict[str, str]] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """One count a test: its call, or whatever went wrong (or was skipped) around the call."""
        if report.when == "call" or report.outcome != "passed":
            self.counts[_EXPECTED[report.outcome] if _expected(report) else report.outcome] += 1
        if report.failed:
            self.failures.append({"test": report.nodeid, "text": report.longreprtext})

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A module that cannot be collected is a failure too."""
        if report.failed:
            self.counts["failed"] += 1
            self.failures.append({"test": report.nodeid, "text": report.longreprtext})

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        """Write the account."""
        account = {"counts": dict(self.counts), "failures": self.failures}
        self.path.write_text(json.dumps(account))
