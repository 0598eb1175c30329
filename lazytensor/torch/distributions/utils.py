"""What distributions share: numbers made tensors of one shape, probabilities and their logarithms,
attributes that are computed when they are first read.
"""

from collections.abc import Callable
from functools import update_wrapper
from typing import Any

from .. import _api
from ..nn import functional
from ..tensor import Tensor

__all__ = ["broadcast_all", "clamp_probs", "lazy_property", "logits_to_probs", "probs_to_logits"]

torch: Any = _api
NUMBERS = (int, float, bool)


def broadcast_all(*values: Any) -> tuple[Any, ...]:
    """Tensors of one shape; numbers in the dtype of the first tensor. ValueError for others."""
    if not all(isinstance(v, (Tensor, *NUMBERS)) for v in values):
        raise ValueError(
            "Input arguments must all be instances of Number, torch.Tensor or objects implementing "
            "__torch_function__."
        )
    first = next((v for v in values if isinstance(v, Tensor)), None)
    like: dict[str, Any] = {} if first is None else {"device": first.device}
    like["dtype"] = torch.get_default_dtype() if first is None else first.dtype
    made = [v if isinstance(v, Tensor) else torch.tensor(v, **like) for v in values]
    return tuple(torch.broadcast_tensors(*made))


def logits_to_probs(logits: Any, is_binary: bool = False) -> Any:
    """Probabilities from log odds, or from unnormalised logarithms."""
    return torch.sigmoid(logits) if is_binary else functional.softmax(logits, dim=-1)


def clamp_probs(probs: Any) -> Any:
    """Probabilities kept away from 0 and 1 by the smallest step of the dtype."""
    eps = torch.finfo(probs.dtype).eps
    return probs.clamp(min=eps, max=1 - eps)


def probs_to_logits(probs: Any, is_binary: bool = False) -> Any:
    """Log odds of probabilities, or their logarithms."""
    clamped = clamp_probs(probs)
    logits = torch.log(clamped)
    return logits - torch.log1p(-clamped) if is_binary else logits


class lazy_property:
    """An attribute that a method computes when it is first read, and that is then kept."""

    def __init__(self, wrapped: Callable[[Any], Any]) -> None:
        self.wrapped = wrapped
        update_wrapper(self, wrapped)  # type: ignore[arg-type]

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        if instance is None:
            return self
        with torch.enable_grad():
            value = self.wrapped(instance)
        setattr(instance, self.wrapped.__name__, value)
        return value
