"""Class Tensor: a view of a storage, with its place in a history of operations.

What enters: nodes of the graph. What leaves: nodes to go on from; writes, seen by all views of the
same memory. Operations, conversions and autograd's walk are bound by the modules that know them. It
must not know any operation.
"""

import warnings
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from weakref import ref

import numpy as np

from ..ir.node import TRACING, Node, leaf
from ..ops.bits import bitcast
from ..ops.elementwise import conj, negative
from ..ops.gather import gather
from ..ops.movement import broadcast_to
from . import _dtypes, _types
from ._dtypes import dtype
from ._graph import MODE, NOWHERE, AccumulateGrad, Edge, GradFn, grad_fn_class, refuse_within
from ._missing import ABSENT, Absent
from ._types import Size, device
from .storage import Steps, Storage
from .storage import read as step_read

__all__ = ["Tensor"]

Ints = tuple[int, ...]
# How a view was made of its base: each step's derivative, steps, strides, offset and facts.
Links = tuple[tuple[str, Steps, Ints, int, dict[str, Any]], ...]
# Steps that strides don't say.
_NOT_STRIDED = (bitcast, conj, negative)
_new = object.__new__


class Tensor:
    """A multi-dimensional array of one dtype on one device, with automatic differentiation.

    Attributes of the instance, beside those set by users: `_node` its value, `_stor` and `_steps`
    its memory once that is shared, `_strides` (None: contiguous) and `_offset` its place there,
    `_fn` and `_out` the record that made it, `_needs` whether it is a leaf that needs a gradient;
    of a view `_base` what it shows, `_links` how it was made of that (None: in another way), `_at`
    the version its record is of, `_origin` where it was made if writes to it can't be recorded.
    """

    _node: Node
    dtype: dtype
    _stor: Storage | None = None
    _steps: Steps = ()
    _seen = 0
    _strides: Ints | None = None
    _offset = 0
    _fn: GradFn | None = None
    _out = 0
    _needs = False
    _grad: "Tensor | None" = None
    _base: "Tensor | None" = None
    _counter: list[int] | None = None
    _at = 0
    _origin = ""
    _links: "Links | None" = ()
    _accumulator: Any = None
    _hooks: dict[int, Any] | None = None
    _after: dict[int, Any] | None = None
    _uses = 0  # how many places of a walk of autograd hold it, as a gradient
    _views = 0  # of them, how many hold a view of it
    _inference: Any = False  # or True, or "counted" where writes are counted all the same
    __array_priority__ = 1000
    # What stands around the text of subclasses; a class that has it itself prints as "tensor(".
    _prints_as: str | None = None

    if TYPE_CHECKING:  # operations are bound by the modules that know them

        _backward_hooks: Any
        _make_subclass: Any
        _replayed: Any

        def __getattr__(self, name: str) -> Any: ...
        def __neg__(self) -> "Tensor": ...
        def __add__(self, other: Any) -> "Tensor": ...
        def __radd__(self, other: Any) -> "Tensor": ...
        def __sub__(self, other: Any) -> "Tensor": ...
        def __rsub__(self, other: Any) -> "Tensor": ...
        def __mul__(self, other: Any) -> "Tensor": ...
        def __rmul__(self, other: Any) -> "Tensor": ...
        def __truediv__(self, other: Any) -> "Tensor": ...
        def __rtruediv__(self, other: Any) -> "Tensor": ...
        def __matmul__(self, other: Any) -> "Tensor": ...
        def __pow__(self, other: Any) -> "Tensor": ...
        def __getitem__(self, key: Any) -> "Tensor": ...
        def __setitem__(self, key: Any, value: Any) -> None: ...
        def __lt__(self, other: Any) -> "Tensor": ...
        def __gt__(self, other: Any) -> "Tensor": ...
        def __le__(self, other: Any) -> "Tensor": ...
        def __ge__(self, other: Any) -> "Tensor": ...
        def __len__(self) -> int: ...
        def __iter__(self) -> Iterator["Tensor"]: ...
        def __int__(self) -> int: ...
        def __float__(self) -> float: ...

    # --- value ------------------------------------------------------------------------------------

    def _read(self) -> Node:
        """The node to go on from."""
        stor = self._stor
        if stor is not None:
            if self._seen != stor.stamp or stor.memory is not None:
                self._node = stor.shown(self._steps)
                self._seen = stor.stamp
            elif not self._steps:
                node = stor.node
                self._node = stor.whole() if node.value is not None and node.args else node
        node = self._node
        if node.value is not None and node.args and not TRACING.depth:
            self._node = node = leaf(node.value, node.device)
        return node

    def _share(self) -> Storage:
        """The storage, made when it is first needed."""
        stor = self._stor
        if stor is None:
            stor = self._stor = Storage(self._read(), self._order())
            self._count()
        return stor

    def _order(self) -> Ints | None:
        """The axes from the outermost in memory to the innermost; None as they stand."""
        if self._strides is None:
            return None
        return tuple(sorted(range(len(self._strides)), key=lambda a: -self._strides[a]))  # type: ignore[index]

    def _count(self) -> list[int]:
        """The counter of writes, shared by all views."""
        if self._counter is None:
            self._counter = [0]
        return self._counter

    def _write(self, node: Node) -> None:
        """Put new elements, of this shape and dtype, in the place of the old."""
        for transform in reversed(MODE.transforms):
            transform.wrote(self, node)
        self._count()[0] += 1
        if self._stor is None:
            self._node = node
        else:
            plain = self._stor.write(self._steps, node)
            if plain:
                self._node, self._seen = node, self._stor.stamp
        if self._inference is True:
            refuse_inference()

    # --- attributes -------------------------------------------------------------------------------

    @property
    def shape(self) -> Size:
        """The size of every axis."""
        return _types.size(self._node.shape)

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self._node.shape)

    @property
    def device(self) -> device:
        """Where the tensor is."""
        return _types.torch_device(self._node.device)

    @property
    def _version(self) -> int:
        if self._inference is True:
            raise RuntimeError("Inference tensors do not track version counter.")
        return 0 if self._counter is None else self._counter[0]

    @property
    def layout(self) -> _types.layout:
        """Strided."""
        return _types.strided

    def _stride(self) -> Ints:
        return contiguous(self._node.shape) if self._strides is None else self._strides

    # --- history ----------------------------------------------------------------------------------

    @property
    def requires_grad(self) -> bool:
        """Whether operations on the tensor are recorded."""
        if self._needs or self._fn is not None:
            return True
        return self._base is not None and self._base.requires_grad

    @requires_grad.setter
    def requires_grad(self, on: bool) -> None:
        if type(on) is not bool:
            raise RuntimeError("requires_grad must be a bool")
        if MODE.transforms:
            refuse_within("requires_grad_", "(or perhaps using torch.autograd.functional.* APIs) ")
        if on and self._fn is not None:
            return
        if not on and self._fn is not None:
            raise RuntimeError(
                "you can only change requires_grad flags of leaf variables. If you want to use a "
                "computed variable in a subgraph that doesn't require differentiation use "
                "var_no_grad = var.detach()."
            )
        if on and self.dtype._rank < 2:
            raise RuntimeError("only Tensors of floating point dtype can require gradients")
        if on and self._inference and not MODE.inference:
            raise RuntimeError(
                "Setting requires_grad=True on inference tensor outside InferenceMode is not "
                "allowed."
            )
        self._needs = on

    @property
    def is_leaf(self) -> bool:
        """Whether no recorded operation made the tensor."""
        return self._record() is None

    @property
    def grad_fn(self) -> GradFn | None:
        """The record of the operation that made the tensor; None of a leaf."""
        return self._record()

    @property
    def output_nr(self) -> int:
        """Which output of that operation it is."""
        return self._out

    def _record(self) -> GradFn | None:
        base = self._base
        if base is None or self._counter is None or self._at == self._counter[0]:
            return self._fn
        if self._fn is not None or base.requires_grad:
            self._recorded_again(base, self._counter[0])
        return self._fn

    def _recorded_again(self, base: "Tensor", version: int) -> None:
        """Let a view have been made of its base as it is now. Raises RuntimeError for one of which
        that can't be recorded.
        """
        refuse_view(self, "its base or another view of its base has been")
        old, number = self._fn, self._out
        if (links := linked(self)) is not None:
            again = Tensor._replayed(base, links)
            self._node, self._fn, self._out, self._at = again._node, again._fn, 0, version
            if old is not None and again._fn is not None:
                old.pass_on(number, again._fn)
            return
        whole = base._read()
        self._node = out = shown_of(base, whole, self)
        place = (base._stride(), base._offset, out.shape, self._stride(), self._offset)
        new = grad_fn_class("AsStridedBackward0")((base._edge(),), (whole,), (out,))
        self._fn, self._out, self._at = new, 0, version
        new.__dict__["place"] = place
        if old is not None:
            old.pass_on(number, new)

    def _edge(self) -> Edge:
        """Where gradients of this tensor go."""
        fn = self._record() if self._base is not None else self._fn
        if fn is not None:
            return fn, self._out
        if not self._needs:
            return NOWHERE if self._base is not None and self._base.requires_grad else (None, 0)
        found = None if self._accumulator is None else self._accumulator()
        if found is None:
            found = AccumulateGrad(self)
            self._accumulator = ref(found)
        return found, 0

    @property
    def grad(self) -> "Tensor | None":
        """The gradient that has been accumulated; None so far. Warns where none ever will be."""
        found = self._grad
        if found is None and self._fn is not None and not self.retains_grad:
            warnings.warn(_NO_GRAD, stacklevel=2)
        return found

    @grad.setter
    def grad(self, new: "Tensor | None") -> None:
        if new is not None:
            _check_grad(self, new)
        self._grad = new

    @grad.deleter
    def grad(self) -> None:
        self._grad = None


