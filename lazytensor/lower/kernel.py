"""Kernels and plans: what every target receives.

A kernel is an outer iteration space and, at each point of it, stages: compute a value, or reduce a
row into one. What enters and leaves here is data only; it must not know targets, or how kernels are
chosen.
"""

from collections.abc import Sequence
from typing import Any

from .._base.dtypes import DType
from .._base.record import Record, field
from .._base.shapes import Shape
from ..ir.op import Op

# A value of a kernel varies over the whole space, or only over its rows (the axes that aren't
# reduced).
FULL, ROW = "full", "row"


class Input(Record, frozen=True):
    """A buffer that the kernel reads, broadcast to the space: `axes[i]` tells whether it varies
    along axis i.
    """

    dtype: DType
    level: str
    axes: tuple[bool, ...]


class Constant(Record, frozen=True):
    """A scalar that is part of the kernel's text, and compared by it: 0.0 and -0.0 differ."""

    value: Any = field(compare=False)
    dtype: DType
    text: str


class Stage(Record, frozen=True):
    """`op` applied to values by number; a reduction's result is a ROW value, kept with an axis of
    size 1.
    """

    op: Op
    params: tuple[Any, ...]
    args: tuple[int, ...]
    dtype: DType
    level: str

    @property
    def reduces(self) -> bool:
        """Whether the stage folds a row into one value."""
        return self.op.kind == "reduce"


class Kernel(Record, frozen=True):
    """Values are numbered: inputs, then constants, then stages; `outputs` are numbers of stages,
    `totals` those of full values that are summed over all rows (lower/totals.py).

    `rank` is the number of axes of the space; the last `reduced` of them are folded by reductions.
    Sizes and strides are arguments of the compiled kernel, never a part of it.
    """

    rank: int
    reduced: int
    inputs: tuple[Input, ...]
    constants: tuple[Constant, ...]
    stages: tuple[Stage, ...]
    outputs: tuple[int, ...]
    totals: tuple[int, ...] = ()
    _hash = 0

    def __hash__(self) -> int:
        """Computed once: a kernel is looked up often, and may be large."""
        if not self._hash:
            parts = (self.rank, self.reduced, self.inputs, self.constants, self.stages)
            found = hash((*parts, self.outputs, self.totals))
            object.__setattr__(self, "_hash", found)
        return self._hash

    @property
    def count(self) -> int:
        """How many values there are."""
        return len(self.inputs) + len(self.constants) + len(self.stages)

    def level(self, number: int) -> str:
        """FULL or ROW; constants vary along nothing and count as ROW."""
        if number < len(self.inputs):
            return self.inputs[number].level
        number -= len(self.inputs)
        return (
            ROW if number < len(self.constants) else self.stages[number - len(self.constants)].level
        )

    def dtype(self, number: int) -> DType:
        """The dtype of a value."""
        for values in (self.inputs, self.constants, self.stages):
            if number < len(values):
                return values[number].dtype
            number -= len(values)
        raise IndexError(number)


class Launch(Record):
    """A step: a kernel over `space`, reading and writing slots; `shapes` and `dtypes` are those of
    the outputs.

    `views` tells for each argument the shape that it is broadcast to, and then reshaped to. `axes`
    are the sizes of the space's axes before they were joined, those of `reduced` last; `over` has
    pairs of an argument and an output that may have its memory if the target allows it
    (lower/memory.py); `varied` are the arguments that need not lie in one way, and `bound` is for
    targets to remember what follows from how they do;
    `whole` is the shape of what outputs are boxes of, where they are; `device` is the GPU that
    runs it, if one does.
    """

    kernel: Kernel
    space: Shape
    args: tuple[int, ...]
    views: tuple[tuple[Shape, Shape], ...]
    outs: tuple[int, ...]
    shapes: tuple[Shape, ...]
    dtypes: tuple[DType, ...]
    axes: Shape
    reduced: tuple[int, ...]
    drops: tuple[int, ...] = ()
    over: tuple[tuple[int, int], ...] = ()
    varied: Sequence[int] = ()
    compiled: Any = None
    bound: dict[Any, Any] = field(default_factory=dict)
    whole: Shape = ()
    device: Any = None

    @property
    def order(self) -> tuple[int, ...]:
        """The axes of arrays, those that are reduced last."""
        kept = (a for a in range(len(self.axes)) if a not in self.reduced)
        return (*kept, *self.reduced)

    @property
    def folded(self) -> int:
        """How many of `axes`, the last ones, are those of the columns."""
        return len(self.reduced)


class Batch(Record, frozen=True):
    """Launches of one kernel over one space, which may run at once."""

    launches: tuple[Launch, ...]
    drops: tuple[int, ...]
    device: Any = None


class Call(Record):
    """A step: a row's value column (a library call, or a view for movements), by the row itself, or
    a view taken by an index. `shown` tells that only kernels read the result, which may run
    backwards in memory; `over` that the result may be written over the first argument, if nothing
    else has it; `places` are those of the graph that it is for, in the order in which they were
    asked for, whose lines failures are told of; `device` is the GPU that runs it, or that a copy to
    the host comes from.
    """

    op: Op
    params: tuple[Any, ...]
    args: tuple[int, ...]
    outs: tuple[int, ...]
    places: tuple[int, ...]
    shape: Any
    dtype: Any
    drops: tuple[int, ...] = ()
    index: Any = None
    shown: bool = False
    over: bool = False
    device: Any = None


Step = Launch | Call


class Plan(Record):
    """Steps over numbered slots. `inputs` are places of the graph, put into slots 0, 1, …;
    `constants` are (slot, 0-d buffer); `outputs` are slots, in the order of the graph's outputs;
    `runs` are the steps as they are run where nobody asks for each; `captured` is what runs them on
    a GPU as one, `replayed` what runs them on the host once they `ran` often, which may write over
    the inputs at places `dying`, where it is told that nothing else will read them.
    """

    inputs: tuple[int, ...]
    constants: tuple[tuple[int, Any], ...]
    steps: list[Step]
    outputs: tuple[int, ...]
    slots: int
    runs: list[Step | Batch]
    timings: dict[str, float] = field(default_factory=dict)
    nodes: int = 0
    captured: Any = None
    replayed: Any = None
    ran: int = 0
    dying: frozenset[int] = frozenset()
