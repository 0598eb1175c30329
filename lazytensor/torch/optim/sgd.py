"""Stochastic gradient descent.

What enters: parameters with gradients. What leaves: changed parameters. It must not know models.
"""

from typing import Any, ClassVar

from ._by_tensor import ByTensor, check_fused, check_lr
from .optimizer import Group, State, _to_scalar

__all__ = ["SGD"]


class SGD(ByTensor):
    """p - lr g, with momentum, and Nesterov's, where wanted (Sutskever et al. 2013)."""

    _older: ClassVar = {
        "nesterov": False,
        "maximize": False,
        "foreach": None,
        "differentiable": False,
        "fused": False,
    }
    _pairs = False
    _written_down = True

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: Any = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        check_lr(lr)
        if momentum < 0.0:
            raise ValueError(f"Invalid momentum value: {momentum}")
        if weight_decay < 0.0:
            raise ValueError(f"Invalid weight_decay value: {weight_decay}")
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "dampening": dampening,
            "weight_decay": weight_decay,
            "nesterov": nesterov,
            "maximize": maximize,
            "foreach": foreach,
            "differentiable": differentiable,
            "fused": fused,
        }
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")
        super().__init__(params, defaults)
        check_fused(fused, foreach, differentiable)

    def _remembered(self, p: Any, group: Group) -> State:
        return self.state[p] if group["momentum"] != 0 else {}

    def _directly(self, p: Any, state: State, group: Group) -> bool:
        begun = group["momentum"] == 0 or state.get("momentum_buffer") is not None
        return begun and super()._directly(p, state, group)

    def _update(self, p: Any, grad: Any, state: State, group: Group) -> None:
        momentum = group["momentum"]
        if momentum != 0:
            buffer = state.get("momentum_buffer")
            if buffer is None:
                buffer = state["momentum_buffer"] = grad.detach().clone()
            else:
                buffer.mul_(momentum).add_(grad, alpha=1 - group["dampening"])
            grad = grad.add(buffer, alpha=momentum) if group["nesterov"] else buffer
        p.add_(grad, alpha=-_to_scalar(group["lr"]))
