"""1,000 operations on 10 elements, materialised once, beside PyTorch eager and NumPy in the same
run.

    python benchmarks/thousand_ops.py

Everything counts, from the first Python call to the value. Goals: with Python scalars at most 1.25
times PyTorch's time, tensor with tensor at most 2 times.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from timing import median, ratio, rounds

import lazytensor as xp

OPS = 1000


def scalars(x: Any) -> Any:
    """x * 1.001 + 0.001, 500 times."""
    for _ in range(OPS // 2):
        x = x * 1.001 + 0.001
    return x


def tensors(x: Any, y: Any) -> Any:
    """x * y + y, 500 times."""
    for _ in range(OPS // 2):
        x = x * y + y
    return x


def contestants(
    make: Callable[[np.ndarray], Any], read: Callable[[Any], np.ndarray]
) -> list[Callable[[], np.ndarray]]:
    """The two programs for one library."""
    one, small = np.ones(10, np.float32), np.full(10, 0.999, np.float32)
    x, y = make(one), make(small)
    return [lambda: read(scalars(x)), lambda: read(tensors(x, y))]


def main() -> None:
    """Print a table."""
    libraries = {
        "lazytensor": contestants(xp.asarray, np.asarray),
        "numpy": contestants(lambda a: a, np.asarray),
    }
    try:
        import torch
    except ImportError:
        print("PyTorch is not installed: no comparison with it")
    else:
        torch.set_num_threads(1)
        libraries["torch"] = contestants(torch.from_numpy, lambda t: t.numpy())
    for i, (name, goal) in enumerate((("with Python scalars", 1.25), ("tensor with tensor", 2.0))):
        calls = {library: programs[i] for library, programs in libraries.items()}
        want = calls["numpy"]()
        for library, call in calls.items():
            np.testing.assert_allclose(call(), want, rtol=1e-5, err_msg=library)
        times = rounds(calls, 41)
        line = ", ".join(f"{library} {median(t) / OPS * 1e6:.2f}" for library, t in times.items())
        against = (
            f"; {ratio(times['lazytensor'], times['torch']):.2f} of PyTorch, goal {goal}"
            if "torch" in times
            else ""
        )
        print(f"{name}: µs an op: {line}{against}")


if __name__ == "__main__":
    main()
