"""Functions that move elements of arrays, gathers, scatters and copies, and products. Small graphs
want these as well, so that nothing here loads what writes texts.

What enters: object code, what gives functions of launches, and what makes arrays. What leaves:
functions by name. It must not know graphs.
"""

from collections.abc import Callable
from typing import Any

from .copies import Concatenate, Contiguous
from .gathers import Take
from .matmul import Matmul
from .objects import Objects
from .places import Gather, Scatter

__all__ = ["Matmul", "functions"]


def functions(
    objects: Objects,
    bound: Callable[..., Any],
    room: Callable[..., Any],
    empty: Callable[..., Any],
) -> dict[str, Any]:
    """By name; `room` and `empty` make arrays for results (runtime/buffers.py)."""
    contiguous = Contiguous(bound, room)
    return {
        "take": Take(objects, empty),
        "ascontiguousarray": contiguous,
        "concatenate": Concatenate(contiguous, room),
        "gather": Gather(objects, room),
        "scatter": Scatter(objects, room),
    }
