"""Creation: tensors from data, constants, ranges; memory shared with NumPy.

What enters: Python and NumPy values, sizes, dtypes, devices. What leaves: tensors, or PyTorch's
errors. It must not know operations on tensors.
"""

import operator
from collections.abc import Callable, Sequence
from math import ceil
from typing import Any, TypeVar

import numpy as np

from .._base.dtypes import canonical
from ..ir.node import Node, scalar
from ..ops import g
from ..runtime.pending import new_leaf
from . import _dtypes, _types
from ._dispatch import FUNCTIONS, cast, need_tensor, op, record, to_dtype
from ._dtypes import default, dtype, scalar_dtype
from ._graph import MODE
from .storage import Storage
from .tensor import Ints, Tensor, normal, wrap
from .views import dense, formatted, sized, sizes_of

__all__ = ["filled", "from_array", "new"]

# The dtype of a NumPy array that PyTorch takes as it is.
_REFUSED = "can't convert np.ndarray of type numpy.{}. The only supported types are: float64, float32, float16, complex64, complex128, int64, int32, int16, int8, uint64, uint32, uint16, uint8, and bool."  # noqa: E501


def place(device: Any) -> Any:
    """The graph's device."""
    return _types.node_device(device)


def new(node: Node, of: dtype | None = None, requires_grad: bool = False) -> Tensor:
    """A new tensor, a leaf if it needs a gradient."""
    out = wrap(node, of)
    if MODE.inference:
        out._inference = True
    if requires_grad:
        if out.dtype._rank < 2:
            raise RuntimeError(
                "Only Tensors of floating point and complex dtype can require gradients"
            )
        out.requires_grad = True
    return out


def from_array(
    found: np.ndarray[Any, Any], of: dtype | None = None, device: Any = None
) -> Tensor:
    """A tensor with a copy of an array."""
    number = found.dtype if of is None else of.numpy
    kept = np.array(found, _native(number), order="C")
    return wrap(new_leaf(kept, place(device)), of)


def _native(number: Any) -> Any:
    return number if number.isnative else number.newbyteorder("=")


# --- data -----------------------------------------------------------------------------------------


def _as_array(data: Any, of: dtype | None) -> np.ndarray[Any, Any]:
    """Nested sequences, numbers, arrays and tensors as an array of the dtype they mean."""
    if isinstance(data, np.ndarray | np.generic):
        found = np.asarray(data)
        _dtypes.of(_native(found.dtype)) if found.dtype.kind in "biufcV" else _refuse(found)
    elif hasattr(data, "__array_interface__") or hasattr(data, "__dlpack__"):
        found = np.asarray(data)
    else:
        found = _nested(data, of)
    if of is None:
        return found
    with np.errstate(all="ignore"):
        return found.astype(of.numpy)


def _refuse(found: np.ndarray[Any, Any]) -> None:
    raise TypeError(_REFUSED.format(found.dtype.type.__name__))


def _nested(data: Any, of: dtype | None) -> np.ndarray[Any, Any]:
    shape = _shape_of(data)
    kinds: set[type] = set()
    flat: list[Any] = []
    _collect(data, shape, 0, flat, kinds)
    number = of if of is not None else _meant(flat, kinds)
    try:
        out = np.array(flat, _carrier(number, kinds))
    except OverflowError:
        raise RuntimeError("Overflow when unpacking long long") from None
    out = out.reshape(shape)
    with np.errstate(all="ignore"):
        return out.astype(number.numpy)


def _carrier(number: dtype, kinds: set[type]) -> Any:
    if complex in kinds:
        return np.complex128
    if float in kinds:
        return np.float64
    return np.uint64 if number is _dtypes.uint64 else np.int64 if kinds - {bool} else np.bool_


def _meant(flat: Sequence[Any], kinds: set[type]) -> dtype:
    if not flat:
        return default()
    if complex in kinds:
        return scalar_dtype(0j)
    if float in kinds:
        return default()
    return _dtypes.int64 if int in kinds else _dtypes.bool_


def _shape_of(data: Any) -> Ints:
    shape = []
    while isinstance(data, list | tuple | range) or (
        hasattr(data, "__len__") and hasattr(data, "__getitem__") and not isinstance(data, str)
        and getattr(data, "shape", None) != ()
    ):  # fmt: skip
        shape.append(len(data))
        if not len(data):
            break
        data = data[0]
    return tuple(shape)


