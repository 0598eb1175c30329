"""Adadelta.

What enters: parameters with gradients. What leaves: changed parameters. It must not know models.
"""

from typing import Any, ClassVar

from .. import _api as torch
from ._by_tensor import (
    ByTensor,
    check_lr,
    check_not_negative,
    counter,
    real,
    zeros,
)
from .optimizer import Group, State, _to_scalar

__all__ = ["Adadelta"]


class Adadelta(ByTensor):
    """Steps of the size of earlier ones (Zeiler 2012)."""

    _older: ClassVar = {
        "foreach": None,
        "maximize": False,
        "differentiable": False,
        "capturable": False,
    }
    _pairs = False
    _written_down = True

    def __init__(
        self,
        params: Any,
        lr: Any = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        capturable: bool = False,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_lr(lr)
        if not 0.0 <= rho <= 1.0:
            raise ValueError(f"Invalid rho value: {rho}")
        check_not_negative(eps=("epsilon", eps), decay=("weight_decay", weight_decay))
        defaults = {
            "lr": lr,
            "rho": rho,
            "eps": eps,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "capturable": capturable,
            "maximize": maximize,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def _begin(self, p: Any, state: State, group: Group) -> None:
        state["step"] = counter()
        state["square_avg"] = zeros(p)
        state["acc_delta"] = zeros(p)

    def _update(self, p: Any, grad: Any, state: State, group: Group) -> None:
        state["step"] += 1
        rho, eps = group["rho"], group["eps"]
        square, moved, grad = (real(x) for x in (state["square_avg"], state["acc_delta"], grad))
        square.mul_(rho).addcmul_(grad, grad, value=1 - rho)
        root = square.add(eps).sqrt_()
        delta = moved.add(eps).sqrt_().div(root).mul(grad)
        moved.mul_(rho).addcmul_(delta, delta, value=1 - rho)
        delta = torch.view_as_complex(delta) if p.is_complex() else delta
        p.add_(delta, alpha=-_to_scalar(group["lr"]))
