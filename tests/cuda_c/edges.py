"""Arguments of rows: numbers at which something changes, in all combinations."""

from collections.abc import Iterator
from typing import Any

import numpy as np

import lazytensor._base.dtypes as d
from lazytensor.ir.node import Node, leaf
from lazytensor.ir.op import ROWS, Op
from lazytensor.ops import g

FLOATS = [
    0.0, 1.0, np.inf, np.nan, 5e-324, 1e-40, 60000.0, 1e300, 2.5, 0.5, 2.0, 3.5, 0.3, 300.7,
    128.9, 2.0**31, 2.0**32, 2.0**63, 2.0**64, 1e10, 6e-8, 65519.0, 65520.0, 3.4e38, 0.49999997,
]  # fmt: skip
PARTS = [0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, 1e-40, -60000.0, 2.5]
INTEGERS = [0, 1, 2, 3, 5, 7, 8, 15, 16, 31, 32, 33, 63, 64, 100]


def numbers(dtype: d.DType) -> np.ndarray:
    """The numbers of a dtype."""
    letter = d.kind(dtype)
    if letter == "b":
        return np.array([False, True])
    if letter in "iu":
        info = np.iinfo(dtype)
        every = [*INTEGERS, *(-i for i in INTEGERS), info.min, info.min + 1, info.max, info.max - 1]
        return np.array(sorted({i for i in every if info.min <= i <= info.max}), dtype)
    with np.errstate(all="ignore"):
        if letter == "c":
            return np.array([complex(x, y) for x in PARTS for y in PARTS]).astype(dtype)
        return np.array([*FLOATS, *(-np.array(FLOATS))]).astype(dtype)


def _arguments(op: Op, dtype: d.DType) -> list[np.ndarray]:
    x = numbers(dtype)
    if op.name == "where":
        return [np.array([True, False])[:, None, None], x[:, None], x]
    count = op.arity or 1
    return [x.reshape(-1, *(1,) * k) for k in range(count - 1, -1, -1)]


def every(dtype: d.DType, dtypes_of: Any) -> Iterator[tuple[str, Node]]:
    """All elementwise rows with arguments of a dtype: what it is, and the node."""
    for name, op in ROWS.items():
        if op.kind != "elementwise" or dtype not in dtypes_of(op):
            continue
        arguments = _arguments(op, dtype)
        for to in (*d.STANDARD, d.float16, d.bfloat16()) if op.params else (None,):
            params = () if to is None else (to,)
            yield (
                f"{name} {dtype.name} {to or ''}",
                getattr(g, name)(*map(leaf, arguments), *params),
            )
