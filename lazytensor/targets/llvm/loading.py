"""Machine code in memory, without the compiler: a process that compiles nothing doesn't load it.

What enters: object code as ELF for x86-64 has it, which needs the addresses of its own parts and
of functions of this process alone; or instructions. What leaves: an address, and the memory there,
which nobody writes to any more; None for all other code, and where the system doesn't allow it. It
must not know what code does.
"""

import ctypes
import mmap
import struct
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

# ELF of 64 bits, little-endian; to be linked, for x86-64.
_MAGIC, _KIND = b"\x7fELF\x02\x01\x01", struct.pack("<HH", 1, 62)
_SECTION, _SYMBOL, _ADDRESS = "<IIQQQQIIQQ", "<IBBHQQ", "<QQq"
# Kinds of sections; what one is to be; how an address is written.
_CONTENTS, _SYMBOLS, _ADDRESSES = 1, 2, 4
_WRITABLE, _IN_MEMORY, _OF_THREADS = 0x1, 0x2, 0x400
_WHOLE = 1
_UNDEFINED = 0
_READ_AND_RUN = 1 | 4

Placed = tuple[int, mmap.mmap]


class _Strange(Exception):
    """Something that linkers know."""


def loaded(code: bytes, name: str, given: dict[str, int]) -> Placed | None:
    """The function `name` of object code; `given` are addresses of functions that it may call
    besides those that a system's library has.
    """
    if not code.startswith(_MAGIC) or code[16:20] != _KIND or not hasattr(mmap, "MAP_PRIVATE"):
        return None
    try:
        found = _Object(code, given)
        return placed(found.size, lambda memory, at: found.fill(memory, at, name))
    except (_Strange, AttributeError, OSError):
        return None


def placed(size: int, fill: Callable[[mmap.mmap, int], int]) -> Placed:
    """Memory that is filled, then run; `fill` is told where it is, and gives the address to call.
    Raises OSError.
    """
    memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    base = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    address = fill(memory, base)
    if _protect()(base, size, _READ_AND_RUN):
        raise OSError("the system lets nobody run what was written")
    return address, memory


@cache
def _protect() -> Any:
    """The function of this process, which may be called from here."""
    found = ctypes.pythonapi["mprotect"]
    found.argtypes = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int
    return found


def function(address: int) -> Any:
    """A short function of C's: of integers and `c_void_p`, to an integer."""
    return type(_protect())(address)


def instructions(code: bytes) -> Placed:
    """Instructions that need nothing that lies elsewhere. Raises OSError."""

    def fill(memory: mmap.mmap, base: int) -> int:
        memory.write(code)
        return base

    return placed(len(code), fill)


class _Object:
    """Object code, and where in memory its parts are to be."""

    def __init__(self, code: bytes, given: dict[str, int]) -> None:
        self._code, self._given = code, given
        (start,), (count,) = struct.unpack_from("<Q", code, 40), struct.unpack_from("<H", code, 60)
        table = code[start : start + count * struct.calcsize(_SECTION)]
        self._sections = list(struct.iter_unpack(_SECTION, table))
        self._places: dict[int, int] = {}
        self.size = 0
        for number, (_, kind, flags, _, _, size, _, _, align, _) in enumerate(self._sections):
            if flags & _IN_MEMORY and size:
                if kind != _CONTENTS or flags & (_WRITABLE | _OF_THREADS):
                    raise _Strange
                self._places[number] = -(-self.size // align) * align
                self.size = self._places[number] + size

    def fill(self, memory: mmap.mmap, base: int, name: str) -> int:
        """Write everything; where a function is."""
        symbols = next(s for s in self._sections if s[1] == _SYMBOLS)
        names = self._bytes(self._sections[symbols[6]])
        known = [
            (names[at : names.index(b"\0", at)].decode(), section, value)
            for at, _, _, section, value, _ in struct.iter_unpack(_SYMBOL, self._bytes(symbols))
        ]
        for number, place in self._places.items():
            content = self._bytes(self._sections[number])
            memory[place : place + len(content)] = content
        for place, symbol, more in self._addresses():
            address = self._address(base, *known[symbol]) + more
            struct.pack_into("<Q", memory, place, address % (1 << 64))
        return next(self._address(base, *symbol) for symbol in known if symbol[0] == name)

    def _bytes(self, section: tuple[Any, ...]) -> bytes:
        return self._code[section[4] : section[4] + section[5]]

    def _addresses(self) -> Iterator[tuple[int, int, int]]:
        """Where addresses are to be written, of which symbols, and what is to be added."""
        for section in self._sections:
            if section[1] == _ADDRESSES and section[7] in self._places:
                for at, what, more in struct.iter_unpack(_ADDRESS, self._bytes(section)):
                    if what % (1 << 32) != _WHOLE:
                        raise _Strange
                    yield self._places[section[7]] + at, what >> 32, more

    def _address(self, base: int, name: str, section: int, value: int) -> int:
        """Where a symbol is. Raises AttributeError."""
        if section in self._places:
            return base + self._places[section] + value
        if section != _UNDEFINED or not name:
            raise _Strange
        if name not in self._given:
            function = ctypes.pythonapi[name]
            self._given[name] = ctypes.cast(function, ctypes.c_void_p).value or 0
        return self._given[name]
