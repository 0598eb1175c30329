"""Kernels without folds: a thread computes one element, or a few neighbours that it reads and
writes at once.

What enters: a Kernel, its form. What leaves: the body of a kernel. It must not know sizes.
"""

from .emit import Emitter
from .form import SAME, THREADS, UNIT


class Flat(Emitter):
    """Writes the body."""

    def body(self) -> list[str]:
        """Its lines."""
        kind = self.number
        rows, n, chunks = (self.word(self.words.rows + i) for i in range(3))
        self.begin()
        self.write(
            f"const i64 t = i64(at) * {THREADS} + threadIdx.x;",
            f"if (t >= {rows} * {chunks}) return;",
            f"const i64 row = {f'{kind}(t) / {kind}({chunks})' if self.form.outer else '0'};",
            f"const i64 c = (t - row * {chunks}) * {self.form.wide}, n = {n};",
        )
        self.pointers("row")
        for i in range(self.inputs):
            self._load(i)
        for i in range(self.inputs, self.operands):
            if self._wide(i):
                self.write(f"{self.type(self.value_of(i))} y{i}[{self.form.wide}];")
        self._element()
        for i in range(self.inputs, self.operands):
            if self._wide(i):
                self.write(f"store_wide(p{i}, c, n, y{i});")
        return self.lines

    def _wide(self, operand: int) -> bool:
        return self.form.lie[operand] == UNIT and self.form.wide > 1

    def _indexed(self, operand: int) -> bool:
        """Whether each neighbour of an operand is read or written by its own index."""
        read_once = operand < self.inputs and self.form.lie[operand] == SAME
        return not (self._wide(operand) or read_once)

    def _load(self, i: int) -> None:
        """What is read once for all neighbours."""
        if self.form.lie[i] == SAME:
            self.define(i, f"load<{self.type(i)}>(p{i})")
        elif self._wide(i):
            self.write(f"{self.type(i)} x{i}[{self.form.wide}];", f"load_wide(x{i}, p{i}, c, n);")

    def _element(self) -> None:
        """The loop over neighbours; what is beyond the last one is computed as if it were it."""
        wide = self.form.wide
        self.write("#pragma unroll", f"for (int e = 0; e < {wide}; ++e) {{")
        if any(self._indexed(i) for i in range(self.operands)):
            self.write("const i64 i = c + e < n ? c + e : n - 1;")
        for i in range(self.inputs):
            if self._wide(i):
                self.define(i, f"x{i}[e]")
            elif self._indexed(i):
                self.define(i, f"load<{self.type(i)}>(p{i} + {self._place(i)})")
        (only,) = self.schedule.passes
        self.compute(only.compute)
        for i in range(self.inputs, self.operands):
            value = self.names[self.value_of(i)].text
            if self._wide(i):
                self.write(f"y{i}[e] = {value};")
            else:
                kind = self.type(self.value_of(i))
                self.write(f"if (c + e < n) store<{kind}>(p{i} + {self._place(i)}, {value});")
        self.write("}")

    def _place(self, operand: int) -> str:
        if self.form.lie[operand] == UNIT:
            return f"i * {self.kernel.dtype(self.value_of(operand)).itemsize}"
        return self.offset(operand, ["i"], self.form.outer)
