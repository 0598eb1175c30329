"""What a plan reads, writes, computes and holds in memory: figures, without running it.

What enters: a plan, and the types of its inputs. What leaves: for each step bytes and operations,
for each slot its size and when it lives, and how much is held at most. It must not know targets.
"""

from collections.abc import Sequence
from typing import Any

from .._base.record import Record
from .._base.shapes import Shape, prod
from ..ir.op import Op
from ..ir.scalar import instructions
from .kernel import Call, Kernel, Launch, Plan, Step


class Type(Record, frozen=True):
    """Shape and dtype of an array; tuples of them for what has several."""

    shape: Any
    dtype: Any

    @property
    def nbytes(self) -> int:
        """Bytes of the elements."""
        if isinstance(self.dtype, tuple):
            return sum(Type(*one).nbytes for one in zip(self.shape, self.dtype, strict=True))
        size: int = prod(self.shape) * self.dtype.itemsize
        return size


class Slot(Record, frozen=True):
    """A buffer of a plan: `born` and `dies` are numbers of steps, `born` -1 for what is there
    before, `dies` their count for what stays. A `view` shows the memory of the slot `of`.
    """

    number: int
    kind: str
    shape: Any
    dtype: Any
    nbytes: int
    born: int
    dies: int
    of: int | None = None


class Cost(Record, frozen=True):
    """Bytes that a step reads and writes, and additions, multiplications and the like."""

    read: int
    written: int
    flops: int


def types(plan: Plan, inputs: Sequence[Type]) -> list[Type]:
    """The type of each slot."""
    found: list[Type] = [Type((), None)] * plan.slots
    found[: len(inputs)] = inputs
    for slot, buffer in plan.constants:
        found[slot] = Type((), buffer.dtype)
    for step in plan.steps:
        if isinstance(step, Call):
            found[step.outs[0]] = Type(step.shape, step.dtype)
        else:
            for slot, shape, dtype in zip(step.outs, step.shapes, step.dtypes, strict=True):
                found[slot] = Type(shape, dtype)
    return found


def cost(step: Step, of: Sequence[Type]) -> Cost:
    """What a step costs; `of` is the type of each slot. Views cost nothing; of an array with
    elements at places as many are read as there are in the result, at most.
    """
    if isinstance(step, Call) and is_view(step.op):
        return Cost(0, 0, 0)
    read = sum(of[slot].nbytes for slot in dict.fromkeys(step.args))
    written = sum(of[slot].nbytes for slot in step.outs)
    if isinstance(step, Call) and step.op.kind == "gather":
        read -= max(0, of[step.args[0]].nbytes - written)
    if isinstance(step, Launch):
        return Cost(read, written, _kernel_flops(step.kernel, step.space))
    return Cost(read, written, _call_flops(step, of))


def is_view(op: Op) -> bool:
    """Whether a row shows the memory of its argument."""
    return op.kind == "movement" and bool(op.cheap)


def _call_flops(step: Call, of: Sequence[Type]) -> int:
    """As the row says; else one an element of the larger of result and arguments."""
    y, args = Type(step.shape, step.dtype), [of[slot] for slot in step.args]
    if step.op.work is not None:
        return int(step.op.work(y, *args))
    if step.op.kind in ("movement", "gather", "create", "transfer"):
        return 0
    several = isinstance(y.dtype, tuple)
    sizes: list[int] = [prod(t.shape) for t in args if not isinstance(t.dtype, tuple)]
    return max([*sizes, 0 if several else prod(y.shape)])


def _kernel_flops(kernel: Kernel, space: Shape) -> int:
    rows = prod(space[: len(space) - kernel.reduced])
    total = len(kernel.totals) * prod(space)
    for stage in kernel.stages:
        if stage.reduces:
            total += prod(space)
            continue
        if stage.op.kind == "movement":
            continue
        dtypes = tuple(kernel.dtype(a) for a in stage.args)
        per_element = len(instructions(stage.op.body, dtypes, stage.params))
        total += per_element * (rows if kernel.reduced and stage.level == "row" else prod(space))
    return total


def memory(plan: Plan, inputs: Sequence[Type]) -> list[Slot]:
    """The slots that are filled: what they hold, and from which step to which they live."""
    of, end = types(plan, inputs), len(plan.steps)
    born = dict.fromkeys(range(plan.slots), -1)
    dies: dict[int, int] = {}
    base: dict[int, int] = {}
    for number, step in enumerate(plan.steps):
        for slot in step.outs:
            born[slot] = number
            if isinstance(step, Call) and is_view(step.op) and step.args:
                base[slot] = base.get(step.args[0], step.args[0])
        dies.update(dict.fromkeys(step.drops, number))
    kinds = dict.fromkeys(range(len(inputs)), "input")
    kinds |= {slot: "constant" for slot, _ in plan.constants}
    kinds |= dict.fromkeys(base, "view")
    outputs = set(plan.outputs)

    def row(number: int) -> Slot:
        shown = [view for view, whole in base.items() if whole == number]
        last = max(dies.get(n, end) for n in (number, *shown))
        kind = kinds.get(number, "output" if number in outputs else "temporary")
        array = of[number]
        nbytes = 0 if number in base else array.nbytes
        return Slot(
            number, kind, array.shape, array.dtype, nbytes, born[number], last, base.get(number)
        )

    return [row(number) for number in range(plan.slots) if of[number].dtype is not None]


def peak(slots: Sequence[Slot], steps: int) -> int:
    """Bytes at most of what the plan itself takes: temporaries and outputs."""
    own = [s for s in slots if s.kind in ("temporary", "output")]
    changes = [0] * (steps + 2)
    for s in own:
        changes[s.born] += s.nbytes
        changes[s.dies + 1] -= s.nbytes
    most = held = 0
    for change in changes:
        held += change
        most = max(most, held)
    return most
