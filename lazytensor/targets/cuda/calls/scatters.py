"""Writes at places given by indices, several to one place too.

Rows are sorted by place, stably, and each place's are combined by one thread for each column, in
their order: the bits of doing it one by one, without atomics. Integers of 32 and 64 bits, whose
order doesn't matter, are combined at once; of rows of which the last one stays, its number is found
so, where there aren't many places. What enters: how arrays lie. What leaves: plans. It must
not know addresses.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import prod
from typing import Any

from ...._base.dtypes import kind
from ....lower.layout import contiguous
from ....ops import gather
from ..types import c_type
from .axes import Args, axes, words
from .copies import Region, clear, first_copied
from .places import Columns, Indices, columns, indices
from .plan import ARG, OUT, STATUS, Place, Planned, Room, Step, number, step
from .records import SHORT, Lines

PARTS = ("types", "scalar", "complex", "cells", "places", "sorts", "scatters")
# Bytes of the integers that are combined at once.
AT_ONCE = (4, 8)
# Places that aren't many, for any number of rows, and for each.
MANY, SPARSE = 1 << 16, 64


class _Scatter:
    """What is written where."""

    def __init__(self, args: Args, outs: Args) -> None:
        (self.x, self.u, *self.arrays), (self.out,) = args, outs
        self.count, self.rank = len(self.arrays), len(self.arrays[0].shape)
        self.leading = self.x.shape[: self.count]
        self.columns = columns(
            self.out.shape[self.count :], self.out.strides[self.count :],
            self.u.strides[self.rank :], self.u.itemsize,
        )  # fmt: skip

    @property
    def nothing(self) -> bool:
        """Whether there is no place."""
        return 0 in self.arrays[0].shape

    def indices(self, beside: Sequence[int], steps: Sequence[int]) -> Indices:
        """The places' indices."""
        return indices(self.x, self.arrays, beside, steps)

    def found(self, of: Indices, first: int, base: int, reports: str, narrow: str) -> list[str]:
        """Statements that find a row's place: addresses of indices are words from `first` on."""
        sizes, rank = base + 2 * self.count, len(of.axes)
        return [
            f"i64 at[{rank}];",
            f"split<{rank}, {narrow}>(at, row, a.w + {sizes});",
            *of.find(first, base, f"a.w[{first + self.count + 1}]", reports),
        ]

    @property
    def arguments(self) -> tuple[Place, ...]:
        """Where the indices are, and the status."""
        return (*(Place(ARG, 2 + i) for i in range(self.count)), Place(STATUS))


def _note(of: _Scatter, found: Indices, to: Sequence[Place], call: str) -> Step:
    """Something kept of each row's place."""
    count = len(to) + of.count + 1
    body = [
        "const i64 row = thread_number();",
        f"if (row >= a.w[{count}]) return;",
        *of.found(found, len(to), count + 1, "true", number(found.rows)),
        call,
    ]
    places, tail = (*to, *of.arguments), (found.rows, *found.words)
    return step(PARTS, "\n".join(body), found.rows, places, tail)


def _apply(
    of: _Scatter, columns: Columns, known: Sequence[Place], counts: Sequence[int], head: str
) -> Step:
    """Rows written to their places, by what is known of these."""
    at = axes(of.leading, of.out.strides[: of.count])
    rows = axes(of.arrays[0].shape, of.u.strides[: of.rank])
    count = prod(of.arrays[0].shape)
    threads = count * columns.pieces
    kinds = f"{len(columns.outer)}, {len(at)}, {len(rows)}, {number(threads)}"
    own = (count, columns.pieces, columns.chunks, *counts, *columns.words)
    places = (Place(OUT, 0), Place(ARG, 1), *known)
    body = f"{head}, {kinds}>(a.w, a.w + {len(places) + len(own)});"
    return step(PARTS, body, threads, places, (*own, *words(at), *words(rows)))


