"""Native copies in row-major order: NumPy's elements, whatever lies how."""

import numpy as np
import pytest

pytest.importorskip("llvmlite")

from lazytensor._base import config
from lazytensor._base.module import module
from lazytensor.ir.node import leaf
from lazytensor.ops import g
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
    real = copies.Contiguous._copied

    def copied(self, x):
        out = real(self, x)
        found.append(out is not None)
        return out

    monkeypatch.setattr(copies.Contiguous, "_copied", copied)
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
