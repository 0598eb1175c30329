"""Elements that are computed in a number of steps that depends on them: the reference's bits."""

from collections.abc import Iterator

import numpy as np
import pytest

import lazytensor._base.dtypes as d
from lazytensor.ops import iterated

from .calls import Call, check
from .edges import numbers
from .harness import compiler
from .reference import MODULE
from .test_folds import data

FLOATS = (*d.REAL_FLOATING, d.float16, d.bfloat16())


def pairs(dtype: d.DType) -> tuple[np.ndarray, np.ndarray]:
    """All pairs of numbers at which something changes."""
    x = numbers(dtype)
    return tuple(np.array(v) for v in np.broadcast_arrays(x[:, None], x))  # type: ignore[return-value]


@pytest.mark.parametrize("dtype", [*d.SIGNED, *d.UNSIGNED], ids=lambda dtype: dtype.name)
def test_common_divisors(dtype: d.DType) -> None:
    compiler()
    x, y = pairs(dtype)
    check(
        [Call(iterated.gcd, [x, y]), Call(iterated.gcd, [x.T, y]), Call(iterated.gcd, [x[:0]] * 2)]
    )


@pytest.mark.parametrize("dtype", FLOATS, ids=lambda dtype: dtype.name)
def test_parts_of_numbers(dtype: d.DType) -> None:
    compiler()
    x = numbers(dtype)
    check([Call(iterated.frexp, [x]), Call(iterated.frexp, [data((9, 7), dtype)[:, ::-2]])])


def polynomials(dtype: d.DType) -> Iterator[Call]:
    degrees = [0, 1, 2, 5, 11, -1, 2.7, -0.5, np.nan, np.inf, -np.inf]
    x, n = np.meshgrid([0.3, -1.0, 1.7, 0.0, np.nan, np.inf], degrees)
    for family in sorted(iterated._RECURRENCES):
        for order in (0, 1, 3):
            yield Call(iterated.polynomial, [x.astype(dtype), n.astype(dtype)], (family, order))


@pytest.mark.parametrize("dtype", FLOATS, ids=lambda dtype: dtype.name)
def test_polynomials(dtype: d.DType) -> None:
    compiler()
    check(polynomials(dtype))


def gammas(dtype: d.DType) -> Iterator[Call]:
    """By each method, and where something is 0, infinite or NaN, over the harness's functions."""
    edges = [0.0, -0.0, 1.0, -1.0, 1.1, 10.0, 200.0, 250.0, 1e-310, 1e300, np.inf, np.nan]
    rng = np.random.default_rng(0)
    some = [*edges, *rng.exponential(1, 12), *rng.exponential(300, 12)]
    a, x = np.meshgrid(np.array(some), np.array(some))
    with np.errstate(all="ignore"):
        a, x = a.astype(dtype), np.where(rng.random(x.shape) < 0.3, a * 1.1, x).astype(dtype)
        for op in (iterated.igamma, iterated.igammac):
            yield Call(op, [a, x], wants=[op.value(MODULE, a, x)])
            yield Call(op, [a.T, x[::-1]], wants=[op.value(MODULE, a.T, x[::-1])])


def test_incomplete_gammas() -> None:
    """Of all dtypes together: what computes them is one function."""
    compiler()
    check(call for dtype in FLOATS for call in gammas(dtype))
