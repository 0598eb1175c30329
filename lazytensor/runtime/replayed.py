"""Plans that are run again and again as lines of Python: what is the same in each run is looked up
once, and slots are variables.

What enters: a plan for the host. What leaves: a function of the values of its inputs, in its slots,
and of the graph that they are of. A variable is let go of where a step drops its slot, so that
references are counted as where steps are run one by one. It must not know when a plan is run so.

Launches whose results are outputs, and nothing else, may write these over inputs that die with the
graph, as an optimiser's update of the weights does. A run that ends before all outputs have values
must leave the inputs as they were: so these launches are left to whoever gives the values.
"""

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from .._base.lines import Lines
from .._base.module import module
from .._base.record import replace
from .._base.shapes import prod
from ..ir.graph import Graph
from ..lower.kernel import Batch, Call, Launch, Plan
from ..lower.memory import over
from .buffers import POOL, POOLED
from .counters import COUNTERS
from .interpret import counted

__all__ = ["AFTER", "MOST", "replayed"]

# Runs after which a plan is written out, and steps that it has at most: writing takes as long as
# some ten runs.
AFTER, MOST = 16, 1024
# Bytes of what is computed once and kept, and the kinds of rows that it is of.
SMALL_CONSTANT = 1 << 16
_CONSTANT = frozenset(("create", "movement"))


Runs = Mapping[type, Callable[..., Any]]
Deferred = tuple[tuple[Launch, ...], frozenset[int]]


def replayed(
    plan: Plan, graph: Graph, run: Runs, bound: Callable[..., Any], outputs: Callable[..., Any],
    late: Callable[..., Any],
) -> Callable[..., Any]:  # fmt: skip
    """The function (slots, graph) → values of the outputs, which uses up the slots. `run` has
    what runs a step of each type, `(step, arguments, graph)` → values; a batch's arguments and
    values are lists of its launches'. `bound(launch, arguments)` binds one, and `outputs(launch,
    arguments, bound)` gives arrays for its outputs. `late(launches, arguments, graph)` gives lists
    of the values that launches will have when the graph's `late` calls are made, or None. `graph`
    is one that the plan is for.
    """
    lines = Lines(
        COUNTERS=COUNTERS, array=np.ndarray, bound=bound, counted=counted, empty=np.empty,
        late=late, module=module, numpy=np, outputs=outputs, pooled=POOL.array,
    )  # fmt: skip
    given = len(plan.inputs)
    if given:
        lines.add(f"{_listed(range(given))} = slots[:{given}]")
    lines.add("slots.clear(); np = module()")
    lasting = dict(plan.constants)
    steps = [step for step in plan.runs if not _settled(step, lasting, plan.outputs)]
    lines.names.update({f"v{slot}": value for slot, value in lasting.items()})
    deferred = dict(_deferred(plan, graph, steps))
    if deferred:
        plan.dying = frozenset().union(*[places for _, places in deferred.values()])
        lines.add("graph.late.clear()")
    direct = []
    for i, step in enumerate(steps):
        if i in deferred:
            _either(lines, step, run, *deferred[i])
        elif _written(lines, step, run):
            direct.append(step)
        _dropped(lines, step, lasting)
    calls = [step for step in direct if type(step) is Call and step.op.kind != "movement"]
    launches = [step for step in direct if type(step) is Launch]
    lines.add(f"COUNTERS.calls += {len(calls)}; {_counts(launches)}")
    lines.add(f"return [{_listed(plan.outputs)}]")
    return lines.function("slots, graph", "plan")


def _counts(launches: Sequence[Launch]) -> str:
    """A line that counts launches that were made directly, and new outputs of theirs."""
    new = [launch for launch in launches if not launch.over]
    made = sum([prod(s) * d.itemsize for x in new for s, d in zip(x.shapes, x.dtypes)])
    return f"COUNTERS.kernels += {len(launches)}; COUNTERS.bytes += {made}"


def _deferred(plan: Plan, graph: Graph, steps: Sequence[Any]) -> Iterator[tuple[int, Deferred]]:
    """Steps that may be carried out last, over inputs: by number their launches, which say so, and
    the places of these inputs.
    """
    inputs = [graph.order[place] for place in plan.inputs]
    sizes = {i: node.size for i, node in enumerate(inputs) if type(node.dtype) is not tuple}
    read = {slot for step in plan.steps for slot in step.args}
    for i, step in enumerate(steps):
        launches = _launches(step)
        again = []
        for launch in launches:
            ends = type(launch) is Launch and launch.views and read.isdisjoint(launch.outs)
            pairs = over(launch, sizes) if ends else ()
            again += [replace(launch, over=pairs, bound={})] if pairs else []
        if len(again) == len(launches):
            slots = {launch.args[number] for launch in again for number, _ in launch.over}
            yield i, (tuple(again), frozenset([plan.inputs[slot] for slot in slots]))


def _launches(step: Any) -> Sequence[Any]:
    """Those of a batch, or a step alone."""
    launches: Sequence[Any] = step.launches if type(step) is Batch else (step,)
    return launches


