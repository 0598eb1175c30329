"""Sizes are arguments of kernels: 50 sizes of a batch compile what one does. The first of what is
compiled in a process is what calls kernels.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("llvmlite")

import lazytensor as xp
from lazytensor._base import config
from lazytensor._base.module import WorthEach
from lazytensor.ops import reduce
from lazytensor.runtime import cache
from lazytensor.runtime.counters import counting

from .test_kernels import anew

RNG = np.random.default_rng(5)
WEIGHTS = RNG.random((64, 64), dtype=np.float32) / np.float32(64)


@pytest.fixture(autouse=True)
def as_in_a_new_process(monkeypatch: Any, tmp_path: Path) -> Any:
    anew(monkeypatch, tmp_path)
    yield
    cache.CACHE.clear()


def layer(x: Any, w: Any) -> Any:
    y = xp.tanh(x @ w)
    return y / xp.sum(y * y, axis=1)[:, None]


def batches() -> list[np.ndarray]:
    return [RNG.random((1 + 7 * i, 64), dtype=np.float32) for i in range(50)]


def passed(call: Any) -> int:
    """Compilations of a pass over 50 sizes; results are right."""
    w = xp.asarray(WEIGHTS)
    with config.context(target="llvm"), counting() as done:
        for x in batches():
            got = np.asarray(call(xp.asarray(x), w))
            y = np.tanh(x.astype("float64") @ WEIGHTS)
            want = y / np.sum(y * y, axis=1, keepdims=True)
            np.testing.assert_allclose(got, want, rtol=1e-4)
    return done.compilations


def test_fifty_sizes_compile_once() -> None:
    """One kernel, of one row and of many alike."""
    assert [passed(xp.jit(layer)) for _ in range(2)] == [2, 0]


def test_fifty_sizes_of_lazy_code(monkeypatch: Any) -> None:
    """The hyperbolic tangent an element at a time; over vectors when it was computed of much, and
    sums natively; then the kernel of what has come eight times.
    """
    monkeypatch.setattr(reduce, "FOLDED", WorthEach(1 << 20))
    counts = [passed(layer) for _ in range(12)]
    assert counts[0] == 2 and sum(counts) == 5


def test_short_rows_compile_twice() -> None:
    """A few go along, many across."""
    data = np.random.default_rng(6).random((500, 16), dtype=np.float32)
    call = xp.jit(lambda x: x / xp.sum(x * x, axis=1)[:, None])
    with config.context(target="llvm"), counting() as done:
        found = [(n, np.asarray(call(xp.asarray(data[:n])))) for n in (500, *range(1, 500, 40))]
    assert done.compilations == 3
    assert all(got.tobytes() == found[0][1][:n].tobytes() for n, got in found)
