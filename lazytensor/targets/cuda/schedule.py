"""In which order a kernel folds and stores: passes over the columns of a row.

What enters: a Kernel. What leaves: passes, of which each folds or stores what can be computed once
the folds of earlier ones are known. It must not know CUDA C.
"""

from dataclasses import dataclass, field

from ...ir.scalar import instructions
from ...lower.kernel import FULL, Kernel, Stage


@dataclass(slots=True)
class Pass:
    """Numbers of values: `rows` are computed before the pass, once a row; `compute` for each
    column, from inputs that it `loads` and from what was computed for earlier passes; `folds` are
    folded, and `outputs` counts the outputs that are stored.
    """

    rows: list[int] = field(default_factory=list)
    loads: list[int] = field(default_factory=list)
    compute: list[int] = field(default_factory=list)
    folds: list[int] = field(default_factory=list)
    outputs: list[int] = field(default_factory=list)


def combine(kernel: Kernel, stage: Stage) -> str:
    """The instruction by which a reduction combines two values."""
    dtype = kernel.dtype(stage.args[0])
    (name,) = instructions(stage.op.body, (dtype, dtype), ())
    return name


class Schedule:
    """The passes of a kernel; `last` are values of rows that come after them. Where values are
    `held`, a pass loads and computes only what earlier ones have not; `kept` are those of its
    values that later passes read.
    """

    def __init__(self, kernel: Kernel, held: bool) -> None:
        self.kernel = kernel
        self.first = len(kernel.inputs) + len(kernel.constants)
        self.total = self.first + len(kernel.stages)
        self.ready = self._ready()
        self.passes = [Pass() for _ in range(max([1, *map(self._due, self._roots())]))]
        for k in self._roots():
            if self._reduces(k):
                self.passes[self._due(k) - 1].folds.append(k)
        for i, k in enumerate(kernel.outputs):
            if self.full(k):
                self.passes[self._due(k) - 1].outputs.append(i)
        self.last = self._rows()
        self.kept: set[int] = set()
        self._sweeps(held)

    def stage(self, k: int) -> Stage:
        """The stage of a value."""
        return self.kernel.stages[k - self.first]

    def full(self, k: int) -> bool:
        """Whether a value varies along the columns."""
        return (not self.kernel.reduced and k >= self.first) or self.kernel.level(k) == FULL

    def _reduces(self, k: int) -> bool:
        return k >= self.first and self.stage(k).reduces

    def _ready(self) -> list[int]:
        """After which pass each value's arguments are known; a fold's own pass is one more."""
        ready = [0] * self.first
        for stage in self.kernel.stages:
            ready.append(max([ready[a] for a in stage.args], default=0) + stage.reduces)
        return ready

    def _due(self, k: int) -> int:
        """The pass in which a value is folded or stored."""
        return self.ready[k] + (not self._reduces(k))

    def _roots(self) -> list[int]:
        folds = [k for k in range(self.first, self.total) if self._reduces(k)]
        return [*folds, *(k for k in self.kernel.outputs if self.full(k))]

    def _rows(self) -> list[int]:
        """Give each value of rows to the pass before which it is known; the rest come last."""
        last = []
        for k in range(self.first, self.total):
            if self.full(k) or self._reduces(k):
                continue
            if self.ready[k] < len(self.passes):
                self.passes[self.ready[k]].rows.append(k)
            else:
                last.append(k)
        return last

    def _sweeps(self, held: bool) -> None:
        """What each pass loads and computes."""
        known: set[int] = set()
        for p in self.passes:
            needed = {self.stage(k).args[0] for k in p.folds}
            needed |= {self.kernel.outputs[i] for i in p.outputs}
            for k in range(self.total - 1, -1, -1):
                if k not in needed or not self.full(k):
                    continue
                if k in known:
                    self.kept.add(k)
                elif k >= self.first:
                    p.compute.insert(0, k)
                    needed.update(self.stage(k).args)
                else:
                    p.loads.insert(0, k)
            if held:
                known.update(p.loads, p.compute)
