"""Launches of kernels on a device.

What enters: steps that are kernels; arrays of the device. What leaves: outputs, filled. It must not
know plans.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..._base.dtypes import uint8
from ...lower.kernel import Batch, Launch
from ...targets.cuda import Bound, Command, bound, source, together
from .code import function
from .driver import Array, driver
from .memory import NOW, empty, number, sent, shaped
from .spare import spared

# How addresses lie that a kernel's form may depend on; ways of lying that a step remembers; what
# scratch memory begins at a multiple of.
ALIGNED, MOST_BOUND, LINE = 16, 64, 256
NAME = "kernel"


class _Ready(NamedTuple):
    """Functions with what they are launched with, and bytes of scratch memory."""

    jobs: tuple[tuple[Any, Any], ...]
    scratch: int
    over: tuple[tuple[int, int], ...] = ()


def launched(step: Launch, args: Sequence[Array]) -> list[Array]:
    """The outputs of a launch on its device, which is the current one. Raises `Unsupported`, and
    MemoryError.
    """
    ready = _remembered(step, "launch", args, lambda: _of_bound(step, [_lies(step, args)]))
    over = [pair for pair in step.over if pair in ready.over]
    outs = _new(step, spared(args, over) if over else {})
    _run(ready, [*args, *outs])
    return outs


def launched_together(batch: Batch, sets: Sequence[Sequence[Array]]) -> list[list[Array]]:
    """The outputs of launches of one kernel, as of one."""
    first, args = batch.launches[0], [x for own in sets for x in own]
    found = [(step, own) for step, own in zip(batch.launches, sets, strict=True)]
    ready = _remembered(
        first, ("batch", len(sets)), args, lambda: _of_bound(first, [_lies(*x) for x in found])
    )
    outs = [_new(step, {}) for step in batch.launches]
    _run(ready, [x for own, out in zip(sets, outs, strict=True) for x in (*own, *out)])
    return outs


def _new(step: Launch, over: Mapping[int, Array]) -> list[Array]:
    """Arrays for outputs: new ones, but for those that have the memory of others."""
    return [_place(step, j, over.get(j)) for j in range(len(step.outs))]


def _place(step: Launch, j: int, over: Array | None) -> Array:
    """Where an output goes: over an argument, if nothing else is wanted; that of a CUDA graph where
    the graph is to leave it, unless its argument is an input of the graph.
    """
    shape, capture = step.shapes[j], NOW.capture
    if capture is not None and id(over) not in capture.given:
        wanted = capture.into(step.outs[j])
        over = over if wanted is None else wanted
    return empty(shape, step.dtypes[j]) if over is None else shaped(over, shape)


def _lies(step: Launch, args: Sequence[Any]) -> Bound:
    """A launch bound to how arguments lie; of stubs as of arrays."""
    return bound(step, args, [_address(x) % ALIGNED for x in args])


def _address(x: Any) -> int:
    place = getattr(x, "__array_interface__", None)
    return int(x.data.ptr if place is None else place["data"][0])


def _remembered(
    step: Launch, what: Any, args: Sequence[Array], make: Callable[[], _Ready]
) -> _Ready:
    """What arrays that lie like these have been launched with."""
    key = ("cuda", what, *[(x.strides, x.data.ptr % ALIGNED) for x in args])
    found = step.bound.get(key)
    if found is None:
        if len(step.bound) >= MOST_BOUND:
            step.bound.clear()
        found = step.bound[key] = make()
    return found


def _of_bound(step: Launch, bounds: Sequence[Bound]) -> _Ready:
    found = _one(bounds)
    jobs = ((of_device(source(c.kernel, c.form), step.device), c) for c in found.commands)
    return _Ready(tuple(jobs), found.scratch, found.over)


def _one(bounds: Sequence[Bound]) -> Bound:
    """Launches as one."""
    return bounds[0] if len(bounds) == 1 else together(bounds)


def of_device(text: str, device: Any) -> Any:
    """The function in a text, on a device, which is the current one."""
    return function(text, NAME, number(device))


def _run(ready: _Ready, operands: Sequence[Array]) -> None:
    """Launch commands over arguments and outputs."""
    room = scratch(ready.scratch)
    addresses = [*(x.data.ptr for x in operands), room[0]]
    for run, c in ready.jobs:
        words = c.words(addresses)
        far = _far(words) if c.form.far else None
        given = words if far is None else [far.data.ptr]
        driver().launch(run, c.grid, c.threads, c.shared, given)


def _far(words: Sequence[int]) -> Array:
    """Words on the device, for a kernel that reads them there."""
    host, capture = np.array(words, np.int64), NOW.capture
    if capture is None:
        return sent(host)
    with capture.outside():
        capture.kept.append(sent(host))
    return capture.kept[-1]


def scratch(size: int) -> tuple[int, Any]:
    """An address with so many bytes behind it, and what they belong to."""
    if not size:
        return 0, None
    room = empty((size + LINE,), uint8)
    return room.data.ptr + -room.data.ptr % LINE, room


def texts(step: Launch | Batch, sets: Sequence[Sequence[Any]]) -> Iterable[str]:
    """What is compiled for launches on arrays of NumPy's that lie as theirs. Raises
    `Unsupported`.
    """
    launches = step.launches if isinstance(step, Batch) else (step,)
    bounds = [_lies(one, args) for one, args in zip(launches, sets, strict=True)]
    commands: Iterable[Command] = _one(bounds).commands
    return [source(c.kernel, c.form) for c in commands]
