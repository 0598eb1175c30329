"""Bodies of Bessel and Airy functions: a series near 0, beyond it another of what is left when the
asymptotic form is divided out.

What enters and leaves: formulas of float64. It must not know rows.
"""

from math import inf, nan, pi, sqrt

from . import _series as c
from ._formula import Formula, chebyshev, select

_I_NEAR, _K_NEAR, _J_NEAR = 8.0, 2.0, 8.0
_AI_LOW, _AI_HIGH = -6.0, 2.0


# --- modified Bessel functions --------------------------------------------------------------------


def _i_near0(a: Formula) -> Formula:
    """exp(-a) I0(a) for 0 <= a <= 8."""
    return chebyshev(a * 0.25 - 1.0, c.I0E_NEAR)


def _i_near1(a: Formula) -> Formula:
    return chebyshev(a * 0.25 - 1.0, c.I1E_NEAR) * a


def _i_far(a: Formula, series: tuple[float, ...]) -> Formula:
    a = a.max(_I_NEAR)
    return chebyshev(16.0 / a - 1.0, series) / a.sqrt()


def i0e(x: Formula) -> Formula:
    """exp(-|x|) I0(x)."""
    a = abs(x)
    return select(a <= _I_NEAR, _i_near0(a.min(_I_NEAR)), _i_far(a, c.I0E_FAR))


def i1e(x: Formula) -> Formula:
    """exp(-|x|) I1(x)."""
    a = abs(x)
    return select(a <= _I_NEAR, _i_near1(a.min(_I_NEAR)), _i_far(a, c.I1E_FAR)).copysign(x)


def i0(x: Formula) -> Formula:
    """I0(x): the exponential in two halves, for it overflows first."""
    half = (abs(x) * 0.5).exp()
    return i0e(x) * half * half


def i1(x: Formula) -> Formula:
    """I1(x)."""
    half = (abs(x) * 0.5).exp()
    return i1e(x) * half * half


def _log_half(x: Formula) -> Formula:
    return (x * 0.5).log()


def _k_domain(x: Formula, y: Formula) -> Formula:
    """Infinite at 0, NaN below."""
    return select(x.eq(0.0), inf, select(x < 0.0, nan, y))


def _k0_near(x: Formula) -> Formula:
    a = x.min(_K_NEAR)
    return chebyshev(a * a * 0.5 - 1.0, c.K0_NEAR) - _log_half(a) * _i_near0(a) * a.exp()


def _k1_near(x: Formula) -> Formula:
    a = x.min(_K_NEAR)
    return chebyshev(a * a * 0.5 - 1.0, c.K1_NEAR) / a + _log_half(a) * _i_near1(a) * a.exp()


def _k_far(x: Formula, series: tuple[float, ...]) -> Formula:
    """exp(x) K(x) for x >= 2."""
    a = x.max(_K_NEAR)
    return chebyshev(4.0 / a - 1.0, series) / a.sqrt()


def _k(near: Formula, far: Formula, x: Formula, scaled: bool) -> Formula:
    if scaled:
        near = near * x.min(_K_NEAR).exp()
    else:
        far = far * (-x).exp()
    return _k_domain(x, select(x <= _K_NEAR, near, far))


def k0(x: Formula) -> Formula:
    """K0(x)."""
    return _k(_k0_near(x), _k_far(x, c.K0_FAR), x, False)


def k1(x: Formula) -> Formula:
    """K1(x)."""
    return _k(_k1_near(x), _k_far(x, c.K1_FAR), x, False)


def k0e(x: Formula) -> Formula:
    """exp(x) K0(x)."""
    return _k(_k0_near(x), _k_far(x, c.K0_FAR), x, True)


def k1e(x: Formula) -> Formula:
    """exp(x) K1(x)."""
    return _k(_k1_near(x), _k_far(x, c.K1_FAR), x, True)


# --- Bessel functions -----------------------------------------------------------------------------


def _near(a: Formula, series: tuple[float, ...]) -> Formula:
    """An even series for |a| <= 8."""
    a = a.min(_J_NEAR)
    return chebyshev(a * a * (1 / 32) - 1.0, series)


def _wave(
    a: Formula, p: tuple[float, ...], q: tuple[float, ...], order: int
) -> tuple[Formula, Formula]:
    """J and Y of an order for a >= 8: P cos - Q sin and P sin + Q cos of a - (2 order + 1) pi/4,
    whose cosine and sine are sums of those of a.
    """
    a = a.max(_J_NEAR)
    u = 8.0 / a
    t = 2.0 * (u * u) - 1.0
    even, odd = chebyshev(t, p), chebyshev(t, q) / a
    cos, sin = a.cos(), a.sin()
    size = (1.0 / (pi * a)).sqrt()
    c0, s0 = cos + sin, sin - cos
    if order:
        c0, s0 = s0, -c0
    return size * (even * c0 - odd * s0), size * (even * s0 + odd * c0)


