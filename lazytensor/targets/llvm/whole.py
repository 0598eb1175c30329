"""Functions of whole arrays: convolutions, gathers and scatters.

What enters: object code, and what makes arrays. What leaves: functions by name. It must not know
graphs.
"""

from collections.abc import Callable
from typing import Any

from .convolution import Convolution, ConvolutionWeights
from .objects import Objects
from .places import Gather, Scatter


def functions(objects: Objects, room: Callable[..., Any]) -> dict[str, Any]:
    """By name; `room` makes arrays for results (runtime/buffers.py)."""
    return {
        "convolution": Convolution(objects, room),
        "convolution_weights": ConvolutionWeights(objects, room),
        "gather": Gather(objects, room),
        "scatter": Scatter(objects, room),
    }
