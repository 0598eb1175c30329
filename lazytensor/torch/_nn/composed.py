"""Losses and distances that PyTorch composes of public operations, each recorded as its own.

What enters: tensors. What leaves: tensors. It must not know how anything is computed.
"""

from math import pi
from typing import Any

from .._dispatch import FUNCTIONS, need_tensor
from ..norms import vector_norm
from ..tensor import Tensor
from ._base import nn, word

TINY = 1e-12  # what keeps cosine_embedding_loss from dividing by zero


def reduced(loss: Any, reduction: int) -> Any:
    """The loss, or its mean or sum. Raises RuntimeError for the mean of integers."""
    return loss if not reduction else FUNCTIONS[word(reduction)](loss)


@nn("l1_loss")
def l1_loss(input: Any, target: Any, reduction: int = 1) -> Any:
    """|input - target|. Raises RuntimeError for shapes, and for the mean of integers."""
    return reduced(FUNCTIONS["abs"](input - target), reduction)


@nn("poisson_nll_loss", torch=True)
def poisson_nll_loss(
    input: Any, target: Any, log_input: bool, full: bool, eps: float, reduction: int
) -> Any:
    """The negative log-likelihood of counts. Raises RuntimeError for shapes."""
    if log_input:
        loss = input.exp() - target * input
    else:
        loss = input - target * (input + eps).log()
    if full:
        stirling = target * target.log() - target + 0.5 * (2 * pi * target).log()
        loss = loss + stirling.masked_fill(target <= 1, 0)
    return reduced(loss, reduction)


@nn("margin_ranking_loss", torch=True)
def margin_ranking_loss(
    input1: Any, input2: Any, target: Any, margin: float = 0.0, reduction: int = 1
) -> Any:
    """max(0, -target (input1 - input2) + margin). Raises RuntimeError for shapes."""
    return reduced((-target * (input1 - input2) + float(margin)).clamp_min(0), reduction)


@nn("hinge_embedding_loss", torch=True)
def hinge_embedding_loss(
    input: Any, target: Any, margin: float = 1.0, reduction: int = 1
) -> Any:
    """The input where the target is 1, max(0, margin - input) where it is -1, both elsewhere.
    Raises RuntimeError for shapes.
    """
    where, zero = FUNCTIONS["where"], FUNCTIONS["zeros_like"](input)
    bound = FUNCTIONS["full"]((), margin, dtype=input.dtype, device=input.device)
    far = where(target != 1, (bound - input).clamp_min(0), zero)
    return reduced(far + where(target != -1, input, zero), reduction)


def _fit_target(x: Tensor, y: Tensor, target: Tensor) -> None:
    if target.ndim not in (0, 1):
        raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")
    if {x.ndim, y.ndim} != {target.ndim + 1}:
        raise RuntimeError(
            f"{target.ndim}D target tensor expects {target.ndim + 1}D input tensors, but found "
            f"inputs with sizes {list(x._node.shape)} and {list(y._node.shape)}."
        )


@nn("cosine_embedding_loss", torch=True)
def cosine_embedding_loss(
    input1: Any, input2: Any, target: Any, margin: float = 0.0, reduction: int = 1
) -> Any:
    """1 - cos where the target is 1, max(0, cos - margin) where it is -1. Raises RuntimeError for
    shapes.
    """
    _fit_target(input1, input2, target)
    axis = target.ndim
    inner = (input1 * input2).sum(axis)
    sizes = [(x * x).sum(axis) + TINY for x in (input1, input2)]
    cos = inner / (sizes[0] * sizes[1]).sqrt()
    where, zero = FUNCTIONS["where"], FUNCTIONS["zeros_like"](cos)
    near = where(target == 1, 1 - cos, zero)
    return reduced(near + where(target == -1, (cos - margin).clamp_min(0), zero), reduction)


@nn("pairwise_distance", torch=True)
def pairwise_distance(
    x1: Any, x2: Any, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False
) -> Any:
    """The p-norm of x1 - x2 + eps along the last axis. Raises RuntimeError for shapes."""
    apart: Any = need_tensor("pairwise_distance", x1) - x2 + eps
    return vector_norm(apart, float(p), -1, keepdim, None, "NormBackward1")


@nn("triplet_margin_loss", torch=True)
def triplet_margin_loss(
    anchor: Any, positive: Any, negative: Any, margin: float = 1.0, p: float = 2.0,
    eps: float = 1e-6, swap: bool = False, reduction: int = 1,
) -> Any:  # fmt: skip
    """max(0, d(anchor, positive) - d(anchor, negative) + margin). Raises RuntimeError."""
    a, b, c = anchor.ndim, positive.ndim, negative.ndim
    if not a == b == c:
        raise RuntimeError(
            "The anchor, positive, and negative tensors are expected to have the same number of "
            f"dimensions, but got: anchor {a}D, positive {b}D, and negative {c}D inputs"
        )
    near, far = (pairwise_distance(anchor, x, p, eps) for x in (positive, negative))
    if swap:
        far = FUNCTIONS["minimum"](far, pairwise_distance(positive, negative, p, eps))
    return reduced((margin + near - far).clamp_min(0), reduction)
