"""Absolute values of what is normally distributed about 0."""

import math
from typing import Any

from .. import _api
from ._halves import Halves
from .normal import Normal
from .transforms import AbsTransform

__all__ = ["HalfNormal"]

torch: Any = _api


class HalfNormal(Halves):
    """Absolute values of normally distributed numbers."""

    def __init__(self, scale: Any, validate_args: bool | None = None) -> None:
        base = Normal(0, scale, validate_args=False)
        super().__init__(base, AbsTransform(), validate_args=validate_args)

    @property
    def mean(self) -> Any:
        """The mean."""
        return self.scale * math.sqrt(2 / math.pi)

    @property
    def variance(self) -> Any:
        """The variance."""
        return self.scale.pow(2) * (1 - 2 / math.pi)

    def log_prob(self, value: Any) -> Any:
        """The logarithm of the density."""
        if self._validate_args:
            self._validate_sample(value)
        found = self.base_dist.log_prob(value) + math.log(2)
        return torch.where(value >= 0, found, -math.inf)
