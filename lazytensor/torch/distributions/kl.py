"""How far one distribution is from another, in the sense of Kullback and Leibler.

What enters: two distributions. What leaves: the divergence of each pair in the batch, by the
function that was registered for the nearest classes.
"""

import math
from collections.abc import Callable
from itertools import product
from typing import Any

from .. import _api
from ..nn import functional
from ._transform import summed
from .bernoulli import Bernoulli
from .beta import Beta
from .binomial import Binomial
from .categorical import Categorical
from .cauchy import Cauchy
from .dirichlet import Dirichlet
from .distribution import Distribution
from .exponential import Exponential
from .gamma import Gamma
from .geometric import Geometric
from .gumbel import Gumbel
from .half_cauchy import HalfCauchy
from .half_normal import HalfNormal
from .independent import Independent
from .laplace import Laplace
from .lowrank_multivariate_normal import LowRankMultivariateNormal
from .multivariate_normal import MultivariateNormal
from .normal import Normal
from .one_hot_categorical import OneHotCategorical
from .pareto import Pareto
from .poisson import Poisson
from .transformed_distribution import TransformedDistribution
from .uniform import Uniform

__all__ = ["kl_divergence", "register_kl"]

torch: Any = _api

_Function = Callable[[Any, Any], Any]
_REGISTRY: dict[tuple[type, type], _Function] = {}
_INFINITE = float("inf")


def register_kl(type_p: type, type_q: type) -> Callable[[_Function], _Function]:
    """A decorator for the divergence of two classes. Raises TypeError for what are none."""
    for name, kind in (("type_p", type_p), ("type_q", type_q)):
        if not (isinstance(kind, type) and issubclass(kind, Distribution)):
            raise TypeError(f"Expected {name} to be a Distribution subclass but got {kind}")

    def decorator(fun: _Function) -> _Function:
        _REGISTRY[type_p, type_q] = fun
        return fun

    return decorator


def kl_divergence(p: Any, q: Any) -> Any:
    """The divergence of p from q. Raises NotImplementedError where no function is registered."""
    pairs = product(type(p).__mro__, type(q).__mro__)
    fun = next((_REGISTRY[pair] for pair in pairs if pair in _REGISTRY), None)
    if fun is None:
        raise NotImplementedError(
            f"No KL(p || q) is implemented for p type {p.__class__.__name__} and q type "
            f"{q.__class__.__name__}"
        )
    return fun(p, q)


@register_kl(Bernoulli, Bernoulli)
def _bernoulli(p: Any, q: Any) -> Any:
    return _binary(p.probs, q.probs, -p.logits, -q.logits) + _binary(
        1 - p.probs, 1 - q.probs, p.logits, q.logits
    )


def _binary(p: Any, q: Any, logits_p: Any, logits_q: Any) -> Any:
    """The part of one outcome: 0 where it never happens, infinite where q denies it."""
    part = p * (functional.softplus(logits_q) - functional.softplus(logits_p))
    return torch.where(p == 0, 0.0, torch.where(q == 0, _INFINITE, part))


@register_kl(Categorical, Categorical)
def _categorical(p: Any, q: Any) -> Any:
    part = p.probs * (p.logits - q.logits)
    return torch.where(p.probs == 0, 0.0, torch.where(q.probs == 0, _INFINITE, part)).sum(-1)


@register_kl(Normal, Normal)
def _normal(p: Any, q: Any) -> Any:
    ratio = (p.scale / q.scale).pow(2)
    distance = ((p.loc - q.loc) / q.scale).pow(2)
    return 0.5 * (ratio + distance - 1 - ratio.log())


@register_kl(Uniform, Uniform)
def _uniform(p: Any, q: Any) -> Any:
    result = ((q.high - q.low) / (p.high - p.low)).log()
    return torch.where((q.low > p.low) | (q.high < p.high), _INFINITE, result)


@register_kl(Beta, Beta)
def _beta(p: Any, q: Any) -> Any:
    total_p = p.concentration1 + p.concentration0
    total_q = q.concentration1 + q.concentration0
    t1 = q.concentration1.lgamma() + q.concentration0.lgamma() + total_p.lgamma()
    t2 = p.concentration1.lgamma() + p.concentration0.lgamma() + total_q.lgamma()
    t3 = (p.concentration1 - q.concentration1) * torch.digamma(p.concentration1)
    t4 = (p.concentration0 - q.concentration0) * torch.digamma(p.concentration0)
    return t1 - t2 + t3 + t4 + (total_q - total_p) * torch.digamma(total_p)


@register_kl(Binomial, Binomial)
def _binomial(p: Any, q: Any) -> Any:
    if (p.total_count < q.total_count).any():
        raise NotImplementedError(
            "KL between Binomials where q.total_count > p.total_count is not implemented"
        )
    odds = p.probs * (p.logits - q.logits) + (-p.probs).log1p() - (-q.probs).log1p()
    return torch.where(p.total_count > q.total_count, _INFINITE, p.total_count * odds)


@register_kl(Cauchy, Cauchy)
def _cauchy(p: Any, q: Any) -> Any:
    t1 = ((p.scale + q.scale).pow(2) + (p.loc - q.loc).pow(2)).log()
    return t1 - (4 * p.scale * q.scale).log()


