"""Operations with derivatives of the user's own: class Function.

What enters: classes with `forward` and `backward`, tensors. What leaves: tensors whose record calls
the user's `backward` when gradients come. It must not know how gradients are summed or where they
go.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from ..._base.errors import shortened
from ...ops import g
from .._dispatch import FUNCTIONS, REFUSALS, refuse_leaf, slices_of
from .._graph import FREED, MODE, Edge, GradFn, stale
from .._packing import pack, unpack, with_edge
from .._record import to_device
from .._slices import CopySlices
from .._types import torch_device
from ..tensor import Tensor, wrap
from ..views import alias_of, detach
from .batches import Batch, varying
from .levels import custom_tangents

__all__ = ["Function", "FunctionCtx", "InplaceFunction", "once_differentiable"]

Gradients = Sequence[Tensor | None]


class _Saved(NamedTuple):
    """A tensor kept for `backward`: at which version, and the output it is (-1: it is none)."""

    tensor: Tensor | None
    version: int
    output: int


class _Packed(NamedTuple):
    """What a hook made of a tensor that is kept, and the hook that makes it a tensor again."""

    packed: Any
    hook: Any
    edge: Edge


class _Like(NamedTuple):
    """What a gradient must be like, and the device it is on."""

    shape: tuple[int, ...]
    dtype: Any
    node: Any

    def zeros(self) -> Tensor:
        """A gradient of zeros."""
        return wrap(g.broadcast_to(g.constant(0, self.node), self.shape), self.dtype)


class FunctionCtx:
    """What `forward` leaves for `backward`: an object for the user's attributes, with some ways
    of its own.
    """

    to_save: tuple[Any, ...] = ()
    saved_for_forward: tuple[Any, ...] | None = None
    dirty_tensors: tuple[Any, ...] = ()
    non_differentiable: tuple[Any, ...] = ()
    materialize_grads = True

    def save_for_backward(self, *tensors: Tensor | None) -> None:
        """Keep tensors, or None, for `saved_tensors` in `backward`."""
        self.to_save = tensors

    def save_for_forward(self, *tensors: Tensor | None) -> None:
        """Keep tensors for `saved_tensors` in `jvp`."""
        for tensor in tensors:
            if not (isinstance(tensor, Tensor) or tensor is None):
                raise AssertionError(
                    "save_for_forward expects all arguments to be tensors; you should save "
                    "non-tensors as attributes on ctx."
                )
        self.saved_for_forward = tensors

    def mark_dirty(self, *args: Tensor) -> None:
        """Tell that inputs are written to; they must be returned."""
        self.dirty_tensors = args

    def mark_non_differentiable(self, *args: Tensor) -> None:
        """Tell that outputs have no gradient."""
        self.non_differentiable = args

    def set_materialize_grads(self, value: bool) -> None:
        """Whether missing gradients are given as zeros rather than None."""
        self.materialize_grads = value


class BackwardCFunction(GradFn, FunctionCtx):
    """The record of a user's operation, which is its `ctx` as well."""

    _forward_cls: Any
    needs_input_grad: tuple[bool, ...] = ()
    custom_rule = watched = True

    def __init__(self, edges: Sequence[Edge], tensors: Sequence[bool], needs: tuple[bool, ...]):
        super().__init__(edges, (), ())
        self.needs_input_grad = needs
        self._tensors = tensors  # which arguments are tensors
        self._inputs: list[_Like] = []
        self._outputs: list[_Like | None] = []
        self._kept: tuple[_Saved | _Packed, ...] | None = ()

    def keep(self, outs: Sequence[Any]) -> None:
        """Save what `forward` asked for. Raises TypeError for what is no tensor."""
        kept: list[_Saved | _Packed] = []
        for place, t in enumerate(self.to_save):
            if t is None:
                kept.append(_Saved(None, 0, -1))
                continue
            if not isinstance(t, Tensor):
                raise TypeError(
                    f"save_for_backward can only save variables, but argument {place} is of type "
                    f"{type(t).__name__}"
                )
            if MODE.hooks:
                packing, unpacking = MODE.hooks[-1]
                kept.append(_Packed(pack(t, packing), unpacking, t._edge()))
                continue
            t._count()
            number = next((i for i, out in enumerate(outs) if out is t), -1)
            kept.append(_Saved(t if number < 0 else detach(t), t._version, number))
        self._kept = tuple(kept)
        self.to_save = ()

    @property
    def saved_tensors(self) -> tuple[Tensor | None, ...]:
        """What was saved. Raises RuntimeError where it was written to since, or let go."""
        if self._kept is None:
            raise RuntimeError(FREED)
        if self.to_save:
            return self.to_save
        return tuple([self._unpacked(s) for s in self._kept])

    def _unpacked(self, saved: _Saved | _Packed) -> Tensor | None:
        if isinstance(saved, _Packed):
            return with_edge(unpack(saved.packed, saved.hook), saved.edge)
        t = saved.tensor
        if t is None:
            return None
        if t._version != saved.version:
            made = self if saved.output >= 0 else t.grad_fn
            number = saved.output if saved.output >= 0 else t._out
            where = "" if made is None else made.described(number)
            raise RuntimeError(stale(t.dtype, t._node.shape, where, t._version, saved.version))
        if saved.output < 0 or self.outputs is None:
            return t
        out = detach(t)
        if self._outputs[saved.output] is not None:
            out._fn, out._out = self, saved.output
        return out

    def read(self) -> list[Any]:
        """The nodes of the tensors among the arguments."""
        return [like.node for like in self._inputs]

    def arity(self) -> int:
        """How many outputs the operation has."""
        return len(self._outputs)

    def check(self) -> None:
        """Saved tensors are checked when they are asked for."""

    def free(self) -> None:
        """Let go of what was saved."""
        if self._kept:
            self._kept = None

    def custom(self, cotangents: Gradients, create: bool) -> list[Tensor | None]:
        """Gradients of the tensors among the arguments, by the user's `backward`.

        Raises RuntimeError for a wrong number of gradients, or one that doesn't fit.
        """
        given = [
            like.zeros() if ct is None and self.materialize_grads and like is not None else ct
            for ct, like in zip(cotangents, self._outputs, strict=True)
        ]
        found = _user_rule(self._forward_cls)(self, *given)
        parts = list(found) if isinstance(found, tuple | list) else [found]
        return self._checked(parts)

    def _checked(self, parts: list[Any]) -> list[Tensor | None]:
        expected = len(self._tensors)
        if len(parts) > expected and all(p is None for p in parts[expected:]):
            parts = parts[:expected]
        if len(parts) != expected:
            raise RuntimeError(
                f"function {self.name()} returned an incorrect number of gradients (expected "
                f"{expected}, got {len(parts)})"
            )
        out: list[Tensor | None] = []
        for place, (part, is_tensor) in enumerate(zip(parts, self._tensors, strict=True)):
            if is_tensor:
                if part is not None and not isinstance(part, Tensor):
                    raise RuntimeError(f"expected Variable or None (got {type(part).__name__})")
                out.append(part)
            elif part is not None:
                raise RuntimeError(
                    f"function {self.name()} returned a gradient different than None at position "
                    f"{place + 1}, but the corresponding forward input was not a Variable"
                )
        return [self._fitted(i, part) for i, part in enumerate(out)]

    def _fitted(self, place: int, part: Tensor | None) -> Tensor | None:
        """A gradient in the shape and dtype of its input."""
        like = self._inputs[place]
        if part is None or self.edges[place][0] is None:
            return None
        if part._node.shape != like.shape:
            if not _expands(like.shape, part._node.shape):
                raise RuntimeError(
                    f"Function {self.name()} returned an invalid gradient at index {place} - got "
                    f"{list(part._node.shape)} but expected shape compatible with "
                    f"{list(like.shape)}"
                )
            part = _summed_to(part, like.shape)
        if part.dtype is not like.dtype:
            part = Tensor.to(part, like.dtype)  # type: ignore[attr-defined]
        if part._node.device is like.node.device:
            return part
        if not part._node.shape:
            return to_device(part, like.node.device)
        expected, found = torch_device(like.node.device), part.device
        raise RuntimeError(
            f"Function {self.name()} returned an invalid gradient at index {place} - expected "
            f"device {expected} but got {found}"
        )


