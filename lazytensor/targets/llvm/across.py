"""Functions that go across rows: each element of a vector is a row, and columns come one after
another. For columns of a matrix, and for short rows.

Sums follow the tree of `ops/_tree`: the lanes of a block are held in memory for all rows of a tile,
so that memory is read nearly in the order in which it lies. What enters: a kernel, and how its
operands lie. What leaves: the text of a module. It must not know sizes.
"""

from collections.abc import Callable
from typing import Any

from ...lower.kernel import Kernel
from ...ops._tree import BLOCK, GROUP, LANES, ROUNDS
from .code import BITS, Value
from .emitter import Emitter
from .folds import Fold, TreeFold, fold_of, follows_tree
from .form import SAME, UNIT, Form, Host, Unsupported
from .loops import FALSE, ZERO, choose, each, least
from .memory import load, load_apart, offset, step, store, store_apart
from .passes import Pass, keeps_place
from .quotients import Divisor, divisor
from .scalar import Lane
from .stack import HELD, MOST_ROW_VALUES, PARTS, WHOLE, row_bytes, widest

# The first of some columns, how many there are, and how far from one another.
Places = tuple[Value, Value, Value]


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
        if self.span * row_bytes(plan) > WHOLE:
            raise Unsupported("many sums of short rows")
        self.homes: dict[tuple[int, int], Value] = {}
        self.divided: list[int] = []  # values of rows that the pass divides by
        self._lanes: list[Value] = []

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
        self.columns = self.words[-1]
        for p in self.plan.passes:
            self._row_values(p.rows)
            self._pass(p)
        outputs = [(i, k) for i, k in enumerate(self.kernel.outputs) if not self.plan.full(k)]
        self._row_values(self.plan.last, [(inputs + i, k) for i, k in outputs])

    def _column_stride(self, operand: int) -> Value:
        return self.words[len(self.words) - 1 - len(self.form.lie) + operand]

    def _at_column(self, operand: int, column: Value) -> Value:
        return step(
            self.c, self.at[operand], self.c.binary("mul", column, self._column_stride(operand))
        )

    def _home(self, k: int, slot: Value, part: int = 0) -> Value:
        """Where some rows of a value are kept, or of a part of what dividing by it takes."""
        size = self.kernel.dtype(k).itemsize
        if (k, part) not in self.homes:
            self.homes[k, part] = self.room(f"i{8 * size}", self.span)
        return offset(self.c, self.homes[k, part], slot, size)

    def lanes(self, number: int) -> Value:
        """Where sums are held; a pass has the memory of the one before it."""
        if number == len(self._lanes):
            self._lanes.append(self.room(f"i{8 * widest(self.kernel)}", self.span * HELD))
        return self._lanes[number]

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
        lane = self._row_lane(k, slot, row)
        if k in self.divided:
            places = (self._home(k, slot, i) for i in range(1, PARTS + 1))
            parts = [load(self.c, lane.dtype, at, self.width).only for at in places]
            number = self.c.splat(lane.only, self.width)
            self.native.divisors[repr(lane.only)] = Divisor(number, *parts)
        return lane

    def _row_lane(self, k: int, slot: Value, row: Value) -> Lane:
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

    def _keep(self, k: int, lane: Lane, slot: Value, part: int = 0) -> None:
        store(self.c, self._whole(lane), self._home(k, slot, part))

    # --- a pass ----------------------------------------------------------------------------------

    def _pass(self, p: Pass) -> None:
        if not (p.folds or p.outputs or p.saves):
            return
        self.ordered = self._in_order(p)
        self._divisors(p)
        held = _Held(self, [fold_of(self, k, _Sum) for k in p.folds])
        self._slots(lambda slot, row: held.begin(slot))
        if held.sums:
            self._by_tree(p, held)
        elif not self.ordered:
            self._groups(p, held, ZERO, self.columns)
        elif p.folds:
            self._few_by_few(p, held)
        else:
            self.count_up(self.columns, 1, lambda column: self._column(p, column))
        self.divided, self.native.divisors = [], {}
        self._slots(lambda slot, row: self._finish(p, held, slot))

    def _divisors(self, p: Pass) -> None:
        """Keep what is made of values of rows that a pass divides by."""
        if not (self.form.divides and self.c.fused):
            return
        numbers = [k for k in self.plan.divisors(p) if not self.plan.full(k)]

        def body(slot: Value, row: Value) -> None:
            for k in numbers:
                parts = divisor(self.c, self.rows[k].only, self.width).parts
                for i, part in enumerate(parts, 1):
                    self._keep(k, Lane(self.kernel.dtype(k), part), slot, i)

        if numbers:
            self._slots(body)
        self.divided = numbers

    def _in_order(self, p: Pass) -> bool:
        """Whether columns come in their own order, which finding places is easier in. In that of
        sums memory is read faster, several rows of it at a time that are far from one another.
        """
        stages = [self.plan.stage(k) for k in p.folds]
        if any(follows_tree(self.kernel, stage) for stage in stages):
            return False
        return not stages or any(keeps_place(self.kernel, stage) for stage in stages)

    def _finish(self, p: Pass, held: "_Held", slot: Value) -> None:
        held.end(slot)
        for k, fold in zip(p.folds, held.folds, strict=True):
            self._keep(k, fold.finished(), slot)

    def _column(self, p: Pass, column: Value) -> None:
        self._slots(lambda slot, row: self._work(p, [], column, slot, row))

    def _work(self, p: Pass, folds: list[Fold], column: Value, slot: Value, row: Value) -> None:
        """One column of some rows."""
        known = {k: self._read(k, column, slot, row) for k in p.reads}
        for k in p.compute:
            known[k] = self._value(k, known)
        inputs = len(self.kernel.inputs)
        for i in p.outputs:
            at, k = self._at_column(inputs + i, column), self.kernel.outputs[i]
            stream = self.form.stream and self.ordered and k not in self.plan.saved
            self._store(inputs + i, known[k], at, row, stream)
        for k in p.saves:
            if k in self.kept:
                store(self.c, self._whole(known[k]), self._kept_at(k, column, slot))
        for fold in folds:
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

    # --- folds -----------------------------------------------------------------------------------

    def _few_by_few(self, p: Pass, held: "_Held") -> None:
        """All columns in order, a few for each vector of the tile."""

        def few(i: Value) -> None:
            count = least(self.c, self.c.binary("sub", self.columns, i), ROUNDS)
            places = i, count, self.c.const(1, "i64")
            self._lane(p, held, places, ZERO, FALSE)

        each(self.c, ZERO, self.columns, ROUNDS, few)

    def _rounds(self, p: Pass, held: "_Held", places: Places, slot: Value, row: Value) -> None:
        """Some columns of some rows: from the first one so many, at a distance."""
        c, (first, count, apart) = self.c, places
        start = [v for f in held.folds for v in f.registers]
        before, head, after = c.block, c.name("lane"), c.name("laned")
        c.jump(head)
        c.label(head)
        i = c.phi("i64", (c.const(0, "i64"), before))
        phis = [c.phi(v.type, (v, before), width=v.width) for v in start]
        held.give(phis)
        outer, self.rows = self.rows, _Slot(lambda k: self._row_value(k, slot, row))
        column = c.binary("add", first, c.binary("mul", i, apart))
        self._work(p, held.folds, column, slot, row)
        self.rows = outer
        following = c.binary("add", i, 1)
        c.also(i, following, c.block)
        for phi, v in zip(phis, [v for f in held.folds for v in f.registers], strict=True):
            c.also(phi, v, c.block)
        c.branch(c.compare("slt", following, count), head, after)
        c.label(after)

    def _by_tree(self, p: Pass, held: "_Held") -> None:
        """Blocks, in the order in which those of a power of two are combined; those that are not
        there are sums of nothing.
        """
        c = self.c
        blocks = c.binary("udiv", c.binary("add", self.columns, BLOCK - 1), BLOCK)
        spare = c.intrinsic("ctlz", c.binary("sub", blocks, 1), suffix=", i1 false")

        def block(k: Value) -> None:
            above = c.binary("lshr", c.intrinsic("bitreverse", k), 1)
            number = c.binary("lshr", above, c.binary("sub", spare, 1))
            level = c.intrinsic("ctpop", k)
            at = c.binary("add", level, LANES)
            choose(
                c,
                c.compare("slt", number, blocks),
                lambda: self._block(p, held, c.binary("mul", number, BLOCK), at),
                lambda: self._slots(lambda slot, row: held.nothing(slot, at)),
            )
            merges = c.intrinsic("cttz", c.binary("xor", k, -1), suffix=", i1 false")
            each(c, ZERO, merges, 1, lambda j: self._merged(held, c.binary("sub", at, j)))

        places = c.binary("shl", c.const(1, "i64"), c.binary("sub", 64, spare))
        each(c, ZERO, places, 1, block)

    def _merged(self, held: "_Held", level: Value) -> None:
        """The sums of two levels made one."""
        below = self.c.binary("sub", level, 1)
        self._slots(lambda slot, row: held.join(slot, below, level))

    def _block(self, p: Pass, held: "_Held", start: Value, level: Value) -> None:
        """The sums of a block, into their level."""
        c = self.c
        length = least(c, c.binary("sub", self.columns, start), BLOCK)
        self._groups(p, held, start, length)
        self._folded(held, least(c, length, LANES), level)

    def _groups(self, p: Pass, held: "_Held", start: Value, length: Value) -> None:
        """So many columns, lane by lane in each group."""
        c = self.c

        def group(i: Value) -> None:
            left = least(c, c.binary("sub", length, i), GROUP)
            lanes = self._lanes_of(held, left)
            first = c.binary("add", start, i)

            def lane(number: Value) -> None:
                beyond = c.binary("sub", c.binary("add", left, c.binary("sub", lanes, 1)), number)
                rounds, at = c.binary("udiv", beyond, lanes), c.binary("add", first, number)
                self._lane(p, held, (at, rounds, lanes), number, c.compare("sgt", i, 0))

            each(c, ZERO, least(c, left, lanes), 1, lane)

        each(c, ZERO, length, GROUP, group)

    def _lanes_of(self, held: "_Held", columns: Value) -> Value:
        """How far columns are apart that are combined at once: as the tree has it, or so that they
        are many.
        """
        c = self.c
        if held.sums:
            return c.const(LANES, "i64")
        return c.binary("udiv", c.binary("add", columns, ROUNDS - 1), ROUNDS)

    def _lane(self, p: Pass, held: "_Held", places: Places, number: Value, again: Value) -> None:
        """Columns of a lane that follow those that it has `again`."""

        def body(slot: Value, row: Value) -> None:
            held.load(slot)
            self._rounds(p, held, places, slot, row)
            held.store(slot)
            if held.sums:
                held.store_lane(slot, number, again)

        self._slots(body)

    def _folded(self, held: "_Held", lanes: Value, to: Value) -> None:
        """Lanes folded in halves: all of them in registers, fewer in memory."""
        c = self.c

        def some() -> None:
            each(c, ZERO, c.const(LANES.bit_length() - 1, "i64"), 1, half)
            self._slots(lambda slot, row: held.move(slot, to))

        def half(i: Value) -> None:
            low = c.binary("lshr", c.const(LANES // 2, "i64"), i)
            stop = least(c, lanes, c.binary("shl", low, 1))
            each(c, low, stop, 1, lambda high: onto(c.binary("sub", high, low), high))

        def onto(low: Value, high: Value) -> None:
            self._slots(lambda slot, row: held.join(slot, low, high))

        def every() -> None:
            self._slots(lambda slot, row: held.fold(slot, to))

        choose(c, c.compare("eq", lanes, LANES), every, some)


class _Held:
    """What folds hold for each row of a tile between columns, in memory: sums their lanes, and one
    for each level of the tree of blocks; others one.
    """

    def __init__(self, e: Across, folds: list[Fold]) -> None:
        self.e = e
        self.folds = folds
        self.sums = [f for f in folds if isinstance(f, _Sum)]
        starts = [(f.opcode, v) for f in self.sums for v in f.start]
        self.parts = [(opcode, v, e.lanes(i)) for i, (opcode, v) in enumerate(starts)]
        self.others = [
            (f, [(v, e.room(_kinds(v), e.span)) for v in f.start])
            for f in folds
            if not isinstance(f, _Sum)
        ]

    def _at(self, room: Value, like: Value, slot: Value, number: Value = ZERO) -> Value:
        c = self.e.c
        place = c.binary("add", c.binary("mul", number, self.e.span), slot)
        return offset(c, room, place, max(1, BITS[like.type] // 8))

    def _put(self, v: Value, at: Value) -> None:
        c = self.e.c
        v = c.convert("zext", v, "i8") if v.type == "i1" else v
        c.raw(f"store {v}, {at}, align 1")

    def _get(self, like: Value, at: Value) -> Value:
        c, kinds = self.e.c, _kinds(like)
        v = c.fresh(f"load <{like.width} x {kinds}>, {at}, align 1", kinds, like.width)
        return c.compare("ne", v, 0) if like.type == "i1" else v

    def give(self, registers: list[Value]) -> None:
        """Hand registers out to the folds."""
        left = list(registers)
        for f in self.folds:
            f.registers, left = left[: len(f.start)], left[len(f.start) :]

    def begin(self, slot: Value) -> None:
        """What folds in any order begin with."""
        for _, rooms in self.others:
            for v, room in rooms:
                self._put(v, self._at(room, v, slot))

    def load(self, slot: Value) -> None:
        """Registers for some rows; those of a sum begin anew."""
        for total in self.sums:
            total.registers = list(total.start)
        for f, rooms in self.others:
            f.registers = [self._get(v, self._at(room, v, slot)) for v, room in rooms]

    def store(self, slot: Value) -> None:
        """Keep registers, but those of sums."""
        for f, rooms in self.others:
            for r, (v, room) in zip(f.registers, rooms, strict=True):
                self._put(r, self._at(room, v, slot))

    def store_lane(self, slot: Value, lane: Value, again: Value) -> None:
        """Keep registers of sums in a lane, added to what is there, if that is so."""
        c, latest = self.e.c, [r for f in self.sums for r in f.registers]

        def more() -> list[Value]:
            held = [self._get(v, self._at(room, v, slot, lane)) for _, v, room in self.parts]
            return [
                c.binary(part[0], old, r)
                for part, old, r in zip(self.parts, held, latest, strict=True)
            ]

        found = choose(c, again, more, lambda: latest)
        for r, (_, v, room) in zip(found, self.parts, strict=True):
            self._put(r, self._at(room, v, slot, lane))

    def nothing(self, slot: Value, number: Value) -> None:
        """Sums of nothing."""
        for _, v, room in self.parts:
            self._put(v, self._at(room, v, slot, number))

    def join(self, slot: Value, low: Value, high: Value) -> None:
        """Combine sums with others."""
        for opcode, v, room in self.parts:
            places = [self._at(room, v, slot, number) for number in (low, high)]
            both = self.e.c.binary(opcode, *(self._get(v, at) for at in places))
            self._put(both, places[0])

    def move(self, slot: Value, to: Value) -> None:
        """The first lane, elsewhere."""
        for _, v, room in self.parts:
            self._put(self._get(v, self._at(room, v, slot)), self._at(room, v, slot, to))

    def fold(self, slot: Value, to: Value) -> None:
        """All lanes, folded in halves."""
        for opcode, v, room in self.parts:
            found = self._half(opcode, v, self._at(room, v, slot), 0, 1)
            self._put(found, self._at(room, v, slot, to))

    def _half(self, opcode: str, like: Value, first: Value, lane: int, apart: int) -> Value:
        c, size = self.e.c, BITS[like.type] // 8
        if apart == LANES:
            return self._get(like, c.step(first, lane * self.e.span * size))
        halves = (self._half(opcode, like, first, lane + i, 2 * apart) for i in (0, apart))
        return c.binary(opcode, *halves)

    def end(self, slot: Value) -> None:
        """Registers after the last column: sums are all in the first level."""
        level = self.e.c.const(LANES, "i64")
        left = [self._get(v, self._at(room, v, slot, level)) for _, v, room in self.parts]
        for total in self.sums:
            count = len(total.start)
            total.registers, left = left[:count], left[count:]
        for f, rooms in self.others:
            f.registers = [self._get(v, self._at(room, v, slot)) for v, room in rooms]


def _kinds(like: Value) -> str:
    return "i8" if like.type == "i1" else like.type
