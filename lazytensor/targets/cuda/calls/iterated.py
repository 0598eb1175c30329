"""Elements that are computed in a number of steps that depends on them: common divisors, parts of
numbers, orthogonal polynomials.

What enters: how arrays lie. What leaves: plans. It must not know addresses.
"""

from collections.abc import Callable
from math import prod
from typing import Any

from ....ops import iterated
from ..types import c_type
from .axes import Args, axes, words
from .plan import ARG, OUT, Place, Planned, number, step

PARTS = ("types", "scalar", "complex", "cells", "iterated")


def _elements(name: Callable[..., str]) -> Callable[..., Planned]:
    """A thread for each element; what it does is named by dtype and parameters."""

    def plan(args: Args, outs: Args, params: tuple[Any, ...], over: bool) -> Planned:
        x = args[0]
        count = prod(x.shape)
        if not count:
            return Planned(())
        held = axes(x.shape, *(a.strides for a in (*outs, *args)))
        body = f"{name(c_type(x.dtype), *params)}, {len(held)}, {number(count)}>(a.w);"
        places = [Place(OUT, i) for i in range(len(outs))] + [
            Place(ARG, i) for i in range(len(args))
        ]
        return Planned((step(PARTS, body, count, places, (count, *words(held))),))

    return plan


PLANS = {
    iterated.gcd: _elements(lambda dtype: f"common_divisor<{dtype}"),
    iterated.frexp: _elements(lambda dtype: f"parts_of<{dtype}"),
    iterated.polynomial: _elements(
        lambda dtype, family, order: f"polynomials<{dtype}, {family}, {order}"
    ),
}
