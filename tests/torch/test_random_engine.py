"""The generator and its distributions against PyTorch's: same numbers, same state afterwards."""

from __future__ import annotations

import functools
import math
import threading
import warnings
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from lazytensor._base import config
from lazytensor._base.dtypes import bfloat16
from lazytensor.torch import _random, _random_bits, _random_math
from lazytensor.torch._random import Engine, memory_order
from lazytensor.torch._random_math import fma

# A version is asked for because this folder itself would else pass for the module.
torch = pytest.importorskip("torch", minversion="2.13")

SIZES = (0, 1, 2, 3, 7, 8, 15, 16, 17, 31, 32, 33, 100, 1000)
SEEDS = (0, 1, 42, 2**32 - 1, 2**32 + 7, 2**63 + 11)
HALVES = (torch.float16, torch.bfloat16)
FLOATS = (*HALVES, torch.float32, torch.float64)
COMPLEX = (torch.complex64, torch.complex128)
INTEGERS = (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)
UNSIGNED = (torch.uint16, torch.uint32, torch.uint64)
# PyTorch without vector instructions rounds products before it adds.
FUSED = torch.backends.cpu.get_cpu_capability() not in {"DEFAULT", "NO AVX"}
fused = pytest.mark.skipif(not FUSED, reason="this PyTorch runs without fused multiply-add")


def number(dtype: Any) -> np.dtype[Any]:
    return bfloat16() if dtype is torch.bfloat16 else torch.empty(0, dtype=dtype).numpy().dtype


def bits(array: Any) -> np.ndarray[Any, Any]:
    """The bytes of a tensor or an array, by element."""
    if isinstance(array, torch.Tensor):
        array = array.contiguous()
        array = array.view(torch.int16) if array.dtype in HALVES else array
        array = array.numpy()
    array = np.ascontiguousarray(array)
    return array.view(np.uint8).reshape(*array.shape, array.itemsize)


def same(found: np.ndarray[Any, Any], expected: Any) -> None:
    assert found.shape == tuple(expected.shape)
    assert found.dtype == number(expected.dtype)
    np.testing.assert_array_equal(bits(found), bits(expected))


def same_state(engine: Engine) -> None:
    np.testing.assert_array_equal(engine.state(), torch.get_rng_state().numpy())


def pair(seed: int) -> Engine:
    torch.manual_seed(seed)
    return Engine(seed)


def check(ours: Callable[[Engine], Any], theirs: Callable[[], Any], seed: int = 5) -> None:
    """Both draw twice from one seed: the second draw begins where the first one ended."""
    engine = pair(seed)
    for _ in range(2):
        same(ours(engine), theirs())
        same_state(engine)


def refused(ours: Callable[[], Any], theirs: Callable[[], Any]) -> None:
    """Both raise the same class with the same first line."""
    with pytest.raises(Exception) as expected:
        theirs()
    with pytest.raises(expected.type) as found:
        ours()
    assert str(found.value) == str(expected.value).split("\n")[0]


def same_end(ours: Callable[[], Any], theirs: Callable[[], Any]) -> None:
    """Both return, or both raise the same."""
    try:
        theirs()
    except (RuntimeError, NotImplementedError):
        refused(ours, theirs)
    else:
        ours()


# States


@pytest.mark.parametrize("seed", [*SEEDS, -1, -(2**63)])
def test_seeds_make_pytorchs_states(seed: int) -> None:
    engine = pair(seed)
    same_state(engine)
    assert engine.initial_seed == torch.initial_seed()


@pytest.mark.parametrize("seed", [2**64, -(2**63) - 1])
def test_seeds_over_64_bits_are_refused(seed: int) -> None:
    refused(lambda: Engine(seed), lambda: torch.Generator().manual_seed(seed))


def test_a_new_generator_has_pytorchs_default_seed() -> None:
    engine = Engine()
    assert engine.initial_seed == torch.Generator().initial_seed()
    np.testing.assert_array_equal(engine.state(), torch.Generator().get_state().numpy())


def test_system_seeds_differ() -> None:
    engine = Engine()
    seeds = {engine.seed() for _ in range(4)}
    assert len(seeds) == 4
    assert max(seeds) < 2**53
    assert engine.initial_seed in seeds
    torch.manual_seed(engine.initial_seed)
    same_state(engine)


