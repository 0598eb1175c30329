"""Kernels that fold rows, with sums over all rows of what they compute or read: one pass over main
memory, as for the gradients of a normalisation.

What enters: the steps of a piece. What leaves: steps. It must not know targets.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from .._base.dtypes import float32, float64
from .._base.shapes import prod
from .kernel import FULL, Launch, Step

# Elements from which on this saves more than adding up costs.
WORTH = 1 << 16


@dataclass(frozen=True, slots=True)
class Total:
    """A sum over all rows: `launch` alone, of the argument or output of a step with a number."""

    launch: Launch
    of_input: bool
    number: int


@dataclass(slots=True)
class Totals(Launch):
    """A launch and sums over its rows. `joint` is the launch of a kernel that computes both, but
    for the sums' outputs; `apart` one without sums, whose outputs are also what `totals` read.
    """

    joint: Launch | None = None
    apart: Launch | None = None
    totals: tuple[Total, ...] = ()


def with_totals(steps: Sequence[Step], kept: Iterable[int]) -> list[Step]:
    """The steps, with sums over rows in the kernels that go over these rows anyway."""
    out = list(steps)
    held = set(kept)
    for step in steps:
        if isinstance(step, Launch) and _folds_rows(step):
            found = _sums(out, step)
            if found:
                joined = _joined(step, found, _elsewhere(out, held, found))
                gone = {id(t.launch) for t in found}
                out = [joined if s is step else s for s in out if id(s) not in gone]
    return out


def _folds_rows(step: Launch) -> bool:
    """Whether a launch folds large rows that lie in order."""
    trailing = tuple(range(len(step.axes) - len(step.reduced), len(step.axes)))
    return bool(step.reduced) and step.reduced == trailing and prod(step.axes) >= WORTH


def _sums(steps: Sequence[Step], step: Launch) -> list[Total]:
    """Sums over all rows that can be taken where the step is."""
    at = next(i for i, s in enumerate(steps) if s is step)
    sources = {slot: (False, j) for j, slot in enumerate(step.outs)}
    for i, slot in enumerate(step.args):
        if step.kernel.inputs[i].level == FULL and step.views[i][0] == step.axes:
            sources.setdefault(slot, (True, i))
    found = []
    for i, other in enumerate(steps):
        if isinstance(other, Launch) and _is_sum(other, step) and other.args[0] in sources:
            early = any(other.outs[0] in s.args for s in steps[i : at + 1])
            if not early:
                found.append(Total(other, *sources[other.args[0]]))
    return found


def _is_sum(other: Launch, step: Launch) -> bool:
    """Whether a launch is a sum alone over the rows of another."""
    stages, rows = other.kernel.stages, len(step.axes) - len(step.reduced)
    if len(stages) != 1 or not stages[0].reduces or stages[0].op.name != "sum":
        return False
    same = other.views[0][0] == step.axes and other.reduced == tuple(range(rows))
    return same and stages[0].dtype in (float32, float64)


def _elsewhere(steps: Sequence[Step], held: set[int], found: Sequence[Total]) -> set[int]:
    """What is read not by these sums alone."""
    own = {id(t.launch) for t in found}
    return held.union(*(s.args for s in steps if id(s) not in own))


def _joined(step: Launch, found: Sequence[Total], elsewhere: set[int]) -> Totals:
    kernel = step.kernel
    totals = tuple(t.number if t.of_input else kernel.outputs[t.number] for t in found)
    summed = {t.number for t in found if not t.of_input}
    left = [j for j, s in enumerate(step.outs) if j not in summed or s in elsewhere]
    joint = replace(
        step, kernel=replace(kernel, outputs=tuple(kernel.outputs[j] for j in left), totals=totals),
        outs=tuple(step.outs[j] for j in left), shapes=tuple(step.shapes[j] for j in left),
        dtypes=tuple(step.dtypes[j] for j in left), bound={},
    )  # fmt: skip
    launches = [t.launch for t in found]
    return Totals(
        joint.kernel, step.space, step.args, (),
        (*joint.outs, *(x.outs[0] for x in launches)),
        (*joint.shapes, *(x.shapes[0] for x in launches)),
        (*joint.dtypes, *(x.dtypes[0] for x in launches)),
        step.axes, step.reduced, joint=joint, apart=step, totals=tuple(found),
    )  # fmt: skip
