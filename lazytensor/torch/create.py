"""Creation: tensors from data, constants, ranges; memory shared with NumPy.

What enters: Python and NumPy values, sizes, dtypes, devices. What leaves: tensors, or PyTorch's
errors. It must not know operations on tensors.
"""

import operator
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np

from .._base.devices import Device
from .._base.dtypes import canonical
from ..ir.node import Node, scalar
from ..ops import g
from ..runtime.pending import new_leaf
from . import _dtypes, _types
from ._data import as_array, checked
from ._dispatch import FUNCTIONS, NUMBERS, need_tensor, op
from ._dtypes import default, dtype, fit, scalar_dtype
from ._foreign import on_gpu, over_gpu
from ._graph import MODE
from ._host import placed_new
from ._record import cast, to_device, to_dtype
from ._strides import dense
from .storage import Storage
from .tensor import Ints, Tensor, normal, wrap
from .views import alias_of, formatted

__all__ = ["filled", "from_array", "new"]


def place(device: Any) -> Any:
    """The graph's device."""
    return _types.node_device(device)


def new(node: Node, of: dtype | None = None, requires_grad: bool = False) -> Tensor:
    """A new tensor, a leaf if it needs a gradient."""
    out = wrap(node, of)
    if MODE.inference:
        out._inference = True
    return _needing(out) if requires_grad else out


def _needing(out: Tensor) -> Tensor:
    """A leaf that needs a gradient. Raises RuntimeError for integers."""
    if out.dtype._rank < 2:
        raise RuntimeError(
            "Only Tensors of floating point and complex dtype can require gradients"
        )
    out._needs = True
    for transform in MODE.transforms:
        transform.leaves.append(out)
    return out


def from_array(
    found: np.ndarray[Any, Any], of: dtype | None = None, device: Any = None
) -> Tensor:
    """A tensor with a copy of an array."""
    number = found.dtype if of is None else of.numpy
    kept = np.array(found, _native(number), order="C")
    return wrap(placed_new(kept, place(device)), of)


def _native(number: Any) -> Any:
    return number if number.isnative else number.newbyteorder("=")


# --- data -----------------------------------------------------------------------------------------


Function = TypeVar("Function", bound=Callable[..., Any])


def public(name: str = "") -> Callable[[Function], Function]:
    """A function of the namespace that is no method."""
    return op(name, method=False)


