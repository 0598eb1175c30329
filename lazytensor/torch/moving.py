"""Tensors in other dtypes and on other devices.

What enters: tensors, dtypes, devices. What leaves: tensors: the same ones where nothing changes.
It must not know how anything is computed.
"""

from typing import Any

from .._base.devices import CPU, cuda_devices
from ..ops import g
from . import _dtypes, _types
from ._dispatch import op
from ._dtypes import TITLES, dtype
from ._host import is_cuda
from ._pinned import pin
from ._record import cast, record, to_dtype
from ._strides import dense, in_channels_last
from .convert import method
from .create import moved, place
from .tensor import Tensor, wrap
from .views import clone, type_name
from .views import formatted as strides_of

__all__: list[str] = []


@method
def to(input: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """The tensor in another dtype, on another device, or as another is; itself if it is so."""
    of, where, form = kwargs.pop("dtype", None), kwargs.pop("device", None), None
    copy = kwargs.pop("copy", False)
    form = kwargs.pop("memory_format", None)
    soon = kwargs.pop("non_blocking", None)
    if kwargs:
        raise TypeError(f"to() received an invalid combination of arguments: {', '.join(kwargs)}")
    rest = [_dtypes.PYTHON.get(a, a) if isinstance(a, type) else a for a in args]
    if rest and isinstance(rest[0], Tensor):
        of, where = rest[0].dtype, rest[0].device
    else:
        if rest and not isinstance(rest[0], dtype) and not isinstance(rest[0], bool):
            where = rest.pop(0)
        if rest and isinstance(rest[0], dtype):
            of = rest.pop(0)
        soon = rest[0] if rest else soon
        if len(rest) > 1:
            copy = rest[1]
    there = input._node.device if where is None else place(where)
    if there is not input._node.device:
        out = _sent(input, of or input.dtype, there, form)
        if soon and there is CPU:  # PyTorch's then has pinned memory
            out._share().pinned = True
        return out
    out = _typed(input, of, form)
    return clone(out, form) if copy and out is input else out


def _sent(x: Tensor, of: dtype, there: Any, form: Any) -> Tensor:
    """The tensor on another device, in one step with what else it becomes."""
    node = x._read()
    strides = dense(x) if form in (None, _PRESERVE) else strides_of(form, node.shape)
    made = wrap(g.transfer(cast(node, of), there), of, strides)
    return record(made, "ToCopy", (x,), (node,))


_PRESERVE = _types.preserve_format
_LAST = {4: _types.channels_last, 5: _types.channels_last_3d}


def _typed(x: Tensor, of: dtype | None, form: Any) -> Tensor:
    if of is not None and of is not x.dtype:
        node = x._read()
        made = wrap(cast(node, of), of, dense(x) if form is None else strides_of(form, node.shape))
        return record(made, "ToCopy", (x,), (node,))
    if form is None or form is _types.preserve_format:
        return x
    last = in_channels_last(x._node.shape, x._stride())
    found = _LAST.get(x.ndim) if last else _types.contiguous_format
    return x if found is form else clone(x, form)


def _named(kind: Any) -> str:
    """The full name of a class of tensors; the text of anything else."""
    name = getattr(kind, "__name__", None)
    return str(kind) if name is None else f"{kind.__module__}.{name}"


@op(name="type", function=False)
def in_type(input: Tensor, dtype: Any = None, non_blocking: bool = False) -> Any:
    """The name of the tensor's type, or the tensor in that of a name or a dtype."""
    if dtype is None:
        return type_name(input)
    if isinstance(dtype, str) and not dtype.endswith("Tensor"):
        raise ValueError(f"invalid type: '{dtype}'")
    full = dtype if isinstance(dtype, str) else _named(dtype)
    of = _BY_TYPE.get(full.split(".")[-1])
    if of is None:
        return to_dtype(input, dtype)
    where = "cuda" if ".cuda." in full else "cpu"
    here = input if input.device.type == where else moved(input, where)
    return to_dtype(here, of)


_BY_TYPE: dict[str, Any] = {f"{title}Tensor": d for d, title in TITLES.items()}


@method
def type_as(input: Tensor, other: Tensor) -> Tensor:
    """The tensor in the dtype of another."""
    return to(input, other)


def _cast_method(name: str, of: dtype) -> None:
    def convert(input: Tensor, memory_format: Any = None) -> Tensor:
        return _typed(input, of, None)

    convert.__doc__ = f"The tensor as {of}."
    op(name, function=False)(convert)


for _name, _of in (
    ("float", _dtypes.float32), ("double", _dtypes.float64), ("half", _dtypes.float16),
    ("bfloat16", _dtypes.bfloat16), ("int", _dtypes.int32), ("long", _dtypes.int64),
    ("short", _dtypes.int16), ("char", _dtypes.int8), ("byte", _dtypes.uint8),
    ("bool", _dtypes.bool_), ("cfloat", _dtypes.complex64), ("cdouble", _dtypes.complex128),
):  # fmt: skip
    _cast_method(_name, _of)


@method
def cpu(input: Tensor, memory_format: Any = None) -> Tensor:
    """The tensor on the CPU; itself if it is there."""
    return to(input, "cpu", memory_format=memory_format)


@method
def cuda(input: Tensor, device: Any = None, non_blocking: bool = False) -> Tensor:
    """The tensor on a CUDA device, the current one if none is given; itself if it is there.

    Raises RuntimeError where there is none.
    """
    if isinstance(device, str | _types.device) and _types.device(device).type != "cuda":
        raise RuntimeError("Invalid device, must be cuda device")
    return moved(input, "cuda" if device is None else device)


@method
def record_stream(input: Tensor, stream: Any) -> None:
    """Accepted: memory is kept for as long as anything that is still to run reads it."""


@method
def pin_memory(input: Tensor, device: Any = None) -> Tensor:
    """A copy in memory that devices copy from without waiting; itself where it is there.

    Raises RuntimeError for a tensor of a device, and where there is none to copy it.
    """
    if is_cuda(input._node.device):
        raise RuntimeError(f"cannot pin '{type_name(input)}' only dense CPU tensors can be pinned")
    if not cuda_devices():
        raise RuntimeError("Cannot access accelerator device when none is available.")
    if input._share().pinned:
        return input
    return pin(clone(input))


@method
def is_pinned(input: Tensor, device: Any = None) -> bool:
    """Whether the memory is such that devices copy from it without waiting."""
    return input._stor is not None and input._stor.pinned
