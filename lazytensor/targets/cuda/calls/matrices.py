"""What solvers need besides libraries: parts of matrices made or cut, determinants of factors,
orders of rows, whether something failed.

What enters: dtypes, how many matrices there are of how many rows and columns; they lie one behind
another in row-major order. What leaves: plans. It must not know addresses, nor libraries.
"""

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np

from ...._base.dtypes import DType, complex128, complex_of, float64, int32, kind, real_of
from ....ir.op import Op
from ....ops import factor, linalg
from ..types import c_type
from . import symmetric
from .axes import Args, axes, words
from .plan import ARG, OUT, STATUS, Fails, Place, Planned, Refused, blocks, number, step
from .scans import without

# Threads that share a norm.
NORMERS = 256
PARTS = ("types", "scalar", "complex", "folds", "cells", "places", "matrices")


def _each(body: str, count: int, places: tuple[Place, ...], *tail: int) -> Planned:
    """A thread for each of so many."""
    if not count:
        return Planned(())
    return Planned((step(PARTS, f"{body}(a.w);", count, places, (count, *tail)),))


def _bits(number: float) -> int:
    """A number as a word."""
    return int(np.float64(number).view(np.int64))


def identity(dtype: DType, count: int, n: int) -> Planned:
    """Fills the output with matrices that have ones on their diagonals."""
    return _each(f"identity<{c_type(dtype)}>", count * n * n, (Place(OUT),), n)


def triangle(dtype: DType, count: int, m: int, n: int, upper: bool) -> Planned:
    """Leaves one triangle of the output as it is, and zeros besides."""
    body = f"triangle<{c_type(dtype)}, {'true' if upper else 'false'}>"
    return _each(body, count * m * n, (Place(OUT),), m, n)


def adjoint(dtype: DType, count: int, m: int, n: int) -> Planned:
    """The adjoints, of m rows and n columns, of the argument."""
    return _each(f"adjoint<{c_type(dtype)}>", count * m * n, (Place(OUT), Place(ARG)), m, n)


def over_values(dtype: DType, count: int, m: int, n: int, adjoint: bool) -> Planned:
    """Columns of the first argument, or of its adjoint, over values (the second) above limits (the
    third).
    """
    body = f"over_values<{c_type(dtype)}, {'true' if adjoint else 'false'}>"
    places = (Place(OUT), *(Place(ARG, i) for i in range(3)))
    return _each(body, count * m * n, places, m, n)


def scale(dtype: DType, count: int, n: int) -> Planned:
    """Multiplies the matrices of the output by a number of the argument each."""
    return _each(f"scale<{c_type(dtype)}>", count * n * n, (Place(OUT), Place(ARG)), n * n)


def halvings(dtype: DType, count: int, n: int, reach: float) -> Planned:
    """How often each matrix of the argument is halved until its norm is below `reach`."""
    if not count:
        return Planned(())
    body = f"LT_ROOM(room);\nhalvings<{c_type(dtype)}>(a.w, room);"
    places, threads = (Place(OUT), Place(ARG)), (NORMERS, 1, 1)
    one = blocks(PARTS, body, count, threads, 8 * NORMERS, places, (n, _bits(reach)))
    return Planned((one,))


def halve(to: DType, dtype: DType, count: int, n: int) -> Planned:
    """Matrices of the first argument in another type, halved as often as the second one says."""
    places = (Place(OUT), Place(ARG), Place(ARG, 1))
    return _each(f"halve<{c_type(to)}, {c_type(dtype)}>", count * n * n, places, n * n)


def convert(to: DType, dtype: DType, count: int) -> Planned:
    """So many numbers of the argument in another type."""
    return _each(f"convert<{c_type(to)}, {c_type(dtype)}>", count, (Place(OUT), Place(ARG)))


def combine(
    dtype: DType, count: int, n: int, based: bool, numbers: Sequence[float], diagonal: float
) -> Planned:
    """The first of the arguments, if it is `based` on one, and the others times numbers, and one
    number on the diagonals.
    """
    places = (Place(OUT), *(Place(ARG, i) for i in range(based + len(numbers))))
    body = f"combine<{c_type(dtype)}, {'true' if based else 'false'}, {len(numbers)}>"
    return _each(body, count * n * n, places, n, *map(_bits, (*numbers, diagonal)))


def replace(dtype: DType, count: int, n: int, times: int) -> Planned:
    """Replaces matrices of the output by those of the first argument where the second one says that
    they are squared more often than so many times.
    """
    places = (Place(OUT), Place(ARG), Place(ARG, 1))
    return _each(f"replace<{c_type(dtype)}>", count * n * n, places, n * n, times)


def only_singular(dtype: DType, count: int, n: int) -> Planned:
    """The matrices of the first argument whose determinant, of the second one, is 0; zeros for
    others.
    """
    places = (Place(OUT), Place(ARG), Place(ARG, 1))
    return _each(f"only_singular<{c_type(dtype)}>", count * n * n, places, n * n)


def times_others(dtype: DType, count: int, n: int) -> Planned:
    """Each column of the first argument times the product of all values, the second one, but for
    that of the column.
    """
    places = (Place(OUT), Place(ARG), Place(ARG, 1))
    return _each(f"times_others<{c_type(dtype)}>", count * n * n, places, n)


def put_singular(dtype: DType, count: int, n: int) -> Planned:
    """Replaces matrices of the output whose determinant, of the first argument, is 0 by conjugates
    of those of the second one times two numbers, of the third and the fourth.
    """
    places = (Place(OUT), *(Place(ARG, i) for i in range(4)))
    return _each(f"put_singular<{c_type(dtype)}>", count * n * n, places, n * n)