def _sorted(args: Args, outs: Args, head: Callable[[_Scatter, Lines], str], wide: bool) -> Planned:
    of, room = _Scatter(args, outs), Room()
    found = of.indices((0,) * of.rank, contiguous(of.leading, 1))
    lines = Lines(1, found.rows, max(prod(of.leading) + 1, found.rows) <= SHORT)
    records = lines.room(room)
    by_place = lines.sort(records, room, lines.n)
    one = replace(of.columns, wide=of.columns.wide if wide else 1)
    noted = _note(of, found, (records,), f"note_place<{lines.kind}>(a.w[0], row, found);")
    applied = _apply(of, one, (by_place.records,), (prod(of.leading),), head(of, lines))
    return Planned((noted, *by_place.steps, applied), room.used, found.fails)


def _put_head(of: _Scatter, lines: Lines) -> str:
    return f"put_last<{lines.kind}, {of.u.itemsize}, {of.columns.wide}"


def _put(args: Args, outs: Args) -> Planned:
    """The last row of each place."""
    of, count = _Scatter(args, outs), prod(args[2].shape)
    many = prod(of.leading)
    if many > max(MANY, count * SPARSE):
        return _sorted(args, outs, _put_head, True)
    room, found = Room(), of.indices((0,) * of.rank, contiguous(of.leading, 1))
    places, latest = room.take(8 * count), room.take(8 * many)
    noted = _note(of, found, (places, latest), "note_latest(a.w[0], a.w[1], row, found);")
    head = f"put_latest<{of.u.itemsize}, {of.columns.wide}"
    applied = _apply(of, of.columns, (places, latest), (), head)
    cleared = clear((many,), 8, Region(latest, (8,)))
    return Planned((*cleared, noted, applied), room.used, found.fails)


def _begun(plan: Callable[[Args, Args], Planned]) -> Callable[..., Planned]:
    """The first argument copied, then what is written over it."""

    def planned(args: Args, outs: Args, params: tuple[Any, ...], over: bool) -> Planned:
        copied = first_copied(args, outs, over)
        if _Scatter(args, outs).nothing:
            return Planned(copied)
        found = plan(args, outs)
        return replace(found, steps=(*copied, *found.steps))

    return planned


def _combined(name: str, at_once: bool = True) -> Callable[..., Planned]:
    def plan(args: Args, outs: Args) -> Planned:
        dtype = args[1].dtype
        if at_once and kind(dtype) in "iu" and dtype.itemsize in AT_ONCE:
            return _at_once(args, outs, f"{name}AtOnce")
        head = lambda of, lines: f"put_all<{name}, {c_type(dtype)}, {lines.kind}"  # noqa: E731
        return _sorted(args, outs, head, False)

    return _begun(plan)


def _at_once(args: Args, outs: Args, name: str) -> Planned:
    of = _Scatter(args, outs)
    found = of.indices(of.u.strides[: of.rank], of.out.strides[: of.count])
    held = replace(of.columns, wide=1)
    first, rank = of.count + 3, len(found.axes)
    threads, base = found.rows * held.pieces, first + 3
    last = base + len(found.words)
    source = f"pointer(a.w[1]) + offset(at, a.w + {base + 2 * of.count + rank})"
    kinds = f"{name}, {c_type(of.u.dtype)}, {len(held.outer)}"
    body = [
        f"const Piece<{number(threads)}, 1> piece(a.w + {first});",
        "if (!piece.there) return;",
        "const i64 row = piece.row;",
        *of.found(found, 2, base, "piece.begins", number(threads)),
        "if (!found.fine) return;",
        f"const char *const from = {source};",
        f"put_at_once<{kinds}>(piece, pointer(a.w[0]) + found.sum, from, a.w + {last});",
    ]
    places = (Place(OUT, 0), Place(ARG, 1), *of.arguments)
    tail = (found.rows, held.pieces, held.chunks, *found.words, *held.words)
    launch = step(PARTS, "\n".join(body), threads, places, tail)
    return Planned((launch,), 0, found.fails)


PLANS = {
    gather.scatter: _begun(_put),
    gather.scatter_add: _combined("Plus"),
    gather.scatter_max: _combined("Greater"),
    gather.scatter_min: _combined("Smaller"),
    gather.scatter_multiply: _combined("Times", at_once=False),
}
