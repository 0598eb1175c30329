"""In which order a kernel can fold and store: after which passes over its columns a value is known.

What enters: a Kernel. What leaves: numbers of passes. It must not know targets.
"""

from ..ir.scalar import instructions
from .kernel import FULL, Kernel, Stage


def combine(kernel: Kernel, stage: Stage) -> str:
    """The instruction by which a reduction combines two values."""
    dtype = kernel.dtype(stage.args[0])
    (name,) = instructions(stage.op.body, (dtype, dtype), ())
    return name


class Order:
    """Stages of a kernel by the numbers of their values, and after which pass each is `ready`:
    its arguments are known; a fold's own pass is one more.
    """

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel
        self.first = len(kernel.inputs) + len(kernel.constants)
        self.total = self.first + len(kernel.stages)
        self.ready = [0] * self.first
        for stage in kernel.stages:
            known = max([self.ready[a] for a in stage.args], default=0)
            self.ready.append(known + stage.reduces)

    def stage(self, k: int) -> Stage:
        """The stage of a value."""
        return self.kernel.stages[k - self.first]

    def full(self, k: int) -> bool:
        """Whether a value varies along the columns."""
        return (not self.kernel.reduced and k >= self.first) or self.kernel.level(k) == FULL

    def reduces(self, k: int) -> bool:
        """Whether a value is a fold."""
        return k >= self.first and self.stage(k).reduces

    def due(self, k: int) -> int:
        """The pass in which a value is folded or stored."""
        return self.ready[k] + (not self.reduces(k))

    def folds(self) -> list[int]:
        """All folds."""
        return [k for k in range(self.first, self.total) if self.reduces(k)]

    def rows(self, passes: int) -> tuple[list[list[int]], list[int]]:
        """Other values of rows: those that are known before each of so many passes, and the rest,
        which come last.
        """
        found: list[list[int]] = [[] for _ in range(passes + 1)]
        for k in range(self.first, self.total):
            if not (self.full(k) or self.reduces(k)):
                found[min(self.ready[k], passes)].append(k)
        return found[:-1], found[-1]
