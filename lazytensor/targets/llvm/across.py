"""Functions that go across rows: each element of a vector is a row, and columns come one after
another. For columns of a matrix, and for short rows.

Sums follow the tree of `ops/_tree` by a table (schedule.py): lanes in the order in which they
are combined, so that few partial sums are held at a time. What enters: a kernel, and how its
operands lie. What leaves: the text of a module. It must not know sizes.
"""

from collections.abc import Callable
from typing import Any

from ...lower.kernel import Kernel
from ...ops._tree import LANES
from .code import BITS, Value
from .emitter import Emitter
from .folds import Fold, TreeFold, fold_of
from .form import SAME, UNIT, Form, Unsupported
from .host import Host
from .memory import load, load_apart, offset, step, store, store_apart
from .passes import Pass
from .scalar import Lane
from .schedule import LEVELS, MOST_ROW_VALUES


class _Slot(dict[int, Lane]):
    """Values of some rows, read when they are first asked for."""

    def __init__(self, read: Callable[[int], Lane]) -> None:
        super().__init__()
        self._read = read

    def __missing__(self, k: int) -> Lane:
        self[k] = self._read(k)
        return self[k]


class _Sum(TreeFold):
    """A lane in registers."""

    def add(self, lane: Lane, column: Value | None = None) -> None:
        """Combine a vector with the lane."""
        if self.wide is not self.dtype:
            lane = self.e.native.cast(lane, self.wide)
        pairs = zip(self.registers, lane.parts, strict=True)
        self.registers = [
            self.c.binary(self.opcode, r, self.c.splat(v, self.e.width)) for r, v in pairs
        ]


