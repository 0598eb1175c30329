"""Restoring checkpoints: what the pickle of one may build, and where its tensors' bytes are.

What enters: files, a face's `Tensors`, names that the user vouches for. What leaves: objects that
are tensors and plain containers and nothing else. What a file says of sizes, places and types is
checked before anything is made of it. It must not know class Tensor, nor where a device is.
"""

import codecs
import io
import struct
import sys
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping
from functools import partial
from math import prod
from pickle import UnpicklingError
from reprlib import repr as brief
from types import MethodType
from typing import IO, Any, NamedTuple

import numpy as np

from ._checkpoint import DTYPES, MAGIC, PROTOCOL, UNTYPED, Tensors
from ._pickle import NO_RULES, Rules, Survey, Unpickler, bounded, hashable
from ._zip import Buffer, Reader, fill

__all__ = ["Allowed", "Place", "load_legacy", "load_zip", "survey"]

LARGEST = 2**63 - 1
SLACK = 10_000  # entries
_COPIED = (str, bytes, list, tuple, dict)


class StorageType(NamedTuple):
    """What stands in a file for a class of storages."""

    dtype: str


class _Id(NamedTuple):
    """A storage's id, checked."""

    dtype: str
    key: str
    location: str
    nbytes: int


def _checked(condition: object, text: str) -> None:
    if not condition:
        raise UnpicklingError(text)


def _id(found: tuple[Any, ...]) -> _Id:
    """A storage's id, from a pickle or a survey of one. Raises UnpicklingError."""
    _checked(len(found) in (5, 6), f"a storage's id has 5 or 6 entries, not {len(found)}")
    _, kind, key, location, numel, *view = found
    if type(kind) is str:
        kind = _STORAGES.get(kind)
    _checked(type(kind) is StorageType, "a storage's id names no class of storages")
    _checked(type(key) is str and type(location) is str, "a storage's key or place is no string")
    _checked(_is_count(numel), "a storage's size is no number of elements")
    _checked(view in ([], [None]), "views of storages are not supported")
    nbytes = numel * DTYPES[kind.dtype][0]
    _checked(nbytes <= LARGEST, f"a storage of {nbytes} bytes")
    return _Id(kind.dtype, key, location, nbytes)


_STORAGES = {
    f"{module}.{kind}": StorageType(dtype)
    for dtype, (_, kind) in DTYPES.items()
    for module in ("torch", "torch.cuda")
    if kind
} | {UNTYPED: StorageType("uint8")}


def _is_count(n: Any) -> bool:
    return type(n) is int and 0 <= n <= LARGEST


def _are_counts(values: Any) -> bool:
    return isinstance(values, tuple) and all(map(_is_count, values))


Fetch = Callable[[_Id], Buffer]
Place = Callable[[Any, str], Any]
Allowed = Mapping[str, Any]


