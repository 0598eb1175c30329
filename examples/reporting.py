"""What the examples share: options, a progress bar, losses as lines of text, and a plot of them.

What enters: the loss of each step. What leaves: a bar on standard error, a line for each step on
standard output (`step 7 loss 2.302585`), and the curve as a picture, or as text where matplotlib
isn't installed. It knows no tensors.
"""

import argparse
import sys
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

WIDTH, HEIGHT = 60, 10


def options(description: str, steps: int) -> argparse.Namespace:
    """The options of every example."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--steps", type=int, default=steps, help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=0, help="default: %(default)s")
    parser.add_argument("--plot", metavar="FILE", help="a picture of the losses (needs matplotlib)")
    return parser.parse_args()


class Report:
    """The losses of a training run, told while it goes on."""

    def __init__(self, title: str, steps: int) -> None:
        self.title = title
        self.steps = steps
        self.losses: list[float] = []
        self._start = time.perf_counter()

    def __iter__(self) -> Iterator[int]:
        """The numbers of the steps, with a bar that grows."""
        for step in range(self.steps):
            yield step
            self._draw(step + 1)
        if sys.stderr.isatty():
            sys.stderr.write("\n")

    def _draw(self, done: int) -> None:
        if not sys.stderr.isatty():
            return
        full = 30 * done // self.steps
        rate = done / (time.perf_counter() - self._start)
        loss = f"loss {self.losses[-1]:.4f}" if self.losses else ""
        bar = "█" * full + "░" * (30 - full)
        sys.stderr.write(f"\r{self.title} {bar} {done}/{self.steps} {rate:.1f} steps/s {loss} ")
        sys.stderr.flush()

    def loss(self, value: float) -> None:
        """Take down the loss of the next step. All its digits are printed."""
        if not sys.stdout.isatty():
            print(f"step {len(self.losses)} loss {value!r}")
        self.losses.append(value)

    def show(self, file: str | None = None) -> None:
        """The curve: as text, and as a picture where a file is named."""
        print(curve(self.losses))
        if file is not None:
            picture(self.losses, self.title, Path(file))
            print(f"plot: {file}")


def curve(losses: list[float], width: int = WIDTH, height: int = HEIGHT) -> str:
    """The losses as lines of text, means of neighbours where there are more than columns."""
    if not losses:
        return "no losses"
    width = min(width, len(losses))
    edges = [len(losses) * i // width for i in range(width + 1)]
    means = [sum(losses[a:b]) / (b - a) for a, b in pairwise(edges)]
    low, high = min(means), max(means)
    rows = [round((m - low) / (high - low or 1) * (height - 1)) for m in means]
    lines = []
    for row in reversed(range(height)):
        label = f"{low + (high - low) * row / (height - 1):8.4f}"
        lines.append(f"{label} │" + "".join("●" if r == row else " " for r in rows).rstrip())
    return "\n".join([*lines, " " * 9 + "└" + "─" * width])


def picture(losses: list[float], title: str, file: Path) -> None:
    """The curve as an image, by matplotlib."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(6, 4))
    axes.plot(losses)
    axes.set(title=title, xlabel="step", ylabel="loss")
    figure.savefig(file, dpi=100)
    pyplot.close(figure)
