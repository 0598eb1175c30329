"""Squares transposed in registers.

What enters: as many vectors as each has elements, a power of two. What leaves: the same of the
transpose. It must not know where they lie.
"""

from .code import BITS, Code, Value

# Bits of a lane: what instructions move within such parts of a vector is moved at once.
LANE = 128


def transposed(c: Code, vectors: list[Value]) -> list[Value]:
    """As many vectors as they have elements: whole lanes change places first, then elements within
    lanes.
    """
    lane = min(len(vectors), max(1, LANE // _bits(vectors[0])))
    for first in range(lane):
        vectors[first::lane] = _lanes(c, vectors[first::lane], lane)
    return [
        v for i in range(0, len(vectors), lane) for v in _within(c, vectors[i : i + lane], lane)
    ]


def _bits(v: Value) -> int:
    return BITS.get(v.type) or int(v.type[1:])


def _lanes(c: Code, vectors: list[Value], lane: int) -> list[Value]:
    """Vectors of as many lanes, transposed: blocks beside the diagonal change places."""
    half = len(vectors) // 2
    while half:
        for i in range(len(vectors)):
            if not i & half:
                pair = vectors[i], vectors[i + half]
                vectors[i], vectors[i + half] = (
                    _put_together(c, *pair, half * lane, at) for at in (0, half * lane)
                )
        half //= 2
    return vectors


def _put_together(c: Code, a: Value, b: Value, size: int, first: int) -> Value:
    """Every other block of a, from the first one on, each before that of b."""
    n = a.width
    starts = range(first, n, 2 * size)
    return _shuffled(c, a, b, [at + i for s in starts for at in (s, n + s) for i in range(size)])


def _within(c: Code, vectors: list[Value], lane: int) -> list[Value]:
    """Squares of as many elements as a lane has: zipped with those half way on, again and again."""
    half = lane // 2
    for _ in range(lane.bit_length() - 1):
        pairs = zip(vectors[:half], vectors[half:], strict=True)
        vectors = [v for a, b in pairs for v in _zipped(c, a, b, lane)]
    return vectors


def _zipped(c: Code, a: Value, b: Value, lane: int) -> tuple[Value, Value]:
    n, half = a.width, lane // 2

    def part(first: int) -> Value:
        places = [s + first + i for s in range(0, n, lane) for i in range(half)]
        return _shuffled(c, a, b, [at for p in places for at in (p, n + p)])

    return part(0), part(half)


def _shuffled(c: Code, a: Value, b: Value, places: list[int]) -> Value:
    listed = ", ".join(f"i32 {at}" for at in places)
    rhs = f"shufflevector {a}, {b}, <{a.width} x i32> <{listed}>"
    return c.result(rhs, a.type, a.width)