def _expands(small: Sequence[int], big: Sequence[int]) -> bool:
    """Whether one shape is broadcast to the other."""
    if len(small) > len(big):
        return False
    return all(n in (1, m) for n, m in zip(reversed(small), reversed(big)))


def _summed_to(t: Tensor, shape: Sequence[int]) -> Tensor:
    """The sum over axes along which a shape is broadcast to the tensor's."""
    lead = t.ndim - len(shape)
    axes = [i for i, n in enumerate(t._node.shape) if i < lead or shape[i - lead] != n]
    out: Tensor = FUNCTIONS["sum"](t, axes, keepdim=True)
    return FUNCTIONS["reshape"](out, tuple(shape))  # type: ignore[no-any-return]


def _user_rule(cls: Any) -> Callable[..., Any]:
    """The class's `backward`, or its `vjp`. Raises RuntimeError for both."""
    if cls.backward is not Function.backward and cls.vjp is not Function.vjp:
        raise RuntimeError(
            "Implementing both 'backward' and 'vjp' for a custom Function is not allowed. You "
            "should only implement one of them."
        )
    return cls.vjp if cls.vjp is not Function.vjp else cls.backward  # type: ignore[no-any-return]


class FunctionMeta(type):
    """Gives each class of functions the class of its records."""

    def __init__(cls, name: str, bases: Any, attrs: dict[str, Any]) -> None:
        body = {"_forward_cls": cls, "__module__": "torch.autograd.function"}
        cls._backward_cls = type(name + "Backward", (BackwardCFunction,), body)
        super().__init__(name, bases, attrs)