def _sets(launches: Sequence[Any]) -> tuple[str, str]:
    """Lists of launches' arguments, and of their outputs."""
    args = ", ".join([f"[{_listed(launch.args)}]" for launch in launches])
    return args, "".join([f"[{_listed(launch.outs)}], " for launch in launches])


def _listed(slots: Sequence[int] | range) -> str:
    return "".join([f"v{slot}, " for slot in slots])


def _settled(step: Any, lasting: dict[int, Any], outputs: Sequence[int]) -> bool:
    """Whether a step gives the same in each run, which is computed now: a call that reads constants
    alone, of something small that stays within the plan.
    """
    if type(step) is not Call or not _is_direct(step) or step.op.outputs > 1:
        return False
    if step.index is not None or step.outs[0] in outputs or not lasting.keys() >= {*step.args}:
        return False
    if prod(step.shape) * step.dtype.itemsize > SMALL_CONSTANT or step.op.kind not in _CONSTANT:
        return False
    args = [lasting[slot] for slot in step.args]
    found = counted(step.op.value(module(), *args, *step.params))
    found.flags.writeable = False
    lasting[step.outs[0]] = found
    return True


def _either(
    lines: Lines, step: Any, run: Runs, again: tuple[Launch, ...], places: frozenset[int]
) -> None:
    """Write a step that is left for later where its inputs die."""
    args, made = _sets(_launches(step))
    found = f"late({lines.name(again)}, [{args}], graph)"
    lines.add(f"w = {found} if {lines.name(places)} <= graph.dying else None")
    lines.add(f"if w is not None: {made}= w")
    lines.add("else:")
    start = len(lines.text)
    if _written(lines, step, run):
        lines.add(_counts((step,)))
    lines.text[start:] = [f"    {line}" for line in lines.text[start:]]


def _written(lines: Lines, step: Any, run: Runs) -> bool:
    """Write a step; whether what it does is counted when all have run."""
    kind = type(step)
    if kind is Launch:
        _launch(lines, step)
        return True
    if kind is Call and _is_direct(step):
        _call(lines, step)
        return True
    _one(lines, step, run[kind])
    return False


def _dropped(lines: Lines, step: Any, lasting: Container[int]) -> None:
    """Write what a step drops."""
    dropped = [f"v{slot} = " for slot in dict.fromkeys(step.drops) if slot not in lasting]
    if dropped:
        lines.add(f"{''.join(dropped)}None")


def _one(lines: Lines, step: Any, run: Callable[..., Any]) -> None:
    """Write a step that is run as it is."""
    if type(step) is Batch:
        args, made = _sets(step.launches)
    else:
        made, args = _listed(step.outs), _listed(step.args)
    lines.add(f"{made}= {lines.name(run)}({lines.name(step)}, [{args}], graph)")


def _launch(lines: Lines, step: Launch) -> None:
    """Write a launch."""
    args, outs = _listed(step.args), _listed(step.outs)
    key = "".join([f"v{step.args[i]}.strides, " for i in step.varied])
    lines.add(f"b = {lines.name(step.bound)}.get(({key}))")
    lines.add(f"if b is None: b = bound({lines.name(step)}, [{args}])")
    if step.over:
        lines.add(f"{outs}= outputs({lines.name(step)}, [{args}], b)")
    else:
        for slot, shape, dtype in zip(step.outs, step.shapes, step.dtypes, strict=True):
            lines.add(f"v{slot} = {_room(lines, shape, dtype)}")
    lines.add("d = b.direct")
    lines.add(f"if d is None or d[0](d[1], 0, d[2], {args}{outs}): b([{args}], [{outs}])")


def _room(lines: Lines, shape: tuple[int, ...], dtype: Any) -> str:
    """An array for an output, as `buffers.empty` makes one."""
    count, of, like = prod(shape), lines.name(shape), lines.name(dtype)
    if count * dtype.itemsize < POOLED:
        return f"empty({of}, {like})"
    return f"pooled({count}, {like}).reshape({of})"


def _is_direct(step: Call) -> bool:
    """Whether a call is its row's value, or a view, and no more: what it raises need not be told
    where the array was made, and it is not written over its argument.
    """
    return not (step.over or step.op.fails)


def _call(lines: Lines, step: Call) -> None:
    """Write a call."""
    made = f"v{step.outs[0]}"
    if step.index is not None:
        lines.add(f"{made} = v{step.args[0]}[{lines.name(step.index)}]")
        return
    shown = step.shown and step.op.view is not None
    given = "".join([f"{lines.name(p)}, " for p in step.params])
    value = f"{lines.name(step.op)}.{'view' if shown else 'value'}"
    lines.add(f"{made} = {value}({'numpy' if shown else 'np'}, {_listed(step.args)}{given})")
    if not shown:
        lines.add(f"if type({made}) is not array: {made} = counted({made})")
        lines.add(f"elif {made}.base is None: COUNTERS.bytes += {made}.nbytes")
