"""A plugin of pytest's: all arrays and tensors on `cuda:0` of a stand-in. What tests start in other
processes, where there is no stand-in, is on the CPU there.

    pytest -p tests.cuda_c.default_device tests/array_api
"""

from collections.abc import Iterator

import pytest

from lazytensor._base import config

from .stand_in import standing_in

config.set(default_device="cuda:0")


@pytest.hookimpl(wrapper=True)
def pytest_runtestloop() -> Iterator[None]:
    """Tests run in a `with` block in which there are GPUs."""
    with standing_in(count=2, capacity=1 << 33):
        return (yield)
