"""Rows of linear algebra on a device, by solvers of libraries, and kernels between them.

What enters: a call, arrays of the device, the nodes that know the user's line. What leaves:
outputs. Matrices that can't be factorised are told of when a value is read. It must not know plans.
"""

from collections.abc import Callable, Sequence
from functools import cache
from math import prod
from typing import Any

import numpy as np

from ..._base.devices import OUT_OF_MEMORY, Device
from ..._base.dtypes import DType, canonical, int32, real_of
from ..._base.shapes import Shape
from ...ir.node import Node
from ...ir.op import Op
from ...lower.kernel import Call
from ...ops import _factor as steps
from ...ops import factor, linalg
from ...ops.contract import matmul
from ...targets.cuda.calls import Planned, matrices, symmetric
from . import solvers
from .calls import carry_out
from .copies import contiguous, copied, fetch
from .driver import Array, driver
from .memory import empty, need_host, put

Outs = tuple[Array, ...]

SINGULAR, INDEFINITE = "Singular matrix", "Matrix is not positive definite"
NO_VALUES, NO_SVD = "Eigenvalues did not converge", "SVD did not converge"
INFINITE = "Array must not contain infs or NaNs"

# Functions of cuSOLVER that not every version has.
NEEDS: dict[Op, str] = {linalg.eig: "geev", linalg.eigvals: "geev"}


class _At:
    """A device, and the nodes that know the line of whoever called."""

    def __init__(self, device: Device, nodes: Sequence[Node]) -> None:
        self.device = device
        self._nodes = nodes

    def run(self, found: Planned, args: Sequence[Array], outs: Sequence[Array]) -> None:
        """Launch kernels."""
        carry_out(found, self.device, args, outs, self._nodes)

    def own(self, x: Array) -> Array:
        """A copy in row-major order."""
        if not x.size:
            return empty(x.shape, x.dtype)
        return (copied if x.flags.c_contiguous else contiguous)(x, self.device)

    def stack(self, x: Array) -> Array:
        """A copy as (matrices, rows, columns)."""
        return self.own(x).reshape(_stacked(x.shape))

    def columns(self, x: Array) -> Array:
        """A copy as (matrices, columns, rows)."""
        return self.stack(x.swapaxes(-1, -2))

    def zeros(self, shape: Shape) -> Array:
        """Infos that tell of nothing."""
        return put(np.zeros(shape, np.int32), self.device)

    def identity(self, shape: Shape, dtype: DType) -> Array:
        """Stacks of square matrices."""
        out = empty(shape, dtype)
        self.run(matrices.identity(dtype, prod(shape[:-2]), shape[-1]), [], [out])
        return out

    def triangle(self, a: Array, upper: bool) -> None:
        """Only that triangle of each matrix of a stack stays."""
        count, m, n = a.shape
        self.run(matrices.triangle(a.dtype, count, m, n, upper), [], [a])

    def check(self, x: Array, message: str, finite: bool = False) -> None:
        """Look later at infos, or at numbers that are NaN, or not finite."""
        x = contiguous(x, self.device)
        self.run(matrices.refused(x.dtype, x.size, message, finite), [x], [])


def _stacked(shape: Shape) -> Shape:
    return prod(shape[:-2]), shape[-2], shape[-1]


def _back(columns: Array, shape: Shape) -> Array:
    """What lies column by column, as (…, rows, columns)."""
    return columns.reshape((*shape[:-2], shape[-1], shape[-2])).swapaxes(-1, -2)


# --- Cholesky, LU, systems ------------------------------------------------------------------------


def _factor(at: _At, x: Array, upper: bool) -> tuple[Array, Array]:
    a = at.stack(x)
    info = solvers.cholesky(a, not upper) if a.size else at.zeros((len(a),))
    at.triangle(a, upper)
    return a, info


def _cholesky(at: _At, x: Array, upper: bool) -> Outs:
    a, info = _factor(at, x, upper)
    at.check(info, INDEFINITE)
    return (a.reshape(x.shape),)


def _cholesky_ex(at: _At, x: Array, upper: bool) -> Outs:
    a, info = _factor(at, x, upper)
    at.run(matrices.positive(a.dtype, *a.shape[:2]), [a], [info])
    return a.reshape(x.shape), info.reshape(x.shape[:-2])


def _lu(at: _At, x: Array) -> tuple[Array, Array, Array]:
    a = at.columns(x)
    return a, *(solvers.lu(a) if a.size else _nothing(at, a))


def _nothing(at: _At, a: Array) -> tuple[Array, Array]:
    """Pivots, of which there are none, and infos, of matrices without elements."""
    return at.zeros((len(a), min(a.shape[1:]))), at.zeros((len(a),))


