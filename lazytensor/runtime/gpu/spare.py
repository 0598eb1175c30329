"""Arrays of devices that nothing has any more but the step that reads them last: results are
written over them.

What enters: arguments of a step. What leaves: those whose memory is free. It must not know steps.
"""

import sys
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from ..._base.dtypes import uint8
from ...ir.graph import COUNTED
from .driver import Array, driver
from .memory import NOW, empty

# What the address of an output is a multiple of.
ALIGNED = 16
_references = sys.getrefcount


def spared(args: Sequence[Array], pairs: Iterable[tuple[int, int]]) -> dict[int, Array]:
    """For pairs of an argument and an output: by output, what it may be written over."""
    found: dict[int, Array] = {}
    for i, j in pairs if COUNTED else ():
        free = j not in found and all(args[i] is not x for x in found.values())
        if free and spare(args, i):
            found[j] = args[i]
    return found


def spare(args: Sequence[Array], i: int) -> bool:
    """Whether nothing but `args` and one other list refers to an array, nor anything else to its
    memory; of an input of a CUDA graph, whoever captures it too.
    """
    array = args[i]
    if array.base is not None or not array.flags.c_contiguous or array.data.ptr % ALIGNED:
        return False
    of_array, of_memory = _usual(driver())
    if NOW.capture is not None and id(array) in NOW.capture.given:
        of_array += 1
    return _references(array) <= of_array and _references(array.data.mem) <= of_memory


def dying(env: Sequence[Array], i: int) -> bool:
    """Whether nothing but `env` refers to an array, nor anything else to its memory."""
    array = env[i]
    of_array, of_memory = _usual(driver())
    alone = _references(array) < of_array and _references(array.data.mem) <= of_memory
    return alone and array.base is None


@cache
def _usual(_: Any) -> tuple[int, int]:
    """What `spare` counts of an array that two lists have, as this interpreter counts."""

    def count(args: Sequence[Array], i: int) -> tuple[int, int]:
        array = args[i]
        return _references(array), _references(array.data.mem)

    env = [empty((4,), uint8)]
    return count([env[0]], 0)
