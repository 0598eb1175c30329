"""Kernels of the native target: random small graphs have the interpreter's bits, whatever the
layout of leaves, the sizes and the number of threads; and bugs that were found so.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

pytest.importorskip("llvmlite")

from lazytensor._base import config
from lazytensor.ir.node import Node, leaf
from lazytensor.ops import g
from lazytensor.runtime.materialize import materialize

from .running import same


def data(*shape: int, dtype: str = "float32") -> np.ndarray:
    return np.random.default_rng(3).standard_normal(shape).astype(dtype)


def agrees(program: Callable[..., Node | Sequence[Node]], *arrays: Any) -> None:
    """Compiled, a program has the bits that it has when it is interpreted."""
    found = []
    for how in ("interpret", "compile"):
        with config.context(target="llvm", execution=how):
            out = program(*map(leaf, arrays))
            nodes = (out,) if isinstance(out, Node) else tuple(out)
            materialize(nodes)
            found.append([n.value for n in nodes])
    for want, got in zip(*found, strict=True):
        same(got, want, False, "compiled")


# --- bugs that were found -------------------------------------------------------------------------


@pytest.mark.parametrize(("shape", "axes"), [((40000, 3), (0,)), ((200, 200, 3), (0, 1))])
def test_a_long_row_with_an_argument_of_rows_that_keeps_axes(
    shape: tuple[int, ...], axes: tuple[int, ...]
) -> None:
    """All rows were combined with the argument's first element."""
    kept = tuple(1 if a in axes else n for a, n in enumerate(shape))
    agrees(lambda x, w: g.reshape(g.sum(x, axes), kept) * w, data(*shape), data(*kept))


def test_the_reference_takes_arguments_with_as_many_axes_as_rows() -> None:
    """What is left to it along inner axes failed: a matrix was taken for a number for each row."""

    def program(x: Node, y: Node) -> Node:
        return g.sum(g.cast(x, np.dtype("float64")) * y, (0, 2))

    agrees(program, data(7, 3, 7, 5, dtype="float16"), data(7, 5, dtype="float64"))
