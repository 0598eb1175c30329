"""The exponential distribution, by its rate."""

from typing import Any, ClassVar

from .. import _api
from . import constraints
from ._located import Located

__all__ = ["Exponential"]

torch: Any = _api


class Exponential(Located):
    """Times until an event that comes with a rate."""

    arg_constraints: ClassVar[Any] = {"rate": constraints.positive}
    support = constraints.nonnegative
    _params = ("rate",)

    def __init__(self, rate: Any, validate_args: bool | None = None) -> None:
        self._take((rate,), validate_args)

    @property
    def mean(self) -> Any:
        """The mean."""
        return self.rate.reciprocal()

    @property
    def mode(self) -> Any:
        """0, where the density is greatest."""
        return torch.zeros_like(self.rate)

    @property
    def stddev(self) -> Any:
        """The standard deviation."""
        return self.rate.reciprocal()

    @property
    def variance(self) -> Any:
        """The variance."""
        return self.rate.pow(-2)

    def rsample(self, sample_shape: Any = ()) -> Any:
        """Draws that have gradients by the rate."""
        return self._empty(sample_shape).exponential_() / self.rate

    def log_prob(self, value: Any) -> Any:
        """The logarithm of the density."""
        self._check(value)
        return self.rate.log() - self.rate * value

    def cdf(self, value: Any) -> Any:
        """The probability of at most a value."""
        self._check(value)
        return 1 - torch.exp(-self.rate * value)

    def icdf(self, value: Any) -> Any:
        """The value below which a draw is with a probability."""
        return -torch.log1p(-value) / self.rate

    def entropy(self) -> Any:
        """The entropy."""
        return 1.0 - torch.log(self.rate)
