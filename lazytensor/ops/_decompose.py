"""Derivatives of eigenvalue, QR and singular value decompositions, in PyTorch's gauges.

Vectors are unique only up to a phase, or a basis where values repeat: derivatives serve functions
that don't depend on it, and are infinite or NaN at repeated values unless only values are used.
What enters: a builder, cotangents or tangents (None: zero), results, arguments. What leaves: nodes.
It must not know other rows but through the builder.
"""

from collections.abc import Sequence
from typing import Any, TypeAlias

from ..ir.node import Node
from ._families import is_complex
from ._matrices import (
    adjoint,
    col,
    diagonal,
    diagonal_matrix,
    halved,
    hermitian,
    imaginary,
    none_to_zero,
    off_diagonal,
    row,
    swapped,
    wide,
)

Maybe: TypeAlias = Node | None


def _gaps(g: Any, w: Node) -> Node:
    """1 / (w[j] - w[i]), 0 on the diagonal."""
    return off_diagonal(g, 1 / off_diagonal(g, row(g, w) - col(g, w), 1))


# --- eigh -----------------------------------------------------------------------------------------


def eigh_vjp(g: Any, ct: Sequence[Maybe], y: Node, x: Node) -> tuple[Maybe]:
    """V (diag(gw) + V^H gV / gaps) V^H, its Hermitian part."""
    of_w, of_v = ct
    w, v = g.pick(y, 0), g.pick(y, 1)
    if of_v is None:
        return (None,) if of_w is None else (_sandwich(g, of_w, v),)
    inner = g.matmul(adjoint(g, v), of_v) * wide(g, _gaps(g, w), v)
    inner = hermitian(g, inner) * 0.5
    if of_w is not None:
        inner = inner + diagonal_matrix(g, wide(g, of_w, v))
    return (g.matmul(g.matmul(v, inner), adjoint(g, v)),)


def _sandwich(g: Any, w: Node, v: Node) -> Node:
    """V diag(w) V^H."""
    return g.matmul(v * row(g, wide(g, w, v)), adjoint(g, v))  # type: ignore[no-any-return]


def _real(g: Any, x: Node) -> Node:
    return g.real(x) if is_complex(x) else x


def eigh_jvp(g: Any, tangents: Sequence[Maybe], y: Node, x: Node) -> tuple[Node, Node] | None:
    """Tangents of values and vectors for a Hermitian tangent."""
    t = tangents[0]
    if t is None:
        return None
    w, v = g.pick(y, 0), g.pick(y, 1)
    inner = g.matmul(g.matmul(adjoint(g, v), t), v)
    turn = inner * wide(g, _gaps(g, w), v)
    return _real(g, diagonal(g, inner)), g.matmul(v, turn)


def eigvalsh_vjp(g: Any, ct: Node, y: Node, x: Node) -> tuple[Node]:
    """V diag(ct) V^H."""
    return (_sandwich(g, ct, g.pick(g.eigh(x), 1)),)


def eigvalsh_jvp(g: Any, tangents: Sequence[Maybe], y: Node, x: Node) -> Maybe:
    """The diagonal of V^H t V."""
    t = tangents[0]
    if t is None:
        return None
    v = g.pick(g.eigh(x), 1)
    return _real(g, diagonal(g, g.matmul(g.matmul(adjoint(g, v), t), v)))


# --- eig ------------------------------------------------------------------------------------------


def _from_eig(g: Any, x: Node, gradient: Node) -> Node:
    """The gradient for x: its real part where x is real."""
    return gradient if is_complex(x) else g.real(gradient)


def _eig_gradient(g: Any, v: Node, inner: Node) -> Node:
    """V^-H inner V^H."""
    h = adjoint(g, v)
    return g.solve(h, g.matmul(inner, h))  # type: ignore[no-any-return]


