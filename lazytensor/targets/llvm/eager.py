"""What interpreting wants of the target: products, and functions that take NumPy's place. Nothing
here loads what writes texts.

What enters: object code; what gives functions of launches and of instructions, and what makes
arrays. What leaves: functions by name. It must not know graphs.
"""

from collections.abc import Callable
from typing import Any

from .copies import Concatenate, Contiguous
from .gathers import Take
from .matmul import Matmul
from .module import Vectors, replacements
from .objects import Objects
from .places import Gather, Scatter
from .scans import cumulatives
from .sums import Folded

__all__ = ["Matmul", "functions"]


def functions(
    objects: Objects,
    bound: Callable[..., Any],
    vectors: Vectors,
    room: Callable[..., Any],
    empty: Callable[..., Any],
) -> dict[str, Any]:
    """By name; `room` and `empty` make arrays for results (runtime/buffers.py)."""
    contiguous = Contiguous(bound, room)
    return {
        "take": Take(objects, empty),
        "ascontiguousarray": contiguous,
        "concatenate": Concatenate(contiguous, room),
        "folded": Folded(bound),
        "gather": Gather(objects, room),
        "scatter": Scatter(objects, room),
        **replacements(objects, vectors),
        **cumulatives(objects),
    }
