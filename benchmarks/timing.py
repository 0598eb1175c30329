"""Timing of several contestants in one run: rounds interleaved, medians, ratios taken round by
round; PyTorch as one of them.
"""

import statistics
import time
from collections.abc import Callable
from typing import Any


def beside_torch(ours: Any) -> dict[str, Any]:
    """lazytensor's PyTorch interface, and PyTorch where it is installed, at one thread."""
    found: dict[str, Any] = {"lazytensor": ours}
    try:
        import torch
    except ImportError:
        print("PyTorch is not installed: no comparison with it")
    else:
        found["torch"] = torch
    for library in found.values():
        library.set_num_threads(1)
    return found


def rounds(
    contestants: dict[str, Callable[[], object]], count: int = 15, warm: int = 3
) -> dict[str, list[float]]:
    """Seconds of each call, by contestant; all run once in each round, in turn."""
    for _ in range(warm):
        for call in contestants.values():
            call()
    out: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(count):
        for name, call in contestants.items():
            start = time.perf_counter()
            call()
            out[name].append(time.perf_counter() - start)
    return out


def median(seconds: list[float]) -> float:
    """The median, in seconds."""
    return statistics.median(seconds)


def ratio(a: list[float], b: list[float]) -> float:
    """The median over rounds of a / b."""
    return statistics.median(x / y for x, y in zip(a, b, strict=True))
