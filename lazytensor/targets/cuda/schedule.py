"""In which order a kernel folds and stores: passes over the columns of a row.

What enters: a Kernel. What leaves: passes, of which each folds or stores what can be computed once
the folds of earlier ones are known. It must not know CUDA C.
"""

from dataclasses import dataclass, field

from ...lower.kernel import Kernel
from ...lower.order import Order


@dataclass(slots=True)
class Pass:
    """Numbers of values: `rows` are computed before the pass, once a row; `compute` for each
    column, from inputs that it `loads` and from what was computed for earlier passes; `folds` are
    folded, `outputs` counts the outputs that are stored, and `totals` the totals that are summed
    over rows.
    """

    rows: list[int] = field(default_factory=list)
    loads: list[int] = field(default_factory=list)
    compute: list[int] = field(default_factory=list)
    folds: list[int] = field(default_factory=list)
    outputs: list[int] = field(default_factory=list)
    totals: list[int] = field(default_factory=list)


class Schedule(Order):
    """The passes of a kernel; `last` are values of rows that come after them. Where values are
    `held`, a pass loads and computes only what earlier ones have not; `kept` are those of its
    values that later passes read.
    """

    def __init__(self, kernel: Kernel, held: bool) -> None:
        super().__init__(kernel)
        folds = self.folds()
        outputs = [(i, k) for i, k in enumerate(kernel.outputs) if self.full(k)]
        due = map(self.due, (*folds, *(k for _, k in outputs), *kernel.totals))
        self.passes = [Pass() for _ in range(max(due, default=1))]
        for k in folds:
            self.passes[self.due(k) - 1].folds.append(k)
        for i, k in outputs:
            self.passes[self.due(k) - 1].outputs.append(i)
        for i, k in enumerate(kernel.totals):
            self.passes[self.due(k) - 1].totals.append(i)
        rows, self.last = self.rows(len(self.passes))
        for p, known in zip(self.passes, rows, strict=True):
            p.rows = known
        self.kept: set[int] = set()
        self._sweeps(held)

    def _sweeps(self, held: bool) -> None:
        """What each pass loads and computes."""
        known: set[int] = set()
        for p in self.passes:
            needed = {self.stage(k).args[0] for k in p.folds}
            needed |= {self.kernel.outputs[i] for i in p.outputs}
            needed |= {self.kernel.totals[i] for i in p.totals}
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
