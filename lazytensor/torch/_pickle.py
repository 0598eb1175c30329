"""Pickles of checkpoints: a writer of names that need not exist here, a reader that runs nothing.

What enters: objects, files. What leaves: bytes, objects. The reader knows the instructions that
PyTorch's own weights-only reader knows; names in a file are keys of a table that its caller gives,
and are never imported. It must not know tensors, nor what any name stands for.
"""

import io
import pickle
import warnings
from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING
from collections import Counter, OrderedDict
from collections.abc import Callable, Hashable, Iterable
from functools import cache
from pickle import UnpicklingError
from reprlib import repr as brief
from struct import unpack
from typing import IO, Any, NamedTuple

__all__ = ["Name", "Persistent", "Rules", "Survey", "Unpickler", "bounded", "dumps", "hashable"]

# Modules of which nothing may be named, whoever vouches for it.
BLOCKED = ("sys", "os", "posix", "nt")
BREADTH = 1_000  # entries of a dictionary's key, those of tuples within it counted each time
LINE = 4_096  # bytes of a module's or a global's name


class Name(NamedTuple):
    """A global by its name, as it is written to a file."""

    module: str
    name: str

    @staticmethod
    @cache
    def of(path: str) -> "Name":
        """The one object for a dotted name: equal names share an entry of the pickle's memo."""
        module, _, name = path.rpartition(".")
        return Name(module, name)


class Persistent(NamedTuple):
    """What stands for a storage in a pickle."""

    id: tuple[Any, ...]


# Types that are themselves in a pickle, which nobody has to be asked about.
_PLAIN = frozenset((type(None), bool, int, float, str, bytes, tuple, list, dict, OrderedDict))
Describe = Callable[[object], "Name | Persistent | tuple[Name, tuple[Any, ...]] | None"]


class _Pickler(pickle._Pickler):
    """A pickler that asks `describe` about what isn't plain."""

    memo: dict[int, tuple[int, Any]]

    def __init__(self, file: IO[bytes], protocol: int, describe: Describe) -> None:
        super().__init__(file, protocol)
        self.describe = describe

    def save(self, value: Any, save_persistent_id: bool = True) -> None:
        """Write an object: this is what a pickler calls for every one."""
        found = None
        if type(value) in (Name, Persistent):
            found = value
        elif type(value) not in _PLAIN:
            found = self.describe(value)
        if found is None:
            super().save(value)  # type: ignore[misc]
        elif type(found) is Persistent:
            self.save_pers(found.id)  # type: ignore[attr-defined]
        elif id(value) in self.memo:
            self.write(self.get(self.memo[id(value)][0]))  # type: ignore[attr-defined]
        else:
            self._save_described(value, found)

    def _save_described(self, value: Any, found: Any) -> None:
        if type(found) is Name:
            self.write(pickle.GLOBAL + f"{found.module}\n{found.name}\n".encode())  # type: ignore[attr-defined]
        else:
            self.save(found[0])
            self.save(found[1])
            self.write(pickle.REDUCE)  # type: ignore[attr-defined]
        self.memoize(value)  # type: ignore[attr-defined]


def dumps(value: object, protocol: int, describe: Describe) -> bytes:
    """The pickle of a value.

    `describe` gives for an object None, a `Name`, a `Persistent`, or (`Name`, arguments).
    """
    file = io.BytesIO()
    _Pickler(file, protocol, describe).dump(value)
    return file.getvalue()


class bounded:
    """A file that never gives fewer bytes than were asked for, nor reserves memory for more."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        start = file.tell()
        self.end = file.seek(0, io.SEEK_END)
        file.seek(start)

    def left(self) -> int:
        """Bytes that are still to be read."""
        return self.end - self.file.tell()

    def read(self, n: int) -> bytes:
        """The next n bytes. Raises UnpicklingError where the file has fewer."""
        data = self.file.read(n) if n < LINE or n <= self.left() else b""
        if len(data) != n:
            raise UnpicklingError("pickle data was truncated")
        return data

    def line(self) -> str:
        """The next line as text. Raises UnpicklingError where it doesn't end."""
        data = self.file.readline(LINE)
        if not data.endswith(b"\n"):
            raise UnpicklingError("pickle data was truncated")
        return str(data[:-1], "utf-8", "replace")


