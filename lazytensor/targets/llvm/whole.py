"""Functions of whole arrays: convolutions, maxima of windows, eliminations, running extrema, rows
that are added.

What enters: object code, and what makes arrays. What leaves: functions by name. It must not know
graphs.
"""

from collections.abc import Callable
from typing import Any

from .adding import GatherAdd
from .convolution import Convolution, ConvolutionWeights
from .maxima import WindowMaxima
from .objects import Objects
from .running import Running
from .triangles import LuPanel, Substitution


def functions(objects: Objects, room: Callable[..., Any]) -> dict[str, Any]:
    """By name; `room` makes arrays for results (runtime/buffers.py)."""
    return {
        "convolution": Convolution(objects, room),
        "convolution_weights": ConvolutionWeights(objects, room),
        "gather_add": GatherAdd(objects, room),
        "lu_panel": LuPanel(objects),
        "running": Running(objects),
        "substitution": Substitution(objects),
        "window_maxima": WindowMaxima(objects, room),
    }
