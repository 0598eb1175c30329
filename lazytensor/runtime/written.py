"""Plans of small kernels as one native call, those for a GPU as lines of Python: what is the same
in each run is looked up once.

What enters: a Program that has run. What leaves: a function, or lines, that run its kernels, and
return MISSED wherever something isn't as it was: then nothing has happened that another way of
running the program would see. It must not know arrays of a face, nor how a call's arguments are
taken apart.

Names in the lines: `a3` is the buffer or the number of a call's leaf 3, `v5` the buffer in slot 5.
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from .._base import config
from .._base.devices import Device
from .._base.dtypes import DType, float32, float64
from .._base.lines import Lines
from .._base.log import log
from .._base.shapes import prod
from ..ir.graph import COUNTED
from ..ir.node import SERIALS, TALLY, TRACING, Node, known, scalar
from ..lower.kernel import Launch
from . import native
from .buffers import POOLED
from .jit import PLAIN, Program
from .observe import OBSERVERS, TIMERS
from .pending import LEAF_BYTES, new_bytes

MISSED: Any = object()
"""What a written call gives where the program has to be run otherwise."""

# Launches that are written out.
MOST = 64


class CallLines(Lines):
    """Lines that run a call, or give up."""

    def __init__(self) -> None:
        super().__init__(MISSED=MISSED, array=np.asarray, scalar=scalar)

    def missed(self, condition: str) -> None:
        """Give up where a condition holds."""
        self.add(f"if {condition}: return MISSED")

    def caught(self) -> Callable[..., Any]:
        """The lines as a function of `args`, which gives up where an integer has too many bits."""
        self.text = ["try:", *[f"    {line}" for line in self.text]]
        self.text += ["except OverflowError:", "    return MISSED"]
        return self.function("*args", "call")


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


class Watched(NamedTuple):
    """What a call has besides its program: names of settings and their values; names in dicts,
    and cells, with the objects that have to be there; what counts its hits, and how many bytes of
    its results are to be counted.
    """

    settings: tuple[Any, Any]
    identities: tuple[Sequence[Any], Sequence[Any]]
    hits: Any
    nbytes: int


def called(
    program: Program,
    nodes: Sequence[Node | None],
    results: Sequence[tuple[int, DType, Device]],
    handle: type,
    watched: Watched,
) -> Callable[..., Any] | None:
    """What runs a program as one native call. None for what isn't a few native kernels on small
    arrays, which have run on operands that lie like these.

    Its operands are handles on leaves, whose nodes are given, with None for numbers, which come
    after them as arrays, in the order of `program.numbers`. `results` are outputs by number. It
    gives a handle, a tuple of several, or MISSED.
    """
    runs = [step for step in program.plan.runs if isinstance(step, Launch) and _alone(step)]
    if program.taken or not 0 < len(runs) == len(program.plan.runs) <= MOST:
        return None
    arrays = _Arrays(program, runs, nodes)
    launches = [arrays.launched(step) for step in runs]
    outputs = program.plan.outputs
    made = [arrays.result(outputs[n], dtype, device, handle) for n, dtype, device in results]
    if None in launches or None in made:
        return None
    caller = _caller(handle)
    if caller is None:
        return None
    parts = arrays.operands, arrays.outputs, arrays.constants, launches, made
    out: Callable[..., Any] = caller(*watched, *parts)
    return out


@cache
def _caller(handle: type) -> Any:
    """What makes native calls, where objects don't change under other threads' hands."""
    if not COUNTED:
        return None
    known = {
        "missed": MISSED, "serials": SERIALS, "tracing": TRACING, "context": config.CONTEXT,
        "version": config.VERSION, "observers": OBSERVERS, "timers": TIMERS,
        "several": config.several, "new_bytes": new_bytes, "tally": TALLY,
    }  # fmt: skip
    try:
        return native.caller(handle, Node, known, LEAF_BYTES)
    except OSError as reason:
        log(1, f"calls of compiled functions are not carried out by native code: {reason}")
        return None


def number_lines(lines: CallLines, program: Program, leaves: Sequence[str]) -> list[str]:
    """Write what makes arrays of numbers; what these are called."""
    for slot, i, dtype, device in program.numbers:
        lines.add(f"v{slot} = {_number(lines, leaves[i], dtype, device)}")
    return [f"v{slot}" for slot, *_ in program.numbers]


def _alone(step: Launch) -> bool:
    """Whether a launch is of one kernel, on the host, and its outputs are small and new."""
    if type(step) is not Launch or step.device is not None or step.over:
        return False
    return all(prod(s) * d.itemsize < POOLED for s, d in zip(step.shapes, step.dtypes, strict=True))


class _Arrays:
    """The arrays of a native call: operands, outputs, constants; and where each slot of a program
    is among these, and how it lies.
    """

    def __init__(
        self, program: Program, runs: Sequence[Launch], nodes: Sequence[Node | None]
    ) -> None:
        given = {i: node for i, node in enumerate(nodes) if node is not None}
        self.operands: list[tuple[Any, ...]] = [
            (n.dtype, n.device, n.value.shape, n.value.strides) for n in given.values()
        ]
        self.outputs: list[tuple[tuple[int, ...], DType]] = []
        self.constants: list[Any] = []
        self._lies: dict[int, tuple[int, tuple[int, ...]]] = {}
        for slot, i in program.arrays:
            self._lies[slot] = list(given).index(i), given[i].value.strides
        for slot, *_ in program.numbers:
            self._lies[slot] = len(self.operands), ()
            self.operands.append((None, None, (), ()))
        for step in runs:
            for slot, shape, dtype in zip(step.outs, step.shapes, step.dtypes, strict=True):
                self._lies[slot] = self._count, np.empty(shape, dtype).strides
                self.outputs.append((shape, dtype))
        for slot, value in enumerate(program.template):
            if value is not None:
                self._lies[slot] = self._count, value.strides
                self.constants.append(np.asarray(value))

    @property
    def _count(self) -> int:
        return len(self.operands) + len(self.outputs) + len(self.constants)

    def launched(self, step: Launch) -> tuple[bytes, int, list[int], Any] | None:
        """A launch that is one call of native code on arrays that lie like these."""
        bound = step.bound.get(tuple([self._lies[step.args[i]][1] for i in step.varied]))
        if bound is None or bound.direct is None:
            return None
        _, words, count = bound.direct
        numbers = [self._lies[slot][0] for slot in (*step.args, *step.outs)]
        return words, count, numbers, bound

    def result(
        self, slot: int, dtype: DType, device: Device, handle: type
    ) -> tuple[int, Node, Any] | None:
        """An output that is a result."""
        number = self._lies[slot][0]
        if not 0 <= number - len(self.operands) < len(self.outputs):
            return None
        shape = self.outputs[number - len(self.operands)][0]
        node = known(np.empty(shape, dtype), dtype, device)
        node.value = None
        return number, node, handle(node)


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
