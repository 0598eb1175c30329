"""The normal distribution of vectors, of a covariance that is diagonal but for a few directions."""

import math
from typing import Any, ClassVar

from .. import _api
from . import constraints
from .distribution import Distribution
from .utils import lazy_property

__all__ = ["LowRankMultivariateNormal"]

torch: Any = _api


class LowRankMultivariateNormal(Distribution):
    """Normally distributed vectors, of covariance cov_factor cov_factorᵀ + diag(cov_diag)."""

    arg_constraints: ClassVar[Any] = {
        "loc": constraints.real_vector,
        "cov_factor": constraints.independent(constraints.real, 2),
        "cov_diag": constraints.independent(constraints.positive, 1),
    }
    support = constraints.real_vector
    has_rsample = True

    def __init__(
        self, loc: Any, cov_factor: Any, cov_diag: Any, validate_args: bool | None = None
    ) -> None:
        event = _event(loc, cov_factor, cov_diag)
        try:
            batch = torch.broadcast_shapes(
                loc.shape[:-1], cov_factor.shape[:-2], cov_diag.shape[:-1]
            )
        except RuntimeError as error:
            shapes = f"{loc.shape}, cov_factor {cov_factor.shape}, cov_diag {cov_diag.shape}"
            raise ValueError(f"Incompatible batch shapes: loc {shapes}") from error
        self.loc = loc.expand(batch + event)
        self.cov_factor = cov_factor.expand(batch + event + cov_factor.shape[-1:])
        self.cov_diag = cov_diag.expand(batch + event)
        self._factor, self._diag = cov_factor, cov_diag
        super().__init__(batch, event, validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        """The same with another batch shape."""
        new = self._expanded(LowRankMultivariateNormal, batch_shape, _instance, ())
        whole = new._batch_shape + self.event_shape
        new.loc, new.cov_diag = self.loc.expand(whole), self.cov_diag.expand(whole)
        new.cov_factor = self.cov_factor.expand(whole + self.cov_factor.shape[-1:])
        new._factor, new._diag = self._factor, self._diag
        return new

    @lazy_property
    def _capacitance(self) -> Any:
        """The Cholesky factor of 1 + Wᵀ D⁻¹ W."""
        inner = torch.matmul(self._factor.mT / self._diag.unsqueeze(-2), self._factor)
        eye = torch.eye(inner.shape[-1], dtype=inner.dtype, device=inner.device)
        return torch.linalg.cholesky(inner + eye)

    @property
    def mean(self) -> Any:
        """The mean."""
        return self.loc

    @property
    def mode(self) -> Any:
        """The mean, where the density is greatest."""
        return self.loc

    @lazy_property
    def variance(self) -> Any:
        """The variance of each entry."""
        found = self._factor.pow(2).sum(-1) + self._diag
        return found.expand(self._batch_shape + self._event_shape)

    @lazy_property
    def covariance_matrix(self) -> Any:
        """The covariance."""
        found = torch.matmul(self._factor, self._factor.mT) + torch.diag_embed(self._diag)
        return found.expand(self._batch_shape + self._event_shape + self._event_shape)

    @lazy_property
    def scale_tril(self) -> Any:
        """The Cholesky factor of the covariance."""
        return torch.linalg.cholesky(self.covariance_matrix)

    @lazy_property
    def precision_matrix(self) -> Any:
        """The inverse of the covariance."""
        inside = torch.linalg.solve_triangular(
            self._capacitance, self._factor.mT / self._diag.unsqueeze(-2), upper=False
        )
        found = torch.diag_embed(self._diag.reciprocal()) - torch.matmul(inside.mT, inside)
        return found.expand(self._batch_shape + self._event_shape + self._event_shape)

    def rsample(self, sample_shape: Any = ()) -> Any:
        """Draws that have gradients by the parameters."""
        shape, like = self._extended_shape(sample_shape), {"dtype": self.loc.dtype}
        few = torch.empty(shape[:-1] + self.cov_factor.shape[-1:], **like).normal_()
        many = torch.empty(shape, **like).normal_()
        moved = torch.matmul(self._factor, few.unsqueeze(-1)).squeeze(-1)
        return self.loc + moved + self._diag.sqrt() * many

    def log_prob(self, value: Any) -> Any:
        """The logarithm of the density."""
        if self._validate_args:
            self._validate_sample(value)
        away = value - self.loc
        inner = torch.matmul(
            self._factor.mT / self._diag.unsqueeze(-2), away.unsqueeze(-1)
        )
        solved = torch.linalg.solve_triangular(self._capacitance, inner, upper=False)
        squares = (away.pow(2) / self._diag).sum(-1) - solved.squeeze(-1).pow(2).sum(-1)
        dims = self._event_shape[0] * math.log(2 * math.pi)
        return -0.5 * (dims + self._log_det() + squares)

    def _log_det(self) -> Any:
        inner = self._capacitance.diagonal(dim1=-2, dim2=-1).log().sum(-1)
        return 2 * inner + self._diag.log().sum(-1)

    def entropy(self) -> Any:
        """The entropy."""
        dims = self._event_shape[0] * (1.0 + math.log(2 * math.pi))
        found = 0.5 * (dims + self._log_det())
        return found.expand(self._batch_shape) if self._batch_shape else found


def _event(loc: Any, factor: Any, diag: Any) -> Any:
    """The shape of an event. Raises ValueError for what doesn't fit."""
    if loc.dim() < 1:
        raise ValueError("loc must be at least one-dimensional.")
    event = loc.shape[-1:]
    if factor.dim() < 2:
        raise ValueError(
            "cov_factor must be at least two-dimensional, with optional leading batch dimensions"
        )
    if factor.shape[-2:-1] != event:
        raise ValueError(f"cov_factor must be a batch of matrices with shape {event[0]} x m")
    if diag.shape[-1:] != event:
        raise ValueError(f"cov_diag must be a batch of vectors with shape {event}")
    return event
