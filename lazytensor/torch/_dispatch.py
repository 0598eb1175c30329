"""How an operation becomes a function, a method, their in-place and `out=` forms.

What enters: functions from tensors to tensors. What leaves: those that users call: subclasses with
`__torch_function__` are asked first, refusals come at the user's line, results go into `out`. It
must not know any operation.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from functools import partial, wraps
from inspect import unwrap
from typing import Any, TypeVar

from .._base.devices import Device
from .._base.errors import shortened
from ..ir.node import Apart, Node, scalar
from ..runtime.materialize import NoValue
from . import _dtypes, tensor
from ._calls import NUMBERS as NUMBERS
from ._dtypes import dtype
from ._graph import MODE, Different, Saved, grad_fn_class
from ._overlap import refuse_overlap, refuse_shared
from ._packing import saved_entry as saved_entry
from ._pinned import pinning
from ._record import cast, for_writing, one_device, two_devices
from ._slices import CopySlices, Slices
from ._strides import broadcast as broadcast
from ._unbatched import no_value
from .storage import Steps
from .tensor import Tensor, wrap

__all__ = ["FUNCTIONS", "op"]

Function = TypeVar("Function", bound=Callable[..., Any])
FUNCTIONS: dict[str, Callable[..., Any]] = {}
REFUSALS = (TypeError, ValueError, IndexError, OverflowError, RuntimeError, MemoryError)

# Threads in which operations choose their dtypes: their state, and who calls an operation there.
CASTING: dict[int, Callable[..., Any]] = {}

# Short ways of operations, by name, `Tensor.name` for what is a method alone: from arguments to the
# result, or to None.
QUICK: dict[str, Callable[[Sequence[Any], dict[str, Any]], Any]] = {}

# Types that never override an operation: a quick look for most calls.
PLAIN: set[type] = {
    Tensor, int, float, bool, complex, type(None), dtype, str, slice, type(Ellipsis),
}  # fmt: skip


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


def _tensors(items: Sequence[Any]) -> list[Tensor]:
    return [t for t in _flat(items) if isinstance(t, Tensor)]


class _Off(threading.local):
    """How many contexts of this thread turn overriding off; a context itself."""

    depth = 0

    def __enter__(self) -> None:
        self.depth += 1

    def __exit__(self, *exception: object) -> None:
        self.depth -= 1


OFF = _Off()


def _disabled(func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
    """The `__torch_function__` of classes that override nothing: the operation itself."""
    with OFF:
        return func(*args, **(kwargs or {}))


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
    names = "".join([f"  - tensor subclass {t!r}\n" for t in types])
    raise TypeError(
        f"Multiple dispatch failed for 'torch.{public.__name__}'; all __torch_function__ handlers "
        f"returned NotImplemented:\n\n{names}\nFor more information, try re-running with "
        "TORCH_LOGS=not_implemented"
    )


def asked(f: Any) -> Callable[..., Any]:
    """A function that the classes of its arguments are asked about."""

    @wraps(f)
    def asking(*args: Any, **kwargs: Any) -> Any:
        found = overridden(f, args, kwargs)
        return f(*args, **kwargs) if found is NotImplemented else found

    return asking


# --- public forms ---------------------------------------------------------------------------------


def op(
    name: str = "",
    *,
    method: bool = True,
    function: bool = True,
    inplace: bool = False,
    out: bool | str = False,
) -> Callable[[Function], Function]:
    """Make a function public: as `torch.name`, as a method, as `name_`, with `out=`, which for
    "apart" must share no memory with what is read, and for "exact" have the dtype too.
    """

    def made(f: Function) -> Function:
        called = name or f.__name__
        short = called if function else f"Tensor.{called}"
        public = _public(pinning(f) if _pins(f) else f, called, out, short)
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


def _pins(f: Any) -> bool:
    """Whether a function makes tensors in pinned memory if it is asked to."""
    code = getattr(unwrap(f), "__code__", None)
    return code is not None and "pin_memory" in code.co_varnames


def alias(new: str, old: str, *, method: bool = True, function: bool = True) -> None:
    """Another name for an operation."""
    public = FUNCTIONS.get(old) or getattr(Tensor, old)
    if function:
        FUNCTIONS[new] = public
    if method:
        setattr(Tensor, new, public)


# NumPy's names of arguments, which PyTorch takes too.
_NUMPY = {"axis": "dim", "keepdims": "keepdim", "x2": "other"}


def _named(name: str, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """Arguments by the names that they have here."""
    if "input" in kwargs:
        args = (kwargs.pop("input"), *args)
    if not _NUMPY.keys().isdisjoint(kwargs):
        kwargs = {_NUMPY.get(k, k): v for k, v in kwargs.items()}
    if "dtype" in kwargs and name != "type":
        kwargs["dtype"] = _dtypes.given(kwargs["dtype"], name)
    return args, kwargs


def _public(f: Callable[..., Any], name: str, has_out: bool | str, short: str = "") -> Any:
    short = short or name

    def public(*args: Any, **kwargs: Any) -> Any:
        try:
            quick = QUICK.get(short)
            if quick is not None and (found := quick(args, kwargs)) is not None:
                return found
            if not PLAIN.issuperset(map(type, args)) or kwargs:
                found = overridden(public, args, kwargs)
                if found is not NotImplemented:
                    return found
            if CASTING and id(MODE.casts) in CASTING:
                return CASTING[id(MODE.casts)](name, public, args, kwargs)
            if kwargs:
                args, kwargs = _named(name, args, kwargs)
                if has_out and "out" in kwargs:
                    sink = kwargs.pop("out")
                    if isinstance(has_out, str) and sink is not None:
                        refuse_shared(_tensors((sink,)), _tensors(args))
                    result = f(*args, **kwargs)
                    if has_out == "exact" and sink is not None:
                        _same_dtype(sink, result)
                    return _into(sink, result, name, args)
            return f(*args, **kwargs)
        except Different as drawn:
            return drawn.batch.different(f, name, args, kwargs)
        except NoValue as error:
            raise shortened(RuntimeError(no_value(name))) from error.__cause__
        except Apart as error:
            raise shortened(two_devices(*error.devices)) from error.__cause__
        except REFUSALS as error:
            raise shortened(_earlier(name, args, error)) from error.__cause__

    if isinstance(f, partial):
        public.__name__ = public.__qualname__ = name
    else:
        wraps(f)(public)
        public.__name__ = public.__qualname__ = name
    public.__module__ = "torch"
    return public


_UNASKED = (TypeError, NotImplementedError)  # of what PyTorch sees before, or records nothing of


def _earlier(name: str, args: Sequence[Any], error: Exception) -> Exception:
    """The error for a view among the arguments that a write has spoilt, which PyTorch sees before
    it computes anything but another write; else the one that there was.
    """
    asked = MODE.grad and not name.endswith("_") and not isinstance(error, _UNASKED)
    for t in _tensors(args) if asked else ():
        try:
            t._record()
        except RuntimeError as spoilt:
            return spoilt
    return error


# Whose `out` must have the dtype of the result.
_UNCAST = ("neg", "negative", "abs", "absolute", "sign", "clamp", "clip", "floor", "ceil",
           "trunc", "fix")  # fmt: skip


def _same_dtype(out: Tensor, result: Tensor) -> None:
    if out.dtype is not result.dtype:
        wanted, given = (_dtypes.C_NAMES.get(t.dtype._name, str(t.dtype)) for t in (result, out))
        raise RuntimeError(f"Expected out tensor to have dtype {wanted}, but got {given} instead")


def _into(out: Any, result: Any, name: str, args: Sequence[Any] = ()) -> Any:
    """Write results into tensors that were given for them, apart from those that were read."""
    if out is None:
        return result
    if isinstance(out, tuple | list):
        for o, r in zip(out, result, strict=True):
            _into(o, r, name, args)
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
    if out._node.device is not node.device:
        raise two_devices(node.device, out._node.device)
    if out._node.shape != node.shape:
        resized(out, node)
    else:
        refuse_overlap(out, _tensors(args))
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
    refuse_leaf(x, args)
    try:
        result = for_writing(x, f, x, *args, **kwargs)
    except NotImplementedError:
        raise
    except RuntimeError:
        if name not in _REPEATING:
            refuse_overlap(x, _tensors(args))
        raise
    if name not in _REPEATING:
        refuse_overlap(x, _tensors(args))
    return assign(x, result)


# What PyTorch lets write to tensors that show an element of memory more than once.
_REPEATING = ("index_fill", "masked_fill")


def refuse_leaf(x: Tensor, others: Sequence[Any] = ()) -> None:
    """Raises RuntimeError where writing would change a leaf that needs a gradient, or a view of
    which a write can't be recorded.
    """
    if not MODE.grad:
        return
    needs = x.requires_grad
    if not needs and not any(isinstance(t, Tensor) and t.requires_grad for t in others):
        return
    if x._base is not None:
        tensor.refuse_view(x, "is being")
        if needs and x._base.is_leaf:
            raise RuntimeError(
                "a view of a leaf Variable that requires grad is being used in an in-place "
                "operation."
            )
    if needs and x._fn is None:  # also a view whose base has got a history since it was looked at
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
    if result._node.device is not x._node.device:
        raise two_devices(x._node.device, result._node.device)
    if result.dtype is not x.dtype:
        if not _dtypes.can_cast(result.dtype, x.dtype):
            raise RuntimeError(
                f"result type {_dtypes.TITLES[result.dtype]} can't be cast to the desired output "
                f"type {_dtypes.TITLES[x.dtype]}"
            )
        result = _in_dtype(result, x.dtype)
    if result is not x and result._fn is not None and result._fn.saved:
        if x.dtype._rank < 2 and x.requires_grad:
            _refuse_copy(x, result._fn.saved)
        fn = result._fn
        kept = _saved_in_place(fn.saved, result._counter, x._count())
        fn.keeps = fn.keeps or len(kept) < len(fn.saved)
        fn.saved = kept
    if MODE.grad and (result.requires_grad or x.requires_grad):
        _assign_recorded(x, result)
    else:
        x._write(result._read())
    return x


def _refuse_copy(x: Tensor, saved: Sequence[Saved]) -> None:
    """Raises RuntimeError where a write needs a copy of integers as they were, with history."""
    own = x._count()
    if any(entry[0] is own and not entry[6] for entry in saved):
        raise RuntimeError(f"Autograd not support dtype: {_dtypes.TITLES[x.dtype]}")


def _in_dtype(result: Tensor, to: dtype) -> Tensor:
    """A result that is written to a tensor of another dtype, as of the operation itself."""
    out = wrap(cast(result._read(), to), to, result._strides)
    fn = result._fn
    if fn is not None and fn.inputs is not None:
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
    if x.dtype._rank < 2:
        if new is None:
            x._write(result._read())
            return
        new.integers, new.watched = x.dtype, True
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
    base._fn.integers, base._fn.watched = new.integers, new.watched
    base._out = 0
    if old is not None:
        old.pass_on(number, base._fn)
    x._record()


def slices_of(base: Tensor, x: Tensor) -> Slices:
    """Where in its base a view lies."""
    steps: Steps = x._steps[len(base._steps) :]
    place = (x._node.shape, x._stride(), x._offset - base._offset)
    return Slices(steps, base._strides, place, tensor.linked(x))


# --- dtypes ---------------------------------------------------------------------------------------


def number(value: Any, to: dtype, like: Node, wraps: bool = False) -> Node:
    """A 0-d node for a Python number in a dtype; of integers what is too large wraps around where
    `wraps` says so. Raises RuntimeError where it overflows.
    """
    return scalar(_dtypes.fit(value, to, wraps), to.numpy, like.device)


def result_type(*operands: Any) -> dtype:
    """The dtype that tensors and Python numbers are promoted to."""
    dims: list[dtype] = []
    zeros: list[dtype] = []
    numbers: list[dtype] = []
    for x in operands:
        if isinstance(x, Tensor):
            (dims if x._node.shape else zeros).append(x.dtype)
        else:
            numbers.append(_dtypes.scalar_dtype(_dtypes.python(x)))
    return _dtypes.result(dims, zeros, numbers)


def need_tensor(name: str, x: Any, position: int = 1, argument: str = "input") -> Tensor:
    """The argument. Raises TypeError in PyTorch's words for what is no tensor."""
    if not isinstance(x, Tensor):
        raise TypeError(
            f"{name}(): argument '{argument}' (position {position}) must be Tensor, not "
            f"{type(x).__name__}"
        )
    return x


def same_device(tensors: Sequence[Tensor]) -> Device:
    """The one device of tensors, of which numbers on the CPU, in tensors without axes, may go to
    any other. Raises RuntimeError for tensors on different devices.
    """
    first = tensors[0]._node.device
    for t in tensors[1:]:
        if t._node.device is not first:
            return one_device([t._node for t in tensors])
    return first
