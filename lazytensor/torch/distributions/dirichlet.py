"""The Dirichlet distribution, by its concentrations."""

from typing import Any, ClassVar

from .. import _api
from ..nn import functional
from . import constraints
from ._gammas import dirichlets
from .distribution import Distribution

__all__ = ["Dirichlet"]

torch: Any = _api


class Dirichlet(Distribution):
    """Points of the simplex: numbers along the last axis that have the sum 1."""

    arg_constraints: ClassVar[Any] = {
        "concentration": constraints.independent(constraints.positive, 1)
    }
    support = constraints.simplex
    has_rsample = True

    def __init__(self, concentration: Any, validate_args: bool | None = None) -> None:
        if concentration.dim() < 1:
            raise ValueError("`concentration` parameter must be at least one-dimensional.")
        self.concentration = concentration
        shape = concentration.shape
        super().__init__(shape[:-1], shape[-1:], validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        """The same with another batch shape."""
        names = ("concentration",)
        return self._expanded(Dirichlet, batch_shape, _instance, names, self.event_shape)

    def rsample(self, sample_shape: Any = ()) -> Any:
        """Draws that have gradients by the concentrations."""
        return dirichlets(self.concentration.expand(self._extended_shape(sample_shape)))

    def log_prob(self, value: Any) -> Any:
        """The logarithm of the density."""
        if self._validate_args:
            self._validate_sample(value)
        a = self.concentration
        powers = torch.xlogy(a - 1.0, value).sum(-1)
        return powers + torch.lgamma(a.sum(-1)) - torch.lgamma(a).sum(-1)

    @property
    def mean(self) -> Any:
        """The mean."""
        return self.concentration / self.concentration.sum(-1, True)

    @property
    def mode(self) -> Any:
        """Where the density is greatest: a corner where all concentrations are below 1."""
        above = (self.concentration - 1).clamp(min=0.0)
        mode = above / above.sum(-1, True)
        corner = (self.concentration < 1).all(dim=-1, keepdim=True)
        highest = functional.one_hot(mode.argmax(dim=-1), above.shape[-1]).to(mode)
        return torch.where(corner, highest, mode)

    @property
    def variance(self) -> Any:
        """The variances."""
        total = self.concentration.sum(-1, True)
        return self.concentration * (total - self.concentration) / (total.pow(2) * (total + 1))

    def entropy(self) -> Any:
        """The entropy."""
        a, k = self.concentration, self.concentration.size(-1)
        total = a.sum(-1)
        return (
            torch.lgamma(a).sum(-1)
            - torch.lgamma(total)
            - (k - total) * torch.digamma(total)
            - ((a - 1.0) * torch.digamma(a)).sum(-1)
        )
