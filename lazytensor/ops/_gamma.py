"""Bodies of the gamma function's kin: lgamma, digamma, Hurwitz's zeta; incomplete gammas.

What enters: formulas of float64, or arrays of it for what takes a number of steps that depends on
data. What leaves: the same. It must not know rows.
"""

from math import inf, log, nan, pi
from typing import Any

from . import _erf, _series
from ._eager import Eager
from ._formula import Formula, chebyshev, horner, select

# B(2k) / (2k (2k - 1)), B(2k) / 2k and B(2k) / (2k)!: Stirling's series and Euler-Maclaurin's.
_STIRLING = (
    1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156, -3617 / 122400,
)  # fmt: skip
_DIGAMMA = (1 / 12, -1 / 120, 1 / 252, -1 / 240, 1 / 132, -691 / 32760, 1 / 12, -3617 / 8160)
_EULER = (
    1 / 12, -1 / 720, 1 / 30240, -1 / 1209600, 1 / 47900160, -691 / 1307674368000,
    1 / 74724249600, -3617 / 10670622842880000, 43867 / 5109094217170944000,
    -174611 / 802857662698291200000, 77683 / 14101100039391805440000,
    -236364091 / 1693824136731743669452800000,
)  # fmt: skip
_SHIFT = 10
_MOST_STEPS = 10000


def _from_nearest(x: Formula) -> Formula:
    """x less the nearest integer: exact."""
    return x - x.rint()


def _is_integer(x: Formula) -> Formula:
    return x.eq(x.rint())


def stirling(x: Formula) -> Formula:
    """lgamma(x) - ((x - 1/2) log(x) - x + log(2 pi)/2) for x >= 10."""
    return horner(1.0 / (x * x), _STIRLING) / x


def _lgamma_large(x: Formula) -> Formula:
    """By Stirling's series for x >= 10; infinite at infinity."""
    rest = stirling(x) + (0.5 * log(2 * pi) - 0.5)
    return (x - 0.5) * (x.log() - 1.0) + rest


def _lgamma_positive(x: Formula) -> Formula:
    """Brought into [1, 3] by factors of one side, so that nothing cancels at the zeros 1 and 2."""
    low = x < 1.0
    z, factors = select(low, x + 1.0, x.min(10.0)), select(low, x, x * 0.0 + 1.0)
    for _ in range(7):
        near = z < 3.0
        z = select(near, z, z - 1.0)
        factors = select(near, factors, factors * z)
    u, rest = select(low, x - 1.0, z - 2.0), factors.log()
    y = u * (u + 1.0) * chebyshev(u, _series.LGAMMA)
    return select(x < 10.0, select(low, y - rest, y + rest), _lgamma_large(x.max(10.0)))


def lgamma(x: Formula) -> Formula:
    """log |gamma(x)|; infinite at 0, -1, … and at both ends."""
    y = _lgamma_positive(select(x < 0.0, 1.0 - x, x))
    wave = abs((pi * _from_nearest(x)).sin())
    y = select(x < 0.0, log(pi) - wave.log() - y, y)
    return select((x <= 0.0) & _is_integer(x), inf, y)


def digamma(x: Formula) -> Formula:
    """By the asymptotic series from 10 on, reflected below 0; NaN at -1, -2, …, -inf at 0."""
    y = select(x < 0.0, 1.0 - x, x)
    w = y + float(_SHIFT)
    steps = 1.0 / y
    for k in range(1, _SHIFT):
        steps = steps + 1.0 / (y + float(k))
    v = 1.0 / (w * w)
    y = w.log() - 0.5 / w - v * horner(v, _DIGAMMA) - steps
    y = select(x < 0.0, y - pi / (pi * _from_nearest(x)).tan(), y)
    y = select((x < 0.0) & _is_integer(x), nan, y)
    return select(x.eq(0.0), (x * 0.0 + inf).copysign(-x), y)


def _zeta_tail(s: Formula, w: Formula, power: Formula) -> Formula:
    """The sum of (w + k)^-s over all k >= 0 without its integral, for w >= 10."""
    rising, over = s * power / w, 1.0 / (w * w)
    total = power * 0.5
    for k, c in enumerate(_EULER):
        total = total + rising * c
        rising = rising * (s + (2.0 * k + 1.0)) * (s + (2.0 * k + 2.0)) * over
    return total


def _zeta_positive(s: Formula, q: Formula) -> Formula:
    """Ten terms, then Euler-Maclaurin's formula, unless these no longer matter."""
    total = q.pow(-s)
    for k in range(1, _SHIFT):
        total = total + (q + float(k)).pow(-s)
    w = q + float(_SHIFT)
    power = w.pow(-s)
    rest = power * w / (s - 1.0) + _zeta_tail(s, w, power)
    return select(power * w <= total * 1e-18, total, total + rest)


def zeta(s: Formula, q: Formula) -> Formula:
    """Hurwitz's zeta, the sum of (q + k)^-s; below 0, where s must be an integer, as two of them
    with q above 0. Infinite at s = 1 and at q = 0, -1, …, NaN for s < 1.
    """
    below = q < 0.0
    r = select(below, q - q.floor(), q)
    y = _zeta_positive(s, r)
    sign = select((s * 0.5).eq((s * 0.5).rint()), q * 0.0 + 1.0, -1.0)
    mirrored = _zeta_positive(s, 1.0 - r) - _zeta_positive(s, 1.0 - q)
    y = select(below, select(_is_integer(s), y + sign * mirrored, nan), y)
    y = select((q <= 0.0) & _is_integer(q), inf, y)
    return select(s.eq(1.0), inf, select(s < 1.0, nan, y))


# --- incomplete gamma functions -------------------------------------------------------------------


