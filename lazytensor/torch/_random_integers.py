"""Integers and permutations out of random words.

What enters: uint64 words, or what draws them. What leaves: integers of a range in any dtype, and
permutations as PyTorch shuffles them. It must not know generators.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from ._random_checks import FLOATING

__all__ = ["exchanged", "from_integers", "inserted", "remainder"]

Array = np.ndarray[Any, Any]
DType = np.dtype[Any]

_CHUNK = 1 << 16


def remainder(numbers: Array, divisor: int) -> Array:
    """numbers % divisor of uint64 numbers, in place; dividing by a constant is fast in NumPy."""
    if divisor & (divisor - 1) == 0:
        numbers &= np.uint64(divisor - 1)
        return numbers
    numbers -= numbers // np.uint64(divisor) * np.uint64(divisor)
    return numbers


def from_integers(numbers: Array, dtype: DType) -> Array:
    """uint64 numbers, read as int64, in a dtype."""
    signed = numbers.view(np.int64)
    if dtype.itemsize == 2 and dtype.name in FLOATING:
        signed = signed.astype(np.float32)
    with np.errstate(over="ignore"):
        return signed.astype(dtype)


def exchanged(places: Array, count: int) -> Array:
    """0 to count - 1, after place i was exchanged with places[i] ≥ i, for every i in turn.

    What stands at i when its turn comes was put there by the last earlier turn with places[j] = i,
    which took it from j; following such turns back ends at the number itself.
    """
    turns = np.arange(len(places))
    origin = np.arange(count)
    moved = places != turns
    origin[places[moved]] = turns[moved]  # of several, the last one stays
    further = origin[origin]
    while not np.array_equal(further, origin):
        origin, further = further, further[further]
    # A turn takes what the last turn with the same place left there, if there was one.
    width = count.bit_length()
    sorted_turns = np.sort(places << width | turns)
    again = sorted_turns[1:] >> width == sorted_turns[:-1] >> width
    sorted_turns &= (1 << width) - 1
    result = np.append(places, count - 1)[:count]
    result[sorted_turns[1:][again]] = origin[sorted_turns[:-1][again]]
    result[-1:] = origin[-1:]
    return result


def inserted(long_words: Callable[[int], Array], count: int) -> Array:
    """0 to count - 1, each put in turn at a place up to its own, what was there to the end.

    `long_words(n)` draws n numbers of 64 bits.
    """
    numbers = np.empty(count, np.int64)
    for start in range(0, count, _CHUNK):
        end = min(start + _CHUNK, count)
        places = long_words(end - start) % np.arange(start + 1, end + 1, dtype=np.uint64)
        for i, place in enumerate(places.tolist(), start):
            numbers[i] = numbers[place] if place != i else i
            numbers[place] = i
    return numbers