@pytest.mark.parametrize("count", [0, 1, 5, 311, 312, 313, 623, 624, 625, 2000])
def test_states_go_both_ways(count: int) -> None:
    torch.manual_seed(99)
    torch.rand(count)
    torch.randn(3)
    engine = Engine()
    engine.set_state(torch.get_rng_state().numpy())
    same_state(engine)
    same(engine.normal((5,), np.dtype(np.float64)), torch.randn(5, dtype=torch.float64))
    engine.uniform((count,), np.dtype(np.float32))
    torch.set_rng_state(torch.from_numpy(engine.state()))
    same(engine.normal((4,), np.dtype(np.float32)), torch.randn(4))
    same_state(engine)


def test_the_single_precision_leftover_survives() -> None:
    state = Engine(1).state()
    state[5048:5053] = np.frombuffer(np.float32(0.25).tobytes() + b"\1", np.uint8)
    torch.set_rng_state(torch.from_numpy(state))
    engine = Engine()
    engine.set_state(state)
    same_state(engine)


def test_states_that_are_none_are_refused() -> None:
    for state in (np.zeros(10, np.uint8), np.zeros(5056, np.uint8), np.zeros(5056, np.float32)):
        refused(
            lambda s=state: Engine().set_state(s),
            lambda s=state: torch.set_rng_state(torch.from_numpy(s)),
        )


def test_a_clone_goes_its_own_way() -> None:
    engine = Engine(3)
    engine.normal((3,), np.dtype(np.float64))
    other = engine.clone()
    first = engine.normal((9,), np.dtype(np.float64))
    assert not np.array_equal(engine.state(), other.state())
    np.testing.assert_array_equal(other.normal((9,), np.dtype(np.float64)), first)


