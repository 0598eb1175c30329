"""Long rows: a kernel in two, the first over blocks of a row, the second over what they fold to.

The tree of sums is made of such blocks, so both together have the bits of one. What enters: a
kernel of one pass. What leaves: two kernels. It must not know sizes.
"""

from ..._base.dtypes import float16
from ..._base.record import Record, replace
from ...lower.kernel import FULL, Input, Kernel, Stage
from .form import Unsupported
from .passes import keeps_place


class Halves(Record, frozen=True):
    """`first` has the outputs that vary along the columns, `full` of them, then one for each fold;
    `second` reads those, then the inputs numbered `rows`.
    """

    first: Kernel
    second: Kernel
    full: tuple[int, ...]
    rows: tuple[int, ...]


def halves(kernel: Kernel) -> Halves:
    """The two kernels. Raises Unsupported for half precision, whose blocks are summed in single."""
    start = len(kernel.inputs) + len(kernel.constants)
    stages = dict(enumerate(kernel.stages, start))
    folds = [k for k, s in stages.items() if s.reduces]
    if any(kernel.dtype(k) is float16 for k in folds):
        raise Unsupported("long rows in half precision")
    if any(keeps_place(kernel, stages[k]) for k in folds):
        raise Unsupported("places in long rows")
    full = tuple(i for i, k in enumerate(kernel.outputs) if kernel.level(k) == FULL)
    first = replace(kernel, outputs=(*(kernel.outputs[i] for i in full), *folds))
    rows = tuple(i for i, x in enumerate(kernel.inputs) if x.level != FULL)
    return Halves(first, _second(kernel, stages, folds, rows), full, rows)


def _second(
    kernel: Kernel, stages: dict[int, Stage], folds: list[int], rows: tuple[int, ...]
) -> Kernel:
    """Folds of folds, and all that is computed of the rows alone."""
    inputs = [Input(kernel.dtype(k), FULL, (True, True)) for k in folds]
    numbers = {i: len(inputs) + j for j, i in enumerate(rows)}
    inputs += [kernel.inputs[i] for i in rows]
    constants = len(kernel.constants)
    for j in range(constants):
        numbers[len(kernel.inputs) + j] = len(inputs) + j
    kept: list[Stage] = []
    for k, stage in stages.items():
        if stage.reduces:
            args: tuple[int, ...] = (folds.index(k),)
        elif stage.level != FULL:
            args = tuple(numbers[a] for a in stage.args)
        else:
            continue
        numbers[k] = len(inputs) + constants + len(kept)
        kept.append(replace(stage, args=args))
    outputs = tuple(numbers[k] for k in kernel.outputs if kernel.level(k) != FULL)
    return replace(kernel, inputs=tuple(inputs), stages=tuple(kept), outputs=outputs)
