"""NumPy with the target's own elementary functions in place of NumPy's.

Whether an operation is interpreted, fused, or left to the reference, it has the same bits: value
columns and the reference's kernels compute with this module. What enters: arrays. What leaves:
arrays. It must not know graphs.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..._base.dtypes import DType, float32, float64
from ...ir.scalar import INSTRUCTIONS
from ...lower.kernel import FULL, Constant, Input, Kernel, Stage
from ...ops._eager import FUNCTIONS as OF_NUMPY
from .emit import Form
from .functions import FUNCTIONS
from .memory import SAME, UNIT


@dataclass(frozen=True, slots=True)
class _Instruction:
    """What a stage takes for a row: one instruction."""

    name: str
    kind: str = "elementwise"

    def body(self, s: Any, *args: Any) -> Any:
        """The instruction alone."""
        return getattr(s, self.name)(*args)


def single(name: str, dtypes: tuple[DType, ...]) -> Kernel:
    """A kernel over one axis that carries out one instruction."""
    inputs = tuple(Input(d, FULL, (True,)) for d in dtypes)
    constants: tuple[Constant, ...] = ()
    stage: Any = Stage(_Instruction(name), (), tuple(range(len(dtypes))), dtypes[0], FULL)  # type: ignore[arg-type]
    return Kernel(1, 0, inputs, constants, (stage,), (len(dtypes),))


class Function:
    """A function of arrays, as a ufunc of one or two: the target's own for single and double
    precision, NumPy's for all other dtypes.
    """

    def __init__(self, name: str, functions: Any) -> None:
        self.__name__ = name
        self._other: Any = getattr(np, OF_NUMPY[name], None)
        self._arity = INSTRUCTIONS[name][0]
        self._functions = functions
        self._known: dict[Any, bytes] = {}

    def __call__(self, x: Any, *rest: Any, out: Any = None) -> Any:
        arrays = [x, *rest[: self._arity - 1]]
        out = rest[-1] if len(rest) == self._arity else out
        dtypes = {getattr(a, "dtype", None) for a in arrays}
        if len(dtypes) > 1 or not dtypes <= {float32, float64}:
            return self._other(*arrays) if out is None else self._other(*arrays, out=out)
        return self._call([np.asarray(a) for a in arrays], out)

    def __getattr__(self, name: str) -> Any:
        """What a ufunc has besides, such as `accumulate`, is NumPy's."""
        return getattr(self._other, name)

    def _call(self, arrays: list[Any], out: Any) -> Any:
        shape = arrays[0].shape
        if len(arrays) > 1:
            shape = np.broadcast_shapes(*(a.shape for a in arrays))
        whole = out is not None and out.flags.c_contiguous
        result = out if whole else np.empty(shape, arrays[0].dtype)
        if result.size:
            self._fill(arrays, result)
        if out is not None and not whole:
            out[...] = result
        return result if out is None else out

    def _fill(self, arrays: list[Any], result: Any) -> None:
        for i, a in enumerate(arrays):
            if a.size != 1 and (a.shape != result.shape or not a.flags.c_contiguous):
                arrays[i] = np.ascontiguousarray(np.broadcast_to(a, result.shape))
        forms = tuple([SAME if a.size == 1 and result.size > 1 else UNIT for a in arrays])
        words = self._known.get((result.dtype, forms))
        if words is None:
            kernel = single(self.__name__, (result.dtype,) * len(arrays))
            form = Form((*forms, UNIT), 0)
            words = self._functions.words(kernel, form, result.dtype.itemsize)
            self._known[result.dtype, forms] = words
        self._functions.launch(words, 0, result.size, *arrays, result)


def replacements(functions: Any) -> dict[str, Function]:
    """By NumPy's names."""
    return {OF_NUMPY[name]: Function(name, functions) for name in FUNCTIONS}
