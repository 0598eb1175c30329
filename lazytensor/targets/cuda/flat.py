"""Kernels without folds: a thread computes one element, a few neighbours that it reads and writes
at once, or where operands don't allow that a few that lie apart, all of which are read before any
is written.

What enters: a Kernel, its form. What leaves: the body of a kernel. It must not know sizes.
"""

from .emit import Emitter
from .form import SAME, THREADS, UNIT


class Flat(Emitter):
    """Writes the body."""

    def body(self) -> list[str]:
        """Its lines."""
        return self._spread() if self.form.spread else self._near()

    # --- elements that lie apart ------------------------------------------------------------------

    def _spread(self) -> list[str]:
        rows, n = (self.word(self.words.rows + i) for i in range(2))
        self.begin()
        self.write(
            f"const i64 n = {n}, total = {rows} * n;",
            f"const i64 t = i64(at) * {THREADS * self.form.wide} + threadIdx.x;",
            "if (t >= total) return;",
        )
        for i in range(self.inputs):
            self.write(f"{self.type(i)} x{i}[{self.form.wide}];")
        self._apart()
        for i in range(self.inputs):
            self.write(f"x{i}[e] = load<{self.type(i)}>(p{i} + {self._place(i)});")
        self.write("}")
        self._apart()
        for i in range(self.inputs):
            self.define(i, f"x{i}[e]")
        (only,) = self.schedule.passes
        self.compute(only.compute)
        for i in range(self.inputs, self.operands):
            k = self.value_of(i)
            place = f"p{i} + {self._place(i)}"
            self.write(f"if (inside) store<{self.type(k)}>({place}, {self.names[k].text});")
        self.write("}")
        return self.lines

    def _apart(self) -> None:
        """Begin the loop over elements; beyond the last one it is that one."""
        row = f"{self.number}(q) / {self.number}(n)" if self.form.outer else "0"
        self.write(
            "#pragma unroll",
            f"for (int e = 0; e < {self.form.wide}; ++e) {{",
            f"const bool inside = t + e * {THREADS} < total;",
            f"const i64 q = inside ? t + e * {THREADS} : total - 1;",
            f"const i64 row = {row};",
            "const i64 i = q - row * n;",
        )
        self.pointers("row")

    # --- neighbours -------------------------------------------------------------------------------

    def _near(self) -> list[str]:
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
