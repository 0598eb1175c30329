"""Convolutions and their transposes.

What enters: tensors with channels in front of one to three spatial dimensions, batched or not. What
leaves: the same with other channels and sizes. It must not know how windows are multiplied.
"""

import math
from typing import Any

from .. import functional as F
from .. import init
from ..parameter import UninitializedParameter
from .lazy import LazyModuleMixin
from .module import Module
from .utils import _ntuple, _reverse_repeat_tuple, fresh

__all__ = [
    "Conv1d",
    "Conv2d",
    "Conv3d",
    "ConvTranspose1d",
    "ConvTranspose2d",
    "ConvTranspose3d",
    "LazyConv1d",
    "LazyConv2d",
    "LazyConv3d",
    "LazyConvTranspose1d",
    "LazyConvTranspose2d",
    "LazyConvTranspose3d",
]

_STRINGS = ("same", "valid")
_MODES = ("zeros", "reflect", "replicate", "circular")


def _set_text(names: tuple[str, ...]) -> str:
    return str(set(names))


def _check(
    in_channels: int, out_channels: int, groups: int, padding: Any, stride: Any, padding_mode: str
) -> None:
    """Refuse settings that no convolution has, with ValueError."""
    if groups <= 0:
        raise ValueError("groups must be a positive integer")
    if in_channels % groups != 0:
        raise ValueError("in_channels must be divisible by groups")
    if out_channels % groups != 0:
        raise ValueError("out_channels must be divisible by groups")
    if isinstance(padding, str):
        if padding not in _STRINGS:
            raise ValueError(
                f"Invalid padding string {padding!r}, should be one of {_set_text(_STRINGS)}"
            )
        if padding == "same" and any(s != 1 for s in stride):
            raise ValueError("padding='same' is not supported for strided convolutions")
    if padding_mode not in _MODES:
        raise ValueError(
            f"padding_mode must be one of {_set_text(_MODES)}, but got "
            f"padding_mode='{padding_mode}'"
        )


