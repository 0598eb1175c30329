"""Normalisations with the statistics that they were made by, as PyTorch's kernels give them.

What enters: tensors. What leaves: the normalised tensor, means, and reciprocals of standard
deviations. It must not know how anything is computed.
"""

from collections.abc import Sequence
from typing import Any

from ...ir.node import Node
from ...lang import norm, reductions
from ...lang._checks import as_dtype, widened
from ...ops import g
from .._dispatch import FUNCTIONS
from .._record import cast
from ..tensor import Tensor, wrap
from ._base import apply_many, nn
from .layers import batch_norm, layer_norm

Three = tuple[Tensor, Tensor, Tensor]


def _statistics(x: Node, shape: tuple[int, ...], axes: tuple[int, ...], eps: float) -> Any:
    """Mean and 1 / sqrt(variance + eps) over axes of the array in a shape, which are kept."""
    wide = widened(g.reshape(x, shape))
    center = reductions.mean(wide, axes, keepdims=True)
    spread = reductions.var(wide, axes, keepdims=True) + eps
    return center, g.reciprocal(g.sqrt(spread))


@nn("native_layer_norm", torch=True)
def native_layer_norm(
    input: Tensor, normalized_shape: Sequence[int], weight: Tensor | None, bias: Tensor | None,
    eps: float,
) -> Three:  # fmt: skip
    """`layer_norm`, means, reciprocal deviations. Raises RuntimeError for shapes."""
    out = layer_norm(input, normalized_shape, weight, bias, eps)
    shape, k = input._node.shape, len(tuple(normalized_shape))
    axes = tuple(range(len(shape) - k, len(shape)))
    center, spread = _statistics(input._read(), shape, axes, eps)
    return out, wrap(cast(center, input.dtype)), wrap(cast(spread, input.dtype))


@nn("native_group_norm", torch=True)
def native_group_norm(
    input: Tensor, weight: Tensor | None, bias: Tensor | None, N: int, C: int, HxW: int,
    group: int, eps: float,
) -> Three:  # fmt: skip
    """`group_norm`, means and reciprocal deviations of each example and group, with gradients.
    Raises RuntimeError.
    """

    def f(x: Node, w: Node | None, b: Node | None) -> tuple[Node, Node, Node]:
        center, spread = _statistics(x, (N, group, C // group * HxW), (2,), eps)
        made = [as_dtype(g.reshape(n, (N, group)), x.dtype) for n in (center, spread)]
        return norm.group_norm(x, group, w, b, eps), made[0], made[1]

    return apply_many("NativeGroupNorm", f, input, weight, bias)  # type: ignore[return-value]


@nn("native_batch_norm", torch=True)
def native_batch_norm(
    input: Tensor, weight: Tensor | None, bias: Tensor | None, running_mean: Tensor | None,
    running_var: Tensor | None, training: bool, momentum: float, eps: float,
) -> Three:  # fmt: skip
    """`batch_norm`, means and reciprocal deviations of each channel, of which there are none
    without training.
    """
    out = batch_norm(
        input, weight, bias, running_mean, running_var, training, momentum, eps
    )
    if not training:
        kind = {"dtype": input.dtype, "device": input.device}
        return out, FUNCTIONS["empty"](0, **kind), FUNCTIONS["empty"](0, **kind)
    center, variance = norm.batch_stats(input._read())
    return out, wrap(center), wrap(g.reciprocal(g.sqrt(variance + eps)))
