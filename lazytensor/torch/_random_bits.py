"""The Mersenne Twister as PyTorch's CPU generator runs it, and its state as bytes.

What enters: seeds and states in the format of `torch.get_rng_state()`. What leaves: arrays of
32-bit words and of uniform numbers made of them, each word used once and in order. The numbers that
normal distributions leave over for their next call are kept here, since they are part of the state.
It must not know distributions.

M. Matsumoto and T. Nishimura, Mersenne Twister (1998). NumPy's bit generator gives the same words
after its legacy seeding.
"""

import ctypes
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from .._base.module import Worth, module, own

__all__ = ["DEFAULT_SEED", "STATE_SIZE", "Bits", "Tape", "seed_number"]

Array = np.ndarray[Any, Any]

DEFAULT_SEED = 67280421310721
LENGTH = 624
# How PyTorch lays a state out: `left` words remain until the next turn of the generator.
_LAYOUT = np.dtype({
    "names": ["seed", "left", "seeded", "next", "words",
              "double", "has_double", "single", "has_single"],
    "formats": ["u8", "i4", "i4", "u8", f"({LENGTH},)u8", "f8", "i4", "f4", "?"],
    "offsets": [0, 8, 12, 16, 24, 5024, 5040, 5048, 5052],
    "itemsize": 5056,
})  # fmt: skip
STATE_SIZE = _LAYOUT.itemsize
# Numbers of a call from which on the native target draws them, once it is worth it.
_MANY = 1 << 12
DRAWN = Worth(1 << 20)
_FIRST_TAPE, _LONGEST_TAPE = 64, 1 << 14


def seed_number(seed: int) -> int:
    """A seed as an unsigned number of 64 bits; negative ones count from the end.

    Raises ValueError, in PyTorch's words, for what 64 bits can't hold.
    """
    if not -(1 << 63) <= seed < 1 << 64:
        raise ValueError("Overflow when unpacking long long")
    return seed % (1 << 64)


def _memory(twister: Any) -> Array | None:
    """NumPy's own words, and after them how many are used up; None where they lie otherwise."""
    twister.random_raw(1)
    place = twister.ctypes.state_address
    words = (ctypes.c_uint32 * (LENGTH + 1)).from_address(place)
    found = np.frombuffer(memoryview(words), np.uint32)
    state = twister.state["state"]
    there = found[LENGTH] == state["pos"] and np.array_equal(found[:LENGTH], state["key"])
    return found if there else None


