"""The graph cache: interprets graphs that are seen for the first times, lowers and keeps plans for
the hot and the large.

What enters: a graph. What leaves: the values of its outputs. Keys are full tuples, compared in
full; bounded by the nodes of the keys it holds. How often a key was seen, and sizes, decide; never
a clock.
"""

from collections import OrderedDict, deque
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from .._base import config
from .._base.devices import is_gpu
from .._base.log import log, wants
from ..ir.graph import Graph, Key
from ..ir.node import Node, user_line
from ..lower.kernel import Plan
from ..lower.pipeline import lower
from ..lower.text import describe
from .counters import COUNTERS
from .execute import execute, prepare
from .gpus import active
from .interpret import interpret
from .observe import OBSERVERS, Event
from .recognised import Recognised

# Bytes of its large nodes from which a graph is compiled when it is first seen; what fits the cache
# gains nothing, however much of it there is.
LARGE, LARGE_NODE = 1 << 22, 1 << 16
# Native code for a few kernels takes as long to make as so many bytes to compute one by one.
LARGE_NATIVE = 1 << 26
# Arrays of up to so many bytes are small: their graphs are compiled when they come so often.
SMALL_BYTES, HOT = 1 << 16, 8
# Native code for so many nodes takes as long to make as some hundred interpretations.
LONG, HOT_LONG = 2048, 64
# Graphs that were planned last are remembered with the lines that asked, if they are not too long.
MOST_MISSED, LONGEST_MISSED = 32, 2048


class GraphCache:
    """Plans by key, least recently used first; for a graph that was interpreted so far, how often
    it has come.
    """

    def __init__(self) -> None:
        self._plans: OrderedDict[Key, Plan | int] = OrderedDict()
        self._nodes = 0
        self.recognised = Recognised()
        self.missed: deque[tuple[Key, tuple[Any, int]]] = deque(maxlen=MOST_MISSED)

    def clear(self) -> None:
        """Forget everything."""
        self._plans.clear()
        self.recognised.clear()
        self.missed.clear()
        self._nodes = 0

    def seen(self, graph: Graph) -> Plan | int:
        """The plan that is kept for a graph, or how often it was interpreted."""
        return self._plans.get((graph.key, config.fingerprint()), 0)

    def keys(self) -> list[Key]:
        """The keys of all plans, those used last at the end."""
        return [key for key, found in self._plans.items() if not isinstance(found, int)]

    def plan(self, graph: Graph, mode: str) -> Plan | None:
        """The plan for a graph, made if it is due; None to interpret."""
        key = (graph.key, config.fingerprint())
        found = self._plans.get(key, 0)
        if not isinstance(found, int):
            log(1, f"plan of {len(graph.order)} nodes: hit")
            self._plans.move_to_end(key)
            return found
        if mode == "auto" and found + 1 < _due(graph):
            log(1, f"plan of {len(graph.order)} nodes: seen {found + 1} times, interpreted")
            self._keep(key, found + 1, graph)
            return None
        log(1, f"plan of {len(graph.order)} nodes: miss")
        COUNTERS.plans += 1
        if len(graph.order) <= LONGEST_MISSED:
            self.missed.append((key, user_line()))
        plan = prepare(lower(graph), graph)
        if wants(5):
            log(5, describe(plan))
        self._keep(key, plan, graph)
        return plan

    def _keep(self, key: Key, plan: Plan | int, graph: Graph) -> None:
        cap = config.get("graph_cache")
        if len(graph.order) > cap:
            return
        if key not in self._plans:
            self._nodes += len(graph.order)
        self._plans[key] = plan
        self._plans.move_to_end(key)
        while self._nodes > cap:
            old, _ = self._plans.popitem(last=False)
            self._nodes -= len(old[0][0])


CACHE = GraphCache()


def _due(graph: Graph) -> int:
    """How often a graph has to come before it is compiled: large arrays make it worth while at
    once, small ones late, those between when so many bytes have come in all.
    """
    computed = [n for n in graph.order if n.args and n.value is None]
    computed += [a for n in computed if n.op.kind == "reduce" for a in n.args if not a.args]
    native = config.get("target") == "llvm"
    if all(small(n.shape) for n in computed):
        return HOT_LONG if native and len(graph.order) > LONG else HOT
    sizes = [n.size * n.dtype.itemsize for n in computed if n.op.outputs == 1]
    large = LARGE_NATIVE if native else LARGE
    if sum(n for n in sizes if n >= LARGE_NODE) > large:
        return 1
    return max(2, min(HOT, large // max(1, int(sum(sizes)))))


@lru_cache(1024)
def small(shape: Any) -> bool:
    """Whether an array of the shape has at most SMALL_BYTES, whatever its dtype, and is one."""
    size = 16  # bytes of the widest dtype
    for k in shape:
        if type(k) is tuple:
            return False
        size *= k
    return size <= SMALL_BYTES


def chosen(graph: Graph) -> Plan | None:
    """The plan to run a graph by; None to interpret it. Asked under the runtime's lock."""
    mode, plan = config.get("execution"), None
    if config.get("target") == "null":
        mode = "compile"
    if on_gpus(graph.order):
        return _chosen_for_gpus(graph, mode)
    if mode != "interpret":
        plan = CACHE.plan(graph, mode)
    tell(graph, plan)
    return plan


def _chosen_for_gpus(graph: Graph, mode: str) -> Plan:
    """GPUs have kernels alone: what is to be interpreted has one for each op."""
    with config.context(fuse=config.get("fuse") and mode != "interpret"):
        plan = CACHE.plan(graph, "compile")
    assert plan is not None
    tell(graph, plan)
    return plan


def on_gpus(nodes: Iterable[Node]) -> bool:
    """Whether any of some nodes is on a GPU."""
    return active() and any(is_gpu(n.device) for n in nodes)


def run(graph: Graph, plan: Plan | None) -> list[Any]:
    """Values of the graph's outputs, by what was chosen. Several threads may run at once."""
    return interpret(graph, graph.outputs) if plan is None else execute(plan, graph)


def tell(graph: Graph, plan: Plan | None) -> None:
    """Tell the observers, if there are any."""
    if OBSERVERS:
        event = Event(graph, plan, user_line())
        for observer in OBSERVERS:
            observer(event)
