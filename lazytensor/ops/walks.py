"""Walks over states, step by step: of each state a step comes from itself, from the one before it,
or from the one before that. Sums over all walks in logarithms, and the linear recurrence that their
derivatives are.

Arrays are (steps, examples, states). What enters and leaves: as the columns of `ir/op.py` say. They
must not know what states stand for, nor other rows but through the builder.
"""

from collections.abc import Callable, Sequence
from math import inf
from typing import Any

from ..ir.node import Node
from ..ir.op import Op, register
from ._families import Infer, all_batched
from .scan import flip, part

# From how many states before a step may come: 0, 1 or 2.
BACK = range(3)
STEPS, EXAMPLES, STATES = range(3)


def _infer(name: str, first: int) -> Callable[..., Infer]:
    """The shape of the first array, whose axes from `first` on the others have; they have its
    dtype.
    """

    def infer(x: Node, *others: Node) -> Infer:
        if x.ndim != 3:
            raise ValueError(f"{name}: (steps, examples, states) has 3 axes, got shape {x.shape}")
        for other in others:
            if other.dtype is not x.dtype:
                raise TypeError(f"{name}: dtypes {x.dtype} and {other.dtype} differ: cast first")
            if other.shape != x.shape[first:]:
                raise ValueError(f"{name}: shapes {x.shape} and {other.shape} don't go together")
        return x.shape, x.dtype

    return infer


def _wide(np: Any, x: Any) -> Any:
    """The dtype to compute in."""
    return np.dtype(np.float32) if x.dtype.itemsize == 2 else x.dtype


# --- values ---------------------------------------------------------------------------------------


def _walk_value(np: Any, x: Any, jump: Any) -> Any:
    wide = _wide(np, x)
    steps, jumps = x.astype(wide, copy=False), jump.astype(wide, copy=False)[:, 2:]
    y = np.array(steps, order="C")
    ways = np.full((3, *y.shape[1:]), -inf, wide)
    lowest = np.finfo(wide).min
    for t in range(1, len(y)):
        last = y[t - 1]
        ways[0], ways[1, :, 1:] = last, last[:, :-1]
        np.add(last[:, :-2], jumps, out=ways[2, :, 2:])
        top = np.maximum(ways.max(0), lowest)
        shares = np.exp(ways - top)
        y[t] = (np.log(shares[0] + shares[1] + shares[2]) + top) + steps[t]
    return y.astype(x.dtype, copy=False)


def _band_value(np: Any, b: Any, *weights: Any) -> Any:
    wide = _wide(np, b)
    y = np.array(b, wide, order="C")
    own, first, second = (np.ascontiguousarray(w, wide) for w in weights)
    for t in range(1, len(y)):
        last = y[t - 1]
        y[t] += own[t] * last
        y[t, :, 1:] += first[t, :, 1:] * last[:, :-1]
        y[t, :, 2:] += second[t, :, 2:] * last[:, :-2]
    return y.astype(b.dtype, copy=False)


# --- derivatives ----------------------------------------------------------------------------------


def _moved(g: Any, x: Node, axis: int, by: int, fill: float) -> Node:
    """The elements of an axis later by so many, after a number; the last ones are dropped."""
    n = x.shape[axis]
    if not by or not n:
        return x
    by = min(by, n)
    shape = tuple(by if a == axis else k for a, k in enumerate(x.shape))
    head = g.broadcast_to(g.constant(fill, x), shape)
    return g.concat([head, part(g, x, axis, 0, n - by)], axis)  # type: ignore[no-any-return]


def _before(g: Any, y: Node, fill: float) -> list[Node]:
    """What each state's step may come from."""
    last = _moved(g, y, STEPS, 1, fill)
    return [_moved(g, last, STATES, k, fill) for k in BACK]


def _shares(g: Any, y: Node, jump: Node) -> list[Node]:
    """Of each step how much comes from where; nothing where it comes from nowhere."""
    own, first, second = _before(g, y, -inf)
    ways = [own, first, second + jump]
    low = g.constant(-inf, y)
    top = g.maximum(g.maximum(ways[0], ways[1]), ways[2])
    nowhere = g.equal(top, low)
    shift = g.where(nowhere, g.constant(0, y), top)
    parts = [g.exp(way - shift) for way in ways]
    total = g.where(nowhere, g.constant(1, y), parts[0] + parts[1] + parts[2])
    return [p / total for p in parts]


