"""From a launch and how its operands lie to what a native function reads.

What enters: a launch, its arrays. What leaves: a Binding: axes merged where all operands allow it,
the kernel's form, and its words. It must not know machine code.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..._base.shapes import Shape, prod
from ...lower.kernel import FULL, Launch
from ...ops._tree import BLOCK
from .emit import Form
from .memory import SAME, STRIDED, UNIT

Array = np.ndarray[Any, Any]
# Bytes of outputs from which on they are written past the caches.
STREAM = 1 << 24
# Columns of a block where arguments lie across one another, so that a line of each stays cached.
TILE = 128
# Columns from which on a row is cut into blocks, and these are folded in a second go.
LONGEST = 8 * BLOCK
Axis = tuple[int, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Binding:
    """`count` rows, or columns where there are no rows; `copies` are (argument, shape): what has to
    be laid out anew first.
    """

    form: Form
    count: int
    columns: int
    words: tuple[int, ...]
    copies: tuple[tuple[int, Shape], ...]


def bind(launch: Launch, args: Sequence[Array], outs: Sequence[Array], blocks: int = 0) -> Binding:
    """How the kernel of a launch is to be called on these arrays; with `blocks`, for that many
    blocks of each row, whose folds lie along a last axis of their outputs.
    """
    split = len(launch.axes) - launch.folded
    copies = tuple(_copies(launch, args, split))
    strides = [_strides(launch, i, a) for i, a in enumerate(args)]
    for i, shape in copies:
        strides[i] = _contiguous(shape, args[i].itemsize)
    strides += [_out_strides(launch, i, o, split, max(blocks, 1)) for i, o in enumerate(outs)]
    axes = [(n, tuple(s[k] for s in strides)) for k, n in enumerate(launch.axes)]
    if launch.folded:
        rows, inner = _merged(axes[:split]), _merged(axes[split:])
        rows = rows or [(1, (0,) * len(strides))]
    else:
        rows = _merged(axes)
        inner = [rows.pop()] if rows else []
    columns, along = inner[0] if inner else (1, tuple(a.itemsize for a in (*args, *outs)))
    if blocks:
        rows.append((blocks, _block_strides(launch, along, outs)))
    block, axis = (BLOCK, len(rows) - 1) if blocks else (0, -1)
    forms = _forms(launch, along, args, columns)
    if not launch.folded and _crosswise(rows, forms, args) and columns > TILE:
        axis, block = len(rows) - 1, TILE
        rows.insert(axis, (-(-columns // TILE), tuple(s * TILE for s in along)))
    form = Form(forms, len(rows), _streams(rows, outs), axis, block)
    words = [columns]
    for i, stride in enumerate(along):
        words += [*(s[i] for _, s in rows), stride]
    words += [n for n, _ in rows]
    count = prod([n for n, _ in rows]) if rows else columns
    return Binding(form, count, columns, tuple(words), copies)


def _strides(launch: Launch, i: int, a: Array) -> tuple[int, ...]:
    """Bytes between neighbours along each axis of the space; 0 where they are the same."""
    own = [s if n != 1 else 0 for n, s in zip(a.shape, a.strides, strict=True)]
    missing = [0] * (len(launch.axes) - a.ndim)
    rows_alone = a.ndim == len(launch.axes) - launch.folded
    if launch.folded and launch.kernel.inputs[i].level != FULL and rows_alone:
        return (*own, *missing)
    return (*missing, *own)


def _contiguous(shape: Shape, size: int) -> tuple[int, ...]:
    out = []
    for n in reversed(shape):
        out.append(size)
        size *= n
    return tuple(reversed(out))


def _out_strides(launch: Launch, i: int, out: Array, split: int, blocks: int) -> tuple[int, ...]:
    kernel = launch.kernel
    if not launch.folded or kernel.level(kernel.outputs[i]) == FULL:
        return _contiguous(launch.axes, out.itemsize)
    return (*_contiguous(launch.axes[:split], out.itemsize * blocks), *(0,) * launch.folded)


def _block_strides(launch: Launch, along: Sequence[int], outs: Sequence[Array]) -> tuple[int, ...]:
    """Bytes from one block of a row to the next, for each operand."""
    kernel = launch.kernel
    strides = [s * BLOCK for s in along]
    for i, out in enumerate(outs, len(kernel.inputs)):
        if kernel.level(kernel.outputs[i - len(kernel.inputs)]) != FULL:
            strides[i] = out.itemsize
    return tuple(strides)


def _copies(launch: Launch, args: Sequence[Array], split: int) -> list[tuple[int, Shape]]:
    """Arguments whose folded axes can't be gone along with one stride."""
    found = []
    for i, a in enumerate(args) if launch.folded > 1 else ():
        strides = _strides(launch, i, a)
        inner = [(n, (s,)) for n, s in zip(launch.axes[split:], strides[split:], strict=True)]
        if len(_merged(inner)) > 1:
            found.append((i, launch.axes))
    return found


def _merged(axes: Sequence[Axis]) -> list[Axis]:
    """Axes longer than 1, neighbours made one where every operand goes on at the same stride."""
    out: list[Axis] = []
    for n, strides in axes:
        if n == 1:
            continue
        if out and all(a == b * n for a, b in zip(out[-1][1], strides, strict=True)):
            out[-1] = (out[-1][0] * n, strides)
        else:
            out.append((n, strides))
    return out


def _forms(
    launch: Launch, along: Sequence[int], args: Sequence[Array], columns: int
) -> tuple[str, ...]:
    forms = []
    for i, a in enumerate(args):
        unit = along[i] == a.itemsize or columns == 1
        forms.append(UNIT if unit else SAME if not along[i] else STRIDED)
    return (*forms, *(UNIT for _ in range(len(along) - len(args))))


def _crosswise(rows: Sequence[Axis], forms: Sequence[str], args: Sequence[Array]) -> bool:
    """Whether some argument goes on from one row to the next where others go along columns."""
    if not rows:
        return False
    return any(
        form == STRIDED and abs(rows[-1][1][i]) == a.itemsize
        for i, (form, a) in enumerate(zip(forms, args, strict=False))
    )


def _streams(rows: Sequence[Axis], outs: Sequence[Array]) -> bool:
    """Whether outputs are too large to be found in the caches, and rows begin at whole vectors."""
    if sum(o.nbytes for o in outs) < STREAM:
        return False
    return all(s % 64 == 0 for _, strides in rows for s in strides[-len(outs) :]) and all(
        o.__array_interface__["data"][0] % 64 == 0 for o in outs
    )
