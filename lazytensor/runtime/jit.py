"""Compiled functions: traces, programs that run again without Python, and which calls missed.

What enters: the nodes that a function made of placeholders. What leaves: a Program, a plan with
where each of its inputs comes from, which is run on buffers. It must not know arrays of a face, nor
how a call's arguments are taken apart.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence, Set
from typing import Any, NamedTuple, Protocol

import numpy as np

from .._base.devices import Device
from .._base.dtypes import DType, float32, float64, uint64
from .._base.record import Record
from ..ir.graph import Graph, ancestors, linearize
from ..ir.node import (
    PLACEHOLDER,
    Node,
    Weak,
    describe_line,
    placeholder,
    scalar,
    serials,
    user_line,
)
from ..lower.batches import batched
from ..lower.kernel import Plan
from ..lower.memory import plan_memory
from ..lower.pipeline import lower
from . import gpus
from .buffers import POOL
from .cache import tell
from .counters import COUNTERS
from .execute import prepare
from .materialize import Explained, NoValue, alone, materialize, replay
from .observe import OBSERVERS

Buffer = np.ndarray[Any, Any]
# Up to here no float overflows single precision, which NumPy would warn of.
PLAIN = 1e38


class Stream(Protocol):
    """A stream of random numbers: a key, and a position that a draw moves on."""

    _key: Buffer

    def _advance(self, count: int) -> int: ...


class Source(NamedTuple):
    """What fills a placeholder: an argument by number, as an array or as a number; of a stream by
    number the key, or the position some blocks on.
    """

    what: str
    number: int
    offset: int = 0


class Argument(Explained):
    """A placeholder's index, which knows what it stands for."""

    __slots__ = ("_path", "_trace")

    def __init__(self, trace: "Trace", path: str) -> None:
        self._trace = trace
        self._path = path

    def no_value(self) -> str:
        """Why there is no value, at the line that asks for it."""
        return self._trace.no_value(self._path)


