"""How the operands of a launch lie along the axes of its space.

What enters: launches, and shapes and strides of arrays. What leaves: bytes between neighbours. It
must not know targets.
"""

from collections.abc import Sequence
from typing import Any

from .kernel import FULL, Launch

# A size, and bytes between neighbours for each operand.
Axis = tuple[int, tuple[int, ...]]


def strides(launch: Launch, i: int, a: Any) -> tuple[int, ...]:
    """Bytes between neighbours of an argument along each axis of the space; 0 where they are the
    same.
    """
    own = [s if n != 1 else 0 for n, s in zip(a.shape, a.strides, strict=True)]
    missing = [0] * (len(launch.axes) - a.ndim)
    rows_alone = a.ndim == len(launch.axes) - launch.folded
    if launch.folded and launch.kernel.inputs[i].level != FULL and rows_alone:
        return (*own, *missing)
    padded = [*missing, *own]
    return tuple([padded[k] for k in launch.order])


def out_strides(launch: Launch, i: int, blocks: int = 1) -> tuple[int, ...]:
    """Bytes between neighbours of an output; those of rows have none along the columns, and a
    number for each of so many `blocks` of these.
    """
    kernel, size = launch.kernel, launch.dtypes[i].itemsize
    if not launch.folded or kernel.level(kernel.outputs[i]) == FULL:
        found = contiguous(launch.whole or launch.shapes[i], size)
        return tuple([found[k] for k in launch.order])
    rows = launch.axes[: len(launch.axes) - launch.folded]
    return (*contiguous(rows, size * blocks), *(0,) * launch.folded)


def contiguous(shape: Sequence[int], size: int) -> tuple[int, ...]:
    """Strides in row-major order, of elements of so many bytes."""
    out = []
    for n in reversed(shape):
        out.append(size)
        size *= n
    return tuple(reversed(out))


def merged(axes: Sequence[Axis]) -> list[Axis]:
    """Axes longer than 1, neighbours made one where every operand goes on at the same stride."""
    out: list[Axis] = []
    for n, steps in axes:
        if n == 1:
            continue
        if out and all(a == b * n for a, b in zip(out[-1][1], steps, strict=True)):
            out[-1] = (out[-1][0] * n, steps)
        else:
            out.append((n, steps))
    return out
