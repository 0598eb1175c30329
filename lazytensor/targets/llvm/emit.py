"""From a kernel to the text of a native function, `i64 kernel(i64 lo, i64 hi, ptr pointers,
ptr words)`.

It computes rows `lo` to `hi`, or, where there are no rows, columns. What enters: a Kernel, how its
operands lie, and what the processor has. What leaves: the text of a module, and what memory a row
wants. It must not know sizes.
"""

from dataclasses import dataclass

from ..._base.dtypes import DType, kind, real_of
from ...lower.kernel import FULL, Kernel
from .code import Code, Value
from .folds import Helpers, Loop, fold_of
from .memory import SAME, STRIDED, Columns, Operand, load, load_apart, offset, step, store
from .passes import Pass, Passes
from .scalar import Lane, Native, Unsupported


@dataclass(frozen=True, slots=True)
class Form:
    """How operands (inputs, then outputs) lie along the columns, how many axes the rows have,
    whether outputs go past the caches, and which axis of rows counts blocks of so many columns.
    """

    columns: tuple[str, ...]
    rows: int
    stream: bool = False
    axis: int = -1
    block: int = 0


@dataclass(frozen=True, slots=True)
class Host:
    """What the processor has: bytes of a vector, fused multiply-add, half precision."""

    bytes: int
    fused: bool
    half: bool


@dataclass(frozen=True, slots=True)
class Module:
    """A module's text, the name of its function, and the dtypes of columns kept for a row."""

    text: str
    name: str
    kept: tuple[DType, ...]


def words_count(operands: int, rows: int) -> int:
    """How many words a function reads: columns; for each operand its strides along the axes of
    rows, then along the columns; sizes of the axes of rows.
    """
    return 1 + operands * (rows + 1) + rows


def room_bytes(columns: int, dtype: DType) -> int:
    """Bytes of a row of columns that is kept, and of what a last vector writes beyond it."""
    return (columns * dtype.itemsize + 63 & ~63) + 256


def emit(kernel: Kernel, form: Form, host: Host, name: str = "kernel") -> Module:
    """The module of a kernel. Raises Unsupported."""
    return _Emitter(kernel, form, host).module(name)


