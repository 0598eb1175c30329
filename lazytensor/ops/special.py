"""Special functions as elementwise rows: the kin of gamma, erf, Bessel and Airy functions.

Values are computed in double precision and rounded once. What enters and leaves: as the columns of
`ir/op.py` say. Bodies stand in `_gamma`, `_erf` and `_bessel`; rules build with `g` and never
import one another.
"""

from collections.abc import Callable
from math import inf, nan, pi, sqrt
from typing import Any

from ..ir.node import Node
from ..ir.op import Op
from . import _bessel, _erf, _gamma
from ._families import binary, unary
from ._formula import Formula, in_double, select


def _special(name: str, formula: Callable[..., Formula], partial: Any, doc: str) -> Op:
    value, body = in_double(formula)
    return unary(name, "f", value, body, partial, doc)


def _reciprocal_safe(g: Any, x: Node) -> tuple[Node, Node]:
    """Whether x is 0, and 1 / x, or 1 there."""
    flat = g.equal(x, 0.0)
    return flat, 1 / g.where(flat, g.constant(1, x), x)


# --- error functions ------------------------------------------------------------------------------

erfc = _special(
    "erfc", _erf.erfc, lambda g, y, x: (-2 / sqrt(pi)) * g.exp(-(x * x)),
    "1 - erf(x), to all digits where it is small.",
)  # fmt: skip
erfcx = _special(
    "erfcx", _erf.erfcx, lambda g, y, x: 2 * x * y - 2 / sqrt(pi), "exp(x**2) erfc(x)."
)
erfinv = _special(
    "erfinv", _erf.erfinv, lambda g, y, x: (sqrt(pi) / 2) * g.exp(y * y),
    "The inverse of erf: infinite at -1 and 1, NaN beyond.",
)  # fmt: skip
log_ndtr = _special(
    "log_ndtr", _erf.log_ndtr,
    lambda g, y, x: sqrt(2 / pi) / g.erfcx(x * -sqrt(0.5)),
    "The logarithm of the normal distribution function.",
)  # fmt: skip

# --- logarithms -----------------------------------------------------------------------------------


def _entropy(x: Formula) -> Formula:
    y = select(x.eq(0.0), x, -x * x.log())
    return select(x < 0.0, -inf, y)


def _logit(x: Formula) -> Formula:
    return (x / (1.0 - x)).log()


def _logit_partial(g: Any, y: Node, x: Node) -> Node:
    """1 / (x (1 - x)) in [0, 1], NaN outside."""
    inside = g.less_equal(g.abs(x - 0.5), 0.5)
    return g.where(inside, 1 / (x * (1 - x)), g.constant(nan, x))  # type: ignore[no-any-return]


entr = _special(
    "entr", _entropy, lambda g, y, x: -(g.log(x) + 1), "-x log(x); 0 at 0, -infinity below."
)
logit = _special(
    "logit", _logit, _logit_partial, "log(x / (1 - x)): infinite at 0 and 1, NaN outside."
)

# --- the gamma function ---------------------------------------------------------------------------

lgamma = _special(
    "lgamma", _gamma.lgamma, lambda g, y, x: g.digamma(x), "log |gamma(x)|; infinite at the poles."
)
digamma = _special(
    "digamma", _gamma.digamma, lambda g, y, x: g.zeta(2, x),
    "Derivative of log gamma(x); NaN at the negative poles, infinite at 0.",
)  # fmt: skip
zeta = binary(
    "zeta", "f", *in_double(_gamma.zeta),
    lambda g, z, s, q: (g.constant(nan, z), -s * g.zeta(s + 1, q)),
    "Hurwitz's zeta function of s and q; its derivative by s is not there: NaN.",
)  # fmt: skip

# --- modified Bessel functions --------------------------------------------------------------------


def _i1_partial(g: Any, y: Node, x: Node) -> Node:
    flat, inverse = _reciprocal_safe(g, x)
    return g.where(flat, g.constant(0.5, x), g.i0(x) - y * inverse)  # type: ignore[no-any-return]


def _i1e_partial(g: Any, y: Node, x: Node) -> Node:
    flat, inverse = _reciprocal_safe(g, x)
    return g.where(flat, g.constant(0.5, x), g.i0e(x) - y * (g.sign(x) + inverse))  # type: ignore[no-any-return]


i0 = _special("i0", _bessel.i0, lambda g, y, x: g.i1(x), "Modified Bessel function I0.")
i0e = _special(
    "i0e", _bessel.i0e, lambda g, y, x: g.i1e(x) - g.sign(x) * y, "exp(-|x|) I0(x)."
)
i1 = _special("i1", _bessel.i1, _i1_partial, "Modified Bessel function I1.")
i1e = _special("i1e", _bessel.i1e, _i1e_partial, "exp(-|x|) I1(x).")
bessel_k0 = _special(
    "bessel_k0", _bessel.k0, lambda g, y, x: -g.bessel_k1(x),
    "Modified Bessel function K0: infinite at 0, NaN below.",
)  # fmt: skip
bessel_k1 = _special(
    "bessel_k1", _bessel.k1, lambda g, y, x: -(g.bessel_k0(x) + y / x),
    "Modified Bessel function K1: infinite at 0, NaN below.",
)  # fmt: skip
bessel_k0e = _special(
    "bessel_k0e", _bessel.k0e, lambda g, y, x: y - g.bessel_k1e(x), "exp(x) K0(x)."
)
bessel_k1e = _special(
    "bessel_k1e", _bessel.k1e, lambda g, y, x: y - g.bessel_k0e(x) - y / x, "exp(x) K1(x)."
)

# --- Bessel functions -----------------------------------------------------------------------------


def _bessel_j1_partial(g: Any, y: Node, x: Node) -> Node:
    flat, inverse = _reciprocal_safe(g, x)
    return g.where(flat, g.constant(0.5, x), g.bessel_j0(x) - y * inverse)  # type: ignore[no-any-return]


def _spherical_partial(g: Any, y: Node, x: Node) -> Node:
    """(cos(x) - y) / x, 0 at 0."""
    flat, inverse = _reciprocal_safe(g, x)
    return g.where(flat, x * (-1 / 3), (g.cos(x) - y) * inverse)  # type: ignore[no-any-return]


bessel_j0 = _special(
    "bessel_j0", _bessel.j0, lambda g, y, x: -g.bessel_j1(x), "Bessel function J0."
)
bessel_j1 = _special("bessel_j1", _bessel.j1, _bessel_j1_partial, "Bessel function J1.")
bessel_y0 = _special(
    "bessel_y0", _bessel.y0, lambda g, y, x: -g.bessel_y1(x),
    "Bessel function Y0: -infinity at 0, NaN below.",
)  # fmt: skip
bessel_y1 = _special(
    "bessel_y1", _bessel.y1, lambda g, y, x: g.bessel_y0(x) - y / x,
    "Bessel function Y1: -infinity at 0, NaN below.",
)  # fmt: skip
spherical_bessel_j0 = _special(
    "spherical_bessel_j0", _bessel.spherical_j0, _spherical_partial, "sin(x) / x, 1 at 0."
)
airy_ai = _special(
    "airy_ai", _bessel.airy_ai, lambda g, y, x: g.airy_ai_slope(x), "Airy function Ai."
)
airy_ai_slope = _special(
    "airy_ai_slope", _bessel.airy_ai_slope, lambda g, y, x: x * g.airy_ai(x),
    "Derivative of the Airy function Ai.",
)  # fmt: skip
