"""Functions of whole arrays: convolutions and gathers.

What enters: object code, and what makes arrays. What leaves: functions by name. It must not know
graphs.
"""

from collections.abc import Callable
from typing import Any

from .convolution import Convolution, ConvolutionWeights
from .gathers import Take
from .objects import Objects


def functions(objects: Objects, room: Callable[..., Any], empty: Callable[..., Any]) -> Any:
    """By name; `room` and `empty` make arrays for results (runtime/buffers.py)."""
    return {
        "convolution": Convolution(objects, room),
        "convolution_weights": ConvolutionWeights(objects, room),
        "take": Take(objects, empty),
    }
