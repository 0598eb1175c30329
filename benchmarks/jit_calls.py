"""What a call of a compiled function costs besides its work: µs a call, the least of some rounds.

    python benchmarks/jit_calls.py

Goals: one tiny array in and out below 8 µs; 40 arrays in, one kernel, below 100 µs.
"""

import time
from collections.abc import Callable

import numpy as np

import lazytensor as xp


def least(call: Callable[[], object], calls: int, count: int = 15) -> float:
    """µs a call, in the quickest of some rounds: what else the machine does only adds."""
    for _ in range(20):
        call()
    found = []
    for _ in range(count):
        start = time.perf_counter()
        for _ in range(calls):
            call()
        found.append((time.perf_counter() - start) / calls)
    return min(found) * 1e6


def chain(x: xp.Array) -> xp.Array:
    """200 cheap operations."""
    for _ in range(100):
        x = x * 1.001 + 0.001
    return x


def main() -> None:
    """Print a line for each kind of call."""
    tiny, many = xp.ones(4) + 0, [xp.asarray(np.ones(4)) for _ in range(40)]
    middle = xp.asarray(np.ones(1000))
    plus, times = xp.jit(lambda x: x + 1.0), xp.jit(lambda x, s: x * s)
    first = xp.jit(lambda xs: xs[0] + 1.0)
    same, every = xp.jit(lambda xs: list(xs)), xp.jit(lambda xs: [x + 1.0 for x in xs])
    long = xp.jit(chain)
    numbers = iter(range(10**9))
    lines = {
        "one tiny array": (lambda: plus(tiny), 2000),
        "with a number": (lambda: times(tiny, 2.5), 2000),
        "with a new number": (lambda: times(tiny, float(next(numbers))), 2000),
        "40 arrays, one kernel": (lambda: first(many), 1000),
        "40 arrays, handed back": (lambda: same(many), 1000),
        "40 arrays, a kernel each": (lambda: every(many), 200),
        "200 operations on 1,000 elements": (lambda: long(middle), 200),
        "the same by NumPy": (lambda: chain(np.ones(1000)), 200),
    }
    for name, (call, calls) in lines.items():
        print(f"{name}: {least(call, calls):.1f} µs")


if __name__ == "__main__":
    main()
