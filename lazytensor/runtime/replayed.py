"""Plans that are run again and again as lines of Python: what is the same in each run is looked up
once, and slots are variables.

What enters: a plan for the host. What leaves: a function of the values of its inputs, in its slots,
and of the graph that they are of. A variable is let go of where a step drops its slot, so that
references are counted as where steps are run one by one. It must not know when a plan is run so.
"""

from collections.abc import Callable, Container, Mapping, Sequence
from typing import Any

import numpy as np

from .._base.lines import Lines
from .._base.module import module
from .._base.shapes import prod
from ..lower.kernel import Batch, Call, Launch, Plan
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


def replayed(
    plan: Plan, run: Mapping[type, Callable[..., Any]], bound: Callable[..., Any]
) -> Callable[..., Any]:
    """The function (slots, graph) → values of the outputs, which uses up the slots. `run` has
    what runs a step of each type, `(step, arguments, graph)` → values; a batch's arguments and
    values are lists of its launches'. `bound(launch, arguments)` binds one.
    """
    lines = Lines(
        COUNTERS=COUNTERS, array=np.ndarray, bound=bound, counted=counted, empty=np.empty,
        module=module, numpy=np, pooled=POOL.array,
    )  # fmt: skip
    given = len(plan.inputs)
    if given:
        lines.add(f"{_listed(range(given))} = slots[:{given}]")
    lines.add("slots.clear(); np = module()")
    lasting = dict(plan.constants)
    steps = [step for step in plan.runs if not _settled(step, lasting, plan.outputs)]
    lines.names.update({f"v{slot}": value for slot, value in lasting.items()})
    direct = [step for step in steps if _written(lines, step, run, lasting)]
    calls = [step for step in direct if type(step) is Call and step.op.kind != "movement"]
    launches = [step for step in direct if type(step) is Launch]
    made = sum([prod(s) * d.itemsize for x in launches for s, d in zip(x.shapes, x.dtypes)])
    lines.add(f"COUNTERS.calls += {len(calls)}; COUNTERS.kernels += {len(launches)}")
    lines.add(f"COUNTERS.bytes += {made}")
    lines.add(f"return [{_listed(plan.outputs)}]")
    return lines.function("slots, graph", "plan")


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


def _written(lines: Lines, step: Any, run: Mapping[type, Any], lasting: Container[int]) -> bool:
    """Write a step, and what it drops; whether what it does is counted when all have run."""
    kind = type(step)
    direct = kind is Launch and not step.over
    if direct:
        _launch(lines, step)
    elif kind is Call and _is_direct(step):
        direct = True
        _call(lines, step)
    else:
        _one(lines, step, run[kind])
    dropped = [f"v{slot} = " for slot in dict.fromkeys(step.drops) if slot not in lasting]
    if dropped:
        lines.add(f"{''.join(dropped)}None")
    return direct


def _one(lines: Lines, step: Any, run: Callable[..., Any]) -> None:
    """Write a step that is run as it is."""
    if type(step) is Batch:
        made = "".join([f"({_listed(launch.outs)}), " for launch in step.launches])
        args = ", ".join([f"[{_listed(launch.args)}]" for launch in step.launches])
    else:
        made, args = _listed(step.outs), _listed(step.args)
    lines.add(f"{made}= {lines.name(run)}({lines.name(step)}, [{args}], graph)")


def _launch(lines: Lines, step: Launch) -> None:
    """Write a launch whose outputs are new."""
    args, outs = _listed(step.args), _listed(step.outs)
    key = "".join([f"v{step.args[i]}.strides, " for i in step.varied])
    lines.add(f"b = {lines.name(step.bound)}.get(({key}))")
    lines.add(f"if b is None: b = bound({lines.name(step)}, [{args}])")
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
        lines.add(f"if type({made}) is not array or {made}.base is None: {made} = counted({made})")
