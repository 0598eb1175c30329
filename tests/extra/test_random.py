"""Streams of random numbers: NumPy's words, reproducible draws, distributions that pass tests."""

from __future__ import annotations

import copy
import pickle
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import lazytensor as xp
from lazytensor._base import config
from lazytensor.extra.random import Generator, default_rng
from lazytensor.ir.node import leaf
from lazytensor.lang import random as distributions
from lazytensor.ops import g
from lazytensor.ops.random import ndtri, stream_of_arrays, surprisal
from lazytensor.runtime.counters import counting
from lazytensor.runtime.materialize import value

MASK = (1 << 64) - 1


def plain_philox(key: tuple[int, int], counter: int) -> list[int]:
    """Philox4x64-10 in Python integers, after the paper."""
    c = [(counter >> 64 * i) & MASK for i in range(4)]
    k0, k1 = key
    for _ in range(10):
        a, b = c[0] * 0xD2E7470EE14C6C93, c[2] * 0xCA5A826395121157
        c = [(b >> 64) ^ c[1] ^ k0, b & MASK, (a >> 64) ^ c[3] ^ k1, a & MASK]
        k0, k1 = (k0 + 0x9E3779B97F4A7C15) & MASK, (k1 + 0xBB67AE8584CAA73B) & MASK
    return c


