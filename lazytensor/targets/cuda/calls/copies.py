"""Rows that move elements along: copies between arrays that lie in any way, and numbers in order.

What enters: parameters of rows, how arrays lie. What leaves: plans. It must not know addresses.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

from ....lower.layout import Axis, contiguous, merged
from ....ops import bits, create, movement, windows
from ..types import c_type
from .axes import Args, Lies, axes, in_order, split, words
from .plan import ARG, OUT, Place, Planned, Step, blocks, number, step

CELLS = ("types", "cells")
COPIES = (*CELLS, "copies")
# Bytes that a thread moves at once; edges of tiles, and rows of them that a block has at once.
WIDE, TILE, TILE_ROWS = 16, 32, 8
# How long the axes of tiles are at least.
LEAST = 8


@dataclass(frozen=True, slots=True)
class Region:
    """What is read or written: where it begins, and bytes between neighbours along each axis."""

    place: Place
    strides: tuple[int, ...]


def whole(of: str, number: int, a: Lies) -> Region:
    """All of an argument or output."""
    return Region(Place(of, number), tuple(a.strides))


def part(region: Region, starts: Sequence[int], steps: Sequence[int]) -> Region:
    """From a start along each axis, by steps."""
    skipped = sum(i * s for i, s in zip(starts, region.strides, strict=True))
    place = region.place
    return Region(
        Place(place.of, place.number, place.offset + skipped),
        tuple(s * k for s, k in zip(region.strides, steps, strict=True)),
    )


# --- launches -------------------------------------------------------------------------------------


def copy(shape: Sequence[int], itemsize: int, to: Region, source: Region) -> tuple[Step, ...]:
    """Elements of a shape from one region to another, in any order."""
    if 0 in shape:
        return ()
    outer, inner = split(_descending(axes(shape, to.strides, source.strides)))
    crossing = _crossing(outer, inner, itemsize)
    places = (to.place, source.place)
    if crossing is not None:
        return (_tiles(outer, inner, crossing, itemsize, places),)
    return (_cells("copy_cells", outer, inner, itemsize, places),)


def clear(shape: Sequence[int], itemsize: int, to: Region) -> tuple[Step, ...]:
    """Zeros."""
    if 0 in shape:
        return ()
    outer, inner = split(_descending(axes(shape, to.strides)))
    return (_cells("clear_cells", outer, inner, itemsize, (to.place,)),)


def _descending(found: Sequence[Axis]) -> list[Axis]:
    """Axes in the order in which they lie where they are copied to."""
    return merged(sorted(found, key=lambda axis: -abs(axis[1][0]))) or list(found)


def _cells(
    name: str, outer: Sequence[Axis], inner: Axis, itemsize: int, places: Sequence[Place]
) -> Step:
    n, along = inner
    wide = WIDE // itemsize if all(s == itemsize for s in along) and n > 1 else 1
    rows, chunks = prod(k for k, _ in outer), -(-n // wide)
    kind = number(rows * chunks)
    body = f"{name}<{itemsize}, {wide}, {len(outer)}, {kind}>(a.w);"
    tail = (rows, n, chunks, *along, *words(outer))
    return step(COPIES, body, rows * chunks, places, tail)


def _crossing(outer: Sequence[Axis], inner: Axis, itemsize: int) -> int | None:
    """Which axis the neighbours of what is read lie along, if it isn't the innermost one."""
    n, (_, along) = inner
    if n < LEAST or 0 <= along <= itemsize:
        return None
    found = (i for i, (m, (_, s)) in enumerate(outer) if m >= LEAST and abs(s) == itemsize)
    return next(found, None)


