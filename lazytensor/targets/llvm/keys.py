"""What decides the text of a kernel's function, told alike in every process: code is found by it
before anything is written.

What enters: a kernel and its form. What leaves: a text, or None where some part can't be told. It
must not know how functions are written; what writes them is told apart by `sources`.
"""

from functools import cache
from typing import Any

import numpy as np

from ..._base.dtypes import DType
from ..._base.record import Record, compared
from ...ir.scalar import steps
from ...lower.kernel import Constant, Input, Kernel, Stage
from .form import Form


class _Untold(Exception):
    """A part is no plain data."""


def key_of(kernel: Kernel, form: Form) -> str | None:
    """Two kernels with one key have one text. Which axes a buffer varies along is a part of it only
    where some are folded; how many axes there are is none.
    """
    try:
        told = [
            (name, _FIELDS.get(name, _plain)(getattr(kernel, name), kernel))
            for name in _told(Kernel, "rank")
        ]
        return repr((*told, *(_plain(getattr(form, name)) for name in _told(Form))))
    except _Untold:
        return None


@cache
def _told(of: type[Record], *besides: str) -> tuple[str, ...]:
    """The fields by which two are compared, but for some."""
    return tuple([name for name in compared(of) if name not in besides])


def _plain(value: Any, kernel: Kernel | None = None) -> Any:
    """Data of tuples, dtypes, text and numbers, whose `repr` is the same in every process."""
    if value is None or type(value) in (str, int, bool):
        return value
    if isinstance(value, np.dtype):
        return _name(value)
    if isinstance(value, tuple):
        return tuple([_plain(v) for v in value])
    raise _Untold(value)


@cache
def _name(dtype: DType) -> str:
    return dtype.name  # which NumPy makes each time


def _inputs(inputs: tuple[Input, ...], kernel: Kernel) -> Any:
    names = _told(Input, "axes")
    varies = (lambda axes: axes) if kernel.reduced else any
    return [(varies(x.axes), *(_plain(getattr(x, n)) for n in names)) for x in inputs]


def _constants(constants: tuple[Constant, ...], kernel: Kernel) -> Any:
    names = _told(Constant)
    return [tuple([_plain(getattr(c, n)) for n in names]) for c in constants]


def _stages(stages: tuple[Stage, ...], kernel: Kernel) -> Any:
    names = _told(Stage, "op", "params")
    return [
        (stage.op.name, _body(stage, kernel), *(_plain(getattr(stage, n)) for n in names))
        for stage in stages
    ]


def _body(stage: Stage, kernel: Kernel) -> Any:
    """What a stage does with an element: parameters and rows are in there."""
    kind = stage.op.kind
    if kind == "movement":
        return kind
    if kind not in ("elementwise", "reduce"):
        raise _Untold(kind)
    dtypes = tuple([kernel.dtype(a) for a in stage.args])
    both = (dtypes[0],) * 2 if stage.reduces else dtypes
    return kind, steps(stage.op.body, both, () if stage.reduces else stage.params)


_FIELDS: dict[str, Any] = {"inputs": _inputs, "constants": _constants, "stages": _stages}
