"""Adafactor.

What enters: parameters with gradients. What leaves: changed parameters. It must not know models.
"""

from typing import Any, ClassVar

from .. import _api as torch
from ..tensor import Tensor
from ._by_tensor import ByTensor, counter, next_step, zeros
from .optimizer import Group, State, _to_scalar

__all__ = ["Adafactor"]


def _check(lr: Any, beta2_decay: float, eps: Any, d: float, weight_decay: float) -> None:
    if isinstance(lr, Tensor) and lr.numel() != 1:
        raise ValueError("Tensor lr must be 1-element")
    if not lr >= 0.0:
        raise ValueError(f"Learning rate should be >= 0 but is: {lr}")
    if not beta2_decay <= 0.0:
        raise ValueError(f"beta2_decay should be <= 0 but is: {beta2_decay}")
    if eps[0] is not None and not eps[0] >= 0.0:
        raise ValueError(f"epsilon1 should be >= 0 but is: {eps[0]}")
    if not eps[1] >= 0.0:
        raise ValueError(f"epsilon2 should be >= 0 but is: {eps[1]}")
    if not d >= 1.0:
        raise ValueError(f"Clipping threshold d should be >= 1 but is: {d}")
    if not weight_decay >= 0.0:
        raise ValueError(f"weight_decay should be >= 0 but is: {weight_decay}")


def _mean_square(grad: Any, dim: int) -> Any:
    return torch.norm(grad, dim=dim, keepdim=True).square_().div_(grad.size(dim))


class Adafactor(ByTensor):
    """Steps by gradients over roots of running squares, of which matrices keep means of rows and
    columns only (Shazeer & Stern 2018).
    """

    _older: ClassVar = {"foreach": None}
    _pairs = False

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-2,
        beta2_decay: float = -0.8,
        eps: Any = (None, 1e-3),
        d: float = 1.0,
        weight_decay: float = 0.0,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
    ) -> None:
        _check(lr, beta2_decay, eps, d, weight_decay)
        defaults = {
            "lr": lr,
            "beta2_decay": beta2_decay,
            "eps": eps,
            "d": d,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
        }
        super().__init__(params, defaults)

    def _begin(self, p: Any, state: State, group: Group) -> None:
        state["step"] = counter()
        grad = p.grad
        if grad.dim() > 1:
            rows, columns = [*grad.shape], [*grad.shape]
            rows[-1], columns[-2] = 1, 1
            state["row_var"], state["col_var"] = grad.new_zeros(rows), grad.new_zeros(columns)
        else:
            state["variance"] = zeros(grad)

    def _one(self, p: Any, group: Group) -> None:
        if torch.is_complex(p):
            raise RuntimeError("Adafactor does not support complex parameters")
        state = self._remembered(p, group)
        self._update(p, -p.grad if group["maximize"] else p.grad, state, group)

    def _update(self, p: Any, grad: Any, state: State, group: Group) -> None:
        least, eps2 = group["eps"]
        least = torch.finfo(p.dtype).eps if least is None else least  # type: ignore[attr-defined]
        lr, step = _to_scalar(group["lr"]), next_step(state)
        rate = max(eps2, p.norm(2).item() / p.numel() ** 0.5) * min(lr, 1 / step**0.5)
        if group["weight_decay"] != 0:
            p.mul_(1 - lr * group["weight_decay"])
        estimate = self._estimate(grad, state, step ** group["beta2_decay"], least)
        update = estimate.clamp_(min=least * least).rsqrt_()
        update.mul_(grad)
        longest = update.numel() ** 0.5 * group["d"]
        p.add_(update, alpha=-rate / max(1.0, update.norm(2).item() / longest))

    def _estimate(self, grad: Any, state: State, weight: float, least: float) -> Any:
        """The running mean of squares, of a matrix by the product of its rows' and columns'."""
        if grad.dim() <= 1:
            state["variance"].lerp_(grad * grad, weight)
            return state["variance"].clone()
        rows, columns = state["row_var"], state["col_var"]
        rows.lerp_(_mean_square(grad, -1), weight)
        columns.lerp_(_mean_square(grad, -2), weight)
        return (rows @ columns).div_(rows.mean(dim=-2, keepdim=True).clamp_(min=least))
