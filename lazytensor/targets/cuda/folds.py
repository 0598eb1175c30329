"""Kernels that fold rows: passes over the columns, of which a thread has eight at a time.

What enters: a Kernel, its form. What leaves: the body of a kernel. It must not know sizes.
"""

from ..._base.dtypes import kind
from ...lower.kernel import Kernel
from ...lower.order import combine
from ...ops._tree import BLOCK, GROUP, LANES, ROUNDS
from .emit import Emitter
from .form import ACROSS, BLOCKS, REST, WHOLE, Form
from .scalar import Name
from .schedule import Pass, Schedule
from .words import ACCUMULATOR

# Bytes of an element, up to which a thread computes all that it has at once.
NARROW = 4
# Stages of a pass from which on it computes much.
MUCH = 8
# Instructions that combine -> classes of `device/folds.cuh`.
_FOLDS = {
    "add": "Add", "mul": "Mul", "max": "Max", "min": "Min", "or_": "Or", "and_": "And",
    "argmax": "ArgMax", "argmin": "ArgMin",
}  # fmt: skip


def accumulators(kernel: Kernel) -> int:
    """Bytes of the largest accumulator of a kernel's folds."""
    return max([_bytes(kernel, k) for k in folded(kernel)], default=0)


def folded(kernel: Kernel) -> list[int]:
    """The numbers of a kernel's folds."""
    first = len(kernel.inputs) + len(kernel.constants)
    return [k for k, stage in enumerate(kernel.stages, first) if stage.reduces]


def passes(kernel: Kernel) -> int:
    """How often a kernel goes over its columns."""
    return len(Schedule(kernel, False).passes)


def at_once(kernel: Kernel) -> int:
    """Bytes that a thread has at once of eight elements of a row, held, and of their sums."""
    schedule = Schedule(kernel, True)
    loads = (set(p.loads).difference(schedule.kept) for p in schedule.passes)
    each = [(*schedule.kept, *kernel.totals, *k) for k in loads]
    return ROUNDS * max(sum(max(4, kernel.dtype(k).itemsize) for k in held) for held in each)


def _bytes(kernel: Kernel, k: int) -> int:
    stage = kernel.stages[k - len(kernel.inputs) - len(kernel.constants)]
    name, dtype = combine(kernel, stage), kernel.dtype(stage.args[0])
    if name in ("argmax", "argmin") or (kind(dtype) == "c" and name == "mul"):
        return max(16, 2 * dtype.itemsize)
    half = kind(dtype) == "f" and dtype.itemsize == 2
    return 4 if half else dtype.itemsize


