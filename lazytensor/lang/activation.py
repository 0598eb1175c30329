"""Activations as PyTorch defines them, with its derivatives at kinks.

What enters: nodes of a real floating-point dtype and Python numbers. What leaves: nodes over the
rows of `ops/`; half precision is computed in single. It must not know faces. Where a branch could
overflow for arguments that take another one, it is given 0 for these, lest 0 · inf come in.
"""

from collections.abc import Callable
from functools import wraps
from math import nan
from typing import Any

import numpy as np

from .._base.shapes import normalize_axis
from ..ir.node import Node
from ..ops import g
from . import nn
from ._checks import as_dtype, part, widened

SELU_ALPHA, SELU_SCALE = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946


def in_single(f: Callable[..., Node]) -> Callable[..., Node]:
    """`f` with its node arguments in single where they are half precision, the result put back."""

    @wraps(f)
    def wrapped(x: Node, *args: Any, **options: Any) -> Node:
        rest = [widened(a) if isinstance(a, Node) else a for a in args]
        named = {k: widened(a) if isinstance(a, Node) else a for k, a in options.items()}
        return as_dtype(f(widened(x), *rest, **named), x.dtype)

    return wrapped


def _zero(x: Node) -> Node:
    return g.constant(0, x)


def _not_above(x: Node, bound: float = 0.0) -> Node:
    """x ≤ bound: False for NaN."""
    return g.less_equal(x, g.constant(bound, x))


def _not_below(x: Node, bound: float) -> Node:
    return g.less_equal(g.constant(bound, x), x)


def _clipped(x: Node, low: float, high: float) -> Node:
    """x between bounds, where its derivative is 0."""
    above = g.where(_not_below(x, high), g.constant(high, x), x)
    return g.where(_not_above(x, low), g.constant(low, x), above)


def relu(x: Node) -> Node:
    """x where it is positive, else 0; the derivative at 0 is 0."""
    return g.relu(x)


def relu6(x: Node) -> Node:
    """`hardtanh` between 0 and 6."""
    return _clipped(x, 0.0, 6.0)


def hardtanh(x: Node, min_val: float = -1.0, max_val: float = 1.0) -> Node:
    """x between two bounds, at which the derivative is 0. Raises ValueError where they cross."""
    if min_val > max_val:
        raise ValueError("min_val cannot be greater than max_val")
    return _clipped(x, min_val, max_val)


@in_single
def leaky_relu(x: Node, negative_slope: float = 0.01) -> Node:
    """x where positive, else the slope times x, of which the derivative at 0 is."""
    return g.where(g.less(0.0, x), x, x * negative_slope)


@in_single
def prelu(x: Node, weight: Node) -> Node:
    """`leaky_relu` with one slope, or one for each channel (axis 1). Raises RuntimeError."""
    if not x.ndim and weight.size != 1:
        raise RuntimeError("Not allow zero-dim input tensor.")
    channels = x.shape[1] if x.ndim > 1 else 1
    if weight.size != 1 and weight.size != channels:
        raise RuntimeError(
            "Mismatch of parameter numbers and input channel size. Found parameter numbers = "
            f"{weight.size} and channel size = {channels}."
        )
    if weight.ndim > 1:
        raise RuntimeError(
            f"prelu: Expected `weight` to be a scalar or 1D tensor, but got: ndim = {weight.ndim}"
        )
    line = (1, weight.size, *(1,) * (x.ndim - 2)) if x.ndim > 1 else (1,) * x.ndim
    return g.where(g.less(0.0, x), x, g.reshape(weight, line) * x)


@in_single
def rrelu(x: Node, slopes: Node) -> Node:
    """`leaky_relu` with a slope for each element, drawn by the caller; not used above 0."""
    return g.where(_not_above(x), x * slopes, x)


@in_single
def elu(x: Node, alpha: float = 1.0, scale: float = 1.0, input_scale: float = 1.0) -> Node:
    """scale · x above 0, else scale · alpha · (exp(input_scale · x) - 1)."""
    low = _not_above(x)
    safe = g.where(low, x, _zero(x))
    below = g.expm1(safe if input_scale == 1 else safe * input_scale) * (alpha * scale)
    return g.where(low, below, x if scale == 1 else x * scale)


def celu(x: Node, alpha: float = 1.0) -> Node:
    """max(0, x) + min(0, alpha · (exp(x / alpha) - 1)). Raises RuntimeError for alpha 0."""
    if alpha == 0:
        raise RuntimeError("ZeroDivisionError: alpha cannot be 0 for CELU")
    return elu(x, alpha, 1.0, 1.0 / alpha)


def selu(x: Node) -> Node:
    """`elu` with the constants that keep mean and variance (Klambauer et al., 2017)."""
    return elu(x, SELU_ALPHA, SELU_SCALE)


