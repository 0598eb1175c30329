"""Walks over states on a device: the reference's bits, over the harness's functions."""

from collections.abc import Iterator

import numpy as np

import lazytensor._base.dtypes as d
from lazytensor.ops import walks

from .calls import Call, check, plan
from .harness import compiler
from .reference import MODULE

FLOATS = (*d.REAL_FLOATING, d.float16, d.bfloat16())
# Steps, examples, states: around a warp, a block of threads, and more than shared memory has.
SHAPES = [(1, 2, 1), (3, 1, 2), (4, 3, 3), (5, 2, 33), (3, 2, 513), (3, 1, 1100), (3, 2, 2100)]


def arrays(shape: tuple[int, ...], dtype: d.DType, count: int, seed: int) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(shape).astype(dtype) for _ in range(count)]


def _lost(x: np.ndarray, share: float, seed: int) -> np.ndarray:
    """Some of the elements are -inf, and one is NaN."""
    x[np.random.default_rng(seed).random(x.shape) < share] = -np.inf
    x.reshape(-1)[x.size // 3 : x.size // 3 + (seed % 2)] = np.nan
    return x


def call(op: walks.Op, args: list[np.ndarray]) -> Call:
    with np.errstate(all="ignore"):
        return Call(op, args, wants=[op.value(MODULE, *args)])


def walked(dtype: d.DType) -> Iterator[Call]:
    for seed, shape in enumerate(SHAPES):
        (x,), (jump,) = arrays(shape, dtype, 1, seed), arrays(shape[1:], dtype, 1, seed + 50)
        yield call(walks.log_walk, [_lost(x, 0.2, seed), _lost(jump, 0.5, 0)])
        yield call(walks.band_walk, arrays(shape, dtype, 4, seed))
    x, *weights = arrays((4, 3, 40), dtype, 4, 7)
    turned = [np.ascontiguousarray(a.transpose(2, 0, 1)).transpose(1, 2, 0) for a in (x, *weights)]
    yield call(walks.band_walk, [x[::-1], *turned[1:]])
    yield call(walks.log_walk, [turned[0], x[0, :, ::-1]])
    yield call(walks.log_walk, [np.full_like(x, -np.inf), x[0]])


def test_walks() -> None:
    compiler()
    check(call for dtype in FLOATS for call in walked(dtype))
    check([call(walks.band_walk, arrays((0, 2, 3), d.float32, 4, 0))])


def test_what_does_not_fit_is_kept_apart() -> None:
    compiler()
    found = list(walked(d.float64))
    steps = [step for call in found for step in plan(call).steps]
    assert 0 in {s.shared for s in steps} and max(s.shared for s in steps) <= 16 << 10
    assert len({s.code for s in steps}) == 2
