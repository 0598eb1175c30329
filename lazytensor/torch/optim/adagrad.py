"""Adagrad.

What enters: parameters with gradients. What leaves: changed parameters. It must not know models.
"""

from typing import Any, ClassVar

from .. import _api as torch
from ._by_tensor import (
    ByTensor,
    check_fused,
    check_lr,
    check_not_negative,
    counter,
    kept,
    next_step,
)
from .optimizer import Group, State, _to_scalar

__all__ = ["Adagrad"]


class Adagrad(ByTensor):
    """Steps by gradients over roots of the sums of their squares (Duchi et al. 2011)."""

    _older: ClassVar = {
        "foreach": None,
        "maximize": False,
        "differentiable": False,
        "fused": None,
    }
    _written_down = True

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        check_lr(lr)
        check_not_negative(
            lr_decay=("lr_decay", lr_decay),
            decay=("weight_decay", weight_decay),
            first=("initial_accumulator_value", initial_accumulator_value),
            eps=("epsilon", eps),
        )
        defaults = {
            "lr": lr,
            "lr_decay": lr_decay,
            "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value,
            "eps": eps,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "fused": fused,
        }
        super().__init__(params, defaults)
        check_fused(fused, foreach, differentiable)
        for group in self.param_groups:
            for p in group["params"]:
                self._begin(p, self.state[p], group)

    def share_memory(self) -> None:
        """Move the sums to memory shared with child processes."""
        for group in self.param_groups:
            for p in group["params"]:
                self.state[p]["sum"].share_memory_()

    def _begin(self, p: Any, state: State, group: Group) -> None:
        state["step"] = counter()
        first = self.defaults["initial_accumulator_value"]
        first = complex(first, first) if torch.is_complex(p) else first
        state["sum"] = torch.full_like(p, first, memory_format=torch.preserve_format)

    def _update(self, p: Any, grad: Any, state: State, group: Group) -> None:
        step = next_step(state)
        rate = _to_scalar(group["lr"]) / (1 + (step - 1) * group["lr_decay"])
        total = state["sum"]
        total.addcmul_(grad, grad, value=1)
        root = kept(total, group).sqrt() + group["eps"]
        p.addcdiv_(grad, root, value=-rate)