@in_single
def gelu(x: Node, approximate: str = "none") -> Node:
    """x · Φ(x), or its approximation by "tanh". Raises RuntimeError for another word."""
    if approximate not in ("none", "tanh"):
        raise RuntimeError("approximate argument must be either none or tanh.")
    return nn.gelu(x, approximate)


@in_single
def sigmoid(x: Node) -> Node:
    """1 / (1 + exp(-x))."""
    return g.sigmoid(x)


@in_single
def silu(x: Node) -> Node:
    """x · sigmoid(x)."""
    return x * g.sigmoid(x)


@in_single
def mish(x: Node) -> Node:
    """x · tanh(log(1 + exp(x)))."""
    return x * g.tanh(g.logaddexp(x, _zero(x)))


@in_single
def softplus(x: Node, beta: float = 1.0, threshold: float = 20.0) -> Node:
    """log(1 + exp(beta · x)) / beta; x itself where beta · x is above the threshold."""
    scaled = x if beta == 1 else x * beta
    high = g.less(g.constant(threshold, x), scaled)
    soft = g.log1p(g.exp(g.where(high, _zero(x), scaled)))
    return g.where(high, x, soft if beta == 1 else soft / beta)


@in_single
def logsigmoid(x: Node) -> Node:
    """log(sigmoid(x)) = min(x, 0) - log(1 + exp(-|x|))."""
    return g.minimum(x, 0.0) - g.log1p(g.exp(-g.abs(x)))


@in_single
def hardsigmoid(x: Node) -> Node:
    """(x + 3) / 6 between 0 and 1, where the derivative is 0."""
    inside = g.logical_and(g.less(-3.0, x), g.less(x, 3.0))
    flat = g.where(_not_below(x, 3.0), g.constant(1, x), g.constant(nan, x))
    return g.where(inside, (x + 3.0) / 6.0, g.where(_not_above(x, -3.0), _zero(x), flat))


@in_single
def hardswish(x: Node) -> Node:
    """x · relu6(x + 3) / 6."""
    return x * _clipped(x + 3.0, 0.0, 6.0) / 6.0


_NAMES = {"float16": "Half", "bfloat16": "BFloat16", "float32": "Float", "float64": "Double"}


def _softshrink_check(x: Node, lambd: float) -> None:
    if not lambd >= 0:
        name = x.dtype.name
        most = 3.38953e38 if name == "bfloat16" else float(np.finfo(x.dtype).max)
        raise RuntimeError(
            f"lambda must be in range [0, {most:g}] for input dtype {_NAMES[name]}, but found "
            f"{lambd:g}"
        )


def _between(x: Node, lambd: float) -> Node:
    return g.logical_and(_not_above(x, lambd), _not_below(x, -lambd))


@in_single
def softshrink(x: Node, lambd: float = 0.5) -> Node:
    """x moved towards 0 by lambd, 0 where it is not farther. Raises RuntimeError for lambd < 0."""
    _softshrink_check(x, lambd)
    moved = g.where(g.less(x, 0.0), x + lambd, x - lambd)
    return g.where(_between(x, lambd), _zero(x), moved)


def hardshrink(x: Node, lambd: float = 0.5) -> Node:
    """x where it is farther from 0 than lambd, else 0."""
    return g.where(_between(x, lambd), _zero(x), x)


def tanhshrink(x: Node) -> Node:
    """x - tanh(x), each rounded to the dtype, as PyTorch does."""
    return x - as_dtype(g.tanh(widened(x)), x.dtype)


def softsign(x: Node) -> Node:
    """x / (1 + |x|), each step rounded to the dtype, as PyTorch does."""
    return x / (g.abs(x) + 1.0)


def threshold(x: Node, threshold: float, value: float) -> Node:
    """x where it is above a threshold, else a value."""
    return g.where(_not_above(x, threshold), g.constant(value, x), x)


@in_single
def _gated(a: Node, b: Node) -> Node:
    return a * g.sigmoid(b)


def glu(x: Node, axis: int = -1) -> Node:
    """The first half along an axis times the sigmoid of the second. Raises RuntimeError."""
    if not x.ndim:
        raise RuntimeError("glu does not support scalars because halving size must be even")
    place = normalize_axis(axis, x.ndim)
    n = x.shape[place]
    if n % 2:
        raise RuntimeError(f"Halving dimension must be even, but dimension {place} is size {n}")
    return _gated(part(x, place, 0, n // 2), part(x, place, n // 2, n // 2))


@in_single
def softmax(x: Node, axis: int = -1) -> Node:
    """`nn.softmax`, half precision in single."""
    return nn.softmax(x, axis)


@in_single
def log_softmax(x: Node, axis: int = -1) -> Node:
    """`nn.log_softmax`, half precision in single."""
    return nn.log_softmax(x, axis)


def softmin(x: Node, axis: int = -1) -> Node:
    """The softmax of -x."""
    return softmax(-x, axis)
