"""`lazytensor.inspect`: what arrays and compiled functions do, what that takes, and why plans are
made anew.

What enters: arrays without values, functions of `jit`, a `with` block. What leaves: data with a
text form. Nothing of what is explained is computed. It must not know how plans are made.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from .._base.errors import publish
from ..array_api._rules import brief
from ..ir.graph import Graph
from ..ir.node import Node
from ..ir.printer import show
from ..lower import account
from ..lower.account import Cost, Slot, Type
from ..lower.kernel import Call, Launch, Plan
from ..lower.pipeline import lower
from ..lower.text import describe, kernel_name, kernel_text
from ..runtime import execute
from ..runtime.buffers import memory_stats
from ..runtime.cache import CACHE
from ..runtime.counters import Counters, counting
from ..runtime.jit import MISSES, Miss, Program
from ..runtime.materialize import graph_of
from ..runtime.observe import TIMERS, Timing
from ._missed import graph_misses
from .jitted import Bound, Jitted

__all__ = ["copy_speed", "explain", "memory_stats", "profile", "why_missed"]


# --- explain --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Step:
    """One step of a plan: a kernel, a library call or a view.

    `text` is the kernel as a loop nest, `source` what it is compiled from, both empty for the
    others; `reads` and `writes` are numbers of slots.
    """

    kind: str
    name: str
    shape: tuple[int, ...]
    reads: tuple[int, ...]
    writes: tuple[int, ...]
    cost: Cost
    text: str = ""
    source: str = ""


@dataclass(frozen=True)
class Explanation:
    """What asking for arrays, or calling a compiled function, does.

    `graph` is the graph as Python text, `plan` the plan; `steps` and `slots` are the same as data;
    `peak` is how many bytes the plan takes at most for temporaries and outputs. `how` says whether
    the plan is there already.
    """

    graph: str
    plan: str
    how: str
    steps: tuple[Step, ...]
    slots: tuple[Slot, ...]
    peak: int

    @property
    def kernels(self) -> tuple[Step, ...]:
        """The steps that are kernels."""
        return tuple(step for step in self.steps if step.kind == "kernel")

    @property
    def cost(self) -> Cost:
        """Bytes and operations of all steps."""
        costs = [step.cost for step in self.steps]
        return Cost(*(sum(getattr(c, n) for c in costs) for n in ("read", "written", "flops")))

    def __str__(self) -> str:
        total = self.cost
        lines = ["the graph:", self.graph, f"the plan ({self.how}):", self.plan, "", "the steps:"]
        lines += table(("", "step", "shape", "reads", "writes", "operations"), _steps(self.steps))
        moved = f"in all {size(total.read)} read, {size(total.written)} written"
        lines += ["", f"{moved}, {total.flops:,} operations", "", "the memory:"]
        lines += table(("slot", "kind", "type", "bytes", "lives"), _slots(self.slots, self.steps))
        lines += ["", f"at most {size(self.peak)} for temporaries and outputs at a time"]
        return "\n".join(lines)


def _steps(steps: tuple[Step, ...]) -> list[tuple[str, ...]]:
    return [
        (str(i), step.name, str(list(step.shape)), size(step.cost.read), size(step.cost.written),
         f"{step.cost.flops:,}")
        for i, step in enumerate(steps)
    ]  # fmt: skip


def _slots(slots: tuple[Slot, ...], steps: tuple[Step, ...]) -> list[tuple[str, ...]]:
    return [(f"b{s.number}", s.kind if s.of is None else f"view of b{s.of}", f"{s.dtype}{s.shape}",
             size(s.nbytes), _lives(s, len(steps))) for s in slots]  # fmt: skip


def _lives(s: Slot, end: int) -> str:
    start = "before" if s.born < 0 else f"step {s.born}"
    return f"{start} to {'after' if s.dies >= end else f'step {s.dies}'}"


def explain(*what: Any, **kwargs: Any) -> Explanation:
    """What asking for arrays would do: their graph, kernels with what they read, write and compute,
    their sources, and the memory it takes. Nothing is computed.

    `what` is one array or several, or a function of `jit` with arguments, which may be given by
    name. The result has all that as data, and as text by `print`. Raises TypeError for anything
    else.

    >>> x = xp.linspace(0.0, 1.0, 1000)
    >>> found = lazytensor.inspect.explain(xp.sum(xp.exp(x) * 2.0))
    >>> [step.name for step in found.kernels][-1:]
    ['...exp+multiply+sum']
    >>> found.cost.flops >= 3000
    True
    >>> print(found)
    the graph:
    def graph(...
    """
    if what and isinstance(what[0], Jitted | Bound):
        return explained_program(what[0].lower(*what[1:], **kwargs))
    if not what or kwargs:
        raise TypeError("explain: expected arrays, or a function of jit with its arguments")
    for position, x in enumerate(what, 1):
        if type(getattr(x, "_node", None)) is not Node:
            raise TypeError(
                f"explain: argument {position} must be an array, or a function of jit in front of "
                f"its arguments, got {type(x).__name__}: {brief(x)}"
            )
    graph = graph_of([x._node for x in what if x._node.value is None])
    return explained_graph(graph, CACHE.seen(graph))


def explained_program(program: Program) -> Explanation:
    """The explanation of a compiled function."""
    return _explanation(program.graph, program.plan, f"of jit, for {program.name}")


def explained_graph(graph: Graph, seen: Plan | int) -> Explanation:
    """The explanation of a graph with its plan, or how often it was interpreted."""
    if not isinstance(seen, int):
        return _explanation(graph, seen, "which is kept")
    how = f"interpreted {seen} times so far" if seen else "which is not made yet"
    return _explanation(graph, lower(graph), how)


def _explanation(graph: Graph, plan: Plan, how: str) -> Explanation:
    inputs = [Type(graph.order[p].shape, graph.order[p].dtype) for p in plan.inputs]
    of = account.types(plan, inputs)
    steps = tuple(_step(step, of) for step in plan.steps)
    slots = tuple(account.memory(plan, inputs))
    peak = account.peak(slots, len(steps))
    return Explanation(show(graph), describe(plan), how, steps, slots, peak)


def _step(step: Launch | Call, of: list[Type]) -> Step:
    spent = account.cost(step, of)
    if isinstance(step, Call):
        kind = "view" if account.is_view(step.op) else "call"
        return Step(kind, step.op.name, step.shape, step.args, step.outs, spent)
    name = kernel_name(step.kernel)
    text, source = kernel_text(step.kernel), source_of(step, of)
    return Step("kernel", name, step.space, step.args, step.outs, spent, text, source)


def source_of(launch: Launch, of: list[Type]) -> str:
    """What a launch's kernel is compiled from, for operands in rows."""
    return execute.source(launch, [_unfilled(of[slot]) for slot in launch.args])


def _unfilled(of: Type) -> Any:
    """An array in rows that takes no memory, and must not be read."""
    strides = [of.dtype.itemsize]
    for n in reversed(of.shape[1:]):
        strides.insert(0, strides[0] * n)
    return as_strided(np.empty(1, of.dtype), of.shape, strides[: len(of.shape)])


# --- profile --------------------------------------------------------------------------------------


@dataclass
class Row:
    """All runs of one kernel, library call or operation with one shape."""

    kind: str
    name: str
    shape: tuple[int, ...]
    launches: int = 0
    seconds: float = 0.0
    nbytes: int = 0

    @property
    def rate(self) -> float:
        """Bytes a second that are read and written."""
        return self.nbytes / self.seconds if self.seconds else 0.0


@dataclass
class Profile:
    """What was run in a `with profile()` block: rows, the one that took most time first.

    `seconds` is the time of the whole block; `counters` say what else was done in it.
    """

    rows: list[Row] = field(default_factory=list)
    seconds: float = 0.0
    counters: Counters = field(default_factory=Counters)

    def __str__(self) -> str:
        best = copy_speed()
        heads = ("kind", "name", "shape", "runs", "ms", "GB/s", "of a copy")
        lines = table(heads, [_profile_row(row, best) for row in self.rows])
        within = sum(row.seconds for row in self.rows)
        c = self.counters
        spent = f"{within * 1e3:.3f} ms of {self.seconds * 1e3:.3f} ms are spent in these"
        made = f"{c.nodes:,} nodes made, {c.plans:,} graphs planned, {c.compilations:,} kernels"
        lines += ["", f"{spent}; a copy moves {best / 1e9:.1f} GB/s"]
        lines += [f"{made} compiled, {size(c.bytes)} of new buffers"]
        return "\n".join(lines)


def _profile_row(row: Row, best: float) -> tuple[str, ...]:
    return (row.kind, row.name, str(list(row.shape)), str(row.launches), f"{row.seconds * 1e3:.3f}",
            f"{row.rate / 1e9:.2f}", f"{row.rate / best:.0%}")  # fmt: skip


@contextmanager
def profile() -> Iterator[Profile]:
    """A `with` block in which each kernel, library call and interpreted operation is timed.

    After the block the Profile has rows with launches, seconds, bytes read and written, and their
    rate, by kernel and shape, of all threads; `print` shows them beside the speed of a copy. Small
    graphs are not run as one while it is on, but operation by operation, so that each is seen.

    >>> x = xp.ones((300, 300))
    >>> with lazytensor.inspect.profile() as found:
    ...     total = float(xp.sum(x @ x))
    >>> sorted(row.name for row in found.rows)
    ['broadcast_to', 'matmul', 'sum']
    """
    found, rows = Profile(), dict[tuple[Any, ...], Row]()

    def timer(done: Timing) -> None:
        key = done.kind, done.name, done.shape
        row = rows.setdefault(key, Row(*key))
        row.launches += 1
        row.seconds += done.seconds
        row.nbytes += done.nbytes

    start = time.perf_counter()
    TIMERS.append(timer)
    try:
        with counting() as done:
            yield found
    finally:
        TIMERS.remove(timer)
        found.seconds = time.perf_counter() - start
        found.rows = sorted(rows.values(), key=lambda row: -row.seconds)
        found.counters = done


@cache
def copy_speed() -> float:
    """Bytes a second, read and written, of a copy of 64 MB by NumPy: measured once in the process.

    >>> lazytensor.inspect.copy_speed() > 1e6
    True
    """
    source = np.ones(1 << 23)
    target = np.empty_like(source)
    times = []
    for _ in range(6):
        start = time.perf_counter()
        np.copyto(target, source)
        times.append(time.perf_counter() - start)
    return 2 * source.nbytes / min(times)


# --- misses ---------------------------------------------------------------------------------------


class Misses(list[Miss]):
    """Misses, oldest first; as text a paragraph each."""

    def __str__(self) -> str:
        return "\n".join(map(str, self)) or "nothing was missed"


def why_missed(f: Callable[..., Any] | None = None) -> Misses:
    """Why the last calls of compiled functions, and the last graphs, found no program or plan.

    For each: which cache, what was asked for, and what is different from the nearest that was
    there. With a function of `jit`, its own misses only. Raises TypeError for any other.

    >>> double = lazytensor.jit(lambda x: x * 2)
    >>> for n in (32, 33):
    ...     _ = double(xp.ones((n, 4)))
    >>> print(lazytensor.inspect.why_missed(double)[-1])
    jit cache, <lambda>: the nearest program is for other arguments
        argument 0: shape (32, 4) before, (33, 4) now
    """
    if f is None:
        return Misses([*graph_misses(), *(miss for _, miss in MISSES)])
    if not isinstance(f, Jitted | Bound):
        raise TypeError(f"why_missed: f must be a function of jit, got {type(f).__name__}")
    jitted = f.__wrapped__ if isinstance(f, Bound) else f
    return Misses([miss for of, miss in MISSES if of() is jitted])


# --- text -----------------------------------------------------------------------------------------


def size(nbytes: int) -> str:
    """`1.5 MB`, in powers of 1000."""
    value = float(nbytes)
    for unit in ("B", "kB", "MB"):
        if value < 1000:
            return f"{value:.4g} {unit}"
        value /= 1000
    return f"{value:.4g} GB"


def table(heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> list[str]:
    """Lines with columns of one width."""
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in (heads, *rows)]


publish(globals())