def vector_width(kernel: Kernel, host: Host) -> int:
    """Elements of a vector: the widest dtype fills one register, two where there are others."""
    dtypes = [kernel.dtype(k) for k in range(kernel.count)]
    sizes = {real_of(d).itemsize for d in dtypes if kind(d) != "b"} or {1}
    registers = 2 if len(sizes) > 1 else 1
    return max(2, host.bytes * registers // max(sizes))


class _Emitter:
    def __init__(self, kernel: Kernel, form: Form, host: Host) -> None:
        self.kernel = kernel
        self.form = form
        self.c = Code(host.fused)
        self.native = Native(self.c, host.half)
        self.width = vector_width(kernel, host)
        self.plan = Passes(kernel)
        if kernel.reduced and form.block and len(self.plan.passes) > 1:
            raise Unsupported("folds of a long row that need one another")
        self.rooms: list[str] = []
        self.helpers = Helpers(host.bytes)
        self.columns = Columns(self.c, self.width, self.room)
        self.rows: dict[int, Lane] = {}
        self.bases: list[Value] = []
        self.words: list[Value] = []
        self.kept = [k for k in self.plan.saved if k not in kernel.outputs]

    # --- the function ----------------------------------------------------------------------------

    def module(self, name: str) -> Module:
        """The whole text."""
        self._entry()
        if self.form.rows:
            self._each_row()
        else:
            self._flat()
        if self.form.stream:
            self.c.raw("fence seq_cst")
        self.c.raw("ret i64 0")
        head = f"define i64 @{name}(i64 %lo, i64 %hi, ptr %pointers, ptr %words) nounwind {{"
        body = "\n".join([head, "entry:", *self.rooms, *self.c.lines, "}"])
        declared = sorted(self.c.declared)
        text = "\n".join([*declared, *self.helpers.texts.values(), body, "!0 = !{i32 1}"]) + "\n"
        return Module(text, name, tuple(self.kernel.dtype(k) for k in self.kept))

    def room(self, kinds: str, count: int) -> Value:
        """Memory on the stack, taken once."""
        name = "%" + self.c.name("room")
        self.rooms.append(f"{name} = alloca [{count} x {kinds}], align 64")
        return Value(name, "ptr")

    def _entry(self) -> None:
        c = self.c
        operands = len(self.kernel.inputs) + len(self.kernel.outputs)
        pointers, words = Value("%pointers", "ptr"), Value("%words", "ptr")
        for i in range(operands + bool(self.kept)):
            at = step(c, pointers, c.const(8 * i, "i64"))
            self.bases.append(c.fresh(f"load ptr, {at}", "ptr"))
        for i in range(words_count(operands, self.form.rows)):
            at = step(c, words, c.const(8 * i, "i64"))
            self.words.append(c.fresh(f"load i64, {at}", "i64"))

    def _stride(self, operand: int, axis: int) -> Value:
        """In bytes; axis -1 is that of the columns."""
        rows = self.form.rows
        return self.words[1 + operand * (rows + 1) + (rows if axis < 0 else axis)]

    def _flat(self) -> None:
        c, lo = self.c, Value("%lo", "i64")
        self.count = c.binary("sub", Value("%hi", "i64"), lo)
        bases = [self._moved(i, b, lo) for i, b in enumerate(self.bases)]
        self._row(bases)

    def _moved(self, i: int, base: Value, lo: Value) -> Value:
        form, size = self.form.columns[i], self._dtype(i).itemsize
        if form == SAME:
            return base
        if form == STRIDED:
            return step(self.c, base, self.c.binary("mul", lo, self._stride(i, -1)))
        return offset(self.c, base, lo, size)

    def _dtype(self, operand: int) -> DType:
        inputs = len(self.kernel.inputs)
        if operand < inputs:
            return self.kernel.inputs[operand].dtype
        return self.kernel.dtype(self.kernel.outputs[operand - inputs])

    def _each_row(self) -> None:
        c, lo, hi = self.c, Value("%lo", "i64"), Value("%hi", "i64")
        self.count = self.words[0]
        head, work, end = c.name("rows"), c.name("row"), c.name("end")
        before = c.block
        c.jump(head)
        c.label(head)
        row = c.phi("i64", (lo, before))
        c.branch(c.compare("slt", row, hi), work, end)
        c.label(work)
        self._row(self._row_bases(row))
        c.also(row, c.binary("add", row, 1), c.block)
        c.jump(head)
        c.label(end)

    def _row_bases(self, row: Value) -> list[Value]:
        """Where each operand's row begins."""
        c, rows, rest, places = self.c, self.form.rows, row, []
        sizes = self.words[len(self.words) - rows :]
        for axis in range(rows - 1, 0, -1):
            above = c.binary("udiv", rest, sizes[axis])
            places.append((axis, c.binary("sub", rest, c.binary("mul", above, sizes[axis]))))
            rest = above
        places.append((0, rest))
        if self.form.block:
            self.count = self._block_columns(dict(places)[self.form.axis])
        operands = len(self.form.columns)
        out = list(self.bases)
        for i in range(operands):
            for axis, place in places:
                out[i] = step(c, out[i], c.binary("mul", place, self._stride(i, axis)))
        return out

    def _block_columns(self, number: Value) -> Value:
        """How many columns a block has."""
        c, block = self.c, self.form.block
        left = c.binary("sub", self.words[0], c.binary("mul", number, block))
        return c.select(c.compare("slt", left, block), left, c.const(block, "i64"))

    # --- a row -----------------------------------------------------------------------------------

    def _row(self, bases: list[Value]) -> None:
        self.at = bases
        self.rows = {}
        inputs = len(self.kernel.inputs)
        for i, x in enumerate(self.kernel.inputs):
            if x.level != FULL or self.form.columns[i] == SAME:
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

    def _value(self, k: int, known: dict[int, Lane]) -> Lane:
        stage = self.plan.stage(k)
        args = [known[a] if a in known else self.rows[a] for a in stage.args]
        if stage.op.kind == "movement":
            return args[0]
        out: Lane = stage.op.body(self.native, *args, *stage.params)
        return out

    def _pass(self, p: Pass) -> None:
        if not (p.folds or p.outputs or p.saves):
            return
        folds = [fold_of(self, k) for k in p.folds]
        reads = [k for k in p.reads if k not in self.rows]
        operands = [self._source(k) for k in reads]
        operands += [self._target(i) for i in p.outputs]
        operands += [self._keeper(k, written=True) for k in p.saves if k in self.kept]

        def body(places: list[Value], strides: list[Value | None]) -> None:
            known = {
                k: self._loaded(o.dtype, at, s)
                for k, o, at, s in zip(reads, operands, places, strides)
            }
            for k in p.compute:
                known[k] = self._value(k, known)
            self._stored(p, known, places[len(reads) :])
            for fold in folds:
                value = fold.stage.args[0]
                fold.add(known[value] if value in known else self.rows[value])

        Loop(self, operands, folds, body).run()
        for k, fold in zip(p.folds, folds, strict=True):
            self.rows[k] = fold.result()

    def _loaded(self, dtype: DType, at: Value, stride: Value | None) -> Lane:
        if stride is None:
            return load(self.c, dtype, at, self.width)
        return load_apart(self.c, dtype, at, stride, self.width)

    def _stored(self, p: Pass, known: dict[int, Lane], places: list[Value]) -> None:
        numbers = [self.kernel.outputs[i] for i in p.outputs]
        numbers += [k for k in p.saves if k in self.kept]
        for k, at in zip(numbers, places, strict=True):
            lane, past = known[k], self.form.stream and k not in self.plan.saved
            parts = (self.c.splat(v, self.width) for v in lane.parts)
            store(self.c, Lane(lane.dtype, *parts), at, past)

    def _source(self, k: int) -> Operand:
        """What a pass reads: an input, or what an earlier pass has kept."""
        if k >= len(self.kernel.inputs):
            return self._keeper(k, written=False)
        form = self.form.columns[k]
        stride = self._stride(k, -1) if form == STRIDED else None
        return Operand(self.kernel.inputs[k].dtype, self.at[k], form, stride)

    def _target(self, i: int) -> Operand:
        number = len(self.kernel.inputs) + i
        return Operand(self._dtype(number), self.at[number], read=False, written=True)

    def _keeper(self, k: int, written: bool) -> Operand:
        dtype = self.kernel.dtype(k)
        if k in self.kept:
            base = self._room_of(k)
        else:
            base = self.at[len(self.kernel.inputs) + self.kernel.outputs.index(k)]
        return Operand(dtype, base, read=not written, written=written)

    def _room_of(self, k: int) -> Value:
        """Where a row of columns is kept: after those before it, each as `room_bytes` says."""
        c, base = self.c, self.bases[-1]
        for other in self.kept[: self.kept.index(k)]:
            nbytes = c.binary("mul", self.count, self.kernel.dtype(other).itemsize)
            rounded = c.binary("and", c.binary("add", nbytes, 63), -64)
            base = step(c, base, c.binary("add", rounded, 256))
        return base
