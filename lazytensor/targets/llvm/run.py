"""Runs kernels on arrays: native functions by kernel and by how operands lie.

What enters: launches and buffers. What leaves: filled buffers. It must not know graphs.
"""

from collections import OrderedDict
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import numpy as np

from ..._base import config
from ..._base.dtypes import DType
from ..._base.processors import count as threads
from ..._base.record import Record, replace
from ..._base.shapes import prod
from ..._base.threads import COMPILING
from ..._base.threads import run as share
from ...lower.kernel import Kernel, Launch
from ...lower.totals import Total, Totals
from ...ops._tree import BLOCK, LANES
from .bind import LONGEST, Array, Binding, bind, bind_totals, laid_out, turned
from .call import Launcher, packed
from .form import Form, room_bytes, vector_width
from .form import Unsupported as Unsupported
from .keys import key_of
from .machine import Linked
from .objects import Objects, writers
from .passes import own, planned
from .single import single
from .split import halves

# Elements from which on other threads may run meanwhile.
LONG = 1 << 14
# Elements from which on work is shared out, those of the smallest share, and those between two
# looks at whether the user has interrupted.
SPLIT, GRAIN, BREATH = 1 << 18, 1 << 16, 1 << 26
# Columns of one row are shared out in so many: whole lines of the cache, of every dtype.
CHUNK = 1024


# A native call, its words, and how many rows or columns it goes over.
Direct = tuple[Launcher, bytes, int]


class Function(Record, frozen=True):
    """A kernel's function, and the dtypes of columns that it keeps for a row."""

    code: Linked
    kept: tuple[DType, ...]


class Functions:
    """Native functions by kernel and form, compiled when they are first needed; of those that are
    in no launch, the ones used last are kept.
    """

    def __init__(self, objects: Objects) -> None:
        self.objects = objects
        self.host = objects.machine.host
        self.launch = objects.launch
        self._known: OrderedDict[tuple[Kernel, Form], Function] = OrderedDict()
        self._lasting: list[Linked] = []

    def function(self, kernel: Kernel, form: Form) -> Function:
        """A kernel's function for a form. Raises Unsupported."""
        key = (kernel, form)
        with suppress(KeyError):
            known = self._known[key]
            self._known.move_to_end(key)
            return known
        with COMPILING:  # one of several threads makes it
            return self._known.get(key) or self._made(key)

    def _made(self, key: tuple[Kernel, Form]) -> Function:
        kernel, host = key[0], self.host
        code = self.objects.found(key_of(*key), lambda: writers().emit(*key, host))
        made = self._known[key] = Function(code, own(kernel))
        while len(self._known) > config.get("kernel_cache"):
            self._known.popitem(last=False)
        return made

    def words(self, kernel: Kernel, form: Form, *words: int) -> bytes:
        """What `launch` takes for a kernel without rows, from now on; `words` are the operands'
        strides.
        """
        code = self.function(kernel, form).code
        self._lasting.append(code)
        operands = len(form.lie)
        return packed(code.address, True, 0, *(words * operands)[:operands])

    def instruction(self, name: str, dtype: DType, same: tuple[bool, ...]) -> bytes:
        """What `launch` takes for an instruction (`single`)."""
        return self.words(*single(name, dtype, same), dtype.itemsize)