def ways(a: Formula, x: Formula) -> tuple[Formula, Formula, Formula]:
    """Where each method serves, both being usual numbers: one for large a and x near it; a series
    for P; a fraction for Q.
    """
    usual = (a > 0.0) & (x > 0.0) & a.isfinite() & x.isfinite()
    near = (a > 200.0) & (abs(x - a) < 0.3 * a)
    low = (x <= 1.1) | (x <= a)
    return usual & near, usual & ~near & low, usual & ~near & ~low


def power(a: Formula, x: Formula) -> Formula:
    """x^a exp(-x) / gamma(a + 1), without cancellation where a is large."""
    small = (a * x.log() - x - _lgamma_positive(a + 1.0)).exp()
    b = a.max(10.0)
    mu = (x - b) / b
    exponent = b * select(abs(mu) < 0.5, mu.log1p() - mu, (x / b).log() - mu)
    large = (exponent - stirling(b)).exp() / (2 * pi * b).sqrt()
    return select(a < 10.0, small, large)


def uniform(a: Formula, x: Formula) -> tuple[Formula, Formula]:
    """P and Q by the uniform expansion DLMF 8.12.4 for large a and x near it."""
    mu = (x - a) / a
    eta = (2.0 * (mu - mu.log1p()).max(0.0)).sqrt().copysign(mu)
    total: Any = None
    for row in _series.TEMME[::-1]:
        value: Any = row[-1]
        for c in row[-2::-1]:
            value = value * eta + c
        total = value if total is None else total / a + value
    erfc = _erf.erfc(eta * (a / 2.0).sqrt())
    gauss = (-0.5 * a * eta * eta).exp() / (2 * pi * a).sqrt()
    return 0.5 * (2.0 - erfc) - gauss * total, 0.5 * erfc + gauss * total


def complement(a: Formula, x: Formula, p: Formula) -> Formula:
    """1 - P(a, x): for small x and a, where P is near 1, by a series of its own, DLMF 8.7.3."""
    total: Any = 0.0
    term: Any = 1.0
    for n in range(1, 20):
        term = term * (-x / float(n))
        total = total + term / (a + float(n))
    scaled = a * x.log() - _lgamma_positive(a + 1.0)
    small = -scaled.expm1() - scaled.exp() * a * total
    return select((x <= 1.1) & (p > 0.5), small, 1.0 - p)


def limits(a: Formula, x: Formula, p: Formula, q: Formula) -> tuple[Formula, Formula]:
    """Arguments that are 0 or infinite: PyTorch's values."""
    ok = (a >= 0.0) & (x >= 0.0)
    low = ok & ((x.eq(0.0) & (a > 0.0)) | (a.isinf() & x.isfinite()))
    high = ok & ((a.eq(0.0) & (x > 0.0)) | (x.isinf() & a.isfinite()))
    p = select(low, 0.0, select(high, 1.0, p))
    return p, select(low, 1.0, select(high, 0.0, q))


# --- array by array: what takes a number of steps that depends on data ----------------------------


def _series_sum(np: Any, a: Any, x: Any) -> Any:
    """1 + x/(a+1) + x^2/((a+1)(a+2)) + …: DLMF 8.11.4."""
    total, term, n = np.ones_like(x), np.ones_like(x), 0
    while np.any(term > total * 1e-17):
        n += 1
        term = term * (x / (a + n))
        total = total + term
    return total


def _fraction(np: Any, a: Any, x: Any) -> Any:
    """gamma(a, x) exp(x) x^-a by the continued fraction DLMF 8.9.2, with Lentz's method. Each
    element stops by itself, so that none depends on the others.
    """
    tiny = 1e-300
    b = x + 1 - a
    c, d = np.full_like(x, 1 / tiny), 1 / np.where(b == 0, tiny, b)
    h, moving = d, np.ones(x.shape, bool)
    for n in range(1, _MOST_STEPS):
        step = -n * (n - a)
        b = b + 2
        d, c = step * d + b, b + step / c
        d, c = 1 / np.where(d == 0, tiny, d), np.where(c == 0, tiny, c)
        h = np.where(moving, h * d * c, h)
        moving = moving & (np.abs(d * c - 1) > 1e-15)
        if not np.any(moving):
            break
    return h


def incomplete(np: Any, a: Any, x: Any) -> tuple[Any, Any]:
    """P(a, x) and Q(a, x) = 1 - P(a, x) of float64 arrays, for a >= 0 and x >= 0, else NaN."""
    s = Eager(np)

    def inside(where: Any, *harmless: float) -> list[Formula]:
        """Arguments where a method serves, harmless ones elsewhere."""
        pairs = zip((a, x), harmless, strict=True)
        return [Formula(s, np.where(where, v, other)) for v, other in pairs]

    near, lower, upper = (w.value for w in ways(Formula(s, a), Formula(s, x)))
    p, q = np.full_like(x, nan), np.full_like(x, nan)
    if np.any(near):
        below, above = uniform(*inside(near, 400.0, 400.0))
        p, q = np.where(near, below.value, p), np.where(near, above.value, q)
    if np.any(lower):
        b, y = inside(lower, 1.0, 0.5)
        found = power(b, y) * _series_sum(np, b.value, y.value)
        rest = complement(b, y, found)
        p, q = np.where(lower, found.value, p), np.where(lower, rest.value, q)
    if np.any(upper):
        b, y = inside(upper, 1.0, 3.0)
        found = power(b, y) * b * _fraction(np, b.value, y.value)
        p, q = np.where(upper, (1.0 - found).value, p), np.where(upper, found.value, q)
    p, q = (v.value for v in limits(*(Formula(s, v) for v in (a, x, p, q))))
    return p, q
