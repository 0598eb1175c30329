"""Scans and sorts along one axis, which is not negative.

Sorts are stable both ways: equal elements keep their order. NaN is greater than any number and
equal to itself. Half precision accumulates in single. What enters and leaves: as the columns of
`ir/op.py` say. It must not know other rows but through the builder.
"""

from collections.abc import Callable, Sequence
from math import isqrt, prod
from typing import Any

from .._base.dtypes import int64, kind
from ..ir.node import Node
from ..ir.op import NONDIFF, Op, register
from . import _order
from ._families import Infer, all_batched, is_complex

# --- compositions over the builder ----------------------------------------------------------------


def part(g: Any, x: Node, axis: int, start: int, size: int, step: int = 1) -> Node:
    """A slice along one axis, whole along the others."""
    starts = tuple(start if a == axis else 0 for a in range(x.ndim))
    sizes = tuple(size if a == axis else n for a, n in enumerate(x.shape))
    steps = tuple(step if a == axis else 1 for a in range(x.ndim))
    return g.slice(x, starts, sizes, steps)  # type: ignore[no-any-return]


def flip(g: Any, x: Node, axis: int) -> Node:
    """The elements of one axis in reverse order."""
    n = x.shape[axis]
    return part(g, x, axis, n - 1, n, -1) if n else x


def shift(g: Any, x: Node, axis: int, first: int) -> Node:
    """`first` before the elements of an axis, whose last one is dropped."""
    n = x.shape[axis]
    if not n:
        return x
    shape = tuple(1 if a == axis else k for a, k in enumerate(x.shape))
    head = g.broadcast_to(g.constant(first, x), shape)
    return g.concat([head, part(g, x, axis, 0, n - 1)], axis)  # type: ignore[no-any-return]


def others(g: Any, x: Node, axis: int) -> Node:
    """For each element the product of all others along an axis, undivided: right at zeros."""
    before = g.cumprod(shift(g, x, axis, 1), axis)
    after = flip(g, g.cumprod(shift(g, flip(g, x, axis), axis, 1), axis), axis)
    return before * after  # type: ignore[no-any-return]


def along(g: Any, shape: tuple[int, ...], axis: int, device: Any) -> Node:
    """0, 1, … along one axis of an int64 array of that shape."""
    behind = len(shape) - 1 - axis
    numbers: Node = g.iota(shape[axis], int64, device)
    if behind:
        numbers = g.reshape(numbers, (shape[axis], *(1,) * behind))
    return numbers if numbers.shape == shape else g.broadcast_to(numbers, shape)


def _places(g: Any, index: Node, axis: int) -> list[Node]:
    """For each axis where an element of `index` stands; on `axis` the index itself."""
    return [
        index if a == axis else along(g, index.shape, a, index.device) for a in range(index.ndim)
    ]


def take_along(g: Any, x: Node, index: Node, axis: int) -> Node:
    """Elements of each line of x at the places that `index` has on the same line."""
    return g.gather([x, *_places(g, index, axis)])  # type: ignore[no-any-return]


def put_along(g: Any, u: Node, index: Node, axis: int) -> Node:
    """The inverse of `take_along` for an index that permutes each line."""
    zeros = g.broadcast_to(g.constant(0, u), index.shape)
    return g.scatter_add([zeros, u, *_places(g, index, axis)])  # type: ignore[no-any-return]


# --- sums, products, recurrences ------------------------------------------------------------------


def _check_axis(name: str, x: Node, axis: int) -> None:
    if not 0 <= axis < x.ndim:
        raise ValueError(f"{name}: axis {axis} is out of bounds for shape {x.shape}")


def _infer(name: str, dtype: Any = None) -> Callable[..., Infer]:
    def infer(x: Node, axis: int, *rest: Any) -> Infer:
        _check_axis(name, x, axis)
        return x.shape, dtype or x.dtype

    return infer


def _batch(name: str) -> Callable[..., Node]:
    return lambda g, batched, x, axis, *rest: getattr(g, name)(x, axis + 1, *rest)


def _wide(np: Any, x: Any) -> Any:
    """The dtype to accumulate in."""
    return np.dtype(np.float32) if x.dtype.itemsize == 2 and x.dtype.kind not in "iu" else x.dtype


def _accumulate(combine: str) -> Callable[..., Any]:
    def value(np: Any, x: Any, axis: int) -> Any:
        return getattr(np, combine)(x, axis, _wide(np, x)).astype(x.dtype, copy=False)

    return value


def _cumsum_transpose(g: Any, ct: Node, x: Node, axis: int) -> tuple[Node]:
    return (flip(g, g.cumsum(flip(g, ct, axis), axis), axis),)


