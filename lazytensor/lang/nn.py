"""Compositions that models are made of: softmax and its kin, layer normalisation, GELU, attention,
rows of a table.

What enters: nodes of a floating-point dtype, and integers where rows are read. What leaves: nodes
over the rows of `ops/`, stable for large arguments, shapes checked at once. It must not know faces
or parameters' classes.
"""

from collections.abc import Callable
from math import inf, pi, sqrt

from .._base.dtypes import bool_, int64, kind
from .._base.shapes import normalize_axes, normalize_axis
from ..ir.node import Node
from ..ops import g
from ..ops.contract import swapped
from ._checks import as_dtype, full, kept, require, widened
from .linalg import matmul
from .reductions import Axis, mean, var


def _top(x: Node, axes: tuple[int, ...]) -> Node:
    """The maximum along axes, kept as 1s: what is subtracted before exp. What is made with it
    doesn't depend on it, so no derivative goes there.
    """
    if x.size == 0:
        return full(0.0, tuple(1 if a in axes else n for a, n in enumerate(x.shape)), x)
    return kept(g.fixed(g.max(x, axes)), x, axes, True)


def _shift(x: Node, axes: tuple[int, ...]) -> Node:
    """`_top`, 0 for infinities."""
    top = _top(x, axes)
    return g.where(g.isinf(top), g.constant(0.0, top), top)


def softmax(x: Node, axis: int = -1) -> Node:
    """exp(x) / Σ exp(x) along an axis, NaN of +inf, as of -inf alone. Raises TypeError unless real
    floating-point, AxisError.
    """
    axes = (normalize_axis(axis, require("softmax", x, "f").ndim),)
    e = g.exp(x - _top(x, axes))
    return e / kept(g.sum(e, axes), x, axes, True)


def log_softmax(x: Node, axis: int = -1) -> Node:
    """The logarithm of `softmax`, without its underflow. Raises as `softmax`."""
    axes = (normalize_axis(axis, require("log_softmax", x, "f").ndim),)
    y = x - _top(x, axes)
    return y - kept(g.log(g.sum(g.exp(y), axes)), x, axes, True)


def logsumexp(x: Node, axis: Axis = None, *, keepdims: bool = False) -> Node:
    """log(Σ exp(x)) along axes; -inf of nothing. Raises as `softmax`."""
    axes = normalize_axes(axis, require("logsumexp", x, "f").ndim)
    m = _shift(x, axes)
    total = kept(g.log(g.sum(g.exp(x - m), axes)), x, axes, True) + m
    return (
        total
        if keepdims
        else g.reshape(total, tuple(n for a, n in enumerate(x.shape) if a not in axes))
    )


def layernorm(
    x: Node, ndim: int = 1, weight: Node | None = None, bias: Node | None = None, eps: float = 1e-5
) -> Node:
    """(x - mean) / sqrt(var + eps) over the last `ndim` axes, times weight, plus bias.

    Raises TypeError for dtypes that are not x's own real floating-point one, ValueError for shapes.
    """
    require("layernorm", x, "f")
    if not 1 <= ndim <= x.ndim:
        raise ValueError(f"layernorm: can't normalise the last {ndim} axes of shape {x.shape}")
    axes = tuple(range(x.ndim - ndim, x.ndim))
    for label, p in (("weight", weight), ("bias", bias)):
        if p is not None and p.shape != x.shape[-ndim:]:
            raise ValueError(
                f"layernorm: {label} has shape {p.shape}, the normalised axes {x.shape[-ndim:]}"
            )
    wide = widened(x)
    spread = g.sqrt(var(wide, axes, keepdims=True) + eps)
    y = as_dtype((wide - mean(wide, axes, keepdims=True)) / spread, x.dtype)
    y = y if weight is None else y * weight
    return y if bias is None else y + bias


def gelu(x: Node, approximate: str = "none") -> Node:
    """x times the normal distribution function of x; "tanh" for the usual formula over tanh."""
    require("gelu", x, "f")
    if approximate not in ("none", "tanh"):
        raise ValueError(f"gelu: approximate must be 'none' or 'tanh', got {approximate!r}")
    if approximate == "none":
        return 0.5 * x * (1.0 + g.erf(x * sqrt(0.5)))
    return 0.5 * x * (1.0 + g.tanh(sqrt(2 / pi) * (x + 0.044715 * x * x * x)))


# --- attention ------------------------------------------------------------------------------------