class Across(Emitter):
    """Vectors of rows. A row of the function is a tile of rows of the kernel."""

    def __init__(self, kernel: Kernel, form: Form, host: Host) -> None:
        super().__init__(kernel, form, host)
        plan = self.plan
        if sum(not plan.full(k) for k in range(plan.first, plan.total)) > MOST_ROW_VALUES:
            raise Unsupported("many values of short rows")
        self.span = form.block + self.width
        self.homes: dict[int, Value] = {}

    # --- where things are ------------------------------------------------------------------------

    def _block_length(self, number: Value) -> Value:
        """How many rows a tile has; one with less than a vector begins before its place."""
        c = self.c
        length = super()._block_length(number)
        lacks = c.binary("sub", c.const(self.width, "i64"), length)
        self.back = c.select(c.compare("sgt", lacks, 0), lacks, c.const(0, "i64"))
        return c.binary("add", length, self.back)

    def _row(self, bases: list[Value]) -> None:
        c, inputs = self.c, len(self.kernel.inputs)
        operands = range(len(self.form.lie))
        self.at = list(bases)
        for i in operands:
            back = c.binary("mul", self.back, self._stride(i, -1))
            self.at[i] = step(c, bases[i], c.binary("sub", c.const(0, "i64"), back))
        self.columns = self.words[-2]
        self.entries = self.words[-1]
        for p in self.plan.passes:
            self._row_values(p.rows)
            self._pass(p)
        outputs = [(i, k) for i, k in enumerate(self.kernel.outputs) if not self.plan.full(k)]
        self._row_values(self.plan.last, [(inputs + i, k) for i, k in outputs])

    def _column_stride(self, operand: int) -> Value:
        return self.words[len(self.words) - 2 - len(self.form.lie) + operand]

    def _at_column(self, operand: int, column: Value) -> Value:
        return step(
            self.c, self.at[operand], self.c.binary("mul", column, self._column_stride(operand))
        )

    def _home(self, k: int, slot: Value) -> Value:
        """Where some rows of a value are kept."""
        size = self.kernel.dtype(k).itemsize
        if k not in self.homes:
            self.homes[k] = self.room(f"i{8 * size}", self.span)
        return offset(self.c, self.homes[k], slot, size)

    def _load(self, operand: int, dtype: Any, at: Value, row: Value) -> Lane:
        """A vector of an operand, from some row on."""
        c, lie = self.c, self.form.lie[operand]
        if lie == SAME:
            return load(c, dtype, at, 1)
        if lie == UNIT:
            return load(c, dtype, offset(c, at, row, dtype.itemsize), self.width)
        stride = self._stride(operand, -1)
        return load_apart(c, dtype, step(c, at, c.binary("mul", row, stride)), stride, self.width)

    def _store(self, operand: int, lane: Lane, at: Value, row: Value, stream: bool = False) -> None:
        c, lane = self.c, self._whole(lane)
        if self.form.lie[operand] == UNIT:
            store(c, lane, offset(c, at, row, lane.dtype.itemsize), stream)
            return
        stride = self._stride(operand, -1)
        store_apart(c, lane, step(c, at, c.binary("mul", row, stride)), stride)

    # --- loops -----------------------------------------------------------------------------------

    def _slots(self, body: Callable[[Value, Value], None]) -> None:
        """`body(slot, row)` for each vector of the tile; the last one may lie over the one before
        it.
        """
        c = self.c

        def at(slot: Value) -> None:
            last = c.binary("sub", self.count, self.width)
            row = c.select(c.compare("slt", slot, last), slot, last)
            self.rows = _Slot(lambda k: self._row_value(k, slot, row))
            body(slot, row)

        self.count_up(self.count, self.width, at)

    def _row_value(self, k: int, slot: Value, row: Value) -> Lane:
        kernel = self.kernel
        if k < len(kernel.inputs):
            return self._load(k, kernel.inputs[k].dtype, self.at[k], row)
        if k < self.plan.first:
            constant = kernel.constants[k - len(kernel.inputs)]
            return self.native.const(constant.value, constant.dtype)
        return load(self.c, kernel.dtype(k), self._home(k, slot), self.width)

    def _row_values(self, numbers: list[int], outputs: list[tuple[int, int]] | None = None) -> None:
        """Compute values of rows, keep them, and store those that are outputs."""
        if not numbers and not outputs:
            return

        def body(slot: Value, row: Value) -> None:
            for k in numbers:
                self.rows[k] = self._value(k, self.rows)
                self._keep(k, self.rows[k], slot)
            for operand, k in outputs or ():
                self._store(operand, self.rows[k], self.at[operand], row)

        self._slots(body)

    def _keep(self, k: int, lane: Lane, slot: Value) -> None:
        store(self.c, self._whole(lane), self._home(k, slot))

    # --- a pass ----------------------------------------------------------------------------------

    def _pass(self, p: Pass) -> None:
        if not (p.folds or p.outputs or p.saves):
            return
        folds = [fold_of(self, k, _Sum) for k in p.folds]
        held = _Held(self, folds)
        self._slots(lambda slot, row: held.begin(slot))
        if folds:
            self._by_table(p, held)
        else:
            self.count_up(self.columns, 1, lambda column: self._column(p, held, column))
        self._slots(lambda slot, row: self._finish(p, held, slot))

    def _finish(self, p: Pass, held: "_Held", slot: Value) -> None:
        held.end(slot)
        for k, fold in zip(p.folds, held.folds, strict=True):
            self._keep(k, fold.finished(), slot)

    def _column(self, p: Pass, held: "_Held", column: Value) -> None:
        def body(slot: Value, row: Value) -> None:
            held.load(slot)
            self._work(p, held, column, slot, row)
            held.store(slot)

        self._slots(body)

    def _work(self, p: Pass, held: "_Held", column: Value, slot: Value, row: Value) -> None:
        """One column of some rows."""
        known = {k: self._read(k, column, slot, row) for k in p.reads}
        for k in p.compute:
            known[k] = self._value(k, known)
        inputs = len(self.kernel.inputs)
        for i in p.outputs:
            at, k = self._at_column(inputs + i, column), self.kernel.outputs[i]
            stream = self.form.stream and k not in self.plan.saved
            self._store(inputs + i, known[k], at, row, stream)
        for k in p.saves:
            if k in self.kept:
                store(self.c, self._whole(known[k]), self._kept_at(k, column, slot))
        for fold in held.folds:
            value = fold.stage.args[0]
            fold.add(known[value] if value in known else self.rows[value], column)

    def _read(self, k: int, column: Value, slot: Value, row: Value) -> Lane:
        inputs, dtype = len(self.kernel.inputs), self.kernel.dtype(k)
        if k < inputs:
            return self._load(k, dtype, self._at_column(k, column), row)
        if k in self.kept:
            return load(self.c, dtype, self._kept_at(k, column, slot), self.width)
        operand = inputs + self.kernel.outputs.index(k)
        return self._load(operand, dtype, self._at_column(operand, column), row)

    def _kept_at(self, k: int, column: Value, slot: Value) -> Value:
        """Where some rows of a column are kept."""
        c = self.c
        base = self._kept(k, c.binary("mul", self.columns, self.span))
        place = c.binary("add", c.binary("mul", column, self.span), slot)
        return offset(c, base, place, self.kernel.dtype(k).itemsize)

    def _by_table(self, p: Pass, held: "_Held") -> None:
        c, table = self.c, self.bases[-1]
        depth = self.room("i64", 1)
        c.raw(f"store i64 0, {depth}")

        def entry(i: Value) -> None:
            first, rounds, merges = (
                c.fresh(
                    f"load i64, {step(c, table, c.binary('add', c.binary('mul', i, 24), 8 * j))}",
                    "i64",
                )
                for j in range(3)
            )
            level = c.fresh(f"load i64, {depth}", "i64")
            self._slots(lambda slot, row: self._lane(p, held, (first, rounds, level), slot, row))
            c.raw(f"store {c.binary('add', level, 1)}, {depth}")
            self._merge(held, depth, merges)

        self.count_up(self.entries, 1, entry)

    def _lane(
        self, p: Pass, held: "_Held", entry: tuple[Value, Value, Value], slot: Value, row: Value
    ) -> None:
        """All columns of a lane of the tree, for some rows."""
        c, (first, rounds, level) = self.c, entry
        held.load(slot)
        start = [v for f in held.folds for v in f.registers]
        before, head, after = c.block, c.name("lane"), c.name("laned")
        c.jump(head)
        c.label(head)
        i = c.phi("i64", (c.const(0, "i64"), before))
        phis = [c.phi(v.type, (v, before), width=v.width) for v in start]
        held.give(phis)
        outer, self.rows = self.rows, _Slot(lambda k: self._row_value(k, slot, row))
        self._work(p, held, c.binary("add", first, c.binary("mul", i, LANES)), slot, row)
        self.rows = outer
        following = c.binary("add", i, 1)
        c.also(i, following, c.block)
        for phi, v in zip(phis, [v for f in held.folds for v in f.registers], strict=True):
            c.also(phi, v, c.block)
        c.branch(c.compare("slt", following, rounds), head, after)
        c.label(after)
        held.store(slot, level)

    def _merge(self, held: "_Held", depth: Value, merges: Value) -> None:
        """Combine the last two sums, so many times."""
        c = self.c
        some, none = c.name("merge"), c.name("merged")
        c.branch(c.compare("sgt", merges, 0), some, none)
        c.label(some)

        def once(i: Value) -> None:
            level = c.binary("sub", c.fresh(f"load i64, {depth}", "i64"), 2)
            self._slots(lambda slot, row: held.merge(slot, level))
            c.raw(f"store {c.binary('add', level, 1)}, {depth}")

        self.count_up(merges, 1, once)
        c.jump(none)
        c.label(none)


