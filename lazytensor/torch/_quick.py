"""The short way of elementwise operations, as functions and in place, where there is nothing to
cast, broadcast or record: most of what an operation on a small tensor costs is the way there.

What enters: arguments as they were given. What leaves: the result, or None where the long way has
to be gone. It must not know how anything is computed.
"""

from collections.abc import Callable, Sequence
from typing import Any

from ..ir.node import Node, apply_alike
from ..ir.op import Op
from ..lang import pointwise as nodes
from ..ops import elementwise as rows
from ..ops import g
from ._dispatch import CASTING, QUICK, number
from ._dtypes import bool_, dtype, fit
from ._graph import MODE
from .operators import FAST
from .tensor import Tensor

__all__: list[str] = []

Short = Callable[[Sequence[Any], dict[str, Any]], Any]
Made = Callable[..., Node | None]


def _still(x: Any) -> bool:
    """Whether an operation on a tensor needs no look at its class, layout or history."""
    if type(x) not in FAST or x._strides is not None or x._inference is True:
        return False
    if MODE.grad and (x._fn is not None or x._needs or x._base is not None):
        return False
    return x.dtype._rank == 2 and 0 not in x._node.shape


def _free() -> bool:
    """Whether no mode or transform asks what is done."""
    return not (CASTING or MODE.inference or MODE.transforms or MODE.levels)


def _operand(y: Any, x: Tensor) -> Node | None:
    """The node of a number, or of a tensor like x; None for anything else."""
    if type(y) is float or type(y) is int:
        return number(y, x.dtype, x._node, True)
    if not _still(y) or y.dtype is not x.dtype or y._node.shape != x._node.shape:
        return None
    return y._read() if y._node.device is x._node.device else None


def _result(x: Tensor, node: Node, of: dtype) -> Tensor:
    out: Tensor = object.__new__(Tensor)
    out.dtype = of
    out._node = node
    return out


def _written(x: Tensor, node: Node) -> Tensor:
    x._write(node)
    return x


def _own(x: Tensor, others: Sequence[Any]) -> bool:
    """Whether a tensor that is written to is no view, and shares no memory with others."""
    if x._base is not None:
        return False
    return x._stor is None or all(getattr(y, "_stor", None) is not x._stor for y in others)


# --- of two ---------------------------------------------------------------------------------------


def _pair(row: Op, of: dtype | None = None, turned: bool = False) -> Made:
    """What a row gives of a tensor and another, which may be a number, or `turned` of the other
    first.
    """

    def made(x: Tensor, y: Any, /) -> Node | None:
        other = _operand(y, x)
        if other is None:
            return None
        node = x._read()
        dtype = node.dtype if of is None else of.numpy
        return apply_alike(row, (other, node) if turned else (node, other), node, dtype)

    return made


def _of_tensors(row: Op) -> Made:
    pair = _pair(row)
    return lambda x, y, /: pair(x, y) if type(y) in FAST else None


def _scaled(row: Op) -> Made:
    """A row of a tensor and alpha times another."""

    def made(x: Tensor, y: Any, /, *, alpha: Any = 1) -> Node | None:
        other = _operand(y, x)
        if other is None or (type(alpha) is not float and type(alpha) is not int):
            return None
        if type(alpha) is float or alpha != 1:
            other = g.multiply(other, number(alpha, x.dtype, other))
        node = x._read()
        return apply_alike(row, (node, other), node, node.dtype)

    return made


# --- of several -----------------------------------------------------------------------------------


def _lerp(x: Tensor, y: Any, /, weight: Any) -> Node | None:
    if type(y) not in FAST or type(weight) is not float:
        return None
    end, by = _operand(y, x), number(weight, x.dtype, x._node)
    if end is None:
        return None
    start = x._read()
    distance = g.subtract(end, start)
    if abs(by.value) < 0.5:
        return g.add(start, g.multiply(by, distance))
    return g.subtract(end, g.multiply(distance, g.subtract(1, by)))


def _accumulated(f: Callable[..., Node]) -> Made:
    def made(x: Tensor, a: Any, b: Any, /, *, value: Any = 1) -> Node | None:
        if type(a) not in FAST or type(b) not in FAST:
            return None
        if type(value) is not float and type(value) is not int:
            return None
        first, second = _operand(a, x), _operand(b, x)
        if first is None or second is None:
            return None
        return f(x._read(), first, second, fit(value, x.dtype))

    return made


def _clamp(x: Tensor, /, min: Any = None, max: Any = None) -> Node | None:
    """Between numbers that are not NaN."""
    bounds = [b for b in (min, max) if b is not None]
    if not bounds or any((type(b) is not float and type(b) is not int) or b != b for b in bounds):
        return None
    node = x._read()
    if min is not None:
        low = number(min, x.dtype, node)
        node = g.where(g.less(node, low), low, node)
    if max is not None:
        high = number(max, x.dtype, node)
        node = g.where(g.less(high, node), high, node)
    return node


def _where(condition: Any, x: Tensor, y: Any) -> Node | None:
    """One of two where a condition of their shape holds, else the other."""
    if type(condition) not in FAST or condition.dtype is not bool_:
        return None
    node, other = condition._node, _operand(y, x)
    if other is None or condition._strides is not None or condition._inference is True:
        return None
    if node.shape != x._node.shape or node.device is not other.device:
        return None
    return g.where(condition._read(), x._read(), other)


def _chosen(args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    if kwargs or len(args) != 3 or not _still(args[1]) or not _free():
        return None
    condition, x, y = args
    node = _where(condition, x, y)
    return None if node is None else _result(x, node, x.dtype)


def _copy(x: Tensor, y: Any, /) -> Node | None:
    return _operand(y, x) if type(y) in FAST else None


# --- how they are found ---------------------------------------------------------------------------


def _function(made: Made, of: dtype | None = None) -> Short:
    def quick(args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        if not args or not _still(args[0]) or not _free():
            return None
        try:
            node = made(*args, **kwargs)
        except TypeError:  # called otherwise: the long way says what is wrong
            return None
        x = args[0]
        return None if node is None else _result(x, node, x.dtype if of is None else of)

    return quick


def _in_place(made: Made) -> Short:
    def quick(args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        if not args or not _still(args[0]) or not _free() or not _own(args[0], args[1:]):
            return None
        try:
            node = made(*args, **kwargs)
        except TypeError:  # called otherwise: the long way says what is wrong
            return None
        return None if node is None else _written(args[0], node)

    return quick


def _offer(name: str, made: Made) -> None:
    QUICK[name] = _function(made)
    QUICK[name + "_"] = _in_place(made)


for _name, _made in (
    ("add", _scaled(rows.add)), ("sub", _scaled(rows.subtract)), ("mul", _pair(rows.multiply)),
    ("div", _pair(rows.divide)), ("lerp", _lerp), ("clamp", _clamp),
    ("addcmul", _accumulated(nodes.addcmul)), ("addcdiv", _accumulated(nodes.addcdiv)),
):  # fmt: skip
    _offer(_name, _made)
QUICK["Tensor.copy_"] = _in_place(_copy)
QUICK["where"] = _chosen
QUICK["maximum"] = _function(_of_tensors(rows.maximum))
QUICK["minimum"] = _function(_of_tensors(rows.minimum))
for _name, _row, _turned in (
    ("eq", rows.equal, False), ("ne", rows.not_equal, False), ("lt", rows.less, False),
    ("le", rows.less_equal, False), ("gt", rows.less, True), ("ge", rows.less_equal, True),
):  # fmt: skip
    QUICK[_name] = _function(_pair(_row, bool_, _turned), bool_)
