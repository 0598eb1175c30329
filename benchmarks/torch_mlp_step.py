"""A training step of a 784-512-512-10 network, batch 128, SGD, in the PyTorch interface, beside
PyTorch eager in the same run, at one thread; and the peak memory of each in a process of its own.

    python benchmarks/torch_mlp_step.py

Goals: at most 1.5 times PyTorch's time; peak memory at or below PyTorch's.

Memory is told twice. What a process grew by from the import on is what training takes, but code
that is loaded when it is first run counts there too, of which PyTorch has much: the arrays of a
step are some 7 MB. The whole process at its peak has all code in it, and the interpreter. A library
that held what it need not would be seen in both.
"""

import itertools
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits
from timing import median, ratio, rounds

SIZES, BATCH, RATE = (784, 512, 512, 10), 128, 0.1
STEPS = 30  # of the process whose memory is measured
MODULES = {"lazytensor": "lazytensor.torch", "torch": "torch"}
# Prints how many bytes the process grew by, at its peak, from the import on; and its whole peak.
MEMORY = """
import sys, torch_mlp_step as bench
peak = bench.peak
library = bench.library(sys.argv[1])
before = peak()
step = bench.trainer(library)
for _ in range(bench.STEPS): step()
print(peak() - before, peak())
"""


def library(name: str) -> Any:
    """A library by its name in the table, at one thread."""
    module = __import__(MODULES[name], fromlist=["nn"])
    module.set_num_threads(1)
    return module


def trainer(torch: Any) -> Callable[[], float]:
    """A function that makes one step and returns the loss, the same for each library."""
    torch.manual_seed(0)
    linear = [torch.nn.Linear(n, m) for n, m in itertools.pairwise(SIZES)]
    relu = torch.nn.ReLU
    model = torch.nn.Sequential(linear[0], relu(), linear[1], relu(), linear[2])
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE)
    loss_of = torch.nn.CrossEntropyLoss()
    rng = np.random.default_rng(0)
    x = torch.from_numpy(rng.standard_normal((BATCH, SIZES[0]), dtype=np.float32))
    y = torch.from_numpy(rng.integers(0, SIZES[-1], BATCH))

    def step() -> float:
        optimizer.zero_grad()
        loss = loss_of(model(x), y)
        loss.backward()
        optimizer.step()
        return float(loss.item())

    return step


def installed() -> list[str]:
    """lazytensor, and PyTorch where it is installed."""
    try:
        library("torch")
    except ImportError:
        print("PyTorch is not installed: no comparison with it")
        return ["lazytensor"]
    return list(MODULES)


def peak() -> int:
    """The most memory that this process has had, in bytes. (That of `getrusage` would begin with
    what the parent process had.)
    """
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def memory(name: str) -> tuple[float, ...]:
    """Megabytes that a process of its own grew by while it trained, and had at its peak."""
    command = [sys.executable, "-c", MEMORY, name]
    here = Path(__file__).parent
    out = subprocess.run(command, capture_output=True, text=True, check=True, cwd=here)
    return tuple(int(word) / 1e6 for word in out.stdout.split())


def main() -> None:
    """Print the table."""
    with threadpool_limits(1):
        steps = {name: trainer(library(name)) for name in installed()}
        losses = {name: [step() for _ in range(5)] for name, step in steps.items()}
        for name, curve in losses.items():
            np.testing.assert_allclose(curve, losses["lazytensor"], rtol=1e-4, err_msg=name)
        times = rounds(steps, 41)
    line = ", ".join(f"{name} {median(t) * 1e3:.2f}" for name, t in times.items())
    if "torch" in times:
        line += f"; {ratio(times['lazytensor'], times['torch']):.2f} of PyTorch, goal 1.5"
    print(f"a step: ms: {line}")
    found = {name: memory(name) for name in times}
    for place, what in enumerate(("growth of a process", "its whole peak")):
        line = ", ".join(f"{name} {each[place]:.1f}" for name, each in found.items())
        print(f"{what} over {STEPS} steps: MB: {line}; goal: at or below PyTorch")


if __name__ == "__main__":
    main()
