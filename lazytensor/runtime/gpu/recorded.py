"""One CUDA graph: how it is captured, and run again.

What enters: slots filled with a plan's inputs, and arrays for results. What leaves: the values of
the plan's outputs. A graph has the addresses that it was captured with: it reads inputs that lie
there, and leaves results where it did then. It must not know which graphs there are.
"""

import sys
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..._base.devices import Device
from ..._base.dtypes import canonical
from ..counters import COUNTERS
from .copies import contiguous, copied
from .driver import Array, driver
from .memory import NOW, Capture, empty, put, shaped, there
from .pinned import send
from .runs import Replays, Source, Work, mark

# Bytes that are compared before they are sent.
FEW = 64
Run = Callable[[list[Any]], list[Any]]
Take = Callable[[list[Any]], Any]
_references = sys.getrefcount


class Results:
    """An array for each result that graphs leave in one: given out, and written again only when
    nobody has it any more.
    """

    def __init__(self, types: Sequence[Any]) -> None:
        """`types` are shape and dtype of each."""
        self._types = types
        self.arrays: dict[int, Array] = {}
        self.source = Source(fixed=True)
        self._memory: list[Any] = []
        self._usual: tuple[list[int], list[int]] = [], []

    def __call__(self, j: int) -> Array:
        """The array of a result, by its number."""
        if j not in self.arrays:
            self._add(j)
        return self.arrays[j]

    def _add(self, j: int) -> None:
        self.arrays[j] = empty(*self._types[j])
        self._memory.append(self.arrays[j].data.mem)
        mark(self.arrays[j], self.source)
        for usual, now in zip(self._usual, self._count(), strict=True):
            usual.append(now[-1])

    def _count(self) -> tuple[list[int], list[int]]:
        arrays = list(map(_references, self.arrays.values()))
        return arrays, list(map(_references, self._memory))

    def free(self) -> bool:
        """Whether nobody has any of them."""
        return self._count() == self._usual

    def held(self) -> set[int]:
        """The results that somebody has."""
        now = zip(*self._count(), strict=True)
        found = zip(self.arrays, now, zip(*self._usual, strict=True), strict=True)
        return {j for j, count, usual in found if count != usual}


class Static:
    """Memory of graphs for an input that is copied there, or for a constant."""

    def __init__(self, x: Any, device: Device) -> None:
        self.array = _like(x)
        self.constant: Any = None  # the number that is there, where nobody can write to it
        self._device, self._last = device, b""
        self.fill(x)

    def fill(self, x: Any) -> None:
        """Copy it there, unless it is a number that was copied last."""
        if type(x) is np.ndarray and x.nbytes <= FEW:
            self.constant = x if x.base is None and not x.flags.writeable else None
            last, self._last = self._last, x.tobytes()
            if last == self._last:
                return
        _fill(self.array, x, self._device)


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
        send(out, np.ascontiguousarray(x))


class Frame(NamedTuple):
    """What the graphs of a plan have together: memory for what they compute on the way, slots of
    outputs, operands that are copied, constants, and outputs that are copied after each run.
    """

    device: Device
    room: Any
    outputs: Sequence[int]
    statics: dict[int, Static]
    constants: dict[int, Static]
    apart: set[int]
    own: Results

    def operands(self, env: Sequence[Any]) -> list[Any]:
        """The slots as graphs read them."""
        out = list(env)
        for slot, each in (*self.statics.items(), *self.constants.items()):
            out[slot] = each.array
        return out

    def inputs(self, env: Sequence[Any]) -> tuple[list[int], list[int]]:
        """The slots of inputs that are read where they lie, and of those that are copied."""
        found = [i for i, x in enumerate(env) if x is not None and i not in self.constants]
        return [i for i in found if i not in self.statics], list(self.statics)


class Recorded(NamedTuple):
    """A graph that has been captured; `kept` is what it needs."""

    frame: Frame
    replay: Any
    runs: Replays
    kept: list[Any]
    kernels: int
    calls: int
    takes: list[Take]

    def __call__(self, env: list[Any]) -> list[Any]:
        """Values of the outputs, for inputs that lie as those that it was captured for."""
        for slot, each in self.frame.statics.items():
            if env[slot] is not each.constant:
                each.fill(env[slot])
        self.replay.launch()
        COUNTERS.kernels += self.kernels
        COUNTERS.calls += self.calls
        run = self.runs.begun(env)
        outs = [take(env) for take in self.takes]
        if run is not None and self.runs.loose:
            self.runs.left(run, outs)
        return outs


def record(
    frame: Frame, env: Sequence[Any], dead: Sequence[int], results: Results, run: Run
) -> Recorded:
    """A graph of what `run` does to inputs, those that are `dead` written over where kernels can.
    Nothing is computed. Raises NeedsHost, Uncaptured, MemoryError.
    """
    left = _Left(frame, env, results)
    capture = Capture(frame.room, {id(env[slot]) for slot in dead}, left.of_slot)
    own, kernels, calls = frame.operands(env), COUNTERS.kernels, COUNTERS.calls
    NOW.capture = capture
    try:
        with driver().capturing(frame.room) as replay:
            takes = [left.take(env, dead, j, x) for j, x in enumerate(run(own))]
    finally:
        NOW.capture = None
        done = COUNTERS.kernels - kernels, COUNTERS.calls - calls
        COUNTERS.kernels, COUNTERS.calls = kernels, calls
    work, slots = Work(frame.device, capture.checks), frame.inputs(env)
    runs = Replays(work, slots, results.source, left.over, left.apart)
    return Recorded(frame, replay, runs, capture.kept, *done, takes)


class _Left:
    """Where a graph leaves its outputs."""

    def __init__(self, frame: Frame, env: Sequence[Any], results: Results) -> None:
        self._frame, self._results = frame, results
        # Outputs that aren't left in arrays that are given out.
        self.over: list[int] = []
        self.apart: list[int] = []
        outputs = enumerate(frame.outputs)
        self._numbers = {slot: j for j, slot in outputs if env[slot] is None}

    def of_slot(self, slot: int) -> Array | None:
        """The array for the value of a slot, if that is an output."""
        j = self._numbers.get(slot)
        return None if j is None else self._array(j)

    def _array(self, j: int) -> Array:
        frame = self._frame
        with driver().outside(frame.room):
            return frame.own(j) if j in frame.apart else self._results(j)

    def take(self, env: Sequence[Any], dead: Sequence[int], j: int, x: Array) -> Take:
        """What gives an output after each run."""
        slot, device = self._frame.outputs[j], self._frame.device
        if env[slot] is not None:
            return lambda env: env[slot] if there(env[slot]) else put(env[slot], device)
        over = next((i for i in dead if _same(x, env[i])), None)
        if over is not None:
            shape = x.shape
            self.over.append(j)
            return lambda env: shaped(env[over], shape)
        target = self._array(j)
        if not _same(x, target):
            driver().copy(target, contiguous(x, device))
        apart = j in self._frame.apart
        if apart:
            self.apart.append(j)
        arrays = (self._frame.own if apart else self._results).arrays
        return lambda env: copied(arrays[j], device) if apart else arrays[j]


def _same(x: Array, other: Array) -> bool:
    """Whether an array, that is no view, has the memory of another."""
    return bool(x.base is None and x.data.ptr == other.data.ptr and x.nbytes == other.nbytes)
