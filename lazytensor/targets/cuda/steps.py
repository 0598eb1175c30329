"""From a step of a plan to launches of kernels, as data: what is compiled, a grid, and words in
which addresses are missing.

What enters: a launch, one with sums over rows, one that goes box by box, or several that run at
once; shapes and strides of arrays. What leaves: commands. It must not know CUDA C, nor who
launches.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, zip_longest
from typing import Any, NamedTuple

from ..._base.shapes import Shape, prod
from ...lower.kernel import Kernel, Launch
from ...lower.layout import contiguous
from ...lower.segments import Key, Segments
from ...lower.totals import Totals
from ...ops._tree import GROUP, LANES
from .form import Form
from .launches import Binding, bind, bind_summed, bind_sums, grid
from .words import MOST_WORDS, NEVER, Words

# What scratch memory is a multiple of.
LINE = 256


class View(NamedTuple):
    """How an array lies."""

    shape: Shape
    strides: tuple[int, ...]
    itemsize: int

    @property
    def ndim(self) -> int:
        """How many axes there are."""
        return len(self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes of its elements."""
        return prod(self.shape) * self.itemsize


class Place(NamedTuple):
    """An address: so many bytes behind an array's, which has a number. Arrays are arguments, then
    outputs; scratch memory comes last.
    """

    array: int
    offset: int = 0


class Set(NamedTuple):
    """Words of a kernel, the first of which are addresses."""

    places: tuple[Place, ...]
    rest: tuple[int, ...]
    blocks: int


@dataclass(frozen=True, slots=True)
class Command:
    """A launch of a kernel in some form: blocks along the axes of a grid, threads of each, bytes of
    shared memory. There are several sets of words where the form says so.
    """

    kernel: Kernel
    form: Form
    grid: tuple[int, int, int]
    threads: tuple[int, int, int]
    shared: int
    sets: tuple[Set, ...]

    def words(self, addresses: Sequence[int]) -> list[int]:
        """What the kernel is called with, 64-bit words, or where its form is `far` what it finds in
        memory; `addresses` are those of arguments, of outputs and of scratch memory.
        """
        words: list[int] = []
        if self.form.sets:
            firsts = (0, *accumulate(s.blocks for s in self.sets[:-1]))
            words += (*firsts, *(NEVER,) * (self._words.sets - len(firsts)))
        for places, rest, _ in self.sets:
            words += [addresses[number] + offset for number, offset in places]
            words += rest
        return words + [0] * (MOST_WORDS - len(words)) if self.form.sets else words

    @property
    def _words(self) -> Words:
        return Words(len(self.sets[0].places) - 1, self.form.outer, self.form.inner)


@dataclass(frozen=True, slots=True)
class Bound:
    """Commands one after another over so many `arrays`, arguments and then outputs; bytes of
    scratch memory, which begins at a multiple of 256; and pairs of an argument and an output that
    may have its memory.
    """

    commands: tuple[Command, ...]
    arrays: int
    scratch: int = 0
    over: tuple[tuple[int, int], ...] = ()


def bound(step: Launch, args: Sequence[Any], addresses: Sequence[int]) -> Bound:
    """A launch bound to arguments that lie like these: of each its shape, strides and itemsize are
    asked. `addresses` are theirs, or those of arguments and outputs; what counts is the remainder
    by 16. Outputs lie in row-major order, and where they aren't told begin at such multiples.
    """
    views = [_view(a) for a in args]
    views += [_laid(s, d.itemsize) for s, d in zip(step.shapes, step.dtypes, strict=True)]
    known = (*addresses, *(0,) * (len(views) - len(addresses)))
    arrays = [_Array(v, Place(i), known[i]) for i, v in enumerate(views)]
    arrays, outs = arrays[: len(args)], arrays[len(args) :]
    made = _Commands(len(views))
    if isinstance(step, Totals):
        _totals(made, step, arrays, outs)
    elif isinstance(step, Segments):
        _boxes(made, step, arrays, outs)
    else:
        made.launch(step, arrays, outs)
    return Bound(tuple(made.found), len(views), made.room, made.over)


def together(bounds: Sequence[Bound]) -> Bound:
    """Launches that may run at once, as those of a Batch: as few commands as they can be. Arrays
    are those of all, one after another.
    """
    room, first, moved = 0, 0, []
    scratch = sum(b.arrays for b in bounds)
    for b in bounds:
        moved.append([_moved(c, b.arrays, first, Place(scratch, room)) for c in b.commands])
        first += b.arrays
        room += b.scratch
    commands: list[Command] = []
    for stage in zip_longest(*moved):
        commands += _joined([c for c in stage if c is not None])
    return Bound(tuple(commands), scratch, room)


def _moved(command: Command, arrays: int, first: int, scratch: Place) -> Command:
    """A command whose arrays are numbered from the first on."""

    def place(p: Place) -> Place:
        if p.array < arrays:
            return Place(first + p.array, p.offset)
        return Place(scratch.array, scratch.offset + p.offset)

    sets = tuple(s._replace(places=tuple(map(place, s.places))) for s in command.sets)
    return replace(command, sets=sets)


def _joined(commands: Sequence[Command]) -> list[Command]:
    """Commands of one kernel in one form are one, of as many sets as there is room for."""
    out: list[Command] = []
    kinds: dict[Any, list[Command]] = {}
    for c in commands:
        kinds.setdefault((c.kernel, c.form, c.threads, c.shared), []).append(c)
    for alike in kinds.values():
        single = alike[0].form.far or alike[0].form.sets or not alike[0].form.narrow
        most = 1 if single else alike[0]._words.sets
        out += _in_sets(alike, most) if most > 1 else alike
    return out


