"""How an operation becomes a function, a method, their in-place and `out=` forms.

What enters: functions from tensors to tensors. What leaves: those that users call: subclasses with
`__torch_function__` are asked first, refusals come at the user's line, results go into `out`. It
must not know any operation.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from functools import partial, wraps
from typing import Any, TypeVar

import numpy as np

from .._base.errors import shortened
from ..ir.node import Node, apply, scalar
from ..ops import g
from ..ops.movement import reshape
from . import _dtypes, tensor
from ._dtypes import dtype
from ._graph import MODE, RESULT, Edge, Saved, grad_fn_class
from ._saves import SAVES
from ._slices import CopySlices, Slices
from ._strides import broadcast as broadcast
from ._strides import gapless
from .storage import Steps
from .tensor import Tensor, wrap

__all__ = ["FUNCTIONS", "op"]

Function = TypeVar("Function", bound=Callable[..., Any])
FUNCTIONS: dict[str, Callable[..., Any]] = {}
REFUSALS = (TypeError, ValueError, IndexError, OverflowError, RuntimeError, MemoryError)
NUMBERS = (bool, int, float, complex, np.generic)

# Types that never override an operation: a quick look for most calls.
PLAIN: set[type] = {Tensor, int, float, bool, complex, type(None), dtype, str}


# --- overriding -----------------------------------------------------------------------------------


def _overriders(args: Sequence[Any], kwargs: dict[str, Any]) -> list[Any]:
    """Arguments whose classes override operations, subclasses before their bases."""
    found: list[Any] = []
    for a in _flat((*args, *kwargs.values())):
        kind = type(a)
        if kind in PLAIN or any(kind is type(b) for b in found):
            continue
        method = getattr(kind, "__torch_function__", None)
        if method is not None and method is not _disabled and not isinstance(a, type):
            place = next((i for i, b in enumerate(found) if issubclass(kind, type(b))), len(found))
            found.insert(place, a)
    return found


def _flat(items: Sequence[Any]) -> Iterator[Any]:
    for x in items:
        if type(x) in (list, tuple):
            yield from x
        else:
            yield x


def _disabled(func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
    """The `__torch_function__` of classes that override nothing."""
    return NotImplemented


class _Off(threading.local):
    """How many contexts of this thread turn overriding off."""

    depth = 0


OFF = _Off()


def overridden(public: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """What a class that overrides gives, or NotImplemented where none does. Raises TypeError where
    all decline.
    """
    found = _overriders(args, kwargs) if not OFF.depth else []
    if not found:
        return NotImplemented
    types = tuple(type(a) for a in found)
    for a in found:
        out = type(a).__torch_function__(public, types, tuple(args), kwargs)
        if out is not NotImplemented:
            return out
    names = ", ".join(repr(t) for t in types)
    raise TypeError(
        f"no implementation found for '{public.__module__}.{public.__name__}' on types that "
        f"implement __torch_function__: [{names}]"
    )


# --- public forms ---------------------------------------------------------------------------------


def op(
    name: str = "",
    *,
    method: bool = True,
    function: bool = True,
    inplace: bool = False,
    out: bool = False,
) -> Callable[[Function], Function]:
    """Make a function public: as `torch.name`, as a method, as `name_`, with `out=`."""

    def made(f: Function) -> Function:
        called = name or f.__name__
        public = _public(f, called, out)
        if function:
            FUNCTIONS[called] = public
        if method:
            setattr(Tensor, called, public)
        if inplace:
            written = _public(partial(in_place, f, called), called + "_", False)
            written.__doc__ = f"`{called}`, in place."
            setattr(Tensor, called + "_", written)
            if function:
                FUNCTIONS[called + "_"] = written
        return f

    return made


def alias(new: str, old: str, *, method: bool = True, function: bool = True) -> None:
    """Another name for an operation."""
    public = FUNCTIONS.get(old) or getattr(Tensor, old)
    if function:
        FUNCTIONS[new] = public
    if method:
        setattr(Tensor, new, public)


# NumPy's names of arguments, which PyTorch takes too.
_NUMPY = {"axis": "dim", "keepdims": "keepdim", "x2": "other"}


def _public(f: Callable[..., Any], name: str, has_out: bool) -> Any:
    def public(*args: Any, **kwargs: Any) -> Any:
        try:
            if not PLAIN.issuperset(map(type, args)) or kwargs:
                found = overridden(public, args, kwargs)
                if found is not NotImplemented:
                    return found
                if "input" in kwargs:
                    args = (kwargs.pop("input"), *args)
                if not _NUMPY.keys().isdisjoint(kwargs):
                    kwargs = {_NUMPY.get(k, k): v for k, v in kwargs.items()}
                if has_out and "out" in kwargs:
                    return _into(kwargs.pop("out"), f(*args, **kwargs), name)
            return f(*args, **kwargs)
        except REFUSALS as error:
            raise shortened(error) from error.__cause__

    if isinstance(f, partial):
        public.__name__ = public.__qualname__ = name
    else:
        wraps(f)(public)
        public.__name__ = public.__qualname__ = name
    public.__module__ = "torch"
    return public


# Whose `out` must have the dtype of the result.
_UNCAST = ("neg", "negative", "abs", "absolute", "sign", "clamp", "clip", "floor", "ceil",
           "trunc", "fix")  # fmt: skip


def _into(out: Any, result: Any, name: str) -> Any:
    """Write results into tensors that were given for them."""
    if out is None:
        return result
    if isinstance(out, tuple | list):
        for o, r in zip(out, result, strict=True):
            _into(o, r, name)
        return type(result)(out)
    if not isinstance(out, Tensor):
        raise TypeError(f"{name}(): argument 'out' must be Tensor, not {type(out).__name__}")
    if MODE.grad and (result.requires_grad or out.requires_grad):
        raise RuntimeError(
            f"{name}(): functions with out=... arguments don't support automatic differentiation, "
            "but one of the arguments requires grad."
        )
    if not _dtypes.can_cast(result.dtype, out.dtype):
        raise RuntimeError(
            f"result type {_dtypes.TITLES[result.dtype]} can't be cast to the desired output type "
            f"{_dtypes.TITLES[out.dtype]}"
        )
    if result.dtype is not out.dtype and name in _UNCAST:
        raise RuntimeError(f"Found dtype {_dtypes.TITLES[out.dtype]} but expected "
                           f"{_dtypes.TITLES[result.dtype]}")  # fmt: skip
    node = cast(result._read(), out.dtype)
    if out._node.shape != node.shape:
        resized(out, node)
    else:
        refuse_overlap(out)
        out._write(node)
    return out


def resized(out: Tensor, node: Node) -> None:
    """Give a tensor another shape, with new memory."""
    out._count()[0] += 1
    out._node, out._stor, out._steps = node, None, ()
    out._strides, out._offset = None, 0


# --- in place -------------------------------------------------------------------------------------


def in_place(f: Callable[..., Any], name: str, x: Any, *args: Any, **kwargs: Any) -> Any:
    """`x.name_(...)`: the result, cast and written to x, of which x is then made."""
    if not isinstance(x, Tensor):
        raise TypeError(f"{name}_(): argument 'input' (position 1) must be Tensor, not "
                        f"{type(x).__name__}")  # fmt: skip
    refuse_leaf(x, args)
    try:
        result = f(x, *args, **kwargs)
    except NotImplementedError:
        raise
    except RuntimeError:
        if name not in _REPEATING:
            refuse_overlap(x, args)
        raise
    if name not in _REPEATING:
        refuse_overlap(x, args)
    return assign(x, result)


# What PyTorch lets write to tensors that show an element of memory more than once.
_REPEATING = ("index_fill", "masked_fill")


def refuse_overlap(x: Tensor, others: Sequence[Any] = ()) -> None:
    """Raises RuntimeError for a tensor that shows an element of memory more than once, or a part of
    the memory of another, where that is plain to see.
    """
    if x._strides is not None and x._node.size and any(
        s == 0 and n > 1 for s, n in zip(x._strides, x._node.shape)
    ):
        raise RuntimeError(
            "unsupported operation: more than one element of the written-to tensor refers to a "
            "single memory location. Please clone() the tensor before performing the operation."
        )
    if x._stor is None:
        return
    for t in others:
        if isinstance(t, Tensor) and t._stor is x._stor and t is not x and _partly(x, t):
            raise RuntimeError(
                "unsupported operation: some elements of the input tensor and the written-to "
                "tensor refer to a single memory location. Please clone() the tensor before "
                "performing the operation."
            )


def _partly(x: Tensor, t: Tensor) -> bool:
    """Whether the spans of two tensors without gaps meet, but are not the same."""
    if not (x._node.size and t._node.size and gapless(x) and gapless(t)):
        return False
    spans = [
        (y._offset * y.dtype.itemsize, (y._offset + y._node.size) * y.dtype.itemsize)
        for y in (x, t)
    ]
    if spans[0] == spans[1]:
        return x._stride() != t._stride()
    return spans[0][0] < spans[1][1] and spans[1][0] < spans[0][1]


def refuse_leaf(x: Tensor, others: Sequence[Any] = ()) -> None:
    """Raises RuntimeError where writing would change a leaf that needs a gradient, or a view of
    which a write can't be recorded.
    """
    if not MODE.grad:
        return
    needs = x.requires_grad
    if not needs and not any(isinstance(t, Tensor) and t.requires_grad for t in others):
        return
    base = x._base
    if base is not None:
        tensor.refuse_view(x, "is being")
        if needs and base.is_leaf:
            raise RuntimeError(
                "a view of a leaf Variable that requires grad is being used in an in-place "
                "operation."
            )
    if needs and x.is_leaf:
        raise RuntimeError(
            "a leaf Variable that requires grad is being used in an in-place operation."
        )


def assign(x: Tensor, result: Tensor) -> Tensor:
    """Write a result to x, with its history. Raises RuntimeError for shape and dtype."""
    if result._node.shape != x._node.shape:
        raise RuntimeError(
            f"output with shape {list(x._node.shape)} doesn't match the broadcast shape "
            f"{list(result._node.shape)}"
        )
    if result.dtype is not x.dtype:
        if not _dtypes.can_cast(result.dtype, x.dtype):
            raise RuntimeError(
                f"result type {_dtypes.TITLES[result.dtype]} can't be cast to the desired output "
                f"type {_dtypes.TITLES[x.dtype]}"
            )
        result = _in_dtype(result, x.dtype)
    if result is not x and result._fn is not None and result._fn.saved:
        result._fn.saved = _saved_in_place(result._fn.saved, result._counter, x._count())
    if MODE.grad and (result.requires_grad or x.requires_grad):
        _assign_recorded(x, result)
    else:
        x._write(result._read())
    return x


def _in_dtype(result: Tensor, to: dtype) -> Tensor:
    """A result that is written to a tensor of another dtype, as of the operation itself."""
    out = wrap(cast(result._read(), to), to, result._strides)
    fn = result._fn
    if fn is not None and fn.inputs is not None and out.dtype._rank > 1:
        out._fn = type(fn)(fn.edges, fn.inputs, (out._node,), fn.saved)
        out._fn.__dict__.update(fn.__dict__)
    return out


def _saved_in_place(
    saved: Sequence[Saved], result: list[int] | None, own: list[int]
) -> tuple[Saved, ...]:
    """What an operation saves of a tensor that it is about to write to: the result, not the tensor
    as it was before, of which PyTorch keeps a copy.
    """
    return tuple([
        (own, own[0] + 1, *entry[2:]) if entry[0] is result else entry
        for entry in saved
        if entry[0] is not own or entry[6]
    ])  # fmt: skip


def _assign_recorded(x: Tensor, result: Tensor) -> None:
    base = x._base
    new = result._fn
    if new is None:
        edges = [x._edge(), (None, 0)]
        new = grad_fn_class("CopyBackwards")(edges, (x._read(), result._read()), (result._node,))
    if base is None:
        old, number = x._fn, x._out
        x._write(result._read())
        x._fn, x._out = new, result._out
        if old is not None:
            old.pass_on(number, new)
        return
    old, number = base._fn, base._out
    before = base._read()
    edge = base._edge()
    x._write(result._read())
    base._fn = CopySlices(edge, before, base._read(), slices_of(base, x), new)
    base._out = 0
    if old is not None:
        old.pass_on(number, base._fn)
    x._record()


def slices_of(base: Tensor, x: Tensor) -> Slices:
    """Where in its base a view lies."""
    steps: Steps = x._steps[len(base._steps) :]
    place = (x._node.shape, x._stride(), x._offset - base._offset)
    return Slices(steps, base._strides, place, x._links if tensor.not_strided(x) else None)


# --- recording ------------------------------------------------------------------------------------


def needs_grad(tensors: Sequence[Tensor]) -> bool:
    """Whether an operation on these is recorded."""
    return MODE.grad and any(t.requires_grad for t in tensors)


def _titled(name: str) -> str:
    """The class of a derivative: others than "Backward0" are named in full."""
    return name if "Backward" in name else name + "Backward0"


def record(out: Tensor, name: str, tensors: Sequence[Tensor], nodes: Sequence[Node]) -> Tensor:
    """Let `out` remember that it was made from tensors, whose values were `nodes`, if any of them
    needs a gradient.
    """
    if name and MODE.grad and out.dtype._rank > 1:
        edges = [t._edge() for t in tensors]
        if any(fn is not None for fn, _ in edges):
            saved = _saved(name, tensors, edges, (out,))
            out._fn = fn = grad_fn_class(_titled(name))(edges, tuple(nodes), (out._node,), saved)
            for t in tensors:
                if t._strides is not None:
                    fn.strides = [t._strides for t in tensors]
                    break
    if MODE.inference:
        out._inference = True
    return out


def record_view(out: Tensor, name: str, x: Tensor, node: Node) -> Tensor:
    """`record` for a view of one tensor."""
    if MODE.grad and out.dtype._rank > 1:
        edge = x._edge()
        if edge[0] is not None:
            out._fn = fn = grad_fn_class(_titled(name))((edge,), (node,), (out._node,))
            if x._strides is not None:
                fn.strides = (x._strides,)
    return out


def record_many(
    outs: Sequence[Tensor], name: str, tensors: Sequence[Tensor], nodes: Sequence[Node]
) -> None:
    """`record` for an operation with several results."""
    if not MODE.grad:
        return
    edges = [t._edge() for t in tensors]
    if not any(fn is not None for fn, _ in edges):
        return
    saved = _saved(name, tensors, edges, outs)
    fn = grad_fn_class(_titled(name))(edges, tuple(nodes), [t._node for t in outs], saved)
    if any(t._strides is not None for t in tensors):
        fn.strides = [t._strides for t in tensors]
    for number, out in enumerate(outs):
        if out.dtype._rank > 1:
            out._fn, out._out = fn, number


def noted(made: Any, **facts: Any) -> Any:
    """What was made, its record with what else the operation was given: formulas ask for it."""
    fn = (made[0] if isinstance(made, tuple) else made)._fn if made != () else None
    if fn is not None:
        fn.__dict__.update(facts)
    return made


def _saved(
    name: str, tensors: Sequence[Tensor], edges: Sequence[Edge], outs: Sequence[Tensor]
) -> tuple[Saved, ...]:
    """Counters of what PyTorch's derivative of that name reads."""
    spec = SAVES.get(name)
    if spec is None:
        spec = SAVES.get(name.partition("Backward")[0])
    if spec is None:
        return ()
    found = []
    for letter in spec:
        if letter == "r":
            found.extend(
                [(*saved_entry(t)[:4], RESULT, i, 0, None, 0) for i, t in enumerate(outs)]
            )
        elif letter == "x":
            for i, t in enumerate(tensors):
                if any(fn is not None for j, (fn, _) in enumerate(edges) if j != i):
                    found.append(saved_entry(t, i))
        elif int(letter) < len(tensors):
            found.append(saved_entry(tensors[int(letter)], int(letter)))
    return tuple(found)


