"""What distributions of absolute values have in common: those of what is symmetric about 0.

What enters: a distribution of which signs are lost. What leaves: a class to inherit from. It must
not know which distribution that is.
"""

import math
from typing import Any, ClassVar

from .. import _api
from . import constraints
from .transformed_distribution import TransformedDistribution

torch: Any = _api


class Halves(TransformedDistribution):
    """Absolute values of draws of `base_dist`, which has a scale and lies about 0."""

    arg_constraints: ClassVar[Any] = {"scale": constraints.positive}
    support = constraints.nonnegative

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        """The same with another batch shape."""
        return super().expand(batch_shape, self.__new__(type(self)))

    @property
    def scale(self) -> Any:
        """The scale before signs are lost."""
        return self.base_dist.scale

    @property
    def mode(self) -> Any:
        """0."""
        return torch.zeros_like(self.scale)

    def cdf(self, value: Any) -> Any:
        """The probability of at most a value."""
        if self._validate_args:
            self._validate_sample(value)
        return 2 * self.base_dist.cdf(value) - 1

    def icdf(self, value: Any) -> Any:
        """The value below which a draw is with a probability."""
        return self.base_dist.icdf((value + 1) / 2)

    def entropy(self) -> Any:
        """The entropy."""
        return self.base_dist.entropy() - math.log(2)
