"""What random draws are made of: words of the generator, normal numbers, permutations.

What enters: object code. What leaves: functions by name. It must not know graphs.
"""

from typing import Any

from .draws import BoxMuller, CLibrary, Exchanged, Fma
from .objects import Objects
from .twister import Twister


def functions(objects: Objects) -> dict[str, Any]:
    """By name."""
    return {
        "box_muller": BoxMuller(objects),
        "c_library": CLibrary(objects),
        "exchanged": Exchanged(objects),
        "fma": Fma(objects),
        "twister": Twister(objects),
    }
