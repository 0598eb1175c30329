"""Student's distribution, by degrees of freedom, mean and scale."""

import math
from typing import Any, ClassVar

from .. import _api
from . import constraints
from ._located import Located
from .chi2 import Chi2

__all__ = ["StudentT"]

torch: Any = _api


class StudentT(Located):
    """Normally distributed numbers over roots of mean squares of such."""

    arg_constraints: ClassVar[Any] = {
        "df": constraints.positive,
        "loc": constraints.real,
        "scale": constraints.positive,
    }
    support = constraints.real
    _params = ("df", "loc", "scale")

    def __init__(
        self, df: Any, loc: Any = 0.0, scale: Any = 1.0, validate_args: bool | None = None
    ) -> None:
        self._take((df, loc, scale), validate_args)
        self._chi2 = Chi2(self.df)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        """The same with another batch shape."""
        new = super().expand(batch_shape, _instance)
        new._chi2 = self._chi2.expand(batch_shape)
        return new

    @property
    def mean(self) -> Any:
        """The mean; NaN where there is none."""
        return torch.where(self.df <= 1, math.nan, self.loc)

    @property
    def mode(self) -> Any:
        """Where the density is greatest."""
        return self.loc

    @property
    def variance(self) -> Any:
        """The variance: infinite for up to two degrees of freedom, NaN for up to one."""
        found = self.scale.pow(2) * self.df / (self.df - 2)
        found = torch.where(self.df > 2, found, math.inf)
        return torch.where(self.df <= 1, math.nan, found)

    def rsample(self, sample_shape: Any = ()) -> Any:
        """Draws that have gradients by the parameters."""
        x = self._empty(sample_shape).normal_()
        z = self._chi2.rsample(sample_shape)
        return self.loc + self.scale * (x * torch.rsqrt(z / self.df))

    def log_prob(self, value: Any) -> Any:
        """The logarithm of the density."""
        self._check(value)
        y = (value - self.loc) / self.scale
        norm = (
            self.scale.log()
            + 0.5 * self.df.log()
            + 0.5 * math.log(math.pi)
            + torch.lgamma(0.5 * self.df)
            - torch.lgamma(0.5 * (self.df + 1.0))
        )
        return -0.5 * (self.df + 1.0) * torch.log1p(y**2.0 / self.df) - norm

    def entropy(self) -> Any:
        """The entropy."""
        half, more = 0.5 * self.df, 0.5 * (self.df + 1)
        beta = torch.lgamma(half) + math.lgamma(0.5) - torch.lgamma(more)
        slopes = more * (torch.digamma(more) - torch.digamma(half))
        return self.scale.log() + slopes + 0.5 * self.df.log() + beta
