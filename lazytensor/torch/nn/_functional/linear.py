"""Products with weights: linear maps and convolutions.

What enters: tensors and weights. What leaves: tensors with other features or channels. It must not
know how products are computed.
"""

from typing import Any

from ... import _api as torch


def linear(input: Any, weight: Any, bias: Any = None, *, out: Any = None) -> Any:
    """x Wᵀ + b over the last dimension; weight is (out_features, in_features)."""
    if out is None:
        return torch._nn.linear(input, weight, bias)
    return torch._nn.linear(input, weight, bias, out=out)


def bilinear(input1: Any, input2: Any, weight: Any, bias: Any = None) -> Any:
    """x₁ᵀ A x₂ + b over the last dimensions; weight is (out, in1, in2)."""
    return torch._nn.bilinear(input1, input2, weight, bias)


def conv1d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Any:
    """The cross-correlation of sequences with weight (out, in / groups, *kernel).

    Padding is a number for each dimension, or "same", or "valid".
    """
    return torch._nn.conv1d(input, weight, bias, stride, padding, dilation, groups)


def conv2d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Any:
    """The cross-correlation of images with weight (out, in / groups, *kernel).

    Padding is a number for each dimension, or "same", or "valid".
    """
    return torch._nn.conv2d(input, weight, bias, stride, padding, dilation, groups)


def conv3d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Any:
    """The cross-correlation of volumes with weight (out, in / groups, *kernel).

    Padding is a number for each dimension, or "same", or "valid".
    """
    return torch._nn.conv3d(input, weight, bias, stride, padding, dilation, groups)


def conv_transpose1d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Any:
    """The transpose of a convolution of sequences; weight is (in, out / groups, *kernel)."""
    return torch._nn.conv_transpose1d(
        input, weight, bias, stride, padding, output_padding, groups, dilation
    )


def conv_transpose2d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Any:
    """The transpose of a convolution of images; weight is (in, out / groups, *kernel)."""
    return torch._nn.conv_transpose2d(
        input, weight, bias, stride, padding, output_padding, groups, dilation
    )


def conv_transpose3d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Any:
    """The transpose of a convolution of volumes; weight is (in, out / groups, *kernel)."""
    return torch._nn.conv_transpose3d(
        input, weight, bias, stride, padding, output_padding, groups, dilation
    )


def conv_tbc(input: Any, weight: Any, bias: Any, pad: int = 0) -> Any:
    """A convolution of sequences (time, batch, channels); weight is (kernel, in, out)."""
    return torch._nn.conv_tbc(input, weight, bias, pad)
