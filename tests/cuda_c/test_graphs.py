"""Random graphs as CUDA C: the reference's bits for every kernel, whatever the layout of leaves."""

import random
from collections.abc import Callable
from unittest import mock

import pytest
from llvm.graphs import Graph, arrays, draw

from lazytensor.targets.cuda import launches

from .cases import Case, cases, check
from .harness import compiler

# What each part of the sample must reach.
REACHED = """
flat wide 1, flat wide 2, flat wide 4, flat spread, flat unit, flat same, flat strided,
flat 0 outer, flat 1 outer, flat several outer, along held, along whole, along blocks, along rest,
along 0 outer, along 1 outer, along several outer, across held, across whole, across 1 outer
"""
PARTS = 4


def graph(seed: int) -> list[Case]:
    """The cases of a graph."""
    rng = random.Random(seed)
    program = draw(lambda below: rng.randrange(below))
    return cases(Graph(program, arrays(program)).asked(program.asked), f"graph {seed}")


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("part", range(PARTS))
def test_random_graphs(part: int, effort: Callable[[int, int], int]) -> None:
    compiler()
    count = effort(125, 500)
    found = [c for seed in range(part * count, (part + 1) * count) for c in graph(seed)]
    with mock.patch.object(launches, "NARROW", (1 << 31) * (part % 2)):
        seen = check(found)
    missing = {way.strip() for way in REACHED.split(",")} - set(seen)
    assert not missing, seen
    assert seen["unsupported"] < len(found) // 10
