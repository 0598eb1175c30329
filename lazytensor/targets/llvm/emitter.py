"""What functions of all forms have in common: their arguments, the stack, rows and their places.

What enters: a kernel, how its operands lie, and what the processor has. What leaves: the text of a
module. It must not know sizes, nor which way a row is gone over.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from ..._base.dtypes import DType, kind, real_of
from ...lower.kernel import Kernel
from .code import IN_ORDER, KERNEL, Code, Value
from .host import Host
from .memory import SAME, UNIT, offset, step
from .passes import Passes, has_functions, most_live, work
from .scalar import Lane, Native
from .signs import never_positive

# Arrays at most, and instructions at least (a function counts as many), of kernels that go over
# several registers at a time; with so many instructions for each array there may be more of these.
FEW, MUCH, MOST = 6, 20, 16


class Form(NamedTuple):
    """How operands (inputs, outputs, totals) lie along a vector, how many axes the rows have,
    whether outputs go past the caches, and which axis of rows counts blocks of so many elements.
    Vectors go along the columns, or with `across` along the rows. Operands that are `crossing` go
    on from one row to the next; rows are then cut into tiles. Vectors have `most` registers at
    most, if that isn't 0: where there are few columns, or elements are put together one by one.
    Arguments that are `followed` are in the caches, since another one is read there first.
    """

    lie: tuple[str, ...]
    rows: int
    stream: bool = False
    axis: int = -1
    block: int = 0
    across: bool = False
    crossing: tuple[int, ...] = ()
    most: int = 0
    followed: tuple[int, ...] = ()


class Module(NamedTuple):
    """A module's text, and the dtypes of columns that it keeps for a row."""

    text: str
    kept: tuple[DType, ...]


def words_count(form: Form) -> int:
    """How many words a function reads: the length of what vectors go along; for each operand its
    strides along the axes of rows, then along vectors; sizes of the axes of rows. For functions
    across rows, each operand's strides along the columns, and how many of these there are; for
    tiles, how many rows there are.
    """
    own = 1 + len(form.lie) * (form.rows + 1) + form.rows
    return own + form.across * (len(form.lie) + 1) + bool(form.crossing)


def room_bytes(columns: int, dtype: DType) -> int:
    """Bytes of a row of columns that is kept, and of what a last vector writes beyond it."""
    return (columns * dtype.itemsize + 63 & ~63) + 256


def _sizes(kernel: Kernel) -> set[int]:
    """Bytes of the kernel's numbers."""
    dtypes = [kernel.dtype(k) for k in range(kernel.count)]
    return {real_of(d).itemsize for d in dtypes if kind(d) != "b"} or {1}


@lru_cache(4096)
def registers(kernel: Kernel) -> int:
    """How many registers a vector of the widest dtype fills: one; two where there are others; more
    where much is computed of little, so that some go on while others wait for what they need.
    """
    arrays, much, sizes = sum(any(x.axes) for x in kernel.inputs), work(kernel), _sizes(kernel)
    long = kernel.reduced or much >= MUCH
    if not long or (arrays > FEW and much < MOST * arrays):
        return 2 if len(sizes) > 1 else 1
    if min(sizes) < 4 or (kernel.reduced and not has_functions(kernel)):
        return 2
    if has_functions(kernel):
        return 4
    live = most_live(kernel)
    return 2 if live > 8 else 7 if live <= 2 and len(sizes) == 1 else 4


def in_order(kernel: Kernel, host: Host) -> bool:
    """Whether registers of a vector go on side by side: the compiler, which would have one of them
    finished before the next is begun, is to leave the order as it is. Not where more values are
    known at once than there are registers, unless it's inside functions that these are computed.
    """
    count = registers(kernel)
    return count > 2 and (has_functions(kernel) or count * most_live(kernel) <= host.registers)