@register_kl(Dirichlet, Dirichlet)
def _dirichlet(p: Any, q: Any) -> Any:
    a, b = p.concentration, q.concentration
    total_a, total_b = a.sum(-1), b.sum(-1)
    norms = total_a.lgamma() - total_b.lgamma() - (a.lgamma() - b.lgamma()).sum(-1)
    return norms + ((a - b) * (a.digamma() - total_a.digamma().unsqueeze(-1))).sum(-1)


@register_kl(Exponential, Exponential)
def _exponential(p: Any, q: Any) -> Any:
    ratio = q.rate / p.rate
    return -ratio.log() + ratio - 1


@register_kl(Gamma, Gamma)
def _gamma(p: Any, q: Any) -> Any:
    t1 = q.concentration * (p.rate / q.rate).log()
    t2 = torch.lgamma(q.concentration) - torch.lgamma(p.concentration)
    t3 = (p.concentration - q.concentration) * torch.digamma(p.concentration)
    return t1 + t2 + t3 + (q.rate - p.rate) * (p.concentration / p.rate)


@register_kl(Geometric, Geometric)
def _geometric(p: Any, q: Any) -> Any:
    return -p.entropy() - torch.log1p(-q.probs) / p.probs - q.logits


@register_kl(Gumbel, Gumbel)
def _gumbel(p: Any, q: Any) -> Any:
    ratio, moved = p.scale / q.scale, q.loc / q.scale - p.loc / q.scale
    t1 = -ratio.log() - moved + ratio * _EULER
    return t1 + torch.exp(moved + (1 + ratio).lgamma()) - (1 + _EULER)


@register_kl(HalfCauchy, HalfCauchy)
def _half_cauchy(p: Any, q: Any) -> Any:
    return _cauchy(p.base_dist, q.base_dist)


@register_kl(HalfNormal, HalfNormal)
def _half_normal(p: Any, q: Any) -> Any:
    return _normal(p.base_dist, q.base_dist)


@register_kl(Independent, Independent)
def _independent(p: Any, q: Any) -> Any:
    if p.reinterpreted_batch_ndims != q.reinterpreted_batch_ndims:
        raise NotImplementedError
    return summed(kl_divergence(p.base_dist, q.base_dist), p.reinterpreted_batch_ndims)


@register_kl(Laplace, Laplace)
def _laplace(p: Any, q: Any) -> Any:
    ratio, away = p.scale / q.scale, (p.loc - q.loc).abs()
    return -ratio.log() + away / q.scale + ratio * torch.exp(-away / p.scale) - 1


@register_kl(MultivariateNormal, MultivariateNormal)
def _multivariate_normal(p: Any, q: Any) -> Any:
    return _of_vectors(p, q, p._factor, q._factor, "Multivariate Normals")


@register_kl(LowRankMultivariateNormal, LowRankMultivariateNormal)
def _low_rank(p: Any, q: Any) -> Any:
    return _of_vectors(p, q, p.scale_tril, q.scale_tril, "Low Rank Multivariate Normals")


@register_kl(MultivariateNormal, LowRankMultivariateNormal)
@register_kl(LowRankMultivariateNormal, MultivariateNormal)
def _of_two_kinds(p: Any, q: Any) -> Any:
    return _of_vectors(p, q, p.scale_tril, q.scale_tril, "(Low Rank) Multivariate Normals")


def _of_vectors(p: Any, q: Any, of_p: Any, of_q: Any, kinds: str) -> Any:
    """The divergence of normal distributions by the Cholesky factors of their covariances."""
    if p.event_shape != q.event_shape:
        raise ValueError(
            f"KL-divergence between two {kinds} with different event shapes cannot be computed"
        )
    inside = torch.linalg.solve_triangular(of_q, of_p, upper=False)
    away = torch.linalg.solve_triangular(of_q, (q.loc - p.loc).unsqueeze(-1), upper=False)
    squares = inside.pow(2).sum((-2, -1)) + away.squeeze(-1).pow(2).sum(-1)
    return _log_det(of_q) - _log_det(of_p) + 0.5 * (squares - p.event_shape[0])


def _log_det(factor: Any) -> Any:
    return factor.diagonal(dim1=-2, dim2=-1).log().sum(-1)


@register_kl(OneHotCategorical, OneHotCategorical)
def _one_hot(p: Any, q: Any) -> Any:
    return _categorical(p._categorical, q._categorical)


@register_kl(Pareto, Pareto)
def _pareto(p: Any, q: Any) -> Any:
    ratio, exponents = p.scale / q.scale, q.alpha / p.alpha
    result = q.alpha * ratio.log() - exponents.log() + exponents - 1
    return torch.where(p.support.lower_bound < q.support.lower_bound, _INFINITE, result)


@register_kl(Poisson, Poisson)
def _poisson(p: Any, q: Any) -> Any:
    return p.rate * (p.rate.log() - q.rate.log()) - (p.rate - q.rate)


@register_kl(TransformedDistribution, TransformedDistribution)
def _transformed(p: Any, q: Any) -> Any:
    if p.transforms != q.transforms or p.event_shape != q.event_shape:
        raise NotImplementedError
    return kl_divergence(p.base_dist, q.base_dist)


@register_kl(Uniform, Normal)
def _uniform_normal(p: Any, q: Any) -> Any:
    width = p.high - p.low
    logs = (math.sqrt(math.pi * 2) * q.scale / width).log()
    away = ((p.high + p.low - 2 * q.loc) / 2).pow(2)
    return logs + 0.5 * (width.pow(2) / 12 + away) / q.scale.pow(2)


_EULER = 0.57721566490153286060
