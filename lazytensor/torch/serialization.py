"""torch.save and torch.load: PyTorch's files, and nothing but tensors and plain containers in them.

What enters: objects, paths and files, in PyTorch's signatures. What leaves: files, objects, errors
in PyTorch's words. A face is connected once: `connect(tensors)`. Whatever `weights_only` says,
nothing that a file names is run but what the user vouched for by `add_safe_globals`. It must not
know class Tensor.
"""

import io
import os
import pickle
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from enum import Enum
from pickle import UnpicklingError
from typing import IO, Any

import numpy as np

from ._checkpoint import Tensors, save_legacy, save_zip
from ._restore import Allowed, Place, known_names, load_legacy, load_zip, survey
from ._zip import Reader

__all__ = ["LoadEndianness", "add_safe_globals", "clear_safe_globals",
           "get_default_load_endianness", "get_safe_globals", "get_unsafe_globals_in_checkpoint",
           "load", "safe_globals", "save", "set_default_load_endianness"]  # fmt: skip

DEFAULT_PROTOCOL = 2
Path = str | os.PathLike[str]
File = Path | IO[bytes]
Global = Callable[..., Any] | tuple[Callable[..., Any], str]


class LoadEndianness(Enum):
    """The byte order of archives that don't say theirs."""

    NATIVE = 1
    LITTLE = 2
    BIG = 3


class _State:
    """The face that tensors are of; what the user vouches for; the byte order to assume."""

    tensors: Tensors | None = None
    safe: frozenset[Global] = frozenset()
    byteorder: LoadEndianness | None = None


def connect(tensors: Tensors) -> None:
    """Let what `save` takes and `load` gives be tensors of this face."""
    _State.tensors = tensors


def _tensors() -> Tensors:
    if _State.tensors is None:  # the package connects its own face when this part is first named
        getattr(sys.modules.get(__package__), "_files", None)
    if _State.tensors is None:
        raise RuntimeError("no face is connected: import lazytensor.torch")
    return _State.tensors


def set_default_load_endianness(endianness: LoadEndianness | None) -> None:
    """The byte order of archives that don't say theirs. Raises TypeError."""
    if not isinstance(endianness, LoadEndianness) and endianness is not None:
        raise TypeError("Invalid argument type in function set_default_load_endianness")
    _State.byteorder = endianness


def get_default_load_endianness() -> LoadEndianness | None:
    """The byte order of archives that don't say theirs; None for little-endian."""
    return _State.byteorder


def add_safe_globals(safe_globals: list[Global]) -> None:
    """Let files name these functions and classes, or (function, "dotted.name") pairs."""
    _State.safe |= frozenset(safe_globals)


def get_safe_globals() -> list[Global]:
    """What files may name besides tensors and plain containers."""
    return list(_State.safe)


def clear_safe_globals() -> None:
    """Let files name tensors and plain containers only."""
    _State.safe = frozenset()


class safe_globals:
    """A context in which files may name these functions and classes."""

    def __init__(self, safe_globals: list[Global]) -> None:
        self.safe_globals = safe_globals

    def __enter__(self) -> None:
        add_safe_globals(self.safe_globals)

    def __exit__(self, *exception: object) -> None:
        _State.safe -= frozenset(self.safe_globals)


def _allowed() -> Allowed:
    """What the user vouches for, by dotted name. Raises ValueError, TypeError for a bad pair."""
    found = {}
    for entry in _State.safe:
        if not isinstance(entry, tuple):
            found[f"{entry.__module__}.{entry.__qualname__}"] = entry
            continue
        if len(entry) != 2:
            raise ValueError(
                "Expected tuple of length 2 (global, str of callable full path), but got tuple of "
                f"length: {len(entry)}"
            )
        if type(entry[1]) is not str:
            raise TypeError(
                "Expected second item in tuple to be str of callable full path, but got: "
                f"{type(entry[1])}"
            )
        found[entry[1]] = entry[0]
    return found