Load = Callable[[Any], Any]


class Rules(NamedTuple):
    """What names stand for, and what may be done with that; all else is refused."""

    names: dict[str, Any]  # a dotted name -> what it stands for
    calls: dict[int, Callable[..., Any]]  # id of that -> what calling it does
    makes: dict[int, Callable[..., Any]]  # id of a class -> what making an object of it does
    states: dict[type, Callable[[Any, Any], None]]  # class -> what giving an object a state does

    def find(self, path: str) -> Any:
        """What a name stands for. Raises UnpicklingError that names what is refused."""
        if path not in self.names:
            path = path.removeprefix("builtins.")
            raise UnpicklingError(
                f"Unsupported global: GLOBAL {path} was not an allowed global by default. Please "
                f"use `torch.serialization.add_safe_globals([{path}])` or the "
                f"`torch.serialization.safe_globals([{path}])` context manager to allowlist this "
                "global if you trust this class/function."
            )
        return self.names[path]


NO_RULES = Rules({}, {}, {}, {})
_MAPPINGS = (dict, OrderedDict, Counter)


def hashable(key: Any) -> Hashable:
    """A dictionary's key or a set's element. Raises UnpicklingError where its hash has no end.

    A few bytes of a pickle can stand for a tuple with 2**60 entries, all of them one object.
    """
    left, seen = [key], 0
    while left:
        entry = left.pop()
        seen += 1
        if isinstance(entry, tuple):
            left.extend(entry[: BREADTH + 1])
        if seen + len(left) > BREADTH:
            raise UnpicklingError(f"a key is a tuple of more than {BREADTH} entries")
    try:
        hash(key)
    except TypeError as error:
        raise UnpicklingError(f"{error}, which a dictionary's key is not to be") from None
    return key  # type: ignore[no-any-return]


def _no_storage(key: Any) -> Any:
    raise UnpicklingError("unsupported persistent id encountered")