def test_threads_share_a_generator_without_losing_numbers() -> None:
    engine, found = Engine(8), []

    def draw() -> None:
        for _ in range(50):
            found.extend(engine.normal((3,), np.dtype(np.float64)).tolist())

    threads = [threading.Thread(target=draw) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    other = Engine(8)
    expected = [other.normal((3,), np.dtype(np.float64)).tolist() for _ in range(200)]
    assert sorted(found) == sorted(x for part in expected for x in part)


# Uniform and normal numbers


@pytest.mark.parametrize("dtype", [*FLOATS, *COMPLEX])
@pytest.mark.parametrize("size", SIZES)
def test_uniform(dtype: Any, size: int) -> None:
    for seed in SEEDS:
        check(
            lambda e: e.uniform((size,), number(dtype)),
            lambda: torch.rand(size, dtype=dtype),
            seed,
        )


@fused
@pytest.mark.parametrize("dtype", [*FLOATS, *COMPLEX])
@pytest.mark.parametrize(
    "bounds", [(-1, 1), (-0.01, 0.01), (2, 5.5), (3, 3), (1000, 1000.5), (-1 / 3, 1e4), (0, 1e-3)]
)
def test_uniform_between(dtype: Any, bounds: tuple[float, float]) -> None:
    check(
        lambda e: e.uniform((3000,), number(dtype), *bounds),
        lambda: torch.empty(3000, dtype=dtype).uniform_(*bounds),
    )


@fused
@pytest.mark.parametrize("dtype", [*FLOATS, *COMPLEX])
@pytest.mark.parametrize("size", SIZES)
def test_normal(dtype: Any, size: int) -> None:
    for seed in SEEDS:
        check(
            lambda e: e.normal((size,), number(dtype)),
            lambda: torch.randn(size, dtype=dtype),
            seed,
        )


@fused
@pytest.mark.parametrize("dtype", [*FLOATS, *COMPLEX])
@pytest.mark.parametrize("size", [9, 5000])
@pytest.mark.parametrize("parameters", [(0, 0.02), (1.5, 1), (-7.7, 2.1), (100, 0), (1e-3, 1e5)])
def test_normal_of_mean_and_deviation(
    dtype: Any, size: int, parameters: tuple[float, float]
) -> None:
    check(
        lambda e: e.normal((size,), number(dtype), *parameters),
        lambda: torch.empty(size, dtype=dtype).normal_(*parameters),
    )


@fused
def test_a_radius_of_zero_gives_zero() -> None:
    torch.manual_seed(0)
    state = Engine(0).state()
    state[8:12] = np.frombuffer(np.int32(624).tobytes(), np.uint8)
    state[16:24] = np.frombuffer(np.uint64(1).tobytes(), np.uint8)
    state[24:5016] = 0
    torch.set_rng_state(torch.from_numpy(state))
    engine = Engine()
    engine.set_state(state)
    for dtype in (torch.float32, torch.float64):
        same(engine.normal((40,), number(dtype)), torch.randn(40, dtype=dtype))
        same(engine.normal((6,), number(dtype)), torch.randn(6, dtype=dtype))
    same(engine.geometric((6,), np.dtype(np.float32), 0.5), torch.empty(6).geometric_(0.5))
    same(
        engine.geometric((6,), np.dtype(np.int64), 0.5),
        torch.empty(6, dtype=torch.int64).geometric_(0.5),
    )
    same_state(engine)


@fused
@pytest.mark.parametrize("shape", [(4, 5), (2, 3), (16, 16)])
def test_outputs_with_strides_are_filled_in_the_order_of_memory(shape: tuple[int, int]) -> None:
    engine = pair(4)
    for _ in range(2):
        expected = torch.empty(shape[::-1]).t().normal_(1.0, 2.0)
        order = memory_order(shape, expected.stride())
        assert order == (1, 0)
        found = engine.normal(shape[::-1], np.dtype(np.float32), 1.0, 2.0, contiguous=False)
        same(found.T, expected)
        same_state(engine)


@pytest.mark.parametrize(
    ("shape", "strides"),
    [((3, 4), (4, 1)), ((3, 4), (1, 3)), ((2, 3, 4), (1, 8, 2)), ((2, 1, 4), (4, 4, 1)),
     ((2, 3, 4, 5), (60, 1, 15, 3)), ((1, 3), (1, 1)), ((3, 1), (1, 1)), ((), ())],
)  # fmt: skip
def test_memory_order_is_how_pytorch_walks(
    shape: tuple[int, ...], strides: tuple[int, ...]
) -> None:
    size = 1 + sum((n - 1) * s for n, s in zip(shape, strides, strict=True))
    engine = pair(6)
    expected = torch.empty(size).as_strided(shape, strides).uniform_()
    order = memory_order(shape, strides)
    drawn = engine.uniform([shape[i] for i in order], np.dtype(np.float32))
    same(drawn.transpose(np.argsort(order)) if order else drawn, expected)


def test_uniform_refuses_what_pytorch_refuses() -> None:
    inf, nan = math.inf, math.nan
    for dtype in (*FLOATS, *COMPLEX, torch.int32, torch.bool):
        for bounds in [(2, 1), (-3e38, 3e38), (0, 1e5), (-6e4, 6e4), (nan, 1), (0, inf), (0, 1e39)]:
            for size in (0, 3):
                same_end(
                    functools.partial(Engine().uniform, (size,), number(dtype), *bounds),
                    functools.partial(torch.empty(size, dtype=dtype).uniform_, *bounds),
                )


def test_normal_refuses_what_pytorch_refuses() -> None:
    for dtype in (torch.float32, torch.int64, torch.bool, torch.complex64):
        for std in (-1.0, -0.25, math.nan):
            refused(
                lambda s=std, d=dtype: Engine().normal((3,), number(d), 0.0, s),
                lambda s=std, d=dtype: torch.empty(3, dtype=d).normal_(0.0, s),
            )
    for dtype in (torch.int64, torch.bool, torch.uint16):
        refused(
            lambda d=dtype: Engine().normal((3,), number(d)),
            lambda d=dtype: torch.empty(3, dtype=d).normal_(),
        )
        assert Engine().normal((0,), number(dtype)).dtype == number(dtype)


# Integers


@pytest.mark.parametrize("dtype", [*INTEGERS, torch.bool, *FLOATS])
@pytest.mark.parametrize("size", SIZES)
def test_random(dtype: Any, size: int) -> None:
    check(
        lambda e: e.random((size,), number(dtype)),
        lambda: torch.empty(size, dtype=dtype).random_(),
    )


BOUNDS = [
    (0, 1), (0, 2), (0, 10), (3, 100), (-5, 5), (-128, 127), (0, 2**28 - 1), (0, 2**28),
    (0, 2**28 + 1), (-(2**31), 2**31), (0, 2**32), (7, 2**40), (-(2**62), 2**62),
    (-(2**63), 2**63 - 1), (0, 2**63 - 1), (0, 255), (0, 257), (2**24, 2**24 + 3), (5, 5), (5, 4),
    (0, 70000), (2047, 2051), (0, 2049), (-2051, -2047), (-(2**24) - 3, 9), (255, 259),
    (-(2**53) - 5, -(2**53)), (0, None), (5, None), (-3, None), (-(2**63), None), (2**24, None),
    (2**40, None), (2**63 - 2, None), (-(2**63) + 1, None),
    (-(2**62), None), (2**63 - 1, None), (1, None), (2, None), (2**53, None),
]  # fmt: skip


@pytest.mark.parametrize("dtype", [*INTEGERS, *UNSIGNED, torch.bool, *FLOATS, torch.complex64])
def test_integers(dtype: Any) -> None:
    engine = pair(12)
    for low, high in BOUNDS:
        if low == 2**63 - 1 and dtype in FLOATS:
            continue  # PyTorch never returns from this
        for size in (0, 50):
            with warnings.catch_warnings(record=True) as expected_warnings:
                warnings.simplefilter("always")
                try:
                    expected: Any = torch.empty(size, dtype=dtype).random_(low, high)
                except (RuntimeError, NotImplementedError) as error:
                    expected = error
            with warnings.catch_warnings(record=True) as found_warnings:
                warnings.simplefilter("always")
                if isinstance(expected, Exception):
                    with pytest.raises(type(expected)) as found:
                        engine.integers((size,), number(dtype), low, high)
                    assert str(found.value) == str(expected).split("\n")[0], (low, high)
                else:
                    same(engine.integers((size,), number(dtype), low, high), expected)
            texts = {str(w.message) for w in found_warnings}
            for warning in expected_warnings:  # PyTorch warns once for each place
                assert str(warning.message).split(" (Triggered")[0] in texts
            same_state(engine)


@pytest.mark.parametrize("dtype", [*INTEGERS, torch.float32])
def test_randint(dtype: Any) -> None:
    check(
        lambda e: e.integers((6, 7), number(dtype), -10 if dtype is not torch.uint8 else 2, 100),
        lambda: torch.randint(-10 if dtype is not torch.uint8 else 2, 100, (6, 7), dtype=dtype),
    )


def test_integers_of_gaps_warn_the_caller() -> None:
    with pytest.warns(UserWarning, match="c10::Half can support") as caught:
        Engine().integers((3,), np.dtype(np.float16), 0, 4000)
    assert len(caught) == 1


def test_random_refuses_what_pytorch_refuses() -> None:
    for dtype in (*UNSIGNED, *COMPLEX):
        refused(
            lambda d=dtype: Engine().random((3,), number(d)),
            lambda d=dtype: torch.empty(3, dtype=d).random_(),
        )
        assert Engine().random((0,), number(dtype)).dtype == number(dtype)


@pytest.mark.parametrize("dtype", [*INTEGERS, *FLOATS])
@pytest.mark.parametrize("size", [0, 1, 2, 3, 16, 100, 128])
def test_permutation(dtype: Any, size: int) -> None:
    for seed in SEEDS:
        check(
            lambda e: e.permutation(size, number(dtype)),
            lambda: torch.randperm(size, dtype=dtype),
            seed,
        )


def test_permutation_of_many() -> None:
    check(
        lambda e: e.permutation(60_000, np.dtype(np.int64)),
        lambda: torch.randperm(60_000),
    )


def test_a_very_long_permutation_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_random, "_LONG_PERMUTATION", 10)
    engine, words = Engine(3), Engine(3)
    found = engine.permutation(1000, np.dtype(np.int64))
    draws = words.integers((1000,), np.dtype(np.int64), -(2**63)).view(np.uint64).tolist()
    expected: list[int] = []
    for i, draw in enumerate(draws):
        place = draw % (i + 1)
        expected.append(i)
        expected[i], expected[place] = expected[place], i
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(np.sort(found), np.arange(1000))
    np.testing.assert_array_equal(engine.state(), words.state())


