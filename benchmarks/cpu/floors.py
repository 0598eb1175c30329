"""What the machine could do: the speeds of copying and of multiplying matrices, measured in the
same run, and the least time that a row's bytes and flops take at these speeds.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

MEGABYTES = 64


def best(call: Callable[[], Any], times: int, clock: Callable[[], float]) -> float:
    """Least seconds of several calls."""
    call()
    found = []
    for _ in range(times):
        start = clock()
        call()
        found.append(clock() - start)
    return min(found)


def _gemm(n: int, dtype: type, clock: Callable[[], float]) -> float:
    a = np.ones((n, n), dtype)
    out = np.empty_like(a)
    return 2 * n**3 / best(lambda: np.matmul(a, a, out=out), 7, clock)


def speeds(clock: Callable[[], float] = time.perf_counter) -> dict[str, float]:
    """Bytes a second of a copy (read and written), flops a second of SGEMM and DGEMM."""
    source = np.ones(MEGABYTES * 2**20, np.uint8)
    target = np.zeros_like(source)
    seconds = best(lambda: np.copyto(target, source), 15, clock)
    return {
        "copy": 2 * source.nbytes / seconds,
        "sgemm": _gemm(1024, np.float32, clock),
        "dgemm": _gemm(768, np.float64, clock),
    }


def floor(speed: dict[str, float], bytes_: float, flops: float, double: bool) -> float:
    """Least seconds for so many bytes and flops."""
    return max(bytes_ / speed["copy"], flops / speed["dgemm" if double else "sgemm"])
