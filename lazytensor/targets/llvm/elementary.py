"""What NumPy's elementary functions and cumulative sums are replaced by. Nothing here writes
kernels.

What enters: object code, and what a function over vectors is called with. What leaves: functions by
NumPy's names. It must not know graphs.
"""

from typing import Any

from .module import Vectors, replacements
from .objects import Objects
from .scans import cumulatives

__all__ = ["functions"]


def functions(objects: Objects, vectors: Vectors) -> dict[str, Any]:
    """By name."""
    return {**replacements(objects, vectors), **cumulatives(objects)}
