"""Convolutions: a result, and its derivatives by its arguments, which are convolutions too.

Each is a product of matrices for each group, of which one has windows as its columns, and is never
made. What enters: how arrays lie. What leaves: plans. It must not know addresses.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import Any

from ....ops import windows
from ..types import c_type
from .axes import Args, Lies
from .plan import ARG, OUT, Place, Planned, Room, Step, blocks, number, step

PARTS = ("types", "scalar", "complex", "cells", "products")
# Edges of tiles of elements that aren't wider than so many bytes, how deep tiles are, threads of a
# block.
EDGE, WIDE, DEEP, MULTIPLIERS = 64, 8, 16, 256
# Rows of a group up to which an element is one thread's; blocks that keep a device busy; how deep
# parts of a product are at least.
FEW, BUSY, PART = 8, 264, 256


@dataclass(frozen=True, slots=True)
class _Axis:
    """An axis of windows, as `meets` has it: how long it is in what is read, bytes between
    neighbours, what places of depths and of columns count, where counting begins, what counts are
    divided by.
    """

    n: int
    stride: int
    depth: int
    column: int
    begin: int
    divisor: int = 1

    @property
    def words(self) -> tuple[int, ...]:
        """In order."""
        return self.n, self.stride, self.depth, self.column, self.begin, self.divisor


@dataclass(frozen=True, slots=True)
class _Product:
    """Matrices by group. Rows: how many, bytes between those of the first argument and of the
    result. Depths and columns: sizes along their axes, the first of which isn't one of windows,
    and strides, of depths in the first argument, of columns in the result. Lead: bytes between
    neighbours along these first axes in the second argument. Groups: how many, bytes between
    those of the first argument, the second and the result.
    """

    out: Lies
    places: tuple[Place, Place]
    rows: tuple[int, int, int]
    depths: tuple[tuple[int, ...], tuple[int, ...]]
    columns: tuple[tuple[int, ...], tuple[int, ...]]
    lead: tuple[int, int]
    groups: tuple[int, int, int, int]
    axes: tuple[_Axis, ...]

    def words(self, parts: int, part_depth: int) -> tuple[int, ...]:
        """All but addresses."""
        rows, first, result = self.rows
        groups, of_first, of_second, of_result = self.groups
        return (
            rows, prod(self.columns[0]), prod(self.depths[0]), groups, parts, part_depth,
            of_first, first, of_second, of_result, result, *self.lead,
            *self.depths[0], *self.depths[1], *self.columns[0], *self.columns[1],
            *(word for axis in self.axes for word in axis.words),
        )  # fmt: skip

    @property
    def elements(self) -> int:
        """Of the result."""
        return self.groups[0] * self.rows[0] * prod(self.columns[0])

    def planned(self, deep: bool = False) -> Planned:
        """Launches; `deep` tells that depths may be long where there are few elements."""
        if not self.elements:
            return Planned(())
        if self.rows[0] < FEW and not deep:
            return Planned((self._by_element("go_over_windows", Place(OUT, 0), *self.places),))
        edge = self._edge
        tiles = self.groups[0] * -(-self.rows[0] // edge) * -(-prod(self.columns[0]) // edge)
        depth = prod(self.depths[0])
        each = max(PART, -(-depth * tiles // (BUSY * DEEP)) * DEEP)
        parts = -(-depth // each)
        if parts <= 1:
            return Planned((self._tiles("true", tiles, Place(OUT, 0), 1, each),))
        room = Room()
        sums = room.take(parts * self.elements * max(4, self.out.itemsize))
        first = self._tiles("false", tiles * parts, sums, parts, each)
        last = self._by_element("add_parts", Place(OUT, 0), sums, sums, parts=parts)
        return Planned((first, last), room.used)

    @property
    def _edge(self) -> int:
        """Of a tile."""
        return EDGE if self.out.itemsize <= WIDE else EDGE // 2

    def _tiles(self, whole: str, count: int, to: Place, parts: int, each: int) -> Step:
        rank, size = len(self.axes), max(4, self.out.itemsize)
        body = f"multiply_windows<{c_type(self.out.dtype)}, {rank}, {whole}>(a.w, room);"
        shared = (2 * self._edge + 1) * DEEP * size + DEEP * 8 * (rank + 3)
        return blocks(
            PARTS, f"LT_ROOM(room);\n{body}", count, (MULTIPLIERS, 1, 1), shared,
            (to, *self.places), self.words(parts, each),
        )  # fmt: skip

    def _by_element(self, name: str, *places: Place, parts: int = 1) -> Step:
        kinds = f"{c_type(self.out.dtype)}, {len(self.axes)}, {number(self.elements)}"
        body = f"{name}<{kinds}>(a.w);"
        return step(PARTS, body, self.elements, places, self.words(parts, 0))


def _images(x: Any, strides: Any, pads: Any, dilations: Any) -> Iterator[tuple[int, ...]]:
    """Of each axis of images: size, bytes between neighbours, dilation, stride, zeros in front."""
    lows = (low for low, _ in pads)
    return zip(x.shape[2:], x.strides[2:], dilations, strides, lows, strict=True)


def _conv(args: Args, outs: Args, params: tuple[Any, ...], over: bool) -> Planned:
    """Rows are channels out, depths channels in and places of windows."""
    (x, w), (out,), (strides, pads, dilations, groups) = args, outs, params
    inner, outer = w.shape[1], w.shape[0] // groups
    axes = tuple(
        _Axis(n, s, dilation, stride, -low)
        for n, s, dilation, stride, low in _images(x, strides, pads, dilations)
    )
    return _Product(
        out, (Place(ARG, 1), Place(ARG, 0)), (outer, w.strides[0], out.strides[1]),
        (tuple(w.shape[1:]), tuple(w.strides[1:])),
        ((out.shape[0], *out.shape[2:]), (out.strides[0], *out.strides[2:])),
        (x.strides[1], x.strides[0]),
        (groups, outer * w.strides[0], inner * x.strides[1], outer * out.strides[1]), axes,
    ).planned()  # fmt: skip


def _conv_input(args: Args, outs: Args, params: tuple[Any, ...], over: bool) -> Planned:
    """Rows are channels in, depths channels out and places of windows."""
    (y, w), (out,), (_, strides, pads, dilations, groups) = args, outs, params
    inner, outer = w.shape[1], w.shape[0] // groups
    axes = tuple(
        _Axis(n, s, -dilation, 1, low, stride)
        for n, s, dilation, stride, low in _images(y, strides, pads, dilations)
    )
    return _Product(
        out, (Place(ARG, 1), Place(ARG, 0)), (inner, w.strides[1], out.strides[1]),
        ((outer, *w.shape[2:]), (w.strides[0], *w.strides[2:])),
        ((out.shape[0], *out.shape[2:]), (out.strides[0], *out.strides[2:])),
        (y.strides[1], y.strides[0]),
        (groups, outer * w.strides[0], outer * y.strides[1], inner * out.strides[1]), axes,
    ).planned()  # fmt: skip


def _conv_weight(args: Args, outs: Args, params: tuple[Any, ...], over: bool) -> Planned:
    """Rows are channels out, depths examples and windows, columns channels in and places."""
    (x, y), (out,), (_, strides, pads, dilations, groups) = args, outs, params
    inner, outer = out.shape[1], out.shape[0] // groups
    axes = tuple(
        _Axis(n, s, stride, dilation, -low)
        for n, s, dilation, stride, low in _images(x, strides, pads, dilations)
    )
    return _Product(
        out, (Place(ARG, 1), Place(ARG, 0)), (outer, y.strides[1], out.strides[0]),
        ((y.shape[0], *y.shape[2:]), (y.strides[0], *y.strides[2:])),
        (tuple(out.shape[1:]), tuple(out.strides[1:])),
        (x.strides[0], x.strides[1]),
        (groups, outer * y.strides[1], inner * x.strides[1], outer * out.strides[0]), axes,
    ).planned(deep=True)  # fmt: skip


PLANS = {
    windows.conv: _conv,
    windows.conv_input: _conv_input,
    windows.conv_weight: _conv_weight,
}
