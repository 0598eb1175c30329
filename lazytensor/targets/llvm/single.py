"""Kernels of one instruction, over vectors.

What enters: an instruction's name, how its operands lie. What leaves: what `launch` takes. It must
not know graphs.
"""

from typing import Any, NamedTuple

from ..._base.dtypes import DType
from ...lower.kernel import FULL, Constant, Input, Kernel, Stage
from .form import SAME, UNIT, Form
from .run import Functions


class _Instruction(NamedTuple):
    """What a stage takes for a row: one instruction."""

    name: str
    kind: str = "elementwise"

    def body(self, s: Any, *args: Any) -> Any:
        """The instruction alone."""
        return getattr(s, self.name)(*args)


def words(functions: Functions, name: str, dtype: DType, same: tuple[bool, ...]) -> bytes:
    """For an instruction on operands one element after another, or the same for all."""
    kernel = _kernel(name, (dtype,) * len(same))
    form = Form((*(SAME if s else UNIT for s in same), UNIT), 0)
    return functions.words(kernel, form, dtype.itemsize)


def _kernel(name: str, dtypes: tuple[DType, ...]) -> Kernel:
    """A kernel over one axis that carries out one instruction."""
    inputs = tuple(Input(d, FULL, (True,)) for d in dtypes)
    constants: tuple[Constant, ...] = ()
    stage: Any = Stage(_Instruction(name), (), tuple(range(len(dtypes))), dtypes[0], FULL)  # type: ignore[arg-type]
    return Kernel(1, 0, inputs, constants, (stage,), (len(dtypes),))
