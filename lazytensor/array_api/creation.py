"""Creation functions: a chapter of the standard.

What enters: shapes, Python values, foreign arrays. What leaves: arrays; constant ones take no
memory
until they are asked for. It must not know how anything is computed.
"""

from collections.abc import Sequence
from math import ceil, isinf
from typing import Any

import numpy as np

from .._base.devices import Device
from .._base.devices import device as device_of
from .._base.dtypes import DType, bool_, canonical, complex128, float64, int64, kind
from .._base.errors import publish
from .._base.shapes import as_shape, integer
from ..ir.node import Node, is_weak, scalar
from ..lang import movement, promote
from ..ops import g
from ..runtime.pending import new_leaf
from . import _rules as rules
from . import exchange
from ._rules import PYTHON, brief, filled, node_of
from .array import Array

__all__ = [
    "arange",
    "asarray",
    "empty",
    "empty_like",
    "eye",
    "from_dlpack",
    "full",
    "full_like",
    "linspace",
    "meshgrid",
    "ones",
    "ones_like",
    "tril",
    "triu",
    "zeros",
    "zeros_like",
]

Shape = int | Sequence[int]
MAX_NESTED = 64


# --- from data ------------------------------------------------------------------------------------


def asarray(
    obj: Any, /, *, dtype: Any = None, device: Device | None = None, copy: bool | None = None
) -> Array:
    """An array of an array, a Python scalar, nested sequences, or anything NumPy can read.

    NumPy arrays are copied unless `copy=False` asks for their memory itself; an array of ours is
    returned as it is, unless `copy=True`. Raises TypeError for dtypes, ValueError for ragged data
    and for a copy that `copy=False` forbids, OverflowError. Standard: creation functions.
    """
    if type(obj) is Array and dtype is None and device is None:
        return Array(rules.cut(obj)) if copy else obj
    wanted = None if dtype is None else canonical(dtype)
    if type(obj) is Array:
        return _from_array(obj, wanted, device, copy)
    if not isinstance(obj, _KNOWN) and exchange.on_gpu(obj):
        return Array(_from_gpu(obj, wanted, device, copy))
    target = device_of(device)
    if isinstance(obj, np.ndarray):
        return Array(_from_numpy(obj, wanted, target, copy))
    if isinstance(obj, PYTHON) and not isinstance(obj, np.generic):
        _must_copy(copy, "a Python scalar")
        return Array(_from_scalar(obj, wanted, target))
    if isinstance(obj, list | tuple):
        _must_copy(copy, "a sequence")
        return Array(_from_sequence(obj, wanted, target))
    return Array(_from_numpy(_read(obj), wanted, target, copy))


# What is not another library's array.
_KNOWN = (np.ndarray, list, tuple, *PYTHON)


def _from_gpu(obj: Any, dtype: DType | None, device: Any, copy: bool | None) -> Node:
    node = exchange.from_gpu(obj, device, copy is not False)
    if dtype is not None and dtype is not node.dtype:
        _must_copy(copy, f"an array of {node.dtype}")
    return node if dtype is None else rules.converted(node, dtype)


def _must_copy(copy: bool | None, what: str) -> None:
    if copy is False:
        raise ValueError(f"asarray(copy=False): {what} can't become an array without a copy")


def _from_array(x: Array, dtype: DType | None, device: Any, copy: bool | None) -> Array:
    target = x.device if device is None else device_of(device)
    if target is x.device and (dtype is None or dtype is x.dtype):
        return Array(rules.cut(x)) if copy else x
    _must_copy(copy, f"an array of {x.dtype} on {x.device}")
    node = rules.cut(x)
    if dtype is not None:
        node = rules.converted(node, dtype)
    return Array(node if node.device is target else g.transfer(node, target))


def _from_scalar(x: Any, dtype: DType | None, device: Device) -> Node:
    if dtype is None:
        return scalar(x, promote.default_dtype(x), device)
    if isinstance(x, complex) and kind(dtype) not in "cb":
        raise TypeError(f"asarray: the complex number {x} can't become {dtype}")
    if isinstance(x, float) and kind(dtype) in "iu":
        x = int(x)  # refuses NaN and infinities
    return scalar(x, dtype, device)


def _from_numpy(x: np.ndarray[Any, Any], dtype: DType | None, device: Device, copy: Any) -> Node:
    found = canonical(x.dtype)
    if dtype is None or dtype is found:
        return exchange.from_buffer(np.asarray(x), device, copy)
    _must_copy(copy, f"a NumPy array of {found}")
    if kind(found) == "c" and kind(dtype) not in "cb":
        raise TypeError(f"asarray: {found} can't become {dtype}: take the real part first")
    with np.errstate(all="ignore"):
        return new_leaf(np.asarray(x).astype(dtype, order="C"), device)


