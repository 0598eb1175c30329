"""Factorisations that say where they failed instead of raising, LU, LDL, triangular systems, the
exponential and pseudo-inverse of a matrix, over the last two axes.

Leading axes are a batch. `info` is 0 where all went well, else counts from 1. What enters and
leaves: as the columns of `ir/op.py` say. It must not know other rows but through the builder.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from .._base.dtypes import int32, int64, real_of
from ..ir.node import Node
from ..ir.op import NONDIFF, Op, register
from . import _factor as steps
from . import linalg as whole
from ._families import Infer, all_batched
from ._matrices import (
    adjoint,
    check_matrix,
    check_square,
    eye_mask,
    off_diagonal,
    strictly_lower,
    swapped,
    upper_half,
)

Maybe: TypeAlias = Node | None
Outputs: TypeAlias = tuple[tuple[Any, ...], tuple[Any, ...]]


def _row(name: str, params: tuple[str, ...] = (), arity: int = 1, **columns: Any) -> Op:
    def batch(g: Any, batched: Sequence[bool], *rest: Any) -> Node:
        args = all_batched(g, batched, rest[:arity])
        return getattr(g, name)(*args, *rest[arity:])  # type: ignore[no-any-return]

    columns.setdefault("domain", "fc")
    return register(Op(name, "linalg", arity, params=params, fails=True, batch=batch, **columns))


# --- with info ------------------------------------------------------------------------------------


def _infer_info(name: str) -> Callable[..., Outputs]:
    def infer(x: Node, *params: Any) -> Outputs:
        check_square(name, x)
        return (x.shape, x.shape[:-2]), (x.dtype, int32)

    return infer


def _first(g: Any, y: Node) -> Node:
    return g.pick(y, 0)  # type: ignore[no-any-return]


def _pulled(rule: Callable[..., Any]) -> Callable[..., Any]:
    """The rule of a row without info, for the row with it."""

    def vjp(g: Any, ct: Sequence[Maybe], y: Node, *rest: Any) -> Any:
        if ct[0] is None:
            return tuple(None for a in rest if type(a) is Node)
        return rule(g, ct[0], _first(g, y), *rest)

    return vjp


def _pushed(rule: Callable[..., Any]) -> Callable[..., Any]:
    def jvp(g: Any, tangents: Sequence[Maybe], y: Node, *rest: Any) -> Any:
        t = rule(g, tangents, _first(g, y), *rest)
        return None if t is None else (t, None)

    return jvp


def _cholesky_value(np: Any, x: Any, upper: bool) -> tuple[Any, Any]:
    if not upper:
        return steps.cholesky(np, x)
    low, info = steps.cholesky(np, x.swapaxes(-1, -2).conj())
    return low.swapaxes(-1, -2).conj(), info


def _cholesky_vjp(g: Any, ct: Node, y: Node, x: Node, upper: bool) -> tuple[Node]:
    """L^-H P(L^H gL) L^-1 / 2, where P mirrors the lower triangle. An imaginary diagonal, which
    belongs to no Hermitian tangent, stays, as it does in PyTorch.
    """
    low, of_low = (adjoint(g, y), adjoint(g, ct)) if upper else (y, ct)
    h = adjoint(g, low)
    turned = g.matmul(h, of_low)
    under = swapped(g, upper_half(g, swapped(g, turned)))
    inner = (under + adjoint(g, strictly_lower(g, under))) * 0.5
    half = g.solve(h, inner)
    return (adjoint(g, g.solve(h, adjoint(g, half))),)


def _infer_solve(a: Node, b: Node) -> Outputs:
    shape, dtype = whole.solve.infer(a, b)
    return (shape, a.shape[:-2]), (dtype, int32)


cholesky_ex = _row(
    "cholesky_ex", ("upper",), outputs=2, infer=_infer_info("cholesky"), value=_cholesky_value,
    vjp=_pulled(_cholesky_vjp), jvp=_pushed(whole.cholesky.jvp),
    doc="`cholesky`, and the order of the first leading minor that is not positive.",
)  # fmt: skip
inv_ex = _row(
    "inv_ex", outputs=2, infer=_infer_info("inv"), value=steps.inverse,
    vjp=_pulled(whole.inv.vjp), jvp=_pushed(whole.inv.jvp),
    doc="`inv`, and the place of the first pivot of LU that is 0.",
)  # fmt: skip
solve_ex = _row(
    "solve_ex", (), 2, outputs=2, infer=_infer_solve, value=steps.solution,
    vjp=_pulled(whole.solve.vjp), jvp=_pushed(whole.solve.jvp),
    doc="`solve`, and the place of the first pivot of LU that is 0.",
)  # fmt: skip

# --- triangular systems ---------------------------------------------------------------------------


def _infer_triangular(a: Node, b: Node, upper: bool, unit: bool) -> Infer:
    return whole.solve.infer(a, b)


def _triangle(g: Any, x: Node, upper: bool, unit: bool) -> Node:
    """What of a matrix a triangular system reads."""
    kept = upper_half(g, x) if upper else swapped(g, upper_half(g, swapped(g, x)))
    return off_diagonal(g, kept) if unit else kept


def _triangular_vjp(
    g: Any, ct: Node, y: Node, a: Node, b: Node, upper: bool, unit: bool
) -> tuple[Node, Node]:
    of_b = g.solve_triangular(adjoint(g, a), ct, not upper, unit)
    return _triangle(g, -g.matmul(of_b, adjoint(g, y)), upper, unit), of_b


def _triangular_jvp(
    g: Any, tangents: Sequence[Maybe], y: Node, a: Node, b: Node, upper: bool, unit: bool
) -> Maybe:
    ta, tb = tangents
    if ta is None:
        return None if tb is None else g.solve_triangular(a, tb, upper, unit)
    moved = g.matmul(_triangle(g, ta, upper, unit), y)
    right = -moved if tb is None else tb - moved
    return g.solve_triangular(a, right, upper, unit)  # type: ignore[no-any-return]


solve_triangular = _row(
    "solve_triangular", ("upper", "unitriangular"), 2, infer=_infer_triangular,
    value=steps.substitute, vjp=_triangular_vjp, jvp=_triangular_jvp,
    doc="y with T y = b, T the upper or lower triangle of a; unitriangular: 1 on its diagonal.",
)  # fmt: skip

# --- LU -------------------------------------------------------------------------------------------


def _infer_lu(x: Node) -> Outputs:
    m, n = check_matrix("lu_factor", x)
    lead = x.shape[:-2]
    return (x.shape, (*lead, min(m, n)), lead), (x.dtype, int32, int32)


def _part(g: Any, x: Node, rows: int, columns: int) -> Node:
    """The first rows and columns."""
    shape = (*x.shape[:-2], rows, columns)
    return g.slice(x, (0,) * len(shape), shape, (1,) * len(shape))  # type: ignore[no-any-return]


def _grown(g: Any, x: Node, like: Node) -> Node:
    """Rows and columns of zeros put behind."""
    n = len(like.shape)
    return g.embed(x, like.shape, (0,) * n, (1,) * n)  # type: ignore[no-any-return]


def _permuted(g: Any, y: Node, x: Node, back: bool) -> Node:
    """Rows of x in the order of the pivots, or brought back from it."""
    m = x.shape[-2]
    order = g.row_order(g.pick(y, 1), m)
    rows = g.reshape(order, (*order.shape, 1))
    columns = g.iota(m, int64, x.device)
    one, zero = g.constant(1, x), g.constant(0, x)
    p = g.where(g.equal(rows, columns), one, zero)
    return g.matmul(swapped(g, p) if back else p, x)  # type: ignore[no-any-return]


def _lower_factor(g: Any, packed: Node) -> Node:
    """The square top of L, 1 on its diagonal."""
    k = min(packed.shape[-2:])
    top = strictly_lower(g, _part(g, packed, k, k))
    return g.where(eye_mask(g, top), g.constant(1, top), top)  # type: ignore[no-any-return]


def _lu_vjp(g: Any, ct: Sequence[Maybe], y: Node, x: Node) -> tuple[Maybe]:
    """With F = L^-1 P^T dx U^-1: dL = L tril(F, -1) and dU = triu(F) U, of the square parts; the
    rest of the longer factor follows from L U = P^T x.
    """
    if ct[0] is None:
        return (None,)
    packed = g.pick(y, 0)
    m, n = x.shape[-2:]
    return (_permuted(g, y, (_lu_wide if m <= n else _lu_tall)(g, ct[0], packed), True),)


def _lu_wide(g: Any, ct: Node, packed: Node) -> Node:
    m = packed.shape[-2]
    low = _lower_factor(g, packed)
    high = upper_half(g, packed)
    of_low, of_high = strictly_lower(g, ct), upper_half(g, ct)
    inner = g.matmul(adjoint(g, low), _part(g, of_low, m, m)) - g.matmul(of_high, adjoint(g, high))
    inner = adjoint(g, strictly_lower(g, inner))
    turned = g.solve_triangular(_part(g, high, m, m), inner, True, False)
    total = of_high + _grown(g, adjoint(g, turned), ct)
    return g.solve_triangular(adjoint(g, low), total, True, True)  # type: ignore[no-any-return]


def _lu_tall(g: Any, ct: Node, packed: Node) -> Node:
    n = packed.shape[-1]
    high = upper_half(g, _part(g, packed, n, n))
    low = _with_ones(g, packed)
    of_low, of_high = strictly_lower(g, ct), upper_half(g, _part(g, ct, n, n))
    inner = g.matmul(of_high, adjoint(g, high)) - g.matmul(adjoint(g, low), of_low)
    inner = upper_half(g, inner)
    turned = g.solve_triangular(adjoint(g, _part(g, low, n, n)), inner, True, True)
    total = of_low + _grown(g, turned, ct)
    return adjoint(g, g.solve_triangular(high, adjoint(g, total), True, False))


def _with_ones(g: Any, packed: Node) -> Node:
    """L, with as many columns as the packed factors."""
    rest = strictly_lower(g, packed)
    n = packed.shape[-1]
    one = g.where(eye_mask(g, _part(g, packed, n, n)), g.constant(1, rest), g.constant(0, rest))
    one = g.broadcast_to(one, (*packed.shape[:-2], n, n))
    return rest + _grown(g, one, packed)


def _lu_jvp(g: Any, tangents: Sequence[Maybe], y: Node, x: Node) -> Any:
    t = tangents[0]
    if t is None:
        return None
    packed = g.pick(y, 0)
    m, n = x.shape[-2:]
    moved = _permuted(g, y, t, False)
    return (_lu_wide_jvp if m <= n else _lu_tall_jvp)(g, moved, packed), None, None


def _lu_wide_jvp(g: Any, t: Node, packed: Node) -> Node:
    m = packed.shape[-2]
    low, high = _lower_factor(g, packed), upper_half(g, packed)
    moved = g.solve_triangular(low, t, False, True)
    square = swapped(g, _part(g, high, m, m))
    inner = g.solve_triangular(square, swapped(g, _part(g, moved, m, m)), False, False)
    inner = strictly_lower(g, swapped(g, inner))
    of_low, of_high = g.matmul(low, inner), moved - g.matmul(inner, high)
    return upper_half(g, of_high) + strictly_lower(g, _grown(g, of_low, packed))


def _lu_tall_jvp(g: Any, t: Node, packed: Node) -> Node:
    n = packed.shape[-1]
    high, low = upper_half(g, _part(g, packed, n, n)), _with_ones(g, packed)
    moved = swapped(g, g.solve_triangular(swapped(g, high), swapped(g, t), False, False))
    top = _part(g, low, n, n)
    inner = upper_half(g, g.solve_triangular(top, _part(g, moved, n, n), False, True))
    of_low, of_high = moved - g.matmul(low, inner), g.matmul(inner, high)
    return strictly_lower(g, of_low) + _grown(g, upper_half(g, of_high), packed)


def _infer_order(pivots: Node, rows: int) -> Infer:
    if not pivots.shape or pivots.dtype is not int32:
        raise TypeError(f"row_order: expected int32 pivots, got {pivots.dtype} {pivots.shape}")
    return (*pivots.shape[:-1], rows), int64


lu_factor = _row(
    "lu_factor", outputs=3, infer=_infer_lu, value=steps.lu, vjp=_lu_vjp, jvp=_lu_jvp,
    doc="L and U with L U = P^T x in one matrix, pivots from 1, the place of the first 0 in U.",
)  # fmt: skip
row_order = _row(
    "row_order", ("rows",), domain="i", infer=_infer_order, value=steps.order, vjp=NONDIFF,
    jvp=NONDIFF, doc="The order of rows after exchanging each with its pivot, counted from 1.",
)  # fmt: skip

# --- LDL, Householder's reflections ---------------------------------------------------------------


def _infer_ldl(x: Node, hermitian: bool) -> Outputs:
    check_square("ldl_factor", x)
    return (x.shape, x.shape[:-1], x.shape[:-2]), (x.dtype, int32, int32)


def _infer_ldl_solve(a: Node, pivots: Node, b: Node, hermitian: bool) -> Infer:
    return whole.solve.infer(a, b)


def _infer_geqrf(x: Node) -> Outputs:
    m, n = check_matrix("geqrf", x)
    return (x.shape, (*x.shape[:-2], min(m, n))), (x.dtype, x.dtype)


def _geqrf_value(np: Any, x: Any) -> tuple[Any, Any]:
    if not x.size:
        return x.copy(), np.zeros((*x.shape[:-2], min(x.shape[-2:])), x.dtype)
    a, tau = np.linalg.qr(x, "raw")
    return np.ascontiguousarray(a.swapaxes(-1, -2)).astype(x.dtype), tau.astype(x.dtype)


ldl_factor = _row(
    "ldl_factor", ("hermitian",), outputs=3, infer=_infer_ldl, value=steps.ldl, vjp=NONDIFF,
    jvp=NONDIFF, doc="L and D with P L D L^T P^T = x in one lower triangle, pivots, info.",
)  # fmt: skip
ldl_solve = _row(
    "ldl_solve", ("hermitian",), 3, infer=_infer_ldl_solve, value=steps.ldl_solution, vjp=NONDIFF,
    jvp=NONDIFF, doc="y with x y = b, of the factors and pivots that `ldl_factor` gave of x.",
)  # fmt: skip
geqrf = _row(
    "geqrf", outputs=2, infer=_infer_geqrf, value=_geqrf_value, vjp=NONDIFF, jvp=NONDIFF,
    doc="R above, and below the diagonal the vectors of reflections, with their factors.",
)  # fmt: skip

# --- the exponential, pseudo-inverses -------------------------------------------------------------


def _infer_exp(x: Node) -> Infer:
    check_square("matrix_exp", x)
    return x.shape, x.dtype


def _turned(g: Any, x: Node, t: Node) -> Node:
    """The derivative of e^x along t: the corner of e to the [[x, t], [0, x]]."""
    n, axis = x.shape[-1], len(x.shape)
    zero = g.broadcast_to(g.constant(0, x), x.shape)
    rows = [g.concat(pair, axis - 1) for pair in ([x, t], [zero, x])]
    out = g.matrix_exp(g.concat(rows, axis - 2))
    starts = (*(0,) * (axis - 1), n)
    return g.slice(out, starts, x.shape, (1,) * axis)  # type: ignore[no-any-return]


def _exp_jvp(g: Any, tangents: Sequence[Maybe], y: Node, x: Node) -> Maybe:
    t = tangents[0]
    return None if t is None else _turned(g, x, t)


def _infer_pinv(x: Node, limits: Node, hermitian: bool) -> Infer:
    m, n = (check_square if hermitian else check_matrix)("pinv", x), x.shape[-1]
    rows = m if hermitian else m[0]  # type: ignore[index]
    if limits.shape != (*x.shape[:-2], 2) or limits.dtype is not real_of(x.dtype):
        raise ValueError(f"pinv: expected two limits of each matrix, got shape {limits.shape}")
    return (*x.shape[:-2], n, rows), x.dtype


def _rest(g: Any, x: Node, p: Node, t: Node, left: bool) -> Node:
    """(1 - p x) t, or t (1 - x p)."""
    if left:
        return t - g.matmul(p, g.matmul(x, t))  # type: ignore[no-any-return]
    return t - g.matmul(g.matmul(t, x), p)  # type: ignore[no-any-return]


def _pinv_jvp(
    g: Any, tangents: Sequence[Maybe], y: Node, x: Node, limits: Node, hermitian: bool
) -> Maybe:
    """-Y t Y + Y Y^H t^H (1 - x Y) + (1 - Y x) t^H Y^H Y, for a rank that stays."""
    t = tangents[0]
    if t is None:
        return None
    h, th = adjoint(g, y), adjoint(g, t)
    out = -g.matmul(g.matmul(y, t), y)
    out = out + _rest(g, x, y, g.matmul(g.matmul(y, h), th), False)
    return out + g.matmul(_rest(g, x, y, th, True), g.matmul(h, y))  # type: ignore[no-any-return]


def _pinv_vjp(
    g: Any, ct: Node, y: Node, x: Node, limits: Node, hermitian: bool
) -> tuple[Node, None]:
    """The adjoint of the tangent, term by term."""
    h, back = adjoint(g, y), adjoint(g, ct)
    out = -g.matmul(g.matmul(h, ct), h)
    inner = g.matmul(g.matmul(_rest(g, y, x, back, True), y), h)
    other = g.matmul(g.matmul(h, y), _rest(g, y, x, back, False))
    return out + inner + other, None


matrix_exp = _row(
    "matrix_exp", infer=_infer_exp, value=steps.exponential,
    vjp=lambda g, ct, y, x: (_turned(g, adjoint(g, x), ct),), jvp=_exp_jvp,
    doc="The exponential of each square matrix.",
)  # fmt: skip
pinv = _row(
    "pinv", ("hermitian",), 2, infer=_infer_pinv, value=steps.pseudo_inverse, vjp=_pinv_vjp,
    jvp=_pinv_jvp,
    doc="Pseudo-inverses by singular values above limits (…, 2): absolute, relative to the first.",
)  # fmt: skip
