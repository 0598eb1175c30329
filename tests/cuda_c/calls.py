"""Runs the plans of rows without a device, and compares what they give with the rows' value columns
under the reference target.

What enters: rows, arguments, parameters. What leaves: an AssertionError, or how often each kernel
was launched.
"""

import ctypes
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lazytensor.ir.node import leaf
from lazytensor.ir.op import Op
from lazytensor.targets.cuda.calls import ARG, OUT, SCRATCH, Code, Place, Planned, Step, planned
from lazytensor.targets.cuda.source import part

from . import harness
from .compare import same
from .fences import FILL, beside, fenced
from .harness import WRONG, address, library

FILES = (
    "complex", "functions", "folds", "cells", "copies", "numbers", "places", "sorts",
    "scatters", "scans", "draws", "windows",
    "products", "iterated", "gammas", "matrices", "symmetric", "walks",
)  # fmt: skip
Compare = Callable[[np.ndarray, np.ndarray, Any], None]


@dataclass
class Call:
    """A call of a row, and what it should give: arrays, or an error. `over` says that it is written
    over the first argument; `layout` makes an empty output lie otherwise than in row-major order.
    """

    op: Op
    args: list[np.ndarray]
    params: tuple[Any, ...] = ()
    over: bool = False
    wants: list[np.ndarray] = field(default_factory=list)
    error: Exception | None = None
    layout: Callable[[np.ndarray], np.ndarray] = np.empty_like
    compare: Compare = same

    def __post_init__(self) -> None:
        if not self.wants and self.error is None:
            try:
                self.wants = value(self.op, self.args, self.params)
            except IndexError as error:
                self.error = error

    @property
    def what(self) -> Any:
        """What it is, for messages."""
        found = [(a.dtype.name, a.shape, a.strides) for a in self.args]
        return self.op.name, found, self.params, self.over

    def empty(self) -> list[np.ndarray]:
        """Outputs, which hold nothing yet."""
        if self.wants:
            return [self.layout(w) for w in self.wants]
        shape, dtype = self.op.infer(*map(leaf, self.args), *self.params)
        return [np.empty(shape, dtype)]


def value(op: Op, args: Sequence[np.ndarray], params: tuple[Any, ...]) -> list[np.ndarray]:
    """What a row's value column gives for NumPy's module."""
    with np.errstate(all="ignore"):
        found = op.value(np, *args, *params)
    return [np.array(y, order="C") for y in (found if op.outputs > 1 else (found,))]


def plan(call: Call) -> Planned:
    """The plan of a call."""
    outs = call.args[:1] if call.over else call.empty()
    found = planned(call.op, call.params, call.args, outs, call.over)
    assert found is not None, call.what
    return found


class Codes:
    """Kernels that are compiled together."""

    def __init__(self, codes: Iterable[Code]) -> None:
        self.names = {code: f"k{i}" for i, code in enumerate(dict.fromkeys(codes))}
        functions = [code.function(name) for code, name in self.names.items()]
        parts = [part_of(name) for name in FILES if name not in harness.FILES]
        head = '#include "atomics.h"\n'
        self.library = library("\n".join([head, *parts, *functions])) if functions else None

    def launch(self, step: Step, addresses: Sequence[int], backwards: bool) -> None:
        """One launch, with the addresses of its places."""
        words = (*addresses, *step.tail)
        assert len(words) == step.code.words and step.blocks > 0
        assert step.shared <= 48 << 10, "what a device doesn't allow"
        shape = (ctypes.c_uint * 7)(step.blocks, *step.threads, step.shared, step.code.waits, 1)
        call = getattr(self.library, self.names[step.code])
        wrong = call((ctypes.c_longlong * len(words))(*words), shape, int(backwards))
        assert not wrong, f"{step.code.body}: {WRONG[wrong]}"


def part_of(name: str) -> str:
    """A file of `device/`; tests plant bugs here."""
    return part(name)


def _run(codes: Codes, call: Call, at_end: bool) -> None:
    """With memory that ends where operands do, threads in order, or that begins where they do,
    threads in the opposite order.
    """
    args = [fenced(a, at_end) for a in call.args]
    outs = args[:1] if call.over else [fenced(y, at_end) for y in call.empty()]
    found = planned(call.op, call.params, args, outs, call.over)
    assert found is not None
    scratch, status = np.full(found.scratch + 16, 0xFF, np.uint8), np.zeros(4, np.int64)
    bases = {
        ARG: [address(a) for a in args], OUT: [address(y) for y in outs],
        SCRATCH: [scratch.ctypes.data + -scratch.ctypes.data % 16],
    }  # fmt: skip

    def at(place: Place) -> int:
        return bases.get(place.of, [status.ctypes.data])[place.number] + place.offset

    for step in found.steps:
        codes.launch(step, [at(p) for p in step.places], not at_end)
    error = found.fails.error(*map(int, status[2:])) if found.fails else None
    assert (type(error), str(error)) == (type(call.error), str(call.error)), call.what
    if call.error is None:
        _compare(call, args, outs)


def _compare(call: Call, args: list[np.ndarray], outs: list[np.ndarray]) -> None:
    for got, want in zip(outs, call.wants, strict=True):
        assert not got.flags.c_contiguous or (beside(got) == FILL).all(), call.what
        call.compare(np.array(got), want, call.what)
    for x, was in zip(args[call.over :], call.args[call.over :], strict=True):
        assert x.tobytes() == was.tobytes(), (call.what, "an argument was written to")


def check(calls: Iterable[Call]) -> Counter[str]:
    """Run calls both ways; how often each kernel was launched."""
    found = list(calls)
    seen = Counter(s.code.body for call in found for s in plan(call).steps)
    codes = Codes(s.code for call in found for s in plan(call).steps)
    for call in found:
        for at_end in (True, False):
            _run(codes, call, at_end)
    return seen