def _reversed(g: Any, x: Node) -> Node:
    return flip(g, flip(g, x, STEPS), STATES)


def _reached(g: Any, ct: Node, weights: Sequence[Node]) -> Node:
    """What each state adds to the end: the recurrence backwards, each weight being of the step that
    it leads to.
    """
    back = [
        _moved(g, _moved(g, _reversed(g, w), STEPS, 1, 0), STATES, k, 0)
        for k, w in zip(BACK, weights, strict=True)
    ]
    return _reversed(g, g.band_walk(_reversed(g, ct), *back))


def _walk_vjp(g: Any, ct: Node, y: Node, x: Node, jump: Node) -> tuple[Node, Node]:
    shares = _shares(g, y, jump)
    reached = _reached(g, ct, shares)
    return reached, g.sum(reached * shares[2], (STEPS,))


def _walk_jvp(g: Any, tangents: Sequence[Any], y: Node, x: Node, jump: Node) -> Node | None:
    tx, tj = tangents
    if tx is None and tj is None:
        return None
    shares = _shares(g, y, jump)
    driven = tx if tj is None else shares[2] * tj if tx is None else tx + shares[2] * tj
    return g.band_walk(driven, *shares)  # type: ignore[no-any-return]


def _band_vjp(g: Any, ct: Node, y: Node, b: Node, *weights: Node) -> tuple[Node, ...]:
    reached = _reached(g, ct, weights)
    return reached, *(reached * last for last in _before(g, y, 0))


def _band_jvp(g: Any, tangents: Sequence[Any], y: Node, b: Node, *weights: Node) -> Node | None:
    tb, *rest = tangents
    pairs = zip(rest, _before(g, y, 0), strict=True)
    driven = [tb, *(t * last for t, last in pairs if t is not None)]
    given = [t for t in driven if t is not None]
    if not given:
        return None
    total = given[0]
    for more in given[1:]:
        total = total + more
    return g.band_walk(total, *weights)  # type: ignore[no-any-return]


# --- batches and rows -----------------------------------------------------------------------------


def _beside(g: Any, x: Node) -> Node:
    """A batch's examples side by side: one axis of them."""
    if x.ndim == 3:
        n, examples, states = x.shape
        return g.reshape(x, (n * examples, states))  # type: ignore[no-any-return]
    n, steps, examples, states = x.shape
    return g.reshape(g.permute(x, (1, 0, 2, 3)), (steps, n * examples, states))  # type: ignore[no-any-return]


def _batch(name: str) -> Callable[..., Node]:
    def batch(g: Any, batched: Sequence[bool], *args: Node) -> Node:
        full = all_batched(g, batched, args)
        n, steps, examples, states = full[0].shape
        out = getattr(g, name)(*[_beside(g, x) for x in full])
        return g.permute(g.reshape(out, (steps, n, examples, states)), (1, 0, 2, 3))  # type: ignore[no-any-return]

    return batch


def _row(name: str, arity: int, first: int, **columns: Any) -> Op:
    batch, infer = _batch(name), _infer(name, first)
    return register(Op(name, "scan", arity, domain="f", infer=infer, batch=batch, **columns))


log_walk = _row(
    "log_walk", 2, EXAMPLES, value=_walk_value, vjp=_walk_vjp, jvp=_walk_jvp,
    doc="y[t, s] = x[t, s] + log(exp y[t-1, s] + exp y[t-1, s-1] + exp(y[t-1, s-2] + jump[s])) for "
    "each example, from y[0] = x[0]: what is before the first state is -inf.",
)  # fmt: skip
band_walk = _row(
    "band_walk", 4, STEPS, value=_band_value, vjp=_band_vjp, jvp=_band_jvp,
    doc="y[t, s] = b[t, s] + u[t, s] y[t-1, s] + v[t, s] y[t-1, s-1] + w[t, s] y[t-1, s-2] for "
    "each example, from y[0] = b[0]: what is before the first state is 0.",
)  # fmt: skip