class Function(metaclass=FunctionMeta):
    """An operation with a derivative of its own; `apply` runs it.

    Subclasses define static methods: `forward(ctx, *args)`, or `forward(*args)` with
    `setup_context(ctx, inputs, output)`; `backward(ctx, *grad_outputs)` (or `vjp`); `jvp` for
    forward mode; `vmap`, or `generate_vmap_rule = True`, for batches.
    """

    generate_vmap_rule = False
    _backward_cls: Any

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Raises RuntimeError: functions are run by `apply`."""
        raise RuntimeError(
            "Legacy autograd function with non-static forward method is deprecated. Please use "
            "new-style autograd function with static forward method. (Example: "
            "https://pytorch.org/docs/stable/autograd.html#torch.autograd.Function)"
        )

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        """The operation: for subclasses to define."""
        raise NotImplementedError(
            "You must implement the forward function for custom autograd.Function."
        )

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> Any:
        """Save for `backward`, where `forward` has no `ctx`: for subclasses to define."""
        raise NotImplementedError("setup_context is not implemented.")

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        """Gradients of the arguments from those of the outputs: for subclasses to define."""
        raise NotImplementedError(
            "You must implement either the backward or vjp method for your custom "
            "autograd.Function to use it with backward mode AD."
        )

    @staticmethod
    def vjp(ctx: Any, *grad_outputs: Any) -> Any:
        """Another name of `backward`."""
        raise NotImplementedError(
            "You must implement either the backward or vjp method for your custom "
            "autograd.Function to use it with backward mode AD."
        )

    @staticmethod
    def jvp(ctx: Any, *grad_inputs: Any) -> Any:
        """Tangents of the outputs from those of the arguments: for subclasses to define."""
        raise NotImplementedError(
            "You must implement the jvp function for custom autograd.Function to use it with "
            "forward mode AD."
        )

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int | None, ...], *args: Any) -> Any:
        """The operation on batches: for subclasses to define."""
        raise NotImplementedError(
            "To use autograd.Function with vmap, you must either override the vmap staticmethod "
            "or set generate_vmap_rule=True."
        )

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        """Run the operation, recorded where an argument needs a gradient."""
        try:
            return _applied(cls, args, kwargs)
        except REFUSALS as error:
            raise shortened(error) from error.__cause__


_EXTENDING = "https://pytorch.org/docs/main/notes/extending.func.html"


def _rule(cls: Any) -> Callable[..., Any] | None:
    """The class's rule for batches, None where that of one example serves. Raises RuntimeError
    where there are both, or none.
    """
    own = cls.vmap is not Function.vmap
    if own and cls.generate_vmap_rule:
        raise RuntimeError(
            f"You tried to vmap over {cls.__name__}, but it has both generate_vmap_rule=True and "
            "an overridden vmap staticmethod. Please set generate_vmap_rule=False or delete the "
            "overridden vmap staticmethod to avoid ambiguity. For more details, please see "
            f"{_EXTENDING}"
        )
    if not own and not cls.generate_vmap_rule:
        raise RuntimeError(
            f"You tried to vmap over {cls.__name__}, but it does not have vmap support. Please "
            "override and implement the vmap staticmethod or set generate_vmap_rule=True. For more "
            f"details, please see {_EXTENDING}"
        )
    return cls.vmap if own else None


def _transformed(cls: Any, args: tuple[Any, ...]) -> tuple[Batch, Any] | None:
    """Within a transformed function: the batch with which arguments vary, and the rule for it.

    Raises RuntimeError for classes that can't be transformed.
    """
    if cls.setup_context is Function.setup_context:
        raise RuntimeError(
            "In order to use an autograd.Function with functorch transforms (vmap, grad, jvp, "
            "jacrev, ...), it must override the setup_context staticmethod. For more details, "
            f"please see {_EXTENDING}"
        )
    batch = varying(args)
    rule = None if batch is None else _rule(cls)
    return None if rule is None or batch is None else (batch, rule)


def _applied(cls: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    found = _transformed(cls, args) if MODE.transforms else None
    if found is not None and MODE.transforms[-1] is found[0]:
        return found[0].by_rule(found[1], args, True)
    flags = [isinstance(a, Tensor) for a in args]
    tensors = [a for a in args if isinstance(a, Tensor)]
    needs = tuple([isinstance(a, Tensor) and a.requires_grad for a in args])
    recorded = MODE.grad and any(needs)
    edges: list[Edge] = [t._edge() if recorded else (None, 0) for t in tensors]
    ctx = cls._backward_cls(edges, flags, needs)
    ctx._inputs = [_Like(t._node.shape, t.dtype, t._node) for t in tensors]
    shown = [(t, t._base, t._base._read()) for t in tensors if t._base is not None]
    result = _forward(cls, ctx, args, kwargs, found)
    outs = list(result) if isinstance(result, tuple) else [result]
    finished = _finished(ctx, outs, args, shown, recorded)
    custom_tangents(cls, Function, ctx, args, finished)
    return tuple(finished) if isinstance(result, tuple) else finished[0]


def _forward(
    cls: Any, ctx: Any, args: tuple[Any, ...], kwargs: dict[str, Any],
    mapped: tuple[Batch, Any] | None,
) -> Any:  # fmt: skip
    """What `forward` returns; nothing is recorded meanwhile."""
    before, MODE.grad = MODE.grad, False
    try:
        if cls.setup_context is Function.setup_context:
            return cls.forward(ctx, *args, **kwargs)
        if mapped is None:
            result = cls.forward(*args, **kwargs)
        else:
            result = mapped[0].by_rule(mapped[1], args, False)
        cls.setup_context(ctx, args, result)
        return result
    finally:
        MODE.grad = before


def _among(x: Any, items: Sequence[Any]) -> bool:
    return any(x is item for item in items)


def _finished(
    ctx: Any, outs: list[Any], args: Sequence[Any], shown: Sequence[Any], recorded: bool
) -> list[Any]:
    """The outputs with their history. Raises RuntimeError for a written input that isn't one."""
    for t in ctx.dirty_tensors:
        if not _among(t, outs):
            raise RuntimeError(
                "Some elements marked as dirty during the forward method were not returned as "
                "output. The inputs that are modified inplace must all be outputs of the Function."
            )
    finished: list[Any] = []
    for t in outs:
        out = t
        if isinstance(t, Tensor):
            dirty = _among(t, ctx.dirty_tensors)
            if _among(t, args) and not dirty:
                out = _aliased(t)
            finished.append(_with_history(ctx, out, t, dirty, shown, recorded, len(finished), args))
        else:
            ctx._outputs.append(None)
            finished.append(t)
    ctx.keep(outs if recorded else ())
    return finished