def test_permutations_that_a_dtype_does_not_hold_are_refused() -> None:
    for dtype, size in [
        (torch.uint8, 257), (torch.int8, 129), (torch.int16, 32769), (torch.float16, 2050),
        (torch.float32, 2**24 + 2), (torch.bool, 3), (torch.uint16, 3), (torch.complex64, 0),
    ]:  # fmt: skip
        refused(
            lambda d=dtype, n=size: Engine().permutation(n, number(d)),
            lambda d=dtype, n=size: torch.randperm(n, dtype=d),
        )
    assert Engine().permutation(300, number(torch.bfloat16)).size == 300


# Bernoulli numbers and dropout


@pytest.mark.parametrize("dtype", [*INTEGERS, torch.bool, *FLOATS])
@pytest.mark.parametrize("size", SIZES)
def test_bernoulli(dtype: Any, size: int) -> None:
    for p in (0.0, 0.3, 0.5, 1.0):
        check(
            lambda e, p=p: e.bernoulli((size,), number(dtype), p),
            lambda p=p: torch.empty(size, dtype=dtype).bernoulli_(p),
        )


@pytest.mark.parametrize("dtype", [torch.int64, torch.bool, *FLOATS])
@pytest.mark.parametrize("kind", FLOATS)
def test_bernoulli_of_probabilities(dtype: Any, kind: Any) -> None:
    p = torch.linspace(0, 1, 1000, dtype=torch.float64).to(kind).reshape(20, 50)
    array = p.float().numpy().astype(number(kind)) if kind in HALVES else p.numpy()
    check(
        lambda e: e.bernoulli_each(array, number(dtype)),
        lambda: torch.empty(20, 50, dtype=dtype).bernoulli_(p),
    )


