"""Rows whose value column is called, as CUDA kernels: plans of launches, which whoever has a device
carries out.

What enters: a row, its parameters, how its arguments and outputs lie. What leaves: a plan, or None
where there is none. It must not know addresses, nor who launches.
"""

from collections.abc import Sequence
from typing import Any

from ....ir.op import Op
from . import copies, draws, gathers, products, scans, scatters, sorts, windows
from .plan import ARG, OUT, SCRATCH, STATUS, Code, Fails, Place, Planned, Step

__all__ = [
    "ARG", "OUT", "SCRATCH", "STATUS", "Code", "Fails", "Place", "Planned", "Step", "has",
    "planned",
]  # fmt: skip

_PLANS = {
    op: plan
    for module in (copies, draws, gathers, products, scans, scatters, sorts, windows)
    for op, plan in module.PLANS.items()
}


def has(op: Op) -> bool:
    """Whether there are kernels for a row."""
    return op in _PLANS


def planned(
    op: Op, params: tuple[Any, ...], args: Sequence[Any], outs: Sequence[Any], over: bool = False
) -> Planned | None:
    """How a row is computed on arrays that lie like these (what is asked of each is its shape,
    strides, dtype and itemsize); `over` tells that the output is the first argument's memory, as
    the row's `into` has it.
    """
    plan = _PLANS.get(op)
    return plan(args, outs, params, over) if plan else None
