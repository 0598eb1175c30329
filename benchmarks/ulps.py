"""The native target's elementary functions: the worst error found, where, and the time an element
takes beside NumPy's.

    python benchmarks/ulps.py [--points N] [--unfused] [function ...]

Errors are in units of the last place, against NumPy in float64 for float32 and mpmath for float64,
on the tests' samples made larger. Times are of arrays that stay in the cache, one thread, the best
of several runs, for arguments of usual size; `huge` is for |x| beyond the bound of the cheap way.
"""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from lazytensor.targets.llvm.functions import FUNCTIONS  # noqa: E402
from tests.llvm.compiled import compiled  # noqa: E402
from tests.llvm.reference import errors, numpy_function  # noqa: E402
from tests.llvm.samples import pairs, singles  # noqa: E402
from tests.llvm.test_functions import BINARY, WIDTH  # noqa: E402

N = 1 << 15
RANGES = {
    **dict.fromkeys(("log", "log2", "log10", "log1p"), (1e-3, 100.0)),
    **dict.fromkeys(("asin", "acos", "atanh"), (-1.0, 1.0)),
    **dict.fromkeys(("sin", "cos", "tan"), (-1e3, 1e3)),
    "acosh": (1.0, 10.0),
    "pow": (0.1, 5.0),
}


def best(call: Callable[[], object], seconds: float = 0.1) -> float:
    """Nanoseconds for each of N elements."""
    least, end = float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        call()
        least = min(least, time.perf_counter() - start)
    return least / N * 1e9


def row(name: str, dtype: str, points: int, fused: bool) -> str:
    """One line of the table."""
    arity = 2 if name in BINARY else 1
    function = compiled(FUNCTIONS[name], dtype, WIDTH[dtype], fused, arity)
    xs = pairs(name, dtype, points) if arity == 2 else (singles(dtype, points),)
    found = errors(name, function(*xs), *xs)
    worst = int(np.argmax(found))
    rng = np.random.default_rng(4)
    usual = [rng.uniform(*RANGES.get(name, (-5.0, 5.0)), N).astype(dtype) for _ in range(arity)]
    out = np.empty_like(usual[0])
    ours = best(lambda: function(*usual, out=out))
    theirs = best(lambda: numpy_function(name)(*usual, out=out))
    line = f"{name:10}{dtype:9}{found[worst]:6.3f}{ours:8.2f}{theirs:8.2f}"
    where = ", ".join(repr(x[worst].item()) for x in xs)
    if name in ("sin", "cos", "tan"):
        huge = [x * x.dtype.type(1e30) for x in usual]
        where += f"  (huge: {best(lambda: function(*huge, out=out)):.0f} ns)"
    return f"{line}  {where}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("functions", nargs="*", default=list(FUNCTIONS))
    parser.add_argument("--points", type=int, default=100_000)
    parser.add_argument("--unfused", action="store_true")
    options = parser.parse_args()
    print(f"{'':10}{'':9}{'ulp':>6}{'ns':>8}{'NumPy':>8}  worst at")
    for name in options.functions:
        for dtype in WIDTH:
            points = options.points if dtype == "float32" else options.points // 25
            with np.errstate(all="ignore"):
                print(row(name, dtype, points, not options.unfused), flush=True)


if __name__ == "__main__":
    main()
