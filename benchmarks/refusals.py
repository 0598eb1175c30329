"""What it takes to refuse a bad call: the table of the tests, each call many times.

    python benchmarks/refusals.py

Goal: a median under 50 µs. Calls that are refused when they are computed are left out, and those
that NumPy refuses while it reads foreign objects are in. Prints the slowest and the library's
frames below the user's line as well.
"""

import statistics
import sys
import time
import traceback
from collections import Counter
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

import lazytensor as xp

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.reliability.bad_calls import TABLE, Arrays

REPEATS = 15
REFUSED = (ArithmeticError, AttributeError, BufferError, LookupError, TypeError, ValueError)


def code_of(call: str) -> tuple[Any, Any]:
    """A call compiled, and what runs it."""
    try:
        return compile(call, "<call>", "eval"), eval
    except SyntaxError:
        return compile(call, "<call>", "exec"), exec


def refused(call: str, names: dict[str, Any]) -> tuple[float, int]:
    """Seconds until a call is refused, and the library's frames in the traceback."""
    code, run = code_of(call)
    seconds, frames = [], 0
    for _ in range(REPEATS):
        start = time.perf_counter()
        try:
            run(code, names)
        except REFUSED as error:
            seconds.append(time.perf_counter() - start)
            stack = traceback.extract_tb(error.__traceback__)
            frames = sum("lazytensor" in f.filename for f in stack)
    return statistics.median(seconds), frames


def main() -> None:
    """Print the median, the slowest calls, and how many frames there are."""
    names = {"m": xp, "a": Arrays(xp.asarray), "np": np, "Fraction": Fraction, "Decimal": Decimal}
    found = {c.call: refused(c.call, names) for c in TABLE if not c.late}
    times = [s for s, _ in found.values()]
    print(
        f"{len(times)} refusals: median {statistics.median(times) * 1e6:.1f} µs, goal 50; "
        f"{sum(s < 50e-6 for s in times)} of them under 50 µs"
    )
    for call, (seconds, _) in sorted(found.items(), key=lambda item: -item[1][0])[:8]:
        print(f"  {seconds * 1e6:8.1f} µs  {call}")
    counts = Counter(frames for _, frames in found.values())
    print("frames of the library: " + ", ".join(f"{n}: {k}" for n, k in sorted(counts.items())))


if __name__ == "__main__":
    main()
