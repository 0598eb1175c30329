"""Compositions that models are made of: softmax and its kin, layer normalisation, GELU.

What enters: nodes of a floating-point dtype. What leaves: nodes over the rows of `ops/`, stable for
large arguments, shapes checked at once. It must not know faces or parameters' classes.
"""

from math import pi, sqrt

from .._base.shapes import normalize_axes, normalize_axis
from ..ir.node import Node
from ..ops import g
from ._checks import as_dtype, full, kept, require, widened
from .reductions import Axis, mean, var


def _shift(x: Node, axes: tuple[int, ...]) -> Node:
    """The maximum along axes, kept as 1s, 0 for infinities: what is subtracted before exp."""
    if x.size == 0:
        return full(0.0, tuple(1 if a in axes else n for a, n in enumerate(x.shape)), x)
    top = kept(g.max(x, axes), x, axes, True)
    return g.where(g.isinf(top), g.constant(0.0, top), top)


def softmax(x: Node, axis: int = -1) -> Node:
    """exp(x) / Σ exp(x) along an axis. Raises TypeError unless real floating-point, AxisError."""
    axes = (normalize_axis(axis, require("softmax", x, "f").ndim),)
    e = g.exp(x - _shift(x, axes))
    return e / kept(g.sum(e, axes), x, axes, True)


def log_softmax(x: Node, axis: int = -1) -> Node:
    """The logarithm of `softmax`, without its underflow. Raises as `softmax`."""
    axes = (normalize_axis(axis, require("log_softmax", x, "f").ndim),)
    y = x - _shift(x, axes)
    return y - kept(g.log(g.sum(g.exp(y), axes)), x, axes, True)


def logsumexp(x: Node, axis: Axis = None, *, keepdims: bool = False) -> Node:
    """log(Σ exp(x)) along axes; -inf of nothing. Raises as `softmax`."""
    axes = normalize_axes(axis, require("logsumexp", x, "f").ndim)
    m = _shift(x, axes)
    total = kept(g.log(g.sum(g.exp(x - m), axes)), x, axes, True) + m
    return (
        total
        if keepdims
        else g.reshape(total, tuple(n for a, n in enumerate(x.shape) if a not in axes))
    )


def layernorm(
    x: Node, ndim: int = 1, weight: Node | None = None, bias: Node | None = None, eps: float = 1e-5
) -> Node:
    """(x - mean) / sqrt(var + eps) over the last `ndim` axes, times weight, plus bias.

    Raises TypeError for dtypes that are not x's own real floating-point one, ValueError for shapes.
    """
    require("layernorm", x, "f")
    if not 1 <= ndim <= x.ndim:
        raise ValueError(f"layernorm: can't normalise the last {ndim} axes of shape {x.shape}")
    axes = tuple(range(x.ndim - ndim, x.ndim))
    for label, p in (("weight", weight), ("bias", bias)):
        if p is not None and p.shape != x.shape[-ndim:]:
            raise ValueError(
                f"layernorm: {label} has shape {p.shape}, the normalised axes {x.shape[-ndim:]}"
            )
    wide = widened(x)
    spread = g.sqrt(var(wide, axes, keepdims=True) + eps)
    y = as_dtype((wide - mean(wide, axes, keepdims=True)) / spread, x.dtype)
    y = y if weight is None else y * weight
    return y if bias is None else y + bias


def gelu(x: Node, approximate: str = "none") -> Node:
    """x times the normal distribution function of x; "tanh" for the usual formula over tanh."""
    require("gelu", x, "f")
    if approximate not in ("none", "tanh"):
        raise ValueError(f"gelu: approximate must be 'none' or 'tanh', got {approximate!r}")
    if approximate == "none":
        return 0.5 * x * (1.0 + g.erf(x * sqrt(0.5)))
    return 0.5 * x * (1.0 + g.tanh(sqrt(2 / pi) * (x + 0.044715 * x * x * x)))