class Bits:
    """A generator's state: the twister, the seed it began with, and numbers left over."""

    def __init__(self, seed: int = DEFAULT_SEED) -> None:
        self._twister = np.random.MT19937(0)
        self._memory = _memory(self._twister)
        self.seed(seed)

    def seed(self, seed: int) -> None:
        """Begin anew. Only the lower 32 bits choose the words. Raises ValueError over 64 bits."""
        self.initial_seed = seed_number(seed)
        self._twister._legacy_seeding(self.initial_seed & 0xFFFFFFFF)
        self._untouched = True
        self.spare: float | None = None
        self.spare_single: float | None = None

    def seed_from_system(self) -> int:
        """Begin anew from a seed of 53 bits of the operating system's, and return it."""
        self.seed(int.from_bytes(os.urandom(8), "little") & ((1 << 53) - 1))
        return self.initial_seed

    def _native(self, made: str, count: int) -> Array | None:
        """Numbers drawn by native code, if that is there and they are many."""
        if self._memory is None or count < _MANY or not DRAWN(count):
            return None
        twister = own(module(), "twister")
        if twister is None:
            return None
        self._untouched = False
        found: Array = twister(self._memory, made, count)
        return found

    def words(self, count: int) -> Array:
        """The next `count` words, as uint64 numbers below 2³²."""
        native = self._native("long", count)
        if native is not None:
            return native
        if count:
            self._untouched = False
        found: Array = self._twister.random_raw(count)
        return found

    def long_words(self, count: int) -> Array:
        """`count` numbers of 64 bits, of two words each, the upper first."""
        native = self._native("pair", count)
        if native is not None:
            return native
        pairs = self.words(2 * count).reshape(count, 2)
        joined: Array = (pairs[:, 0] << np.uint64(32)) | pairs[:, 1]
        return joined

    def singles(self, count: int) -> Array:
        """`count` uniform float32 numbers in [0, 1): the lower 24 bits of a word each."""
        native = self._native("single", count)
        if native is not None:
            return native
        fraction = self.words(count).astype(np.uint32) & np.uint32((1 << 24) - 1)
        result: Array = fraction.astype(np.float32)
        result *= np.float32(2.0**-24)
        return result

    def doubles(self, count: int) -> Array:
        """`count` uniform float64 numbers in [0, 1): the lower 53 bits of two words each."""
        native = self._native("double", count)
        if native is not None:
            return native
        fraction = self.long_words(count)
        fraction &= np.uint64((1 << 53) - 1)
        result: Array = fraction.astype(np.float64)
        result *= 2.0**-53
        return result

    def uniforms(self, count: int, dtype: Any) -> Array:
        """`doubles` for float64, else `singles`."""
        return self.doubles(count) if dtype == np.float64 else self.singles(count)

    @contextmanager
    def tape(self) -> Iterator["Tape"]:
        """A tape of uniform numbers; at its end the words that were not read are given back."""
        before = self._twister.state
        untouched = self._untouched
        tape = Tape(self)
        try:
            yield tape
        finally:
            self._twister.state = before
            self._untouched = untouched
            self.words(2 * tape.read)

    def copy(self) -> "Bits":
        """Another generator in the same state."""
        other = Bits(0)
        other.set_state(self.state())
        return other

    def state(self) -> Array:
        """The state as 5056 bytes, uint8, in PyTorch's layout."""
        twister: Any = self._twister.state["state"]
        position = 0 if self._untouched else int(twister["pos"])
        record = np.zeros((), _LAYOUT)
        record["seed"] = self.initial_seed
        record["left"] = 1 if self._untouched else LENGTH + 1 - position
        record["seeded"] = 1
        record["next"] = position
        record["words"] = twister["key"]
        if self.spare is not None:
            record["double"], record["has_double"] = self.spare, 1
        if self.spare_single is not None:
            record["single"], record["has_single"] = self.spare_single, True
        return np.frombuffer(record.tobytes(), np.uint8).copy()

    def set_state(self, state: Array) -> None:
        """Take a state over, from here or from PyTorch.

        Raises TypeError for what isn't uint8, RuntimeError for another size or for fields that no
        generator has.
        """
        if state.dtype != np.uint8:
            raise TypeError("RNG state must be a torch.ByteTensor")
        if state.size != STATE_SIZE:
            raise RuntimeError(
                f"Expected a CPUGeneratorImplState of size {STATE_SIZE} but found the input RNG "
                f"state size to be {state.size}"
            )
        record = np.frombuffer(state.tobytes(), _LAYOUT)[0]
        left, position = int(record["left"]), int(record["next"]) & 0xFFFFFFFF
        if record["seeded"] == 0 or not 0 < left <= LENGTH or position > LENGTH:
            raise RuntimeError("Invalid mt19937 state")
        self.initial_seed = int(record["seed"])
        self._untouched = left == 1 and position == 0
        words = record["words"].astype(np.uint32)
        position = LENGTH if left == 1 else position
        self._twister.state = {
            "bit_generator": "MT19937",
            "state": {"key": words, "pos": position},
        }
        self.spare = float(record["double"]) if record["has_double"] else None
        self.spare_single = float(record["single"]) if record["has_single"] else None


class Tape:
    """Uniform and normal numbers, one at a time, for methods that reject some of what they draw."""

    def __init__(self, bits: Bits) -> None:
        self._bits = bits
        self._length = _FIRST_TAPE
        self._numbers: list[float] = []
        self._behind = 0
        self._at = 0

    @property
    def read(self) -> int:
        """How many uniform numbers were read."""
        return self._behind + self._at

    def uniform(self) -> float:
        """The next float64 number in [0, 1)."""
        if self._at == len(self._numbers):
            self._behind += self._at
            self._at = 0
            self._numbers = self._bits.doubles(self._length).tolist()
            self._length = min(2 * self._length, _LONGEST_TAPE)
        found = self._numbers[self._at]
        self._at += 1
        return found

    def normal(self) -> float:
        """A standard normal number by Box and Muller, whose second one is left over for later."""
        spare = self._bits.spare
        if spare is not None:
            self._bits.spare = None
            return spare
        angle = 2.0 * math.pi * self.uniform()
        radius = math.sqrt(-2.0 * math.log1p(-self.uniform()))
        self._bits.spare = radius * math.sin(angle)
        return radius * math.cos(angle)
