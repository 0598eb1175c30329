"""Memory that comes from others: DLPack, buffers, files.

What enters: objects with memory of their own. What leaves: tensors that share it. It must not know
any operation.
"""

import warnings
from typing import Any

import numpy as np

from . import _dtypes, _types
from ._dispatch import FUNCTIONS
from ._dtypes import TITLES
from ._foreign import Capsule, is_capsule, lent, on_gpu, over_gpu
from ._host import is_cuda
from ._untyped import TypedStorage, UntypedStorage, mapped, over
from .create import from_numpy, moved
from .settings import public
from .tensor import Tensor, memory

Memory = np.ndarray[Any, Any]


class _Writable:
    """Memory that NumPy takes for read-only, since older capsules don't say, to be written to."""

    def __init__(self, found: Memory) -> None:
        address = found.__array_interface__["data"][0]
        self.__array_interface__ = {**found.__array_interface__, "data": (address, False)}
        self._owner = found


@public
def from_dlpack(ext_tensor: Any, *, device: Any = None, copy: bool | None = None) -> Tensor:
    """A tensor that shares the memory of an object with `__dlpack__`, or of a capsule.

    With `copy=True` a tensor of its own. Raises RuntimeError for anything else and for a capsule
    that was used before, BufferError where the memory can't be shared.
    """
    if is_capsule(ext_tensor):
        ext_tensor = Capsule(ext_tensor)
    if on_gpu(ext_tensor):
        if isinstance(ext_tensor, Tensor):
            x = lent(ext_tensor)
            out = x.clone() if copy else x.detach()
        else:
            out = over_gpu(ext_tensor, copy)
        return out if device is None else moved(out, device)
    if not hasattr(ext_tensor, "__dlpack__"):
        raise RuntimeError(_NO_CAPSULE)
    try:
        found = np.from_dlpack(ext_tensor, copy=copy)
    except ValueError:
        raise RuntimeError(_NO_CAPSULE) from None
    out = from_numpy(found if found.flags.writeable else np.asarray(_Writable(found)))
    return out if device is None else out.to(device)


_NO_CAPSULE = (
    "from_dlpack received an invalid capsule. Note that DLTensor capsules can be consumed only "
    "once, so you might have already constructed a tensor from it once."
)


@public
def to_dlpack(tensor: Tensor) -> Any:
    """A DLPack capsule of the tensor's memory."""
    return (tensor.detach() if is_cuda(tensor._node.device) else memory(tensor)).__dlpack__()


@public
def frombuffer(
    buffer: Any,
    *,
    dtype: _dtypes.dtype,
    count: int = -1,
    offset: int = 0,
    requires_grad: bool = False,
) -> Tensor:
    """A 1-d tensor over the memory of an object with Python's buffer protocol.

    `count` elements, all by default, from byte `offset` on. Warns where the memory can't be written
    to. Raises ValueError for what has no buffer, and sizes that don't fit.
    """
    try:
        data = memoryview(buffer).cast("B")
    except TypeError:
        raise ValueError("object does not implement Python buffer protocol.") from None
    size, item = len(data), dtype.itemsize
    _check_span(size, item, count, offset)
    if data.readonly:
        warnings.warn(_READ_ONLY, UserWarning, stacklevel=2)
    found = np.frombuffer(data, dtype.numpy, max(count, -1), offset)
    return _needing(from_numpy(found), requires_grad)


_READ_ONLY = (
    "The given buffer is not writable, and PyTorch does not support non-writable tensors. You may "
    "want to copy the buffer to protect its data or make it writable before converting it to a "
    "tensor."
)


