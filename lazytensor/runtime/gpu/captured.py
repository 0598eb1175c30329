"""Plans that are run again and again as CUDA graphs: one launch in place of many.

What enters: a plan, and slots filled with its inputs. What leaves: the values of its outputs. When
a plan is captured is decided here, and whether there is a graph for what it is given
(`graphs.py`); else it is run step by step.
"""

import threading
from collections.abc import Callable
from typing import Any
from weakref import WeakSet

from ..._base.devices import Device
from ..._base.log import log
from ...ir.graph import Graph
from ...lower.kernel import Call, Plan
from .driver import Uncaptured, driver
from .graphs import Graphs, forget
from .memory import NOW, NeedsHost, number
from .recorded import Recorded

# Runs after which a plan is captured, and at first after which once more if its graphs were given
# up for want of memory.
OFTEN, AGAIN = 3, 32
Steps = Callable[[Plan, list[Any], Graph], list[Any]]


class Captured:
    """A plan all of whose steps are for one GPU: how often it has run, and its graphs, once they
    are worth while.
    """

    def __init__(self, device: Device) -> None:
        self._device = device
        self._left, self._again = OFTEN, AGAIN
        self._graphs: Graphs | None = None
        self._lock = threading.Lock()
        _known.add(self)

    def let_go(self) -> None:
        """Forget the graphs, and with them their memory; steps are run one by one for a while, the
        longer the oftener this happens.
        """
        if self._graphs is not None:
            self._wait()

    def _wait(self) -> None:
        self._left, self._again, self._graphs = self._again, 2 * self._again, None

    def __call__(self, plan: Plan, env: list[Any], graph: Graph, run: Steps) -> list[Any]:
        """Values of the outputs, by a graph if there is one; `run` runs steps one by one."""
        if self._left or NOW.pools:
            self._left -= 1 if self._left > 0 else 0
            return run(plan, env, graph)
        with self._lock, driver().on(number(self._device)):
            found = self._found(plan, env, lambda own: run(plan, own, graph))
            if found is not None:
                return found(env)
        return run(plan, env, graph)

    def _found(
        self, plan: Plan, env: list[Any], run: Callable[[list[Any]], list[Any]]
    ) -> Recorded | None:
        graphs = self._graphs
        try:
            if graphs is None:
                graphs = self._graphs = Graphs(plan, env, self._device)
            if not graphs.in_order():
                return None
            found = graphs.find(env, run)
        except (NeedsHost, Uncaptured) as reason:
            log(1, f"plan of {plan.nodes} nodes: no CUDA graph: {reason!r}")
            found = None
        except MemoryError:
            self._wait()
            return None
        if found is None:
            self._left, self._graphs = -1, None
        return found


_known: WeakSet[Captured] = WeakSet()


def let_go() -> None:
    """Give back the memory of all graphs."""
    for each in list(_known):
        each.let_go()
    forget()


def captured(plan: Plan) -> Captured | None:
    """What runs a plan again and again; None where its steps are not for one GPU alone."""
    found = {step.device for step in plan.steps}
    moves = any(isinstance(step, Call) and step.op.kind == "transfer" for step in plan.steps)
    only = found.pop() if len(found) == 1 and not moves else None
    return Captured(only) if isinstance(only, Device) else None
