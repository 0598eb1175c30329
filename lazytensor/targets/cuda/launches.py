"""From a launch and how its operands lie to launches of CUDA kernels.

What enters: a launch, shapes, strides and addresses of its operands. What leaves: for each kernel
its form, a grid, and its words. It must not know CUDA C, nor who launches.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from ..._base.shapes import prod
from ...lower.cost import cost
from ...lower.kernel import FULL, Kernel, Launch
from ...lower.layout import Axis, merged, out_strides, strides
from ...ops._tree import BLOCK, GROUP, LANES
from .folds import accumulators, at_once, folded, passes
from .form import (
    ACROSS,
    ALONG,
    BLOCKS,
    CROSSING,
    FLAT,
    MORE_THREADS,
    MOST_THREADS,
    REST,
    SAME,
    STRIDED,
    SUMMED,
    THREADS,
    TILED,
    UNIT,
    WHOLE,
    Form,
)  # fmt: skip
from .schedule import Schedule
from .tiled import STEP, shared
from .tiled import TILE as EDGE
from .words import ACCUMULATOR, MOST_WORDS, Words

# Bytes that a thread reads or writes at once, and elements at most.
WIDE, MOST_WIDE = 16, 8
# Elements at most that a thread has where it moves each by itself, unless computing one takes more
# additions than this: then memory isn't what is waited for.
MOST_APART, MUCH = 4, 160
# Bytes of all operands that a thread has at once at most: they are to be in registers.
HELD = 320
# Blocks of threads that keep a device busy; rows that are as many are not cut.
BUSY = 264
# Neighbouring rows of a tile: as many as keep the device busy, so many at least and at most.
LEAST_TILE, TILE = 8, 32
# How long the axes of tiles are at least; bytes of shared memory that tiles take at most.
LEAST_CROSSING, SHARED = 8, 48 << 10
# Rows, columns and blocks of threads from which on their numbers take more than 32 bits; a grid has
# no more blocks along its first axis.
NARROW = MOST_BLOCKS = 1 << 31
# Eight rows at a time that keep a device busy; bytes that a thread of kernels that sum rows or hold
# neighbouring ones, has at once at most, by how many threads a block may have.
LEAST_UNITS, SUMS = BUSY // 2, {THREADS: 320, MORE_THREADS: 320, MOST_THREADS: 128}


@dataclass(frozen=True, slots=True)
class Part:
    """A launch of a kernel in some form: blocks, threads of each along three axes, bytes of shared
    memory, and its words behind the addresses: `sizes`, then `tail`.
    """

    form: Form
    blocks: int
    threads: tuple[int, int, int]
    shared: int
    sizes: tuple[int, int, int]
    tail: tuple[int, ...]

    @property
    def grid(self) -> tuple[int, int, int]:
        """Blocks along the axes of a grid."""
        return grid(self.blocks)


def grid(blocks: int) -> tuple[int, int, int]:
    """So many blocks, or a few more, along the axes of a grid."""
    along = min(blocks, MOST_BLOCKS - 1)
    return (along, -(-blocks // along), 1)


@dataclass(frozen=True, slots=True)
class Binding:
    """Launches one after another, none where there is nothing to compute; bytes of memory that they
    leave results to each other in; and pairs of an argument and an output that may have its memory.
    """

    parts: tuple[Part, ...]
    scratch: int = 0
    over: tuple[tuple[int, int], ...] = ()


def bind(
    launch: Launch, args: Sequence[Any], addresses: Sequence[int], outs: Sequence[Any] = ()
) -> Binding:
    """How the kernel of a launch is called on arrays that lie like these; `addresses` are those of
    inputs and outputs. Where no `outs` are given, they lie in row-major order.
    """
    axes = _axes(launch, args, outs)
    found = _bound(launch, axes, args, addresses)
    return replace(found, over=tuple(_over(launch, axes)) if launch.over else ())


def _bound(
    launch: Launch, axes: Sequence[Axis], args: Sequence[Any], addresses: Sequence[int]
) -> Binding:
    if not prod(n for n, _ in axes[: len(axes) - launch.folded]):
        return Binding(())
    sizes = [*(a.itemsize for a in args), *(d.itemsize for d in launch.dtypes)]
    if launch.folded:
        return _folds(launch.kernel, _layout(launch, axes))
    *outer, inner = merged(axes) or [_alone(len(sizes))]
    tiles = _tiled(outer, inner, sizes, len(args))
    return tiles or _flat(launch.kernel, outer, inner, sizes, addresses)


# --- how operands lie -----------------------------------------------------------------------------


def _alone(operands: int) -> Axis:
    """An axis of one element."""
    return (1, (0,) * operands)


def _axes(launch: Launch, args: Sequence[Any], outs: Sequence[Any]) -> list[Axis]:
    steps = [strides(launch, i, a) for i, a in enumerate(args)]
    if outs:
        steps += [_strides_out(launch, i, out) for i, out in enumerate(outs)]
    else:
        steps += [out_strides(launch, i) for i in range(len(launch.shapes))]
    return [(n, tuple(s[k] for s in steps)) for k, n in enumerate(launch.axes)]


def _strides_out(launch: Launch, i: int, out: Any) -> tuple[int, ...]:
    """Bytes between neighbours of an output that lies in some way."""
    kernel, rows = launch.kernel, len(launch.axes) - launch.folded
    whole = out.ndim == len(launch.axes)  # those of rows may lack the axes that are folded
    found = tuple(out.strides[k] for k in launch.order) if whole else out.strides
    full = not launch.folded or kernel.level(kernel.outputs[i]) == FULL
    return found if full else (*found[:rows], *(0,) * launch.folded)


def _over(launch: Launch, axes: Sequence[Axis]) -> Iterator[tuple[int, int]]:
    """Pairs that lie alike, of an argument that is not read after the output is written. A thread
    reads what it has of an argument before it writes there, or a tile's threads do; rows that
    are folded have several threads, of which one may read a value of the row when another has
    written it.
    """
    inputs, kernel = len(launch.kernel.inputs), launch.kernel
    passes = Schedule(kernel, False).passes
    for i, j in launch.over:
        full = not launch.folded or kernel.level(kernel.outputs[j]) == FULL == kernel.level(i)
        read = [n for n, p in enumerate(passes) if i in p.loads]
        written = [n for n, p in enumerate(passes) if j in p.outputs]
        alike = all(n == 1 or s[i] == s[inputs + j] for n, s in axes)
        if full and alike and (not launch.folded or max(read, default=0) <= min(written)):
            yield (i, j)


def _layout(launch: Launch, axes: Sequence[Axis]) -> "Layout":
    split = len(launch.axes) - launch.folded
    return Layout(merged(axes[:split]), merged(axes[split:]) or [_alone(len(axes[0][1]))])


def _far(outer: Sequence[Axis], inner: Sequence[Axis]) -> bool:
    """Whether there are more words than a kernel may be given."""
    axes = (*outer, *inner)
    operands = len(axes[0][1])
    return Words(operands, len(outer), len(inner)).count > MOST_WORDS


def _tail(outer: Sequence[Axis], inner: Sequence[Axis]) -> tuple[int, ...]:
    """Sizes of axes, then for each operand the bytes between neighbours along each."""
    axes = (*outer, *inner)
    strides = zip(*(s for _, s in axes), strict=True)
    return (*(n for n, _ in axes), *(s for operand in strides for s in operand))


# --- element by element ---------------------------------------------------------------------------


def _flat(
    kernel: Kernel,
    outer: Sequence[Axis],
    inner: Axis,
    sizes: Sequence[int],
    addresses: Sequence[int],
) -> Binding:
    """Threads one behind another; each has a few neighbours of the innermost axis."""
    n, along = inner
    lie = tuple(
        UNIT if step == size else SAME if not step else STRIDED
        for step, size in zip(along, sizes, strict=True)
    )
    wide, rows = _wide(outer, n, lie, sizes, addresses), prod(k for k, _ in outer)
    several = _apart(lie, sizes) if wide == 1 and _work(kernel) <= MUCH else 1
    chunks = -(-n // wide)
    form = Form(
        FLAT, len(outer), 1, lie, wide * several, several > 1,
        narrow=max(rows * chunks, n) < NARROW, far=_far(outer, [inner]),
    )  # fmt: skip
    count = -(-rows * chunks // (THREADS * several))
    part = Part(form, count, (THREADS, 1, 1), 0, (rows, n, chunks), _tail(outer, [inner]))
    return Binding((part,))


def _wide(
    outer: Sequence[Axis],
    n: int,
    lie: Sequence[str],
    sizes: Sequence[int],
    addresses: Sequence[int],
) -> int:
    """How many neighbours a thread has: 1 where some operand's rows don't begin at such a place."""
    near = [i for i, f in enumerate(lie) if f == UNIT]
    if not near:
        return 1
    wide = min(MOST_WIDE, max(1, WIDE // max(sizes[i] for i in near)))
    while wide > 1 and wide * sum(sizes[i] for i in near) > HELD:
        wide //= 2
    places = [p for i in near for p in (addresses[i], *(s[i] for _, s in outer))]
    widths = [wide * sizes[i] for i in near for _ in range(1 + len(outer))]
    begins = all(p % min(WIDE, w) == 0 for p, w in zip(places, widths, strict=True))
    return wide if begins and n >= MOST_WIDE else 1


@lru_cache(4096)
def _work(kernel: Kernel) -> int:
    """What computing an element takes, in additions."""
    return sum(
        cost(stage.op, tuple(kernel.dtype(a) for a in stage.args), stage.params)
        for stage in kernel.stages
    )


def _apart(lie: Sequence[str], sizes: Sequence[int]) -> int:
    """How many elements that lie apart a thread has: registers are to hold those of operands."""
    own = [size for f, size in zip(lie, sizes, strict=True) if f != SAME]
    count = min(MOST_APART, max(1, WIDE // max(own, default=WIDE)))
    while count > 1 and count * sum(own) > HELD:
        count //= 2
    return count


# --- tiles ----------------------------------------------------------------------------------------


def _tiled(outer: Sequence[Axis], inner: Axis, sizes: Sequence[int], inputs: int) -> Binding | None:
    """Tiles of the innermost axis and the one that most of what lies across goes on along, if there
    is such an axis.
    """
    n, along = inner
    found = [_crossing(k, along, sizes, inputs) for k in outer]
    most = max(range(len(outer)), key=lambda k: sum(sizes[i] for i in found[k]), default=-1)
    if n < LEAST_CROSSING or most < 0 or not found[most]:
        return None
    crossing = found[most]
    lie = tuple(
        CROSSING if i in crossing else SAME if not (step or outer[most][1][i]) else STRIDED
        for i, step in enumerate(along)
    )
    rest, tiles = [*outer[:most], *outer[most + 1 :]], -(-n // EDGE) * -(-outer[most][0] // EDGE)
    rows = prod(k for k, _ in rest)
    form = Form(
        TILED, len(rest), 2, lie, narrow=max(rows * tiles, outer[most][0], n) < NARROW,
        far=_far(rest, [outer[most], inner]),
    )  # fmt: skip
    counts, tail = (rows, outer[most][0] * n, tiles), _tail(rest, [outer[most], inner])
    room = shared([sizes[i] for i in crossing])
    return Binding((Part(form, rows * tiles, (EDGE, STEP, 1), room, counts, tail),))


def _crossing(axis: Axis, along: Sequence[int], sizes: Sequence[int], inputs: int) -> list[int]:
    """Inputs whose neighbours lie along an axis, not along the innermost one: as many as there is
    shared memory for.
    """
    n, steps = axis
    found: list[int] = []
    for i in range(inputs if n >= LEAST_CROSSING else 0):
        beside = abs(steps[i]) == sizes[i] < abs(along[i])
        if beside and shared([sizes[k] for k in (*found, i)]) <= SHARED:
            found.append(i)
    return found


# --- rows that are folded -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Layout:
    """Axes of rows and of columns, merged where all operands allow it."""

    outer: list[Axis]
    inner: list[Axis]

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return prod(n for n, _ in self.outer)

    @property
    def columns(self) -> int:
        """How many columns."""
        return prod(n for n, _ in self.inner)


def bind_summed(launch: Launch, args: Sequence[Any]) -> Part | None:
    """How a kernel that sums rows as well is called; None where rows are too few or too long for
    it, or registers don't hold what it has of a row.
    """
    layout = _layout(launch, _axes(launch, args, ()))
    few = -(-layout.rows // GROUP) * LANES < LEAST_UNITS
    if few or layout.columns > BLOCK or _goes_across(launch.kernel, layout):
        return None
    part = _part(launch.kernel, layout, SUMMED, WHOLE)
    return part if at_once(launch.kernel) <= SUMS[part.form.threads] else None


def bind_sums(launch: Launch, args: Sequence[Any], which: int) -> Binding:
    """How a launch is called that adds up what eight rows each of an argument have come to."""
    axes = [(n, (*s[:which], 0, *s[which + 1 :])) for n, s in _axes(launch, args, ())]
    return _folds(launch.kernel, _layout(launch, axes), True)


def _folds(kernel: Kernel, layout: Layout, partial: bool = False) -> Binding:
    """Rows of one block at most in one go; longer ones in blocks that are folded afterwards, unless
    there are rows enough, or several passes over them.
    """
    way = ACROSS if partial or _goes_across(kernel, layout) else ALONG
    blocks = -(-layout.columns // BLOCK)
    once = passes(kernel) == 1
    if blocks <= 1 or not once or _tiles(way, layout) >= BUSY:
        return Binding((_part(kernel, layout, way, WHOLE, partial),))
    first, last = _part(kernel, layout, way, BLOCKS, partial), _part(kernel, layout, ALONG, REST)
    return Binding((first, last), ACCUMULATOR * len(folded(kernel)) * layout.rows * blocks)


def _goes_across(kernel: Kernel, layout: Layout) -> bool:
    """Whether neighbouring threads have neighbouring rows: most of what varies along the columns
    lies so.
    """
    if not layout.outer:
        return False
    (_, beside), (_, along) = layout.outer[-1], layout.inner[-1]
    full = [i for i, x in enumerate(kernel.inputs) if x.level == FULL]
    stored = enumerate(kernel.outputs, len(kernel.inputs))
    full += [j for j, k in stored if kernel.level(k) == FULL]
    across = sum(0 < abs(beside[i]) < abs(along[i]) for i in full)
    return across > sum(0 < abs(along[i]) <= abs(beside[i]) for i in full)


def _tiles(way: str, layout: Layout) -> int:
    """Blocks of threads that go over whole rows."""
    return -(-layout.rows // (_tile(layout.rows) if way == ACROSS else 1))


def _tile(rows: int) -> int:
    """How many neighbouring rows a block of threads has."""
    tile = TILE
    while tile > LEAST_TILE and rows < tile * BUSY:
        tile //= 2
    return tile


def _part(kernel: Kernel, layout: Layout, way: str, part: str, partial: bool = False) -> Part:
    rows, columns = layout.rows, layout.columns
    blocks = -(-columns // BLOCK)
    if part == REST:  # the columns are what blocks have left
        columns, blocks = blocks, -(-blocks // BLOCK)
    across = way == ACROSS
    units = -(-rows // GROUP) * LANES if way == SUMMED else rows
    held = part == WHOLE and not partial and columns <= (GROUP if across else BLOCK)
    much = across and held and at_once(kernel) > SUMS[MOST_THREADS]
    lanes, groups, tile = _shape(units, max(columns, 1), across, TILE // 2 if much else TILE)
    count, number = lanes * groups * tile, -(-units // tile) * (blocks if part == BLOCKS else 1)
    form = Form(
        way, len(layout.outer), len(layout.inner), held=held, part=part,
        threads=_threads(way == SUMMED or much, count),
        narrow=max(rows, columns, number) < NARROW, partial=partial,
        far=_far(layout.outer, layout.inner),
    )  # fmt: skip
    threads = (tile, lanes, 1) if across else (lanes, tile, groups)
    shared = count * accumulators(kernel) if across or groups > 1 else 0
    tail = _tail(layout.outer, layout.inner)
    return Part(form, number, threads, shared, (rows, columns, blocks), tail)


def _threads(much: bool, count: int) -> int:
    """How many threads a block may have for so many, which take many registers each or not."""
    if much and THREADS < count <= MORE_THREADS:
        return MORE_THREADS
    return THREADS if count <= THREADS else MOST_THREADS


def _shape(rows: int, columns: int, across: bool, most: int) -> tuple[int, int, int]:
    """Lanes that rows have, groups of them, and rows that a block of threads has; whole warps.
    Neighbouring rows are `most` at the most.
    """
    if across:
        return LANES, 1, min(most, _tile(rows))
    lanes = min(LANES, 1 << (columns - 1).bit_length())
    groups = -(-min(columns, BLOCK) // GROUP)
    warp = LANES // lanes
    return lanes, groups, max(1, min(-(-rows // warp) * warp, THREADS // (lanes * groups)))
