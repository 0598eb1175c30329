"""Ways into a transformed function: tensors of the caller's that are leaves within.

What enters: tensors of the caller's. What leaves: those that the function gets, whose history ends
there for the transform and goes on for the caller; results, with what history the caller may see.
It must not know what a transform does.
"""

from collections.abc import Iterable, Sequence
from textwrap import indent
from typing import Any

from ...ir.node import SCALAR, Node, apply, serials
from ...ops.movement import reshape
from .._graph import MODE, AccumulateGrad, Edge, GradFn, last_record
from ..tensor import Tensor, wrap

__all__ = ["Passage", "Transform", "fresh", "inner_leaf"]

NO_EDGE: Edge = (None, 0)
_CAPTURED = (
    "During a grad (vjp, jvp, grad, etc) transform, the function provided attempted to call "
    "in-place operation (aten::{}) that would mutate a captured Tensor. This is not supported; "
    "please rewrite the function being transformed to explicitly accept the mutated Tensor(s) as "
    "inputs."
)
_NO_HOOKS = (
    "torch.func.{grad, vjp, jacrev, hessian} don't yet support saved tensor hooks. Please open an "
    "issue with your use case."
)
# In-place operations of which PyTorch has variants for tensors and for numbers; of the first ones
# numbers become tensors.
_TENSORS = frozenset(f"{name}_" for name in ("add", "sub", "mul", "div"))
_EITHER = frozenset(f"{name}_" for name in ("eq", "fill", "ge", "gt", "le", "lt", "ne", "pow"))


def _variant(name: str, others: Sequence[Any]) -> str:
    """PyTorch's full name of an in-place operation."""
    if name in _EITHER:
        number = others and not isinstance(others[0], Tensor)
        return f"{name}.{'Scalar' if number else 'Tensor'}"
    return f"{name}.Tensor" if name in _TENSORS else name


def fresh(node: Node) -> Node:
    """The same value as a node of its own: what else is made of `node` doesn't depend on it."""
    out = apply(reshape, (node,), (node.shape,))
    out.value = node.value
    return out


class Passage(GradFn):
    """From a leaf within a transformed function on to the history of the caller's tensor."""

    __slots__ = ()


def boxed(begin: str, t: Tensor) -> str:
    """The text of a tensor within that of what stands for it."""
    return f"{begin}, value=\n{indent(repr(t), '    ')}\n)"


def inner_leaf(outer: Tensor, node: Node, edge: Edge) -> tuple[Tensor, Passage]:
    """A leaf that needs a gradient, of a node that stands for the caller's tensor, and its way."""
    inner = wrap(node, outer.dtype)
    passage = Passage((edge,), (outer._read(),), (node,))
    inner._needs = True
    inner._accumulator = lambda: passage
    return inner, passage


class Transform:
    """A transform whose function runs: a context. Nothing that the caller made may be written to
    but its arguments.
    """

    kind = "grad"

    def __init__(self) -> None:
        self.begin = 0
        self.serial = 0
        self.own: list[Tensor] = []  # what may be written to
        self.leaves: list[Tensor] = []  # made since it began
        self._before = (True, False)

    def __enter__(self) -> Any:
        self.begin, self.serial = last_record(), serials()
        self._before = MODE.grad, MODE.inference
        MODE.transforms = (*MODE.transforms, self)
        return self

    def __exit__(self, *exception: object) -> None:
        MODE.transforms = tuple(t for t in MODE.transforms if t is not self)
        MODE.grad, MODE.inference = self._before

    def owns(self, *tensors: Any) -> None:
        """Let arguments be written to."""
        self.own += [t for t in tensors if isinstance(t, Tensor)]

    def writes(self, x: Tensor, name: str, others: Sequence[Any] = ()) -> None:
        """Called before a tensor is written to. Raises RuntimeError for the caller's."""
        node = x._node if x._stor is None else x._stor.node
        if node.serial > self.serial or node.op is SCALAR:
            return
        if any(t is x or t is x._base or (x._stor is not None and t._stor is x._stor)
               for t in self.own):  # fmt: skip
            return
        raise RuntimeError(_CAPTURED.format(_variant(name, others)))

    def wrote(self, x: Tensor, node: Node) -> None:
        """Called when a tensor gets new elements. Raises RuntimeError as `writes`."""
        self.writes(x, "copy_")

    def described(self, t: Tensor, depth: int) -> str | None:
        """The text of a tensor that is the function's; None of others."""
        return None

    def draws(self) -> None:
        """Called before numbers are drawn."""

    def unwrapped(self, t: Tensor) -> Tensor | None:
        """What a tensor of the function's stands for; None of others."""

    def made(self, leaf: Tensor) -> bool:
        """Whether a leaf has been made since the transform began."""
        return any(t is leaf for t in self.leaves)

    def reaches(self, tensors: Iterable[Tensor]) -> bool:
        """Whether the history of tensors goes back to before the transform began."""
        stack = [t._edge()[0] for t in tensors]
        seen: set[Any] = {None}
        while stack:
            fn = stack.pop()
            if fn in seen:
                continue
            assert fn is not None
            if fn._sequence <= self.begin:
                return True
            if type(fn) is AccumulateGrad and not self.made(fn.variable):
                return True
            seen.add(fn)
            stack += [edge[0] for edge in fn.edges]
        return False

    def left(self, t: Any) -> Any:
        """A result as the caller gets it: without history where that is the function's alone."""
        if not isinstance(t, Tensor) or not t.requires_grad:
            return t
        if self._before[0] and self.reaches([t]):
            return t
        return wrap(t._read(), t.dtype, t._strides)


class Reverse(Transform):
    """A function whose gradients are wanted; its operations are recorded."""

    def __init__(self) -> None:
        super().__init__()
        self.outer: dict[int, Tensor] = {}

    def __enter__(self) -> "Reverse":
        if MODE.hooks:
            raise RuntimeError(_NO_HOOKS)
        super().__enter__()
        MODE.grad, MODE.inference = True, False
        return self

    def enter(self, x: Any) -> Tensor:
        """What the function gets for an argument by which gradients are wanted.

        Raises ValueError for what is no tensor, RuntimeError for integers and bools.
        """
        if not isinstance(x, Tensor):
            raise ValueError(f"Thing passed to transform API must be Tensor, got {type(x)}")
        if x.dtype._rank < 2:
            raise RuntimeError("only Tensors of floating point dtype can require gradients")
        edge = x._edge() if self._before[0] else NO_EDGE
        inner, _ = inner_leaf(x, fresh(x._read()), edge)
        inner._strides = x._strides
        self.outer[id(inner)] = x
        self.own.append(inner)
        return inner

    def described(self, t: Tensor, depth: int) -> str | None:
        """The text of a tensor with a gradient; None of others."""
        if not t.requires_grad:
            return None
        before = MODE.transforms
        MODE.transforms = before[: depth - 1]
        try:
            return boxed(f"GradTrackingTensor(lvl={depth}", wrap(t._read(), t.dtype, t._strides))
        finally:
            MODE.transforms = before

    def unwrapped(self, t: Tensor) -> Tensor | None:
        """The caller's argument that a leaf stands for; None of others."""
        return self.outer.get(id(t))

    def left(self, t: Any) -> Any:
        """A result as the caller gets it; of an argument itself the caller's."""
        found = self.outer.get(id(t))
        return super().left(t) if found is None else found
