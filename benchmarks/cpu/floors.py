"""What the machine can do: the speeds of copying and of multiplying matrices, measured among the
candidates of each row, and the least time that a row's bytes and flops take at these speeds.

Memory that others use too is twice as fast in one minute as in the next: a row is held against the
copies of its own rounds.
"""

from __future__ import annotations

from functools import cache, partial
from typing import Any

import numpy as np

from .candidates import Candidate

Found = dict[str, Any]
COPIED = 256 << 20  # bytes that are copied at once, read and written: beyond what caches hold
SIZES = {"sgemm": (1024, np.float32), "dgemm": (768, np.float64)}
LARGE = 4e6  # bytes from which on a row has a floor
WORK = 1e7  # flops from which on it has one
Yardstick = tuple[float, Candidate, tuple[Any, ...]]  # its bytes or flops; what to call, with what


@cache
def yardstick(name: str, divisor: int) -> Yardstick:
    """`copy`, `sgemm` or `dgemm`."""
    if name == "copy":
        nbytes = max(COPIED // divisor, 1 << 10)
        return 2.0 * nbytes, Candidate(np.copyto), tuple(np.ones((2, nbytes), np.uint8))
    n, kind = SIZES[name]
    factors = np.ones((n, n), kind)
    call = partial(np.matmul, out=np.empty_like(factors))
    return 2.0 * n**3, Candidate(call), (factors, factors)


def yardsticks(row: Found) -> list[str]:
    """What a row is held against, if anything: by its figures."""
    if max(row["largest"], row["bytes"]) < LARGE and row["flops"] < WORK:
        return []
    return ["copy"] + (["dgemm" if row["double"] else "sgemm"] if row["flops"] else [])


def floor(row: Found, statistic: str) -> float:
    """Least seconds for a row's bytes and flops, by the yardsticks of its rounds; 0 without."""
    speeds = {name: found[statistic] for name, found in row.get("speeds", {}).items()}
    amounts = {"copy": "bytes", "sgemm": "flops", "dgemm": "flops"}
    return max((row[amounts[name]] / speed for name, speed in speeds.items()), default=0.0)