def j0(x: Formula) -> Formula:
    """J0(x)."""
    a = abs(x)
    far = _wave(a, c.P0_FAR, c.Q0_FAR, 0)[0]
    return select(a <= _J_NEAR, _near(a, c.J0_NEAR), far)


def j1(x: Formula) -> Formula:
    """J1(x)."""
    a = abs(x)
    far = _wave(a, c.P1_FAR, c.Q1_FAR, 1)[0]
    y = select(a <= _J_NEAR, _near(a, c.J1_NEAR) * a.min(_J_NEAR), far)
    return select(x < 0.0, -y, y)


def _y_domain(x: Formula, y: Formula) -> Formula:
    """-infinity at 0, NaN below."""
    return select(x.eq(0.0), -inf, select(x < 0.0, nan, y))


def y0(x: Formula) -> Formula:
    """Y0(x)."""
    a = x.min(_J_NEAR)
    near = (2 / pi) * a.log() * _near(x, c.J0_NEAR) + _near(x, c.Y0_NEAR)
    far = _wave(x, c.P0_FAR, c.Q0_FAR, 0)[1]
    return _y_domain(x, select(x <= _J_NEAR, near, far))


def y1(x: Formula) -> Formula:
    """Y1(x)."""
    a = x.min(_J_NEAR)
    first = (2 / pi) * (a.log() * (_near(x, c.J1_NEAR) * a) - 1.0 / a)
    far = _wave(x, c.P1_FAR, c.Q1_FAR, 1)[1]
    return _y_domain(x, select(x <= _J_NEAR, first + a * _near(x, c.Y1_NEAR), far))


def spherical_j0(x: Formula) -> Formula:
    """sin(x) / x, 1 at 0 and 0 at infinity."""
    y = select(x.eq(0.0), 1.0, x.sin() / x)
    return select(x.isinf(), 0.0, y)


# --- the Airy function ----------------------------------------------------------------------------


def _middle(x: Formula, series: tuple[float, ...]) -> Formula:
    return chebyshev(x.max(_AI_LOW).min(_AI_HIGH) * 0.25 + 0.5, series)


def _decay(x: Formula, series: tuple[float, ...]) -> tuple[Formula, Formula]:
    """exp(-z) / (2 sqrt(pi)) times a series by 1 / z for x >= 2, z = 2/3 x^(3/2); and x^(1/4)."""
    a = x.max(_AI_HIGH)
    z = a * a.sqrt() * (2 / 3)
    z_low = 2 / 3 * _AI_HIGH * sqrt(_AI_HIGH)
    y = chebyshev((2.0 * z_low) / z - 1.0, series) * (-z).exp() * (0.5 / sqrt(pi))
    return y, a.sqrt().sqrt()


def _oscillation(
    x: Formula, p: tuple[float, ...], q: tuple[float, ...]
) -> tuple[Formula, Formula, Formula, Formula, Formula]:
    """P, Q, cosine and sine of z - pi/4, and |x|^(1/4) for x <= -6."""
    a = (-x).max(-_AI_LOW)
    z = a * a.sqrt() * (2 / 3)
    z_low = 2 / 3 * -_AI_LOW * sqrt(-_AI_LOW)
    u = z_low / z
    t = 2.0 * (u * u) - 1.0
    cos, sin = (z.cos() + z.sin()) * sqrt(0.5), (z.sin() - z.cos()) * sqrt(0.5)
    return chebyshev(t, p), chebyshev(t, q) / z, cos, sin, a.sqrt().sqrt()


def _joined(x: Formula, low: Formula, middle: Formula, high: Formula) -> Formula:
    y = select(x <= _AI_LOW, low, select(x <= _AI_HIGH, middle, high))
    return select(x.isfinite(), y, nan)


def airy_ai(x: Formula) -> Formula:
    """Ai(x); NaN at infinities, as PyTorch has it."""
    y, root = _decay(x, c.AI_FAR)
    p, q, cos, sin, low_root = _oscillation(x, c.AI_P, c.AI_Q)
    low = (p * cos + q * sin) / low_root * (1 / sqrt(pi))
    return _joined(x, low, _middle(x, c.AI_MID), y / root)


def airy_ai_slope(x: Formula) -> Formula:
    """Ai'(x)."""
    y, root = _decay(x, c.AIP_FAR)
    p, q, cos, sin, low_root = _oscillation(x, c.AIP_P, c.AIP_Q)
    low = (p * sin - q * cos) * low_root * (1 / sqrt(pi))
    return _joined(x, low, _middle(x, c.AIP_MID), -(y * root))