def _infer_recurrence(a: Node, b: Node, axis: int) -> Infer:
    if a.dtype is not b.dtype:
        raise TypeError(f"dtypes {a.dtype} and {b.dtype} differ: cast first")
    if a.shape != b.shape:
        raise ValueError(f"recurrence: shapes {a.shape} and {b.shape} differ: broadcast first")
    _check_axis("recurrence", a, axis)
    return a.shape, a.dtype


def _recurrence_value(np: Any, a: Any, b: Any, axis: int) -> Any:
    """About sqrt(n) pieces of equal length side by side; then what each hands on; then the rest."""
    dtype, wide, n = a.dtype, _wide(np, a), a.shape[axis]
    a, b = (np.moveaxis(v, axis, 0) for v in (a, b))
    shape, width = b.shape, prod(b.shape[1:])
    a, y = (np.array(v, wide, order="C").reshape(n, width) for v in (a, b))
    size = isqrt(n) or 1
    whole = n - n % size
    y[:whole] = _pieces(np, a[:whole], y[:whole], size)
    for i in range(max(whole, 1), n):
        y[i] += a[i] * y[i - 1]
    return np.moveaxis(y.reshape(shape), 0, axis).astype(dtype, copy=False)


def _pieces(np: Any, a: Any, y: Any, size: int) -> Any:
    """(n, width): step i of all pieces lies together, for speed, and because NumPy's loops give
    other bits where arrays interleave."""
    split = (len(y) // size, size, y.shape[1])
    a, y = (np.ascontiguousarray(v.reshape(split).swapaxes(0, 1)) for v in (a, y))
    for i in range(1, size):
        y[i] += a[i] * y[i - 1]
        a[i] *= a[i - 1]
    for k in range(1, split[0]):
        y[:, k] += a[:, k] * y[-1, k - 1]
    return y.swapaxes(0, 1).reshape(split[0] * size, split[2])


def _reached(g: Any, ct: Node, a: Node, axis: int) -> Node:
    """What each step of a recurrence adds to the end: backwards, by the next step's factor."""
    factor = shift(g, flip(g, a, axis), axis, 0)
    factor = g.conj(factor) if is_complex(a) else factor
    return flip(g, g.recurrence(factor, flip(g, ct, axis), axis), axis)


def _times_last(g: Any, x: Node, y: Node, axis: int, first: int) -> Node:
    last = shift(g, y, axis, first)
    return x * (g.conj(last) if is_complex(last) else last)


def _recurrence_vjp(
    g: Any, ct: Node, y: Node, a: Node, b: Node, axis: int
) -> tuple[Node, Node]:
    reached = _reached(g, ct, a, axis)
    return _times_last(g, reached, y, axis, 0), reached


def _recurrence_jvp(
    g: Any, tangents: Sequence[Any], y: Node, a: Node, b: Node, axis: int
) -> Node | None:
    ta, tb = tangents
    if ta is None:
        return None if tb is None else g.recurrence(a, tb, axis)
    driven = ta * shift(g, y, axis, 0)
    return g.recurrence(a, driven if tb is None else driven + tb, axis)  # type: ignore[no-any-return]


def _recurrence_batch(g: Any, batched: Sequence[bool], a: Node, b: Node, axis: int) -> Node:
    return g.recurrence(*all_batched(g, batched, (a, b)), axis + 1)  # type: ignore[no-any-return]


def _cumprod_vjp(g: Any, ct: Node, y: Node, x: Node, axis: int) -> tuple[Node]:
    return (_times_last(g, _reached(g, ct, x, axis), y, axis, 1),)


def _cumprod_jvp(g: Any, tangents: Sequence[Any], y: Node, x: Node, axis: int) -> Node | None:
    t = tangents[0]
    return None if t is None else g.recurrence(x, t * shift(g, y, axis, 1), axis)


def _row(name: str, arity: int, params: tuple[str, ...], domain: str, **columns: Any) -> Op:
    return register(Op(name, "scan", arity, params=params, domain=domain, **columns))


cumsum = _row(
    "cumsum", 1, ("axis",), "iufc", infer=_infer("cumsum"), value=_accumulate("cumsum"),
    transpose=_cumsum_transpose, batch=_batch("cumsum"), doc="Sums of the first 1, 2, … elements.",
)  # fmt: skip
cumprod = _row(
    "cumprod", 1, ("axis",), "iufc", infer=_infer("cumprod"), value=_accumulate("cumprod"),
    vjp=_cumprod_vjp, jvp=_cumprod_jvp, batch=_batch("cumprod"),
    doc="Products of the first 1, 2, … elements.",
)  # fmt: skip
recurrence = _row(
    "recurrence", 2, ("axis",), "fc", infer=_infer_recurrence, value=_recurrence_value,
    vjp=_recurrence_vjp, jvp=_recurrence_jvp, batch=_recurrence_batch,
    doc="y[i] = a[i] * y[i - 1] + b[i] along an axis, from y[-1] = 0; a[0] is not used.",
)  # fmt: skip

# --- sorts ----------------------------------------------------------------------------------------


def _comparable(np: Any, x: Any) -> Any:
    """Dtypes that are not NumPy's own are compared in single, since their sorts know no NaN."""
    return x.astype(np.float32) if x.dtype.kind == "V" else x


def _sort_vjp(
    g: Any, ct: Node, y: Node, x: Node, axis: int, descending: bool
) -> tuple[Node | None]:
    if kind(x.dtype) != "f":
        return (None,)
    return (put_along(g, ct, g.argsort(x, axis, descending), axis),)


def _sort_jvp(
    g: Any, tangents: Sequence[Any], y: Node, x: Node, axis: int, descending: bool
) -> Node | None:
    t = tangents[0]
    return None if t is None else take_along(g, t, g.argsort(x, axis, descending), axis)


def _infer_argselect(x: Node, axis: int, start: int, count: int, descending: bool) -> Infer:
    _check_axis("argselect", x, axis)
    if not 0 <= start <= start + count <= x.shape[axis]:
        raise ValueError(
            f"argselect: there are no places {start} to {start + count} on axis {axis} of shape "
            f"{x.shape}"
        )
    return (*x.shape[:axis], count, *x.shape[axis + 1 :]), int64


def _infer_searchsorted(x: Node, v: Node, side: str) -> Infer:
    if x.dtype is not v.dtype:
        raise TypeError(f"dtypes {x.dtype} and {v.dtype} differ: cast first")
    if x.ndim != 1:
        raise ValueError(f"searchsorted: the sorted array must have one axis, got shape {x.shape}")
    if side not in ("left", "right"):
        raise ValueError(f"searchsorted: side must be 'left' or 'right', got {side!r}")
    return v.shape, int64


def _searchsorted_value(np: Any, x: Any, v: Any, side: str) -> Any:
    return np.asarray(np.searchsorted(_comparable(np, x), _comparable(np, v), side), np.int64)


def _rank_among(g: Any, x: Node, v: Node, side: str) -> Node:
    """(rows, n), (rows, m): sorted together, and the elements of x before each of v counted."""
    n, m = x.shape[1], v.shape[1]
    left = side == "left"
    order = g.argsort(g.concat([v, x] if left else [x, v], 1), 1, False)
    first = g.less(order, m if left else n)
    zero, one = g.constant(0, order), g.constant(1, order)
    before = g.cumsum(g.where(first, zero, one) if left else g.where(first, one, zero), 1)
    return part(g, put_along(g, before, order, 1), 1, 0 if left else n, m)


def _searchsorted_batch(g: Any, batched: Sequence[bool], x: Node, v: Node, side: str) -> Node:
    if not batched[0]:
        return g.searchsorted(x, v, side)  # type: ignore[no-any-return]
    shape = v.shape if batched[1] else (x.shape[0], *v.shape)
    rows = g.reshape(g.broadcast_to(v, shape), (shape[0], prod(shape[1:])))
    return g.reshape(_rank_among(g, x, rows, side), shape)  # type: ignore[no-any-return]


sort = _row(
    "sort", 1, ("axis", "descending"), "biuf", infer=_infer("sort"), value=_order.sort,
    vjp=_sort_vjp, jvp=_sort_jvp, batch=_batch("sort"),
    doc="Sorted along an axis, stable; NaN last, or first when descending.",
)  # fmt: skip
argsort = _row(
    "argsort", 1, ("axis", "descending"), "biuf", infer=_infer("argsort", int64),
    value=_order.argsort, partials=NONDIFF, batch=_batch("argsort"),
    doc="The places from which `sort` takes its elements.",
)  # fmt: skip
argselect = _row(
    "argselect", 1, ("axis", "start", "count", "descending"), "biuf", infer=_infer_argselect,
    value=_order.argselect, partials=NONDIFF, batch=_batch("argselect"),
    doc="Some of the places that `argsort` gives, one after another.",
)  # fmt: skip
searchsorted = _row(
    "searchsorted", 2, ("side",), "biuf", infer=_infer_searchsorted, value=_searchsorted_value,
    partials=NONDIFF, batch=_searchsorted_batch,
    doc="Where v would be inserted into a sorted array: before ('left') or after ('right') equals.",
)  # fmt: skip
