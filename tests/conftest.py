"""What all tests share: the option --full, fixed samples, and why CUDA tests are skipped."""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import tempfile
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, settings

# SciPy reads this once, at its import, and some test may import SciPy before those that need it.
os.environ.setdefault("SCIPY_ARRAY_API", "1")

# Kernels that the tests compile are kept for the processes of one run, and no longer.
if "LAZYTENSOR_CACHE_DIR" not in os.environ:
    os.environ["LAZYTENSOR_CACHE_DIR"] = tempfile.mkdtemp(prefix="lazytensor-tests-")
    atexit.register(shutil.rmtree, os.environ["LAZYTENSOR_CACHE_DIR"], ignore_errors=True)

# A shell that runs tests in the background ignores Ctrl-C, and so would all that tests start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# One seed for everyone: a run of CI tests the same programs as the run before it.
settings.register_profile(
    "sample",
    max_examples=25,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "full",
    max_examples=1000,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--full",
        action="store_true",
        help="run all of the long tests instead of a fixed sample of them",
    )


def pytest_configure(config: pytest.Config) -> None:
    settings.load_profile("full" if config.getoption("--full") else "sample")


def missing_cuda() -> str | None:
    """Why no CUDA test can run here, or None where one can."""
    try:
        import cupy
    except ImportError as error:
        return f"cupy can't be imported: {error}"
    try:
        count = cupy.cuda.runtime.getDeviceCount()
    except cupy.cuda.runtime.CUDARuntimeError as error:
        return f"no CUDA device: {error}"
    return None if count else "no CUDA device"


def elsewhere(item: pytest.Item) -> str | None:
    """Why a test doesn't run where arrays are on a GPU: what it says of the CPU."""
    from lazytensor._base import config

    marker = item.get_closest_marker("cpu")
    there = config.get("default_device").startswith("cuda")
    return f"speaks of the CPU: {marker.args[0]}" if marker and there else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--full"):
        for item in items:
            if item.get_closest_marker("slow"):
                item.add_marker(pytest.mark.skip(reason="long: runs with --full"))
    for item in items:
        if (reason := elsewhere(item)) is not None:
            item.add_marker(pytest.mark.skip(reason=reason))
    cuda = [item for item in items if item.get_closest_marker("cuda")]
    reason = missing_cuda() if cuda else None
    if reason is not None:
        for item in cuda:
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def full(request: pytest.FixtureRequest) -> bool:
    """Whether this run was asked for all of the long tests."""
    return bool(request.config.getoption("--full"))


@pytest.fixture(scope="session")
def effort(full: bool) -> Callable[[int, int], int]:
    """``effort(sample, whole)``: how many cases to run, the sample's number or with --full all."""
    return lambda sample, whole: whole if full else sample
