"""Norms of vectors and matrices along axes, distances, rows brought below a norm.

What enters: tensors, orders, axes. What leaves: tensors; nodes for who builds on vector norms. It
must not know how anything is computed.
"""

from math import inf
from typing import Any

from .._base.dtypes import real_of
from ..ir.node import Node
from ..lang import linalg
from ..lang._checks import as_dtype, squares, widened
from ..ops import g
from . import _dtypes
from ._dispatch import FUNCTIONS, need_tensor, op
from ._dtypes import TITLES, dtype
from ._record import run, run_fixed, to_dtype
from .matrices import without_gradient
from .reduce import dims, over
from .tensor import Tensor, wrap
from .views import axes_of, axis

__all__ = ["norm_nodes", "norm_of_all", "vector_norm"]

Axes = tuple[int, ...]

# --- nodes ----------------------------------------------------------------------------------------


def _safe(total: Node) -> tuple[Node, Node]:
    """Whether a sum is 0, and the sum, or 1 there: what is computed from it has no gradient."""
    flat = g.equal(total, 0.0)
    return flat, g.where(flat, g.constant(1, total), total)


def _rooted(total: Node, p: float) -> Node:
    """total ** (1 / p), with gradient 0 at 0."""
    if p == 2:
        return g.root(total)
    flat, safe = _safe(total)
    return g.where(flat, total, g.pow(safe, g.constant(1 / p, safe)))


def _powers(size: Node, p: float) -> Node:
    """size ** p, with gradient 0 at 0 where p is below 2."""
    if p >= 2 or p < 0:
        return g.pow(size, g.constant(p, size))
    flat, safe = _safe(size)
    return g.where(flat, g.constant(0, size), g.pow(safe, g.constant(p, safe)))


def _harmonic(size: Node, axes: Axes, p: float) -> Node:
    """The p-norm for p below 0: 0, with gradient 0, where any element is 0."""
    flat, safe = _safe(size)
    root = g.pow(g.sum(g.pow(safe, g.constant(p, safe)), axes), g.constant(1 / p, safe))
    any_flat = g.less(0.0, g.sum(g.cast(flat, size.dtype), axes))
    none = g.logical_and(any_flat, g.invert(g.isnan(root)))
    return g.where(none, g.constant(0, root), root)


def norm_nodes(x: Node, axes: Axes, p: float) -> Node:
    """The p-norm over axes, real: gradients at 0 are 0, those of ±inf shared by what attains it."""
    wide = widened(x)
    if p == 2:
        return _rooted(g.sum(squares(wide), axes), 2)
    size = g.abs(wide)
    if p in (inf, -inf):
        return g.max(size, axes) if p > 0 else g.min(size, axes)
    if p == 0:
        return g.sum(g.cast(g.not_equal(size, 0.0), size.dtype), axes)
    if p == 1:
        return g.sum(size, axes)
    if p < 0:
        return _harmonic(size, axes, p)
    return _rooted(g.sum(_powers(size, p), axes), p)


def norm_of_all(x: Node, p: float) -> Node:
    """The p-norm of all elements of an array of floating-point numbers, in its dtype."""
    return over(lambda n, axes: as_dtype(norm_nodes(n, axes, p), x.dtype), x, dims(None, x.ndim))


# --- tensors --------------------------------------------------------------------------------------


def _no_identity(x: Tensor, p: float, axes: Axes) -> None:
    shape = x._node.shape
    if (p < 0 or p == inf) and x.ndim and any(not shape[a] for a in axes):
        raise RuntimeError(
            f"linalg.vector_norm cannot compute the {p:g} norm on an empty tensor because the "
            "operation does not have an identity"
            if len(axes) == x.ndim
            else f"linalg.vector_norm cannot compute the {p:g} norm on the dimension "
            f"{next(a for a in axes if not shape[a])} because this dimension is empty and the "
            "operation does not have an identity"
        )


def vector_norm(
    x: Tensor, p: float, dim: Any, keepdim: bool, of: dtype | None, title: str = "LinalgVectorNorm"
) -> Tensor:
    """The p-norm over axes, all for None, real. Raises RuntimeError for integers."""
    if of is not None:
        if _dtypes.promote(x.dtype, of) is not of and of._rank > 1 < x.dtype._rank:
            raise RuntimeError(
                f"linalg.vector_norm: the dtype of the input ({TITLES[x.dtype]}) should be "
                f"convertible without narrowing to the specified dtype ({TITLES[of]})"
            )
        x = to_dtype(x, of)
    if x.dtype._rank < 2:
        raise RuntimeError(
            "linalg.vector_norm: Expected a floating point or complex tensor as input. Got "
            f"{TITLES[x.dtype]}"
        )
    axes = dims(dim, x.ndim)
    _no_identity(x, p, axes)
    out = run_fixed(title, _norms, (axes, keepdim, float(p)), (x,))
    return without_gradient(out) if p == 0 else out


