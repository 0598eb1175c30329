"""Rows of one array, weighted and added to rows of another: what bags of embeddings, messages along
the edges of a graph and products with sparse matrices come to, without a copy of what is taken.

Both index arrays are checked as those of `gather` and `scatter_add`, of which it has the bits. What
enters and leaves: as the columns of `ir/op.py` say.
"""

from collections.abc import Sequence
from typing import Any

from .._base.dtypes import int64, kind
from .._base.module import own
from ..ir.node import Node
from ..ir.op import Op, register
from ._families import Infer
from .gather import NATIVE, _batch_all, _row_index, _wide, _zeros_like, gather, scatter_add


def _infer(x: Node, y: Node, w: Node, to: Node, of: Node) -> Infer:
    for i in (to, of):
        if kind(i.dtype) not in "iu":
            raise IndexError(f"gather_add: indices must be integers, got {i.dtype}")
    if not x.shape or not y.shape or x.shape[1:] != y.shape[1:]:
        raise ValueError(f"gather_add: rows of shape {y.shape} can't be added to {x.shape}")
    if not w.shape == to.shape == of.shape:
        raise ValueError(
            f"gather_add: weights and indices have shapes {w.shape}, {to.shape} and {of.shape}"
        )
    return x.shape, x.dtype


def _taken(np: Any, y: Any, w: Any, of: Any) -> Any:
    """The rows that are added."""
    rows = gather.value(np, y, of)
    return np.multiply(rows, w.reshape(w.shape + (1,) * (y.ndim - 1)))


def _native(np: Any, x: Any, y: Any, w: Any, to: Any, of: Any, over: bool) -> Any:
    """What a target's own function gives, written over x or not, or None."""
    nbytes = to.size * x.itemsize * (x.size // x.shape[0]) if x.shape[0] else 0
    function = own(np, "gather_add") if nbytes >= NATIVE else None
    return function(x, y, w, *_wide(np, (to, of)), over) if function else None


def _value(np: Any, x: Any, y: Any, w: Any, to: Any, of: Any) -> Any:
    out = _native(np, x, y, w, to, of, False)
    return scatter_add.value(np, x, _taken(np, y, w, of), to) if out is None else out


def _into(np: Any, x: Any, y: Any, w: Any, to: Any, of: Any) -> Any:
    if _native(np, x, y, w, to, of, True) is None:
        np.copyto(x, scatter_add.value(np, x, _taken(np, y, w, of), to))
    return x


def _vjp(
    g: Any, ct: Node, out: Node, x: Node, y: Node, w: Node, to: Node, of: Node
) -> tuple[Node | None, ...]:
    products = g.gather([ct, to]) * g.gather([y, of])
    axes = tuple(range(w.ndim, products.ndim))
    of_y = g.gather_add(_zeros_like(g, y, ct), ct, w, of, to)
    return ct, of_y, g.sum(products, axes) if axes else products, None, None


def _jvp(
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


def _batch(g: Any, batched: Sequence[bool], *args: Node) -> Node:
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
        domain="f",
        fails=True,
        infer=_infer,
        value=_value,
        into=_into,
        vjp=_vjp,
        jvp=_jvp,
        batch=_batch,
        doc="x with the rows of y at given places, each times a weight, added at others, in order.",
    )
)
