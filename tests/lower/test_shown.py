"""What runs backwards is handed to kernels as it lies, and copied for all other readers."""

import numpy as np
import pytest

import lazytensor as xp
from lazytensor._base import config
from lazytensor.ir.node import leaf
from lazytensor.lower.kernel import Call
from lazytensor.ops import g
from lazytensor.runtime import cache, native
from lazytensor.runtime.counters import COUNTERS
from tests.lower.test_segments import plan_of

N = 1 << 15
RNG = np.random.default_rng(1)
ARRAYS = {
    "complex": RNG.random(2 * N).view(np.complex128),
    "single": RNG.random((N // 32, 32), dtype=np.float32),
    "odd": RNG.random((N // 37 + 1, 37)),
}
PROGRAMS = {
    "sum": lambda x, np_: x + np_.flip(x, axis=0),
    "product": lambda x, np_: x * np_.flip(x * x, axis=0),
    "of a part": lambda x, np_: x[::-1][3:] * x[3:],
    "function": lambda x, np_: np_.flip(np_.exp(x), axis=0) * 2,
    "reduced": lambda x, np_: np_.sum(np_.flip(x, axis=0) * x, axis=-1),
    "joined": lambda x, np_: np_.concat([np_.flip(x, axis=0), x], axis=0) + 1,
    "kept": lambda x, np_: np_.flip(x, axis=-1),
    "scanned": lambda x, np_: np_.cumulative_sum(np_.flip(np_.reshape(x, (-1,)), axis=0)) + 1,
}


@pytest.fixture(autouse=True)
def compiling():
    with config.context(execution="compile", target="llvm"):
        yield


def shown(plan):
    return [s.op.name for s in plan.steps if isinstance(s, Call) and s.shown]


def test_which_calls_may_show_what_runs_backwards():
    x = leaf(np.ones((4, 5)))
    back = g.slice(g.exp(x), (3, 0), (4, 5), (-1, 1))
    assert shown(plan_of(back * 2.0)) == ["slice"]
    assert shown(plan_of(g.permute(back, (1, 0)) * 2.0)) == ["slice", "permute"]
    assert shown(plan_of(back * 2.0, back)) == []
    assert shown(plan_of(g.matmul(back, g.permute(back, (1, 0))))) == []
    assert shown(plan_of(g.matmul(g.permute(back, (1, 0)), back * 2.0))) == []


def test_kernels_read_backwards_without_a_copy():
    x = xp.asarray(ARRAYS["single"])
    xp.materialize(x)
    run = xp.jit(lambda x: x + xp.flip(x, axis=0))
    for call in (run, run, lambda x: xp.materialize(x + xp.flip(x, axis=0))):
        before = COUNTERS.bytes
        call(x)
        assert COUNTERS.bytes - before <= ARRAYS["single"].nbytes


@pytest.mark.parametrize("array", ARRAYS)
@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("compiler", [True, False])
def test_the_same_bits(program, array, compiler, monkeypatch):
    if not compiler:
        monkeypatch.setattr(native, "available", lambda: False)
        cache.CACHE.clear()
    run, x = PROGRAMS[program], ARRAYS[array]
    with config.context(execution="interpret"):
        want = np.asarray(run(xp.asarray(x), xp))
    got = np.asarray(run(xp.asarray(x), xp))
    again = np.asarray(xp.jit(lambda x: run(x, xp))(xp.asarray(x)))
    assert got.tobytes() == want.tobytes() == again.tobytes()
    cache.CACHE.clear()
    assert min(got.strides, default=1) > 0
    np.testing.assert_allclose(got, run(x, np), rtol=1e-5)