def save(
    obj: object,
    f: File,
    pickle_module: Any = pickle,
    pickle_protocol: int = DEFAULT_PROTOCOL,
    _use_new_zipfile_serialization: bool = True,
    _disable_byteorder_record: bool = False,
) -> None:
    """Write an object to a path or a file with `write`, as PyTorch's archive or its older format.

    What can't be pickled is refused before a file is opened. Raises AttributeError, RuntimeError,
    NotImplementedError for pickle modules other than Python's.
    """
    if pickle_module is not pickle and pickle_module is not None:
        raise NotImplementedError(f"torch.save with pickle_module={pickle_module!r}")
    if not isinstance(f, str | os.PathLike) and not hasattr(f, "write"):
        raise AttributeError(
            "expected 'f' to be string, path, or a file-like object with a 'write' attribute"
        )
    if _use_new_zipfile_serialization:
        order = not _disable_byteorder_record
        put = save_zip(_tensors(), obj, pickle_protocol, order)
        name = _archive_name(f)
        with _opened_to_write(f) as file:
            put(file.write, name)
    else:
        put_legacy = save_legacy(_tensors(), obj, pickle_protocol)
        with _opened_to_write(f) as file:
            put_legacy(file.write)


def _archive_name(f: File) -> str:
    """The folder in an archive: the file's name without what follows its last dot."""
    if not isinstance(f, str | os.PathLike):
        return "archive"
    path = os.fspath(f)
    if not path.isascii():
        return "archive"
    base = path.replace("\\", "/").rpartition("/")[2]
    name = base.rpartition(".")[0] if "." in base else base
    if not name:
        raise RuntimeError(f"invalid file name: {path}")
    return name


@contextmanager
def _opened_to_write(f: File) -> Iterator[IO[bytes]]:
    if not isinstance(f, str | os.PathLike):
        yield f
        if hasattr(f, "flush"):
            f.flush()
        return
    folder = os.path.dirname(os.fspath(f))
    if folder and not os.path.isdir(folder):
        raise RuntimeError(f"Parent directory {folder} does not exist.")
    if os.path.isdir(f):
        raise RuntimeError(f"open file failed with strerror: Is a directory: {os.fspath(f)}")
    with open(f, "wb") as file:
        yield file


def load(
    f: File,
    map_location: Any = None,
    pickle_module: Any = None,
    *,
    weights_only: bool | None = None,
    mmap: bool | None = None,
    **pickle_load_args: Any,
) -> Any:
    """Read what `save` or PyTorch's wrote: tensors, plain containers, what the user vouches for.

    `map_location` is None, a device, its name, a dict of names, or a function of a storage and its
    place's name. `mmap=True` leaves the tensors' bytes in the file until they are read. Raises
    UnpicklingError that names what is refused, RuntimeError for what is corrupt, EOFError,
    ValueError; FileNotFoundError and others of Python's.
    """
    _check_arguments(f, pickle_module, weights_only, pickle_load_args)
    place = _placing(_tensors(), map_location)
    try:
        with _opened_to_read(f) as file:
            return _loaded(f, file, place, bool(mmap))
    except UnpicklingError as error:
        raise UnpicklingError(_explained(str(error))) from None


def _check_arguments(
    f: File, pickle_module: Any, weights_only: bool | None, others: Mapping[str, Any]
) -> None:
    """Refuse what would have another pickle module run, and arguments that `load` hasn't."""
    if pickle_module is not None and weights_only:
        raise RuntimeError("Can not safely load weights when explicit pickle_module is specified")
    if pickle_module is not None and pickle_module is not pickle:
        raise NotImplementedError(f"torch.load with pickle_module={pickle_module!r}")
    for name in sorted(set(others) - {"encoding", "errors", "fix_imports"}):
        raise TypeError(f"load() got an unexpected keyword argument '{name}'")
    if isinstance(f, str | os.PathLike) and os.fspath(f).endswith(".safetensors"):
        raise NotImplementedError("torch.load of .safetensors: see safetensors.torch.load_file")


