"""Kernels of one instruction, over vectors.

What enters: an instruction's name, how its operands lie. What leaves: a kernel and its form. It
must not know graphs.
"""

from typing import Any

from ..._base.dtypes import DType
from ..._base.record import Record
from ...lower.kernel import FULL, Input, Kernel, Stage
from .form import SAME, UNIT, Form


class _Instruction(Record, frozen=True):
    """What a stage takes for a row: one instruction."""

    name: str
    kind: str = "elementwise"

    def body(self, s: Any, *args: Any) -> Any:
        """The instruction alone."""
        return getattr(s, self.name)(*args)


def single(name: str, dtype: DType, same: tuple[bool, ...]) -> tuple[Kernel, Form]:
    """For an instruction on operands one element after another, or the same for all."""
    count = len(same)
    inputs = (Input(dtype, FULL, (True,)),) * count
    stage: Any = Stage(_Instruction(name), (), tuple(range(count)), dtype, FULL)  # type: ignore[arg-type]
    form = Form((*(SAME if s else UNIT for s in same), UNIT), 0)
    return Kernel(1, 0, inputs, (), (stage,), (count,)), form
