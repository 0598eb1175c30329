"""1,000 operations on 10 elements in the PyTorch interface, forward and with backward, beside
PyTorch eager in the same run, at one thread.

    python benchmarks/torch_tiny_ops.py

Everything counts, from the first Python call to the value. Goals: with Python scalars no more than
PyTorch's time, forward alone and with backward; tensor with tensor at most 1.5 times. What the
import costs more than NumPy's is measured in fresh processes: goal 120 ms.
"""

import statistics
from collections.abc import Callable
from typing import Any

import numpy as np
from import_time import seconds
from timing import beside_torch, median, ratio, rounds

import lazytensor.torch as ours

OPS = 1000
# What is timed -> the goal, as a multiple of PyTorch's time.
GOALS = {"with Python scalars": 1.0, "the same with backward": 1.0, "tensor with tensor": 1.5}


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


def programs(torch: Any) -> dict[str, Callable[[], np.ndarray]]:
    """What is timed, in one library: each returns its result as NumPy's."""
    one, small = torch.ones(10), torch.full((10,), 0.999)
    leaf = torch.ones(10, requires_grad=True)

    def with_backward() -> np.ndarray:
        leaf.grad = None
        scalars(leaf).sum().backward()
        return np.array(leaf.grad.numpy())

    calls = (
        lambda: np.array(scalars(one).numpy()),
        with_backward,
        lambda: np.array(tensors(one, small).numpy()),
    )
    return dict(zip(GOALS, calls, strict=True))


def import_cost() -> None:
    """Print what the import costs more than NumPy's."""
    pairs = [(seconds("lazytensor.torch"), seconds("numpy")) for _ in range(11)]
    more = statistics.median(a - b for a, b in pairs)
    print(f"import lazytensor.torch: {more * 1e3:.0f} ms more than numpy, goal 120")


def main() -> None:
    """Print a table."""
    contestants = {name: programs(library) for name, library in beside_torch(ours).items()}
    for what, goal in GOALS.items():
        calls = {name: each[what] for name, each in contestants.items()}
        want = calls["lazytensor"]()
        for name, call in calls.items():
            np.testing.assert_allclose(call(), want, rtol=1e-5, err_msg=name)
        times = rounds(calls, 31)
        line = ", ".join(f"{name} {median(t) / OPS * 1e6:.2f}" for name, t in times.items())
        if "torch" in times:
            line += f"; {ratio(times['lazytensor'], times['torch']):.2f} of PyTorch, goal {goal}"
        print(f"{what}: µs an op: {line}")
    import_cost()


if __name__ == "__main__":
    main()
