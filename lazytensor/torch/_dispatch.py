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
from ..runtime.materialize import NoValue
from . import _dtypes, tensor
from ._dtypes import dtype
from ._graph import MODE, Different, Saved, grad_fn_class
from ._packing import pack_saved, saved_by
from ._packing import saved_entry as saved_entry
from ._unbatched import no_value
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
        except Different as drawn:
            return drawn.batch.different(f, name, args, kwargs)
        except NoValue as error:
            raise shortened(RuntimeError(no_value(name))) from error.__cause__
        except REFUSALS as error:
            raise shortened(error) from error.__cause__

    if isinstance(f, partial):
        public.__name__ = public.__qualname__ = name
    else:
        wraps(f)(public)
        public.__name__ = public.__qualname__ = name
    public.__module__ = "torch"
    return public


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
    node = cast(result._read(), out.dtype)
    if out._node.shape != node.shape:
        resized(out, node)
    else:
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
    for transform in reversed(MODE.transforms):
        transform.writes(x, name + "_", args)
    refuse_leaf(x)
    refuse_overlap(x, args)
    return assign(x, f(x, *args, **kwargs))


def refuse_overlap(x: Tensor, others: Sequence[Any] = ()) -> None:
    """Raises RuntimeError for a tensor that shows an element of memory more than once, or a part of
    the memory of another, where that is plain to see.
    """
    if x._strides is not None and any(
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
    if not (x._node.size and t._node.size and _gapless(x) and _gapless(t)):
        return False
    spans = [
        (y._offset * y.dtype.itemsize, (y._offset + y._node.size) * y.dtype.itemsize)
        for y in (x, t)
    ]
    if spans[0] == spans[1]:
        return x._stride() != t._stride()
    return spans[0][0] < spans[1][1] and spans[1][0] < spans[0][1]


def _gapless(x: Tensor) -> bool:
    """Whether the elements fill a span of memory, each place once."""
    if x._strides is None:
        return True
    expected = 1
    for s, n in sorted((s, n) for s, n in zip(x._strides, x._node.shape) if n != 1):
        if s != expected:
            return False
        expected *= n
    return True


def refuse_leaf(x: Tensor) -> None:
    """Raises RuntimeError where writing would change a leaf that needs a gradient."""
    if not MODE.grad:
        return
    if x._inference and not MODE.inference:
        raise RuntimeError(
            "Inplace update to inference tensor outside InferenceMode is not allowed.You can make "
            "a clone to get a normal tensor before doing inplace update.See "
            "https://github.com/pytorch/rfcs/pull/17 for more details."
        )
    if x._needs and x._fn is None:
        raise RuntimeError(
            "a leaf Variable that requires grad is being used in an in-place operation."
        )
    base = x._base
    if base is not None and base._needs and base._fn is None:
        raise RuntimeError(
            "a view of a leaf Variable that requires grad is being used in an in-place operation."
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
        result = to_dtype(result, x.dtype)
    if result is not x and result._fn is not None and result._fn.saved:
        result._fn.saved = _saved_in_place(result._fn.saved, result._counter, x._count())
    if MODE.grad and (result.requires_grad or x.requires_grad):
        _assign_recorded(x, result)
    else:
        x._write(result._read())
    return x


def _saved_in_place(
    saved: Sequence[Saved], result: list[int] | None, own: list[int]
) -> tuple[Saved, ...]:
    """What an operation saves of a tensor that it is about to write to: the result, not the tensor
    as it was before, of which PyTorch keeps a copy.
    """
    return tuple([
        (own, own[0] + 1, *entry[2:]) if entry[0] is result else entry
        for entry in saved
        if entry[0] is not own
    ])  # fmt: skip


def _assign_recorded(x: Tensor, result: Tensor) -> None:
    base = x._base
    if base is None:
        x._write(result._read())
        edge = result._edge()
        x._fn, x._out = edge
        return
    before, edge = base._read(), base._edge()
    x._write(result._read())
    after = base._read()
    if after is not before:
        edges = (edge, result._edge())
        base._fn = grad_fn_class("CopySlices")(edges, (before, result._node), (after,))
        base._out = 0


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
            saved = saved_by(name, tensors, edges, (out,))
            out._fn = grad_fn_class(_titled(name))(edges, tuple(nodes), (out._node,), saved)
            if MODE.hooks and saved:
                pack_saved(out._fn, name, tensors, edges, (out,))
    if MODE.inference:
        out._inference = True
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
    saved = saved_by(name, tensors, edges, outs)
    fn = grad_fn_class(_titled(name))(edges, tuple(nodes), [t._node for t in outs], saved)
    for number, out in enumerate(outs):
        if out.dtype._rank > 1:
            out._fn, out._out = fn, number
    if MODE.hooks and saved:
        pack_saved(fn, name, tensors, edges, outs)


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
    for out in outs if MODE.inference else ():
        out._inference = True
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
    return record(wrap(cast(node, to), to, x._strides), "ToCopy", (x,), (node,))


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


# --- places in memory of results ------------------------------------------------------------------


def elementwise_strides(shape: Sequence[int], tensors: Sequence[Tensor]) -> tuple[int, ...] | None:
    """The strides of an elementwise result: as its operands lie in memory, where they agree."""
    if all(t._strides is None for t in tensors):
        return None
    ndim = len(shape)
    rows = [_aligned(t, ndim, shape) for t in tensors if t._node.shape]
    perm = list(range(ndim - 1, -1, -1))
    for i in range(1, ndim):
        at = i
        for j in range(i - 1, -1, -1):
            order = _compared(rows, shape, perm[j], perm[at])
            if order > 0:
                perm[j], perm[at] = perm[at], perm[j]
                at = j
            elif order < 0:
                break
    out, step = [0] * ndim, 1
    for a in perm:
        out[a] = step
        step *= max(shape[a], 1)
    return tensor.normal(tuple(shape), tuple(out))


def _aligned(t: Tensor, ndim: int, shape: Sequence[int]) -> list[int]:
    own, strides = t._node.shape, t._stride()
    lead = ndim - len(own)
    return [0] * lead + [
        0 if n == 1 and shape[a + lead] != 1 else s for a, (n, s) in enumerate(zip(own, strides))
    ]


def _compared(rows: Sequence[Sequence[int]], shape: Sequence[int], a: int, b: int) -> int:
    """1 where axis `a` lies further out than `b`, -1 further in, 0 where nothing says."""
    for strides in rows:
        if strides[a] == 0 or strides[b] == 0:
            continue
        if strides[a] != strides[b]:
            return 1 if strides[a] > strides[b] else -1
        if shape[a] > shape[b]:
            return 1
    return 0


def broadcast(a: Sequence[int], b: Sequence[int]) -> tuple[int, ...]:
    """The shape that both are broadcast to. Raises RuntimeError in PyTorch's words."""
    ndim = max(len(a), len(b))
    left = (1,) * (ndim - len(a)) + tuple(a)
    right = (1,) * (ndim - len(b)) + tuple(b)
    for axis in range(ndim - 1, -1, -1):
        n, m = left[axis], right[axis]
        if n != m and 1 not in (n, m):
            raise RuntimeError(
                f"The size of tensor a ({n}) must match the size of tensor b ({m}) at "
                f"non-singleton dimension {axis}"
            )
    return tuple(m if n == 1 else n for n, m in zip(left, right))


def same_device(tensors: Sequence[Tensor]) -> None:
    """Raises RuntimeError for tensors on different devices."""
    first = tensors[0]._node.device
    for t in tensors[1:]:
        if t._node.device is not first:
            raise RuntimeError(
                "Expected all tensors to be on the same device, but found at least two devices, "
                f"{tensors[0].device} and {t.device}!"
            )
