"""How native kernels are shared out."""

import numpy as np
import pytest

pytest.importorskip("llvmlite")

import lazytensor as xp
from lazytensor._base import config
from lazytensor.runtime.counters import counting
from lazytensor.targets.llvm import run

RNG = np.random.default_rng(3)


@pytest.mark.parametrize("threads", [1, 3])
def test_parts_of_parts(threads, monkeypatch):
    """Whatever is shared out, and however often the user could interrupt it."""
    line = RNG.standard_normal(300_001).astype(np.float32)
    table = RNG.standard_normal((301, 777))
    programs = [
        (line, lambda x: x * 2.5 + 1.0),
        (line, lambda x: xp.sum(x * 2.5)),
        (table, lambda x: xp.sum(x * 2.5, axis=0)),
        (table, lambda x: x / xp.sum(x * 2.5, axis=1, keepdims=True)),
        (table, lambda x: x[:, :301] + x[:, :301].T),
    ]
    with config.context(target="llvm", execution="compile"):
        want = [np.asarray(f(xp.asarray(a))) for a, f in programs]
    parts = []
    whole = run.Bound._part

    def part(self, args, outs, lo, hi):
        parts.append((lo, hi))
        whole(self, args, outs, lo, hi)

    monkeypatch.setattr(run.Bound, "_part", part)
    for name, value in (("SPLIT", 1 << 10), ("GRAIN", 1 << 10), ("BREATH", 1 << 16)):
        monkeypatch.setattr(run, name, value)
    with config.context(target="llvm", execution="compile", num_threads=threads):
        for (a, f), w in zip(programs, want):
            assert np.asarray(f(xp.asarray(a))).tobytes() == w.tobytes()
    assert len(parts) > 2 * len(programs)


@pytest.mark.parametrize("execution", ["interpret", "compile"])
@pytest.mark.parametrize("target", ["llvm", "numpy"])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_extrema_of_zeros_have_a_sign(dtype, target, execution):
    """-0 is less than 0 wherever it lies."""
    with config.context(target=target, execution=execution):
        for shape in ((3, 1), (40, 2), (2, 33), (100, 90), (2, 9000), (1, 40000)):
            x = RNG.choice(np.array([-0.0, 0.0], dtype), shape)
            x[0] = -0.0
            x[0, -1] = 0.0
            x[-1] = -1.0
            x[-1, 0] = 0.0
            for axis in (0, 1, None):
                for f, negative in ((xp.max, np.all), (xp.min, np.any)):
                    found = np.asarray(f(xp.asarray(x), axis=axis))
                    want = getattr(x, f.__name__)(axis)
                    assert (found == want).all()
                    zero = want == 0
                    signs = negative(np.signbit(x), axis)
                    assert (np.signbit(found)[zero] == signs[zero]).all(), (shape, axis, f)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_extrema_of_what_is_infinite_or_nan(dtype):
    """NaN of either sign is beyond everything; infinities are what there is."""
    inf, nan = np.array([np.inf, np.nan], dtype)
    for n in (1, 3, 40, 1000):
        rows = [[inf] * n, [-inf] * n, [1.0] * (n - 1) + [nan], [-nan] + [inf] * (n - 1)]
        rows += [[-inf] * (n - 1) + [-nan], [nan] + [-1.0] * (n - 1), [-nan] * n]
        for x in (np.array(rows, dtype), np.asfortranarray(np.array(rows, dtype))):
            for f in (xp.max, xp.min):
                with config.context(target="llvm", execution="compile"):
                    found = [
                        np.asarray(f(xp.asarray(x), axis=1)),
                        np.asarray(f(xp.asarray(x.T), axis=0)),
                    ]
                for got in found:
                    np.testing.assert_array_equal(got, getattr(x, f.__name__)(1))


PLACES = [(1, 1), (40, 2), (7, 33), (100, 90), (1000, 64), (9000, 3), (2, 9000), (2, 40_000)]


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int32", "uint8", "bool"])
def test_places_of_extrema(dtype):
    """The first of equal ones; the first NaN."""
    for shape in PLACES:
        few = RNG.integers(0, 3, shape).astype(dtype)
        arrays = [few, RNG.standard_normal(shape).astype(dtype)]
        if few.dtype.kind == "f":
            some = few.copy()
            some[RNG.random(shape) < 0.1] = np.nan
            arrays += [some, np.full(shape, np.inf, dtype), np.full(shape, -np.inf, dtype)]
        for array in arrays:
            for x in (array, np.asfortranarray(array), array[:, ::-1], array[::-1]):
                for axis, f in ((0, xp.argmax), (1, xp.argmax), (0, xp.argmin), (1, xp.argmin)):
                    want = getattr(x, f.__name__)(axis)
                    for target in ("llvm", "numpy"):
                        with config.context(target=target, execution="compile"):
                            found = np.asarray(f(xp.asarray(x), axis=axis))
                        np.testing.assert_array_equal(found, want)


def test_places_are_found_where_elements_are_computed():
    x = RNG.standard_normal((200, 300)).astype(np.float32)
    with config.context(target="llvm", execution="compile"), counting() as done:
        found = xp.argmax(xp.asarray(x) * 2.0, axis=1)
        np.testing.assert_array_equal(np.asarray(found), (x * 2).argmax(1))
    assert (done.kernels, done.calls) == (1, 0)
