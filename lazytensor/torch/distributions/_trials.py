"""What distributions of trials share, given by probabilities or log odds."""

from typing import Any, ClassVar

from .. import _api
from . import constraints
from .distribution import Distribution
from .utils import NUMBERS, lazy_property, logits_to_probs, probs_to_logits

__all__ = ["Trials"]

torch: Any = _api


class Trials(Distribution):
    """A distribution with a probability of success; `_param` is what it was given by."""

    arg_constraints: ClassVar[Any] = {
        "probs": constraints.unit_interval,
        "logits": constraints.real,
    }

    def _given(self, probs: Any, logits: Any) -> tuple[str, Any]:
        """The one that was given, and its name. Raises ValueError."""
        if (probs is None) == (logits is None):
            raise ValueError("Either `probs` or `logits` must be specified, but not both.")
        return ("logits", logits) if probs is None else ("probs", probs)

    @property
    def _param(self) -> Any:
        return self.__dict__["probs" if self._by_probs else "logits"]

    _by_probs: bool

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        """The same with another batch shape."""
        new = super().expand(batch_shape, _instance)
        new._by_probs = self._by_probs
        return new

    def _batch(self, given: Any) -> Any:
        return () if isinstance(given, NUMBERS) else self._param.size()

    @lazy_property
    def logits(self) -> Any:
        """The log odds."""
        return probs_to_logits(self.probs, is_binary=True)

    @lazy_property
    def probs(self) -> Any:
        """The probabilities."""
        return logits_to_probs(self.logits, is_binary=True)
