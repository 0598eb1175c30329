"""The graph cache: interprets first-seen and tiny graphs, lowers and keeps plans for the hot and the large.

What enters: a graph. What leaves: the values of its outputs. Keys are full tuples, compared in full;
bounded by the nodes of the keys it holds.
"""

from typing import Any

from .._base import config
from ..ir.graph import Graph, Key
from .counters import COUNTERS
from .interpret import interpret

# Work (elements over all nodes) from which a graph is compiled when first seen.
LARGE = 1 << 20


def run(graph: Graph) -> list[Any]:
    """Values of the graph's outputs."""
    return interpret(graph, graph.outputs)
