"""SciPy's own test suite, unmodified, over our namespace: a fixed sample, with --full all."""

from __future__ import annotations

from types import ModuleType

import pytest

pytest.importorskip("scipy")
pytest.importorskip("xdist")
from . import scipy_suite

ONE_IN = 12
SAMPLE_PARTS = ("special", "stats", "signal", "ndimage", "cluster", "fft", "integrate", "_lib")


@pytest.mark.timeout(1800)
def test_scipys_tests_lose_nothing(xp: ModuleType, full: bool) -> None:
    parts, one_in = (scipy_suite.PARTS, 1) if full else (SAMPLE_PARTS, ONE_IN)
    result = scipy_suite.run(xp.__name__, scipy_suite.scipys(parts), one_in=one_in)
    assert not result.failures, scipy_suite.summary(result)
    assert result.ran > (24_000 if full else 1_000), result.log[-2000:]


@pytest.mark.timeout(300)
def test_the_harness_sees_a_failure() -> None:
    """A namespace with one wrong function loses tests, so a pass says something."""
    cluster = scipy_suite.scipys(["cluster"])
    result = scipy_suite.run("planted_namespace", cluster, workers=1, keyword="TestWhiten")
    assert result.failures, result.log
