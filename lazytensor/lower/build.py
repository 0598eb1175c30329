"""From a group of nodes to a step: a launch of a kernel, or a call of a row.

What enters: a group, and the slots of values. What leaves: a step. It must not know targets.
"""

from collections.abc import Callable, Sequence
from typing import Any

from .._base.shapes import Shape, prod
from ..ir.node import SCALAR, Node
from .fuse import Group
from .kernel import FULL, ROW, Call, Constant, Input, Kernel, Launch, Stage, Step

Slots = Callable[[Node], int]


def step(group: Group, wanted: Sequence[Node], slot: Slots, native: bool = False) -> Step:
    """The step that runs a group and puts the wanted members into their slots; a reduction alone is
    a kernel where the target is `native`.
    """
    first = group.members[0]
    alone = len(group.members) == 1 and first.op.kind != "elementwise"
    if group.space is None or (alone and not native):
        args = tuple(slot(a) for a in first.args)
        return Call(
            first.op, first.params, args, (slot(first),), first.where, first.shape, first.dtype
        )
    return _Builder(group).launch(wanted, slot)


class _Builder:
    """Numbers the values of a kernel: inputs, constants, stages."""

    def __init__(self, group: Group) -> None:
        self.group = group
        self.inputs: dict[tuple[Node, str], Input] = {}
        self.constants: dict[Node, Constant] = {}
        self.sources: list[Node] = []
        for node in group.members:
            for a in node.args:
                self._source(a, node)

    def _source(self, a: Node, reader: Node) -> None:
        if a in self.group.levels:
            return
        if a.op is SCALAR:
            self.constants.setdefault(a, Constant(a.value.item(), a.dtype, repr(a.value.item())))
            return
        level = ROW if self.group.levels[reader] and reader.op.kind != "reduce" else FULL
        if (a, level) not in self.inputs:
            self.inputs[a, level] = Input(a.dtype, level, self._axes(a.shape, level))
            self.sources.append(a)

    def _axes(self, shape: Shape, level: str) -> tuple[bool, ...]:
        """Along which axes of the space an input of this shape varies; a row input may lack the
        reduced axes.
        """
        space = self.group.space or ()
        if level == ROW and len(shape) == len(self.group.rows):
            shape = (*shape, *(1,) * self.group.reduced)
        padded = (1,) * (len(space) - len(shape)) + shape
        if not self.group.reduced:
            return tuple(n != 1 for n in padded)
        split = len(space) - self.group.reduced
        return prod(padded[:split]) != 1, prod(padded[split:]) != 1

    def _numbers(self) -> dict[Any, int]:
        members = self.group.members
        keys: list[Any] = [*self.inputs, *self.constants, *members]
        return {key: i for i, key in enumerate(keys)}

    def _arg(self, a: Node, reader: Node, numbers: dict[Any, int]) -> int:
        if a in self.group.levels or a in self.constants:
            return numbers[a]
        row = self.group.levels[reader] and reader.op.kind != "reduce"
        return numbers[a, ROW if row else FULL]

    def _stage(self, node: Node, numbers: dict[Any, int]) -> Stage:
        """Axes and shapes stay out: the space and the levels say all about them."""
        params = node.params if node.op.kind == "elementwise" else ()
        args = tuple(self._arg(a, node, numbers) for a in node.args)
        return Stage(node.op, params, args, node.dtype, ROW if self.group.levels[node] else FULL)

    def kernel(self, wanted: Sequence[Node]) -> Kernel:
        """The group as a kernel."""
        group, numbers = self.group, self._numbers()
        stages = tuple(self._stage(n, numbers) for n in group.members)
        rank = 2 if group.reduced else len(group.space or ())
        outputs = tuple(numbers[n] for n in wanted)
        constants = tuple(self.constants.values())
        return Kernel(
            rank, min(group.reduced, 1), tuple(self.inputs.values()), constants, stages, outputs
        )

    def launch(self, wanted: Sequence[Node], slot: Slots) -> Launch:
        """The step."""
        axes = space = self.group.space or ()
        split = len(space) - self.group.reduced
        if self.group.reduced:
            space = (prod(space[:split]), prod(space[split:]))
        views = tuple(self._view(a.shape, level) for a, level in self.inputs)
        args = tuple(slot(a) for a, _ in self.inputs)
        outs = tuple(slot(n) for n in wanted)
        shapes, dtypes = tuple(n.shape for n in wanted), tuple(n.dtype for n in wanted)
        kernel, folded = self.kernel(wanted), self.group.reduced
        return Launch(kernel, space, args, views, outs, shapes, dtypes, axes, folded)

    def _view(self, shape: Shape, level: str) -> tuple[Shape, Shape]:
        """(broadcast to, then reshape to): how a buffer is seen by a kernel over (rows,
        columns).
        """
        space, reduced = self.group.space or (), self.group.reduced
        if not reduced:
            padded = (1,) * (len(space) - len(shape)) + shape
            return padded, padded
        if level == ROW and len(shape) == len(self.group.rows):
            shape = (*shape, *(1,) * reduced)
        padded = (1,) * (len(space) - len(shape)) + shape
        split = len(space) - reduced
        outer, inner = padded[:split], padded[split:]
        outer = space[:split] if prod(outer) != 1 else outer
        inner = space[split:] if prod(inner) != 1 else inner
        return (*outer, *inner), (prod(outer), prod(inner))
