"""Memory that comes from others: DLPack, buffers, files.

What enters: objects with memory of their own. What leaves: tensors that share it. It must not know
any operation.
"""

import warnings
from typing import Any

import numpy as np

from . import _dtypes
from .create import from_numpy
from .settings import public
from .tensor import Tensor, memory

Memory = np.ndarray[Any, Any]


class _Capsule:
    """A DLPack capsule as the object that NumPy asks for one."""

    def __init__(self, capsule: Any) -> None:
        self._capsule = capsule

    def __dlpack__(self, **_: Any) -> Any:
        return self._capsule

    def __dlpack_device__(self) -> tuple[int, int]:
        return 1, 0


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
    capsule = type(ext_tensor).__name__ == "PyCapsule"
    if not (capsule or hasattr(ext_tensor, "__dlpack__")):
        raise RuntimeError(_NO_CAPSULE)
    try:
        found = np.from_dlpack(_Capsule(ext_tensor) if capsule else ext_tensor, copy=copy)
    except ValueError:
        raise RuntimeError(_NO_CAPSULE) from None
    out = from_numpy(found if found.flags.writeable else np.asarray(_Writable(found)))
    moved: Tensor = out if device is None else out.to(device)
    return moved


_NO_CAPSULE = (
    "from_dlpack received an invalid capsule. Note that DLTensor capsules can be consumed only "
    "once, so you might have already constructed a tensor from it once."
)


@public
def to_dlpack(tensor: Tensor) -> Any:
    """A DLPack capsule of the tensor's memory."""
    return memory(tensor).__dlpack__()


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
    need = size * of.itemsize
    try:
        if shared:
            _grow(filename, need)
        found = np.memmap(filename, of.numpy, "r+" if shared else "c", shape=(size,))
    except OSError as error:
        mode = "read-write" if shared else "read-only"
        raise RuntimeError(
            f"unable to open file <{filename}> in {mode} mode: {error.strerror} ({error.errno})"
        ) from None
    except ValueError:
        with open(filename, "rb") as file:
            there = file.seek(0, 2)
        raise RuntimeError(
            f"file <{filename}> size <{there}> is smaller than the required mapping size <{need}>"
        ) from None
    return _needing(from_numpy(found), requires_grad)


def _grow(filename: Any, size: int) -> None:
    with open(filename, "ab") as file:
        if file.tell() < size:
            file.truncate(size)


def _needing(x: Tensor, requires_grad: bool) -> Tensor:
    if requires_grad:
        x.requires_grad = True
    return x


__all__: list[str] = []
