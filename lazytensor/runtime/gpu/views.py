"""Calls that show the memory of their argument: on a device, and of stubs that lie as arrays would.

What enters: a call, and arrays of CuPy's or of NumPy's. What leaves: a view; None where there is
none. It reads no element.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..._base.shapes import Shape
from ...lower.account import is_view
from ...lower.kernel import Call
from ...ops.movement import broadcast_to, reshape
from ...ops.windows import windows
from .memory import there

Ints = tuple[int, ...]


def view_of(step: Call, args: Sequence[Any]) -> Any:
    """What a call shows of its argument, if it needs no copy; else None."""
    if step.index is not None:
        return args[0][step.index]
    if step.op is reshape:
        return _reshaped(args[0], step.shape)
    if step.op is broadcast_to:  # whose value column is for memory of the host
        return np.broadcast_to(args[0], step.shape)
    if step.op is windows and there(args[0]):
        return _windowed(args[0], step.shape, *step.params)
    if is_view(step.op):
        return (step.op.view or step.op.value)(np, *args, *step.params)
    return None


def _reshaped(x: Any, shape: Any) -> Any:
    found = x.view()
    try:
        found.shape = shape
    except AttributeError:
        return None
    return found


def _windowed(x: Any, shape: Shape, sizes: Ints, strides: Ints, dilations: Ints) -> Any:
    """All windows (…, *sizes, *counts) of an array of CuPy's, whose own function for them has the
    device tell it how large they are.
    """
    lead, axes = x.strides[: x.ndim - len(sizes)], x.strides[x.ndim - len(sizes) :]
    steps = (a * n for a, n in zip((*axes, *axes), (*dilations, *strides), strict=True))
    return type(x)(shape, x.dtype, x.data, (*lead, *steps))