# No `__getattr__` says so: with one, every attribute of a tensor would be found more slowly.
for _name in ABSENT:
    setattr(Tensor, _name, Absent(_name))


_NO_GRAD = (
    "The .grad attribute of a Tensor that is not a leaf Tensor is being accessed. Its .grad "
    "attribute won't be populated during autograd.backward(). If you indeed want the .grad field "
    "to be populated for a non-leaf Tensor, use .retain_grad() on the non-leaf Tensor. If you "
    "access the non-leaf Tensor by mistake, make sure you access the leaf Tensor instead. See "
    "github.com/pytorch/pytorch/pull/30531 for more information."
)


def _check_grad(x: Tensor, new: Any) -> None:
    if not isinstance(new, Tensor):
        raise TypeError(
            "assigned grad expected to be a Tensor or None but got grad of type "
            f"{type(new).__name__}"
        )
    if new is x:
        raise RuntimeError("can't assign Variable as its own grad")
    if new.dtype is not x.dtype:
        raise RuntimeError(
            f"attempting to assign a gradient with dtype '{_dtypes.TITLES[new.dtype].lower()}' to "
            f"a tensor with grad_dtype '{_dtypes.TITLES[x.dtype]}'. The gradient must match the "
            "tensor's grad_dtype (defaults to the tensor's dtype). You can set the tensor's "
            "grad_dtype attribute with a specific dtype, or None to allow any dtype. Set "
            "grad_dtype with caution. Diverging the dtypes of a tensor and its gradient may break "
            "downstream systems that assume they match."
        )
    if new._node.device is not x._node.device:
        raise RuntimeError(
            f"attempting to assign a gradient with device type '{new.device.type}' to a tensor "
            f"with device type '{x.device.type}'. Please ensure that the gradient and the tensor "
            "are on the same device"
        )
    if new.shape != x.shape:
        raise RuntimeError(
            f"attempting to assign a gradient of size '{list(new.shape)}' to a tensor of size "
            f"'{list(x.shape)}'. Please ensure that the gradient and the tensor are the same size"
        )