def test_bernoulli_refuses_what_pytorch_refuses() -> None:
    for p in (1.5, -0.5, math.nan):
        refused(
            lambda p=p: Engine().bernoulli((0,), np.dtype(np.float32), p),
            lambda p=p: torch.empty(0).bernoulli_(p),
        )
    for dtype in (torch.complex64, torch.uint16):
        refused(
            lambda d=dtype: Engine().bernoulli((3,), number(d), 0.5),
            lambda d=dtype: torch.empty(3, dtype=d).bernoulli_(0.5),
        )
        refused(
            lambda d=dtype: Engine().bernoulli_each(np.zeros(3), number(d)),
            lambda d=dtype: torch.empty(3, dtype=d).bernoulli_(torch.zeros(3)),
        )
    refused(
        lambda: Engine().bernoulli_each(np.zeros(3, np.int64), np.dtype(np.float32)),
        lambda: torch.empty(3).bernoulli_(torch.zeros(3, dtype=torch.int64)),
    )
    engine = pair(3)
    for bad in (1.5, -1.0, math.nan):
        p = np.array([0.5, 0.5, bad, 0.5, 2.0], np.float32)
        refused(
            lambda p=p: engine.bernoulli_each(p, p.dtype),
            lambda p=p: torch.bernoulli(torch.from_numpy(p)),
        )
        same_state(engine)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("p", [0.1, 0.5, 0.3, 0.9, 1.0])
def test_dropout(dtype: Any, p: float) -> None:
    x = torch.ones(30, 40, dtype=dtype)
    check(
        lambda e: e.dropout((30, 40), number(dtype), p),
        lambda: torch.nn.functional.dropout(x, p, training=True),
    )


def test_dropout_refuses_what_pytorch_refuses() -> None:
    for p in (1.5, -0.5):
        refused(
            lambda p=p: Engine().dropout((3,), np.dtype(np.float32), p),
            lambda p=p: torch.dropout(torch.ones(3), p, True),
        )


# Other continuous distributions, and geometric numbers


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("size", SIZES)
def test_exponential(dtype: Any, size: int) -> None:
    for rate in (1.0, 0.37, 25.0, math.inf):
        check(
            lambda e, r=rate: e.exponential((size,), number(dtype), r),
            lambda r=rate: torch.empty(size, dtype=dtype).exponential_(r),
        )


@fused
@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("size", SIZES)
def test_cauchy(dtype: Any, size: int) -> None:
    for parameters in ((0.0, 1.0), (2.5, 0.3)):
        check(
            lambda e, a=parameters: e.cauchy((size,), number(dtype), *a),
            lambda a=parameters: torch.empty(size, dtype=dtype).cauchy_(*a),
        )


@fused
@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("size", SIZES)
def test_log_normal(dtype: Any, size: int) -> None:
    for parameters in ((1.0, 2.0), (0.0, 1.0), (-3.0, 0.7), (700.0, 20.0)):
        check(
            lambda e, a=parameters: e.log_normal((size,), number(dtype), *a),
            lambda a=parameters: torch.empty(size, dtype=dtype).log_normal_(*a),
        )


@pytest.mark.parametrize("dtype", [*FLOATS, *INTEGERS])
@pytest.mark.parametrize("size", SIZES)
def test_geometric(dtype: Any, size: int) -> None:
    for p in (0.3, 0.9, 1e-3, 1e-12, 1e-20):
        check(
            lambda e, p=p: e.geometric((size,), number(dtype), p),
            lambda p=p: torch.empty(size, dtype=dtype).geometric_(p),
        )


