"""Reductions: axes are sorted, distinct and not negative; reduced axes are dropped.

Sums and products follow the tree of `_tree`, on every target; integers wrap. What enters and
leaves: as the columns of `ir/op.py` say.
"""

from collections.abc import Callable
from math import prod as prod_
from typing import Any

from .._base.dtypes import bool_, int64, kind
from .._base.module import WorthEach, own
from .._base.shapes import Shape
from ..ir.node import Node
from ..ir.op import NONDIFF, Op, register
from ._eager import ComplexProduct
from ._families import is_complex, plus_one, wide
from ._tree import tree_reduce
from .scan import others

# Elements from which on a target is asked for a kernel of its own, if it is worth compiling: that
# takes 30 ms, and the tree's steps some 15 µs and a nanosecond an element more than the kernel.
SOME, FOLDED = 1 << 6, WorthEach(1 << 24, 1 << 14)


def _dropped(x: Node, axes: tuple[int, ...]) -> Shape:
    if len(axes) == len(x.shape):
        return ()
    return tuple([n for a, n in enumerate(x.shape) if a not in axes])


def kept_shape(x: Node, axes: tuple[int, ...]) -> Shape:
    """The shape of a reduction with its axes kept as 1s."""
    return tuple(1 if a in axes else n for a, n in enumerate(x.shape))


def _nonempty(name: str, x: Node, axes: tuple[int, ...]) -> None:
    if any(x.shape[a] == 0 for a in axes) and 0 not in _dropped(x, axes):
        raise ValueError(
            f"{name}: nothing to reduce in shape {x.shape} along axes {axes}, "
            f"and {name} has no identity"
        )


def spread(g: Any, v: Node, x: Node, axes: tuple[int, ...]) -> Node:
    """A reduced value broadcast back over the axes that were reduced."""
    return g.broadcast_to(g.reshape(v, kept_shape(x, axes)), x.shape)  # type: ignore[no-any-return]


def _batch(name: str) -> Callable[..., Node]:
    return lambda g, batched, x, axes: getattr(g, name)(x, plus_one(axes))


def _reduce(
    name: str,
    domain: str,
    value: Any,
    doc: str,
    dtype: Any = None,
    empty: bool = True,
    **columns: Any,
) -> Op:
    def infer(x: Node, axes: tuple[int, ...]) -> Any:
        if not empty:
            _nonempty(name, x, axes)
        return _dropped(x, axes), dtype or x.dtype

    return register(
        Op(
            name,
            "reduce",
            1,
            params=("axes",),
            domain=domain,
            infer=infer,
            value=value,
            batch=_batch(name),
            doc=doc,
            **columns,
        )
    )


def _total(name: str, combine: str, identity: float) -> Callable[..., Any]:
    def value(np: Any, x: Any, axes: tuple[int, ...]) -> Any:
        ufunc = getattr(np, combine)
        if x.dtype.kind in "iu":
            return ufunc.reduce(x, axes, x.dtype)
        if x.dtype.kind == "c" and combine == "multiply":
            ufunc = ComplexProduct(np)
        out = _natively(np, name, x, axes)
        if out is not None:
            return out
        out = tree_reduce(np, ufunc, wide(np, x), axes, identity)
        out = out if out.dtype is x.dtype else out.astype(x.dtype)
        # as NumPy's, sums start at 0: there is no -0 among them
        return out + x.dtype.type(0) if combine == "add" else out

    return value


def _natively(np: Any, name: str, x: Any, axes: tuple[int, ...]) -> Any:
    """What a target's own kernel of a row makes of some elements, in the same order, or None."""
    if x.size < SOME or not axes or axes[-1] - axes[0] >= len(axes):
        return None
    native = own(np, "folded")
    if native is None or not FOLDED((name, x.dtype, axes[-1] == x.ndim - 1), x.size):
        return None
    return native(name, x, axes)


def _prod_partial(g: Any, y: Node, x: Node, axes: tuple[int, ...]) -> Node:
    """Products of all others, without division: right at zeros, and so is its own derivative."""
    kept = tuple(a for a in range(x.ndim) if a not in axes)
    order = (*kept, *axes)
    moved = g.permute(x, order)
    lines = g.reshape(moved, (*(x.shape[a] for a in kept), prod_(x.shape[a] for a in axes)))
    out = g.reshape(others(g, lines, len(kept)), moved.shape)
    back = tuple(sorted(range(x.ndim), key=order.__getitem__))
    return g.permute(out, back)  # type: ignore[no-any-return]


