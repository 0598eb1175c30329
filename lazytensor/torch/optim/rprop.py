"""Resilient backpropagation.

What enters: parameters with gradients. What leaves: changed parameters. It must not know models.
"""

from typing import Any, ClassVar

from .. import _api as torch
from ._by_tensor import (
    ByTensor,
    check_lr,
    counter,
    kept,
    zeros,
)
from .optimizer import Group, State, _to_scalar

__all__ = ["Rprop"]


class Rprop(ByTensor):
    """Steps by signs of gradients alone, longer while they stay (Riedmiller & Braun 1993)."""

    _older: ClassVar = {
        "foreach": None,
        "maximize": False,
        "differentiable": False,
        "capturable": False,
    }

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50),
        *,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_lr(lr)
        if not 0.0 < etas[0] < 1.0 < etas[1]:
            raise ValueError(f"Invalid eta values: {etas[0]}, {etas[1]}")
        defaults = {
            "lr": lr,
            "etas": etas,
            "step_sizes": step_sizes,
            "capturable": capturable,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def _begin(self, p: Any, state: State, group: Group) -> None:
        state["step"] = counter()
        state["prev"] = zeros(p)
        lr = _to_scalar(group["lr"])
        first = complex(lr, lr) if p.dtype.is_complex else lr
        state["step_size"] = torch.full_like(p.grad, first)

    def _update(self, p: Any, grad: Any, state: State, group: Group) -> None:
        state["step"] += 1
        (less, more), size, before = group["etas"], state["step_size"], state["prev"]
        sign = grad.mul(kept(before, group)).sign()
        factor = torch.where(sign.gt(0), more, torch.where(sign.lt(0), less, sign))
        factor = torch.where(sign.eq(0), 1, factor)
        size.mul_(factor).clamp_(*group["step_sizes"])
        grad = torch.where(sign.lt(0), 0, grad)
        p.addcmul_(grad.sign(), kept(size, group), value=-1)
        before.copy_(grad)
