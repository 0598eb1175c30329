"""The normal distribution of vectors, by mean and one of three descriptions of the covariance."""

import math
from typing import Any, ClassVar

from .. import _api
from . import constraints
from .distribution import Distribution
from .utils import lazy_property

__all__ = ["MultivariateNormal"]

torch: Any = _api


class MultivariateNormal(Distribution):
    """Normally distributed vectors, of a covariance matrix, its inverse, or its Cholesky factor."""

    arg_constraints: ClassVar[Any] = {
        "loc": constraints.real_vector,
        "covariance_matrix": constraints.positive_definite,
        "precision_matrix": constraints.positive_definite,
        "scale_tril": constraints.lower_cholesky,
    }
    support = constraints.real_vector
    has_rsample = True

    def __init__(
        self,
        loc: Any,
        covariance_matrix: Any = None,
        precision_matrix: Any = None,
        scale_tril: Any = None,
        validate_args: bool | None = None,
    ) -> None:
        if loc.dim() < 1:
            raise ValueError("loc must be at least one-dimensional.")
        name, given = _only(
            covariance_matrix=covariance_matrix,
            precision_matrix=precision_matrix,
            scale_tril=scale_tril,
        )
        batch = torch.broadcast_shapes(given.shape[:-2], loc.shape[:-1])
        setattr(self, name, given.expand((*batch, -1, -1)))
        self.loc = loc.expand((*batch, -1))
        super().__init__(batch, self.loc.shape[-1:], validate_args=validate_args)
        if name == "scale_tril":
            self._factor = given
        elif name == "covariance_matrix":
            self._factor = torch.linalg.cholesky(given)
        else:
            self._factor = _factor_of_inverse(given)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        """The same with another batch shape."""
        new = self._expanded(MultivariateNormal, batch_shape, _instance, ())
        event = self.event_shape
        new.loc = self.loc.expand(new._batch_shape + event)
        for name in ("covariance_matrix", "scale_tril", "precision_matrix"):
            if name in self.__dict__:
                setattr(new, name, getattr(self, name).expand(new._batch_shape + event + event))
        new._factor = self._factor
        return new

    def _whole(self, x: Any) -> Any:
        return x.expand(self._batch_shape + self._event_shape + self._event_shape)

    @lazy_property
    def scale_tril(self) -> Any:
        """The Cholesky factor of the covariance."""
        return self._whole(self._factor)

    @lazy_property
    def covariance_matrix(self) -> Any:
        """The covariance."""
        return self._whole(torch.matmul(self._factor, self._factor.mT))

    @lazy_property
    def precision_matrix(self) -> Any:
        """The inverse of the covariance."""
        return self._whole(torch.cholesky_inverse(self._factor))

    @property
    def mean(self) -> Any:
        """The mean."""
        return self.loc

    @property
    def mode(self) -> Any:
        """The mean, where the density is greatest."""
        return self.loc

    @property
    def variance(self) -> Any:
        """The variance of each entry."""
        squares = self._factor.pow(2).sum(-1)
        return squares.expand(self._batch_shape + self._event_shape)

    def rsample(self, sample_shape: Any = ()) -> Any:
        """Draws that have gradients by mean and covariance."""
        like = {"dtype": self.loc.dtype, "device": self.loc.device}
        noise = torch.empty(self._extended_shape(sample_shape), **like).normal_()
        return self.loc + torch.matmul(self._factor, noise.unsqueeze(-1)).squeeze(-1)

    def log_prob(self, value: Any) -> Any:
        """The logarithm of the density."""
        if self._validate_args:
            self._validate_sample(value)
        away = (value - self.loc).unsqueeze(-1)
        length = torch.linalg.solve_triangular(self._factor, away, upper=False)
        squares = length.squeeze(-1).pow(2).sum(-1)
        dims = self._event_shape[0] * math.log(2 * math.pi)
        return -0.5 * (dims + squares) - self._half_log_det()

    def _half_log_det(self) -> Any:
        return self._factor.diagonal(dim1=-2, dim2=-1).log().sum(-1)

    def entropy(self) -> Any:
        """The entropy."""
        dims = self._event_shape[0] * (1.0 + math.log(2 * math.pi))
        found = 0.5 * dims + self._half_log_det()
        return found.expand(self._batch_shape) if self._batch_shape else found


def _only(**given: Any) -> tuple[str, Any]:
    """The one description that is given. Raises ValueError."""
    found = [(name, x) for name, x in given.items() if x is not None]
    if len(found) != 1:
        raise ValueError(
            "Exactly one of covariance_matrix or precision_matrix or scale_tril may be specified."
        )
    name, x = found[0]
    if x.dim() < 2:
        raise ValueError(
            f"{name} {'matrix ' if name == 'scale_tril' else ''}must be at least two-dimensional, "
            "with optional leading batch dimensions"
        )
    return name, x


def _factor_of_inverse(precision: Any) -> Any:
    """The Cholesky factor of the inverse: by that of the matrix with its rows turned around."""
    turned = torch.linalg.cholesky(precision.flip((-2, -1)))
    upper = turned.flip((-2, -1)).mT
    eye = torch.eye(precision.shape[-1], dtype=precision.dtype, device=precision.device)
    return torch.linalg.solve_triangular(upper, eye, upper=False)
