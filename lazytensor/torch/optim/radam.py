"""RAdam.

What enters: parameters with gradients. What leaves: changed parameters. It must not know models.
"""

from typing import Any, ClassVar

from ._by_tensor import (
    ByTensor,
    check_betas,
    check_lr,
    check_not_negative,
    counter,
    kept,
    next_step,
    zeros,
)
from .optimizer import Group, State, _to_scalar

__all__ = ["RAdam"]


class RAdam(ByTensor):
    """Adam whose first steps are rectified (Liu et al. 2019)."""

    _older: ClassVar = {
        "foreach": None,
        "maximize": False,
        "differentiable": False,
        "capturable": False,
        "decoupled_weight_decay": False,
    }
    _decays_in_pairs = True
    _written_down = True

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_lr(lr)
        check_not_negative(eps=("epsilon", eps))
        check_betas(betas)
        check_not_negative(decay=("weight_decay", weight_decay))
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "decoupled_weight_decay": decoupled_weight_decay,
            "foreach": foreach,
            "maximize": maximize,
            "capturable": capturable,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def _begin(self, p: Any, state: State, group: Group) -> None:
        state["step"] = counter()
        state["exp_avg"] = zeros(p)
        state["exp_avg_sq"] = zeros(p)

    def _update(self, p: Any, grad: Any, state: State, group: Group) -> None:
        step = next_step(state)
        (beta1, beta2), lr = group["betas"], _to_scalar(group["lr"])
        mean, square = state["exp_avg"], state["exp_avg_sq"]
        mean.lerp_(grad, 1 - beta1)
        square.mul_(beta2).addcmul_(grad, grad, value=1 - beta2)
        rest = 1 - beta2**step
        change = mean / (1 - beta1**step) * lr
        limit = 2 / (1 - beta2) - 1
        length = limit - 2 * step * (beta2**step) / rest
        if length > 5.0:
            change = change * (rest**0.5 / kept(square, group).sqrt().add(group["eps"]))
            change = change * _rectified(length, limit)
        p.add_(change, alpha=-1.0)


def _rectified(length: float, limit: float) -> float:
    """The factor by which the variance of a step is rectified, for lengths above 4."""
    above = (length - 4) * (length - 2) * limit
    return float((above / ((limit - 4) * (limit - 2) * length)) ** 0.5)
