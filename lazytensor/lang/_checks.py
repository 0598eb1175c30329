"""What compositions share: the dtypes a function takes, the float it computes in, axes put back.

What enters: a function's name, for texts, and nodes. What leaves: nodes. It must not know faces.
"""

from .._base.dtypes import (
    DType,
    bool_,
    complex_of,
    float32,
    float64,
    int16,
    int32,
    int64,
    kind,
)
from ..ir.node import Node
from ..ops import g
from ..ops.reduce import kept_shape

_WORDS = {
    "biuf": "real",
    "iuf": "real numeric",
    "iufc": "numeric",
    "f": "real floating-point",
    "fc": "floating-point",
    "iu": "integer",
}


def require(name: str, x: Node, kinds: str) -> Node:
    """The node itself. Raises TypeError where its dtype is of none of the kinds."""
    if kind(x.dtype) not in kinds:
        raise TypeError(f"{name}: expected an array of a {_WORDS[kinds]} dtype, got {x.dtype}")
    return x


def numeric(name: str, *nodes: Node) -> None:
    """Raises TypeError for booleans."""
    for x in nodes:
        require(name, x, "iufc")


def as_dtype(x: Node, dtype: DType) -> Node:
    """The node in that dtype."""
    return x if x.dtype is dtype else g.cast(x, dtype)


def truth(x: Node) -> Node:
    """Whether each element is not zero."""
    return as_dtype(x, bool_)


def floating(name: str, x: Node) -> Node:
    """In floating point: integers as float64. Raises TypeError for booleans."""
    require(name, x, "iufc")
    return as_dtype(x, float64) if kind(x.dtype) in "iu" else x


def complexes(name: str, x: Node) -> Node:
    """In complex floating point. Raises TypeError for booleans and half precision."""
    x = floating(name, x)
    dtype = complex_of(x.dtype)
    if kind(dtype) != "c":
        raise TypeError(f"{name}: expected float32, float64 or a complex dtype, got {x.dtype}")
    return as_dtype(x, dtype)


def widened(x: Node) -> Node:
    """Half precision in single, so that sums of squares neither overflow nor stall."""
    return as_dtype(x, float32) if kind(x.dtype) == "f" and x.dtype.itemsize == 2 else x


def squares(x: Node) -> Node:
    """|x|², real."""
    if kind(x.dtype) == "c":
        return g.square(g.real(x)) + g.square(g.imag(x))
    return g.square(x)


def kept(y: Node, x: Node, axes: tuple[int, ...], keepdims: bool) -> Node:
    """A reduction `y` of `x`, with its axes kept as 1s if asked for."""
    return g.reshape(y, kept_shape(x, axes)) if keepdims else y


def stopped(x: Node) -> Node:
    """The same values, through which no gradient goes: by way of their bits."""
    bits = {2: int16, 4: int32, 8: int64}[x.dtype.itemsize]
    return g.bitcast(g.bitcast(x, bits), x.dtype)


def with_gradient_of(values: Node, other: Node) -> Node:
    """Values, whose gradients are those of other ones, and 0 where these are not finite."""
    nothing = g.where(g.isfinite(other), other - stopped(other), g.constant(0, other))
    return stopped(values) + nothing


def full(value: float, shape: tuple[int, ...], like: Node) -> Node:
    """One value everywhere, in the dtype and on the device of `like`."""
    return g.broadcast_to(g.constant(value, like), shape)


def part(x: Node, axis: int, start: int, size: int) -> Node:
    """`size` elements from `start` on along one axis."""
    starts = tuple(start if a == axis else 0 for a in range(x.ndim))
    sizes = tuple(size if a == axis else n for a, n in enumerate(x.shape))
    return g.slice(x, starts, sizes, (1,) * x.ndim)