def saved_entry(t: Tensor, place: int = 0) -> Saved:
    """The counter of writes to a tensor, what it stands at, and what the tensor is; `place` is its
    number among what an operation read.

    Raises RuntimeError for a tensor made in inference mode.
    """
    if t._inference:
        raise RuntimeError(
            "Inference tensors cannot be saved for backward. Please do not use Tensors created in "
            "inference mode in computation tracked by autograd. To work around this, you can make "
            "a clone to get a normal tensor and use it in autograd, or use `torch.no_grad()` "
            "instead of `torch.inference_mode()`."
        )
    counter = t._counter
    if counter is None:
        counter = t._counter = [0]
    stamp = 0 if t._stor is None else t._stor.stamp
    return counter, counter[0], t.dtype, t._node.shape, t._fn, t._out, place, t, stamp


def distinct(nodes: Sequence[Node]) -> list[Node]:
    """The nodes, each a different one, so that what goes to each can be told apart."""
    seen: set[Node] = set()
    out = []
    for n in nodes:
        if n in seen:
            n = apply(reshape, (n,), (n.shape,))
        seen.add(n)
        out.append(n)
    return out


def run(
    name: str, f: Callable[..., Node], tensors: Sequence[Tensor], of: dtype | None = None
) -> Tensor:
    """A new tensor from the nodes of others, recorded under PyTorch's name of the derivative."""
    nodes = [t._read() for t in tensors]
    if len(nodes) > 1 and len(set(nodes)) < len(nodes):
        nodes = distinct(nodes)
    return record(wrap(f(*nodes), of), name, tensors, nodes)