def _aliased(t: Tensor) -> Tensor:
    before, MODE.grad = MODE.grad, False
    try:
        return alias_of(t)
    finally:
        MODE.grad = before


def _with_history(
    ctx: Any, out: Tensor, t: Tensor, dirty: bool, shown: Any, recorded: bool, number: int,
    args: Sequence[Any],
) -> Tensor:  # fmt: skip
    """One output, as made by the record."""
    on = recorded and out.dtype._rank > 1 and not _among(t, ctx.non_differentiable)
    ctx._outputs.append(_Like(out._node.shape, out.dtype, out._node))
    if dirty and on:
        if out._needs and out._fn is None:
            raise RuntimeError(
                "a leaf Variable that requires grad has been used in an in-place operation."
            )
        refuse_leaf(out)
        bases = [(base, node) for x, base, node in shown if x is out]
        if bases:
            _rebased(ctx, out, *bases[0], args)
            return out
    if on:
        out._fn, out._out, out._needs = ctx, number, False
        out._at = 0 if out._counter is None else out._counter[0]
    elif not dirty and out.requires_grad:
        out._fn, out._needs = None, False
    return out


def _rebased(ctx: Any, out: Tensor, base: Tensor, before: Any, args: Sequence[Any]) -> None:
    """Let the tensor that a written view shows have been made by the record.

    Raises NotImplementedError for a view that isn't the first tensor among the arguments.
    """
    if next(a for a in args if isinstance(a, Tensor)) is not out:
        raise NotImplementedError(
            "lazytensor: a view that a custom function writes to must be its first tensor"
        )
    base._fn = CopySlices(base._edge(), before, base._read(), slices_of(base, out), ctx)
    base._out = 0