@lru_cache(4096)
def vector_width(kernel: Kernel, host: Host, most: int = 0) -> int:
    """Elements of a vector, of so many registers at most, if that isn't 0."""
    count = registers(kernel)
    return max(2, host.bytes * min(count, most or count) // max(_sizes(kernel)))


class Emitter:
    """Writes a function; subclasses write what it does for a row."""

    def __init__(self, kernel: Kernel, form: Form, host: Host) -> None:
        self.kernel = kernel
        self.form = form
        self.lie = form.lie
        self.c = Code(host.fused)
        self.native = Native(self.c, host.half)
        self.width = vector_width(kernel, host, form.most)
        self.plan = Passes(kernel)
        self.rooms: list[str] = []
        self.rows: dict[int, Lane] = {}
        self.bases: list[Value] = []
        self.words: list[Value] = []
        self.kept = [k for k in self.plan.saved if k not in kernel.outputs]
        self.own = tuple(kernel.dtype(k) for k in (*self.kept, *kernel.totals))
        self._nonpositive = never_positive(kernel)
        self.ordered = True  # whether a pass takes the columns one after another
        self.order = IN_ORDER if in_order(kernel, host) and not form.most else ""

    # --- the function ----------------------------------------------------------------------------

    def module(self) -> Module:
        """The whole text, of a function `kernel`."""
        self._entry()
        if self.form.rows:
            self._each_row()
        else:
            self._flat()
        if self.form.stream:
            self.c.raw("fence seq_cst")
        self.c.raw("ret i64 0")
        body = "\n".join([KERNEL, *self.rooms, *self.c.lines, "}"])
        declared = sorted(self.c.declared | self.native.definitions(self.c.lines))
        text = "\n".join([body, *declared, "!0 = !{i32 1}"]) + "\n"
        return Module(self.order + text, self.own)

    def room(self, kinds: str, count: int) -> Value:
        """Memory on the stack, taken once."""
        name = "%" + self.c.name("room")
        self.rooms.append(f"{name} = alloca [{count} x {kinds}], align 64")
        return Value(name, "ptr")

    def _entry(self) -> None:
        c = self.c
        operands = len(self.form.lie)
        pointers, words = Value("%pointers", "ptr"), Value("%words", "ptr")
        for i in range(operands + bool(self.own)):
            at = step(c, pointers, c.const(8 * i, "i64"))
            self.bases.append(c.fresh(f"load ptr, {at}", "ptr"))
        if self.own:
            self.bases[operands] = self._aligned(self.bases[operands])
        for i in range(words_count(self.form)):
            at = step(c, words, c.const(8 * i, "i64"))
            self.words.append(c.fresh(f"load i64, {at}", "i64"))

    def _aligned(self, base: Value) -> Value:
        """The first place that begins a line of the cache."""
        c = self.c
        at = c.result(f"ptrtoint {base} to i64", "i64")
        at = c.binary("and", c.binary("add", at, 63), -64)
        return c.result(f"inttoptr {at} to ptr", "ptr")

    def _stride(self, operand: int, axis: int) -> Value:
        """In bytes; axis -1 is that of vectors."""
        rows = self.form.rows
        return self.words[1 + operand * (rows + 1) + (rows if axis < 0 else axis)]

    def _flat(self) -> None:
        c, lo = self.c, Value("%lo", "i64")
        self.count = c.binary("sub", Value("%hi", "i64"), lo)
        bases = [self._moved(i, b, lo) for i, b in enumerate(self.bases)]
        self._row(bases)

    def _moved(self, i: int, base: Value, lo: Value) -> Value:
        form, size = self.form.lie[i], self._dtype(i).itemsize
        if form == SAME:
            return base
        if form == UNIT:
            return offset(self.c, base, lo, size)
        return step(self.c, base, self.c.binary("mul", lo, self._stride(i, -1)))

    def _dtype(self, operand: int) -> DType:
        inputs = len(self.kernel.inputs)
        if operand < inputs:
            return self.kernel.inputs[operand].dtype
        written = (*self.kernel.outputs, *self.kernel.totals)
        return self.kernel.dtype(written[operand - inputs])

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
        start = 1 + len(self.form.lie) * (rows + 1)
        sizes = self.words[start : start + rows]
        for axis in range(rows - 1, 0, -1):
            above = c.binary("udiv", rest, sizes[axis])
            places.append((axis, c.binary("sub", rest, c.binary("mul", above, sizes[axis]))))
            rest = above
        places.append((0, rest))
        self.places = dict(places)
        if self.form.block:
            self.count = self._block_length(self.places[self.form.axis])
        operands = len(self.form.lie)
        out = list(self.bases)
        for i in range(operands):
            for axis, place in places:
                out[i] = step(c, out[i], c.binary("mul", place, self._stride(i, axis)))
        return out

    def _block_length(self, number: Value) -> Value:
        """How many elements a block has."""
        c, block = self.c, self.form.block
        left = c.binary("sub", self.words[0], c.binary("mul", number, block))
        return c.select(c.compare("slt", left, block), left, c.const(block, "i64"))

    def count_up(self, bound: Value, by: int, body: Callable[[Value], None]) -> None:
        """`body(i)` for i = 0, by, … below a positive bound."""
        c = self.c
        before, head, after = c.block, c.name("loop"), c.name("looped")
        c.jump(head)
        c.label(head)
        i = c.phi("i64", (c.const(0, "i64"), before))
        body(i)
        following = c.binary("add", i, by)
        c.also(i, following, c.block)
        c.branch(c.compare("slt", following, bound), head, after)
        c.label(after)

    def _row(self, bases: list[Value]) -> None:
        """What is done for a row, whose operands begin at these places."""
        raise NotImplementedError

    def _whole(self, lane: Lane) -> Lane:
        """A value in each element of a vector."""
        return Lane(lane.dtype, *(self.c.splat(v, self.width) for v in lane.parts))

    def _kept(self, k: int, elements: Value) -> Value:
        """Where so many elements of a value are kept."""
        return self._own(self.kept.index(k), elements)

    def _own(self, number: int, elements: Value) -> Value:
        """Where so many elements of the function's own begin: after those before them, each as
        `room_bytes` says.
        """
        c, base = self.c, self.bases[len(self.form.lie)]
        for dtype in self.own[:number]:
            nbytes = c.binary("mul", elements, dtype.itemsize)
            rounded = c.binary("and", c.binary("add", nbytes, 63), -64)
            base = step(c, base, c.binary("add", rounded, 256))
        return base

    def _value(self, k: int, known: dict[int, Lane]) -> Lane:
        """A stage of known values, and of those of the row."""
        stage = self.plan.stage(k)
        args = [known[a] if a in known else self.rows[a] for a in stage.args]
        for a, lane in zip(stage.args, args, strict=True):
            lane.nonpositive = a in self._nonpositive
        if stage.op.kind == "movement":
            return args[0]
        out: Lane = stage.op.body(self.native, *args, *stage.params)
        return out
