"""Launches of kernels on a device.

What enters: a launch and arrays of the device. What leaves: outputs, filled. It must not know
plans.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from ..._base.dtypes import uint8
from ...lower.kernel import Launch
from ...targets.cuda import Part, bind, source
from .code import function
from .driver import Array, driver
from .memory import empty, number

# How addresses lie that a kernel's form may depend on; ways of lying that a launch remembers.
ALIGNED, MOST_BOUND = 16, 64


class Bound(NamedTuple):
    """A launch on operands that lie in some way: functions with their parts, and bytes of memory
    that these leave results to each other in.
    """

    parts: tuple[tuple[Any, Part], ...]
    scratch: int


def launched(step: Launch, args: Sequence[Array]) -> list[Array]:
    """The outputs of a launch on its device, which is the current one. Raises `Unsupported`, and
    MemoryError.
    """
    outs = [empty(s, d) for s, d in zip(step.shapes, step.dtypes, strict=True)]
    operands = [*args, *outs]
    addresses = [x.data.ptr for x in operands]
    bound = _bound(step, args, addresses)
    room = empty((bound.scratch + ALIGNED,), uint8) if bound.scratch else None
    addresses.append(0 if room is None else room.data.ptr + -room.data.ptr % ALIGNED)
    for run, part in bound.parts:
        words = (*addresses, *part.sizes, *part.tail)
        driver().launch(run, part.blocks, part.threads, part.shared, words)
    return outs


def _bound(step: Launch, args: Sequence[Array], addresses: Sequence[int]) -> Bound:
    key = ("cuda", *[args[i].strides for i in step.varied], *[p % ALIGNED for p in addresses])
    found = step.bound.get(key)
    if found is None:
        if len(step.bound) >= MOST_BOUND:
            step.bound.clear()
        binding = bind(step, args, addresses)
        parts = tuple((_function(step, p), p) for p in binding.parts if p.blocks)
        found = step.bound[key] = Bound(parts, binding.scratch)
    return found


def _function(step: Launch, part: Part) -> Any:
    return function(source(step.kernel, part.form), "kernel", number(step.device))


def texts(step: Launch, args: Sequence[Any], outs: Sequence[Any]) -> list[str]:
    """What is compiled for a launch on arrays of NumPy's that lie as its operands. Raises
    `Unsupported`.
    """
    addresses = [int(x.__array_interface__["data"][0]) for x in (*args, *outs)]
    return [source(step.kernel, p.form) for p in bind(step, args, addresses).parts if p.blocks]
