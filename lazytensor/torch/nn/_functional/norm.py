"""Normalisations and distances as functions.

What enters: tensors. What leaves: tensors of the same shape, or distances. It must not know how
statistics are computed.
"""

import math
from typing import Any

from ... import _api as torch
from .pooling import avg_pool2d, avg_pool3d
from .resample import pad


def _several_values(size: Any) -> None:
    """Refuse to normalise by the statistics of one value."""
    if size[0] * math.prod(size[2:]) == 1:
        raise ValueError(
            f"Expected more than 1 value per channel when training, got input size {size}"
        )


def batch_norm(
    input: Any,
    running_mean: Any,
    running_var: Any,
    weight: Any = None,
    bias: Any = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-05,
) -> Any:
    """Each channel at mean 0 and variance 1: by its own statistics in training, which the running
    ones take momentum of, in place; by the running ones else.
    """
    if training:
        _several_values(input.size())
    if training and eps <= 0.0:
        raise ValueError(f"batch_norm eps must be positive during training, but got {eps}")
    if eps < 0.0:
        raise ValueError(f"batch_norm eps must be non-negative, but got {eps}")
    return torch._nn.batch_norm(
        input, weight, bias, running_mean, running_var, training, momentum, eps, False
    )


def instance_norm(
    input: Any,
    running_mean: Any = None,
    running_var: Any = None,
    weight: Any = None,
    bias: Any = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-05,
) -> Any:
    """Each channel of each sample at mean 0 and variance 1."""
    if use_input_stats and math.prod(input.size()[2:]) == 1:
        raise ValueError(
            f"Expected more than 1 spatial element when training, got input size {input.size()}"
        )
    return torch._nn.instance_norm(
        input, weight, bias, running_mean, running_var, use_input_stats, momentum, eps, False
    )


def layer_norm(
    input: Any, normalized_shape: Any, weight: Any = None, bias: Any = None, eps: float = 1e-05
) -> Any:
    """Mean 0 and variance 1 over the last dimensions (Ba et al. 2016)."""
    return torch._nn.layer_norm(input, normalized_shape, weight, bias, eps, False)


def rms_norm(
    input: Any, normalized_shape: Any, weight: Any = None, eps: float | None = None
) -> Any:
    """Mean square 1 over the last dimensions (Zhang & Sennrich 2019)."""
    return torch._nn.rms_norm(input, normalized_shape, weight, eps)


def group_norm(
    input: Any, num_groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-05
) -> Any:
    """Mean 0 and variance 1 over groups of channels (Wu & He 2018)."""
    if input.dim() < 2:
        raise RuntimeError(
            f"Expected at least 2 dimensions for input tensor but received {input.dim()}"
        )
    rows = input.size(0) * input.size(1) // num_groups
    _several_values([rows, num_groups, *input.size()[2:]])
    return torch._nn.group_norm(input, num_groups, weight, bias, eps, False)


def local_response_norm(
    input: Any, size: int, alpha: float = 0.0001, beta: float = 0.75, k: float = 1.0
) -> Any:
    """Each channel over (k + alpha mean of neighbours' squares) to the beta."""
    dim = input.dim()
    if dim < 3:
        raise ValueError(
            "Expected 3D or higher dimensionality                          "
            f"input (got {dim} dimensions)"
        )
    if input.numel() == 0:
        return input
    squares, ends = input.mul(input), (size // 2, (size - 1) // 2)
    if dim == 3:
        padded = pad(squares.unsqueeze(1), (0, 0, *ends))
        means = avg_pool2d(padded, (size, 1), stride=1).squeeze(1)
    else:
        sizes = input.size()
        flat = squares.view(sizes[0], 1, sizes[1], sizes[2], -1)
        padded = pad(flat, (0, 0, 0, 0, *ends))
        means = avg_pool3d(padded, (size, 1, 1), stride=1).squeeze(1).view(sizes)
    return input / means.mul(alpha).add(k).pow(beta)


def normalize(input: Any, p: float = 2.0, dim: Any = 1, eps: float = 1e-12, out: Any = None) -> Any:
    """Vectors along dim divided by their p-norm, or by eps where that is greater."""
    norm = input.norm(p, dim, keepdim=True)
    if out is None:
        return input / norm.clamp_min(eps).expand_as(input)
    return torch.div(input, norm.clamp_min_(eps).expand_as(input), out=out)


def pairwise_distance(
    x1: Any, x2: Any, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False
) -> Any:
    """The p-norm of x1 - x2 + eps along the last dimension."""
    return torch._nn.pairwise_distance(x1, x2, p, eps, keepdim)


def cosine_similarity(x1: Any, x2: Any, dim: int = 1, eps: float = 1e-8) -> Any:
    """The cosine of the angle between vectors along dim."""
    return torch._nn.cosine_similarity(x1, x2, dim, eps)


def pdist(input: Any, p: float = 2.0) -> Any:
    """The p-norm distances between all pairs of rows, in a row."""
    return torch._nn.pdist(input, p)
