"""Calls that show the memory of their argument: on a device, and of stubs that lie as arrays would.

What enters: a call, and arrays of CuPy's or of NumPy's. What leaves: a view; None where there is
none. It reads no element.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...lower.account import is_view
from ...lower.kernel import Call
from ...ops.movement import broadcast_to, reshape


def view_of(step: Call, args: Sequence[Any]) -> Any:
    """What a call shows of its argument, if it needs no copy; else None."""
    if step.index is not None:
        return args[0][step.index]
    if step.op is reshape:
        return _reshaped(args[0], step.shape)
    if step.op is broadcast_to:  # whose value column is for memory of the host
        return np.broadcast_to(args[0], step.shape)
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
