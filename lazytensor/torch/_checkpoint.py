"""Checkpoints: what a face says of its tensors, and how PyTorch's two file formats are written.

What enters: objects, a face's `Tensors`. What leaves: bytes that PyTorch reads. It must not know
class Tensor, nor where a device is.
"""

import pickle
import struct
import sys
import warnings
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from ._pickle import Name, Persistent, dumps
from ._zip import ALIGNMENT, Buffer, Writer

__all__ = ["StorageSpec", "TensorSpec", "Tensors", "save_legacy", "save_zip"]

MAGIC = 0x1950A86A20F9469CFC6C
PROTOCOL = 1001
# Bytes of an element, and the class of storages that stands for the dtype in a file; dtypes that
# came later are written with an untyped storage.
DTYPES: dict[str, tuple[int, str]] = {
    "float64": (8, "DoubleStorage"), "float32": (4, "FloatStorage"), "float16": (2, "HalfStorage"),
    "int64": (8, "LongStorage"), "int32": (4, "IntStorage"), "int16": (2, "ShortStorage"),
    "int8": (1, "CharStorage"), "uint8": (1, "ByteStorage"), "bool": (1, "BoolStorage"),
    "bfloat16": (2, "BFloat16Storage"), "complex128": (16, "ComplexDoubleStorage"),
    "complex64": (8, "ComplexFloatStorage"),
    "uint16": (2, ""), "uint32": (4, ""), "uint64": (8, ""), "complex32": (4, ""),
    "float8_e5m2": (1, ""), "float8_e4m3fn": (1, ""), "float8_e5m2fnuz": (1, ""),
    "float8_e4m3fnuz": (1, ""), "float8_e8m0fnu": (1, ""),
}  # fmt: skip
UNTYPED = "torch.storage.UntypedStorage"


class StorageSpec(NamedTuple):
    """A storage as it is written. `dtype` is that of a typed storage's elements, else "uint8"."""

    identity: Hashable  # equal for all that share this memory
    nbytes: int
    read: Callable[[], Buffer]  # its bytes, along one axis
    dtype: str = ""  # "" for an untyped storage
    location: str = "cpu"


class TensorSpec(NamedTuple):
    """A tensor as it is written: which elements of a storage it shows, and what else it is."""

    storage: StorageSpec
    dtype: str
    offset: int
    size: tuple[int, ...]
    stride: tuple[int, ...]
    requires_grad: bool = False
    parameter: bool = False
    metadata: dict[str, bool] | None = None  # {"conj": True}, {"neg": True} or both
    subclass: type | None = None
    state: dict[str, Any] | None = None  # attributes that users gave it
    hooks: Sequence[Any] = ()  # backward hooks, of which the user is warned


Spec = TensorSpec | StorageSpec | Name | tuple[Name, tuple[Any, ...]]


class Tensors(Protocol):
    """What a face does with its tensors. `S` below is whatever the face has for a storage."""

    # What these names stand for, as far as the face has them: "torch.float32" and the other dtypes,
    # "torch.Size", "torch.device", "torch.Tensor", "torch.nn.parameter.Parameter".
    constants: Mapping[str, Any]

    def describe(self, value: object) -> Spec | None:
        """How an object is written: None for Python's own way, a `Name` for a constant."""

    def storage(self, data: Buffer, dtype: str) -> Any:
        """An S on the CPU over these bytes, in which elements are most likely of the dtype."""

    def place(self, storage: Any, location: str) -> Any:
        """The S at a location such as "cuda:1" or "meta", None where the face has no such place."""

    def typed(self, storage: Any, dtype: str) -> Any:
        """What users get for an S that was saved itself."""

    def tensor(
        self,
        storage: Any,
        dtype: str,
        offset: int,
        size: tuple[int, ...],
        stride: tuple[int, ...],
        requires_grad: bool,
        metadata: dict[str, bool],
    ) -> Any:
        """The tensor that shows these elements of an S, which are known to be within it."""

    def parameter(self, tensor: Any, requires_grad: bool) -> Any:
        """The parameter over a tensor."""

    def restored(self, tensor: Any, subclass: type, state: dict[str, Any]) -> Any:
        """The tensor as one of the class, with the attributes."""


