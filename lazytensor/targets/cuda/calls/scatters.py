"""Writes at places given by indices, several to one place too.

Rows are sorted by place, stably, and each place's are combined by one thread for a few columns, in
their order: the bits of doing it one by one, half precision in single, without atomics. Integers of
32 and 64 bits, whose order doesn't matter, are combined at once; of rows of which the last one
stays, its number is found so, where there aren't many places. What enters: how arrays lie. What
leaves: plans. It must not know addresses.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from math import prod
from typing import Any

from ...._base.dtypes import kind
from ....lower.layout import contiguous
from ....ops import gather
from ..types import c_type
from .axes import Args, Axis, Lies, axes, words
from .copies import Region, clear, first_copied
from .places import Indices, columns, indices
from .plan import ARG, OUT, STATUS, Place, Planned, Room, Step, number, step
from .records import SHORT, Lines

PARTS = ("types", "scalar", "complex", "cells", "places", "sorts", "scatters")
# Bytes of the integers that are combined at once.
AT_ONCE = (4, 8)
# Neighbours that a thread combines.
NEAR = 4
# Places that aren't many, for any number of rows, and for each.
MANY, SPARSE = 1 << 16, 64


class _Scatter:
    """What is written where: rows `u`, whose own axes come after `rank` others, at places by the
    indices that are these arguments.
    """

    def __init__(self, x: Lies, u: Lies, rank: int, out: Lies, arrays: Mapping[int, Lies]) -> None:
        self.x, self.u, self.out, self.rank = x, u, out, rank
        self.arrays, self.numbers = list(arrays.values()), list(arrays)
        self.shape = self.arrays[0].shape
        depth = len(x.shape) - len(u.shape) + rank
        self.leading, self.steps = x.shape[:depth], out.strides[:depth]
        self.columns = columns(
            out.shape[depth:], out.strides[depth:], u.strides[rank:], u.itemsize
        )

    @property
    def count(self) -> int:
        """How many indices there are for each place."""
        return len(self.arrays)

    @property
    def places(self) -> int:
        """How many places there are."""
        return prod(self.leading)

    def indices(self, beside: Sequence[int], steps: Sequence[int]) -> Indices:
        """The places' indices."""
        return indices(self.x, self.arrays, beside, steps)

    def counted(self) -> Indices:
        """The same, where places are counted."""
        return self.indices((0,) * len(self.shape), contiguous(self.leading, 1))

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
        return (*(Place(ARG, i) for i in self.numbers), Place(STATUS))


def _written(args: Args, outs: Args) -> _Scatter:
    """What the rows of the table write."""
    x, u, *arrays = args
    return _Scatter(x, u, len(arrays[0].shape), outs[0], dict(enumerate(arrays, 2)))


def _note(of: _Scatter, found: Indices, to: Sequence[Place], name: str) -> Step:
    """Something kept of each row's place."""
    count = len(to) + of.count + 1
    given = [*(f"a.w[{i}]" for i in range(len(to))), "row", *dict.fromkeys(found.names)]
    body = [
        "const i64 row = thread_number();",
        f"if (row >= a.w[{count}]) return;",
        *of.found(found, len(to), count + 1, "true", number(found.rows)),
        f"{name}({', '.join(given)});",
    ]
    places, tail = (*to, *of.arguments), (found.rows, *found.words)
    return step(PARTS, "\n".join(body), found.rows, places, tail)


def _apply(of: _Scatter, known: Sequence[Place], counts: Sequence[int], head: str) -> Step:
    """The rows that stay moved to their places, by what is known of these."""
    at, rows = axes(of.leading, of.steps), axes(of.shape, of.u.strides[: of.rank])
    count, pieces = prod(of.shape), of.columns.pieces
    threads = count * pieces
    kinds = f"{len(of.columns.outer)}, {len(at)}, {len(rows)}, {number(threads)}"
    own = (count, pieces, of.columns.chunks, *counts, *of.columns.words)
    places = (Place(OUT, 0), Place(ARG, 1), *known)
    body = f"{head}, {kinds}>(a.w, a.w + {len(places) + len(own)});"
    return step(PARTS, body, threads, places, (*own, *words(at), *words(rows)))


