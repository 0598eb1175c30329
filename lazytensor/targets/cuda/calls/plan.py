"""How a row is computed on a device: kernels launched one after another, as data.

What enters: texts of kernels, where their operands are, numbers. What leaves: a plan, which whoever
launches fills with addresses. It must not know rows, nor who launches.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from numpy.linalg import LinAlgError

from ...._base.errors import OutsideOf
from ..form import THREADS
from ..source import HEAD, part

# What an address is of: an argument, an output, scratch memory, or the status of the call.
ARG, OUT, SCRATCH, STATUS = "arg", "out", "scratch", "status"
# Threads among which a multiprocessor's registers are shared out.
RESIDENT = 512
# Where parts of scratch memory begin: at multiples of so many bytes.
ALIGNED = 256
# Numbers of threads that take more than 32 bits.
NARROW = 1 << 31


@dataclass(frozen=True, slots=True)
class Code:
    """A kernel: the files of `device/` that it needs, its statements, how many words it is called
    with, how many threads a block has at most, and whether these wait for one another. No size is
    part of it, so that it is what compiled code is kept by.
    """

    parts: tuple[str, ...]
    body: str
    words: int
    threads: int = THREADS
    waits: bool = False

    def function(self, name: str) -> str:
        """The kernel's function alone."""
        words = f"struct {name}_words {{ i64 w[{self.words}]; }};"
        blocks = max(1, RESIDENT // self.threads)
        head = f"LT_KERNEL({name}, {self.threads}, {blocks})(LT_GIVEN {name}_words a) {{"
        return f"namespace lt {{\n{words}\n{head}\n{self.body}\n}}\n}}\n"

    def source(self, name: str = "kernel") -> str:
        """All that NVRTC reads."""
        return "\n".join([HEAD, *map(part, self.parts), self.function(name)])


@dataclass(frozen=True, slots=True)
class Place:
    """An address: so many bytes behind the first element of an argument or an output, the beginning
    of scratch memory, or that of the status.
    """

    of: str
    number: int = 0
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """A launch: blocks, threads of each along three axes, bytes of shared memory; its words are the
    addresses of places and then the tail.
    """

    code: Code
    blocks: int
    threads: tuple[int, int, int]
    shared: int
    places: tuple[Place, ...]
    tail: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Fails:
    """What two words of a call's status mean, which are 0 before it: the first one is 0 if all
    went well, else 1 more than the place of the first failure, the second one what was found there.
    Indices were checked, `count` of them for each axis, axis after axis, against these sizes;
    `unsigned` tells of each axis how the second word is to be read. Those that are `apart` are each
    the first axis of an array of its own.
    """

    sizes: tuple[int, ...]
    unsigned: tuple[bool, ...]
    count: int
    apart: bool = False

    def error(self, first: int, found: int) -> IndexError | None:
        """What is to be raised."""
        if not first:
            return None
        number = (first - 1) // self.count
        bad = found % (1 << 64) if self.unsigned[number] else found
        axis, size = 0 if self.apart else number, self.sizes[number]
        text = f"index {bad} is out of bounds for axis {axis} of size {size}"
        return OutsideOf(text, number) if self.apart else IndexError(text)


@dataclass(frozen=True, slots=True)
class Refused:
    """What two words of a status mean where matrices were looked at: the first one is 0 if
    all went well.
    """

    message: str

    def error(self, first: int, found: int) -> LinAlgError | None:
        """What is to be raised."""
        return LinAlgError(self.message) if first else None


@dataclass(frozen=True, slots=True)
class Planned:
    """Launches, bytes of scratch memory (nothing is assumed of what it holds), and what a status
    word means, if there is one.
    """

    steps: tuple[Step, ...]
    scratch: int = 0
    fails: Fails | Refused | None = None


def step(
    parts: Sequence[str],
    body: str,
    count: int,
    places: Sequence[Place],
    tail: Sequence[int],
) -> Step:
    """A launch of so many threads that wait for nobody."""
    code = Code(tuple(parts), body, len(places) + len(tail))
    blocks = -(-count // THREADS)
    return Step(code, blocks, (THREADS, 1, 1), 0, tuple(places), tuple(tail))


def turn(count: int) -> Step:
    """Moves on a number that says which of so many runs has its turn; its status is noted there."""
    return step(("types", "cells", "places"), "move_on(a.w);", 1, (Place(ARG),), (count,))


def blocks(
    parts: Sequence[str],
    body: str,
    count: int,
    threads: tuple[int, int, int],
    shared: int,
    places: Sequence[Place],
    tail: Sequence[int],
) -> Step:
    """A launch of so many blocks, whose threads wait for one another."""
    x, y, z = threads
    code = Code(tuple(parts), body, len(places) + len(tail), x * y * z, True)
    return Step(code, count, threads, shared, tuple(places), tuple(tail))


def number(count: int) -> str:
    """The type in which numbers of so many threads are divided."""
    return "u32" if count < NARROW else "u64"


class Room:
    """Scratch memory that is handed out."""

    def __init__(self) -> None:
        self.used = 0

    def take(self, nbytes: int) -> Place:
        """So many bytes."""
        place = Place(SCRATCH, 0, self.used)
        self.used += -(-nbytes // ALIGNED) * ALIGNED
        return place