def _check_attention(q: Node, k: Node, v: Node, mask: Node | None, is_causal: bool) -> None:
    """Raises RuntimeError, with PyTorch's texts."""
    if not q.dtype is k.dtype is v.dtype:
        raise RuntimeError(
            "Expected query, key, and value to have the same dtype, but got query.dtype: "
            f"{q.dtype} key.dtype: {k.dtype} and value.dtype: {v.dtype} instead."
        )
    if min(q.ndim, k.ndim, v.ndim) < 2:
        raise RuntimeError(
            "Expected query, key, and value to all be  at least 2 dimensional, but got query.dim: "
            f"{q.ndim} key.dim: {k.ndim} and value.dim: {v.ndim} instead."
        )
    if mask is not None and is_causal:
        raise RuntimeError(
            "_scaled_dot_product_attention: Explicit attn_mask should not be set when "
            "is_causal=True"
        )


def _heads(x: Node, heads: int) -> Node:
    """Each head of keys or values for several of queries. Raises RuntimeError."""
    own = x.shape[-3]
    if not own or heads % own:
        raise RuntimeError("Number of heads in key and value must divide the number of heads in ")
    *lead, _, rows, width = x.shape
    many = g.broadcast_to(
        g.reshape(x, (*lead, own, 1, rows, width)), (*lead, own, heads // own, rows, width)
    )
    return g.reshape(many, (*lead, heads, rows, width))


def _causal(rows: int, columns: int, like: Node) -> Node:
    """Which columns are not behind the row."""
    i, j = (g.iota(n, int64, like.device) for n in (rows, columns))
    return g.less_equal(j, g.reshape(i, (rows, 1)))


def _masked_softmax(x: Node) -> Node:
    """The softmax along the last axis; 0 where all of it is -inf."""
    axes = (x.ndim - 1,)
    e = g.exp(x - _shift(x, axes))
    total = kept(g.sum(e, axes), x, axes, True)
    return e / g.where(g.equal(total, 0.0), g.constant(1, total), total)


def attention(
    query: Node,
    key: Node,
    value: Node,
    mask: Node | None = None,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
    dropout: Callable[[Node], Node] | None = None,
) -> Node:
    """softmax(scale · query · keyᵀ + mask) · value, as PyTorch's scaled_dot_product_attention.

    A boolean mask tells what is attended to; rows that attend to nothing are 0. `dropout` is
    applied to the weights. Raises RuntimeError, ValueError for shapes that don't match.
    """
    _check_attention(query, key, value, mask, is_causal)
    q, k, v = map(widened, (query, key, value))
    if enable_gqa:
        k, v = _heads(k, q.shape[-3]), _heads(v, q.shape[-3])
    width = q.shape[-1]
    by = sqrt(scale if scale is not None and scale > 0 else 1 / sqrt(width) if width else 1.0)
    if scale is not None and scale <= 0:
        scores = matmul(q, swapped(g, k)) * scale
    else:
        scores = matmul(q * by, swapped(g, k) * by)
    if is_causal:
        mask = _causal(scores.shape[-2], scores.shape[-1], scores)
    if mask is not None and mask.dtype is bool_:
        scores = g.where(mask, scores, g.constant(-inf, scores))
    elif mask is not None:
        scores = scores + as_dtype(mask, scores.dtype)
    weights = _masked_softmax(scores)
    return as_dtype(matmul(weights if dropout is None else dropout(weights), v), query.dtype)


# --- rows of a table ------------------------------------------------------------------------------


def _checked(ids: Node, rows: int) -> Node:
    """Negative ids made such that reading is refused: they don't count from the end here."""
    if kind(ids.dtype) != "i":
        return ids
    i = as_dtype(ids, int64)
    return g.where(g.less(i, 0), i - rows, i)


def embedding(weight: Node, ids: Node) -> Node:
    """The rows (*, features) at ids (*), of which those outside raise IndexError with the value."""
    return g.gather([weight, _checked(ids, weight.shape[0])])


def one_hot(ids: Node, classes: int) -> Node:
    """1 at each id along a new last axis, else 0; int64."""
    i = g.reshape(as_dtype(ids, int64), (*ids.shape, 1))
    return g.cast(g.equal(i, g.iota(classes, int64, ids.device)), int64)


# Bags are filled up to one length where that makes so many times as many ids at most.
PADDED = 8


def _bags(ids: Node, offsets: Node | None, include_last: bool) -> tuple[Node, Node]:
    """The bag of each of the flattened ids, and where bags begin: as many begin up to an id."""
    if offsets is None:
        rows, width = ids.shape
        numbers = g.iota(rows, int64, ids.device)
        line = g.broadcast_to(g.reshape(numbers, (rows, 1)), ids.shape)
        return g.reshape(line, (rows * width,)), numbers * width
    starts = as_dtype(offsets, int64)
    count = starts.shape[0] - bool(include_last)
    starts = g.slice(starts, (0,), (count,), (1,))
    # one more, since bags at the end that are empty begin behind all ids
    none, one = full(0, (ids.size + 1,), starts), full(1, starts.shape, starts)
    begun = g.cumsum(g.scatter_add([none, one, starts]), 0)
    return g.slice(begun, (0,), (ids.size,), (1,)) - 1, starts


def embedding_bag(
    weight: Node,
    ids: Node,
    offsets: Node | None = None,
    mode: str = "mean",
    per_sample_weights: Node | None = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
    longest: int | None = None,
) -> Node:
    """Sums, means or maxima ("max") of the rows in each bag; 0 for empty ones.

    Bags are the rows of ids, or start at `offsets` of flat ids. `padding_idx` doesn't count. No bag
    has more ids than `longest`, where that is known. Raises IndexError with the value.
    """
    flat = g.reshape(ids, (ids.size,))
    bag, starts = _bags(ids, offsets, include_last_offset)
    (count,), longest = starts.shape, ids.shape[1] if offsets is None else longest
    rows, counted = embedding(weight, flat), None
    if per_sample_weights is not None:
        rows = rows * g.reshape(per_sample_weights, (ids.size, 1))
    if padding_idx is not None:
        counted = g.not_equal(flat, g.constant(padding_idx % weight.shape[0], flat))
        rows = g.where(g.reshape(counted, (ids.size, 1)), rows, g.constant(0, rows))
    nothing = full(0.0, (count, weight.shape[1]), rows)
    if mode == "max":
        if not ids.size or not count:
            return nothing
        if longest is not None and count * longest <= PADDED * ids.size:
            place = _greatest_of_padded(rows, counted, starts, longest)
        else:
            place = _greatest(rows, counted, bag, count)
        column = g.broadcast_to(g.iota(weight.shape[1], int64, rows.device), place.shape)
        empty = g.equal(g.reshape(_sizes(rows, counted, bag, starts), (count, 1)), 0.0)
        return g.where(empty, g.constant(0, rows), g.gather([rows, place, column]))
    total = g.scatter_add([nothing, rows, bag])
    if mode == "sum":
        return total
    if mode != "mean":
        raise ValueError("mode has to be one of sum, mean or max")
    sizes = g.maximum(_sizes(rows, counted, bag, starts), 1.0)
    return total / g.reshape(sizes, (count, 1))


def _ends(starts: Node, n: int) -> Node:
    """Where bags of n ids end."""
    later = g.slice(starts, (1,), (starts.shape[0] - 1,), (1,))
    return g.concat([later, full(n, (1,), starts)], 0)


def _sizes(rows: Node, counted: Node | None, bag: Node, starts: Node) -> Node:
    """How many rows of each bag count."""
    if counted is None and starts.size:
        return g.cast(_ends(starts, rows.shape[0]) - starts, rows.dtype)
    each = full(1.0, bag.shape, rows) if counted is None else g.cast(counted, rows.dtype)
    return g.scatter_add([full(0.0, starts.shape, rows), each, bag])


def _greatest(rows: Node, counted: Node | None, bag: Node, count: int) -> Node:
    """For each bag and column the place of the first greatest of the rows that count."""
    member = g.equal(g.reshape(g.iota(count, int64, rows.device), (count, 1)), bag)
    member = member if counted is None else g.logical_and(member, counted)
    shown = g.where(g.reshape(member, (*member.shape, 1)), rows, g.constant(-inf, rows))
    return g.argmax(shown, (1,))


def _greatest_of_padded(rows: Node, counted: Node | None, starts: Node, longest: int) -> Node:
    """The same, of bags that are filled up to one length."""
    (count,), last = starts.shape, rows.shape[0] - 1
    begins, ends = (g.reshape(x, (count, 1)) for x in (starts, _ends(starts, last + 1)))
    places = begins + g.iota(longest, int64, rows.device)
    own, member = g.minimum(places, last), g.less(places, ends)
    member = member if counted is None else g.logical_and(member, g.gather([counted, own]))
    member = g.reshape(member, (count, longest, 1))
    shown = g.where(member, g.gather([rows, own]), g.constant(-inf, rows))
    return g.minimum(begins + g.argmax(shown, (1,)), last)
