"""`torch.autograd.variable`: tensors under the name that they had."""

from typing import Any

from .. import _api as torch
from ..tensor import Tensor

__all__ = ["Variable"]


class _VariableMeta(type):
    """Tensors are instances."""

    def __instancecheck__(cls, other: Any) -> bool:
        return isinstance(other, Tensor)


class Variable(metaclass=_VariableMeta):
    """A name of tensors: calling it gives one of the same memory, without history."""

    def __new__(cls, data: Any = None, requires_grad: bool = False, volatile: bool = False) -> Any:
        """Raises TypeError for what is no tensor."""
        if data is None:
            return torch.empty(0).requires_grad_(requires_grad)
        if not isinstance(data, Tensor):
            raise TypeError(f"Variable data has to be a tensor, but got {type(data).__name__}")
        return data.detach().requires_grad_(requires_grad)
