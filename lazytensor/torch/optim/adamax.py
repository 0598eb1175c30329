"""Adamax.

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

__all__ = ["Adamax"]


class Adamax(ByTensor):
    """Adam with the greatest gradient in the place of the root (Kingma & Ba 2014)."""

    _older: ClassVar = {
        "foreach": None,
        "maximize": False,
        "differentiable": False,
        "capturable": False,
    }
    _written_down = True

    def __init__(
        self,
        params: Any,
        lr: Any = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
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
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)

    def _begin(self, p: Any, state: State, group: Group) -> None:
        state["step"] = counter()
        state["exp_avg"] = zeros(p)
        state["exp_inf"] = zeros(p)

    def _update(self, p: Any, grad: Any, state: State, group: Group) -> None:
        step = next_step(state)
        beta1, beta2 = group["betas"]
        mean, greatest = state["exp_avg"], state["exp_inf"]
        mean.lerp_(grad, 1 - beta1)
        greatest.copy_(greatest.mul(beta2).maximum(grad.abs().add(group["eps"])))
        rate = _to_scalar(group["lr"]) / (1 - beta1**step)
        p.addcdiv_(kept(mean, group), kept(greatest, group), value=-rate)