@public()
def tensor(
    data: Any, *, dtype: dtype | None = None, device: Any = None, requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """A tensor with a copy of data: numbers, nested sequences, arrays, tensors.

    Python floats are of the default dtype, ints int64. Raises ValueError for ragged data, TypeError
    and RuntimeError for what is no number.
    """
    if not isinstance(data, Tensor) and on_gpu(data):
        data, device = over_gpu(data, copy=True), place(device)
    if isinstance(data, Tensor):
        node = data._read()
        to = data.dtype if dtype is None else dtype
        where = _where(data, device)
        made = cast(g.reshape(node, node.shape), to)
        return new(made if made.device is where else g.transfer(made, where), to, requires_grad)
    return new(placed_new(as_array(data, dtype), place(device)), dtype, requires_grad)


def _where(data: Tensor, device: Any) -> Device:
    """Where a tensor goes that becomes a new one: without a device to one that was chosen."""
    chosen = _types.chosen_device() if device is None else device
    return data._node.device if chosen is None else place(chosen)


@public()
def as_tensor(data: Any, dtype: dtype | None = None, device: Any = None) -> Tensor:
    """Data as a tensor, without a copy where that can be."""
    if isinstance(data, Tensor):
        return to_device(data if dtype is None else to_dtype(data, dtype), _where(data, device))
    if isinstance(data, np.ndarray) and (dtype is None or dtype.numpy == data.dtype):
        return moved(from_numpy(data), device)
    if on_gpu(data):
        x = moved(over_gpu(data), device)
        return x if dtype is None else to_dtype(x, dtype)
    return FUNCTIONS["tensor"](data, dtype=dtype, device=device)  # type: ignore[no-any-return]


@public()
def from_numpy(ndarray: Any) -> Tensor:
    """A tensor that shares the memory of an array: writes to either are seen by both.

    Raises TypeError for what is no array or of another dtype, ValueError for negative strides.
    """
    if not isinstance(ndarray, np.ndarray):
        kind = type(ndarray)
        module = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
        raise TypeError(f"expected np.ndarray (got {module}{kind.__name__})")
    checked(ndarray)
    item = ndarray.dtype.itemsize
    strides = tuple(s // item for s in ndarray.strides)
    view = ndarray.view()
    out = wrap(new_leaf(view, place("cpu")), _dtypes.of(canonical(ndarray.dtype)))
    out._strides = normal(ndarray.shape, strides)
    stor = out._stor = Storage(out._node, out._order())
    stor.memory = view
    out._count()
    return out


def moved(x: Tensor, device: Any) -> Tensor:
    """The tensor on a device; itself if it is there."""
    return to_device(x, place(device))


# --- constants ------------------------------------------------------------------------------------


def sized(given: Sequence[Any], name: str) -> Ints:
    """Sizes from `f(2, 3)` or `f((2, 3))`. Raises TypeError in PyTorch's words."""
    first = given[0] if given else ()
    apart = isinstance(first, list | tuple)
    if apart and len(given) > 1:
        raise TypeError(f"{name}() takes 1 positional argument but {len(given)} were given")
    sizes = first if apart else given
    for place_, n in enumerate(sizes):
        if not _is_size(n):
            raise TypeError(f"{name}(): argument 'size' {_no_size(n, place_, apart)}")
    return tuple(map(operator.index, sizes))


def _is_size(n: Any) -> bool:
    if isinstance(n, Tensor):
        return n._node.size == 1 and n.dtype._rank == 1
    return hasattr(n, "__index__") and type(n) is not bool


def _no_size(n: Any, at: int, apart: bool) -> str:
    kind = type(n).__name__
    if at:
        return (
            f"failed to unpack the object at pos {at + 1} with error \"type must be tuple of ints,"
            f"but got {kind}\""
        )
    if apart:
        return f"(position 1) must be tuple of ints, but found element of type {kind} at pos 0"
    return f"(position 1) must be tuple of ints, not {kind}"


def a_number(name: str, fill: Any) -> Any:
    """A fill value as a Python number. Raises TypeError for what is none."""
    if isinstance(fill, Tensor) and fill._node.size == 1 and not fill._node.shape:
        return fill.item()
    if isinstance(fill, NUMBERS):
        return _dtypes.python(fill)
    raise TypeError(
        f"{name}(): argument 'fill_value' (position 2) must be Number, not {type(fill).__name__}"
    )


def filled(
    sizes: Ints, fill: Any, of: dtype | None, device: Any, requires_grad: bool = False
) -> Tensor:
    """One value everywhere; no memory until it is asked for."""
    to = default() if of is None else of
    if sizes and min(sizes) < 0:
        n = next(n for n in sizes if n < 0)
        raise RuntimeError(f"Trying to create tensor with negative dimension {n}: {list(sizes)}")
    one = scalar(fit(fill, to), to.numpy, place(device))
    return new(g.broadcast_to(one, sizes), to, requires_grad)


def _constant(name: str, fill: float) -> None:
    def function(
        *args: Any, size: Any = None, out: Tensor | None = None, dtype: dtype | None = None,
        layout: Any = None, device: Any = None, requires_grad: bool = False,
        pin_memory: bool = False, **formats: Any,
    ) -> Tensor:  # fmt: skip
        sizes = sized(_given(name, args, size), name)
        form = _format(name, formats, len(sizes))
        if name == "zeros" and sizes and min(sizes) < 0:
            raise RuntimeError("zeros: Dimension size must be non-negative.")
        made = filled(sizes, fill, out.dtype if out is not None else dtype, device, requires_grad)
        if form is not None:
            made._strides = formatted(form, sizes)
        return made if out is None else FUNCTIONS["_assign_out"](out, made)

    def like(
        input: Tensor, *, dtype: dtype | None = None, layout: Any = None, device: Any = None,
        requires_grad: bool = False, memory_format: Any = None, pin_memory: bool = False,
    ) -> Tensor:  # fmt: skip
        x = need_tensor(name + "_like", input)
        where = x.device if device is None else device
        made = filled(x._node.shape, fill, dtype or x.dtype, where, requires_grad)
        keep = memory_format is None or memory_format is _types.preserve_format
        made._strides = dense(x) if keep else formatted(memory_format, x._node.shape)
        return made

    def of_kind(
        input: Tensor, *size: Any, dtype: dtype | None = None, device: Any = None,
        requires_grad: bool = False, layout: Any = None, pin_memory: bool = False,
    ) -> Tensor:  # fmt: skip
        where = input.device if device is None else device
        sizes = sized(size, f"new_{name}")
        return filled(sizes, fill, dtype or input.dtype, where, requires_grad)

    for f, called, method in ((function, name, 0), (like, name + "_like", 0),
                              (of_kind, "new_" + name, 1)):  # fmt: skip
        f.__doc__ = f"A tensor of {name}, its elements not to be relied on where that is empty."
        op(called, method=bool(method), function=not method)(f)


def _given(name: str, args: tuple[Any, ...], size: Any) -> tuple[Any, ...]:
    if args and size is not None:
        raise TypeError(f"{name}() got multiple values for argument 'size'")
    if args or size is not None:
        return args or (size,)
    raise TypeError(f"{name}() missing 1 required positional arguments: \"size\"")


def _format(name: str, formats: dict[str, Any], ndim: int) -> Any:
    """The memory format of an empty tensor; None for row-major. Raises TypeError, RuntimeError."""
    for key in formats:
        if name != "empty" or key != "memory_format":
            raise TypeError(f"{name}() got an unexpected keyword argument '{key}'")
    form = formats.get("memory_format")
    if form is _types.preserve_format:
        raise RuntimeError("unsupported memory format Preserve")
    for needed, wanted in ((_types.channels_last, 4), (_types.channels_last_3d, 5)):
        if form is needed and ndim != wanted:
            raise RuntimeError(f"required rank {wanted} tensor to use {form._name} format")
    return form


_constant("zeros", 0)
_constant("ones", 1)
_constant("empty", 0)


@public()
def full(
    size: Any, fill_value: Any, *, out: Tensor | None = None, dtype: dtype | None = None,
    layout: Any = None, device: Any = None, requires_grad: bool = False, pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """One value everywhere, by default in the dtype of the value."""
    if not isinstance(size, list | tuple):
        raise TypeError(_NO_SIZE.format("full", type(size).__name__))
    fill = a_number("full", fill_value)
    of = dtype if dtype is not None else scalar_dtype(fill)
    made = filled(sized((size,), "full"), fill, of, device, requires_grad)
    return made if out is None else FUNCTIONS["_assign_out"](out, made)


@public()
def full_like(
    input: Tensor, fill_value: Any, *, dtype: dtype | None = None, layout: Any = None,
    device: Any = None, requires_grad: bool = False, memory_format: Any = None,
) -> Tensor:  # fmt: skip
    """One value everywhere, of the size of another."""
    where = input.device if device is None else device
    fill = a_number("full_like", fill_value)
    made = filled(input._node.shape, fill, dtype or input.dtype, where, requires_grad)
    made._strides = dense(input)
    return made


@op(function=False)
def new_full(
    input: Tensor, size: Any, fill_value: Any, *, dtype: dtype | None = None, device: Any = None,
    requires_grad: bool = False, layout: Any = None, pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """One value everywhere, of dtype and device of another."""
    if not isinstance(size, list | tuple):
        raise TypeError(_NO_SIZE.format("new_full", type(size).__name__))
    where, fill = input.device if device is None else device, a_number("new_full", fill_value)
    return filled(sized((size,), "new_full"), fill, dtype or input.dtype, where, requires_grad)


_NO_SIZE = "{}(): argument 'size' (position 1) must be tuple of ints, not {}"


@op("new", function=False)
def _new(input: Tensor, *args: Any, device: Any = None) -> Tensor:
    """A tensor of sizes, of data or of another tensor, of dtype and device of this one."""
    return moved(_built(args, input.dtype), input.device if device is None else device)


@op(function=False)
def new_tensor(
    input: Tensor, data: Any, *, dtype: dtype | None = None, device: Any = None,
    requires_grad: bool = False, layout: Any = None, pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """A tensor with a copy of data, of dtype and device of another."""
    of, where = dtype or input.dtype, input.device if device is None else device
    return FUNCTIONS["tensor"](data, dtype=of, device=where, requires_grad=requires_grad)  # type: ignore[no-any-return]


@public()
def empty_strided(
    size: Any, stride: Any, *, dtype: dtype | None = None, layout: Any = None, device: Any = None,
    requires_grad: bool = False, pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """A tensor of sizes and strides, its elements not to be relied on."""
    made = filled(tuple(size), 0, dtype, device, requires_grad)
    made._strides = normal(tuple(size), tuple(stride))
    return made


@op(function=False)
def new_empty_strided(
    input: Tensor, size: Any, stride: Any, dtype: dtype | None = None, layout: Any = None,
    device: Any = None, pin_memory: bool = False, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """`empty_strided`, of dtype and device of another."""
    where = input.device if device is None else device
    of = dtype or input.dtype
    return empty_strided(size, stride, dtype=of, device=where, requires_grad=requires_grad)


@public()
def empty_permuted(
    size: Any, physical_layout: Any, *, dtype: dtype | None = None, layout: Any = None,
    device: Any = None, requires_grad: bool = False, pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """A tensor whose axes lie in memory in a given order. Raises RuntimeError for what is none."""
    sizes, order = tuple(size), tuple(physical_layout)
    if len(order) != len(sizes):
        raise RuntimeError(
            "Number of dimensions in size does not match the length of the physical_layout; i.e. "
            f"len(size) = {len(sizes)} is not equal to len(physical_layout) = {len(order)}"
        )
    strides, step = [0] * len(sizes), 1
    for i, a in reversed(list(enumerate(order))):
        if not 0 <= a < len(sizes):
            raise RuntimeError(
                f"Dimension out of range (expected to be between 0 and {len(sizes) - 1}, but got "
                f"{a} at index {i}).  NB: negative dims not currently supported; file an issue if "
                "you want it."
            )
        if a in order[:i]:
            raise RuntimeError("Duplicate dim not allowed")
        strides[a], step = step, step * max(sizes[a], 1)
    return empty_strided(sizes, strides, dtype=dtype, device=device, requires_grad=requires_grad)


@public()
def scalar_tensor(
    s: Any, *, dtype: dtype | None = None, layout: Any = None, device: Any = None,
    requires_grad: bool = False, pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """A tensor without axes, by default in floating point."""
    return filled((), s, dtype, device, requires_grad)


@public("_assign_out")
def assign_out(out: Tensor, made: Tensor) -> Tensor:
    """Write what was made into a tensor given for it, on that one's device."""
    if made._node.device is not out._node.device:
        made = wrap(g.transfer(made._read(), out._node.device), made.dtype, made._strides)
    if out._node.shape == made._node.shape:
        out._write(cast(made._read(), out.dtype))
    else:
        out._node, out._stor, out._steps, out._strides = made._node, None, (), None
    return out


# --- typed constructors, the class itself ---------------------------------------------------------


def _built(args: tuple[Any, ...], of: dtype | None) -> Tensor:
    """`Tensor(...)`, `FloatTensor(...)`: of sizes, of data, of another tensor."""
    one = args[0] if len(args) == 1 else 0
    if isinstance(one, Tensor):
        if of is not None and one.dtype is not of:
            raise TypeError(f"expected {_options(of)} (got {_options(one.dtype)})")
        return alias_of(one)
    to = default() if of is None else of
    if isinstance(one, _types.Size):
        return filled(tuple(one), 0, to, "cpu")
    if type(one) is not int:
        if not isinstance(one, str) and not hasattr(one, "__len__"):
            raise TypeError(f"new(): data must be a sequence (got {type(one).__name__})")
        return FUNCTIONS["tensor"](one, dtype=to, device="cpu")  # type: ignore[no-any-return]
    return filled(sized(args, "new") if args else (0,), 0, to, "cpu")


def _options(of: dtype) -> str:
    return (
        f"TensorOptions(dtype={_C.get(of, of._name)}, device=cpu, layout=Strided, "
        "requires_grad=false (default), pinned_memory=false (default), "
        "memory_format=(nullopt))"
    )


_C = {
    _dtypes.float32: "float", _dtypes.float64: "double", _dtypes.float16: "c10::Half",
    _dtypes.int64: "long int", _dtypes.int32: "int", _dtypes.int16: "short int",
    _dtypes.int8: "signed char", _dtypes.uint8: "unsigned char", _dtypes.bool_: "bool",
    _dtypes.bfloat16: "c10::BFloat16",
}  # fmt: skip


def _new_tensor(cls: type, *args: Any, **kwargs: Any) -> Tensor:
    made = _built(args, None)
    return made if cls is Tensor else _shared(cls, made)


def _shared(cls: type, x: Tensor) -> Tensor:
    out: Tensor = object.__new__(cls)
    out.__dict__.update({k: v for k, v in x.__dict__.items() if k in _STATE})
    return out


_STATE = frozenset(
    ("_node", "dtype", "_stor", "_steps", "_seen", "_strides", "_offset", "_counter", "_fn", "_out",
     "_base", "_at")
)
setattr(Tensor, "__new__", _new_tensor)  # noqa: B010
setattr(Tensor, "__init__", lambda self, *args, **kwargs: None)  # noqa: B010


class _Typed(type):
    """Classes such as FloatTensor: they make tensors of a dtype on a kind of device, and know
    them.
    """

    of: dtype
    kind: str

    def __call__(cls, *args: Any, **kwargs: Any) -> Tensor:
        made = _built(args, cls.of)
        return made if cls.kind == "cpu" else moved(made, cls.kind)

    def __instancecheck__(cls, x: object) -> bool:
        return isinstance(x, Tensor) and x.dtype is cls.of and x.device.type == cls.kind


def _typed(module: str, kind: str) -> dict[str, _Typed]:
    return {
        f"{title}Tensor": _Typed(
            f"{title}Tensor", (), {"of": d, "kind": kind, "__module__": module}
        )
        for d, title in _dtypes.TITLES.items()
        if d._rank != 3 and title not in ("UInt16", "UInt32", "UInt64")
    }


TYPED, TYPED_CUDA = _typed("torch", "cpu"), _typed("torch.cuda", "cuda")


class _Builtin:
    """A function that prints as PyTorch's, which is none of Python's."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.__wrapped__ = function
        self.__name__ = function.__name__
        self.__doc__ = function.__doc__
        self.__module__ = "torch"

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.__wrapped__(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<built-in method {self.__name__} of type object at {hex(id(self))}>"

    def __reduce__(self) -> str:
        return self.__name__


FUNCTIONS["tensor"] = _Builtin(FUNCTIONS["tensor"])