def _prod_vjp(g: Any, ct: Node, y: Node, x: Node, axes: tuple[int, ...]) -> tuple[Node]:
    d = _prod_partial(g, y, x, axes)
    return (spread(g, ct, x, axes) * (g.conj(d) if is_complex(x) else d),)


def _prod_jvp(g: Any, tangents: Any, y: Node, x: Node, axes: tuple[int, ...]) -> Node | None:
    t = tangents[0]
    return None if t is None else g.sum(t * _prod_partial(g, y, x, axes), axes)


def _extremum(combine: str, negative: str) -> Callable[..., Any]:
    """A reduction by NumPy's function, but that -0 is less than 0 wherever it comes; a zero is
    negative where so many elements are as the second function says.
    """

    def value(np: Any, x: Any, axes: tuple[int, ...]) -> Any:
        y = np.asarray(getattr(np, combine).reduce(x, axes))
        if x.dtype.kind not in "biu" and not (y.all() if y.ndim else y):
            minus = getattr(np, negative).reduce(np.signbit(x), axes)
            zero = np.where(minus, y.dtype.type(-0.0), y.dtype.type(0))
            y = np.where(y == 0, zero, y)
        return y

    return value


def _extremum_weight(g: Any, y: Node, x: Node, axes: tuple[int, ...]) -> Node:
    """Equal shares for all that attain the extremum, as PyTorch's amax and amin."""
    hit = g.equal(x, spread(g, y, x, axes))
    one = g.where(hit, g.constant(1, x), g.constant(0, x))
    return one / spread(g, g.sum(one, axes), x, axes)  # type: ignore[no-any-return]


def _extremum_vjp(g: Any, ct: Node, y: Node, x: Node, axes: tuple[int, ...]) -> tuple[Node | None]:
    if kind(x.dtype) != "f":
        return (None,)
    return (spread(g, ct, x, axes) * _extremum_weight(g, y, x, axes),)


def _extremum_jvp(g: Any, tangents: Any, y: Node, x: Node, axes: tuple[int, ...]) -> Node | None:
    t = tangents[0]
    return None if t is None else g.sum(t * _extremum_weight(g, y, x, axes), axes)


sum_ = _reduce(
    "sum",
    "iufc",
    _total("sum", "add", 0),
    "Sum by a fixed tree; of nothing 0.",
    body=lambda s, x, y: s.add(x, y),
    transpose=lambda g, ct, x, axes: (spread(g, ct, x, axes),),
)
prod = _reduce(
    "prod",
    "iufc",
    _total("prod", "multiply", 1),
    "Product by a fixed tree; of nothing 1.",
    body=lambda s, x, y: s.mul(x, y),
    vjp=_prod_vjp,
    jvp=_prod_jvp,
)
max_ = _reduce(
    "max",
    "biuf",
    _extremum("maximum", "logical_and"),
    "Maximum; NaN if any is, and 0 rather than -0.",
    empty=False,
    body=lambda s, x, y: s.max(x, y),
    vjp=_extremum_vjp,
    jvp=_extremum_jvp,
)
min_ = _reduce(
    "min",
    "biuf",
    _extremum("minimum", "logical_or"),
    "Minimum; NaN if any is, and -0 rather than 0.",
    empty=False,
    body=lambda s, x, y: s.min(x, y),
    vjp=_extremum_vjp,
    jvp=_extremum_jvp,
)
any_ = _reduce(
    "any",
    "b",
    lambda np, x, axes: np.logical_or.reduce(x, axes),
    "Whether any holds.",
    bool_,
    body=lambda s, x, y: s.or_(x, y),
    partials=NONDIFF,
)
all_ = _reduce(
    "all",
    "b",
    lambda np, x, axes: np.logical_and.reduce(x, axes),
    "Whether all hold.",
    bool_,
    body=lambda s, x, y: s.and_(x, y),
    partials=NONDIFF,
)


def _arg(name: str) -> Callable[..., Any]:
    return lambda np, x, axes: np.asarray(getattr(np, name)(x, axes[0]), np.int64)


argmax = _reduce(
    "argmax",
    "biuf",
    _arg("argmax"),
    "Place of the first maximum, or NaN, along one axis.",
    int64,
    empty=False,
    body=lambda s, x, y: s.argmax(x, y),
    partials=NONDIFF,
)
argmin = _reduce(
    "argmin",
    "biuf",
    _arg("argmin"),
    "Place of the first minimum, or NaN, along one axis.",
    int64,
    empty=False,
    body=lambda s, x, y: s.argmin(x, y),
    partials=NONDIFF,
)
