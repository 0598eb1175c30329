"""The distribution of what transforms make of a random variable."""

from typing import Any, ClassVar

from .. import _api
from . import constraints
from ._transform import ComposeTransform, Transform, summed
from .distribution import Distribution
from .independent import Independent

__all__ = ["TransformedDistribution"]

torch: Any = _api


class TransformedDistribution(Distribution):
    """Draws of a distribution, transformed."""

    arg_constraints: ClassVar[Any] = {}

    def __init__(
        self, base_distribution: Any, transforms: Any, validate_args: bool | None = None
    ) -> None:
        self.transforms = _listed(transforms)
        shape = base_distribution.batch_shape + base_distribution.event_shape
        dims, whole = len(base_distribution.event_shape), ComposeTransform(self.transforms)
        if len(shape) < whole.domain.event_dim:
            raise ValueError(
                f"base_distribution needs to have shape with size at least {whole.domain.event_dim}"
                f", but got {shape}."
            )
        made = whole.forward_shape(shape)
        expanded = whole.inverse_shape(made)
        if shape != expanded:
            batch = expanded[: len(expanded) - dims]
            base_distribution = base_distribution.expand(batch)
        more = whole.domain.event_dim - dims
        base: Any = Independent(base_distribution, more) if more > 0 else base_distribution
        self.base_dist = base
        events = whole.codomain.event_dim + max(dims - whole.domain.event_dim, 0)
        cut = len(made) - events
        super().__init__(made[:cut], made[cut:], validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        """The same with another batch shape."""
        new = self._expanded(TransformedDistribution, batch_shape, _instance, ())
        shape = ComposeTransform(self.transforms).inverse_shape(new._batch_shape + self.event_shape)
        base = shape[: len(shape) - len(self.base_dist.event_shape)]
        new.base_dist, new.transforms = self.base_dist.expand(base), self.transforms
        return new

    @constraints.dependent_property(is_discrete=False)
    def support(self) -> Any:
        """Where the last transform leads."""
        if not self.transforms:
            return self.base_dist.support
        found, more = self.transforms[-1].codomain, len(self.event_shape)
        more -= found.event_dim
        return constraints.independent(found, more) if more > 0 else found

    @property
    def has_rsample(self) -> Any:  # type: ignore[override]
        """Whether draws have gradients."""
        return self.base_dist.has_rsample

    def sample(self, sample_shape: Any = ()) -> Any:
        """Draws, without gradients."""
        with torch.no_grad():
            return self._transformed(self.base_dist.sample(sample_shape))

    def rsample(self, sample_shape: Any = ()) -> Any:
        """Draws that have gradients by the parameters."""
        return self._transformed(self.base_dist.rsample(sample_shape))

    def _transformed(self, x: Any) -> Any:
        for transform in self.transforms:
            x = transform(x)
        return x

    def log_prob(self, value: Any) -> Any:
        """The logarithm of the density."""
        if self._validate_args:
            self._validate_sample(value)
        dims = len(self.event_shape)
        total, y = 0.0, value
        for transform in reversed(self.transforms):
            x = transform.inv(y)
            dims += transform.domain.event_dim - transform.codomain.event_dim
            stretched = transform.log_abs_det_jacobian(x, y)
            total = total - summed(stretched, dims - transform.domain.event_dim)
            y = x
        return total + summed(self.base_dist.log_prob(y), dims - len(self.base_dist.event_shape))

    def _sign(self) -> Any:
        return ComposeTransform(self.transforms).sign

    def cdf(self, value: Any) -> Any:
        """The probability of at most a value."""
        for transform in reversed(self.transforms):
            value = transform.inv(value)
        if self._base_dist_validates():
            self.base_dist._validate_sample(value)
        return self._turned(self.base_dist.cdf(value))

    def _base_dist_validates(self) -> bool:
        return bool(self._validate_args)

    def icdf(self, value: Any) -> Any:
        """The value below which a draw is with a probability."""
        return self._transformed(self.base_dist.icdf(self._turned(value)))

    def _turned(self, probability: Any) -> Any:
        """The probability of what is above, where transforms fall."""
        sign = self._sign()
        if isinstance(sign, int) and sign == 1:
            return probability
        return sign * (probability - 0.5) + 0.5


def _listed(transforms: Any) -> list[Any]:
    """The transforms as a list. Raises ValueError for what are none."""
    if isinstance(transforms, Transform):
        return [transforms]
    if isinstance(transforms, list) and all(isinstance(t, Transform) for t in transforms):
        return transforms
    kind = "a Transform or list, but was" if not isinstance(transforms, list) else ""
    raise ValueError(
        f"transforms must be {kind} {transforms}" if kind
        else "transforms must be a Transform or a list of Transforms"
    )