def _norms(x: Node, axes: Axes, keepdim: bool, p: float) -> Node:
    """The p-norm over axes, in x's own precision."""
    return over(lambda n, a: as_dtype(norm_nodes(n, a, p), real_of(n.dtype)), x, axes, keepdim)


def _nuclear(x: Tensor, dim: Any, keepdim: bool) -> Tensor:
    pair = axes_of((-2, -1) if dim is None else dim, x.ndim)
    if len(pair) != 2:
        raise RuntimeError("linalg.matrix_norm: dim must be a 2-tuple.")
    rest = [a for a in range(x.ndim) if a not in pair]

    def f(n: Node) -> Node:
        found = g.sum(linalg.svdvals(g.permute(n, (*rest, *pair))), (len(rest),))
        shape = tuple(1 if a in pair else m for a, m in enumerate(n.shape))
        return g.reshape(found, shape) if keepdim else found

    return run("~SumBackward1", f, (x,))


@op()
def norm(
    input: Tensor, p: Any = "fro", dim: Any = None, keepdim: bool = False,
    out: Tensor | None = None, dtype: dtype | None = None,
) -> Tensor:  # fmt: skip
    """The p-norm over axes, all by default; "fro" and "nuc" those of matrices. Raises RuntimeError
    for integers and unknown orders.
    """
    x = need_tensor("norm", input)
    if isinstance(p, str):
        if p not in ("fro", "nuc"):
            raise RuntimeError(f"linalg.matrix_norm: Order {p} not supported.")
        x = x if dtype is None else to_dtype(x, dtype)
        made = (
            vector_norm(x, 2.0, dim, keepdim, None) if p == "fro" else _nuclear(x, dim, keepdim)
        )
    else:
        made = vector_norm(x, 2.0 if p is None else float(p), dim, keepdim, dtype)
    return made if out is None else FUNCTIONS["_assign_out"](out, made)


@op()
def dist(input: Tensor, other: Tensor, p: float = 2) -> Tensor:
    """The p-norm of the difference. Raises RuntimeError for integers."""
    x, y = need_tensor("dist", input), need_tensor("dist", other, 2, "other")
    apart = FUNCTIONS["sub"](x, y)
    if apart.dtype._rank < 2:
        raise RuntimeError(
            "norm(): input dtype should be either floating point or complex. Got "
            f"{TITLES[apart.dtype]} instead."
        )
    size = apart._read().size
    if not size and (p < 0 or p == inf):
        return wrap(g.constant(0, apart._read()), _dtypes.of(apart.dtype.to_real().numpy))
    return vector_norm(apart, float(p), None, False, None, "Dist")


@op(inplace=True, out=True)
def renorm(input: Tensor, p: float, dim: int, maxnorm: float) -> Tensor:
    """Each slice along an axis brought down to a p-norm. Raises RuntimeError for bad arguments."""
    x = need_tensor("renorm", input)
    if p <= 0:
        raise RuntimeError("renorm: non-positive-norm not supported")
    if x.ndim < 2:
        raise RuntimeError(f"renorm: input needs at least 2 dimensions, got {x.ndim} dimensions")
    if maxnorm < 0:
        raise RuntimeError(f"renorm: expected maxnorm to be >= 0 but got {maxnorm:g}")
    a = axis(dim, x.ndim)
    others = tuple(b for b in range(x.ndim) if b != a)
    size = vector_norm(x, float(p), others, True, None)._read()

    def f(n: Node) -> Node:
        length = over(lambda m, axes: norm_nodes(m, axes, float(p)), n, others, True)
        above = g.less(maxnorm, length)
        safe = g.where(above, length, g.constant(1, length))
        factor = g.where(above, maxnorm / (safe + 1e-7), g.constant(1, length))
        factor = as_dtype(factor, size.dtype)
        zero = g.constant(0, factor)
        return n * (g.complex(factor, zero) if n.dtype.kind == "c" else factor)

    return run("Renorm", f, (x,))