class _Twice(GradFn):
    """The end of a history that can't be differentiated again."""

    __slots__ = ()
    custom_rule = watched = True

    def custom(self, cotangents: Gradients, create: bool) -> Any:
        """Raises RuntimeError."""
        raise RuntimeError(
            "trying to differentiate twice a function that was marked with @once_differentiable"
        )


def once_differentiable(fn: Callable[..., Any]) -> Callable[..., Any]:
    """A `backward` of which nothing is recorded: to differentiate it is an error."""

    @functools.wraps(fn)
    def wrapper(ctx: Any, *args: Any) -> Any:
        before, MODE.grad = MODE.grad, False
        try:
            outputs = fn(ctx, *args)
        finally:
            MODE.grad = before
        given = [a for a in args if isinstance(a, Tensor) and a.requires_grad]
        if not (MODE.grad and given):
            return outputs
        parts = outputs if isinstance(outputs, tuple) else (outputs,)
        marked = [_refusing(p, given) if isinstance(p, Tensor) else p for p in parts]
        return tuple(marked) if isinstance(outputs, tuple) else marked[0]

    return wrapper


def _refusing(part: Tensor, given: Sequence[Tensor]) -> Tensor:
    out = detach(part)
    out._fn = _Twice([t._edge() for t in given], (), (out._node,))
    return out


class InplaceFunction(Function):
    """A function that may be asked to write to its argument."""

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace
