"""Squares transposed in registers.

What enters: as many vectors as each has elements, a power of two. What leaves: the same of the
transpose. It must not know where they lie.
"""

from .code import Code, Value


def transposed(c: Code, vectors: list[Value]) -> list[Value]:
    """As many vectors as they have elements: zipped with those half way on, again and again."""
    half = len(vectors) // 2
    for _ in range(len(vectors).bit_length() - 1):
        pairs = zip(vectors[:half], vectors[half:], strict=True)
        vectors = [v for a, b in pairs for v in _zipped(c, a, b)]
    return vectors


def _zipped(c: Code, a: Value, b: Value) -> tuple[Value, Value]:
    n, half = a.width, a.width // 2

    def part(first: int) -> Value:
        places = ", ".join(f"i32 {first + i}, i32 {n + first + i}" for i in range(half))
        return c.result(f"shufflevector {a}, {b}, <{n} x i32> <{places}>", a.type, n)

    return part(0), part(half)
