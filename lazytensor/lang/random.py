"""Distributions as compositions of rows over random 64-bit words.

What enters: a node of uint64 words, each used once. What leaves: a node of the same shape. Only
exactly rounded rows are used, so the numbers have the same bits on every target, fused or not.
It must not know streams or seeds.
"""

from math import prod

from .._base.dtypes import DType, float32, float64
from .._base.shapes import Shape
from ..ir.node import Node
from ..ops import g

LOW = 0xFFFFFFFF
# Words are counted by blocks of four: what a draw takes from its stream.
BLOCK = 4
_DIGITS = {float32: 24, float64: 53}


def blocks(shape: Shape) -> int:
    """How many counters a draw of that shape takes."""
    return -(-prod(shape) // BLOCK)


def checked_dtype(name: str, dtype: DType) -> DType:
    """The dtype, if numbers of it can be drawn. Raises TypeError."""
    if dtype not in _DIGITS:
        raise TypeError(f"{name}: dtype must be float32 or float64, got {dtype}")
    return dtype


def uniform(words: Node, dtype: DType) -> Node:
    """Multiples of 2**-53 (float32: 2**-24) in [0, 1), equally likely: the upper bits of a word."""
    digits = _DIGITS[dtype]
    return g.cast(g.right_shift(words, 64 - digits), dtype) * 2.0**-digits


def _probability(words: Node, dtype: DType) -> Node:
    """A word / 2**64, in (0, 1], with all digits that the dtype has: small ones are not cut off."""
    return g.cast(words, dtype) * 2.0**-64 + 2.0**-65


def exponential(words: Node, dtype: DType) -> Node:
    """Exponential with mean 1, up to 65 log(2) = 45."""
    return g.surprisal(_probability(words, dtype))


def normal(words: Node, dtype: DType) -> Node:
    """Normal with mean 0 and variance 1, up to ±9.2: the sign by one bit, the size by the rest."""
    tail = g.ndtri(_probability(g.right_shift(words, 1), dtype))
    return g.where(g.equal(g.bitwise_and(words, 1), 0), tail, -tail)


def _times_high(words: Node, n: int) -> Node:
    """The upper 64 bits of the product of a word and n < 2**64."""
    low, high = g.bitwise_and(words, LOW), g.right_shift(words, 32)
    middle = high * (n & LOW) + g.right_shift(low * (n & LOW), 32)
    rest = low * (n >> 32) + g.bitwise_and(middle, LOW)
    return high * (n >> 32) + g.right_shift(middle, 32) + g.right_shift(rest, 32)


def integers(words: Node, low: int, count: int, dtype: DType) -> Node:
    """low, …, low + count - 1 for 0 < count <= 2**64: low + floor(word * count / 2**64).

    Nothing is rejected, so each value comes from floor or ceil of 2**64 / count words: its
    probability differs from 1 / count by less than 2**-64.
    """
    places = words if count == 1 << 64 else _times_high(words, count)
    return g.add(g.cast(places, dtype), low)


def order(words: Node, axis: int) -> Node:
    """A random order of each line along an axis; all orders are equally likely but for equal words.

    Two of n words are equal with a probability below n**2 / 2**65; these keep their order.
    """
    return g.argsort(words, axis, False)