def _collect(data: Any, shape: Ints, depth: int, flat: list[Any], kinds: set[type]) -> None:
    if depth == len(shape):
        flat.append(_scalar(data, kinds))
        return
    if not hasattr(data, "__len__"):
        raise TypeError(f"expected sequence of length {shape[depth]} at dim {depth} (got a scalar)")
    if len(data) != shape[depth]:
        raise ValueError(
            f"expected sequence of length {shape[depth]} at dim {depth} (got {len(data)})"
        )
    for x in data:
        _collect(x, shape, depth + 1, flat, kinds)


def _scalar(x: Any, kinds: set[type]) -> Any:
    if isinstance(x, Tensor | np.generic | np.ndarray):
        x = x.item()
    for kind in (bool, int, float, complex):
        if isinstance(x, kind):
            kinds.add(kind)
            return x
    if hasattr(x, "__index__"):
        kinds.add(int)
        return operator.index(x)
    if hasattr(x, "__float__") and not isinstance(x, str):
        kinds.add(float)
        return float(x)
    if isinstance(x, str):
        raise TypeError("new(): invalid data type 'str'")
    raise RuntimeError(f"Could not infer dtype of {type(x).__name__}")


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
    if isinstance(data, Tensor):
        node = data._read()
        to = data.dtype if dtype is None else dtype
        where = node.device if device is None else place(device)
        made = cast(g.reshape(node, node.shape), to)
        return new(made if made.device is where else g.transfer(made, where), to, requires_grad)
    found = _as_array(data, dtype)
    return new(new_leaf(np.array(found, order="C"), place(device)), dtype, requires_grad)


@public()
def as_tensor(data: Any, dtype: dtype | None = None, device: Any = None) -> Tensor:
    """Data as a tensor, without a copy where that can be."""
    if isinstance(data, Tensor):
        x = data if dtype is None else to_dtype(data, dtype)
        return x if device is None else moved(x, device)
    if isinstance(data, np.ndarray) and (dtype is None or dtype.numpy == data.dtype):
        return from_numpy(data)
    return FUNCTIONS["tensor"](data, dtype=dtype, device=device)  # type: ignore[no-any-return]