class _Loader:
    """What a checkpoint's pickle may build, over bytes that `fetch` gives."""

    def __init__(self, tensors: Tensors, fetch: Fetch, place: Place) -> None:
        self.tensors = tensors
        self.fetch = fetch
        self.place = place
        self.swapped = False  # whether the bytes are in the other order than this machine's
        self.copies = 0  # entries that may yet be copied from one container to another
        self.storages: dict[str, tuple[_Id, Any]] = {}  # key -> what it was at first, S
        self.typed: dict[int, tuple[Any, _Id, Any]] = {}  # id of a saved storage -> it, its id, S
        self.rebuilds: dict[str, Callable[..., Any]] = {
            "torch._utils._rebuild_tensor": self.tensor,
            "torch._utils._rebuild_tensor_v2": self.tensor,
            "torch._utils._rebuild_tensor_v3": self.tensor_of,
            "torch._utils._rebuild_parameter": self.parameter,
            "torch._utils._rebuild_parameter_with_state": self.parameter,
        }

    def persistent(self, found: tuple[Any, ...]) -> Any:
        """What users get for a storage, which is made when it is first referred to."""
        key = _id(found)
        if key.key not in self.storages:
            storage = self.tensors.storage(self._data(key), key.dtype)
            self.storages[key.key] = key, self.place(storage, key.location)
        first, storage = self.storages[key.key]
        same = key == first or key.nbytes == first.nbytes == 0
        _checked(same, f"storage {key.key} is referred to as two different ones")
        value = self.tensors.typed(storage, key.dtype)
        self.typed[id(value)] = value, key, storage
        return value

    def _data(self, key: _Id) -> Buffer:
        data = self.fetch(key)
        if self.swapped:
            itemsize = DTYPES[key.dtype][0]
            unit = itemsize // 2 if key.dtype.startswith("complex") else itemsize
            data = data.view(f"u{unit}").byteswap().view(np.uint8)
        return data

    def load(self, source: bounded, allowed: Allowed) -> Any:
        """The value of the pickle that follows. Raises UnpicklingError, RuntimeError."""
        self.copies = source.left()
        return Unpickler(source, self.rules(allowed), self.persistent).load()

    def _called(self, path: str, call: Callable[..., Any], *args: Any) -> Any:
        """A call by a pickle of what it may call. Raises UnpicklingError for wrong arguments.

        What an honest pickle makes a container of has a byte for each entry. A hostile one makes
        many of the same.
        """
        self.copies -= sum(len(arg) for arg in args if type(arg) in _COPIED)
        _checked(self.copies >= -SLACK, "the pickle makes more containers than it has content for")
        try:
            return call(*args)
        except (TypeError, ValueError, OverflowError) as error:
            raise UnpicklingError(f"{path}: {error}") from error

    def rules(self, allowed: Allowed) -> Rules:
        """The names that a pickle may have: these, and those that the user vouches for."""
        rules = Rules({}, {}, {}, {})
        for path, value in allowed.items():
            _allow(rules, path, value)
        for path, value in {**_STORAGES, **self.tensors.constants}.items():
            rules.names[path] = value
        for path, (value, call) in self._functions().items():
            rules.names[path] = value
            rules.calls[id(value)] = partial(self._called, path, call)
        rules.makes[id(OrderedDict)] = _ordered
        rules.states[OrderedDict] = _set_attributes
        return rules

    def _functions(self) -> dict[str, tuple[Any, Callable[..., Any]]]:
        """What may be called: a name, what it stands for, what a call of it does."""
        found: dict[str, tuple[Any, Callable[..., Any]]] = dict(_CONTAINERS)
        for path, call in _CLASSES.items():
            if path in self.tensors.constants:
                cls = self.tensors.constants[path]
                found[path] = cls, partial(call, cls)
        for path, rebuild in self.rebuilds.items():
            found[path] = rebuild, rebuild
        found["torch._tensor._rebuild_from_type_v2"] = self.restored, self.restored
        return found

    def tensor(self, storage: Any, offset: Any, size: Any, stride: Any, requires_grad: Any = False,
               hooks: Any = None, metadata: Any = None) -> Any:  # fmt: skip
        """The tensor of a storage's own dtype."""
        _, key, whole = self._saved(storage)
        return self._view(key, whole, key.dtype, (offset, size, stride, requires_grad), metadata)

    def tensor_of(self, storage: Any, offset: Any, size: Any, stride: Any, requires_grad: Any,
                  hooks: Any, dtype: Any, metadata: Any = None) -> Any:  # fmt: skip
        """The tensor of a dtype over an untyped storage."""
        _, key, whole = self._saved(storage)
        constants = self.tensors.constants
        names = [name for name in DTYPES if constants.get(f"torch.{name}") is dtype]
        _checked(names, f"_rebuild_tensor_v3 got {type(dtype)} for a dtype")
        if self.swapped and DTYPES[names[0]][0] != DTYPES[key.dtype][0]:
            raise RuntimeError(f"untyped storages of {dtype} in another byte order can't be read")
        return self._view(key, whole, names[0], (offset, size, stride, requires_grad), metadata)

    def _saved(self, storage: Any) -> tuple[Any, _Id, Any]:
        _checked(id(storage) in self.typed, f"{type(storage)} is no storage of the checkpoint")
        return self.typed[id(storage)]

    def _view(
        self, key: _Id, storage: Any, dtype: str, view: tuple[Any, ...], metadata: Any
    ) -> Any:
        """A tensor, made when its elements are known to be in the storage. Raises RuntimeError."""
        offset, size, stride, requires_grad = view
        _checked(_is_count(offset), "a tensor's offset is no number of elements")
        _checked(_are_counts(size) and _are_counts(stride), "sizes or strides are no numbers")
        _checked(len(size) == len(stride), f"{len(size)} sizes but {len(stride)} strides")
        _checked(type(requires_grad) is bool, "requires_grad is neither True nor False")
        size, stride = tuple(size), tuple(stride)
        itemsize = DTYPES[dtype][0]
        last = offset + sum((n - 1) * step for n, step in zip(size, stride))
        needed = 0 if 0 in size else (last + 1) * itemsize
        if needed > key.nbytes or prod(size) > LARGEST:
            raise RuntimeError(
                f"setStorage: sizes {list(size)}, strides {list(stride)}, storage offset {offset}, "
                f"and itemsize {itemsize} requiring a storage size of {needed} are out of bounds "
                f"for storage of size {key.nbytes}"
            )
        shown = _metadata(metadata)
        return self.tensors.tensor(storage, dtype, offset, size, stride, requires_grad, shown)

    def parameter(self, data: Any, requires_grad: Any, hooks: Any, state: Any = None) -> Any:
        """The parameter over a tensor, with the attributes that it had."""
        tensor = self.tensors.constants["torch.Tensor"]
        _checked(isinstance(data, tensor), f"a parameter's data is {type(data)}")
        _checked(type(requires_grad) is bool, "requires_grad is neither True nor False")
        made = self.tensors.parameter(data, requires_grad)
        return self.tensors.restored(made, type(made), _state(state)) if state else made

    def restored(self, function: Any, cls: Any, args: Any, state: Any) -> Any:
        """A tensor of a class, with the attributes that it had."""
        tensor = self.tensors.constants["torch.Tensor"]
        rebuilds = isinstance(function, MethodType) and function in self.rebuilds.values()
        _checked(rebuilds, f"{brief(function)} rebuilds no tensor")
        _checked(type(args) is tuple, f"arguments are to be a tuple, but got {type(args)}")
        _checked(isinstance(cls, type) and issubclass(cls, tensor), f"{brief(cls)} is no Tensor")
        return self.tensors.restored(function(*args), cls, _state(state))


