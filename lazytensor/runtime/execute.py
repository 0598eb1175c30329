"""Runs plans: kernels through the target, everything else through the rows' value columns.

What enters: a plan and the graph whose leaves it reads. What leaves: the values of the outputs.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from .._base import config
from .._base.log import log
from .._base.module import module
from .._base.processors import count
from ..ir.graph import Graph
from ..lower.account import is_view
from ..lower.kernel import Batch, Call, Kernel, Launch, Plan
from ..lower.segments import Segments
from ..lower.text import kernel_name
from ..lower.totals import Totals
from ..targets import null
from ..targets import numpy as target
from . import gpus, native
from .buffers import POOL, empty, spare, spared
from .counters import COUNTERS
from .interpret import evaluate, quietly, write_over
from .observe import TIMERS, Timing
from .replayed import AFTER, MOST, replayed

_kernels: dict[Any, target.Compiled] = {}
_by_kernel: dict[tuple[Kernel, int], target.Compiled] = {}
MOST_KERNELS = 4096
# Ways in which the arguments of a launch lie that are remembered.
MOST_BOUND = 64
_SETTINGS = "target", "debug"


def compiled(kernel: Kernel) -> target.Compiled:
    """The reference's compiled kernel, from the cache if its text was compiled before."""
    np = module()
    known = _by_kernel.get((kernel, id(np)))
    if known is not None:
        return known
    source = target.emit(kernel, np)
    found = _kernels.get(source.key)
    if found is None:
        COUNTERS.compilations += 1
        log(4, source.text)
        if len(_kernels) >= MOST_KERNELS:
            _kernels.clear()
            _by_kernel.clear()
        found = target.compile_source(source, f"<lazytensor kernel {COUNTERS.compilations}>")
        _kernels[source.key] = found
    _by_kernel[kernel, id(np)] = found
    return found


def source(launch: Launch, args: list[Any]) -> str:
    """The text that a launch's kernel is compiled from for the target in force, for operands that
    lie as these.
    """
    if isinstance(launch, Segments):
        box = launch.boxes[0]
        return source(box.launch, [args[i][key] for i, key in box.takes])
    text = native.source(launch, args) if config.get("target") == "llvm" else None
    return text or target.emit(launch.kernel, module()).text


def prepare(plan: Plan, graph: Graph) -> Plan:
    """Compile the kernels of a plan, where the target in force does so before they are run."""
    if gpus.active() and any(step.device is not None for step in plan.steps):
        gpus.loaded().prepared(plan, graph)
    if config.get("target") == "numpy":
        for step in plan.steps:
            if isinstance(step, Launch) and step.device is None:
                step.compiled = compiled(step.kernel)
    return plan


def execute(plan: Plan, graph: Graph) -> list[Any]:
    """Values of the graph's outputs. Raises what a row's value raises, with the user's line, and
    MemoryError.
    """
    try:
        return quietly(_execute, plan, graph)  # type: ignore[no-any-return]
    except MemoryError:
        POOL.clear()
        gpus.clear()
        return quietly(_execute, plan, graph)  # type: ignore[no-any-return]


def _execute(plan: Plan, graph: Graph) -> list[Any]:
    env: list[Any] = [None] * plan.slots
    for slot, place in enumerate(plan.inputs):
        env[slot] = graph.order[place].value
    for slot, buffer in plan.constants:
        env[slot] = buffer
    return steps(plan, env, graph)


def _run(step: Any, env: Any, graph: Graph) -> None:
    if step.device is None:
        _run_here(step, env, graph)
    else:
        gpus.loaded().run(step, env, graph, _run_here)


def steps(plan: Plan, env: list[Any], graph: Graph) -> list[Any]:
    """Values of the outputs, with the slots of inputs and constants filled: the rest is filled,
    and what is not read any more is dropped. Warnings are off.
    """
    name, debug = config.several(_SETTINGS)
    run: Callable[..., None]
    run = _pretend if name == "null" else _timed if debug >= 2 or TIMERS else _run
    if run is _run:
        if plan.captured is not None:
            return plan.captured(plan, env, graph, _one_by_one)  # type: ignore[no-any-return]
        if plan.replayed is not None:
            return plan.replayed(env, graph)  # type: ignore[no-any-return]
        plan.ran += 1
        if plan.ran == AFTER and _on_host(plan):
            plan.replayed = replayed(plan, graph, _STEPS, _bound, _outputs, _late)
    return _one_by_one(plan, env, graph, run)


def _on_host(plan: Plan) -> bool:
    """Whether a plan is of few steps, none of them on a GPU."""
    return len(plan.runs) <= MOST and all(step.device is None for step in plan.runs)


