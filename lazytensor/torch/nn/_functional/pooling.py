"""Pooling as functions.

What enters: tensors with channels in front of one to three spatial dimensions, batched or not. What
leaves: the same with other sizes, for maxima also where they were. It must not know how windows are
reduced.
"""

from collections.abc import Iterable
from typing import Any

from ... import _api as torch
from .activation import given, relu


def _sizes(value: Any, rank: int) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, Iterable) else (value,) * rank


def _filled(output_size: Any, input: Any) -> Any:
    """Output sizes with the input's where they are None."""
    if isinstance(output_size, int):
        return output_size
    sizes = input.size()
    if len(sizes) <= len(output_size):
        raise ValueError(f"Input dimension should be at least {len(output_size) + 1}")
    own = sizes[-len(output_size) :]
    return [size if size is not None else had for size, had in zip(output_size, own)]


def max_pool1d_with_indices(
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The greatest of each window of a sequence, and where they were."""
    stride = [] if stride is None else stride
    return torch._nn.max_pool1d_with_indices(
        input, kernel_size, stride, padding, dilation, ceil_mode
    )


def max_pool1d(
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The greatest of each window of a sequence, with return_indices also where they were."""
    if return_indices:
        return max_pool1d_with_indices(input, kernel_size, stride, padding, dilation, ceil_mode)
    stride = [] if stride is None else stride
    return torch._nn.max_pool1d(input, kernel_size, stride, padding, dilation, ceil_mode)


def max_pool2d_with_indices(
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The greatest of each window of an image, and where they were."""
    stride = [] if stride is None else stride
    return torch._nn.max_pool2d_with_indices(
        input, kernel_size, stride, padding, dilation, ceil_mode
    )


def max_pool2d(
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The greatest of each window of an image, with return_indices also where they were."""
    if return_indices:
        return max_pool2d_with_indices(input, kernel_size, stride, padding, dilation, ceil_mode)
    stride = [] if stride is None else stride
    return torch._nn.max_pool2d(input, kernel_size, stride, padding, dilation, ceil_mode)


def max_pool3d_with_indices(
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The greatest of each window of a volume, and where they were."""
    stride = [] if stride is None else stride
    return torch._nn.max_pool3d_with_indices(
        input, kernel_size, stride, padding, dilation, ceil_mode
    )


def max_pool3d(
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The greatest of each window of a volume, with return_indices also where they were."""
    if return_indices:
        return max_pool3d_with_indices(input, kernel_size, stride, padding, dilation, ceil_mode)
    stride = [] if stride is None else stride
    return torch._nn.max_pool3d(input, kernel_size, stride, padding, dilation, ceil_mode)


def avg_pool1d(
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Any:
    """The mean of each window of a sequence."""
    stride = [] if stride is None else stride
    return torch._nn.avg_pool1d(input, kernel_size, stride, padding, ceil_mode, count_include_pad)


def avg_pool2d(
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
    *,
    out: Any = None,
) -> Any:
    """The mean of each window of an image, or its sum over divisor_override."""
    stride = [] if stride is None else stride
    return torch._nn.avg_pool2d(
        input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override,
        **given(out),
    )  # fmt: skip


def avg_pool3d(
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
    *,
    out: Any = None,
) -> Any:
    """The mean of each window of a volume, or its sum over divisor_override."""
    stride = [] if stride is None else stride
    return torch._nn.avg_pool3d(
        input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override,
        **given(out),
    )  # fmt: skip


def _fractional(
    rank: int, input: Any, kernel_size: Any, output_size: Any, output_ratio: Any, samples: Any
) -> Any:
    """The greatest of windows placed by random samples, and where they were."""
    name = f"fractional_max_pool{rank}d"
    if output_size is None and output_ratio is None:
        raise ValueError(f"{name} requires specifying either an output_size or an output_ratio")
    if output_size is None:
        if len(output_ratio) > rank:
            raise ValueError(
                f"{name} requires output_ratio to either be a single Int or tuple of Ints."
            )
        output_size = [int(s * r) for s, r in zip(input.size()[-rank:], output_ratio)]
    if samples is None:
        batch = 1 if input.dim() == rank + 1 else input.size(0)
        samples = torch.rand(
            batch, input.size(-rank - 1), rank, dtype=input.dtype, device=input.device
        )
    return getattr(torch._nn, name)(input, kernel_size, output_size, samples)


def fractional_max_pool2d_with_indices(
    input: Any,
    kernel_size: Any,
    output_size: Any = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Any = None,
) -> Any:
    """The greatest of windows placed at random in an image, and where they were."""
    return _fractional(2, input, kernel_size, output_size, output_ratio, _random_samples)


def fractional_max_pool2d(
    input: Any,
    kernel_size: Any,
    output_size: Any = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Any = None,
) -> Any:
    """The greatest of windows placed at random, with return_indices also where they were."""
    both = _fractional(2, input, kernel_size, output_size, output_ratio, _random_samples)
    return both if return_indices else both[0]


def fractional_max_pool3d_with_indices(
    input: Any,
    kernel_size: Any,
    output_size: Any = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Any = None,
) -> Any:
    """The greatest of windows placed at random in a volume, and where they were."""
    return _fractional(3, input, kernel_size, output_size, output_ratio, _random_samples)


def fractional_max_pool3d(
    input: Any,
    kernel_size: Any,
    output_size: Any = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Any = None,
) -> Any:
    """The greatest of windows placed at random, with return_indices also where they were."""
    both = _fractional(3, input, kernel_size, output_size, output_ratio, _random_samples)
    return both if return_indices else both[0]


def _unpooled_size(
    input: Any, kernel_size: Any, stride: Any, padding: Any, output_size: Any
) -> list[int]:
    """The size to unpool to: the least that pools to the input's, or the one asked for."""
    rank = len(kernel_size)
    default = [
        (size - 1) * s + k - 2 * p
        for size, s, k, p in zip(input.size()[-rank:], stride, kernel_size, padding)
    ]
    if output_size is None:
        output_size = default
    else:
        if len(output_size) == rank + 2:
            output_size = output_size[2:]
        if len(output_size) != rank:
            raise ValueError(
                f"output_size should be a sequence containing {rank} or {rank + 2} elements, but "
                f"it has a length of '{len(output_size)}'"
            )
        for d, (size, s, had) in enumerate(zip(output_size, stride, default)):
            if not had - s < size < had + s:
                raise ValueError(
                    f'invalid output_size "{output_size}" (dim {d} must be between {had - s} and '
                    f"{had + s})"
                )
    for d, size in enumerate(output_size):
        if size < 0:
            raise ValueError(
                "max_unpooling: output_size must contain non-negative spatial dimensions, but got "
                f"output_size[{d}]={size}"
            )
    return list(output_size)


def _unpooling(
    rank: int, input: Any, kernel_size: Any, stride: Any, padding: Any, size: Any
) -> Any:
    """Output size, stride and padding of an unpooling, by dimension."""
    kernel_size, padding = _sizes(kernel_size, rank), _sizes(padding, rank)
    stride = kernel_size if stride is None else _sizes(stride, rank)
    return _unpooled_size(input, kernel_size, stride, padding, size), stride, padding


def max_unpool1d(
    input: Any,
    indices: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    output_size: Any = None,
) -> Any:
    """Values put back where the maxima of sequences were, zeros elsewhere."""
    size, _, _ = _unpooling(1, input, kernel_size, stride, padding, output_size)
    flat = torch._nn.max_unpool2d(input.unsqueeze(-1), indices.unsqueeze(-1), [*size, 1])
    return flat.squeeze(-1)


def max_unpool2d(
    input: Any,
    indices: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    output_size: Any = None,
) -> Any:
    """Values put back where the maxima of images were, zeros elsewhere."""
    size, _, _ = _unpooling(2, input, kernel_size, stride, padding, output_size)
    return torch._nn.max_unpool2d(input, indices, size)


def max_unpool3d(
    input: Any,
    indices: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    output_size: Any = None,
) -> Any:
    """Values put back where the maxima of volumes were, zeros elsewhere."""
    size, steps, pads = _unpooling(3, input, kernel_size, stride, padding, output_size)
    return torch._nn.max_unpool3d(input, indices, size, steps, pads)


def _norms(
    rank: int, input: Any, norm_type: float, kernel_size: Any, stride: Any, ceil_mode: bool
) -> Any:
    """The p-norm of each window, from the mean of powers."""
    greatest = (max_pool1d, max_pool2d, max_pool3d)[rank - 1]
    if norm_type == float("inf"):
        return greatest(input.abs(), kernel_size, stride, 0, 1, ceil_mode)
    if norm_type == -float("inf"):
        return -greatest(-input.abs(), kernel_size, stride, 0, 1, ceil_mode)
    mean: Any = (avg_pool1d, avg_pool2d, avg_pool3d)[rank - 1]
    out = mean(input.pow(norm_type), kernel_size, stride, 0, ceil_mode)
    count = 1
    for size in _sizes(kernel_size, rank):
        count *= size
    return (torch.sign(out) * relu(torch.abs(out))).mul(count).pow(1.0 / norm_type)


def lp_pool1d(
    input: Any, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False
) -> Any:
    """The p-norm of each window of a sequence."""
    return _norms(1, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool2d(
    input: Any, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False
) -> Any:
    """The p-norm of each window of an image."""
    return _norms(2, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool3d(
    input: Any, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False
) -> Any:
    """The p-norm of each window of a volume."""
    return _norms(3, input, norm_type, kernel_size, stride, ceil_mode)


def adaptive_max_pool1d_with_indices(
    input: Any, output_size: Any, return_indices: bool = False
) -> Any:
    """The greatest of as many windows of a sequence as are asked for, and where they were."""
    return torch._nn.adaptive_max_pool1d(input, output_size)


def adaptive_max_pool1d(input: Any, output_size: Any, return_indices: bool = False) -> Any:
    """The greatest of as many windows as are asked for, with return_indices also where."""
    both = adaptive_max_pool1d_with_indices(input, output_size)
    return both if return_indices else both[0]


def adaptive_avg_pool1d(input: Any, output_size: Any) -> Any:
    """The mean of as many windows of a sequence as are asked for."""
    return torch._nn.adaptive_avg_pool1d(input, output_size)


def adaptive_max_pool2d_with_indices(
    input: Any, output_size: Any, return_indices: bool = False
) -> Any:
    """The greatest of as many windows of an image as are asked for, and where they were."""
    return torch._nn.adaptive_max_pool2d(input, _filled(output_size, input))


def adaptive_max_pool2d(input: Any, output_size: Any, return_indices: bool = False) -> Any:
    """The greatest of as many windows as are asked for, with return_indices also where."""
    both = adaptive_max_pool2d_with_indices(input, output_size)
    return both if return_indices else both[0]


def adaptive_avg_pool2d(input: Any, output_size: Any) -> Any:
    """The mean of as many windows of an image as are asked for."""
    return torch._nn.adaptive_avg_pool2d(input, _filled(output_size, input))


def adaptive_max_pool3d_with_indices(
    input: Any, output_size: Any, return_indices: bool = False
) -> Any:
    """The greatest of as many windows of a volume as are asked for, and where they were."""
    return torch._nn.adaptive_max_pool3d(input, _filled(output_size, input))


def adaptive_max_pool3d(input: Any, output_size: Any, return_indices: bool = False) -> Any:
    """The greatest of as many windows as are asked for, with return_indices also where."""
    both = adaptive_max_pool3d_with_indices(input, output_size)
    return both if return_indices else both[0]


def adaptive_avg_pool3d(input: Any, output_size: Any) -> Any:
    """The mean of as many windows of a volume as are asked for."""
    return torch._nn.adaptive_avg_pool3d(input, _filled(output_size, input))
