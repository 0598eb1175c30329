"""Scalar bodies as formulas: values with operators, over any interpreter of scalar instructions.

What enters: an interpreter and its values. What leaves: values of the interpreter. It must not know
rows, nor what an interpreter does.
"""

from collections.abc import Callable, Sequence
from typing import Any

from .._base.dtypes import float64
from ._eager import Eager


class Formula:
    """A value with operators. Methods are scalar instructions: `x.exp()`, `x.eq(0.0)`."""

    __slots__ = ("s", "value")

    def __init__(self, s: Any, value: Any) -> None:
        self.s = s
        self.value = value

    def __getattr__(self, name: str) -> Callable[..., "Formula"]:
        return lambda *others: self._call(name, self, *others)

    def _call(self, name: str, *operands: Any) -> "Formula":
        values = [o.value if isinstance(o, Formula) else o for o in operands]
        return Formula(self.s, getattr(self.s, name)(*values))

    def __add__(self, other: Any) -> "Formula":
        return self._call("add", self, other)

    def __radd__(self, other: Any) -> "Formula":
        return self._call("add", other, self)

    def __sub__(self, other: Any) -> "Formula":
        return self._call("sub", self, other)

    def __rsub__(self, other: Any) -> "Formula":
        return self._call("sub", other, self)

    def __mul__(self, other: Any) -> "Formula":
        return self._call("mul", self, other)

    def __rmul__(self, other: Any) -> "Formula":
        return self._call("mul", other, self)

    def __truediv__(self, other: Any) -> "Formula":
        return self._call("div", self, other)

    def __rtruediv__(self, other: Any) -> "Formula":
        return self._call("div", other, self)

    def __neg__(self) -> "Formula":
        return self._call("neg", self)

    def __abs__(self) -> "Formula":
        return self._call("abs", self)

    def __and__(self, other: Any) -> "Formula":
        return self._call("and_", self, other)

    def __invert__(self) -> "Formula":
        return self._call("invert", self)

    def __or__(self, other: Any) -> "Formula":
        return self._call("or_", self, other)

    def __gt__(self, other: Any) -> "Formula":
        return self._call("lt", other, self)

    def __ge__(self, other: Any) -> "Formula":
        return self._call("le", other, self)

    def __lt__(self, other: Any) -> "Formula":
        return self._call("lt", self, other)

    def __le__(self, other: Any) -> "Formula":
        return self._call("le", self, other)


def select(condition: Formula, x: Any, y: Any) -> Formula:
    """x where the condition holds, else y; one of them may be a number."""
    return condition._call("select", condition, x, y)


def horner(x: Formula, coefficients: Sequence[float]) -> Formula:
    """A polynomial, the constant term first."""
    y = x * coefficients[-1] + coefficients[-2]
    for c in coefficients[-3::-1]:
        y = y * x + c
    return y


def chebyshev(t: Formula, coefficients: Sequence[float]) -> Formula:
    """A Chebyshev series at t in [-1, 1], the constant term first, by Clenshaw's recurrence."""
    twice = t + t
    before: Any = coefficients[-1]
    y = twice * before + coefficients[-2]
    for c in coefficients[-3:0:-1]:
        y, before = twice * y - before + c, y
    last: Formula = t * y - before + coefficients[0]
    return last


def in_double(formula: Callable[..., Formula]) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """The columns value and body of a formula that is computed in float64 and rounded once."""

    def body(s: Any, *args: Any) -> Any:
        dtype = args[0].dtype
        if dtype == float64:
            return formula(*(Formula(s, x) for x in args)).value
        return s.cast(formula(*(Formula(s, s.cast(x, float64)) for x in args)).value, dtype)

    return lambda np, *args: body(Eager(np), *args), body