class _Held:
    """What folds hold for each row of a tile between columns, in memory: sums one for each level of
    the tree, others one.
    """

    def __init__(self, e: Across, folds: list[Fold]) -> None:
        self.e = e
        self.folds = folds
        self.rooms = [[self._room(f, v) for v in f.start] for f in folds]

    def _room(self, fold: Fold, like: Value) -> Value:
        levels = LEVELS if isinstance(fold, _Sum) else 1
        kinds = "i8" if like.type == "i1" else like.type
        return self.e.room(kinds, self.e.span * levels)

    def _at(self, room: Value, like: Value, slot: Value, level: Value | None) -> Value:
        c, place = self.e.c, slot
        if level is not None:
            place = c.binary("add", c.binary("mul", level, self.e.span), slot)
        return offset(c, room, place, max(1, BITS[like.type] // 8))

    def _put(self, v: Value, at: Value) -> None:
        c = self.e.c
        v = c.convert("zext", v, "i8") if v.type == "i1" else v
        c.raw(f"store {v}, {at}, align 1")

    def _get(self, like: Value, at: Value) -> Value:
        c, kinds = self.e.c, "i8" if like.type == "i1" else like.type
        v = c.fresh(f"load <{like.width} x {kinds}>, {at}, align 1", kinds, like.width)
        return c.compare("ne", v, 0) if like.type == "i1" else v

    def give(self, registers: list[Value]) -> None:
        """Hand registers out to the folds."""
        left = list(registers)
        for f in self.folds:
            f.registers, left = left[: len(f.start)], left[len(f.start) :]

    def begin(self, slot: Value) -> None:
        """What folds in any order begin with."""
        for f, rooms in zip(self.folds, self.rooms, strict=True):
            for v, room in zip(f.start, rooms, strict=True):
                if not isinstance(f, _Sum):
                    self._put(v, self._at(room, v, slot, None))

    def load(self, slot: Value) -> None:
        """Registers for some rows; those of a sum begin anew."""
        for f, rooms in zip(self.folds, self.rooms, strict=True):
            f.registers = list(f.start)
            if not isinstance(f, _Sum):
                f.registers = [
                    self._get(v, self._at(room, v, slot, None))
                    for v, room in zip(f.start, rooms, strict=True)
                ]

    def store(self, slot: Value, level: Value | None = None) -> None:
        """Keep registers; those of a sum at a level."""
        for f, rooms in zip(self.folds, self.rooms, strict=True):
            where = level if isinstance(f, _Sum) else None
            for v, room in zip(f.registers, rooms, strict=True):
                self._put(v, self._at(room, v, slot, where))

    def merge(self, slot: Value, level: Value) -> None:
        """Combine sums of a level with those of the next."""
        c = self.e.c
        for f, rooms in zip(self.folds, self.rooms, strict=True):
            for v, room in zip(f.start, rooms, strict=True):
                if isinstance(f, _Sum):
                    low = self._at(room, v, slot, level)
                    high = self._at(room, v, slot, c.binary("add", level, 1))
                    both = c.binary(f.opcode, self._get(v, low), self._get(v, high))
                    self._put(both, low)

    def end(self, slot: Value) -> None:
        """Registers after the last column: sums are all in the first level."""
        for f, rooms in zip(self.folds, self.rooms, strict=True):
            f.registers = [
                self._get(v, self._at(room, v, slot, None))
                for v, room in zip(f.start, rooms, strict=True)
            ]
