"""Muon.

What enters: matrices with gradients. What leaves: changed matrices. It must not know models.
"""

import math
from typing import Any, ClassVar

from .. import _api as torch
from ..tensor import Tensor
from ._by_tensor import ByTensor, zeros
from .optimizer import Group, State, _to_scalar

__all__ = ["Muon"]

EPS = 1e-7
COEFFICIENTS = (3.4445, -4.7750, 2.0315)  # of the polynomial that brings singular values near 1
RULES = ("original", "match_rms_adamw")


def _orthogonalized(grad: Any, coefficients: Any, steps: int, eps: float) -> Any:
    """Nearly the orthogonal factor of a matrix, by Newton-Schulz iterations in bfloat16."""
    if steps >= 100:
        raise ValueError("Number of steps must be less than 100 for computational efficiency")
    if len(coefficients) != 3:
        raise ValueError("Coefficients must be a tuple of exactly 3 values")
    a, b, c = coefficients
    tall = grad.size(0) > grad.size(1)
    x = grad.bfloat16()
    x = x.T if tall else x
    x = x.div_(x.norm().clamp(min=eps))
    for _ in range(steps):
        gram = x @ x.T
        x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.T if tall else x


def _rate(lr: float, rule: str | None, shape: Any) -> float:
    """The learning rate for a matrix of a shape."""
    rows, columns = shape[:2]
    if rule == "match_rms_adamw":
        return lr * (0.2 * math.sqrt(max(rows, columns)))
    return lr * math.sqrt(max(1, rows / columns))


def _check(lr: Any, momentum: float, weight_decay: float, rule: str | None) -> None:
    if isinstance(lr, Tensor) and lr.numel() != 1:
        raise ValueError("Tensor lr must be 1-element")
    if not lr >= 0.0:
        raise ValueError(f"Learning rate should be >= 0 but is: {lr}")
    if not momentum >= 0.0:
        raise ValueError(f"momentum should be >= 0 but is: {momentum}")
    if not weight_decay >= 0.0:
        raise ValueError(f"weight decay should be >= 0 but is: {weight_decay}")
    if rule is not None and rule not in RULES:
        raise ValueError(f"Adjust learning rate function {rule} is not supported")


class Muon(ByTensor):
    """Steps by the orthogonal factors of matrices' momenta (Jordan 2024)."""

    _older: ClassVar = {}
    _counters = ()
    _pairs = False

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_coefficients: Any = COEFFICIENTS,
        eps: float = EPS,
        ns_steps: int = 5,
        adjust_lr_fn: str | None = None,
    ) -> None:
        _check(lr, momentum, weight_decay, adjust_lr_fn)
        defaults = {
            "lr": lr,
            "weight_decay": weight_decay,
            "momentum": momentum,
            "nesterov": nesterov,
            "ns_coefficients": ns_coefficients,
            "eps": eps,
            "ns_steps": ns_steps,
            "adjust_lr_fn": adjust_lr_fn,
        }
        super().__init__(params, defaults)
        for group in self.param_groups:
            for p in group["params"]:
                if p.ndim != 2:
                    raise ValueError(
                        "Muon only supports 2D parameters whereas we found a parameter with size: "
                        f"{p.size()}"
                    )

    def _begin(self, p: Any, state: State, group: Group) -> None:
        state["momentum_buffer"] = zeros(p.grad)

    def _one(self, p: Any, group: Group) -> None:
        if torch.is_complex(p):
            raise RuntimeError("Muon does not support complex parameters")
        self._update(p, p.grad, self._remembered(p, group), group)

    def _update(self, p: Any, grad: Any, state: State, group: Group) -> None:
        lr, momentum = _to_scalar(group["lr"]), group["momentum"]
        buffer = state["momentum_buffer"]
        buffer.lerp_(grad, 1 - momentum)
        update = grad.lerp(buffer, momentum) if group["nesterov"] else buffer
        update = _orthogonalized(update, group["ns_coefficients"], group["ns_steps"], group["eps"])
        p.mul_(1 - lr * group["weight_decay"])
        p.add_(update, alpha=-_rate(lr, group["adjust_lr_fn"], p.shape))
