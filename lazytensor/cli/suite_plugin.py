"""The pytest plugin that the official suite is run with: one line of JSON for each report.

What enters: pytest's reports. What leaves: lines in the file that `LAZYTENSOR_SUITE_EVENTS` names.
It must not know what a reader makes of them.
"""

import json
import os
from typing import Any

import pytest

from .suite import EVENTS


def _tell(**event: Any) -> None:
    with open(os.environ[EVENTS], "a", encoding="utf-8") as file:
        file.write(json.dumps(event) + "\n")


def _reason(report: Any) -> str:
    """The reason of a skip, or the text of a failure."""
    if report.skipped and isinstance(report.longrepr, tuple):
        return str(report.longrepr[2])
    return str(getattr(report, "wasxfail", "") or report.longreprtext)


def pytest_collection_finish(session: pytest.Session) -> None:
    """How many tests there are; of several workers the first tells."""
    if session.items and os.environ.get("PYTEST_XDIST_WORKER", "gw0") == "gw0":
        _tell(total=len(session.items))


def pytest_collectreport(report: pytest.CollectReport) -> None:
    """A module that can't be imported."""
    if report.failed and "PYTEST_XDIST_WORKER" not in os.environ:
        text = report.longreprtext
        _tell(id=report.nodeid, when="collect", outcome="failed", seconds=0.0, text=text)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """The end of a phase of a test; workers leave this to the process that started them."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        return
    if report.when == "call" or not report.passed:
        outcome = "x" + report.outcome if hasattr(report, "wasxfail") else report.outcome
        text = "" if outcome == "passed" else _reason(report)
        _tell(
            id=report.nodeid, when=report.when, outcome=outcome, seconds=report.duration, text=text
        )