class _Saver:
    """Numbers the storages that a pickle refers to."""

    def __init__(self, tensors: Tensors, *, views: tuple[Any, ...] = ()) -> None:
        self.tensors = tensors
        self.views = views  # what the legacy format has after a storage's size
        self.keys: dict[Hashable, str] = {}
        self.dtypes: dict[Hashable, str] = {}
        self.storages: dict[str, StorageSpec] = {}

    def describe(self, value: object) -> Any:
        """What the pickler is to write for an object."""
        spec = value if type(value) is TensorSpec else self.tensors.describe(value)
        if type(spec) is TensorSpec:
            return self._tensor(spec)
        if type(spec) is StorageSpec:
            return self._storage(spec)
        return spec

    def _storage(self, spec: StorageSpec) -> Persistent:
        dtype = spec.dtype or "uint8"
        known = self.dtypes.setdefault(spec.identity, dtype) if spec.nbytes else dtype
        if known != dtype:
            raise RuntimeError(
                "Cannot save multiple tensors or storages that view the same data as different "
                "types"
            )
        key = self.keys.setdefault(spec.identity, str(len(self.keys)))
        self.storages[key] = spec
        itemsize, kind = DTYPES[dtype]
        name = Name.of(f"torch.{kind}" if spec.dtype and kind else UNTYPED)
        where = sys.intern(spec.location)
        return Persistent(("storage", name, key, where, spec.nbytes // itemsize, *self.views))

    def _tensor(self, spec: TensorSpec) -> Any:
        _warn_of_hooks(spec.hooks)
        if spec.parameter:
            return _parameter(spec)
        typed = bool(DTYPES[spec.dtype][1])
        args: tuple[Any, ...] = (
            self._storage(spec.storage._replace(dtype=spec.dtype if typed else "")),
            spec.offset, spec.size, spec.stride, spec.requires_grad, OrderedDict(),
        )  # fmt: skip
        if not typed:
            args += (Name.of(f"torch.{spec.dtype}"),)
        if spec.metadata:
            args += (spec.metadata,)
        name = Name.of(f"torch._utils._rebuild_tensor_{'v2' if typed else 'v3'}")
        if not (spec.state or spec.subclass):
            return name, args
        cls = spec.subclass or Name.of("torch.Tensor")
        return Name.of("torch._tensor._rebuild_from_type_v2"), (name, cls, args, spec.state or {})


def _parameter(spec: TensorSpec) -> Any:
    data = spec._replace(parameter=False, requires_grad=False, subclass=None, state=None, hooks=())
    hooks: dict[str, Any] = OrderedDict()
    args = (data, spec.requires_grad, hooks)
    if spec.state:
        return Name.of("torch._utils._rebuild_parameter_with_state"), (*args, spec.state)
    return Name.of("torch._utils._rebuild_parameter"), args


def _warn_of_hooks(hooks: Sequence[Any]) -> None:
    for hook in hooks:
        if not getattr(hook, "__torch_unserializable__", False):
            warnings.warn(
                f"backward hook {hook!r} on tensor will not be serialized.  If this is expected, "
                "you can decorate the function with @torch.utils.hooks.unserializable_hook to "
                "suppress this warning",
                stacklevel=2,
            )


def _bytes(spec: StorageSpec) -> Buffer:
    """A storage's bytes. Raises RuntimeError where there are not as many as it said."""
    data = spec.read()
    if data.nbytes != spec.nbytes:
        raise RuntimeError(f"a storage of {spec.nbytes} bytes gave {data.nbytes}")
    return np.ascontiguousarray(data).reshape(-1).view(np.uint8)


Write = Callable[[Any], Any]


def save_zip(
    tensors: Tensors, value: object, protocol: int, byteorder: bool
) -> Callable[[Write, str], None]:
    """What writes a value's archive, given a file's `write` and the archive's name.

    The pickle is made here, so that what can't be pickled is refused before a file is opened.
    """
    saver = _Saver(tensors)
    data = dumps(value, protocol, saver.describe)

    def write(put: Write, name: str) -> None:
        archive = Writer(put, name)
        archive.record("data.pkl", data)
        archive.record(".format_version", b"1")
        archive.record(".storage_alignment", str(ALIGNMENT).encode())
        if byteorder:
            archive.record("byteorder", sys.byteorder.encode())
        for key, spec in saver.storages.items():
            archive.record(f"data/{key}", _bytes(spec))
        archive.close()

    return write


def save_legacy(tensors: Tensors, value: object, protocol: int) -> Callable[[Write], None]:
    """What writes a value in the format from before PyTorch 1.6: pickles, then storages."""
    saver = _Saver(tensors, views=(None,))
    system = {
        "protocol_version": PROTOCOL,
        "little_endian": sys.byteorder == "little",
        "type_sizes": {"short": 2, "int": 4, "long": 4},
    }
    head = b"".join(pickle.dumps(part, protocol) for part in (MAGIC, PROTOCOL, system))
    head += dumps(value, protocol, saver.describe)
    keys = sorted(saver.storages)

    def write(put: Write) -> None:
        put(head + pickle.dumps(keys, protocol))
        for key in keys:
            spec = saver.storages[key]
            put(struct.pack("<q", spec.nbytes // DTYPES[spec.dtype or "uint8"][0]))
            put(_bytes(spec).data)

    return write
