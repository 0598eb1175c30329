"""Random words on a device: those of the reference, for 64 bits NumPy's own generator's."""

from collections.abc import Iterator

import numpy as np

from lazytensor.ops import philox, random

from .calls import Call, check
from .harness import compiler

LAST = 2**64 - 1


def streams() -> Iterator[Call]:
    rng = np.random.default_rng(0)
    for shape in ((), (1,), (3,), (4,), (5,), (1000,), (7, 9), (0,)):
        for position in (0, 12, LAST - 2, LAST):
            key = rng.integers(0, LAST, 2, np.uint64, endpoint=True)
            yield Call(random.random_bits, [key, np.array(position, np.uint64)], (shape,))
    keys = rng.integers(0, LAST, (2, 5, 3), np.uint64, endpoint=True).transpose(2, 1, 0)
    positions = rng.integers(0, LAST, (3, 10), np.uint64, endpoint=True)[:, ::2]
    for shape in ((), (6,), (3, 7)):
        yield Call(random.random_bits, [keys, positions], (shape,))


def test_words() -> None:
    compiler()
    check(streams())


PAIRS = (5, 9, 7, 11), (0, 0, 2, 2)
TAKEN = (((0, 1, 2, 3),), ((0, 1),), ((1, 3), (0, 2)), PAIRS, ((2, 2), (3, 3)))


def lanes() -> Iterator[Call]:
    rng = np.random.default_rng(1)
    for shape in ((), (1,), (3,), (255,), (1000,), (7, 9), (0,)):
        for taken in TAKEN:
            per = len(taken[0])
            for run in {1, 2, per, 8}:
                for threads in (1, 5, 256):
                    state = rng.integers(0, LAST, 2, np.uint64, endpoint=True)
                    yield Call(philox.philox, [state], (shape, threads, run, taken))
    for bound in (0, 1 << 31, 1 << 32):
        for shape, run in (((1000,), 1), ((40, 25), 8), ((), 4)):
            state = np.array([LAST, 77, bound], np.uint64)
            yield Call(philox.philox, [state], (shape, 32, run, TAKEN[0]))
    states = rng.integers(0, LAST, (2, 5, 6), np.uint64, endpoint=True).transpose(2, 1, 0)[::2]
    for shape in ((), (6,), (3, 7)):
        yield Call(philox.philox, [states], (shape, 4, 1, TAKEN[0]))


def test_lanes() -> None:
    compiler()
    check(lanes())
