"""Operands of every shape that broadcasts into a row kernel: compiled is interpreted, to the bit.

Spaces with equal sizes are the ones where an operand could be taken for a row value.
"""

import itertools
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from lazytensor._base import config
from lazytensor.ir.node import Node, leaf
from lazytensor.ops import g
from lazytensor.ops.reduce import kept_shape
from lazytensor.runtime.materialize import value

Shape = tuple[int, ...]
Program = Callable[[Node, Node, Shape], Node]
SPACES = [
    (shape, tuple(range(len(shape) - n, len(shape))))
    for shape in [(3, 3), (3, 3, 3), (2, 3, 3), (3, 2, 3), (2, 3, 4), (2, 2, 3, 3)]
    for n in range(1, len(shape))
]


def narrower(shape: Shape) -> Iterator[Shape]:
    """Every shape that broadcasts to this one."""
    for start in range(len(shape) + 1):
        yield from itertools.product(*({1, n} for n in shape[start:]))


def kept(x: Node, axes: Shape) -> Node:
    return g.reshape(g.sum(x, axes), kept_shape(x, axes))


FULL: dict[str, Program] = {
    "after": lambda x, w, axes: g.exp(x) / kept(g.exp(x), axes) * w,
    "before": lambda x, w, axes: g.sum(x * w, axes),
    "both": lambda x, w, axes: (x * w) / kept(x * w, axes),
}
KEPT: dict[str, Program] = {
    "row": lambda x, w, axes: kept(x, axes) * w,
    "spread": lambda x, w, axes: x - kept(x, axes) * w,
}
DROPPED: dict[str, Program] = {
    "row": lambda x, w, axes: g.sum(x, axes) * w,
    "spread": lambda x, w, axes: x - g.reshape(g.sum(x, axes) * w, kept_shape(x, axes)),
}


def check(programs: dict[str, Program], shape: Shape, axes: Shape, operand: Shape) -> None:
    rng = np.random.default_rng([*shape, 0, *operand])
    x, w = rng.normal(size=shape), rng.normal(size=operand)
    for name, program in programs.items():
        with config.context(execution="interpret"):
            want = value(program(leaf(x), leaf(w), axes))
        with config.context(execution="compile"):
            got = value(program(leaf(x), leaf(w), axes))
        np.testing.assert_array_equal(
            got, want, err_msg=f"{name}: {operand} in {shape} over {axes}"
        )


@pytest.mark.parametrize(("shape", "axes"), SPACES)
def test_operands_of_a_row_kernel(shape: Shape, axes: Shape) -> None:
    for operand in set(narrower(shape)):
        check(FULL, shape, axes, operand)
    for operand in set(narrower(tuple(1 if a in axes else n for a, n in enumerate(shape)))):
        check(KEPT, shape, axes, operand)
    for operand in set(narrower(shape[: axes[0]])):
        if len(operand) == axes[0]:
            check(DROPPED, shape, axes, operand)
