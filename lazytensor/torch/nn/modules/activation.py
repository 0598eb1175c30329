"""Activations as modules.

What enters: tensors of any shape. What leaves: tensors of the same shape, a nonlinear function of
them. It must not know how the functions are computed.
"""

import warnings
from typing import Any

from ... import _api as torch
from .. import functional as F
from .. import init as initial
from .attention import MultiheadAttention as MultiheadAttention
from .module import Module
from .utils import fresh

__all__ = [
    "CELU",
    "ELU",
    "GELU",
    "GLU",
    "SELU",
    "Hardshrink",
    "Hardsigmoid",
    "Hardswish",
    "Hardtanh",
    "LeakyReLU",
    "LogSigmoid",
    "LogSoftmax",
    "Mish",
    "PReLU",
    "RReLU",
    "ReLU",
    "ReLU6",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softmax2d",
    "Softmin",
    "Softplus",
    "Softshrink",
    "Softsign",
    "Tanh",
    "Tanhshrink",
    "Threshold",
]


def _shown(module: Any, *names: str) -> str:
    """The named attributes, and inplace where it is true, as keyword arguments."""
    parts = [f"{name}={getattr(module, name)}" for name in names]
    if getattr(module, "inplace", False):
        parts.append("inplace=True")
    return ", ".join(parts)


class _InPlace(Module):
    """An activation with the one option inplace."""

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def extra_repr(self) -> str:
        """inplace where it is true."""
        return _shown(self)


class Threshold(Module):
    """x where x > threshold, else value."""

    def __init__(self, threshold: float, value: float, inplace: bool = False) -> None:
        super().__init__()
        self.threshold, self.value, self.inplace = threshold, value, inplace

    def forward(self, input: Any) -> Any:
        """F.threshold."""
        return F.threshold(input, self.threshold, self.value, self.inplace)

    def extra_repr(self) -> str:
        """threshold, value, inplace."""
        return _shown(self, "threshold", "value")


class ReLU(_InPlace):
    """max(x, 0)."""

    def forward(self, input: Any) -> Any:
        """F.relu."""
        return F.relu(input, inplace=self.inplace)


class RReLU(Module):
    """x where x ≥ 0, else a x, with a drawn from U(lower, upper) in training."""

    def __init__(
        self, lower: float = 1.0 / 8, upper: float = 1.0 / 3, inplace: bool = False
    ) -> None:
        super().__init__()
        self.lower, self.upper, self.inplace = lower, upper, inplace

    def forward(self, input: Any) -> Any:
        """F.rrelu."""
        return F.rrelu(input, self.lower, self.upper, self.training, self.inplace)

    def extra_repr(self) -> str:
        """lower, upper, inplace."""
        return _shown(self, "lower", "upper")


class Hardtanh(Module):
    """x clamped to [min_val, max_val]."""

    def __init__(
        self,
        min_val: float = -1.0,
        max_val: float = 1.0,
        inplace: bool = False,
        min_value: float | None = None,
        max_value: float | None = None,
    ) -> None:
        super().__init__()
        for end, old in (("min", min_value), ("max", max_value)):
            if old is not None:
                text = f"keyword argument `{end}_value` is deprecated and renamed to `{end}_val`"
                warnings.warn(text, FutureWarning, stacklevel=2)
        self.min_val = min_val if min_value is None else min_value
        self.max_val = max_val if max_value is None else max_value
        self.inplace = inplace
        if self.max_val <= self.min_val:
            raise AssertionError(
                f"max_val ({self.max_val}) must be greater than min_val ({self.min_val})"
            )

    def forward(self, input: Any) -> Any:
        """F.hardtanh."""
        return F.hardtanh(input, self.min_val, self.max_val, self.inplace)

    def extra_repr(self) -> str:
        """min_val, max_val, inplace."""
        return _shown(self, "min_val", "max_val")


class ReLU6(Hardtanh):
    """x clamped to [0, 6]."""

    def __init__(self, inplace: bool = False) -> None:
        super().__init__(0.0, 6.0, inplace)

    def extra_repr(self) -> str:
        """inplace where it is true."""
        return _shown(self)


class Sigmoid(Module):
    """1 / (1 + e⁻ˣ)."""

    def forward(self, input: Any) -> Any:
        """torch.sigmoid."""
        return torch.sigmoid(input)


class Hardsigmoid(_InPlace):
    """relu6(x + 3) / 6."""

    def forward(self, input: Any) -> Any:
        """F.hardsigmoid."""
        return F.hardsigmoid(input, self.inplace)

    def extra_repr(self) -> str:
        """Nothing."""
        return ""


class Tanh(Module):
    """The hyperbolic tangent."""

    def forward(self, input: Any) -> Any:
        """torch.tanh."""
        return torch.tanh(input)


class SiLU(_InPlace):
    """x sigmoid(x)."""

    def forward(self, input: Any) -> Any:
        """F.silu."""
        return F.silu(input, inplace=self.inplace)


class Mish(_InPlace):
    """x tanh(softplus(x))."""

    def forward(self, input: Any) -> Any:
        """F.mish."""
        return F.mish(input, inplace=self.inplace)


class Hardswish(_InPlace):
    """x relu6(x + 3) / 6."""

    def forward(self, input: Any) -> Any:
        """F.hardswish."""
        return F.hardswish(input, self.inplace)

    def extra_repr(self) -> str:
        """Nothing."""
        return ""


class ELU(Module):
    """x where x > 0, else alpha (eˣ - 1)."""

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__()
        self.alpha, self.inplace = alpha, inplace

    def forward(self, input: Any) -> Any:
        """F.elu."""
        return F.elu(input, self.alpha, self.inplace)

    def extra_repr(self) -> str:
        """alpha, inplace."""
        return _shown(self, "alpha")


