"""sinh, cosh and tanh by exp, and near 0 by polynomials; asinh, acosh and atanh by log1p.

What enters and leaves: values of `float` or `double`, of any width. It must not know kernels.
"""

from ..code import Code, Value
from . import coefficients
from ._bits import at_most, copysign, fabs, horner, power_of_two
from .exponential import exponential

ONE = {"float": 9.5, "double": 20.0}  # tanh is 1 from here
EVEN = 0.5493061443340549  # tanh is 1/2 here


def near_zero(c: Code, x: Value, coefficients: tuple[float, ...]) -> Value:
    """x + x³ P(x²)."""
    z = c.fmul(x, x)
    return c.fma(c.fmul(x, z), horner(c, z, coefficients), x)


def tanh(c: Code, x: Value) -> Value:
    """tanh x: 1 - 2 / (exp(2 x) + 1), for small x a polynomial."""
    size = at_most(c, fabs(c, x), ONE[x.type])
    p, n = exponential(c, c.fadd(size, size))
    e = c.fmul(p, power_of_two(c, n, x.type))
    large = c.fsub(1.0, c.fdiv(2.0, c.fadd(e, 1.0)))
    small = near_zero(c, size, coefficients.TANH[x.type])
    return copysign(c, c.select(c.compare("olt", size, EVEN), small, large), x)
