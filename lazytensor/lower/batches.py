"""Launches of one kernel that follow one another and do not read one another are run as one step
(an optimiser's update of many parameters).

What enters: the steps of a plan. What leaves: the steps as they are run. It must not know targets.
"""

from collections.abc import Sequence

from .._base.shapes import prod
from .kernel import Batch, Launch, Step

# Elements from which on a call costs little beside its work; what is made for a batch is there at
# once, so it has that many launches and elements at most.
WORTH, MOST, MOST_ELEMENTS = 1 << 18, 64, 1 << 22


def batched(steps: Sequence[Step]) -> list[Step | Batch]:
    """The steps to run."""
    out: list[Step | Batch] = []
    run: list[Launch] = []
    for step in steps:
        if run and not (isinstance(step, Launch) and _joins(step, run)):
            out.append(_together(run))
            run = []
        if isinstance(step, Launch) and _joinable(step):
            run.append(step)
        else:
            out.append(step)
    return [*out, _together(run)] if run else out


def _joinable(step: Launch) -> bool:
    """Whether a launch is small."""
    return bool(step.views) and prod(step.space) < WORTH


def _joins(step: Launch, run: Sequence[Launch]) -> bool:
    """Whether a launch does to other operands what those of a run do, and reads none of theirs."""
    if len(run) >= min(MOST, MOST_ELEMENTS // max(1, prod(step.space))):
        return False
    made = {slot for launch in run for slot in launch.outs}
    return _form(step) == _form(run[0]) and made.isdisjoint(step.args)


def _form(step: Launch) -> tuple[object, ...]:
    kind = step.space, step.axes, step.reduced, step.views, step.shapes, step.dtypes
    return *kind, step.kernel, step.device


def _together(run: list[Launch]) -> Launch | Batch:
    if len(run) == 1:
        return run[0]
    drops = tuple(slot for launch in run for slot in launch.drops)
    return Batch(tuple(run), drops, run[0].device)
