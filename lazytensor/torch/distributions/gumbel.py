"""The Gumbel distribution, by its mode and scale."""

import math
from typing import Any, ClassVar

from .. import _api
from . import constraints
from .transformed_distribution import TransformedDistribution
from .transforms import AffineTransform, ExpTransform
from .uniform import Uniform
from .utils import NUMBERS, broadcast_all

__all__ = ["Gumbel"]

torch: Any = _api
_EULER = 0.57721566490153286060


class Gumbel(TransformedDistribution):
    """What the greatest of many numbers tends to."""

    arg_constraints: ClassVar[Any] = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.real

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        self.loc, self.scale = broadcast_all(loc, scale)
        limits = torch.finfo(self.loc.dtype)
        bounds = limits.tiny, 1 - limits.eps
        if not (isinstance(loc, NUMBERS) and isinstance(scale, NUMBERS)):
            bounds = tuple(torch.full_like(self.loc, x) for x in bounds)
        base = Uniform(*bounds, validate_args=validate_args)
        turned = AffineTransform(loc=0, scale=-torch.ones_like(self.scale))
        moved = AffineTransform(loc=loc, scale=-self.scale)
        steps = [ExpTransform().inv, turned, ExpTransform().inv, moved]
        super().__init__(base, steps, validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        """The same with another batch shape."""
        loc, scale = self.loc.expand(batch_shape), self.scale.expand(batch_shape)
        new = type(self)(loc, scale, validate_args=False)
        new._validate_args = self._validate_args
        return new

    def log_prob(self, value: Any) -> Any:
        """The logarithm of the density."""
        if self._validate_args:
            self._validate_sample(value)
        y = (self.loc - value) / self.scale
        return (y - y.exp()) - self.scale.log()

    @property
    def mean(self) -> Any:
        """The mean."""
        return self.loc + self.scale * _EULER

    @property
    def mode(self) -> Any:
        """Where the density is greatest."""
        return self.loc

    @property
    def stddev(self) -> Any:
        """The standard deviation."""
        return (math.pi / math.sqrt(6)) * self.scale

    @property
    def variance(self) -> Any:
        """The variance."""
        return self.stddev.pow(2)

    def entropy(self) -> Any:
        """The entropy."""
        return self.scale.log() + (1 + _EULER)
