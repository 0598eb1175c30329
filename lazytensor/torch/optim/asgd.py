"""Averaged stochastic gradient descent.

What enters: parameters with gradients. What leaves: changed parameters. It must not know models.
"""

from typing import Any, ClassVar

from .. import _api as torch
from ._by_tensor import (
    ByTensor,
    check_lr,
    check_not_negative,
    counter,
    next_step,
    zeros,
)
from .optimizer import Group, State, _to_scalar

__all__ = ["ASGD"]


class ASGD(ByTensor):
    """Steps of falling size, and their average (Polyak & Juditsky 1992)."""

    _older: ClassVar = {
        "foreach": None,
        "maximize": False,
        "differentiable": False,
        "capturable": False,
    }
    _counters = ("step", "eta", "mu")
    _decays_in_pairs = True

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-2,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        check_lr(lr)
        check_not_negative(decay=("weight_decay", weight_decay))
        defaults = {
            "lr": lr,
            "lambd": lambd,
            "alpha": alpha,
            "t0": t0,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)

    def _begin(self, p: Any, state: State, group: Group) -> None:
        state["step"] = counter()
        state["eta"] = counter(float(_to_scalar(group["lr"])))
        state["mu"] = counter(1.0)
        state["ax"] = zeros(p)

    def _update(self, p: Any, grad: Any, state: State, group: Group) -> None:
        step = next_step(state)
        lambd, lr = group["lambd"], _to_scalar(group["lr"])
        mu, average = state["mu"], state["ax"]
        eta = state["eta"].item()
        p.mul_(1 - lambd * eta)
        p.add_(grad, alpha=-eta)
        if mu.item() != 1:
            average.add_(p.sub(average).mul_(mu))
        else:
            average.copy_(p)
        state["eta"].copy_(torch.as_tensor(lr / ((1 + lambd * lr * step) ** group["alpha"])))
        mu.copy_(torch.as_tensor(1 / max(1, step - group["t0"])))
