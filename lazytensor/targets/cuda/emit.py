"""What the texts of all kernels have in common: words, places of operands, values of stages.

What enters: a Kernel, its form. What leaves: lines of CUDA C. It must not know which loop they are
for.
"""

from collections.abc import Iterable

from ...lower.kernel import FULL, Kernel
from .form import SUMMED, Form
from .scalar import Name, Text, Unsupported
from .schedule import Schedule
from .types import c_type, constant
from .words import Words


class Emitter:
    """The text of one kernel: `names` are the expressions of its values where a line stands."""

    def __init__(self, kernel: Kernel, form: Form) -> None:
        if kernel.totals and form.way != SUMMED:
            raise Unsupported("sums over rows in a kernel that is bound as one without")
        self.kernel = kernel
        self.form = form
        self.inputs = len(kernel.inputs)
        self.operands = self.inputs + len(kernel.outputs)
        self.words = Words(self.operands, form.outer, form.inner)
        self.schedule = Schedule(kernel, form.held)
        self.text = Text()
        self.names: dict[int, Name] = {
            i: Name(c.dtype, constant(c.value, c.dtype))
            for i, c in enumerate(kernel.constants, self.inputs)
        }

    def body(self) -> list[str]:
        """The lines of the kernel's function."""
        raise NotImplementedError

    def begin(self) -> None:
        """Write which block of threads this is: `at`; and where its words begin."""
        if not self.form.sets:
            wide = "const i64 at = blockIdx.x + i64(gridDim.x) * blockIdx.y;"
            self.write("const u32 at = blockIdx.x;" if self.form.narrow else wide)
            return
        most, count = self.words.sets, self.words.count
        self.write(
            "int set = 0;",
            "#pragma unroll",
            f"for (int step = {1 << (most - 1).bit_length() - 1}; step; step /= 2)",
            f"if (set + step < {most} && a.w[set + step] <= blockIdx.x) set += step;",
            "const u32 at = blockIdx.x - u32(a.w[set]);",
            f"const int first = {most} + set * {count};",
        )

    @property
    def lines(self) -> list[str]:
        """What was written."""
        return self.text.lines

    def write(self, *lines: str) -> None:
        """Append lines."""
        self.text.lines += lines

    def word(self, place: int) -> str:
        """A word."""
        return f"a.w[{'first + ' * self.form.sets}{place}]"

    def type(self, number: int) -> str:
        """The type of a value."""
        return c_type(self.kernel.dtype(number))

    def value_of(self, operand: int) -> int:
        """The number of the value that an operand is."""
        return operand if operand < self.inputs else self.kernel.outputs[operand - self.inputs]

    def of_rows(self, operand: int) -> bool:
        """Whether an operand has an element for each row."""
        if operand < self.inputs:
            return self.kernel.inputs[operand].level != FULL
        return not self.schedule.full(self.value_of(operand))

    # --- places -----------------------------------------------------------------------------------

    def split(self, index: str, count: int, first: int, prefix: str) -> list[str]:
        """Write an index as places along so many axes, whose sizes are the words from `first`."""
        if count < 2:
            return [index] * count
        names, rest, kind = [f"{prefix}{axis}" for axis in range(count)], index, self.number
        for axis in range(count - 1, 0, -1):
            size, quotient = f"{kind}({self.word(first + axis)})", f"{prefix}q{axis}"
            self.write(f"const {kind} {quotient} = {kind}({rest}) / {size};")
            self.write(f"const i64 {names[axis]} = {kind}({rest}) - {quotient} * {size};")
            rest = quotient
        self.write(f"const i64 {names[0]} = {rest};")
        return names

    @property
    def number(self) -> str:
        """The type that numbers of rows and columns are divided in."""
        return "u32" if self.form.narrow else "u64"

    def offset(self, operand: int, places: Iterable[str], first: int) -> str:
        """Bytes to places along the axes from `first` on."""
        terms = [
            f"{place} * {self.word(self.words.stride(operand, axis))}"
            for axis, place in enumerate(places, first)
        ]
        return " + ".join(terms)

    def pointers(self, row: str) -> None:
        """Write where each operand's row begins: `p0` …"""
        places = self.split(row, self.form.outer, self.words.outer_size(0), "r")
        for i in range(self.operands):
            moved = self.offset(i, places, 0)
            base = f"reinterpret_cast<char *>({self.word(self.words.address(i))})"
            const = "const " if i < self.inputs else ""
            self.write(f"{const}char *const p{i} = {base}{' + ' + moved if moved else ''};")

    # --- values -----------------------------------------------------------------------------------

    def compute(self, numbers: Iterable[int]) -> None:
        """Write what some stages compute."""
        for k in numbers:
            stage = self.schedule.stage(k)
            args = [self.names[a] for a in stage.args]
            moved = stage.op.kind == "movement"
            self.names[k] = args[0] if moved else stage.op.body(self.text, *args, *stage.params)

    def define(self, number: int, expression: str) -> None:
        """Name a value that is read from somewhere."""
        name = f"v{number}"
        self.write(f"const {self.type(number)} {name} = {expression};")
        self.names[number] = Name(self.kernel.dtype(number), name)
