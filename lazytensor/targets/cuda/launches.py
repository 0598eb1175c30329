"""From a launch and how its operands lie to launches of CUDA kernels.

What enters: a launch, shapes, strides and addresses of its operands. What leaves: for each kernel
its form, a grid, and its words. It must not know CUDA C, nor who launches.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..._base.shapes import prod
from ...lower.kernel import FULL, Kernel, Launch
from ...lower.layout import Axis, merged, out_strides, strides
from ...ops._tree import BLOCK, GROUP, LANES
from .folds import accumulators, folded, passes
from .form import (
    ACROSS,
    ALONG,
    BLOCKS,
    CROSSING,
    FLAT,
    MOST_THREADS,
    REST,
    SAME,
    STRIDED,
    THREADS,
    TILED,
    UNIT,
    WHOLE,
    Form,
)  # fmt: skip
from .tiled import STEP, shared
from .tiled import TILE as EDGE
from .words import ACCUMULATOR

# Bytes that a thread reads or writes at once, and elements at most.
WIDE, MOST_WIDE = 16, 8
# Bytes of all operands that a thread has at once at most: they are to be in registers.
HELD = 320
# Blocks of threads that keep a device busy; rows that are as many are not cut.
BUSY = 264
# Neighbouring rows of a tile: as many as keep the device busy, so many at least and at most.
LEAST_TILE, TILE = 8, 32
# How long the axes of tiles are at least; bytes of shared memory that tiles take at most.
LEAST_CROSSING, SHARED = 8, 48 << 10
# Rows and columns from which on their numbers take more than 32 bits.
NARROW = 1 << 31


@dataclass(frozen=True, slots=True)
class Part:
    """A launch of a kernel in some form: blocks, threads of each along three axes, bytes of shared
    memory, and its words behind the addresses.
    """

    form: Form
    blocks: int
    threads: tuple[int, int, int]
    shared: int
    sizes: tuple[int, int, int]
    tail: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Binding:
    """Launches one after another, and bytes of memory that they leave results to each other in."""

    parts: tuple[Part, ...]
    scratch: int = 0


def bind(launch: Launch, args: Sequence[Any], addresses: Sequence[int]) -> Binding:
    """How the kernel of a launch is called on arrays that lie like these, with outputs that lie in
    row-major order; `addresses` are those of inputs and outputs.
    """
    split = len(launch.axes) - launch.folded
    steps = [strides(launch, i, a) for i, a in enumerate(args)]
    steps += [out_strides(launch, i) for i in range(len(launch.shapes))]
    axes = [(n, tuple(s[k] for s in steps)) for k, n in enumerate(launch.axes)]
    sizes = [*(a.itemsize for a in args), *(d.itemsize for d in launch.dtypes)]
    alone = (1, (0,) * len(sizes))
    if not launch.folded:
        *outer, inner = merged(axes) or [alone]
        return _tiled(outer, inner, sizes, len(args)) or _flat(outer, inner, sizes, addresses)
    return _folds(launch.kernel, Layout(merged(axes[:split]), merged(axes[split:]) or [alone]))


# --- how operands lie -----------------------------------------------------------------------------


def _tail(outer: Sequence[Axis], inner: Sequence[Axis]) -> tuple[int, ...]:
    """Sizes of axes, then for each operand the bytes between neighbours along each."""
    axes = (*outer, *inner)
    strides = zip(*(s for _, s in axes), strict=True)
    return (*(n for n, _ in axes), *(s for operand in strides for s in operand))


# --- element by element ---------------------------------------------------------------------------


def _flat(
    outer: Sequence[Axis], inner: Axis, sizes: Sequence[int], addresses: Sequence[int]
) -> Binding:
    """Threads one behind another; each has a few neighbours of the innermost axis."""
    n, along = inner
    lie = tuple(
        UNIT if step == size else SAME if not step else STRIDED
        for step, size in zip(along, sizes, strict=True)
    )
    wide = _wide(outer, n, lie, sizes, addresses)
    rows, chunks = prod(k for k, _ in outer), -(-n // wide)
    form = Form(FLAT, len(outer), 1, lie, wide, narrow=rows * chunks < NARROW)
    count = -(-rows * chunks // THREADS)
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
    form = Form(TILED, len(rest), 2, lie, narrow=rows < NARROW)
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


def _folds(kernel: Kernel, layout: Layout) -> Binding:
    """Rows of one block at most in one go; longer ones in blocks that are folded afterwards, unless
    there are rows enough, or several passes over them.
    """
    way = ACROSS if _goes_across(kernel, layout) else ALONG
    blocks = -(-layout.columns // BLOCK)
    once = passes(kernel) == 1
    if blocks == 1 or not once or _tiles(way, layout) >= BUSY:
        return Binding((_part(kernel, layout, way, WHOLE),))
    first, last = _part(kernel, layout, way, BLOCKS), _part(kernel, layout, ALONG, REST)
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


def _part(kernel: Kernel, layout: Layout, way: str, part: str) -> Part:
    rows, columns = layout.rows, layout.columns
    blocks = -(-columns // BLOCK)
    if part == REST:  # the columns are what blocks have left
        columns, blocks = blocks, -(-blocks // BLOCK)
    across = way == ACROSS
    lanes, groups, tile = _shape(rows, columns, across)
    held = part == WHOLE and columns <= (GROUP if across else BLOCK)
    count = lanes * groups * tile
    form = Form(
        way, len(layout.outer), len(layout.inner), held=held, part=part,
        threads=THREADS if count <= THREADS else MOST_THREADS,
        narrow=max(rows, columns) < NARROW,
    )  # fmt: skip
    threads = (tile, lanes, 1) if across else (lanes, tile, groups)
    grid = -(-rows // tile) * (blocks if part == BLOCKS else 1)
    shared = count * accumulators(kernel) if across or groups > 1 else 0
    tail = _tail(layout.outer, layout.inner)
    return Part(form, grid, threads, shared, (rows, columns, blocks), tail)


def _shape(rows: int, columns: int, across: bool) -> tuple[int, int, int]:
    """Lanes that rows have, groups of them, and rows that a block of threads has; whole warps."""
    if across:
        return LANES, 1, _tile(rows)
    lanes = min(LANES, 1 << (columns - 1).bit_length())
    groups = -(-min(columns, BLOCK) // GROUP)
    warp = LANES // lanes
    return lanes, groups, max(1, min(-(-rows // warp) * warp, THREADS // (lanes * groups)))