def _pads(padding: Any, kernel_size: Any, dilation: Any) -> tuple[int, ...]:
    """What to pad before and after each dimension, last dimension first."""
    if not isinstance(padding, str):
        return _reverse_repeat_tuple(padding, 2)
    if padding == "valid":
        return (0, 0) * len(kernel_size)
    totals = [d * (k - 1) for d, k in zip(dilation, kernel_size)]
    return tuple(p for t in reversed(totals) for p in (t // 2, t - t // 2))


class _ConvNd(Module):
    """What all convolutions have: sizes, weight and bias."""

    # For subclasses by rank: how many spatial dimensions, and the function.
    _rank: int
    _function: Any
    bias: Any

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any,
        padding: Any,
        dilation: Any,
        transposed: bool,
        output_padding: Any,
        groups: int,
        bias: bool,
        padding_mode: str,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        _check(in_channels, out_channels, groups, padding, stride, padding_mode)
        self.in_channels, self.out_channels = in_channels, out_channels
        self.kernel_size, self.stride = kernel_size, stride
        self.padding, self.dilation = padding, dilation
        self.transposed, self.output_padding = transposed, output_padding
        self.groups, self.padding_mode = groups, padding_mode
        self._reversed_padding_repeated_twice = _pads(padding, kernel_size, dilation)
        ends = (in_channels, out_channels) if transposed else (out_channels, in_channels)
        self.weight = fresh((ends[0], ends[1] // groups, *kernel_size), device, dtype)
        self.register_parameter("bias", fresh(out_channels, device, dtype) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw both from U(-1/√fan_in, 1/√fan_in)."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            fan_in, _ = init._calculate_fan_in_and_fan_out(self.weight)
            bound = 1 / math.sqrt(fan_in) if fan_in > 0 else 0
            init.uniform_(self.bias, -bound, bound)

    def extra_repr(self) -> str:
        """Channels and sizes, others where they are not the usual."""
        text = (
            f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, "
            f"stride={self.stride}"
        )
        for name, usual in (("padding", 0), ("dilation", 1), ("output_padding", 0)):
            value = getattr(self, name)
            if value != (usual,) * len(value):
                text += f", {name}={value}"
        if self.groups != 1:
            text += f", groups={self.groups}"
        if self.bias is None:
            text += ", bias=False"
        if self.padding_mode != "zeros":
            text += f", padding_mode={self.padding_mode}"
        return text

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__({"padding_mode": "zeros", **state})


class _Conv(_ConvNd):
    """A convolution of some rank."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        sizes = _ntuple(self._rank)
        super().__init__(
            in_channels,
            out_channels,
            sizes(kernel_size),
            sizes(stride),
            padding if isinstance(padding, str) else sizes(padding),
            sizes(dilation),
            False,
            sizes(0),
            groups,
            bias,
            padding_mode,
            device,
            dtype,
        )

    def _conv_forward(self, input: Any, weight: Any, bias: Any) -> Any:
        padding = self.padding
        if self.padding_mode != "zeros":
            pads = self._reversed_padding_repeated_twice
            input = F.pad(input, pads, mode=self.padding_mode)
            padding = (0,) * self._rank
        function = type(self)._function
        return function(input, weight, bias, self.stride, padding, self.dilation, self.groups)

    def forward(self, input: Any) -> Any:
        """(N, in_channels, *sizes) to (N, out_channels, *sizes), or both without N."""
        return self._conv_forward(input, self.weight, self.bias)


class _ConvTransposeNd(_ConvNd):
    """A transposed convolution: of what shape its output is, stride leaves open."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        output_padding: Any = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Any = 1,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        if padding_mode != "zeros":
            name = self.__class__.__name__
            raise ValueError(f'Only "zeros" padding mode is supported for {name}')
        sizes = _ntuple(self._rank)
        super().__init__(
            in_channels,
            out_channels,
            sizes(kernel_size),
            sizes(stride),
            sizes(padding),
            sizes(dilation),
            True,
            sizes(output_padding),
            groups,
            bias,
            padding_mode,
            device,
            dtype,
        )

    def _output_padding(self, input: Any, output_size: Any) -> tuple[int, ...]:
        """What to add to the smallest output so that it has the size asked for."""
        if output_size is None:
            return tuple(self.output_padding)
        rank = self._rank
        leading = 2 if input.dim() == rank + 2 else 1
        if len(output_size) == leading + rank:
            output_size = output_size[leading:]
        if len(output_size) != rank:
            raise ValueError(
                f"ConvTranspose{rank}D: for {input.dim()}D input, output_size must have {rank} or "
                f"{leading + rank} elements (got {len(output_size)})"
            )
        least = [
            (size - 1) * s - 2 * p + d * (k - 1) + 1
            for size, s, p, d, k in zip(
                input.size()[leading:], self.stride, self.padding, self.dilation, self.kernel_size
            )
        ]
        most = [size + s - 1 for size, s in zip(least, self.stride)]
        if any(not a <= size <= b for size, a, b in zip(output_size, least, most)):
            raise ValueError(
                f"requested an output size of {output_size}, but valid sizes range from {least} "
                f"to {most} (for an input of {input.size()[2:]})"
            )
        return tuple(size - a for size, a in zip(output_size, least))

    def forward(self, input: Any, output_size: Any = None) -> Any:
        """(N, in_channels, *sizes) to (N, out_channels, *sizes), or both without N."""
        added = self._output_padding(input, output_size)
        function = type(self)._function
        return function(
            input,
            self.weight,
            self.bias,
            self.stride,
            self.padding,
            added,
            self.groups,
            self.dilation,
        )


class Conv1d(_Conv):
    """A convolution (cross-correlation) over sequences."""

    _rank, _function = 1, staticmethod(F.conv1d)


class Conv2d(_Conv):
    """A convolution (cross-correlation) over images."""

    _rank, _function = 2, staticmethod(F.conv2d)


class Conv3d(_Conv):
    """A convolution (cross-correlation) over volumes."""

    _rank, _function = 3, staticmethod(F.conv3d)


class ConvTranspose1d(_ConvTransposeNd):
    """The transpose of a convolution over sequences."""

    _rank, _function = 1, staticmethod(F.conv_transpose1d)


class ConvTranspose2d(_ConvTransposeNd):
    """The transpose of a convolution over images."""

    _rank, _function = 2, staticmethod(F.conv_transpose2d)


class ConvTranspose3d(_ConvTransposeNd):
    """The transpose of a convolution over volumes."""

    _rank, _function = 3, staticmethod(F.conv_transpose3d)


# Where bias stands among the arguments after kernel_size, in both kinds of convolutions.
_BIAS = 4


class _LazyConv(LazyModuleMixin):
    """A convolution whose in_channels the first input tells."""

    def __init__(self, out_channels: int, kernel_size: Any, *args: Any, **kwargs: Any) -> None:
        own: Any = self
        bias = args[_BIAS] if len(args) > _BIAS else kwargs.pop("bias", True)
        if len(args) > _BIAS:
            args = (*args[:_BIAS], False, *args[_BIAS + 1 :])
        else:
            kwargs["bias"] = False
        super().__init__(0, 0, kernel_size, *args, **kwargs)
        device, dtype = own.weight.device, own.weight.dtype
        own.weight = UninitializedParameter(device=device, dtype=dtype)
        own.out_channels = out_channels
        if bias:
            own.bias = UninitializedParameter(device=device, dtype=dtype)

    def reset_parameters(self) -> None:
        """As the convolution's, once there are shapes."""
        if not self.has_uninitialized_params() and self.in_channels != 0:  # type: ignore[attr-defined]
            super().reset_parameters()  # type: ignore[misc]

    def initialize_parameters(self, input: Any, *_: Any, **__: Any) -> None:
        """Take in_channels from the input; ValueError when groups do not divide it."""
        own: Any = self
        if not self.has_uninitialized_params():
            return
        own.in_channels = _channels(own, input)
        if own.in_channels % own.groups != 0:
            raise ValueError("in_channels must be divisible by groups")
        ends = (own.in_channels, own.out_channels)
        first, second = ends if own.transposed else ends[::-1]
        own.weight.materialize((first, second // own.groups, *own.kernel_size))
        if own.bias is not None:
            own.bias.materialize((own.out_channels,))
        own.reset_parameters()


def _channels(module: Any, input: Any) -> int:
    """The input's channels; RuntimeError for a rank that the module does not take."""
    rank = module._rank
    if input.dim() not in (rank + 1, rank + 2):
        raise RuntimeError(
            f"Expected {rank + 1}D (unbatched) or {rank + 2}D (batched) input to "
            f"{module.__class__.__name__}, but got input of size: {input.shape}"
        )
    return int(input.shape[-rank - 1])


class LazyConv1d(_LazyConv, Conv1d):
    """Conv1d whose in_channels the first input tells."""

    cls_to_become = Conv1d


class LazyConv2d(_LazyConv, Conv2d):
    """Conv2d whose in_channels the first input tells."""

    cls_to_become = Conv2d


class LazyConv3d(_LazyConv, Conv3d):
    """Conv3d whose in_channels the first input tells."""

    cls_to_become = Conv3d


class LazyConvTranspose1d(_LazyConv, ConvTranspose1d):
    """ConvTranspose1d whose in_channels the first input tells."""

    cls_to_become = ConvTranspose1d


class LazyConvTranspose2d(_LazyConv, ConvTranspose2d):
    """ConvTranspose2d whose in_channels the first input tells."""

    cls_to_become = ConvTranspose2d


class LazyConvTranspose3d(_LazyConv, ConvTranspose3d):
    """ConvTranspose3d whose in_channels the first input tells."""

    cls_to_become = ConvTranspose3d
