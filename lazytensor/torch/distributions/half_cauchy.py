"""Absolute values of what is Cauchy distributed about 0."""

import math
from typing import Any

from .. import _api
from ._halves import Halves
from .cauchy import Cauchy
from .transforms import AbsTransform

__all__ = ["HalfCauchy"]

torch: Any = _api


class HalfCauchy(Halves):
    """Absolute values of Cauchy distributed numbers."""

    def __init__(self, scale: Any, validate_args: bool | None = None) -> None:
        base = Cauchy(0, scale, validate_args=False)
        super().__init__(base, AbsTransform(), validate_args=validate_args)

    @property
    def mean(self) -> Any:
        """Infinite."""
        return torch.full(self._extended_shape(), math.inf, dtype=self.scale.dtype)

    @property
    def variance(self) -> Any:
        """Infinite."""
        return self.base_dist.variance

    def log_prob(self, value: Any) -> Any:
        """The logarithm of the density."""
        if self._validate_args:
            self._validate_sample(value)
        value = torch.as_tensor(value, dtype=self.scale.dtype)
        found = self.base_dist.log_prob(value) + math.log(2)
        return torch.where(value >= 0, found, -math.inf)
