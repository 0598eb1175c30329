"""Plans of small kernels as lines of Python: what is the same in each run is looked up once.

What enters: a Program that has run. What leaves: lines that run its kernels, and return MISSED
wherever something isn't as it was: then nothing has happened that another way of running the
program would see. It must not know arrays of a face, nor how a call's arguments are taken apart.

Names in the lines: `a3` is the buffer or the number of a call's leaf 3, `v5` the buffer in slot 5.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .._base.dtypes import DType, float32, float64
from .._base.lines import Lines
from .._base.shapes import prod
from ..ir.node import scalar
from ..lower.kernel import Launch
from .buffers import POOLED
from .counters import COUNTERS
from .jit import PLAIN, Program

MISSED: Any = object()
"""What a written call gives where the program has to be run otherwise."""

# Launches that are written out.
MOST = 64


class CallLines(Lines):
    """Lines that run a call, or give up."""

    def __init__(self) -> None:
        super().__init__(
            COUNTERS=COUNTERS, MISSED=MISSED, array=np.asarray, empty=np.empty, scalar=scalar
        )

    def missed(self, condition: str) -> None:
        """Give up where a condition holds."""
        self.add(f"if {condition}: return MISSED")

    def caught(self, arguments: str, what: str) -> Callable[..., Any]:
        """The lines as a function, which gives up where what is caught is raised: memory or an
        integer's bits don't do.
        """
        self.text = ["try:", *[f"    {line}" for line in self.text]]
        self.text += [f"except {what}:", "    return MISSED"]
        return self.function(arguments, "call")


def captured_lines(lines: CallLines, program: Program, given: Sequence[str], donated: bool) -> bool:
    """Write what runs a program for one GPU, up to its outputs; False for what draws numbers.
    `given` are lines after which nothing but the program has its inputs.
    """
    if program.taken:
        return False
    lines.add(f"e = {lines.name(program.template)}.copy()")
    for slot, i in program.arrays:
        lines.add(f"e[{slot}] = a{i}")
    for slot, i, dtype, device in program.numbers:
        lines.add(f"e[{slot}] = {_number(lines, f'a{i}', dtype, device)}")
    for line in given:
        lines.add(line)
    lines.add(f"v = {lines.name(program.run)}(e, {'None' if donated else 'e.copy()'})")
    for i, slot in enumerate(program.plan.outputs):
        lines.add(f"v{slot} = v[{i}]")
    return True


def plan_lines(lines: CallLines, program: Program) -> bool:
    """Write what runs a program on `a…`, up to its outputs; False, with lines that are of no use,
    for what isn't a few native kernels on small arrays.
    """
    runs = program.plan.runs
    launches = [
        (step, usual)
        for step in runs
        if type(step) is Launch and (usual := _usual(step)) is not None
    ]
    if program.taken or not len(runs) == len(launches) <= MOST:
        return False
    for slot, i in program.arrays:
        lines.add(f"v{slot} = a{i}")
    for slot, i, dtype, device in program.numbers:
        lines.add(f"v{slot} = {_number(lines, f'a{i}', dtype, device)}")
    for slot, value in enumerate(program.template):
        if value is not None:
            lines.names[f"v{slot}"] = value
    made = sum([_launch(lines, *launch) for launch in launches])
    lines.add(f"COUNTERS.kernels += {len(launches)}")
    lines.add(f"COUNTERS.bytes += {made}")
    return True


def _usual(launch: Launch) -> tuple[Any, Any] | None:
    """How operands lay where a launch was one call of native code, with what it was bound to; None
    where it never was, or its outputs are large or not new.
    """
    small = all(prod(s) * d.itemsize < POOLED for s, d in zip(launch.shapes, launch.dtypes))
    if not small or launch.over:
        return None
    bound = list(launch.bound.items())  # other threads bind meanwhile
    return next((item for item in bound if item[1].direct), None)


def _number(lines: CallLines, leaf: str, dtype: DType, device: Any) -> str:
    """A number as a buffer."""
    name = lines.name(dtype)
    other = f"scalar({leaf}, {name}, {lines.name(device)}).value"
    if dtype is float64:
        return f"array({leaf}, {name}) if type({leaf}) is float else {other}"
    if dtype is float32:
        plain = f"type({leaf}) is float and {-PLAIN} < {leaf} < {PLAIN}"
        return f"array({leaf}, {name}) if {plain} else {other}"
    return other


def _launch(lines: CallLines, step: Launch, usual: tuple[Any, Any]) -> int:
    """Write a launch that is usually bound so; the bytes of its outputs."""
    strides, bound = usual
    found = [f"v{step.args[i]}.strides" for i in step.varied]
    lines.add(f"bound = {lines.name(bound)}")
    if found:  # comparing costs less than looking up
        other = [f"{x} != {lines.name(k)}" for x, k in zip(found, strides, strict=True)]
        lines.add(f"if {' or '.join(other)}:")
        lines.add(f"    bound = {lines.name(step.bound)}.get(({', '.join(found)},))")
        lines.add("    if bound is None or bound.direct is None: return MISSED")
    lines.add("call, words, count = bound.direct")
    made = 0
    for slot, shape, dtype in zip(step.outs, step.shapes, step.dtypes, strict=True):
        lines.add(f"v{slot} = empty({lines.name(shape)}, {lines.name(dtype)})")
        made += prod(shape) * dtype.itemsize
    operands = ", ".join([f"v{slot}" for slot in (*step.args, *step.outs)])
    lines.missed(f"call(words, 0, count, {operands})")
    return made
