"""Bodies of the error function's kin: erfc, erfcx, the logarithm of the normal distribution, the
inverse of erf.

What enters and leaves: formulas of float64. It must not know rows.
"""

from math import sqrt

from . import _series
from ._formula import Formula, chebyshev, select
from .random import quantile


def _split(x: Formula, most: float) -> tuple[Formula, Formula]:
    """x^2 in two parts, the first exact, for |x| up to `most`: what is beyond counts as that."""
    a = abs(x).min(most)
    h = (a * 16.0).rint() * 0.0625
    return h * h, (a - h) * (a + h)


def _scaled(a: Formula) -> Formula:
    """erfcx of a >= 0."""
    return chebyshev(1.0 - 7.5 / (a + 3.75), _series.ERFCX) / (a + a + 1.0)


def erfcx(x: Formula) -> Formula:
    """exp(x^2) erfc(x)."""
    exact, rest = _split(x, 40.0)
    y = _scaled(abs(x))
    return select(x < 0.0, 2.0 * (exact.exp() * rest.exp()) - y, y)


def erfc(x: Formula) -> Formula:
    """1 - erf(x), with all its digits where it is small."""
    exact, rest = _split(x, 30.0)
    y = (-exact).exp() * (-rest).exp() * _scaled(abs(x))
    return select(x < 0.0, 2.0 - y, y)


def log_ndtr(x: Formula) -> Formula:
    """The logarithm of the normal distribution function."""
    u = x * sqrt(0.5)
    tail = (0.5 * erfcx(-u.min(0.0))).log() - x * x * 0.5
    return select(x < -1.0, tail, (-0.5 * erfc(u)).log1p())


def erfinv(x: Formula) -> Formula:
    """The inverse of erf; infinite at ±1, NaN beyond."""
    y = quantile(x.s, (x * 0.5).value, ((1.0 - abs(x)) * 0.5).value)
    return Formula(x.s, y) * sqrt(0.5)
