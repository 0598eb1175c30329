"""The error function by scalar instructions, for targets that have none of their own.

What enters: an interpreter of scalar instructions and its value. What leaves: a value. It must not
know rows.
"""

from typing import Any

from .._base.dtypes import float32

# erf(x) / x - 1 by x^2 in [0, 1], lowest power first: Chebyshev's polynomial, within 8e-18.
INNER = (
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
OUTER_P = (
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
OUTER_Q = (
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
INNER_SINGLE = (
    0.12837916591375115,
    -0.37612627135965815,
    0.11283600176259709,
    -0.02685444459203234,
    0.005189535339595293,
    -0.0008020841282093822,
    7.889119539719444e-05,
)
OUTER_SINGLE = (
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


def erf(s: Any, x: Any) -> Any:
    """erf of single or double precision, within 2 ulp in two ranges: |x| <= 1, and beyond."""
    single, a = x.dtype is float32, s.abs(x)
    p = _polynomial(s, s.mul(x, x), INNER_SINGLE if single else INNER)
    inner = s.add(x, s.mul(x, p))
    b = s.min(a, 4.0 if single else 6.0)  # where erf is 1 to the last digit
    if single:
        tail = s.exp(s.neg(_polynomial(s, b, OUTER_SINGLE)))
    else:
        tail = s.mul(s.exp(s.neg(s.mul(b, b))), _ratio(s, b, OUTER_P, OUTER_Q))
    outer = s.copysign(s.sub(1.0, tail), x)
    return s.select(s.le(a, 1.0), inner, s.select(s.isnan(x), x, outer))
