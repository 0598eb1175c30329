"""Functions of whole arrays: convolutions, gathers, scatters and copies.

What enters: object code, what gives functions of launches, and what makes arrays. What leaves:
functions by name. It must not know graphs.
"""

from collections.abc import Callable
from typing import Any

from .convolution import Convolution, ConvolutionWeights
from .copies import Concatenate, Contiguous
from .gathers import Take
from .objects import Objects
from .places import Gather, Scatter


def functions(
    objects: Objects,
    bound: Callable[..., Any],
    room: Callable[..., Any],
    empty: Callable[..., Any],
) -> dict[str, Any]:
    """By name; `room` and `empty` make arrays for results (runtime/buffers.py)."""
    contiguous = Contiguous(bound, room)
    return {
        "convolution": Convolution(objects, room),
        "convolution_weights": ConvolutionWeights(objects, room),
        "take": Take(objects, empty),
        "ascontiguousarray": contiguous,
        "concatenate": Concatenate(contiguous, room),
        "gather": Gather(objects, room),
        "scatter": Scatter(objects, room),
    }