class Unpickler:
    """A stack machine over one pickle of a file, which it leaves where that ends.

    `rules` say what names stand for, `persistent` gives what a storage's id stands for.
    """

    def __init__(self, file: bounded, rules: Rules, persistent: Load = _no_storage) -> None:
        self.file = file
        self.rules = rules
        self.persistent = persistent
        self.stack: list[Any] = []
        self.marks: list[list[Any]] = []
        self.memo: dict[int, Any] = {}

    def load(self) -> Any:
        """The value of the pickle. Raises UnpicklingError, EOFError where there is none."""
        if not self.file.left():
            raise EOFError("Ran out of input")
        while True:
            code = self.file.read(1)[0]
            if code == _STOP:
                return self.pop()
            step = _STEPS.get(code)
            if step is None:
                raise UnpicklingError(f"Unsupported operand {code}")
            step(self)

    def pop(self) -> Any:
        """Take the top of the stack."""
        self.top()
        return self.stack.pop()

    def top(self) -> Any:
        """See the top of the stack."""
        if not self.stack:
            raise UnpicklingError("unexpected empty stack")
        return self.stack[-1]

    def push(self, value: Any) -> None:
        """Put a value on the stack."""
        self.stack.append(value)

    def mark(self) -> None:
        """Set what is on the stack aside."""
        self.marks.append(self.stack)
        self.stack = []

    def items(self) -> list[Any]:
        """Take what came after the last mark."""
        if not self.marks:
            raise UnpicklingError("could not find MARK")
        found, self.stack = self.stack, self.marks.pop()
        return found

    def last(self, n: int) -> list[Any]:
        """Take the last n values, in their order."""
        return [self.pop() for _ in range(n)][::-1]

    def number(self, form: str, n: int) -> Any:
        """The next n bytes as a number."""
        return unpack(form, self.file.read(n))[0]

    def text(self, n: int, errors: str) -> str:
        """The next n bytes as a string."""
        try:
            return str(self.file.read(n), "utf-8", errors)
        except UnicodeDecodeError as error:
            raise UnpicklingError(f"a string isn't UTF-8: {error}") from None

    def protocol(self, number: int) -> None:
        """Note the pickle's protocol."""
        if number != 2:
            warnings.warn(
                f"the checkpoint is a pickle of protocol {number}, of which not every instruction "
                "is understood: torch.save writes protocol 2",
                stacklevel=2,
            )

    def get(self, index: int) -> Any:
        """What was noted."""
        if index not in self.memo:
            raise UnpicklingError(f"Memo value not found at index {index}")
        return self.memo[index]

    def put(self, index: int) -> None:
        """Note the top of the stack."""
        self.memo[index] = self.top()

    def path(self) -> str:
        """The dotted name that follows, in Python 3's spelling."""
        module, name = self.file.line(), self.file.line()
        if (module, name) in NAME_MAPPING:
            module, name = NAME_MAPPING[module, name]
        return f"{IMPORT_MAPPING.get(module, module)}.{name}"

    def named(self) -> Any:
        """What the global that follows stands for."""
        path = self.path()
        for module in BLOCKED:
            if path.startswith(module + "."):
                raise UnpicklingError(
                    f"Trying to load unsupported GLOBAL {path} whose module {module} is blocked."
                )
        return self.rules.find(path)

    def append(self, values: Iterable[Any]) -> None:
        """Append to the list on top of the stack."""
        target = self.top()
        if type(target) is not list:
            raise UnpicklingError(f"Can only append to lists, but got {type(target)}")
        target.extend(values)

    def set_items(self, values: list[Any]) -> None:
        """Set keys of the mapping on top of the stack: key, value, key, value."""
        target = self.top()
        if type(target) not in _MAPPINGS:
            raise UnpicklingError(
                "Can only SETITEM for dict, collections.OrderedDict, collections.Counter, but got "
                f"{type(target)}"
            )
        if len(values) % 2:
            raise UnpicklingError("odd number of items for SETITEMS")
        for key, value in zip(values[::2], values[1::2]):
            target[hashable(key)] = value

    def reduce(self) -> Any:
        """What a call gives."""
        function, args = self.last(2)
        call = self.rules.calls.get(id(function))
        if call is None:
            raise UnpicklingError(
                f"Trying to call reduce for unrecognized function {brief(function)}"
            )
        return call(*_arguments(args))

    def new(self) -> Any:
        """An object of a class."""
        cls, args = self.last(2)
        make = self.rules.makes.get(id(cls))
        if make is None:
            raise UnpicklingError(
                "Can only create new object for nn.Parameter or classes allowlisted via "
                f"`add_safe_globals` but got {brief(cls)}"
            )
        return make(*_arguments(args))

    def build(self) -> None:
        """Give the object on top of the stack its state."""
        state, target = self.pop(), self.top()
        give = self.rules.states.get(type(target))
        if give is None:
            raise UnpicklingError(
                "Can only build Tensor, Parameter, OrderedDict or types allowlisted via "
                f"`add_safe_globals`, but got {type(target)}"
            )
        give(target, state)

    def storage(self) -> Any:
        """What a storage's id stands for."""
        key = self.pop()
        if type(key) is not tuple:
            raise UnpicklingError(f"persistent_load id must be tuple or int, but got {type(key)}")
        if not key or key[0] != "storage":
            raise UnpicklingError(
                f"Only persistent_load of storage is allowed, but got {brief(key)}"
            )
        return self.persistent(key)


