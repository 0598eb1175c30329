"""Activations, over `lang.activation`."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from ...ir.node import Node
from ...lang import activation as lang
from ...ops import g
from .. import _dtypes
from .._calls import refuse
from .._device_draws import Draws
from .._dispatch import need_tensor
from .._generator import engine
from .._host import placed, value
from .._strides import dense
from ..pointwise import pointwise
from ..tensor import Tensor
from ._base import apply, apply_fixed, nn

# PyTorch's kernels that aren't called like the function.
_KERNELS = {"celu": "elu_cpu", "selu": "elu_cpu", "softshrink": "softshrink_check"}


def _simple(
    name: str, title: str, f: Callable[..., Node], torch: bool = False, method: bool = False,
    refused: str = "013",
) -> None:  # fmt: skip
    def function(input: Tensor, *args: Any) -> Tensor:
        x = need_tensor(name, input)
        if name == "relu" or title == "Hardtanh":
            _refuse_clamp("relu" if name == "relu" else "hardtanh", x, args[:1])
        else:
            refuse(x, _KERNELS.get(name, f"{name}_cpu"), refused)
        out = pointwise(title, lambda n: f(n, *args), x)
        if title == "Hardtanh":
            out._strides = dense(x)
        return out

    function.__doc__ = f"`{name}` of each element."
    function.__name__ = name
    nn(name, torch=torch, method=method, inplace=True)(function)


def _refuse_clamp(name: str, x: Tensor, low: Sequence[float]) -> None:
    if x.dtype is _dtypes.bool_:
        word = "Boolean" if name == "relu" else "Bool"
        raise RuntimeError(f"{word} inputs not supported for {name}")
    if x.dtype._rank == 3:
        raise NotImplementedError("clamp is not supported for complex types")
    if x.dtype is _dtypes.uint8 and low and low[0] < 0:
        raise RuntimeError("cannot do hardtanh on an unsigned type with negative limits")


_simple("relu", "Relu", lang.relu, True, True)
_simple("relu6", "Hardtanh", lang.relu6)
_simple("hardtanh", "Hardtanh", lang.hardtanh)
_simple("leaky_relu", "LeakyRelu", lang.leaky_relu)
_simple("elu", "Elu", lang.elu)
_simple("celu", "Celu", lang.celu, True)
_simple("selu", "Elu", lang.selu, True)
_simple("silu", "Silu", lang.silu, refused="01")
_simple("mish", "Mish", lang.mish)
_simple("softplus", "Softplus", lang.softplus)
_simple("log_sigmoid", "LogSigmoid", lang.logsigmoid)
_simple("hardsigmoid", "Hardsigmoid", lang.hardsigmoid)
_simple("hardswish", "Hardswish", lang.hardswish)
_simple("softshrink", "Softshrink", lang.softshrink)
_simple("hardshrink", "Hardshrink", lang.hardshrink, True, True)
_simple("threshold", "Threshold", lang.threshold, True, refused="03")


@nn("gelu")
def gelu(input: Tensor, *, approximate: str = "none") -> Tensor:
    """x Φ(x), or its approximation by tanh."""
    if approximate not in ("none", "tanh"):
        raise RuntimeError("approximate argument must be either none or tanh.")
    refuse(need_tensor("gelu", input), "GeluKernelImpl", "013")
    return pointwise("Gelu", partial(lang.gelu, approximate=approximate), input)


@nn("glu")
def glu(input: Tensor, dim: int = -1) -> Tensor:
    """The first half along an axis times the sigmoid of the second."""
    refuse(need_tensor("glu", input), "glu_cpu", "013")
    return apply_fixed("Glu", lang.glu, (dim,), input)


@nn("prelu", torch=True, method=True)
def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """x where x > 0, else weight x."""
    if input.dtype is not weight.dtype:
        names = " and ".join(_dtypes.TITLES[t.dtype] for t in (input, weight))
        raise RuntimeError(f"prelu: Type promoting not supported. Got {names}")
    out = apply_fixed("PreluKernel", lang.prelu, (), input, weight)
    out._strides = dense(input)
    return out


@nn("rrelu", torch=True, inplace=True)
def rrelu(
    input: Tensor, lower: float = 1 / 8, upper: float = 1 / 3, training: bool = False,
    generator: Any = None,
) -> Tensor:  # fmt: skip
    """`leaky_relu` whose slopes are drawn, one for each element that is not above 0, when training.
    Raises RuntimeError for bounds out of order.
    """
    if lower > upper:
        raise RuntimeError("Lower bound should be less than or equal to the upper bound")
    refuse(input, "rrelu_with_noise_out_cpu" if training else "leaky_relu_cpu", "013")
    if not training:
        mean = (lower + upper) / 2
        return pointwise("RreluWithNoise", lambda n: lang.leaky_relu(n, mean), input)
    noise = _slopes(input, lower, upper, generator)
    return apply("RreluWithNoise", lambda x: lang.rrelu(x, noise), input)


def _slopes(input: Tensor, lower: float, upper: float, generator: Any) -> Node:
    """1 for elements above 0, for others a slope; where the host draws, for these alone."""
    node = input._read()
    e = engine(generator, node.device)
    if isinstance(e, Draws):
        drawn = e.uniform(node.shape, input.dtype.numpy, lower, upper)
        return g.where(g.less_equal(node, 0.0), drawn, g.constant(1.0, node))
    data = np.asarray(value(node))
    slopes = np.ones(data.shape, data.dtype)
    low = data <= 0
    slopes[low] = e.uniform((int(low.sum()),), np.dtype(np.float64), lower, upper)
    return placed(slopes, node.device)
