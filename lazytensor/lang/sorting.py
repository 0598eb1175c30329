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


def _ranked(x: Node, flat: Node) -> tuple[Node, Node, Node]:
    """Whether each of x is in `flat`, and ranks of both: equal elements have equal ones."""
    order = g.sort(flat, 0, False)
    rank = g.searchsorted(order, x, "left")
    found = g.equal(g.gather([order, g.minimum(rank, flat.size - 1)]), x)
    return found, rank, g.searchsorted(order, flat, "left")


def _found(x: Node, flat: Node) -> Node:
    """Whether each of x is in `flat`, not empty; complex numbers by the ranks of both parts."""
    if kind(x.dtype) != "c":
        return _ranked(x, flat)[0]
    real, of_x, of_flat = _ranked(g.real(x), g.real(flat))
    imag, also_x, also_flat = _ranked(g.imag(x), g.imag(flat))
    width = flat.size + 1
    both = _found(of_x * width + also_x, of_flat * width + also_flat)
    return g.logical_and(both, g.logical_and(real, imag))


def isin(x: Node, v: Node, *, invert: bool = False) -> Node:
    """Whether each element of x equals any of v, of the same dtype; NaN equals nothing."""
    if v.size == 0:
        return full(bool(invert), x.shape, g.cast(x, bool_))
    found = _found(x, g.reshape(v, (v.size,)))
    return g.invert(found) if invert else found