def _tiles(
    outer: Sequence[Axis], inner: Axis, crossing: int, itemsize: int, places: Sequence[Place]
) -> Step:
    m, beside = outer[crossing]
    n, along = inner
    rest = [*outer[:crossing], *outer[crossing + 1 :]] or [(1, (0, 0))]
    high, low = -(-m // TILE), -(-n // TILE)
    count = prod(k for k, _ in rest) * high * low
    body = f"LT_ROOM(room);\ncopy_tiles<{itemsize}, {len(rest)}, {number(count)}>(a.w, room);"
    tail = (m, high, n, low, *beside, *along, *words(rest))
    shared = TILE * (TILE + 1) * itemsize
    return blocks(COPIES, body, count, (TILE, TILE_ROWS, 1), shared, places, tail)


# --- rows -----------------------------------------------------------------------------------------


def _viewed(view: Callable[..., Region]) -> Callable[..., Planned]:
    """A row whose result is elements of its argument at other places."""

    def plan(args: Args, outs: Args, params: tuple[Any, ...], over: bool) -> Planned:
        (x,), (out,) = args, outs
        source = view(x, *params)
        return Planned(copy(out.shape, x.itemsize, whole(OUT, 0, out), source))

    return plan


def _broadcast(x: Lies, shape: Sequence[int]) -> Region:
    new = (0,) * (len(shape) - len(x.shape))
    own = (s if n != 1 else 0 for n, s in zip(x.shape, x.strides, strict=True))
    return Region(Place(ARG, 0), (*new, *own))


def _windows(
    x: Lies, sizes: Sequence[int], strides: Sequence[int], dilations: Sequence[int]
) -> Region:
    lead = len(x.shape) - len(sizes)
    last = x.strides[lead:]
    inside = (s * k for s, k in zip(last, dilations, strict=True))
    between = (s * k for s, k in zip(last, strides, strict=True))
    return Region(Place(ARG, 0), (*x.strides[:lead], *inside, *between))


def _of_first(x: Lies) -> Region:
    return whole(ARG, 0, x)


def in_row_major(x: Lies, to: Region) -> tuple[Step, ...]:
    """The first argument copied to where elements lie one behind another."""
    packed = Region(to.place, contiguous(x.shape, x.itemsize))
    return copy(x.shape, x.itemsize, packed, _of_first(x))


def _reshape(args: Args, outs: Args, params: tuple[Any, ...], over: bool) -> Planned | None:
    (x,), (out,) = args, outs
    if in_order(out):
        return Planned(in_row_major(x, whole(OUT, 0, out)))
    if not in_order(x):
        return None
    source = Region(Place(ARG, 0), contiguous(out.shape, x.itemsize))
    return Planned(copy(out.shape, x.itemsize, whole(OUT, 0, out), source))


def _bitcast(args: Args, outs: Args, params: tuple[Any, ...], over: bool) -> Planned | None:
    (x,), (out,) = args, outs
    if x.itemsize == out.itemsize:
        return Planned(copy(out.shape, x.itemsize, whole(OUT, 0, out), _of_first(x)))
    return Planned(in_row_major(x, whole(OUT, 0, out))) if in_order(out) else None


def _embed(args: Args, outs: Args, params: tuple[Any, ...], over: bool) -> Planned:
    (x,), (out,) = args, outs
    _, starts, steps = params
    to = whole(OUT, 0, out)
    cleared = () if tuple(x.shape) == tuple(out.shape) else clear(out.shape, x.itemsize, to)
    written = copy(x.shape, x.itemsize, part(to, starts, steps), _of_first(x))
    return Planned((*cleared, *written))


def first_copied(args: Args, outs: Args, over: bool) -> tuple[Step, ...]:
    """What a row writes over its first argument begins with, unless that is what it writes to."""
    x, out = args[0], outs[0]
    return () if over else copy(x.shape, x.itemsize, whole(OUT, 0, out), _of_first(x))


def _update(args: Args, outs: Args, params: tuple[Any, ...], over: bool) -> Planned:
    (_, u), (out,) = args, outs
    to = part(whole(OUT, 0, out), *params)
    written = copy(u.shape, u.itemsize, to, whole(ARG, 1, u))
    return Planned((*first_copied(args, outs, over), *written))


def _concat(args: Args, outs: Args, params: tuple[Any, ...], over: bool) -> Planned:
    (out,), (axis,) = outs, params
    to, done, found = whole(OUT, 0, out), 0, list[Step]()
    for i, x in enumerate(args):
        starts = tuple(done if a == axis else 0 for a in range(len(x.shape)))
        place = part(to, starts, (1,) * len(x.shape))
        found += copy(x.shape, x.itemsize, place, whole(ARG, i, x))
        done += x.shape[axis]
    return Planned(tuple(found))


def _iota(args: Args, outs: Args, params: tuple[Any, ...], over: bool) -> Planned:
    (out,) = outs
    (n,) = out.shape
    if not n:
        return Planned(())
    body = f"numbers<{c_type(out.dtype)}>(a.w);"
    parts = ("types", "scalar", "cells", "numbers")
    return Planned((step(parts, body, n, (Place(OUT, 0),), (n, *out.strides)),))


PLANS = {
    movement.reshape: _reshape,
    movement.permute: _viewed(
        lambda x, axes: Region(Place(ARG, 0), tuple(x.strides[a] for a in axes))
    ),
    movement.broadcast_to: _viewed(_broadcast),
    movement.fixed: _viewed(_of_first),
    movement.slice_: _viewed(lambda x, starts, _, steps: part(_of_first(x), starts, steps)),
    movement.embed: _embed,
    movement.update_slice: _update,
    movement.concat: _concat,
    windows.windows: _viewed(_windows),
    bits.bitcast: _bitcast,
    create.iota: _iota,
}