def run_many(
    name: str, f: Callable[..., Sequence[Node]], tensors: Sequence[Tensor]
) -> tuple[Tensor, ...]:
    """New tensors from the nodes of others, recorded as one operation."""
    nodes = distinct([t._read() for t in tensors])
    outs = tuple([wrap(n) for n in f(*nodes)])
    record_many(outs, name, tensors, nodes)
    return outs


# --- dtypes ---------------------------------------------------------------------------------------


def cast(node: Node, to: dtype) -> Node:
    """The node in another dtype; complex numbers lose their imaginary parts."""
    number = to.numpy
    if node.dtype is number:
        return node
    if node.dtype.kind == "c" and to._rank in (1, 2):
        node = g.real(node)
        return node if node.dtype is number else g.cast(node, number)
    return g.cast(node, number)


def to_dtype(x: Tensor, to: dtype) -> Tensor:
    """The tensor in another dtype; itself if it has it."""
    if x.dtype is to:
        return x
    node = x._read()
    strides = x._strides if x._strides is None or gapless(x) else None
    return record(wrap(cast(node, to), to, strides), "ToCopy", (x,), (node,))


def number(value: Any, to: dtype, like: Node) -> Node:
    """A 0-d node for a Python number in a dtype. Raises RuntimeError where it overflows."""
    if isinstance(value, np.generic):
        value = value.item()
    if to._rank == 1 and type(value) is not int:
        value = int(value)
    if to._rank == 0:
        value = bool(value)
    try:
        return scalar(value, to.numpy, like.device)
    except OverflowError:
        raise RuntimeError(
            f"value cannot be converted to type {_C[to]} without overflow"
        ) from None


