"""Reads and writes at places given by arrays of indices, over the leading axes.

`gather(x, *indices)` is `x[indices]`; indices are integer arrays of one shape, negative ones count
from the end, and one outside raises IndexError when the value is computed, naming the user's line.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from .._base.dtypes import int64, kind
from .._base.errors import OutsideOf
from .._base.module import own
from .._base.shapes import prod
from ..ir.node import Node
from ..ir.op import Op, register
from ._families import Infer, wide

# Bytes of what is read, written or added from which a target is asked for a function of its own.
NATIVE = 1 << 15
# Elements up to which NumPy's own look at the places is quicker than one at all of them before.
FEW = 1 << 12


def _check(name: str, x: Node, indices: Sequence[Node]) -> None:
    if len(indices) > len(x.shape):
        raise IndexError(f"{name}: {len(indices)} indices for an array of {len(x.shape)} axes")
    for i in indices:
        if kind(i.dtype) not in "iu":
            raise IndexError(f"{name}: indices must be integers, got {i.dtype}")
        if i.shape != indices[0].shape:
            raise ValueError(
                f"{name}: indices of shapes {indices[0].shape} and {i.shape}: broadcast first"
            )


def _infer_gather(x: Node, *indices: Node) -> Infer:
    _check("gather", x, indices)
    return (*indices[0].shape, *x.shape[len(indices) :]), x.dtype


def _infer_scatter(x: Node, u: Node, *indices: Node) -> Infer:
    _check("scatter", x, indices)
    want = (*indices[0].shape, *x.shape[len(indices) :])
    if u.shape != want or u.dtype is not x.dtype:
        raise ValueError(f"scatter: updates are {u.dtype} {u.shape}, the places {x.dtype} {want}")
    return x.shape, x.dtype


def _places(np: Any, x: Any, indices: Sequence[Any]) -> tuple[Any, ...]:
    """The indices, each checked against its axis. Raises IndexError naming index and size."""
    for axis, i in enumerate(map(_once, indices)):
        n = x.shape[axis]
        if i.size and (int(i.max()) >= n or int(i.min()) < -n):
            bad = i[(i >= n) | (i < -n)] if i.dtype.kind == "i" else i[i >= n]
            raise IndexError(
                f"index {int(bad.flat[0])} is out of bounds for axis {axis} of size {n}"
            )
    return tuple(i.astype(np.int64, copy=False) for i in indices)


def _once(i: Any) -> Any:
    """An index without repetitions along axes that it was broadcast over."""
    return i[tuple([slice(None) if s else slice(1) for s in i.strides])]


def _as_rows(x: Any, places: Sequence[Any]) -> bool:
    """Whether elements at places of several axes are sooner found as those of one."""
    return bool(len(places) > 1 and places[0].size >= _WORTH and x.flags.c_contiguous)


def _flat(np: Any, x: Any, places: Sequence[Any]) -> Any:
    """Places of several axes as those of one that has them all."""
    flat: Any = 0
    for n, place in zip(x.shape, places, strict=False):
        i = _once(place)
        flat = flat * n + (np.where(i < 0, i + n, i) if i.min() < 0 else i)
    return np.broadcast_to(flat, places[0].shape)


def _gather_value(np: Any, x: Any, *indices: Any) -> Any:
    rows = len(indices) == 1 and x.flags.c_contiguous
    count = indices[0].size * prod(x.shape[len(indices) :])
    if count <= FEW and "u" not in [i.dtype.kind for i in indices]:
        return _few(np, x, indices)
    native = None if rows or count * x.itemsize < NATIVE else own(np, "gather")
    out = native(x, _wide(np, indices)) if native else None
    if out is not None:
        return out
    places = _places(np, x, indices)
    if len(places) == 1 and x.shape[0]:  # whole rows at a time
        return np.take(x, places[0], 0, mode="wrap")
    if _as_rows(x, places):
        rows = x.reshape(-1, *x.shape[len(places) :])
        return np.take(rows, _flat(np, x, places), 0, mode="wrap")
    return x[places]


def _few(np: Any, x: Any, indices: Sequence[Any]) -> Any:
    """Few elements: NumPy looks at their places itself, in less time than a look at all takes."""
    try:
        if len(indices) == 1:
            return np.take(x, indices[0], 0, mode="raise")
        return x[tuple(indices)]
    except IndexError:
        return x[_places(np, x, indices)]


def _in_order(np: Any, x: Any, indices: Sequence[Any]) -> tuple[Any, ...]:
    """The places, lying so that NumPy goes over them in their order."""
    return tuple([np.asarray(i, order="C") for i in _places(np, x, indices)])


def _wide(np: Any, indices: Sequence[Any]) -> list[Any]:
    """Indices of 64 bits, but for those that may not fit."""
    return [i if i.dtype == np.uint64 else i.astype(np.int64, copy=False) for i in indices]


def _writing(instruction: str, write: Callable[..., None]) -> dict[str, Callable[..., Any]]:
    """The columns `value` and `into` of a row: by what the target has for an instruction, else by
    what writes into an array with NumPy, at places in their order.
    """

    def into(np: Any, x: Any, u: Any, *indices: Any) -> Any:
        if _natively(np, x, u, indices, instruction, True) is None:
            write(np, x, u, _in_order(np, x, indices))
        return x

    def value(np: Any, x: Any, u: Any, *indices: Any) -> Any:
        out = _natively(np, x, u, indices, instruction, False)
        if out is None:
            places, out = _in_order(np, x, indices), x.copy()
            write(np, out, u, places)
        return out

    return {"value": value, "into": into}


def _natively(np: Any, x: Any, u: Any, indices: Sequence[Any], instruction: str, over: bool) -> Any:
    """What a target has of its own gives, written over x or not, or None."""
    native = own(np, "scatter") if u.nbytes >= NATIVE else None
    return native(x, u, _wide(np, indices), instruction, over) if native else None


def _put(np: Any, out: Any, u: Any, places: Sequence[Any]) -> None:
    out[places] = u


def _summed(write: Callable[..., None]) -> Callable[..., None]:
    """What writes into an array, by way of single for half precision."""

    def into(np: Any, out: Any, u: Any, places: Sequence[Any]) -> None:
        held = wide(np, out)
        write(np, held, wide(np, u), places)
        if held is not out:
            out[...] = held

    return into


def _add(np: Any, out: Any, u: Any, places: Sequence[Any]) -> None:
    if len(places) == 1 and u.size >= _WORTH and u.size >= _ROW * places[0].size:
        _add_rows(np, out, places[0].reshape(-1), u.reshape(-1, *out.shape[1:]))
    elif _as_rows(out, places):
        rows = out.reshape(-1, *out.shape[len(places) :])
        np.add.at(rows, _flat(np, out, places).reshape(-1), u.reshape(-1, *rows.shape[1:]))
    else:
        np.add.at(out, places, u)


# Elements in all, and of a row, from which on rows are added as wholes; rows that are added one
# after another to one place, at most, before it is done element by element.
_WORTH, _ROW, _ROUNDS = 1 << 14, 16, 16


def _add_rows(np: Any, out: Any, places: Any, u: Any) -> None:
    """Add rows at places, those of one place in their order: each round one of every place."""
    places = places % len(out)
    order = np.argsort(places, kind="stable")
    found = places[order]
    count = np.arange(len(found))
    first = np.concatenate([[True], found[1:] != found[:-1]])
    turn = count - np.maximum.accumulate(np.where(first, count, 0))
    for i in range(min(int(turn.max()) + 1, _ROUNDS)):
        now = order[turn == i]
        out[places[now]] += u[now]
    left = order[turn >= _ROUNDS]
    np.add.at(out, places[left], u[left])


def _zeros_like(g: Any, x: Node, like: Node) -> Node:
    return g.broadcast_to(g.constant(0, like), x.shape)  # type: ignore[no-any-return]


def _gather_transpose(g: Any, ct: Node, x: Node, *indices: Node) -> tuple[Node | None, ...]:
    return g.scatter_add([_zeros_like(g, x, ct), ct, *indices]), *(None for _ in indices)


def _scatter_vjp(
    g: Any, ct: Node, y: Node, x: Node, u: Node, *indices: Node
) -> tuple[Node | None, ...]:
    """Places written to pass nothing to x; of several updates of one place only the one that stayed
    has a gradient.
    """
    order = g.reshape(g.iota(u.size, int64, x.device), u.shape)
    nowhere = g.broadcast_to(g.constant(-1, order), x.shape)
    last = g.scatter([nowhere, order, *indices])
    stayed = g.equal(g.gather([last, *indices]), order)
    of_u = g.where(stayed, g.gather([ct, *indices]), g.constant(0, ct))
    return g.scatter([ct, _zeros_like(g, u, ct), *indices]), of_u, *(None for _ in indices)


def _scatter_jvp(g: Any, tangents: Any, y: Node, x: Node, u: Node, *indices: Node) -> Node | None:
    tx, tu = tangents[:2]
    if tx is None and tu is None:
        return None
    like = tx if tx is not None else tu
    tx = _zeros_like(g, x, like) if tx is None else tx
    return g.scatter([tx, _zeros_like(g, u, like) if tu is None else tu, *indices])  # type: ignore[no-any-return]


def _batch_all(g: Any, batched: Sequence[bool], args: Sequence[Node]) -> tuple[list[Node], int]:
    n = next(x.shape[0] for x, b in zip(args, batched, strict=True) if b)
    return [
        x if b else g.broadcast_to(x, (n, *x.shape)) for x, b in zip(args, batched, strict=True)
    ], n


def _row_index(g: Any, n: int, like: Node) -> Node:
    """0 … n-1 along axis 0 of the shape of a batched index."""
    i = g.reshape(g.iota(n, like.dtype, like.device), (n, *(1,) * (len(like.shape) - 1)))
    return g.broadcast_to(i, like.shape)  # type: ignore[no-any-return]


def _batch(name: str, data: int) -> Callable[..., Node]:
    """Batched reads and writes: the batch becomes one more indexed axis."""

    def batch(g: Any, batched: Sequence[bool], *args: Node) -> Node:
        full, n = _batch_all(g, batched, args)
        indices = [g.cast(i, int64) for i in full[data:]]
        return getattr(g, name)([*full[:data], _row_index(g, n, indices[0]), *indices])  # type: ignore[no-any-return]

    return batch


def _gather_batch(g: Any, batched: Sequence[bool], x: Node, *indices: Node) -> Node:
    if any(batched[1:]):
        return _batch("gather", 1)(g, batched, x, *indices)
    k, ndim = len(indices), len(indices[0].shape)
    moved = g.permute(x, (*range(1, k + 1), 0, *range(k + 1, len(x.shape))))
    out = g.gather([moved, *indices])
    return g.permute(out, (ndim, *range(ndim), *range(ndim + 1, len(out.shape))))  # type: ignore[no-any-return]


def _row(name: str, **columns: Any) -> Op:
    return register(Op(name, "gather", None, fails=True, **columns))


gather = _row(
    "gather",
    infer=_infer_gather,
    value=_gather_value,
    transpose=_gather_transpose,
    batch=_gather_batch,
    doc="Elements, or sub-arrays, of x at the given places.",
)
scatter = _row(
    "scatter",
    infer=_infer_scatter,
    **_writing("", _put),
    vjp=_scatter_vjp,
    jvp=_scatter_jvp,
    batch=_batch("scatter", 2),
    doc="x with u written at the given places, the last one last.",
)
scatter_add = _row(
    "scatter_add",
    infer=_infer_scatter,
    **_writing("add", _summed(_add)),
    transpose=lambda g, ct, x, u, *indices: (
        ct,
        g.gather([ct, *indices]),
        *(None for _ in indices),
    ),
    batch=_batch("scatter_add", 2),
    doc="x with u added at the given places, in order.",
)

# --- other ways to combine what is written to one place -------------------------------------------


def _at(ufunc: str) -> Callable[..., None]:
    def write(np: Any, out: Any, u: Any, places: Sequence[Any]) -> None:
        getattr(np, ufunc).at(out, places, u)

    return write


def _ones_where(g: Any, condition: Node, like: Node) -> Node:
    return g.where(condition, g.constant(1, like), g.constant(0, like))  # type: ignore[no-any-return]


def _extremum_shares(
    g: Any, y: Node, x: Node, u: Node, indices: Sequence[Node]
) -> tuple[Node, Node]:
    """Equal shares, for all that attain the extremum of a place."""
    of_x = _ones_where(g, g.equal(x, y), x)
    of_u = _ones_where(g, g.equal(u, g.gather([y, *indices])), u)
    count = g.scatter_add([of_x, of_u, *indices])
    share = 1 / g.where(g.equal(count, 0.0), g.constant(1, count), count)
    return of_x * share, of_u * g.gather([share, *indices])


def _product_shares(
    g: Any, y: Node, x: Node, u: Node, indices: Sequence[Node]
) -> tuple[Node, Node]:
    """For each factor of a place the product of the others, also where some are 0."""
    no_x, no_u = g.equal(x, 0.0), g.equal(u, 0.0)
    one = g.constant(1, x)
    safe_x, safe_u = g.where(no_x, one, x), g.where(no_u, one, u)
    product = g.scatter_multiply([safe_x, safe_u, *indices])
    zeros = g.scatter_add([_ones_where(g, no_x, x), _ones_where(g, no_u, u), *indices])

    def others(none: Node, safe: Node, product: Node, zeros: Node) -> Node:
        left = zeros - _ones_where(g, none, safe)
        return g.where(g.equal(left, 0.0), product / safe, g.constant(0, safe))  # type: ignore[no-any-return]

    there = g.gather([product, *indices]), g.gather([zeros, *indices])
    return others(no_x, safe_x, product, zeros), others(no_u, safe_u, *there)


def _share_vjp(shares: Callable[..., tuple[Node, Node]]) -> Callable[..., Any]:
    def vjp(g: Any, ct: Node, y: Node, x: Node, u: Node, *indices: Node) -> Any:
        if kind(x.dtype) != "f":
            return (None,) * (2 + len(indices))
        of_x, of_u = shares(g, y, x, u, indices)
        return ct * of_x, g.gather([ct, *indices]) * of_u, *(None for _ in indices)

    return vjp


def _share_jvp(shares: Callable[..., tuple[Node, Node]]) -> Callable[..., Any]:
    def jvp(g: Any, tangents: Any, y: Node, x: Node, u: Node, *indices: Node) -> Node | None:
        tx, tu = tangents[:2]
        if tx is None and tu is None:
            return None
        of_x, of_u = shares(g, y, x, u, indices)
        base = of_x * tx if tx is not None else _zeros_like(g, x, x)
        return base if tu is None else g.scatter_add([base, of_u * tu, *indices])

    return jvp


def _combined(
    name: str, write: Callable[..., None], instruction: str, domain: str, shares: Any, doc: str
) -> Op:
    return _row(
        name,
        domain=domain,
        infer=_infer_scatter,
        **_writing(instruction, write),
        vjp=_share_vjp(shares),
        jvp=_share_jvp(shares),
        batch=_batch(name, 2),
        doc=doc,
    )


scatter_max = _combined(
    "scatter_max", _at("maximum"), "max", "biuf", _extremum_shares,
    "x with the greater of what is there and u at the given places; NaN if either is.",
)  # fmt: skip
scatter_min = _combined(
    "scatter_min", _at("minimum"), "min", "biuf", _extremum_shares,
    "x with the smaller of what is there and u at the given places; NaN if either is.",
)  # fmt: skip
scatter_multiply = _combined(
    "scatter_multiply", _summed(_at("multiply")), "mul", "iuf", _product_shares,
    "x multiplied by u at the given places, in order.",
)  # fmt: skip

# --- rows of one array added to those of another --------------------------------------------------
# What bags of embeddings, messages along the edges of a graph and products with sparse matrices
# come to, without a copy of what is taken.


def _infer_rows(x: Node, y: Node, w: Node, to: Node, of: Node) -> Infer:
    for i in (to, of):
        if kind(i.dtype) not in "iu":
            raise IndexError(f"gather_add: indices must be integers, got {i.dtype}")
    if not x.shape or not y.shape or x.shape[1:] != y.shape[1:]:
        raise ValueError(f"gather_add: rows of shape {y.shape} can't be added to {x.shape}")
    if not x.dtype is y.dtype is w.dtype:
        raise ValueError(f"gather_add: rows of {y.dtype} times {w.dtype} added to {x.dtype}")
    if not w.shape == to.shape == of.shape:
        raise ValueError(
            f"gather_add: weights and indices have shapes {w.shape}, {to.shape} and {of.shape}"
        )
    return x.shape, x.dtype


def _weighted(np: Any, y: Any, w: Any, of: Any) -> Any:
    """The rows that are added."""
    rows = gather.value(np, y, of)
    return np.multiply(rows, w.reshape(w.shape + (1,) * (y.ndim - 1)))


def _rows_natively(np: Any, x: Any, y: Any, w: Any, to: Any, of: Any, over: bool) -> Any:
    """What a target's own function gives, written over x or not, or None."""
    nbytes = to.size * x.itemsize * (x.size // x.shape[0]) if x.shape[0] else 0
    function = own(np, "gather_add") if nbytes >= NATIVE else None
    return function(x, y, w, *_wide(np, (to, of)), over) if function else None


@contextmanager
def _part(number: int) -> Iterator[None]:
    """What is out of bounds here is so in an operation of that number."""
    try:
        yield
    except IndexError as error:
        raise OutsideOf(str(error), number) from None


def _one_by_one(np: Any, x: Any, y: Any, w: Any, to: Any, of: Any) -> Any:
    held, y, w = (wide(np, a) for a in (x, y, w))
    with _part(0):
        rows = _weighted(np, y, w, of)
    with _part(1):
        return scatter_add.value(np, held, rows, to).astype(x.dtype, copy=False)


def _rows_value(np: Any, x: Any, y: Any, w: Any, to: Any, of: Any) -> Any:
    out = _rows_natively(np, x, y, w, to, of, False)
    return _one_by_one(np, x, y, w, to, of) if out is None else out


def _rows_into(np: Any, x: Any, y: Any, w: Any, to: Any, of: Any) -> Any:
    if _rows_natively(np, x, y, w, to, of, True) is None:
        np.copyto(x, _one_by_one(np, x, y, w, to, of))
    return x


def _rows_vjp(
    g: Any, ct: Node, out: Node, x: Node, y: Node, w: Node, to: Node, of: Node
) -> tuple[Node | None, ...]:
    products = g.gather([ct, to]) * g.gather([y, of])
    axes = tuple(range(w.ndim, products.ndim))
    of_y = g.gather_add(_zeros_like(g, y, ct), ct, w, of, to)
    return ct, of_y, g.sum(products, axes) if axes else products, None, None


def _rows_jvp(
    g: Any, tangents: Sequence[Node | None], out: Node, x: Node, y: Node, w: Node, to: Node,
    of: Node,
) -> Node | None:  # fmt: skip
    tx, ty, tw = tangents[:3]
    if tx is None and ty is None and tw is None:
        return None
    found = _zeros_like(g, x, x) if tx is None else tx
    if ty is not None:
        found = g.gather_add(found, ty, w, to, of)
    return found if tw is None else g.gather_add(found, y, tw, to, of)


def _rows_batch(g: Any, batched: Sequence[bool], *args: Node) -> Node:
    """A gather and a scatter, of which the batch is one more indexed axis."""
    (x, y, w, to, of), n = _batch_all(g, batched, args)
    to, of = (g.cast(i, int64) for i in (to, of))
    line = _row_index(g, n, to)
    weights = g.reshape(w, w.shape + (1,) * (y.ndim - 2))
    return g.scatter_add([x, g.gather([y, line, of]) * weights, line, to])  # type: ignore[no-any-return]


gather_add = register(
    Op(
        "gather_add",
        "gather",
        5,
        domain="iuf",
        fails=True,
        infer=_infer_rows,
        value=_rows_value,
        into=_rows_into,
        vjp=_rows_vjp,
        jvp=_rows_jvp,
        batch=_rows_batch,
        doc="x with the rows of y at given places, each times a weight, added at others, in order.",
    )
)