def eig_vjp(g: Any, ct: Sequence[Maybe], y: Node, x: Node) -> tuple[Maybe]:
    """V^-H (diag(gw) + (V^H gV - V^H V diag(Re V^H gV)) / conj(gaps)) V^H."""
    of_w, of_v = ct
    w, v = g.pick(y, 0), g.pick(y, 1)
    if of_v is None:
        if of_w is None:
            return (None,)
        return (_from_eig(g, x, _eig_gradient(g, v, diagonal_matrix(g, of_w))),)
    h = adjoint(g, v)
    inner = g.matmul(h, of_v)
    along = wide(g, g.real(diagonal(g, inner)), v)
    inner = (inner - g.matmul(h, v) * row(g, along)) * g.conj(_gaps(g, w))
    if of_w is not None:
        inner = inner + diagonal_matrix(g, of_w)
    return (_from_eig(g, x, _eig_gradient(g, v, inner)),)


def _eig_inner(g: Any, t: Node, v: Node) -> Node:
    """V^-1 t V."""
    return g.solve(v, g.matmul(wide(g, t, v), v))  # type: ignore[no-any-return]


def eig_jvp(g: Any, tangents: Sequence[Maybe], y: Node, x: Node) -> tuple[Node, Node] | None:
    """Tangents of values and of vectors, which keep their length."""
    t = tangents[0]
    if t is None:
        return None
    w, v = g.pick(y, 0), g.pick(y, 1)
    inner = _eig_inner(g, t, v)
    turn = g.matmul(v, inner * _gaps(g, w))
    along = wide(g, g.real(diagonal(g, g.matmul(adjoint(g, v), turn))), v)
    return diagonal(g, inner), turn - v * row(g, along)


def eigvals_vjp(g: Any, ct: Node, y: Node, x: Node) -> tuple[Node]:
    """V^-H diag(ct) V^H."""
    v = g.pick(g.eig(x), 1)
    return (_from_eig(g, x, _eig_gradient(g, v, diagonal_matrix(g, ct))),)


def eigvals_jvp(g: Any, tangents: Sequence[Maybe], y: Node, x: Node) -> Maybe:
    """The diagonal of V^-1 t V."""
    t = tangents[0]
    return None if t is None else diagonal(g, _eig_inner(g, t, g.pick(g.eig(x), 1)))


# --- QR -------------------------------------------------------------------------------------------


def _upper(g: Any, x: Node) -> Node:
    """The upper triangle, its diagonal halved."""
    return swapped(g, halved(g, swapped(g, x)))


def _columns(g: Any, x: Node, start: int, size: int) -> Node:
    """Some of the columns."""
    starts = (*(0 for _ in x.shape[:-1]), start)
    return g.slice(x, starts, (*x.shape[:-1], size), (1,) * len(x.shape))  # type: ignore[no-any-return]


def _over_adjoint(g: Any, x: Node, r: Node) -> Node:
    """x R^-H."""
    return adjoint(g, g.solve(r, adjoint(g, x)))


def _over(g: Any, x: Node, r: Node) -> Node:
    """x R^-1."""
    return swapped(g, g.solve(swapped(g, r), swapped(g, x)))


def _refuse_complete(x: Node, mode: str) -> None:
    if mode == "complete" and x.shape[-2] > x.shape[-1]:
        raise ValueError(
            "qr: with mode='complete' there is no derivative for more rows than columns, "
            f"as in shape {x.shape}"
        )


