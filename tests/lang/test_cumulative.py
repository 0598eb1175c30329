"""Running extrema, log-sum-exp and integrals against PyTorch, forward and backward."""

from typing import Any

import numpy as np
import pytest
from numpy.exceptions import AxisError

from lazytensor.ir.node import leaf
from lazytensor.lang import cumulative
from lazytensor.ops import g

from .against_torch import agree, drawn, torch
from .oracle import run

SHAPES = [(7,), (3, 8), (2, 5, 4), (0, 3), (1,)]
NANS = np.array([[1, 3, np.nan, 5, np.nan, 2], [3, 3, 1, 3, 4, 4.0], [-np.inf, 0, np.inf, 1, 2, 3]])


@pytest.mark.parametrize("shape", SHAPES)
def test_running_extrema(shape: Any) -> None:
    for axis in range(-len(shape), len(shape)):
        for ours, theirs in ((cumulative.cummax, torch.cummax), (cumulative.cummin, torch.cummin)):
            agree(
                lambda x, a=axis, f=ours: f(x, a), lambda t, a=axis, f=theirs: f(t, a),
                drawn(shape), gradient=0 not in shape,
            )  # fmt: skip


@pytest.mark.parametrize("dtype", ["int8", "int64", "bool", "float32"])
def test_running_extrema_with_ties(dtype: str) -> None:
    x = np.random.default_rng(0).integers(0, 3, (4, 9)).astype(dtype)
    for ours, theirs in ((cumulative.cummax, torch.cummax), (cumulative.cummin, torch.cummin)):
        agree(lambda n, f=ours: f(n, 1), lambda t, f=theirs: f(t, 1), x)
    for ours, theirs in ((cumulative.cummax, torch.cummax), (cumulative.cummin, torch.cummin)):
        for a, b in zip(run(lambda n, f=ours: f(n, 1), NANS), theirs(torch.from_numpy(NANS), 1)):
            np.testing.assert_array_equal(a, b.numpy())


def test_scalars() -> None:
    one = np.array(2.0)
    agree(lambda n: cumulative.cummax(n, 0), lambda t: torch.cummax(t, 0), one, gradient=False)
    agree(lambda n: cumulative.logcumsumexp(n, 0), lambda t: torch.logcumsumexp(t, 0), one)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_logcumsumexp(shape: Any, dtype: str) -> None:
    for axis in range(len(shape)):
        agree(
            lambda x, a=axis: cumulative.logcumsumexp(x, a),
            lambda t, a=axis: torch.logcumsumexp(t, a), (drawn(shape) * 5).astype(dtype),
            gradient=0 not in shape, scale=4,
        )  # fmt: skip


def test_logcumsumexp_of_large_and_infinite_elements() -> None:
    x = np.array([-np.inf, -np.inf, 900.0, -900, 1000, np.inf, 1, np.nan, 2])
    agree(
        lambda n: cumulative.logcumsumexp(n, 0), lambda t: torch.logcumsumexp(t, 0), x,
        gradient=False,
    )  # fmt: skip
    agree(lambda n: cumulative.logcumsumexp(n, 0), lambda t: torch.logcumsumexp(t, 0), x[2:5])


@pytest.mark.parametrize("zeros", [(), (0,), (3,), (1, 4), (5,)])
def test_products_with_zeros(zeros: Any) -> None:
    x = drawn((6,))
    x[list(zeros)] = 0
    agree(lambda n: g.cumprod(n, 0), lambda t: torch.cumprod(t, 0), x, second=True)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_integrals(axis: int) -> None:
    y, x = drawn((4, 6)), np.sort(drawn((4, 6), seed=1), axis)
    line = np.sort(drawn((y.shape[axis],)))
    for ours, theirs in (
        (cumulative.trapezoid, torch.trapezoid),
        (cumulative.cumulative_trapezoid, torch.cumulative_trapezoid),
    ):
        for where in (x, line):
            agree(
                lambda a, b, f=ours: f(a, b, axis=axis),
                lambda a, b, f=theirs: f(a, b, dim=axis), y, where, scale=10,
            )  # fmt: skip
        agree(
            lambda a, f=ours: f(a, dx=0.3, axis=axis),
            lambda a, f=theirs: f(a, dx=0.3, dim=axis), y, scale=10,
        )  # fmt: skip


def test_integrals_of_little() -> None:
    for n in (0, 1):
        y = drawn((2, n))
        assert not run(cumulative.trapezoid, y).any()
        assert run(cumulative.cumulative_trapezoid, y).shape == (2, 0)


@pytest.mark.parametrize(
    "f", [cumulative.cummax, cumulative.cummin, cumulative.logcumsumexp, cumulative.trapezoid]
)
def test_an_axis_that_is_not_there(f: Any) -> None:
    with pytest.raises(AxisError, match="axis 3 is out of bounds"):
        f(leaf(np.ones((2, 3))), axis=3)
