"""Convolutions, pooling, padding and what moves pixels, over `lang.conv`, `lang.pool`."""

from collections.abc import Sequence
from typing import Any

from ...ir.node import Node
from ...lang import conv as lang
from ...lang import pool
from .. import _dtypes
from .._dispatch import FUNCTIONS
from ..tensor import Tensor
from ._base import apply, apply_fixed, apply_many, nn


def _same_dtype(x: Tensor, w: Tensor, bias: Tensor | None) -> None:
    if x.dtype is not w.dtype:
        raise RuntimeError(
            f"Input type ({_titled(x)}) and weight type ({_titled(w)}) should be the same"
        )
    if bias is not None and bias.dtype is not x.dtype:
        raise RuntimeError(
            f"Input type ({_titled(x)}) and bias type ({_titled(bias)}) should be the same"
        )


def _fitting(dims: int, x: Tensor, w: Tensor) -> None:
    """Raises RuntimeError for a weight of another rank."""
    shape, k = x._node.shape, w.ndim
    if k < 3:
        raise RuntimeError("weight should have at least three dimensions")
    if k != dims + 2 and len(shape) in (dims + 1, dims + 2):
        batch = shape if len(shape) == dims + 2 else (1, *shape)
        raise RuntimeError(
            f"Expected {k}-dimensional input for {k}-dimensional weight{list(w._node.shape)}, but "
            f"got {len(batch)}-dimensional input of size {list(batch)} instead"
        )


C_NAMES = {
    _dtypes.float32: "float", _dtypes.float64: "double", _dtypes.int64: "long int",
    _dtypes.float16: "c10::Half", _dtypes.complex64: "c10::complex<float>",
    _dtypes.complex128: "c10::complex<double>",
}  # fmt: skip
"""How a convolution calls dtypes."""


def _titled(x: Tensor) -> str:
    return C_NAMES.get(x.dtype, _dtypes.TITLES[x.dtype])


def _conv(dims: int) -> None:
    def function(
        input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1,
        padding: Any = 0, dilation: Any = 1, groups: int = 1,
    ) -> Tensor:  # fmt: skip
        _same_dtype(input, weight, bias)
        _fitting(dims, input, weight)

        params = stride, padding, dilation, groups
        return apply_fixed("Convolution", lang.conv, params, input, weight, bias)

    def transposed(
        input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1,
        padding: Any = 0, output_padding: Any = 0, groups: int = 1, dilation: Any = 1,
    ) -> Tensor:  # fmt: skip
        _same_dtype(input, weight, bias)

        params = stride, padding, output_padding, groups, dilation
        return apply_fixed("Convolution", lang.conv_transpose, params, input, weight, bias)

    function.__doc__ = f"A convolution over {dims} axes."
    transposed.__doc__ = f"The transpose of a convolution over {dims} axes."
    nn(f"conv{dims}d", torch=True)(function)
    nn(f"conv_transpose{dims}d", torch=True)(transposed)


def _one(value: Any) -> int:
    return value if isinstance(value, int) else value[0]


def _refuse_lines(x: Tensor, kernel: Any, stride: Any, padding: Any, dilation: Any) -> None:
    """Raises RuntimeError for windows over lines that have no sizes, or don't fit."""
    size, pad, apart = _one(kernel), _one(padding), _one(dilation)
    step = size if stride is None or stride in ([], ()) else _one(stride)
    for word, value in (("kernel_size", size), ("stride", step), ("dilation", apart)):
        if value <= 0:
            raise RuntimeError(f"max_pool1d() {word} must be greater than zero, but got {value}")
    if x.ndim in (2, 3) and 0 <= pad <= size // 2:
        count = (x._node.shape[-1] + 2 * pad - apart * (size - 1) - 1) // step + 1
        if count < 1:
            raise RuntimeError(f"max_pool1d() Invalid computed output size: {count}")