def _lu_factor(at: _At, x: Array) -> Outs:
    a, pivots, info = _lu(at, x)
    lead = x.shape[:-2]
    return _back(a, x.shape), pivots.reshape((*lead, pivots.shape[-1])), info.reshape(lead)


def _solution(at: _At, a: Array, b: Array) -> tuple[Array, Array]:
    """`b`, a copy that lies column by column, written over; infos."""
    factors, pivots, info = _lu(at, a)
    if b.size:
        solvers.solve(factors, pivots, b)
    return b, info


def _solve_ex(at: _At, a: Array, b: Array) -> Outs:
    x, info = _solution(at, a, at.columns(b))
    return _back(x, b.shape), info.reshape(a.shape[:-2])


def _inv_ex(at: _At, a: Array) -> Outs:
    x, info = _solution(at, a, at.identity(_stacked(a.shape), a.dtype))
    return _back(x, a.shape), info.reshape(a.shape[:-2])


def _certain(row: Callable[..., Outs]) -> Callable[..., Outs]:
    """A row that fails where another one tells so by its info."""

    def run(at: _At, *rest: Any) -> Outs:
        x, info = row(at, *rest)
        at.check(info, SINGULAR)
        return (x,)

    return run


def _solve_triangular(at: _At, a: Array, b: Array, upper: bool, unit: bool) -> Outs:
    x = at.columns(b)
    if x.size:
        left = contiguous(a, at.device).reshape(_stacked(a.shape))
        solvers.substitute(left, x, upper, unit)
    return (_back(x, b.shape),)


def _determinant(at: _At, x: Array, outs: Outs) -> Outs:
    a, pivots, info = _lu(at, x)
    found = matrices.determinant(a.dtype, len(a), a.shape[1], len(outs) == 1)
    at.run(found, [a, pivots, info], outs)
    return outs


def _det(at: _At, x: Array) -> Outs:
    return _determinant(at, x, (empty(x.shape[:-2], x.dtype),))


def _slogdet(at: _At, x: Array) -> Outs:
    lead = x.shape[:-2]
    return _determinant(at, x, (empty(lead, x.dtype), empty(lead, real_of(x.dtype))))


def _ldl_factor(at: _At, x: Array, hermitian: bool) -> Outs:
    """By cuSOLVER, which doesn't know Hermitian matrices of complex numbers: by a kernel."""
    a, lead = at.columns(x), x.shape[:-2]
    if not a.size:
        pivots, info = _nothing(at, a)
    elif hermitian and x.dtype.kind == "c":
        count, n, _ = a.shape
        pivots, info = empty((count, n), int32), empty((count,), int32)
        at.run(symmetric.factors(a.dtype, count, n), [], [a, pivots, info])
    else:
        pivots, info = solvers.symmetric(a)
    at.triangle(a, True)
    return _back(a, x.shape), pivots.reshape(x.shape[:-1]), info.reshape(lead)


# --- reflections ----------------------------------------------------------------------------------


def _reflections(at: _At, x: Array) -> tuple[Array, Array]:
    a = at.columns(x)
    tau = solvers.reflections(a) if a.size else empty((len(a), min(a.shape[1:])), a.dtype)
    return a, tau


def _geqrf(at: _At, x: Array) -> Outs:
    a, tau = _reflections(at, x)
    return _back(a, x.shape), tau.reshape((*x.shape[:-2], tau.shape[-1]))


def _qr(at: _At, x: Array, mode: str) -> Outs:
    *lead, m, n = x.shape
    k = m if mode == "complete" else min(m, n)
    if not x.size:
        q = at.identity((*lead, m, m), x.dtype) if k == m else empty((*lead, m, k), x.dtype)
        return q, empty((*lead, k, n), x.dtype)
    a, tau = _reflections(at, x)
    r = at.own(a.swapaxes(-1, -2)[:, :k])
    at.triangle(r, True)
    q = _first(at, a, k)
    solvers.columns(q, tau)
    return _back(q, (*lead, m, k)), r.reshape((*lead, k, n))


def _first(at: _At, a: Array, k: int) -> Array:
    """The first columns of each matrix, or all and room for more behind them."""
    count, n, m = a.shape
    if k <= n:
        return a if k == n else at.own(a[:, :k])
    out = empty((count, k, m), a.dtype)
    for i in range(count):
        driver().copy(out[i, :n], a[i])
    return out


# --- values and vectors ---------------------------------------------------------------------------


