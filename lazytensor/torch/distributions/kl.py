"""How far one distribution is from another, in the sense of Kullback and Leibler.

What enters: two distributions. What leaves: the divergence of each pair in the batch, by the
function that was registered for the nearest classes.
"""

from collections.abc import Callable
from itertools import product
from typing import Any

from .. import _api as torch
from ..nn import functional
from .bernoulli import Bernoulli
from .categorical import Categorical
from .distribution import Distribution
from .normal import Normal
from .uniform import Uniform

__all__ = ["kl_divergence", "register_kl"]

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
