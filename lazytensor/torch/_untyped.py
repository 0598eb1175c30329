"""Storages as users see them: bytes, or elements of a dtype, shared by all views of some memory.

What enters: tensors' storages. What leaves: objects that read and write them, and tensors over
them. It must not know how anything is computed.
"""

import operator
import os
from collections.abc import Iterator
from typing import Any
from weakref import WeakValueDictionary

import numpy as np

from ..ir.node import Node, leaf
from ..ops import g
from . import _dtypes, _types
from ._dispatch import op
from ._dtypes import TITLES, dtype
from ._host import placed, value
from .create import filled, place
from .parts import strided_steps
from .sharing import block, share
from .storage import Part, Storage
from .tensor import Tensor, contiguous, normal, wrap
from .views import become

__all__ = ["TypedStorage", "UntypedStorage"]

_BYTE = np.dtype(np.uint8)
_LIVING: "WeakValueDictionary[int, UntypedStorage]" = WeakValueDictionary()


def _fresh(data: np.ndarray[Any, Any], device: Any) -> Storage:
    return Storage(placed(np.array(data, _BYTE, order="C"), place(device)))


def _bytes_of(args: tuple[Any, ...]) -> np.ndarray[Any, Any]:
    if not args:
        return np.zeros(0, _BYTE)
    if isinstance(args[0], int):
        return np.zeros(args[0], _BYTE)
    return np.asarray(list(args[0]), _BYTE)


class UntypedStorage:
    """The bytes of some memory: `UntypedStorage(size)`, `UntypedStorage(bytes)`."""

    def __init__(self, *args: Any, device: Any = None) -> None:
        self._stor = _fresh(_bytes_of(args), "cpu" if device is None else device)
        _LIVING[id(self._stor)] = self

    @classmethod
    def _of(cls, stor: Storage) -> "UntypedStorage":
        """The one object for a tensor's memory."""
        found = _LIVING.get(id(stor))
        if found is None:
            found = object.__new__(cls)
            found._stor = stor
            _LIVING[id(stor)] = found
        return found

    def _read(self, number: np.dtype[Any] = _BYTE) -> np.ndarray[Any, Any]:
        return value(self._stor.shown(self._stor.flat(number)))

    def _write(self, new: np.ndarray[Any, Any], number: np.dtype[Any] = _BYTE) -> None:
        node: Node = placed(np.array(new, number, order="C"), self._stor.node.device)
        self._stor.write(self._stor.flat(number), node)

    @property
    def device(self) -> _types.device:
        """Where the memory is."""
        return _types.torch_device(self._stor.node.device)

    @property
    def is_cuda(self) -> bool:
        """Whether the memory is on a CUDA device."""
        return self.device.type == "cuda"

    is_sparse = is_sparse_csr = False

    def get_device(self) -> int:
        """The index of the CUDA device; -1 on the CPU."""
        return int(self.device.index or 0) if self.is_cuda else -1

    def nbytes(self) -> int:
        """The number of bytes."""
        return int(self._stor.node.size * self._stor.node.dtype.itemsize)

    size = __len__ = nbytes

    def element_size(self) -> int:
        """1."""
        return 1

    def data_ptr(self) -> int:
        """The address, where the elements are found until they are next written to; 0 for none."""
        return self._stor.address()

    def resizable(self) -> bool:
        """Whether the size can change."""
        return True

    def is_shared(self) -> bool:
        """Whether the memory is such that processes share, as that of devices is said to be."""
        return self.is_cuda or block(self._stor) is not None

    def share_memory_(self) -> "UntypedStorage":
        """Move the elements to memory that processes share; returns the storage."""
        if not self.is_cuda:
            share(self._stor)
        return self

    def is_pinned(self, device: Any = None) -> bool:
        """Whether the memory is such that devices copy from it without waiting."""
        return self._stor.pinned

    def tolist(self) -> list[int]:
        """The bytes as ints."""
        return self._read().tolist()  # type: ignore[no-any-return]

    def __iter__(self) -> Iterator[int]:
        return iter(self.tolist())

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, slice):
            return self._part(key)
        return int(self._read()[_within(key, self.nbytes())])

    def _part(self, key: slice) -> "UntypedStorage":
        """Some of the bytes, the memory shared. Raises RuntimeError for a step."""
        if key.step not in (None, 1):
            raise RuntimeError(
                f"Trying to slice with a step of {key.step}, but only a step of 1 is supported"
            )
        if self.is_cuda:
            first, end, _ = key.indices(self.nbytes())
            return UntypedStorage._of(Part(self._stor, first, max(end - first, 0)))
        lined = self._stor.lined(_BYTE)
        found = self._read() if lined is None else lined
        return UntypedStorage._of(exposed(found[key]))

    def __setitem__(self, key: Any, new: Any) -> None:
        data = self._read().copy()
        data[key if isinstance(key, slice) else _within(key, self.nbytes())] = new
        self._write(data)

    @classmethod
    def from_file(cls, filename: Any, shared: bool = False, nbytes: int = 0) -> "UntypedStorage":
        """The first bytes of a file; with `shared`, writes go to the file, which is made or grows
        where it has to. Raises RuntimeError for a file that can't be opened or is too small.
        """
        return cls._of(exposed(mapped(filename, shared, nbytes)))

    def fill_(self, new: int) -> "UntypedStorage":
        """Every byte one number."""
        self._write(np.full(self.nbytes(), new, _BYTE))
        return self

    def copy_(self, source: Any, non_blocking: bool | None = None) -> "UntypedStorage":
        """The bytes of another. Raises RuntimeError for another size."""
        data = _untyped(source)._read()
        if data.size != self.nbytes():
            raise RuntimeError(
                f"size does not match, self was {self.nbytes()} bytes but src was {data.size} bytes"
            )
        self._write(data)
        return self

    def clone(self) -> "UntypedStorage":
        """A copy with its own memory."""
        return UntypedStorage._of(Storage(self._stor.whole(), self._stor.order))

    __copy__ = clone

    def __deepcopy__(self, memo: Any) -> "UntypedStorage":
        return self.clone()

    def __reduce__(self) -> Any:
        found = np.array(value(self._stor.whole()))
        return _stored, (found, self._stor.order, str(self._stor.node.device))

    def untyped(self) -> "UntypedStorage":
        """Itself."""
        return self

    def cpu(self) -> "UntypedStorage":
        """The bytes on the CPU; itself if they are there."""
        return self._on("cpu")

    def cuda(self, device: Any = None, non_blocking: bool = False) -> "UntypedStorage":
        """The bytes on a CUDA device; itself if they are there."""
        return self._on("cuda" if device is None else device)

    def _on(self, device: Any) -> "UntypedStorage":
        there = place(device)
        if there is self._stor.node.device:
            return self
        return UntypedStorage._of(Storage(g.transfer(self._stor.whole(), there), self._stor.order))

    def __repr__(self) -> str:
        data = "".join(f" {b}\n" for b in self.tolist())
        return f"{data}[torch.storage.UntypedStorage(device={self.device}) of size {len(self)}]"