def _one_by_one(
    plan: Plan, env: list[Any], graph: Graph, run: Callable[..., None] = _run
) -> list[Any]:
    for step in plan.runs if run is _run else plan.steps:
        run(step, env, graph)
        for slot in step.drops:
            env[slot] = None
    return [env[slot] for slot in plan.outputs]


def _run_here(step: Any, env: Any, graph: Graph) -> None:
    """Run a step on the host."""
    kind = type(step)
    if kind is Batch:
        sets = [[env[i] for i in launch.args] for launch in step.launches]
        for launch, outs in zip(step.launches, _batch(step, sets, graph)):
            for slot, out in zip(launch.outs, outs):
                env[slot] = out
        return
    args = [env[i] for i in step.args]
    for slot, out in zip(step.outs, _STEPS[kind](step, args, graph)):
        env[slot] = out


def _launched(step: Launch, args: list[Any]) -> list[Any]:
    """The outputs of a launch."""
    bound = _bound(step, args)
    outs = _outputs(step, args, bound)
    if bound.direct is not None:  # the same in fewer steps, unless something isn't an array
        call, words, count = bound.direct
        if not call(words, 0, count, *args, *outs):
            return outs
    bound(args, outs)
    return outs


def _launch(step: Launch, args: list[Any], graph: Graph) -> list[Any]:
    COUNTERS.kernels += 1
    return _boxes(step, args) if isinstance(step, Segments) else _launched(step, args)


def _batch(batch: Batch, given: list[list[Any]], graph: Graph) -> list[list[Any]]:
    """Run launches of one kernel: with one call, where their operands lie alike."""
    bounds, sets = [], []
    for launch, args in zip(batch.launches, given, strict=True):
        bound = _bound(launch, args)
        bounds.append(bound)
        sets.append((args, _outputs(launch, args, bound)))
    COUNTERS.kernels += len(sets)
    alike = bounds[0].alike
    if alike and all([b.alike == alike for b in bounds]):  # noqa: C419  (quicker than a generator)
        bounds[0].each(sets)
    else:
        for bound, operands in zip(bounds, sets, strict=True):
            bound(*operands)
    return [outs for _, outs in sets]


def _late(
    launches: Sequence[Launch], given: list[list[Any]], graph: Graph
) -> list[list[Any]] | None:
    """The outputs of launches over arguments that nothing else has but the graph's leaves and a
    variable of the caller's, which they will hold once the graph's `late` calls were made; None
    where one has no such argument, or is more than one call.
    """
    calls = []
    for launch, args in zip(launches, given):
        bound = _bound(launch, args)
        if bound.whole is None or (bound.direct is None and count() > 1):
            return None
        call, words, rows = bound.whole
        found = spared(args, bound.over, 1)
        if not found:
            return None
        arrays = [np.asarray(a) for a in args]  # some may be scalars
        calls.append((call, words, 0, rows, arrays, _over(launch, found)))
    COUNTERS.kernels += len(calls)
    graph.late += [(*call, *args, *outs) for *call, args, outs in calls]
    return [outs for *_, outs in calls]


def _outputs(step: Launch, args: list[Any], bound: Any) -> list[Any]:
    """Arrays for the outputs: that of an argument that nothing else has any more, where the plan
    and the kernel allow it, else new ones.
    """
    over = spared(args, bound.over) if bound.over else None
    if not over:
        streams = bound.streams
        return [empty(shape, dtype, streams) for shape, dtype in zip(step.shapes, step.dtypes)]
    return _over(step, over)


def _over(step: Launch, over: Mapping[int, Any]) -> list[Any]:
    """Arrays for the outputs, some of which are to have those of arguments."""
    outs = []
    for j, shape in enumerate(step.shapes):
        out = over.get(j)
        if out is None:
            out = empty(shape, step.dtypes[j])
        outs.append(out if out.shape == shape else out.reshape(shape))
    return outs


def _boxes(step: Segments, args: list[Any]) -> list[Any]:
    """The outputs of a launch that goes box by box."""
    outs = [empty(shape, dtype) for shape, dtype in zip(step.shapes, step.dtypes)]
    for box in step.boxes:
        pieces = [args[i][key] for i, key in box.takes]
        parts = [out[box.out] for out in outs]
        bound = _bound(box.launch, pieces)
        if isinstance(bound, _Reference):
            made = [np.empty(part.shape, part.dtype) for part in parts]
            bound(pieces, made)
            for part, found in zip(parts, made, strict=True):
                part[...] = found
        else:
            bound(pieces, parts)
    return outs


