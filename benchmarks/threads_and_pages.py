"""What sharing out work costs, and what the pool of buffers saves: microseconds, medians.

python benchmarks/threads_and_pages.py
"""

import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from lazytensor._base import threads
from lazytensor.runtime import buffers

MB = 1 << 20


def median(call: Callable[[], Any], count: int = 1000, pause: float = 0.0) -> float:
    """Microseconds of a call; with a pause before each, workers have gone to sleep."""
    times = []
    for _ in range(count):
        if pause:
            time.sleep(pause)
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1e6


def nothing(lo: int, hi: int) -> None:
    """A part of no work."""


def dispatch() -> None:
    """What the caller pays where there is nothing to do; then a kernel, alone and shared."""
    threads.run(nothing, 1000, 1, 2)
    print(f"one part            {median(lambda: threads.run(nothing, 100, 1000, 2)):8.1f}")
    print(f"two parts           {median(lambda: threads.run(nothing, 1000, 500, 2)):8.1f}")
    print(f"eight parts         {median(lambda: threads.run(nothing, 1000, 1, 2)):8.1f}")
    asleep = median(lambda: threads.run(nothing, 1000, 500, 2), 300, 1e-3)
    print(f"two, worker asleep  {asleep:8.1f}")
    for size in (1 << 19, 1 << 20, 1 << 22):
        x = np.linspace(0.1, 1, size).astype(np.float32)
        out = np.empty_like(x)

        def kernel(lo: int, hi: int, x: Any = x, out: Any = out) -> None:
            np.sqrt(x[lo:hi], out[lo:hi])
            np.exp(out[lo:hi], out[lo:hi])

        alone = median(lambda k=kernel, n=size: k(0, n), 60)
        shared = median(lambda k=kernel, n=size: threads.run(k, n, 1 << 16, 2), 60)
        print(f"exp(sqrt) of {size:8d}: alone {alone:8.0f}, two threads {shared:8.0f}")


def first_use(make: Callable[[int], Any], size: int) -> float:
    """Microseconds a megabyte of writing to fresh memory; all of it is kept meanwhile."""
    kept, times = [], []
    for _ in range(max(4, min(16, 64 * MB // size))):
        block = np.frombuffer(make(size), np.uint8)
        start = time.perf_counter()
        block.fill(1)
        times.append(time.perf_counter() - start)
        kept.append(block)
    return statistics.median(times) * 1e6 * MB / size


def pages() -> None:
    """First use of NumPy's memory and of the pool's; then what a buffer of the pool costs."""
    for size in (MB, 2 * MB, 3 * MB, 4 * MB, 8 * MB, 16 * MB, 32 * MB):
        plain = first_use(lambda n: np.empty(n, np.uint8), size)
        ours = first_use(buffers._block, size)
        print(f"first use of {size // MB:3d} MB: NumPy {plain:6.0f}, pool {ours:6.0f} a MB")
    kept = [buffers.empty((100_000,), np.dtype("float32")) for _ in range(300)]
    taken = median(lambda: buffers.empty((100_000,), np.dtype("float32")))
    print(f"a buffer, {len(kept)} in use: {taken:.1f}")


if __name__ == "__main__":
    dispatch()
    pages()