def exposed(memory: np.ndarray[Any, Any]) -> Storage:
    """A storage of memory that others have too."""
    stor = Storage(leaf(memory, place("cpu")))
    stor.memory = memory
    return stor


def _grown(filename: Any, size: int) -> None:
    with open(filename, "ab") as file:
        if file.tell() < size:
            file.truncate(size)


def mapped(filename: Any, shared: bool | None, size: int) -> np.ndarray[Any, Any]:
    """The first bytes of a file, mapped. Raises RuntimeError."""
    try:
        if shared:
            _grown(filename, size)
        if not size:
            return np.zeros(0, _BYTE)
        return np.memmap(filename, _BYTE, "r+" if shared else "c", shape=(size,))
    except OSError as error:
        mode = "read-write" if shared else "read-only"
        raise RuntimeError(
            f"unable to open file <{filename}> in {mode} mode: {error.strerror} ({error.errno})"
        ) from None
    except ValueError:
        there = os.stat(filename).st_size
        raise RuntimeError(
            f"file <{filename}> size <{there}> is smaller than the required mapping size <{size}>"
        ) from None


def _stored(
    data: np.ndarray[Any, Any], order: tuple[int, ...] | None, device: str = "cpu"
) -> UntypedStorage:
    return UntypedStorage._of(Storage(placed(data, place(device)), order))


def _within(key: Any, n: int) -> int:
    i = operator.index(key)
    if not -n <= i < n:
        raise IndexError(f"index {i} out of range for storage of size {n}")
    return i % n


