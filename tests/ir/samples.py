"""A valid application of every row of the table, found by trying what the row accepts."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from lazytensor._base.devices import CPU
from lazytensor._base.dtypes import STANDARD, canonical
from lazytensor.ir.node import Node, apply, leaf, placeholder
from lazytensor.ir.op import Op
from lazytensor.transform.ruled import Rule

SHAPES = ((3,), (3, 3), (2, 3, 3), (), (3, 3, 3))

# What a parameter may be, by its name in the row; any other name is tried with all of these.
PARAMS: dict[str, tuple[Any, ...]] = {
    "shape": ((3,), (3, 3), (9,), (6, 6), (1, 3), (5,)),
    "axes": ((0,), (1, 0), (0, 1)),
    "starts": ((0,), (0, 0)),
    "sizes": ((2,), (2, 2)),
    "steps": ((1,), (1, 1)),
    "dtype": tuple(map(canonical, ("float64", "int64", "complex64", "uint32"))),
    "device": (CPU,),
    "n": (5,),
    "index": (0,),
    "axis": (0,),
    "side": ("left",),
    "mode": ("reduced",),
    "family": ("legendre_p",),
    "order": (1,),
    "kernel": ((1,),),
    "strides": ((1,), (1, 1)),
    "dilations": ((1,), (1, 1)),
    "pads": (((0, 0),),),
    "groups": (1,),
    "counts": ((1,), (1, 1)),
    "hermitian": (False, True),
    "rule": (Rule(lambda *_: (), None, (2, 0, 0), False),),
}
ANYTHING: tuple[Any, ...] = (0, 1, True, 3, 0.5, (0,), (3,), None, "", *PARAMS["dtype"])


def _operands(op: Op) -> Iterator[tuple[Node, ...]]:
    count = 2 if op.arity is None else op.arity
    dtypes = [d for d in (*STANDARD, canonical("bool")) if d.kind in op.domain]
    dtypes.sort(key=lambda d: d.name not in ("float32", "int64"))
    for shape, dtype in itertools.product(SHAPES, dtypes or STANDARD):
        x = leaf(np.ones(shape, dtype))
        yield tuple(leaf(np.ones(shape, dtype)) for _ in range(count))
        index, condition = leaf(np.zeros((3,), np.int64)), leaf(np.ones(shape, np.bool_))
        yield (x, *(index for _ in range(count - 1)))
        yield (x, x, *(index for _ in range(count - 1)))
        yield x, x, leaf(np.ones(3, dtype)), index, index
        yield leaf(np.ones(2, dtype)), leaf(np.ones((), dtype))
        yield (condition, *(x for _ in range(count - 1)))
        yield x, leaf(np.ones((*shape[:-2], 2), dtype))
        yield x, leaf(np.ones(shape[1:], dtype))


def _several(op: Op) -> Iterator[tuple[Node, ...]]:
    """Operands of `pick`: a node with two outputs."""
    pair = placeholder(((3,), (2,)), (canonical("float32"), canonical("int64")), CPU, 0)  # type: ignore[arg-type]
    yield (pair,)


def sample(op: Op) -> Node:
    """A node of that row, with whichever arguments and parameters it takes."""
    candidates = _several(op) if op.name == "pick" else _operands(op)
    params = [PARAMS.get(name, ANYTHING) for name in op.params]
    for args in candidates:
        if args and args[0].dtype in STANDARD and args[0].dtype.kind not in op.domain:
            continue
        if op.arity not in (None, len(args)):
            continue
        for given in itertools.product(*params):
            try:
                return apply(op, args, given)
            except (TypeError, ValueError, IndexError, AttributeError, KeyError):
                continue
    raise AssertionError(f"no sample found for row {op.name!r} with parameters {op.params}")
