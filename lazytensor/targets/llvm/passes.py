"""How a kernel goes over its rows: passes, what each computes, reads and keeps.

What enters: a Kernel. What leaves: passes. A pass folds or stores what can be computed once the
folds of earlier passes are known. A value that several passes need is computed again, or, where
that is dear, kept in memory for the row. It must not know IR.
"""

from functools import lru_cache

from ..._base.dtypes import DType, float32, float64
from ...lower.cost import cost, names
from ...lower.kernel import Kernel, Stage
from ...lower.order import Order, combine
from ...ops._eager import INEXACT

# What recomputing a value may cost before it is kept: an addition is 1.
DEAR = 8


class Pass:
    """Numbers of values: `rows` are computed before the pass, once a row; `compute` for each
    column; `reads` are read from memory, `saves` kept there; `outputs` counts outputs, `totals`
    what is added up over rows.
    """

    __slots__ = ("compute", "folds", "outputs", "reads", "rows", "saves", "totals")

    def __init__(self) -> None:
        self.rows: list[int] = []
        self.compute: list[int] = []
        self.reads: list[int] = []
        self.folds: list[int] = []
        self.saves: list[int] = []
        self.outputs: list[int] = []
        self.totals: list[int] = []


def keeps_place(kernel: Kernel, stage: Stage) -> bool:
    """Whether a reduction is to a place."""
    return combine(kernel, stage) in ("argmax", "argmin")


def _stage_cost(kernel: Kernel, stage: Stage) -> int:
    return 0 if stage.reduces else cost(stage.op, _dtypes(kernel, stage), stage.params)


def _names(kernel: Kernel, stage: Stage) -> tuple[str, ...]:
    """The instructions of an elementwise stage, none of others."""
    return () if stage.reduces else names(stage.op, _dtypes(kernel, stage), stage.params)


def _dtypes(kernel: Kernel, stage: Stage) -> tuple[DType, ...]:
    return tuple(kernel.dtype(a) for a in stage.args)


def work(kernel: Kernel) -> int:
    """What a kernel costs for each element, roughly in additions."""
    return sum(_stage_cost(kernel, stage) for stage in kernel.stages)


def has_functions(kernel: Kernel) -> bool:
    """Whether a kernel computes elementary functions."""
    return any(not INEXACT.isdisjoint(_names(kernel, stage)) for stage in kernel.stages)


def most_live(kernel: Kernel) -> int:
    """How many values that vary are known at once, at most, in the order of the stages."""
    first, last = len(kernel.inputs) + len(kernel.constants), {}
    for k, stage in enumerate(kernel.stages, first):
        last.update(dict.fromkeys((*stage.args, k), k))
    last.update(dict.fromkeys(kernel.outputs, first + len(kernel.stages)))
    live = {k for k, x in enumerate(kernel.inputs) if any(x.axes)}
    most = len(live)
    for k, stage in enumerate(kernel.stages, first):
        most = max(most, len(live) + 2 * (len(_names(kernel, stage)) > 1))
        live = {v for v in live | {k} if last.get(v, 0) > k}
    return max(most, len(live))


