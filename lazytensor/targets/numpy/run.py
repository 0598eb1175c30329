"""Runs compiled kernels over blocks that stay in the cache, on one thread or several.

What enters: a launch, its compiled kernel and buffers. What leaves: the output arrays, filled.
Blocks are cut along axes that aren't reduced; how they are cut changes no bit.
"""

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from ..._base.dtypes import DType
from ..._base.record import replace
from ..._base.shapes import Shape, prod
from ..._base.threads import run as share
from ...lower.kernel import FULL, Launch

Arrays = list[np.ndarray[Any, Any]]
# Elements times statements that are worth another thread's while.
WORTH = 1 << 19
# Operands that share the cache with blocks of the size that settings ask for.
FEW = 8
# Bytes of an element at most: what is surely within a block needs no cutting.
WIDEST = 16
# Statements of a kernel that goes over operands of so many bytes one after another.
BRIEF, NEAR = 3, 1 << 21
# How much larger blocks are where threads share them: between two statements a thread waits for the
# interpreter's lock, which takes as long as a short statement does. For the same reason many
# threads gain nothing over a few.
APART, MOST_THREADS = 4, 4


class Compiled:
    """A kernel's function, with the scratch arrays that it wants; `over` has pairs of an argument
    and an output that may have the same memory.
    """

    __slots__ = ("function", "over", "scratch", "statements")

    def __init__(
        self,
        function: Callable[..., None],
        scratch: Sequence[tuple[DType, str]],
        statements: int,
        over: frozenset[tuple[int, int]] = frozenset(),
    ) -> None:
        self.function = function
        self.over = over
        self.scratch = scratch
        self.statements = statements


def run(
    launch: Launch, compiled: Compiled, args: Arrays, outs: Arrays, block: int, threads: int
) -> None:
    """Fill `outs`. `block` is the number of bytes of an operand in a block."""
    if launch.order != tuple(range(len(launch.axes))):
        _run_moved(launch, compiled, args, outs, block, threads)
        return
    space, threads = launch.space, min(threads, MOST_THREADS)
    if not launch.kernel.reduced and outs[0].size * WIDEST <= block:
        scratch = _scratch(compiled, space, launch) if compiled.scratch else ()
        compiled.function(*args, *outs, *scratch)
        return
    if launch.kernel.reduced:
        xs = [_two_axes(a, *view) for a, view in zip(args, launch.views, strict=True)]
        ys = [o.reshape(space if o.size == prod(space) else (space[0], 1)) for o in outs]
    elif all(a.size == 1 or (a.shape == space and a.flags.c_contiguous) for a in args):
        space = (prod(space),)
        xs = [a.reshape(()) if a.size == 1 else a.reshape(-1) for a in args]
        ys = [o.reshape(-1) for o in outs]
    else:
        xs = [a.reshape(view[1]) for a, view in zip(args, launch.views, strict=True)]
        ys = list(outs)
    limit = _limit(compiled, xs, outs, block, threads)
    if prod(space) <= limit:
        compiled.function(*xs, *ys, *_scratch(compiled, space, launch))
    else:
        _blocks(launch, compiled, xs, ys, space, limit, threads)


def _run_moved(
    launch: Launch, compiled: Compiled, args: Arrays, outs: Arrays, block: int, threads: int
) -> None:
    """As `run` where the reduced axes aren't the last ones: on arrays in which they are."""
    order, rows = launch.order, len(launch.axes) - launch.folded
    moved = [
        a if x.level != FULL and a.ndim == rows else np.broadcast_to(a, shape).transpose(order)
        for a, x, (shape, _) in zip(args, launch.kernel.inputs, launch.views, strict=True)
    ]
    views = tuple((tuple(shape[k] for k in order), flat) for shape, flat in launch.views)
    reduced = tuple(range(rows, len(order)))
    full = [launch.kernel.level(k) == FULL for k in launch.kernel.outputs]
    temporary = [
        np.empty(launch.axes if f else o.shape, o.dtype) for o, f in zip(outs, full, strict=True)
    ]
    straight = replace(launch, views=views, reduced=reduced)
    run(straight, compiled, moved, temporary, block, threads)
    for out, found, whole in zip(outs, temporary, full, strict=True):
        if whole:
            out.transpose(order)[...] = found
        else:
            out[...] = found.reshape(out.shape)


