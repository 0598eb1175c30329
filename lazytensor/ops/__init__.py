"""Floor 2: the table. One row per primitive, a file per family; nothing above names ops in lists of
its own.
"""

from typing import Any

from ..ir.builder import g
from ..ir.node import Node
from ..ir.op import ROWS
from . import (
    activation,
    bits,
    contract,
    create,
    elementwise,
    factor,
    fft,
    gather,
    iterated,
    linalg,
    maxima,
    movement,
    philox,
    random,
    reduce,
    scan,
    special,
    walks,
    windows,
)

__all__ = [
    "ROWS",
    "activation",
    "bits",
    "contract",
    "create",
    "elementwise",
    "factor",
    "fft",
    "g",
    "gather",
    "iterated",
    "linalg",
    "maxima",
    "movement",
    "philox",
    "random",
    "reduce",
    "scan",
    "special",
    "walks",
    "windows",
]


def _operators() -> dict[str, Any]:
    """Operators of nodes, so that rules read as formulas. Strict, as the rows are."""
    return {
        "__add__": lambda x, y: g.add(x, y),
        "__radd__": lambda x, y: g.add(y, x),
        "__sub__": lambda x, y: g.subtract(x, y),
        "__rsub__": lambda x, y: g.subtract(y, x),
        "__mul__": lambda x, y: g.multiply(x, y),
        "__rmul__": lambda x, y: g.multiply(y, x),
        "__truediv__": lambda x, y: g.divide(x, y),
        "__rtruediv__": lambda x, y: g.divide(y, x),
        "__neg__": lambda x: g.negative(x),
    }


for _name, _operator in _operators().items():
    setattr(Node, _name, _operator)
