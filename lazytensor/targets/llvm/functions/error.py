"""erf: up to 1 by a polynomial, beyond as 1 - exp(-q).

What enters and leaves: values of `float` or `double`, of any width. It must not know kernels.
"""

from ....ops import _error
from ..code import Code, Value
from ._bits import at_most, fabs, flip, horner, power_of_two
from .exponential import exponential_parts

ONE = {"float": 4.0, "double": 6.0}  # erf is 1 from here
INNER = {"float": _error.INNER_SINGLE, "double": _error.INNER}
# Cody's polynomials, lowest coefficient first.
ABOVE = (*_error.OUTER_P[-2::-1], _error.OUTER_P[-1])
BELOW = (*_error.OUTER_Q[::-1], 1.0)


def complement(c: Code, x: Value) -> Value:
    """1 - erf x, x from 1 to where erf is 1; as a part of 1."""
    if x.type == "float":
        exponent, factor = c.fneg(horner(c, x, _error.OUTER_SINGLE)), None
    else:
        exponent = c.fneg(c.fmul(x, x))
        factor = c.fdiv(horner(c, x, ABOVE), horner(c, x, BELOW))
    p, n = exponential_parts(c, exponent)
    power = power_of_two(c, n, x.type)
    e = c.fma(p, power, power)
    return e if factor is None else c.fmul(e, factor)


def erf(c: Code, x: Value) -> Value:
    """erf x."""
    size = fabs(c, x)
    inner = c.fma(size, horner(c, c.fmul(size, size), INNER[x.type]), size)
    outer = c.fsub(1.0, complement(c, at_most(c, size, ONE[x.type])))
    return flip(c, c.select(c.compare("olt", size, 1.0), inner, outer), c.bits(x))
