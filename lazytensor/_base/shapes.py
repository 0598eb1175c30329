"""Shapes and axes: broadcasting, normalising, counting.

What enters: tuples of ints. What leaves: checked tuples of ints. It must not know arrays.
"""

import operator
from collections.abc import Iterable
from math import prod
from typing import Any

from numpy.exceptions import AxisError

Shape = tuple[int, ...]
__all__ = ["Shape", "as_shape", "broadcast", "integer", "normalize_axes", "normalize_axis", "prod"]


def integer(x: Any, what: str) -> int:
    """An int from whatever is an integer. Raises TypeError naming what it is."""
    try:
        return operator.index(x)
    except TypeError:
        raise TypeError(f"{what} must be an int, got {type(x).__name__}: {x!r}") from None


def as_shape(shape: Any) -> Shape:
    """A tuple of ints from an int or a sequence. Raises TypeError, or ValueError for a negative
    size.
    """
    if type(shape) is not tuple and not isinstance(shape, Iterable):
        shape = (shape,)
    try:
        out = tuple(map(operator.index, shape))
    except TypeError:
        raise TypeError(f"shape must be an int or a tuple of ints, got {shape!r}") from None
    if out and min(out) < 0:
        raise ValueError(f"shape must not have negative sizes, got {out}")
    return out


_NO_AXES = {()}


def broadcast(*shapes: Shape) -> Shape:
    """The shape that all broadcast to. Raises ValueError naming the shapes."""
    if shapes and shapes.count(shapes[0]) == len(shapes):
        return shapes[0]
    if len(shapes) == 2 and not all(shapes):
        return shapes[0] or shapes[1]
    if len(shapes) > 2 and len(some := {*shapes} - _NO_AXES) == 1:
        return some.pop()
    rank = max(map(len, shapes), default=0)
    out = [1] * rank
    for shape in shapes:
        for i, n in enumerate(shape, rank - len(shape)):
            if out[i] == 1:
                out[i] = n
            elif n not in (1, out[i]):
                raise ValueError(
                    f"shapes {', '.join(map(str, shapes))} could not be broadcast together"
                )
    return tuple(out)


def normalize_axis(axis: Any, ndim: int) -> int:
    """0 <= axis < ndim. Raises TypeError, or `numpy.exceptions.AxisError` (IndexError and
    ValueError).
    """
    try:
        i = operator.index(axis)
    except TypeError:
        raise TypeError(f"axis must be an int, got {axis!r}") from None
    if not -ndim <= i < ndim:
        raise AxisError(i, ndim, "wrong axis")
    return i % ndim if ndim else 0


def normalize_axes(axes: Any, ndim: int) -> tuple[int, ...]:
    """Sorted, distinct axes from None (all), an int or a tuple. Raises as `normalize_axis`, or
    ValueError.
    """
    if axes is None:
        return tuple(range(ndim))
    if type(axes) is int:
        return (normalize_axis(axes, ndim),)
    given = tuple(axes) if isinstance(axes, (tuple, list)) else (axes,)
    out = tuple(sorted(normalize_axis(a, ndim) for a in given))
    if len(set(out)) != len(out):
        raise ValueError(f"axes must not repeat, got {given}")
    return out
