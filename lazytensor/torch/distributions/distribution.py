"""The base of distributions: shapes, the checks of parameters and samples, the text.

What enters: parameters as tensors. What leaves: samples and logarithms of probabilities. It must
not know any particular distribution.
"""

import warnings
from typing import Any, ClassVar

from .. import _api
from ..tensor import Tensor
from . import constraints
from .utils import lazy_property

__all__ = ["Distribution"]

torch: Any = _api
_Size = torch.Size


class Distribution:
    """A batch of random variables; draws are of shape sample_shape + batch_shape + event_shape."""

    has_rsample = False
    has_enumerate_support = False
    _validate_args = __debug__
    # The parameters that are as large as a batch, which `expand` expands.
    _params: ClassVar[tuple[str, ...]]
    arg_constraints: ClassVar[Any] = property(lambda self: _missing(self))
    support: Any = property(lambda self: _missing(self))

    @staticmethod
    def set_default_validate_args(value: bool) -> None:
        """Whether distributions check their parameters unless they are told."""
        if value not in [True, False]:
            raise ValueError
        Distribution._validate_args = value

    def __init__(
        self, batch_shape: Any = (), event_shape: Any = (), validate_args: bool | None = None
    ) -> None:
        self._batch_shape, self._event_shape = _Size(batch_shape), _Size(event_shape)
        if validate_args is not None:
            self._validate_args = validate_args
        if self._validate_args:
            self._validate_parameters()

    def _validate_parameters(self) -> None:
        """Raises ValueError for parameters that aren't allowed."""
        try:
            found = self.arg_constraints
        except NotImplementedError:
            warnings.warn(_NO_CONSTRAINTS.format(self.__class__), stacklevel=4)
            return
        for name, constraint in found.items():
            computed = isinstance(getattr(type(self), name, None), lazy_property)
            if constraints.is_dependent(constraint) or (name not in self.__dict__ and computed):
                continue
            value = getattr(self, name)
            if not constraint.check(value).all():
                raise ValueError(
                    f"Expected parameter {name} ({_titled(value)}) of distribution {self!r} to "
                    f"satisfy the constraint {constraint!r}, but found invalid values:\n{value}"
                )

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        """The same with another batch shape. Raises NotImplementedError where no class says what
        its parameters are.
        """
        kind = next((c for c in type(self).__mro__ if "_params" in vars(c)), None)
        if kind is None:
            raise NotImplementedError
        return self._expanded(kind, batch_shape, _instance, self._params)

    def _expanded(self, kind: type, batch_shape: Any, new: Any, names: Any, event: Any = ()) -> Any:
        """`expand` for a class whose parameters are as large as a batch, or have `event` behind.

        Raises NotImplementedError for subclasses that are made in another way.
        """
        if new is None:
            if type(self).__init__ is not kind.__init__:  # type: ignore[misc]
                raise NotImplementedError(
                    f"Subclass {self.__class__.__name__} of {kind.__name__} that defines a custom "
                    "__init__ method must also define a custom .expand() method."
                )
            new = self.__new__(type(self))
        batch_shape = _Size(batch_shape)
        for name in names:
            if name in self.__dict__:
                setattr(new, name, getattr(self, name).expand(batch_shape + _Size(event)))
        Distribution.__init__(new, batch_shape, self._event_shape, validate_args=False)
        new._validate_args = self._validate_args
        return new

    @property
    def batch_shape(self) -> Any:
        """The shape of the batch."""
        return self._batch_shape

    @property
    def event_shape(self) -> Any:
        """The shape of one draw."""
        return self._event_shape

    @property
    def mean(self) -> Any:
        """The mean."""
        raise NotImplementedError

    @property
    def mode(self) -> Any:
        """The most probable value."""
        raise NotImplementedError(f"{self.__class__} does not implement mode")

    @property
    def variance(self) -> Any:
        """The variance."""
        raise NotImplementedError

    @property
    def stddev(self) -> Any:
        """The standard deviation."""
        return self.variance.sqrt()

    def sample(self, sample_shape: Any = ()) -> Any:
        """Draws, without gradients."""
        with torch.no_grad():
            return self.rsample(sample_shape)

    def rsample(self, sample_shape: Any = ()) -> Any:
        """Draws that have gradients by the parameters."""
        raise NotImplementedError

    def log_prob(self, value: Any) -> Any:
        """The logarithm of the probability, or its density. ValueError outside the support."""
        raise NotImplementedError

    def cdf(self, value: Any) -> Any:
        """The probability of at most a value."""
        raise NotImplementedError

    def icdf(self, value: Any) -> Any:
        """The value below which a draw is with a probability."""
        raise NotImplementedError

    def enumerate_support(self, expand: bool = True) -> Any:
        """All values."""
        raise NotImplementedError

    def entropy(self) -> Any:
        """The entropy."""
        raise NotImplementedError

    def perplexity(self) -> Any:
        """The exponential of the entropy."""
        return torch.exp(self.entropy())

    def _extended_shape(self, sample_shape: Any = ()) -> Any:
        return _Size(tuple(sample_shape) + tuple(self._batch_shape) + tuple(self._event_shape))

    def _validate_sample(self, value: Any) -> None:
        """Raises ValueError for what can't have been drawn."""
        if not isinstance(value, Tensor):
            raise ValueError("The value argument to log_prob must be a Tensor")
        self._validate_shape(value.shape)
        try:
            support = self.support
        except NotImplementedError:
            warnings.warn(_NO_SUPPORT.format(self.__class__), stacklevel=3)
            return
        if not support.check(value).all():
            raise ValueError(
                f"Expected value argument ({_titled(value)}) to be within the support "
                f"({support!r}) of the distribution {self!r}, but found invalid values:\n{value}"
            )

    def _validate_shape(self, shape: Any) -> None:
        if shape[len(shape) - len(self._event_shape) :] != self._event_shape:
            raise ValueError(
                "The right-most size of value must match event_shape: "
                f"{shape} vs {self._event_shape}."
            )
        whole = self._batch_shape + self._event_shape
        if any(1 not in (n, m) and n != m for n, m in zip(reversed(shape), reversed(whole))):
            raise ValueError(
                f"Value is not broadcastable with batch_shape+event_shape: {shape} vs {whole}."
            )

    def __repr__(self) -> str:
        values = [(k, self.__dict__[k]) for k in self.arg_constraints if k in self.__dict__]
        parts = (f"{k}: {x if x.numel() == 1 else x.size()}" for k, x in values)
        return f"{self.__class__.__name__}({', '.join(parts)})"


_NO_CONSTRAINTS = (
    "{} does not define `arg_constraints`. Please set `arg_constraints = {{}}` or initialize the "
    "distribution with `validate_args=False` to turn off validation."
)
_NO_SUPPORT = (
    "{} does not define `support` to enable sample validation. Please initialize the distribution "
    "with `validate_args=False` to turn off validation."
)


def _missing(own: Any) -> Any:
    raise NotImplementedError


def _titled(value: Any) -> str:
    return f"{type(value).__name__} of shape {tuple(value.shape)}"