def _pools(dims: int) -> None:
    def with_places(
        input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
        ceil_mode: bool = False,
    ) -> tuple[Tensor, ...]:  # fmt: skip
        steps = None if stride is None or stride == [] or stride == () else stride
        return apply_many(
            f"MaxPool{dims}DWithIndices",
            lambda x: pool.max_pool(
                x, kernel_size, steps, padding, dilation, ceil_mode, dims=dims
            ),
            input,
        )

    def maxima(
        input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
        ceil_mode: bool = False,
    ) -> Tensor:  # fmt: skip
        if dims == 1:
            _refuse_lines(input, kernel_size, stride, padding, dilation)
        return with_places(input, kernel_size, stride, padding, dilation, ceil_mode)[0]

    def means(
        input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0,
        ceil_mode: bool = False, count_include_pad: bool = True, divisor_override: Any = None,
    ) -> Tensor:  # fmt: skip
        steps = None if stride is None or stride == [] or stride == () else stride

        def f(x: Node) -> Node:
            return pool.avg_pool(
                x, kernel_size, steps, padding, ceil_mode, count_include_pad, divisor_override,
                dims=dims,
            )  # fmt: skip

        return apply(f"AvgPool{dims}D", f, input)

    def adaptive_means(input: Tensor, output_size: Any) -> Tensor:
        return apply(
            f"AdaptiveAvgPool{dims}D" if dims == 3 else "AdaptiveAvgPool2D",
            lambda x: pool.adaptive_avg_pool(x, output_size, dims=dims),
            input,
        )

    def adaptive_maxima(input: Tensor, output_size: Any) -> tuple[Tensor, ...]:
        return apply_many(
            f"AdaptiveMaxPool{dims}D",
            lambda x: pool.adaptive_max_pool(x, output_size, dims=dims),
            input,
        )

    for name, f, doc in (
        (f"max_pool{dims}d_with_indices", with_places, "Maxima of windows and their places."),
        (f"max_pool{dims}d", maxima, "Maxima of windows."),
        (f"avg_pool{dims}d", means, "Means of windows."),
        (f"adaptive_avg_pool{dims}d", adaptive_means, "Means of as many windows as asked for."),
        (f"adaptive_max_pool{dims}d", adaptive_maxima, "Maxima of as many windows."),
    ):
        f.__doc__ = doc
        nn(name, torch=True)(f)


for _dims in (1, 2, 3):
    _conv(_dims)
    _pools(_dims)


@nn("conv_tbc", torch=True)
def conv_tbc(input: Tensor, weight: Tensor, bias: Tensor, pad: int = 0) -> Tensor:
    """A convolution over time of (time, batch, channels)."""
    x = Tensor.permute(input, 1, 2, 0)  # type: ignore[attr-defined]
    w = Tensor.permute(weight, 2, 1, 0)  # type: ignore[attr-defined]
    out = FUNCTIONS["conv1d"](x, w, bias, padding=pad)
    return out.permute(2, 0, 1)  # type: ignore[no-any-return]


def _unpool(dims: int) -> None:
    def function(
        input: Tensor, indices: Tensor, output_size: Sequence[int], *rest: Any
    ) -> Tensor:
        places = indices._read()
        if places.shape != input._node.shape:
            raise RuntimeError(
                "Expected shape of indices to be same as that of the input tensor "
                f"({list(input._node.shape)}) but got indices tensor with shape: "
                f"{list(places.shape)}"
            )
        size = tuple(output_size)[-dims:]
        return apply(f"MaxUnpool{dims}D", lambda x: pool.max_unpool(x, places, size), input)

    function.__doc__ = "The inverse of `max_pool`: zeros where no maximum was."
    nn(f"max_unpool{dims}d")(function)


_unpool(2)
_unpool(3)


@nn("im2col")
def im2col(
    input: Tensor, kernel_size: Any, dilation: Any, padding: Any, stride: Any
) -> Tensor:
    """Windows as columns."""
    return apply(
        "Im2Col", lambda x: lang.unfold(x, kernel_size, dilation, padding, stride), input
    )


@nn("col2im")
def col2im(
    input: Tensor, output_size: Any, kernel_size: Any, dilation: Any, padding: Any, stride: Any
) -> Tensor:
    """Columns added back into windows."""
    return apply(
        "Col2Im",
        lambda x: lang.fold(x, output_size, kernel_size, dilation, padding, stride),
        input,
    )


@nn("pad")
def pad(
    input: Tensor, pad: Sequence[int], mode: str = "constant", value: complex | None = None
) -> Tensor:
    """Elements put around, axis by axis from the last."""
    title = {"constant": "ConstantPadNd", "reflect": "ReflectionPad", "replicate": "ReplicationPad"}
    fill = 0.0 if value is None else value if isinstance(value, complex) else float(value)
    fill = _dtypes.fit(fill, input.dtype)
    return apply_fixed(title.get(mode, "Pad"), lang.pad, (tuple(pad), mode, fill), input)


FUNCTIONS["constant_pad_nd"] = lambda input, pad_, value=0: pad(input, pad_, "constant", value)


@nn("pixel_shuffle", torch=True)
def pixel_shuffle(input: Tensor, upscale_factor: int) -> Tensor:
    """Channels spread over larger pictures."""
    return apply("PixelShuffle", lambda x: lang.pixel_shuffle(x, upscale_factor), input)


@nn("pixel_unshuffle", torch=True)
def pixel_unshuffle(input: Tensor, downscale_factor: int) -> Tensor:
    """Pictures made smaller, their pixels channels."""
    return apply("PixelUnshuffle", lambda x: lang.pixel_unshuffle(x, downscale_factor), input)


@nn("channel_shuffle", torch=True)
def channel_shuffle(input: Tensor, groups: int) -> Tensor:
    """Channels of groups interleaved."""
    return apply("ChannelShuffle", lambda x: lang.channel_shuffle(x, groups), input)


nn("native_channel_shuffle", torch=True)(channel_shuffle)
