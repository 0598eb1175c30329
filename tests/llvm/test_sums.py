"""Sums and products that are interpreted: the native target's kernels have the tree's bits."""

from typing import Any

import numpy as np
import pytest

pytest.importorskip("llvmlite")

from lazytensor._base.module import MODULES, WorthEach
from lazytensor.ops import ROWS, reduce
from lazytensor.runtime.counters import counting

from .running import same

SIZES = (1, 2, 3, 8, 31, 33, 64, 100, 257)


@pytest.fixture(autouse=True)
def natively(monkeypatch: Any) -> None:
    monkeypatch.setattr(reduce, "FOLDED", WorthEach(-1))


def drawn(rng: np.random.Generator, dtype: str) -> Any:
    """An array that lies anyhow, of some kind of numbers."""
    shape = tuple(int(n) for n in rng.choice(SIZES, rng.integers(1, 4)))
    plain = rng.standard_normal(shape)
    x = (plain, plain * -0.0, rng.choice([0.0, -0.0, np.inf, 1e30, np.nan, 1.0], shape))[
        rng.integers(3)
    ].astype(dtype)
    x = x.transpose(rng.permutation(x.ndim))
    x = np.broadcast_to(x, (3, *x.shape)) if rng.integers(3) == 0 else x
    return x[::-1] if rng.integers(3) == 0 else x


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ["sum", "prod"])
def test_bits(name: str, dtype: str) -> None:
    rng, asked = np.random.default_rng(0), 0
    for _ in range(150):
        x = drawn(rng, dtype)
        k = rng.integers(1, x.ndim + 1)
        axes = tuple(sorted(rng.choice(x.ndim, k, replace=False).tolist()))
        with np.errstate(all="ignore"):
            got = np.asarray(ROWS[name].value(MODULES["llvm"], x, axes))
            same(got, np.asarray(ROWS[name].value(np, x, axes)), (x.shape, x.strides, axes))
        asked += x.size >= reduce.SOME and axes[-1] - axes[0] < len(axes)
    assert asked > 80


@pytest.mark.parametrize("dtype", ["float16", "int64", "complex64", "bool"])
def test_what_is_left_to_the_tree(dtype: str) -> None:
    x = np.ones(100, dtype)
    folded = MODULES["llvm"].own("folded")
    assert folded("sum", x, (0,)) is None
    assert folded("sum", np.empty((0, 3), np.float32), (0,)) is None


def test_little_is_compiled_for_few(monkeypatch: Any) -> None:
    """Nothing for a few sums; then one function for all lengths. Others count for themselves."""
    monkeypatch.setattr(reduce, "FOLDED", WorthEach(1 << 13))
    calls = []

    def noted(*args: Any) -> Any:
        calls.append(args)
        return found(*args)

    found = MODULES["llvm"].own("folded")
    found._launch.cache_clear()
    monkeypatch.setattr(MODULES["llvm"], "own", lambda name: noted)
    value = ROWS["sum"].value
    with counting() as done:
        for n in range(64, 80):
            value(MODULES["llvm"], np.ones(n, np.float32), (0,))
        value(MODULES["llvm"], np.ones(100, np.float64), (0,))
        value(MODULES["llvm"], np.ones((100, 2), np.float32), (0,))
    assert len(calls) == 8
    assert done.compilations <= 1
