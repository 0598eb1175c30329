"""From a group of nodes to a step: a launch of a kernel, or a call of a row.

What enters: a group, and the slots of values. What leaves: a step. It must not know targets.
"""

from collections.abc import Callable, Sequence
from typing import Any

from .._base.devices import Device, is_gpu
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
        index = first.op.index(*first.params) if first.op.index else None
        return Call(
            first.op, first.params, args, (slot(first),), _places(first), first.shape, first.dtype,
            index=index, device=_gpu(first),
        )  # fmt: skip
    return _Builder(group).launch(wanted, slot)


def _places(node: Node) -> tuple[int, ...]:
    """The places of the graph that a node stands for."""
    where: int | tuple[int, ...] = node.where
    return where if isinstance(where, tuple) else (where,)


def _gpu(node: Node) -> Device | None:
    """The GPU that a node is computed on, or read from."""
    ends = (node, *node.args) if node.op.kind == "transfer" else (node,)
    return next((n.device for n in ends if is_gpu(n.device)), None)


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
        reduced axes. Of a single row, an input that has all axes is the row: it has as many as
        there are.
        """
        group = self.group
        if not group.axes:
            return tuple(n != 1 for n in self._padded(shape, level))
        rows, columns = self._parts(self._padded(shape, level))
        sizes, _ = self._parts(group.space or ())
        row = sizes and prod(sizes) == 1 and level == FULL and len(shape) == len(group.order)
        return prod(rows) != 1 or bool(row), prod(columns) != 1

    def _padded(self, shape: Shape, level: str) -> Shape:
        """An argument's shape with as many axes as the space."""
        group = self.group
        if level == ROW and len(shape) == len(group.rows):
            sizes = iter(shape)
            return tuple(1 if a in group.axes else next(sizes) for a in range(len(group.order)))
        return (1,) * (len(group.order) - len(shape)) + shape

    def _parts(self, shape: Shape) -> tuple[Shape, Shape]:
        """Sizes of the axes that are kept, and of those that are reduced."""
        axes = self.group.axes
        kept = tuple(n for a, n in enumerate(shape) if a not in axes)
        return kept, tuple(shape[a] for a in axes)

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
        rank = 2 if group.axes else len(group.space or ())
        outputs = tuple(numbers[n] for n in wanted)
        constants = tuple(self.constants.values())
        return Kernel(
            rank, int(bool(group.axes)), tuple(self.inputs.values()), constants, stages, outputs
        )

    def launch(self, wanted: Sequence[Node], slot: Slots) -> Launch:
        """The step."""
        group = self.group
        space = axes = tuple((group.space or ())[a] for a in group.order)
        if group.axes:
            rows, columns = self._parts(group.space or ())
            space = (prod(rows), prod(columns))
        views = tuple(self._view(a.shape, level) for a, level in self.inputs)
        args = tuple(slot(a) for a, _ in self.inputs)
        outs = tuple(slot(n) for n in wanted)
        shapes, dtypes = tuple(n.shape for n in wanted), tuple(n.dtype for n in wanted)
        return Launch(
            self.kernel(wanted), space, args, views, outs, shapes, dtypes, axes, group.axes,
            varied=range(len(args)), device=_gpu(group.members[0]),
        )  # fmt: skip

    def _view(self, shape: Shape, level: str) -> tuple[Shape, Shape]:
        """(broadcast to, then reshape to): how a buffer is seen by a kernel over (rows,
        columns).
        """
        padded, axes = self._padded(shape, level), self.group.axes
        if not axes:
            return padded, padded
        space = self.group.space or ()
        rows, columns = map(prod, self._parts(padded))
        full = tuple(
            space[a] if (columns if a in axes else rows) != 1 else n for a, n in enumerate(padded)
        )
        rows, columns = map(prod, self._parts(full))
        return full, (rows, columns)