class CELU(Module):
    """max(0, x) + min(0, alpha (e^(x/alpha) - 1))."""

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__()
        self.alpha, self.inplace = alpha, inplace

    def forward(self, input: Any) -> Any:
        """F.celu."""
        return F.celu(input, self.alpha, self.inplace)

    def extra_repr(self) -> str:
        """alpha, inplace."""
        return _shown(self, "alpha")


class SELU(_InPlace):
    """The scaled ELU that keeps mean 0 and variance 1."""

    def forward(self, input: Any) -> Any:
        """F.selu."""
        return F.selu(input, self.inplace)


class GLU(Module):
    """One half of the input times the sigmoid of the other."""

    def __init__(self, dim: int = -1) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Any) -> Any:
        """F.glu."""
        return F.glu(input, self.dim)

    def extra_repr(self) -> str:
        """dim."""
        return _shown(self, "dim")


class GELU(Module):
    """x Φ(x), or its approximation by tanh."""

    def __init__(self, approximate: str = "none") -> None:
        super().__init__()
        self.approximate = approximate

    def forward(self, input: Any) -> Any:
        """F.gelu."""
        return F.gelu(input, approximate=self.approximate)

    def extra_repr(self) -> str:
        """approximate."""
        return f"approximate={self.approximate!r}"


class Hardshrink(Module):
    """x where |x| > lambd, else 0."""

    def __init__(self, lambd: float = 0.5) -> None:
        super().__init__()
        self.lambd = lambd

    def forward(self, input: Any) -> Any:
        """F.hardshrink."""
        return F.hardshrink(input, self.lambd)

    def extra_repr(self) -> str:
        """lambd."""
        return str(self.lambd)


class LeakyReLU(Module):
    """x where x ≥ 0, else negative_slope x."""

    def __init__(self, negative_slope: float = 0.01, inplace: bool = False) -> None:
        super().__init__()
        self.negative_slope, self.inplace = negative_slope, inplace

    def forward(self, input: Any) -> Any:
        """F.leaky_relu."""
        return F.leaky_relu(input, self.negative_slope, self.inplace)

    def extra_repr(self) -> str:
        """negative_slope, inplace."""
        return _shown(self, "negative_slope")


class LogSigmoid(Module):
    """log(sigmoid(x))."""

    def forward(self, input: Any) -> Any:
        """F.logsigmoid."""
        return F.logsigmoid(input)


class Softplus(Module):
    """log(1 + e^(beta x)) / beta, x itself where beta x > threshold."""

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        super().__init__()
        self.beta, self.threshold = beta, threshold

    def forward(self, input: Any) -> Any:
        """F.softplus."""
        return F.softplus(input, self.beta, self.threshold)

    def extra_repr(self) -> str:
        """beta, threshold."""
        return _shown(self, "beta", "threshold")


class Softshrink(Module):
    """x moved towards 0 by lambd, 0 where |x| ≤ lambd."""

    def __init__(self, lambd: float = 0.5) -> None:
        super().__init__()
        self.lambd = lambd

    def forward(self, input: Any) -> Any:
        """F.softshrink."""
        return F.softshrink(input, self.lambd)

    def extra_repr(self) -> str:
        """lambd."""
        return str(self.lambd)


class PReLU(Module):
    """x where x ≥ 0, else a x with a learned a, one or one for each channel."""

    def __init__(
        self, num_parameters: int = 1, init: float = 0.25, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__()
        self.num_parameters, self.init = num_parameters, init
        self.weight = fresh(num_parameters, device, dtype)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set a to its first value."""
        initial.constant_(self.weight, self.init)

    def forward(self, input: Any) -> Any:
        """F.prelu."""
        return F.prelu(input, self.weight)

    def extra_repr(self) -> str:
        """num_parameters."""
        return _shown(self, "num_parameters")


class Softsign(Module):
    """x / (1 + |x|)."""

    def forward(self, input: Any) -> Any:
        """F.softsign."""
        return F.softsign(input)


class Tanhshrink(Module):
    """x - tanh(x)."""

    def forward(self, input: Any) -> Any:
        """F.tanhshrink."""
        return F.tanhshrink(input)


class _AlongDim(Module):
    """A normalisation along one dimension, which is guessed with a warning where it is None."""

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = dim

    def extra_repr(self) -> str:
        """dim."""
        return _shown(self, "dim")


class Softmin(_AlongDim):
    """softmax(-x)."""

    def forward(self, input: Any) -> Any:
        """F.softmin."""
        return F.softmin(input, self.dim, _stacklevel=5)


class Softmax(_AlongDim):
    """eˣ over its sum along dim."""

    def forward(self, input: Any) -> Any:
        """F.softmax."""
        return F.softmax(input, self.dim, _stacklevel=5)


class Softmax2d(Module):
    """softmax over the channels of (N, C, H, W) or (C, H, W)."""

    def forward(self, input: Any) -> Any:
        """F.softmax along dimension -3; ValueError for other ranks."""
        if input.dim() not in (3, 4):
            raise ValueError(
                f"Softmax2d: expected input to be 3D or 4D, got {input.dim()}D instead"
            )
        return F.softmax(input, -3, _stacklevel=5)


class LogSoftmax(_AlongDim):
    """log(softmax(x)) along dim."""

    def forward(self, input: Any) -> Any:
        """F.log_softmax."""
        return F.log_softmax(input, self.dim, _stacklevel=5)