def _asked(name: str, x: Array, *rest: Any) -> Outs:
    """What `cupy.linalg` gives."""
    try:
        found = getattr(driver().libraries.linalg, name)(x, *rest)
    except MemoryError as error:
        raise OUT_OF_MEMORY[-1](f"CUDA out of memory. {error}") from None
    return tuple(found) if isinstance(found, tuple) else (found,)


def _values(
    name: str, place: int, message: str, infinite: str = "", *more: Any
) -> Callable[..., Outs]:
    """A row that a function of `cupy.linalg` computes, whose values are at a place among what it
    gives: NaN there tells that it failed, since CuPy doesn't say what cuSOLVER does of that. It
    takes no infinite numbers.
    """

    def run(at: _At, x: Array, *rest: Any) -> Outs:
        x = contiguous(x, at.device)
        at.check(x, infinite or message, True)
        outs = _asked(name, x, *rest, *more)
        at.check(outs[place], message)
        return outs

    return run


def _hermitian(name: str) -> Callable[..., Outs]:
    """The same of matrices of which the lower halves are read."""
    row = _values(name, 0, NO_VALUES)

    def run(at: _At, x: Array) -> Outs:
        a = at.stack(x)
        at.triangle(a, False)
        return row(at, a.reshape(x.shape))

    return run


def _svd(at: _At, x: Array, full: bool) -> Outs:
    if x.size:
        return _values("svd", 1, NO_SVD)(at, x, full)
    *lead, m, n = x.shape
    s = empty((*lead, 0), real_of(x.dtype))
    if full:
        return at.identity((*lead, m, m), x.dtype), s, at.identity((*lead, n, n), x.dtype)
    return empty((*lead, m, 0), x.dtype), s, empty((*lead, 0, n), x.dtype)


def _pinv(at: _At, x: Array, limits: Array, hermitian: bool) -> Outs:
    if not x.size:
        return (empty((*x.shape[:-2], x.shape[-1], x.shape[-2]), x.dtype),)
    if hermitian:
        s, u = _hermitian("eigh")(at, x)
        v = u
    else:
        u, s, v = _values("svd", 1, NO_SVD)(at, x, False)
    args = [contiguous(a, at.device) for a in (v, s, limits)]
    count, k, n = prod(x.shape[:-2]), s.shape[-1], x.shape[-1]
    over = empty((*x.shape[:-2], n, k), x.dtype)
    at.run(matrices.over_values(x.dtype, count, n, k, not hermitian), args, [over])
    return (driver().call(matmul.value, [over, _adjoint(at, u)], ()),)


def _adjoint(at: _At, x: Array) -> Array:
    out = empty((*x.shape[:-2], x.shape[-1], x.shape[-2]), x.dtype)
    count, *shape = _stacked(out.shape)
    at.run(matrices.adjoint(x.dtype, count, *shape), [contiguous(x, at.device)], [out])
    return out


# --- cofactors, the exponential -------------------------------------------------------------------


def _cofactor(at: _At, x: Array) -> Outs:
    """det(x) inv(x)^T; where the determinant is 0, by singular values. Waits for whether any is."""
    factors, pivots, info = _lu(at, x)
    count, n = factors.shape[:2]
    det = empty((count,), x.dtype)
    at.run(matrices.determinant(x.dtype, count, n, True), [factors, pivots, info], [det])
    out = at.identity(factors.shape, x.dtype)
    solvers.solve(factors, pivots, out)
    at.run(matrices.scale(x.dtype, count, n), [det], [out])
    if not fetch(det).all():
        _singular_cofactors(at, at.stack(x), det, out)
    return (out.reshape(x.shape),)


def _singular_cofactors(at: _At, x: Array, det: Array, out: Array) -> None:
    """det(U) det(V^H) conj(U) diag(products of the other singular values) conj(V^H), written to the
    output where the determinant is 0. Of other matrices nothing is read.
    """
    (count, n, _), dtype = x.shape, x.dtype
    given = empty(x.shape, dtype)
    at.run(matrices.only_singular(dtype, count, n), [x, det], [given])
    u, s, vh = _svd(at, given, True)
    numbers = [_det(at, each)[0] for each in (u, vh)]
    u, s = (contiguous(each, at.device) for each in (u, s))
    scaled = empty(x.shape, dtype)
    at.run(matrices.times_others(dtype, count, n), [u, s], [scaled])
    product = contiguous(driver().call(matmul.value, [scaled, vh], ()), at.device)
    at.run(matrices.put_singular(dtype, count, n), [det, product, *numbers], [out])