class Trace:
    """One run of a function on arguments that stand for others.

    `sources` says what fills each placeholder, `streams` which streams were drawn from, and how
    many blocks each run takes of them.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.where = user_line()
        self.first = serials()
        self.sources: dict[Node, Source] = {}
        self.streams: list[Any] = []
        self.taken: list[int] = []
        self._numbers: dict[Any, Node] = {}
        self._born: list[Any] = []
        self._open = True

    def close(self) -> None:
        """The function has returned: what it kept has no value, and nothing refers to nodes."""
        self._open = False
        self.sources, self._numbers, self.streams, self._born = {}, {}, [], []

    def _new(self, shape: Any, dtype: DType, device: Device, path: str, source: Source) -> Node:
        node = placeholder(shape, dtype, device, Argument(self, path))
        self.sources[node] = source
        return node

    def array(self, number: int, shape: Any, dtype: DType, device: Device, path: str) -> Node:
        """A node that stands for an array among the arguments."""
        return self._new(shape, dtype, device, path, Source("array", number))

    def number(self, number: int, kind: type, path: str) -> Weak:
        """A scalar that stands for a Python scalar among the arguments."""

        def node(dtype: DType, device: Device) -> Node:
            key = number, dtype, device
            if key not in self._numbers:
                source = Source("number", number)
                self._numbers[key] = self._new((), dtype, device, path, source)
            return self._numbers[key]

        return Weak(kind, node)

    def born(self, stream: Stream, unseeded: bool) -> None:
        """A stream was made while tracing: its numbers are the same in each call."""
        if unseeded:
            raise TypeError(
                f"a Generator without a seed is made in `{self.name}`, which jit traces once: it "
                "would give the same numbers in each call; give it a seed, or make it outside"
            )
        self._born.append(stream)

    def owns(self, stream: Stream) -> bool:
        """Whether a stream was made while tracing."""
        return any(stream is own for own in self._born)

    def draw(self, stream: Stream, count: int, device: Device) -> tuple[Node, Node]:
        """The key and the position of a draw: inputs, since each call goes on in the stream."""
        at = next((i for i, known in enumerate(self.streams) if known is stream), None)
        if at is None:
            at = len(self.streams)
            self.streams.append(stream)
            self.taken.append(0)
        path = "a draw from a Generator"
        key = self._new((2,), uint64, device, path, Source("key", at))
        position = Source("position", at, self.taken[at])
        self.taken[at] += count
        return key, self._new((), uint64, device, path, position)

    def no_value(self, path: str) -> str:
        """The text for who asks for a value."""
        where = describe_line(self.where)
        if not self._open:
            return (
                f"an array that was made while `{self.name}` was traced (by jit, called at {where})"
                f" was kept beyond the call; it stands for {path} and has no value: return it from "
                f"`{self.name}` instead of storing it"
            )
        return (
            f"`{self.name}` is being traced by jit, and a value that depends on {path} is needed "
            f"at {describe_line(user_line())}, where there is none yet: make static what decides "
            "in Python code (static_argnums, static_argnames), choose by where(…) instead of `if`, "
            "and take shapes that depend on values (x[mask], nonzero) out of the function"
        )


class _Active(threading.local):
    """The trace that this thread is in."""

    trace: Trace | None = None


ACTIVE = _Active()


class Program:
    """A plan, and what fills its slots before it runs."""

    __slots__ = (
        "arrays", "graph", "keys", "name", "numbers", "plan", "positions", "taken", "template",
    )  # fmt: skip

    def __init__(self, trace: Trace, graph: Graph, plan: Plan) -> None:
        self.name = trace.name
        self.graph = graph
        self.plan = plan
        self.taken = tuple(trace.taken)
        self.template: list[Any] = [None] * plan.slots
        self.arrays: list[tuple[int, int]] = []
        self.numbers: list[tuple[int, int, DType, Device]] = []
        self.keys: list[tuple[int, int]] = []
        self.positions: list[tuple[int, int, int]] = []
        for slot, buffer in plan.constants:
            self.template[slot] = buffer
        for slot, place in enumerate(plan.inputs):
            self._fill(slot, graph.order[place], trace)

    def _fill(self, slot: int, node: Node, trace: Trace) -> None:
        """Note what a slot is filled with."""
        source = trace.sources.get(node)
        if source is None:
            self.template[slot] = node.value
        elif source.what == "array":
            self.arrays.append((slot, source.number))
        elif source.what == "number":
            self.numbers.append((slot, source.number, node.dtype, node.device))
        elif source.what == "key":
            self.keys.append((slot, source.number))
        else:
            self.positions.append((slot, source.number, source.offset))

    def donate(self, numbers: Set[int]) -> None:
        """Let results have the memory of these arguments, of which a call leaves no other reference
        than the plan's. Before the first run.
        """
        order, inputs = self.graph.order, self.plan.inputs
        given = {s: order[inputs[s]].shape for s, number in self.arrays if number in numbers}
        plan_memory(self.plan.steps, set(self.plan.outputs), given)
        self.plan.runs = batched(self.plan.steps)

    def fill(self, given: Sequence[Any], streams: Sequence[Stream]) -> list[Any]:
        """The slots before a run, for buffers and numbers by the numbers of arguments.

        Raises OverflowError for an integer that doesn't fit, before streams are moved on.
        """
        env = self.template.copy()
        for slot, i in self.arrays:
            env[slot] = given[i]
        for slot, i, dtype, device in self.numbers:
            value = given[i]
            if type(value) is float and (
                dtype is float64 or (dtype is float32 and -PLAIN < value < PLAIN)
            ):
                env[slot] = np.asarray(value, dtype)
            else:
                env[slot] = scalar(value, dtype, device).value
        if self.taken:
            self._draw(env, streams)
        return env

    def run(self, env: list[Any], spare: list[Any] | None) -> list[Any]:
        """Values of the outputs; `env` is used up. On a lack of memory it is tried once more with
        the `spare` copy, if there is one. Raises what computing raises, with the line in the traced
        function.
        """
        if OBSERVERS:
            tell(self.graph, self.plan)
        try:
            return replay(self.plan, env, self.graph)
        except MemoryError:
            if spare is None:
                raise
            POOL.clear()
            gpus.clear()
            return replay(self.plan, spare, self.graph)

    def _draw(self, env: list[Any], streams: Sequence[Stream]) -> None:
        """Take this run's blocks of each stream."""
        bases = [s._advance(count) for s, count in zip(streams, self.taken)]
        for slot, i in self.keys:
            env[slot] = streams[i]._key
        for slot, i, offset in self.positions:
            env[slot] = np.asarray(bases[i] + offset, uint64)