def _metadata(given: Any) -> dict[str, bool]:
    if given is None:
        return {}
    _checked(
        type(given) is dict and all(k in ("conj", "neg") and type(given[k]) is bool for k in given),
        "a tensor's metadata is other than {'conj': True, 'neg': True}",
    )
    return given  # type: ignore[no-any-return]


def _state(given: Any) -> dict[str, Any]:
    """Attributes for a tensor or a dictionary: none of those that Python itself looks at."""
    _checked(type(given) is dict, f"attributes are to be a dict, but got {type(given)}")
    for name in given:
        fine = type(name) is str and not name.startswith("__")
        _checked(fine, f"attribute {brief(name)} is refused")
    return given  # type: ignore[no-any-return]


def _set_attributes(target: Any, state: Any) -> None:
    vars(target).update(_state(state))


def _set_state(target: Any, state: Any) -> None:
    """Give an object of a class that the user vouches for its state, as pickle does."""
    if hasattr(target, "__setstate__"):
        target.__setstate__(state)
        return
    attributes, slots = state if type(state) is tuple and len(state) == 2 else (state, None)
    vars(target).update(attributes or {})
    for name, value in (slots or {}).items():
        setattr(target, name, value)


def _allow(rules: Rules, path: str, value: Any) -> None:
    """Add a name that the user vouches for."""
    rules.names[path] = value
    if callable(value):
        rules.calls[id(value)] = value
    if isinstance(value, type):
        rules.makes[id(value)] = partial(value.__new__, value)
        rules.states[value] = _set_state


def _ordered(pairs: Any = ()) -> OrderedDict[Any, Any]:
    _checked(type(pairs) in (list, tuple), f"an OrderedDict of {type(pairs)}")
    _checked(all(type(p) in (list, tuple) and len(p) == 2 for p in pairs), "items are no pairs")
    return OrderedDict((hashable(key), value) for key, value in pairs)


def _counter(counts: Any = None) -> Counter[Any]:
    _checked(counts is None or type(counts) is dict, f"a Counter of {type(counts)}")
    return Counter(counts)


def _set(values: Any = ()) -> set[Any]:
    _checked(type(values) in (list, tuple), f"a set of {type(values)}")
    return set(map(hashable, values))


def _complex(real: Any, imag: Any = 0.0) -> complex:
    _checked(type(real) in (int, float) and type(imag) in (int, float), "parts are no numbers")
    return complex(real, imag)


def _encode(text: Any, encoding: Any = "utf-8") -> bytes:
    """Bytes, which protocol 2 writes as text: of no codec that may expand what it is given."""
    _checked(type(text) is str, f"bytes of {type(text)}")
    _checked(encoding in ("latin1", "latin-1", "utf-8", "ascii"), f"codec {brief(encoding)}")
    return str.encode(text, encoding)


def _bytearray(data: Any = b"", encoding: Any = "latin-1") -> bytearray:
    return bytearray(data if type(data) is bytes else _encode(data, encoding))


def _size(cls: Any, sizes: Any = ()) -> Any:
    _checked(isinstance(sizes, tuple | list) and all(type(n) is int for n in sizes), "no sizes")
    return cls(sizes)


def _device(cls: Any, kind: Any, *index: Any) -> Any:
    _checked(type(kind) is str and all(type(i) is int for i in index), "no type and index")
    return cls(kind, *index)


