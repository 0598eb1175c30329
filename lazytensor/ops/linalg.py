"""Linear algebra: factorisations, inverses, determinants, over the last two axes.

Leading axes are a batch. A matrix that can't be factorised raises LinAlgError when the value is
computed, naming the user's line. What enters and leaves: as the columns of `ir/op.py` say. It must
not know other rows but through the builder.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from .._base.dtypes import complex_of, real_of
from ..ir.node import Node
from ..ir.op import Op, register
from . import _decompose as rules
from ._families import Infer, all_batched, is_complex
from ._matrices import (
    adjoint,
    check_matrix,
    check_square,
    col,
    diagonal,
    diagonal_matrix,
    halved,
    hermitian,
    imaginary,
    off_diagonal,
    row,
    swapped,
    wide,
)
from .scan import others

Maybe: TypeAlias = Node | None
Outputs: TypeAlias = tuple[tuple[Any, ...], tuple[Any, ...]]


def _batch(name: str) -> Callable[..., Node]:
    """Leading axes are a batch already."""
    return lambda g, batched, x, *params: getattr(g, name)(x, *params)


def _row(name: str, params: tuple[str, ...] = (), arity: int = 1, **columns: Any) -> Op:
    columns.setdefault("batch", _batch(name))
    return register(Op(name, "linalg", arity, params=params, domain="fc", fails=True, **columns))


def _infer_square(name: str) -> Callable[..., Infer]:
    def infer(x: Node, *params: Any) -> Infer:
        check_square(name, x)
        return x.shape, x.dtype

    return infer


# --- Cholesky -------------------------------------------------------------------------------------


def _cholesky_value(np: Any, x: Any, upper: bool) -> Any:
    """The triangle that is asked for is the one that is read."""
    if not upper:
        return np.linalg.cholesky(x)
    return np.linalg.cholesky(x.swapaxes(-1, -2).conj()).swapaxes(-1, -2).conj()


def _lower(g: Any, x: Node, upper: bool) -> Node:
    return adjoint(g, x) if upper else x


def _cholesky_vjp(g: Any, ct: Node, y: Node, x: Node, upper: bool) -> tuple[Node]:
    """L^-H P(L^H gL) L^-1, where P halves the diagonal and mirrors the lower triangle."""
    low, of_low = _lower(g, y, upper), _lower(g, ct, upper)
    h = adjoint(g, low)
    inner = hermitian(g, halved(g, g.matmul(h, of_low))) * 0.5
    half = g.solve(h, inner)
    return (adjoint(g, g.solve(h, adjoint(g, half))),)


def _cholesky_jvp(g: Any, tangents: Sequence[Maybe], y: Node, x: Node, upper: bool) -> Maybe:
    """L halved(L^-1 t L^-H), for a Hermitian tangent."""
    t = tangents[0]
    if t is None:
        return None
    low = _lower(g, y, upper)
    inner = g.solve(low, adjoint(g, g.solve(low, adjoint(g, t))))
    return _lower(g, g.matmul(low, halved(g, inner)), upper)


cholesky = _row(
    "cholesky", ("upper",), infer=_infer_square("cholesky"), value=_cholesky_value,
    vjp=_cholesky_vjp, jvp=_cholesky_jvp,
    doc="Triangular L with L L^H = x for positive definite Hermitian x, or U with U^H U = x.",
)  # fmt: skip

# --- inverses and systems -------------------------------------------------------------------------


def _inv_vjp(g: Any, ct: Node, y: Node, x: Node) -> tuple[Node]:
    h = adjoint(g, y)
    return (-g.matmul(g.matmul(h, ct), h),)


def _inv_jvp(g: Any, tangents: Sequence[Maybe], y: Node, x: Node) -> Maybe:
    t = tangents[0]
    return None if t is None else -g.matmul(g.matmul(y, t), y)


def _infer_solve(a: Node, b: Node) -> Infer:
    check_square("solve", a)
    check_matrix("solve", b)
    if a.dtype is not b.dtype:
        raise TypeError(f"dtypes {a.dtype} and {b.dtype} differ: cast first")
    if a.shape[:-1] != b.shape[:-1]:
        raise ValueError(f"solve: shapes {a.shape} and {b.shape} don't match")
    return b.shape, b.dtype


def _solve_vjp(g: Any, ct: Node, y: Node, a: Node, b: Node) -> tuple[Node, Node]:
    of_b = g.solve(adjoint(g, a), ct)
    return -g.matmul(of_b, adjoint(g, y)), of_b


def _solve_jvp(g: Any, tangents: Sequence[Maybe], y: Node, a: Node, b: Node) -> Maybe:
    ta, tb = tangents
    if ta is None:
        return None if tb is None else g.solve(a, tb)
    moved = g.matmul(ta, y)
    return g.solve(a, -moved if tb is None else tb - moved)  # type: ignore[no-any-return]


def _solve_batch(g: Any, batched: Sequence[bool], a: Node, b: Node) -> Node:
    return g.solve(*all_batched(g, batched, (a, b)))  # type: ignore[no-any-return]


inv = _row(
    "inv", infer=_infer_square("inv"), value=lambda np, x: np.linalg.inv(x), vjp=_inv_vjp,
    jvp=_inv_jvp, doc="The inverse of each matrix.",
)  # fmt: skip
solve = _row(
    "solve", (), 2, infer=_infer_solve, value=lambda np, a, b: np.linalg.solve(a, b),
    vjp=_solve_vjp, jvp=_solve_jvp, batch=_solve_batch, doc="y with a y = b; a and b are matrices.",
)  # fmt: skip

# --- determinants ---------------------------------------------------------------------------------


def _singular_cofactors(np: Any, x: Any) -> Any:
    """det(U) det(V^H) conj(U) diag(products of the other singular values) conj(V^H)."""
    u, s, vh = np.linalg.svd(x)
    eye = np.eye(s.shape[-1], dtype=bool)
    rest = np.where(eye, s.dtype.type(1), s[..., None, :]).prod(-1)
    phase = (np.linalg.det(u) * np.linalg.det(vh))[..., None, None]
    return phase * ((u.conj() * rest[..., None, :]) @ vh.conj())


def _cofactor_value(np: Any, x: Any) -> Any:
    """det(x) inv(x)^T; where the determinant is zero, from singular values."""
    det = np.linalg.det(x)
    regular = np.asarray(det != 0)
    if regular.all():
        return det[..., None, None] * np.linalg.inv(x).swapaxes(-1, -2)
    out = np.empty_like(x)
    inverse = np.linalg.inv(x[regular]).swapaxes(-1, -2)
    out[regular] = det[regular][..., None, None] * inverse
    out[~regular] = _singular_cofactors(np, x[~regular])
    return out


def _svd_frame(g: Any, x: Node) -> tuple[Node, Node, Node, Node]:
    """U, V^H, det(U) det(V^H), and products of all singular values but the i-th and j-th."""
    parts = g.svd(x, True)
    u, s, vh = (g.pick(parts, i) for i in range(3))
    without = off_diagonal(g, g.broadcast_to(row(g, s), x.shape), 1)
    pairs = off_diagonal(g, others(g, without, len(x.shape) - 1))
    phase = col(g, col(g, g.det(u) * g.det(vh)))
    return u, vh, phase, wide(g, pairs, x)


def _cofactor_turn(g: Any, pairs: Node, e: Node) -> Node:
    """How the cofactors of a diagonal matrix move: diag(pairs @ diag(e)) - pairs * e^T."""
    moved = g.matmul(pairs, col(g, diagonal(g, e)))
    moved = diagonal_matrix(g, g.reshape(moved, e.shape[:-1]))
    return moved - pairs * swapped(g, e)


def _cofactor_jvp(g: Any, tangents: Sequence[Maybe], y: Node, x: Node) -> Maybe:
    t = tangents[0]
    if t is None:
        return None
    u, vh, phase, pairs = _svd_frame(g, x)
    e = g.matmul(g.matmul(adjoint(g, u), t), adjoint(g, vh))
    inner = _cofactor_turn(g, pairs, e)
    conj_u, conj_vh = swapped(g, adjoint(g, u)), swapped(g, adjoint(g, vh))
    return phase * g.matmul(g.matmul(conj_u, inner), conj_vh)  # type: ignore[no-any-return]


def _cofactor_vjp(g: Any, ct: Node, y: Node, x: Node) -> tuple[Node]:
    u, vh, phase, pairs = _svd_frame(g, x)
    phase = g.conj(phase) if is_complex(x) else phase
    z = g.matmul(g.matmul(swapped(g, u), phase * ct), swapped(g, vh))
    return (g.matmul(g.matmul(u, _cofactor_turn(g, pairs, z)), vh),)


def _infer_det(x: Node) -> Infer:
    check_square("det", x)
    return x.shape[:-2], x.dtype


def _det_vjp(g: Any, ct: Node, y: Node, x: Node) -> tuple[Node]:
    c = g.cofactor(x)
    return (col(g, col(g, ct)) * (g.conj(c) if is_complex(x) else c),)


def _trace_of_product(g: Any, c: Node, t: Node) -> Node:
    return g.sum(c * t, (len(t.shape) - 2, len(t.shape) - 1))  # type: ignore[no-any-return]


def _det_jvp(g: Any, tangents: Sequence[Maybe], y: Node, x: Node) -> Maybe:
    t = tangents[0]
    return None if t is None else _trace_of_product(g, g.cofactor(x), t)


def _infer_slogdet(x: Node) -> Outputs:
    check_square("slogdet", x)
    return (x.shape[:-2], x.shape[:-2]), (x.dtype, real_of(x.dtype))


def _slogdet_vjp(g: Any, ct: Sequence[Maybe], y: Node, x: Node) -> tuple[Maybe]:
    """(glog - i Im(conj(gsign) sign)) x^-H; the sign of a real determinant has no derivative."""
    of_sign, of_log = ct
    scale = None if of_log is None else wide(g, of_log, x)
    if of_sign is not None and is_complex(x):
        turn = imaginary(g, g.imag(g.conj(of_sign) * g.pick(y, 0)), x)
        scale = -turn if scale is None else scale - turn
    return (None if scale is None else col(g, col(g, scale)) * adjoint(g, g.inv(x)),)


def _slogdet_jvp(
    g: Any, tangents: Sequence[Maybe], y: Node, x: Node
) -> tuple[Maybe, Node] | None:
    t = tangents[0]
    if t is None:
        return None
    u = _trace_of_product(g, swapped(g, g.inv(x)), t)
    if not is_complex(x):
        return None, u
    return g.pick(y, 0) * imaginary(g, g.imag(u), x), g.real(u)


cofactor = _row(
    "cofactor", infer=_infer_square("cofactor"), value=_cofactor_value, vjp=_cofactor_vjp,
    jvp=_cofactor_jvp,
    doc="Cofactors, the derivative of the determinant; also of singular matrices.",
)  # fmt: skip
det = _row(
    "det", infer=_infer_det, value=lambda np, x: np.asarray(np.linalg.det(x)), vjp=_det_vjp,
    jvp=_det_jvp, doc="The determinant of each matrix.",
)  # fmt: skip
slogdet = _row(
    "slogdet", outputs=2, infer=_infer_slogdet,
    value=lambda np, x: tuple(map(np.asarray, np.linalg.slogdet(x))), vjp=_slogdet_vjp,
    jvp=_slogdet_jvp, doc="Sign, and logarithm of the absolute value, of the determinant.",
)  # fmt: skip

# --- decompositions -------------------------------------------------------------------------------


def _infer_eigh(x: Node) -> Outputs:
    check_square("eigh", x)
    return (x.shape[:-1], x.shape), (real_of(x.dtype), x.dtype)


def _infer_eigvalsh(x: Node) -> Infer:
    check_square("eigvalsh", x)
    return x.shape[:-1], real_of(x.dtype)


def _infer_eig(x: Node) -> Outputs:
    check_square("eig", x)
    dtype = complex_of(x.dtype)
    return (x.shape[:-1], x.shape), (dtype, dtype)


def _infer_eigvals(x: Node) -> Infer:
    check_square("eigvals", x)
    return x.shape[:-1], complex_of(x.dtype)


def _as_complex(np: Any, v: Any, x: Any) -> Any:
    return v.astype(complex_of(x.dtype), copy=False)


def _infer_qr(x: Node, mode: str) -> Outputs:
    if mode not in ("reduced", "complete"):
        raise ValueError(f"qr: mode must be 'reduced' or 'complete', got {mode!r}")
    m, n = check_matrix("qr", x)
    k = m if mode == "complete" else min(m, n)
    return ((*x.shape[:-1], k), (*x.shape[:-2], k, n)), (x.dtype, x.dtype)


def _infer_svd(x: Node, full: bool) -> Outputs:
    m, n = check_matrix("svd", x)
    k, lead = min(m, n), x.shape[:-2]
    shapes = (*lead, m, m if full else k), (*lead, k), (*lead, n if full else k, n)
    return shapes, (x.dtype, real_of(x.dtype), x.dtype)


def _infer_svdvals(x: Node) -> Infer:
    m, n = check_matrix("svdvals", x)
    return (*x.shape[:-2], min(m, n)), real_of(x.dtype)




eigh = _row(
    "eigh", outputs=2, infer=_infer_eigh, value=lambda np, x: tuple(np.linalg.eigh(x)),
    vjp=rules.eigh_vjp, jvp=rules.eigh_jvp,
    doc="Ascending eigenvalues, and eigenvectors, of Hermitian matrices; the lower half is read.",
)  # fmt: skip
eigvalsh = _row(
    "eigvalsh", infer=_infer_eigvalsh, value=lambda np, x: np.linalg.eigvalsh(x),
    vjp=rules.eigvalsh_vjp, jvp=rules.eigvalsh_jvp, doc="The eigenvalues of `eigh` alone.",
)  # fmt: skip
eig = _row(
    "eig", outputs=2, infer=_infer_eig,
    value=lambda np, x: tuple(_as_complex(np, v, x) for v in np.linalg.eig(x)),
    vjp=rules.eig_vjp, jvp=rules.eig_jvp,
    doc="Complex eigenvalues and eigenvectors of length 1, also of real matrices.",
)  # fmt: skip
eigvals = _row(
    "eigvals", infer=_infer_eigvals,
    value=lambda np, x: _as_complex(np, np.linalg.eigvals(x), x),
    vjp=rules.eigvals_vjp, jvp=rules.eigvals_jvp, doc="The eigenvalues of `eig` alone.",
)  # fmt: skip
qr = _row(
    "qr", ("mode",), outputs=2, infer=_infer_qr,
    value=lambda np, x, mode: tuple(np.linalg.qr(x, mode)), vjp=rules.qr_vjp, jvp=rules.qr_jvp,
    doc="Orthonormal Q and upper triangular R with Q R = x; Q is square if mode is 'complete'.",
)  # fmt: skip
svd = _row(
    "svd", ("full_matrices",), outputs=3, infer=_infer_svd,
    value=lambda np, x, full: tuple(np.linalg.svd(x, full_matrices=full)),
    vjp=rules.svd_vjp, jvp=rules.svd_jvp,
    doc="U, descending singular values S, and V^H, with U diag(S) V^H = x.",
)  # fmt: skip
svdvals = _row(
    "svdvals", infer=_infer_svdvals, value=lambda np, x: np.linalg.svd(x, compute_uv=False),
    vjp=rules.svdvals_vjp, jvp=rules.svdvals_jvp, doc="The singular values of `svd` alone.",
)  # fmt: skip
