"""Softmax and its kin, layer normalisation, GELU: against float64, and at their limits."""

from typing import Any

import numpy as np
import pytest
from numpy.exceptions import AxisError
from scipy import special

from lazytensor.ir.node import leaf
from lazytensor.lang import nn

from .oracle import made, run, same

FLOATS = ["float16", "float32", "float64"]


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_softmax(dtype: str, axis: int) -> None:
    x = (made((3, 5, 2), dtype) * 5).astype(dtype)
    wide = x.astype(np.float64)
    same(run(nn.softmax, x, axis), special.softmax(wide, axis), dtype, 2)
    same(run(nn.log_softmax, x, axis), special.log_softmax(wide, axis), dtype, 2)


@pytest.mark.parametrize("axis", [None, 0, -1, (0, 2)])
@pytest.mark.parametrize("keepdims", [False, True])
def test_logsumexp(axis: Any, keepdims: bool) -> None:
    x = made((3, 5, 2), "float64")
    want = special.logsumexp(x, axis, keepdims=keepdims)
    same(run(nn.logsumexp, x, axis, keepdims=keepdims), want, np.float64)


def test_large_arguments_do_not_overflow() -> None:
    x = np.array([1e4, 1e4 - 1, -1e4])
    same(run(nn.softmax, x), special.softmax(x))
    same(run(nn.log_softmax, x), special.log_softmax(x))
    same(run(nn.logsumexp, x), special.logsumexp(x))


def test_infinities_and_nan() -> None:
    low = np.full((3,), -np.inf)
    assert run(nn.logsumexp, low) == -np.inf
    assert run(nn.logsumexp, np.array([1.0, np.inf])) == np.inf
    assert np.isnan(run(nn.logsumexp, np.array([1.0, np.nan])))
    assert np.isnan(run(nn.softmax, low)).all()
    np.testing.assert_array_equal(run(nn.softmax, np.array([0.0, -np.inf])), [1.0, 0.0])
    np.testing.assert_array_equal(run(nn.log_softmax, np.array([0.0, -np.inf])), [0.0, -np.inf])


def test_nothing_at_all() -> None:
    assert run(nn.softmax, made((2, 0), "float32")).shape == (2, 0)
    assert run(nn.log_softmax, made((0, 2), "float32"), 0).shape == (0, 2)
    np.testing.assert_array_equal(run(nn.logsumexp, made((2, 0), "float32"), 1), [-np.inf] * 2)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("ndim", [1, 2])
def test_layernorm(dtype: str, ndim: int) -> None:
    x = made((4, 3, 6), dtype)
    w, b = made(x.shape[-ndim:], dtype, 1), made(x.shape[-ndim:], dtype, 2)
    axes, wide = tuple(range(-ndim, 0)), x.astype(np.float64)
    want = (wide - wide.mean(axes, keepdims=True)) / np.sqrt(wide.var(axes, keepdims=True) + 1e-5)
    same(run(nn.layernorm, x, ndim), want, dtype, 2)
    same(run(nn.layernorm, x, ndim, w, b), want * w + b, dtype, 4)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_gelu(dtype: str) -> None:
    x = np.linspace(-6, 6, 101).astype(dtype)
    same(run(nn.gelu, x), x * special.ndtr(x), dtype)
    wide = x.astype(np.float64)
    tanh = wide / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (wide + 0.044715 * wide**3)))
    same(run(nn.gelu, x, "tanh"), tanh, dtype)


WRONG = [
    (lambda x: nn.softmax(x, 2), AxisError, "axis 2 is out of bounds"),
    (lambda x: nn.layernorm(x, 3), ValueError, r"last 3 axes of shape \(2, 3\)"),
    (lambda x: nn.layernorm(x, 1, x), ValueError, r"weight has shape \(2, 3\).* \(3,\)"),
    (lambda x: nn.layernorm(x, 1, None, x), ValueError, "bias has shape"),
    (lambda x: nn.gelu(x, "erf"), ValueError, "must be 'none' or 'tanh', got 'erf'"),
]


@pytest.mark.parametrize(("call", "error", "text"), WRONG)
def test_wrong_arguments_are_refused_at_once(call: Any, error: Any, text: str) -> None:
    with pytest.raises(error, match=text):
        call(leaf(np.ones((2, 3))))


@pytest.mark.parametrize("f", [nn.softmax, nn.log_softmax, nn.logsumexp, nn.layernorm, nn.gelu])
def test_integers_are_refused(f: Any) -> None:
    with pytest.raises(
        TypeError, match="expected an array of a real floating-point dtype, got int64"
    ):
        f(leaf(np.ones((2, 3), np.int64)))