class Folds(Emitter):
    """Writes the body."""

    def __init__(self, kernel: Kernel, form: Form) -> None:
        super().__init__(kernel, form)
        self.way = "Across" if form.way == ACROSS else "Along"
        self.folds = folded(kernel)

    def body(self) -> list[str]:
        """Its lines."""
        self._head()
        self._rows()
        return self.lines

    def _rows(self) -> None:
        """What is done with the row that a thread has."""
        for number, p in enumerate(self.schedule.passes):
            self.compute(p.rows)
            self._pass(p)
            if self.form.part == BLOCKS:
                return
            self._row_outputs(number)
        self.compute(self.schedule.last)
        self._row_outputs(len(self.schedule.passes))

    # --- rows -------------------------------------------------------------------------------------

    def _head(self) -> None:
        """Which row a thread has, and what of rows it reads."""
        self._sizes()
        kind, cut = self.number, self.form.part == BLOCKS
        self.write(f"const i64 tile = {f'{kind}(at) / {kind}(blocks)' if cut else 'at'};")
        mine = "x" if self.form.way == ACROSS else "y"
        self.write(f"i64 row = tile * blockDim.{mine} + threadIdx.{mine};")
        self._row()

    def _sizes(self) -> None:
        """Which block of threads this is, sizes, and room."""
        rows, columns, blocks = (self.word(self.words.rows + i) for i in range(3))
        self.begin()
        self.write(
            f"const i64 rows = {rows}, columns = {columns}, blocks = {blocks};", "LT_ROOM(room);"
        )
        if self.form.part != WHOLE:
            self.write(
                f"char *const scratch = reinterpret_cast<char *>({self.word(self.words.scratch)});"
            )

    def _row(self) -> None:
        """What is read of a row; beyond the last one it is that one."""
        self.write("const bool live = row < rows;", "if (!live) row = rows - 1;")
        self.pointers("row")
        for i in range(self.inputs):
            if self.of_rows(i):
                self.define(i, f"load<{self.type(i)}>(p{i})")
        for k in sorted(self.schedule.kept) if self.form.held else ():
            self.write(f"{self.type(k)} h{k}[{ROUNDS}];")

    def _row_outputs(self, number: int) -> None:
        """Store the values of rows that a pass has left; the number of passes means the last."""
        for i in range(self.inputs, self.operands):
            k = self.value_of(i)
            if not self.of_rows(i) or self._known(k) != number:
                continue
            self.write(
                f"if (live && {self.way}::writes()) "
                f"store<{self.type(k)}>(p{i}, {self.names[k].text});"
            )

    def _known(self, k: int) -> int:
        """The pass after which a value of rows is there."""
        schedule = self.schedule
        if schedule.stage(k).reduces:
            return schedule.ready[k] - 1
        return min(schedule.ready[k], len(schedule.passes))

    # --- passes -----------------------------------------------------------------------------------

    @property
    def _looped(self) -> bool:
        """Whether a block of threads goes over several blocks of columns."""
        return not self.form.held and self.form.part != BLOCKS

    def _pass(self, p: Pass) -> None:
        for k in p.folds:
            name = self._class(k)
            self.write(
                f"typedef {name} F{k};",
                f'static_assert(sizeof(F{k}::acc) == {_bytes(self.kernel, k)}, "as counted");',
            )
            if self._looped:
                self.write(f"F{k}::acc a{k} = F{k}::start(), b{k} = F{k}::start();")
        if self._looped:
            self.write("for (i64 block = 0; block < blocks; ++block) {")
        elif self.form.part == BLOCKS:
            self.write("const i64 block = at - tile * blocks;")
        self._block(p)
        if self._looped:
            for k in p.folds:
                self._gather(k)
            self.write("}")
        for k in p.folds:
            self._finish(k)

    def _class(self, k: int) -> str:
        stage = self.schedule.stage(k)
        return f"{_FOLDS[combine(self.kernel, stage)]}<{self.type(stage.args[0])}>"

    def _block(self, p: Pass) -> None:
        """The groups that a thread has of a block, joined, and then those of all threads: `s…`."""
        first, step = ("0", GROUP) if self.form.way == ACROSS else (f"threadIdx.z * {GROUP}", BLOCK)
        if self.form.held:
            self._group(p, first)
        else:
            self.write(
                f"const i64 start = block * {BLOCK};",
                f"const i64 end = start + {BLOCK} < columns ? start + {BLOCK} : columns;",
            )
            self.write(*(f"F{k}::acc g{k} = F{k}::start();" for k in p.folds))
            self.write(*["#pragma unroll 8"] * self.form.partial)  # reads don't wait for sums
            self.write(f"for (i64 group = start + {first}; group < end; group += {step}) {{")
            self._sums(p) if self.form.partial else self._group(p, "group")
            self.write(*(f"g{k} = F{k}::join(g{k}, c{k});" for k in p.folds), "}")
        mine = "c" if self.form.held else "g"
        self.write(
            *(f"const F{k}::acc s{k} = {self.way}::fold<F{k}>({mine}{k}, room);" for k in p.folds)
        )

    def _group(self, p: Pass, group: str) -> None:
        """Eight elements, from the first column of their group on: as many as are computed at once
        are read before anything is written, which might be what is read.
        """
        count = self._unrolled(p)
        self.write(*(f"F{k}::acc c{k} = F{k}::start();" for k in p.folds))
        if count < ROUNDS:
            self.write("#pragma unroll 1", f"for (int r = 0; r < {ROUNDS}; r += {count}) {{")
            group = f"{group} + r * {LANES}"
        for k in p.loads:
            if not (self.form.held and k in self.schedule.kept):
                self.write(f"{self.type(k)} h{k}[{count}];")
        if self.form.part == REST:
            self._each(group, count)
            for k in p.folds:
                self.write(f"c{k} = F{k}::join(c{k}, {self._partial(k, 'columns', 'c')});")
        else:
            self._read(p, group, count)
            self._each(group, count)
            self._elements(p)
        self.write("}", "}", *["}"] * (count < ROUNDS))

    def _sums(self, p: Pass) -> None:
        """What is left of a group is read instead: of lanes without a row in it, that of none."""
        for k in p.folds:
            value = self.schedule.stage(k).args[0]
            place = f"((group / {ROUNDS} + {self.way}::lane()) * rows + row)"
            read = f"load<{self.type(value)}>(p{value} + {place} * {_bytes(self.kernel, k)})"
            self.write(f"const F{k}::acc c{k} = {read};")

    def _each(self, group: str, count: int) -> None:
        """Begin the loop over elements."""
        end = "columns" if self.form.held else "end"
        self.write("#pragma unroll", f"for (int e = 0; e < {count}; ++e) {{")
        self.write(f"const i64 c = {group} + e * {LANES} + {self.way}::lane();")
        self.write(f"if (c < {end}) {{")

    def _read(self, p: Pass, group: str, count: int) -> None:
        """Read what a pass loads into registers."""
        if not p.loads:
            return
        self._each(group, count)
        places = self._places()
        for k in p.loads:
            self.write(f"h{k}[e] = load<{self.type(k)}>({self._place(k, places)});")
        self.write("}", "}")

    def _places(self) -> list[str]:
        return self.split("c", self.form.inner, self.words.inner_size(0), "j")

    def _unrolled(self, p: Pass) -> int:
        """How many elements a thread computes at once: all where registers hold them; else half of
        them if there are several passes, half if elements are wide, and half if much is computed of
        such.
        """
        if self.form.held:
            return ROUNDS
        wide = any(self.kernel.dtype(k).itemsize > NARROW for k in (*p.loads, *p.compute))
        much = wide and len(p.compute) > MUCH
        return ROUNDS >> wide + much + (len(self.schedule.passes) > 1)

    def _elements(self, p: Pass) -> None:
        """What is done with one element."""
        kept = self.schedule.kept if self.form.held else set()
        self.names |= {k: Name(self.kernel.dtype(k), f"h{k}[e]") for k in kept.union(p.loads)}
        self.compute(p.compute)
        for k in kept.intersection(p.compute):
            self.write(f"h{k}[e] = {self.names[k].text};")
        places = self._places() if p.outputs else []
        for i in p.outputs:
            k, place = self.kernel.outputs[i], self._place(self.inputs + i, places)
            self.write(f"if (live) store<{self.type(k)}>({place}, {self.names[k].text});")
        for k in p.folds:
            value = self.names[self.schedule.stage(k).args[0]].text
            self.write(f"c{k} = F{k}::step(c{k}, {value}, c);")
        for i in p.totals:
            value = self.names[self.kernel.totals[i]].text
            self.write(f"if (live) o{i}[e] = add_(o{i}[e], {value});")

    def _place(self, operand: int, places: list[str]) -> str:
        return f"p{operand} + {self.offset(operand, places, self.form.outer)}"

    # --- what comes of folds ----------------------------------------------------------------------

    def _partial(self, k: int, count: str, at: str) -> str:
        """The accumulator of a block of a row in scratch memory."""
        place = self.folds.index(k) * ACCUMULATOR
        base = f"scratch + {place} * rows * {count}"
        return f"reinterpret_cast<F{k}::acc *>({base})[row * {count} + {at}]"

    def _gather(self, k: int) -> None:
        """The sums of blocks are folded by the same tree."""
        self.write(
            f"if (block % {LANES} == {self.way}::lane()) b{k} = F{k}::join(b{k}, s{k});",
            f"if (block % {GROUP} == {GROUP - 1}) {{",
            f"a{k} = F{k}::join(a{k}, b{k});",
            f"b{k} = F{k}::start();",
            "}",
        )

    def _finish(self, k: int) -> None:
        """The result of a fold, or what is kept of it for the blocks of its row."""
        if self.form.part == BLOCKS:
            self.write(
                f"if (live && {self.way}::writes()) {self._partial(k, 'blocks', 'block')} = s{k};"
            )
            return
        found = f"s{k}"
        if self._looped:
            found = f"{self.way}::lanes<F{k}>(F{k}::join(a{k}, b{k}), room)"
        self.define(k, f"F{k}::result({found})")
