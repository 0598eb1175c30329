"""Losses as functions.

What enters: predictions and targets. What leaves: how far they are apart, reduced by none, mean or
sum. It must not know how losses are computed.
"""

import math
import warnings
from collections.abc import Callable
from typing import Any

from ... import _api as torch
from .. import _reduction
from .activation import logsigmoid
from .linear import linear

Flag = bool | None


def _kernel(name: str, *args: Any, old: tuple[Flag, Flag], reduction: str) -> Any:
    """A kernel that takes the reduction's number last."""
    return getattr(torch._nn, name)(*args, _reduction.chosen(*old, reduction))


def _reduced(loss: Any, reduction: str, text: str) -> Any:
    """A loss by elements, reduced; ValueError for another reduction."""
    if reduction == "none":
        return loss
    if reduction not in ("mean", "sum"):
        raise ValueError(text)
    return loss.mean() if reduction == "mean" else loss.sum()


def ctc_loss(
    log_probs: Any,
    targets: Any,
    input_lengths: Any,
    target_lengths: Any,
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> Any:
    """Connectionist temporal classification (Graves et al. 2006) of (time, batch, classes)."""
    number = _reduction.get_enum(reduction)
    return torch._nn.ctc_loss(
        log_probs, targets, input_lengths, target_lengths, blank, number, zero_infinity
    )


def nll_loss(
    input: Any,
    target: Any,
    weight: Any = None,
    size_average: Flag = None,
    ignore_index: int = -100,
    reduce: Flag = None,
    reduction: str = "mean",
) -> Any:
    """-weight[target] input[target], of log-probabilities (N, C, *) and class numbers (N, *)."""
    number = _reduction.chosen(size_average, reduce, reduction)
    return torch._nn.nll_loss_nd(input, target, weight, number, ignore_index)


def cross_entropy(
    input: Any,
    target: Any,
    weight: Any = None,
    size_average: Flag = None,
    ignore_index: int = -100,
    reduce: Flag = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Any:
    """The cross entropy of logits (N, C, *) and class numbers (N, *) or probabilities."""
    number = _reduction.chosen(size_average, reduce, reduction)
    return torch._nn.cross_entropy_loss(
        input, target, weight, number, ignore_index, label_smoothing
    )


def poisson_nll_loss(
    input: Any,
    target: Any,
    log_input: bool = True,
    full: bool = False,
    size_average: Flag = None,
    eps: float = 1e-08,
    reduce: Flag = None,
    reduction: str = "mean",
) -> Any:
    """The negative log-likelihood of counts, with Stirling's term where full."""
    if size_average is not None or reduce is not None:
        reduction = _reduction.legacy_get_string(size_average, reduce)
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(reduction + " is not a valid value for reduction")
    number = _reduction.get_enum(reduction)
    return torch._nn.poisson_nll_loss(input, target, log_input, full, eps, number)


def _variance(input: Any, var: Any) -> Any:
    """The variances in a shape that suits the input; ValueError for others, and negative ones."""
    if isinstance(var, float):
        if var < 0:
            raise ValueError("var has negative entry/entries")
        return var * torch.ones_like(input)
    if torch.any(var < 0):
        raise ValueError("var has negative entry/entries")
    if var.size() == input.size():
        return var
    if input.size()[:-1] == var.size():
        return torch.unsqueeze(var, -1)
    same_rank = input.ndim == var.ndim
    if same_rank and sum(y for x, y in zip(input.size(), var.size()) if x != y) == 1:
        return var
    raise ValueError("var is of incorrect size")


def gaussian_nll_loss(
    input: Any,
    target: Any,
    var: Any,
    full: bool = False,
    eps: float = 1e-06,
    reduction: str = "mean",
) -> Any:
    """The negative log-likelihood of normal targets, with the constant term where full."""
    var = _variance(input, var).clone()
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(reduction + " is not valid")
    with torch.no_grad():
        var.clamp_(min=eps)
    loss = 0.5 * (torch.log(var) + (input - target) ** 2 / var)
    if full:
        loss += 0.5 * math.log(2 * math.pi)
    return _reduced(loss, reduction, "")


def kl_div(
    input: Any,
    target: Any,
    size_average: Flag = None,
    reduce: Flag = None,
    reduction: str = "mean",
    log_target: bool = False,
) -> Any:
    """target (log target - input), of log-probabilities and probabilities or their logarithms."""
    if size_average is not None or reduce is not None:
        number = _reduction.legacy_get_enum(size_average, reduce)
    else:
        if reduction == "mean":
            warnings.warn(
                "reduction: 'mean' divides the total loss by both the batch size and the support "
                "size.'batchmean' divides only by the batch size, and aligns with the KL div math "
                "definition.'mean' will be changed to behave the same as 'batchmean' in the next "
                "major release.",
                stacklevel=2,
            )
        number = _reduction.get_enum("sum" if reduction == "batchmean" else reduction)
    reduced = torch._nn.kl_div(input, target, number, log_target=log_target)
    if reduction == "batchmean" and input.dim() != 0:
        reduced = reduced / input.size()[0]
    return reduced


def binary_cross_entropy(
    input: Any,
    target: Any,
    weight: Any = None,
    size_average: Flag = None,
    reduce: Flag = None,
    reduction: str = "mean",
) -> Any:
    """The cross entropy of probabilities and binary targets of the same shape."""
    number = _reduction.chosen(size_average, reduce, reduction)
    if target.size() != input.size():
        raise ValueError(
            f"Using a target size ({target.size()}) that is different to the input size "
            f"({input.size()}) is deprecated. Please ensure they have the same size."
        )
    if weight is not None:
        weight = weight.expand(torch.broadcast_shapes(target.size(), weight.size()))
    return torch._nn.binary_cross_entropy(input, target, weight, number)


def binary_cross_entropy_with_logits(
    input: Any,
    target: Any,
    weight: Any = None,
    size_average: Flag = None,
    reduce: Flag = None,
    reduction: str = "mean",
    pos_weight: Any = None,
) -> Any:
    """The cross entropy of logits and binary targets of the same shape."""
    number = _reduction.chosen(size_average, reduce, reduction)
    if target.size() != input.size():
        raise ValueError(
            f"Target size ({target.size()}) must be the same as input size ({input.size()})"
        )
    return torch._nn.binary_cross_entropy_with_logits(input, target, weight, pos_weight, number)


def _logits_shape(input: Any, weight: Any, bias: Any) -> tuple[int, ...]:
    """The shape of weight times input. Raises RuntimeError for shapes that don't fit."""
    if not 1 <= input.dim() <= 2:
        raise RuntimeError(f"expected input with dimensionality 1 or 2, got {input.dim()}")
    if weight.dim() < 2:
        raise RuntimeError(
            f"expected linear_weight with dimensionality at least 2, got {weight.dim()}"
        )
    if input.shape[-1] != weight.shape[-1]:
        raise RuntimeError(
            "expected equal input and linear_weight last dimensions (in_features), got "
            f"{input.shape[-1]} and {weight.shape[-1]}, respectively"
        )
    classes = tuple(weight.shape[:-1])
    if bias is not None and tuple(bias.shape) != classes:
        raise RuntimeError(f"expected linear_bias shape {classes}, got {tuple(bias.shape)}")
    if len(classes) > 1 and input.dim() == 1:
        raise RuntimeError(
            f"K-dimensional loss defined by linear_weight shape {tuple(weight.shape)} requires "
            f"batched input, (N, {input.shape[-1]}), got unbatched input with shape "
            f"{tuple(input.shape)}"
        )
    return (*input.shape[:-1], *classes)


def linear_cross_entropy(
    input: Any,
    linear_weight: Any,
    target: Any,
    *,
    linear_bias: Any = None,
    weight: Any = None,
    reduction: str = "mean",
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
) -> Any:
    """cross_entropy of linear(input). Raises RuntimeError for shapes that don't fit."""
    shape = _logits_shape(input, linear_weight, linear_bias)
    if target.shape == shape and ignore_index is not None:
        raise RuntimeError("ignore_index cannot be specified when target contains probabilities")
    flat = linear_weight.reshape(-1, linear_weight.shape[-1])
    bias = None if linear_bias is None else linear_bias.reshape(-1)
    return cross_entropy(
        linear(input, flat, bias).reshape(shape),
        target,
        weight=weight,
        reduction=reduction,
        ignore_index=-100 if ignore_index is None else ignore_index,
        label_smoothing=label_smoothing,
    )


def _together(input: Any, target: Any) -> tuple[Any, Any]:
    """Input and target broadcast, with a warning where that changes them."""
    if target.size() != input.size():
        warnings.warn(
            f"Using a target size ({target.size()}) that is different to the input size "
            f"({input.size()}). This will likely lead to incorrect results due to broadcasting. "
            "Please ensure they have the same size.",
            stacklevel=3,
        )
    both = torch.broadcast_tensors(input, target)
    return both[0], both[1]


def _weighted(
    errors: Callable[[], Any], input: Any, weight: Any, reduction: str, by_weight: bool = True
) -> Any:
    """Errors times weights; their mean is over the sum of the weights, or of their count."""
    if weight.size() != input.size():
        raise ValueError("Weights and input must have the same size.")
    weighted = errors() * weight
    if reduction == "mean" and by_weight:
        return torch.sum(weighted) / torch.sum(weight)
    return _reduced(
        weighted,
        reduction,
        f"Invalid reduction mode: {reduction}. Expected one of 'none', 'mean', 'sum'.",
    )


def smooth_l1_loss(
    input: Any,
    target: Any,
    size_average: Flag = None,
    reduce: Flag = None,
    reduction: str = "mean",
    beta: float = 1.0,
) -> Any:
    """Squares below beta, absolute values from it on (Girshick 2015)."""
    x, y = _together(input, target)
    number = _reduction.chosen(size_average, reduce, reduction)
    if beta == 0.0:
        return torch._nn.l1_loss(x, y, number)
    return torch._nn.smooth_l1_loss(x, y, number, beta)


def huber_loss(
    input: Any, target: Any, reduction: str = "mean", delta: float = 1.0, weight: Any = None
) -> Any:
    """Squares below delta, delta times absolute values from it on."""
    x, y = _together(input, target)
    kernel = torch._nn.huber_loss
    if weight is None:
        return kernel(x, y, _reduction.get_enum(reduction), delta)
    return _weighted(lambda: kernel(x, y, 0, delta), input, weight, reduction, by_weight=False)


def l1_loss(
    input: Any,
    target: Any,
    size_average: Flag = None,
    reduce: Flag = None,
    reduction: str = "mean",
    weight: Any = None,
) -> Any:
    """|input - target|."""
    x, y = _together(input, target)
    if size_average is not None or reduce is not None:
        reduction = _reduction.legacy_get_string(size_average, reduce)
    if weight is None:
        return torch._nn.l1_loss(x, y, _reduction.get_enum(reduction))
    return _weighted(lambda: torch.abs(x - y), input, weight, reduction)


def mse_loss(
    input: Any,
    target: Any,
    size_average: Flag = None,
    reduce: Flag = None,
    reduction: str = "mean",
    weight: Any = None,
) -> Any:
    """(input - target)²."""
    x, y = _together(input, target)
    if size_average is not None or reduce is not None:
        reduction = _reduction.legacy_get_string(size_average, reduce)
    if weight is None:
        return torch._nn.mse_loss(x, y, _reduction.get_enum(reduction))
    return _weighted(lambda: torch.pow(x - y, 2), input, weight, reduction)


def margin_ranking_loss(
    input1: Any,
    input2: Any,
    target: Any,
    margin: float = 0,
    size_average: Flag = None,
    reduce: Flag = None,
    reduction: str = "mean",
) -> Any:
    """max(0, -target (input1 - input2) + margin)."""
    number = _reduction.chosen(size_average, reduce, reduction)
    if not input1.dim() == input2.dim() == target.dim():
        raise RuntimeError(
            "margin_ranking_loss : All input tensors should have same dimension but got sizes: "
            f"input1: {input1.size()}, input2: {input2.size()}, target: {target.size()} "
        )
    return torch._nn.margin_ranking_loss(input1, input2, target, margin, number)


def hinge_embedding_loss(
    input: Any,
    target: Any,
    margin: float = 1.0,
    size_average: Flag = None,
    reduce: Flag = None,
    reduction: str = "mean",
) -> Any:
    """input where target is 1, max(0, margin - input) where it is -1."""
    old = (size_average, reduce)
    return _kernel("hinge_embedding_loss", input, target, margin, old=old, reduction=reduction)


def multilabel_margin_loss(
    input: Any,
    target: Any,
    size_average: Flag = None,
    reduce: Flag = None,
    reduction: str = "mean",
) -> Any:
    """The hinge loss of several classes for each sample."""
    old = (size_average, reduce)
    return _kernel("multilabel_margin_loss", input, target, old=old, reduction=reduction)


def soft_margin_loss(
    input: Any,
    target: Any,
    size_average: Flag = None,
    reduce: Flag = None,
    reduction: str = "mean",
) -> Any:
    """log(1 + e^(-target input))."""
    old = (size_average, reduce)
    return _kernel("soft_margin_loss", input, target, old=old, reduction=reduction)


def multilabel_soft_margin_loss(
    input: Any,
    target: Any,
    weight: Any = None,
    size_average: Flag = None,
    reduce: Flag = None,
    reduction: str = "mean",
) -> Any:
    """The mean over classes of binary cross entropies of logits."""
    if size_average is not None or reduce is not None:
        reduction = _reduction.legacy_get_string(size_average, reduce)
    loss = -(target * logsigmoid(input) + (1 - target) * logsigmoid(-input))
    if weight is not None:
        loss = loss * weight
    classes = input.dim() - 1
    loss = loss.sum(dim=classes) / input.size(classes)
    return _reduced(loss, reduction, reduction + " is not valid")


def cosine_embedding_loss(
    input1: Any,
    input2: Any,
    target: Any,
    margin: float = 0,
    size_average: Flag = None,
    reduce: Flag = None,
    reduction: str = "mean",
) -> Any:
    """1 - cos where target is 1, max(0, cos - margin) where it is -1."""
    args = (input1, input2, target, margin)
    old = (size_average, reduce)
    return _kernel("cosine_embedding_loss", *args, old=old, reduction=reduction)


def multi_margin_loss(
    input: Any,
    target: Any,
    p: int = 1,
    margin: float = 1.0,
    weight: Any = None,
    size_average: Flag = None,
    reduce: Flag = None,
    reduction: str = "mean",
) -> Any:
    """The hinge loss of one class for each sample."""
    number = _reduction.chosen(size_average, reduce, reduction)
    if p not in (1, 2):
        raise ValueError("only p == 1 and p == 2 supported")
    if weight is not None and weight.dim() != 1:
        raise ValueError("weight must be one-dimensional")
    return torch._nn.multi_margin_loss(input, target, p, margin, weight, number)


def triplet_margin_loss(
    anchor: Any,
    positive: Any,
    negative: Any,
    margin: float = 1.0,
    p: float = 2,
    eps: float = 1e-06,
    swap: bool = False,
    size_average: Flag = None,
    reduce: Flag = None,
    reduction: str = "mean",
) -> Any:
    """max(0, d(anchor, positive) - d(anchor, negative) + margin) by p-norm distances."""
    number = _reduction.chosen(size_average, reduce, reduction)
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    return torch._nn.triplet_margin_loss(anchor, positive, negative, margin, p, eps, swap, number)


def triplet_margin_with_distance_loss(
    anchor: Any,
    positive: Any,
    negative: Any,
    *,
    distance_function: Callable[[Any, Any], Any] | None = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> Any:
    """triplet_margin_loss with a distance of one's own."""
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f"{reduction} is not a valid value for reduction")
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    a, b, c = anchor.ndim, positive.ndim, negative.ndim
    if not a == b == c:
        raise RuntimeError(
            "The anchor, positive, and negative tensors are expected to have the same number of "
            f"dimensions, but got: anchor {a}D, positive {b}D, and negative {c}D inputs"
        )
    distance = distance_function or torch._nn.pairwise_distance
    near, far = distance(anchor, positive), distance(anchor, negative)
    if swap:
        far = torch.minimum(far, distance(positive, negative))
    return _reduced(torch.clamp_min(margin + near - far, 0), reduction, "")