# Classes of the face of which objects are made.
_CLASSES: dict[str, Callable[..., Any]] = {"torch.Size": _size, "torch.device": _device}
# Names of what isn't a tensor's: what they stand for, and what a call by a pickle does.
_CONTAINERS: dict[str, tuple[Any, Callable[..., Any]]] = {
    "collections.OrderedDict": (OrderedDict, _ordered),
    "collections.Counter": (Counter, _counter),
    "_codecs.encode": (codecs.encode, _encode),
    "builtins.bytearray": (bytearray, _bytearray),
    "builtins.set": (set, _set),
    "builtins.complex": (complex, _complex),
}


def load_zip(
    tensors: Tensors, archive: Reader, place: Place, allowed: Allowed, whole: Buffer | None,
    byteorder: str,
) -> Any:  # fmt: skip
    """The value of an archive; its storages lie in `whole`, the file mapped into memory, if given.

    `byteorder` is for archives that don't say theirs. Raises UnpicklingError for what is refused,
    RuntimeError and ValueError for what is corrupt.
    """

    def fetch(key: _Id) -> Buffer:
        name = f"data/{key.key}"
        if whole is None:
            return archive.array(name, key.nbytes)
        return archive.mapped(name, key.nbytes, whole)

    if "byteorder" in archive:
        byteorder = archive.bytes("byteorder").decode("latin1")
    if byteorder not in ("little", "big"):
        raise ValueError(f"Unknown endianness type: {byteorder}")
    data = bounded(io.BytesIO(archive.bytes("data.pkl")))
    loader = _Loader(tensors, fetch, place)
    loader.swapped = byteorder != sys.byteorder
    return loader.load(data, allowed)


def load_legacy(tensors: Tensors, file: IO[bytes], place: Place, allowed: Allowed) -> Any:
    """The value of a file in the format from before PyTorch 1.6, which is read to its end.

    The pickle comes before the bytes that it refers to: it is surveyed first, and built when they
    have been read. Raises UnpicklingError, RuntimeError, EOFError.
    """
    source = bounded(file)
    _check_head(source)
    start = file.tell()
    noted = Survey(source)
    noted.load()
    storages = _read_storages(source, {key.key: key for key in map(_id, noted.storages)})
    end = file.tell()
    file.seek(start)
    loader = _Loader(tensors, lambda key: _found(storages, key), place)
    loader.swapped = sys.byteorder == "big"
    value = loader.load(source, allowed)
    file.seek(end)
    return value


def _check_head(source: bounded) -> None:
    """Read what comes before the pickle. Raises RuntimeError where it isn't as it is to be."""
    if Unpickler(source, NO_RULES).load() != MAGIC:
        raise RuntimeError("Invalid magic number; corrupt file?")
    protocol = Unpickler(source, NO_RULES).load()
    if protocol != PROTOCOL:
        raise RuntimeError(f"Invalid protocol version: {brief(protocol)}")
    Unpickler(source, NO_RULES).load()


def _read_storages(source: bounded, known: Mapping[str, _Id]) -> dict[str, Buffer]:
    """The bytes of storages by key. Raises RuntimeError where the file has others."""
    keys = Unpickler(source, NO_RULES).load()
    if type(keys) is not list or not all(type(key) is str and key in known for key in keys):
        raise RuntimeError("the file's storages are not those that its tensors refer to")
    found = {}
    for key in keys:
        (numel,) = struct.unpack("<q", source.read(8))
        nbytes, itemsize = known[key].nbytes, DTYPES[known[key].dtype][0]
        if numel * itemsize != nbytes:
            raise RuntimeError(
                f"storage has wrong byte size: expected {nbytes} got {numel * itemsize}"
            )
        if nbytes > source.left():
            raise RuntimeError(
                f"unexpected EOF, expected {nbytes - source.left()} more bytes. The file might be "
                "corrupted."
            )
        found[key] = np.empty(nbytes, np.uint8)
        fill(found[key], source.file)
    return found


def _found(storages: Mapping[str, Buffer], key: _Id) -> Buffer:
    if key.key not in storages:
        raise RuntimeError(f"the file has no storage {key.key}")
    return storages[key.key]


def survey(file: IO[bytes], archive: Reader | None) -> set[str]:
    """The names in a checkpoint's pickle, of which nothing is built."""
    if archive is not None:
        noted = Survey(bounded(io.BytesIO(archive.bytes("data.pkl"))))
    else:
        noted = Survey(bounded(file))
        _check_head(noted.file)
    noted.load()
    return noted.names


def known_names(tensors: Tensors) -> set[str]:
    """The names that any checkpoint may have: at most 60 for PyTorch's usual dtypes."""
    return set(_Loader(tensors, _no_bytes, lambda storage, _: storage).rules({}).names)


def _no_bytes(key: _Id) -> Buffer:
    raise UnpicklingError(f"storage {key.key} has no bytes")