def _in_sets(alike: Sequence[Command], most: int) -> Iterable[Command]:
    sets = [s for c in alike for s in c.sets]
    for lo in range(0, len(sets), most):
        some = tuple(sets[lo : lo + most])
        blocks = sum(s.blocks for s in some)
        form = replace(alike[0].form, sets=len(some) > 1)
        yield replace(alike[0], form=form, grid=grid(blocks), sets=some)


# --- one step -------------------------------------------------------------------------------------


class _Array(NamedTuple):
    """An array of a step: how it lies, and where."""

    view: View
    place: Place
    address: int

    def box(self, key: Key) -> "_Array":
        """A part of it."""
        ranges = [s.indices(n) for s, n in zip(key, self.view.shape, strict=True)]
        offset = sum(r[0] * s for r, s in zip(ranges, self.view.strides, strict=True))
        view = self.view._replace(shape=tuple(stop - start for start, stop, _ in ranges))
        return self.moved(view, offset)

    def moved(self, view: View, offset: int) -> "_Array":
        """Something else so many bytes behind it."""
        place = Place(self.place.array, self.place.offset + offset)
        return _Array(view, place, self.address + offset)


def _view(a: Any) -> View:
    return View(tuple(a.shape), tuple(a.strides), a.itemsize)


def _laid(shape: Shape, size: int) -> View:
    """A view of elements in row-major order."""
    return View(shape, contiguous(shape, size), size)


class _Commands:
    """Commands one after another, and what they take of scratch memory."""

    def __init__(self, arrays: int) -> None:
        self.found: list[Command] = []
        self.room = 0
        self.over: tuple[tuple[int, int], ...] = ()
        self._scratch = arrays

    def take(self, nbytes: int) -> Place:
        """Scratch memory."""
        place = Place(self._scratch, self.room)
        self.room += -(-nbytes // LINE) * LINE
        return place

    def array(self, shape: Shape, size: int) -> _Array:
        """An array in scratch memory."""
        view = _laid(shape, size)
        return _Array(view, self.take(view.nbytes), 0)

    def launch(self, launch: Launch, args: Sequence[_Array], outs: Sequence[_Array]) -> None:
        """A launch by itself."""
        addresses = [a.address for a in (*args, *outs)]
        binding = bind(launch, [a.view for a in args], addresses, [o.view for o in outs])
        self.over = binding.over
        self.parts(launch.kernel, binding, [a.place for a in (*args, *outs)])

    def parts(self, kernel: Kernel, binding: Binding, places: Sequence[Place]) -> None:
        """Parts of a launch."""
        room = self.take(binding.scratch)
        for p in binding.parts:
            words = Set((*places, room), (*p.sizes, *p.tail), p.blocks)
            self.found.append(Command(kernel, p.form, p.grid, p.threads, p.shared, (words,)))


def _boxes(made: _Commands, step: Segments, args: Sequence[_Array], outs: Sequence[_Array]) -> None:
    """Boxes, of which none reads another."""
    for box in step.boxes:
        taken = [args[i].box(key) for i, key in box.takes]
        made.launch(box.launch, taken, [out.box(box.out) for out in outs])
    made.found = _joined(made.found)


def _totals(made: _Commands, step: Totals, args: Sequence[_Array], outs: Sequence[_Array]) -> None:
    """A launch that sums what it goes over, and what these sums come to; or one after another."""
    assert step.joint is not None
    known = dict(zip(step.outs, outs, strict=True))
    own = args[: len(step.joint.args)]
    part = bind_summed(step.joint, [a.view for a in own])
    if part is None:
        _apart(made, step, args, known)
        return
    kernel = step.joint.kernel
    sizes = [kernel.dtype(k).itemsize for k in kernel.totals]
    rows, columns, _ = part.sizes
    each = -(-rows // GROUP) * LANES * columns
    room = made.take(sum(sizes) * each)
    places = [*(a.place for a in own), *(known[slot].place for slot in step.joint.outs), room]
    words = Set(tuple(places), (*part.sizes, *part.tail), part.blocks)
    made.found.append(Command(kernel, part.form, part.grid, part.threads, part.shared, (words,)))
    for i, total in enumerate(step.totals):
        sums = _Array(
            _laid(step.axes, sizes[i]), Place(room.array, room.offset + sum(sizes[:i]) * each), 0
        )
        own = [sums if k < 0 else args[k] for k in total.args]
        found = [known[slot] for slot in total.launch.outs]
        binding = bind_sums(total.launch, [a.view for a in own], total.at)
        made.parts(total.launch.kernel, binding, [a.place for a in (*own, *found)])


def _apart(
    made: _Commands, step: Totals, args: Sequence[_Array], known: Mapping[int, _Array]
) -> None:
    """The launch, whose sums are taken of what it has stored."""
    assert step.apart is not None
    outs = [
        known[slot] if slot in known else made.array(shape, dtype.itemsize)
        for slot, shape, dtype in zip(
            step.apart.outs, step.apart.shapes, step.apart.dtypes, strict=True
        )
    ]
    made.launch(step.apart, args[: len(step.apart.args)], outs)
    for total in step.totals:
        x = args[total.number] if total.of_input else outs[total.number]
        own = [x if k < 0 else args[k] for k in total.args]
        made.launch(total.launch, own, [known[slot] for slot in total.launch.outs])
