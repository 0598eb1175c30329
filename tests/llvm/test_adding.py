"""Rows added to rows: the native target's function has the bits of what is taken, weighted and
added one after another."""

from typing import Any

import numpy as np
import pytest

pytest.importorskip("llvmlite")

from lazytensor._base import config
from lazytensor._base.module import MODULES
from lazytensor.ops import ROWS

from .running import same


def added(*args: Any) -> Any:
    return MODULES["llvm"].own("gather_add")(*args)


def drawn(rng: np.random.Generator, dtype: str) -> list[Any]:
    """Arrays that lie anyhow; places that come one after another, or not."""
    n, m, k = (int(rng.integers(1, most)) for most in (9, 9, 60))
    columns = int(rng.choice([1, 3, 8, 31, 64, 65, 100, 200]))
    x, y = (rng.standard_normal((rows, columns)).astype(dtype) for rows in (n, m))
    y.flat[:: 1 + rng.integers(20)] = rng.choice([0.0, -0.0, np.inf, np.nan])
    w = rng.standard_normal(k).astype(dtype)
    to, of = rng.integers(-n, n, k), rng.integers(-m, m, k)
    to = np.sort(to) if rng.integers(2) else to
    w = np.broadcast_to(w[:1], w.shape) if rng.integers(2) else w
    x = np.broadcast_to(x[:1, :1], x.shape) if rng.integers(3) == 0 else x
    y = np.asfortranarray(y) if rng.integers(3) == 0 else y
    if k % 2 == 0:
        w, to, of = (a.reshape(2, -1) for a in (w, to, of))
    return [x, y, w, to, of]


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("seed", range(40))
def test_bits(seed: int, dtype: str, threads: int) -> None:
    x, y, w, to, of = args = drawn(np.random.default_rng(seed), dtype)
    with np.errstate(all="ignore"):
        want = ROWS["gather_add"].value(np, *args)
    before = [a.tobytes() for a in args]
    with config.context(num_threads=threads):
        same(added(*args, False), want, args)
        assert [a.tobytes() for a in args] == before
        over = np.array(x)
        assert added(over, y, w, to, of, True) is over
    same(over, want, args)


@pytest.mark.parametrize("bad", [4, -5])
@pytest.mark.parametrize("which", [3, 4])
def test_an_index_outside_is_refused(which: int, bad: int) -> None:
    args = [np.ones((4, 3)), np.ones((4, 3)), np.ones(2), np.array([0, 1]), np.array([0, 1])]
    args[which] = np.array([1, bad])
    assert added(*args, False) is None
    with pytest.raises(IndexError, match=f"index {bad} is out of bounds for axis 0 of size 4"):
        ROWS["gather_add"].value(np, *args)


def test_what_is_left_to_the_reference() -> None:
    one = np.array([0])
    for dtype in ("float16", "int64"):
        x = np.ones((2, 3), dtype)
        assert added(x, x, np.ones(1, dtype), one, one, False) is None
    x = np.ones((2, 3))
    assert added(x, x, np.ones(1), one, one.astype(np.uint64), False) is None
    assert added(x, np.empty((0, 3)), np.ones(0), one[:0], one[:0], False) is None
