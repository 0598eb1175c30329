"""The memory pass: after which step each slot is free, and which outputs may be written over an
input.

What enters: the steps of a plan and its output slots. What leaves: `drops` and `over` of each step.
It must not know buffers: whether one is nobody else's is seen when the plan runs.
"""

from collections.abc import Sequence

from .._base.shapes import Shape, prod
from .kernel import Launch, Step

# Bytes from which on an output is worth the question.
WORTH = 1 << 16


def plan_memory(steps: Sequence[Step], outputs: set[int]) -> None:
    """Note for each step what is not read any more after it, and what can be written over."""
    seen = set(outputs)
    made = {slot for step in steps for slot in step.outs}
    for step in reversed(steps):
        dead = [s for s in dict.fromkeys((*step.args, *step.outs)) if s not in seen]
        seen.update(dead)
        step.drops = tuple(dead)
        if isinstance(step, Launch) and step.views:
            step.over = _over(step, made)


def _over(step: Launch, made: set[int]) -> tuple[tuple[int, int], ...]:
    """(argument, output) pairs of which the output may have the argument's memory: that was made by
    the plan, is read for the last time, once, and at the very index that is written, by elements of
    the same dtype.
    """
    dying = made.intersection(step.drops).difference(step.outs)
    kernel, inputs = step.kernel, {}
    for i, slot in enumerate(step.args):
        if slot in dying and step.args.count(slot) == 1:
            inputs[i] = (step.views[i], kernel.inputs[i].dtype)
    return tuple(
        (i, j)
        for i, ((full, flat), dtype) in inputs.items()
        for j, shape in enumerate(step.shapes)
        if dtype == step.dtypes[j]
        and prod(shape) * dtype.itemsize >= WORTH
        and flat == _written(step, shape)
        and prod(full) == prod(shape)
    )


def _written(step: Launch, shape: Shape) -> Shape:
    """How the kernel's space shows an output: whole, or a number for each row."""
    return step.space if prod(shape) == prod(step.space) else (step.space[0], 1)
