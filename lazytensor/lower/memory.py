"""The memory pass: after which step each slot is free, and which outputs may be written over an
input.

What enters: the steps of a plan, its output slots, and those of inputs that are given away. What
leaves: `drops`, `over` and `varied` of each step. It must not know buffers: whether one is nobody
else's is seen when the plan runs.
"""

from collections.abc import Iterator, Mapping, Sequence, Set
from types import MappingProxyType

from .._base.shapes import Shape, prod
from .account import is_view
from .kernel import Call, Launch, Step

# Bytes from which on an output is worth the question.
WORTH = 1 << 16
NOTHING: Mapping[int, Shape] = MappingProxyType({})


def plan_memory(
    steps: Sequence[Step], outputs: Set[int], given: Mapping[int, Shape] = NOTHING
) -> None:
    """Note for each step what is not read any more after it, what can be written over (what the
    plan makes, and inputs that are given away, with their shapes by slot), and what may lie in
    other ways than kernels write.
    """
    seen = set(outputs)
    written = {slot for step in steps if isinstance(step, Launch) for slot in step.outs}
    sizes = {slot: prod(shape) for slot, shape in given.items()}
    for step in steps:
        sizes.update(_sizes(step, sizes))
    for step in reversed(steps):
        dead = [s for s in dict.fromkeys((*step.args, *step.outs)) if s not in seen]
        seen.update(dead)
        step.drops = tuple(dead)
        if isinstance(step, Launch) and step.views:
            step.over = over(step, sizes)
            step.varied = tuple(i for i, slot in enumerate(step.args) if slot not in written)
        elif isinstance(step, Call) and step.op.into is not None:
            step.over = _over_first(step, sizes)


def _sizes(step: Step, sizes: Mapping[int, int]) -> Iterator[tuple[int, int]]:
    """Slots that a step fills, and how many elements are in them; a view only of what the plan has
    made or was given itself.
    """
    if isinstance(step, Launch):
        yield from zip(step.outs, map(prod, step.shapes), strict=True)
    elif step.op.outputs == 1 and (not is_view(step.op) or step.args[0] in sizes):
        yield step.outs[0], prod(step.shape)


def over(step: Launch, sizes: Mapping[int, int]) -> tuple[tuple[int, int], ...]:
    """(argument, output) pairs of which the output may have the argument's memory: that has so many
    elements, is read for the last time, once, and at the very index that is written, by elements of
    the same dtype.
    """
    dying = set(step.drops).difference(step.outs)
    kernel, inputs = step.kernel, {}
    for i, slot in enumerate(step.args):
        if slot in dying and slot in sizes and step.args.count(slot) == 1:
            inputs[i] = (step.views[i][1], kernel.inputs[i].dtype, sizes[slot])
    return tuple(
        (i, j)
        for i, (flat, dtype, size) in inputs.items()
        for j, shape in enumerate(step.shapes)
        if dtype == step.dtypes[j]
        and size == prod(shape)
        and size * dtype.itemsize >= WORTH
        and flat == _written(step, shape)
    )


def _over_first(step: Call, sizes: Mapping[int, int]) -> bool:
    """Whether a call may write over its first argument: that was made by the plan or given to it,
    and is read for the last time, once.
    """
    slot = step.args[0]
    large = sizes.get(slot, 0) * step.dtype.itemsize >= WORTH
    return large and slot in step.drops and step.args.count(slot) == 1


def _written(step: Launch, shape: Shape) -> Shape:
    """How the kernel's space shows an output: whole, or a number for each row."""
    return step.space if prod(shape) == prod(step.space) else (step.space[0], 1)
