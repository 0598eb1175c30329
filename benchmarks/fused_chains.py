"""Fused chains on 16M float32 beside NumPy, one thread, in the same run.

    python benchmarks/fused_chains.py

Goal: `2a + 3b - c * d` and tanh-gelu at 1.7 times NumPy's speed or better.
"""

from typing import Any

import numpy as np
from timing import median, ratio, rounds

import lazytensor as xp

N = 1 << 24


def chain(np_: Any, a: Any, b: Any, c: Any, d: Any) -> Any:
    """2a + 3b - c d."""
    return 2 * a + 3 * b - c * d


def gelu(np_: Any, x: Any, *rest: Any) -> Any:
    """The tanh form of gelu."""
    return 0.5 * x * (1 + np_.tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)))


def main() -> None:
    """Print a line for each chain."""
    rng = np.random.default_rng(0)
    arrays = [rng.random(N, dtype=np.float32) for _ in range(4)]
    ours = [xp.asarray(a) for a in arrays]
    for name, program in (("2a+3b-c*d", chain), ("tanh-gelu", gelu)):
        calls = {
            "lazytensor": lambda p=program: xp.materialize(p(xp, *ours)),
            "numpy": lambda p=program: p(np, *arrays),
        }
        np.testing.assert_array_equal(np.asarray(program(xp, *ours)), program(np, *arrays))
        times = rounds(calls, 11)
        speed = ratio(times["numpy"], times["lazytensor"])
        line = ", ".join(f"{library} {median(t) * 1e3:.1f} ms" for library, t in times.items())
        print(f"{name}: {line}; {speed:.2f} times NumPy's speed, goal 1.7")


if __name__ == "__main__":
    main()
