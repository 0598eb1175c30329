"""A plugin of pytest's: all arrays and tensors on `cuda:0` of a stand-in. What tests start in other
processes, where there is no stand-in, is on the CPU there.

    pytest -p tests.cuda_c.default_device tests/array_api
"""

import pytest

from lazytensor._base import config as settings

from .stand_in import standing_in

settings.set(default_device="cuda:0")


def pytest_configure(config: pytest.Config) -> None:
    """There are GPUs from before tests are collected until all have run."""
    there = standing_in(count=2, capacity=1 << 33)
    there.__enter__()
    config.add_cleanup(lambda: there.__exit__(None, None, None))