def positive(dtype: DType, count: int, n: int) -> Planned:
    """Puts right infos (the output) by Cholesky's factors (the argument)."""
    return _each(f"positive<{c_type(dtype)}>", count, (Place(ARG), Place(OUT)), n)


def determinant(dtype: DType, count: int, n: int, whole: bool) -> Planned:
    """Determinants, or their signs and logarithms, of factors, pivots and infos."""
    if not count:
        return Planned(())
    body = f"determinant<{c_type(dtype)}, {'true' if whole else 'false'}>(a.w);"
    places = (Place(OUT), Place(OUT, 0 if whole else 1), *(Place(ARG, i) for i in range(3)))
    return Planned((blocks(PARTS, body, count, (32, 1, 1), 0, places, (n,)),))


def refused(dtype: DType, count: int, message: str, finite: bool = False) -> Planned:
    """Fails where the argument has an info above 0, NaN, or what is not finite."""
    body = f"refused<{c_type(dtype)}, {'true' if finite else 'false'}>(a.w);"
    places = (Place(ARG), Place(STATUS))
    steps = (step(PARTS, body, count, places, (count,)),) if count else ()
    return Planned(steps, fails=Refused(message) if count else None)


def _row_order(args: Args, outs: Args, params: tuple[Any, ...], over: bool) -> Planned:
    (pivots,), (out,), last = args, outs, len(args[0].shape) - 1
    shape, each, rows = without(pivots.shape, last), pivots.shape[last], out.shape[last]
    lines = prod(shape)
    if not lines:
        return Planned(())
    held = axes(shape, without(out.strides, last), without(pivots.strides, last))
    body = f"row_order<{len(held)}, {number(lines)}>(a.w);"
    places = (Place(OUT), Place(ARG), Place(STATUS))
    steps = out.strides[last], pivots.strides[last]
    tail = (lines, rows, each, *steps, *words(held))
    fails = Fails((rows,), (False,), max(1, lines * each))
    return Planned((step(PARTS, body, lines, places, tail),), fails=fails)


PLANS = {factor.row_order: _row_order}

# --- what rows need -------------------------------------------------------------------------------

_INFO = refused(int32, 1, "")


def _values(dtype: DType, of: DType) -> tuple[Planned, ...]:
    """Whether matrices are finite, and values of that dtype numbers."""
    return refused(dtype, 1, "", True), refused(of, 1, "")


def _halves(dtype: DType) -> tuple[Planned, ...]:
    return triangle(dtype, 1, 1, 1, False), *_values(dtype, real_of(dtype))


def _inverses(dtype: DType, hermitian: bool) -> tuple[Planned, ...]:
    values = _halves(dtype) if hermitian else _values(dtype, real_of(dtype))
    return *values, over_values(dtype, 1, 1, 1, not hermitian), adjoint(dtype, 1, 1, 1)


def _exponential(dtype: DType) -> tuple[Planned, ...]:
    wide = complex128 if kind(dtype) == "c" else float64
    sums = ((False, 3), (True, 3), (True, 1))
    return (
        halvings(dtype, 1, 1, 1.0), halve(wide, dtype, 1, 1), replace(wide, 1, 1, 0),
        convert(dtype, wide, 1),
        *(combine(wide, 1, 1, based, (1.0,) * count, 0.0) for based, count in sums),
    )  # fmt: skip


def _cofactors(dtype: DType) -> tuple[Planned, ...]:
    singular = (only_singular, times_others, put_singular)
    return (
        determinant(dtype, 1, 1, True), identity(dtype, 1, 1), scale(dtype, 1, 1),
        *_values(dtype, real_of(dtype)), *(plan(dtype, 1, 1) for plan in singular),
    )  # fmt: skip


def _symmetric(dtype: DType, hermitian: bool) -> tuple[Planned, ...]:
    own = hermitian and kind(dtype) == "c"
    return (triangle(dtype, 1, 1, 1, True), *([symmetric.factors(dtype, 1, 1)] if own else []))


# Kernels between libraries, by row, for a dtype and parameters; they don't depend on sizes.
_BETWEEN: dict[Op, Callable[..., tuple[Planned, ...]]] = {
    linalg.cholesky: lambda t, upper: (triangle(t, 1, 1, 1, upper), _INFO),
    linalg.solve: lambda t: (_INFO,),
    linalg.inv: lambda t: (identity(t, 1, 1), _INFO),
    linalg.det: lambda t: (determinant(t, 1, 1, True),),
    linalg.slogdet: lambda t: (determinant(t, 1, 1, False),),
    linalg.cofactor: _cofactors,
    linalg.qr: lambda t, mode: (triangle(t, 1, 1, 1, True),),
    linalg.svd: lambda t, full: _values(t, real_of(t)),
    linalg.svdvals: lambda t: _values(t, real_of(t)),
    linalg.eigh: _halves,
    linalg.eigvalsh: _halves,
    linalg.eig: lambda t: _values(t, complex_of(t)),
    linalg.eigvals: lambda t: _values(t, complex_of(t)),
    factor.cholesky_ex: lambda t, upper: (triangle(t, 1, 1, 1, upper), positive(t, 1, 1)),
    factor.inv_ex: lambda t: (identity(t, 1, 1),),
    factor.ldl_factor: _symmetric,
    factor.matrix_exp: _exponential,
    factor.pinv: _inverses,
}  # fmt: skip


def between(op: Op, dtype: DType, params: tuple[Any, ...]) -> tuple[Planned, ...]:
    """What a row needs besides libraries, for matrices of some size, to be compiled."""
    return _BETWEEN[op](dtype, *params) if op in _BETWEEN else ()