def qr_vjp(g: Any, ct: Sequence[Maybe], y: Node, x: Node, mode: str) -> tuple[Maybe]:
    """Gradient of the reduced factors, or of those of a matrix that is not tall."""
    if ct[0] is None and ct[1] is None:
        return (None,)
    _refuse_complete(x, mode)
    q, r = g.pick(y, 0), g.pick(y, 1)
    of_q, of_r = (none_to_zero(g, c, v.shape, x) for c, v in zip(ct, (q, r), strict=True))
    rows, columns = x.shape[-2:]
    inner = g.matmul(of_r, adjoint(g, r)) - g.matmul(adjoint(g, q), of_q)
    if rows >= columns:
        turned = of_q + g.matmul(q, hermitian(g, _upper(g, inner)))
        return (_over_adjoint(g, turned, r),)
    inner = hermitian(g, _upper(g, inner)) - inner
    left = _over_adjoint(g, g.matmul(q, inner), _columns(g, r, 0, rows))
    zero = (0,) * len(x.shape)
    return (g.matmul(q, of_r) + g.embed(left, x.shape, zero, (1,) * len(x.shape)),)


def qr_jvp(
    g: Any, tangents: Sequence[Maybe], y: Node, x: Node, mode: str
) -> tuple[Node, Node] | None:
    """Tangents of both factors."""
    t = tangents[0]
    if t is None:
        return None
    _refuse_complete(x, mode)
    q, r = g.pick(y, 0), g.pick(y, 1)
    rows, columns = x.shape[-2:]
    if rows >= columns:
        scaled = _over(g, t, r)
        upper = _upper(g, hermitian(g, g.matmul(adjoint(g, q), scaled)))
        return scaled - g.matmul(q, upper), g.matmul(upper, r)
    seen = g.matmul(adjoint(g, q), t)
    inner = _over(g, _columns(g, seen, 0, rows), _columns(g, r, 0, rows))
    turn = inner - _upper(g, hermitian(g, inner))
    return g.matmul(q, turn), seen - g.matmul(turn, r)


# --- SVD ------------------------------------------------------------------------------------------


def _skew(g: Any, x: Node) -> Node:
    return x - adjoint(g, x)


def _svd_weights(g: Any, s: Node, like: Node) -> Node:
    """1 / (s[j]^2 - s[i]^2), 0 on the diagonal; as differences times sums, which lose nothing."""
    sums = off_diagonal(g, row(g, s) + col(g, s), 1)
    return wide(g, _gaps(g, s) / sums, like)


def _split(g: Any, x: Node, k: int) -> tuple[Node, Maybe]:
    """The first k columns, and the rest, None where there is none."""
    n = x.shape[-1]
    return (x, None) if n == k else (_columns(g, x, 0, k), _columns(g, x, k, n - k))


def _side(g: Any, ct: Maybe, u: Node, k: int) -> Maybe:
    """The cotangent of k singular vectors, with what the rest of the basis passes on to them."""
    if ct is None:
        return None
    (first, rest), (u1, u2) = _split(g, ct, k), _split(g, u, k)
    if rest is None or u2 is None:
        return first
    return first - g.matmul(u2, g.matmul(adjoint(g, rest), u1))  # type: ignore[no-any-return]


def _turn(g: Any, ct: Node, u: Node, s: Node, sign: int) -> Node:
    """skew(U^H gU) times the weights; on the diagonal, for complex numbers, the phase's share."""
    inner = g.matmul(adjoint(g, u), ct)
    out = _skew(g, inner) * _svd_weights(g, s, u)
    if is_complex(u):
        phase = imaginary(g, g.imag(diagonal(g, inner)) * (0.5 * sign) / (s * s), u)
        out = out + diagonal_matrix(g, phase)
    return out


def _outside(g: Any, x: Node, u: Node) -> Node:
    """What of the columns of x the columns of u do not span."""
    if u.shape[-2] == u.shape[-1]:
        return g.broadcast_to(g.constant(0, x), x.shape)  # type: ignore[no-any-return]
    return x - g.matmul(u, g.matmul(adjoint(g, u), x))  # type: ignore[no-any-return]


def _svd_parts(g: Any, y: Node) -> tuple[Node, Node, Node, Node, Node, int]:
    """U and V with all columns, with k of them, and S; k."""
    u, s, v = g.pick(y, 0), g.pick(y, 1), adjoint(g, g.pick(y, 2))
    k = s.shape[-1]
    return u, v, _columns(g, u, 0, k), _columns(g, v, 0, k), s, k


