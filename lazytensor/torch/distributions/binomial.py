"""The binomial distribution, by the number of trials and the probability of success."""

from typing import Any, ClassVar

from .. import _api
from . import constraints
from ._trials import Trials
from .utils import broadcast_all

__all__ = ["Binomial"]

torch: Any = _api


def _positive_part(x: Any) -> Any:
    """x where it is above 0, else 0, with half the gradient at 0."""
    return (x.clamp(min=0) + x - x.clamp(max=0)) / 2


class Binomial(Trials):
    """Successes in a number of trials."""

    arg_constraints: ClassVar[Any] = {
        "total_count": constraints.nonnegative_integer,
        "probs": constraints.unit_interval,
        "logits": constraints.real,
    }
    has_enumerate_support = True
    _params = ("total_count", "probs", "logits")

    def __init__(
        self,
        total_count: Any = 1,
        probs: Any = None,
        logits: Any = None,
        validate_args: bool | None = None,
    ) -> None:
        name, given = self._given(probs, logits)
        self._by_probs = name == "probs"
        self.total_count, value = broadcast_all(total_count, given)
        self.total_count = self.total_count.type_as(value)
        setattr(self, name, value)
        super().__init__(self._param.size(), validate_args=validate_args)

    @constraints.dependent_property(is_discrete=True, event_dim=0)
    def support(self) -> Any:
        """From 0 to the number of trials."""
        return constraints.integer_interval(0, self.total_count)

    @property
    def param_shape(self) -> Any:
        """The shape of the parameter."""
        return self._param.size()

    @property
    def mean(self) -> Any:
        """The mean."""
        return self.total_count * self.probs

    @property
    def mode(self) -> Any:
        """The most probable number."""
        return ((self.total_count + 1) * self.probs).floor().clamp(max=self.total_count)

    @property
    def variance(self) -> Any:
        """The variance."""
        return self.total_count * self.probs * (1 - self.probs)

    def sample(self, sample_shape: Any = ()) -> Any:
        """Whole numbers."""
        shape = self._extended_shape(sample_shape)
        with torch.no_grad():
            return torch.binomial(self.total_count.expand(shape), self.probs.expand(shape))

    def log_prob(self, value: Any) -> Any:
        """The logarithm of the probability."""
        if self._validate_args:
            self._validate_sample(value)
        n, ways = self.total_count, torch.lgamma(self.total_count + 1)
        odds = torch.log1p(torch.exp(-torch.abs(self.logits)))
        rest = n * _positive_part(self.logits) + n * odds - ways
        ways = torch.lgamma(value + 1) + torch.lgamma(n - value + 1)
        return value * self.logits - ways - rest

    def entropy(self) -> Any:
        """The entropy. Raises NotImplementedError for several numbers of trials."""
        total = int(self.total_count.max())
        if not self.total_count.min() == total:
            raise NotImplementedError(
                "Inhomogeneous total count not supported by `entropy`."
            )
        found = self.log_prob(self.enumerate_support(False))
        return -(torch.exp(found) * found).sum(0)

    def enumerate_support(self, expand: bool = True) -> Any:
        """All numbers. Raises NotImplementedError for several numbers of trials."""
        total = int(self.total_count.max())
        if not self.total_count.min() == total:
            raise NotImplementedError(
                "Inhomogeneous total count not supported by `enumerate_support`."
            )
        like = {"dtype": self._param.dtype, "device": self._param.device}
        values = torch.arange(1 + total, **like).view((-1,) + (1,) * len(self._batch_shape))
        return values.expand((-1, *self._batch_shape)) if expand else values
