"""Draws from gamma and Dirichlet distributions, with gradients by what shapes them.

What enters: shapes as tensors. What leaves: draws that move with them as quantiles do. It must not
know the distributions.
"""

from collections.abc import Callable
from typing import Any

from .. import _api
from .._dispatch import FUNCTIONS

__all__ = ["dirichlets", "gammas"]

torch: Any = _api


def gammas(shapes: Any) -> Any:
    """Gamma numbers of scale 1."""
    drawn = FUNCTIONS["_standard_gamma"](shapes.detach())
    if not (torch.is_grad_enabled() and shapes.requires_grad):
        return drawn
    return drawn + _following(shapes) * _gamma_slopes(drawn, shapes.detach()).to(drawn.dtype)


def dirichlets(shapes: Any) -> Any:
    """Points of the simplex, along the last axis."""
    drawn = FUNCTIONS["_sample_dirichlet"](shapes.detach())
    if not (torch.is_grad_enabled() and shapes.requires_grad):
        return drawn
    slopes = _beta_slopes(drawn, shapes.detach()).to(drawn.dtype) / (1 - drawn)
    steps = _following(shapes) * slopes
    return drawn + steps - drawn * steps.sum(-1, keepdim=True)


def _following(x: Any) -> Any:
    """Zeros whose derivative by x is one."""
    return x - x.detach()


def _integral(f: Callable[[Any], Any]) -> Any:
    """The integral of a decaying function from 0 to infinity, by the points of an axis behind: the
    trapezoidal rule after exp(t - exp(-t)), which reaches both ends doubly exponentially.
    """
    t = torch.arange(-4.25, 7.01, 0.125, dtype=torch.float64)
    v = torch.exp(t - torch.exp(-t))
    return (f(v) * (v * (1 + torch.exp(-t)))).sum(-1) * 0.125


def _gamma_slopes(x: Any, a: Any) -> Any:
    """By how much a draw moves with its shape: -(dF/da) / (dF/dx) of the distribution F, as an
    integral over what is below the draw, or above it.
    """
    x, a = x.double()[..., None], a.double()[..., None]
    mean_log = torch.digamma(a)
    low = x <= a
    sign = torch.where(low, -1.0, 1.0)

    def f(v: Any) -> Any:
        away = sign * v
        weight = torch.exp(a * away - x * torch.expm1(away))
        weight = torch.where(torch.isfinite(weight), weight, 0.0)
        return sign * weight * (x.log() + away - mean_log)

    return x[..., 0] * _integral(f)


def _beta_slopes(x: Any, shapes: Any) -> Any:
    """As `_gamma_slopes`, for each entry, whose distribution is beta, by its own shape."""
    x, a = x.double()[..., None], shapes.double()[..., None]
    total = a.sum(-2, keepdim=True)
    b = total - a
    mean_log = torch.digamma(a) - torch.digamma(total)
    low = x * total <= a

    def below(v: Any) -> Any:
        t = x * torch.exp(-v)
        weight = torch.exp(-a * v + (b - 1) * (torch.log1p(-t) - torch.log1p(-x)))
        return -x * weight * (x.log() - v - mean_log)

    def above(v: Any) -> Any:
        rest = torch.log1p(-(1 - x) * torch.exp(-v))
        weight = torch.exp(-b * v + (a - 1) * (rest - x.log()))
        return (1 - x) * weight * (rest - mean_log)

    return torch.where(low[..., 0], _integral(below), _integral(above))
