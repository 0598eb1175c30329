"""The Cauchy distribution, by its median and half its width."""

import math
from typing import Any, ClassVar

from .. import _api
from . import constraints
from ._located import Located

__all__ = ["Cauchy"]

torch: Any = _api


class Cauchy(Located):
    """Ratios of two normally distributed numbers: they have neither mean nor variance."""

    arg_constraints: ClassVar[Any] = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.real
    _params = ("loc", "scale")

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        self._take((loc, scale), validate_args)

    @property
    def mean(self) -> Any:
        """NaN: there is none."""
        return torch.full_like(self.loc, math.nan)

    @property
    def mode(self) -> Any:
        """The median, where the density is greatest."""
        return self.loc

    @property
    def variance(self) -> Any:
        """Infinite."""
        return torch.full_like(self.loc, math.inf)

    def rsample(self, sample_shape: Any = ()) -> Any:
        """Draws that have gradients by median and scale."""
        return self.loc + self._empty(sample_shape).cauchy_() * self.scale

    def log_prob(self, value: Any) -> Any:
        """The logarithm of the density."""
        self._check(value)
        away = ((value - self.loc) / self.scale) ** 2
        return -math.log(math.pi) - self.scale.log() - away.log1p()

    def cdf(self, value: Any) -> Any:
        """The probability of at most a value."""
        self._check(value)
        return torch.atan((value - self.loc) / self.scale) / math.pi + 0.5

    def icdf(self, value: Any) -> Any:
        """The value below which a draw is with a probability."""
        return torch.tan(math.pi * (value - 0.5)) * self.scale + self.loc

    def entropy(self) -> Any:
        """The entropy."""
        return math.log(4 * math.pi) + self.scale.log()