def _loaded(f: File, file: IO[bytes], place: Place, mmap: bool) -> Any:
    archive = _archive(file)
    if archive is None:
        if mmap:
            name = f"{f}, " if isinstance(f, str) else ""
            raise RuntimeError(
                f"mmap can only be used with files saved with `torch.save({name}"
                "_use_new_zipfile_serialization=True), please torch.save your checkpoint with "
                "this option in order to use mmap."
            )
        return load_legacy(_tensors(), file, place, _allowed())
    whole = None
    if mmap:
        if not isinstance(f, str | os.PathLike):
            raise ValueError("f must be a file path in order to use the mmap argument")
        whole = np.asarray(np.memmap(f, np.uint8, "c"))
    order = {LoadEndianness.BIG: "big", LoadEndianness.NATIVE: sys.byteorder}
    assumed = order.get(_State.byteorder, "little") if _State.byteorder else "little"
    return load_zip(_tensors(), archive, place, _allowed(), whole, assumed)


def _archive(file: IO[bytes]) -> Reader | None:
    """The file's archive, None for the older format. Raises RuntimeError for what neither is."""
    start = file.tell()
    head = file.read(512)
    file.seek(start)
    if head[257:262] == b"ustar":
        raise RuntimeError(
            "Cannot use ``weights_only=True`` with files saved in the legacy .tar format."
        )
    if head[:4] != b"PK\x03\x04":
        return None
    archive = Reader(file)
    if "constants.pkl" in archive:
        raise RuntimeError(
            "Cannot use ``weights_only=True`` with TorchScript archives passed to ``torch.load``."
        )
    return archive


@contextmanager
def _opened_to_read(f: File) -> Iterator[IO[bytes]]:
    if isinstance(f, str | os.PathLike):
        with open(f, "rb") as file:
            yield file
        return
    try:
        f.seek(f.tell())
    except (io.UnsupportedOperation, AttributeError) as error:
        raise type(error)(
            f"{error}. You can only torch.load from a file that is seekable. Please pre-load the "
            "data into a buffer like io.BytesIO and try to load from it instead."
        ) from None
    yield f


def _placing(tensors: Tensors, map_location: Any) -> Place:
    """What takes a storage on the CPU to where `map_location` says."""

    def default(storage: Any, location: str) -> Any:
        found = storage if location == "cpu" else tensors.place(storage, location)
        return found if found is not None else _no_place(location)

    if map_location is None:
        return default
    if isinstance(map_location, Mapping):
        return lambda storage, location: default(storage, map_location.get(location, location))
    if callable(map_location):

        def chosen(storage: Any, location: str) -> Any:
            found = map_location(storage, location)
            return default(storage, location) if found is None else found

        return chosen
    name = map_location.decode() if isinstance(map_location, bytes) else str(map_location)
    return lambda storage, location: default(storage, name)


def _no_place(location: str) -> Any:
    if location.startswith("cuda"):
        raise RuntimeError(
            "Attempting to deserialize object on a CUDA device but torch.cuda.is_available() is "
            "False. If you are running on a CPU-only machine, please use torch.load with "
            "map_location=torch.device('cpu') to map your storages to the CPU."
        )
    raise RuntimeError(
        "don't know how to restore data location of torch.storage.UntypedStorage (tagged with "
        f"{location})"
    )


def _explained(text: str) -> str:
    """The refusal of a pickle, with what the user can do about it."""
    return (
        "Weights only load failed. Only tensors, plain containers, and what you vouch for by "
        "`torch.serialization.add_safe_globals` are ever loaded; weights_only=False doesn't change "
        f"that.\n\tWeightsUnpickler error: {text}"
    )


def get_unsafe_globals_in_checkpoint(f: File) -> list[str]:
    """The names in a file that `load` would refuse; nothing is loaded. Raises as `load` does."""
    with _opened_to_read(f) as file:
        names = survey(file, _archive(file))
    return sorted(names - known_names(_tensors()) - set(_allowed()))
