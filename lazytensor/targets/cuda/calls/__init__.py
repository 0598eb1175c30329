"""Rows whose value column is called, as CUDA kernels: plans of launches, which whoever has a device
carries out.

What enters: a row, its parameters, how its arguments and outputs lie. What leaves: a plan, or None
where there is none. It must not know addresses, nor who launches.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from ....ir.op import Op
from . import (
    copies,
    draws,
    gammas,
    gathers,
    iterated,
    matrices,
    products,
    scans,
    scatters,
    sorts,
    symmetric,
    walks,
    windows,
)
from .axes import Lies
from .plan import ARG, OUT, SCRATCH, STATUS, Code, Fails, Place, Planned, Step

__all__ = [
    "ARG", "OUT", "PLANS", "SCRATCH", "STATUS", "Code", "Fails", "Place", "Planned", "Step",
    "has", "planned",
]  # fmt: skip

PLANS: dict[Op, Callable[..., Planned | None]] = {
    op: plan
    for module in (
        copies, draws, gammas, gathers, iterated, matrices, products, scans, scatters, sorts,
        symmetric, walks, windows,
    )
    for op, plan in module.PLANS.items()
}  # fmt: skip
# Plans that are remembered.
MOST = 4096


def has(op: Op) -> bool:
    """Whether there are kernels for a row."""
    return op in PLANS


def planned(
    op: Op, params: tuple[Any, ...], args: Sequence[Any], outs: Sequence[Any], over: bool = False
) -> Planned | None:
    """How a row is computed on arrays that lie like these (what is asked of each is its shape,
    strides and dtype); `over` tells that the output is the first argument's memory, as the row's
    `into` has it. No output may lie in memory of another argument.
    """
    if op not in PLANS:
        return None
    return _planned(op, params, tuple(map(Lies.of, args)), tuple(map(Lies.of, outs)), over)


@lru_cache(MOST)
def _planned(
    op: Op, params: tuple[Any, ...], args: tuple[Lies, ...], outs: tuple[Lies, ...], over: bool
) -> Planned | None:
    return PLANS[op](args, outs, params, over)
