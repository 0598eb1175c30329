"""PyTorch's CUDA generator: a seed and an offset, and which threads of a GPU draw which elements.

What enters: seeds, states, counts of elements. What leaves: states, places in the stream that a
draw takes. A state is 16 bytes: the seed, then the offset, which is a multiple of 4 and moves on by
4 for each counter that a thread takes. It must not know distributions or nodes.
"""

import functools
import os
import threading
from typing import Any

import numpy as np

from .._base.devices import Device
from .._base.threads import renewed
from ._driver import DRIVERS, answering
from ._random_bits import DEFAULT_SEED, seed_number

__all__ = ["Philox", "threads"]

Array = np.ndarray[Any, Any]

_BLOCK = 256
_SEED_BYTES, _STATE_BYTES = 8, 16
_STEP = 4

_lock = threading.Lock()
renewed(globals(), _lock=threading.Lock)


class Philox:
    """The state of a generator, shared by the threads that draw from it."""

    def __init__(self, seed: int = DEFAULT_SEED) -> None:
        self.initial_seed = seed_number(seed)
        self.offset = 0

    def manual_seed(self, seed: int) -> None:
        """Begin anew; negative seeds count from 2⁶⁴. Raises ValueError for more than 64 bits."""
        number = seed_number(seed)
        with _lock:
            self.initial_seed, self.offset = number, 0

    def seed(self) -> int:
        """Begin anew from a seed of the operating system's (53 bits), which is returned."""
        number = int.from_bytes(os.urandom(8), "little") >> 11
        self.manual_seed(number)
        return number

    def set_offset(self, offset: int) -> None:
        """Go on at an offset. Raises RuntimeError for one that is no multiple of 4."""
        if offset % _STEP:
            raise RuntimeError("offset must be a multiple of 4")
        with _lock:
            self.offset = offset

    def state(self) -> Array:
        """The state, uint8[16]."""
        with _lock:
            return np.array([self.initial_seed, self.offset], np.uint64).view(np.uint8)

    def set_state(self, state: Array) -> None:
        """Take over a state, or a seed alone. TypeError for other dtypes than uint8, RuntimeError
        for no state.
        """
        if state.dtype != np.uint8:
            raise TypeError("RNG state must be a torch.ByteTensor")
        if state.size not in (_SEED_BYTES, _STATE_BYTES):
            raise RuntimeError("RNG state is wrong size")
        seed, *offset = np.ascontiguousarray(state).reshape(-1).view(np.uint64).tolist()
        self.manual_seed(seed)
        self.set_offset(*(offset or [0]))

    def clone(self) -> "Philox":
        """Another generator in the same state."""
        other = Philox()
        other.set_state(self.state())
        return other

    def take(self, counters: int) -> tuple[int, int]:
        """The seed, and the position of so many counters of each thread, which are used up."""
        with _lock:
            position = self.offset // _STEP
            self.offset = (self.offset + _STEP * counters) % (1 << 64)
            return self.initial_seed, position


@functools.lru_cache
def _most(of: str, index: int) -> int:
    """How many threads a device holds, in whole blocks."""
    found = DRIVERS[of].properties(index)
    blocks = found.max_threads_per_multi_processor // _BLOCK
    return int(found.multi_processor_count * blocks * _BLOCK)


def threads(count: int, device: Device) -> int:
    """How many threads draw so many elements: a block more for every 256, up to what is held."""
    return min(-(-count // _BLOCK) * _BLOCK, _most(answering(), int(device[5:])))
