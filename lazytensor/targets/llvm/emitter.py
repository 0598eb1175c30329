"""What functions of all forms have in common: their arguments, the stack, rows and their places.

What enters: a kernel, how its operands lie, and what the processor has. What leaves: the text of a
module. It must not know sizes, nor which way a row is gone over.
"""

from collections.abc import Callable

from ..._base.dtypes import DType
from ...lower.kernel import Kernel
from .code import KERNEL, Code, Value
from .form import IN_ORDER, SAME, UNIT, Form, Host, in_order, vector_width
from .memory import offset, step
from .passes import Passes, kept
from .scalar import Lane, Native
from .signs import never_positive


def words_count(form: Form) -> int:
    """How many words a function reads: the length of what vectors go along; for each operand its
    strides along the axes of rows, then along vectors; sizes of the axes of rows. For functions
    across rows, each operand's strides along the columns, and how many of these there are; for
    tiles, how many rows there are.
    """
    own = 1 + len(form.lie) * (form.rows + 1) + form.rows
    return own + form.across * (len(form.lie) + 1) + bool(form.crossing)


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
        self.kept = kept(self.plan)
        self.own = tuple(kernel.dtype(k) for k in (*self.kept, *kernel.totals))
        self._nonpositive = never_positive(kernel)
        self.ordered = True  # whether a pass takes the columns one after another
        self.order = IN_ORDER if in_order(kernel, host) and not form.most else ""

    # --- the function ----------------------------------------------------------------------------

    def module(self) -> str:
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
        return self.order + text

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
