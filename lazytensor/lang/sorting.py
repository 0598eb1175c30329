"""Sorting and searching: axes and dtypes checked, membership by sorting.

What enters: nodes. What leaves: nodes over the scan rows. Sorts are always stable. It must not know
faces.
"""

from .._base.dtypes import bool_, kind
from .._base.shapes import normalize_axis
from ..ir.node import Node
from ..ops import g
from ._checks import full, require


def sort(x: Node, axis: int = -1, *, descending: bool = False) -> Node:
    """Sorted along an axis. Raises TypeError for complex dtypes, AxisError."""
    require("sort", x, "biuf")
    return g.sort(x, normalize_axis(axis, x.ndim), bool(descending))


def argsort(x: Node, axis: int = -1, *, descending: bool = False) -> Node:
    """The places, int64, that sort along an axis; equal elements in order. Raises as `sort`."""
    require("argsort", x, "biuf")
    return g.argsort(x, normalize_axis(axis, x.ndim), bool(descending))


def searchsorted(x: Node, v: Node, *, side: str = "left", sorter: Node | None = None) -> Node:
    """Where each of v goes into sorted x, before equals or ("right") behind them; int64.

    NaN counts as greatest. Raises TypeError for complex dtypes, ValueError for side and shapes; a
    sorter that points outside is an IndexError when computed.
    """
    for operand in (x, v):
        require("searchsorted", operand, "biuf")
    if x.ndim != 1:
        raise ValueError(f"searchsorted: the sorted array must have one axis, got shape {x.shape}")
    if side not in ("left", "right"):
        raise ValueError(f"searchsorted: side must be 'left' or 'right', got {side!r}")
    if sorter is not None:
        require("searchsorted", sorter, "iu")
        if sorter.shape != x.shape:
            raise ValueError(f"searchsorted: sorter has shape {sorter.shape}, x {x.shape}")
        x = g.gather([x, sorter])
    return g.searchsorted(x, v, side)


def _equals_any(x: Node, flat: Node) -> Node:
    """Each with each: for dtypes that have no order."""
    return g.any(g.equal(g.reshape(x, (*x.shape, 1)), flat), (x.ndim,))


def isin(x: Node, v: Node, *, invert: bool = False) -> Node:
    """Whether each element of x equals any of v, of the same dtype; NaN equals nothing."""
    flat = g.reshape(v, (v.size,))
    if v.size == 0:
        return full(bool(invert), x.shape, g.cast(x, bool_))
    if kind(x.dtype) == "c":
        found = _equals_any(x, flat)
    else:
        order = g.sort(flat, 0, False)
        place = g.minimum(g.searchsorted(order, x, "left"), v.size - 1)
        found = g.equal(g.gather([order, place]), x)
    return g.invert(found) if invert else found