_C = {
    _dtypes.uint8: "uint8_t", _dtypes.int8: "int8_t", _dtypes.int16: "int16_t",
    _dtypes.int32: "int", _dtypes.int64: "int64_t", _dtypes.uint16: "uint16_t",
    _dtypes.uint32: "uint32_t", _dtypes.uint64: "uint64_t",
}  # fmt: skip


def result_type(*operands: Any) -> dtype:
    """The dtype that tensors and Python numbers are promoted to."""
    dims: list[dtype] = []
    zeros: list[dtype] = []
    numbers: list[dtype] = []
    for x in operands:
        if isinstance(x, Tensor):
            (dims if x._node.shape else zeros).append(x.dtype)
        else:
            numbers.append(_dtypes.scalar_dtype(x.item() if isinstance(x, np.generic) else x))
    return _dtypes.result(dims, zeros, numbers)


def need_tensor(name: str, x: Any, position: int = 1, argument: str = "input") -> Tensor:
    """The argument. Raises TypeError in PyTorch's words for what is no tensor."""
    if not isinstance(x, Tensor):
        raise TypeError(
            f"{name}(): argument '{argument}' (position {position}) must be Tensor, not "
            f"{type(x).__name__}"
        )
    return x


def same_device(tensors: Sequence[Tensor]) -> None:
    """Raises RuntimeError for tensors on different devices."""
    first = tensors[0]._node.device
    for t in tensors[1:]:
        if t._node.device is not first:
            raise RuntimeError(
                "Expected all tensors to be on the same device, but found at least two devices, "
                f"{tensors[0].device} and {t.device}!"
            )
