"""Activations as functions.

What enters: tensors of any shape. What leaves: tensors of the same shape, new or the input itself.
It must not know how the functions are computed.
"""

import warnings
from typing import Any

from ... import _api as torch


def given(out: Any) -> dict[str, Any]:
    """The argument `out`, where there is one."""
    return {} if out is None else {"out": out}


def relu(input: Any, inplace: bool = False) -> Any:
    """max(x, 0)."""
    function = torch._nn.relu_ if inplace else torch._nn.relu
    return function(input)


def elu(input: Any, alpha: float = 1.0, inplace: bool = False) -> Any:
    """x where x > 0, else alpha (eˣ - 1)."""
    function = torch._nn.elu_ if inplace else torch._nn.elu
    return function(input, alpha)


def selu(input: Any, inplace: bool = False) -> Any:
    """The scaled ELU that keeps mean 0 and variance 1."""
    function = torch._nn.selu_ if inplace else torch._nn.selu
    return function(input)


def celu(input: Any, alpha: float = 1.0, inplace: bool = False) -> Any:
    """max(0, x) + min(0, alpha (e^(x/alpha) - 1))."""
    function = torch._nn.celu_ if inplace else torch._nn.celu
    return function(input, alpha)


def leaky_relu(input: Any, negative_slope: float = 0.01, inplace: bool = False) -> Any:
    """x where x ≥ 0, else negative_slope x."""
    function = torch._nn.leaky_relu_ if inplace else torch._nn.leaky_relu
    return function(input, negative_slope)


def relu6(input: Any, inplace: bool = False) -> Any:
    """x clamped to [0, 6]."""
    function = torch._nn.relu6_ if inplace else torch._nn.relu6
    return function(input)


def hardsigmoid(input: Any, inplace: bool = False) -> Any:
    """relu6(x + 3) / 6."""
    function = torch._nn.hardsigmoid_ if inplace else torch._nn.hardsigmoid
    return function(input)


def silu(input: Any, inplace: bool = False) -> Any:
    """x sigmoid(x)."""
    function = torch._nn.silu_ if inplace else torch._nn.silu
    return function(input)


def mish(input: Any, inplace: bool = False) -> Any:
    """x tanh(softplus(x))."""
    function = torch._nn.mish_ if inplace else torch._nn.mish
    return function(input)


def hardswish(input: Any, inplace: bool = False) -> Any:
    """x relu6(x + 3) / 6."""
    function = torch._nn.hardswish_ if inplace else torch._nn.hardswish
    return function(input)


