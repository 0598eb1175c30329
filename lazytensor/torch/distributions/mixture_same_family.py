"""A mixture of distributions that are one batch."""

from typing import Any, ClassVar

from .. import _api
from . import constraints
from .categorical import Categorical
from .distribution import Distribution

__all__ = ["MixtureSameFamily"]

torch: Any = _api


class MixtureSameFamily(Distribution):
    """Draws of one of the distributions along the last dimension of a batch, by a Categorical."""

    arg_constraints: ClassVar[Any] = {}

    def __init__(
        self,
        mixture_distribution: Any,
        component_distribution: Any,
        validate_args: bool | None = None,
    ) -> None:
        _fit(mixture_distribution, component_distribution)
        self._mixture_distribution = mixture_distribution
        self._component_distribution = component_distribution
        self._num_component = mixture_distribution.logits.shape[-1]
        event = component_distribution.event_shape
        self._event_ndims = len(event)
        batch = component_distribution.batch_shape[:-1]
        super().__init__(batch, event, validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        """The same with another batch shape."""
        new = self._expanded(MixtureSameFamily, batch_shape, _instance, ())
        shape = new._batch_shape
        new._component_distribution = self._component_distribution.expand(
            shape + torch.Size((self._num_component,))
        )
        new._mixture_distribution = self._mixture_distribution.expand(shape)
        new._num_component, new._event_ndims = self._num_component, self._event_ndims
        return new

    @constraints.dependent_property
    def support(self) -> Any:
        """That of the parts."""
        return constraints.MixtureSameFamilyConstraint(self._component_distribution.support)

    @property
    def mixture_distribution(self) -> Any:
        """Which part is drawn of."""
        return self._mixture_distribution

    @property
    def component_distribution(self) -> Any:
        """The parts."""
        return self._component_distribution

    def _weights(self) -> Any:
        probs = self.mixture_distribution.probs
        return probs.reshape(probs.shape + (1,) * self._event_ndims)

    @property
    def mean(self) -> Any:
        """The mean."""
        dim = -1 - self._event_ndims
        return torch.sum(self._weights() * self.component_distribution.mean, dim=dim)

    @property
    def variance(self) -> Any:
        """The mean variance of the parts, and the variance of their means."""
        dim, weights = -1 - self._event_ndims, self._weights()
        within = torch.sum(weights * self.component_distribution.variance, dim=dim)
        away = self.component_distribution.mean - self.mean.unsqueeze(dim)
        return within + torch.sum(weights * away.pow(2.0), dim=dim)

    def cdf(self, value: Any) -> Any:
        """The probability of at most a value."""
        found = self.component_distribution.cdf(self._padded(value))
        return torch.sum(found * self.mixture_distribution.probs, dim=-1)

    def log_prob(self, value: Any) -> Any:
        """The logarithm of the density."""
        if self._validate_args:
            self._validate_sample(value)
        found = self.component_distribution.log_prob(self._padded(value))
        weights = torch.log_softmax(self.mixture_distribution.logits, dim=-1)
        return torch.logsumexp(found + weights, dim=-1)

    def _padded(self, x: Any) -> Any:
        return x.unsqueeze(-1 - self._event_ndims)

    def sample(self, sample_shape: Any = ()) -> Any:
        """Draws, without gradients."""
        with torch.no_grad():
            dim = len(sample_shape) + len(self.batch_shape)
            chosen = self.mixture_distribution.sample(sample_shape)
            drawn = self.component_distribution.sample(sample_shape)
            ones = (1,) * (self._event_ndims + 1)
            places = chosen.reshape(chosen.shape + ones)
            places = places.repeat(torch.Size([1] * len(chosen.shape) + [1]) + self.event_shape)
            return torch.gather(drawn, dim, places).squeeze(dim)

    def __repr__(self) -> str:
        parts = f"\n  {self.mixture_distribution},\n  {self.component_distribution}"
        return f"MixtureSameFamily({parts})"


def _fit(mixture: Any, component: Any) -> None:
    """Raises ValueError for what can't be mixed."""
    if not isinstance(mixture, Categorical):
        raise ValueError(
            " The Mixture distribution needs to be an  instance of torch.distributions.Categorical"
        )
    if not isinstance(component, Distribution):
        raise ValueError(
            "The Component distribution need to be an instance of torch.distributions.Distribution"
        )
    batch, parts = mixture.batch_shape, component.batch_shape[:-1]
    for n, m in zip(reversed(batch), reversed(parts)):
        if n != 1 and m != 1 and n != m:
            raise ValueError(
                f"`mixture_distribution.batch_shape` ({batch}) is not compatible with "
                f"`component_distribution.batch_shape`({parts})"
            )
    k, given = mixture.logits.shape[-1], component.batch_shape[-1]
    if k is not None and given is not None and k != given:
        raise ValueError(
            f"`mixture_distribution component` ({k}) does not equal "
            f"`component_distribution.batch_shape[-1]` ({given})"
        )
