"""Elements that are computed in a number of steps that depends on them: common divisors, parts of
numbers, orthogonal polynomials.

What enters: how arrays lie. What leaves: plans. It must not know addresses.
"""

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

from ....ops import iterated
from ..types import c_type
from .axes import Args, axes, words
from .plan import ARG, OUT, Place, Planned, number, step

PARTS = ("types", "scalar", "complex", "cells", "iterated")


def elements(body: Callable[..., str], parts: Sequence[str] = PARTS) -> Callable[..., Planned]:
    """A thread for each element; what it does is written for a dtype, the number of axes with the
    type of numbers of threads, and parameters.
    """

    def plan(args: Args, outs: Args, params: tuple[Any, ...], over: bool) -> Planned:
        x = args[0]
        count = prod(x.shape)
        if not count:
            return Planned(())
        held = axes(x.shape, *(a.strides for a in (*outs, *args)))
        text = body(c_type(x.dtype), f"{len(held)}, {number(count)}", *params)
        places = [Place(OUT, i) for i in range(len(outs))] + [
            Place(ARG, i) for i in range(len(args))
        ]
        return Planned((step(parts, text, count, places, (count, *words(held))),))

    return plan


PLANS = {
    iterated.gcd: elements(lambda dtype, axes: f"common_divisor<{dtype}, {axes}>(a.w);"),
    iterated.frexp: elements(lambda dtype, axes: f"parts_of<{dtype}, {axes}>(a.w);"),
    iterated.polynomial: elements(
        lambda dtype, axes, family, order: (
            f"polynomials<{dtype}, {family}, {order}, {axes}>(a.w);"
        )
    ),
}
