"""Longer columns of elementwise rows: the standard's special cases where NumPy's ufuncs differ,
erf, cast, where.

What enters and leaves: as the column says (`value`: a NumPy-like module and arrays; `body`: an
interpreter and scalars). It must not know other rows but through the builder.
"""

from typing import Any

from .._base.dtypes import bool_, float32, kind
from .._base.shapes import broadcast
from ..ir.node import Node
from . import _eager


def expm1(np: Any, x: Any) -> Any:
    """exp(x) - 1."""
    return _eager.expm1(np, x) if x.dtype.kind == "c" else np.expm1(x)


def tanh(np: Any, x: Any) -> Any:
    """Hyperbolic tangent."""
    return _eager.tanh(np, x) if x.dtype.kind == "c" else np.tanh(x)


def log1p(np: Any, x: Any) -> Any:
    """log(1 + x)."""
    return np.log1p(x)


def floor_divide(np: Any, x: Any, y: Any) -> Any:
    """Rounded down; the plain quotient where either is infinite."""
    q = np.floor_divide(x, y)
    if x.dtype.kind in "iu":
        return q
    return np.where(np.isinf(x) | np.isinf(y), np.divide(x, y), q)


def floor_divide_body(s: Any, x: Any, y: Any) -> Any:
    """As `floor_divide`."""
    q = s.floordiv(x, y)
    if x.dtype.kind in "iu":
        return q
    return s.select(s.or_(s.isinf(x), s.isinf(y)), s.div(x, y), q)


def multiply(np: Any, x: Any, y: Any) -> Any:
    """x * y."""
    return _eager.complex_multiply(np, x, y) if x.dtype.kind == "c" else np.multiply(x, y)


def power(np: Any, x: Any, y: Any) -> Any:
    """x ** y."""
    return _eager.integer_power(np, x, y) if x.dtype.kind == "i" else np.power(x, y)


def infer_where(c: Node, x: Node, y: Node) -> Any:
    """Shape and dtype of `where`."""
    if c.dtype is not bool_:
        raise TypeError(f"where: condition must be bool, got {c.dtype}")
    if x.dtype is not y.dtype:
        raise TypeError(f"where: dtypes {x.dtype} and {y.dtype} differ: cast first")
    if c.shape == x.shape == y.shape:
        return c.shape, x.dtype
    return broadcast(c.shape, x.shape, y.shape), x.dtype


def where_vjp(g: Any, ct: Any, z: Any, c: Any, x: Any, y: Any) -> Any:
    """Each argument has the cotangent where it was taken, zero elsewhere."""
    zero = g.constant(0, ct)
    return None, g.where(c, ct, zero), g.where(c, zero, ct)


def where_jvp(g: Any, tangents: Any, z: Any, c: Any, x: Any, y: Any) -> Any:
    """Tangents select as values do; one that is missing is zero."""
    _, tx, ty = tangents
    if tx is None and ty is None:
        return None
    zero = g.constant(0, tx if tx is not None else ty)
    return g.where(c, zero if tx is None else tx, zero if ty is None else ty)


def cast_vjp(g: Any, ct: Any, y: Any, x: Any, dtype: Any) -> Any:
    """Cotangents are cast back; to a real dtype the real part is taken."""
    if kind(x.dtype) not in "fc" or kind(dtype) not in "fc":
        return (None,)
    return (g.cast(ct, x.dtype),)


def cast_jvp(g: Any, tangents: Any, y: Any, x: Any, dtype: Any) -> Any:
    """Tangents are cast; there is none through integers."""
    t = tangents[0]
    if t is None or kind(x.dtype) not in "fc" or kind(dtype) not in "fc":
        return None
    return g.cast(t, dtype)


# erf(x) / x - 1 by x^2 in [0, 1], lowest power first: Chebyshev's polynomial, within 8e-18.
_INNER = (
    0.12837916709551257,
    -0.3761263890318354,
    0.11283791670945006,
    -0.02686617064323777,
    0.0052239776071164227,
    -0.00085483259753896921,
    0.00012055294904839708,
    -1.492473690741966e-5,
    1.6447424703317362e-6,
    -1.6208483801871706e-7,
    1.3720064546777686e-8,
    -7.7958988270021422e-10,
)
# W. J. Cody, Rational Chebyshev approximations for the error function, Math. Comp. 23 (1969).
_MID_P = (
    5.64188496988670089e-1,
    8.88314979438837594e0,
    6.61191906371416295e01,
    2.98635138197400131e02,
    8.81952221241769090e02,
    1.71204761263407058e03,
    2.05107837782607147e03,
    1.23033935479799725e03,
    2.15311535474403846e-8,
)
_MID_Q = (
    1.57449261107098347e01,
    1.17693950891312499e02,
    5.37181101862009858e02,
    1.62138957456669019e03,
    3.29079923573345963e03,
    4.36261909014324716e03,
    3.43936767414372164e03,
    1.23033935480374942e03,
)


# For single precision: erf(x) / x - 1 by x^2 in [0, 1], within 1.2e-9, and -log erfc(x) by x in
# [1, 4], so close that erf is within 1.1e-9; minimax polynomials by Lawson's iteration.
_INNER_SINGLE = (
    0.12837916591375115,
    -0.37612627135965815,
    0.11283600176259709,
    -0.02685444459203234,
    0.005189535339595293,
    -0.0008020841282093822,
    7.889119539719444e-05,
)
_OUTER_SINGLE = (
    0.00035370892769570617,
    1.1270400799803946,
    0.6382256023651816,
    0.10303743552153112,
    -0.02180535115745766,
    0.0029396157361282873,
    -0.00018557489327306327,
)


def _polynomial(s: Any, x: Any, coefficients: tuple[float, ...]) -> Any:
    """The constant term first."""
    y = s.add(s.mul(x, coefficients[-1]), coefficients[-2])
    for c in coefficients[-3::-1]:
        y = s.add(s.mul(y, x), c)
    return y


def _ratio(s: Any, z: Any, p: tuple[float, ...], q: tuple[float, ...]) -> Any:
    """Cody's form: the last coefficient of `p` leads."""
    num, den = s.mul(z, p[-1]), z
    for a, b in zip(p[:-2], q[:-1], strict=True):
        num, den = s.mul(s.add(num, a), z), s.mul(s.add(den, b), z)
    return s.div(s.add(num, p[-2]), s.add(den, q[-1]))


def erf(np: Any, x: Any) -> Any:
    """The body, computed array by array."""
    return erf_body(_eager.Eager(np), x)


def erf_body(s: Any, x: Any) -> Any:
    """erf within 2 ulp in two ranges: |x| <= 1, and beyond. Half precision is computed in
    single.
    """
    if x.dtype.itemsize == 2:
        return s.cast(_erf(s, s.cast(x, float32)), x.dtype)
    return _erf(s, x)


def _erf(s: Any, x: Any) -> Any:
    single, a = x.dtype is float32, s.abs(x)
    p = _polynomial(s, s.mul(x, x), _INNER_SINGLE if single else _INNER)
    inner = s.add(x, s.mul(x, p))
    b = s.min(a, 4.0 if single else 6.0)  # where erf is 1 to the last digit
    if single:
        tail = s.exp(s.neg(_polynomial(s, b, _OUTER_SINGLE)))
    else:
        tail = s.mul(s.exp(s.neg(s.mul(b, b))), _ratio(s, b, _MID_P, _MID_Q))
    outer = s.copysign(s.sub(1.0, tail), x)
    return s.select(s.le(a, 1.0), inner, s.select(s.isnan(x), x, outer))