def _check_span(size: int, item: int, count: int, offset: int) -> None:
    if size == 0 or count == 0:
        raise ValueError(f"both buffer length ({size}) and count ({count}) must not be 0")
    if not 0 <= offset < size:
        raise ValueError(
            f"offset ({offset} bytes) must be non-negative and no greater than buffer length "
            f"({size} bytes) minus 1"
        )
    if count > 0 and offset + count * item > size:
        raise ValueError(
            f"requested buffer length ({count} * {item} bytes) after offset ({offset} bytes) must "
            f"not be greater than actual buffer length ({size} bytes)"
        )
    if count < 0 and (size - offset) % item:
        raise ValueError(
            f"buffer length ({size - offset} bytes) after offset ({offset} bytes) must be a "
            f"multiple of element size ({item})"
        )


@public
def from_file(
    filename: Any,
    shared: bool | None = None,
    size: int = 0,
    *,
    dtype: _dtypes.dtype | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """A 1-d tensor of the first `size` elements of a file; with `shared`, writes go to the file,
    which is made or grows where it has to. Raises RuntimeError for a file that can't be opened or
    is too small.
    """
    of = _dtypes.default() if dtype is None else dtype
    found = mapped(filename, shared, size * of.itemsize)
    return _needing(from_numpy(np.asarray(found).view(of.numpy)), requires_grad)


@public
def asarray(
    obj: Any,
    *,
    dtype: _dtypes.dtype | None = None,
    device: Any = None,
    copy: bool | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """Anything as a tensor: tensors, arrays, DLPack's capsules, buffers, storages share their
    memory where `copy` is not True; numbers and sequences are copied.

    Raises ValueError and RuntimeError where `copy=False` can't be had.
    """
    of = _dtypes.given(dtype, "asarray")
    found = _shared(obj, of, copy)
    if found is None:
        if copy is False:
            raise ValueError("can't alias arbitrary sequence into a tensor.")
        return FUNCTIONS["tensor"](obj, dtype=of, device=device, requires_grad=requires_grad)  # type: ignore[no-any-return]
    if of is not None and found.dtype is not of and copy is False:
        raise ValueError(
            f"can't alias tensor with dtype '{TITLES[found.dtype]}' into dtype '{TITLES[of]}'."
        )
    made = found.to(device=_types.chosen_device() if device is None else device, dtype=of)
    out: Tensor = made.clone() if copy and made is found else made
    return _needing(out, requires_grad)


def _shared(obj: Any, of: _dtypes.dtype | None, copy: bool | None) -> Tensor | None:
    """A tensor over an object's own memory; None for what has none to share."""
    if isinstance(obj, Tensor):
        return obj
    if isinstance(obj, np.generic):
        if copy is False:
            raise RuntimeError(
                "can't alias NumPy scalars. Either remove copy=False or transform it in a ndarray. "
            )
        return None
    if isinstance(obj, np.ndarray):
        return from_numpy(obj)
    if isinstance(obj, UntypedStorage | TypedStorage):
        return _over_storage(obj, of)
    if is_capsule(obj) or hasattr(obj, "__dlpack__") or on_gpu(obj):
        return from_dlpack(obj)  # type: ignore[no-any-return]
    try:
        memoryview(obj)
    except TypeError:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of memory that is read-only
        return frombuffer(obj, dtype=_dtypes.default() if of is None else of)  # type: ignore[no-any-return]


def _over_storage(storage: UntypedStorage | TypedStorage, of: _dtypes.dtype | None) -> Tensor:
    if isinstance(storage, TypedStorage):
        if of is not None and storage.dtype is not of:
            raise RuntimeError(
                f"Expected a Storage of type {TITLES[of]} or an UntypedStorage, but got "
                f"{TITLES[storage.dtype]}"
            )
        return over(storage.untyped(), storage.dtype, 0, None, None)
    return over(storage, _dtypes.default() if of is None else of, 0, None, None)


def _needing(x: Tensor, requires_grad: bool) -> Tensor:
    if requires_grad and x.dtype._rank < 2:
        raise RuntimeError("Only Tensors of floating point and complex dtype can require gradients")
    if requires_grad:
        x.requires_grad = True
    return x


__all__: list[str] = []