@public()
def asarray(
    obj: Any, *, dtype: dtype | None = None, device: Any = None, copy: bool | None = None,
    requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """Anything as a tensor, sharing memory unless `copy`."""
    if copy:
        return FUNCTIONS["tensor"](obj, dtype=dtype, device=device, requires_grad=requires_grad)  # type: ignore[no-any-return]
    out = as_tensor(obj, dtype, device)
    if requires_grad:
        out.requires_grad = True
    return out


@public()
def from_numpy(ndarray: Any) -> Tensor:
    """A tensor that shares the memory of an array: writes to either are seen by both.

    Raises TypeError for what is no array or of another dtype, ValueError for negative strides.
    """
    if not isinstance(ndarray, np.ndarray):
        raise TypeError(f"expected np.ndarray (got {type(ndarray).__name__})")
    if ndarray.dtype.kind not in "biufcV":
        _refuse(ndarray)
    if any(s < 0 for s in ndarray.strides):
        raise ValueError(
            "At least one of the strides of the given numpy array is negative, and tensors with "
            "negative strides are not currently supported. (You can probably work around this by "
            "making a copy of your array with array.copy().)"
        )
    if not ndarray.dtype.isnative:
        raise ValueError(
            "given numpy array has byte order different from the native byte order. Conversion "
            "between byte orders is currently not supported."
        )
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
    where, node = place(device), x._read()
    if node.device is where:
        return x
    return record(wrap(g.transfer(node, where), x.dtype, x._strides), "ToCopy", (x,), (node,))


# --- constants ------------------------------------------------------------------------------------


def filled(
    sizes: Ints, fill: Any, of: dtype | None, device: Any, requires_grad: bool = False
) -> Tensor:
    """One value everywhere; no memory until it is asked for."""
    to = default() if of is None else of
    for n in sizes:
        if n < 0:
            raise RuntimeError(
                f"Trying to create tensor with negative dimension {n}: {list(sizes)}"
            )
    one = scalar(_fitting(fill, to), to.numpy, place(device))
    return new(g.broadcast_to(one, sizes), to, requires_grad)


def _fitting(fill: Any, to: dtype) -> Any:
    if to._rank == 1 and not isinstance(fill, int):
        return int(fill)
    return bool(fill) if to._rank == 0 else fill


def _constant(name: str, fill: float) -> None:
    def function(
        *size: Any, out: Tensor | None = None, dtype: dtype | None = None, layout: Any = None,
        device: Any = None, requires_grad: bool = False, pin_memory: bool = False,
        memory_format: Any = None,
    ) -> Tensor:  # fmt: skip
        sizes = sizes_of(size, name)
        made = filled(sizes, fill, out.dtype if out is not None else dtype, device, requires_grad)
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
        sizes = sizes_of(size, f"new_{name}")
        return filled(sizes, fill, dtype or input.dtype, where, requires_grad)

    for f, called, method in ((sized(function), name, 0), (like, name + "_like", 0),
                              (of_kind, "new_" + name, 1)):  # fmt: skip
        f.__doc__ = f"A tensor of {name}, its elements not to be relied on where that is empty."
        op(called, method=bool(method), function=not method)(f)


_constant("zeros", 0)
_constant("ones", 1)
_constant("empty", 0)


@public()
def full(
    size: Any, fill_value: Any, *, out: Tensor | None = None, dtype: dtype | None = None,
    layout: Any = None, device: Any = None, requires_grad: bool = False, pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """One value everywhere, by default in the dtype of the value."""
    fill = fill_value.item() if isinstance(fill_value, Tensor) else fill_value
    of = dtype if dtype is not None else scalar_dtype(fill)
    made = filled(sizes_of((size,), "full"), fill, of, device, requires_grad)
    return made if out is None else FUNCTIONS["_assign_out"](out, made)


@public()
def full_like(
    input: Tensor, fill_value: Any, *, dtype: dtype | None = None, layout: Any = None,
    device: Any = None, requires_grad: bool = False, memory_format: Any = None,
) -> Tensor:  # fmt: skip
    """One value everywhere, of the size of another."""
    where = input.device if device is None else device
    fill = fill_value.item() if isinstance(fill_value, Tensor) else fill_value
    made = filled(input._node.shape, fill, dtype or input.dtype, where, requires_grad)
    made._strides = dense(input)
    return made


@op(function=False)
def new_full(
    input: Tensor, size: Any, fill_value: Any, *, dtype: dtype | None = None, device: Any = None,
    requires_grad: bool = False, layout: Any = None, pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """One value everywhere, of dtype and device of another."""
    where = input.device if device is None else device
    return filled(tuple(size), fill_value, dtype or input.dtype, where, requires_grad)


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


@public("_assign_out")
def _assign_out(out: Tensor, made: Tensor) -> Tensor:
    """Write what was made into a tensor given for it."""
    if out._node.shape == made._node.shape:
        out._write(cast(made._read(), out.dtype))
    else:
        out._node, out._stor, out._steps, out._strides = made._node, None, (), None
    return out


# --- ranges ---------------------------------------------------------------------------------------


def _number(x: Any) -> Any:
    return x.item() if isinstance(x, Tensor | np.generic) else x


@public()
def arange(
    start: Any = 0, end: Any = None, step: Any = 1, *, out: Tensor | None = None,
    dtype: dtype | None = None, layout: Any = None, device: Any = None,
    requires_grad: bool = False, pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """Numbers from start up to, without, end, by step: int64 of ints, else the default dtype."""
    first, last, by = map(_number, (0, start, step) if end is None else (start, end, step))
    if by == 0:
        raise RuntimeError("step must be nonzero")
    if (by > 0 and first > last) or (by < 0 and first < last):
        raise RuntimeError("upper bound and lower bound inconsistent with step sign")
    whole = all(isinstance(v, int) for v in (first, last, by))
    of = dtype or (out.dtype if out is not None else _dtypes.int64 if whole else default())
    count = max(0, ceil((last - first) / by)) if not whole else len(range(first, last, by))
    made = new(_line(first, by, count, of, place(device)), of, requires_grad)
    return made if out is None else _assign_out(out, made)


def _line(first: Any, by: Any, count: int, of: dtype, device: Any) -> Node:
    """first + i * by, computed in int64 or double and rounded once, as PyTorch does."""
    number = _dtypes.int64 if of._rank < 2 else _dtypes.float64
    i = g.iota(count, number.numpy, device)
    if (first, by) != (0, 1):
        i = g.add(g.multiply(i, scalar(_fitting(by, number), number.numpy, device)),
                  scalar(_fitting(first, number), number.numpy, device))  # fmt: skip
    return cast(i, of)


@public()
def range_(start: Any = 0, end: Any = None, step: Any = 1, **kwargs: Any) -> Tensor:
    """Numbers from start to end, which is included, by step."""
    count = int((end - start) / step) + 1
    of = kwargs.get("dtype") or default()
    return new(_line(float(start), float(step), count, of, place(kwargs.get("device"))), of)


FUNCTIONS["range"] = FUNCTIONS.pop("range_")


@public()
def linspace(
    start: Any, end: Any, steps: int, *, out: Tensor | None = None, dtype: dtype | None = None,
    layout: Any = None, device: Any = None, requires_grad: bool = False, pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """`steps` numbers at equal distances from start to end, both included."""
    first, last = _number(start), _number(end)
    if steps < 0:
        raise RuntimeError("number of steps must be non-negative")
    complex_ = isinstance(first, complex) or isinstance(last, complex)
    of = dtype or (default().to_complex() if complex_ else default())
    found = _spaced(first, last, steps, of)
    made = new(new_leaf(found, place(device)), of, requires_grad)
    return made if out is None else _assign_out(out, made)


def _spaced(first: Any, last: Any, steps: int, of: dtype) -> np.ndarray[Any, Any]:
    """From both ends to the middle, in the dtype itself, as PyTorch does."""
    work = of.numpy if of._rank > 1 else np.dtype(np.float64)
    if work.itemsize == 2:
        work = np.dtype(np.float32)
    a, b = work.type(first), work.type(last)
    if steps == 1:
        return np.array([a]).astype(of.numpy)
    i = np.arange(steps)
    each = (b - a) / work.type(max(steps - 1, 1))
    half = steps // 2
    low = a + each * i.astype(work)
    high = b - each * (steps - 1 - i).astype(work)
    return np.where(i < half, low, high).astype(work).astype(of.numpy)


@public()
def logspace(
    start: Any, end: Any, steps: int, base: float = 10.0, *, dtype: dtype | None = None,
    device: Any = None, requires_grad: bool = False, layout: Any = None, out: Any = None,
) -> Tensor:  # fmt: skip
    """`base` to the powers of a linspace."""
    of = dtype or default()
    powers = _spaced(_number(start), _number(end), steps, _dtypes.float64)
    found = np.power(base, powers).astype(of.numpy)
    return new(new_leaf(found, place(device)), of, requires_grad)


@public()
def eye(
    n: int, m: int | None = None, *, out: Tensor | None = None, dtype: dtype | None = None,
    layout: Any = None, device: Any = None, requires_grad: bool = False, pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """A matrix with ones on its diagonal."""
    if n < 0:
        raise RuntimeError(f"n must be greater or equal to 0, got {n}")
    of, where = dtype or default(), place(device)
    i = g.iota(n, np.dtype(np.int64), where)
    j = g.iota(n if m is None else m, np.dtype(np.int64), where)
    on = g.equal(g.reshape(i, (i.size, 1)), g.reshape(j, (1, j.size)))
    made = new(cast(on, of), of, requires_grad)
    return made if out is None else _assign_out(out, made)


# --- typed constructors, the class itself ---------------------------------------------------------


def _built(cls: type, args: tuple[Any, ...], of: dtype) -> Tensor:
    """`Tensor(...)`, `FloatTensor(...)`: of sizes, of data, of another tensor."""
    if len(args) == 1 and isinstance(args[0], Tensor):
        return args[0] if args[0].dtype is of else to_dtype(args[0], of)
    if len(args) == 1 and isinstance(args[0], _types.Size):
        return filled(tuple(args[0]), 0, of, "cpu")
    if len(args) == 1 and not isinstance(args[0], int):
        return FUNCTIONS["tensor"](args[0], dtype=of, device="cpu")  # type: ignore[no-any-return]
    return filled(tuple(map(operator.index, args)) or (0,), 0, of, "cpu")


def _new_tensor(cls: type, *args: Any, **kwargs: Any) -> Tensor:
    made = _built(cls, args, default())
    if cls is Tensor:
        return made if not args or not isinstance(args[0], Tensor) else _shared(Tensor, made)
    return _shared(cls, made)


def _shared(cls: type, x: Tensor) -> Tensor:
    out: Tensor = object.__new__(cls)
    out.__dict__.update({k: v for k, v in x.__dict__.items() if k in _STATE})
    return out


_STATE = frozenset(
    ("_node", "dtype", "_stor", "_steps", "_seen", "_strides", "_offset", "_counter", "_fn", "_out")
)
setattr(Tensor, "__new__", _new_tensor)  # noqa: B010
setattr(Tensor, "__init__", lambda self, *args, **kwargs: None)  # noqa: B010


class _Typed(type):
    """Classes such as FloatTensor: they make tensors of a dtype, and know them."""

    of: dtype

    def __call__(cls, *args: Any, **kwargs: Any) -> Tensor:
        return _built(Tensor, args, cls.of)

    def __instancecheck__(cls, x: object) -> bool:
        return isinstance(x, Tensor) and x.dtype is cls.of


TYPED = {
    f"{title}Tensor": _Typed(f"{title}Tensor", (), {"of": d, "__module__": "torch"})
    for d, title in _dtypes.TITLES.items()
    if d._rank != 3 and title not in ("UInt16", "UInt32", "UInt64")
}


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