def _read(obj: Any) -> np.ndarray[Any, Any]:
    """What NumPy makes of a foreign object: buffers, `__array__`, scalars. Raises TypeError."""
    found = exchange.inside(obj, np.asarray(obj))
    if found.dtype.kind not in "biufcV" or found.dtype.names:
        raise TypeError(f"asarray: no new array can be made of {type(obj).__name__}: {brief(obj)}")
    return found


def _holds_arrays(items: Any, depth: int = 0) -> bool:
    """Whether arrays of ours are in nested sequences. Raises ValueError where these never end."""
    if depth > MAX_NESTED:
        raise ValueError(f"asarray: sequences are nested more than {MAX_NESTED} deep")
    return any(
        isinstance(x, Array)
        or is_weak(x)
        or (isinstance(x, list | tuple) and _holds_arrays(x, depth + 1))
        for x in items
    )


def _from_sequence(items: Any, dtype: DType | None, device: Device) -> Node:
    if _holds_arrays(items):
        nodes = [_element(x, device) for x in items]
        found = promote.result_type(n.dtype for n in nodes) if dtype is None else dtype
        return movement.stack([rules.converted(n, found) for n in nodes], 0)
    with np.errstate(all="ignore"):
        out = np.array(items, dtype)
    if out.dtype.kind not in "biufcV":
        raise _no_numbers(out)
    return new_leaf(out.astype(canonical(out.dtype), copy=False), device)


def _element(x: Any, device: Device) -> Node:
    if isinstance(x, list | tuple):
        return _from_sequence(x, None, device)
    return node_of(x, "asarray", "an element")


def _no_numbers(out: np.ndarray[Any, Any]) -> Exception:
    bad = [x for x in out.flat if not isinstance(x, PYTHON)]
    if not bad:
        return OverflowError("asarray: an integer is out of bounds for int64")
    what = f"{type(bad[0]).__name__}: {brief(bad[0])}"
    return TypeError(f"asarray: elements must be numbers, got {what}")


def from_dlpack(x: object, /, *, device: Device | None = None, copy: bool | None = None) -> Array:
    """An array over the memory of any object with `__dlpack__`, without a copy unless `copy=True`.

    Writes by the owner are seen by operations called after them. Raises TypeError for an object
    without the method, BufferError. Standard: creation functions.
    """
    if isinstance(x, Array):
        return asarray(x, device=device, copy=copy)
    return Array(exchange.from_foreign(x, device, copy))


# --- constant arrays ------------------------------------------------------------------------------


def _constant(shape: Any, fill: Any, dtype: Any, device: Any) -> Array:
    wanted = float64 if dtype is None else canonical(dtype)
    return Array(filled(as_shape(shape), fill, wanted, device_of(device)))


def _constant_like(x: Any, fill: Any, dtype: Any, device: Any, name: str) -> Array:
    like = node_of(x, name)
    wanted = like.dtype if dtype is None else canonical(dtype)
    target = like.device if device is None else device_of(device)
    return Array(filled(like.shape, fill, wanted, target))


def empty(shape: Shape, *, dtype: Any = None, device: Device | None = None) -> Array:
    """An array of a shape whose elements are not to be relied on (here zeros); float64 by default.

    Raises TypeError, ValueError for shape and device. Standard: creation functions.
    """
    return _constant(shape, 0, dtype, device)


def zeros(shape: Shape, *, dtype: Any = None, device: Device | None = None) -> Array:
    """An array of zeros, float64 by default. Raises TypeError, ValueError for shape and device.

    Standard: creation functions.
    """
    return _constant(shape, 0, dtype, device)


def ones(shape: Shape, *, dtype: Any = None, device: Device | None = None) -> Array:
    """An array of ones, float64 by default. Raises TypeError, ValueError for shape and device.

    Standard: creation functions.
    """
    return _constant(shape, 1, dtype, device)


def full(
    shape: Shape, fill_value: Any, *, dtype: Any = None, device: Device | None = None
) -> Array:
    """An array of one value, by default in the dtype of the value, which may be a 0-d array.

    Raises TypeError, ValueError for shape, value and device, OverflowError. Standard: creation
    functions.
    """
    value = asarray(fill_value, dtype=dtype, device=device)
    return Array(movement.broadcast_to(rules.cut(value), as_shape(shape)))


