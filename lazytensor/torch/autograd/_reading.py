"""What formulas read of a record: its operands and its result, as tensors with their history.

What enters: records. What leaves: tensors, shapes, numbers. It must not know any derivative.
"""

from typing import Any
from weakref import ref

from ...ir.node import Node
from ...ops import g
from .._graph import RESULT, AccumulateGrad, GradFn, grad_fn_class
from .._strides import dense
from ..tensor import Tensor, wrap
from ._gradients import mapped

__all__ = ["number", "other", "over", "read", "result", "scaled", "shape", "times", "zeros"]


def read(fn: Any, i: int) -> Tensor:
    """What a record read, as a tensor with its history: the one that was saved, if it was."""
    for _, _, _, _, made, _, place, x, _ in fn.saved:
        if place == i and x is not None and made is not RESULT:
            return x  # type: ignore[no-any-return]
    out = wrap(fn.read()[i])
    if fn.strides is not None:
        out._strides = fn.strides[i]
    into, number = fn.edges[i]
    if type(into) is AccumulateGrad:
        out._needs, out._accumulator = True, ref(into)
    elif into is not None:
        out._fn, out._out = into, number
    return out


def result(fn: Any) -> Tensor:
    """What a record made, as a tensor with its history."""
    out = wrap(fn.outputs[0])
    if fn.strides is not None and fn.read()[0].shape == out._node.shape:
        out._strides = mapped(out._node, fn.strides[0])._strides
    out._fn = fn
    return out


def shape(fn: Any, i: int = 0) -> Any:
    """The shape of what a record read."""
    return fn.read()[i].shape


def other(fn: Any, i: int) -> Any:
    """The other one of two operands: a tensor, or a Python number."""
    return read(fn, 1 - i) if len(fn.edges) > 1 else number(fn)


def number(fn: Any) -> Any:
    """The Python number among what an operation was given."""
    node: Node = fn.outputs[0]
    while len(node.args) == 1:
        node = node.args[0]
    found = node.args[1].value
    assert found is not None
    return found.item()


def zeros(x: Tensor) -> Tensor:
    """Zeros in the place of a gradient."""
    node = x._read()
    return wrap(g.broadcast_to(g.constant(0, node), node.shape), x.dtype, dense(x))


def scaled(x: Tensor, fn: GradFn) -> Tensor:
    """A gradient times the `alpha` that an operation was given."""
    alpha = getattr(fn, "alpha", 1)
    return x if alpha == 1 and type(alpha) is not bool else times(x, alpha)


def _by_number(title: str, out: Tensor) -> Tensor:
    fn = out._fn
    if fn is not None:
        out._fn = grad_fn_class(title)(fn.edges[:1], tuple(fn.read()), fn.outputs)
    return out


def times(x: Tensor, by: Any) -> Tensor:
    """A gradient times a number, recorded as PyTorch's own code does it."""
    return _by_number("MulBackward1", x * by)


def over(x: Tensor, by: Any) -> Tensor:
    """A gradient divided by a number, recorded as PyTorch's own code does it."""
    return _by_number("DivBackward1", x / by)
