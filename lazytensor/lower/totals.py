"""Kernels that fold rows, with sums over all rows of what they compute or read: one pass over main
memory, as for the gradients of a normalisation.

What enters: the steps of a piece. What leaves: steps. It must not know targets.
"""

from collections.abc import Iterable, Sequence

from .._base.dtypes import float32, float64
from .._base.record import Record, replace
from .._base.shapes import prod
from .kernel import FULL, Launch, Step

# Elements from which on this saves more than adding up costs.
WORTH = 1 << 16


class Total(Record, frozen=True):
    """A sum over all rows, of the argument or output of a step with a number, and what is computed
    of it: `launch` alone. `args` says which arguments of both together are its own; that with the
    number `at` is what is summed.
    """

    launch: Launch
    of_input: bool
    number: int
    at: int
    args: tuple[int, ...]


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
        if isinstance(step, Launch) and _folds_rows(step) and any(s is step for s in out):
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
    later = {slot for s in steps[at:] for slot in s.outs}
    sources = {slot: (False, j) for j, slot in enumerate(step.outs)}
    for i, slot in enumerate(step.args):
        if step.kernel.inputs[i].level == FULL and step.views[i][0] == step.axes:
            sources.setdefault(slot, (True, i))
    found: list[Total] = []
    count = len(step.args)
    for i, other in enumerate(steps):
        if not isinstance(other, Launch):
            continue
        which = _summed(other, step)
        if which is None or other.args[which] not in sources:
            continue
        rest = [slot for j, slot in enumerate(other.args) if j != which]
        early = {slot for s in steps[i + 1 : at + 1] for slot in s.args}
        if not (later.intersection(rest) or early.intersection(other.outs)):
            numbers = iter(range(count, count + len(rest)))
            args = tuple(-1 if j == which else next(numbers) for j in range(len(other.args)))
            found.append(Total(other, *sources[other.args[which]], which, args))
            count += len(rest)
    return found


def _summed(other: Launch, step: Launch) -> int | None:
    """Which argument a launch sums over the rows of another, if that is all that it does but for
    what it computes of the sums.
    """
    kernel, rows = other.kernel, len(step.axes) - len(step.reduced)
    folds = [s for s in kernel.stages if s.reduces]
    if len(folds) != 1 or folds[0].op.name != "sum" or folds[0].dtype not in (float32, float64):
        return None
    which, full = folds[0].args[0], [i for i, x in enumerate(kernel.inputs) if x.level == FULL]
    if full != [which] or any(s.level == FULL for s in kernel.stages) or not other.views:
        return None
    same = other.views[which][0] == step.axes and other.reduced == tuple(range(rows))
    return which if same else None


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
    launches = [joint, *(t.launch for t in found)]
    rest = [s for t in found for j, s in enumerate(t.launch.args) if j != t.at]
    args = (*step.args, *rest)
    return Totals(
        joint.kernel, step.space, args, (),
        tuple(slot for x in launches for slot in x.outs),
        tuple(shape for x in launches for shape in x.shapes),
        tuple(dtype for x in launches for dtype in x.dtypes),
        step.axes, step.reduced, varied=range(len(args)),
        device=step.device, joint=joint, apart=step, totals=tuple(found),
    )  # fmt: skip