# --- writes that can't be -------------------------------------------------------------------------

_AMBIGUOUS = (
    " Given that this use case is ambiguous and error-prone, it is forbidden. You can clarify your "
    "code by moving both the view and the inplace either both inside the {0} block (if you don't "
    "want the inplace to be tracked) or both outside (if you want the inplace to be tracked)."
)
_ORIGINS = {
    "many": " This view is the output of a function that returns multiple views. Such functions do "
    "not allow the output views to be modified inplace. You should replace the inplace operation "
    "by an out-of-place one.",
    "no_grad": _AMBIGUOUS.format("no_grad"),
    "inference": _AMBIGUOUS.format("inference_mode"),
    "function": " This view was created inside a custom Function (or because an input was returned "
    "as-is) and the autograd logic to handle view+inplace would override the custom backward "
    "associated with the custom Function, leading to incorrect gradients. This behavior is "
    "forbidden. You can fix this by cloning the output of the custom Function.",
}


def refuse_view(x: Tensor, what: str) -> None:
    """Raises RuntimeError for a view that was made where no write to it can be recorded."""
    origin = x._origin
    if not origin:
        return
    if x._fn is not None:
        head = f"Output {x._out} of {x._fn.title()} is a view and {what} modified inplace."
    elif origin == "inference":
        head = f"A view was created in inference mode and {what} modified inplace in normal mode."
    else:
        head = (
            f"A view was created in no_grad mode and {what} modified inplace with grad mode "
            "enabled."
        )
    raise RuntimeError(head + _ORIGINS[origin])


