"""Kernels that fold rows, and sum over rows as well: a thread has eight rows of a lane of the tree
of sums (`ops/_tree`), one after another, of each the same columns.

What enters: a Kernel, its form. What leaves: the body of a kernel. What eight rows come to is left
in scratch memory, total by total, for each group of 256 rows, lane and column; others add these up.
It must not know sizes.
"""

from ...ops._tree import GROUP, LANES, ROUNDS
from .folds import Folds


class Summed(Folds):
    """Writes the body."""

    def body(self) -> list[str]:
        """Its lines."""
        self._sizes()
        self.write(f"const i64 unit = i64(at) * blockDim.y + threadIdx.y, group = unit / {LANES};")
        for i, k in enumerate(self.kernel.totals):
            start = f"Add<{self.type(k)}>::start()"
            self.write(
                f"{self.type(k)} o{i}[{ROUNDS}];",
                "#pragma unroll",
                f"for (int e = 0; e < {ROUNDS}; ++e) o{i}[e] = {start};",
            )
        self.write("#pragma unroll 1", f"for (int round = 0; round < {ROUNDS}; ++round) {{")
        self.write(f"i64 row = group * {GROUP} + unit % {LANES} + round * {LANES};")
        self._row()
        self._rows()
        self.write(
            "}",
            f"if (group * {GROUP} >= rows) return;",
            f"char *const sums = reinterpret_cast<char *>({self.word(self.words.scratch)});",
            f"const i64 all = (rows + {GROUP - 1}) / {GROUP} * {LANES} * columns;",
        )
        self._each(f"threadIdx.z * {GROUP}", ROUNDS)
        before = 0
        for i, k in enumerate(self.kernel.totals):
            size = self.kernel.dtype(k).itemsize
            place = f"sums + {before} * all + (unit * columns + c) * {size}"
            self.write(f"store<{self.type(k)}>({place}, o{i}[e]);")
            before += size
        self.write("}", "}")
        return self.lines
