"""RMSprop.

What enters: parameters with gradients. What leaves: changed parameters. It must not know models.
"""

from typing import Any, ClassVar

from ._by_tensor import (
    ByTensor,
    check_lr,
    check_not_negative,
    counter,
    kept,
    zeros,
)
from .optimizer import Group, State, _to_scalar

__all__ = ["RMSprop"]


class RMSprop(ByTensor):
    """Steps by gradients over roots of averages of their squares (Hinton 2012, Graves 2013)."""

    _older: ClassVar = {
        "momentum": 0,
        "centered": False,
        "foreach": None,
        "maximize": False,
        "differentiable": False,
        "capturable": False,
    }
    _written_down = True

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_lr(lr)
        check_not_negative(
            eps=("epsilon", eps),
            momentum=("momentum", momentum),
            decay=("weight_decay", weight_decay),
            alpha=("alpha", alpha),
        )
        defaults = {
            "lr": lr,
            "alpha": alpha,
            "eps": eps,
            "weight_decay": weight_decay,
            "momentum": momentum,
            "centered": centered,
            "capturable": capturable,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def _begin(self, p: Any, state: State, group: Group) -> None:
        state["step"] = counter()
        state["square_avg"] = zeros(p)
        if group["momentum"] > 0:
            state["momentum_buffer"] = zeros(p)
        if group["centered"]:
            state["grad_avg"] = zeros(p)

    def _update(self, p: Any, grad: Any, state: State, group: Group) -> None:
        state["step"] += 1
        alpha, lr = group["alpha"], _to_scalar(group["lr"])
        square = state["square_avg"]
        square.mul_(alpha).addcmul_(grad, grad, value=1 - alpha)
        if group["centered"]:
            mean = state["grad_avg"]
            mean.lerp_(grad, 1 - alpha)
            root = square.addcmul(mean, mean, value=-1).sqrt_()
        else:
            root = kept(square, group).sqrt()
        root = root.add(group["eps"])
        if group["momentum"] > 0:
            buffer = state["momentum_buffer"]
            buffer.mul_(group["momentum"]).addcdiv_(grad, root)
            p.add_(buffer, alpha=-lr)
        else:
            p.addcdiv_(grad, root, value=-lr)
