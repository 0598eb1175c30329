"""Plans that are run again and again as one CUDA graph each: one launch in place of many.

What enters: a plan, and slots filled with its inputs. What leaves: the values of its outputs. A
graph reads and writes the memory that it was captured with, so that inputs are copied there, and
outputs from there; where that would take longer than it saves, and where a step needs the host,
plans are run step by step.
"""

import threading
from collections.abc import Callable
from typing import Any
from weakref import WeakSet

import numpy as np

from ..._base import config
from ..._base.devices import Device
from ..._base.dtypes import canonical
from ..._base.log import log
from ..._base.shapes import prod
from ...ir.graph import Graph
from ...lower.kernel import Call, Launch, Plan
from ..counters import COUNTERS
from .checks import Sticky, check_later
from .copies import contiguous, copied
from .driver import driver
from .memory import NOW, NeedsHost, empty, number, there

# Runs after which a plan is captured; bytes that are copied while a kernel is launched.
OFTEN, WORTH = 3, 6 << 20
Steps = Callable[[Plan, list[Any], Graph], list[Any]]
Run = Callable[[list[Any]], list[Any]]


class Captured:
    """A plan all of whose steps are for one GPU: how often it has run, and its graph, once that is
    worth while.
    """

    def __init__(self, device: Device) -> None:
        self._device = device
        self._left = OFTEN
        self._graph: _Graph | None = None
        self._lock = threading.Lock()
        _known.add(self)

    def let_go(self) -> None:
        """Forget the graph, and with it its memory; steps are run one by one from now on."""
        self._left, self._graph = -1, None

    def __call__(self, plan: Plan, env: list[Any], graph: Graph, run: Steps) -> list[Any]:
        """Values of the outputs, by the graph if there is one; `run` runs steps one by one."""
        if self._left > 0:
            self._left -= 1
        elif not self._left:
            with self._lock, driver().on(number(self._device)):
                self._left = -1
                self._graph = _captured(plan, env, self._device, lambda e: run(plan, e, graph))
        found = self._graph
        if found is None or not found.in_order():
            return run(plan, env, graph)
        with self._lock, driver().on(number(self._device)):
            return found(env)


_known: WeakSet[Captured] = WeakSet()


def let_go() -> None:
    """Give back the memory of all graphs."""
    for each in list(_known):
        each.let_go()


def captured(plan: Plan) -> Captured | None:
    """What runs a plan again and again; None where its steps are not for one GPU alone."""
    found = {step.device for step in plan.steps}
    moves = any(isinstance(step, Call) and step.op.kind == "transfer" for step in plan.steps)
    only = found.pop() if len(found) == 1 and not moves else None
    return Captured(only) if isinstance(only, Device) else None


class _Graph:
    """A CUDA graph, and the memory that it reads and writes."""

    def __init__(self, plan: Plan, env: list[Any], device: Device) -> None:
        self._device = device
        self._slots = plan.slots
        self._pool = driver().pool()
        self._stream = driver().stream()
        self._tf32 = config.get("tf32")
        self._kernels = sum(isinstance(step, Launch) for step in plan.steps)
        known = {slot for slot, _ in plan.constants}
        with driver().allocating(self._pool):
            operands = [(i, _like(x)) for i, x in enumerate(env) if x is not None]
        for slot, x in operands:
            _fill(x, env[slot], device)
        self._constants = [(i, x) for i, x in operands if i in known]
        self._inputs = [(i, x) for i, x in operands if i not in known]

    def capture(self, run: Run) -> None:
        """Run steps twice: so that all memory is there, and to note them. Raises NeedsHost."""
        with driver().apart(), driver().allocating(self._pool):
            run(self._env())
            NOW.sticky.again()
            with driver().capturing() as self._run:
                self._outputs = run(self._env())
            self._checks = NOW.sticky.checks

    def _env(self) -> list[Any]:
        env: list[Any] = [None] * self._slots
        for slot, x in (*self._constants, *self._inputs):
            env[slot] = x
        return env

    def in_order(self) -> bool:
        """Whether work goes on in the stream in which the graph's memory was last used, and
        products are to be rounded as they were when it was captured.
        """
        return bool(self._stream == driver().stream() and self._tf32 == config.get("tf32"))

    def __call__(self, env: list[Any]) -> list[Any]:
        """Values of the outputs."""
        for slot, x in self._inputs:
            _fill(x, env[slot], self._device)
        self._run.launch()
        COUNTERS.kernels += self._kernels
        for check in self._checks:
            check_later(self._device, check)
        return [copied(x, self._device) for x in self._outputs]


def _captured(plan: Plan, env: list[Any], device: Device, run: Run) -> _Graph | None:
    """The graph of a plan; None where it isn't worth while, or can't be."""
    if not _worth(plan, env):
        return None
    NOW.capturing, NOW.sticky = True, Sticky()
    try:
        found = _Graph(plan, env, device)
        found.capture(run)
    except (NeedsHost, MemoryError) as reason:
        log(1, f"plan of {plan.nodes} nodes: no CUDA graph: {reason!r}")
        return None
    finally:
        NOW.capturing, NOW.sticky = False, None
    return found


def _worth(plan: Plan, env: list[Any]) -> bool:
    """Whether launching kernels takes longer than copying inputs and outputs."""
    moved = sum(x.nbytes for x in env if x is not None and type(x) is not tuple)
    launches = [step for step in plan.steps if isinstance(step, Launch)]
    for step in launches:
        sizes = zip(step.outs, step.shapes, step.dtypes, strict=True)
        moved += sum(prod(s) * d.itemsize for slot, s, d in sizes if slot in plan.outputs)
    return bool(moved <= len(launches) * WORTH)


def _like(x: Any) -> Any:
    """New memory for an operand, or several."""
    return tuple(map(_like, x)) if type(x) is tuple else empty(x.shape, canonical(x.dtype))


def _fill(out: Any, x: Any, device: Device) -> None:
    if type(out) is tuple:
        for one, other in zip(out, x, strict=True):
            _fill(one, other, device)
    elif there(x):
        driver().copy(out, contiguous(x, device))
    elif x.nbytes:
        driver().put(out, np.ascontiguousarray(x))
