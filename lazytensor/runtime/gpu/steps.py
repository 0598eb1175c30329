"""Steps of a plan on the device that they are for.

What enters: a step, slots with arrays. What leaves: the step's outputs in their slots. What a
device has no code for is computed by the host. It must not know how plans are made.
"""

from collections.abc import Callable
from typing import Any

from ..._base import config
from ..._base.devices import Device, is_gpu
from ..._base.log import log
from ...ir.graph import Graph
from ...lower.kernel import Batch, Call, Launch, Plan, Step
from ...ops.movement import reshape
from ...targets.cuda import Unsupported
from ...targets.cuda.calls import has
from ..counters import COUNTERS
from . import linalg, transforms
from .ahead import compile_ahead
from .calls import called
from .captured import captured, let_go
from .checks import MADE
from .copies import contiguous, copied, fetch, moved, tell_waits
from .driver import driver, use
from .launches import launched, launched_together
from .memory import NOW, block, need_host, number, pooled, put, there
from .pinned import BLOCKS, pinned
from .runs import stepped, tell, tell_all
from .transforms import transformed
from .views import view_of

__all__ = [
    "BLOCKS",
    "block",
    "capsule",
    "clear",
    "copy",
    "count",
    "driver",
    "foreign",
    "interface",
    "own_number",
    "pinned",
    "pooled",
    "prepared",
    "read",
    "run",
    "synchronize",
    "tell",
    "tell_waits",
    "there",
    "use",
    "wait",
]

Host = Callable[[Any, Any, Graph], None]


def run(step: Step | Batch, env: list[Any], graph: Graph, host: Host) -> None:
    """Run a step on its device; `host` runs one whose arrays are in memory of the host."""
    if isinstance(step, Batch):
        _batch(step, env, graph, host)
        return
    device = step.device
    with driver().on(number(device)):
        if isinstance(step, Call) and step.op.kind == "transfer":
            x = env[step.args[0]]
            env[step.outs[0]] = found = _transferred(x, step.params[-1])
            if there(x) and there(found):
                stepped(device, (x,), (found,))
            return
        made = _noted(step, _args(step, env), graph, host)
        for slot, out in zip(step.outs, made, strict=True):
            env[slot] = out


def _noted(step: Step, args: list[Any], graph: Graph, host: Host) -> list[Any]:
    """The outputs of a step; what is to be looked at before they are read is noted."""
    before, MADE.checks = MADE.checks, []
    try:
        made = _called(step, args, graph) if isinstance(step, Call) else _launched(step, args)
        if made is None:
            made = _by_host(step, args, graph, host)
        if NOW.capture is None:
            stepped(step.device, args, made, MADE.checks)
        return made
    finally:
        MADE.checks = before


def _args(step: Step, env: list[Any]) -> list[Any]:
    """Arguments on the step's device, which is the current one."""
    for i in step.args:
        if not _within(env[i]):
            need_host()
            env[i] = put(env[i], step.device)
    return [env[i] for i in step.args]


def _batch(batch: Batch, env: list[Any], graph: Graph, host: Host) -> None:
    """Run launches of one kernel as one."""
    try:
        with driver().on(number(batch.device)):
            args = [_args(step, env) for step in batch.launches]
            made = launched_together(batch, args)
    except Unsupported:
        for step in batch.launches:
            run(step, env, graph, host)
        return
    COUNTERS.kernels += len(made)
    for step, own, outs in zip(batch.launches, args, made, strict=True):
        if NOW.capture is None:
            stepped(batch.device, own, outs)
        for slot, out in zip(step.outs, outs, strict=True):
            env[slot] = out


def _within(x: Any) -> bool:
    """Whether an array, or all of several, is on a device."""
    return all(map(there, x)) if type(x) is tuple else there(x)


def _launched(step: Launch, args: list[Any]) -> list[Any] | None:
    try:
        made = launched(step, args)
    except Unsupported as reason:
        log(1, f"kernel of {len(step.kernel.stages)} stages left to the host: {reason}")
        return None
    COUNTERS.kernels += 1
    return made


def _called(step: Call, args: list[Any], graph: Graph) -> list[Any] | None:
    """The output of a call; None for what the host does."""
    found = view_of(step, args)
    if found is not None:
        return [found]
    if step.op is reshape:
        return [contiguous(args[0], step.device).reshape(step.shape)]
    nodes = [graph.order[place] for place in step.places]
    made = called(step, args, nodes) if has(step.op) else None
    if made is None and linalg.has(step.op):
        made = linalg.solved(step, args, nodes)
    if made is not None:
        COUNTERS.calls += 1
        return [made]
    if step.op.kind in LIBRARY:
        COUNTERS.calls += 1
        return [LIBRARY[step.op.kind](step, args)]
    return None


def _multiplied(step: Call, args: list[Any]) -> Any:
    return driver().call(step.op.value, args, step.params)


# Kinds of rows whose value columns are calls of libraries that GPUs have too.
LIBRARY: dict[str, Callable[[Call, list[Any]], Any]] = {
    "contract": _multiplied,
    "fft": transformed,
}


def _by_host(step: Step, args: list[Any], graph: Graph, host: Host) -> list[Any]:
    """The outputs of a step by way of the host."""
    need_host()
    if isinstance(step, Call):
        log(1, f"{step.op.name} on {step.device} left to the host")
    env = {slot: _fetched(x) for slot, x in zip(step.args, args, strict=True)}
    host(step, env, graph)
    return [put(env[slot], step.device) for slot in step.outs]


def _transferred(x: Any, device: Device) -> Any:
    return moved(x, device) if is_gpu(device) else _fetched(x)


def _fetched(x: Any) -> Any:
    """An array, or several, in memory of the host."""
    if type(x) is tuple:
        return tuple(map(_fetched, x))
    return read(x) if there(x) else x


def foreign(x: Any) -> Any:
    """Another library's array on a GPU as CuPy's, over the same memory."""
    return driver().foreign(x)


def read(x: Any) -> Any:
    """What is on a device in memory of the host. Raises what was found wrong on the way to it."""
    tell(x)
    return fetch(x)


def capsule(x: Any, **how: Any) -> Any:
    """A DLPack capsule of an array; `how` is what `__dlpack__` is asked for."""
    return driver().capsule(x, **how)


def interface(x: Any) -> dict[str, Any]:
    """`__cuda_array_interface__` of an array, ordered in the current stream."""
    return driver().interface(x)


def copy(x: Any) -> Any:
    """A copy of an array on its own device."""
    with driver().on(x.device.id):
        return copied(x, Device(f"cuda:{x.device.id}"))


def own_number(x: Any, device: Device) -> Any:
    """One number, wherever it is, on a device in memory that nothing else has."""
    with driver().on(number(device)):
        return copied(moved(x, device), device)


def prepared(plan: Plan, graph: Graph) -> None:
    """Compile what a plan will need; note that it may be captured, if it may."""
    compile_ahead(plan, graph)
    plan.captured = captured(plan) if config.get("cuda_graphs") else None


def count() -> int:
    """How many GPUs there are."""
    return driver().count()


def clear() -> None:
    """Give the memory of devices back that nothing uses, that of CUDA graphs first."""
    let_go()
    transforms.forget()
    driver().clear()


def wait(device: Device) -> None:
    """Until a device has done what it was asked for."""
    with driver().on(number(device)):
        driver().synchronize()


def synchronize(device: Device) -> None:
    """Wait for a device. Raises what was found wrong there and nobody has been told of."""
    wait(device)
    tell_all(device)