def empty_like(x: Array, /, *, dtype: Any = None, device: Device | None = None) -> Array:
    """An array shaped like x whose elements are not to be relied on (here zeros).

    Dtype and device are those of x by default. Standard: creation functions.
    """
    return _constant_like(x, 0, dtype, device, "empty_like")


def zeros_like(x: Array, /, *, dtype: Any = None, device: Device | None = None) -> Array:
    """An array of zeros shaped like x. Dtype and device are those of x by default.

    Standard: creation functions.
    """
    return _constant_like(x, 0, dtype, device, "zeros_like")


def ones_like(x: Array, /, *, dtype: Any = None, device: Device | None = None) -> Array:
    """An array of ones shaped like x. Dtype and device are those of x by default.

    Standard: creation functions.
    """
    return _constant_like(x, 1, dtype, device, "ones_like")


def full_like(
    x: Array, /, fill_value: Any, *, dtype: Any = None, device: Device | None = None
) -> Array:
    """An array of one value shaped like x. Dtype and device are those of x by default.

    Raises TypeError, ValueError, OverflowError for a value that the dtype can't hold. Standard:
    creation functions.
    """
    like = node_of(x, "full_like")
    wanted = like.dtype if dtype is None else canonical(dtype)
    target = like.device if device is None else device
    return full(like.shape, fill_value, dtype=wanted, device=target)


# --- ranges and grids -----------------------------------------------------------------------------


def _number(x: Any, name: str, argument: str) -> Any:
    """A Python number; arrays without axes are asked for their value. Raises TypeError."""
    found = x.item() if hasattr(x, "item") and not getattr(x, "shape", ()) else x
    if not isinstance(found, PYTHON):
        raise TypeError(f"{name}: {argument} must be a number, got {type(x).__name__}: {brief(x)}")
    return found


def _length(start: Any, stop: Any, step: Any) -> int:
    if step == 0:
        raise ValueError("arange: step must not be 0")
    if all(isinstance(v, int) for v in (start, stop, step)):
        return len(range(start, stop, step))
    count = (stop - start) / step
    if isinf(count) or count != count:
        raise ValueError(f"arange: can't count from {start} to {stop} by {step}")
    return int(max(0, ceil(count)))


def arange(
    start: float,
    /,
    stop: float | None = None,
    step: float = 1,
    *,
    dtype: Any = None,
    device: Device | None = None,
) -> Array:
    """Numbers from start (0 if it is the only one) up to but without stop, by step.

    int64 for ints, else float64. Raises TypeError for what is no real number, ValueError for a step
    of 0. Standard: creation functions.
    """
    if stop is None:
        start, stop = 0, start
    first, last, by = (
        _number(v, "arange", n) for v, n in ((start, "start"), (stop, "stop"), (step, "step"))
    )
    if any(isinstance(v, complex) for v in (first, last, by)):
        raise TypeError(f"arange: expected real numbers, got {start}, {stop}, {step}")
    whole = all(isinstance(v, int) for v in (first, last, by))
    wanted = canonical(dtype) if dtype is not None else int64 if whole else float64
    if wanted is bool_:
        raise TypeError(f"arange: expected a numeric dtype, got {wanted}")
    count, target = _length(first, last, by), device_of(device)
    if count and kind(wanted) in "iu":
        _fits(wanted, first, first + (count - 1) * by)
    return Array(_range(first, by, count, wanted, target))


def _fits(dtype: DType, *values: Any) -> None:
    """Raises OverflowError for a number beyond an integer dtype."""
    info = np.iinfo(dtype)
    for x in values:
        if not info.min <= x <= info.max:
            raise OverflowError(f"arange: {x} is out of bounds for {dtype}")


def _range(start: Any, step: Any, count: int, dtype: DType, device: Device) -> Node:
    """start + i * step for i below count."""
    if isinstance(start, int) and isinstance(step, int) and kind(dtype) in "iu":
        if (start, step) == (0, 1):
            return g.iota(count, dtype, device)
        wide = int64 if kind(dtype) == "i" else dtype
        if step < 0 and wide is not int64:
            return new_leaf(np.array(range(start, start + count * step, step), dtype), device)
    else:
        wide = float64
    values = g.iota(count, wide, device)
    if step != 1:
        values = values * scalar(step, wide, device)
    if start != 0 or step != 1:  # where the step is negative the first one would be -0
        values = values + scalar(start, wide, device)
    return rules.as_dtype(values, dtype)