def compiled(trace: Trace, outputs: Sequence[Node]) -> Program:
    """The program for nodes without values. What doesn't depend on arguments and is dear, or was
    there before, is computed now. Raises NoValue where it depends on another function's arguments.
    """
    constants = _constants(outputs, trace.first)
    if constants:
        materialize(constants)
    graph = linearize(outputs)
    for place in graph.leaves:
        node = graph.order[place]
        if node.op is PLACEHOLDER and node not in trace.sources:
            index = node.params[0]
            raise NoValue(index.no_value() if isinstance(index, Explained) else repr(node))
    return Program(trace, graph, alone(_planned, graph))


def _planned(graph: Graph) -> Plan:
    COUNTERS.plans += 1
    return prepare(lower(graph), graph)


def _constants(outputs: Sequence[Node], first: int) -> list[Node]:
    """Pending nodes that depend on no placeholder, are read by one that does, or by the trace, and
    that were made before it or are dear.
    """
    order = ancestors(outputs, lambda n: n.value is not None)
    varies, dear = set(), set()
    for node in order:
        if node.op is PLACEHOLDER or any(a in varies for a in node.args):
            varies.add(node)
        elif node.value is None and (not node.op.cheap or any(a in dear for a in node.args)):
            dear.add(node)
    ends = {n for n in outputs if n not in varies}
    ends |= {a for n in order if n in varies for a in n.args if a not in varies}
    ends |= {a for n in order if n.serial > first for a in n.args if a.serial <= first}
    return [n for n in ends if n.value is None and n not in varies
            and (n in dear or n.serial <= first)]  # fmt: skip


# --- misses ---------------------------------------------------------------------------------------


class Difference(Record, frozen=True):
    """What differs between a call that missed and the nearest known one."""

    where: str
    what: str
    before: Any
    now: Any

    def __str__(self) -> str:
        return f"{self.where}: {self.what} {self.before} before, {self.now} now"


class Miss(Record, frozen=True):
    """A call that found no program: why, and what is different from the nearest that was there."""

    cache: str
    name: str
    reason: str
    differences: tuple[Difference, ...] = ()

    def __str__(self) -> str:
        lines = [f"{self.cache} cache, {self.name}: {self.reason}"]
        return "\n".join(lines + [f"    {d}" for d in self.differences])


Description = dict[tuple[str, str], Any]
# The last misses, with weak references to whatever missed.
MISSES: deque[tuple[Callable[[], Any], Miss]] = deque(maxlen=64)


def explained(new: Description, known: Sequence[Description]) -> tuple[Difference, ...]:
    """What is different from the nearest of the known descriptions; nothing where there is none."""
    found = [_differences(old, new) for old in known]
    return min(found, key=len, default=())


def _differences(old: Description, new: Description) -> tuple[Difference, ...]:
    rows = dict.fromkeys([*old, *new])
    return tuple(
        Difference(*row, old.get(row, "not there"), new.get(row, "not there"))
        for row in rows
        if old.get(row, _differences) != new.get(row, _differences)
    )
