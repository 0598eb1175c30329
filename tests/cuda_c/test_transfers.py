"""Copies between the host and devices, on the stand-in: it reads pinned memory late, and gives it
to others as soon as nothing refers to it.
"""

from collections.abc import Iterator

import numpy as np
import pytest

import lazytensor as xp
from lazytensor._base import config
from lazytensor.runtime.gpu import pinned

from .stand_in import StandIn, standing_in

pytest.importorskip("cupy", reason="no CuPy, whose arrays are used")
SIZES = [1, 1000, pinned.FEW + 1, pinned.CHUNK - 1, pinned.CHUNK + 1, 3 * pinned.CHUNK + 5]


@pytest.fixture
def gpus() -> Iterator[StandIn]:
    with standing_in(count=1) as driver, config.context(default_device="cuda:0"):
        yield driver


@pytest.mark.parametrize("size", SIZES)
def test_there_and_back(gpus: StandIn, size: int) -> None:
    """What is written to the host's memory afterwards is not seen."""
    host = np.random.default_rng(size).integers(0, 250, size).astype(np.uint8)
    want, x = host.copy(), xp.asarray(host)
    xp.materialize(x)
    host[:] = 251
    y = xp.asarray(pinned.pinned(want))
    xp.materialize(y)
    np.testing.assert_array_equal(np.asarray(x), want)
    np.testing.assert_array_equal(np.asarray(y), want)


def test_memory_is_kept_until_it_was_read(gpus: StandIn) -> None:
    for i in range(20):
        kept = [xp.asarray(np.full(1 << 13, k + i, np.float32)) for k in range(4)]
        xp.materialize(*kept)
        for k, x in enumerate(kept):
            assert np.asarray(x)[-1] == k + i
    assert len(pinned._used) <= 5 and len(gpus.pins) <= 8


@pytest.mark.parametrize("size", [pinned.FEW, 3 * pinned.CHUNK])
def test_memory_is_kept_until_it_was_written(
    gpus: StandIn, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    """After a Ctrl-C the device goes on."""

    def interrupted(event: int) -> None:
        raise KeyboardInterrupt

    x, before = xp.asarray(np.arange(size, dtype=np.uint8)), len(gpus.pins)
    xp.materialize(x)
    with monkeypatch.context() as patch:
        patch.setattr(gpus, "wait", interrupted)
        patch.setattr(gpus, "passed", lambda event: False)
        with pytest.raises(KeyboardInterrupt):
            np.asarray(x)
        assert len(gpus.pins) >= before + (1 if size == pinned.FEW else 2)
    assert np.asarray(x)[-1] == (size - 1) % 256


def test_without_pinned_memory(gpus: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(nbytes: int) -> None:
        raise MemoryError

    monkeypatch.setattr(gpus, "pinned", none)
    host = np.arange(1 << 14, dtype=np.int64)
    np.testing.assert_array_equal(np.asarray(xp.asarray(host) + 1), host + 1)


def test_what_is_pinned_is_told_by_its_memory(gpus: StandIn) -> None:
    x = pinned.pinned(np.ones((4, 4), np.float32))
    assert pinned.is_pinned(x) and pinned.is_pinned(x[1:, ::2].T)
    assert not pinned.is_pinned(x.copy())
    assert x.dtype == np.float32 and x.flags.writeable
