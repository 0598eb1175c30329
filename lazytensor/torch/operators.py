"""The operators of tensors: `x + y`, `2 - x`, `x @= y`, comparisons.

What enters: tensors, Python numbers. What leaves: tensors. It must not know how anything is
computed.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from ..ir.node import apply_alike, scalar
from ..ir.op import Op
from ..ops import elementwise as rows
from ._dispatch import FUNCTIONS, NUMBERS, saved_entry
from ._graph import MODE, grad_fn_class, record_of
from .pointwise import mul
from .tensor import Tensor

__all__ = ["FAST"]

# The way of `x * y` and `x * 2.0` with nothing to cast or broadcast is as short as it can be: these
# few lines are most of what an operation on a small tensor costs.

_new_object = object.__new__


def _recorded(fn_class: Any, cross: bool, out: Tensor, self: Tensor, other: Tensor) -> Tensor:
    """The result with the record that an operand asks for."""
    edge, theirs, node = self._edge(), other._edge(), out._node
    if edge[0] is not None or theirs[0] is not None:
        saved = []
        if cross and theirs[0] is not None:
            saved.append(saved_entry(self))
        if cross and edge[0] is not None:
            saved.append(saved_entry(other, 1))
        out._fn = record_of(fn_class, (edge, theirs), node.args, node, tuple(saved))
    return out


def _direct(row: Op, title: str, slow: Any, cross: bool) -> Callable[[Tensor, Any], Any]:
    """The operator of a row; `cross` where each operand's gradient needs the other."""
    fn_class = grad_fn_class(title + "Backward0")

    def operator(self: Tensor, other: Any) -> Any:
        kind = type(other)
        pair = kind is Tensor or (kind is not float and kind is not int)
        if type(self) is not Tensor and type(self) not in FAST:
            return _slow(slow, self, other)
        if pair and kind is not Tensor and kind not in FAST:
            return _slow(slow, self, other)
        of, x = self.dtype, self._node
        if self._stor is not None or (x.value is not None and x.args):
            x = self._read()
        if not pair:
            if of._rank != 2 or 0 in x.shape:
                return _slow(slow, self, other)
            y = scalar(other, x.dtype, x.device)
        else:
            y = other._node
            if other._stor is not None or (y.value is not None and y.args):
                y = other._read()
            if of is not other.dtype or of._rank < 2 or x.shape != y.shape or x is y:
                return _slow(slow, self, other)
            if other._strides is not None or x.device is not y.device:
                return _slow(slow, self, other)
        if self._strides is not None or MODE.inference:
            return _slow(slow, self, other)
        out: Tensor = _new_object(Tensor)
        out.dtype = of
        out._node = apply_alike(row, (x, y), x, x.dtype)
        if self._fn is None and not self._needs and self._base is None and not (
            pair and (other._fn is not None or other._needs or other._base is not None)
        ):
            return out
        if MODE.hooks:
            return _slow(slow, self, other)
        if pair:
            return _recorded(fn_class, cross, out, self, other) if MODE.grad else out
        if MODE.grad and (edge := self._edge())[0] is not None:
            out._fn = record_of(fn_class, (edge,), (x,), out._node)
        return out

    return operator


FAST: set[type] = {Tensor}


def _slow(slow: Any, x: Any, y: Any) -> Any:
    if isinstance(y, (*NUMBERS, Tensor)) or hasattr(y, "__torch_function__"):
        return slow(x, y)
    return NotImplemented


def _plain(name: str, swapped: bool = False) -> Callable[[Tensor, Any], Any]:
    def operator(self: Tensor, other: Any) -> Any:
        public = getattr(Tensor, name)
        if swapped:
            return _slow(lambda a, b: public(b, a), self, other)
        return _slow(public, self, other)

    return operator


def _written(name: str) -> Callable[[Tensor, Any], Any]:
    def operator(self: Tensor, other: Any) -> Any:
        return _slow(getattr(Tensor, name + "_"), self, other)

    return operator


def _bind(symbol: str, operator: Any) -> None:
    operator.__name__ = operator.__qualname__ = f"__{symbol}__"
    setattr(Tensor, f"__{symbol}__", operator)


def _bind_all() -> None:
    def public(name: str) -> Any:
        return getattr(Tensor, name)

    for symbol, name, row, title, cross in (
        ("add", "add", rows.add, "Add", False),
        ("sub", "sub", rows.subtract, "Sub", False),
        ("mul", "mul", rows.multiply, "Mul", True),
    ):
        _bind(symbol, _direct(row, title, public(name), cross))
        _bind("i" + symbol, _written(name))
    _bind("radd", _direct(rows.add, "Add", public("add"), False))
    _bind("rmul", _direct(rows.multiply, "Mul", public("mul"), True))
    _bind("rsub", _plain("rsub"))
    for symbol, name in (
        ("truediv", "div"), ("floordiv", "floor_divide"), ("mod", "remainder"), ("pow", "pow"),
        ("and", "bitwise_and"), ("or", "bitwise_or"), ("xor", "bitwise_xor"),
        ("lshift", "bitwise_left_shift"), ("rshift", "bitwise_right_shift"),
    ):  # fmt: skip
        _bind(symbol, _plain(name))
        _bind("r" + symbol, _plain(name, True))
        _bind("i" + symbol, _written(name))
    _bind("rtruediv", _reciprocal)
    _bind("eq", _equal)
    for symbol in ("ne", "lt", "le", "gt", "ge"):
        _bind(symbol, _plain(symbol))
    for symbol in ("neg", "abs"):
        setattr(Tensor, f"__{symbol}__", public(symbol))
    _bind("invert", _inverted)
    _bind("pos", lambda self: self)
    setattr(Tensor, "__hash__", object.__hash__)  # noqa: B010  (comparison took it away)


def _inverted(self: Tensor) -> Any:
    """~self. Raises TypeError but for integers and bool."""
    if self.dtype._rank > 1:
        raise TypeError(
            "~ (operator.invert) is only implemented on integer and Boolean-type tensors"
        )
    return FUNCTIONS["bitwise_not"](self)


def _reciprocal(self: Tensor, other: Any) -> Any:
    """other / self: as PyTorch, by the reciprocal."""
    if isinstance(other, np.ndarray):
        return FUNCTIONS["reciprocal"](self) * other
    if not isinstance(other, NUMBERS):
        return NotImplemented
    return mul(FUNCTIONS["reciprocal"](self), other)


def _equal(self: Tensor, other: Any) -> Any:
    """self == other, which may be an array."""
    if isinstance(other, np.ndarray):
        other = FUNCTIONS["from_numpy"](other)
    return _slow(FUNCTIONS["eq"], self, other)


_bind_all()