class _Ordered:
    """Rows sorted by place; `note` keeps something else of each of them at other places too."""

    def __init__(
        self, of: _Scatter, found: Indices, room: Room, note: str = "note_place", *kept: Place
    ) -> None:
        most = max(of.places + 1, found.rows)
        self.of, self._lines = of, Lines(1, found.rows, most <= SHORT)
        to = (self._lines.room(room), *kept)
        noted = _note(of, found, to, f"{note}<{self.kind}>")
        by_place = self._lines.sort(to[0], room, found.rows)
        self.steps, self.records = (noted, *by_place.steps), by_place.records

    @property
    def kind(self) -> str:
        """The records' type."""
        return self._lines.kind

    def combine(self, name: str, rows: str, known: Sequence[Place], along: Sequence[Axis]) -> Step:
        """What is at each place combined with its rows, which have a type, words and axes."""
        of = self.of
        held = replace(of.columns, wide=min(NEAR, of.columns.wide))
        at, count, pieces = axes(of.leading, of.steps), prod(of.shape), held.pieces
        places = (Place(OUT, 0), self.records, *known)
        own = (count, pieces, held.chunks, of.places, *held.words)
        first, behind = len(places), len(places) + len(own)
        kinds = (
            f"{name}, {c_type(of.u.dtype)}, {self.kind}, {held.wide}, {len(held.outer)}, "
            f"{len(at)}, {number(count * pieces)}"
        )
        body = [
            f"const {rows} rows = {{a.w + 2, a.w + {behind + len(words(at))}}};",
            f"put_all<{kinds}>(a.w, a.w + {first}, a.w + {behind}, rows);",
        ]
        tail = (*own, *words(at), *words(along))
        return step(PARTS, "\n".join(body), count * pieces, places, tail)


def _put(args: Args, outs: Args) -> Planned:
    """The last row of each place."""
    of, room = _written(args, outs), Room()
    found, many = of.counted(), of.places
    size, wide = of.u.itemsize, of.columns.wide
    if many > max(MANY, prod(of.shape) * SPARSE):
        rows = _Ordered(of, found, room)
        applied = _apply(of, (rows.records,), (many,), f"put_last<{rows.kind}, {size}, {wide}")
        return Planned((*rows.steps, applied), room.used, found.fails)
    places, latest = room.take(8 * prod(of.shape)), room.take(8 * many)
    noted = _note(of, found, (places, latest), "note_latest")
    applied = _apply(of, (places, latest), (), f"put_latest<{size}, {wide}")
    cleared = clear((many,), 8, Region(latest, (8,)))
    return Planned((*cleared, noted, applied), room.used, found.fails)


def _begun(plan: Callable[[Args, Args], Planned], places: int = 2) -> Callable[..., Planned]:
    """The first argument copied, then what is written over it at places that an argument says."""

    def planned(args: Args, outs: Args, params: tuple[Any, ...], over: bool) -> Planned:
        copied = first_copied(args, outs, over)
        if 0 in args[places].shape:
            return Planned(copied)
        found = plan(args, outs)
        return replace(found, steps=(*copied, *found.steps))

    return planned


def _combined(name: str, at_once: bool = True) -> Callable[..., Planned]:
    def plan(args: Args, outs: Args) -> Planned:
        dtype = args[1].dtype
        if at_once and kind(dtype) in "iu" and dtype.itemsize in AT_ONCE:
            return _at_once(args, outs, f"{name}AtOnce")
        of, room = _written(args, outs), Room()
        found = of.counted()
        rows, along = _Ordered(of, found, room), axes(of.shape, of.u.strides[: of.rank])
        applied = rows.combine(name, f"Lying<{len(along)}>", (Place(ARG, 1),), along)
        return Planned((*rows.steps, applied), room.used, found.fails)

    return _begun(plan)


def _at_once(args: Args, outs: Args, name: str) -> Planned:
    of = _written(args, outs)
    found = of.indices(of.u.strides[: of.rank], of.steps)
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


def _gather_add(args: Args, outs: Args) -> Planned:
    """Rows read where they are taken from, each times its weight, added to their places."""
    (x, y, w, to, taken), room = args, Room()
    of = _Scatter(x, y, 1, outs[0], {4: taken, 3: to})
    found = Indices(
        (taken, to), (y.shape[0], x.shape[0]), (y.strides[0], 1),
        axes(to.shape, (0,) * len(to.shape), taken.strides, to.strides), True,
    )  # fmt: skip
    begins = room.take(8 * found.rows)
    rows, along = _Ordered(of, found, room, "note_taken", begins), axes(w.shape, w.strides)
    known = (Place(ARG, 1), begins, Place(ARG, 2))
    kinds = f"{c_type(y.dtype)}, {len(along)}"
    applied = rows.combine("Plus", f"Weighted<{kinds}>", known, along)
    return Planned((*rows.steps, applied), room.used, found.fails)


PLANS = {
    gather.scatter: _begun(_put),
    gather.scatter_add: _combined("Plus"),
    gather.scatter_max: _combined("Greater"),
    gather.scatter_min: _combined("Smaller"),
    gather.scatter_multiply: _combined("Times", at_once=False),
    gather.gather_add: _begun(_gather_add, 3),
}
