"""`lazytensor demo`: a tour on real data.

What enters: the digits that come with the package. What leaves: text: the lazy graph of a
computation, its kernels, the time beside the same code on NumPy, and how much of it was right.
"""

import argparse
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import lazytensor

from ..ir.graph import linearize
from ..ir.printer import show
from ..lower.pipeline import lower
from ..lower.text import describe
from ..runtime.counters import counting
from . import console, digits

COMPONENTS, STEPS, RATE, WIDTH = 20, 60, 0.3, 1.5
# How often a part is timed, and for how long at most; the shortest time counts.
REPEATS, SECONDS = 25, 0.3
SHADES = " .:-=+*#%@"


class Split(NamedTuple):
    """Training and new points of one namespace, with their labels."""

    x: Any
    targets: Any
    new: Any
    labels: Any


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The verb has no options."""


def run(options: argparse.Namespace) -> int:
    """The tour."""
    pixels, labels = digits.load()
    _data(pixels, labels)
    _laziness(pixels)
    split = _principal(pixels, labels)
    _neighbours(split)
    _regression(split)
    _gradient(split)
    _times(pixels, split)
    return 0


def _data(pixels: Any, labels: Any) -> None:
    console.heading("The data")
    console.say(
        f"{len(labels):,} handwritten digits of 8 × 8 pixels (UCI Machine Learning Repository), "
        f"the first {digits.TRAINING:,} to learn from, the rest to be told apart."
    )
    shown = min(10, console.width() // 9)
    images = pixels[:shown].reshape(shown, 8, 8).astype(int)
    lines = [
        " ".join("".join(SHADES[min(p, 15) * 10 // 16] for p in image[row]) for image in images)
        for row in range(8)
    ]
    console.code("\n".join(lines), "text")


def _laziness(pixels: Any) -> None:
    console.heading("An operation computes nothing")
    x = lazytensor.asarray(pixels)
    with counting() as built:
        z = digits.standardise(lazytensor, x)
    console.say(
        f"Standardising the columns made {built.nodes} nodes and computed {built.graphs} values. "
        "This is the graph, as Python that makes it again:"
    )
    console.code(show([z._node]))
    with counting() as done:
        worst = float(lazytensor.max(lazytensor.abs(lazytensor.mean(z, axis=0))))
    console.say(
        f"Asking for the largest mean of a column, {worst:.1e}, computed it: "
        f"{done.interpreted} operations one by one, as for any small graph that is new, "
        f"{done.kernels} compiled kernels. A graph that is large, or comes again, is compiled."
    )


def _components(xp: Any, pixels: Any) -> tuple[Any, Any]:
    """The standardised pixels along their principal axes, and all shares of the variance."""
    z = digits.standardise(xp, pixels)
    axes, shares = digits.principal_axes(xp, z, COMPONENTS)
    return z @ axes, shares


def _principal(pixels: Any, labels: Any) -> Split:
    console.heading("Principal components, by linalg.svd")
    points, shares = _components(lazytensor, lazytensor.asarray(pixels))
    kept = float(lazytensor.sum(shares[:COMPONENTS]))
    console.say(f"{COMPONENTS} of {pixels.shape[1]} axes keep {kept:.1%} of the variance:")
    for number, share in enumerate(shares[:5].tolist()):
        console.code(f"  axis {number}  {share:6.1%}  {'█' * round(200 * share)}", "text")
    n, given = digits.TRAINING, lazytensor.asarray(labels)
    targets = digits.one_hot(lazytensor, given[:n])
    return Split(points[:n, :], targets, points[n:, :], given[n:])


def _neighbours(split: Split) -> None:
    console.heading("A softmax over all distances is one kernel")
    lazytensor.materialize(split.x, split.targets, split.new)
    found = digits.neighbours(lazytensor, split.x, split.targets, split.new, WIDTH)
    console.say(
        f"Each of {split.x.shape[0]:,} training points votes on each of {split.new.shape[0]} new "
        "ones, with a weight that falls with the distance. The plan: kernels, then its steps:"
    )
    console.code(describe(lower(linearize([found._node]))))
    share = digits.accuracy(lazytensor, found, split.labels)
    console.say(f"Right: {share:.1%} of the new digits.", style="bold green")


def _regression(split: Split) -> None:
    console.heading("Logistic regression")
    with counting() as done:
        w, losses = digits.descend(lazytensor, split.x, split.targets, STEPS, RATE)
    found = lazytensor.argmax(split.new @ w, axis=1)
    share = digits.accuracy(lazytensor, found, split.labels)
    console.say(
        f"{STEPS} steps, the loss read after each: {losses[0]:.3f} to {losses[-1]:.3f}. "
        f"{done.graphs} graphs, {done.plans} of them planned, {done.compilations} kernels "
        "compiled: each step is the same program, and its plan is kept."
    )
    console.say(f"Right: {share:.1%} of the new digits.", style="bold green")


def _gradient(split: Split) -> None:
    console.heading("Derivatives are graphs too")
    w = lazytensor.zeros((COMPONENTS, digits.DIGITS))
    found = lazytensor.grad(lambda w: digits.loss(lazytensor, split.x, split.targets, w))(w)
    error = digits.softmax(lazytensor, split.x @ w) - split.targets
    by_hand = lazytensor.matrix_transpose(split.x) @ error / split.x.shape[0]
    worst = float(lazytensor.max(lazytensor.abs(found - by_hand)))
    console.say(f"lazytensor.grad of the loss differs from the formula by {worst:.0e} at most.")


def _times(pixels: Any, split: Split) -> None:
    console.heading("The same code on NumPy")
    ours, theirs = (_stages(xp, pixels, split) for xp in (lazytensor, np))
    rows = []
    for (name, lazy), (_, eager) in zip(ours, theirs, strict=True):
        first, again, numpy = _seconds(lazy), _best(lazy), _best(eager)
        rows.append(
            (name, *(f"{1e3 * s:.1f}" for s in (first, again, numpy)), f"{numpy / again:.2f}×")
        )
    columns = ("milliseconds", "at first", "again", "NumPy", "speed")
    console.table(columns, rows, right=range(1, len(columns)))
    console.say(
        "The first time includes planning and compiling what was not seen before. Fusion pays "
        "where arrays are large: the weights of the neighbours pass over memory once. Building a "
        "graph and finding its plan costs microseconds an operation, which small arrays, as in a "
        "step of the regression, do not earn back."
    )


def _stages(xp: Any, pixels: Any, split: Split) -> list[tuple[str, Callable[[], Any]]]:
    """Parts of the tour, each of which ends with numbers."""
    given = Split(*(xp.asarray(np.asarray(part)) for part in split))
    x = xp.asarray(pixels)

    def vote() -> float:
        found = digits.neighbours(xp, given.x, given.targets, given.new, WIDTH)
        return digits.accuracy(xp, found, given.labels)

    return [
        ("standardise", lambda: float(xp.max(digits.standardise(xp, x)))),
        ("components", lambda: float(xp.max(_components(xp, x)[0]))),
        ("neighbours", vote),
        ("regression", lambda: digits.descend(xp, given.x, given.targets, STEPS, RATE)),
    ]


def _best(work: Callable[[], Any]) -> float:
    """The shortest of some repetitions."""
    times = [_seconds(work)]
    while sum(times) < SECONDS and len(times) < REPEATS:
        times.append(_seconds(work))
    return min(times)


def _seconds(work: Callable[[], Any]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