def _limit(compiled: Compiled, xs: Arrays, outs: Arrays, block: int, threads: int) -> int:
    """Elements of a block, more where operands are few. A kernel of one statement gains nothing
    from blocks, and one of a few statements where all its operands stay in the last cache.
    """
    if compiled.statements == 1 and threads == 1:
        return 1 << 62
    widest = max([o.itemsize for o in outs])
    if threads > 1:
        block *= APART
    elif compiled.statements <= BRIEF:
        block = max(block, NEAR)
    operands = len(outs) + len(compiled.scratch) + sum([x.size > 1 for x in xs])
    return max(2, block * max(1, FEW // operands) // widest)


def _two_axes(a: np.ndarray[Any, Any], full: Shape, flat: Shape) -> np.ndarray[Any, Any]:
    """A buffer seen over (rows, columns); it is copied where its layout doesn't allow that."""
    if a.size != prod(full):
        a = np.broadcast_to(a, full)
    return a.reshape(flat)


def _scratch(compiled: Compiled, shape: Shape, launch: Launch) -> Arrays:
    rows = (*shape[:-1], 1) if launch.kernel.reduced else shape
    return [
        np.empty(shape if level == FULL or not launch.kernel.reduced else rows, dtype)
        for dtype, level in compiled.scratch
    ]


def _cuts(space: Shape, limit: int, reduced: int) -> tuple[int, int]:
    """The axis along which blocks are cut, and how many of its elements are in one."""
    last = len(space) - 1 - reduced
    inner = prod(space[last + 1 :])
    axis = last
    while axis > 0 and inner * space[axis] <= limit:
        inner *= space[axis]
        axis -= 1
    return axis, max(1, limit // max(inner, 1))


def _blocks(
    launch: Launch,
    compiled: Compiled,
    xs: Arrays,
    ys: Arrays,
    space: Shape,
    limit: int,
    threads: int,
) -> None:
    axis, length = _cuts(space, limit, launch.kernel.reduced)
    spans = list(_spans(space, axis, length))
    arrays = [_Cutter(a, len(space), axis) for a in (*xs, *ys)]

    def work(first: int, last: int) -> None:
        scratch = _scratch(
            compiled, (*(1,) * axis, min(length + 1, space[axis]), *space[axis + 1 :]), launch
        )
        key = (slice(None),) * axis
        with np.errstate(all="ignore"):
            for outer, start, stop in spans[first:last]:
                pieces = [cut(outer, start, stop) for cut in arrays]
                compiled.function(*pieces, *[t[(*key, slice(0, stop - start))] for t in scratch])

    # blocks that hold WORTH
    grain = -(-WORTH * len(spans) // (compiled.statements * prod(space)))
    share(work, len(spans), grain, threads)


def _spans(space: Shape, axis: int, length: int) -> Iterator[tuple[tuple[int, ...], int, int]]:
    """Blocks: places along the axes before `axis`, and start and stop along it. None has one
    element alone.
    """
    n = space[axis]
    for outer in itertools.product(*(range(k) for k in space[:axis])):
        start = 0
        while start < n:
            stop = n if n - start <= length + 1 else start + length
            yield outer, start, stop
            start = stop


class _Cutter:
    """Takes the block of one array; axes of size 1 are broadcast."""

    __slots__ = ("_array", "_axis", "_whole", "_zero")

    def __init__(self, array: np.ndarray[Any, Any], rank: int, axis: int) -> None:
        self._array = array
        self._axis = axis
        self._whole = array.ndim < rank or (axis == 0 and array.shape[0] == 1)
        self._zero = [n == 1 for n in array.shape[: axis + 1]]

    def __call__(self, outer: tuple[int, ...], start: int, stop: int) -> np.ndarray[Any, Any]:
        if self._whole:
            return self._array
        if not outer and not self._zero[0]:
            return self._array[start:stop]
        key: list[Any] = [
            slice(0, 1) if z else slice(i, i + 1) for i, z in zip(outer, self._zero, strict=False)
        ]
        key.append(slice(None) if self._zero[self._axis] else slice(start, stop))
        block: np.ndarray[Any, Any] = self._array[tuple(key)]
        return block