REFUSALS: list[tuple[str, tuple[float, ...]]] = [
    ("exponential", (0.0,)), ("exponential", (-1.5,)), ("exponential", (math.nan,)),
    ("exponential", (1.0,)), ("geometric", (0.0,)), ("geometric", (1.0,)),
    ("geometric", (math.nan,)), ("geometric", (0.5,)), ("cauchy", (0.0, 0.0)),
    ("cauchy", (0.0, -1.0)), ("cauchy", (0.0, 1.0)), ("log_normal", (0.0, 0.0)),
    ("log_normal", (0.0, math.nan)), ("log_normal", (0.0, 1.0)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "arguments"), REFUSALS)
def test_distributions_refuse_what_pytorch_refuses(name: str, arguments: tuple[float, ...]) -> None:
    for dtype in (torch.float32, torch.bool, torch.int32, torch.int64, *COMPLEX, torch.uint16):
        for size in (0, 3):
            tensor = torch.empty(size, dtype=dtype)
            same_end(
                functools.partial(getattr(Engine(), name), (size,), number(dtype), *arguments),
                functools.partial(getattr(tensor, name + "_"), *arguments),
            )


# Distributions by rejection


@pytest.mark.parametrize("dtype", FLOATS)
def test_poisson(dtype: Any) -> None:
    rates = torch.tensor([0, 0.01, 0.5, 1, 3.3, 9.99, 10, 10.5, 25, 100, 1234.5, 6e4] * 40).to(
        dtype
    )
    array = rates.float().numpy().astype(number(dtype)) if dtype in HALVES else rates.numpy()
    check(lambda e: e.poisson(array), lambda: torch.poisson(rates))


def test_poisson_refuses_what_pytorch_refuses() -> None:
    for bad in (np.array([-1.0]), np.array([math.nan]), np.array([1])):
        refused(
            lambda a=bad: Engine().poisson(a),
            lambda a=bad: torch.poisson(torch.from_numpy(a)),
        )


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_binomial(dtype: Any) -> None:
    counts = torch.tensor([0, 1, 5, 10, 33, 100, 1000, 12345, 2.5, -1], dtype=dtype)
    p = torch.tensor([-1, 0, 0.01, 0.2, 0.3, 0.5, 0.51, 0.9, 1, 2, math.nan], dtype=dtype)[:, None]
    counts, p = counts.expand(11, 10).contiguous(), p.expand(11, 10).contiguous()
    for seed in range(20):
        check(
            lambda e: e.binomial(counts.numpy(), p.numpy()),
            lambda: torch.binomial(counts, p),
            seed,
        )


def test_binomial_refuses_what_pytorch_refuses() -> None:
    real, integer = np.array([4.0], np.float32), np.array([4])
    half = real.astype(np.float16)
    for a, b in [(integer, real), (real, integer), (half, half), (real.astype(np.float64), real)]:
        refused(
            lambda a=a, b=b: Engine().binomial(a, b),
            lambda a=a, b=b: torch.binomial(torch.from_numpy(a), torch.from_numpy(b)),
        )
    assert np.isnan(Engine().binomial(np.array([math.nan]), np.array([0.5])))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_standard_gamma(dtype: Any) -> None:
    shapes = torch.tensor([0, 1e-9, 0.01, 0.3, 1, 1.5, 2.7, 10, 333.3] * 50, dtype=dtype)
    for seed in range(5):
        check(
            lambda e: e.standard_gamma(shapes.numpy()),
            lambda: torch._standard_gamma(shapes),
            seed,
        )


def test_gamma_of_impossible_shapes_is_no_number() -> None:
    assert np.isnan(Engine().standard_gamma(np.array([-5.0, math.nan]))).all()
    refused(
        lambda: Engine().standard_gamma(np.array([1])),
        lambda: torch._standard_gamma(torch.tensor([1])),
    )


@pytest.mark.parametrize("shape", [(3,), (4, 3), (5, 2, 2), (7, 5), (10, 500), (0,), ()])
def test_dirichlet(shape: tuple[int, ...]) -> None:
    for seed in range(3):
        shapes = torch.rand(shape) * 3
        check(
            lambda e, a=shapes: e.dirichlet(a.numpy()),
            lambda a=shapes: torch._sample_dirichlet(a),
            seed,
        )


