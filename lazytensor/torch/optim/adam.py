"""Adam, and AdamW, whose weight decay stands outside the averages.

What enters: parameters with gradients. What leaves: changed parameters. It must not know models.
"""

from typing import Any, ClassVar

from ..tensor import Tensor
from ._by_tensor import (
    ByTensor,
    check_betas,
    check_fused,
    check_not_negative,
    counter,
    kept,
    next_step,
    zeros,
)
from .optimizer import Group, State, _to_scalar

__all__ = ["Adam", "AdamW"]


def _check_tensors(lr: Any, betas: Any, foreach: Any, capturable: bool) -> None:
    """Refuse tensors for settings where the way to run a step cannot take them."""
    named = {"lr": lr, "betas[0]": betas[0], "betas[1]": betas[1]}
    if isinstance(betas[0], Tensor) != isinstance(betas[1], Tensor) or not (
        isinstance(betas[0], float | Tensor) and isinstance(betas[1], float | Tensor)
    ):
        raise ValueError("betas must be either both floats or both Tensors")
    for name, value in named.items():
        if not isinstance(value, Tensor):
            continue
        if foreach and not capturable:
            raise ValueError(
                f"{name} as a Tensor is not supported for capturable=False and foreach=True"
            )
        if value.numel() != 1:
            raise ValueError(f"Tensor {name} must be 1-element")


class Adam(ByTensor):
    """Steps by averages of gradients over roots of averages of their squares (Kingma & Ba 2014)."""

    _older: ClassVar = {
        "amsgrad": False,
        "maximize": False,
        "foreach": None,
        "capturable": False,
        "differentiable": False,
        "decoupled_weight_decay": False,
        "fused": None,
    }
    _written_down = True

    _counts_there = True

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-3,
        betas: Any = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ) -> None:
        if isinstance(lr, Tensor):
            _check_tensors(lr, (0.0, 0.0), foreach, capturable)
        if not lr >= 0.0:
            raise ValueError(f"Invalid learning rate: {lr}")
        check_not_negative(eps=("epsilon", eps))
        check_betas(betas)
        check_not_negative(decay=("weight_decay", weight_decay))
        _check_tensors(0.0, betas, foreach, capturable)
        defaults = {
            "lr": lr,
            "betas": tuple(map(_to_scalar, betas)),
            "eps": eps,
            "weight_decay": weight_decay,
            "amsgrad": amsgrad,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "differentiable": differentiable,
            "fused": fused,
            "decoupled_weight_decay": decoupled_weight_decay,
        }
        super().__init__(params, defaults)
        check_fused(fused, foreach, differentiable)

    def _begin(self, p: Any, state: State, group: Group) -> None:
        state["step"] = counter().to(p.device) if group["capturable"] else counter()
        state["exp_avg"] = zeros(p)
        state["exp_avg_sq"] = zeros(p)
        if group["amsgrad"]:
            state["max_exp_avg_sq"] = zeros(p)

    def _update(self, p: Any, grad: Any, state: State, group: Group) -> None:
        step = None if group["capturable"] else next_step(state)
        beta1, beta2 = group["betas"]
        mean, square = state["exp_avg"], state["exp_avg_sq"]
        mean.lerp_(grad, 1 - beta1)
        square.mul_(beta2).addcmul_(grad, grad, value=1 - beta2)
        if group["amsgrad"]:
            greatest = state["max_exp_avg_sq"]
            greatest.copy_(kept(greatest, group).maximum(square))
            square = greatest
        if step is None:
            self._counted_there(p, mean, square, state["step"].add_(1), group)
            return
        size = _to_scalar(group["lr"]) / (1 - beta1**step)
        root = (kept(square, group).sqrt() / (1 - beta2**step) ** 0.5).add_(group["eps"])
        p.addcdiv_(kept(mean, group), root, value=-size)

    def _counted_there(self, p: Any, mean: Any, square: Any, step: Any, group: Group) -> None:
        """The parameter after a step whose number only the device knows."""
        beta1, beta2 = group["betas"]
        size = -(group["lr"] / (1 - beta1**step))
        scale = (1 - beta2**step).sqrt() * size
        p.addcdiv_(mean, (square.sqrt() / scale).add_(group["eps"] / size))


class AdamW(Adam):
    """Adam with weight decay outside the averages (Loshchilov & Hutter 2017)."""

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-3,
        betas: Any = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        super().__init__(
            params,
            lr,
            betas,
            eps,
            weight_decay,
            amsgrad,
            foreach=foreach,
            maximize=maximize,
            capturable=capturable,
            differentiable=differentiable,
            fused=fused,
            decoupled_weight_decay=True,
        )

    def __setstate__(self, state: State) -> None:
        super().__setstate__(state)
        for group in self.param_groups:
            group["decoupled_weight_decay"] = True
