"""Native copies in row-major order: NumPy's elements, whatever lies how."""

import numpy as np
import pytest

pytest.importorskip("llvmlite")

from lazytensor._base import config
from lazytensor._base.module import module
from lazytensor.ir.node import leaf
from lazytensor.ops import g
from lazytensor.runtime.buffers import memory_stats
from lazytensor.runtime.materialize import value
from lazytensor.targets.llvm import copies

RNG = np.random.default_rng(1)
SHAPES = [
    ((300, 1024), (1, 0)), ((37, 53, 129), (2, 0, 1)), ((8, 6, 56, 56), (0, 2, 3, 1)),
    ((90, 80, 3), (1, 0, 2)), ((3, 4, 8, 33, 5), (1, 3, 0, 2, 4)), ((20, 30, 4, 7), (1, 0, 2, 3)),
]  # fmt: skip


@pytest.fixture
def calls(monkeypatch):
    found = []
    real = copies.Contiguous.copy

    def copy(self, x, out):
        real(self, x, out)
        found.append(True)

    monkeypatch.setattr(copies.Contiguous, "copy", copy)
    monkeypatch.setattr(copies, "WORTH", 1 << 12)
    return found


@pytest.mark.parametrize("dtype", ["bool", "int8", "float16", "float32", "int64", "complex128"])
@pytest.mark.parametrize(("shape", "order"), SHAPES)
def test_any_layout(shape, order, dtype, calls):
    x = (RNG.standard_normal(shape) * 9).astype(dtype).transpose(order)
    with config.context(target="llvm"):
        for y in (x, x[::-1], x[..., ::2], x[1:, ..., 1:], np.broadcast_to(x[:1], x.shape)):
            got = module().ascontiguousarray(y)
            assert got.flags.c_contiguous and got.dtype == y.dtype and got.shape == y.shape
            assert got.tobytes() == y.tobytes()
    assert len(calls) >= 4 and all(calls)


def test_reshapes_copy_what_they_must(calls):
    x = RNG.standard_normal((1000, 1024)).astype(np.float32)
    with config.context(target="llvm", execution="interpret"):
        flat = value(g.reshape(g.permute(leaf(x), (1, 0)), (x.size,)))
        assert flat.tobytes() == x.T.tobytes() and calls == [True]
        split = value(g.reshape(g.permute(leaf(x), (1, 0)), (32, 32, 1000)))
        assert split.tobytes() == x.T.tobytes() and calls == [True]
        assert np.shares_memory(split, x)


def test_runs_are_elements():
    x = np.zeros((4, 6, 5, 2), np.float32)
    for y, shape in ((x.transpose(1, 0, 2, 3), (6, 4, 1)), (x[:, :, :, :1], x[:, :, :, :1].shape)):
        found = copies._by_runs(np.empty(y.shape, y.dtype), y)
        assert [a.shape for a in found] == [shape, shape]


def test_what_is_left_to_numpy(calls):
    with config.context(target="llvm"):
        for x in (np.ones((3, 2)).T, np.ones((500, 500))[:, :400], np.ones((500, 500)).T):
            got = module().ascontiguousarray(x, np.float32)
            assert got.dtype == np.float32 and got.tobytes() == x.astype(np.float32).tobytes()
    assert calls == []


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("dtype", ["float32", "complex128"])
def test_parts_in_a_row(axis, dtype, calls):
    shape = [64, 48, 40]
    shape[axis] = 100
    x = (RNG.standard_normal((64, 48, 40)) * 9).astype(dtype)
    y = (RNG.standard_normal(shape[::-1]) * 9).astype(dtype).transpose(2, 1, 0)
    with config.context(target="llvm"):
        got = module().concatenate((x, y, x[:, ::-1]), axis)
    want = np.concatenate((x, y, x[:, ::-1]), axis)
    assert got.flags.c_contiguous and got.dtype == want.dtype
    assert got.tobytes() == want.tobytes()
    assert calls == [True] * 3 * (axis == 0)


def test_parts_that_are_left_to_numpy(calls):
    with config.context(target="llvm"):
        join, wide = module().concatenate, np.ones((300, 300))
        assert join([[True], [False]]).tolist() == [True, False]
        assert join((wide, wide.astype(np.float32))).dtype == np.float64
        assert join((np.ones(3), np.zeros(2))).tolist() == [1, 1, 1, 0, 0]
    assert not calls


def test_what_is_copied_gets_memory_of_the_pool():
    """Fresh pages would cost more than the copy."""
    x = RNG.standard_normal((1000, 1024)).astype(np.float32)
    with config.context(target="llvm"):
        for f in (
            lambda: module().ascontiguousarray(x[:, :1000]),
            lambda: module().concatenate((x, x), 1),
        ):
            first = f()
            assert not first.flags.owndata
            del first
            before = memory_stats()
            f()
            after = memory_stats()
            assert (after["hits"], after["misses"]) == (before["hits"] + 1, before["misses"])