@pytest.mark.parametrize("shape", [(3,), (7, 5), (10, 1000)])
def test_dirichlet_in_double_precision_agrees_to_the_last_places(shape: tuple[int, ...]) -> None:
    shapes = torch.rand(shape, dtype=torch.float64) + 0.5
    engine = pair(2)
    found, expected = engine.dirichlet(shapes.numpy()), torch._sample_dirichlet(shapes)
    np.testing.assert_allclose(found, expected.numpy(), rtol=2e-15)
    same_state(engine)


# Multinomial


def weights(shape: tuple[int, ...], dtype: Any) -> tuple[Any, np.ndarray[Any, Any]]:
    torch.manual_seed(77)
    tensor = (torch.rand(shape) + 0.01).to(dtype)
    return tensor, tensor.float().numpy().astype(
        number(dtype)
    ) if dtype in HALVES else tensor.numpy()


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("shape", [(1,), (5,), (3, 4), (2, 65), (1000,)])
@pytest.mark.parametrize("count", [1, 2, 30])
def test_multinomial_with_replacement(dtype: Any, shape: tuple[int, ...], count: int) -> None:
    tensor, array = weights(shape, dtype)
    check(
        lambda e: e.multinomial(array, count, True),
        lambda: torch.multinomial(tensor, count, True),
    )


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("shape", [(1,), (5,), (3, 4), (2, 65), (1000,), (0, 3)])
def test_multinomial_without_replacement(dtype: Any, shape: tuple[int, ...]) -> None:
    tensor, array = weights(shape, dtype)
    for count in {1, min(2, shape[-1]), min(30, shape[-1]), shape[-1]}:
        check(
            lambda e, n=count: e.multinomial(array, n),
            lambda n=count: torch.multinomial(tensor, n),
        )


@pytest.mark.parametrize("dtype", HALVES)
def test_multinomial_of_one_in_half_precision(dtype: Any) -> None:
    tensor, array = weights((8, 50), dtype)
    for seed in range(10):
        check(lambda e: e.multinomial(array, 1), lambda: torch.multinomial(tensor, 1), seed)


def test_multinomial_never_takes_a_category_of_weight_zero() -> None:
    p = np.array([0.0, 1.0, 0.0, 2.0, 0.0])
    engine = Engine(1)
    for count in (1, 2):
        for _ in range(50):
            assert set(engine.multinomial(p, count).tolist()) <= {1, 3}
    assert set(engine.multinomial(p, 200, True).tolist()) == {1, 3}


def test_multinomial_refuses_what_pytorch_refuses() -> None:
    inf, nan = math.inf, math.nan
    for data, count, replacement in [
        ([1.0, 2], 0, False), ([1.0, 2], 3, False), ([1, 2], 1, False), (1.0, 1, False),
        ([[[1.0]]], 1, False), ([-1.0, 2], 1, False), ([-1.0, 2], 2, True), ([inf, 2.0], 2, True),
        ([inf, 2.0], 1, True), ([0.0, 0], 2, True), ([0.0, 0], 1, False), ([nan, 0.0], 1, False),
        ([nan, 1.0], 2, True), ([[1.0, 1], [0.0, 0]], 1, False), ([[1.0, 1], [0.0, 0]], 4, True),
        ([[1.0, 1], [-1.0, 0]], 4, True), ([], 1, True), ([[], []], 2, False), ([[], []], 2, True),
    ]:  # fmt: skip
        array = np.array(data)
        engine = pair(1)
        refused(
            lambda a=array, n=count, r=replacement, e=engine: e.multinomial(a, n, r),
            lambda a=array, n=count, r=replacement: torch.multinomial(torch.from_numpy(a), n, r),
        )
        same_state(engine)
    many = np.ones(2**24 + 1, np.float32)
    refused(
        lambda: Engine().multinomial(many, 1), lambda: torch.multinomial(torch.from_numpy(many), 1)
    )


# Sequences of calls, and arithmetic

