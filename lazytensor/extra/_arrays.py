"""What the functions beyond the standard share: their arguments as arrays, axes as lines.

What enters: arrays, or whatever `asarray` takes. What leaves: arrays. It must know no function.
"""

from typing import Any

from .._base.dtypes import float64, isdtype
from .._base.shapes import normalize_axes, prod
from ..array_api.array import Array
from ..array_api.creation import asarray
from ..array_api.data_types import astype
from ..array_api.manipulation import permute_dims, reshape

Axis = int | tuple[int, ...] | None


def as_array(x: Any) -> Array:
    """An array as it is, anything else through `asarray`."""
    return x if isinstance(x, Array) else asarray(x)


def floating(x: Any) -> Array:
    """An array whose integers and booleans are float64."""
    x = as_array(x)
    return x if isdtype(x.dtype, ("real floating", "complex floating")) else astype(x, float64)


def real(name: str, x: Any) -> Array:
    """An array that is not complex. Raises TypeError."""
    found = as_array(x)
    if isdtype(found.dtype, "complex floating"):
        raise TypeError(f"{name}: complex numbers have no order, got {found.dtype}")
    return found


def lines(x: Array, axis: Axis) -> Array:
    """The axes that are named, all for None, as one axis at the end."""
    axes = normalize_axes(axis, x.ndim)
    rest = tuple(a for a in range(x.ndim) if a not in axes)
    size = prod(x.shape[a] for a in axes)
    return reshape(permute_dims(x, (*rest, *axes)), (*(x.shape[a] for a in rest), size))


def kept(y: Array, x: Array, axis: Axis, keepdims: bool) -> Array:
    """A result over the lines of x, its own axes in front; `keepdims` keeps reduced axes as 1s."""
    if not keepdims:
        return y
    axes = normalize_axes(axis, x.ndim)
    own = y.shape[: y.ndim - (x.ndim - len(axes))]
    return reshape(y, (*own, *(1 if a in axes else n for a, n in enumerate(x.shape))))