def refuse_inference() -> None:
    """Raises RuntimeError outside of inference mode, for a write to a tensor made in it."""
    if not MODE.inference:
        raise RuntimeError(
            "Inplace update to inference tensor outside InferenceMode is not allowed.You can make "
            "a clone to get a normal tensor before doing inplace update.See "
            "https://github.com/pytorch/rfcs/pull/17 for more details."
        )


# --- places in memory -----------------------------------------------------------------------------


def contiguous(shape: Sequence[int]) -> Ints:
    """The strides of elements in row-major order."""
    return _row_major(tuple(shape))


@lru_cache(4096)
def _row_major(shape: Ints) -> Ints:
    out, step = [], 1
    for n in reversed(shape):
        out.append(step)
        step *= max(n, 1)
    return tuple(reversed(out))


def is_contiguous(shape: Ints, strides: Ints) -> bool:
    """Whether strides are those of row-major order, axes of size 1 and empty tensors aside."""
    expected = 1
    if 0 in shape:
        return True
    for n, stride in zip(reversed(shape), reversed(strides)):
        if n != 1:
            if stride != expected:
                return False
            expected *= n
    return True


def normal(shape: Ints, strides: Ints) -> Ints | None:
    """The strides, or None if they are exactly those of row-major order."""
    return None if strides == contiguous(shape) else strides


# --- making ---------------------------------------------------------------------------------------


def wrap(node: Node, of: dtype | None = None, strides: Ints | None = None) -> Tensor:
    """A new tensor with its own memory."""
    out: Tensor = _new(Tensor)
    out._node = node
    out.dtype = _dtypes.of(node.dtype) if of is None else of
    if strides is not None:
        out._strides = strides
    if MODE.inference:
        out._inference = True
    return out


def view_of(x: Tensor, node: Node, steps: Steps, strides: Ints, offset: int) -> Tensor:
    """A tensor that shows elements of x: `node` its value, reached from x by `steps`."""
    stor = x._share()
    out: Tensor = _new(Tensor)
    out._node = node
    out.dtype = _dtypes.of(node.dtype)
    out._stor = stor
    out._steps = x._steps + steps
    out._seen = stor.stamp
    out._strides = normal(node.shape, strides)
    out._offset = offset
    out._counter = x._counter
    return out


def not_strided(steps: Steps) -> bool:
    """Whether there is a step that strides don't say."""
    return any(op in _NOT_STRIDED for op, _ in steps)


def linked(x: Tensor) -> "Links | None":
    """How a view was made of its base, where strides don't say it."""
    return x._links if any(not_strided(link[1]) for link in x._links or ()) else None


def shown_of(base: Tensor, whole: Node, view: Tensor) -> Node:
    """What a view shows of its base, as a node over that of the base."""
    steps, before = view._steps, base._steps
    if view._stor is None:
        return view._read()
    if steps[: len(before)] != before:
        return view._stor.shown(steps)
    for step in steps[len(before) :]:
        whole = step_read(whole, step)
    return whole


def memory(x: Tensor) -> np.ndarray[Any, Any]:
    """The tensor's memory, shared: a NumPy array that shows it, writable.

    Raises RuntimeError for a view that conjugates or negates what it shows.
    """
    for row, word, short in ((conj, "conjugate", "conj"), (negative, "negative", "neg")):
        if sum(op is row for op, _ in x._steps) % 2:
            raise RuntimeError(
                f"Can't call numpy() on Tensor that has {word} bit set. Use "
                f"tensor.resolve_{short}().numpy() instead."
            )
    stor = x._share()
    if any(op in (gather, bitcast, broadcast_to) for op, _ in x._steps):
        lined = stor.lined(x.dtype.numpy, int(x._node is stor.node))
        if lined is not None:
            item = lined.itemsize
            steps = [s * item for s in x._stride()]
            return np.lib.stride_tricks.as_strided(lined[x._offset :], x._node.shape, steps)
    part = stor.expose(int(x._node is stor.node))
    for op, params in x._steps:
        if op in (conj, negative):
            continue
        part = op.value(np, part, *params)
    return part


def order_of(strides: Ints) -> Ints:
    """Axes sorted from the outermost in memory."""
    return tuple(sorted(range(len(strides)), key=lambda a: -strides[a]))