def _bound(step: Launch, args: list[Any]) -> Any:
    """A launch as a function of (args, outs), for arguments that lie like these."""
    key = tuple([args[i].strides for i in step.varied]) if step.varied else ()
    found = step.bound.get(key)
    if found is None:
        if step.compiled is None:
            found = native.bound(step, args)
        if len(step.bound) >= MOST_BOUND:
            step.bound.clear()
        found = step.bound[key] = found or _LEFT.get(type(step), _Reference)(step)
    return found


class _Reference:
    """A launch by the reference's kernel."""

    __slots__ = ("_step", "over")
    alike, direct, streams, whole = b"", None, False, None

    def __init__(self, step: Launch) -> None:
        if step.compiled is None:
            step.compiled = compiled(step.kernel)
        self._step = step
        self.over = tuple(pair for pair in step.over if pair in step.compiled.over)

    def __call__(self, args: list[Any], outs: list[Any]) -> None:
        block = config.get("block_bytes")
        forwards = [a.copy() if min(a.strides, default=0) < 0 else a for a in args]
        target.run(self._step, self._step.compiled, forwards, outs, block, count())


class _Apart:
    """A launch with sums over its rows, one after another: the target has no code for both."""

    __slots__ = ("_step",)
    alike, direct, over, streams, whole = b"", None, (), False, None

    def __init__(self, step: Totals) -> None:
        self._step = step

    def __call__(self, args: list[Any], outs: list[Any]) -> None:
        step = self._step
        assert step.apart is not None
        known, own = dict(zip(step.outs, outs, strict=True)), args[: len(step.apart.args)]
        made = [
            known[slot] if slot in known else empty(shape, dtype)
            for slot, shape, dtype in zip(
                step.apart.outs, step.apart.shapes, step.apart.dtypes, strict=True
            )
        ]
        _bound(step.apart, own)(own, made)
        for total in step.totals:
            x = args[total.number] if total.of_input else made[total.number]
            own = [x if i < 0 else args[i] for i in total.args]
            _bound(total.launch, own)(own, [known[slot] for slot in total.launch.outs])


_LEFT: dict[type, Callable[..., Any]] = {Totals: _Apart}


def _timed(step: Any, env: list[Any], graph: Graph) -> None:
    """Run a step, and tell of its time and of the bytes that it reads and writes."""
    moved = sum([_nbytes(env[i]) for i in step.args])
    start = time.perf_counter()
    _run(step, env, graph)
    if step.device is not None:
        gpus.loaded().wait(step.device)
    seconds = time.perf_counter() - start
    moved += sum([_nbytes(env[i]) for i in step.outs])
    if isinstance(step, Call):
        counted = 0 if is_view(step.op) else moved
        done = Timing("call", step.op.name, step.shape, seconds, counted)
    else:
        done = Timing("kernel", kernel_name(step.kernel), step.space, seconds, moved)
    log(2, f"{done.name}: {seconds * 1e3:.3f} ms, {moved / seconds / 1e9:.2f} GB/s")
    for timer in TIMERS:
        timer(done)


def _nbytes(value: Any) -> int:
    return sum(v.nbytes for v in value) if type(value) is tuple else value.nbytes


def _call(step: Call, args: list[Any], graph: Graph) -> tuple[Any]:
    if step.index is not None:
        return (args[0][step.index],)
    if step.shown and step.op.view is not None:
        return (step.op.view(np, *args, *step.params),)
    COUNTERS.calls += step.op.kind != "movement"
    nodes = [graph.order[place] for place in step.places]
    if step.over and spare(args, 0):
        return (write_over(module(), step.op, args, step.params, nodes),)
    return (evaluate(module(), step.op, args, step.params, nodes),)


# What runs a step of each type on the host: (step, arguments, graph) → values.
_STEPS: dict[type, Callable[..., Any]] = {
    Call: _call, Batch: _batch, Launch: _launch, Segments: _launch, Totals: _launch,
}  # fmt: skip


def _pretend(step: Any, env: list[Any], graph: Graph) -> None:
    """Count a step; its results take no memory."""
    if isinstance(step, Call):
        COUNTERS.calls += step.op.kind != "movement"
        many = step.op.outputs > 1
        shapes, dtypes = (step.shape, step.dtype) if many else ((step.shape,), (step.dtype,))
        found = tuple(null.nothing(s, d) for s, d in zip(shapes, dtypes, strict=True))
        env[step.outs[0]] = found if many else found[0]
        return
    COUNTERS.kernels += 1
    for slot, shape, dtype in zip(step.outs, step.shapes, step.dtypes, strict=True):
        env[slot] = null.nothing(shape, dtype)
