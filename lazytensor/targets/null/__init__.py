"""The null target: plans and counts, runs nothing; results have shape and dtype, and zeros for
elements.

What enters: steps. What leaves: arrays that take no memory.
"""

from typing import Any

import numpy as np

from ..._base.dtypes import DType
from ..._base.shapes import Shape


def nothing(shape: Shape, dtype: DType) -> np.ndarray[Any, Any]:
    """A read-only array of zeros, all of them one element."""
    return np.broadcast_to(np.zeros((), dtype), shape)