class Bound:
    """A launch bound to how its operands lie: all but their addresses is settled. `over` has pairs
    of an argument and an output that may have its memory; `alike` are equal for those that do the
    same, of which one call of `each` can do several, and empty where it can't; `direct` is the
    native call that does it all, its words and count, where it is one of operands alone, or None;
    `whole` is that call whatever there is to do; `streams` tells whether outputs are written past
    the caches.
    """

    __slots__ = (
        "_binding", "_call", "_code", "_count", "_launch", "_room", "_sets", "_words", "alike",
        "direct", "over", "streams", "whole",
    )  # fmt: skip

    def __init__(self, functions: Functions, launch: Launch, binding: Binding) -> None:
        function = functions.function(launch.kernel, binding.form)
        self._code = function.code  # which would be unloaded
        self._call = functions.launch
        self._launch = launch
        self._binding = binding
        self._count = binding.count
        address, long = function.code.address, binding.elements >= LONG
        self._sets = partial(packed, address, long, *binding.words)
        self._words = self._sets()
        rooms = [room_bytes(binding.kept, dtype) for dtype in function.kept]
        self._room = sum(rooms) + 64 if rooms else 0
        as_they_lie, few = not (binding.copies or binding.turned), binding.elements < SPLIT
        self.alike = self._words if as_they_lie and few else b""
        alone = as_they_lie and not rooms
        self.whole: Direct | None = (self._call, self._words, self._count) if alone else None
        self.direct = self.whole if few else None
        self.over = tuple(_over(launch, binding)) if launch.over else ()
        self.streams = binding.form.stream

    def __call__(self, args: list[Array], outs: list[Array]) -> None:
        """Fill `outs`, on several threads where there is much to do."""
        if self._binding.copies or self._binding.turned:
            self._on_copies(args, outs)
        elif self._binding.elements < SPLIT:
            self._part(args, outs, 0, self._count)
        else:
            self._shared(args, outs)

    def each(self, sets: Sequence[tuple[list[Array], list[Array]]]) -> None:
        """A call for each of several `args, outs`, on several threads where there is much to do."""

        def work(lo: int, hi: int) -> None:
            rest = self._rest()
            arrays = [x for args, outs in sets[lo:hi] for x in (*args, *outs, *rest)]
            words = self._sets(each=len(arrays) // (hi - lo))
            if self._call(words, 0, self._count, *arrays):
                self._call(words, 0, self._count, *map(np.asarray, arrays))

        elements = max(1, self._binding.elements)
        if elements * len(sets) < SPLIT:
            work(0, len(sets))
        else:
            share(work, len(sets), -(-GRAIN // elements), threads())

    def _on_copies(self, args: list[Array], outs: list[Array]) -> None:
        """As a call, with some operands laid out along the axes of the launch."""
        launch, copies = self._launch, self._binding.copies
        moved = [laid_out(launch, a) if i in copies else a for i, a in enumerate(args)]
        for i in self._binding.turned:
            moved[i] = turned(launch, args[i], self._binding.first)
        made = [
            np.empty(launch.axes, o.dtype) if i in copies else o
            for i, o in enumerate(outs, len(args))
        ]
        self._shared(moved, made)
        for out, found in zip(outs, made, strict=True):
            if found is not out:
                out.transpose(launch.order)[...] = found

    def _shared(self, args: list[Array], outs: list[Array]) -> None:
        elements, unit = self._binding.elements, 1 if self._binding.form.rows else CHUNK
        units = -(-self._count // unit)
        grain, most = (max(1, n * units // elements) for n in (GRAIN, BREATH))
        for start in range(0, units, most):
            stop = min(start + most, units)

            def work(lo: int, hi: int, start: int = start) -> None:
                end = min((start + hi) * unit, self._count)
                self._part(args, outs, (start + lo) * unit, end)

            share(work, stop - start, grain, threads())

    def _rest(self) -> list[Array]:
        """What a call wants besides: room."""
        return [np.empty(self._room, np.uint8)] if self._room else []

    def _part(self, args: list[Array], outs: list[Array], lo: int, hi: int) -> None:
        rest = self._rest()
        if self._call(self._words, lo, hi, *args, *outs, *rest):
            arrays = [np.asarray(a) for a in args]  # some were scalars, or a subclass's
            self._call(self._words, lo, hi, *arrays, *outs, *rest)


def _over(launch: Launch, binding: Binding) -> list[tuple[int, int]]:
    """Pairs of an argument that is not read after the output is written, at its place. Across rows
    a last vector may compute again what one before it has written.
    """
    if binding.form.across:
        return []
    plan, inputs = planned(launch.kernel), len(launch.kernel.inputs)
    found = []
    for i, j in launch.over:
        written = [n for n, p in enumerate(plan.passes) if j in p.outputs] or [len(plan.passes)]
        read = [n for n, p in enumerate(plan.passes) if i in p.reads]
        same = binding.form.lie[i] == binding.form.lie[inputs + j]
        kept = not {i, inputs + j}.intersection(binding.copies)
        if kept and same and max(read, default=0) <= written[0]:
            found.append((i, j))
    return found


class Long:
    """A launch over rows that are folded block by block, and what follows of the blocks."""

    over: tuple[tuple[int, int], ...] = ()
    alike = b""
    direct = whole = None
    streams = False

    def __init__(
        self, functions: Functions, launch: Launch, args: list[Array], blocks: int
    ) -> None:
        kernel = launch.kernel
        self._functions = functions
        self._parts = parts = halves(kernel)
        rows = launch.axes[: len(launch.axes) - launch.folded]
        folds = parts.first.outputs[len(parts.full) :]
        self._order = launch.order
        self._shape = (*rows, blocks)
        self._dtypes = tuple(kernel.dtype(k) for k in folds)
        shapes = (*(launch.shapes[i] for i in parts.full), *(self._shape for _ in folds))
        dtypes = (*(launch.dtypes[i] for i in parts.full), *self._dtypes)
        first = replace(launch, kernel=parts.first, shapes=shapes, dtypes=dtypes, over=(), bound={})
        rest = [i for i in range(len(launch.shapes)) if i not in parts.full]
        self._second = replace(
            launch, kernel=parts.second, axes=self._shape, reduced=(len(rows),), over=(), bound={},
            shapes=tuple(launch.shapes[i] for i in rest),
            dtypes=tuple(launch.dtypes[i] for i in rest),
        )  # fmt: skip
        width = vector_width(parts.first, functions.host)
        self._first = Bound(functions, first, bind(first, args, width, blocks))

    def __call__(self, args: list[Array], outs: list[Array]) -> None:
        """Fold blocks of each row, then what they are folded to."""
        parts = self._parts
        folded = [np.empty(self._shape, dtype) for dtype in self._dtypes]
        self._first(list(args), [*(outs[i] for i in parts.full), *folded])
        rest = [o for i, o in enumerate(outs) if i not in parts.full]
        arrays = [*folded, *(self._row(args[i]) for i in parts.rows)]
        key = tuple([a.strides for a in arrays])
        second = self._second.bound.get(key)
        if second is None:
            second = self._second.bound[key] = bound(self._functions, self._second, arrays)
        second(arrays, rest)

    def _row(self, a: Array) -> Array:
        """An argument of rows without the axes that are folded."""
        if a.ndim < len(self._order):
            return a
        return a.transpose(self._order).reshape(self._shape[:-1])


class Summed:
    """A launch with sums over its rows: lanes of these first, which are then folded."""

    over: tuple[tuple[int, int], ...] = ()
    direct = whole = None
    streams = False

    def __init__(self, functions: Functions, step: Totals, args: list[Array]) -> None:
        assert step.joint is not None
        self._own = len(step.joint.args)
        binding = _binding(functions, step.joint, args[: self._own])
        self._first = Bound(functions, step.joint, binding)
        self._functions = functions
        self._blocks = binding.count // LANES
        self._counts = [len(step.joint.outs), *(len(t.launch.outs) for t in step.totals)]
        self._totals = [_Total(t, self._blocks) for t in step.totals]
        for t in self._totals:  # what the target has no code for is told now
            x = t.room()
            self._bound(t.within, [x])
            self._bound(t.last, t.arguments(x if self._blocks == 1 else x[:, 0], args))

    def __call__(self, args: list[Array], outs: list[Array]) -> None:
        """Fill the outputs, then sums and what is computed of them."""
        lanes = [t.room() for t in self._totals]
        left = list(outs)
        own, *others = ([left.pop(0) for _ in range(n)] for n in self._counts)
        self._first(args[: self._own], [*own, *lanes])
        for total, x, made in zip(self._totals, lanes, others, strict=True):
            if self._blocks > 1:
                blocks = np.empty((self._blocks, x.shape[-1]), x.dtype)
                self._bound(total.within, [x])([x], [blocks])
                x = blocks
            own = total.arguments(x, args)
            self._bound(total.last, own)(own, made)

    def _bound(self, launch: Launch, args: list[Array]) -> Any:
        key = tuple([a.strides for a in args])
        known = launch.bound.get(key)
        if known is None:
            known = launch.bound[key] = bound(self._functions, launch, args)
        return known


class _Total:
    """A sum over rows of which there are lanes: `within` adds up those of a block, `last` what is
    left, lanes of a single block or blocks.
    """

    def __init__(self, total: Total, blocks: int) -> None:
        launch = total.launch
        split = len(launch.axes) - len(launch.reduced)
        self._args, self._kept = total.args, launch.axes[:split]
        self._ones = (1,) * (len(launch.reduced) - 1)
        self._dtype = launch.kernel.inputs[total.at].dtype
        self._shape = (blocks, LANES, prod(self._kept))
        fold = next(s for s in launch.kernel.stages if s.reduces)
        summed = launch.kernel.inputs[total.at]
        alone = Kernel(2, 1, (summed,), (), (replace(fold, args=(0,)),), (1,))
        blocked, columns = (blocks, self._shape[-1]), self._shape[-1]
        self.within = Launch(
            alone, (blocks * columns, LANES), (0,), (), (1,), (blocked,), (self._dtype,),
            (*blocked, LANES), (1,),
        )  # fmt: skip
        last = LANES if blocks == 1 else blocks
        self.last = replace(
            launch, axes=(*self._kept, *self._ones, last), space=(columns, last), bound={},
            over=(), views=(), drops=(),
        )  # fmt: skip

    def room(self) -> Array:
        """Memory for lanes."""
        return np.empty(self._shape, self._dtype)

    def arguments(self, x: Array, args: list[Array]) -> list[Array]:
        """Those of `last`."""
        x = x.reshape(*self._ones, -1, *self._kept)
        return [x if i < 0 else args[i] for i in self._args]


def bound(functions: Functions, launch: Launch, args: list[Array]) -> Bound | Long | Summed:
    """A launch bound to operands that lie like these. Raises Unsupported."""
    if isinstance(launch, Totals):
        return Summed(functions, launch, args)
    binding = _binding(functions, launch, args)
    if launch.folded and not binding.form.across and binding.columns > LONGEST:
        return Long(functions, launch, args, -(-binding.columns // BLOCK))
    return Bound(functions, launch, binding)


def source(functions: Functions, launch: Launch, args: list[Array]) -> str:
    """The text of a kernel's function. Raises Unsupported."""
    if isinstance(launch, Totals):
        assert launch.joint is not None
        launch = launch.joint
    form = _binding(functions, launch, args).form
    text: str = writers().emit(launch.kernel, form, functions.host)
    return text


def _binding(functions: Functions, launch: Launch, args: list[Array]) -> Binding:
    width = vector_width(launch.kernel, functions.host)
    how = bind_totals if launch.kernel.totals else bind
    return how(launch, args, width)