def linspace(
    start: complex,
    stop: complex,
    /,
    num: int,
    *,
    dtype: Any = None,
    device: Device | None = None,
    endpoint: bool = True,
) -> Array:
    """`num` numbers at equal distances from start to stop, which is left out without `endpoint`.

    float64, or complex128 for complex ends, by default. Raises TypeError for what is no number,
    ValueError for num < 0. Standard: creation functions.
    """
    first, last = _number(start, "linspace", "start"), _number(stop, "linspace", "stop")
    count = integer(num, "linspace: num")
    if count < 0:
        raise ValueError(f"linspace: num must not be negative, got {num}")
    complex_ = isinstance(first, complex) or isinstance(last, complex)
    default = complex128 if complex_ else float64
    wanted = default if dtype is None else canonical(dtype)
    with np.errstate(all="ignore"):
        values = np.linspace(first, last, count, endpoint=endpoint, dtype=default)
    node = new_leaf(values, device_of(device))
    return Array(rules.converted(node, wanted))


def eye(
    n_rows: int,
    n_cols: int | None = None,
    /,
    *,
    k: int = 0,
    dtype: Any = None,
    device: Device | None = None,
) -> Array:
    """A matrix with ones on its k-th diagonal and zeros elsewhere, float64 by default.

    Raises TypeError, ValueError for sizes and device. Standard: creation functions.
    """
    shape = as_shape((n_rows, n_rows if n_cols is None else n_cols))
    on = g.equal(*_rows_and_columns(shape, integer(k, "eye: k"), device_of(device)))
    return Array(g.cast(on, float64 if dtype is None else canonical(dtype)))


def _rows_and_columns(shape: tuple[int, ...], k: int, device: Device) -> tuple[Node, Node]:
    """The index of each row plus k, and of each column, as shapes (m, 1) and (1, n)."""
    rows, columns = (g.iota(n, int64, device) for n in shape)
    within = max(-shape[0], min(k, shape[1]))
    shifted = rows + scalar(within, int64, device)
    return g.reshape(shifted, (shape[0], 1)), g.reshape(columns, (1, shape[1]))


def _triangle(x: Any, k: int, name: str, lower: bool) -> Array:
    node = node_of(x, name)
    if node.ndim < 2:
        raise ValueError(f"{name}: expected at least two axes, got shape {node.shape}")
    rows, columns = _rows_and_columns(node.shape[-2:], integer(k, f"{name}: k"), node.device)
    keep = g.less_equal(columns, rows) if lower else g.less_equal(rows, columns)
    return Array(g.where(keep, node, g.constant(0, node)))


def tril(x: Array, /, *, k: int = 0) -> Array:
    """Matrices with zeros above the k-th diagonal. Raises ValueError for fewer than two axes.

    Standard: creation functions.
    """
    return _triangle(x, k, "tril", True)


def triu(x: Array, /, *, k: int = 0) -> Array:
    """Matrices with zeros below the k-th diagonal. Raises ValueError for fewer than two axes.

    Standard: creation functions.
    """
    return _triangle(x, k, "triu", False)


def meshgrid(*arrays: Array, indexing: str = "xy") -> tuple[Array, ...]:
    """The coordinates of every point of a grid: one array an axis, of the shape of the grid.

    "ij" puts the axes in order, "xy" exchanges the first two. Raises ValueError for another word or
    arrays that are no vectors, TypeError for mixed dtypes. Standard: creation functions.
    """
    if indexing not in ("xy", "ij"):
        raise ValueError(f"meshgrid: indexing must be 'xy' or 'ij', got {indexing!r}")
    nodes = [node_of(x, "meshgrid", f"argument {i}") for i, x in enumerate(arrays, 1)]
    for i, x in enumerate(nodes, 1):
        if x.ndim > 1:
            raise ValueError(f"meshgrid: argument {i} must be a vector, got shape {x.shape}")
    axes = list(range(len(nodes)))
    if indexing == "xy" and len(nodes) > 1:
        axes[:2] = [1, 0]
    shape = [0] * len(nodes)
    for x, a in zip(nodes, axes):
        shape[a] = x.size
    return tuple(Array(_along(x, a, tuple(shape))) for x, a in zip(nodes, axes))


def _along(x: Node, axis: int, shape: tuple[int, ...]) -> Node:
    """A vector repeated to a shape, along one of its axes."""
    ones = tuple(n if a == axis else 1 for a, n in enumerate(shape))
    return movement.broadcast_to(movement.reshape(x, ones), shape)


publish(globals())