class TypedStorage:
    """The elements of some memory, of one dtype: what `Tensor.storage()` gives."""

    is_sparse = False

    def __init__(
        self, *args: Any, wrap_storage: UntypedStorage | None = None, dtype: dtype | None = None,
        device: Any = None, _internal: bool = False,
    ) -> None:  # fmt: skip
        self.dtype = _dtypes.default() if dtype is None else dtype
        number = self.dtype.numpy
        if wrap_storage is not None:
            self._untyped_storage = wrap_storage
        elif args and not isinstance(args[0], int):
            data = np.asarray(args[0], number).view(_BYTE)
            self._untyped_storage = UntypedStorage(data.tolist())
        else:
            self._untyped_storage = UntypedStorage((args[0] if args else 0) * number.itemsize)

    @property
    def device(self) -> _types.device:
        """Where the memory is."""
        return self._untyped_storage.device

    def untyped(self) -> UntypedStorage:
        """The same memory as bytes."""
        return self._untyped_storage

    def nbytes(self) -> int:
        """The number of bytes."""
        return self._untyped_storage.nbytes()

    def element_size(self) -> int:
        """Bytes of an element."""
        return self.dtype.itemsize

    def size(self) -> int:
        """The number of elements."""
        return self.nbytes() // self.dtype.itemsize

    __len__ = size

    def data_ptr(self) -> int:
        """The address, good until the memory is next written to."""
        return self._untyped_storage.data_ptr()

    def pickle_storage_type(self) -> str:
        """The name of its type in files."""
        return f"{TITLES[self.dtype]}Storage"

    def tolist(self) -> list[Any]:
        """The elements as Python numbers."""
        found = self._untyped_storage._read(self.dtype.numpy)
        if self.dtype is _dtypes.bfloat16:
            found = found.astype(np.float32)
        return found.tolist()  # type: ignore[no-any-return]

    def __iter__(self) -> Iterator[Any]:
        return iter(self.tolist())

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, slice):
            raise RuntimeError("slices are only supported in UntypedStorage.__getitem__")
        return self.tolist()[_within(key, len(self))]

    def __setitem__(self, key: Any, new: Any) -> None:
        data = self._untyped_storage._read(self.dtype.numpy).copy()
        data[key if isinstance(key, slice) else _within(key, len(self))] = new
        self._untyped_storage._write(data, self.dtype.numpy)

    def fill_(self, new: Any) -> "TypedStorage":
        """Every element one number."""
        self[:] = new
        return self

    def clone(self) -> "TypedStorage":
        """A copy with its own memory."""
        return TypedStorage(wrap_storage=self._untyped_storage.clone(), dtype=self.dtype)

    def copy_(self, source: Any, non_blocking: bool | None = None) -> "TypedStorage":
        """The bytes of another. Raises RuntimeError for another size."""
        self._untyped_storage.copy_(source)
        return self

    def __repr__(self) -> str:
        data = "".join(f" {x}\n" for x in self.tolist())
        return (
            f"{data}[torch.storage.TypedStorage(dtype={self.dtype}, device={self.device}) of size "
            f"{len(self)}]"
        )


for _cls in (UntypedStorage, TypedStorage):
    _cls.__module__ = "torch.storage"


def _untyped(x: Any) -> UntypedStorage:
    return x._untyped_storage if isinstance(x, TypedStorage) else x


# --- of tensors -----------------------------------------------------------------------------------


@op(function=False)
def untyped_storage(input: Tensor) -> UntypedStorage:
    """The bytes of the memory that the tensor shows."""
    return UntypedStorage._of(input._share())


@op(function=False)
def storage(input: Tensor) -> TypedStorage:
    """The elements of the memory that the tensor shows."""
    return TypedStorage(wrap_storage=untyped_storage(input), dtype=input.dtype)


@op(function=False)
def is_set_to(input: Tensor, tensor: Tensor) -> bool:
    """Whether two tensors show the same memory in the same way."""
    return (
        input._share() is tensor._share()
        and input._offset == tensor._offset
        and input._node.shape == tensor._node.shape
        and input._stride() == tensor._stride()
    )


@op(function=False)
def set_(
    input: Tensor, source: Any = None, storage_offset: int = 0, size: Any = None, stride: Any = None
) -> Tensor:
    """Let the tensor show the memory of another tensor, or a storage. Raises RuntimeError for
    another dtype.
    """
    if source is None:
        source = filled((0,), 0, input.dtype, input.device)
    if isinstance(source, Tensor):
        if source.dtype is not input.dtype:
            raise RuntimeError(
                f"Could not set tensor of type {_C.get(source.dtype, source.dtype)} to a tensor of "
                f"type {_C.get(input.dtype, input.dtype)}"
            )
        stor = source._share()
        source._read()
        if size is None:
            become(input, source)
            return input
        source = UntypedStorage._of(stor)
    become(input, over(_untyped(source), input.dtype, storage_offset, size, stride))
    return input


_C = {_dtypes.float32: "float", _dtypes.float64: "double", _dtypes.int64: "long int",
      _dtypes.int32: "int", _dtypes.bool_: "bool", _dtypes.float16: "c10::Half"}  # fmt: skip


def over(bytes_: UntypedStorage, of: dtype, offset: int, size: Any, stride: Any) -> Tensor:
    """A tensor that shows a storage."""
    stor, number = bytes_._stor, of.numpy
    shape = (bytes_.nbytes() // of.itemsize,) if size is None else tuple(size)
    strides = contiguous(shape) if stride is None else tuple(stride)
    steps = strided_steps(stor, number, shape, strides, offset)
    out = wrap(stor.shown(steps), of, normal(shape, strides))
    out._stor, out._steps, out._seen, out._offset = stor, steps, stor.stamp, offset
    return out