class _Stack:
    """Square matrices of double precision, of which polynomials are made."""

    def __init__(self, at: _At, x: Array) -> None:
        self._at = at
        self.count, self.n, _ = self.shape = _stacked(x.shape)
        self.dtype = canonical(np.result_type(x.dtype, np.float64))

    def new(self) -> Array:
        """Room for one of each."""
        return empty(self.shape, self.dtype)

    def times(self, a: Array, b: Array) -> Array:
        """Products."""
        return contiguous(driver().call(matmul.value, [a, b], ()), self._at.device)

    def sum(
        self, base: Array | None, numbers: Sequence[float], of: Sequence[Array], one: float
    ) -> Array:
        """A base, if there is one, and others times numbers, and a multiple of the identity."""
        out, given = self.new(), [*((base,) if base is not None else ()), *of]
        plan = matrices.combine(
            self.dtype, self.count, self.n, base is not None, numbers, one
        )  # fmt: skip
        self._at.run(plan, given, [out])
        return out


def _matrix_exp(at: _At, x: Array) -> Outs:
    """As `ops/_factor.py` has it: scaling and squaring. Waits for how often."""
    of, x = _Stack(at, x), contiguous(x, at.device)
    often, a = empty((of.count,), int32), of.new()
    at.run(matrices.halvings(x.dtype, of.count, of.n, steps.REACH), [x], [often])
    at.run(matrices.halve(of.dtype, x.dtype, of.count, of.n), [x, often], [a])
    out = _approximant(at, of, a)
    for i in range(int(fetch(often).max())):
        squares = of.times(out, out)
        at.run(matrices.replace(of.dtype, of.count, of.n, i), [squares, often], [out])
    found = empty(x.shape, x.dtype)
    at.run(matrices.convert(x.dtype, of.dtype, x.size), [out], [found])
    return (found,)


def _approximant(at: _At, of: _Stack, a: Array) -> Array:
    """The quotient of two polynomials, as the host has them."""
    c, two = steps.PADE, of.times(a, a)
    four = of.times(two, two)
    six = of.times(two, four)
    powers = six, four, two
    high = of.times(six, of.sum(None, (c[13], c[11], c[9]), powers, 0.0))
    odd = of.times(a, of.sum(high, (c[7], c[5], c[3]), powers, c[1]))
    high = of.times(six, of.sum(None, (c[12], c[10], c[8]), powers, 0.0))
    even = of.sum(high, (c[6], c[4], c[2]), powers, c[0])
    below, above = (of.sum(even, (sign,), (odd,), 0.0) for sign in (-1.0, 1.0))
    return at.own(_solution(at, below, at.columns(above))[0].swapaxes(-1, -2))


# Rows by what computes them.
ROWS: dict[Op, Callable[..., Outs]] = {
    linalg.cholesky: _cholesky,
    linalg.inv: _certain(_inv_ex),
    linalg.solve: _certain(_solve_ex),
    linalg.cofactor: _cofactor,
    linalg.det: _det,
    linalg.slogdet: _slogdet,
    linalg.qr: _qr,
    linalg.svd: _svd,
    linalg.svdvals: _values("svd", 0, NO_SVD, "", False, False),
    linalg.eigh: _hermitian("eigh"),
    linalg.eigvalsh: _hermitian("eigvalsh"),
    linalg.eig: _values("eig", 0, NO_VALUES, INFINITE),
    linalg.eigvals: _values("eigvals", 0, NO_VALUES, INFINITE),
    factor.cholesky_ex: _cholesky_ex,
    factor.inv_ex: _inv_ex,
    factor.solve_ex: _solve_ex,
    factor.solve_triangular: _solve_triangular,
    factor.lu_factor: _lu_factor,
    factor.ldl_factor: _ldl_factor,
    factor.geqrf: _geqrf,
    factor.matrix_exp: _matrix_exp,
    factor.pinv: _pinv,
}


def has(op: Op) -> bool:
    """Whether libraries that are there compute a row."""
    if op not in ROWS:
        return False
    return _known(driver(), NEEDS.get(op, ""))


@cache
def _known(_: Any, name: str) -> bool:
    libraries = driver().libraries
    return libraries.complete and (not name or libraries.has(name))


def solved(step: Call, args: Sequence[Array], nodes: Sequence[Node]) -> Any:
    """What a call of a row gives that `has` knows. Raises NeedsHost where steps are captured, since
    libraries may wait for what they started. `nodes` know the line that failures are told of.
    """
    need_host()
    many = step.op.outputs > 1
    shapes, dtypes = (step.shape, step.dtype) if many else ((step.shape,), (step.dtype,))
    if not args[0].size and not any(map(prod, shapes)):
        outs = tuple(empty(s, d) for s, d in zip(shapes, dtypes, strict=True))
    else:
        outs = ROWS[step.op](_At(step.device, nodes), *args, *step.params)
    return outs if many else outs[0]
