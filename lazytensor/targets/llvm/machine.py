"""The processor at hand, and machine code for it.

What enters: the text of a module, or object code. What leaves: the address of a function. The
compiler is loaded when there is something to compile: what it says of the processor is in the
store, found by what the processor says of itself. It must not know kernels.
"""

import ctypes
import os
import struct
import sys
import threading
from collections import deque
from functools import cache
from importlib.util import find_spec
from typing import Any

from ..._base.digests import digest
from ..._base.store import Store
from ..._base.threads import COMPILING, once
from .compiler import Compiler
from .form import Host
from .loading import function, instructions, loaded
from .sources import digest as sources
from .sources import stated

# Of rows of four registers, the first two of which say what is asked, and how many rows there are.
_ASK = bytes.fromhex(
    "53"  # push rbx
    "4989f8"  # mov r8, rdi
    "418b00"  # again: mov eax, [r8]
    "418b4804"  # mov ecx, [r8 + 4]
    "0fa2"  # cpuid
    "418900"  # mov [r8], eax
    "41895804"  # mov [r8 + 4], ebx
    "41894808"  # mov [r8 + 8], ecx
    "4189500c"  # mov [r8 + 12], edx
    "4983c010"  # add r8, 16
    "ffce"  # dec esi
    "75e0"  # jnz again
    "5b"  # pop rbx
    "c3"  # ret
)
# Gives which registers the system saves.
_SAVED = bytes.fromhex(
    "31c9"  # xor ecx, ecx
    "0f01d0"  # xgetbv
    "c3"  # ret
)
# Leaves, with a part of each, by which instructions are chosen, after that which says how many
# there are; none says which core was asked.
_LEAVES = ((0, 0), (1, 0), (0x80000001, 0), (7, 0), (7, 1), (0x24, 0))
_ROW = "<4I"
_EXTENDED = 1 << 31
_SAVES = 1 << 27
# Vectors of 32 bytes and fused multiply-add; registers that the system has to save for them.
_FUSES, _VECTORS = _SAVES | 1 << 28 | 1 << 12, 6


def _asked() -> tuple[list[tuple[int, ...]], int]:
    """What an x86-64 processor says at each leaf, and which registers the system saves, 0 if it
    doesn't tell. Raises OSError where nobody can ask, as Linux lets one.
    """
    if sys.platform != "linux" or os.uname().machine != "x86_64" or struct.calcsize("P") != 8:
        raise OSError("nobody knows how to ask")
    address, memory = instructions(_ASK + _SAVED)
    rows = bytearray(b"".join([struct.pack(_ROW, *leaf, 0, 0) for leaf in _LEAVES]))
    place = ctypes.addressof(ctypes.c_char.from_buffer(rows))
    function(address)(ctypes.c_void_p(place), len(_LEAVES))
    said = list(struct.iter_unpack(_ROW, rows))
    saved = function(address + len(_ASK))() if said[1][2] & _SAVES else 0
    del memory  # until here it is called
    return said, saved % (1 << 32)


def processor() -> bytes | None:
    """What an x86-64 processor says of itself, the same wherever the compiler would find the same
    one. None where it can't be asked.
    """
    try:
        said, saved = _asked()
    except OSError:
        return None
    (last, *maker), (model, _, *has) = said[:2]
    found = [*maker, model, *has, saved]
    for (leaf, _), row in zip(_LEAVES[2:], said[2:], strict=True):
        if leaf <= last or leaf >= _EXTENDED:
            found += row
    return struct.pack(f"<{len(found)}I", *found)


@cache
def fuses() -> bool:
    """Whether the processor is one of x86-64, asked from Linux, and has fused multiply-add."""
    try:
        said, saved = _asked()
    except OSError:
        return False
    return said[1][2] & _FUSES == _FUSES and saved & _VECTORS == _VECTORS


class Machine:
    """Compiles and links modules; one for the process."""

    def __init__(self, store: Store | None = None) -> None:
        self._lock = threading.RLock()
        self._given: dict[str, int] = {}
        key = _key(store)
        known = store.get(key) if store and key else None
        said: str = known.decode() if known else self._compiler.said
        if store and key and not known:
            store.put(key, said.encode())
        numbers, self.identity = said.split("\n")
        nbytes, fused, half, registers = map(int, numbers.split())
        self.host = Host(nbytes, bool(fused), bool(half), registers)

    @once
    def _compiler(self) -> Compiler:
        return Compiler()

    def key(self, text: str) -> str:
        """What names the object code of a text."""
        return digest(f"{self.identity}\n{text}".encode()).hex()

    def compile(self, text: str, soon: bool = False) -> bytes:
        """Object code, with little effort if it is wanted `soon`: the same results, later. Raises
        RuntimeError for a text that is no module.
        """
        with self._lock:
            code: bytes = self._compiler.compile(text, soon)
            return code

    def link(self, code: bytes, name: str) -> "Linked":
        """A function of object code. Code of functions that are gone is unloaded."""
        with self._lock:
            _GONE.clear()
            found = loaded(code, name, self._given) or self._compiler.link(code, name, self._given)
            return Linked(*found)

    def provide(self, name: str, address: int) -> None:
        """Let modules call a function of this process by name."""
        self._given[name] = address

    def provide_from(self, library: ctypes.CDLL, *names: str) -> None:
        """The same for functions of a library. Raises AttributeError for one that it hasn't."""
        for name in names:
            function = ctypes.cast(getattr(library, name), ctypes.c_void_p)
            self.provide(name, function.value or 0)


def _key(store: Store | None) -> str | None:
    """What finds what the compiler says of the processor. None where it has to be asked."""
    spec = find_spec("llvmlite") if store else None
    if spec is None or spec.origin is None:
        return None
    asked, ours = processor(), sources(store)
    if asked is None or ours is None:
        return None
    folder = os.path.dirname(spec.origin)
    files = [os.path.join(folder, name) for name in ("_version.py", "binding/libllvmlite.so")]
    try:
        return stated("processor", files, asked + ours.encode())
    except OSError:
        return None


# Code of functions that are gone. It is unloaded by whoever links next, under the lock that a fork
# waits for: finalizers run anywhere.
_GONE: deque[Any] = deque()


class Linked:
    """A function in memory: whoever calls its `address` keeps this."""

    __slots__ = ("_code", "address")

    def __init__(self, address: int, code: Any) -> None:
        self.address = address
        self._code = code

    def __del__(self, gone: deque[Any] = _GONE) -> None:
        gone.append(self._code)


_machine: Machine | None = None


def machine(store: Store | None = None) -> Machine:
    """The machine of this process, made when it is first asked for."""
    global _machine
    with COMPILING:
        if _machine is None:
            _machine = Machine(store)
        return _machine


def unique(key: str) -> str:
    """A name for the function of a text that no other text's function has."""
    return f"lazytensor_{key[:24]}"