def hardtanh(input: Any, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Any:
    """x clamped to [min_val, max_val]; ValueError where min_val is the greater."""
    if min_val > max_val:
        raise ValueError("min_val cannot be greater than max_val")
    function = torch._nn.hardtanh_ if inplace else torch._nn.hardtanh
    return function(input, min_val, max_val)


def threshold(input: Any, threshold: float, value: float, inplace: bool = False) -> Any:
    """x where x > threshold, else value."""
    function = torch._nn.threshold_ if inplace else torch._nn.threshold
    return function(input, threshold, value)


def rrelu(
    input: Any,
    lower: float = 1.0 / 8,
    upper: float = 1.0 / 3,
    training: bool = False,
    inplace: bool = False,
) -> Any:
    """x where x ≥ 0, else a x: a is drawn from U(lower, upper) in training, else their mean."""
    function = torch._nn.rrelu_ if inplace else torch._nn.rrelu
    return function(input, lower, upper, training)


def glu(input: Any, dim: int = -1) -> Any:
    """One half of the input along dim times the sigmoid of the other."""
    if input.dim() == 0:
        raise RuntimeError("glu does not support scalars because halving size must be even")
    return torch._nn.glu(input, dim)


def prelu(input: Any, weight: Any) -> Any:
    """x where x ≥ 0, else weight x, with one weight or one for each channel."""
    return torch._nn.prelu(input, weight)


def logsigmoid(input: Any, *, out: Any = None) -> Any:
    """log(sigmoid(x))."""
    return torch._nn.log_sigmoid(input, **given(out))


def gelu(input: Any, *, approximate: str = "none", out: Any = None) -> Any:
    """x Φ(x), or its approximation by tanh."""
    return torch._nn.gelu(input, approximate=approximate, **given(out))


def hardshrink(input: Any, lambd: float = 0.5, *, out: Any = None) -> Any:
    """x where |x| > lambd, else 0."""
    return torch._nn.hardshrink(input, lambd, **given(out))


def softshrink(input: Any, lambd: float = 0.5, *, out: Any = None) -> Any:
    """x moved towards 0 by lambd, 0 where |x| ≤ lambd."""
    return torch._nn.softshrink(input, lambd, **given(out))


def softplus(
    input: Any, beta: float = 1.0, threshold: float = 20.0, *, out: Any = None
) -> Any:
    """log(1 + e^(beta x)) / beta, x itself where beta x > threshold."""
    return torch._nn.softplus(input, beta, threshold, **given(out))


def tanhshrink(input: Any) -> Any:
    """x - tanh(x)."""
    return input - input.tanh()


def softsign(input: Any) -> Any:
    """x / (1 + |x|)."""
    return input / (input.abs() + 1)


def tanh(input: Any) -> Any:
    """The hyperbolic tangent."""
    return input.tanh()


def sigmoid(input: Any) -> Any:
    """1 / (1 + e⁻ˣ)."""
    return input.sigmoid()


def _softmax_dim(name: str, ndim: int, stacklevel: int) -> int:
    """The dimension that is meant where none is given."""
    warnings.warn(
        f"Implicit dimension choice for {name} has been deprecated. Change the call to include "
        "dim=X as an argument.",
        stacklevel=stacklevel + 1,
    )
    return 0 if ndim in (0, 1, 3) else 1


def softmin(input: Any, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Any:
    """softmax(-x)."""
    if dim is None:
        dim = _softmax_dim("softmin", input.dim(), _stacklevel)
    return (-input).softmax(dim) if dtype is None else (-input).softmax(dim, dtype=dtype)


def softmax(input: Any, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Any:
    """eˣ over its sum along dim, cast to dtype first."""
    if dim is None:
        dim = _softmax_dim("softmax", input.dim(), _stacklevel)
    return input.softmax(dim) if dtype is None else input.softmax(dim, dtype=dtype)


def log_softmax(input: Any, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Any:
    """log(softmax(x)) along dim, cast to dtype first."""
    if dim is None:
        dim = _softmax_dim("log_softmax", input.dim(), _stacklevel)
    return input.log_softmax(dim) if dtype is None else input.log_softmax(dim, dtype=dtype)


def gumbel_softmax(
    logits: Any, tau: float = 1, hard: bool = False, eps: float = 1e-10, dim: int = -1
) -> Any:
    """Draws from the Gumbel-softmax distribution (Jang et al. 2016), one-hot where hard."""
    if eps != 1e-10:
        warnings.warn("`eps` parameter is deprecated and has no effect.", stacklevel=2)
    contiguous = torch.legacy_contiguous_format
    gumbels = -torch.empty_like(logits, memory_format=contiguous).exponential_().log()
    soft = ((logits + gumbels) / tau).softmax(dim)
    if not hard:
        return soft
    index = soft.max(dim, keepdim=True)[1]
    one_hot = torch.zeros_like(logits, memory_format=contiguous).scatter_(dim, index, 1.0)
    return one_hot - soft.detach() + soft


def relu_(input: Any) -> Any:
    """relu in place."""
    return relu(input, inplace=True)


def elu_(input: Any, alpha: float = 1.0) -> Any:
    """elu in place."""
    return elu(input, alpha, inplace=True)


def selu_(input: Any) -> Any:
    """selu in place."""
    return selu(input, inplace=True)


def celu_(input: Any, alpha: float = 1.0) -> Any:
    """celu in place."""
    return celu(input, alpha, inplace=True)


def leaky_relu_(input: Any, negative_slope: float = 0.01) -> Any:
    """leaky_relu in place."""
    return leaky_relu(input, negative_slope, inplace=True)


def hardtanh_(input: Any, min_val: float = -1.0, max_val: float = 1.0) -> Any:
    """hardtanh in place."""
    return hardtanh(input, min_val, max_val, inplace=True)


def threshold_(input: Any, threshold: float, value: float) -> Any:
    """threshold in place."""
    function = torch._nn.threshold_
    return function(input, threshold, value)


def rrelu_(
    input: Any, lower: float = 1.0 / 8, upper: float = 1.0 / 3, training: bool = False
) -> Any:
    """rrelu in place."""
    return rrelu(input, lower, upper, training, inplace=True)
