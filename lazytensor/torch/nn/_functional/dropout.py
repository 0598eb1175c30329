"""Dropout as functions.

What enters: tensors. What leaves: the same with some elements or channels zero at random. It must
not know how draws are made.
"""

import warnings
from typing import Any

from ... import _api as torch


def _drop(name: str, input: Any, p: float, training: bool, inplace: bool) -> Any:
    """The kernel of a name, in place or not; ValueError for what is no probability."""
    if p < 0.0 or p > 1.0:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
    return getattr(torch._nn, f"{name}_" if inplace else name)(input, p, training)


def dropout(input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
    """Elements are zero with probability p, others divided by 1 - p."""
    return _drop("dropout", input, p, training, inplace)


def alpha_dropout(input: Any, p: float = 0.5, training: bool = False, inplace: bool = False) -> Any:
    """Dropout that keeps mean and variance behind SELU (Klambauer et al. 2017)."""
    return _drop("alpha_dropout", input, p, training, inplace)


def feature_alpha_dropout(
    input: Any, p: float = 0.5, training: bool = False, inplace: bool = False
) -> Any:
    """Alpha dropout of whole channels."""
    return _drop("feature_alpha_dropout", input, p, training, inplace)


def _of_one(input: Any, p: float, training: bool, inplace: bool) -> Any:
    """Dropout of the channels of a sample that is not batched."""
    batch = input.unsqueeze_(0) if inplace else input.unsqueeze(0)
    result = _drop("feature_dropout", batch, p, training, inplace)
    return result.squeeze_(0) if inplace else result.squeeze(0)


def _warn_of_rank(rank: int, dim: int) -> None:
    """Warn of inputs that are neither (C, *sizes) nor (N, C, *sizes)."""
    warnings.warn(
        f"dropout{rank}d: Received a {dim}-D input to dropout{rank}d, which is deprecated and "
        "will result in an error in a future release. To retain the behavior and silence this "
        f"warning, please use dropout instead. Note that dropout{rank}d exists to provide "
        f"channel-wise dropout on inputs with {rank} spatial dimensions, a channel dimension, and "
        f"an optional batch dimension (i.e. {rank + 1}D or {rank + 2}D inputs).",
        stacklevel=3,
    )


def dropout1d(input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
    """Channels of (N, C, L) or (C, L) are zero with probability p, others divided by 1 - p."""
    if p < 0.0 or p > 1.0:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
    dim = input.dim()
    if dim not in (2, 3):
        raise RuntimeError(
            f"dropout1d: Expected 2D or 3D input, but received a {dim}D input. Note that "
            "dropout1d exists to provide channel-wise dropout on inputs with 1 spatial dimension, "
            "a channel dimension, and an optional batch dimension (i.e. 2D or 3D inputs)."
        )
    if dim == 2:
        return _of_one(input, p, training, inplace)
    return _drop("feature_dropout", input, p, training, inplace)


def dropout2d(input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
    """Channels of (N, C, H, W) are zero with probability p, others divided by 1 - p."""
    if p < 0.0 or p > 1.0:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
    dim = input.dim()
    if dim not in (3, 4):
        _warn_of_rank(2, dim)
    if dim == 3:
        warnings.warn(
            "dropout2d: Received a 3D input to dropout2d and assuming that channel-wise 1D dropout "
            "behavior is desired - input is interpreted as shape (N, C, L), where C is the channel "
            "dim. This behavior will change in a future release to interpret the input as one "
            "without a batch dimension, i.e. shape (C, H, W). To maintain the 1D channel-wise "
            "dropout behavior, please switch to using dropout1d instead.",
            stacklevel=2,
        )
    return _drop("feature_dropout", input, p, training, inplace)


def dropout3d(input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
    """Channels of (N, C, D, H, W) or without N are zero with probability p."""
    if p < 0.0 or p > 1.0:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
    dim = input.dim()
    if dim not in (4, 5):
        _warn_of_rank(3, dim)
    if dim != 5:
        return _of_one(input, p, training, inplace)
    return _drop("feature_dropout", input, p, training, inplace)
