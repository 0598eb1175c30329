"""The Kumaraswamy distribution, by its two concentrations."""

from typing import Any, ClassVar

from .. import _api
from . import constraints
from .transformed_distribution import TransformedDistribution
from .transforms import AffineTransform, PowerTransform
from .uniform import Uniform
from .utils import broadcast_all

__all__ = ["Kumaraswamy"]

torch: Any = _api
_EULER = 0.57721566490153286060


class Kumaraswamy(TransformedDistribution):
    """Numbers from 0 to 1, much like those of a beta distribution, by powers of uniform ones."""

    arg_constraints: ClassVar[Any] = {
        "concentration1": constraints.positive,
        "concentration0": constraints.positive,
    }
    support = constraints.unit_interval

    def __init__(
        self, concentration1: Any, concentration0: Any, validate_args: bool | None = None
    ) -> None:
        self.concentration1, self.concentration0 = broadcast_all(concentration1, concentration0)
        low, high = (torch.full_like(self.concentration0, x) for x in (0, 1))
        base = Uniform(low, high, validate_args=validate_args)
        steps = [
            PowerTransform(exponent=self.concentration0.reciprocal()),
            AffineTransform(loc=1.0, scale=-1.0),
            PowerTransform(exponent=self.concentration1.reciprocal()),
        ]
        super().__init__(base, steps, validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        """The same with another batch shape."""
        one, zero = (c.expand(batch_shape) for c in (self.concentration1, self.concentration0))
        new = type(self)(one, zero, validate_args=False)
        new._validate_args = self._validate_args
        return new

    def _moment(self, n: int) -> Any:
        arg = 1 + n / self.concentration1
        value = torch.lgamma(arg) + torch.lgamma(self.concentration0)
        return self.concentration0 * torch.exp(value - torch.lgamma(arg + self.concentration0))

    @property
    def mean(self) -> Any:
        """The mean."""
        return self._moment(1)

    @property
    def mode(self) -> Any:
        """Where the density is greatest; NaN where it has no single such place."""
        one, zero = self.concentration1, self.concentration0
        log_mode = one.reciprocal() * (-zero).log1p() - (-zero * one).log1p()
        found = log_mode.exp()
        return torch.where((one < 1) | (zero < 1), float("nan"), found)

    @property
    def variance(self) -> Any:
        """The variance."""
        return self._moment(2) - torch.pow(self.mean, 2)

    def entropy(self) -> Any:
        """The entropy."""
        t1, t0 = 1 - self.concentration1.reciprocal(), 1 - self.concentration0.reciprocal()
        harmonic = torch.digamma(self.concentration0 + 1) + _EULER
        logs = torch.log(self.concentration1) + torch.log(self.concentration0)
        return t0 + t1 * harmonic - logs
