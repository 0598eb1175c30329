"""Kernels over arrays that are put together of parts (`concat`, and what is made of it, such as a
roll): they read the parts, box by box, and nothing is put together.

What enters: the steps of a piece. What leaves: steps. It must not know targets.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise, product

from .._base.record import Record
from .._base.shapes import Shape, prod
from .kernel import Call, Launch, Step

# Elements from which on this saves more than calling the kernel several times costs; boxes at most.
WORTH, MOST_BOXES = 1 << 14, 32
Key = tuple[slice, ...]


class Box(Record):
    """A launch over a part of the space: where it writes, and for each argument of the kernel which
    of the step's it reads, and where.
    """

    out: Key
    launch: Launch
    takes: tuple[tuple[int, Key], ...]


class Segments(Launch):
    """A launch box by box. `args` are the slots of parts and of other arguments."""

    boxes: tuple[Box, ...] = ()


class _Joined(Record):
    """An array put together along an axis: its parts' slots, and where they begin and end."""

    axis: int
    slots: tuple[int, ...]
    ends: tuple[int, ...]


def segmented(
    steps: Sequence[Step], kept: Iterable[int], shapes: Mapping[int, Shape]
) -> list[Step]:
    """The steps, with kernels in place of what only puts their arguments together."""
    readers: dict[int, list[Step]] = {slot: [] for slot in kept}
    for step in steps:
        for slot in dict.fromkeys(step.args):
            readers.setdefault(slot, []).append(step)
    held = set(kept)
    joins: dict[int, dict[int, _Joined]] = {}
    gone: set[int] = set()
    for step in steps:
        if isinstance(step, Call) and step.op.name == "concat" and step.outs[0] not in held:
            reader = _reader(step, readers.get(step.outs[0], []))
            if reader is not None:
                joins.setdefault(id(reader), {})[step.outs[0]] = _joined(step, shapes)
                gone.add(id(step))
    out: list[Step] = []
    for step in steps:
        found = _in_boxes(step, joins[id(step)], shapes) if id(step) in joins else None
        if found is None and id(step) in joins:  # too many boxes: put together after all
            slots = joins[id(step)]
            out += [s for s in steps if id(s) in gone and s.outs[0] in slots]
        if id(step) not in gone:
            out.append(found or step)
    return out


def _reader(join: Call, readers: Sequence[Step]) -> Launch | None:
    """The one step that reads what is put together, if it is a kernel over its elements."""
    if len(readers) != 1 or not isinstance(readers[0], Launch) or readers[0].kernel.reduced:
        return None
    reader = readers[0]
    whole = all(
        view[0] == reader.axes
        for slot, view in zip(reader.args, reader.views, strict=True)
        if slot == join.outs[0]
    )
    return reader if whole and prod(reader.axes) >= WORTH else None


def _joined(step: Call, shapes: Mapping[int, Shape]) -> _Joined:
    axis, ends = step.params[0], [0]
    for slot in step.args:
        ends.append(ends[-1] + shapes[slot][axis])
    return _Joined(axis, step.args, tuple(ends))


def _in_boxes(
    step: Step, joins: Mapping[int, _Joined], shapes: Mapping[int, Shape]
) -> Segments | None:
    assert isinstance(step, Launch)
    cuts = [{0, n} for n in step.axes]
    for join in joins.values():
        cuts[join.axis].update(join.ends)
    boxes = list(product(*(list(pairwise(sorted(c))) for c in cuts)))
    if len(boxes) > MOST_BOXES:
        return None
    slots = tuple(
        dict.fromkeys(
            s for slot in step.args for s in (joins[slot].slots if slot in joins else (slot,))
        )
    )
    made = tuple(_box(step, joins, slots, shapes, box) for box in boxes)
    return Segments(
        step.kernel, step.space, slots, (), step.outs, step.shapes, step.dtypes, step.axes, (),
        device=step.device, boxes=made,
    )  # fmt: skip


def _box(
    step: Launch,
    joins: Mapping[int, _Joined],
    slots: tuple[int, ...],
    shapes: Mapping[int, Shape],
    box: tuple[tuple[int, int], ...],
) -> Box:
    size = tuple(b - a for a, b in box)
    takes, views = [], []
    for slot, (full, _) in zip(step.args, step.views, strict=True):
        if slot in joins:
            part, key = _of_part(joins[slot], box)
            takes.append((slots.index(part), key))
        else:
            takes.append((slots.index(slot), tuple(_along(shapes[slot], box))))
        view = tuple(n if k != 1 else 1 for n, k in zip(size, full, strict=True))
        views.append((view, view))
    count = len(step.shapes)
    launch = Launch(
        step.kernel, size, (), tuple(views), (), (size,) * count, step.dtypes, size, (),
        varied=range(len(takes)), whole=step.axes,
    )  # fmt: skip
    return Box(tuple(slice(a, b) for a, b in box), launch, tuple(takes))


def _of_part(join: _Joined, box: tuple[tuple[int, int], ...]) -> tuple[int, Key]:
    """The part that a box lies in, and where in it."""
    low = box[join.axis][0]
    i = next(i for i, (a, b) in enumerate(pairwise(join.ends)) if a <= low < b)
    moved = [
        (a - join.ends[i], b - join.ends[i]) if axis == join.axis else (a, b)
        for axis, (a, b) in enumerate(box)
    ]
    return join.slots[i], tuple(slice(a, b) for a, b in moved)


def _along(shape: Shape, box: tuple[tuple[int, int], ...]) -> Iterator[slice]:
    """A box of an argument, which may lack axes, or be the same along them."""
    for n, (a, b) in zip(shape, box[len(box) - len(shape) :], strict=True):
        yield slice(None) if n == 1 else slice(a, b)
