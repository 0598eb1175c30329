"""What computing an element takes, roughly in additions.

What enters: operations with dtypes. What leaves: numbers. It must not know targets.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from .._base.dtypes import DType, kind
from ..ir.op import Op
from ..ir.scalar import instructions
from ..ops._eager import INEXACT

_COSTS = {"div": 5, "sqrt": 5, "floordiv": 10, "mod": 10, "fmod": 10}
FUNCTION = 20


def names(op: Op, dtypes: Sequence[DType], params: tuple[Any, ...]) -> tuple[str, ...]:
    """The instructions of an elementwise operation for an element, none of others."""
    return instructions(op.body, tuple(dtypes), params) if op.kind == "elementwise" else ()


@lru_cache(4096)
def cost(op: Op, dtypes: tuple[DType, ...], params: tuple[Any, ...]) -> int:
    """What an operation on arguments of some dtypes takes."""
    several = any(kind(d) == "c" for d in dtypes)
    own = (FUNCTION if n in INEXACT else _COSTS.get(n, 1) for n in names(op, dtypes, params))
    return sum(own) * (3 if several else 1)
