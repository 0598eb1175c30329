"""Sorts along an axis, stable both ways, places and searches.

What enters: how arrays lie. What leaves: plans. It must not know addresses.
"""

from collections.abc import Sequence
from math import prod
from typing import Any

from ....ops import scan
from ..types import c_type
from .axes import Args, Lies, axes, words
from .plan import ARG, OUT, Place, Planned, Room, Step, number, step
from .records import RECORDS, SHORT, Lines


def _others(values: Sequence[int], axis: int) -> tuple[int, ...]:
    return (*values[:axis], *values[axis + 1 :])


class _Sort:
    """The records of an array's lines along an axis, sorted; so many of each at least."""

    def __init__(self, x: Lies, out: Lies, axis: int, descending: bool, most: int) -> None:
        self.x, self.out, self.axis = x, out, axis
        shape = _others(x.shape, axis)
        self.axes = axes(shape, _others(out.strides, axis), _others(x.strides, axis))
        n = x.shape[axis]
        self.lines = Lines(prod(shape), n, x.itemsize <= 4 and n <= SHORT)
        self.room = Room()
        made = self.lines.room(self.room)
        self.sorted = self.lines.sort(made, self.room, most)
        self.steps = (self._make(made, descending), *self.sorted.steps)

    @property
    def kinds(self) -> str:
        """How lines are numbered."""
        return f"{len(self.axes)}, {number(self.lines.count)}"

    def _make(self, to: Place, descending: bool) -> Step:
        of_x = words([(n, (s,)) for n, (_, s) in self.axes])
        bits = "0xffffffffull" if self.lines.packed else "~u64(0)"
        kind = f"{c_type(self.x.dtype)}, {self.lines.kind}, {self.kinds}"
        tail = (self.lines.lines, self.lines.n, self.x.strides[self.axis], -int(descending))
        places = (to, Place(ARG, 0))
        body = f"make_records<{kind}>(a.w, {bits});"
        return step(RECORDS, body, self.lines.count, places, (*tail, *of_x))

    def places(self, start: int) -> Step:
        """The last launch, for places from a start on."""
        count = self.out.shape[self.axis]
        of_out = words([(n, (s,)) for n, (s, _) in self.axes])
        body = f"put_places<{self.lines.kind}, {self.kinds}>(a.w);"
        own = (self.lines.lines, count, self.sorted.n, start, self.out.strides[self.axis])
        places = (Place(OUT, 0), self.sorted.records)
        return step(RECORDS, body, self.lines.lines * count, places, (*own, *of_out))

    def elements(self) -> Step:
        """The last launch, for elements."""
        kinds = f"{self.lines.kind}, {self.x.itemsize}, {self.kinds}"
        own = (
            self.lines.lines, self.lines.n, self.out.strides[self.axis], self.x.strides[self.axis]
        )  # fmt: skip
        places = (Place(OUT, 0), self.sorted.records, Place(ARG, 0))
        tail = (*own, *words(self.axes))
        return step(RECORDS, f"put_sorted<{kinds}>(a.w);", self.lines.count, places, tail)


def _sort(args: Args, outs: Args, params: tuple[Any, ...], over: bool) -> Planned:
    (x,), (out,), (axis, descending) = args, outs, params
    if 0 in x.shape:
        return Planned(())
    found = _Sort(x, out, axis, descending, x.shape[axis])
    return Planned((*found.steps, found.elements()), found.room.used)


def _argsort(args: Args, outs: Args, params: tuple[Any, ...], over: bool) -> Planned:
    axis, descending = params
    return _argselect(args, outs, (axis, 0, args[0].shape[axis], descending), over)


def _argselect(args: Args, outs: Args, params: tuple[Any, ...], over: bool) -> Planned:
    (x,), (out,), (axis, start, count, descending) = args, outs, params
    if 0 in x.shape or 0 in out.shape:
        return Planned(())
    found = _Sort(x, out, axis, descending, start + count)
    return Planned((*found.steps, found.places(start)), found.room.used)


def _searchsorted(args: Args, outs: Args, params: tuple[Any, ...], over: bool) -> Planned:
    (x, v), (out,), (side,) = args, outs, params
    count = prod(v.shape)
    if not count:
        return Planned(())
    held = axes(v.shape, out.strides, v.strides)
    behind = "true" if side == "right" else "false"
    body = f"search_sorted<{c_type(x.dtype)}, {behind}, {len(held)}, {number(count)}>(a.w);"
    tail = (count, *x.shape, *x.strides, *words(held))
    places = (Place(OUT, 0), Place(ARG, 1), Place(ARG, 0))
    return Planned((step(RECORDS, body, count, places, tail),))


PLANS = {
    scan.sort: _sort,
    scan.argsort: _argsort,
    scan.argselect: _argselect,
    scan.searchsorted: _searchsorted,
}
