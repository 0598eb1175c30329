"""Special functions as PyTorch defines them, composed of rows: the kin of logarithms, of the gamma
and error functions, of Bessel functions, and orthogonal polynomials.

What enters: nodes of one floating-point dtype that broadcast. What leaves: nodes. Those that are
rows already (`erfc`, `lgamma`, `i0`, …) are not named again here. It must not know faces.
"""

from collections.abc import Callable
from math import factorial, log, pi, sqrt

from .._base.shapes import broadcast
from ..ir.node import Node
from ..ops import g
from ._checks import full

LN2 = log(2)


def together(x: Node, y: Node) -> tuple[Node, Node]:
    """Both broadcast to one shape, for rows that are not elementwise. Raises ValueError."""
    shape = broadcast(x.shape, y.shape)
    return (
        x if x.shape == shape else g.broadcast_to(x, shape),
        y if y.shape == shape else g.broadcast_to(y, shape),
    )


# --- exponentials and logarithms ------------------------------------------------------------------


def _times_log(x: Node, y: Node, logarithm: Callable[[Node], Node]) -> Node:
    """x times a logarithm: 0 where x is 0 and that is infinite, or of a negative number."""
    factor = logarithm(y)
    none = g.logical_and(g.equal(x, 0.0), g.invert(g.isfinite(factor)))
    return g.where(g.isnan(y), y, g.where(none, g.constant(0, y), x * factor))


def xlogy(x: Node, y: Node) -> Node:
    """x log(y), 0 where x is 0 and y is not NaN."""
    return _times_log(x, y, g.log)


def xlog1py(x: Node, y: Node) -> Node:
    """x log(1 + y), 0 where x is 0 and y is not NaN."""
    return _times_log(x, y, g.log1p)


def exp2(x: Node) -> Node:
    """2^x, exact at integers."""
    return g.pow(g.constant(2, x), x)


def logaddexp2(x: Node, y: Node) -> Node:
    """log2(2^x + 2^y) without overflow."""
    same = g.logical_and(g.equal(x, y), g.isinf(x))
    larger, distance = g.maximum(x, y), g.abs(x - y)
    return g.where(same, x, larger + g.log2(exp2(-distance) + 1))


def logit(x: Node, eps: float | None = None) -> Node:
    """log(x / (1 - x)), of x brought into [eps, 1 - eps] if given, where its gradient is else 0."""
    if eps is None:
        return g.logit(x)
    low, high = g.constant(eps, x), g.constant(1 - eps, x)
    return g.logit(g.where(g.less(x, low), low, g.where(g.less(high, x), high, x)))


def sinc(x: Node) -> Node:
    """sin(pi x) / (pi x), 1 at 0."""
    angle = x * pi
    flat = g.equal(angle, 0.0)
    safe = g.where(flat, g.constant(1, x), angle)
    return g.where(flat, g.constant(1, x), g.sin(safe) / safe)


# --- normal distribution, gamma functions ---------------------------------------------------------


def ndtr(x: Node) -> Node:
    """The normal distribution function, with all digits in its lower tail."""
    return 0.5 * g.erfc(x * -sqrt(0.5))


def polygamma(n: int, x: Node) -> Node:
    """The n-th derivative of digamma. Raises RuntimeError for negative n."""
    if n < 0:
        raise RuntimeError("polygamma(n, x) does not support negative n.")
    if n == 0:
        return g.digamma(x)
    scale = float(factorial(n)) if n <= 170 else float("inf")
    return g.zeta(g.constant(n + 1, x), x) * (scale if n % 2 else -scale)


def mvlgamma(x: Node, p: int) -> Node:
    """The logarithm of the gamma function of p variables. Raises RuntimeError for p < 1."""
    if p < 1:
        raise RuntimeError("p has to be greater than or equal to 1")
    total = g.lgamma(x)
    for k in range(1, p):
        total = total + g.lgamma(x - k / 2)
    return total + p * (p - 1) / 4 * log(pi)


def igamma(a: Node, x: Node) -> Node:
    """Regularised lower incomplete gamma function P(a, x); by a it has no derivative."""
    return g.igamma(*together(a, x))


def igammac(a: Node, x: Node) -> Node:
    """Regularised upper incomplete gamma function Q(a, x); by a it has no derivative."""
    return g.igammac(*together(a, x))


# --- orthogonal polynomials -----------------------------------------------------------------------

_DEGREES = {"hermite_h": 512, "hermite_he": 512}


def polynomial(family: str, x: Node, n: Node, shifted: bool = False) -> Node:
    """The polynomial of x of degree n, cut to an integer, 0 where that is negative; over 2x - 1 if
    `shifted`. Hermite's are NaN above degree 512, as PyTorch has them. Raises ValueError for a
    family that is not there.
    """
    x, n = together(x * 2 - 1 if shifted else x, n)
    limit = _DEGREES.get(family)
    if limit is None:
        return g.polynomial(x, n, family, 0)
    beyond = g.less(g.constant(limit, n), n)
    inside = g.polynomial(x, g.where(beyond, g.constant(0, n), n), family, 0)
    return g.where(beyond, full(float("nan"), x.shape, x), inside)


# --- integers -------------------------------------------------------------------------------------


def gcd(x: Node, y: Node) -> Node:
    """Greatest common divisor of integers, not negative."""
    return g.gcd(*together(x, y))


def lcm(x: Node, y: Node) -> Node:
    """Least common multiple of integers, not negative; 0 where one is 0."""
    x, y = together(x, y)
    divisor = g.gcd(x, y)
    nothing = g.equal(divisor, 0)
    safe = g.where(nothing, g.constant(1, x), divisor)
    return g.where(nothing, divisor, g.abs(g.floor_divide(x, safe) * y))
