"""Functions that go along the columns of one row after another.

What enters: a kernel, and how its operands lie. What leaves: the text of a module. It must not know
sizes.
"""

from ...lower.kernel import FULL, Kernel
from ...ops._tree import LANES
from .code import Value
from .emitter import Emitter
from .folds import Loop, fold_of, follows_tree
from .form import FEW, OTHER, REVERSED, SAME, STRIDED, UNIT, Form, Host, Unsupported
from .loops import choose
from .memory import (
    Columns,
    Operand,
    load,
    load_apart,
    load_other,
    load_reversed,
    prefetch,
    step,
    store,
    store_apart,
    streamed,
)
from .passes import Pass, keeps_place
from .quotients import Divisor, divisor
from .scalar import Lane

# Each takes half a kilobyte of the stack at most.
MOST_FOLDS = 24
# Bytes by which a pass that is alone fetches ahead, of all that it fetches together, and of each at
# least.
AHEAD, NEAR = 1 << 12, 1 << 10


class Along(Emitter):
    """Vectors of columns."""

    def __init__(self, kernel: Kernel, form: Form, host: Host) -> None:
        super().__init__(kernel, form, host)
        if sum(s.reduces for s in kernel.stages) > MOST_FOLDS:
            raise Unsupported("many folds at once")
        if kernel.reduced and form.block and len(self.plan.passes) > 1:
            raise Unsupported("folds of a long row that need one another")
        self.narrow = self.width
        self.fetches = self._fetches()

    def _row(self, bases: list[Value]) -> None:
        self.at = bases
        self.rows = {}
        inputs = len(self.kernel.inputs)
        for i, x in enumerate(self.kernel.inputs):
            if x.level != FULL or self.lie[i] == SAME:
                self.rows[i] = load(self.c, x.dtype, bases[i], 1)
        for i, constant in enumerate(self.kernel.constants, inputs):
            self.rows[i] = self.native.const(constant.value, constant.dtype)
        for p in self.plan.passes:
            self._row_values(p.rows)
            self._pass(p)
        self._row_values(self.plan.last)
        for i, k in enumerate(self.kernel.outputs):
            if not self.plan.full(k):
                store(self.c, self.rows[k], bases[inputs + i])

    def _row_values(self, numbers: list[int]) -> None:
        for k in numbers:
            self.rows[k] = self._value(k, self.rows)

    def _pass(self, p: Pass) -> None:
        if not (p.folds or p.outputs or p.saves or p.totals):
            return
        self.width = LANES if any(self._wide(k) for k in p.folds) else self.narrow
        self.columns = Columns(self.c, self.width, self.room, self._first(p))
        self.native.divisors = self._divisors(p)
        folds = [fold_of(self, k) for k in p.folds]
        reads = [k for k in p.reads if k not in self.rows]
        operands = [self._source(k) for k in reads]
        operands += [self._target(i) for i in p.outputs]
        operands += [self._keeper(k, written=True) for k in p.saves if k in self.kept]
        operands += [self._total(i) for i in p.totals]

        ahead = [(i, self._ahead(k)) for i, k in enumerate(reads) if p is self.fetches.get(k)]

        def body(places: list[Value], strides: list[Value | None]) -> None:
            for i, stride in ahead:
                nbytes = self.width * operands[i].dtype.itemsize
                prefetch(self.c, step(self.c, places[i], stride), nbytes)
            known = {
                k: self._loaded(o, at, s) for k, o, at, s in zip(reads, operands, places, strides)
            }
            for k in p.compute:
                known[k] = self._value(k, known)
            self._stored(p, known, places[len(reads) :], strides[len(reads) :])
            self._added(p, known, places[len(places) - len(p.totals) :])
            for fold in folds:
                value = fold.stage.args[0]
                fold.add(known[value] if value in known else self.rows[value])

        Loop(self, operands, folds, body).run()
        for k, fold in zip(p.folds, folds, strict=True):
            self.rows[k] = fold.result()
        self.native.divisors = {}

    def _divisors(self, p: Pass) -> dict[str, Divisor]:
        """What dividing by values of the row takes, by their texts."""
        if not (self.form.divides and self.c.fused):
            return {}
        numbers = [self.rows[k].only for k in self.plan.divisors(p) if k in self.rows]
        return {repr(d): divisor(self.c, d, self.width) for d in numbers}

    def _first(self, p: Pass) -> Value | None:
        """How many columns there are before the output's second vector, where its rows begin
        anywhere: up to the first whole one.
        """
        if not self.form.anywhere:
            return None
        c, number = self.c, len(self.kernel.inputs) + p.outputs[0]
        size = self._dtype(number).itemsize
        whole = streamed(size, self.width)
        at = c.result(f"ptrtoint {self.at[number]} to i64", "i64")
        beyond = c.binary("and", at, whole - 1)
        return c.binary("udiv", c.binary("sub", c.const(whole, "i64"), beyond), size)

    def _wide(self, k: int) -> bool:
        """Whether a fold goes by the lanes of the tree, or its steps wait for one another long."""
        stage = self.plan.stage(k)
        return follows_tree(self.kernel, stage) or keeps_place(self.kernel, stage)

    def _fetches(self) -> dict[int, Pass]:
        """In which pass an input is fetched ahead of use: in a single one what comes soon. Of
        several the dearest that reads it fetches the next row, so that memory is busy while much is
        computed.
        """
        found: dict[int, Pass] = {}
        single = len(self.plan.passes) == 1
        for k, x in enumerate(self.kernel.inputs):
            readers = [p for p in self.plan.passes if k in p.reads]
            by_rows = self.form.rows and any(x.axes[: -self.kernel.reduced])
            far = self.lie[k] == UNIT and k not in self.form.followed
            if readers and far and (single or by_rows):
                found[k] = max(readers, key=self.plan.cost)
        return found if len(found) <= FEW else {}

    def _ahead(self, k: int) -> Value:
        """How many bytes ahead an input is fetched."""
        if len(self.plan.passes) == 1:
            return self.c.const(max(NEAR, AHEAD // len(self.fetches)), "i64")
        return self._stride(k, self.form.rows - 1)

    def _loaded(self, o: Operand, at: Value, stride: Value | None) -> Lane:
        if stride is not None:
            return load_apart(self.c, o.dtype, at, stride, self.width)
        read = {REVERSED: load_reversed, OTHER: load_other}.get(o.form, load)
        return read(self.c, o.dtype, at, self.width)

    def _stored(
        self,
        p: Pass,
        known: dict[int, Lane],
        places: list[Value],
        strides: list[Value | None],
    ) -> None:
        numbers = [self.kernel.outputs[i] for i in p.outputs]
        numbers += [k for k in p.saves if k in self.kept]
        for k, at, stride in zip(numbers, places, strides, strict=False):
            lane, past = self._whole(known[k]), self.form.stream and k not in self.plan.saved
            if stride is None and self.columns.apart is not None:
                self._either(lane, at, self.columns.apart)
            elif stride is None:
                store(self.c, lane, at, past)
            else:
                store_apart(self.c, lane, at, stride)

    def _either(self, lane: Lane, at: Value, apart: Value) -> None:
        """A vector that stands apart is stored anywhere, the others past the caches."""

        def put(past: bool) -> list[Value]:
            store(self.c, lane, at, past)
            return []

        choose(self.c, apart, lambda: put(False), lambda: put(True))

    def _added(self, p: Pass, known: dict[int, Lane], places: list[Value]) -> None:
        """Add what is summed over rows to what has been summed."""
        for i, at in zip(p.totals, places, strict=True):
            k = self.kernel.totals[i]
            lane = self._whole(known[k] if k in known else self.rows[k])
            (old,) = load(self.c, lane.dtype, at, self.width).parts
            store(self.c, Lane(lane.dtype, self.c.fadd(old, lane.only)), at)

    def _total(self, i: int) -> Operand:
        """The sums so far of what is summed over rows, for each column."""
        at = self._own(len(self.kept) + i, self.count)
        return Operand(self.own[len(self.kept) + i], at, written=True)

    def _source(self, k: int) -> Operand:
        """What a pass reads: an input, or what an earlier pass has kept."""
        if k >= len(self.kernel.inputs):
            return self._keeper(k, written=False)
        form = self.lie[k]
        stride = self._stride(k, -1) if form == STRIDED else None
        return Operand(self.kernel.inputs[k].dtype, self.at[k], form, stride)

    def _target(self, i: int) -> Operand:
        number = len(self.kernel.inputs) + i
        form = STRIDED if self.lie[number] in (STRIDED, OTHER) else UNIT
        stride = self._stride(number, -1) if form == STRIDED else None
        return Operand(self._dtype(number), self.at[number], form, stride, False, True)

    def _keeper(self, k: int, written: bool) -> Operand:
        dtype = self.kernel.dtype(k)
        if k in self.kept:
            base = self._kept(k, self.count)
        else:
            base = self.at[len(self.kernel.inputs) + self.kernel.outputs.index(k)]
        return Operand(dtype, base, read=not written, written=written)