def svd_vjp(g: Any, ct: Sequence[Maybe], y: Node, x: Node, full: bool) -> tuple[Maybe]:
    """U (turn(gU) S + S turn(gV) + diag(gS)) V^H, and what lies outside of the spans."""
    if ct[0] is None and ct[1] is None and ct[2] is None:
        return (None,)
    all_u, all_v, u, v, s, k = _svd_parts(g, y)
    of_u = _side(g, ct[0], all_u, k)
    of_v = _side(g, None if ct[2] is None else adjoint(g, ct[2]), all_v, k)
    scale, h = wide(g, s, x), adjoint(g, v)
    inner = None if ct[1] is None else diagonal_matrix(g, wide(g, ct[1], x))
    outer: list[Node] = []
    if of_u is not None:
        turn = _turn(g, of_u, u, s, 1) * row(g, scale)
        inner = turn if inner is None else inner + turn
        outer.append(g.matmul(_outside(g, of_u, u) / row(g, scale), h))
    if of_v is not None:
        turn = _turn(g, of_v, v, s, -1) * col(g, scale)
        inner = turn if inner is None else inner + turn
        outer.append(g.matmul(u / row(g, scale), adjoint(g, _outside(g, of_v, v))))
    total = g.matmul(g.matmul(u, inner), h)
    for piece in outer:
        total = total + piece
    return (total,)


def _completed(g: Any, t: Node, u: Node, u1: Node, k: int) -> Node:
    """Tangents of k vectors, and after them of those that complete the basis."""
    rest = _split(g, u, k)[1]
    if rest is None:
        return t
    moved = -g.matmul(u1, g.matmul(adjoint(g, t), rest))
    return g.concat([t, moved], len(u.shape) - 1)  # type: ignore[no-any-return]


def svd_jvp(
    g: Any, tangents: Sequence[Maybe], y: Node, x: Node, full: bool
) -> tuple[Node, Node, Node] | None:
    """Tangents of U, S and V^H."""
    t = tangents[0]
    if t is None:
        return None
    all_u, all_v, u, v, s, k = _svd_parts(g, y)
    scale = wide(g, s, x)
    inner = g.matmul(g.matmul(adjoint(g, u), t), v)
    on = diagonal(g, inner)
    weights = _svd_weights(g, s, x)
    of_u = hermitian(g, inner * row(g, scale)) * weights
    of_v = hermitian(g, inner * col(g, scale)) * weights
    if is_complex(x):
        phase = diagonal_matrix(g, imaginary(g, g.imag(on) * 0.5 / s, x))
        of_u, of_v = of_u + phase, of_v - phase
    du = g.matmul(u, of_u) + _outside(g, g.matmul(t, v), u) / row(g, scale)
    dv = g.matmul(v, of_v) + _outside(g, g.matmul(adjoint(g, t), u), v) / row(g, scale)
    du, dv = _completed(g, du, all_u, u, k), _completed(g, dv, all_v, v, k)
    return du, _real(g, on), adjoint(g, dv)


def svdvals_vjp(g: Any, ct: Node, y: Node, x: Node) -> tuple[Node]:
    """U diag(ct) V^H."""
    parts = g.svd(x, False)
    return (g.matmul(g.pick(parts, 0) * row(g, wide(g, ct, x)), g.pick(parts, 2)),)


def svdvals_jvp(g: Any, tangents: Sequence[Maybe], y: Node, x: Node) -> Maybe:
    """The real diagonal of U^H t V."""
    t = tangents[0]
    if t is None:
        return None
    parts = g.svd(x, False)
    inner = g.matmul(g.matmul(adjoint(g, g.pick(parts, 0)), t), adjoint(g, g.pick(parts, 2)))
    return _real(g, diagonal(g, inner))


