"""How arrays lie along the axes that a call goes over.

What enters: array-likes. What leaves: axes, merged where all operands allow it, and their words. It
must not know rows, nor kernels.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from ...._base.dtypes import DType
from ....lower.layout import Axis, contiguous, merged

__all__ = ["Args", "Axis", "Lies", "axes", "in_order", "split", "words"]


class Lies(NamedTuple):
    """How an array lies."""

    shape: tuple[int, ...]
    strides: tuple[int, ...]
    dtype: DType

    @classmethod
    def of(cls, a: Any) -> "Lies":
        """Of an array."""
        return cls(tuple(a.shape), tuple(a.strides), a.dtype)

    @property
    def itemsize(self) -> int:
        """Bytes of an element."""
        return self.dtype.itemsize


Args = Sequence[Lies]


def axes(shape: Sequence[int], *strides: Sequence[int]) -> list[Axis]:
    """Axes of a shape with the bytes between neighbours of each operand; at least one."""
    found = [(n, steps) for n, *steps in zip(shape, *strides, strict=True)]
    return merged([(n, tuple(s)) for n, s in found]) or [(1, (0,) * len(strides))]


def words(found: Sequence[Axis]) -> tuple[int, ...]:
    """Sizes, then for each operand the bytes between neighbours along each axis."""
    steps = zip(*(s for _, s in found), strict=True)
    return (*(n for n, _ in found), *(s for operand in steps for s in operand))


def split(found: Sequence[Axis]) -> tuple[list[Axis], Axis]:
    """The axes but the last one, at least one of them, and the last one."""
    *outer, inner = found
    return outer or [(1, (0,) * len(inner[1]))], inner


def in_order(a: Lies) -> bool:
    """Whether an array lies in row-major order."""
    own = contiguous(a.shape, a.itemsize)
    return all(n == 1 or s == o for n, s, o in zip(a.shape, a.strides, own, strict=True)) or (
        0 in a.shape
    )
