"""Calls of rows that kernels carry out on a device.

What enters: a call, and arrays of the device. What leaves: outputs, filled. It must not know plans.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from ..._base.devices import Device
from ...ir.node import Node
from ...lower.kernel import Call
from ...targets.cuda.calls import ARG, OUT, SCRATCH, STATUS, Code, Planned, has, planned
from ...targets.cuda.calls.matrices import between
from .checks import Check, check_later, status
from .driver import Array, driver
from .launches import NAME, of_device, scratch
from .memory import NOW, empty
from .spare import spare


def called(step: Call, args: Sequence[Array], nodes: Sequence[Node]) -> Any:
    """What a call gives for which there are kernels, else None. `nodes` know the lines that
    failures are told of.
    """
    over = step.over and spare(args, 0)
    outs = args[:1] if over else _outs(step)
    found = planned(step.op, step.params, args, outs, over)
    if found is None:
        return None
    carry_out(found, step.device, args, outs, nodes)
    return tuple(outs) if step.op.outputs > 1 else outs[0]


def _outs(step: Call) -> list[Array]:
    """Arrays for outputs; that of a CUDA graph where the graph is to leave it. Of several, which
    are one slot, it leaves what is picked.
    """
    if step.op.outputs > 1:
        return list(map(empty, step.shape, step.dtype))
    wanted = None if NOW.capture is None else NOW.capture.into(step.outs[0])
    return [empty(step.shape, step.dtype) if wanted is None else wanted]


@lru_cache(4096)
def _text(code: Code) -> str:
    return code.source(NAME)


def texts(step: Call, args: Sequence[Any], outs: Sequence[Any]) -> list[str]:
    """What is compiled for a call on arrays that lie as these."""
    if step.op.kind == "linalg" and not has(step.op):
        plans = between(step.op, args[0].dtype, step.params)
    else:
        found = planned(step.op, step.params, args, outs)
        plans = (found,) if found else ()
    return [_text(one.code) for plan in plans for one in plan.steps]


def carry_out(
    found: Planned,
    device: Device,
    args: Sequence[Array],
    outs: Sequence[Array],
    nodes: Sequence[Node],
) -> None:
    """Launch what is planned, on a device, which is the current one. `nodes` as above."""
    room = scratch(found.scratch)
    bases = {ARG: [x.data.ptr for x in args], OUT: [x.data.ptr for x in outs], SCRATCH: [room[0]]}
    if found.fails:
        words = status(device)
        bases[STATUS] = [words.data.ptr]
    for one in found.steps:
        run = of_device(_text(one.code), device)
        places = [bases[p.of][p.number] + p.offset for p in one.places]
        grid = (one.blocks, 1, 1)
        driver().launch(run, grid, one.threads, one.shared, [*places, *one.tail])
    if found.fails:
        check_later(Check(words, found.fails, [n.where for n in nodes]))
