"""Embeddings as functions: rows of a table by their numbers.

What enters: integer tensors and tables. What leaves: rows, each or summed over bags. It must not
know how rows are gathered.
"""

import warnings
from typing import Any

from ... import _api as torch


def _renorm(weight: Any, input: Any, max_norm: float, norm_type: float) -> None:
    """Scale the rows that are asked for, in place, to a norm of at most max_norm."""
    torch._nn.embedding_renorm_(weight.detach(), input, max_norm, norm_type)


def one_hot(tensor: Any, num_classes: int = -1) -> Any:
    """A row for each number, one at its place: (*) to (*, num_classes)."""
    return torch._nn.one_hot(tensor, num_classes)


def embedding(
    input: Any,
    weight: Any,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Any:
    """The rows of weight (rows, features) that are asked for: (*) to (*, features).

    The row padding_idx gets no gradient; with max_norm rows are scaled in place before.
    """
    if padding_idx is None:
        padding_idx = -1
    else:
        rows = weight.size(0)
        if not -rows <= padding_idx < rows:
            raise AssertionError("Padding_idx must be within num_embeddings")
        padding_idx = padding_idx + rows if padding_idx < 0 else padding_idx
    if max_norm is not None:
        input = input.contiguous()
        _renorm(weight, input, max_norm, norm_type)
    return torch._nn.embedding(weight, input, padding_idx, scale_grad_by_freq, sparse)


def _as_bags(input: Any, offsets: Any, weights: Any) -> tuple[Any, Any, Any]:
    """Numbers in a row, where each bag begins, and weights in a row."""
    if input.dim() == 2:
        if offsets is not None:
            raise ValueError(
                "if input is 2D, then offsets has to be None, as input is treated is a mini-batch "
                f"of fixed length sequences. However, found offsets of type {type(offsets)}"
            )
        kind = {"dtype": input.dtype, "device": input.device}
        offsets = torch.arange(0, input.numel(), input.size(1), **kind)
        return input.reshape(-1), offsets, None if weights is None else weights.reshape(-1)
    if input.dim() != 1:
        raise ValueError(
            f"input has to be 1D or 2D Tensor, but got Tensor of dimension {input.dim()}"
        )
    if offsets is None:
        raise ValueError("offsets has to be a 1D Tensor but got None")
    if offsets.dim() != 1:
        raise ValueError("offsets has to be a 1D Tensor")
    return input, offsets, weights


def _check_mode(mode: str, scale_grad_by_freq: bool, sparse: bool, weights: Any) -> None:
    """Refuse modes that there are not, and options that a mode does not have."""
    if mode not in ("sum", "mean", "max"):
        raise ValueError("mode has to be one of sum, mean or max")
    if mode == "max" and scale_grad_by_freq:
        raise ValueError("max mode does not support scaling the gradient by the frequency")
    if mode == "max" and sparse:
        raise ValueError("max mode does not support sparse weights")
    if weights is not None and mode != "sum":
        raise NotImplementedError(
            "embedding_bag: per_sample_weights was not None. per_sample_weights is only supported "
            f"for mode='sum' (got mode='{mode}'). Please open a feature request on GitHub."
        )


def embedding_bag(
    input: Any,
    weight: Any,
    offsets: Any = None,
    max_norm: float | None = None,
    norm_type: float = 2,
    scale_grad_by_freq: bool = False,
    mode: str = "mean",
    sparse: bool = False,
    per_sample_weights: Any = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> Any:
    """The sum, mean or maximum of rows over bags: (bags, length) to (bags, features).

    With 1-D input, offsets say where each bag begins.
    """
    if weight.dtype == torch.long and input.is_floating_point():
        warnings.warn(
            "Argument order of nn.functional.embedding_bag was changed. Usage "
            "`embedding_bag(weight, input, ...)` is deprecated, and should now be "
            "`embedding_bag(input, weight, ...)`.",
            stacklevel=2,
        )
        weight, input = input, weight
    if per_sample_weights is not None and input.size() != per_sample_weights.size():
        raise ValueError(
            f"embedding_bag: If per_sample_weights ({per_sample_weights.shape}) is not None, then "
            f"it must have the same shape as the input ({input.shape})"
        )
    if weight.dim() != 2:
        raise ValueError(
            f"weight has to be a 2D Tensor, but got Tensor of dimension {weight.dim()}"
        )
    include_last_offset = include_last_offset and input.dim() != 2
    input, offsets, per_sample_weights = _as_bags(input, offsets, per_sample_weights)
    _check_mode(mode, scale_grad_by_freq, sparse, per_sample_weights)
    if max_norm is not None:
        _renorm(weight, input, max_norm, norm_type)
    number = ("sum", "mean", "max").index(mode)
    return torch._nn.embedding_bag(
        weight,
        input,
        offsets,
        scale_grad_by_freq,
        number,
        sparse,
        per_sample_weights,
        include_last_offset,
        padding_idx,
    )[0]
