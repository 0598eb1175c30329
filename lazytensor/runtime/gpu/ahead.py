"""Kernels of a plan compiled before it runs, several at a time: operands are taken to lie as they
would if everything were new.

What enters: a plan, and how its inputs lie. What leaves: code that is known, or on disk. It must
not run anything: where operands lie otherwise, kernels are compiled when they are launched.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from ..._base.processors import count
from ..._base.shapes import Shape
from ..._base.store import Store
from ...ir.graph import Graph
from ...lower.account import is_view
from ...lower.kernel import Batch, Call, Plan, Step
from ...lower.layout import contiguous
from ...targets.cuda import Unsupported
from .calls import texts as of_call
from .code import code, store
from .driver import driver
from .launches import texts
from .memory import number
from .views import view_of

Stub = Any
"""An array of NumPy's that lies in some way, of which no element is read."""


def compile_ahead(plan: Plan, graph: Graph) -> None:
    """Compile what the plan's launches will need, as far as can be told."""
    wanted: dict[tuple[int, str], None] = {}
    env: list[Stub] = [None] * plan.slots
    for slot, place in enumerate(plan.inputs):
        env[slot] = _leaf(graph.order[place])
    for slot, value in plan.constants:
        env[slot] = _new(value.shape, value.dtype)
    for run in plan.runs:
        several = run.launches if isinstance(run, Batch) else (run,)
        sets = [[env[i] for i in step.args] for step in several]
        if run.device is not None:
            wanted.update(((number(run.device), text), None) for text in _texts(run, sets))
        for step, args in zip(several, sets, strict=True):
            for slot, out in zip(step.outs, _outs(step, args), strict=True):
                env[slot] = out
    _compile(list(wanted))


def _texts(step: Step | Batch, sets: Sequence[Sequence[Stub]]) -> Iterator[str]:
    if isinstance(step, Call):
        if not is_view(step.op):
            made = _called(step, sets[0])
            yield from of_call(step, sets[0], made if isinstance(made, tuple) else (made,))
        return
    try:
        yield from texts(step, sets)
    except Unsupported:
        return  # the host computes it


def _compile(wanted: Sequence[tuple[int, str]]) -> None:
    """Compile texts for devices, as many at a time as there are processors."""
    if len(wanted) > 1:
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(min(len(wanted), count())) as pool:
            list(pool.map(partial(_one, store()), wanted))


def _one(kept: Store, wanted: tuple[int, str]) -> None:
    device, text = wanted
    with driver().on(device):
        code(text, kept)


def _leaf(node: Any) -> Stub:
    if isinstance(node.shape, tuple) and node.shape and isinstance(node.shape[0], tuple):
        return tuple(_new(s, d) for s, d in zip(node.shape, node.dtype, strict=True))
    strides = getattr(node.value, "strides", None)
    return _new(node.shape, node.dtype, strides)


def _new(shape: Shape, dtype: Any, strides: Sequence[int] | None = None) -> Stub:
    """A stub, in row-major order if nothing else is said."""
    steps = contiguous(shape, dtype.itemsize) if strides is None else strides
    one = np.empty(2, np.complex128).view(np.uint8)[: dtype.itemsize].view(dtype)
    return np.lib.stride_tricks.as_strided(one, shape, steps)


def _outs(step: Step, args: Sequence[Stub]) -> list[Stub]:
    """What the step's outputs are like."""
    if isinstance(step, Call):
        return [_called(step, args)]
    return [_new(s, d) for s, d in zip(step.shapes, step.dtypes, strict=True)]


def _called(step: Call, args: Sequence[Stub]) -> Stub:
    found = view_of(step, args)
    if found is not None:
        return found
    if step.op.outputs > 1:
        return tuple(_new(s, d) for s, d in zip(step.shape, step.dtype, strict=True))
    return _new(step.shape, step.dtype)
