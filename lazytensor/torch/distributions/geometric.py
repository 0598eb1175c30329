"""The geometric distribution, by the probability of success or its log odds."""

from typing import Any, ClassVar

from .. import _api
from ..nn import functional
from . import constraints
from ._trials import Trials
from .utils import broadcast_all

__all__ = ["Geometric"]

torch: Any = _api


class Geometric(Trials):
    """Failures before the first success."""

    arg_constraints: ClassVar[Any] = {
        "probs": constraints.unit_interval,
        "logits": constraints.real,
    }
    support = constraints.nonnegative_integer
    _params = ("probs", "logits")

    def __init__(
        self, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        name, given = self._given(probs, logits)
        self._by_probs = name == "probs"
        setattr(self, name, broadcast_all(given)[0])
        super().__init__(self._batch(given), validate_args=validate_args)
        if self._validate_args and self._by_probs:
            value = self.probs
            if not (value > 0).all():
                at = value[value <= 0]
                raise ValueError(
                    f"Expected parameter probs ({type(value).__name__} of shape "
                    f"{tuple(value.shape)}) of distribution {self!r} to be positive but found "
                    f"invalid values:\n{at}"
                )

    @property
    def mean(self) -> Any:
        """The mean."""
        return 1.0 / self.probs - 1.0

    @property
    def mode(self) -> Any:
        """0."""
        return torch.zeros_like(self.probs)

    @property
    def variance(self) -> Any:
        """The variance."""
        return (1.0 / self.probs - 1.0) / self.probs

    def sample(self, sample_shape: Any = ()) -> Any:
        """Whole numbers."""
        like = {"dtype": self.probs.dtype, "device": self.probs.device}
        tiny = torch.finfo(self.probs.dtype).tiny
        with torch.no_grad():
            u = torch.empty(self._extended_shape(sample_shape), **like).uniform_(tiny, 1)
            return (u.log() / (-self.probs).log1p()).floor()

    def log_prob(self, value: Any) -> Any:
        """The logarithm of the probability."""
        if self._validate_args:
            self._validate_sample(value)
        value, probs = broadcast_all(value, self.probs)
        probs = torch.where((probs == 1) & (value == 0), 0.0, probs)
        return value * (-probs).log1p() + self.probs.log()

    def entropy(self) -> Any:
        """The entropy."""
        found = functional.binary_cross_entropy_with_logits(
            self.logits, self.probs, reduction="none"
        )
        return found / self.probs