def words(key: tuple[int, int], position: int, shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    """The value of a `random_bits` node."""
    of_key, at = leaf(np.asarray(key, np.uint64)), leaf(np.asarray(position, np.uint64))
    return value(g.random_bits(of_key, at, shape))


# --- the primitive ----------------------------------------------------------------------------

KEYS = [(0, 0), (1, 2), (0xDEADBEEF, MASK)]
POSITIONS = [0, 1, 12345, MASK - 1, MASK]


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("position", POSITIONS)
def test_words_are_philox_by_counter(key: tuple[int, int], position: int) -> None:
    wanted = [w for i in range(3) for w in plain_philox(key, position + 1 + i)]
    assert words(key, position, (3, 4)).reshape(-1).tolist() == wanted
    assert words(key, position, (11,)).tolist() == wanted[:11]
    numpy = np.random.Philox(key=np.asarray(key, np.uint64), counter=position)
    assert numpy.random_raw(12).tolist() == wanted
    with np.errstate(over="ignore"):
        found = stream_of_arrays(
            np, np.asarray(key, np.uint64), np.asarray(position, np.uint64), 11
        )
    assert found.tolist() == wanted[:11]


def test_words_of_nothing_and_of_one() -> None:
    assert words((1, 2), 3, (0, 5)).shape == (0, 5)
    assert int(words((1, 2), 3, ())) == plain_philox((1, 2), 4)[0]


def test_batched_words_are_those_of_each_key_and_position() -> None:
    keys = np.asarray(KEYS, np.uint64)
    at = np.asarray([0, 7, 9], np.uint64)
    found = value(g.random_bits(leaf(keys), leaf(at), (5,)))
    for row, key, position in zip(found, KEYS, at.tolist(), strict=True):
        assert row.tolist() == words(key, position, (5,)).tolist()


def test_words_mapped_over_keys_or_positions() -> None:
    keys, at = np.asarray(KEYS, np.uint64), np.asarray([0, 7, 9], np.uint64)

    def draw(key: Any, position: Any) -> Any:
        return xp.Array(g.random_bits(key._node, position._node, (5,)))

    of_keys = xp.vmap(draw, in_axes=(0, None))(xp.asarray(keys), xp.asarray(at[2]))
    assert np.asarray(of_keys).tolist() == [words(key, 9, (5,)).tolist() for key in KEYS]
    of_places = xp.vmap(draw, in_axes=(None, 0))(xp.asarray(keys[1]), xp.asarray(at))
    assert np.asarray(of_places).tolist() == [words(KEYS[1], p, (5,)).tolist() for p in (0, 7, 9)]


def test_random_bits_refuses() -> None:
    key, at = leaf(np.zeros(2, np.uint64)), leaf(np.asarray(0, np.uint64))
    with pytest.raises(TypeError, match="uint64"):
        g.random_bits(key, leaf(np.asarray(0)), (3,))
    with pytest.raises(ValueError, match="do not match"):
        g.random_bits(leaf(np.zeros(3, np.uint64)), at, (3,))


def test_another_draw_is_the_same_program() -> None:
    rng = default_rng(1)
    with config.context(execution="compile"):
        xp.materialize(rng.normal(size=7))
        with counting() as done:
            xp.materialize(rng.normal(size=7))
            xp.materialize(rng.normal(size=7))
    assert (done.plans, done.compilations) == (0, 0)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_inverses_are_accurate(dtype: str) -> None:
    mpmath = pytest.importorskip("mpmath")
    info = np.finfo(dtype)
    some = np.random.default_rng(0).random(60)
    p = np.concatenate(
        [some, some**9, [info.tiny, info.smallest_subnormal, 0.5, 0.075, 1 - info.eps]]
    )
    p = p.astype(dtype)
    with np.errstate(all="ignore"):
        logs, normals = surprisal.value(np, p), ndtri.value(np, p)
    mpmath.mp.dps = 40
    for x, y, z in zip(p.tolist(), logs.tolist(), normals.tolist(), strict=True):
        assert abs(y + mpmath.log(x)) <= 2 * info.eps * abs(mpmath.log(x))
        # the error of an inverse: that of the function there, over its slope
        off = (mpmath.ncdf(z) - x) / mpmath.npdf(z)
        assert abs(off) <= 5 * info.eps * max(abs(z), 1e-3)


def test_inverses_at_the_ends_and_outside() -> None:
    p = np.asarray([0.0, -0.0, 1.0, -1e-20, 1.5, np.nan, np.inf, -np.inf])
    with np.errstate(all="ignore"):
        logs, normals = surprisal.value(np, p), ndtri.value(np, p)
    nan = [np.nan] * 5
    np.testing.assert_array_equal(logs, [np.inf, np.inf, 0.0, *nan])
    np.testing.assert_array_equal(normals, [-np.inf, -np.inf, np.inf, *nan])


# --- streams ----------------------------------------------------------------------------------


def test_the_first_numbers_are_numpys() -> None:
    numpy = np.random.Generator(np.random.Philox(42))
    rng = default_rng(42)
    # whole blocks of four words, so that both streams stay together
    for size in (8, (2, 6)):
        assert np.asarray(rng.random(size)).tolist() == numpy.random(size).tolist()
    assert np.asarray(rng.bits(4)).tolist() == numpy.bit_generator.random_raw(4).tolist()


DRAWS: dict[str, Callable[[Generator, Any], Any]] = {
    "bits": lambda rng, device: rng.bits(5, device=device),
    "random": lambda rng, device: rng.random((2, 3), device=device),
    "random32": lambda rng, device: rng.random(9, xp.float32, device=device),
    "uniform": lambda rng, device: rng.uniform(-2, 3, 7, device=device),
    "standard_normal": lambda rng, device: rng.standard_normal(1000, device=device),
    "normal32": lambda rng, device: rng.normal(1, 2, 500, dtype=xp.float32, device=device),
    "standard_exponential": lambda rng, device: rng.standard_exponential(300, device=device),
    "exponential": lambda rng, device: rng.exponential(3.0, 300, device=device),
    "integers": lambda rng, device: rng.integers(-5, 12, 40, device=device),
    "permutation": lambda rng, device: rng.permutation(20, device=device),
    "choice": lambda rng, device: rng.choice(9, 30, device=device),
    "weighted": lambda rng, device: rng.choice(3, 30, p=[0.2, 0.5, 0.3], device=device),
}


@pytest.mark.parametrize("name", DRAWS)
def test_numbers_are_the_same_however_they_are_computed(name: str) -> None:
    draw = DRAWS[name]
    wanted = np.asarray(draw(default_rng(9), None))
    settings: list[dict[str, Any]] = [
        {"execution": "compile"}, {"execution": "compile", "fuse": False},
        {"execution": "compile", "num_threads": 3, "block_bytes": 256}, {"execution": "interpret"},
    ]  # fmt: skip
    for chosen in settings:
        with config.context(**chosen):
            assert np.asarray(draw(default_rng(9), None)).tolist() == wanted.tolist()
    with config.context(cpu_devices=2):
        there = draw(default_rng(9), "cpu:1")
        assert there.device == "cpu:1"
        assert np.asarray(xp.asarray(there, device="cpu")).tolist() == wanted.tolist()


@pytest.mark.parametrize("name", DRAWS)
def test_a_draw_takes_its_place_when_made(name: str) -> None:
    asked, unasked = default_rng(3), default_rng(3)
    float(xp.sum(xp.astype(DRAWS[name](asked, None), xp.float64)))
    DRAWS[name](unasked, None)
    assert float(asked.random()) == float(unasked.random())


def test_numbers_do_not_depend_on_the_order_of_asking() -> None:
    rng, again = default_rng(0), default_rng(0)
    a, b = rng.random(3), rng.random(3)
    later = np.asarray(b).tolist()
    c, d = again.random(3), again.random(3)
    assert np.asarray(c).tolist() == np.asarray(a).tolist()
    assert np.asarray(d).tolist() == later


def test_a_draw_is_computed_once() -> None:
    x = default_rng(0).normal(size=50)
    y, z = xp.sum(x), xp.max(x)
    with counting() as done:
        float(y)
        float(z)
        np.asarray(x)
    once = done.interpreted + done.calls + done.kernels
    with counting() as done:
        assert float(xp.sum(x)) == float(y)
    assert done.interpreted + done.calls + done.kernels < once


def test_seeds() -> None:
    rng = default_rng(5)
    assert default_rng(rng) is rng
    same = [default_rng(s).bits(2) for s in (5, np.int64(5), np.random.SeedSequence(5), [5])]
    assert all(np.asarray(x).tolist() == np.asarray(same[0]).tolist() for x in same)
    assert float(default_rng().random()) != float(default_rng().random())
    assert float(default_rng([1, 2]).random()) != float(default_rng([2, 1]).random())
    with pytest.raises(ValueError):
        default_rng(-1)
    with pytest.raises(TypeError):
        default_rng("seed")


def test_streams_of_a_stream_differ() -> None:
    rng = default_rng(5)
    children = [*rng.spawn(3), *rng.spawn(1), *rng.split(3), *rng.split()]
    firsts = {float(child.random()) for child in children}
    assert len(firsts) == len(children) == 9
    assert [float(c.random()) for c in default_rng(5).spawn(2)] == [
        float(c.random()) for c in default_rng(5).spawn(2)
    ]
    assert [float(c.random()) for c in default_rng(5).split(2)] == [
        float(c.random()) for c in default_rng(5).split(2)
    ]
    # spawning leaves the stream where it is, splitting moves it on
    moved, still = default_rng(5), default_rng(5)
    still.spawn(2)
    moved.split(2)
    assert float(still.random()) == float(default_rng(5).random()) != float(moved.random())


def test_pickled_and_copied_streams_go_on_where_they_were() -> None:
    rng = default_rng(5)
    rng.normal(size=13)
    rng.spawn(1)
    others = [pickle.loads(pickle.dumps(rng)), copy.copy(rng), copy.deepcopy(rng)]
    wanted = float(rng.random())
    assert [float(other.random()) for other in others] == [wanted] * 3
    assert float(others[0].spawn(1)[0].random()) == float(rng.spawn(1)[0].random())
    assert repr(rng) == repr(others[0])
    assert "position=5" in repr(rng)


def test_threads_share_a_stream_without_sharing_numbers() -> None:
    rng = default_rng(5)
    found: list[float] = []

    def work() -> None:
        found.extend(float(rng.random()) for _ in range(50))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    alone = default_rng(5)
    assert sorted(found) == sorted(float(alone.random()) for _ in range(200))


def test_a_draw_in_a_mapped_function_is_one_draw() -> None:
    rng = default_rng(2)
    mapped = xp.vmap(lambda x: x + rng.random(3))(xp.zeros((4, 3)))
    assert np.asarray(mapped).tolist() == [np.asarray(default_rng(2).random(3)).tolist()] * 4


# --- distributions ----------------------------------------------------------------------------

N = 20_000


def sample(name: str, *args: Any, **kwargs: Any) -> np.ndarray[Any, Any]:
    """Draws of one fixed seed."""
    return np.asarray(getattr(default_rng(20), name)(*args, **kwargs))


CONTINUOUS: list[tuple[str, tuple[Any, ...], str, tuple[float, ...]]] = [
    ("random", (), "uniform", ()),
    ("uniform", (-2.0, 3.0), "uniform", (-2.0, 5.0)),
    ("standard_normal", (), "norm", ()),
    ("normal", (3.0, 0.5), "norm", (3.0, 0.5)),
    ("standard_exponential", (), "expon", ()),
    ("exponential", (4.0,), "expon", (0.0, 4.0)),
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", CONTINUOUS, ids=lambda c: c[0])
def test_continuous_distributions(case: Any, dtype: str) -> None:
    stats = pytest.importorskip("scipy.stats")
    name, args, distribution, parameters = case
    x = sample(name, *args, size=N, dtype=dtype)
    assert x.dtype == dtype
    assert x.shape == (N,)
    assert stats.kstest(x.astype("float64"), distribution, args=parameters).pvalue > 0.01
    # neighbours do not know one another
    assert abs(np.corrcoef(x[:-1], x[1:])[0, 1]) < 4 / np.sqrt(N)


def test_a_wrong_distribution_is_found() -> None:
    stats = pytest.importorskip("scipy.stats")
    assert stats.kstest(sample("normal", 0.05, 1.0, N), "norm").pvalue < 1e-4


def test_tails_and_ranges() -> None:
    for dtype in ("float32", "float64"):
        x = sample("standard_normal", 200_000, dtype)
        assert 4 < x.max() < 6 and 4 < -x.min() < 6
        u = sample("random", 200_000, dtype)
        assert 0 <= u.min() < 1e-4 and 1 - 1e-4 < u.max() < 1
    # the word of all ones and that of all zeros give finite numbers, of either sign
    ends = leaf(np.asarray([0, 1, MASK - 1, MASK], np.uint64))
    from_ends = [
        value(make(ends, dtype))
        for make in (distributions.normal, distributions.exponential, distributions.uniform)
        for dtype in (xp.float32, xp.float64)
    ]
    assert all(np.all(np.isfinite(x)) for x in from_ends)
    assert np.all(np.abs(from_ends[0]) < 9.3)
    assert all(np.max(x) < 1 for x in from_ends[-2:])


@pytest.mark.parametrize(
    ("bounds", "options"),
    [
        ((7,), {}), ((-3, 4), {}), ((0, 5), {"endpoint": True}), ((0, 256), {"dtype": "uint8"}),
        ((-128, 127), {"endpoint": True, "dtype": "int8"}),
    ],
)  # fmt: skip
def test_integers(bounds: tuple[int, ...], options: dict[str, Any]) -> None:
    stats = pytest.importorskip("scipy.stats")
    low, high = (0, *bounds)[-2:]
    wanted = np.arange(low, high + options.get("endpoint", False))
    x = sample("integers", *bounds, size=N, **options)
    assert x.dtype == options.get("dtype", "int64")
    counts = np.asarray([np.count_nonzero(x == v) for v in wanted])
    assert counts.sum() == N
    assert stats.chisquare(counts).pvalue > 0.01


@pytest.mark.parametrize(
    ("low", "high", "dtype"),
    [
        (0, 1 << 64, "uint64"), (-(1 << 63), 1 << 63, "int64"), (5, 6, "int64"),
        (-(1 << 62), (1 << 62) + 7, "int64"), (0, (1 << 33) + 1, "int64"),
        (1 << 63, (1 << 63) + (1 << 40), "uint64"),
    ],
)  # fmt: skip
def test_integers_are_the_upper_half_of_a_product(low: int, high: int, dtype: str) -> None:
    drawn = sample("integers", low, high, 40, dtype).tolist()
    raw = np.asarray(default_rng(20).bits(40)).tolist()
    assert drawn == [low + (w * (high - low) >> 64) for w in raw]


def test_integers_refuses() -> None:
    rng = default_rng(0)
    for bounds in ((0,), (5, 5), (3, 1)):
        with pytest.raises(ValueError, match="there is none"):
            rng.integers(*bounds)
    with pytest.raises(ValueError, match="does not fit int8"):
        rng.integers(0, 200, dtype=xp.int8)
    with pytest.raises(TypeError, match="integer dtype"):
        rng.integers(3, dtype=xp.float32)
    with pytest.raises(TypeError):
        rng.integers(2.5)  # type: ignore[arg-type]


def test_parameters_may_be_arrays() -> None:
    rng = default_rng(0)
    loc = xp.asarray([0.0, 100.0])
    assert rng.normal(loc, 1.0).shape == (2,)
    assert rng.normal(loc, np.ones((3, 1))).shape == (3, 2)
    x = np.asarray(rng.uniform(loc, loc + 1, (1000, 2)))
    assert np.all(np.floor(x) == [0, 100])
    assert rng.exponential(xp.ones(3), dtype=xp.float32).dtype == xp.float32
    for size in (3, 1):
        with pytest.raises(ValueError, match="broadcast"):
            rng.normal(loc, size=size)
    for name in ("normal", "exponential"):
        with pytest.raises(ValueError, match="negative"):
            getattr(rng, name)(scale=-1.0)
    with pytest.raises(TypeError, match="float32 or float64"):
        rng.random(3, xp.int64)


def test_permutations() -> None:
    rng = default_rng(1)
    assert sorted(np.asarray(rng.permutation(50)).tolist()) == list(range(50))
    assert rng.permutation(0).shape == (0,)
    x = np.arange(24).reshape(4, 6)
    for axis in (0, 1, -1):
        whole = np.asarray(rng.permutation(x, axis))
        np.testing.assert_array_equal(np.sort(whole, axis), x)
        # whole slices move
        other = np.moveaxis(whole, axis, 0)
        assert sorted(map(tuple, other.tolist())) == sorted(
            map(tuple, np.moveaxis(x, axis, 0).tolist())
        )
        lines = np.asarray(rng.permuted(x, axis=axis))
        np.testing.assert_array_equal(np.sort(lines, axis), x)
    loose = np.asarray(rng.permuted(x))
    assert loose.shape == x.shape
    assert sorted(loose.reshape(-1).tolist()) == list(range(24))
    mine = xp.asarray(x)
    rng.shuffle(mine)
    assert sorted(map(tuple, np.asarray(mine).tolist())) == sorted(map(tuple, x.tolist()))
    with pytest.raises(TypeError, match="in place"):
        rng.shuffle(x)  # type: ignore[arg-type]


def test_orders_are_equally_likely() -> None:
    stats = pytest.importorskip("scipy.stats")
    rows = np.tile(np.arange(3), (6000, 1))
    x = np.asarray(default_rng(6).permuted(rows, axis=1))
    counts = np.unique(x @ [9, 3, 1], return_counts=True)[1]
    assert len(counts) == 6
    assert stats.chisquare(counts).pvalue > 0.01


def test_choice() -> None:
    stats = pytest.importorskip("scipy.stats")
    p = np.asarray([0.1, 0.0, 0.6, 0.3])
    rng = default_rng(8)
    for weights in (p, p.tolist(), xp.asarray(p * 5)):
        counts = np.bincount(np.asarray(rng.choice(4, N, p=weights)), minlength=4)
        assert counts[1] == 0
        assert stats.chisquare(counts[p > 0], N * p[p > 0]).pvalue > 0.01
    few = np.asarray(rng.choice(30, (2, 6), replace=False))
    assert few.shape == (2, 6) and len(set(few.reshape(-1).tolist())) == 12
    three = np.asarray(rng.choice(4, 3, replace=False, p=p))
    assert sorted(three.tolist()) == [0, 2, 3]
    x = np.arange(24).reshape(4, 6)
    picked = rng.choice(xp.asarray(x), (2, 5), axis=1)
    assert picked.shape == (4, 2, 5)
    assert set(np.asarray(picked)[0].reshape(-1).tolist()) <= set(range(6))
    assert rng.choice([10.0, 20.0]).shape == ()


def test_choice_by_weights_without_replacement() -> None:
    """The first of two: probabilities p, then p among what is left."""
    stats = pytest.importorskip("scipy.stats")
    p = np.asarray([0.5, 0.3, 0.2])
    rng = default_rng(4)
    pairs = np.stack([np.asarray(rng.choice(3, 2, replace=False, p=p)) for _ in range(600)])
    assert stats.chisquare(np.bincount(pairs[:, 0], minlength=3), 600 * p).pvalue > 0.01
    second = [sum(p[i] * p[j] / (1 - p[i]) for i in range(3) if i != j) for j in range(3)]
    counts = np.bincount(pairs[:, 1], minlength=3)
    assert stats.chisquare(counts, 600 * np.asarray(second)).pvalue > 0.01


def test_choice_refuses() -> None:
    rng = default_rng(0)
    for a, size, options, text in (
        (3, 4, {"replace": False}, "can't take 4 of 3"),
        (0, 1, {}, "nothing to choose"),
        (3, 1, {"p": [0.5, 0.5]}, "p has shape"),
        (2, 1, {"p": [0.5, 0.6]}, "sum to 1"),
        (2, 1, {"p": [1.5, -0.5]}, "negative"),
        (3, 2, {"p": [1.0, 0.0, 0.0], "replace": False}, "fewer than 2"),
    ):
        with pytest.raises(ValueError, match=text):
            rng.choice(a, size, **options)
