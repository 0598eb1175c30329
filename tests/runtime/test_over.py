"""What is written into an array that nothing else has is written where it lies."""

import numpy as np
import pytest

import lazytensor as xp
import lazytensor.torch as torch
from lazytensor._base import config
from lazytensor.ir.node import leaf
from lazytensor.ops import g
from lazytensor.runtime import cache
from lazytensor.runtime.counters import counting
from lazytensor.runtime.materialize import materialize

SHAPE = (200, 300)
BYTES = 200 * 300 * 4


@pytest.fixture(params=["interpret", "compile"], autouse=True)
def execution(request):
    with config.context(execution=request.param):
        cache.CACHE.clear()
        yield request.param


def table():
    return np.random.default_rng(0).standard_normal(SHAPE).astype("float32")


def places(count=50):
    return np.random.default_rng(1).integers(0, 200, count)


WRITES = {
    "slice": lambda x, u: g.update_slice(x, u, (3, 0), (2, 1)),
    "put": lambda x, u: g.scatter([x, u, leaf(places())]),
    "add": lambda x, u: g.scatter_add([x, u, leaf(places())]),
    "most": lambda x, u: g.scatter_max([x, u, leaf(places())]),
}


def bytes_of(make):
    nodes = make()
    with counting() as done:
        materialize(nodes)
    return done.bytes, [node.value.copy() for node in nodes]


@pytest.mark.parametrize("name", WRITES)
@pytest.mark.parametrize("target", ["llvm", "numpy"])
def test_a_chain_of_writes_copies_once(name, target):
    n, m = table(), table()[:50]
    write = WRITES[name]

    def chain(count):
        x, u = leaf(n), leaf(m)
        for _ in range(count):
            x = write(x, u)
        return [x]

    with config.context(target=target):
        (few, _), (many, several) = bytes_of(lambda: chain(1)), bytes_of(lambda: chain(5))
    assert few == many >= BYTES
    wanted = n.copy()
    for _ in range(5):
        (wanted,) = bytes_of(lambda w=wanted: [write(leaf(w.copy()), leaf(m))])[1]
    np.testing.assert_array_equal(several[0], wanted)
    np.testing.assert_array_equal(n, table())
    np.testing.assert_array_equal(m, table()[:50])


@pytest.mark.parametrize("name", WRITES)
def test_what_is_read_again_stays(name):
    """The array itself, a view of it, what is written taken from it, and an output."""
    n, write = table(), WRITES[name]

    def program():
        x = g.exp(leaf(n))
        y = write(x, g.slice(x, (100, 0), (50, 300), (1, 1)))
        t = g.permute(y, (1, 0))
        z = write(y, leaf(n[:50].copy()))
        return [x, y, z, t, g.sum(t, (0,))]

    found = bytes_of(program)[1]
    x = np.array(bytes_of(lambda: [g.exp(leaf(n))])[1][0])
    (y,) = bytes_of(lambda: [write(leaf(x), leaf(x[100:150].copy()))])[1]
    (z,) = bytes_of(lambda: [write(leaf(y), leaf(n[:50].copy()))])[1]
    for got, want in zip(found, (x, y, z, y.T), strict=False):
        np.testing.assert_array_equal(got, want)


def test_an_array_filled_row_by_row():
    def fill(zeros, count):
        x = zeros
        for i in range(count):
            x[i] = i
        return x

    for make in (lambda: xp.zeros(SHAPE), lambda: torch.zeros(*SHAPE)):
        counts = []
        for count in (50, 200):
            with counting() as done:
                found = np.asarray(fill(make(), count))
            counts.append(done.bytes)
            np.testing.assert_array_equal(found[:count, 0], np.arange(count))
        assert counts[1] < counts[0] + BYTES


def test_an_index_outside_leaves_what_there_was():
    x = xp.asarray(table())
    y = x + 1.0
    bad = xp.asarray(np.array([0, 200] * 30))
    with pytest.raises(IndexError, match="index 200 is out of bounds"):
        np.asarray(xp.take(y, bad, axis=0))
    z = y * 2.0
    z[xp.asarray(np.array([0, 200]))] = xp.asarray(0.0, dtype=xp.float32)
    with pytest.raises(IndexError, match="index 200 is out of bounds"):
        np.asarray(z)
    np.testing.assert_array_equal(np.asarray(y), table() + 1)


def test_arrays_given_to_a_compiled_function():
    def step(x, u):
        x[0:50] = u
        return x

    run = xp.jit(step, donate_argnums=(0,))
    for _ in range(3):
        n, u = table(), table()[150:] * 2
        np.testing.assert_array_equal(np.asarray(run(xp.asarray(n), xp.asarray(u)))[:50], u)
        np.testing.assert_array_equal(n, table())
