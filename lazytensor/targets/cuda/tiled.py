"""Kernels without folds over operands that lie across one another, such as a matrix and a
transpose: a block of threads has a tile of two axes, and reads what lies across it by way of shared
memory.

What enters: a Kernel, its form. What leaves: the body of a kernel. It must not know sizes.
"""

from collections.abc import Sequence

from .emit import Emitter
from .form import CROSSING, SAME

# Elements of a tile along each axis, and rows of it that a block's threads have at once.
TILE, STEP = 32, 8
# A row of shared memory is one element longer, so that columns are in different banks.
PITCH = TILE + 1


def shared(crossing: Sequence[int]) -> int:
    """Bytes of shared memory for tiles of elements of these sizes."""
    return sum(map(_tile_bytes, crossing))


def _tile_bytes(size: int) -> int:
    return -(-TILE * PITCH * size // 16) * 16


class Tiled(Emitter):
    """Writes the body; the axes of a tile are the columns' axes, the second one innermost."""

    def body(self) -> list[str]:
        """Its lines."""
        blocks, first, second = (
            self.word(place)
            for place in (
                self.words.rows + 2, self.words.inner_size(0), self.words.inner_size(1)
            )
        )  # fmt: skip
        kind = self.number
        self.begin()
        self.write(
            f"const i64 row = {kind}(at) / {kind}({blocks});",
            f"const {kind} tile = {kind}(at) - {kind}(row) * {kind}({blocks});",
            f"const i64 m = {first}, n = {second};",
            f"const {kind} wide = {kind}((n + {TILE - 1}) / {TILE});",
            f"const i64 above = i64(tile / wide) * {TILE}, left = i64(tile % wide) * {TILE};",
            "const int x = threadIdx.x, y = threadIdx.y;",
        )
        if not self.form.narrow:
            self.write(f"if (row >= {self.word(self.words.rows)}) return;")
        self.pointers("row")
        self._tiles()
        for i in range(self.inputs):
            if self.form.lie[i] == SAME:
                self.define(i, f"load<{self.type(i)}>(p{i})")
        self._loop("y", "x")
        self._element()
        return [*self.lines, "}", "}"]

    def _crossing(self, operand: int) -> bool:
        return self.form.lie[operand] == CROSSING

    def _tiles(self) -> None:
        """Read tiles of what lies across, neighbours by neighbouring threads."""
        self.write("LT_ROOM(room);")
        crossing, start = [i for i in range(self.inputs) if self._crossing(i)], 0
        for i in crossing:
            kind = f"memory<{self.type(i)}>"
            self.write(f"{kind} *const s{i} = reinterpret_cast<{kind} *>(room + {start});")
            start += _tile_bytes(self.kernel.dtype(i).itemsize)
        self._loop("x", "y")
        for i in crossing:
            kind = f"memory<{self.type(i)}>"
            place = f"*reinterpret_cast<const {kind} *>({self._place(i)})"
            self.write(f"s{i}[(y + e) * {PITCH} + x] = {place};")
        self.write("}", "}", "__syncthreads();")

    def _loop(self, first: str, second: str) -> None:
        """Begin the loop over what a thread has of a tile; along which axis neighbours go."""
        of = {"x": "x", "y": "y + e"}
        self.write("#pragma unroll", f"for (int e = 0; e < {TILE}; e += {STEP}) {{")
        self.write(f"const i64 i = above + {of[first]}, j = left + {of[second]};")
        self.write("if (i < m && j < n) {")

    def _element(self) -> None:
        for i in range(self.inputs):
            kind = self.type(i)
            if self._crossing(i):
                self.define(i, f"from_memory<{kind}>(s{i}[x * {PITCH} + y + e])")
            elif self.form.lie[i] != SAME:
                self.define(i, f"load<{kind}>({self._place(i)})")
        (only,) = self.schedule.passes
        self.compute(only.compute)
        for i in range(self.inputs, self.operands):
            k = self.value_of(i)
            self.write(f"store<{self.type(k)}>({self._place(i)}, {self.names[k].text});")

    def _place(self, operand: int) -> str:
        return f"p{operand} + {self.offset(operand, ['i', 'j'], self.form.outer)}"
