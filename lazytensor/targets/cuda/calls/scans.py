"""Scans along an axis: sums, products, extrema, recurrences.

What enters: how arrays lie. What leaves: plans. It must not know addresses.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import isqrt, prod
from typing import Any

from ....ops import iterated, scan
from ..types import c_type
from .axes import Args, Axis, Lies, axes, words
from .plan import ARG, OUT, Place, Planned, Room, Step, blocks, number, step

PARTS = ("types", "scalar", "complex", "folds", "cells", "scans")
# Elements of a piece, which a thread has, and threads that have a chunk, as in `device/scans.cuh`;
# bytes of what is held at most. Elements from which on a block is worth a line.
PIECE, SCANNERS, HELD, LONG = 8, 256, 16, 256
# Lines that a block has at most, one after another; blocks that keep a device busy; bytes of shared
# memory for pieces of lines.
LINES, BUSY, SHARED = 32, 264, 16 << 10
# Numbers that a block of one chunk holds in shared memory: of pieces, gaps between groups, groups.
CHUNK, ROOM = SCANNERS * PIECE, SCANNERS + 2 * (SCANNERS // 16)


def without(values: Sequence[int], axis: int) -> tuple[int, ...]:
    """Of the other axes."""
    return (*values[:axis], *values[axis + 1 :])


class _Lines:
    """Lines of an array along an axis, and of what comes of it."""

    def __init__(self, x: Lies, out: Lies, axis: int) -> None:
        shape = without(x.shape, axis)
        self.x, self.out = x, out
        self.axes: list[Axis] = axes(
            shape, without(out.strides, axis), without(x.strides, axis)
        )  # fmt: skip
        self.lines, self.n = prod(shape), x.shape[axis]
        self.steps = out.strides[axis], x.strides[axis]

    def template(self, name: str, fold: str, *more: str) -> str:
        """A function of `device/scans.cuh` for these lines."""
        kinds = ", ".join((*more, str(len(self.axes)), number(self.lines * self.n)))
        return f"LT_ROOM(room);\n{name}<{fold}, {c_type(self.x.dtype)}, {kinds}>(a.w, room);"

    @property
    def across(self) -> bool:
        """Whether neighbouring lines lie closer than neighbours on a line."""
        beside = abs(self.axes[-1][1][1])
        return self.lines > 1 and 0 < beside < abs(self.steps[1])


def _by_lines(of: _Lines, fold: str) -> Planned:
    """A thread goes over each line."""
    many, across = LINES, of.across
    while many > 1 and (many >= 2 * of.lines or (not across and of.lines < many * BUSY)):
        many //= 2
    slot = max(of.x.itemsize, of.out.itemsize)
    wide = min(SHARED // (slot * many), max(LINES, 1 << (of.n - 1).bit_length()))
    shared = 16 * many + many * (wide + 1) * slot
    tail = (of.lines, of.n, *of.steps, many, wide, int(across), *words(of.axes))
    count, places = -(-of.lines // many), (Place(OUT, 0), Place(ARG, 0))
    body = of.template("scan_lines", fold)
    return Planned((blocks(PARTS, body, count, (SCANNERS, 1, 1), shared, places, tail),))


def _by_chunks(of: _Lines, fold: str) -> Planned:
    """Blocks go over chunks of each line, of which those of more than one twice."""
    chunks, room = -(-of.n // CHUNK), Room()
    held = room.take(of.lines * chunks * HELD) if chunks > 1 else Place(ARG, 0)
    places = (Place(OUT, 0), Place(ARG, 0), held)
    tail = (of.n, chunks, *of.steps, *words(of.axes))
    few = min(SCANNERS, -(-of.n // (32 * PIECE)) * 32)

    def part(name: str) -> Step:
        body = of.template("scan_chunks", fold, name)
        found = blocks(PARTS, body, of.lines * chunks, (SCANNERS, 1, 1), ROOM * HELD, places, tail)
        return replace(found, threads=(few, 1, 1))

    if chunks == 1:
        return Planned((part("WHOLE"),))
    body = f"LT_ROOM(room);\nscan_totals<{fold}>(a.w, room);"
    between = blocks(
        PARTS, body, of.lines, (SCANNERS, 1, 1), SCANNERS * HELD, (held,), (chunks,)
    )  # fmt: skip
    return Planned((part("TOTALS"), between, part("REST")), room.used)


def _scan(fold: Callable[..., str]) -> Callable[..., Planned]:
    """A row whose fold is given by dtype and parameters. Which way is taken is nothing that
    results depend on.
    """

    def plan(args: Args, outs: Args, params: tuple[Any, ...], over: bool) -> Planned:
        (x,), (out,), (axis, *rest) = args, outs, params
        if 0 in x.shape:
            return Planned(())
        of, name = _Lines(x, out, axis), fold(c_type(x.dtype), *rest)
        lines = of.n < LONG or (of.across and of.lines >= LINES * BUSY)
        return (_by_lines if lines else _by_chunks)(of, name)

    return plan


def _combined(name: str) -> Callable[..., Planned]:
    return _scan(lambda dtype: f"{name}<{dtype}>")


def _best(name: str) -> Callable[..., Planned]:
    text = {True: "true", False: "false"}
    return _scan(lambda dtype, largest: f"{name}<{dtype}, {text[largest]}>")


# --- recurrences ----------------------------------------------------------------------------------


def _recurrence(args: Args, outs: Args, params: tuple[Any, ...], over: bool) -> Planned:
    (a, b), (out,), (axis,) = args, outs, params
    if 0 in a.shape:
        return Planned(())
    shape, n = without(a.shape, axis), a.shape[axis]
    held = axes(shape, without(a.strides, axis), without(b.strides, axis))
    to = axes(shape, without(out.strides, axis))
    lines, length = prod(shape), isqrt(n)
    pieces, size = n // length, max(4, a.itemsize)
    room = Room()
    factors, sums = room.take(lines * n * size), room.take(lines * n * size)
    ends = room.take(lines * pieces * size)
    own = (lines, n, pieces, length)
    both = (*own, a.strides[axis], b.strides[axis], *words(held))
    given, kinds = (Place(ARG, 0), Place(ARG, 1), factors, sums), number(lines * n)

    def body(name: str, rank: int) -> str:
        return f"{name}<{c_type(a.dtype)}, {rank}, {kinds}>(a.w);"

    steps = (
        step(PARTS, body("begin_pieces", len(held)), lines * pieces, given, both),
        step(PARTS, body("join_pieces", len(held)), lines, (*given, ends), both),
        step(
            PARTS, body("end_pieces", len(to)), lines * n, (Place(OUT, 0), factors, sums, ends),
            (*own, out.strides[axis], *words(to)),
        ),
    )  # fmt: skip
    return Planned(steps, room.used)


PLANS = {
    scan.cumsum: _combined("Sums"),
    scan.cumprod: _combined("Products"),
    scan.recurrence: _recurrence,
    iterated.running: _best("BestElement"),
    iterated.running_place: _best("BestPlace"),
    iterated.logcumsumexp: _combined("Logarithms"),
}
