"""Running extrema with their places, running log-sum-exp, trapezoid rules.

What enters: nodes and Python arguments. What leaves: nodes over the scan rows. Running sums and
products, and differences, are in `reductions`. It must not know faces.
"""

from .._base.shapes import normalize_axis
from ..ir.node import Node
from ..ops import g
from ._checks import part


def _running(x: Node, axis: int, largest: bool) -> tuple[Node, Node]:
    if not x.shape:
        return x, g.argmax(g.reshape(x, (1,)), (0,))
    place = normalize_axis(axis, x.ndim)
    return g.running(x, place, largest), g.running_place(x, place, largest)


def cummax(x: Node, axis: int) -> tuple[Node, Node]:
    """Running maxima and where they stand, int64: of equal ones the last; NaN stays. AxisError."""
    return _running(x, axis, True)


def cummin(x: Node, axis: int) -> tuple[Node, Node]:
    """Running minima and where they stand, as `cummax`."""
    return _running(x, axis, False)


def logcumsumexp(x: Node, axis: int) -> Node:
    """Logarithms of running sums of exponentials. Raises AxisError."""
    return x if not x.shape else g.logcumsumexp(x, normalize_axis(axis, x.ndim))


def _widths(y: Node, x: Node, axis: int) -> Node:
    """Differences of the places x, a vector for the axis or shaped as y."""
    place = axis
    if x.ndim == 1 and y.ndim != 1:
        x = g.reshape(x, tuple(x.shape[0] if a == axis else 1 for a in range(y.ndim)))
    elif x.ndim < y.ndim:
        x = g.reshape(x, (*(1,) * (y.ndim - x.ndim), *x.shape))
    place += x.ndim - y.ndim
    n = x.shape[place]
    return part(x, place, 1, n - 1) - part(x, place, 0, n - 1)


def _trapezoids(y: Node, x: Node | None, dx: float, axis: int) -> Node | None:
    """Twice the areas between neighbours, None where there are none."""
    n = y.shape[axis]
    if n < 2:
        return None
    sums = part(y, axis, 0, n - 1) + part(y, axis, 1, n - 1)
    return sums * dx if x is None else sums * _widths(y, x, axis)


def trapezoid(y: Node, x: Node | None = None, dx: float = 1.0, axis: int = -1) -> Node:
    """The integral along an axis by the trapezoid rule, over places x or steps dx; 0 of fewer than
    two. Raises AxisError, and ValueError for shapes that don't broadcast.
    """
    place = normalize_axis(axis, y.ndim)
    areas = _trapezoids(y, x, dx, place)
    return g.sum(part(y, place, 0, 0) if areas is None else areas, (place,)) * 0.5


def cumulative_trapezoid(y: Node, x: Node | None = None, dx: float = 1.0, axis: int = -1) -> Node:
    """Running integrals by the trapezoid rule, one fewer than elements. Raises as `trapezoid`."""
    place = normalize_axis(axis, y.ndim)
    areas = _trapezoids(y, x, dx, place)
    return part(y, place, 0, 0) if areas is None else g.cumsum(areas, place) * 0.5