CALLS: list[tuple[Callable[[Engine, int, Any], Any], Callable[[int, Any], Any]]] = [
    (lambda e, n, d: e.uniform((n,), number(d)), lambda n, d: torch.rand(n, dtype=d)),
    (lambda e, n, d: e.normal((n,), number(d)), lambda n, d: torch.randn(n, dtype=d)),
    (lambda e, n, d: e.normal((n,), number(d), 1.0, 3.0, False),
     lambda n, d: torch.empty(2 * n, dtype=d)[::2].normal_(1.0, 3.0)),
    (lambda e, n, d: e.random((n,), number(d)), lambda n, d: torch.empty(n, dtype=d).random_()),
    (lambda e, n, d: e.permutation(n, np.dtype(np.int64)), lambda n, d: torch.randperm(n)),
    (lambda e, n, d: e.bernoulli((n,), number(d), 0.4),
     lambda n, d: torch.empty(n, dtype=d).bernoulli_(0.4)),
    (lambda e, n, d: e.exponential((n,), number(d), 2.0),
     lambda n, d: torch.empty(n, dtype=d).exponential_(2.0)),
    (lambda e, n, d: e.log_normal((n,), number(d)),
     lambda n, d: torch.empty(n, dtype=d).log_normal_()),
    (lambda e, n, d: e.standard_gamma(np.full(n, 0.7)),
     lambda n, d: torch._standard_gamma(torch.full((n,), 0.7, dtype=torch.float64))),
    (lambda e, n, d: e.poisson(np.full(n, 12.0)),
     lambda n, d: torch.poisson(torch.full((n,), 12.0, dtype=torch.float64))),
    (lambda e, n, d: e.multinomial(np.arange(1.0, n + 2), 1),
     lambda n, d: torch.multinomial(torch.arange(1.0, n + 2, dtype=torch.float64), 1)),
]  # fmt: skip


@fused
@pytest.mark.parametrize("seed", range(25))
def test_mixed_sequences(seed: int) -> None:
    chooser = np.random.default_rng(seed)
    engine = pair(seed)
    for _ in range(40):
        ours, theirs = CALLS[chooser.integers(len(CALLS))]
        size = int(chooser.choice([0, 1, 2, 5, 15, 16, 17, 40, 200]))
        dtype = FLOATS[chooser.integers(len(FLOATS))]
        same(ours(engine, size, dtype), theirs(size, dtype))
        same_state(engine)


def test_fma_rounds_once() -> None:
    numbers = np.random.default_rng(0)
    for _ in range(200):
        a, b, c = (
            float(x) for x in numbers.standard_normal(3) * 10.0 ** numbers.integers(-9, 9, 3)
        )
        c = numbers.choice([c, -a * b, 1.0])
        exact = Fraction(a) * Fraction(b) + Fraction(c)
        assert fma(np.array([a]), b, c)[0] == float(exact)
    assert fma(np.array([1e308]), 1e10, 1.0)[0] == math.inf


def test_fma_of_single_precision_rounds_once() -> None:
    # 1 + 2⁻²⁴ lies in the middle of two float32 numbers, and rounding to float64 leads there.
    x, y = np.float32(1 + 2**-12), float(np.float32(2**-12 - 2**-24))
    for c in (1.0, -1.0, 2.0**-30, 3.0):
        exact = Fraction(float(x)) * Fraction(y) + Fraction(c)
        near = np.float32(float(exact))
        around = [near, *(np.nextafter(near, np.float32(s * 9)) for s in (-1, 1))]
        best = min(around, key=lambda f, exact=exact: abs(Fraction(float(f)) - exact))
        assert fma(np.array([x]), y, c)[0] == best
    tie = fma(np.array([np.float32(2**-24)]), float(np.float32(1 + 2**-23)), 1.0)
    assert tie[0] == np.float32(1 + 2**-23)


@fused
@pytest.mark.parametrize("target", ["llvm", "numpy"])
@pytest.mark.parametrize("size", [4096, 5003, 20_000])
def test_many_numbers(monkeypatch: pytest.MonkeyPatch, target: str, size: int) -> None:
    for worth in (_random_bits.DRAWN, _random_math.NORMAL, _random_math.CALLED, _random.EXCHANGED):
        monkeypatch.setattr(worth, "left", 0)
    with config.context(target=target):
        engine = pair(7)
        for ours, theirs in CALLS:
            for dtype in (torch.float32, torch.float64):
                same(ours(engine, size, dtype), theirs(size, dtype))
                same_state(engine)
        same(engine.permutation(size, np.dtype("i8")), torch.randperm(size))
        same(engine.exponential((size,), np.dtype("f4")), torch.empty(size).exponential_())
        same(engine.cauchy((size,), np.dtype("f4")), torch.empty(size).cauchy_())
        same_state(engine)
