"""Losses, over `lang.loss`; reductions are PyTorch's numbers 0 none, 1 mean, 2 sum."""

from collections.abc import Callable
from typing import Any

from ...ir.node import Node
from ...lang import loss as lang
from .. import _dtypes
from .._calls import refuse
from .._dispatch import broadcast, result_type
from .._record import to_dtype
from .._strides import elementwise_strides
from ..create import as_tensor
from ..scatter import known
from ..tensor import Tensor
from ._base import apply_fixed, nn, word


def _both(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    joint = result_type(x, y)
    broadcast(x._node.shape, y._node.shape)
    return to_dtype(x, joint), to_dtype(y, joint)


def _pair(name: str, title: str, kernel: str, f: Callable[..., Node]) -> None:
    def function(input: Tensor, target: Tensor, reduction: int = 1, *rest: Any) -> Tensor:
        x, y = _both(input, target)
        refuse(x, kernel, "01" if name == "soft_margin_loss" else "013")
        out = apply_fixed(title, f, (word(reduction), *rest), x, y)
        if word(reduction) == "none":
            out._strides = elementwise_strides(out._node.shape, (x, y))
        return out

    function.__doc__ = f"`{name}` of the input by the target."
    nn(name)(function)


_pair("mse_loss", "MseLoss", "mse_cpu", lang.mse)
_pair("smooth_l1_loss", "SmoothL1Loss", "smooth_l1_cpu", lang.smooth_l1)
_pair("huber_loss", "HuberLoss", "huber_cpu", lang.huber)
_pair("soft_margin_loss", "SoftMarginLoss", "soft_margin_loss", lang.soft_margin)


def _need_classes(target: Tensor) -> None:
    if target.dtype is not _dtypes.int64:
        found = _dtypes.TITLES[target.dtype]
        raise RuntimeError(f"expected scalar type Long but found {found}")


@nn("multilabel_margin_loss")
def multilabel_margin_loss(input: Tensor, target: Tensor, reduction: int = 1) -> Tensor:
    """Hinges of the classes that are listed against all others. Raises RuntimeError for shapes."""
    options = (word(reduction),)
    out = apply_fixed("MultilabelMarginLoss", lang.multilabel_margin, options, input, target)
    _need_classes(target)
    return out


@nn("kl_div", torch=True)
def kl_div(
    input: Tensor, target: Tensor, reduction: int = 1, *, log_target: bool = False
) -> Tensor:
    """target (log target - input)."""
    return apply_fixed("KlDiv", lang.kl_div, (word(reduction), log_target), input, target)


@nn("binary_cross_entropy")
def binary_cross_entropy(
    input: Tensor, target: Tensor, weight: Tensor | None = None, reduction: int = 1
) -> Tensor:
    """Cross-entropy of probabilities."""
    f, options = lang.binary_cross_entropy, (word(reduction),)
    return apply_fixed("BinaryCrossEntropy", f, options, input, target, weight)


@nn("binary_cross_entropy_with_logits", torch=True)
def binary_cross_entropy_with_logits(
    input: Tensor, target: Tensor, weight: Tensor | None = None, pos_weight: Tensor | None = None,
    reduction: int = 1,
) -> Tensor:  # fmt: skip
    """Cross-entropy of the sigmoids of the input."""
    title, options = "BinaryCrossEntropyWithLogits", (word(reduction),)
    return apply_fixed(title, _of_logits, options, input, target, weight, pos_weight)


def _of_logits(x: Node, t: Node, w: Node | None, p: Node | None, reduction: str) -> Node:
    return lang.binary_cross_entropy_with_logits(x, t, w, reduction, p)


def _check_classes(input: Tensor, target: Tensor, ignore_index: int) -> None:
    """Raises IndexError for a known target that is no class; other errors are found later."""
    shape, at = input._node.shape, target._node.shape
    if target.dtype._rank == 1 and shape and at == shape[:1][: len(shape) - 1] + shape[2:]:
        classes = shape[min(1, len(shape) - 1)]
        known(target, classes, IndexError, "Target {} is out of bounds.", 0, ignore_index)


@nn("nll_loss_nd")
def nll_loss_nd(
    input: Tensor, target: Tensor, weight: Tensor | None = None, reduction: int = 1,
    ignore_index: int = -100,
) -> Tensor:  # fmt: skip
    """The negative log-probability of the target's class."""
    title = "NllLoss" if len(input._node.shape) <= 2 else "NllLoss2D"
    _check_classes(input, target, ignore_index)
    return apply_fixed(title, lang.nll, (ignore_index, word(reduction)), input, target, weight)


nn("nll_loss")(nll_loss_nd)


@nn("cross_entropy_loss")
def cross_entropy_loss(
    input: Tensor, target: Tensor, weight: Tensor | None = None, reduction: int = 1,
    ignore_index: int = -100, label_smoothing: float = 0.0,
) -> Tensor:  # fmt: skip
    """`nll_loss` of the log-softmax, or cross-entropy with class probabilities."""
    options = ignore_index, word(reduction), label_smoothing
    _check_classes(input, target, ignore_index)
    return apply_fixed("NllLoss", lang.cross_entropy, options, input, target, weight)


@nn("multi_margin_loss")
def multi_margin_loss(
    input: Tensor, target: Tensor, p: int = 1, margin: float = 1.0, weight: Tensor | None = None,
    reduction: int = 1,
) -> Tensor:  # fmt: skip
    """Hinges of all other classes against the target's. Raises RuntimeError for shapes."""
    options = p, margin, word(reduction)
    out = apply_fixed("MultiMarginLoss", _multi_margin, options, input, target, weight)
    _need_classes(target)
    return out


def _multi_margin(
    x: Node, t: Node, w: Node | None, p: int, margin: float, reduction: str
) -> Node:
    return lang.multi_margin(x, t, p, margin, w, reduction)


@nn("ctc_loss", torch=True)
def ctc_loss(
    log_probs: Tensor, targets: Tensor, input_lengths: Any, target_lengths: Any, blank: int = 0,
    reduction: int = 1, zero_infinity: bool = False,
) -> Tensor:  # fmt: skip
    """Connectionist temporal classification: -log of the sum over all alignments. Raises
    RuntimeError where there are no probabilities.
    """
    if not log_probs._node.size:
        raise RuntimeError("log_probs tensor must not be empty")
    there = log_probs.device
    others = [as_tensor(n, device=there) for n in (targets, input_lengths, target_lengths)]
    options = blank, word(reduction), zero_infinity
    return apply_fixed("CtcLoss", lang.ctc, options, log_probs, *others)
