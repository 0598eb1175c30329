"""Fourier transforms on a device, by plans of cuFFT's.

What enters: a call, an array of the device. What leaves: its transform. A plan has memory of its
own, so it serves one stream; a CUDA graph keeps those that it was captured with, which were made
before. It must not know plans of graphs.
"""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

from ...lower.kernel import Call
from .driver import Array, driver
from .memory import NOW

# Plans that are kept for what comes: those that were used last.
MOST = 32
Key = tuple[Any, Any, int, int, str, int]
_plans: OrderedDict[Key, Any] = OrderedDict()
_lock = threading.Lock()
# cuFFT's names of transforms, by the kinds of what goes in and comes out, in single and in double.
_KINDS = {"cc": ("C2C", "Z2Z"), "fc": ("R2C", "D2Z"), "cf": ("C2R", "Z2D")}


def transformed(step: Call, args: Sequence[Array]) -> Array:
    """What a call of a row of Fourier transforms gives."""
    (x,), axis = args, step.params[0]
    length = max(x.shape[axis], step.shape[axis])
    single = x.dtype.itemsize == (8 if x.dtype.kind == "c" else 4)
    name = _KINDS[x.dtype.kind + step.dtype.kind][not single]
    plan = _plan(length, name, x.size // x.shape[axis])
    return driver().transform(plan, step.op.value, x, step.params)


def _plan(length: int, name: str, count: int) -> Any:
    """A plan for the stream in force, which the graph that is captured keeps."""
    key = driver(), driver().device(), driver().stream(), length, name, count
    with _lock:
        found = _plans.pop(key, None)
        if found is None:
            found = _new(length, name, count)
        _plans[key] = found
        while len(_plans) > MOST:
            _plans.popitem(last=False)
    if NOW.capture is not None:
        NOW.capture.kept.append(found)
    return found


def _new(length: int, name: str, count: int) -> Any:
    if NOW.capture is None:
        return driver().transforms(length, name, count)
    with NOW.capture.outside():
        return driver().transforms(length, name, count)


def forget() -> None:
    """Let plans, and their memory, go that no graph keeps."""
    with _lock:
        _plans.clear()