class Passes(Order):
    """The passes of a kernel, in order; `last` are values of rows that come after them."""

    def __init__(self, kernel: Kernel) -> None:
        super().__init__(kernel)
        outputs = (k for k in kernel.outputs if self.full(k))
        due = map(self.due, (*self.folds(), *outputs, *kernel.totals))
        self.passes = [Pass() for _ in range(max(due, default=1))]
        for k in self.folds():
            self.passes[self.due(k) - 1].folds.append(k)
        self._outputs()
        self.saved = self._saved()
        rows, self.last = self.rows(len(self.passes))
        for number, p in enumerate(self.passes, 1):
            p.rows = rows[number - 1]
            p.saves = [k for k, at in self.saved.items() if at == number]
            stop = {k for k, at in self.saved.items() if at < number}
            p.compute, p.reads = self._sweep(self._wanted(p), stop)

    def cost(self, p: Pass) -> int:
        """What a pass costs for each column, roughly in additions."""
        return sum(_stage_cost(self.kernel, self.stage(k)) for k in p.compute)

    def divisors(self, p: Pass) -> list[int]:
        """What a pass divides by, in single or double precision."""
        stages = (self.stage(k) for k in p.compute)
        divided = (s for s in stages if _names(self.kernel, s) == ("div",))
        return sorted({s.args[-1] for s in divided if s.dtype in (float32, float64)})

    def _outputs(self) -> None:
        for i, k in enumerate(self.kernel.outputs):
            if self.full(k):
                self.passes[self.due(k) - 1].outputs.append(i)
        sweeps = [self._sweep(self._wanted(p), set()) for p in self.passes]
        for i, k in enumerate(self.kernel.totals):
            due = self.due(k) - 1
            known = (n for n, (values, reads) in enumerate(sweeps) if k in values or k in reads)
            self.passes[next((n for n in known if n >= due), due)].totals.append(i)

    def _wanted(self, p: Pass) -> list[int]:
        """What a pass has to compute: arguments of its folds, its outputs and what it keeps."""
        folded = [self.stage(k).args[0] for k in p.folds]
        added = [self.kernel.totals[i] for i in p.totals]
        return folded + added + [self.kernel.outputs[i] for i in p.outputs] + p.saves

    def _sweep(self, roots: list[int], stop: set[int]) -> tuple[list[int], list[int]]:
        """What computing some values takes: stages in order, and what is read from memory."""
        needed, compute, reads = set(roots), [], []
        for k in range(self.total - 1, self.first - 1, -1):
            if k not in needed or not self.full(k):
                continue
            if k in stop:
                reads.append(k)
            else:
                compute.append(k)
                needed.update(self.stage(k).args)
        inputs = [k for k in range(len(self.kernel.inputs)) if k in needed and self.full(k)]
        return compute[::-1], inputs + reads

    def _costs(self) -> list[int]:
        """What computing each value from memory takes, shared parts counted for each use."""
        costs = [0] * self.first
        for stage in self.kernel.stages:
            own = _stage_cost(self.kernel, stage)
            shared = 0 if stage.reduces else sum(costs[a] for a in stage.args)
            costs.append(min(own + shared, 1 << 30))
        return costs

    def _saved(self) -> dict[int, int]:
        """Values kept for later passes -> the pass that keeps them."""
        saved: dict[int, int] = {}
        if len(self.passes) == 1:
            return saved
        costs = self._costs()
        sweeps = [set(self._sweep(self._wanted(p), set())[0]) for p in self.passes]
        for late in range(1, len(sweeps)):
            for early in range(late):
                for k in self._frontier(sweeps[early] & sweeps[late], sweeps[late], late):
                    if costs[k] > DEAR:
                        saved.setdefault(k, early + 1)
        return saved

    def _frontier(self, both: set[int], late: set[int], number: int) -> list[int]:
        """Those of the values in both passes that something else of the late pass reads."""
        readers = (self.stage(k).args for k in late - both)
        asked = {a for args in readers for a in args}.union(self._wanted(self.passes[number]))
        return sorted(both & asked)


def kept(plan: Passes) -> list[int]:
    """Values that a function keeps for later passes in memory of its own."""
    return [k for k in plan.saved if k not in plan.kernel.outputs]


@lru_cache(256)
def planned(kernel: Kernel) -> Passes:
    """The passes of a kernel, which nobody changes."""
    return Passes(kernel)


def own(kernel: Kernel) -> tuple[DType, ...]:
    """The dtypes of columns that a kernel's function keeps for a row: values, then totals."""
    values = kept(planned(kernel)) if kernel.reduced else []
    return tuple(kernel.dtype(k) for k in (*values, *kernel.totals))
