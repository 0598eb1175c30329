"""Losses, over `lang.loss`; reductions are PyTorch's numbers 0 none, 1 mean, 2 sum."""

from collections.abc import Callable
from typing import Any

from ...ir.node import Node
from ...lang import loss as lang
from .._dispatch import result_type, to_dtype
from ..create import as_tensor
from ..tensor import Tensor
from ._base import apply, nn, word


def _both(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    joint = result_type(x, y)
    return to_dtype(x, joint), to_dtype(y, joint)


def _pair(name: str, title: str, f: Callable[..., Node], torch: bool = False) -> None:
    def function(input: Tensor, target: Tensor, reduction: int = 1, *rest: Any) -> Tensor:
        x, y = _both(input, target)
        return apply(title, lambda a, b: f(a, b, word(reduction), *rest), x, y)

    function.__doc__ = f"`{name}` of the input by the target."
    nn(name, torch=torch)(function)


_pair("mse_loss", "MseLoss", lang.mse)
_pair("l1_loss", "MeanAbsoluteError", lang.l1)
_pair("smooth_l1_loss", "SmoothL1Loss", lang.smooth_l1)
_pair("huber_loss", "HuberLoss", lang.huber)
_pair("soft_margin_loss", "SoftMarginLoss", lang.soft_margin)
_pair("multilabel_margin_loss", "MultilabelMarginLoss", lang.multilabel_margin)


@nn("kl_div", torch=True)
def kl_div(
    input: Tensor, target: Tensor, reduction: int = 1, *, log_target: bool = False
) -> Tensor:
    """target (log target - input)."""
    return apply("KlDiv", lambda x, t: lang.kl_div(x, t, word(reduction), log_target),
                 input, target)  # fmt: skip


@nn("binary_cross_entropy")
def binary_cross_entropy(
    input: Tensor, target: Tensor, weight: Tensor | None = None, reduction: int = 1
) -> Tensor:
    """Cross-entropy of probabilities."""
    return apply(
        "BinaryCrossEntropy",
        lambda x, t, w: lang.binary_cross_entropy(x, t, w, word(reduction)),
        input, target, weight,
    )  # fmt: skip


@nn("binary_cross_entropy_with_logits", torch=True)
def binary_cross_entropy_with_logits(
    input: Tensor, target: Tensor, weight: Tensor | None = None, pos_weight: Tensor | None = None,
    reduction: int = 1,
) -> Tensor:  # fmt: skip
    """Cross-entropy of the sigmoids of the input."""

    def f(x: Node, t: Node, w: Node | None, p: Node | None) -> Node:
        return lang.binary_cross_entropy_with_logits(x, t, w, word(reduction), p)

    return apply("BinaryCrossEntropyWithLogits", f, input, target, weight, pos_weight)


@nn("nll_loss_nd")
def nll_loss_nd(
    input: Tensor, target: Tensor, weight: Tensor | None = None, reduction: int = 1,
    ignore_index: int = -100,
) -> Tensor:  # fmt: skip
    """The negative log-probability of the target's class."""
    title = "NllLoss" if len(input._node.shape) <= 2 else "NllLoss2D"
    return apply(
        title,
        lambda x, t, w: lang.nll(x, t, w, ignore_index, word(reduction)),
        input, target, weight,
    )  # fmt: skip


nn("nll_loss")(nll_loss_nd)


@nn("cross_entropy_loss")
def cross_entropy_loss(
    input: Tensor, target: Tensor, weight: Tensor | None = None, reduction: int = 1,
    ignore_index: int = -100, label_smoothing: float = 0.0,
) -> Tensor:  # fmt: skip
    """`nll_loss` of the log-softmax, or cross-entropy with class probabilities."""

    def f(x: Node, t: Node, w: Node | None) -> Node:
        return lang.cross_entropy(x, t, w, ignore_index, word(reduction), label_smoothing)

    return apply("NllLoss", f, input, target, weight)


@nn("poisson_nll_loss", torch=True)
def poisson_nll_loss(
    input: Tensor, target: Tensor, log_input: bool, full: bool, eps: float, reduction: int
) -> Tensor:
    """The negative log-likelihood of counts."""
    x, y = _both(input, target)
    return apply(
        "PoissonNllLoss",
        lambda a, b: lang.poisson_nll(a, b, log_input, full, eps, word(reduction)), x, y,
    )  # fmt: skip


@nn("margin_ranking_loss", torch=True)
def margin_ranking_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0.0, reduction: int = 1
) -> Tensor:
    """max(0, -target (input1 - input2) + margin)."""
    return apply(
        "MarginRankingLoss",
        lambda x, y, t: lang.margin_ranking(x, y, t, margin, word(reduction)),
        input1, input2, to_dtype(target, input1.dtype),
    )  # fmt: skip


@nn("hinge_embedding_loss", torch=True)
def hinge_embedding_loss(
    input: Tensor, target: Tensor, margin: float = 1.0, reduction: int = 1
) -> Tensor:
    """The input where the target is 1, else max(0, margin - input)."""
    return apply(
        "HingeEmbeddingLoss",
        lambda x, t: lang.hinge_embedding(x, t, margin, word(reduction)),
        input, to_dtype(target, input.dtype),
    )  # fmt: skip


@nn("cosine_embedding_loss", torch=True)
def cosine_embedding_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0.0, reduction: int = 1
) -> Tensor:
    """1 - cos where the target is 1, else max(0, cos - margin)."""
    return apply(
        "CosineEmbeddingLoss",
        lambda x, y, t: lang.cosine_embedding(x, y, t, margin, word(reduction)),
        input1, input2, target,
    )  # fmt: skip


@nn("multi_margin_loss")
def multi_margin_loss(
    input: Tensor, target: Tensor, p: int = 1, margin: float = 1.0, weight: Tensor | None = None,
    reduction: int = 1,
) -> Tensor:  # fmt: skip
    """Hinges of all other classes against the target's."""

    def f(x: Node, t: Node, w: Node | None) -> Node:
        return lang.multi_margin(x, t, p, margin, w, word(reduction))

    return apply("MultiMarginLoss", f, input, target, weight)


@nn("triplet_margin_loss", torch=True)
def triplet_margin_loss(
    anchor: Tensor, positive: Tensor, negative: Tensor, margin: float = 1.0, p: float = 2.0,
    eps: float = 1e-6, swap: bool = False, reduction: int = 1,
) -> Tensor:  # fmt: skip
    """max(0, d(anchor, positive) - d(anchor, negative) + margin)."""

    def f(a: Node, b: Node, c: Node) -> Node:
        return lang.triplet_margin(a, b, c, margin, p, eps, swap, word(reduction))

    return apply("TripletMarginLoss", f, anchor, positive, negative)


@nn("ctc_loss", torch=True)
def ctc_loss(
    log_probs: Tensor, targets: Tensor, input_lengths: Any, target_lengths: Any, blank: int = 0,
    reduction: int = 1, zero_infinity: bool = False,
) -> Tensor:  # fmt: skip
    """Connectionist temporal classification: -log of the sum over all alignments."""
    lengths = [as_tensor(n) for n in (input_lengths, target_lengths)]

    def f(x: Node, t: Node, n: Node, m: Node) -> Node:
        return lang.ctc(x, t, n, m, blank, word(reduction), zero_infinity)

    return apply("CtcLoss", f, log_probs, targets, *lengths)