def _arguments(args: Any) -> tuple[Any, ...]:
    if type(args) is not tuple:
        raise UnpicklingError(f"arguments are to be a tuple, but got {type(args)}")
    return args


_STOP = pickle.STOP[0]
_STEPS: dict[int, Callable[[Unpickler], None]] = {
    code[0]: step
    for code, step in {
        pickle.PROTO: lambda u: u.protocol(u.number("B", 1)),
        pickle.NONE: lambda u: u.push(None),
        pickle.NEWFALSE: lambda u: u.push(False),
        pickle.NEWTRUE: lambda u: u.push(True),
        pickle.BININT: lambda u: u.push(u.number("<i", 4)),
        pickle.BININT1: lambda u: u.push(u.number("B", 1)),
        pickle.BININT2: lambda u: u.push(u.number("<H", 2)),
        pickle.LONG1: lambda u: u.push(pickle.decode_long(u.file.read(u.number("B", 1)))),
        pickle.BINFLOAT: lambda u: u.push(u.number(">d", 8)),
        pickle.BINUNICODE: lambda u: u.push(u.text(u.number("<I", 4), "surrogatepass")),
        pickle.SHORT_BINSTRING: lambda u: u.push(u.text(u.number("B", 1), "strict")),
        pickle.EMPTY_TUPLE: lambda u: u.push(()),
        pickle.EMPTY_LIST: lambda u: u.push([]),
        pickle.EMPTY_DICT: lambda u: u.push({}),
        pickle.EMPTY_SET: lambda u: u.push(set()),
        pickle.MARK: lambda u: u.mark(),
        pickle.TUPLE: lambda u: u.push(tuple(u.items())),
        pickle.TUPLE1: lambda u: u.push(tuple(u.last(1))),
        pickle.TUPLE2: lambda u: u.push(tuple(u.last(2))),
        pickle.TUPLE3: lambda u: u.push(tuple(u.last(3))),
        pickle.APPEND: lambda u: u.append(u.last(1)),
        pickle.APPENDS: lambda u: u.append(u.items()),
        pickle.SETITEM: lambda u: u.set_items(u.last(2)),
        pickle.SETITEMS: lambda u: u.set_items(u.items()),
        pickle.BINGET: lambda u: u.push(u.get(u.number("B", 1))),
        pickle.LONG_BINGET: lambda u: u.push(u.get(u.number("<I", 4))),
        pickle.BINPUT: lambda u: u.put(u.number("B", 1)),
        pickle.LONG_BINPUT: lambda u: u.put(u.number("<I", 4)),
        pickle.GLOBAL: lambda u: u.push(u.named()),
        pickle.REDUCE: lambda u: u.push(u.reduce()),
        pickle.NEWOBJ: lambda u: u.push(u.new()),
        pickle.BUILD: lambda u: u.build(),
        pickle.BINPERSID: lambda u: u.push(u.storage()),
    }.items()
}


class Opaque:
    """What a survey has in the place of an object."""


class Survey(Unpickler):
    """An unpickler that builds nothing: it notes the names and the storages that a pickle has."""

    def __init__(self, file: bounded) -> None:
        super().__init__(file, NO_RULES, self._note)
        self.names: set[str] = set()
        self.storages: list[tuple[Any, ...]] = []  # ids, in which names are dotted strings

    def _note(self, key: tuple[Any, ...]) -> Opaque:
        self.storages.append(key)
        return Opaque()

    def named(self) -> str:
        """The name itself."""
        path = self.path()
        self.names.add(path)
        return path

    def append(self, values: Iterable[Any]) -> None:
        """Leave the values out."""
        self.top()

    def set_items(self, values: list[Any]) -> None:
        """Leave the values out."""
        self.top()

    def reduce(self) -> Opaque:
        """Call nothing."""
        self.last(2)
        return Opaque()

    def new(self) -> Opaque:
        """Make nothing."""
        self.last(2)
        return Opaque()

    def build(self) -> None:
        """Leave the state out."""
        self.pop()
        self.top()
